# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the record of the requests to the result of the task. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any, Dict, List, Mapping, Sequence

from ..verify.table import render
from . import slo as slos
from .options import Options
from .statistics import PERCENTILES, distribution, over_time, summarize, throughput

SCHEMA = 1
BUSY = 0.9  # of a core, from which on the client itself is in the figures
FIGURES = ("mean_ms", *PERCENTILES, "min_ms", "max_ms", "stdev_ms")
LABELS = {
    **{name: f"{name[:-3]} ms" for name in FIGURES},
    "p999_ms": "p99.9 ms",
    "stdev_ms": "std dev ms",
}
_MILLI = 1000.0  # microseconds
_MICRO = 1_000_000.0


def measured(
    record: Mapping[str, Any], options: Options, about: Mapping[str, Any]
) -> Dict[str, Any]:
    """Return the result of a record with at least one answer.

    Args:
        record: of the worker.
        options: of the task.
        about: what is known besides: C(from), C(address), C(bytes), C(shares), C(shares_from).
    """
    latencies = [value / _MILLI for value in record["latencies"]]
    answers, failed = len(latencies), len(record["failures"])
    seconds = float(record["seconds"])
    ends = [(at + took) / _MICRO for at, took in zip(record["starts"], record["latencies"])]
    step, counts = over_time(ends, seconds)
    statistics = {
        **summarize(latencies).as_dict(),
        "throughput": round(throughput(answers, seconds), 3),
        "error_rate": round(failed / (answers + failed), 6),
    }
    broken = slos.judge(options.slo, statistics) if options.slo else []
    return {
        **about,
        "schema": SCHEMA,
        "passed": not broken,
        "model": options.model,
        "version": options.version,
        "client": options.client,
        "began": _when(record["began"]),
        "measured_seconds": round(seconds, 3),
        "load": {name: value for name, value in asdict(options.load).items() if name != "limit"},
        "complete": record["complete"],
        "requests": {"sent": answers + failed, "answered": answers, "failed": failed},
        "late": {"requests": record["late"], "longest_ms": round(record["latest"] / _MILLI, 3)},
        "statistics": statistics,
        "errors": _errors(record),
        "bytes": {**about["bytes"], "answer": round(record["received"] / answers)},
        "client_cpu": record["client_cpu"],
        "client_node": {"load_average": record["load_average"], "cores": record["cores"]},
        "slo": [
            {
                "name": name,
                "bound": bound,
                "measured": statistics[name],
                "ok": name not in [item["name"] for item in broken],
            }
            for name, bound in (options.slo.bounds if options.slo else ())
        ],
        "distribution": [
            {"from_ms": round(item.low, 4), "to_ms": round(item.high, 4), "count": item.count}
            for item in distribution(latencies)
        ],
        "timeline": {"slice_seconds": step, "answers": counts},
    }


def _when(moment: float) -> str:
    return datetime.fromtimestamp(moment, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _errors(record: Mapping[str, Any]) -> List[Dict[str, Any]]:
    counted = Counter(kind for _start, kind in record["failures"])
    return [
        {"kind": kind, "count": count, "example": record["examples"].get(kind, "")}
        for kind, count in counted.most_common()
    ]


def warnings(result: Mapping[str, Any], options: Options) -> List[str]:
    """Return what somebody should know who reads the figures."""
    found = []
    if result["client_cpu"] > BUSY:
        found.append(
            f"the client used {result['client_cpu'] * 100:.0f} % of a core, so the figures are as"
            " much its own as the server's; measure with fewer connections, or from several hosts"
        )
    if result["errors"]:
        first = result["errors"][0]
        found.append(
            f"{result['requests']['failed']} of {result['requests']['sent']} requests have no"
            f" answer, most often {first['kind']} ({first['example']}); the latencies are those of"
            " the others"
        )
    if not result["complete"] and options.load.duration:
        found.append("the measurement ended early, at the most requests that its record can hold")
    late = result["late"]
    # In a closed loop no request has a moment of its own.
    if result["load"]["rate"] and late["requests"] * 100 > result["requests"]["sent"]:
        found.append(
            f"{late['requests']} requests began up to {late['longest_ms']:.0f} ms after their"
            " moment, since no connection was free; their waiting is in the latencies. More"
            " concurrency tells whether connections or the server were too few"
        )
    return found


def table(result: Mapping[str, Any]) -> str:
    """Return the figures as text."""
    figures, requests = result["statistics"], result["requests"]
    version = f" {result['version']}" if result["version"] else ""
    lines = [
        f"{result['model']}{version} at {result['address']}, {result['client']} from the"
        f" {result['from']}, {result['load']['concurrency']} connections: {requests['answered']}"
        f" answers in {result['measured_seconds']:g} s, {figures['throughput']:g}/s,"
        f" {requests['failed']} errors"
    ]
    row = {LABELS[name]: f"{figures[name]:.3f}" for name in FIGURES}
    lines.append(render(tuple(row), [row]))
    if result["errors"]:
        lines.append(render(("kind", "count", "example"), result["errors"]))
    if result["shares"]:
        rows = [{**item, "share": f"{item['share'] * 100:.1f} %"} for item in result["shares"]]
        lines.append(render(("replica", "node", "inferences", "share"), rows))
    else:
        lines.append(f"Shares of replicas: unknown, {result['shares_from']}")
    if result["slo"]:
        lines.append(render(("name", "bound", "measured", "ok"), _plain(result["slo"])))
    return "\n".join(lines)


def _plain(rows: Sequence[Mapping[str, Any]]) -> List[Dict[str, Any]]:
    return [
        {**row, "bound": f"{row['bound']:g}", "measured": f"{row['measured']:g}"} for row in rows
    ]
