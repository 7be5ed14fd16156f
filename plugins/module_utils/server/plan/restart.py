# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the changes of a configuration that a running OVMS does not apply. Pure.

OVMS 2026.3.0, seen running: another directory under a version number that is loaded is not read,
neither by polling nor by a reload, and the state stays AVAILABLE with the old bytes
(src/modelinstance.cpp reads the file only where no model object exists). Such a change takes a new
process. Everything else in an entry makes OVMS load the model anew from the files it knows.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Set

from ...verify.marker import without_marker
from ..config.generation import STATEFUL_KEYS

# Every key of a model's entry, with the effect of its change.
RELOADED, NEW_PODS = "is loaded anew", "takes new pods"
EFFECTS: Dict[str, str] = {
    "name": RELOADED,
    "base_path": NEW_PODS,
    "target_device": RELOADED,
    "model_version_policy": RELOADED,
    "nireq": RELOADED,
    "batch_size": RELOADED,
    "shape": RELOADED,
    "layout": RELOADED,
    "plugin_config": RELOADED,
    "allow_cache": RELOADED,
    "graph_path": RELOADED,
    "subconfig": RELOADED,
    **dict.fromkeys(STATEFUL_KEYS, NEW_PODS),
}
# The same for the other sections.
SECTIONS: Dict[str, str] = {
    "pipeline_config_list": RELOADED,
    "custom_node_library_config_list": RELOADED,
    "mediapipe_config_list": RELOADED,
    "monitoring": NEW_PODS,
}


def parsed(text: str) -> Dict[str, Any]:
    """Return a configuration without its marker; empty if it is none."""
    try:
        config = json.loads(text)
        return without_marker(config)
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def entries(config: Mapping[str, Any]) -> Dict[str, Dict[str, Any]]:
    """Return the entries of the models by name."""
    items = config.get("model_config_list") or ()
    return {str(item["config"]["name"]): dict(item["config"]) for item in items}


def needs_new_pods(before: Mapping[str, Any], after: Mapping[str, Any]) -> List[str]:
    """Return, in words, the changes that running servers would not apply; empty without any.

    C(monitoring) is not among them: the pod template has its hash.
    """
    old, new = entries(before), entries(after)
    found: List[str] = []
    for name in sorted(set(old) & set(new)):
        if "graph_path" in new[name] or not _overlap(old[name], new[name]):
            continue
        for key, effect in EFFECTS.items():
            if effect == NEW_PODS and old[name].get(key) != new[name].get(key):
                found.append(f"models[{name}].{_OPTIONS.get(key, key)}")
    return found


_OPTIONS = {"base_path": "directory"}


def versions_of(entry: Mapping[str, Any]) -> Set[int]:
    """Return the versions that an entry pins; none where the server chooses."""
    policy = entry.get("model_version_policy") or {}
    return set((policy.get("specific") or {}).get("versions") or ())


def _overlap(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Tell whether a version may be loaded before the change and wanted after it."""
    before, after = versions_of(old), versions_of(new)
    return not before or not after or bool(before & after)
