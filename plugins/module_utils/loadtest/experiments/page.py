# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the page of the experiments: one file, without a script or anything from outside. Pure."""

from __future__ import annotations

import html
from typing import List, Mapping, Sequence, Tuple

from .. import plots
from ..page import document
from . import balance, fit, scaling, ways
from .figure import CONTRADICTS, SUPPORTS, VERDICTS, WAYS, Figure, in_order
from .options import Rows

TITLE = "Three experiments with a model server"
KB = 1000.0
INTRODUCTION = (
    "Each experiment has a claim, made in words by the article on the Inference Model Manager of"
    " 2020, and ends with what the data of this cluster say about it."
)


def page(figures: Sequence[Figure], rows: Rows, facts: Mapping[str, str], note: str) -> str:
    """Return the HTML of judged experiments.

    Args:
        figures: the experiments.
        rows: what was measured for them.
        facts: what it ran on.
        note: of whoever measured; shown at the top.
    """
    parts = [f"<p>{html.escape(INTRODUCTION)}</p>\n"]
    if note:
        parts.append(f"<p><strong>{html.escape(note)}</strong></p>\n")
    if rows.load.crowded:
        parts.append(f'<p><strong class="bad">{html.escape(_crowded(rows))}</strong></p>\n')
    parts += [_figure(figure, rows) for figure in figures]
    parts.append(_ran_on(rows, facts))
    return document(TITLE, "".join(parts))


def _crowded(rows: Rows) -> str:
    return (
        f"The machine of the clients had load averages of {rows.load.low:g} to {rows.load.high:g}"
        f" on {rows.load.cores} cores: work of others is in these figures. Read them against each"
        " other, not as what this server can do."
    )


def _figure(figure: Figure, rows: Rows) -> str:
    mark = {SUPPORTS: ("good", "\u2713"), CONTRADICTS: ("bad", "\u2717")}
    style, sign = mark.get(figure.verdict, ("soft", "?"))
    charts = "".join(f'<div class="scroll">{chart}</div>\n' for chart in _CHARTS[figure.name](rows))
    said = "".join(f"<p>{html.escape(part)}</p>" for part in figure.parts)
    return (
        f"<h2>{html.escape(figure.title)}</h2>\n<p>{html.escape(figure.claim)}</p>\n"
        f'<p><span class="{style}">{sign} {html.escape(VERDICTS[figure.verdict])}.</span></p>\n'
        f"{said}\n{charts}"
        f'<div class="scroll">{_table(figure.columns, figure.rows)}</div>\n'
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    lines = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{lines}</table>"


def _balance(rows: Rows) -> List[str]:
    replicas = balance.replicas_of(rows.clients)
    charts = []
    for way in in_order([client.way for client in rows.clients]):
        items = [
            (f"client {client.number} \u2192 {name}", share, f"{share * 100:.1f} %")
            for client in rows.clients
            if client.way == way
            for name, share in zip(balance.short(replicas), client.shares(replicas))
        ]
        title = f"{WAYS[way]}: share of each replica of a client's requests"
        charts.append(f"<h3>{html.escape(WAYS[way])}</h3>\n{plots.rows(items, title)}")
    return charts


def _ways(rows: Rows) -> List[str]:
    found = ways.ways_of(rows.latencies)
    if not found:
        return []
    series = [
        plots.Series(way.title, tuple((item.size / KB, item.middle) for item in way.added))
        for way in found
    ]
    title = "What each way adds to the median latency, by the size of a request"
    return [plots.lines(series, title, "added, ms", "bytes of a request, kB")]


def _scaling(rows: Rows) -> List[str]:
    steps = scaling.steps_of(rows.steps)
    measured = [plots.Series("measured", tuple(scaling.points(steps)))]
    if len(steps) >= scaling.STEPS:
        straight = fit.line(scaling.points(steps))
        ends = (float(steps[0].replicas), float(steps[-1].replicas))
        measured.append(
            plots.Series("straight line", tuple((x, straight.at(x)) for x in ends), marked=False)
        )
    latencies = [
        plots.Series("p50", tuple((float(step.replicas), step.p50_ms) for step in steps)),
        plots.Series("p95", tuple((float(step.replicas), step.p95_ms) for step in steps)),
    ]
    return [
        plots.lines(measured, "Throughput by replicas", "answers in a second", "replicas"),
        plots.lines(latencies, "Latency by replicas", "ms", "replicas"),
    ]


_CHARTS = {"balance": _balance, "ways": _ways, "scaling": _scaling}


def _ran_on(rows: Rows, facts: Mapping[str, str]) -> str:
    lines: List[Tuple[str, str]] = [
        ("Measured", f"{rows.began[0]} to {rows.began[1]}"),
        ("Requests", f"{rows.sent} sent, {rows.failed} without an answer"),
        (
            "Load average before a measurement",
            f"{rows.load.low:g} to {rows.load.high:g}, {rows.load.cores} cores",
        ),
        *facts.items(),
    ]
    items = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in lines
    )
    return f"<h2>What it ran on</h2>\n<dl>{items}</dl>\n"
