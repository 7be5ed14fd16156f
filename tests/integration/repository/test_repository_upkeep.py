# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Audit, repair and retention on real volumes, with stand-in servers that load what they serve."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import openvino
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server import entry as server_entry
from kubernetes.client import ApiException
from openvino import opset13

VOLUME = {"persistentVolumeClaim": {"claimName": "models"}}
REST_PORT = 8081


@pytest.fixture(scope="module")
def adders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of five versions of a real model that adds its version's number."""
    root = tmp_path_factory.mktemp("adders")
    for version in range(1, 6):
        data = opset13.parameter([1, 4], numpy.float32, name="x")
        constant = opset13.constant(numpy.full((1, 4), float(version), numpy.float32))
        model = openvino.Model([opset13.add(data, constant)], [data], "adder")
        folder = root / "adder" / str(version)
        folder.mkdir(parents=True)
        openvino.save_model(model, folder / "model.xml", compress_to_fp16=False)
    return root


@pytest.fixture
def store(shop: Any, make_namespace: Any, make_pvc: Any) -> dict[str, Any]:
    namespace = make_namespace(shop, "restricted")
    make_pvc(shop, namespace, "models", "1Gi")
    return {"namespace": namespace, "pvc": {"claim_name": "models"}}


def adder(*versions: int) -> list[dict[str, Any]]:
    return [{"name": "adder", "versions": list(versions)}]


def serve(
    cluster: Any, store: dict[str, Any], image: str, *versions: int, **more: Any
) -> dict[str, Any]:
    """Run a server of this collection with these versions."""
    args = {**cluster.auth, **store, "name": "ocr", "image": image, "models": adder(*versions)}
    args.update(more)
    rules = ArgumentSpecValidator(dict(server_entry.ARGUMENT_SPEC), **server_entry.SPEC_RULES)
    checked = rules.validate({**args, "wait_timeout": 120})
    assert not checked.error_messages, checked.error_messages
    return server_entry.run(checked.validated_parameters, Runtime())


def answers(cluster: Any, namespace: str) -> list[float]:
    """Return what each pod of the server adds to 0."""
    data = {"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [0, 0, 0, 0]}
    body = json.dumps({"inputs": [data]}).encode()
    pods = cluster.core.list_namespaced_pod(
        namespace, label_selector="openvino.edge/server=ocr"
    ).items
    found = []
    with KubeClient.from_params(cluster.auth) as client:
        for pod in pods:
            answer = client.pod_proxy(
                namespace,
                pod.metadata.name,
                REST_PORT,
                "POST",
                "/v2/models/adder/infer",
                body=body,
                headers={"Content-Type": "application/json"},
            )
            assert answer.status == 200, answer.body
            found.append(float(json.loads(answer.body)["outputs"][0]["data"][0]))
    return found


def foreign_server(image: str, version: int) -> dict[str, Any]:
    """Return a Deployment as a chart makes it: one model, by its command line."""
    policy = json.dumps({"specific": {"versions": [version]}})
    args = ["--model_name", "resnet", "--model_path", "/mnt/models/adder"]
    args += ["--model_version_policy", policy, "--port", "9000", "--rest_port", str(REST_PORT)]
    container = {
        "name": "ovms-app",
        "image": image,
        "args": args,
        "volumeMounts": [{"name": "repository", "mountPath": "/mnt", "readOnly": True}],
        "ports": [{"containerPort": REST_PORT}],
        "readinessProbe": {"httpGet": {"path": "/v2/health/ready", "port": REST_PORT}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod = {
        "securityContext": {
            "runAsUser": 5000,
            "runAsNonRoot": True,
            "fsGroup": 5000,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
        "volumes": [{"name": "repository", **VOLUME}],
    }
    labels = {"app": "chart"}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    return {"metadata": {"name": "chart"}, "spec": spec}


def states(cluster: Any, namespace: str, selector: str) -> list[dict[str, str]]:
    """Return what each pod itself reports, but for our marker: {"model/version": state}."""
    found = []
    for pod in cluster.core.list_namespaced_pod(namespace, label_selector=selector).items:
        body = cluster.core.connect_get_namespaced_pod_proxy_with_path(
            f"{pod.metadata.name}:{REST_PORT}", namespace, "v1/config", _preload_content=False
        ).data
        found.append(
            {
                f"{model}/{item['version']}": item["state"]
                for model, entry in json.loads(body).items()
                if not model.startswith("edge-config-")
                for item in entry["model_version_status"]
            }
        )
    return found


def left(listing: Any, cluster: Any, store: dict[str, Any]) -> list[int]:
    (target,) = listing(cluster, **store)["targets"]
    return [item["version"] for item in target["versions"]]


def test_retention_spares_what_servers_of_any_owner_use(
    shop: Any,
    store: dict[str, Any],
    adders: Path,
    copy: Any,
    listing: Any,
    server_image: str,
) -> None:
    namespace = store["namespace"]
    options = {"src": str(adders), "transport": "agent", **store}
    copy(shop, models=adder(1, 2, 3, 4), **options)
    serve(shop, store, server_image, 1)
    shop.apps.create_namespaced_deployment(namespace, foreign_server(server_image, 2))

    def ready() -> bool:
        return bool(shop.apps.read_namespaced_deployment("chart", namespace).status.ready_replicas)

    shop.wait_until(ready, "the chart's server is ready", 120)
    new = {**options, "models": adder(5)}
    dry = copy(shop, runtime=Runtime(check_mode=True, diff=True), keep_versions=1, **new)
    assert left(listing, shop, store) == [1, 2, 3, 4]
    real = copy(shop, keep_versions=1, **new)
    assert real["diff"] == dry["diff"]
    (target,) = real["targets"]
    assert target["versions_removed"] == ["adder/3", "adder/4"]
    by = {item["version"]: item["by"] for item in target["versions_in_use"]}
    assert by == {
        1: f"Deployment {namespace}/ocr",
        2: f"Deployment {namespace}/chart",
    }
    assert left(listing, shop, store) == [1, 2, 5]
    assert states(shop, namespace, "openvino.edge/server=ocr") == [{"adder/1": "AVAILABLE"}]
    assert states(shop, namespace, "app=chart") == [{"resnet/2": "AVAILABLE"}]
    assert not copy(shop, keep_versions=1, **new)["changed"]

    serve(shop, store, server_image, 5)
    pruned = copy(shop, prune=True, **new)
    assert pruned["targets"][0]["versions_removed"] == ["adder/1"]
    assert [item["version"] for item in pruned["targets"][0]["versions_in_use"]] == [2]
    with pytest.raises(InputError, match=f"in use: adder/2 by Deployment {namespace}/chart"):
        copy(shop, state="absent", models=adder(2), **store)
    copy(shop, state="absent", models=adder(2), force=True, **store)
    assert left(listing, shop, store) == [5]


def test_a_pod_that_nobody_understands_keeps_everything(
    shop: Any, store: dict[str, Any], adders: Path, copy: Any, listing: Any
) -> None:
    options = {"src": str(adders), "transport": "agent", **store}
    copy(shop, models=adder(1, 2), **options)
    runtime = Runtime()
    with shop.visitor(store["namespace"], VOLUME) as visitor:
        result = copy(shop, runtime=runtime, models=adder(3), prune=True, **options)
        assert result["targets"][0]["versions_removed"] == []
        assert any(
            f"pod {store['namespace']}/{visitor.pod} (container main)" in text
            and "not known to be a model server" in text
            for text in runtime.warnings
        )

    def gone() -> bool:
        pods = shop.core.list_namespaced_pod(store["namespace"]).items
        return not any(pod.metadata.name.startswith("visitor") for pod in pods)

    shop.wait_until(gone, "the visitor is gone")
    copy(shop, models=adder(3), prune=True, **options)
    assert left(listing, shop, store) == [3]


DAMAGE = """
cd /store/models/ocr/1
touch -r model.bin /tmp/stamp
printf x | dd of=model.bin bs=1 seek=1000 conv=notrunc 2>/dev/null
touch -r /tmp/stamp model.bin
rm model.xml
echo more > more.txt
chmod 600 'labels/a b ö.txt'
chown 0:0 ../../det/3/empty.txt
chmod 700 ../../det/3
echo damaged
"""


INODES = "cd /store/models && find . -type f | sort | xargs -d '\\n' stat -c '%i %y %n'"


@dataclass
class Site:
    """The same directory on two nodes, with the repository published."""

    factory: Any
    options: dict[str, Any]
    nodes: list[str]

    def shell(self, node: str, line: str) -> str:
        """Run a line as root where the store of a node is at /store."""
        volume = {"hostPath": {"path": self.options["host_path"]["path"]}}
        namespace = self.options["namespace"]
        with self.factory.visitor(namespace, volume, node=node, uid=0, read_only=False) as visitor:
            return str(visitor.sh(line)).strip()

    def inodes(self) -> list[set[str]]:
        """Return inode, time and name of the published files of each node."""
        return [set(self.shell(node, INODES).splitlines()) for node in self.nodes]


@pytest.fixture
def site(factory: Any, make_namespace: Any, source: Path, copy: Any) -> Iterator[Site]:
    path = f"/var/lib/openvino-edge/edge-test-{uuid.uuid4().hex[:8]}"
    options = {"namespace": make_namespace(factory, "privileged"), "host_path": {"path": path}}
    made = Site(factory, options, factory.nodes())
    copy(factory, src=str(source), **options)
    yield made
    above, name = path.rsplit("/", 1)
    made.options = {**options, "host_path": {"path": above}}
    for node in made.nodes:
        assert made.shell(node, f"rm -rf /store/{name}; ls -d /store/{name} 2>/dev/null") == ""


def test_damage_on_one_node_is_found(site: Site, source: Path, copy: Any, listing: Any) -> None:
    assert site.shell(site.nodes[1], DAMAGE) == "damaged"
    found = listing(site.factory, verify=True, **site.options)
    good, bad = found["targets"]
    assert good["sound"] and not bad["sound"]
    det, ocr = bad["versions"]
    assert (ocr["changed"], ocr["missing"]) == (["model.bin"], ["model.xml"])
    assert ocr["extra"] == ["more.txt"]
    assert [item["path"] for item in ocr["wrong_mode"]] == ["labels/a b ö.txt"]
    assert [item["path"] for item in det["wrong_mode"]] == ["."]
    assert [item["path"] for item in det["wrong_owner"]] == ["empty.txt"]
    assert found["summary"][0].endswith("sound") and "1 changed" in found["summary"][1]
    with pytest.raises(InputError, match=r"damaged.*repair: true"):
        copy(site.factory, src=str(source), **site.options)


@pytest.mark.parametrize("peers", [True, False])
def test_exactly_what_is_damaged_is_repaired(
    peers: bool, site: Site, source: Path, copy: Any, listing: Any
) -> None:
    options = {"src": str(source), "repair": True, "peers": peers, **site.options}
    before = site.inodes()
    assert site.shell(site.nodes[1], DAMAGE) == "damaged"
    dry = copy(site.factory, runtime=Runtime(check_mode=True, diff=True), **options)
    real = copy(site.factory, **options)
    assert real["diff"] == dry["diff"] and real["bytes_sent"] == dry["bytes_planned"]
    assert 0 < real["bytes_sent"] + real["bytes_from_peers"] < 2_600_000
    assert (real["bytes_sent"] == 0) is peers, "the other node has all that is needed"
    assert [len(item["versions_repaired"]) for item in real["targets"]] == [0, 2]
    assert listing(site.factory, verify=True, **site.options)["sound"]
    after = site.inodes()
    assert after[0] == before[0]
    untouched = {line.split(" ./")[1] for line in before[1] & after[1]}
    assert untouched == {"ocr/1/labels/a b ö.txt", "det/3/det.onnx", "det/3/empty.txt"}
    assert not copy(site.factory, **options)["changed"]


def test_a_running_server_lives_through_damage_and_repair(
    shop: Any, store: dict[str, Any], adders: Path, copy: Any, listing: Any, server_image: str
) -> None:
    """Who has the damaged file open goes on, and a new server loads what was restored."""
    options = {"src": str(adders), "transport": "agent", "models": adder(1), **store}
    copy(shop, **options)
    serve(shop, store, server_image, 1)
    line = "cd /store/models/adder/1 && head -c 5 model.bin > x && mv x model.bin && echo cut"
    with shop.visitor(store["namespace"], VOLUME, read_only=False) as visitor:
        before = visitor.sh(f"{line} && touch more && stat -c %i model.xml")
        assert before.startswith("cut")
        found = listing(shop, **store)
        assert [row["finding"] for row in found["findings"]] == ["touched", "extra", "changed"]
        repaired = copy(shop, repair=True, **options)
        (version,) = repaired["targets"][0]["versions_repaired"]
        assert (version["changed"], version["extra"]) == (["model.bin"], ["more"])
        assert (
            visitor.sh("stat -c %i /store/models/adder/1/model.xml") == before.split("\n")[1] + "\n"
        )
    assert listing(shop, verify=True, **store)["sound"]
    assert states(shop, store["namespace"], "openvino.edge/server=ocr") == [
        {"adder/1": "AVAILABLE"}
    ]
    pods = shop.core.list_namespaced_pod(
        store["namespace"], label_selector="openvino.edge/server=ocr"
    ).items
    assert [pod.status.container_statuses[0].restart_count for pod in pods] == [0]
    shop.core.delete_namespaced_pod(pods[0].metadata.name, store["namespace"])

    def serves() -> bool:
        try:
            return states(shop, store["namespace"], "openvino.edge/server=ocr") == [
                {"adder/1": "AVAILABLE"}
            ]
        except ApiException:
            return False

    shop.wait_until(serves, "a new server loads the repaired version", 90)


def test_31_other_bytes_under_a_number_that_runs_are_loaded(
    shop: Any, store: dict[str, Any], adders: Path, tmp_path: Path, copy: Any, server_image: str
) -> None:
    """A server that looks at its files once in five minutes answers with the new ones at once."""
    namespace, wanted = store["namespace"], {"models": adder(1), "transport": "agent", **store}
    copy(shop, src=str(adders), **wanted)
    seldom = {"file_system_poll_wait_seconds": 300}
    serve(shop, store, server_image, 1, **seldom)
    assert answers(shop, namespace) == [1.0]
    copy(shop, state="absent", models=adder(1), force=True, **store)
    assert answers(shop, namespace) == [1.0], "a server keeps what is gone"
    other = tmp_path / "other"
    shutil.copytree(adders / "adder" / "5", other / "adder" / "1")
    dry = copy(shop, runtime=Runtime(check_mode=True, diff=True), src=str(other), **wanted)
    done = copy(shop, src=str(other), **wanted)
    (pod,) = shop.core.list_namespaced_pod(
        namespace, label_selector="openvino.edge/server=ocr"
    ).items
    for result in (dry, done):
        assert result["targets"][0]["versions_loaded_anew"] == [
            {"model": "adder", "version": 1, "pods": [f"pod {namespace}/{pod.metadata.name}"]}
        ]
    assert not serve(shop, store, server_image, 1, **seldom)["changed"]
    assert answers(shop, namespace) == [5.0]
    assert pod.status.container_statuses[0].restart_count == 0
    with shop.visitor(namespace, VOLUME, read_only=False) as visitor:
        # A server that has loaded damaged weights answers with the repaired ones.
        line = "cd /store/models/adder && cp -r 1 /store/x && mv 1 /store/y"
        assert visitor.sh(f"{line} && echo out").strip() == "out"
        with KubeClient.from_params(shop.auth) as client:
            place = (namespace, pod.metadata.name, REST_PORT, "POST", "/v1/config/reload")
            client.pod_proxy(*place)
            line = "printf 'AAAA' | dd of=/store/x/model.bin bs=4 conv=notrunc 2>/dev/null"
            line += " && mv -T /store/x /store/models/adder/1 && rm -r /store/y && echo in"
            assert visitor.sh(line).strip() == "in"
            client.pod_proxy(*place)
        assert answers(shop, namespace)[0] != 5.0
        repaired = copy(shop, src=str(other), repair=True, **wanted)
    (version,) = repaired["targets"][0]["versions_repaired"]
    assert version["changed"] == ["model.bin"]
    assert repaired["targets"][0]["versions_loaded_anew"] != []
    assert not serve(shop, store, server_image, 1, **seldom)["changed"]
    assert answers(shop, namespace) == [5.0]
