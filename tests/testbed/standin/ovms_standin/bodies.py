# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answer bodies, byte for byte (src/config_status_utils.cpp, src/http_server.cpp)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ovms_standin.instance import VersionStatus

Versions = Sequence[tuple[int, VersionStatus]]


def compact(value: Any) -> bytes:
    """JSON without white space."""
    return json.dumps(value, separators=(",", ":")).encode()


def error(text: str) -> bytes:
    """The body of every error but those of the reload call."""
    return compact({"error": text})


def reload_error(text: str) -> bytes:
    """The body of a failed POST /v1/config/reload."""
    return ('{\n\t"error": "' + text + '"\n}').encode()


def _version(version: int, status: VersionStatus) -> str:
    return (
        "  {\n"
        f'   "version": "{version}",\n'
        f'   "state": "{status.state.name}",\n'
        '   "status": {\n'
        f'    "error_code": "{status.error.name}",\n'
        f'    "error_message": "{status.error.name}"\n'
        "   }\n"
        "  }"
    )


def _versions(versions: Versions) -> str:
    if not versions:
        return '{\n "model_version_status": []\n}'
    items = ",\n".join(_version(version, status) for version, status in versions)
    return '{\n "model_version_status": [\n' + items + "\n ]\n}"


def config_status(statuses: Mapping[str, Versions]) -> bytes:
    """GET /v1/config: all servables with the states of their versions."""
    if not statuses:
        return b"{}"
    items = ",\n".join(f'"{name}" : \n{_versions(found)}' for name, found in statuses.items())
    return ("{\n" + items + "\n}").encode()


def model_status(versions: Versions) -> bytes:
    """GET /v1/models/{m} of the TensorFlow Serving generation."""
    return (_versions(versions) + "\n").encode()
