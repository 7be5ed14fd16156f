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


def test_a_failed_gate_shows_its_rows() -> None:
    failed = {"failed": True, "error": {"details": status(False, "LOADING")}}
    report = fleet_report({"a": {"verify_result": failed}}, ["a"])
    assert report["replicas"][-1] == "a        p1       ocr    2        LOADING"
    assert report["clusters"][-1].split()[:2] == ["a", "FAILED"]


def test_a_look_without_waiting() -> None:
    report = fleet_report({"a": {"verify_result": status(False, "LOADING")}}, ["a"])
    assert "NOT AVAILABLE" in report["clusters"][-1]


def test_only_hostvars() -> None:
    with pytest.raises(AnsibleFilterError):
        fleet_report([], [])
    assert list(FilterModule().filters()) == ["fleet_report"]
