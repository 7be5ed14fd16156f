# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that read their models from real stores outside of the cluster, or from an image."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ForbiddenError,
    GateError,
    InputError,
)
from ansible_collections.openvino.edge.plugins.module_utils.preflight import rights
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.verify import entry as verify
from serving import ALL_OBJECTS, COLLECTIONS, FETCH, PYTHON, Server, run_in_pod
from stores import fill_bucket, host_address, load_models_image
from web.object_store import free_port, object_store
from web.other_stores import azure_store, google_store
from web.webkit import ForwardProxy, running

ROLES = Path(__file__).resolve().parents[3] / "roles"
RBAC = "rbac.authorization.k8s.io"
KEYS = ("edge-access-key", "edge-hidden-secret-key")
GIVEN = {"access_key_id": KEYS[0], "secret_access_key": KEYS[1]}
AZURE_KEY = base64.b64encode(b"edge-hidden-azure-key").decode()
SERVED = {"adder:1": "AVAILABLE"}
HIDDEN = (KEYS[1], base64.b64encode(KEYS[1].encode()).decode(), AZURE_KEY)

Make = Callable[..., Server]


@pytest.fixture(scope="module")
def address() -> str:
    """An address of this machine that pods of the cluster reach."""
    return host_address("shop")


@pytest.fixture(scope="module")
def buckets(tmp_path_factory: pytest.TempPathFactory, adders: dict[int, Any]) -> Path:
    """A directory with the bucket ``models``, in it ``plant/adder/{1,2}``."""
    directory = tmp_path_factory.mktemp("buckets")
    fill_bucket(directory / "models" / "plant" / "adder", adders)
    return directory


@pytest.fixture(scope="module")
def s3(buckets: Path, address: str) -> Iterator[dict[str, Any]]:
    """The options of an S3 server without credentials."""
    with object_store(buckets, address, KEYS) as endpoint:
        yield {"uri": "s3://models/plant", "endpoint": endpoint}


@pytest.fixture
def make(shop: Any, make_namespace: Any, make_server: Any) -> Make:
    """``make(**options)``: a server in a namespace under the level ``restricted``."""
    return lambda **options: make_server(
        shop, make_namespace(shop, "restricted"), pvc=None, **options
    )


def deployment(server: Server) -> dict[str, Any]:
    """Return the live Deployment as the API server shows it."""
    found: dict[str, Any] = json.loads(
        server.cluster.apps.read_namespaced_deployment(
            server.name, server.namespace, _preload_content=False
        ).data
    )
    return found


def uids(server: Server) -> set[str]:
    return {pod.metadata.uid for pod in server.pods()}


def nothing_hidden_in(*things: Any) -> None:
    text = json.dumps(things, default=str)
    assert [value for value in HIDDEN if value in text] == []


def test_s3_with_given_keys(make: Make, s3: dict[str, Any], tmp_path: Path) -> None:
    server = make(cloud={"s3": {**s3, **GIVEN}})
    predicted = server.run(check=True, diff=True)
    assert server.made() == []
    result = server.run(diff=True)
    assert {"kind": "Secret", "name": "ocr-credentials", "action": "created"} in result["objects"]
    server.until(SERVED)
    events = server.cluster.core.list_namespaced_event(server.namespace, _preload_content=False)
    shown = (predicted, result, deployment(server), events.data.decode(), server.warnings)
    nothing_hidden_in(*shown)
    assert "(hidden)" in result["diff"]["after"]

    before = uids(server)
    again = server.run()
    assert not again["changed"] and uids(server) == before
    as_task = server.run_in_worker(tmp_path)
    assert not as_task["changed"]
    nothing_hidden_in(as_task)
    nothing_hidden_in(server.run_as_module())

    newer = server.run(models=[{"name": "adder", "versions": [2]}])
    assert newer["reload"] == "config_reload" and uids(server) == before
    server.until({"adder:1": "END", "adder:2": "AVAILABLE"})

    server.run(state="absent", models=None)
    assert server.made() == []
    assert server.cluster.core.list_namespaced_secret(server.namespace).items == []


def test_rotated_keys_replace_the_pods(make: Make, s3: dict[str, Any]) -> None:
    server = make(cloud={"s3": {**s3, **GIVEN, "secret_access_key": "withdrawn"}})
    server.run()
    server.until({})
    before = uids(server)
    result = server.run(cloud={"s3": {**s3, **GIVEN}}, diff=True)
    assert result["reload"] == "rolling_restart"
    assert not before & uids(server)
    assert "AWS_SECRET_ACCESS_KEY: (hidden, changed)" in result["diff"]["after"]
    nothing_hidden_in(result)
    server.until(SERVED)


def test_an_existing_secret(make: Make, s3: dict[str, Any]) -> None:
    server = make(cloud={"s3": {**s3, "secret_name": "s3-login"}})
    with pytest.raises(InputError, match="Secret .*/s3-login: it does not exist"):
        server.run()
    body: dict[str, Any] = {
        "metadata": {"name": "s3-login"},
        "stringData": {"AWS_ACCESS_KEY_ID": KEYS[0]},
    }
    core = server.cluster.core
    core.create_namespaced_secret(server.namespace, body)
    with pytest.raises(InputError, match="no key AWS_SECRET_ACCESS_KEY"):
        server.run()
    assert server.made() == []
    body["stringData"]["AWS_SECRET_ACCESS_KEY"] = "withdrawn"
    core.patch_namespaced_secret("s3-login", server.namespace, body)
    server.run()
    assert server.made() == ALL_OBJECTS
    before = uids(server)
    assert not server.run()["changed"]
    body["stringData"]["AWS_SECRET_ACCESS_KEY"] = KEYS[1]
    core.patch_namespaced_secret("s3-login", server.namespace, body)
    assert server.run()["reload"] == "rolling_restart"
    assert not before & uids(server)
    server.until(SERVED)
    server.run(state="absent", models=None)
    assert [item.metadata.name for item in core.list_namespaced_secret(server.namespace).items] == [
        "s3-login"
    ]


@pytest.mark.standin("asks from inside the pod with the stand-in's own Python")
def test_through_a_proxy(make: Make, s3: dict[str, Any], address: str) -> None:
    with running(ForwardProxy(address)) as proxy:
        proxies = {"https_proxy": f"http://{proxy.place}", "no_proxy": [f"{address}/32"]}
        server = make(cloud={"s3": {**s3, **GIVEN}}, proxies=proxies)
        with pytest.raises(InputError) as caught:
            server.run()
        assert caught.value.option == "proxies.https_proxy"
        assert server.made() == []
        server.run(proxies={**proxies, "no_proxy": []})
        server.until(SERVED)
        assert any("/models/plant/adder/1/model.bin" in line for line in proxy.log)
        inside = f"http://ocr.{server.namespace}.svc:8081/v2"
        assert "OpenVINO Model Server" in run_in_pod(server, *PYTHON, FETCH, inside)
        assert {line.split("/")[2] for line in proxy.log} == {s3["endpoint"].split("/")[2]}


@pytest.mark.parametrize("login", ["", "edge:edge-hidden-proxy-word"])
def test_a_proxy_that_is_down_is_named(
    make: Make, s3: dict[str, Any], address: str, login: str
) -> None:
    port = free_port(address)
    url = f"http://{login}{'@' if login else ''}{address}:{port}"
    server = make(cloud={"s3": {**s3, **GIVEN}}, proxies={"https_proxy": url})
    server.run()
    asked = {**server.cluster.auth, "namespace": server.namespace, "name": "ocr"}
    asked |= {"models": server.options["models"], "stuck_after": 2, "wait_timeout": 30}
    status = partial(verify.run, rights.fill(verify.ARGUMENT_SPEC, asked), Runtime())
    with pytest.raises(GateError) as caught:
        status()
    assert f"not read through the proxy http://{address}:{port}" in str(caught.value)
    assert "proxies of openvino.edge.model_server" in str(caught.value.hint)
    assert "s3filesystem.cpp" in str(caught.value)
    if login:
        assert "hidden-proxy-word" not in str(caught.value) + json.dumps(caught.value.details)
    # It comes back, and so do the models.
    with running(ForwardProxy(address, login, port)) as proxy:
        server.until(SERVED)
        assert status()["available"] and proxy.log


def test_google(make: Make, buckets: Path, address: str) -> None:
    key_file = {"type": "service_account", "client_email": "edge@x", "private_key": "hidden"}
    with google_store(buckets, address) as endpoint:
        server = make(
            cloud={"gs": {"uri": "gs://models/plant", "credentials": key_file}},
            env={"CLOUD_STORAGE_EMULATOR_ENDPOINT": endpoint},
        )
        server.run()
        server.until(SERVED)


@pytest.mark.whole
def test_azure(make: Make, buckets: Path, address: str) -> None:
    with azure_store(buckets, address, AZURE_KEY) as text:
        server = make(cloud={"azure": {"uri": "az://models/plant", "connection_string": text}})
        result = server.run(diff=True)
        server.until(SERVED)
        nothing_hidden_in(result, deployment(server))


def test_with_the_shipped_rights_and_no_other(make: Make, s3: dict[str, Any]) -> None:
    server = make(cloud={"s3": {**s3, **GIVEN}})
    account = server.cluster.new_account()
    shipped = {item["metadata"]["name"]: item["rules"] for item in shipped_roles()}

    def grant(name: str) -> None:
        rbac, meta = server.cluster.rbac, {"metadata": {"name": name}}
        rbac.create_namespaced_role(server.namespace, {**meta, "rules": shipped[name]})
        reference = {"apiGroup": RBAC, "kind": "Role", "name": name}
        binding = {**meta, "roleRef": reference, "subjects": account.subjects}
        rbac.create_namespaced_role_binding(server.namespace, binding)
        account.until_rules(server.namespace, shipped[name])

    server.options["kubeconfig"] = str(account.kubeconfig)
    server.options.pop("context", None)
    grant("openvino-edge-deployer")

    def only_secrets() -> bool:
        text = lacking(server)
        return "get secrets" in text and "deployments" not in text

    server.cluster.wait_until(only_secrets, "only rights on Secrets are missing")
    assert server.made() == []
    grant("openvino-edge-credentials")
    server.cluster.wait_until(lambda: not lacking(server), "the second role works")
    server.run()
    server.until(SERVED)
    server.run(state="absent", models=None)
    assert server.made() == []


def lacking(server: Server) -> str:
    """Return which rights a run in check mode says are missing."""
    try:
        server.run(check=True)
    except ForbiddenError as error:
        return str(error)
    return ""


def shipped_roles() -> list[dict[str, Any]]:
    text = (ROLES / "preflight" / "files" / "rbac.yml").read_text(encoding="utf-8")
    items: list[dict[str, Any]] = yaml.safe_load(text)["items"]
    return items


def test_the_example_of_the_docs(make: Make, s3: dict[str, Any], tmp_path: Path) -> None:
    """The play as it is written, with the names of this lab put in."""
    server = make()
    text = (ROLES.parent / "docs" / "cloud.md").read_text(encoding="utf-8")
    (play,) = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])
    serve, verify = (next(iter(task.values())) for task in play["tasks"])
    serve["cloud"]["s3"].update(s3)
    serve["image"] = server.options["image"]
    for options in (serve, verify):
        options.update(server.cluster.auth, namespace=server.namespace)
        options["models"][0]["name"] = "adder"
    play["vars"] = {
        "vault_s3_key": KEYS[0],
        "vault_s3_secret": KEYS[1],
        "ansible_python_interpreter": sys.executable,
    }
    file = tmp_path / "play.yml"
    file.write_text(json.dumps([{**play, "hosts": "localhost"}]), encoding="utf-8")
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-vvv", "--diff"]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)}
    done = subprocess.run(
        [*command, str(file)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    nothing_hidden_in(done.stdout, done.stderr)
    server.until(SERVED)


@pytest.fixture(scope="module")
def models_image(tmp_path_factory: pytest.TempPathFactory, adders: dict[int, Any]) -> str:
    """An image with the models, on the nodes of the lab."""
    work = tmp_path_factory.mktemp("image")
    return load_models_image(work, "shop", "localhost/edge-test-models:1", {"adder": adders})


def test_an_image(make: Make, models_image: str) -> None:
    server = make(image_volume={"reference": models_image, "pull_policy": "Never"})
    server.run()
    server.until(SERVED)
    assert not server.run()["changed"]
    newer = server.run(models=[{"name": "adder", "versions": [2]}])
    assert newer["reload"] == "config_reload"


def test_an_image_that_is_not_there(make: Make) -> None:
    server = make(image_volume={"reference": "localhost/no-such-models:1", "pull_policy": "Never"})
    with pytest.raises(Exception, match="image localhost/no-such-models:1 cannot be had") as caught:
        server.run()
    assert "not done within" not in str(caught.value)
