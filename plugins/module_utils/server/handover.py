# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leave the number of replicas to an autoscaler, without a moment with one replica.

A field that an applier owned alone and no longer sends is removed, and the API server then sets
its default: one replica. So before our C(spec.replicas) goes, another manager gets hold of it at
its present value; the autoscaler takes it from there (kubernetes.io, server-side apply,
"Transferring ownership").
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from ansible_collections.openvino.edge.plugins.module_utils.kube.client import (
    FIELD_MANAGER,
    KubeClient,
)

MANAGER = "openvino.edge-replicas"

Object = Mapping[str, Any]


def kept_replicas(wanted: Object, live: Optional[Object]) -> Optional[int]:
    """Return the number of replicas that has to outlast C(wanted), None where nothing is at stake.

    None when C(wanted) says how many, when it is no Deployment, when there is none yet, or when the
    number is someone else's already.
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
    """Return the object with the number in it: what a dry run has to show."""
    return {**wanted, "spec": {**wanted["spec"], "replicas": count}}


def hand_over(client: KubeClient, wanted: Object, count: int) -> None:
    """Make another manager hold the number too."""
    metadata = {key: wanted["metadata"][key] for key in ("name", "namespace")}
    claim = {
        "apiVersion": wanted["apiVersion"],
        "kind": wanted["kind"],
        "metadata": metadata,
        "spec": {"replicas": count},
    }
    client.apply(claim, field_manager=MANAGER)
