# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile

NEW_MODE = 0o644


def replace(path: str, text: str) -> None:
    """Write a text as UTF-8, like C(write), with the mode that the file had, or 0644.

    Raises:
        OSError: it could not be written; the old file is as it was.
    """
    mode = os.stat(path).st_mode & 0o7777 if os.path.exists(path) else NEW_MODE
    write(path, text.encode("utf-8"), mode)


def write(path: str, data: bytes, mode: int) -> None:
    """Write a file so that it has its old or its new bytes, whatever happens; never wider open.

    Args:
        path: of the file; its directory is there.
        data: the new bytes.
        mode: of the file.

    Raises:
        OSError: it could not be written; the old file is as it was.
    """
    directory = os.path.dirname(path) or "."
    handle, name = tempfile.mkstemp(dir=directory, prefix=f".{os.path.basename(path)}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
    there = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(there)
    finally:
        os.close(there)
