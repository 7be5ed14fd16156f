# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the OCR test data is kept between runs: outside the tree."""

from __future__ import annotations

import os
from pathlib import Path


def edge_cache() -> Path:
    """Return the cache directory of this project (``EDGE_CACHE``, else the XDG one)."""
    explicit = os.environ.get("EDGE_CACHE")
    if explicit:
        return Path(explicit).expanduser()
    xdg = os.environ.get("XDG_CACHE_HOME")
    return (Path(xdg) if xdg else Path.home() / ".cache") / "openvino-edge"


def ocr_cache() -> Path:
    """Return the directory that holds the downloaded package and the model repository."""
    return edge_cache() / "ocr"


def default_repository(*, upgraded: bool = False) -> Path:
    """Return the place of the generated model repository; the one with a version 2 is another."""
    return ocr_cache() / ("repository-upgraded" if upgraded else "repository")
