# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a replica counts itself, from the text of its C(/metrics). Pure.

The format is that of Prometheus (prometheus.io/docs/instrumenting/exposition_formats), the names
are those of openvinotoolkit/model_server, src/metric_config.hpp.
"""

from __future__ import annotations

import re
from typing import Dict, Mapping, Optional, Tuple

_SAMPLE = re.compile(r"^(ovms_requests_(?:success|fail))\{([^}]*)\}\s+([0-9.eE+]+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

Counts = Tuple[int, int]  # inferences that went well, and that did not


def counts_of(text: str, model: str, version: Optional[int]) -> Counts:
    """Return the inferences of a model that a replica has counted since its start.

    Args:
        text: of the metrics.
        model: the name.
        version: only of this one; None counts all.

    Raises:
        ValueError: there are no such counters: metrics are off, or C(metrics_list) leaves them out.
    """
    if "ovms_requests_success" not in text:
        raise ValueError("its metrics have no ovms_requests_success")
    found = {"ovms_requests_success": 0, "ovms_requests_fail": 0}
    for line in text.splitlines():
        sample = _SAMPLE.match(line)
        if sample is None:
            continue
        labels = dict(_LABEL.findall(sample[2]))
        wanted = labels.get("name") == model and labels.get("method") == "ModelInfer"
        if wanted and version is not None and "version" in labels:
            wanted = labels["version"] == str(version)
        if wanted:
            found[sample[1]] += int(float(sample[3]))
    return found["ovms_requests_success"], found["ovms_requests_fail"]


def shares(
    before: Mapping[str, Counts], after: Mapping[str, Counts]
) -> Dict[str, Tuple[int, float]]:
    """Return for each replica how many inferences it had meanwhile, and which share of all.

    Raises:
        ValueError: a replica is new, is gone or began to count anew: what it had is not known.
    """
    if set(before) != set(after):
        names = ", ".join(sorted(set(before) ^ set(after)))
        raise ValueError(f"the replicas changed meanwhile ({names})")
    had = {}
    for name, counts in after.items():
        answered = [now - then for now, then in zip(counts, before[name])]
        if min(answered) < 0:
            raise ValueError(f"{name} began to count anew, so its server was started again")
        had[name] = sum(answered)
    whole = sum(had.values())
    return {name: (count, count / whole if whole else 0.0) for name, count in had.items()}
