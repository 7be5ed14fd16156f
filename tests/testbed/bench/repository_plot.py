# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One picture of all situations: bars on a logarithmic scale, as SVG; pure."""

from __future__ import annotations

import math
from html import escape
from typing import Mapping

Bars = Mapping[str, Mapping[str, float]]

# Told apart by people who see colours differently (Okabe and Ito).
COLOURS = ("#0072b2", "#56b4e9", "#009e73", "#e69f00", "#d55e00", "#999999")
WIDTH, LEFT, RIGHT, TOP = 920, 270, 70, 74
BAR, GAP = 13, 12
FONT = 'font-family="sans-serif"'


def svg(title: str, unit: str, bars: Bars) -> str:
    """Return the picture.

    Args:
        title: above it.
        unit: of the values.
        bars: values above 0, by group and name.
    """
    names = list(dict.fromkeys(name for group in bars.values() for name in group))
    values = [value for group in bars.values() for value in group.values()]
    low = 10.0 ** math.floor(math.log10(min(values)))
    high = 10.0 ** math.ceil(math.log10(max(values)))
    height = TOP + sum(len(group) * BAR + GAP for group in bars.values()) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        f' width="{WIDTH}" height="{height}">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        _text(12, 22, title, size=16, bold=True),
        *_legend(names),
        *_grid(low, high, height, unit),
        *_groups(bars, names, low, high),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _x(value: float, low: float, high: float) -> float:
    share = math.log10(value / low) / math.log10(high / low)
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _legend(names: list[str]) -> list[str]:
    parts, x = [], 12.0
    for number, name in enumerate(names):
        parts.append(f'<rect x="{x:.0f}" y="36" width="12" height="12" fill="{_colour(number)}"/>')
        parts.append(_text(x + 16, 46, name, size=12))
        x += 34 + 6.4 * len(name)
    return parts


def _grid(low: float, high: float, height: int, unit: str) -> list[str]:
    parts, value = [], low
    while value <= high * 1.01:
        x = _x(value, low, high)
        line = f'x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{height - 26}"'
        parts.append(f'<line {line} stroke="#dddddd"/>')
        parts.append(_text(x, height - 10, f"{value:g} {unit}", size=11, anchor="middle"))
        value *= 10
    return parts


def _groups(bars: Bars, names: list[str], low: float, high: float) -> list[str]:
    parts, y = [], float(TOP)
    for group, values in bars.items():
        middle = y + len(values) * BAR / 2 + 4
        parts.append(_text(LEFT - 8, middle, group, size=12, anchor="end"))
        for name in (name for name in names if name in values):
            x = _x(values[name], low, high)
            size = f'width="{max(x - LEFT, 1):.1f}" height="{BAR - 2}"'
            colour = _colour(names.index(name))
            parts.append(f'<rect x="{LEFT}" y="{y:.1f}" {size} fill="{colour}"/>')
            parts.append(_text(x + 4, y + BAR - 4, _number(values[name]), size=10))
            y += BAR
        y += GAP
    return parts


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _text(
    x: float, y: float, text: str, *, size: int, anchor: str = "start", bold: bool = False
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"'
    return f'<text {place} {FONT}{weight} fill="#222222">{escape(text)}</text>'
