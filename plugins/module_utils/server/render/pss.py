# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the Pod Security level that a server needs, and refuses a stricter namespace. Pure.

Levels and labels: k8s.io/pod-security-admission, api/constants.go and policy/.
"""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Tuple

from ...errors import InputError
from ...store import HostPathStore
from ..spec import overrides
from ..spec.server import ServerSpec
from . import security

ENFORCE_LABEL = "pod-security.kubernetes.io/enforce"
LEVELS = ("restricted", "baseline", "privileged")


def needed_level(spec: ServerSpec) -> Tuple[str, List[str]]:
    """Return the strictest level that admits the pods, and the options that forbid others."""
    if isinstance(spec.store, HostPathStore):
        return "privileged", ["host_path"]
    if spec.running.pod.host_path:
        return "privileged", ["extra_volumes"]
    if overrides.host_path(spec.running.overrides):
        return "privileged", ["pod_overrides"]
    return security.needed_level(spec.security)


def enforced_level(namespace: Mapping[str, Any]) -> Optional[str]:
    """Return the level that a namespace's label enforces; None leaves it to the cluster."""
    labels = (namespace.get("metadata") or {}).get("labels") or {}
    level = labels.get(ENFORCE_LABEL)
    return level if level in LEVELS else None


def check_namespace(spec: ServerSpec, namespace: Mapping[str, Any]) -> None:
    """Refuse a namespace that would refuse the pods.

    Raises:
        InputError: names the option, the label the namespace has, the one it would need, and the
            store that needs none.
    """
    enforced = enforced_level(namespace)
    needed, options = needed_level(spec)
    if enforced is None or LEVELS.index(needed) <= LEVELS.index(enforced):
        return
    raise InputError(
        f"it enforces the Pod Security level {enforced}, {options[0]} needs {needed}",
        option=options[0],
        subject=f"Namespace {spec.namespace}",
        hint=way_out(spec, needed),
        details={"enforced": enforced, "needed": needed, "options": options},
    )


def way_out(spec: ServerSpec, needed: str) -> str:
    """Return what to do about a namespace that is too strict."""
    label = f"Label the namespace {ENFORCE_LABEL}={needed}"
    if isinstance(spec.store, HostPathStore):
        return f"{label}, or use pvc (a local PersistentVolume keeps the bytes on the node's disk)"
    if needed == "baseline":
        return f"{label}, or choose a run_as_user other than 0"
    if needed_level(spec)[1][0] in ("extra_volumes", "pod_overrides"):
        return f"{label}, or leave out the volumes of type hostPath"
    return f"{label}, or leave the option out"
