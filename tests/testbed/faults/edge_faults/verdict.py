# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a trial came to, what a fault came to, and the page about it: pure functions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Sequence

#: Bytes of the disturbed run and the next one together, against an undisturbed run.
ALLOWED = 1.05


@dataclass
class Trial:
    """One trial of one candidate under one fault.

    Args:
        spot: where the fault fell, in words.
        bytes: what left the controller in both runs, on the wire.
        undisturbed: the same of one run that nothing happened to; 0: no bound is asked for.
        in_flight: bytes in socket buffers when the fault fell, and what no queue shows.
        resumed: the run finished in spite of the fault or the next one did, and the store is right.
        wrong_success: runs that said success while the store's bytes differ.
        partial: what the watcher saw in a version that was not whole.
        failed_loads: error lines of the servers, versions that they do not serve.
        note: what went wrong, or what is worth telling.
        missed: the run was over before the fault fell, so the trial proves nothing.
    """

    spot: str
    bytes: int = 0
    undisturbed: int = 0
    in_flight: int = 0
    resumed: bool = False
    wrong_success: int = 0
    partial: list[str] = field(default_factory=list)
    failed_loads: list[str] = field(default_factory=list)
    note: str = ""
    seconds: float = 0.0
    missed: bool = False

    @property
    def excess(self) -> float:
        """Bytes over the bound; 0 or less is within it."""
        if not self.undisturbed:
            return 0.0
        return self.bytes - ALLOWED * self.undisturbed - self.in_flight

    @property
    def ratio(self) -> float:
        """All bytes as a multiple of an undisturbed run's."""
        return self.bytes / self.undisturbed if self.undisturbed else 0.0


@dataclass
class Tally:
    """All trials of one fault with one candidate."""

    fault: str
    candidate: str
    ours: bool
    trials: list[Trial] = field(default_factory=list)
    why_not: str = ""

    @property
    def partial(self) -> int:
        """Trials in which a version was visible that was not whole."""
        return sum(1 for trial in self.trials if trial.partial)

    @property
    def wrong_success(self) -> int:
        """Runs that lied."""
        return sum(trial.wrong_success for trial in self.trials)

    @property
    def resumed(self) -> int:
        """Trials after which the next run finished."""
        return sum(1 for trial in self.trials if trial.resumed)

    @property
    def failed_loads(self) -> int:
        """Trials in which a server could not load something."""
        return sum(1 for trial in self.trials if trial.failed_loads)

    @property
    def over(self) -> int:
        """Trials that sent more than the bound allows."""
        return sum(1 for trial in self.trials if trial.excess > 0)

    @property
    def missed(self) -> int:
        """Trials whose fault never happened, however often it was tried."""
        return sum(1 for trial in self.trials if trial.missed)

    @property
    def worst(self) -> float:
        """The largest multiple of the undisturbed bytes."""
        return max((trial.ratio for trial in self.trials), default=0.0)

    @property
    def sound(self) -> bool:
        """Whether nothing fell short; no trial at all falls short, too."""
        bad = self.partial or self.wrong_success or self.failed_loads or self.over or self.missed
        return bool(self.trials) and not bad and self.resumed == len(self.trials)

    def line(self) -> str:
        """Return the closing line of this fault."""
        return (
            f"{self.fault} trials={len(self.trials)} partial={self.partial} "
            f"wrong_success={self.wrong_success} resumed={self.resumed}"
        )

    def remarks(self) -> list[str]:
        """Return what fell short, a few words each."""
        found = []
        for trial in self.trials:
            words = [*trial.partial[:1], *trial.failed_loads[:1]]
            if trial.wrong_success:
                words.append("said success, but the store is wrong")
            if not trial.resumed:
                words.append("the next run did not finish")
            if trial.missed:
                words.append("the fault came too late each time")
            if trial.excess > 0:
                words.append(
                    f"sent {trial.bytes} bytes: {trial.excess:.0f} over the bound "
                    f"(undisturbed {trial.undisturbed}, in flight {trial.in_flight})"
                )
            if words:
                note = f" ({trial.note})" if trial.note else ""
                found.append(
                    f"{self.fault}, {self.candidate}, {trial.spot}: {'; '.join(words)}{note}"
                )
        return found


def cell(tally: Tally | None) -> str:
    """Return one candidate's cell of the table."""
    if tally is None:
        return "not run"
    if tally.why_not:
        return tally.why_not
    count = len(tally.trials)
    words = [
        f"{count} trials: partial {tally.partial}",
        f"wrong success {tally.wrong_success}",
        f"failed loads {tally.failed_loads}",
        f"finished {tally.resumed}",
    ]
    if tally.worst:
        words.append(f"bytes at most {tally.worst:.2f}x ({tally.over} over the bound)")
    return ", ".join(words)


def page(tallies: Sequence[Tally], head: Sequence[str]) -> str:
    """Return the Markdown page: a row per fault, a column per candidate, then what fell short."""
    faults = list(dict.fromkeys(tally.fault for tally in tallies))
    columns = list(dict.fromkeys(tally.candidate for tally in tallies))
    by_place = {(tally.fault, tally.candidate): tally for tally in tallies}
    lines = ["# Fault tests", "", *head, "", "| fault | " + " | ".join(columns) + " |"]
    lines.append("|---" * (len(columns) + 1) + "|")
    for fault in faults:
        cells = [cell(by_place.get((fault, column))) for column in columns]
        lines.append(f"| {fault} | " + " | ".join(cells) + " |")
    lines += ["", "## Closing lines", "", "```", *(t.line() for t in tallies if t.ours), "```"]
    remarks = [text for tally in tallies if tally.ours for text in tally.remarks()]
    lines += ["", "## What fell short", "", *([f"- {text}" for text in remarks] or ["Nothing."])]
    return "\n".join(lines) + "\n"
