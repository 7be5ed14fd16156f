# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explains why a server cannot read its models from a bucket. Pure.

OVMS calls everything that goes wrong on the way to S3 "Invalid or missing S3 credentials", a proxy
that is down as well (openvinotoolkit/model_server, src/filesystem/s3filesystem.cpp).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Mapping

from ..secrecy import without_login
from ..store import PROXY_ANNOTATION
from .explain import Finding

# Names of the loggers of the cloud clients (src/logging.cpp), followed by the level.
_STORE_ERROR = re.compile(r"\[(s3|gcs|azurestorage)\]\[(error|critical)\]")
# In the order of the S3 client, which uses the first one for http and https.
_VARIABLES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY")


def is_store_error(line: str) -> bool:
    """Tell whether a line of a log is a complaint about a bucket."""
    return bool(_STORE_ERROR.search(line))


def proxy_of(pod: Mapping[str, Any], container: str) -> str:
    """Return the proxy of a pod's downloads without its login, C("") without one.

    With a login the variable comes from a Secret, and an annotation has what may be read.
    """
    found = [item for item in pod["spec"].get("containers") or [] if item["name"] == container]
    entries = {entry["name"]: entry for item in found for entry in item.get("env") or []}
    for name in _VARIABLES:
        entry = entries.get(name, {})
        if entry.get("value"):
            return without_login(str(entry["value"]))
        if entry.get("valueFrom"):
            annotations = pod["metadata"].get("annotations") or {}
            return str(annotations.get(PROXY_ANNOTATION) or f"of the variable {name}")
    return ""


def explained(finding: Finding, proxy: str) -> Finding:
    """Return the finding, with an explanation if its log has an error about a bucket."""
    if not any(is_store_error(line) for line in finding.log.splitlines()):
        return finding
    if not proxy:
        hint = "The server cannot read its bucket: check the endpoint, the bucket and the login"
        return replace(finding, message=f"{finding.message}; its bucket is not read", hint=hint)
    return replace(
        finding,
        message=f"{finding.message}; its bucket is not read through the proxy {proxy}",
        hint="The proxy may be down, ask for another login or not reach the store; it is set with"
        " proxies of openvino.edge.model_server. Only then check the bucket and its login",
    )
