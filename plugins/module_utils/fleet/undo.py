# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says which clusters are put back, in which order, and to which release. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence

from .states import FAILED, STUCK, Cluster

# What is undone when a rollout stops.
WAVE = "wave"
ALL = "all"
NONE = "none"
CHOICES = (WAVE, ALL, NONE)


@dataclass(frozen=True)
class Undo:
    """The clusters to be put back, the last one that was touched first.

    Attributes:
        clusters: in their order.
        sizes: how many of them go at a time: one number for each wave.
        before: the release of each; 0 where there was no server, None where nobody knows.
    """

    clusters: Sequence[str]
    sizes: Sequence[int]
    before: Dict[str, Optional[int]]

    def as_dict(self) -> Dict[str, Any]:
        """Return what a result says of it."""
        return {
            "clusters": list(self.clusters),
            "sizes": list(self.sizes),
            "before": dict(self.before),
        }


def undo_of(clusters: Sequence[Cluster], order: Sequence[str], mode: str, *, stopped: bool) -> Undo:
    """Return what is to be put back.

    A cluster that failed is put back in any case, so that none is left with what does not serve.
    When the rollout was stopped, those of its last wave that serve the new release go back as well,
    or those of all waves.

    Args:
        clusters: all that the rollout has met.
        order: names of all clusters of this run, as they were worked on; a slice of a fleet puts
            back its own.
        mode: one of C(CHOICES).
        stopped: whether the rollout was stopped.
    """
    place = {name: number for number, name in enumerate(order)}
    touched = [item for item in clusters if item.touched and item.name in place]
    last = max((item.wave for item in clusters), default=0)
    if mode == NONE:
        chosen: List[Cluster] = []
    elif not stopped:
        chosen = [item for item in touched if item.state in (FAILED, STUCK)]
    elif mode == WAVE:
        chosen = [item for item in touched if item.wave == last or item.state in (FAILED, STUCK)]
    else:
        chosen = touched
    chosen.sort(key=lambda item: (item.wave, place[item.name]), reverse=True)
    sizes: Dict[int, int] = {}
    for item in chosen:
        sizes[item.wave] = sizes.get(item.wave, 0) + 1
    return Undo(
        [item.name for item in chosen],
        [sizes[number] for number in sorted(sizes, reverse=True)],
        {item.name: item.before for item in chosen},
    )
