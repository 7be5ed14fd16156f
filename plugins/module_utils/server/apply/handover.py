# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands the number of replicas over to an autoscaler, without a drop to one replica.

A field that an applier owned alone and no longer sends is removed, and the API server then sets
its default: one replica. So before C(spec.replicas) is dropped, a second field manager applies its
present value; the autoscaler takes it from there (kubernetes.io, server-side apply, "Transferring
ownership").
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from ...kube.client import FIELD_MANAGER, KubeClient

MANAGER = "openvino.edge-replicas"

Object = Mapping[str, Any]


def kept_replicas(wanted: Object, live: Optional[Object]) -> Optional[int]:
    """Return the number of replicas to preserve when C(wanted) is applied, None if there is none.

    It is None if C(wanted) sets the number or is no Deployment, if there is no Deployment yet, or
    if another manager owns the field.
    """
    if wanted["kind"] != "Deployment" or live is None or "replicas" in wanted["spec"]:
        return None
    count = live["spec"].get("replicas")
    return int(count) if count is not None and _ours(live) else None


def _ours(live: Object) -> bool:
    return any(
        entry.get("manager") == FIELD_MANAGER
        and "f:replicas" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})
        for entry in live["metadata"].get("managedFields") or ()
    )


def with_replicas(wanted: Object, count: int) -> Dict[str, Any]:
    """Return the object with that number, for the dry run."""
    return {**wanted, "spec": {**wanted["spec"], "replicas": count}}


def hand_over(client: KubeClient, wanted: Object, count: int) -> None:
    """Let a second field manager own the number of replicas, too."""
    metadata = {key: wanted["metadata"][key] for key in ("name", "namespace")}
    claim = {
        "apiVersion": wanted["apiVersion"],
        "kind": wanted["kind"],
        "metadata": metadata,
        "spec": {"replicas": count},
    }
    client.apply(claim, field_manager=MANAGER)
