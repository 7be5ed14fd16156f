# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads from C(managedFields) what others than this collection have set in an object. Pure.

The form is that of Kubernetes' FieldsV1: C(f:NAME) is a field, C(k:{...}) an item of a list by its
keys, C(v:VALUE) an item of a set, and C(.) the field itself.
"""

from __future__ import annotations

import json
from typing import Any, Collection, Dict, Iterator, List, Mapping, Set

from .diffs import Path

# Notes that tools leave behind for themselves, which change nothing.
_NOTES = (
    "deployment.kubernetes.io/revision",
    "kubectl.kubernetes.io/last-applied-configuration",
    "kubectl.kubernetes.io/restartedAt",
)


def set_by_others(item: Mapping[str, Any], own: str) -> Dict[str, List[str]]:
    """Return the fields that only others have set, by the name of their manager.

    What controllers report (the subresources C(status) and C(scale)) is not among them. Managers
    whose names begin with C(own) are ourselves.
    """
    ours: Set[Path] = set()
    others: Dict[str, Set[Path]] = {}
    for entry in item["metadata"].get("managedFields") or ():
        manager, fields = str(entry.get("manager")), entry.get("fieldsV1") or {}
        if manager.startswith(own):
            ours.update(path[:end] for path in _leaves(fields) for end in range(1, len(path) + 1))
        elif not entry.get("subresource"):
            others.setdefault(manager, set()).update(_leaves(fields))
    found = {manager: _shown(paths, ours) for manager, paths in sorted(others.items())}
    return {manager: paths for manager, paths in found.items() if paths}


def _leaves(node: Mapping[str, Any], path: Path = ()) -> Iterator[Path]:
    """Yield the paths at which a tree of fields ends."""
    below = {key: value for key, value in node.items() if key != "."}
    if not below and path:
        yield path
    for key, value in below.items():
        yield from _leaves(value, (*path, key))


def _shown(paths: Collection[Path], ours: Collection[Path]) -> List[str]:
    """Return the paths that are not ours as words; of a whole item of a list, only the item."""
    found = {
        _item(path, ours) for path in paths if path not in ours and _word(path[-1]) not in _NOTES
    }
    return sorted(".".join(map(_word, path)) for path in found)


def _item(path: Path, ours: Collection[Path]) -> Path:
    for end, key in enumerate(path, 1):
        if key.startswith("k:") and path[:end] not in ours:
            return path[:end]
    return path


def _word(key: str) -> str:
    """Return a field's name, or what tells an item of a list from the others."""
    kind, _colon, text = key.partition(":")
    if kind != "k":
        return text
    keys = json.loads(text)
    return str(keys["name"]) if "name" in keys else ",".join(str(keys[name]) for name in keys)
