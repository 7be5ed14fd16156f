# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes metrics.prom of a report, for the textfile collector of Prometheus' node exporter. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any, Dict, Iterator, List, Mapping, Tuple

from .model import BYTES, STATES, VERDICTS

PREFIX = "openvino_edge_"
Labels = Dict[str, str]
Sample = Tuple[Labels, float]
# What is not a line break to the format, but to some of its readers.
BREAKS = re.compile("[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")

# Every metric is a gauge: the file tells of one run, and the next one writes it anew.
METRICS = {
    "rollout_info": "The run; the value is always 1.",
    "rollout_verdict": "How the run ended; 1 for what it was, 0 for what else could be.",
    "rollout_began_timestamp_seconds": "When the run began, in seconds since 1970.",
    "rollout_ended_timestamp_seconds": "When the run ended, in seconds since 1970.",
    "rollout_duration_seconds": "How long the run took.",
    "rollout_check_mode": "Whether the run only looked ahead.",
    "rollout_failures_allowed": "Failed clusters that the whole fleet may have.",
    "rollout_failures_spent": "Failed clusters that count against that.",
    "rollout_clusters": "Number of clusters by state.",
    "rollout_bytes": "Bytes of models, by what became of them.",
    "wave_clusters": "Number of clusters of a wave by state.",
    "wave_stopped": "Whether the rollout was stopped after this wave.",
    "cluster_state": "State of a cluster; the value is always 1.",
    "cluster_duration_seconds": "How long a cluster took.",
    "cluster_sent_bytes": "Bytes that the controller sent to a cluster.",
    "cluster_release": "Number of the release that a cluster has now.",
    "cluster_replicas": "Number of rows of replica and wanted version, by whether it is served.",
}


def prometheus(document: Mapping[str, Any]) -> str:
    """Return the text of a document, in the exposition format 0.0.4.

    Each sample has the label C(rollout), so that the files of several rollouts can lie in one
    directory of the collector.
    """
    found: Dict[str, List[Sample]] = {name: [] for name in METRICS}
    for name, labels, value in _samples(document):
        found[name].append((labels, value))
    rollout = document["rollout"]["name"] or document["playbook"]
    lines: List[str] = []
    for name, samples in found.items():
        if samples:
            lines.append(f"# HELP {PREFIX}{name} {METRICS[name]}")
            lines.append(f"# TYPE {PREFIX}{name} gauge")
        for labels, value in samples:
            told = _labels({"rollout": rollout, **labels})
            lines.append(f"{PREFIX}{name}{told} {_number(value)}")
    return "\n".join(lines) + "\n"


def _samples(document: Mapping[str, Any]) -> Iterator[Tuple[str, Labels, float]]:
    rollout, budget = document["rollout"], document["budget"]
    yield "rollout_info", {"run": rollout["run"], "playbook": document["playbook"]}, 1
    for verdict in VERDICTS:
        yield "rollout_verdict", {"verdict": verdict}, float(verdict == document["verdict"])
    yield "rollout_began_timestamp_seconds", {}, _stamp(document["began"])
    yield "rollout_ended_timestamp_seconds", {}, _stamp(document["ended"])
    yield "rollout_duration_seconds", {}, document["seconds"]
    yield "rollout_check_mode", {}, float(document["check_mode"])
    if budget["allowed"] is not None:
        yield "rollout_failures_allowed", {}, budget["allowed"]
    yield "rollout_failures_spent", {}, budget["spent"]
    for state in STATES:
        yield "rollout_clusters", {"state": state}, document["clusters_by_state"].get(state, 0)
    for kind in BYTES:
        yield "rollout_bytes", {"kind": kind}, document["bytes"][kind]
    yield from _waves(document)
    for cluster in document["clusters"]:
        yield from _cluster(cluster)


def _waves(document: Mapping[str, Any]) -> Iterator[Tuple[str, Labels, float]]:
    counts: Dict[Tuple[int, str], int] = {}
    for cluster in document["clusters"]:
        if cluster["wave"] is not None:
            key = (cluster["wave"], cluster["state"])
            counts[key] = counts.get(key, 0) + 1
    for wave in document["waves"]:
        labels = {"wave": str(wave["number"]), "name": wave["name"]}
        for state in STATES:
            count = counts.get((wave["number"], state), 0)
            yield "wave_clusters", {**labels, "state": state}, count
        yield "wave_stopped", labels, float(wave["verdict"] == "stop")


def _cluster(cluster: Mapping[str, Any]) -> Iterator[Tuple[str, Labels, float]]:
    labels = {"cluster": cluster["name"]}
    wave = "" if cluster["wave"] is None else str(cluster["wave"])
    yield "cluster_state", {**labels, "wave": wave, "state": cluster["state"]}, 1
    if cluster["started"] is not None and cluster["ended"] is not None:
        yield "cluster_duration_seconds", labels, cluster["ended"] - cluster["started"]
    if "sent" in cluster["bytes"]:
        yield "cluster_sent_bytes", labels, cluster["bytes"]["sent"]
    if cluster["release"] and cluster["release"]["number"] is not None:
        yield "cluster_release", labels, cluster["release"]["number"]
    if cluster["replicas"]:
        good = [row["ok"] for row in cluster["replicas"] if row["wanted"]].count(True)
        yield "cluster_replicas", {**labels, "served": "yes"}, good
        yield "cluster_replicas", {**labels, "served": "no"}, len(cluster["replicas"]) - good


def _stamp(text: str) -> float:
    found = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    return found.timestamp()


def _labels(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    plain = BREAKS.sub(" ", value)
    return plain.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(round(float(value), 3))
