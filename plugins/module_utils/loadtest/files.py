# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the files of a measurement; the only part of it that writes to the disk."""

from __future__ import annotations

import json
import os
import tempfile
from typing import Any, Dict, List, Mapping, Tuple

from .. import whole
from ..errors import InputError
from .page import page

JSON_FILE = "benchmark.json"
PAGE_FILE = "benchmark.html"
MODE = 0o644


def paths(directory: str) -> List[str]:
    """Return the files that C(write) makes."""
    return [os.path.join(directory, name) for name in (JSON_FILE, PAGE_FILE)] if directory else []


def for_pod(plan: Mapping[str, Any], folder: str) -> Tuple[Mapping[str, Any], Dict[str, bytes]]:
    """Return a plan whose files of TLS lie in a folder of the pod, and these files by name.

    Raises:
        InputError: one cannot be read.
    """
    tls: Mapping[str, Any] = plan.get("tls") or {}
    found: Dict[str, bytes] = {}
    for option in ("ca", "cert", "key"):
        path = tls.get(option)
        if not path:
            continue
        try:
            with open(path, "rb") as file:
                found[f"{option}.pem"] = file.read()
        except OSError as error:
            raise InputError(
                f"it cannot be read: {error.strerror}", option=f"tls.{option}", subject=path
            ) from None
    if not found:
        return plan, {}
    moved = {name[:-4]: f"{folder}/{name}" for name in found}
    return {**plan, "tls": {**tls, **moved}}, found


def prepare(directory: str) -> None:
    """Make the directory, before anything is measured for it.

    Raises:
        InputError: it cannot be made or written.
    """
    try:
        os.makedirs(directory, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise _refused(directory, error) from None


def write(directory: str, result: Mapping[str, Any]) -> None:
    """Write each file whole or not at all.

    Raises:
        InputError: one cannot be written.
    """
    write_all(
        directory,
        {
            JSON_FILE: json.dumps(result, indent=2, sort_keys=True) + "\n",
            PAGE_FILE: page(result),
        },
    )


def write_all(directory: str, contents: Mapping[str, str]) -> None:
    """Write texts by name of their files.

    Raises:
        InputError: one cannot be written.
    """
    for name, text in contents.items():
        try:
            whole.write(os.path.join(directory, name), text.encode("utf-8", "replace"), MODE)
        except OSError as error:
            raise _refused(directory, error) from None


def _refused(directory: str, error: OSError) -> InputError:
    return InputError(
        f"it cannot be written: {error.strerror}",
        option="dest",
        subject=directory,
        hint="Name a directory that the task may write to",
    )
