# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The states of a cluster in a rollout, and the phase in which one failed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Optional

# A run works on it, or was killed while it did.
BEGUN = "begun"
# Every replica serves what is wanted.
DONE = "done"
# It served what is wanted already, so nothing of it was touched.
UNCHANGED = "unchanged"
FAILED = "failed"
# It said "not now", or was offline before anything was done; a later run takes it.
DEFERRED = "deferred"
# The release that it had before serves again.
UNDONE = "undone"
# It was to be put back, and that failed: somebody has to look.
STUCK = "stuck"

STATES = (BEGUN, DONE, UNCHANGED, FAILED, DEFERRED, UNDONE, STUCK)

# The phase of a failed task, by the last part of the name of its module.
PHASES = {
    "rollout_cluster": "begin",
    "objects": "preflight",
    "preflight_info": "preflight",
    "device_info": "preflight",
    "model_repository": "copy",
    "model_server": "deploy",
    "model_status": "gate",
    "model_inference": "inference",
    "benchmark": "inference",
    "release": "undo",
}
# Until the server itself is changed there is nothing to be put back.
UNTOUCHED = ("begin", "preflight", "check", "copy")

# The phase of one that no longer serves when it is asked again.
SOAK = "soak"

# How a release before the rollout is told where there was none.
NOTHING_BEFORE = 0


@dataclass(frozen=True)
class Cluster:
    """One cluster of a rollout.

    Attributes:
        name: of the inventory host.
        wave: number of its wave.
        state: one of C(STATES).
        phase: where it failed: C(preflight), C(check), C(copy), C(deploy), C(gate), C(inference),
            C(soak) or C(undo).
        reason: why it failed or was deferred, in one line.
        before: number of the release that served before the rollout; C(NOTHING_BEFORE) if there was
            no server, None if nobody knows.
        wanted: digest of what was wanted of it.
        earlier: an earlier run of the rollout may have changed its server, so where it fails in
            this run says nothing of that.
    """

    name: str
    wave: int
    state: str = BEGUN
    phase: str = ""
    reason: str = ""
    before: Optional[int] = None
    wanted: str = ""
    earlier: bool = False

    @property
    def touched(self) -> bool:
        """Tell whether its server may have been changed."""
        if self.state in (UNCHANGED, DEFERRED, UNDONE):
            return False
        return self.earlier or not (self.state == FAILED and self.phase in UNTOUCHED)

    def as_dict(self) -> Dict[str, Any]:
        """Return what a result says of it."""
        return {
            "cluster": self.name,
            "wave": self.wave,
            "state": self.state,
            "phase": self.phase,
            "reason": self.reason,
        }


def is_failure(state: str) -> bool:
    """Tell whether a state counts against the budget."""
    return state in (FAILED, STUCK)


def phase_of(module: str, *, check_mode: bool = False) -> str:
    """Return the phase of a failed task by its module; check mode of the server is C(check)."""
    short = module.rsplit(".", 1)[-1]
    if short == "model_server" and check_mode:
        return "check"
    return PHASES.get(short, short)
