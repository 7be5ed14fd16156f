# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the preStop pause between the deletion of a pod and SIGTERM to its server. Pure.

In this time all nodes remove the pod from its Services, while the server still answers.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from ..spec.running import CONTAINER
from ..spec.server import ServerSpec

# Kubernetes 1.30 and later has it on by default (kubernetes/enhancements, KEP 3960).
FIRST_WITH_SLEEP = (1, 30)


def grace_seconds(spec: ServerSpec) -> int:
    """Return the termination grace period: the pause plus the time that the server may need."""
    pod = spec.running.pod
    return pod.grace_seconds + pod.drain_seconds


def hooks(spec: ServerSpec, *, sleeps: bool) -> Dict[str, Any]:
    """Return the hooks of the container.

    C(sleeps): the kubelet can pause by itself; else a program of the image does. One that the user
    gives in C(pod_overrides) stays the only one.
    """
    seconds = spec.running.pod.drain_seconds
    if not seconds or _has_own(spec.running.overrides):
        return {}
    pause: Dict[str, Any] = {"exec": {"command": ["sleep", str(seconds)]}}
    if sleeps:
        pause = {"sleep": {"seconds": seconds}}
    return {"lifecycle": {"preStop": pause}}


def _has_own(overrides: Mapping[str, Any]) -> bool:
    containers = (overrides.get("spec") or {}).get("containers") or ()
    mine = [item for item in containers if item.get("name") == CONTAINER]
    return any((item.get("lifecycle") or {}).get("preStop") for item in mine)


def known_to_sleep(workload: Optional[Mapping[str, Any]]) -> Optional[bool]:
    """Return whether a live workload uses the kubelet's sleep; None if it has no preStop hook."""
    if workload is None:
        return None
    for container in workload["spec"]["template"]["spec"]["containers"]:
        hook = (container.get("lifecycle") or {}).get("preStop")
        if container["name"] == CONTAINER and hook:
            return "sleep" in hook
    return None
