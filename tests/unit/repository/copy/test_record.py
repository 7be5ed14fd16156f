# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record on the cluster: believed only when nothing is in doubt, never left behind wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ForbiddenError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.manifest import (
    FileEntry,
    Manifest,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.state import (
    Inventory,
    Key,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.copy.record import (
    RecordBook,
    Seen,
    record_access,
    record_name,
    seen_versions,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.base import Target
from ansible_collections.openvino.edge.plugins.module_utils.store import (
    HostPathStore,
    LocalVolume,
    PvcStore,
    Store,
)

from ...fakes.cluster import HelperCluster

CLAIM = PvcStore("edge", "models")
NODES = HostPathStore("edge", "/srv/models")
KEY = "ab" * 32


def manifest(model: str, version: int, byte: str = "0") -> Manifest:
    return Manifest(model, version, (FileEntry("m.onnx", 4, byte * 64),))


OCR, DET = manifest("ocr", 1), manifest("det", 3, "1")


@pytest.fixture
def cluster() -> HelperCluster:
    found = HelperCluster()
    found.add(
        "PersistentVolumeClaim",
        "models",
        metadata={"uid": "c-1"},
        spec={"volumeName": "pv-1"},
        status={"phase": "Bound"},
    )
    for name in ("n1", "n2"):
        found.add("Node", name, metadata={"uid": f"u-{name}"}, status={})
    return found


def book(cluster: HelperCluster, store: Store = CLAIM, *, keep: bool = True) -> RecordBook:
    client: Any = cluster
    return RecordBook(client, store, keep=keep, warn=cluster.deleted.append)


def targets(store: Store = CLAIM) -> list[Target]:
    if isinstance(store, PvcStore):
        return [Target(store)]
    return [Target(store, "n1"), Target(store, "n2")]


def keep(
    cluster: HelperCluster,
    store: Store = CLAIM,
    versions: dict[Key, str] | None = None,
    trust: dict[str, int] | None = None,
) -> None:
    """Do what a run does at its ends."""
    run = book(cluster, store)
    run.load()
    have = {("ocr", 1): OCR.digest, ("det", 3): DET.digest} if versions is None else versions
    run.write([Seen(target, have, trust or {}) for target in targets(store)])
    cluster.calls.clear()


@pytest.mark.parametrize("store", [CLAIM, NODES], ids=["claim", "nodes"])
def test_what_the_last_run_saw_needs_two_requests(cluster: HelperCluster, store: Store) -> None:
    keep(cluster, store)
    assert book(cluster, store).settled([OCR, DET]) == targets(store)
    assert len(cluster.calls) == 2
    assert book(cluster, store).settled([OCR]) == targets(store)


DOUBTS: dict[str, Callable[[HelperCluster], Any]] = {
    "no record": lambda cluster: cluster.objects.pop(("ConfigMap", record_name(CLAIM))),
    "another claim": lambda cluster: cluster.objects[("PersistentVolumeClaim", "models")][
        "metadata"
    ].update(uid="c-2"),
    "another volume": lambda cluster: cluster.objects[("PersistentVolumeClaim", "models")][
        "spec"
    ].update(volumeName="pv-2"),
    "no volume": lambda cluster: cluster.objects[("PersistentVolumeClaim", "models")][
        "spec"
    ].clear(),
    "claim is going": lambda cluster: cluster.objects[("PersistentVolumeClaim", "models")][
        "metadata"
    ].update(deletionTimestamp="now"),
    "claim is gone": lambda cluster: cluster.objects.pop(("PersistentVolumeClaim", "models")),
    "no rights": lambda cluster: setattr(cluster, "unreadable", ("ConfigMap",)),
    "no rights for claims": lambda cluster: setattr(
        cluster, "unreadable", ("PersistentVolumeClaim",)
    ),
    "no JSON": lambda cluster: entry_of(cluster, "{"),
    "a list": lambda cluster: entry_of(cluster, "[]"),
    "no fields": lambda cluster: entry_of(cluster, json.dumps({"form": 1})),
    "other form": lambda cluster: entry_of(cluster, changed(cluster, form=2)),
    "odd versions": lambda cluster: entry_of(cluster, changed(cluster, versions=[])),
}


def entry_of(cluster: HelperCluster, text: str) -> None:
    cluster.objects[("ConfigMap", record_name(CLAIM))]["data"]["volume"] = text


def changed(cluster: HelperCluster, **fields: Any) -> str:
    text = cluster.objects[("ConfigMap", record_name(CLAIM))]["data"]["volume"]
    return json.dumps({**json.loads(text), **fields})


@pytest.mark.parametrize("name", sorted(DOUBTS))
def test_any_doubt_leads_to_the_normal_way(cluster: HelperCluster, name: str) -> None:
    keep(cluster)
    assert book(cluster).settled([OCR]) is not None
    DOUBTS[name](cluster)
    assert book(cluster).settled([OCR]) is None


def test_other_bytes_or_a_new_version_are_not_settled(cluster: HelperCluster) -> None:
    keep(cluster, versions={("ocr", 1): OCR.digest, ("det", 3): ""})
    assert book(cluster).settled([manifest("ocr", 1, "f")]) is None
    assert book(cluster).settled([OCR, manifest("ocr", 2)]) is None
    assert book(cluster).settled([DET]) is None


@pytest.mark.parametrize(("uid", "kept"), [("c-1", True), ("c-2", False)])
def test_a_claim_that_got_its_volume_from_this_run_is_kept(
    cluster: HelperCluster, uid: str, kept: bool
) -> None:
    claim = cluster.objects[("PersistentVolumeClaim", "models")]
    claim["spec"].clear()
    run = book(cluster)
    run.load()
    claim["spec"]["volumeName"] = "pv-1"
    claim["metadata"]["uid"] = uid  # another one is another volume
    run.write([Seen(Target(CLAIM), {("ocr", 1): OCR.digest})])
    assert (book(cluster).settled([OCR]) is not None) == kept


def test_one_node_in_doubt_is_enough(cluster: HelperCluster) -> None:
    keep(cluster, NODES)
    cluster.objects[("Node", "n2")]["metadata"]["uid"] = "reinstalled"
    assert book(cluster, NODES).settled([OCR]) is None
    keep(cluster, NODES)
    assert book(cluster, NODES).settled([OCR]) is not None
    cluster.add("Node", "n3", metadata={"uid": "u-n3"}, status={})
    assert book(cluster, NODES).settled([OCR]) is None


def test_a_node_that_is_not_ready_is_a_doubt_when_it_is_named(cluster: HelperCluster) -> None:
    store = HostPathStore("edge", "/srv/models", nodes=("n1", "n2"))
    keep(cluster, store)
    assert book(cluster, store).settled([OCR]) is not None
    down = {"conditions": [{"type": "Ready", "status": "Unknown"}]}
    cluster.objects[("Node", "n2")]["status"] = down
    assert book(cluster, store).settled([OCR]) is None


def test_what_is_to_go_is_not_settled(cluster: HelperCluster) -> None:
    keep(cluster, versions={("ocr", 1): OCR.digest, ("ocr", 2): "", ("other", 9): ""})
    assert book(cluster).settled([OCR]) is not None
    assert book(cluster).settled([OCR], exact=True) is None
    keep(cluster, versions={("ocr", 1): OCR.digest, ("other", 9): ""})
    assert book(cluster).settled([OCR], exact=True) is None
    keep(cluster, versions={("ocr", 1): OCR.digest})
    assert book(cluster).settled([OCR], exact=True) is not None


@pytest.mark.parametrize(("counter", "fine"), [(7, True), (6, False), (8, False), (None, False)])
def test_the_counter_has_to_be_the_accepted_one(
    cluster: HelperCluster, counter: int | None, fine: bool
) -> None:
    keep(cluster, trust={KEY: 7})
    assert (book(cluster).settled([OCR], trust=(KEY, counter)) is not None) == fine
    assert book(cluster).settled([OCR], trust=("cd" * 32, counter)) is None or counter is None


def test_a_volume_that_the_module_makes_is_looked_at(cluster: HelperCluster) -> None:
    keep(cluster)
    store = PvcStore("edge", "models", local=LocalVolume("/srv", ("n1",)))
    assert book(cluster, store).settled([OCR]) is None


def test_no_answer_is_an_error_not_a_doubt(cluster: HelperCluster) -> None:
    cluster.broken = UnreachableError("no route")
    with pytest.raises(UnreachableError):
        book(cluster).settled([OCR])


def test_without_the_wish_no_record_is_made_but_one_that_is_there_is_kept_true(
    cluster: HelperCluster,
) -> None:
    def run(have: dict[Key, str]) -> list[str]:
        cluster.calls.clear()
        once = book(cluster, keep=False)
        once.load()
        once.write([Seen(Target(CLAIM), have)])
        return [" ".join(call.split()[:2]) for call in cluster.calls]

    assert run({("ocr", 1): OCR.digest}) == ["get ConfigMap"]
    keep(cluster)
    assert run({("ocr", 1): ""}) == [
        "get ConfigMap",
        "get PersistentVolumeClaim",
        "patch ConfigMap",
    ]
    assert run({("ocr", 1): ""}) == ["get ConfigMap", "get PersistentVolumeClaim"]
    assert book(cluster).settled([OCR]) is None


def test_entries_go_before_anything_is_removed(cluster: HelperCluster) -> None:
    keep(cluster, NODES)
    run = book(cluster, NODES)
    run.load()
    run.forget([Target(NODES, "n1")])  # and then the controller dies
    assert book(cluster, NODES).settled([OCR]) is None
    data = cluster.objects[("ConfigMap", record_name(NODES))]["data"]
    assert list(data) == ["n2"]
    cluster.calls.clear()
    book(cluster, keep=False).forget([Target(CLAIM)])
    assert cluster.calls == []


def test_a_removal_that_cannot_be_told_is_an_error(cluster: HelperCluster) -> None:
    keep(cluster)
    run = book(cluster)
    run.load()
    cluster.broken = ForbiddenError("no")
    with pytest.raises(ForbiddenError):
        run.forget([Target(CLAIM)])


def test_who_wrote_without_the_lock_looks_again(cluster: HelperCluster) -> None:
    run = book(cluster)
    run.load()
    run.write([Seen(Target(CLAIM), {("ocr", 1): OCR.digest})], still=lambda: False)
    assert book(cluster).settled([OCR]) is None
    run = book(cluster)
    run.load()
    run.write([Seen(Target(CLAIM), {("ocr", 1): OCR.digest})], still=lambda: True)
    assert book(cluster).settled([OCR]) is not None


def test_who_removed_looks_for_a_record_that_began_meanwhile(cluster: HelperCluster) -> None:
    remover = book(cluster, keep=False)
    remover.load()
    keep(cluster)
    remover.load()  # as it would be known: the claim
    remover._entries = None
    remover.write([Seen(Target(CLAIM), {("det", 3): DET.digest})], removed=True)
    assert book(cluster).settled([OCR]) is None
    assert book(cluster).settled([DET]) is not None


def test_two_that_begin_one_at_once_both_end_in_it(cluster: HelperCluster) -> None:
    first, second = book(cluster, NODES), book(cluster, NODES)
    first.load()
    second.load()
    first.write([Seen(Target(NODES, "n1"), {("ocr", 1): OCR.digest})])
    second.write([Seen(Target(NODES, "n2"), {("ocr", 1): OCR.digest})])
    assert book(cluster, NODES).settled([OCR]) == targets(NODES)


def test_failing_to_keep_it_is_a_warning(cluster: HelperCluster) -> None:
    run = book(cluster)
    run.load()
    cluster.broken = ForbiddenError("not allowed")
    run.write([Seen(Target(CLAIM), {("ocr", 1): OCR.digest})])
    assert "was not kept: not allowed" in cluster.deleted[-1]


def test_an_empty_store_keeps_no_record(cluster: HelperCluster) -> None:
    keep(cluster)
    run = book(cluster, keep=False)
    run.load()
    run.forget([Target(CLAIM)])
    run.drop()
    assert ("ConfigMap", record_name(CLAIM)) not in cluster.objects
    book(cluster).drop()


def test_a_record_says_whose_it_is(cluster: HelperCluster) -> None:
    keep(cluster)
    meta = cluster.objects[("ConfigMap", record_name(CLAIM))]["metadata"]
    assert meta["labels"]["app.kubernetes.io/managed-by"] == "openvino.edge"
    assert meta["annotations"]["openvino.edge/store"] == str(CLAIM)


def test_stores_have_names_of_their_own() -> None:
    stores: list[Store] = [
        CLAIM,
        PvcStore("edge", "models", "sub"),
        PvcStore("edge", "other"),
        NODES,
        HostPathStore("edge", "/srv/other"),
    ]
    assert len({record_name(store) for store in stores}) == len(stores)
    assert record_name(HostPathStore("edge", "/srv/models", nodes=("n1",))) == record_name(NODES)
    assert all(len(record_name(store)) <= 63 for store in stores)
    assert {item.verb for item in record_access(CLAIM)} == {"get", "create", "patch", "delete"}


def test_what_a_run_leaves_is_what_it_saw_and_did() -> None:
    def raw(model: str, version: int, *, sound: bool) -> dict[str, Any]:
        files = [["m.onnx", 4, 1, 2, 0o644, 0, 0]]
        known = manifest(model, version)
        stamps = {"m.onnx": [4, 1, 2 if sound else 3]}
        record = {"manifest": known.as_dict(), "stamps": stamps}
        return {"model": model, "version": version, "files": files, "record": record}

    inventory = Inventory.from_dict(
        {"versions": [raw("a", 1, sound=True), raw("b", 1, sound=False), raw("c", 1, sound=True)]}
    )
    found = seen_versions(inventory, {}, {("d", 2): "sha256:d"}, [("c", 1)])
    assert found == {("a", 1): manifest("a", 1).digest, ("b", 1): "", ("d", 2): "sha256:d"}
