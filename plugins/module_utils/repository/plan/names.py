# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuses file names and places that a store cannot take, before the first byte is sent. Pure.

Stores behind SMB, and file systems made for Windows or macOS, take C(Labels.txt) and C(labels.txt)
for one file, or the two forms of an accented letter, or refuse names like C(con) and C(a:b). The
helper tries it on the store (C(agent/disk.py)).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Callable, Dict, Iterable, Mapping, Tuple

from ...errors import InputError
from .steps import Step

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
    if all(keeps.values()):
        return
    known: Dict[str, str] = {}
    fold, paths = _folding(keeps), list(paths)
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


def check_places(target: str, blocked: Mapping[str, str], steps: Iterable[Step]) -> None:
    """Refuse to publish or remove versions where something is in the way.

    Args:
        target: for messages.
        blocked: what is in the way, by path in the store, with the reason; C("") for the directory
            of a model that can be written to although C(models) cannot.
        steps: of the plan.

    Raises:
        InputError: names it.
    """
    for step in steps:
        if not blocked or step.action not in ("publish", "remove"):
            continue
        model = f"models/{step.model}"
        for path in ("models", model, f"{model}/{step.version}"):
            why = blocked.get(path, "")
            if why and not (path == "models" and model in blocked and _is_about_rights(why)):
                raise _in_the_way(target, path, why)


def _is_about_rights(why: str) -> bool:
    return why.endswith("may not write there")


def _in_the_way(target: str, path: str, why: str) -> InputError:
    option, hint = "src", "Rename or remove it on the store: a directory belongs there"
    if _is_about_rights(why):
        option, hint = "uid", "Give it to that user (chown), or set uid and gid to its owner"
    return InputError(f"{path} on the store: {why}", option=option, subject=target, hint=hint)


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
