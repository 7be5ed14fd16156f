# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes mean for the servers that run, and for the person who reads the result. Pure."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any, Dict, Mapping, Optional, Sequence

from ansible_collections.openvino.edge.plugins.module_utils.kube.apply import Change
from ansible_collections.openvino.edge.plugins.module_utils.kube.diffs import (
    HIDDEN,
    HIDDEN_CHANGED,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.adoption import (
    ADOPTED_ANNOTATION,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.config import pinned_versions
from ansible_collections.openvino.edge.plugins.module_utils.server.kinds import (
    KINDS_ANNOTATION,
    WORKLOADS,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.objects import (
    INPUT_HASH_ANNOTATION,
    Object,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.template import CONFIG_FILE

NO_RELOAD = "none"
CONFIG_RELOAD = "config_reload"
ROLLING_RESTART = "rolling_restart"


def same_change(item: Object) -> Change:
    """Return the change of an object that was left alone."""
    metadata = item["metadata"]
    return Change(
        kind=item["kind"],
        name=metadata["name"],
        namespace=metadata.get("namespace"),
        action="unchanged",
        before=None,
        after=None,
    )


def real(change: Change) -> Change:
    """Return the change without our book-keeping.

    Input hash and kinds are for the next run; alone they are no change that a person would care
    about.
    """
    before, after = _without_hash(change.before), _without_hash(change.after)
    action = change.action
    if action == "updated" and before == after:
        action = "unchanged"
    if change.kind == "Secret":
        before, after = masked(before, None), masked(after, before)
    return replace(change, before=before, after=after, action=action)


def masked(
    secret: Optional[Mapping[str, Any]], earlier: Optional[Mapping[str, Any]]
) -> Optional[Dict[str, Any]]:
    """Return a Secret that tells which of its keys are new or differ, and no value.

    What is last applied by others may hold values as well, so annotations go.
    """
    if secret is None:
        return None
    clean = copy.deepcopy(dict(secret))
    clean.get("metadata", {}).pop("annotations", None)
    known = (earlier or {}).get("data") or {}
    clean["data"] = {
        key: HIDDEN if earlier is None or known.get(key) == value else HIDDEN_CHANGED
        for key, value in (clean.get("data") or {}).items()
    }
    clean.pop("stringData", None)
    return clean


def _without_hash(item: Optional[Mapping[str, Any]]) -> Optional[Dict[str, Any]]:
    if item is None:
        return None
    clean = copy.deepcopy(dict(item))
    annotations = clean.get("metadata", {}).get("annotations")
    if isinstance(annotations, dict):
        for name in (INPUT_HASH_ANNOTATION, KINDS_ANNOTATION, ADOPTED_ANNOTATION):
            annotations.pop(name, None)
        if not annotations:
            del clean["metadata"]["annotations"]
    return clean


def consequence(changes: Sequence[Change]) -> str:
    """Return what running servers go through: none, config_reload or rolling_restart.

    C(none) also when nothing ran pods before: nothing is there that could be disturbed.
    """
    workloads = [change for change in changes if change.kind in WORKLOADS]
    config = next((change for change in changes if change.kind == "ConfigMap"), None)
    if any(change.action == "deleted" for change in workloads):
        return ROLLING_RESTART
    if any(change.action == "created" for change in workloads):
        return NO_RELOAD
    if any(_part(change.before) != _part(change.after) for change in workloads):
        return ROLLING_RESTART
    before, after = _data(config, "before"), _data(config, "after")
    return CONFIG_RELOAD if before is not None and before != after else NO_RELOAD


def _part(item: Optional[Mapping[str, Any]]) -> Any:
    return ((item or {}).get("spec") or {}).get("template")


def _data(change: Optional[Change], side: str) -> Any:
    return (getattr(change, side, None) or {}).get("data")


def versions_differ(changes: Sequence[Change]) -> bool:
    """Tell whether a changed configuration pins other versions than before."""
    for change in changes:
        if change.kind == "ConfigMap" and change.action == "updated":
            return bool(_pinned(change, "before") != _pinned(change, "after"))
    return False


def _pinned(change: Change, side: str) -> Any:
    text = (_data(change, side) or {}).get(CONFIG_FILE) or ""
    try:
        return pinned_versions(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
