# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an experiment has shown, and the words that all of them use. Pure."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Dict, Sequence, Tuple

SUPPORTS = "supports"
CONTRADICTS = "contradicts"
UNCLEAR = "unclear"
VERDICTS: Dict[str, str] = {
    SUPPORTS: "The data support it",
    CONTRADICTS: "The data do not support it",
    UNCLEAR: "The data cannot tell",
}
# The ways to a server, in the order in which they are shown.
CLUSTER_IP = "cluster_ip"
WAYS: Dict[str, str] = {
    CLUSTER_IP: "ClusterIP",
    "headless": "headless Service",
    "layer7": "layer 7 with TLS",
    "gateway": "Gateway with TLS",
    "mtls": "layer 7 with mutual TLS",
}
LAYER7 = ("layer7", "gateway", "mtls")
# The protocols, in the same order.
CLIENTS: Dict[str, str] = {"rest": "REST", "grpc": "gRPC"}


@dataclass(frozen=True)
class Figure:
    """One experiment.

    Attributes:
        name: C(balance), C(ways) or C(scaling).
        title: of its part of the page.
        claim: what is judged.
        verdict: C(supports), C(contradicts) or C(unclear).
        parts: what the data say, with the numbers that matter, a sentence for each way or for all.
        columns: heads of the table.
        rows: its cells.
    """

    name: str
    title: str
    claim: str
    verdict: str
    parts: Tuple[str, ...]
    columns: Tuple[str, ...]
    rows: Tuple[Tuple[str, ...], ...]

    @property
    def sentence(self) -> str:
        """Return all that the data say."""
        return " ".join(self.parts)


def median(values: Sequence[float]) -> float:
    """Return the median of at least one value."""
    return float(statistics.median(values))


def in_order(ways: Sequence[str]) -> Tuple[str, ...]:
    """Return each of the ways once, in the order in which they are shown."""
    return tuple(way for way in WAYS if way in ways)


def size(count: float) -> str:
    """Return a number of bytes in words: decimal units, as links have them."""
    for unit, factor in (("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count:.0f} bytes"


def listed(parts: Sequence[str]) -> str:
    """Return parts as one text: C(a), C(a and b), C(a, b and c)."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def many(count: int, word: str) -> str:
    """Return a number with its word, in the plural where it has to be."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
