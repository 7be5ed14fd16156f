# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GET /metrics."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import StandIn, write_ir
from ovms_standin.metrics import DEFAULT_FAMILIES, Metrics
from ovms_standin.status import StatusError


def test_off_by_default() -> None:
    metrics = Metrics()
    metrics.loaded("m", 1, 2, 4)
    assert metrics.render() == ""


def test_the_default_families_are_there_from_the_start() -> None:
    metrics = Metrics()
    metrics.configure(True, [])
    text = metrics.render()
    for name, (kind, _) in DEFAULT_FAMILIES.items():
        assert f"# TYPE {name} {kind}\n" in text
    assert "ovms_infer_req_queue_size" not in text


@pytest.mark.parametrize("names", [["ovms_nothing"], ["ovms_streams", "ovms_streams"]])
def test_unknown_and_repeated_names_are_refused(names: list[str]) -> None:
    with pytest.raises(StatusError):
        Metrics().configure(True, names)


def test_streams_go_to_0_when_a_version_ends() -> None:
    metrics = Metrics()
    metrics.configure(True, ["ovms_streams", "ovms_infer_req_queue_size"])
    metrics.loaded("m", 1, 2, 4)
    assert 'ovms_streams{name="m",version="1"} 2\n' in metrics.render()
    assert 'ovms_infer_req_queue_size{name="m",version="1"} 4\n' in metrics.render()
    metrics.unloaded("m", 1)
    assert 'ovms_streams{name="m",version="1"} 0\n' in metrics.render()


def test_histograms_add_up() -> None:
    metrics = Metrics()
    metrics.configure(True, ["ovms_inference_time_us"])
    for seconds in (5e-6, 1.0):
        metrics.inference("m", 1, seconds)
    text = metrics.render()
    labels = 'name="m",version="1"'
    assert f'ovms_inference_time_us_bucket{{{labels},le="10"}} 1\n' in text
    assert f'ovms_inference_time_us_bucket{{{labels},le="+Inf"}} 2\n' in text
    assert f"ovms_inference_time_us_count{{{labels}}} 2\n" in text


def test_requests_are_counted_on_the_rest_port(tmp_path: Path) -> None:
    write_ir(tmp_path / "1")
    arguments = ["--model_name", "m", "--model_path", str(tmp_path), "--metrics_enable"]
    with StandIn(arguments) as server:
        server.wait_ready()
        row = {"name": "input", "shape": [1, 10], "datatype": "FP32", "data": [0.0] * 10}
        assert server.post("/v2/models/m/infer", {"inputs": [row]}).status == 200
        assert server.post("/v2/models/m/infer", {"inputs": [{**row, "name": "x"}]}).status == 400
        reply = server.get("/metrics")
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    text = reply.body.decode()
    labels = 'api="KServe",interface="REST",method="ModelInfer",name="m",version="1"'
    assert f"ovms_requests_success{{{labels}}} 1\n" in text
    assert f"ovms_requests_fail{{{labels}}} 1\n" in text
    assert 'ovms_streams{name="m",version="1"}' in text
    assert 'ovms_current_requests{name="m",version="1"} 0\n' in text


def test_a_loaded_model_has_its_series_before_any_request() -> None:
    metrics = Metrics()
    metrics.configure(True, [])
    metrics.loaded("m", 1, 1, 1)
    text = metrics.render()
    for family in ("ovms_requests_success", "ovms_requests_fail"):
        for interface in ("REST", "gRPC"):
            labels = f'api="KServe",interface="{interface}",method='
            assert f'{family}{{{labels}"ModelReady",name="m"}} 0\n' in text
            assert f'{family}{{{labels}"ModelInfer",name="m",version="1"}} 0\n' in text
    for labels in (
        'ovms_request_time_us_count{interface="gRPC",name="m",version="1"}',
        'ovms_inference_time_us_sum{name="m",version="1"}',
        'ovms_wait_for_infer_req_time_us_bucket{name="m",version="1",le="1474755971"}',
    ):
        assert f"{labels} 0\n" in text
