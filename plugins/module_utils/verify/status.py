# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parses the model status of one OVMS process: the body of C(GET /v1/config).

It is the only call that gives per-version states before and after OVMS 2026.3 (which removed
C(GET /v1/models/NAME)). Body: openvinotoolkit/model_server, src/config_status_utils.cpp; states
and codes: src/modelversionstatus.hpp.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, List, Mapping, Optional, Tuple

from ..errors import ApiError
from .marker import is_marker

CONFIG_PATH = "/v1/config"

START = "START"
LOADING = "LOADING"
AVAILABLE = "AVAILABLE"
UNLOADING = "UNLOADING"
END = "END"
STATES = (START, LOADING, AVAILABLE, UNLOADING, END)

OK = "OK"
FAILURE_CODES = ("UNKNOWN", "FAILED_PRECONDITION")


@dataclass(frozen=True)
class ModelVersionStatus:
    """One version of one model (pipelines and graphs report the pseudo-version 1).

    ``error_message`` repeats the code's name: OVMS gives the reason only in its log.
    """

    model: str
    version: int
    state: str
    error_code: str = OK
    error_message: str = OK

    @property
    def serving(self) -> bool:
        """Tell whether requests for this version are answered."""
        return self.state == AVAILABLE and self.error_code == OK

    @property
    def load_failed(self) -> bool:
        """Tell whether the last load failed; OVMS tries again at each poll of its storage."""
        return self.state == LOADING and self.error_code in FAILURE_CODES


@dataclass(frozen=True)
class ConfigStatus:
    """The status report of one process at one moment.

    ``models`` also holds names without any version: configured, but nothing was found on disk.
    ``markers`` has those of configurations (see C(marker)), which are no models of a user's.
    """

    models: Tuple[str, ...] = ()
    versions: Tuple[ModelVersionStatus, ...] = ()
    markers: Tuple[ModelVersionStatus, ...] = ()

    @property
    def configuration(self) -> Optional[str]:
        """Return the marker of the configuration that is loaded, if it has one."""
        return next((item.model for item in self.markers if item.serving), None)


def parse_config_status(body: bytes) -> ConfigStatus:
    """Return the parsed body of an answer to C(GET /v1/config).

    Raises:
        ApiError: the body is not what OVMS writes (another program answers on that port).
    """
    try:
        document = json.loads(body.decode("utf-8"))
        return _from_document(document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ApiError(
            "the answer to GET /v1/config is not a model status of OVMS",
            hint="Check that rest_port is the REST port of the model server",
            details={"body": body[:200].decode("utf-8", "replace"), "cause": repr(error)},
        ) from error


def _from_document(document: Mapping[str, Any]) -> ConfigStatus:
    versions: List[ModelVersionStatus] = []
    for model, entry in document.items():
        items = entry["model_version_status"]
        versions.extend(_version_status(model, item) for item in items)
    return ConfigStatus(
        tuple(model for model in document if not is_marker(model)),
        tuple(item for item in versions if not is_marker(item.model)),
        tuple(item for item in versions if is_marker(item.model)),
    )


def _version_status(model: str, item: Mapping[str, Any]) -> ModelVersionStatus:
    status = item.get("status") or {}
    return ModelVersionStatus(
        model=model,
        version=int(item["version"]),
        state=str(item["state"]),
        error_code=str(status.get("error_code", OK)),
        error_message=str(status.get("error_message", OK)),
    )
