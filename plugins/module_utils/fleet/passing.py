# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands between two batches: the other slices have come as far, and nothing says stop."""

from __future__ import annotations

from dataclasses import replace
from typing import Mapping, Sequence, Tuple

from .budget import Limits, Verdict, judge
from .journal.base import Journal
from .slices import Part
from .states import Cluster
from .waves import Wave


def passed(
    journal: Journal, number: int, part: Part, waves: Mapping[int, Wave], limits: Limits
) -> Tuple[Verdict, Sequence[Cluster]]:
    """Return the verdict after a part, and the clusters that it is over; a stop is written.

    With slices all of them come to it together: each judges the waves that are over by then, so a
    canary of one stops the others.
    """
    reason = journal.sharing.wait(number, part.until) if journal.sharing else ""
    clusters = journal.clusters(number)
    begin = part.batch.wave.number
    over = [wave for at, wave in sorted(waves.items()) if begin <= at <= part.judged]
    verdicts = [judge(clusters, wave, limits) for wave in over]
    verdict = next((item for item in verdicts if not item.goes_on), verdicts[-1])
    if reason:
        verdict = replace(verdict, goes_on=False, reason=reason)
    if not verdict.goes_on:
        journal.stop(number, verdict.reason)
    return verdict, clusters
