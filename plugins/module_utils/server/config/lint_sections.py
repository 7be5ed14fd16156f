# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lint of the parts of a C(config.json) beside its models and pipelines. Pure.

Rules from openvinotoolkit/model_server: src/schema.cpp, src/metric_config.hpp (names of metrics),
src/modelmanager.cpp (graphs, libraries, metrics read once).
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

from .findings import ERROR, NOTE, WARNING, Context, Finding, beside_config, closed, text_fault
from .generation import GRAPHS

DEFAULT_METRICS = (
    "ovms_requests_success",
    "ovms_requests_fail",
    "ovms_request_time_us",
    "ovms_streams",
    "ovms_inference_time_us",
    "ovms_wait_for_infer_req_time_us",
    "ovms_current_requests",
    "ovms_current_graphs",
    "ovms_requests_accepted",
    "ovms_requests_rejected",
    "ovms_responses",
    "ovms_graph_error",
    "ovms_graph_processing_time_us",
)
MORE_METRICS = ("ovms_infer_req_queue_size", "ovms_infer_req_active")
# The names above are those of this release; a later one may know more.
_NAMES_OF = (2026, 3)
_REMOTE = re.compile(r"(s3|gs|gcs|az|azfs|https?)://")
_LOADER_KEYS = dict.fromkeys(("loader_name", "library_path", "loader_config_file"), text_fault)
_GRAPH_KEYS = dict.fromkeys(("name", "base_path", "graph_path", "subconfig"), text_fault)
_LIBRARY_KEYS = dict.fromkeys(("name", "base_path"), text_fault)


def lint_sections(config: Mapping[str, Any], context: Context) -> Iterator[Finding]:
    """Return what is wrong with graphs of the old list, libraries, loaders and monitoring."""
    for key, check in (
        ("mediapipe_config_list", _graphs),
        ("custom_node_library_config_list", _libraries),
        ("custom_loader_config_list", _loaders),
    ):
        if key not in config:
            continue
        items = config[key]
        if isinstance(items, list):
            yield from check(items, f"/{key}", context)
        else:
            yield Finding(ERROR, f"/{key}", "a list is needed")
    if "monitoring" in config:
        yield from _monitoring(config["monitoring"], context)


def _objects(items: Sequence[Any], path: str) -> Iterator[Tuple[str, Mapping[str, Any]]]:
    for index, item in enumerate(items):
        if isinstance(item, Mapping):
            yield f"{path}/{index}", item


def _no_objects(items: Sequence[Any], path: str) -> Iterator[Finding]:
    for index, item in enumerate(items):
        if not isinstance(item, Mapping):
            yield Finding(ERROR, f"{path}/{index}", "an object is needed")


def _graphs(items: Sequence[Any], path: str, context: Context) -> Iterator[Finding]:
    if context.generation.before(GRAPHS):
        yield Finding(ERROR, path, f"{context.generation} knows no MediaPipe graphs")
    yield from _no_objects(items, path)
    for where, item in _objects(items, path):
        name = str(item.get("name", ""))
        for found in closed(item, where, _GRAPH_KEYS, ("name",)):
            yield replace(found, model=name)
        yield from path_findings(item.get("base_path"), f"{where}/base_path", context, name)


def _libraries(items: Sequence[Any], path: str, context: Context) -> Iterator[Finding]:
    yield from _no_objects(items, path)
    seen: Dict[str, str] = {}
    for where, item in _objects(items, path):
        name = str(item.get("name", ""))
        found = list(closed(item, where, _LIBRARY_KEYS, ("name", "base_path")))
        if name in seen:
            message = f"the name '{name}' is taken by {seen[name]}"
            found.append(Finding(ERROR, f"{where}/name", message, key="name"))
        seen.setdefault(name, where)
        # A library may well be part of the image.
        anywhere = replace(context, models_path="")
        found += path_findings(item.get("base_path"), f"{where}/base_path", anywhere)
        for finding in found:
            yield replace(finding, model=name, option="custom_node_libraries")


def _loaders(items: Sequence[Any], path: str, context: Context) -> Iterator[Finding]:
    yield from _no_objects(items, path)
    for where, item in _objects(items, path):
        body = item.get("config")
        yield from beside_config(item, where, context)
        if not isinstance(body, Mapping):
            yield Finding(ERROR, where, 'an object with the one key "config" is needed')
            continue
        yield from closed(body, f"{where}/config", _LOADER_KEYS, ("loader_name", "library_path"))


def _monitoring(value: Any, context: Context) -> Iterator[Finding]:
    path = "/monitoring/metrics"
    metrics = value.get("metrics") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or list(value) != ["metrics"]:
        message = 'an object with the one key "metrics" is needed'
        yield _about_metrics("/monitoring", message)
        return
    if not isinstance(metrics, Mapping):
        yield _about_metrics(path, "an object is needed")
        return
    for key in metrics:
        if key not in ("enable", "metrics_list"):
            yield _about_metrics(f"{path}/{key}", "the server knows no such key", key=key)
    if not isinstance(metrics.get("enable"), bool):
        yield _about_metrics(f"{path}/enable", "true or false is needed", key="enable")
    for flag in context.metrics_flags:
        hint = f"Set metrics in one place; leave {flag} out. The server would not start"
        yield _about_metrics(path, f"metrics are set by {flag} as well", hint)
    yield from _metrics_list(metrics, f"{path}/metrics_list", context)


def _metrics_list(metrics: Mapping[str, Any], path: str, context: Context) -> Iterator[Finding]:
    names = metrics.get("metrics_list", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        yield _about_metrics(path, "a list of names is needed", key="metrics_list")
        return
    known = (*DEFAULT_METRICS, *MORE_METRICS)
    release = context.generation.release
    sure = release is None or release <= _NAMES_OF
    hint = "The server would not start"
    seen: List[str] = []
    for index, name in enumerate(names):
        where = f"{path}/{index}"
        if name in seen:
            yield _about_metrics(where, f"{name} is in the list twice", hint, "metrics_list")
        elif name not in known:
            found = _about_metrics(where, f"there is no metric {name}", hint, "metrics_list")
            yield found if sure else replace(found, level=WARNING)
        seen.append(name)


def _about_metrics(path: str, message: str, hint: str = "", key: str = "") -> Finding:
    return Finding(ERROR, path, message, hint, key=key, option="monitoring")


def path_findings(value: Any, path: str, context: Context, model: str = "") -> List[Finding]:
    """Return findings about paths: where a relative path leads, and paths that are not mounted."""
    if not isinstance(value, str) or not value or _REMOTE.match(value):
        return []
    if not value.startswith("/"):
        return [_relative(value, path, context, model)]
    root = context.models_path.rstrip("/")
    if root and value != root and not value.startswith(f"{root}/"):
        message = f"{value} is outside of {root}, where the store is mounted"
        hint = f"Write {root}/NAME, unless another volume or the image has it"
        return [Finding(WARNING, path, message, hint, model, "base_path")]
    return []


def _relative(value: str, path: str, context: Context, model: str) -> Finding:
    if not context.config_dir:
        message = f"{value} is relative: it begins at the directory of the configuration file"
        return Finding(NOTE, path, message, model=model, key="base_path")
    real = posixpath.normpath(posixpath.join(context.config_dir, value))
    root = context.models_path.rstrip("/")
    message = f"{value} is relative: the server reads {real}"
    if root and real != root and not real.startswith(f"{root}/"):
        hint = f"Write {root}/{posixpath.basename(real)}: the store is mounted at {root}"
        outside = f"{message}, which is not in the store"
        return Finding(ERROR, path, outside, hint, model, "base_path")
    return Finding(NOTE, path, message, model=model, key="base_path")
