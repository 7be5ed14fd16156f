# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading config.json: content digest, JSON, schema (loadConfig in src/modelmanager.cpp)."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

from ovms_standin import json_text
from ovms_standin.config_schema import Validator, models_schema
from ovms_standin.knobs import Generation
from ovms_standin.logs import MANAGER, SERVING
from ovms_standin.status import CONFIG_FILE_INVALID, JSON_INVALID, Code, StatusError

READ_ATTEMPTS = 3
RETRY_SECONDS = 0.01
_SOURCE = "modelmanager.cpp"


def content_digest(path: Path) -> bytes | None:
    """MD5 of the file, by which OVMS notices a change; None when it cannot be read."""
    try:
        return hashlib.md5(path.read_bytes(), usedforsecurity=False).digest()
    except OSError:
        return None


def _read_once(path: Path) -> tuple[Any, Code | None]:
    try:
        data = path.read_bytes()
    except OSError:
        if not path.exists():
            SERVING.error("schema.cpp", "Failed to debug-read fileconfig")
        SERVING.error("schema.cpp", f"Configuration file is invalid {path}")
        return None, CONFIG_FILE_INVALID
    try:
        return json_text.read(data), None
    except json_text.JsonError as error:
        SERVING.error("schema.cpp", f"Configuration file is not a valid JSON file. Error: {error}")
        return None, JSON_INVALID


def read_json(path: Path) -> Any:
    """The document, tried up to three times. Raises StatusError."""
    code: Code | None = None
    for attempt in range(READ_ATTEMPTS):
        MANAGER.debug(_SOURCE, f"Loading configuration from {path} for: {attempt + 1} time")
        document, code = _read_once(path)
        if code is None:
            return document
        time.sleep(RETRY_SECONDS)
    raise StatusError(code or JSON_INVALID)


def read_config(path: Path, generation: Generation) -> dict[str, Any]:
    """A document that the schema of `generation` takes. Raises StatusError."""
    document = read_json(path)
    violation = Validator(models_schema(generation)).first_violation(document)
    if violation is not None:
        SERVING.error("schema.cpp", violation.text())
        MANAGER.error(_SOURCE, "Configuration file is not in valid configuration format")
        raise StatusError(JSON_INVALID)
    assert isinstance(document, dict)
    return document
