# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends a task early when the record on the cluster shows that every wanted version is published."""

from __future__ import annotations

from typing import List, Optional

from ..options.argument_spec import RECORD
from ..options.task import Options
from ..plan.steps import Plan, Step
from ..source.local import Local
from ..transport.choose import EmptyChannel
from .record import RecordBook
from .work import Work


def nothing_to_do(book: RecordBook, local: Local, options: Options) -> Optional[List[Work]]:
    """Return the unchanged targets, or C(None) when the targets have to be examined.

    Raises:
        UnreachableError: the cluster does not answer.
    """
    if options.compare != RECORD or options.absent:
        return None
    # The record cannot answer for these options; the store has to be read.
    if options.repair or options.pull is not None:
        return None
    targets = book.settled(
        local.manifests,
        tolerations=options.helper.tolerations,
        exact=options.rules.asked,
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
