# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From samples to tables; pure."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from measure import table
from repository_rounds import BIG, COLD, PARTS_95, SAME, SMALL, Results, Sizes
from repository_runs import EMPTY, FLOOR, K8S_CP, KUBECTL, OURS, PLAYS, RECORD, RSYNC_FLUSHED
from repository_site import Wired

TENSORS_40 = "1 % changed, 40 tensors"
MIB = 2**20
# How many times faster than a peer a copy is to be, net of an empty play, by situation and peer.
FASTER = {
    (COLD, KUBECTL): 3,
    (COLD, K8S_CP): 5,
    (TENSORS_40, RSYNC_FLUSHED): 1.3,
    ("1 % changed, one region", RSYNC_FLUSHED): 1.3,
    ("1 % changed, 1,000 spots", RSYNC_FLUSHED): 1.2,
    ("1 % inserted, rest moved", RSYNC_FLUSHED): 1.2,
    (PARTS_95, RSYNC_FLUSHED): 1.2,
    (SMALL, RSYNC_FLUSHED): 2,
    (SMALL, K8S_CP): 1.5,
    (SMALL, KUBECTL): 1,
}


@dataclass(frozen=True)
class Medians:
    """Median figures by situation and candidate; plays can be had without an empty play."""

    figures: dict[str, dict[str, Wired]]

    @classmethod
    def of(cls, results: Results) -> Medians:
        """Return the medians of all samples."""
        return cls(
            {
                situation: {name: _median(samples) for name, samples in by_name.items()}
                for situation, by_name in results.items()
            }
        )

    def net(self, situation: str, name: str) -> Wired:
        """Return a figure without what an empty play costs, if it is one of a play."""
        found = self.figures[situation][name]
        if name not in PLAYS:
            return found
        empty = self.figures[""][EMPTY]
        # A play is never faster than an empty one; noise of a few ms must not make it negative.
        wall, cpu = max(found.wall - empty.wall, 0.01), max(found.cpu - empty.cpu, 0.0)
        return Wired(wall, cpu, found.rss, wire=found.wire)

    def has(self, situation: str, *names: str) -> bool:
        """Tell whether all of them were measured."""
        return all(name in self.figures.get(situation, {}) for name in names)


def _median(samples: list[Wired]) -> Wired:
    return Wired(
        statistics.median(item.wall for item in samples),
        statistics.median(item.cpu for item in samples),
        statistics.median(item.rss for item in samples),
        wire=int(statistics.median(item.wire for item in samples)),
    )


def tables(results: Results, sizes: Sizes) -> str:
    """Return all tables."""
    medians = Medians.of(results)
    parts = [_aims(medians, sizes)]
    parts += [
        _situation(medians, situation, sizes)
        for situation in medians.figures
        if situation not in ("", BIG)
    ]
    return "\n".join(parts)


def _situation(medians: Medians, situation: str, sizes: Sizes) -> str:
    rows = []
    ours = medians.net(situation, OURS)
    for name, found in medians.figures[situation].items():
        net = medians.net(situation, name)
        rows.append(
            [
                name,
                f"{found.wall:.2f}",
                f"{net.wall:.2f}",
                f"{net.cpu:.2f}",
                f"{found.rss:.0f}",
                f"{found.wire / MIB:.2f}",
                _ratio(net.wall, ours.wall),
            ]
        )
    header = ["command", "wall s", "net wall s", "net CPU s", "peak RSS MiB"]
    header += ["MiB on the wire", "net wall / ours"]
    return table(f"{situation} ({extent(situation, sizes)})", header, rows)


def extent(situation: str, sizes: Sizes) -> str:
    """Return how much is copied in a situation, in words."""
    if situation.startswith("20 Mbit"):
        return f"{sizes.slow} MiB"
    if situation.startswith("two nodes"):
        return f"{sizes.nodes} MiB"
    if situation.startswith("many small"):
        return f"{sizes.small:,} files"
    return f"{sizes.mib} MiB"


def _ratio(value: float, base: float) -> str:
    return f"{value / base:.1f}x"


def _aims(medians: Medians, sizes: Sizes) -> str:
    rows: list[tuple[str, str, str, bool]] = []
    if medians.has(COLD, OURS, FLOOR):
        ratio = medians.net(COLD, OURS).wall / medians.net(COLD, FLOOR).wall
        rows.append(("first copy, ours / floor", "at most 1.3x", f"{ratio:.2f}x", ratio <= 1.3))
    if medians.has(COLD, OURS):
        per_gib = medians.net(COLD, OURS).cpu / sizes.mib * 1024
        rows.append(_most("first copy, CPU of the controller per GiB", per_gib, 1.9))
    for name, cpu in ((OURS, 0.35), (RECORD, 0.2)):
        if medians.has(SAME, name):
            rows.append(_most(f"no change, {name}: CPU", medians.net(SAME, name).cpu, cpu))
    if medians.has(SAME, OURS):
        rows.append(_most(f"no change, {OURS}: wall", medians.net(SAME, OURS).wall, 0.6))
    for (situation, peer), wanted in FASTER.items():
        if medians.has(situation, OURS, peer):
            ratio = medians.net(situation, peer).wall / medians.net(situation, OURS).wall
            text, aim = f"{situation}, {peer} / ours", f"at least {wanted}x"
            rows.append((text, aim, f"{ratio:.2f}x", ratio >= wanted))
    if medians.has(BIG, OURS) and medians.has(COLD, OURS):
        growth = medians.figures[BIG][OURS].rss - medians.figures[COLD][OURS].rss
        text = f"memory, {4 * sizes.mib} MiB against {sizes.mib} MiB"
        rows.append((text, "at most 40 MiB more", f"{growth:+.1f} MiB", growth <= 40))
    shown = [[what, aim, found, "yes" if met else "**no**"] for what, aim, found, met in rows]
    return table("Aims", ["what (net of an empty play)", "aim", "found", "met"], shown)


def _most(what: str, found: float, most: float) -> tuple[str, str, str, bool]:
    return what, f"at most {most} s", f"{found:.2f} s", found <= most
