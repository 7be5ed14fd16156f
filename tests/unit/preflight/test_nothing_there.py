# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules of the job one after the other in check mode, on a cluster on which nothing is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    EdgeError,
    ForbiddenError,
    InputError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.objects import entry as objects
from ansible_collections.openvino.edge.plugins.module_utils.preflight import entry as preflight
from ansible_collections.openvino.edge.plugins.module_utils.repository import entry as repository
from ansible_collections.openvino.edge.plugins.module_utils.rollout import deploy as server
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.verify import entry as status

from ..fakes.cluster import Cluster

LEVEL = "pod-security.kubernetes.io/enforce"
DEFAULT = "storageclass.kubernetes.io/is-default-class"
NODE = {
    "metadata": {"labels": {"kubernetes.io/hostname": "n1"}},
    "spec": {},
    "status": {"conditions": [{"type": "Ready", "status": "True"}]},
}
PVC = {"claim_name": "models"}
PATHS = {"path": "/srv/models", "nodes": ["n1"]}
SERVER: dict[str, Any] = {
    "namespace": "edge",
    "name": "ovms",
    "models": [{"name": "tiny", "versions": [1]}],
}


class Bare(Cluster):
    """A cluster with one node and a default class, which takes nothing without its namespace."""

    def __init__(self) -> None:
        super().__init__()
        self.add("Node", "n1", **NODE)
        self.add("StorageClass", "fast", metadata={"annotations": {DEFAULT: "true"}})

    def apply(self, item: Any, **given: Any) -> Any:
        """See Cluster."""
        self._refuse(item)
        return super().apply(item, **given)

    def create(self, obj: Any, **given: Any) -> Any:
        """See Cluster."""
        self._refuse(obj)
        return super().create(obj, **given)

    def _refuse(self, item: Any) -> None:
        namespace = item["metadata"].get("namespace")
        if namespace and ("Namespace", namespace) not in self.objects:
            raise ApiError(f'namespaces "{namespace}" not found', status=404)


@pytest.fixture
def cluster(monkeypatch: Any) -> Bare:
    found = Bare()

    def anew(params: Any) -> Bare:
        found.planned = {}
        return found

    monkeypatch.setattr(KubeClient, "from_params", anew)
    monkeypatch.setenv("EDGE_HASH_CACHE", "off")
    return found


@pytest.fixture
def src(tmp_path: Path) -> str:
    version = tmp_path / "tiny" / "1"
    version.mkdir(parents=True)
    (version / "model.xml").write_text("<net/>")
    (version / "model.bin").write_bytes(bytes(range(256)) * 4096)
    return str(tmp_path)


def run(module: Any, *, check: bool = True, **options: Any) -> dict[str, Any]:
    validator = ArgumentSpecValidator(dict(module.ARGUMENT_SPEC), **module.SPEC_RULES)
    checked = validator.validate(options)
    assert not checked.error_messages
    runtime = Runtime(check_mode=check, diff=True)
    result: dict[str, Any] = module.run(checked.validated_parameters, runtime)
    return {**result, "warnings": runtime.warnings}


def made(*, level: str = "", size: str = "1Gi", claim: bool = True, **spec: Any) -> Any:
    """Run the task that makes namespace and claim, and return what it plans."""
    labels = {LEVEL: level} if level else {}
    meta = {"name": "edge", "labels": labels}
    wanted: list[Any] = [{"apiVersion": "v1", "kind": "Namespace", "metadata": meta}]
    resources = {"requests": {"storage": size}}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": resources, **spec}
    meta = {"name": "models", "namespace": "edge"}
    if claim:
        kind = "PersistentVolumeClaim"
        wanted.append({"apiVersion": "v1", "kind": kind, "metadata": meta, "spec": spec})
    result = run(objects, definitions=wanted)
    assert [item["action"] for item in result["objects"]] == ["created"] * len(wanted)
    return result["planned_objects"]


def job(src: str, planned: Any, **store: Any) -> dict[str, dict[str, Any]]:
    """Run the modules in the order of the playbook, as its roles do."""
    where: dict[str, Any] = {"namespace": "edge", **store}
    looked = run(preflight, **where, planned_objects=planned)
    after = looked["planned_objects"]
    return {
        "preflight": looked,
        "check": run(server, **SERVER, **store, planned_objects=after),
        "copy": run(repository, **where, src=src, planned_objects=after),
        "server": run(server, **SERVER, **store, planned_objects=after),
        "status": run(status, **SERVER, wait=False),
    }


def told(result: dict[str, Any]) -> str:
    return "; ".join(item["message"] for item in result["preflight"]["findings"])


def test_the_whole_job_is_predicted_and_nothing_is_sent(cluster: Bare, src: str) -> None:
    found = job(src, made(level="restricted"), pvc=PVC)
    assert "namespace edge (Pod Security: restricted) will be created" in told(found)
    assert "PersistentVolumeClaim edge/models will be created, of the default class" in told(found)
    copied = found["copy"]
    assert copied["changed"] and copied["transport"] == "none"
    assert copied["targets"][0]["versions_published"] == ["tiny/1"]
    assert copied["bytes_planned"] > 0 and copied["bytes_sent"] == 0
    assert {(item["kind"], item["action"]) for item in found["server"]["objects"]} == {
        (kind, "created") for kind in ("ServiceAccount", "ConfigMap", "Service", "Deployment")
    }
    assert "kind: Deployment" in found["server"]["diff"]["after"]
    assert "planned" not in found["server"]["diff"]["after"]
    assert not found["status"]["available"] and found["status"]["statuses"] == []
    assert cluster.writes() == []


def test_a_directory_of_nodes_cannot_be_looked_at_yet(cluster: Bare, src: str) -> None:
    found = job(src, made(level="privileged", claim=False), host_path=PATHS)
    assert found["copy"]["bytes_planned"] > 0
    assert any("on n1 cannot be looked at" in text for text in found["copy"]["warnings"])
    assert cluster.writes() == []


def test_the_claim_of_a_local_volume_is_made_by_the_copy(cluster: Bare, src: str) -> None:
    store: dict[str, Any] = {"pvc": {**PVC, "local": {"path": "/srv/models", "nodes": ["n1"]}}}
    found = job(src, made(claim=False), **store)
    kinds = [text.split()[1] for text in found["copy"]["volumes_made"]]
    assert kinds == ["PersistentVolume", "PersistentVolumeClaim"]
    assert found["server"]["changed"] and cluster.writes() == []


def test_outside_of_check_mode_too_the_claim_of_a_local_volume_is_foretold(cluster: Bare) -> None:
    """The options of the server are checked before the copy makes the claim."""
    cluster.add("Namespace", "edge")
    store: dict[str, Any] = {"pvc": {**PVC, "local": {"path": "/srv/models", "nodes": ["n1"]}}}
    looked = run(preflight, check=False, namespace="edge", **store)
    (claim,) = looked["planned_objects"]
    assert (claim["kind"], claim["metadata"]["name"]) == ("PersistentVolumeClaim", "models")
    assert run(server, **SERVER, **store, planned_objects=[claim])["changed"]
    with pytest.raises(InputError, match="it does not exist"):
        run(server, **SERVER, **store)


def test_what_nobody_will_make_is_missing(cluster: Bare, src: str) -> None:
    where: dict[str, Any] = {"namespace": "edge", "pvc": PVC}
    with pytest.raises(EdgeError, match="2 things are missing"):
        run(preflight, **where)
    with pytest.raises(InputError, match="namespace edge does not exist"):
        run(repository, **where, src=src)
    with pytest.raises(InputError, match="it does not exist"):
        run(server, **SERVER, pvc=PVC)
    (namespace, _claim) = made()
    with pytest.raises(EdgeError, match="there is no PersistentVolumeClaim edge/models"):
        run(preflight, **where, planned_objects=[namespace])
    with pytest.raises(InputError, match="edge/models does not exist"):
        run(repository, **where, src=src, planned_objects=[namespace])


def test_a_run_does_not_believe_in_plans(cluster: Bare, src: str) -> None:
    planned = made()
    where: dict[str, Any] = {"pvc": PVC, "planned_objects": planned, "check": False}
    with pytest.raises(EdgeError, match="2 things are missing"):
        run(preflight, namespace="edge", **where)
    with pytest.raises(InputError, match="namespace edge does not exist"):
        run(repository, namespace="edge", src=src, **where)
    with pytest.raises(InputError, match="it does not exist"):
        run(server, **SERVER, **where, wait=False)
    assert cluster.writes() == []


def test_what_is_there_counts_and_not_what_is_planned(cluster: Bare) -> None:
    planned = made()
    cluster.add("Namespace", "edge", metadata={"labels": {LEVEL: "restricted"}})
    with pytest.raises(EdgeError, match="enforces the level restricted"):
        run(preflight, namespace="edge", host_path=PATHS, planned_objects=planned)


def test_a_claim_that_is_too_small_for_the_models(cluster: Bare, src: str) -> None:
    with pytest.raises(InputError, match=r"the files need 1.1 MiB, it asks for 1.0 MiB") as caught:
        job(src, made(size="1Mi"), pvc=PVC)
    assert "preflight_claim_size" in str(caught.value)
    assert job(src, made(size="2M"), pvc=PVC)["copy"]["changed"]


@pytest.mark.parametrize("name", ["slow", None])
def test_a_class_that_is_not_there(cluster: Bare, src: str, name: str | None) -> None:
    del cluster.objects["StorageClass", "fast"]
    spec: dict[str, Any] = {"storageClassName": name} if name else {}
    with pytest.raises(EdgeError, match=f"would wait for {name or 'the default class'}"):
        job(src, made(**spec), pvc=PVC)


@pytest.mark.parametrize(("looks", "level"), [(3, "ok"), (99, "problem")])
def test_a_claim_that_was_just_made_is_given_time(
    cluster: Bare, monkeypatch: Any, looks: int, level: str
) -> None:
    monkeypatch.setattr(preflight, "BIND_SECONDS", 0.2)
    monkeypatch.setattr(preflight, "BIND_PAUSE", 0.01)
    cluster.add("Namespace", "edge")
    cluster.add("StorageClass", "fast", volumeBindingMode="Immediate")
    spec = {"accessModes": ["ReadWriteMany"], "storageClassName": "fast"}
    claim = {"metadata": {"namespace": "edge"}, "spec": spec, "status": {"phase": "Pending"}}
    cluster.add("PersistentVolumeClaim", "models", **claim)

    class Clock:
        """Counts the looks; binds the claim at the last one."""

        seen, monotonic = 0, staticmethod(time.monotonic)

        def sleep(self, seconds: float) -> None:
            self.seen += 1
            if self.seen >= looks:
                cluster.objects["PersistentVolumeClaim", "models"]["status"] = {"phase": "Bound"}
            time.sleep(seconds)

    monkeypatch.setattr(preflight, "time", Clock())
    if level == "ok":
        found = run(preflight, check=False, namespace="edge", pvc=PVC)["findings"]
        assert "is bound" in [item for item in found if item["check"] == "store"][0]["message"]
    else:
        with pytest.raises(EdgeError, match=r"is not bound \(Pending\)"):
            run(preflight, check=False, namespace="edge", pvc=PVC)


def test_a_level_that_refuses_the_store(cluster: Bare, src: str) -> None:
    planned = made(level="baseline", claim=False)
    where: dict[str, Any] = {"namespace": "edge", "host_path": PATHS, "planned_objects": planned}
    with pytest.raises(EdgeError, match="baseline"):
        run(preflight, **where)
    with pytest.raises(ForbiddenError, match="baseline"):
        run(repository, **where, src=src)


def test_a_missing_node(cluster: Bare, src: str) -> None:
    store: dict[str, Any] = {"host_path": {**PATHS, "nodes": ["n1", "n2"]}}
    with pytest.raises(EdgeError, match="there is no node n2"):
        job(src, made(claim=False), **store)


def test_a_right_that_only_a_run_would_miss(cluster: Bare) -> None:
    cluster.refuse = ("create persistentvolumeclaims",)
    with pytest.raises(ForbiddenError, match="create persistentvolumeclaims in namespace edge"):
        made()
    assert made(claim=False)


@pytest.mark.parametrize(
    "item",
    [
        {"kind": "Secret", "metadata": {"name": "a", "namespace": "edge"}},
        {"kind": "Namespace", "metadata": {}},
        {"kind": "Namespace", "metadata": {"name": "a", "namespace": "edge"}},
        {"kind": "PersistentVolumeClaim", "metadata": {"name": "a"}},
        {"kind": "PersistentVolumeClaim"},
    ],
)
def test_only_namespaces_and_claims_can_be_planned(cluster: Bare, item: Any) -> None:
    with pytest.raises(InputError, match="not the definition") as caught:
        run(preflight, namespace="edge", pvc=PVC, planned_objects=[item])
    assert caught.value.option == "planned_objects[0]"
