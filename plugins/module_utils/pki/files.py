# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of keys and certificates: written whole or not at all, one run at a time."""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Optional

from .. import whole
from ..errors import InputError

SECRET, SHOWN = 0o600, 0o644  # modes: for the owner alone, and for everybody to read


def check_directory(path: Path, option: str) -> None:
    """Refuse a directory that cannot be used.

    Raises:
        InputError: it is something else, relative, or may not be read and written.
    """
    if not path.is_absolute():
        raise InputError(f"'{path}' is relative", option=option, hint="Give an absolute path")
    found = path
    while not found.exists() and found != found.parent:
        found = found.parent
    if not found.is_dir():
        raise InputError(f"{found} is no directory", option=option, hint="Choose another path")
    if not os.access(found, os.R_OK | os.W_OK | os.X_OK):
        raise InputError(
            f"the account of this task may not read and write {found}",
            option=option,
            hint="Use become, or a directory of the account",
        )


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Make a directory for the owner alone, and keep other runs on this host out of it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(str(path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def read(path: Path) -> Optional[str]:
    """Return the text of a file, None if there is none.

    Raises:
        InputError: it cannot be read as text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"it cannot be read: {error}", subject=str(path), hint="Restore it from a copy"
        ) from error


def write(path: Path, text: str, mode: int) -> None:
    """Write the text of a file; see C(whole.write)."""
    whole.write(str(path), text.encode("utf-8"), mode)


def is_open(path: Path) -> bool:
    """Tell whether others than the owner may read a file."""
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
