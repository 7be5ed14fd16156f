# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the lab keeps what it builds (cache) and what it runs (state)."""

from __future__ import annotations

import os
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent


def _folder(variable: str, xdg: str, default: str) -> Path:
    chosen = os.environ.get(variable)
    if chosen:
        return Path(chosen).resolve()
    base = os.environ.get(xdg) or os.path.join(os.path.expanduser("~"), default)
    return Path(base).resolve() / "openvino-edge"


def cache() -> Path:
    """What can be made again: built programs and images ($EDGE_CACHE)."""
    return _folder("EDGE_CACHE", "XDG_CACHE_HOME", ".cache")


def state() -> Path:
    """What belongs to running clusters ($EDGE_STATE); `down` removes it."""
    return _folder("EDGE_STATE", "XDG_STATE_HOME", ".local/state") / "lab"


def images() -> Path:
    """Where image tars are kept between runs."""
    return cache() / "images"
