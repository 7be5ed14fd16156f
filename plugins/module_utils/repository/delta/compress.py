# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compresses text always, and other bytes only if a small probe of them gets smaller."""

from __future__ import annotations

import posixpath
import zlib
from typing import Optional

TEXT_SUFFIXES = frozenset(
    (".xml", ".json", ".jsonl", ".txt", ".pbtxt", ".prototxt", ".yaml", ".yml", ".csv", ".tsv")
    + (".md", ".jinja", ".config", ".py", ".labels", ".names", ".vocab", ".merges", ".bpe")
)
# Level 1 takes some 8 CPU s for a GiB of weights, level 6 some 20 for one of text, of which
# models have little.
TEXT_LEVEL = 6
FAST_LEVEL = 1
PROBE_BYTES = 16 << 10
SMALL_PROBE = 4 << 10
GAIN = 0.2  # of the bytes, below which weights are sent as they are
TOO_SHORT = 64  # bytes that a zlib stream cannot make shorter by much


def is_text(path: str) -> bool:
    """Return whether a file of this name is compressed without a probe."""
    return posixpath.splitext(path)[1].lower() in TEXT_SUFFIXES


def probe_length(length: int) -> int:
    """Return how much of C(length) bytes a probe looks at."""
    return min(length, max(SMALL_PROBE, min(PROBE_BYTES, length // 8)))


def gains(sample: bytes) -> bool:
    """Return whether bytes like these are worth compressing."""
    if len(sample) < TOO_SHORT:
        return False
    return len(zlib.compress(sample, FAST_LEVEL)) < (1 - GAIN) * len(sample)


def squeeze(data: bytes, *, text: bool) -> Optional[bytes]:
    """Return the compressed bytes, C(None) when they are not shorter."""
    if len(data) < TOO_SHORT:
        return None
    packed = zlib.compress(data, TEXT_LEVEL if text else FAST_LEVEL)
    return packed if len(packed) < len(data) else None
