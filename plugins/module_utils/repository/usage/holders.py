# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the running servers that have loaded a version number of the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, FrozenSet, Iterable, List, Mapping, Sequence, Set

from ...kube.client import KubeClient
from ...store import Store
from ..content.state import Key
from .references import EVERY_MODEL, Demand
from .survey import Place, Running, Survey, held_of


@dataclass(frozen=True)
class Holder:
    """A server that has loaded versions of the store, or may have.

    Attributes:
        place: where it can be asked.
        node: where it runs.
        names: by version of the store, the names under which it has loaded that number.
        maybe: versions that it asks for, while it does not say what it has loaded.
        fault: why it does not.
    """

    place: Place
    node: str
    names: Mapping[Key, FrozenSet[str]]
    maybe: FrozenSet[Key] = frozenset()
    fault: str = ""


def find_holders(client: KubeClient, store: Store, keys: Sequence[Key]) -> List[Holder]:
    """Return the servers that have loaded one of the versions, or may have.

    Args:
        client: of the cluster.
        store: where the versions lie, or will.
        keys: the versions in question.

    Raises:
        ForbiddenError: pods may not be listed.
    """
    survey = Survey(client, store, lambda text: None)
    found = [_holder(server, keys) for server in survey.running()]
    return [holder for holder in found if holder.names or holder.maybe]


def _holder(server: Running, keys: Sequence[Key]) -> Holder:
    if server.fault:
        maybe = frozenset(key for key in keys if _asks(server.demand, key))
        return Holder(server.place, server.node, {}, maybe, server.fault)
    return Holder(server.place, server.node, _names(server, keys))


def _asks(demand: Demand, key: Key) -> bool:
    model, version = key
    return any(
        reference.model in (model, EVERY_MODEL) and reference.policy.choose([version])
        for reference in demand.references
    )


def _names(server: Running, keys: Iterable[Key]) -> Dict[Key, FrozenSet[str]]:
    """Return the names of the loaded versions.

    A name that the configuration does not tell, or does not tell any more, is taken for that of
    the directory.
    """
    wanted = set(keys)
    found: Dict[Key, Set[str]] = {}
    for reference in held_of(server.held, server.demand):
        model = reference.name if reference.model == EVERY_MODEL else reference.model
        for version in reference.policy.versions:
            if (model, version) in wanted:
                found.setdefault((model, version), set()).add(reference.name)
    return {key: frozenset(names) for key, names in found.items()}
