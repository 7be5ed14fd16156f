# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bars and lines as SVG. Pure.

Texts come from outside (names of pods), so everything is escaped. A chart has a title and a
description for those who cannot see it, and no colour carries a meaning.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import List, Sequence, Tuple

WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 12, 44
TICKS = 4
ROW = 30
LEGEND = 22
# How the lines of several series are told apart, besides the shape of their marks.
DASHES = ("", "7 4", "2 4", "9 3 2 3")


@dataclass(frozen=True)
class Series:
    """Points that belong together, from left to right; C(marked) shows each of them."""

    name: str
    points: Tuple[Tuple[float, float], ...]
    marked: bool = True


def columns(
    values: Sequence[float],
    marks: Sequence[Tuple[float, str]],
    title: str,
    down: str,
    across: str,
) -> str:
    """Return upright bars side by side.

    Args:
        values: their heights.
        marks: places on the axis below from 0 to 1, and what is written there.
        title: of the chart, for screen readers.
        down: what the heights are.
        across: what the axis below is.
    """
    most = _round_up(max(values, default=0.0))
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    step = wide / max(1, len(values))
    parts = [_grid(most, high)]
    for at, value in enumerate(values):
        size = high * value / most
        parts.append(
            f'<rect class="bar" x="{LEFT + at * step:.2f}" y="{TOP + high - size:.2f}"'
            f' width="{max(step - 1, 0.5):.2f}" height="{size:.2f}"/>'
        )
    for place, text in marks:
        x = LEFT + wide * place
        parts.append(
            f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP + high}"'
            f' y2="{TOP + high + 5}"/>'
        )
        parts.append(_text(x, TOP + high + 18, text, "middle"))
    parts.append(_text(LEFT + wide / 2, HEIGHT - 6, across, "middle"))
    parts.append(_upright(down, high))
    return _svg(HEIGHT, title, parts)


def rows(items: Sequence[Tuple[str, float, str]], title: str) -> str:
    """Return lying bars below each other.

    Args:
        items: name, share from 0 to 1, and what is written at the end of the bar.
        title: of the chart, for screen readers.
    """
    name_wide = min(280, 12 + 7 * max((len(name) for name, _share, _text in items), default=0))
    wide = WIDTH - name_wide - 150
    parts = []
    for at, (name, share, text) in enumerate(items):
        y = TOP + at * ROW
        parts.append(_text(name_wide - 8, y + 15, _short(name), "end"))
        parts.append(
            f'<rect class="track" x="{name_wide}" y="{y}" width="{wide}" height="{ROW - 8}"/>'
            f'<rect class="bar" x="{name_wide}" y="{y}" width="{wide * share:.2f}"'
            f' height="{ROW - 8}"/>'
        )
        parts.append(_text(name_wide + wide + 8, y + 15, text, "start"))
    return _svg(TOP + ROW * len(items) + 4, title, parts)


def lines(series: Sequence[Series], title: str, down: str, across: str) -> str:
    """Return lines over the same axes, which begin at 0, or below where a value is negative.

    Args:
        series: at least one, each with at least one point.
        title: of the chart, for screen readers.
        down: what the heights are.
        across: what the axis below is.
    """
    points = [point for one in series for point in one.points]
    top = _round_up(max(y for _x, y in points))
    lowest = min(y for _x, y in points)
    low = -_round_up(-lowest) if lowest < 0 else 0.0
    right = _round_up(max(x for x, _y in points))
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    parts = [f'<g transform="translate(0 {LEGEND})">', _grid(top, high, low)]

    def place(point: Tuple[float, float]) -> Tuple[float, float]:
        x, y = point
        return LEFT + wide * x / right, TOP + high * (top - y) / (top - low)

    for number in range(TICKS + 1):
        at = LEFT + wide * number / TICKS
        parts.append(_text(at, TOP + high + 18, f"{right * number / TICKS:g}", "middle"))
    parts.append(_text(LEFT + wide / 2, HEIGHT - 6, across, "middle"))
    parts.append(_upright(down, high))
    for number, one in enumerate(series):
        parts += _drawn(number, [place(point) for point in one.points], one.marked)
    parts.append("</g>")
    for number, one in enumerate(series):
        x = LEFT + number * wide / len(series)
        parts += _drawn(number, [(x, 12.0), (x + 30, 12.0)], one.marked)
        parts.append(_text(x + 40, 16, one.name, "start"))
    return _svg(HEIGHT + LEGEND, title, parts)


def _drawn(number: int, places: Sequence[Tuple[float, float]], marked: bool) -> List[str]:
    """Return the line of a series, and its marks: circles, squares, then triangles."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dash = DASHES[number % len(DASHES)]
    style = f' stroke-dasharray="{dash}"' if dash else ""
    parts = [f'<polyline class="line" points="{path}"{style}/>']
    for x, y in places if marked else ():
        if number % 3 == 0:
            parts.append(f'<circle class="mark" cx="{x:.1f}" cy="{y:.1f}" r="4"/>')
        elif number % 3 == 1:
            square = f'x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"'
            parts.append(f'<rect class="mark" {square}/>')
        else:
            corners = f"{x:.1f},{y - 5:.1f} {x - 5:.1f},{y + 4:.1f} {x + 5:.1f},{y + 4:.1f}"
            parts.append(f'<polygon class="mark" points="{corners}"/>')
    return parts


def _upright(text: str, high: int) -> str:
    """Return what the heights are, beside them."""
    return (
        f'<text transform="translate(12 {TOP + high / 2:.0f}) rotate(-90)" text-anchor="middle">'
        f"{html.escape(text)}</text>"
    )


def _short(name: str) -> str:
    """Return a name that fits beside the bars; the end of a pod's name tells it apart."""
    return name if len(name) <= 38 else f"\u2026{name[-37:]}"


def _grid(most: float, high: int, least: float = 0.0) -> str:
    found = []
    for number in range(TICKS + 1):
        y = TOP + high - high * number / TICKS
        found.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        value = least + (most - least) * number / TICKS
        found.append(_text(LEFT - 6, y + 4, f"{value:.4g}", "end"))
    return "".join(found)


def _round_up(value: float) -> float:
    """Return the next number above with a round quarter, so that the grid has round numbers."""
    if value <= 0:
        return 1.0
    size = 1.0
    while size < value:
        size *= 10
    while size >= value * 10:
        size /= 10
    return next(size * part for part in (0.2, 0.4, 0.6, 0.8, 1.0) if size * part >= value)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'


def _svg(height: int, title: str, parts: List[str]) -> str:
    return (
        f'<svg role="img" viewBox="0 0 {WIDTH} {height}" aria-label="{html.escape(title)}">'
        f"<title>{html.escape(title)}</title>{''.join(parts)}</svg>"
    )
