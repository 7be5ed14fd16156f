# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories on nodes as volumes, with a scripted cluster."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    EdgeError,
    ForbiddenError,
    InputError,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.options.helper import (
    HelperOptions,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.target import (
    checks,
    claims,
    local_volume,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport import (
    helper_pod as helper_module,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.base import Target
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.helper_job import (
    Program,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.helper_pod import (
    Helper,
    HelperFailed,
    StoreMissing,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import LocalVolume, PvcStore

from ...fakes.cluster import HelperCluster

HOST = "kubernetes.io/hostname"
LOCAL = LocalVolume("/srv/models", ("n1",), "5Gi")
STORE = PvcStore("ns", "models", "", LOCAL)
TWO = replace(STORE, local=replace(LOCAL, nodes=("n1", "n2")))
OPTIONS = HelperOptions(agent_image="python", exec_image="ovms")
PROGRAM = Program("python", ("python3", "/edge/agent.py"), {"A": "b"}, {"agent.py": "pass"})
MISSING = (
    'MountVolume.NewMounter initialization failed for volume "pv" : path "/srv/models" does'
    " not exist"
)


@pytest.fixture
def cluster(monkeypatch: Any) -> HelperCluster:
    monkeypatch.setattr(claims, "BIND_SECONDS", 0.0)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    found = BindingCluster()
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    found.add("Namespace", "ns", metadata={"labels": restricted})
    for name in ("n1", "n2"):
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}
        found.add("Node", name, metadata={"labels": {HOST: f"{name}.site"}}, status=ready)
    return found


class BindingCluster(HelperCluster):
    """Binds claims to the volumes they name; the volume of the store is all that is patched."""

    def settle(self, item: dict[str, Any]) -> None:
        if item["kind"] == "PersistentVolumeClaim":
            item["status"] = {"phase": "Bound"}

    def patch(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        assert args[1:4] == ("PersistentVolume", local_volume.volume_name(STORE), None)
        return super().patch(*args, **kwargs)


def prepare(cluster: Any, store: PvcStore = STORE, **kwargs: Any) -> checks.Prepared:
    return checks.prepare(cluster, store, OPTIONS, **kwargs)


def test_volume_and_claim_are_made_once(cluster: HelperCluster) -> None:
    first = prepare(cluster)
    name = local_volume.volume_name(STORE)
    assert [str(item) for item in first.changes] == [
        f"created PersistentVolume {name}",
        "created PersistentVolumeClaim ns/models",
    ]
    assert first.changed and [item.node for item in first.targets] == [None]
    volume, claim = (item["spec"] for item in cluster.made)
    assert volume["persistentVolumeReclaimPolicy"] == "Retain"
    assert volume["local"] == {"path": "/srv/models"} and volume["capacity"]["storage"] == "5Gi"
    assert (volume["claimRef"]["namespace"], volume["claimRef"]["name"]) == ("ns", "models")
    assert local_volume._nodes_of(volume) == "n1.site"
    assert claim["volumeName"] == name and claim["accessModes"] == ["ReadWriteOnce"]
    assert claim["storageClassName"] == volume["storageClassName"] == ""
    again = prepare(cluster)
    assert not again.changed and len(cluster.made) == 2


def test_check_mode_makes_nothing_and_says_the_same(cluster: HelperCluster) -> None:
    dry = prepare(cluster, check_mode=True)
    assert not cluster.made and dry.targets[0].unbound
    real = prepare(cluster)
    assert list(map(str, dry.changes)) == list(map(str, real.changes))


def test_one_directory_on_each_of_several_nodes(cluster: HelperCluster) -> None:
    dry = prepare(cluster, TWO, check_mode=True)
    found = prepare(cluster, TWO).targets
    assert [item.node for item in found] == [item.node for item in dry.targets] == ["n1", "n2"]
    assert [dict(item.node_selector) for item in found] == [{HOST: "n1.site"}, {HOST: "n2.site"}]
    assert cluster.made[1]["spec"]["accessModes"] == ["ReadWriteMany"]
    assert "on node n2" in found[1].name and found[1].short == "n2"
    name = local_volume.volume_name(TWO)
    cluster.objects[("PersistentVolumeClaim", "models")]["spec"]["volumeName"] = name
    plain = replace(TWO, local=None)
    again = checks.find_targets(cluster, plain, [])  # type: ignore[arg-type]
    assert [item.node for item in again] == ["n1", "n2"], "the volume tells, too"


@pytest.mark.parametrize(
    ("store", "text"),
    [
        (replace(STORE, local=replace(LOCAL, path="/srv/other")), "path /srv/models instead of"),
        (TWO, "nodes n1.site instead of n1.site, n2.site"),
        (replace(STORE, local=replace(LOCAL, storage_class="c")), "storage_class none instead"),
    ],
)
def test_another_directory_is_an_error(cluster: HelperCluster, store: PvcStore, text: str) -> None:
    prepare(cluster)
    with pytest.raises(InputError, match=text) as caught:
        prepare(cluster, store)
    assert caught.value.option == "pvc.local" and caught.value.hint
    assert len(cluster.made) == 2


def test_what_others_made_is_left_alone(cluster: HelperCluster) -> None:
    spec = {"volumeName": "theirs", "accessModes": ["ReadWriteOnce"]}
    cluster.add("PersistentVolumeClaim", "models", spec=spec, status={"phase": "Bound"})
    with pytest.raises(InputError, match="has the volume theirs, not a local volume made by"):
        prepare(cluster)
    del cluster.objects[("PersistentVolumeClaim", "models")]
    cluster.add("PersistentVolume", local_volume.volume_name(STORE), spec={})
    with pytest.raises(InputError, match="not made by this collection"):
        prepare(cluster)
    assert not cluster.made


def test_a_retained_volume_takes_the_new_claim(cluster: HelperCluster) -> None:
    prepare(cluster)
    del cluster.objects[("PersistentVolumeClaim", "models")]
    volume = ("PersistentVolume", local_volume.volume_name(STORE))
    cluster.objects[volume]["spec"]["claimRef"]["uid"] = "old"
    dry = prepare(cluster, check_mode=True)
    assert cluster.objects[volume]["spec"]["claimRef"]["uid"] == "old"
    again = prepare(cluster)
    assert [item.action for item in again.changes] == ["updated", "created"]
    assert list(map(str, dry.changes)) == list(map(str, again.changes))
    assert "uid" not in cluster.objects[volume]["spec"]["claimRef"]


@pytest.mark.parametrize(
    ("nodes", "text"),
    [(("n1", "n9"), "no node is named n9"), (("n3",), "n3 is not ready")],
)
def test_nodes_that_cannot_be_used(
    cluster: HelperCluster, nodes: tuple[str, ...], text: str
) -> None:
    broken = {"conditions": [{"type": "Ready", "status": "Unknown"}]}
    cluster.add("Node", "n3", status=broken)
    with pytest.raises(InputError, match=text) as caught:
        prepare(cluster, replace(STORE, local=replace(LOCAL, nodes=nodes)))
    assert caught.value.option == "pvc.local.nodes" and not cluster.made


def test_missing_rights_are_named_before_anything_is_made(cluster: HelperCluster) -> None:
    cluster.refuse = ("create persistentvolumes", "create persistentvolumeclaims")
    with pytest.raises(ForbiddenError, match="create persistentvolumes; create persistent") as got:
        prepare(cluster)
    assert "volume-admin" in str(got.value) and not cluster.made
    cluster.refuse = ()
    prepare(cluster)
    cluster.refuse = ("persistentvolumes",)
    cluster.unreadable = ("PersistentVolume",)
    assert not prepare(cluster).changed, "what is there needs no such right"


def test_a_failure_after_making_says_what_was_made(
    cluster: HelperCluster, monkeypatch: Any
) -> None:
    def fails(*_args: Any, **_kwargs: Any) -> Any:
        raise InputError("no")

    monkeypatch.setattr(checks, "find_targets", fails)
    with pytest.raises(InputError) as caught:
        prepare(cluster)
    assert caught.value.details["changed"] and len(caught.value.details["done"]) == 2


def test_nothing_is_made_to_remove_models(cluster: HelperCluster) -> None:
    with pytest.raises(checks.NoStore):
        prepare(cluster, absent=True)
    assert not cluster.made


def test_the_namespace_that_makes_directories_has_to_admit_them(cluster: HelperCluster) -> None:
    store = replace(STORE, local=replace(LOCAL, create_directory_in="ns"))
    with pytest.raises(ForbiddenError, match="forbids hostPath volumes") as caught:
        prepare(cluster, store)
    assert caught.value.option == "pvc.local.create_directory_in" and not cluster.made
    with pytest.raises(checks.NoStore, match="namespace none does not exist"):
        prepare(cluster, replace(STORE, local=replace(LOCAL, create_directory_in="none")))


def test_names_of_volumes() -> None:
    long = PvcStore("n" * 63, "c" * 253, "", LOCAL)
    names = {local_volume.volume_name(item) for item in (STORE, long, PvcStore("ns-models", "x"))}
    assert len(names) == 3 and all(len(name) <= 253 for name in names)
    assert local_volume.volume_name(STORE).startswith("openvino-edge-ns-models-")


class MountingCluster(HelperCluster):
    """A pod with the store's claim waits until a pod with the host path was there."""

    def watch(self, *args: Any, **kwargs: Any) -> Any:
        made = any("hostPath" in str(item) for item in self.made)
        self.events = [] if made else [{"reason": "FailedMount", "message": MISSING}]
        for event in super().watch(*args, **kwargs):
            event.object["spec"] = {"nodeName": "n1"}
            if "hostPath" not in str(self.made[-2:]) and not made:
                event.object["status"] = {"phase": "Pending"}
            else:
                state = {"name": "helper", "image": "python", "state": {"running": {}}}
                event.object["status"] = {"phase": "Running", "containerStatuses": [state]}
            yield event


def helper(cluster: Any, store: PvcStore, **options: Any) -> Helper:
    fields = replace(OPTIONS, wait_timeout=5.0, **options)
    return Helper(cluster, Target(store), fields, PROGRAM)


def test_a_missing_directory_is_made_where_the_task_says_so(monkeypatch: Any) -> None:
    monkeypatch.setattr(helper_module, "WATCH_SECONDS", 0.01)
    cluster = MountingCluster()
    store = replace(STORE, local=replace(LOCAL, create_directory_in="system"))
    one = helper(cluster, store)
    assert one.start() and one.node == "n1"
    maker = next(item for item in cluster.made if "hostPath" in str(item))
    assert maker["metadata"]["namespace"] == "system"
    pod = maker["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {HOST: "n1"} and pod["volumes"][0]["hostPath"] == {
        "path": "/srv/models",
        "type": "DirectoryOrCreate",
    }
    assert f"Job {maker['metadata']['name']}" in cluster.deleted


@pytest.mark.parametrize(
    ("read_only", "kind", "text"),
    [
        (False, HelperFailed, "/srv/models of the local volume does not exist on node n1"),
        (True, StoreMissing, "does not exist"),
    ],
)
def test_a_missing_directory_that_nobody_makes(
    read_only: bool, kind: type[EdgeError], text: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(helper_module, "WATCH_SECONDS", 0.01)
    cluster = MountingCluster()
    with pytest.raises(kind, match=text):
        helper(cluster, STORE, read_only=read_only).start()
    assert not cluster.left()
