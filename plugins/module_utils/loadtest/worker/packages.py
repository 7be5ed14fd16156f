# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpacks wheels that came with the plan, for a Python without C(pip)."""

from __future__ import annotations

import io
import sys
import zipfile
from typing import Iterable, Optional

DATA = ".data"
LIBRARIES = ("purelib", "platlib")


def unpack(wheels: Iterable[bytes], folder: str) -> None:
    """Put the packages of wheels into a directory, from which they are imported first.

    Raises:
        OSError: the directory cannot be written.
        BadZipFile: one is no wheel.
    """
    for wheel in wheels:
        with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
            for member in archive.infolist():
                name = place_of(member.filename)
                if name is not None:
                    member.filename = name
                    archive.extract(member, folder)
    sys.path.insert(0, folder)


def place_of(name: str) -> Optional[str]:
    """Return where a file of a wheel belongs among the packages, None for scripts and headers.

    Files of C(NAME.data/purelib) and C(platlib) belong beside those at the top of the archive.
    """
    top, _slash, below = name.partition("/")
    if not top.endswith(DATA):
        return name
    kind, _slash, path = below.partition("/")
    return path if kind in LIBRARIES and path else None
