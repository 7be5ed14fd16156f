# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of a load balancer: as they are, not there yet, and waited for in vain."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError, WaitError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.status import addresses

from ...fakes.cluster import ServingCluster
from ..conftest import make_spec

GIVEN = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}, {"hostname": "edge.x"}]}}}


@pytest.mark.parametrize(
    "service", [None, {}, {"status": {}}, {"status": {"loadBalancer": {}}}, {"status": None}]
)
def test_none(service: Any) -> None:
    assert addresses.addresses_of(service) == []


def test_what_was_read_needs_no_request() -> None:
    cluster = ServingCluster()
    for options in ({"service_type": "LoadBalancer"}, {}):
        runtime, spec = Runtime(), make_spec(**options)
        service = GIVEN
        found = addresses.found(cluster, spec, service, runtime)  # type: ignore[arg-type]
        assert found == (["192.0.2.1", "edge.x"] if options else [])
        assert cluster.calls == [] and runtime.warnings == []
    spec = make_spec(service_type="LoadBalancer")
    assert addresses.found(cluster, spec, {}, runtime, patient=False) == []  # type: ignore[arg-type]
    assert cluster.calls == [] and runtime.warnings == []


def test_without_a_time_to_wait_it_is_a_warning() -> None:
    cluster, runtime = ServingCluster(), Runtime()
    spec = make_spec(service_type="LoadBalancer")
    assert addresses.found(cluster, spec, None, runtime) == []  # type: ignore[arg-type]
    assert "has no address yet" in runtime.warnings[0] and "address_timeout" in runtime.warnings[0]
    cluster.add({"kind": "Service", "metadata": {"name": "ocr"}, **GIVEN})
    assert addresses.found(cluster, spec, None, runtime) == ["192.0.2.1", "edge.x"]  # type: ignore[arg-type]
    assert cluster.calls == ["get Service"] * 2 and len(runtime.warnings) == 1


def test_waiting_says_what_the_cluster_said(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda pause: now.__setitem__(0, now[0] + pause))
    cluster, spec = (
        ServingCluster(),
        make_spec(service_type="LoadBalancer", service={"address_timeout": 7}),
    )
    cluster.add({"kind": "Service", "metadata": {"name": "ocr", "namespace": "edge", "uid": "u"}})
    for name, kind, about in (
        ("no pool", "Warning", "u"),
        ("Ensuring", "Normal", "u"),
        ("no image", "Warning", "another"),
    ):
        seen = {"involvedObject": {"uid": about}, "type": kind, "message": name}
        cluster.add("Event", name, **seen)
    with pytest.raises(WaitError, match="Service edge/ocr: no load balancer .* 7 s; no pool"):
        addresses.found(cluster, spec, None, Runtime())  # type: ignore[arg-type]
    assert cluster.calls == [*["get Service"] * 8, "list Event"]
    cluster.unreadable = ("Event",)
    with pytest.raises(WaitError, match="7 s. Something"):
        addresses.found(cluster, spec, None, Runtime())  # type: ignore[arg-type]
    cluster.add({"kind": "Service", "metadata": {"name": "ocr"}, **GIVEN})
    assert addresses.found(cluster, spec, None, Runtime()) == ["192.0.2.1", "edge.x"]  # type: ignore[arg-type]


def test_only_a_load_balancer_is_waited_for() -> None:
    with pytest.raises(InputError, match=r"service\.address_timeout: a Service of type ClusterIP"):
        make_spec(service={"address_timeout": 5})
    with pytest.raises(InputError, match=r"service\.address_timeout"):
        make_spec(service_type="LoadBalancer", service={"address_timeout": -1})
