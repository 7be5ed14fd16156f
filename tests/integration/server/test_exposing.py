# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients from outside, through a real controller (Contour) and with our certificate.

What is made for other controllers is judged by the API server only: they are not here.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import controllers
import grpc
import pytest
import tritonclient.grpc as triton
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ForbiddenError,
    InputError,
    WaitError,
)
from callers import infer_by_grpc
from kubernetes import client as k8s
from readers import read_all
from serving import ALL_OBJECTS, COLLECTIONS, Server, put_models
from tritonclient.utils import InferenceServerException

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "testbed")]

from web.authority import Authority  # noqa: E402
from web.ingress_controller import Controller  # noqa: E402

HOST, GRPC_HOST = "ocr.example.org", "grpc.ocr.example.org"
PATHS = {"rest": {"host": HOST}, "grpc": {"host": GRPC_HOST}}
RBAC = TESTS.parent / "roles" / "preflight" / "files" / "rbac.yml"
GROUP = "rbac.authorization.k8s.io"


@pytest.fixture
def server(shop: Any, place: str, make_server: Any) -> Server:
    """The server, exposed to nobody."""
    made: Server = make_server(shop, place)
    made.run()
    assert made.made() == ALL_OBJECTS
    return made


def ask(
    where: Controller, authority: Authority, path: str, body: Any = None
) -> tuple[int, Any, bytes]:
    """Ask over HTTPS as a client would that trusts the authority; return status, answer, peer."""
    context = ssl.create_default_context(cadata=authority.certificate)
    method, data = ("GET", b"") if body is None else ("POST", json.dumps(body).encode())
    head = f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(data)}\r\n"
    with (
        socket.create_connection((where.address, where.https), 10) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as secured,
    ):
        secured.sendall(f"{head}Connection: close\r\n\r\n".encode() + data)
        answer = HTTPResponse(secured)
        answer.begin()
        text = answer.read()
        peer = secured.getpeercert(binary_form=True) or b""
        return answer.status, json.loads(text) if text[:1] == b"{" else text, peer


def answers(where: Controller, authority: Authority) -> bool:
    try:
        return ask(where, authority, "/v2/models/adder/ready")[0] == 200
    except ssl.SSLCertVerificationError:
        raise
    except OSError:
        return False


def in_plain_text(where: Controller) -> tuple[int, str]:
    """Return status and new place for who forgets TLS."""
    with socket.create_connection((where.address, where.http), 10) as plain:
        plain.sendall(f"GET /v2 HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        answer = HTTPResponse(plain)
        answer.begin()
        return answer.status, answer.getheader("Location") or ""


def grpc_client(where: Controller, authority: Authority) -> Any:
    """A client that nobody here wrote, for gRPC over TLS."""
    return triton.InferenceServerClient(
        f"{where.address}:{where.https}",
        ssl=True,
        creds=grpc.ssl_channel_credentials(authority.certificate.encode()),
        channel_args=[("grpc.ssl_target_name_override", GRPC_HOST), ("grpc.enable_http_proxy", 0)],
    )


def lives(client: Any) -> bool:
    try:
        return bool(client.is_server_live(client_timeout=5))
    except InferenceServerException:
        return False


def time_limits(where: Controller) -> set[str]:
    """Return after how long Envoy cuts off the answers of our hosts, as it says itself."""
    with socket.socket(socket.AF_UNIX) as plain:
        plain.settimeout(10)
        plain.connect(str(where.admin))
        plain.sendall(b"GET /config_dump HTTP/1.1\r\nHost: envoy\r\nConnection: close\r\n\r\n")
        answer = HTTPResponse(plain)
        answer.begin()
        configs = json.loads(answer.read())["configs"]
    return {
        route["route"].get("timeout", "15s")
        for config in configs
        for item in config.get("dynamic_route_configs", ())
        for host in item["route_config"].get("virtual_hosts", ())
        if {HOST, GRPC_HOST} & set(host["domains"])
        for route in host["routes"]
        if "route" in route
    }


def actions(result: dict[str, Any]) -> dict[tuple[str, str], str]:
    changed = [item for item in result["objects"] if item["action"] != "unchanged"]
    return {(item["kind"], item["name"]): item["action"] for item in changed}


@pytest.mark.whole
def test_rest_and_grpc_reach_the_server_over_tls(
    server: Server, contour: Controller, edge_class: str
) -> None:
    authority = Authority()
    certificate, key = authority.issue(HOST, GRPC_HOST)
    exposed = {"controller": "contour", "class_name": edge_class, **PATHS}
    before = {pod.metadata.uid for pod in server.pods()}

    def run(pair: tuple[str, str], **how: Any) -> dict[str, Any]:
        tls = {"certificate": pair[0], "key": pair[1]}
        result = server.run(expose={**exposed, "tls": tls}, **how)
        assert "PRIVATE KEY" not in json.dumps(result)
        return result

    predicted = run((certificate, key), check=True, diff=True)
    assert server.made() == ALL_OBJECTS
    result = run((certificate, key), diff=True)
    assert actions(predicted) == actions(result) and result["reload"] == "none"
    assert result["exposed"] == {"rest": f"https://{HOST}", "grpc": f"{GRPC_HOST}:443"}
    assert not run((certificate, key))["changed"]

    server.cluster.wait_until(lambda: answers(contour, authority), "the Ingress is served", 30)
    assert time_limits(contour) == {"0s"}, "a long inference would be cut off"
    inputs = [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [0, 1, 2, 3]}]
    status, answer, peer = ask(contour, authority, "/v2/models/adder/infer", {"inputs": inputs})
    assert status == 200 and answer["outputs"][0]["data"] == [1.0, 2.0, 3.0, 4.0]
    assert peer == ssl.PEM_cert_to_DER_cert(certificate)
    (state,) = ask(contour, authority, "/v1/config")[1]["adder"]["model_version_status"]
    assert state["state"] == "AVAILABLE"
    assert ask(contour, authority, "/metrics")[0] == 404
    assert in_plain_text(contour) == (301, f"https://{HOST}/v2")
    client = grpc_client(contour, authority)
    server.cluster.wait_until(lambda: lives(client), "gRPC is served", 20)
    assert client.is_model_ready("adder") and infer_by_grpc(client) == [1.0, 2.0, 3.0, 4.0]
    stranger = grpc_client(contour, Authority())
    assert not lives(stranger), "its authority signed nothing"

    newer, newer_key = authority.issue(HOST, GRPC_HOST)
    rotated = run((newer, newer_key), diff=True)
    assert actions(rotated) == {("Secret", "ocr-tls"): "updated"}
    assert "tls.key: (hidden, changed)" in rotated["diff"]["after"]
    new = ssl.PEM_cert_to_DER_cert(newer)
    server.cluster.wait_until(
        lambda: ask(contour, authority, "/v2")[2] == new, "the new certificate is shown", 20
    )
    assert {pod.metadata.uid for pod in server.pods()} == before

    gone = server.run()
    assert set(actions(gone).values()) == {"deleted"} and len(actions(gone)) == 4
    assert server.made() == ALL_OBJECTS and not server.run()["changed"]
    server.cluster.wait_until(lambda: not answers(contour, authority), "nobody is let in", 20)


def test_an_existing_secret_is_judged_first(server: Server, edge_class: str) -> None:
    authority, core = Authority(), server.cluster.core
    expose = {**PATHS, "class_name": edge_class, "tls": {"secret_name": "site"}}

    def put(pair: tuple[str, str], kind: str = "kubernetes.io/tls") -> None:
        body = {"metadata": {"name": "site"}, "type": kind}
        if any(item.metadata.name == "site" for item in existing()):
            core.delete_namespaced_secret("site", server.namespace)
        data = {"tls.crt": pair[0], "tls.key": pair[1]}
        core.create_namespaced_secret(server.namespace, {**body, "stringData": data})

    def existing() -> list[Any]:
        return list(core.list_namespaced_secret(server.namespace).items)

    def refused(message: str) -> None:
        with pytest.raises(InputError, match=message):
            server.run(expose=expose)

    refused("Secret .*/site: it does not exist")
    put(authority.issue(HOST, GRPC_HOST), kind="Opaque")
    refused("its type is Opaque, and has to be kubernetes.io/tls")
    put(authority.issue(HOST))
    refused(f"does not cover {GRPC_HOST} of expose.grpc.host: it is for {HOST}")
    put(authority.issue(HOST, GRPC_HOST, days=-1))
    refused("the certificate expired on")
    put((authority.issue(HOST, GRPC_HOST)[0], authority.issue(HOST, GRPC_HOST)[1]))
    refused("the key is not that of the first certificate")
    with pytest.raises(InputError, match="IngressClass nowhere: the cluster has no such"):
        server.run(expose={**PATHS, "class_name": "nowhere", "controller": "traefik"})
    with pytest.raises(
        InputError, match=f"IngressClass {edge_class}: it is traefik, and the class"
    ):
        server.run(expose={**PATHS, "class_name": edge_class, "controller": "traefik"})
    assert server.made() == ALL_OBJECTS

    put(authority.issue(HOST, GRPC_HOST))
    assert server.run(expose=expose)["changed"] and not server.run(expose=expose)["changed"]
    assert any("Set contour, or give the annotations" in text for text in server.warnings)
    server.run(state="absent", models=None)
    assert [item.metadata.name for item in existing()] == ["site"], "it is somebody else's"
    assert (
        not k8s.NetworkingV1Api(server.cluster.api).list_namespaced_ingress(place_of(server)).items
    )
    core.delete_namespaced_secret("site", server.namespace)


def place_of(server: Server) -> str:
    namespace: str = server.namespace
    return namespace


@pytest.mark.parametrize("kind", ["haproxy", "nginx", "other", "traefik"])
def test_the_api_server_takes_what_is_for_others(server: Server, kind: str) -> None:
    expose = {"controller": kind, **PATHS, "tls": {"default_certificate": True}}
    predicted = server.run(expose=expose, check=True)
    assert actions(predicted) == {
        ("Service", "ocr-grpc"): "created",
        ("Ingress", "ocr-rest"): "created",
        ("Ingress", "ocr-grpc"): "created",
    }


def play_of_the_docs(number: int) -> dict[str, Any]:
    """Return the play as it is written."""
    text = (TESTS.parent / "docs" / "exposing.md").read_text(encoding="utf-8")
    plays = [part.split("```")[0] for part in text.split("```yaml\n")[1:]]
    (play,) = yaml.safe_load([part for part in plays if part.startswith("- hosts:")][number])
    found: dict[str, Any] = play
    return found


def run_play(play: dict[str, Any], folder: Path, **variables: Any) -> str:
    """Run a play on this machine; return what it printed."""
    file = folder / "play.yml"
    made = {**play, "hosts": "localhost", "vars": {**variables, "ansible_connection": "local"}}
    made["vars"]["ansible_python_interpreter"] = sys.executable
    file.write_text(json.dumps([made]), encoding="utf-8")
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-vvv", "--diff"]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)}
    done = subprocess.run(
        [*command, str(file)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_example_of_the_docs(server: Server, tmp_path: Path) -> None:
    """With the names of this lab put in; another class than the default one serves it."""
    play = play_of_the_docs(0)
    (task,) = play["tasks"]
    options = task["openvino.edge.model_server"]
    hosts = [options["expose"][side]["host"] for side in ("rest", "grpc")]
    certificate, key = Authority().issue(*hosts)
    (tmp_path / "ocr.pem").write_text(certificate, encoding="utf-8")
    options.update(server.cluster.auth, namespace=server.namespace, image=server.options["image"])
    options["models"][0]["name"] = "adder"
    printed = run_play(play, tmp_path, vault_ocr_key=key)
    assert "PRIVATE KEY" not in printed and key.splitlines()[1] not in printed
    found = k8s.NetworkingV1Api(server.cluster.api).list_namespaced_ingress(server.namespace).items
    assert sorted(item.metadata.name for item in found) == ["ocr-grpc", "ocr-rest"]
    server.run()


def test_a_client_runs_as_a_job(server: Server, agent_image: str, tmp_path: Path) -> None:
    play = play_of_the_docs(1)
    (task,) = play["tasks"]
    options = task["openvino.edge.objects"]
    options.update(server.cluster.auth)
    (job,) = options["definitions"]
    job["metadata"]["namespace"] = server.namespace
    (container,) = job["spec"]["template"]["spec"]["containers"]
    container["image"] = agent_image
    container["env"] = [
        {"name": "SERVER", "value": f"http://ocr.{server.namespace}.svc:8081"},
        {"name": "MODEL", "value": "adder"},
    ]
    run_play(play, tmp_path)
    batch = k8s.BatchV1Api(server.cluster.api)
    server.cluster.wait_until(
        lambda: batch.read_namespaced_job("ocr-client", server.namespace).status.succeeded == 1,
        "the Job ends well",
        60,
    )
    (pod,) = server.cluster.core.list_namespaced_pod(
        server.namespace, label_selector="job-name=ocr-client"
    ).items
    log = server.cluster.core.read_namespaced_pod_log(pod.metadata.name, server.namespace)
    assert "'data': [1.0, 2.0, 3.0, 4.0]" in log
    batch.delete_namespaced_job("ocr-client", server.namespace, propagation_policy="Background")


def test_routes_are_made_and_pruned(server: Server) -> None:
    authority = Authority()
    certificate, key = authority.issue(HOST, GRPC_HOST)
    tls = {"certificate": certificate + authority.certificate, "key": key}
    expose: dict[str, Any] = {"controller": "openshift", **PATHS, "tls": tls}
    with pytest.raises(InputError, match=r"^expose\.grpc\.tls: the router offers HTTP/2"):
        server.run(expose=expose)
    own = dict(zip(("certificate", "key"), authority.issue(GRPC_HOST)))
    expose["grpc"] = {**PATHS["grpc"], "tls": own}
    with pytest.raises(InputError, match=r"expose\.controller: the cluster has no Route"):
        server.run(expose=expose)
    with controllers.routes_served(server.cluster):
        made = server.run(expose=expose)
        names = {name for kind, name in actions(made) if kind == "Route"}
        assert names == {"ocr-rest-v1", "ocr-rest-v2", "ocr-rest-v3", "ocr-grpc"}
        assert any("no router has said" in text for text in server.warnings)
        assert not server.run(expose=expose)["changed"]
        where = (server.cluster, "route.openshift.io/v1", "Route", server.namespace)
        found = {name: item["spec"] for name, item in read_all(*where).items()}
        assert set(found) == names
        assert found["ocr-grpc"]["tls"]["externalCertificate"] == {"name": "ocr-tls-grpc"}
        assert found["ocr-rest-v2"]["to"]["name"] == "ocr"
        assert "PRIVATE KEY" not in json.dumps(found)
        kept = {"controller": "openshift", "rest": {"host": HOST, "paths": ["/"]}}
        assert actions(server.run(expose=kept)) == {
            **{("Route", name): "deleted" for name in names},
            ("Route", "ocr-rest"): "created",
            ("Secret", "ocr-tls"): "deleted",
            ("Secret", "ocr-tls-grpc"): "deleted",
            ("Service", "ocr-grpc"): "deleted",
        }
        assert actions(server.run()) == {("Route", "ocr-rest"): "deleted"}
        assert read_all(*where) == {}


def test_71_what_the_router_says_is_told_and_it_looks_again(server: Server) -> None:
    """With the Role of the docs, made after the first run."""
    certificate, key = Authority().issue(HOST)
    tls = {"certificate": certificate, "key": key}
    expose = {"controller": "openshift", "rest": PATHS["rest"], "tls": tls}
    text = (TESTS.parent / "docs" / "exposing.md").read_text(encoding="utf-8")
    (task,) = yaml.safe_load(text.split("## OpenShift")[1].split("```yaml\n")[1].split("```")[0])
    role, binding = task["openvino.edge.objects"]["definitions"]
    for item in (role, binding):
        item["metadata"]["namespace"] = server.namespace
    said = "router 'default' does not admit it: ExternalCertificateValidationFailed: .*permission"
    with (
        controllers.routes_served(server.cluster),
        controllers.Router(server.cluster, server.namespace),
    ):
        for changed in (True, False):
            with pytest.raises(WaitError, match=said) as caught:
                server.run(expose=expose)
            assert caught.value.details["changed"] is changed
        server.cluster.rbac.create_namespaced_role(server.namespace, role)
        server.cluster.rbac.create_namespaced_role_binding(server.namespace, binding)
        assert not server.run(expose=expose)["changed"]
        assert not any("Route" in text for text in server.warnings)
        server.run()
    server.cluster.rbac.delete_namespaced_role(role["metadata"]["name"], server.namespace)
    server.cluster.rbac.delete_namespaced_role_binding(
        binding["metadata"]["name"], server.namespace
    )


def test_the_rights_are_asked_for_only_when_used(
    shop: Any, make_namespace: Any, make_pvc: Any, make_server: Any, adders: Any
) -> None:
    namespace, account = make_namespace(shop, "restricted"), shop.new_account()
    put_models(shop, namespace, make_pvc(shop, namespace), adders)
    server = make_server(shop, namespace, kubeconfig=str(account.kubeconfig))
    shipped = {
        item["metadata"]["name"]: item["rules"]
        for item in yaml.safe_load(RBAC.read_text())["items"]
    }

    def grant(name: str) -> None:
        meta = {"metadata": {"name": name}}
        shop.rbac.create_namespaced_role(namespace, {**meta, "rules": shipped[name]})
        role = {"apiGroup": GROUP, "kind": "Role", "name": name}
        body = {**meta, "roleRef": role, "subjects": account.subjects}
        shop.rbac.create_namespaced_role_binding(namespace, body)
        account.until_rules(namespace, shipped[name])

    expose = {**PATHS, "tls": {"default_certificate": True}}
    grant("openvino-edge-deployer")
    server.run()
    with pytest.raises(ForbiddenError, match=r"list ingresses\.networking\.k8s\.io"):
        server.run(expose=expose)
    assert server.made() == ALL_OBJECTS
    grant("openvino-edge-server-options")
    assert server.run(expose=expose)["changed"] and not server.run(expose=expose)["changed"]
    assert server.run()["changed"] and server.made() == ALL_OBJECTS
