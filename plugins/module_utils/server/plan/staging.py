# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stages a change of pinned versions: first old and new together, then the new ones alone. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Collection, Dict, FrozenSet, List, Mapping, Optional

from .restart import entries, versions_of


@dataclass(frozen=True)
class Stage:
    """The step between two configurations.

    Attributes:
        config: the old one with the new versions added; None if it already has them.
        needed: versions by name that have to serve before the old ones go.
    """

    config: Optional[Dict[str, Any]]
    needed: Mapping[str, FrozenSet[int]]


def stage_between(
    before: Mapping[str, Any], after: Mapping[str, Any], served: Collection[str]
) -> Optional[Stage]:
    """Return the intermediate step, None if the change removes no version that may serve.

    A model whose other settings change as well is not staged: the new version may need them, and
    the old one may not load with them.
    """
    old, new = entries(before), entries(after)
    needed: Dict[str, FrozenSet[int]] = {}
    for name in sorted(set(old) & set(new) & set(served)):
        going = versions_of(old[name]) - versions_of(new[name])
        same = _without_policy(old[name]) == _without_policy(new[name])
        if going and versions_of(new[name]) and same:
            needed[name] = frozenset(versions_of(new[name]))
    if not needed:
        return None
    items: List[Any] = []
    changed = False
    for item in before["model_config_list"]:
        entry = item["config"]
        both = versions_of(entry) | set(needed.get(entry["name"], ()))
        if entry["name"] in needed and both != versions_of(entry):
            changed = True
            policy = {"specific": {"versions": sorted(both)}}
            item = {"config": {**entry, "model_version_policy": policy}}
        items.append(item)
    return Stage({**before, "model_config_list": items} if changed else None, needed)


def _without_policy(entry: Mapping[str, Any]) -> Dict[str, Any]:
    return {key: value for key, value in entry.items() if key != "model_version_policy"}
