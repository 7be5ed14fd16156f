# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller whose clock is wrong: Python's clock functions, shifted in that process alone.

The whole machine has one clock, so it cannot be set for one controller. Every Python process of
the skewed controller loads ``sitecustomize`` from a folder of ours first; what is shifted is
``time.time``, ``time.time_ns`` and ``datetime.now``; TLS checks its certificates by the real one.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edge_faults.candidates import Candidate, collections

CUSTOMIZE = """
import datetime, os, time
_skew = float(os.environ.get("EDGE_FAULTS_SKEW", "0"))
_time, _time_ns = time.time, time.time_ns
time.time = lambda: _time() + _skew
time.time_ns = lambda: _time_ns() + int(_skew * 1e9)
_real = datetime.datetime


class _Skewed(_real):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls):
        return cls.utcfromtimestamp(time.time())


datetime.datetime = _Skewed
"""


def skewed(candidate: Candidate, folder: Path, seconds: float) -> Candidate:
    """Return the same candidate on a controller whose clock is C(seconds) off."""
    where = folder / "clock"
    where.mkdir(exist_ok=True)
    (where / "sitecustomize.py").write_text(CUSTOMIZE)
    path = f"{where}:{collections()}"
    extra = {"PYTHONPATH": path, "EDGE_FAULTS_SKEW": str(seconds)}
    return replace(candidate, environment={**candidate.environment, **extra})
