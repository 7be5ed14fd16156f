# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Divides the clusters of a run into waves. Pure.

A wave says which clusters it takes: those of groups, those with certain names, the next so many,
the next so many per cent, or all that no other wave takes. A cluster that would be in two waves, or
in none, is an error: nobody should learn from a report that a site was left out.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ..errors import InputError
from .sites import NO_SITES, Sites, spread

_KEYS = (
    "name",
    "groups",
    "clusters",
    "count",
    "percent",
    "rest",
    "batch",
    "soak",
    "max_failures",
)
_CHOICES = ("groups", "clusters", "count", "percent", "rest")
# So many names are told in a message; the others are counted.
_NAMED = 5
# What Ansible reads in C(hosts) of a play as a pattern or a list; a play of which no host matches
# is one that went well.
_PATTERN = re.compile(r"[,:*?\[\]\s]|^[!&~]")


@dataclass(frozen=True)
class Wave:
    """One wave of a rollout.

    Attributes:
        number: 1 is the first.
        name: as messages and reports say it.
        clusters: in the order of the inventory.
        batch: so many clusters at a time; all of them if it is 0.
        soak: seconds that each batch serves before it is asked again.
        max_failures: clusters of this wave that may fail; None if only the fleet's budget counts.
    """

    number: int
    name: str
    clusters: Tuple[str, ...] = ()
    batch: int = 0
    soak: int = 0
    max_failures: Optional[int] = None

    def batches(self, sites: Sites = NO_SITES) -> "List[Batch]":
        """Return the wave in parts of at most C(batch) clusters, and so many of a site."""
        size = self.batch or max(1, len(self.clusters))
        return [Batch(self, part) for part in spread(self.clusters, size, sites)]


@dataclass(frozen=True)
class Batch:
    """Clusters of one wave that are worked on at the same time."""

    wave: Wave
    clusters: Tuple[str, ...]


@dataclass(frozen=True)
class _Asked:
    """A wave as the option says it, before any cluster is chosen."""

    wave: Wave
    option: str
    groups: Tuple[str, ...] = ()
    patterns: Tuple[str, ...] = ()
    count: int = 0
    percent: float = 0.0
    rest: bool = False

    @property
    def by_name(self) -> bool:
        return bool(self.groups or self.patterns)


def waves_of(
    option: Sequence[Any],
    clusters: Sequence[str],
    groups: Mapping[str, Sequence[str]],
    *,
    limited: bool = False,
) -> List[Wave]:
    """Return the waves, none of them empty.

    Args:
        option: the option C(waves): each item a number, a percentage such as C("10%"), or a dict.
        clusters: all of this run, in the order of the inventory.
        groups: hosts by group of the inventory.
        limited: the run was limited to a part of the fleet, so that waves may have no cluster.

    Raises:
        InputError: an item cannot be understood, a group is not there, or a cluster is in two waves
            or in none.
    """
    asked = [_parsed(item, number) for number, item in enumerate(option, 1)]
    _refuse_same_names(asked)
    owner = _named(asked, clusters, groups, limited)
    left = [name for name in clusters if name not in owner]
    waves = []
    for item in asked:
        if item.by_name:
            chosen = [name for name in clusters if owner.get(name) == item.wave.number]
        else:
            size = len(left) if item.rest else min(len(left), _size(item, len(clusters)))
            chosen, left = left[:size], left[size:]
        if not chosen and not (limited or item.rest):
            raise InputError(
                "there is no cluster for this wave",
                option=item.option,
                subject=item.wave.name,
                hint="Remove the wave, or look at the groups and names of the inventory",
            )
        waves.append(replace(item.wave, clusters=tuple(chosen)))
    if left:
        raise InputError(
            f"{told(left)} in no wave",
            option="waves",
            hint="Add a last wave {name: rest, rest: true}, or limit the run to what it is for",
        )
    return _with_canary([wave for wave in waves if wave.clusters])


def refuse_patterns(clusters: Sequence[str], groups: Mapping[str, Sequence[str]]) -> None:
    """Refuse hosts that a play cannot name.

    Raises:
        InputError: Ansible would take a name for a pattern, or for that of a group.
    """
    for name in clusters:
        if _PATTERN.search(name) and not _is_address(name):
            raise InputError(
                "a play cannot name this host, since Ansible takes its name for a pattern",
                option="clusters",
                subject=name,
                hint="Give the host another name in the inventory, of letters, digits, '_', '-' and"
                " '.'; edge_kubeconfig and edge_context say which cluster it is",
            )
        if name in groups and list(groups[name]) != [name]:
            raise InputError(
                "a play cannot name this host, since a group of the inventory has the same name",
                option="clusters",
                subject=name,
                hint="Give the host or the group another name",
            )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def told(names: Sequence[str]) -> str:
    """Return names for a message with their verb: C(a and 3 others are)."""
    shown = ", ".join(names[:_NAMED])
    more = len(names) - _NAMED
    if more > 0:
        return f"{shown} and {more} more clusters are"
    return f"{shown} {'is' if len(names) == 1 else 'are'}"


def _with_canary(waves: List[Wave]) -> List[Wave]:
    """The first of several waves has a tolerance of none, unless it says otherwise."""
    if len(waves) > 1 and waves[0].max_failures is None:
        waves[0] = replace(waves[0], max_failures=0)
    return waves


def _refuse_unknown(item: _Asked, known: Set[str]) -> None:
    """Refuse a name that is no pattern and no host: a canary with a wrong letter would be none."""
    for name in item.patterns:
        if name not in known and not any(sign in name for sign in "*?["):
            raise InputError(
                f"the inventory has no host '{name}'",
                option=f"{item.option}.clusters",
                subject=item.wave.name,
                hint="Write the name as the inventory has it, or a pattern such as 'shop-*'",
            )


def _named(
    asked: Sequence[_Asked],
    clusters: Sequence[str],
    groups: Mapping[str, Sequence[str]],
    limited: bool,
) -> Dict[str, int]:
    """Return the number of the wave for each cluster that a wave names."""
    owner: Dict[str, int] = {}
    names = {item.wave.number: item.wave.name for item in asked}
    for item in asked:
        members: Set[str] = set()
        for group in item.groups:
            if group not in groups:
                raise InputError(
                    f"the inventory has no group '{group}'",
                    option=f"{item.option}.groups",
                    hint=f"Groups are {', '.join(sorted(set(groups) - {'all', 'ungrouped'}))}",
                )
            members.update(groups[group])
        if not limited:
            _refuse_unknown(item, {*clusters, *groups.get("all", ())})
        for name in clusters:
            if name in members or any(fnmatchcase(name, pattern) for pattern in item.patterns):
                if name in owner:
                    raise InputError(
                        f"the cluster is in wave '{names[owner[name]]}' and in wave"
                        f" '{item.wave.name}'",
                        option="waves",
                        subject=name,
                        hint="Take it out of one of them",
                    )
                owner[name] = item.wave.number
    return owner


def _size(item: _Asked, fleet: int) -> int:
    return item.count or max(1, share(item.percent, fleet))


def share(percent: float, fleet: int) -> int:
    """Return how many whole clusters of a fleet a percentage is.

    As it was written: 29 % of 100 are 29, where floating point has 28.999999999999996.
    """
    return int(Fraction(str(percent)) * fleet / 100)


def _refuse_same_names(asked: Sequence[_Asked]) -> None:
    seen: Dict[str, str] = {}
    for item in asked:
        name = item.wave.name
        if name in seen:
            raise InputError(
                f"two waves have the name '{name}'",
                option=f"{item.option}.name",
                hint=f"{seen[name]} has it already",
            )
        seen[name] = item.option


def _parsed(item: Any, number: int) -> _Asked:
    option = f"waves[{number - 1}]"
    if not isinstance(item, Mapping):
        item = {"percent": item} if str(item).strip().endswith("%") else {"count": item}
    unknown = sorted(set(map(str, item)) - set(_KEYS))
    if unknown:
        raise InputError(
            f"there is no key '{unknown[0]}' in a wave",
            option=option,
            hint=f"Keys are {', '.join(_KEYS)}",
        )
    given = [key for key in _CHOICES if not _is_empty(item.get(key))]
    if not given or (len(given) > 1 and set(given) != {"groups", "clusters"}):
        raise InputError(
            f"a wave says which clusters it takes by one of {', '.join(_CHOICES)}"
            + (f", and this one has {' and '.join(given)}" if given else ""),
            option=option,
            hint="groups and clusters together take both; rest takes what no other wave does",
        )
    wave = Wave(
        number=number,
        name=str(item.get("name") or f"wave {number}"),
        batch=_whole(item, "batch", option),
        soak=_whole(item, "soak", option),
        max_failures=None
        if item.get("max_failures") is None
        else _whole(item, "max_failures", option),
    )
    return _Asked(
        wave,
        option,
        groups=_names(item, "groups", option),
        patterns=_names(item, "clusters", option),
        count=_whole(item, "count", option, least=1 if "count" in given else 0),
        percent=_some(item["percent"], f"{option}.percent") if "percent" in given else 0.0,
        rest=bool(item.get("rest")),
    )


def _is_empty(value: Any) -> bool:
    """Tell whether a key is as good as not given; a number 0 is a mistake that is told."""
    return value is None or value is False or value in ("", [])


def _names(item: Mapping[str, Any], key: str, option: str) -> Tuple[str, ...]:
    value = item.get(key)
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, (list, tuple)) and all(isinstance(name, str) for name in value):
        return tuple(str(name) for name in value)
    raise InputError(
        "this has to be a list of names", option=f"{option}.{key}", hint=f"{key}: [a, b]"
    )


def _whole(item: Mapping[str, Any], key: str, option: str, least: int = 0) -> int:
    """Return a number that is not negative; Jinja often makes a text of it."""
    value = item.get(key)
    text = "0" if value is None else str(value).strip()
    if isinstance(value, bool) or not text.isdecimal() or int(text) < least:
        raise InputError(
            f"'{value}' is no whole number of at least {least}",
            option=f"{option}.{key}",
            hint="A wave of a percentage is written '10%'" if key == "count" else None,
        )
    return int(text)


def _some(value: Any, option: str) -> float:
    """Return the percentage of a wave, which is not 0."""
    found = percentage(value, option)
    if not found:
        raise InputError(
            "a wave of 0 % has no cluster", option=option, hint="Remove the wave, or give it more"
        )
    return found


def percentage(value: Any, option: str) -> float:
    """Return a percentage of 0 to 100, written with or without the sign.

    Raises:
        InputError: it is none.
    """
    text = str(value).strip()
    try:
        number = float(text[:-1] if text.endswith("%") else text)
    except ValueError:
        number = -1.0
    if isinstance(value, bool) or not 0 <= number <= 100:
        raise InputError(
            f"'{value}' is no percentage", option=option, hint="Write a number from 0 to 100"
        )
    return number
