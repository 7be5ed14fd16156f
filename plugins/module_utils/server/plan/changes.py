# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Derives from changed objects whether servers reload or restart, and why. Pure."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ...kube.apply import Change
from ...kube.diffs import differences, masked
from ..config.render import served_names
from ..render.config import (
    CONFIG_FILE,
    CONFIG_HASH_ANNOTATION,
    ENTRIES_ANNOTATION,
    METRICS_HASH_ANNOTATION,
    START_ANNOTATION,
)
from ..render.exposure import note
from ..render.identity import INPUT_HASH_ANNOTATION, Object
from ..render.kinds import KINDS_ANNOTATION, WORKLOADS
from ..spec.backend import CONTROLLED
from .adoption import ADOPTED_ANNOTATION

# Kinds of objects that pods are created from.
_MOULDS = (*WORKLOADS, *CONTROLLED)
# What only later runs read.
_OURS = (
    INPUT_HASH_ANNOTATION,
    KINDS_ANNOTATION,
    ADOPTED_ANNOTATION,
    ENTRIES_ANNOTATION,
    START_ANNOTATION,
    note.ANNOTATION,
)
NO_RELOAD = "none"
CONFIG_RELOAD = "config_reload"
ROLLING_RESTART = "rolling_restart"
_MOST_REASONS = 4


def same_change(item: Object) -> Change:
    """Return the Change of an object that was not sent."""
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
    """Return the change without the collection's own annotations.

    Input hash and list of kinds are for the next run; alone they do not count as a change.
    """
    before, after = _without_hash(change.before), _without_hash(change.after)
    action = change.action
    if action == "updated" and before == after:
        action = "unchanged"
    if change.kind == "Secret":
        before, after = masked(before, None), masked(after, before)
    return replace(change, before=before, after=after, action=action)


def _without_hash(item: Optional[Mapping[str, Any]]) -> Optional[Dict[str, Any]]:
    if item is None:
        return None
    clean = copy.deepcopy(dict(item))
    annotations = clean.get("metadata", {}).get("annotations")
    if isinstance(annotations, dict):
        for name in _OURS:
            annotations.pop(name, None)
        if not annotations:
            del clean["metadata"]["annotations"]
    return clean


def consequence(changes: Sequence[Change]) -> str:
    """Return the effect on running servers: none, config_reload or rolling_restart.

    It is C(none), too, if there was no workload before: no running server is affected.
    """
    workloads = [change for change in changes if change.kind in _MOULDS]
    if any(change.action == "deleted" for change in workloads):
        return ROLLING_RESTART
    if any(change.action == "created" for change in workloads):
        return NO_RELOAD
    if any(_part(change.before) != _part(change.after) for change in workloads):
        return ROLLING_RESTART
    if any(_own_hash(change.before) != _own_hash(change.after) for change in workloads):
        return CONFIG_RELOAD
    config = _config_change(changes)
    before, after = _data(config, "before"), _data(config, "after")
    return CONFIG_RELOAD if before is not None and before != after else NO_RELOAD


def reason(changes: Sequence[Change]) -> List[str]:
    """Return why running servers reload or restart: what differs, in words; at most a few."""
    verdict = consequence(changes)
    if verdict == CONFIG_RELOAD:
        return ["the configuration differs"]
    if verdict != ROLLING_RESTART:
        return []
    if len({_maker(item) for item in changes if item.kind in _MOULDS}) > 1:
        return ["another backend makes the pods"]
    parts = [differences(_part(item.before), _part(item.after)) for item in _workloads(changes)]
    found = list(dict.fromkeys(_word(path) for part in parts for path, _was, _is in part))
    return found if len(found) <= _MOST_REASONS else [*found[:_MOST_REASONS], "and more"]


def consequence_text(changes: Sequence[Change]) -> str:
    """Return one line about the effect on running servers, for the head of a diff."""
    text = {
        NO_RELOAD: "running servers are not touched",
        CONFIG_RELOAD: "running servers load the new configuration without a restart",
        ROLLING_RESTART: "pods are replaced",
    }[consequence(changes)]
    because = ", ".join(reason(changes))
    return f"{text} ({because})" if because else text


def _word(path: Sequence[str]) -> str:
    """Return the user's word for a path in the pod template."""
    if METRICS_HASH_ANNOTATION in path:
        return "metrics settings are read at the start only"
    if START_ANNOTATION in path:
        return "a running server would not apply the change of the configuration"
    if CONFIG_HASH_ANNOTATION in path:
        return "polling is off, so a new configuration needs a start"
    short = [part for part in path if part not in ("spec", "containers", "metadata")]
    return ".".join(short) or "the pod template"


def _maker(change: Change) -> str:
    """Return the API group of the object that pods are created from; it names the controller."""
    shown = change.after or change.before or {}
    version = "apps/v1" if change.kind in WORKLOADS else str(shown.get("apiVersion"))
    return version.partition("/")[0]


def _workloads(changes: Sequence[Change]) -> List[Change]:
    """Return the changes of objects that pods are created from."""
    ours = [change for change in changes if change.kind in WORKLOADS]
    return ours[:1] or [change for change in changes if change.kind in CONTROLLED]


def _config_change(changes: Sequence[Change]) -> Optional[Change]:
    """Return the change of the ConfigMap with the configuration; a server may have others."""
    for change in changes:
        holds = CONFIG_FILE in (_data(change, "after") or {})
        if change.kind == "ConfigMap" and change.action == "updated" and holds:
            return change
    return None


def _own_hash(item: Optional[Mapping[str, Any]]) -> Any:
    """Return the hash of a configuration that the user brings."""
    metadata = (item or {}).get("metadata") or {}
    return (metadata.get("annotations") or {}).get(CONFIG_HASH_ANNOTATION)


def _part(item: Optional[Mapping[str, Any]]) -> Any:
    """Return the part of an object that pods are created from."""
    spec = (item or {}).get("spec") or {}
    if not item or item.get("kind") not in CONTROLLED:
        return spec.get("template")
    part: Dict[str, Any] = copy.deepcopy(dict(spec))
    part.pop("service_parameters", None)
    for group in ("deployment_parameters", "predictor"):
        for name in ("replicas", "minReplicas", "maxReplicas", "update_strategy"):
            (part.get(group) or {}).pop(name, None)
        (part.get(group) or {}).pop("deploymentStrategy", None)
        ((part.get(group) or {}).get("annotations") or {}).pop(INPUT_HASH_ANNOTATION, None)
    return part


def _data(change: Optional[Change], side: str) -> Any:
    return (getattr(change, side, None) or {}).get("data")


def versions_differ(changes: Sequence[Change]) -> bool:
    """Tell whether a changed configuration pins other versions than before."""
    change = _config_change(changes)
    if change is None:
        return False
    return bool(_pinned(change, "before") != _pinned(change, "after"))


def _pinned(change: Change, side: str) -> Any:
    text = (_data(change, side) or {}).get(CONFIG_FILE) or ""
    try:
        return served_names(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
