# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has drifted on one cluster, and the report over all."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.openvino.edge.plugins.filter import audit_report, drift
from ansible_collections.openvino.edge.plugins.module_utils.verify.drift import AREAS, find_drift

WANTED = [{"name": "detection", "versions": [1]}]
PARTS = [
    {area for area, chosen in zip(AREAS, choice, strict=True) if chosen}
    for choice in product((True, False), repeat=3)
]
SET = {
    "kind": "Deployment",
    "name": "ovms",
    "manager": "kubectl-set",
    "fields": ["env.A", "env.B"],
}
SERVED: dict[str, Any] = {"available": True, "problems": []}


def workload(**spec: Any) -> dict[str, Any]:
    return {"kind": "Deployment", "metadata": {"name": "ovms"}, "spec": spec}


def objects(action: str, live: Any = None, wanted: Any = None) -> dict[str, Any]:
    shown = {
        side: yaml.safe_dump_all([item]) if item else ""
        for side, item in (("before", live), ("after", wanted))
    }
    item = {"kind": "Deployment", "name": "ovms", "action": action}
    service = {"kind": "Service", "name": "ovms", "action": "unchanged"}
    return {"changed": action != "unchanged", "objects": [item, service], "diff": shown}


def store(*versions: tuple[str, int], **more: Any) -> dict[str, Any]:
    listed = [{"model": model, "version": version} for model, version in versions]
    target = {"target": "edge/models", "node": None, "exists": True, "versions": listed}
    return {"targets": [target], "findings": [], "sound": True, **more}


def looks(**more: Any) -> dict[str, Any]:
    usual = {
        "objects": objects("unchanged"),
        "store": store(("detection", 1)),
        "served": SERVED,
    }
    return {**usual, **more}


def only(found: dict[str, Any]) -> dict[str, str]:
    (row,) = found["findings"]
    assert not found["sound"]
    return dict(row)


def test_nothing_has_drifted() -> None:
    found = find_drift(looks(), WANTED)
    assert found == {
        "sound": True,
        "verdict": "SOUND",
        "findings": [],
        "notes": [],
        "counts": {"objects": 0, "store": 0, "served": 0, "others": None},
        "summary": "nothing has drifted",
    }


def test_a_field_that_somebody_has_changed_is_told_with_both_values() -> None:
    images = [workload(containers=[{"name": "ovms", "image": image}]) for image in ("old", "new")]
    found = find_drift(looks(objects=objects("updated", *images)), WANTED)
    assert only(found) == {
        "area": "objects",
        "subject": "Deployment/ovms",
        "finding": "changed",
        "detail": "spec.containers.ovms.image old instead of new",
    }
    assert found["verdict"] == "DRIFTED"
    assert found["counts"] == {"objects": 1, "store": 0, "served": 0, "others": None}
    assert found["summary"] == (
        "Deployment/ovms changed (spec.containers.ovms.image old instead of new)"
    )


def test_fields_that_are_gone_or_too_many_are_told() -> None:
    live, wanted = workload(b=None, c=[1]), workload(a={"x": 1}, c=[1, 2])
    detail = only(find_drift(looks(objects=objects("updated", live, wanted)), WANTED))["detail"]
    assert detail == "spec.a.x nothing instead of 1, spec.c [1] instead of [1, 2]"


def test_of_many_fields_and_long_values_only_a_part_is_told() -> None:
    live = workload(**{f"f{number}": "x" * 100 for number in range(9)})
    detail = only(find_drift(looks(objects=objects("updated", live, workload())), WANTED))["detail"]
    assert detail.count("instead of nothing") == 4
    assert detail.endswith("and 5 more")
    assert len(detail) < 350


def test_the_fields_of_a_configuration_file_are_told() -> None:
    def config(requests: int) -> dict[str, Any]:
        entry = {"config": {"name": "detection", "nireq": requests}}
        text = json.dumps({"model_config_list": [entry]}, indent=1)
        return {
            "kind": "ConfigMap",
            "metadata": {"name": "ovms"},
            "data": {"config.json": text},
        }

    changed = objects("updated", config(8), config(4))
    changed["objects"][0]["kind"] = "ConfigMap"
    row = only(find_drift(looks(objects=changed), WANTED))
    assert row["subject"] == "ConfigMap/ovms"
    assert row["detail"] == "data.config.json.model_config_list.0.config.nireq 8 instead of 4"


@pytest.mark.parametrize(("action", "word"), [("created", "missing"), ("deleted", "not_wanted")])
def test_an_object_that_is_missing_or_too_many(action: str, word: str) -> None:
    row = only(find_drift(looks(objects=objects(action, None, workload())), WANTED))
    assert (row["subject"], row["finding"], row["detail"]) == ("Deployment/ovms", word, "")


def test_a_damaged_file_is_named_with_its_place() -> None:
    row = {
        "target": "factory-2",
        "model": "detection",
        "version": 1,
        "path": "model.bin",
        "finding": "changed",
        "detail": "sha256 0 instead of 1",
    }
    found = find_drift(looks(store=store(("detection", 1), findings=[row])), WANTED)
    assert only(found)["subject"] == "factory-2:detection/1/model.bin"
    assert found["summary"] == "factory-2:detection/1/model.bin changed (sha256 0 instead of 1)"


@pytest.mark.parametrize(
    ("wanted", "absent"),
    [
        ({"name": "detection", "versions": [1, 2]}, "detection/2"),
        ({"name": "org/llm", "versions": [1]}, "org--llm/1"),
        ({"name": "a", "directory": "shared", "versions": [3]}, "shared/3"),
        ({"name": "any"}, "any"),
        ({"name": "detection"}, ""),
        ({"name": "a", "directory": "detection", "versions": ["1"]}, ""),
    ],
)
def test_a_wanted_version_that_is_on_no_target_is_missing(wanted: Any, absent: str) -> None:
    """The record of publishing cannot tell of it where there is one target only."""
    found = find_drift(looks(), [wanted])
    subjects = [row["subject"] for row in found["findings"]]
    assert subjects == ([f"models:{absent}"] if absent else [])


def test_what_a_claim_lacks_of_the_source_is_told_once() -> None:
    lacking = {
        "target": "models",
        "model": "detection",
        "version": 1,
        "path": "",
        "finding": "version_missing",
        "detail": "it is on the source",
    }
    assert only(find_drift(looks(store=store(findings=[lacking])), WANTED))["detail"]


def test_what_one_node_lacks_is_told_once() -> None:
    lacking = {
        "target": "n2",
        "model": "detection",
        "version": 1,
        "path": "",
        "finding": "version_missing",
        "detail": "it is on n1",
    }
    there = [{"model": "detection", "version": 1}]
    targets = [
        {"target": f"edge/path on {node}", "node": node, "exists": True, "versions": versions}
        for node, versions in (("n1", there), ("n2", []))
    ]
    result = {"targets": targets, "findings": [lacking]}
    row = only(find_drift(looks(store=result), WANTED))
    assert (row["subject"], row["detail"]) == ("n2:detection/1", "it is on n1")


def test_a_store_that_is_not_there() -> None:
    gone = store()
    gone["targets"][0]["exists"] = False
    row = only(find_drift(looks(store=gone), WANTED))
    assert (row["subject"], row["finding"]) == ("models", "missing")


def test_what_a_replica_does_not_serve() -> None:
    problem = {"code": "load_failed", "replica": "ovms-1", "message": "it cannot be loaded"}
    row = only(find_drift(looks(served={"available": False, "problems": [problem]}), WANTED))
    assert row == {
        "area": "served",
        "subject": "ovms-1",
        "finding": "load_failed",
        "detail": "it cannot be loaded",
    }


def test_a_cluster_that_does_not_answer_is_not_seen() -> None:
    # What C(failed_when) leaves of a failed task.
    failed = {"failed": False, "msg": "it refuses connections\nlong story", "error": {}}
    skipped = {"skipped": True, "changed": False}
    found = find_drift({"objects": failed, "store": skipped, "served": skipped}, WANTED)
    assert found["verdict"] == "NOT SEEN"
    assert set(found["counts"].values()) == {None}
    assert found["summary"] == "objects could not be looked at: it refuses connections"
    assert not found["sound"]


def test_a_part_that_was_not_seen_beside_drift_is_drift() -> None:
    failed = {"failed": True, "msg": "no pod"}
    found = find_drift(looks(objects=objects("created"), store=failed), WANTED)
    assert found["verdict"] == "DRIFTED"
    assert [row["area"] for row in found["findings"]] == ["objects", "store"]


def test_who_has_not_looked_has_not_seen_that_all_is_well() -> None:
    found = drift.drift({})
    assert (found["sound"], found["verdict"]) == (False, "NOT SEEN")
    assert found["summary"] == "nothing was looked at"


def test_a_store_that_the_server_reads_itself_is_nothing_to_look_at() -> None:
    assert find_drift(looks(store={"skipped": True}), WANTED)["sound"]


def test_the_summary_is_one_line_and_not_too_long() -> None:
    problems = [{"code": "x", "replica": f"r{number}", "message": "m\nn"} for number in range(99)]
    found = find_drift(looks(served={"available": False, "problems": problems}), WANTED)
    assert len(found["findings"]) == 99
    assert found["summary"].endswith("; and 94 more")
    assert "\n" not in found["summary"]


@pytest.mark.parametrize("failed", PARTS)
@pytest.mark.parametrize("skipped", PARTS)
def test_only_what_was_seen_and_is_right_is_sound(failed: set[str], skipped: set[str]) -> None:
    found = find_drift(
        {
            **looks(),
            **{area: {"skipped": True} for area in skipped},
            **{area: {"failed": True, "msg": "no"} for area in failed},
        },
        WANTED,
    )
    assert found["sound"] == (not failed and len(skipped) < len(AREAS))
    assert {row["area"] for row in found["findings"]} == failed
    assert (found["verdict"] == "SOUND") == found["sound"]


def test_what_others_have_changed_is_not_told_twice() -> None:
    """Who changes a field of ours by hand is its manager from then on."""
    live, wanted = workload(replicas=7), workload(replicas=3)
    item = {"kind": "Deployment", "name": "ovms", "manager": "kubectl-edit"}
    both = {**item, "fields": ["spec.replicas", "spec.paused"]}
    one = {**item, "manager": "kubectl-scale", "fields": ["spec.replicas"]}
    others = {"servers": [{"set_by_others": [both, one]}]}
    found = find_drift(looks(objects=objects("updated", live, wanted), others=others), WANTED)
    assert [row["detail"] for row in found["notes"]] == ["kubectl-edit has set spec.paused"]
    assert found["counts"]["others"] == 1


def test_a_file_that_is_only_written_in_another_way_is_named() -> None:
    detail = only(
        find_drift(
            looks(objects=objects("updated", workload(a='{"b":1}'), workload(a='{"b": 1}'))),
            WANTED,
        )
    )["detail"]
    assert detail == 'spec.a {"b":1} instead of {"b": 1}'


def test_the_filter_refuses_what_it_cannot_judge() -> None:
    with pytest.raises(AnsibleFilterError, match="objects, store, served, others"):
        drift.drift({"object": {}})
    with pytest.raises(AnsibleFilterError, match="objects, store, served, others"):
        drift.drift([])
    with pytest.raises(AnsibleFilterError, match="needs a name"):
        drift.drift({}, [{"versions": [1]}])
    assert list(drift.FilterModule().filters()) == ["drift"]


def test_the_report_over_all_clusters() -> None:
    changed = find_drift(looks(objects=objects("created")), WANTED)
    sound = {"objects": objects("unchanged"), "store": {"skipped": True}}
    others = {"servers": [{"set_by_others": [SET]}]}
    quiet = drift.drift({**sound, "others": others})
    hostvars = {"north": {"audit_result": changed}, "south": {"audit_result": quiet}}
    found = audit_report.audit_report({**hostvars, "lost": {}}, ["north", "south", "lost"])
    assert found == {
        "drift": [
            "CLUSTER  AREA     SUBJECT          FINDING  DETAIL",
            "north    objects  Deployment/ovms  missing  -",
        ],
        "others": [
            "CLUSTER  SUBJECT          DETAIL",
            "south    Deployment/ovms  kubectl-set has set env.A, env.B",
        ],
        "clusters": [
            "CLUSTER  RESULT   OBJECTS  STORE  SERVED  OTHERS",
            "north    DRIFTED  1        0      0       -",
            "south    SOUND    0        -      -       1",
            "lost     FAILED   -        -      -       -",
        ],
    }
    assert audit_report.audit_report(hostvars, ["south"])["drift"] == []


def test_only_hostvars() -> None:
    with pytest.raises(AnsibleFilterError):
        audit_report.audit_report([], [])
    assert list(audit_report.FilterModule().filters()) == ["audit_report"]
