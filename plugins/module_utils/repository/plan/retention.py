# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses the published versions to remove after new ones were published. Pure.

- C(keep_versions) speaks of the models of the task: the newest so many of each stay.
- C(prune) speaks of what the task does not bring: other versions of its models and, when the task
  is about the whole source, other models.
- With both, the newest so many of the task's models stay, and other models go.

A version that this run wants is never removed. A version in use is removed only with C(force).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterable, List, Mapping, Sequence, Set, Tuple

from ..content.layout import Selection
from ..content.state import Key, RawVersion
from ..options.retention import Rules
from ..usage.survey import UNCLEAR
from .steps import Step

FindUsers = Callable[[Sequence[Key]], Mapping[Key, str]]


@dataclass(frozen=True)
class Retained:
    """A version that is kept only because it is in use, and its user."""

    model: str
    version: int
    by: str

    @property
    def unclear(self) -> bool:
        """Whether it stays because its user could not be understood."""
        return UNCLEAR in self.by

    def as_dict(self) -> Dict[str, Any]:
        """Return the entry of the module's result."""
        return {"model": self.model, "version": self.version, "by": self.by}


@dataclass(frozen=True)
class Retention:
    """The versions to remove, oldest first, and those that are kept only since they are in use."""

    steps: Tuple[Step, ...] = ()
    retained: Tuple[Retained, ...] = ()


def plan_retention(
    there: Iterable[RawVersion],
    wanted: Iterable[Key],
    chosen: Sequence[Selection],
    rules: Rules,
    find_users: FindUsers,
) -> Retention:
    """Return the versions to remove from one target.

    Args:
        there: what the target holds.
        wanted: what this run wants there, whether it is there yet or not.
        chosen: the option C(models); with it, models that it does not name are left alone.
        rules: the options.
        find_users: returns the users of the given versions; called only when a version would be
            removed.
    """
    held = {raw.key: raw for raw in there}
    keep = set(wanted)
    going = _candidates(set(held), keep, {item.name for item in chosen}, rules)
    if not going:
        return Retention()
    used = {} if rules.force else find_users(sorted({*held, *keep}))
    steps = [_step(held[key]) for key in sorted(going) if key not in used]
    retained = [Retained(*key, used[key]) for key in sorted(going) if key in used]
    return Retention(tuple(steps), tuple(retained))


def _candidates(held: Set[Key], wanted: Set[Key], chosen: Set[str], rules: Rules) -> Set[Key]:
    """Return the versions to remove unless they are in use."""
    if not rules.asked:
        return set()
    mine = {model for model, _version in wanted}
    newest = _newest(held | wanted, rules.keep_versions or 0)
    others = rules.prune and not chosen
    going: Set[Key] = set()
    for key in held - wanted:
        if key[0] in mine:
            if key not in newest:
                going.add(key)
        elif others:
            going.add(key)
    return going


def _newest(keys: Set[Key], count: int) -> Set[Key]:
    """Return the highest C(count) versions of each model."""
    versions: Dict[str, List[int]] = {}
    for model, version in keys:
        versions.setdefault(model, []).append(version)
    return {
        (model, version)
        for model, found in versions.items()
        for version in sorted(found, reverse=True)[:count]
    }


def _step(raw: RawVersion) -> Step:
    digest = str(((raw.record or {}).get("manifest") or {}).get("digest", ""))
    return Step("remove", raw.model, raw.version, digest, len(raw.files), raw.size)
