# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bar charts as SVG. Pure.

Texts come from outside (names of pods), so everything is escaped. A chart has a title and a
description for those who cannot see it, and no colour carries a meaning.
"""

from __future__ import annotations

import html
from typing import List, Sequence, Tuple

WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 12, 44
TICKS = 4
ROW = 30


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
    parts.append(
        f'<text transform="translate(12 {TOP + high / 2:.0f}) rotate(-90)" text-anchor="middle">'
        f"{html.escape(down)}</text>"
    )
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


def _short(name: str) -> str:
    """Return a name that fits beside the bars; the end of a pod's name tells it apart."""
    return name if len(name) <= 38 else f"\u2026{name[-37:]}"


def _grid(most: float, high: int) -> str:
    lines = []
    for number in range(TICKS + 1):
        y = TOP + high - high * number / TICKS
        lines.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        lines.append(_text(LEFT - 6, y + 4, f"{most * number / TICKS:g}", "end"))
    return "".join(lines)


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
