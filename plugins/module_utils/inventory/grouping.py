# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups of hosts from the labels of their clusters. Pure."""

from __future__ import annotations

from typing import Callable, Dict, Iterable, List, Tuple

from ..errors import InputError
from .records import Record


def by_labels(
    records: Iterable[Record], labels: Iterable[Tuple[str, str]], safe: Callable[[str], str]
) -> Dict[str, List[str]]:
    """Return the groups with their hosts.

    Args:
        records: the clusters.
        labels: labels with the prefixes of their groups.
        safe: makes a name that a group may have.

    Raises:
        InputError: two values of a label, or two labels, would be one group: a wave over it would
            reach clusters that nobody has meant.
    """
    made: Dict[str, Tuple[str, str]] = {}
    groups: Dict[str, List[str]] = {}
    wanted = list(labels)
    for record in records:
        carried = record.facts.get("labels") or {}
        for label, prefix in wanted:
            if label not in carried:
                continue
            value = carried[label]
            group = safe("_".join(part for part in (prefix, value) if part))
            first = made.setdefault(group, (label, value))
            if first != (label, value):
                raise InputError(
                    f"{'='.join(first)} and {label}={value} would both be the group {group!r}",
                    option="group_by_labels",
                    subject=record.origin,
                    hint="Give the labels prefixes of their own (a mapping), change one of the"
                    " values, or use keyed_groups",
                )
            groups.setdefault(group, []).append(record.name)
    return groups
