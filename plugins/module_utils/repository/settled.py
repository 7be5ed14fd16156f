# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a task before it began: the record says that all of it is there."""

from __future__ import annotations

from typing import List, Optional

from ansible_collections.openvino.edge.plugins.module_utils.repository.fleet import Work
from ansible_collections.openvino.edge.plugins.module_utils.repository.local import Local
from ansible_collections.openvino.edge.plugins.module_utils.repository.options import Options
from ansible_collections.openvino.edge.plugins.module_utils.repository.plan import Plan, Step
from ansible_collections.openvino.edge.plugins.module_utils.repository.record import (
    RECORD,
    RecordBook,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transports.opening import (
    EmptyChannel,
)
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Params

# Options whose work only the store itself can tell.
LOOKING = ("repair", "pull")
# Options that may remove versions beside the wanted ones.
REMOVING = ("prune", "keep_versions")


def settled(
    book: RecordBook, local: Local, options: Options, params: Params
) -> Optional[List[Work]]:
    """Return the targets with nothing to do, or C(None) when they have to be looked at.

    Raises:
        UnreachableError: the cluster does not answer.
    """
    if options.compare != RECORD or params["state"] == "absent":
        return None
    if any(params.get(name) for name in LOOKING):
        return None
    targets = book.settled(
        local.manifests,
        tolerations=options.helper.tolerations,
        exact=any(params.get(name) for name in REMOVING),
        trust=local.guard.mark if local.guard else None,
    )
    if targets is None:
        return None
    kept = tuple(
        Step("keep", item.model, item.version, item.digest, len(item.files), item.size, item)
        for item in local.manifests
    )
    return [
        Work(target, channel=EmptyChannel(target), plan=Plan(target.name, kept))
        for target in targets
    ]
