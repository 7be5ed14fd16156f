# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTPProxies: whether Contour has accepted them, and what it has against one."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import WaitError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.render.identity import (
    owner_selector,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.status import accepted, proxies

from ...fakes.cluster import Cluster
from ..conftest import make_spec


def proxy(valid: bool | None, *, seen: int = 2, message: str = "said") -> dict[str, Any]:
    metadata = {
        "name": "ocr-rest",
        "namespace": "edge",
        "generation": 2,
        "labels": dict(item.split("=") for item in owner_selector("ocr").split(",")),
    }
    made: dict[str, Any] = {"kind": "HTTPProxy", "metadata": metadata}
    if valid is not None:
        condition: dict[str, Any] = {"type": "Valid", "status": str(valid)}
        condition["observedGeneration"] = seen
        if not valid:
            condition["errors"] = [{"type": "TLSError", "reason": "NotValid", "message": message}]
        made["status"] = {"conditions": [{"type": "Other", "status": "False"}, condition]}
    return made


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("time.sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    return now


def see(item: dict[str, Any], timeout: float | None = 60.0) -> list[str]:
    cluster: Any = Cluster()
    cluster.add(item)
    runtime = Runtime()
    proxies.see_accepted(cluster, make_spec(), runtime, timeout)
    return list(runtime.warnings)


def test_an_accepted_one_costs_no_time(clock: list[float]) -> None:
    assert see(proxy(True)) == [] and time.monotonic() == 0


def test_a_refused_one_is_told_after_contour_had_time(clock: list[float]) -> None:
    with pytest.raises(
        WaitError, match=r"HTTPProxy edge/ocr-rest: Contour refuses it: NotValid: s"
    ):
        see(proxy(False))
    assert clock[0] >= accepted.REFUSED_GRACE


def test_a_verdict_on_an_older_generation_is_none(clock: list[float]) -> None:
    for item in (proxy(False, seen=1), proxy(True, seen=1), proxy(None)):
        (warning,) = see(item)
        assert "HTTPProxy edge/ocr-rest: no Contour has said that it accepts it" in warning


def test_without_waiting_it_is_a_warning(clock: list[float]) -> None:
    (warning,) = see(proxy(False), timeout=None)
    assert "Contour refuses it: NotValid: said." in warning and clock[0] == 0
