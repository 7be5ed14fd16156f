# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small Kubernetes objects for the tests."""

from __future__ import annotations

from typing import Any


def pod(name: str = "p", *, uid: str = "pod-1", **status: Any) -> dict[str, Any]:
    """A pod that waits, or has the given status."""
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "n", "uid": uid},
        "spec": {},
        "status": {"phase": "Pending", **status},
    }


def ready(name: str = "p", **kwargs: Any) -> dict[str, Any]:
    """A pod that is Ready."""
    return pod(name, conditions=[{"type": "Ready", "status": "True"}], **kwargs)


def waiting(reason: str, message: str = "", **status: Any) -> dict[str, Any]:
    """The status of a container that waits."""
    state = {"waiting": {"reason": reason, "message": message}}
    return {"name": "ovms", "image": "localhost/ovms:1", "state": state, **status}


def terminated(code: int, reason: str = "Error", message: str = "") -> dict[str, Any]:
    """The state of a container that ended."""
    return {"terminated": {"exitCode": code, "reason": reason, "message": message}}


def event(
    reason: str, message: str = "", *, when: str = "2026-01-01T00:00:10Z", **about: Any
) -> Any:
    """An event about the pod."""
    involved = {"kind": "Pod", "name": "p", "uid": "pod-1", **about}
    return {
        "reason": reason,
        "message": message,
        "lastTimestamp": when,
        "involvedObject": involved,
    }


def owned(obj: dict[str, Any], uid: str) -> dict[str, Any]:
    """The object with an owner."""
    obj["metadata"]["ownerReferences"] = [{"uid": uid}]
    return obj
