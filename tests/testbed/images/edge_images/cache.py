# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where images are kept, and the keys that say whether one is up to date."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path


def image_directory() -> Path:
    """$EDGE_CACHE/images, by the cache directory all tools of this repository share."""
    cache = os.environ.get("EDGE_CACHE")
    if not cache:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        cache = os.path.join(base, "openvino-edge")
    return Path(cache) / "images"


def key_of(*parts: str | bytes) -> str:
    """A short digest over the parts, each with its length."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]


def key_of_files(root: Path, files: Sequence[Path]) -> str:
    """A short digest over names below `root` and contents."""
    parts: list[str | bytes] = []
    for path in sorted(files):
        parts += [str(path.relative_to(root)), path.read_bytes()]
    return key_of(*parts)


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Only one build at a time works in `directory`; a second one waits."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remove_others(directory: Path, pattern: str, kept: Path) -> None:
    """Remove what an earlier state of the recipe left."""
    for path in directory.glob(pattern):
        if path != kept and path.is_file():
            path.unlink()
