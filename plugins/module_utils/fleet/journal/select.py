# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens the journal that an option names; the only file that knows which kinds there are."""

from __future__ import annotations

import os
from functools import partial
from typing import Any, Callable, Mapping, Optional

from ...errors import EdgeError, InputError
from ...inventory.hubs import hub_params
from ...inventory.options import hub_options
from ...kube.client import KubeClient
from ..slices import Slice
from . import keeper
from .base import Holder, Journal
from .hub import HubJournal
from .local import FileJournal
from .place import Place

# The namespace of a hub in which rollouts are written.
NAMESPACE = "edge-rollouts"
# What the option may say besides how the hub is reached; C(rollout_plan) adds fleet and slice.
_OWN = ("namespace", "fleet", "slice")


def open_journal(
    where: Any, tell: Callable[[str], None], fleet: str = "", part: Optional[Slice] = None
) -> Journal:
    """Return the journal that the option C(journal) names; nothing is asked or written yet.

    The holder of what is begun is C(ansible-playbook), the parent of the process of each task.

    Args:
        where: path of a file, or a mapping that says how a hub is reached.
        tell: shows a line to people.
        fleet: its name, unless C(where) is an address that says it.
        part: the slice of the fleet that this run is, if it is one and C(where) does not say it.

    Raises:
        InputError: it is neither, it is a file of which other slices know nothing, or the hub's
            options cannot be used.
    """
    holder = Holder.of_process(os.getppid())
    if isinstance(where, str) and where:
        if part is not None:
            raise InputError(
                "slices run on machines of their own, and a file is on one machine",
                option="journal",
                hint="Give a hub as in {kubeconfig: hub.yml, namespace: edge-rollouts}"
                " (edge_journal)",
            )
        return FileJournal(where, holder)
    if not isinstance(where, Mapping):
        raise InputError(
            f"'{where}' is neither a path nor a mapping",
            option="journal",
            hint="Name a file, or a hub as in {kubeconfig: hub.yml, namespace: edge-rollouts}"
            " (edge_journal)",
        )
    for name in _OWN[:2]:
        if not isinstance(where.get(name, ""), str):
            raise InputError(
                "has to be text",
                option=f"journal.{name}",
                hint="Put it in quotes (edge_journal)",
            )
    given = {name: value for name, value in where.items() if name not in _OWN}
    hub = hub_options("journal", given, os.getcwd(), own=_OWN[:1])
    namespace = where.get("namespace") or NAMESPACE
    params = hub_params(hub, os.environ)
    try:
        # Place waits itself. So it is never the client of a task, also where the hub is a cluster.
        client = KubeClient.from_params(params, longest=0.0)
    except EdgeError as error:
        error.option = f"journal.{error.option}" if error.option else "journal"
        raise
    if where.get("slice"):
        part = Slice(**where["slice"])
    keep = partial(keeper.start, params, namespace, holder=holder, part=part)
    fleet = fleet or where.get("fleet", "")
    return HubJournal(Place(client, namespace), hub, fleet, holder, part, tell, keep)
