# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes of the Gateway API: whether they are served, and which condition holds one back."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import WaitError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.render.identity import (
    owner_labels,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.status import (
    accepted,
    gateways,
)

from ...fakes.cluster import Cluster
from ..conftest import make_spec

SPEC = make_spec(
    expose={
        "controller": "gateway",
        "gateway": {"name": "edge", "namespace": "gateways", "listener": "https"},
        "rest": {"host": "ocr.example.org"},
        "grpc": {"host": "grpc.ocr.example.org"},
        "tls": {"default_certificate": True},
    }
)
Object = dict[str, Any]
GOOD = {"Accepted": "True", "ResolvedRefs": "True"}


def conditions(texts: Object, seen: int = 2) -> list[Object]:
    return [
        {
            "type": kind,
            "status": text,
            "reason": "NotAllowedByListeners",
            "message": "said",
            "observedGeneration": seen,
        }
        for kind, text in texts.items()
    ]


def route(kind: str, told: list[Object] | None, gateway: str = "edge") -> Object:
    ref = {"name": gateway, "namespace": "gateways"}
    metadata = {
        "name": f"ocr-{'grpc' if kind == 'GRPCRoute' else 'rest'}",
        "namespace": "edge",
        "generation": 2,
        "labels": owner_labels("ocr"),
    }
    parents = [] if told is None else [{"parentRef": ref, "conditions": told}]
    return {"kind": kind, "metadata": metadata, "status": {"parents": parents}}


def gateway(**texts: str) -> Object:
    metadata = {"name": "edge", "namespace": "gateways", "generation": 2}
    return {"kind": "Gateway", "metadata": metadata, "status": {"conditions": conditions(texts)}}


SERVES = gateway(Accepted="True", Programmed="True")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("time.sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    return now


def see(
    *items: Object, timeout: float | None = 60.0, unreadable: tuple[str, ...] = ()
) -> list[str]:
    cluster: Any = Cluster(unreadable=unreadable)
    for item in items:
        cluster.add(item)
    runtime = Runtime()
    gateways.see_served(cluster, SPEC, runtime, timeout)
    return list(runtime.warnings)


def both(**texts: str) -> list[Object]:
    return [route(kind, conditions(texts)) for kind in ("HTTPRoute", "GRPCRoute")]


def test_served_ones_cost_no_time(clock: list[float]) -> None:
    assert see(SERVES, *both(**GOOD)) == [] and time.monotonic() == 0
    assert see(SERVES, *both(**GOOD), unreadable=("Gateway",)) == []


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (
            {"Accepted": "False", "ResolvedRefs": "False"},
            "Accepted is False: NotAllowedByListeners",
        ),
        ({"Accepted": "True", "ResolvedRefs": "False"}, "ResolvedRefs is False"),
    ],
)
def test_the_condition_that_holds_a_route_back(
    clock: list[float], texts: Object, message: str
) -> None:
    good, other = both(**GOOD)[0], both(**texts)[1]
    with pytest.raises(
        WaitError, match=f"^GRPCRoute edge/ocr-grpc: Gateway gateways/edge says {message}"
    ) as caught:
        see(SERVES, good, other)
    assert (
        caught.value.hint == "Have allowedRoutes of the listener admit the namespace and the kind"
    )
    assert clock[0] >= accepted.REFUSED_GRACE


def test_a_gateway_that_is_not_programmed(clock: list[float]) -> None:
    for texts in ({"Accepted": "True", "Programmed": "False"}, {"Accepted": "False"}):
        with pytest.raises(
            WaitError, match=r"^Gateway gateways/edge: its controller says \w+ is False"
        ):
            see(gateway(**texts), *both(**GOOD))


def test_a_listener_of_somebody_else_holds_nothing_back(clock: list[float]) -> None:
    broken = gateway(Accepted="True", Programmed="False")
    broken["status"]["conditions"][1]["reason"] = "ListenersNotValid"

    def listed(name: str, text: str) -> Object:
        return {"name": name, "conditions": conditions({"Programmed": text})}

    broken["status"]["listeners"] = [listed("web", "False"), listed("https", "True")]
    assert see(broken, *both(**GOOD)) == []
    broken["status"]["listeners"] = [listed("web", "True"), listed("https", "False")]
    with pytest.raises(WaitError, match="the controller of its listener https says Programmed is"):
        see(broken, *both(**GOOD))
    broken["status"]["listeners"] = [listed("https", "Unknown")]
    assert len(see(broken, *both(**GOOD))) == 1


def test_silence_is_a_warning(clock: list[float]) -> None:
    silent = (
        route("HTTPRoute", None),
        route("HTTPRoute", conditions({"Accepted": "True"})),
        route("HTTPRoute", conditions({**GOOD, "Accepted": "Unknown"})),
        route("HTTPRoute", conditions(GOOD, seen=1)),
        route("HTTPRoute", conditions(GOOD), gateway="other"),
    )
    for item in silent:
        clock[0] = 0
        (warning,) = see(SERVES, item, both(**GOOD)[1])
        assert "HTTPRoute edge/ocr-rest: no controller has said that it is served" in warning
        assert clock[0] >= accepted.SILENT_GRACE
    (warning,) = see(gateway(Accepted="Unknown"), *both(**GOOD))
    assert warning.startswith("Gateway gateways/edge: no controller has said")


def test_without_waiting_it_is_a_warning(clock: list[float]) -> None:
    told = see(SERVES, *both(Accepted="False"), timeout=None)
    assert len(told) == 2 and clock[0] == 0
    assert told[0].endswith("says Accepted is False: NotAllowedByListeners: said.")
