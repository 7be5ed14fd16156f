# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares wanted objects with live ones, to find those to apply and to delete. Pure.

An object is not sent if its stored input hash is that of the wanted object and every wanted field
has its value in the live object. Then server-side apply would change nothing either: a field that
is no longer wanted changes the hash, and fields of other managers are not touched.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple

from ..render.identity import INPUT_HASH_ANNOTATION, Object
from ..values import parse_quantity

Key = Tuple[str, str]


@dataclass(frozen=True)
class Plan:
    """The objects of one server to apply, to leave and to delete.

    Attributes:
        send: wanted objects that are missing or differ, in order.
        same: wanted objects that are as they should be.
        stale: live objects of ours that are no longer wanted.
    """

    send: List[Object] = field(default_factory=list)
    same: List[Object] = field(default_factory=list)
    stale: List[Object] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Tell whether nothing has to be changed."""
        return not self.send and not self.stale


def key_of(item: Mapping[str, Any]) -> Key:
    """Return kind and name."""
    return str(item["kind"]), str(item["metadata"]["name"])


def by_key(items: Iterable[Object]) -> Dict[Key, Object]:
    """Return the objects by kind and name."""
    return {key_of(item): item for item in items}


def make_plan(wanted: Sequence[Object], live: Mapping[Key, Object]) -> Plan:
    """Return what has to be sent, left alone and removed."""
    plan = Plan()
    for item in wanted:
        current = live.get(key_of(item))
        same = current is not None and unmodified(item, current)
        (plan.same if same else plan.send).append(item)
    keys = {key_of(item) for item in wanted}
    plan.stale.extend(item for key, item in live.items() if key not in keys)
    return plan


def unmodified(wanted: Object, live: Object) -> bool:
    """Tell whether applying C(wanted) again would leave C(live) as it is."""
    annotations = live["metadata"].get("annotations") or {}
    stored = annotations.get(INPUT_HASH_ANNOTATION)
    if stored != wanted["metadata"]["annotations"][INPUT_HASH_ANNOTATION]:
        return False
    return covers(live, wanted)


def covers(live: Any, wanted: Any) -> bool:
    """Tell whether every value in C(wanted) is in C(live); more may be there."""
    if isinstance(wanted, Mapping):
        if not isinstance(live, Mapping):
            return False
        return all(
            covers(live[key], value) if key in live else _nothing(value)
            for key, value in wanted.items()
        )
    if isinstance(wanted, (list, tuple)):
        return isinstance(live, list) and _covers_list(live, wanted)
    return bool(live == wanted) or _same_quantity(live, wanted)


def _covers_list(live: Sequence[Any], wanted: Sequence[Any]) -> bool:
    # Two mounts may use the same volume, and so have the same name.
    for key in ("mountPath", "name"):
        if wanted and all(isinstance(item, Mapping) and key in item for item in wanted):
            named = {item.get(key): item for item in live if isinstance(item, Mapping)}
            return all(covers(named.get(item[key]), item) for item in wanted)
    return len(live) == len(wanted) and all(map(covers, live, wanted))


def _nothing(value: Any) -> bool:
    """Tell whether the API server leaves a value out when it writes the object."""
    return value is None or (not value and not isinstance(value, Mapping))


def _same_quantity(live: Any, wanted: Any) -> bool:
    """Tell whether two quantities are equal: the API server returns C(1000m) as C(1)."""
    if not isinstance(live, str) or not isinstance(wanted, str):
        return False
    amount = parse_quantity(wanted)
    return amount is not None and parse_quantity(live) == amount
