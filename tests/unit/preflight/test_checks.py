# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be true of a cluster, on plain objects."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.preflight import checks
from ansible_collections.openvino.edge.plugins.module_utils.preflight.checks import (
    NOTE,
    OK,
    PROBLEM,
    CheckResult,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import (
    HostPathStore,
    PvcStore,
    store_from_params,
)

Obj = Dict[str, Any]
CLAIM = PvcStore("edge", "models")
PATHS = HostPathStore("edge", "/srv/models")


def levels(results: List[CheckResult]) -> List[str]:
    return [item.level for item in results]


@pytest.mark.parametrize(
    ("minor", "level"), [("21", PROBLEM), ("22", NOTE), ("29+", NOTE), ("36", OK), ("", OK)]
)
def test_version(minor: str, level: str) -> None:
    version = {"gitVersion": "v1.x", "minor": minor}
    assert checks.check_version(version).level == level


def test_each_missing_right_is_named() -> None:
    results = checks.check_rights(["create jobs", "get pods"], 9)
    assert [item.message for item in results] == ["no right to create jobs", "no right to get pods"]
    assert all("rbac.yml" in item.hint for item in results)
    assert levels(checks.check_rights([], 9)) == [OK]


def namespace(level: str = "", phase: str = "Active") -> Obj:
    labels = {checks.ENFORCE_LABEL: level} if level else None
    return {"metadata": {"name": "edge", "labels": labels}, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("item", "store", "create", "level"),
    [
        (None, CLAIM, False, PROBLEM),
        (None, CLAIM, True, NOTE),
        (namespace("restricted"), CLAIM, False, OK),
        (namespace("restricted"), PATHS, False, PROBLEM),
        (namespace("baseline"), PATHS, False, PROBLEM),
        (namespace("privileged"), PATHS, False, OK),
        (namespace(), PATHS, False, OK),
        (namespace(phase="Terminating"), CLAIM, False, PROBLEM),
    ],
)
def test_namespace(item: Optional[Obj], store: Any, create: bool, level: str) -> None:
    assert levels(checks.check_namespace("edge", item, store, create)) == [level]


def test_a_strict_namespace_names_the_label_and_the_other_store() -> None:
    hint = checks.check_namespace("edge", namespace("restricted"), PATHS, False)[0].hint
    assert f"{checks.ENFORCE_LABEL}=privileged" in hint and "pvc" in hint


def claim(phase: str, modes: List[str], storage_class: str = "") -> Obj:
    spec = {"accessModes": modes, "storageClassName": storage_class}
    return {"metadata": {"name": "models"}, "spec": spec, "status": {"phase": phase}}


WAITS = {"volumeBindingMode": "WaitForFirstConsumer"}
AT_ONCE = {"volumeBindingMode": "Immediate"}


@pytest.mark.parametrize(
    ("item", "storage_class", "expected"),
    [
        (None, None, [PROBLEM]),
        (claim("Bound", ["ReadWriteMany"]), None, [OK]),
        (claim("Bound", ["ReadWriteOnce"]), None, [OK, NOTE]),
        (claim("Bound", ["ReadOnlyMany"]), None, [OK, PROBLEM]),
        (claim("Bound", ["ReadWriteOncePod"]), None, [OK, PROBLEM]),
        (claim("Pending", ["ReadWriteMany"], "a"), WAITS, [OK]),
        (claim("Pending", ["ReadWriteMany"], "a"), AT_ONCE, [PROBLEM]),
        (claim("Pending", ["ReadWriteMany"], "a"), None, [PROBLEM]),
        (claim("Lost", ["ReadWriteMany"]), None, [PROBLEM]),
    ],
)
def test_claim(item: Optional[Obj], storage_class: Optional[Obj], expected: List[str]) -> None:
    assert levels(checks.check_claim(CLAIM, item, storage_class)) == expected


def test_a_claim_that_the_copy_will_make() -> None:
    local = {"path": "/srv/models", "nodes": ["a"]}
    params = {"namespace": "edge", "pvc": {"claim_name": "models", "local": local}}
    store = store_from_params(params)
    assert isinstance(store, PvcStore)
    (found,) = checks.check_claim(store, None, None)
    assert found.level == NOTE and "/srv/models on a" in found.message


def test_the_node_of_a_volume() -> None:
    item = {"key": "edge", "operator": "In", "values": ["a", "b"]}
    terms = [{"matchExpressions": [item]}]
    volume = {"spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": terms}}}}
    assert checks.check_volume(CLAIM, None, []) == []
    assert checks.check_volume(CLAIM, {"spec": {}}, []) == []
    assert checks.check_volume(CLAIM, volume, [node("a"), node("b", ready="False")]) == []
    (gone,) = checks.check_volume(CLAIM, volume, [node("c")])
    assert gone.level == PROBLEM and "edge in (a, b)" in gone.message
    (broken,) = checks.check_volume(CLAIM, volume, [node("b", ready="False")])
    assert broken.level == PROBLEM and "b is not Ready" in broken.message


def node(name: str, ready: str = "True", pressure: str = "False", **spec: Any) -> Obj:
    conditions = [
        {"type": "Ready", "status": ready, "message": "kubelet stopped"},
        {"type": "DiskPressure", "status": pressure},
    ]
    images = [{"names": ["localhost/a:1"]}]
    return {
        "metadata": {"name": name, "labels": {"edge": name}},
        "spec": spec,
        "status": {"conditions": conditions, "images": images},
    }


@pytest.mark.parametrize(
    ("store", "nodes", "expected"),
    [
        (PATHS, [node("a"), node("b")], "nodes a, b"),
        (PATHS, [node("a"), node("b", unschedulable=True)], "nodes a"),
        (PATHS, [], "the cluster has no node"),
        (HostPathStore("e", "/m", (), ("b",)), [node("a"), node("b")], "nodes b"),
        (HostPathStore("e", "/m", (), ("c",)), [node("a")], "there is no node c"),
        (HostPathStore("e", "/m", (("edge", "x"),)), [node("a")], "no node has the labels edge=x"),
        (HostPathStore("e", "/m", (), ("a",)), [node("a", unschedulable=True)], "a is cordoned"),
        (PATHS, [node("a", ready="Unknown")], "a is not Ready"),
        (PATHS, [node("a", pressure="True")], "a has DiskPressure"),
    ],
)
def test_nodes(store: HostPathStore, nodes: List[Obj], expected: str) -> None:
    results = checks.check_nodes(store, nodes)
    assert len(results) == 1 and expected in results[0].message


def test_absent_images_are_only_noted() -> None:
    results = checks.check_images(["localhost/a:1", "localhost/b:1"], [node("n")])
    assert [(item.level, item.message) for item in results] == [
        (NOTE, "node n would pull localhost/b:1")
    ]
    assert checks.check_images(["localhost/a:1"], [node("n")]) == []


def test_plain_data_has_no_empty_fields() -> None:
    assert CheckResult("a", OK, "b").as_dict() == {"check": "a", "level": "ok", "message": "b"}
