# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's C(config.json): rendered from a spec. Pure.

Only keys are written that the server's release knows; where the release is not known, only those
that every OVMS release knows (openvinotoolkit/model_server, src/schema.cpp of the tags v2022.3 and
later), so one configuration fits a fleet with mixed images.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Union

from ...verify.marker import is_marker
from .generation import BOOLEAN_PROPERTIES, Generation
from .models import ModelSpec
from .options import ConfigSpec

Config = Dict[str, Any]


def render(models: Sequence[ModelSpec], rest: ConfigSpec, generation: Generation) -> Config:
    """Return the configuration; versions are pinned by C(specific) unless another policy is asked.

    A pinned version makes a rollback a change of this file: no copy and no restart.
    """
    among = generation.graphs_among_models
    config: Config = {
        "model_config_list": [
            {"config": _graph(model) if model.is_graph else _entry(model, generation)}
            for model in models
            if among or not model.is_graph
        ]
    }
    lists = {
        "mediapipe_config_list": [_graph(item) for item in models if item.is_graph and not among],
        "pipeline_config_list": [dict(item) for item in rest.pipelines],
        "custom_node_library_config_list": [
            {"name": name, "base_path": path} for name, path in rest.libraries
        ],
    }
    config.update({key: items for key, items in lists.items() if items})
    if rest.monitoring is not None:
        config["monitoring"] = {"metrics": dict(rest.monitoring)}
    return config


def _graph(model: ModelSpec) -> Dict[str, Any]:
    entry = {"name": model.name, "base_path": model.base_path, "graph_path": model.graph_path}
    return {**entry, "subconfig": model.subconfig} if model.subconfig else entry


def _entry(model: ModelSpec, generation: Generation) -> Dict[str, Any]:
    entry: Dict[str, Any] = {
        "name": model.name,
        "base_path": model.base_path,
        "target_device": model.target_device,
        "model_version_policy": _policy(model),
    }
    if model.nireq:
        entry["nireq"] = model.nireq
    if model.batch_size is not None:
        entry["batch_size"] = _batch_size(model.batch_size)
    for key, value in (("shape", model.shape), ("layout", model.layout)):
        if value is not None:
            entry[key] = dict(value) if isinstance(value, Mapping) else value
    if model.plugin_config:
        entry["plugin_config"] = _properties(model.plugin_config, generation)
    if model.allow_cache is not None:
        entry["allow_cache"] = model.allow_cache
    entry.update(model.stateful)
    return entry


def _policy(model: ModelSpec) -> Dict[str, Any]:
    if model.versions:
        return {"specific": {"versions": list(model.versions)}}
    return {"latest": {"num_versions": model.latest}} if model.latest else {"all": {}}


def _batch_size(text: str) -> Union[int, str]:
    """Return a number where it is one: C(auto), C(-1) and ranges are texts."""
    return int(text) if text.isdecimal() else text


def _properties(given: Mapping[str, Any], generation: Generation) -> Dict[str, Any]:
    """Return OpenVINO properties in the form that all releases accept: C(YES) for a boolean."""
    if generation.writes_for(BOOLEAN_PROPERTIES):
        return dict(given)
    words = {True: "YES", False: "NO"}
    return {key: words[item] if isinstance(item, bool) else item for key, item in given.items()}


def config_text(config: Config) -> str:
    """Return the file's text: the same configuration always gives the same bytes.

    OVMS reloads when the MD5 of the file changes, so spelling alone must never differ.
    """
    return json.dumps(config, sort_keys=True, indent=2) + "\n"


def config_hash(text: str) -> str:
    """Return a short hash of a configuration."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:32]


def pinned_versions(config: Mapping[str, Any]) -> Dict[str, List[int]]:
    """Return the versions by model or graph that a configuration of ours pins.

    No versions: the server chooses, or it is a graph.
    """
    pinned: Dict[str, List[int]] = {}
    for entry in _served(config):
        policy = entry.get("model_version_policy", {})
        pinned[entry["name"]] = list(policy.get("specific", {}).get("versions", []))
    return pinned


def served_names(config: Mapping[str, Any]) -> Dict[str, List[int]]:
    """Return C(pinned_versions) and the pipelines: all names whose state a server reports."""
    pipelines = config.get("pipeline_config_list", [])
    return {**pinned_versions(config), **{item["name"]: [] for item in pipelines}}


def noted_entries(text: str) -> str:
    """Return what decides about new pods in a configuration, short enough to be noted.

    It is a configuration itself: of every model its name, path and versions.
    """
    try:
        items = [item["config"] for item in json.loads(text)["model_config_list"]]
        kept = [{key: item[key] for key in _NOTED if key in item} for item in items]
    except (ValueError, KeyError, TypeError):
        return ""
    config = {"model_config_list": [{"config": item} for item in kept]}
    return json.dumps(config, sort_keys=True, separators=(",", ":"))


_NOTED = ("name", "base_path", "model_version_policy", "graph_path")


def metrics_hash(text: str) -> str:
    """Return a short hash of the metrics section, empty if the configuration has none.

    OVMS reads this once per process (src/modelmanager.cpp): a change of it needs new pods.
    """
    try:
        config = json.loads(text)
    except ValueError:
        return ""
    monitoring = config.get("monitoring") if isinstance(config, Mapping) else None
    return "" if monitoring is None else config_hash(json.dumps(monitoring, sort_keys=True))


def _served(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for item in config.get("model_config_list", []):
        if not is_marker(str(item["config"]["name"])):
            yield item["config"]
    yield from config.get("mediapipe_config_list", [])
