# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GET /metrics in the text format of Prometheus, with the families of src/metric_config.hpp."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from ovms_standin.logs import MANAGER
from ovms_standin.status import CONFIG_FILE_INVALID, METRICS_UNSUPPORTED, StatusError

#: Shown unless a list says otherwise: name -> (type, help).
DEFAULT_FAMILIES = {
    "ovms_requests_success": ("counter", "Number of successful requests to a model or a DAG."),
    "ovms_requests_fail": ("counter", "Number of failed requests to a model or a DAG."),
    "ovms_request_time_us": ("histogram", "Processing time of requests to a model or a DAG."),
    "ovms_streams": ("gauge", "Number of OpenVINO execution streams."),
    "ovms_inference_time_us": ("histogram", "Inference execution time in the OpenVINO backend."),
    "ovms_wait_for_infer_req_time_us": (
        "histogram",
        "Request waiting time in the scheduling queue.",
    ),
    "ovms_current_requests": ("gauge", "Number of requests being currently processed."),
    "ovms_current_graphs": ("gauge", "Number of graphs in process."),
    "ovms_requests_accepted": ("counter", "Number of accepted requests to a graph."),
    "ovms_requests_rejected": ("counter", "Number of rejected requests to a graph."),
    "ovms_responses": ("counter", "Number of responses of a graph."),
    "ovms_graph_error": ("counter", "Number of errors of a graph."),
    "ovms_graph_processing_time_us": ("histogram", "Processing time of a graph."),
}
OPTIONAL_FAMILIES = {
    "ovms_infer_req_queue_size": ("gauge", "Inference request queue size (nireq)."),
    "ovms_infer_req_active": ("gauge", "Number of inference requests in use."),
}
#: 33 buckets, each 1.8 times the one before, from 10 us (src/model_metric_reporter.cpp).
BUCKETS = tuple(10 * 1.8**power for power in range(33))

Labels = tuple[tuple[str, str], ...]


class _Histogram:
    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(BUCKETS, value)] += 1
        self.total += value


class Metrics:
    """All metrics of the process; nothing is kept while they are off."""

    def __init__(self) -> None:
        self.enabled = False
        self._families: set[str] = set()
        self._values: dict[str, dict[Labels, float]] = {}
        self._histograms: dict[str, dict[Labels, _Histogram]] = {}
        self._lock = threading.Lock()
        self._models: dict[tuple[str, int], tuple[int, int]] = {}

    def configure(self, enabled: bool, names: Sequence[str]) -> None:
        """Switch on, with the default families or the listed ones.

        Raises StatusError for a name that is unknown or there twice.
        """
        wanted: set[str] = set()
        for name in names:
            if name in wanted or name not in {**DEFAULT_FAMILIES, **OPTIONAL_FAMILIES}:
                MANAGER.error("metric_config.cpp", f"Metrics family name not supported: {name}")
                raise StatusError(METRICS_UNSUPPORTED)
            wanted.add(name)
        self.enabled = enabled
        self._families = (wanted or set(DEFAULT_FAMILIES)) if enabled else set()
        for (name, version), (streams, nireq) in self._models.items():
            self._show_model(name, version, streams, nireq)

    def configure_from_file(self, monitoring: Mapping[str, Any] | None) -> None:
        """Take the `monitoring` section of config.json. Raises StatusError."""
        if monitoring is None:
            return
        if self.enabled:
            MANAGER.error(
                "modelmanager.cpp",
                "Metrics configuration duplicated in configuration file and CLI parameters",
            )
            raise StatusError(CONFIG_FILE_INVALID)
        section = monitoring["metrics"]
        self.configure(section["enable"], section.get("metrics_list", []))

    def _add(self, family: str, labels: Labels, change: float) -> None:
        if family in self._families:
            with self._lock:
                values = self._values.setdefault(family, {})
                values[labels] = values.get(labels, 0.0) + change

    def _set(self, family: str, labels: Labels, value: float) -> None:
        if family in self._families:
            with self._lock:
                self._values.setdefault(family, {})[labels] = value

    def _observe(self, family: str, labels: Labels, value: float) -> None:
        if family in self._families:
            with self._lock:
                table = self._histograms.setdefault(family, {})
                table.setdefault(labels, _Histogram()).observe(value)

    def loaded(self, name: str, version: int, streams: int, nireq: int) -> None:
        """A version was loaded."""
        self._models[(name, version)] = (streams, nireq)
        self._show_model(name, version, streams, nireq)

    def unloaded(self, name: str, version: int) -> None:
        """A version was unloaded: its streams go to 0."""
        if self._models.pop((name, version), None) is not None:
            self._show_model(name, version, 0, 0)

    def _show_model(self, name: str, version: int, streams: int, nireq: int) -> None:
        labels = _model_labels(name, version)
        self._set("ovms_streams", labels, streams)
        self._set("ovms_infer_req_queue_size", labels, nireq)
        self._add("ovms_current_requests", labels, 0)
        self._add("ovms_infer_req_active", labels, 0)

    def request(
        self, interface: str, api: str, method: str, name: str, version: int, ok: bool
    ) -> None:
        """One request to a model was answered, well or not."""
        labels: Labels = (
            ("api", api),
            ("interface", interface),
            ("method", method),
            ("name", name),
        )
        if method != "ModelReady":
            labels += (("version", str(version)),)
        family = "ovms_requests_success" if ok else "ovms_requests_fail"
        self._add(family, labels, 1)

    def request_time(self, interface: str, name: str, version: int, seconds: float) -> None:
        """How long a request to a model took as a whole."""
        labels = (("interface", interface), *_model_labels(name, version))
        self._observe("ovms_request_time_us", labels, seconds * 1e6)

    def inference(self, name: str, version: int, seconds: float) -> None:
        """How long one inference took."""
        labels = _model_labels(name, version)
        self._observe("ovms_inference_time_us", labels, seconds * 1e6)
        self._observe("ovms_wait_for_infer_req_time_us", labels, 0.0)

    def running(self, name: str, version: int, change: int) -> None:
        """An inference begins (1) or ends (-1)."""
        labels = _model_labels(name, version)
        self._add("ovms_current_requests", labels, change)
        self._add("ovms_infer_req_active", labels, change)

    def render(self) -> str:
        """The text of GET /metrics."""
        lines: list[str] = []
        with self._lock:
            for name, (kind, text) in {**DEFAULT_FAMILIES, **OPTIONAL_FAMILIES}.items():
                if name not in self._families:
                    continue
                lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
                lines += self._samples(name)
        return "".join(line + "\n" for line in lines)

    def _samples(self, name: str) -> list[str]:
        lines = [
            f"{name}{_braces(labels)} {value:g}"
            for labels, value in self._values.get(name, {}).items()
        ]
        for labels, histogram in self._histograms.get(name, {}).items():
            lines += _histogram_lines(name, labels, histogram)
        return lines


def _histogram_lines(name: str, labels: Labels, histogram: _Histogram) -> list[str]:
    total = sum(histogram.counts)
    lines = [f"{name}_count{_braces(labels)} {total}"]
    lines.append(f"{name}_sum{_braces(labels)} {histogram.total:.6f}")
    running = 0
    for bound, count in zip((*BUCKETS, None), histogram.counts, strict=True):
        running += count
        shown = "+Inf" if bound is None else f"{bound:.6f}"
        lines.append(f"{name}_bucket{_braces((*labels, ('le', shown)))} {running}")
    return lines


def _model_labels(name: str, version: int) -> Labels:
    return (("name", name), ("version", str(version)))


def _braces(labels: Labels) -> str:
    return "{" + ",".join(f'{key}="{value}"' for key, value in labels) + "}" if labels else ""
