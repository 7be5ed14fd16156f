# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's C(config.json): rendered from a spec. Pure.

Only keys are written that every OVMS release knows (openvinotoolkit/model_server, src/schema.cpp of
the tags v2022.3 and later), so one configuration fits a fleet with mixed images.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Dict, List, Mapping

from ansible_collections.openvino.edge.plugins.module_utils.server.spec import (
    ModelSpec,
    ServerSpec,
)

Config = Dict[str, Any]


def render_config(spec: ServerSpec) -> Config:
    """Return the configuration with every version pinned by C(specific).

    A pinned version makes a rollback a change of this file: no copy and no restart.
    """
    return {"model_config_list": [{"config": _entry(model)} for model in spec.models]}


def _entry(model: ModelSpec) -> Dict[str, Any]:
    entry: Dict[str, Any] = {
        "name": model.name,
        "base_path": model.base_path,
        "target_device": model.target_device,
        "model_version_policy": {"specific": {"versions": list(model.versions)}},
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
    return entry


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
    """Return the versions by model that a configuration of ours pins."""
    pinned: Dict[str, List[int]] = {}
    for item in config.get("model_config_list", []):
        entry = item["config"]
        policy = entry.get("model_version_policy", {})
        pinned[entry["name"]] = list(policy.get("specific", {}).get("versions", []))
    return pinned
