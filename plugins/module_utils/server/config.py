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
from typing import Any, Dict, Iterator, List, Mapping, Sequence

from ansible_collections.openvino.edge.plugins.module_utils.server.config_options import ConfigSpec
from ansible_collections.openvino.edge.plugins.module_utils.server.generation import Generation
from ansible_collections.openvino.edge.plugins.module_utils.server.models import ModelSpec
from ansible_collections.openvino.edge.plugins.module_utils.server.spec import ServerSpec

Config = Dict[str, Any]


def render_config(spec: ServerSpec) -> Config:
    """Return the configuration of a server that does not bring its own."""
    return render(spec.models, spec.config, spec.generation)


def render(models: Sequence[ModelSpec], rest: ConfigSpec, generation: Generation) -> Config:
    """Return the configuration; versions are pinned by C(specific) unless another policy is asked.

    A pinned version makes a rollback a change of this file: no copy and no restart.
    """
    among = generation.graphs_among_models
    config: Config = {
        "model_config_list": [
            {"config": _graph(model) if model.is_graph else _entry(model)}
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


def _entry(model: ModelSpec) -> Dict[str, Any]:
    entry: Dict[str, Any] = {
        "name": model.name,
        "base_path": model.base_path,
        "target_device": model.target_device,
        "model_version_policy": _policy(model),
    }
    if model.nireq:
        entry["nireq"] = model.nireq
    if model.batch_size is not None:
        entry["batch_size"] = model.batch_size if model.batch_size == "auto" else _number(model)
    for key, value in (("shape", model.shape), ("layout", model.layout)):
        if value is not None:
            entry[key] = dict(value) if isinstance(value, Mapping) else value
    if model.plugin_config:
        entry["plugin_config"] = dict(model.plugin_config)
    if model.allow_cache is not None:
        entry["allow_cache"] = model.allow_cache
    entry.update(model.stateful)
    return entry


def _policy(model: ModelSpec) -> Dict[str, Any]:
    if model.versions:
        return {"specific": {"versions": list(model.versions)}}
    return {"latest": {"num_versions": model.latest}} if model.latest else {"all": {}}


def _number(model: ModelSpec) -> int:
    return int(model.batch_size or 0)


def config_text(config: Config) -> str:
    """Return the file's text: the same configuration always gives the same bytes.

    OVMS reloads when the MD5 of the file changes, so spelling alone must never differ.
    """
    return json.dumps(config, sort_keys=True, indent=2) + "\n"


def config_hash(text: str) -> str:
    """Return a short name of a configuration's content."""
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
    """Return C(pinned_versions), and the pipelines: all that a server reports the state of."""
    pipelines = config.get("pipeline_config_list", [])
    return {**pinned_versions(config), **{item["name"]: [] for item in pipelines}}


def metrics_hash(text: str) -> str:
    """Return a short name of what a configuration says of metrics, empty if it says nothing.

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
        yield item["config"]
    yield from config.get("mediapipe_config_list", [])
