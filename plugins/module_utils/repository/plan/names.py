# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuses file names that a store cannot keep unchanged, before the first byte is sent. Pure.

Stores behind SMB, and file systems made for Windows or macOS, take C(Labels.txt) and C(labels.txt)
for one file, or the two forms of an accented letter, or refuse names like C(con) and C(a:b). The
helper tries it on the store (C(agent/disk.py)).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Callable, Dict, Iterable, Mapping, Tuple

from ...errors import InputError

_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]|[. ]$')
_HINT = "Rename one of them, or use a store that keeps such names apart (ext4, XFS, NFS)"


def check(
    target: str, keeps: Mapping[str, bool], paths: Iterable[str], there: Iterable[str]
) -> None:
    """Refuse file names that a store would change, merge or reject.

    Args:
        target: for messages.
        keeps: result of the probe: C(case), C(forms), C(reserved).
        paths: that are to be written, below C(models/).
        there: directories that are there, below C(models/).

    Raises:
        InputError: names the first two files that would be one, or the name that is refused.
    """
    known: Dict[str, str] = {}
    fold = _folding(keeps)
    for path in (*there, *paths):
        for part in _prefixes(path):
            other = known.setdefault(fold(part), part)
            if other != part:
                raise InputError(
                    f"this store takes {other!r} and {part!r} for one name",
                    option="src",
                    subject=target,
                    hint=_HINT,
                )
    if not keeps.get("reserved", True):
        for path in paths:
            if any(map(is_reserved, path.split("/"))):
                raise InputError(
                    f"this store refuses names that Windows reserves, like in {path!r}",
                    option="src",
                    subject=target,
                    hint="Rename it, or use a store that takes such names (ext4, XFS, NFS)",
                )


def is_reserved(name: str) -> bool:
    """Return whether Windows refuses a name."""
    return bool(_DEVICE.fullmatch(name) or _FORBIDDEN.search(name))


def _folding(keeps: Mapping[str, bool]) -> Callable[[str], str]:
    def fold(text: str) -> str:
        if not keeps.get("forms", True):
            text = unicodedata.normalize("NFC", text)
        return text if keeps.get("case", True) else unicodedata.normalize("NFC", text).casefold()

    return fold


def _prefixes(path: str) -> Tuple[str, ...]:
    parts = path.split("/")
    return tuple("/".join(parts[: count + 1]) for count in range(len(parts)))
