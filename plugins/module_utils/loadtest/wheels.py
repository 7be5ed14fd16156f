# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wheels of C(tritonclient) and what it needs, for a Python that has none of it."""

from __future__ import annotations

import io
import os
import zipfile
from typing import Optional, Tuple

from ..errors import InputError
from .inputs import MOST_BYTES

SUFFIX = ".whl"
NEEDED = "tritonclient"
HINT = (
    "docs/benchmark.md has the pip download that makes one; or name an image that has the package"
    " in agent_image"
)


def read_wheels(folder: Optional[str], client: str) -> Tuple[bytes, ...]:
    """Return the wheels of a directory, in the order of their names.

    Args:
        folder: on this machine, None for no wheels.
        client: of the measurement.

    Raises:
        InputError: there are none that could be used, or they are too big to be handed to a pod.
    """
    if not folder:
        return ()
    if client != "grpc":
        raise InputError(
            "only gRPC needs a package",
            option="wheels",
            hint="Leave it out, or say client: grpc",
        )
    path = os.path.expanduser(folder)
    try:
        names = sorted(name for name in os.listdir(path) if name.endswith(SUFFIX))
    except OSError as error:
        raise InputError(
            f"the directory cannot be read: {error.strerror}",
            option="wheels",
            subject=folder,
            hint=HINT,
        ) from None
    if not any(name.startswith(f"{NEEDED}-") for name in names):
        raise InputError(f"it has no wheel of {NEEDED}", option="wheels", subject=folder, hint=HINT)
    found = tuple(_read(os.path.join(path, name)) for name in names)
    size = sum(len(wheel) for wheel in found)
    if size > MOST_BYTES:
        raise InputError(
            f"its {len(found)} wheels have {size} bytes, more than {MOST_BYTES}",
            option="wheels",
            subject=folder,
            hint="Name an image that has the package in agent_image",
        )
    return found


def _read(path: str) -> bytes:
    """Return one wheel.

    Raises:
        InputError: it cannot be read, or is no archive as wheels are.
    """
    try:
        with open(path, "rb") as file:
            wheel = file.read()
    except OSError as error:
        raise InputError(
            f"it cannot be read: {error.strerror}", option="wheels", subject=path
        ) from None
    if not zipfile.is_zipfile(io.BytesIO(wheel)):
        raise InputError("it is no wheel", option="wheels", subject=path, hint=HINT)
    return wheel
