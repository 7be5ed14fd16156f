# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the page of a measurement: one file without anything from outside, and no script. Pure."""

from __future__ import annotations

import base64
import hashlib
import html
import math
from typing import Any, List, Mapping, Sequence, Tuple

from . import plots
from .result import FIGURES, LABELS
from .slo import words

STYLE = """
:root { color-scheme: light dark; --back: #ffffff; --text: #16202b; --soft: #4d5b69;
  --line: #c9d1d9; --card: #f4f6f8; --bar: #0b5cad; --good: #17693a; --bad: #b3201a; }
@media (prefers-color-scheme: dark) { :root { --back: #10161d; --text: #e8edf2; --soft: #aebac6;
  --line: #3b4855; --card: #1a232d; --bar: #7fbdff; --good: #6fd698; --bad: #ff8f86; } }
body { margin: 0 auto; padding: 1rem; max-width: 52rem; background: var(--back);
  color: var(--text); font: 1rem/1.45 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p { margin: .4rem 0; } .soft { color: var(--soft); font-size: .875rem; }
.good { color: var(--good); font-weight: 700; } .bad { color: var(--bad); font-weight: 700; }
ul.tiles { display: flex; flex-wrap: wrap; gap: .5rem; list-style: none; margin: 1rem 0;
  padding: 0; }
ul.tiles li { background: var(--card); border: 1px solid var(--line); border-radius: .4rem;
  padding: .4rem .8rem; }
ul.tiles b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
svg { width: 100%; min-width: 36rem; height: auto; }
svg text { fill: var(--text); font: 12px system-ui, sans-serif; }
.bar { fill: var(--bar); } .track { fill: var(--card); stroke: var(--line); }
.grid, .tick { stroke: var(--line); }
.line { fill: none; stroke: var(--bar); stroke-width: 2; } .mark { fill: var(--bar); }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; } dt { font-weight: 700; margin-top: .5rem; }
dd { margin: 0; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .875rem; }
th, td { text-align: left; white-space: nowrap; padding: .25rem 1rem .25rem 0;
  border-bottom: 1px solid var(--line); }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
"""
MARKS = 6  # along an axis


def page(result: Mapping[str, Any]) -> str:
    """Return the HTML of a result."""
    return document(
        f"Benchmark of {_model(result)}",
        f"{_head(result)}{_tiles(result)}{_slo(result)}{_latency(result)}{_time(result)}"
        f"{_shares(result)}{_errors(result)}{_foot(result)}",
    )


def document(title: str, body: str) -> str:
    """Return a whole page, whose policy lets nothing but its own style in.

    Args:
        title: as plain text.
        body: HTML.
    """
    digest = base64.b64encode(hashlib.sha256(STYLE.encode("utf-8")).digest()).decode("ascii")
    title = html.escape(title)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="default-src \'none\';'
        f" style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'\">"
        f"<title>{title}</title><style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n"
        f"{body}</body></html>\n"
    )


def _model(result: Mapping[str, Any]) -> str:
    version = result["version"]
    return f"{result['model']}, version {version}" if version else str(result["model"])


def _head(result: Mapping[str, Any]) -> str:
    load = result["load"]
    how = f"open loop, {load['rate']:g} requests/s" if load["rate"] else "closed loop"
    facts = (
        f"{result['began']}: {result['client']} from the {result['from']} to {result['address']},"
        f" {load['concurrency']} connections, {how}, {load['warmup']} requests of warm-up,"
        f" {result['bytes']['request']} bytes per request, {result['bytes']['answer']} per answer"
    )
    return f'<p class="soft">{html.escape(facts)}</p>\n'


def _tiles(result: Mapping[str, Any]) -> str:
    figures, requests = result["statistics"], result["requests"]
    tiles = [
        (f"{figures['throughput']:g}/s", "throughput"),
        (f"{figures['p50_ms']:g} ms", "median"),
        (f"{figures['p95_ms']:g} ms", "p95"),
        (f"{figures['p99_ms']:g} ms", "p99"),
        (f"{requests['answered']}", "answers"),
        (f"{requests['failed']}", "errors"),
    ]
    items = "".join(f"<li><b>{html.escape(value)}</b>{name}</li>" for value, name in tiles)
    return f'<ul class="tiles">{items}</ul>\n'


def _slo(result: Mapping[str, Any]) -> str:
    if not result["slo"]:
        return ""
    broken = [words(item) for item in result["slo"] if not item["ok"]]
    if not broken:
        bounds = ", ".join(f"{item['name']} {item['bound']:g}" for item in result["slo"])
        return f'<p><span class="good">\u2713 kept:</span> {html.escape(bounds)}</p>\n'
    return f'<p><span class="bad">\u2717 not kept:</span> {html.escape("; ".join(broken))}</p>\n'


def _latency(result: Mapping[str, Any]) -> str:
    bars: Sequence[Mapping[str, Any]] = result["distribution"]
    low, high = bars[0]["from_ms"], bars[-1]["to_ms"]
    chart = plots.columns(
        [item["count"] for item in bars],
        [(at / (MARKS - 1), f"{_between(low, high, at / (MARKS - 1)):.3g}") for at in range(MARKS)],
        "Latency distribution",
        "answers",
        "latency in ms, logarithmic",
    )
    figures = result["statistics"]
    names = "".join(f"<th>{LABELS[name][:-3]}</th>" for name in FIGURES)
    cells = "".join(f'<td class="number">{figures[name]:.3f}</td>' for name in FIGURES)
    table = f"<table><tr>{names}</tr><tr>{cells}</tr></table>"
    return (
        f'<h2>Latency, in milliseconds</h2>\n<div class="scroll">{chart}</div>\n'
        f'<div class="scroll">{table}</div>\n'
    )


def _between(low: float, high: float, part: float) -> float:
    """Return a place on a logarithmic scale."""
    low = max(low, 1e-4)
    return low * math.exp(math.log(max(high, low) / low) * part)


def _time(result: Mapping[str, Any]) -> str:
    step, counts = result["timeline"]["slice_seconds"], result["timeline"]["answers"]
    whole = step * len(counts)
    chart = plots.columns(
        [count / step for count in counts],
        _seconds(whole),
        "Throughput over time",
        "answers in a second",
        "seconds since the begin",
    )
    note = f'<p class="soft">Slices of {step:g} s; the last one may not be whole.</p>'
    return f'<h2>Throughput over time</h2>\n<div class="scroll">{chart}</div>\n{note}\n'


def _seconds(whole: float) -> List[Tuple[float, str]]:
    """Return places for round numbers of seconds along an axis."""
    size = 10.0 ** math.floor(math.log10(whole))
    step = next(size * part for part in (0.2, 0.5, 1, 2, 5) if whole <= size * part * MARKS)
    return [(at * step / whole, f"{at * step:g}") for at in range(int(whole / step) + 1)]


def _shares(result: Mapping[str, Any]) -> str:
    shares: List[Mapping[str, Any]] = result["shares"]
    source = html.escape(result["shares_from"])
    if not shares:
        return f"<h2>Replicas</h2>\n<p>Their shares are unknown: {source}.</p>\n"
    items: List[Tuple[str, float, str]] = [
        (item["replica"], item["share"], f"{item['share'] * 100:.1f} % ({item['inferences']})")
        for item in shares
    ]
    chart = plots.rows(items, "Share of each replica")
    return (
        f'<h2>Share of each replica</h2>\n<div class="scroll">{chart}</div>\n'
        f'<p class="soft">From {source}.</p>\n'
    )


def _errors(result: Mapping[str, Any]) -> str:
    if not result["errors"]:
        return ""
    lines = "".join(
        f'<tr><td>{html.escape(item["kind"])}</td><td class="number">{item["count"]}</td>'
        f"<td>{html.escape(item['example'])}</td></tr>"
        for item in result["errors"]
    )
    head = "<tr><th>kind</th><th>count</th><th>first message</th></tr>"
    return f'<h2>Errors</h2>\n<div class="scroll"><table>{head}{lines}</table></div>\n'


def _foot(result: Mapping[str, Any]) -> str:
    text = f"The client used {result['client_cpu'] * 100:.0f} % of a core. openvino.edge.benchmark."
    return f'<p class="soft">{text}</p>\n'
