# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile


def write(path: str, data: bytes, mode: int) -> None:
    """Write a file so that it has its old or its new bytes, whatever happens; never wider open.

    Args:
        path: of the file; its directory is there.
        data: the new bytes.
        mode: of the file.

    Raises:
        OSError: it could not be written; the old file is as it was.
    """
    directory = os.path.dirname(path)
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
