# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cluster as the inventory knows it, and what its name may be. Pure."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Dict, Iterable, List, Mapping, Optional, Pattern, Sequence, Tuple

from ..errors import InputError

# What Ansible's host patterns and file names take as it stands.
_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
# Names that mean something else to Ansible.
_TAKEN = ("all", "ungrouped", "localhost")
_SHOWN = 5  # names in one error
Rules = Sequence[Tuple[Pattern[str], str]]


@dataclass(frozen=True)
class Record:
    """A cluster; nothing in it is secret, so that a cache may keep it.

    Attributes:
        name: of the host.
        origin: the file, context or object it comes from, for messages.
        facts: the host variable C(edge_cluster).
        connection: the host variables C(edge_kubeconfig) and C(edge_context).
        from_hub: whether C(edge_kubeconfig) has to be fetched from the hub by each task.
        broken: why no task can reach it, None where nothing is known to be wrong.
    """

    name: str
    origin: str
    facts: Dict[str, Any] = field(default_factory=dict)
    connection: Dict[str, Any] = field(default_factory=dict)
    from_hub: bool = False
    broken: Optional[str] = None

    def as_json(self) -> Dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def from_json(data: Mapping[str, Any]) -> Record:
    """Return the record that C(as_json) was made of."""
    return Record(**data)


def named(records: Iterable[Record], rules: Rules) -> List[Record]:
    """Return the records with the names that hosts get.

    Raises:
        InputError: a name is empty, means something else to Ansible, or occurs twice.
    """
    renamed = [replace(record, name=_renamed(record.name, rules)) for record in records]
    unsafe = [record for record in renamed if not _is_safe(record.name)]
    if unsafe:
        listed = "; ".join(f"{one.name!r} ({one.origin})" for one in unsafe[:_SHOWN])
        more = f"; and {len(unsafe) - _SHOWN} more" if len(unsafe) > _SHOWN else ""
        raise InputError(
            f"these names cannot be names of hosts: {listed}{more}",
            option="rename",
            hint="Letters, digits, '_', '-' and '.' can be; add a rule to rename that replaces the"
            " others, such as {pattern: '[^A-Za-z0-9_.-]+', replace: '-'}",
        )
    _refuse_twins(renamed)
    return renamed


def _renamed(name: str, rules: Rules) -> str:
    for pattern, replacement in rules:
        try:
            name = pattern.sub(replacement, name)
        except (re.error, IndexError) as error:
            raise InputError(
                f"{replacement!r} does not fit the pattern {pattern.pattern!r} ({error})",
                option="rename",
            ) from None
    return name


def _is_safe(name: str) -> bool:
    return bool(_SAFE.fullmatch(name)) and name not in _TAKEN


def _refuse_twins(records: Iterable[Record]) -> None:
    seen: Dict[str, Record] = {}
    for record in records:
        first = seen.setdefault(record.name, record)
        if first is not record:
            raise InputError(
                f"two clusters have the name {record.name!r}: {first.origin}, and {record.origin}",
                hint="Rename one of them, set cluster_api.qualified_names, or write a rule of"
                " rename that keeps them apart",
            )
