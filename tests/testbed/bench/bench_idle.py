# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy, audit and repair of an unchanged store in one play: a helper each, or one for all."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import measure
from bench_copy import model
from cluster import AGENT_IMAGE, Cluster, with_claim

MIB = 50  # of the model: the helpers are measured, not its bytes
IDLE = 60  # seconds


class Plays:
    """The plays, and how many pods they started.

    Attributes:
        pods: of each play with a name, the last one's.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.src = str(model(cluster.work / "src", "m", MIB))
        self.pods: dict[str, int] = {}
        time.sleep(2.1)  # hashes of a file that was written less than 2 s ago are not kept

    def tasks(self, idle: int) -> Sequence[dict[str, Any]]:
        """Return the three tasks; the last one always ends the helper."""
        common = {
            "src": self.src,
            "namespace": self.cluster.namespace,
            "pvc": {"claim_name": "models"},
            "agent_image": AGENT_IMAGE,
        }
        copy, audit = "openvino.edge.model_repository", "openvino.edge.model_repository_info"
        return [
            {copy: {**common, "helper_idle": idle}},
            {audit: {**common, "helper_idle": idle, "verify": True}},
            {copy: {**common, "repair": True}},
        ]

    def run(self, name: str, idle: int, number: int) -> measure.Sample:
        """Measure one play."""
        before = self._started()
        sample = self.cluster.playbook(self.tasks(idle), number)
        self.pods[name] = self._started() - before
        return sample

    def _started(self) -> int:
        """Return how many helpers there have been."""
        chosen = "involvedObject.kind=Job,reason=SuccessfulCreate"
        found = self.cluster.kubectl("get", "events", "--field-selector", chosen, "-o", "json")
        return len(json.loads(found)["items"])


def bench(work: Path, rounds: int) -> str:
    """Run both and return the table."""
    with with_claim("edge-bench-idle", work) as cluster:
        plays = Plays(cluster)
        plays.run("first copy", 0, 0)
        each, one = "a helper for each task", f"helper_idle: {IDLE}"
        samples = measure.interleaved(
            {
                "empty play": cluster.empty_play,
                each: lambda number: plays.run(each, 0, number),
                one: lambda number: plays.run(one, IDLE, number),
            },
            rounds,
        )
        pods = {**plays.pods, "empty play": 0}
    middle = {name: measure.median(values) for name, values in samples.items()}
    rows = [[name, f"{s.wall:.2f}", f"{s.cpu:.2f}", str(pods[name])] for name, s in middle.items()]
    title = f"Copy, audit and repair without a change, medians of {rounds}"
    return measure.table(title, ["play", "wall s", "CPU s", "pods"], rows)
