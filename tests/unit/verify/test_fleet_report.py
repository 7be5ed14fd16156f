# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report over all clusters."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.openvino.edge.plugins.filter.fleet_report import (
    FilterModule,
    fleet_report,
)


def status(available: bool, state: str, **row: Any) -> Any:
    item = {"replica": "p1", "model": "ocr", "version": 2, "state": state, "wanted": True}
    old = {**item, "version": 1, "state": "END", "wanted": False, "ok": True}
    return {
        "available": available,
        "seconds": 0.25,
        "statuses": [old, {**item, "ok": available, **row}],
    }


def test_two_tables() -> None:
    copied = {"bytes_total": 31457280, "bytes_sent": 2048, "bytes_reused": 0, "seconds": 1.04}
    hostvars = {
        "factory": {
            "model_repository_result": copied,
            "model_server_result": {"seconds": 2.0},
            "verify_result": status(True, "AVAILABLE"),
        },
        "shop": {"model_repository_result": copied, "other": 1},
    }
    report = fleet_report(hostvars, ["factory", "shop"])
    assert report["replicas"] == [
        "CLUSTER  REPLICA  MODEL  VERSION  STATE",
        "factory  p1       ocr    2        AVAILABLE",
    ]
    assert report["clusters"] == [
        "CLUSTER  RESULT     MODELS    SENT     REUSED  COPY   DEPLOY  VERIFY",
        "factory  AVAILABLE  30.0 MiB  2.0 KiB  0 B     1.0 s  2.0 s   0.2 s",
        "shop     FAILED     30.0 MiB  2.0 KiB  0 B     1.0 s  -       -",
    ]


def test_what_had_no_turn_is_shown_by_what_a_look_has_found() -> None:
    seen = {
        "verify_result": status(True, "AVAILABLE"),
        "model_repository_result": {"bytes_total": 2},
    }
    report = fleet_report({}, ["b"], unchanged={"b": seen})
    assert report["clusters"][-1].split()[:3] == ["b", "AVAILABLE", "2"]
    foreseen = fleet_report({}, ["b"], check_mode=True, unchanged={"b": seen})
    assert "NO CHANGE" in foreseen["clusters"][-1]


def test_a_failed_gate_shows_its_rows() -> None:
    failed = {"failed": True, "error": {"details": status(False, "LOADING")}}
    report = fleet_report({"a": {"verify_result": failed}}, ["a"])
    assert report["replicas"][-1] == "a        p1       ocr    2        LOADING"
    assert report["clusters"][-1].split()[:2] == ["a", "FAILED"]


def test_a_look_without_waiting() -> None:
    report = fleet_report({"a": {"verify_result": status(False, "LOADING")}}, ["a"])
    assert "NOT AVAILABLE" in report["clusters"][-1]


def predicted() -> dict[str, dict[str, Any]]:
    """Return what clusters registered in check mode: one of each kind."""
    target = {
        "target": "PersistentVolumeClaim edge/models",
        "versions_published": ["ocr/2", "ocr/3"],
        "versions_repaired": [{"model": "ocr", "version": 1}],
        "versions_removed": ["old/1"],
    }
    copied = {"bytes_total": 4096, "bytes_planned": 3000, "bytes_pulled": 0, "bytes_reused": 96}
    new = {
        "preflight_created": {
            "objects": [
                {"kind": "Namespace", "name": "edge", "namespace": None, "action": "created"},
                {"kind": "ConfigMap", "name": "a", "namespace": "edge", "action": "updated"},
            ]
        },
        "model_repository_result": {
            **copied,
            "volumes_made": ["created PersistentVolume pv-1"],
            "targets": [target],
        },
        "model_server_result": {
            "objects": [
                {"kind": "Service", "name": "ovms", "action": "unchanged"},
                {"kind": "Deployment", "name": "ovms", "action": "deleted"},
            ]
        },
        "verify_result": status(False, "LOADING"),
    }
    same = {
        "preflight_created": {"skipped": True},
        "model_repository_result": {**copied, "bytes_planned": 0, "bytes_pulled": 2000},
        "verify_result": status(True, "AVAILABLE"),
    }
    lost = {"model_repository_result": {**copied, "failed": True}}
    none: dict[str, Any] = {"preflight_result": {"failed": True}}
    late: dict[str, Any] = {"edge_namespace": "edge"}
    return {"new": new, "same": same, "lost": lost, "none": none, "late": late}


def test_what_a_run_would_do() -> None:
    hostvars = predicted()
    report = fleet_report(hostvars, list(hostvars), check_mode=True)
    assert report["changes"] == [
        "CLUSTER  ACTION   WHAT",
        "new      create   Namespace edge",
        "new      update   ConfigMap edge/a",
        "new      create   PersistentVolume pv-1",
        "new      publish  ocr/2 on PersistentVolumeClaim edge/models",
        "new      publish  ocr/3 on PersistentVolumeClaim edge/models",
        "new      repair   ocr/1 on PersistentVolumeClaim edge/models",
        "new      remove   old/1 on PersistentVolumeClaim edge/models",
        "new      delete   Deployment ovms",
    ]
    assert report["clusters"] == [
        "CLUSTER  RESULT        CHANGES  MODELS   TO SEND  TO PULL  REUSED",
        "new      WOULD CHANGE  8        4.0 KiB  2.9 KiB  0 B      96 B",
        "same     NO CHANGE     0        4.0 KiB  0 B      2.0 KiB  96 B",
        "lost     WOULD FAIL    0        4.0 KiB  2.9 KiB  0 B      96 B",
        "none     WOULD FAIL    0        -        -        -        -",
        "late     NOT REACHED   0        -        -        -        -",
    ]
    assert report["total"] == [
        "5 clusters: 1 would change, 1 would not, 2 would fail, 1 were not reached;"
        " 3000 B (2.9 KiB) to send, 2000 B (2.0 KiB) to pull"
    ]
    assert report["replicas"][-1] == "same     p1       ocr    2        AVAILABLE"


def test_only_hostvars() -> None:
    with pytest.raises(AnsibleFilterError):
        fleet_report([], [])
    assert list(FilterModule().filters()) == ["fleet_report"]


def test_the_answers_of_one_task_for_the_fleet() -> None:
    closed = {"failed": True, "available": False, "error": {"details": status(False, "LOADING")}}
    answers = {"a": status(True, "AVAILABLE"), "b": closed}
    report = fleet_report(answers, ["a", "b"], register="verify_result")
    assert [line.split()[-1] for line in report["replicas"]] == ["STATE", "AVAILABLE", "LOADING"]
    assert [line.split()[1] for line in report["clusters"][1:]] == ["AVAILABLE", "FAILED"]
