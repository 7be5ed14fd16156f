# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads golden files and what they name, and writes one as a whole."""

from __future__ import annotations

import json
import math
import os
from typing import Any, List, Sequence

from ... import whole
from ...errors import InputError
from .golden import Case, parse

try:
    import yaml
except ImportError:  # PyYAML comes with ansible-core
    yaml = None  # type: ignore[assignment]


def load(path: str, option: str = "golden") -> Any:
    """Return what a YAML or JSON file holds.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"it cannot be read: {reason}", option=option, subject=path) from None
    try:
        if path.endswith(".json") or yaml is None:
            return json.loads(text)
        return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (ValueError, RecursionError) as error:
        raise InputError(f"it is no JSON: {error}", option=option, subject=path) from None
    except yaml.YAMLError as error:
        text = " ".join(str(error).split())
        raise InputError(f"it is no YAML: {text}", option=option, subject=path) from None


def read_cases(paths: Sequence[str], *, recording: bool = False) -> List[Case]:
    """Return the cases of several files; what they name lies relative to each of them.

    Raises:
        InputError: a file is not as it has to be.
    """
    found: List[Case] = []
    for path in paths:
        folder = os.path.dirname(os.path.abspath(path))

        def read(name: str, folder: str = folder) -> bytes:
            with open(os.path.join(folder, os.path.expanduser(name)), "rb") as file:
                return file.read()

        found += parse(load(path), path, read, recording=recording)
    return found


def dump(golden: Any, path: str) -> str:
    """Return a golden file as text: JSON where the name ends so, else YAML."""
    if path.endswith(".json") or yaml is None:
        return json.dumps(_without_nan(golden), indent=2, allow_nan=False) + "\n"
    text: str = yaml.safe_dump(golden, sort_keys=False, default_flow_style=None, width=100)
    return f"---\n{text}"


def _without_nan(value: Any) -> Any:
    """Return data with texts in the place of what JSON has no number for."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def replace(path: str, text: str) -> None:
    """Write a file as a whole, with the mode that it had.

    Raises:
        InputError: it cannot be written.
    """
    try:
        whole.replace(path, text)
    except OSError as error:
        message = f"it cannot be written: {error.strerror}"
        raise InputError(message, option="dest", subject=path) from None
