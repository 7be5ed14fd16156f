# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the REST port of a server: an adopted server keeps the port that it had."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Tuple

from ..errors import ApiError, ForbiddenError
from ..kube.client import KubeClient
from .replicas import daemon_set

DEFAULT = 8081
_FLAG = "--rest_port"


def told(
    client: KubeClient, namespace: str, name: Optional[str]
) -> Tuple[int, Optional[Mapping[str, Any]]]:
    """Return the port that the workload C(name) tells its server, else the usual one.

    With it comes the Deployment, as it was read now, so that nobody has to read it again at once.
    Read errors are ignored here: the query of the replicas reads the same objects and reports them.
    """
    if not name:
        return DEFAULT, None
    try:
        deployment = client.get("apps/v1", "Deployment", name, namespace)
        found = daemon_set(client, namespace, name) if deployment is None else deployment
    except (ApiError, ForbiddenError):
        return DEFAULT, None
    return port_of(found or {}) or DEFAULT, deployment


def port_of(workload: Mapping[str, Any]) -> int:
    """Return the REST port in the arguments of a workload's containers, 0 where there is none."""
    template = (workload.get("spec") or {}).get("template") or {}
    for container in (template.get("spec") or {}).get("containers") or ():
        words = [piece for word in container.get("args") or () for piece in str(word).split("=", 1)]
        for flag, value in zip(words, words[1:]):
            if flag == _FLAG and value.isdigit():
                return int(value)
    return 0
