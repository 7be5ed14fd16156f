# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Helm or kubectl deployed before is taken over without a gap, and given back."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.chart.migrate import migrate
from ansible_collections.openvino.edge.plugins.module_utils.verify import entry as status
from helmkit import LABELS, NAME, VALUES, chart_deployment, chart_service
from kubernetes.client.exceptions import ApiException
from serving import COLLECTIONS, Server


@pytest.fixture
def server(
    shop: Any,
    make_namespace: Any,
    make_pvc: Any,
    make_server: Callable[..., Server],
    fill: Any,
    server_image: str,
) -> Server:
    """A server that the chart deployed, ready, and the options that are to take it over."""
    namespace = make_namespace(shop, "baseline")
    fill(shop, namespace, make_pvc(shop, namespace))
    options = migrate(VALUES, NAME)["options"]
    made = make_server(shop, namespace, adopt=True, strategy="RollingUpdate", **options)
    deployment = chart_deployment(server_image)
    shop.apps.create_namespaced_deployment(namespace, deployment, field_manager="helm")
    shop.core.create_namespaced_service(namespace, chart_service("NodePort"), field_manager="helm")
    shop.wait_until(lambda: bool(_deployment(made).status.ready_replicas), "the chart's pod", 60)
    return made


def _deployment(server: Server) -> Any:
    return server.cluster.apps.read_namespaced_deployment(NAME, server.namespace)


def _service(server: Server) -> Any:
    return server.cluster.core.read_namespaced_service(NAME, server.namespace)


@contextmanager
def no_gap(server: Server) -> Iterator[None]:
    """Ask the Service all the time; one unlucky request per change of endpoints may fail."""
    answers: list[bool] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                server.cluster.core.connect_get_namespaced_service_proxy_with_path(
                    f"{NAME}:rest", server.namespace, "v2/health/ready", _request_timeout=5
                )
                answers.append(True)
            except Exception:  # whatever it is, a client would have had no answer
                answers.append(False)
            time.sleep(0.1)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert len(answers) > 5
    assert not any(not a and not b for a, b in zip(answers, answers[1:])), answers


def test_a_chart_is_taken_over_without_a_gap_and_given_back(server: Server) -> None:
    before, port = _deployment(server), _service(server).spec.ports[1].node_port
    with pytest.raises(InputError) as refused:
        server.run(adopt=None)
    assert "adopt: true" in str(refused.value)

    predicted = server.run(check=True, diff=True)
    assert predicted["changed"] and predicted["reload"] == "rolling_restart"
    done = {item["kind"]: item["action"] for item in predicted["objects"]}
    assert done["Deployment"] == done["Service"] == "updated"
    assert "left-over" not in predicted["diff"]["before"]
    assert "adopted-from" not in predicted["diff"]["after"]
    same = _deployment(server)
    assert same.metadata.resource_version == before.metadata.resource_version

    with no_gap(server):
        taken = server.run()
    assert {item["kind"]: item["action"] for item in taken["objects"]} == done
    assert taken["carrier"] == "proxy"
    after = _deployment(server)
    assert after.metadata.uid == before.metadata.uid
    assert after.spec.selector.match_labels == LABELS
    (container,) = after.spec.template.spec.containers
    assert not container.env, "what only the chart set is gone"
    assert [mount.mount_path for mount in container.volume_mounts] == ["/models", "/config", "/tmp"]
    assert after.metadata.annotations["meta.helm.sh/release-name"] == NAME
    service = _service(server)
    assert service.spec.selector == {"app": NAME} and service.spec.type == "ClusterIP"
    server.until({"adder:1": "AVAILABLE"})
    assert any("helm uninstall" in warning for warning in server.warnings)

    again = server.run()
    assert not again["changed"], again
    assert not server.run(adopt=False)["changed"], "adopt is needed once"
    server.run(service_type="NodePort", log_level="DEBUG", adopt=False)
    assert _deployment(server).spec.selector.match_labels == LABELS

    assert server.run(check=True, state="returned")["changed"]
    with no_gap(server):
        returned = server.run(state="returned")
    assert returned["changed"]
    back = _deployment(server)
    assert back.spec.template.to_dict() == before.spec.template.to_dict()
    assert back.metadata.labels == before.metadata.labels
    assert _service(server).spec.selector == {"app": NAME}
    assert _service(server).spec.ports[1].target_port == 8081 and port
    assert server.made() == []
    managers = {entry.manager for entry in back.metadata.managed_fields}
    assert "openvino.edge" not in managers and "helm" in managers
    assert not server.run(state="returned")["changed"]


def test_on_a_host_path_the_new_pod_comes_first(
    shop: Any, make_namespace: Any, make_server: Any, fill: Any, server_image: str
) -> None:
    namespace = make_namespace(shop, "privileged")
    root = "/var/lib/openvino-edge/adopt"
    volume = {"hostPath": {"path": root, "type": "DirectoryOrCreate"}}
    with shop.visitor(namespace, volume, uid=0, read_only=False) as visitor:
        visitor.sh("mkdir -p /store/models && chmod 777 /store /store/models")
    fill(shop, namespace, volume)
    deployment = chart_deployment(server_image)
    pod = deployment["spec"]["template"]["spec"]
    pod["volumes"] = [{"name": "models", "hostPath": {"path": root, "type": "Directory"}}]
    shop.apps.create_namespaced_deployment(namespace, deployment, field_manager="helm")
    shop.core.create_namespaced_service(namespace, chart_service(), field_manager="helm")
    server = make_server(shop, namespace, name=NAME, pvc=None, host_path={"path": root}, adopt=True)
    shop.wait_until(lambda: bool(_deployment(server).status.ready_replicas), "the chart's pod", 60)

    with no_gap(server):
        server.run()
    settled = _deployment(server).spec.strategy.rolling_update
    assert (settled.max_surge, settled.max_unavailable) == (0, 1)
    assert not server.run()["changed"]
    server.run(state="absent")


def test_labels_that_mean_something_else_and_ports_without_names(
    shop: Any, make_namespace: Any, make_pvc: Any, make_server: Any, fill: Any, server_image: str
) -> None:
    namespace = make_namespace(shop, "baseline")
    fill(shop, namespace, make_pvc(shop, namespace))
    labels = {"app.kubernetes.io/name": "vision", "app.kubernetes.io/managed-by": "kubectl"}
    deployment, service = chart_deployment(server_image), chart_service()
    deployment["spec"]["selector"]["matchLabels"] = labels
    deployment["spec"]["template"]["metadata"]["labels"] = {**labels, "app": NAME}
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container["name"] = "model-server"
    container["ports"] = [{"containerPort": 8080}, {"containerPort": 8081}]
    container["readinessProbe"]["httpGet"]["port"] = 8081
    shop.apps.create_namespaced_deployment(namespace, deployment, field_manager="kubectl-create")
    shop.core.create_namespaced_service(namespace, service, field_manager="kubectl-create")
    server = make_server(shop, namespace, name=NAME, adopt=True, strategy="RollingUpdate")
    shop.wait_until(lambda: bool(_deployment(server).status.ready_replicas), "the old pod", 60)
    with no_gap(server):
        server.run()
    spec = _deployment(server).spec
    assert spec.selector.match_labels == labels
    assert [one.name for one in spec.template.spec.containers] == ["ovms"]
    assert _service(server).spec.selector == {"app": NAME}
    assert not server.run()["changed"]
    (pod,) = server.pods()
    assert pod.metadata.labels["app.kubernetes.io/name"] == "vision"
    server.run(state="absent")
    assert server.made() == []


def test_a_daemon_set_takes_the_place_of_an_adopted_deployment(server: Server) -> None:
    """Only in two steps; the Service keeps its selector and answers all the time."""
    with pytest.raises(InputError, match="only a Deployment can take its place"):
        server.run(workload="DaemonSet")
    server.run()
    with no_gap(server):
        there = server.run(workload="DaemonSet")
    assert there["reload"] == "rolling_restart" and there["replicas"]["ready"] == 1
    assert any("can no longer be given back" in text for text in server.warnings)
    assert not server.run(workload="DaemonSet")["changed"]
    assert _service(server).spec.selector == {"app": NAME}
    assert not server.cluster.apps.list_namespaced_deployment(server.namespace).items
    with no_gap(server):
        server.run()
    assert not server.run()["changed"]


def test_what_an_operator_owns_is_refused(server: Server) -> None:
    owner = server.cluster.core.create_namespaced_config_map(
        server.namespace, {"metadata": {"name": "owner"}}
    )
    reference = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": "owner",
        "uid": owner.metadata.uid,
        "controller": True,
    }
    body = {"metadata": {"ownerReferences": [reference]}}
    server.cluster.apps.patch_namespaced_deployment(NAME, server.namespace, body)
    with pytest.raises(InputError) as refused:
        server.run()
    assert "ConfigMap owner owns it" in str(refused.value)
    assert server.made() == []


def looked_at(work: Path, task: dict[str, Any]) -> dict[str, Any]:
    """Run the task that shows what becomes of values; return what it shows."""
    (work / "values.yaml").write_text(yaml.safe_dump(VALUES))
    copy = {"content": "{{ shown.msg | to_json }}", "dest": str(work / "shown.json")}
    tasks = [{**task, "register": "shown"}, {"ansible.builtin.copy": {**copy, "mode": "0600"}}]
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    (work / "play.yml").write_text(json.dumps([play]))
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "play.yml"]
    done = subprocess.run(
        [*command, "-e", f"ansible_python_interpreter={sys.executable}"],
        cwd=work,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shown: dict[str, Any] = json.loads((work / "shown.json").read_text())
    return shown


def test_the_examples_of_the_page_work_as_they_are_written(server: Server, tmp_path: Path) -> None:
    """The chart's server is taken over and given back by docs/from-helm.md."""
    page = Path(__file__).parents[3] / "docs" / "from-helm.md"
    found = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    look, adopt, back = (yaml.safe_load(block)[0] for block in found)
    shown = looked_at(tmp_path, look)
    assert shown["options"]["pvc"] == {"claim_name": "models"} and shown["options"]["name"] == NAME
    given = {**adopt["openvino.edge.model_server"], "namespace": server.namespace}
    assert given["models"] == [{"name": "resnet", "versions": [1]}]
    given["models"] = shown["options"]["models"]
    with no_gap(server):
        assert server.run(**given)["changed"]
    server.until({"adder:1": "AVAILABLE"})
    given = {**back["openvino.edge.model_server"], "namespace": server.namespace}
    assert server.run(**given)["changed"]
    assert _deployment(server).spec.template.spec.containers[0].args[0] == "--model_path"


def test_case_26_clients_keep_the_documented_ports(
    shop: Any, make_namespace: Any, make_pvc: Any, make_server: Any, fill: Any, server_image: str
) -> None:
    namespace = make_namespace(shop, "baseline")
    fill(shop, namespace, make_pvc(shop, namespace))
    deployment, service = chart_deployment(server_image), chart_service()
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    ports = {"8080": "9000", "8081": "8000"}
    container["args"] = [ports.get(word, word) for word in container["args"]]
    container["ports"] = [{"containerPort": 9000}, {"containerPort": 8000, "name": "rest"}]
    service["spec"]["ports"] = [
        {"name": "grpc", "port": 9000, "targetPort": 9000},
        {"name": "rest", "port": 8000, "targetPort": 8000},
    ]
    other = {**service, "metadata": {"name": "other-svc"}}
    shop.apps.create_namespaced_deployment(namespace, deployment, field_manager="kubectl-create")
    for item in (service, other):
        shop.core.create_namespaced_service(namespace, item, field_manager="kubectl-create")
    server = make_server(shop, namespace, name=NAME, adopt=True, strategy="RollingUpdate")
    shop.wait_until(lambda: bool(_deployment(server).status.ready_replicas), "the old pod", 60)
    with no_gap(server):
        taken = server.run()
    assert taken["endpoints"]["rest"] == f"{NAME}.{namespace}.svc:8000"
    assert [port.port for port in _service(server).spec.ports] == [9000, 8000]
    assert any("other-svc leads to the pods" in text for text in server.warnings)
    for name in (f"{NAME}:rest", "other-svc:rest"):
        answer = shop.core.connect_get_namespaced_service_proxy_with_path(
            name, namespace, "v2/health/ready", _request_timeout=5
        )
        assert answer is not None
    assert not server.run()["changed"]
    checked = {"namespace": namespace, "name": NAME, "kubeconfig": server.args()["kubeconfig"]}
    params = dict.fromkeys(status.ARGUMENT_SPEC)
    defaults = {k: v["default"] for k, v in status.ARGUMENT_SPEC.items() if "default" in v}
    assert status.run({**params, **defaults, **checked}, Runtime())["available"]


def as_helm_4(server: Server, manifest: dict[str, Any], *, force: bool = False) -> Any:
    """Apply a manifest as Helm 4 does: on the server's side, in its own name, never by force.

    Its ``--force-conflicts`` is ``force``.
    """
    meta = manifest["metadata"]
    kind = "Deployment" if "replicas" in manifest["spec"] else "Service"
    apps, core = server.cluster.apps, server.cluster.core
    of_kind = {
        "Deployment": ("apps/v1", apps.patch_namespaced_deployment),
        "Service": ("v1", core.patch_namespaced_service),
    }
    version, patch = of_kind[kind]
    return patch(
        meta["name"],
        server.namespace,
        {"apiVersion": version, "kind": kind, **manifest},
        field_manager="helm",
        force=force,
        _content_type="application/apply-patch+yaml",
    )


def test_case_68_helm_4_works_again_after_giving_back(
    shop: Any, make_namespace: Any, make_pvc: Any, make_server: Any, fill: Any, server_image: str
) -> None:
    namespace = make_namespace(shop, "baseline")
    fill(shop, namespace, make_pvc(shop, namespace))
    server = make_server(shop, namespace, name=NAME, adopt=True, strategy="RollingUpdate")
    release = [chart_deployment(server_image), chart_service()]
    for manifest in release:
        as_helm_4(server, manifest)
    shop.wait_until(lambda: bool(_deployment(server).status.ready_replicas), "the chart's pod", 60)
    owned = fields_of(server)

    server.run()
    with pytest.raises(ApiException) as refused:
        as_helm_4(server, release[0])
    assert refused.value.status == 409 and "openvino.edge" in str(refused.value.body)
    for options in ({}, {"log_level": "DEBUG"}):
        server.run(**options)
    server.run(state="returned")
    assert fields_of(server) == owned

    upgrade = chart_deployment(server_image)
    container = upgrade["spec"]["template"]["spec"]["containers"][0]
    container["args"] = [*container["args"], "--grpc_workers", "2"]
    container.pop("env")
    for manifests in ([upgrade, release[1]], release):
        for manifest in manifests:
            as_helm_4(server, manifest)
    (container,) = _deployment(server).spec.template.spec.containers
    assert "--grpc_workers" not in container.args, "the second of both was a roll-back"

    server.run()
    as_helm_4(server, release[0], force=True)
    (container,) = _deployment(server).spec.template.spec.containers
    assert container.args[0] == "--model_path", "Helm's --force-conflicts overwrites"


def test_what_helm_4_has_overwritten_is_not_taken_for_gone(
    shop: Any, make_namespace: Any, make_pvc: Any, make_server: Any, fill: Any, server_image: str
) -> None:
    """Its removal is refused, whoever runs it, before what its pods may need is removed."""
    namespace = make_namespace(shop, "baseline")
    fill(shop, namespace, make_pvc(shop, namespace))
    server = make_server(shop, namespace, name=NAME, adopt=True, strategy="RollingUpdate")
    as_helm_4(server, chart_deployment(server_image))
    as_helm_4(server, chart_service())
    server.run()
    as_helm_4(server, chart_deployment(server_image), force=True)
    before = server.made()
    for check in (True, False):
        with pytest.raises(InputError, match=r"state: returned.*helm uninstall.*adopt: true"):
            server.run(state="absent", check=check)
    assert server.made() == before and _deployment(server)
    assert server.run(wait=False)["changed"], "it is taken over once more"
    assert server.run(state="absent", wait=False)["changed"]
    assert server.made() == [] and not server.run(state="absent", wait=False)["changed"]


def fields_of(server: Server) -> dict[str, Any]:
    """Return who owns which fields, but for what controllers write."""
    return {
        f"{item.kind or type(item).__name__} {entry.manager} {entry.operation}": entry.fields_v1
        for item in (_deployment(server), _service(server))
        for entry in item.metadata.managed_fields
        if entry.subresource is None and entry.manager != "kube-controller-manager"
    }
