# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses a Deployment's rollout strategy by the store's access mode and devices. Pure."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

from ...store import HostPathStore
from ..spec import scaling
from ..spec.server import ServerSpec
from ..spec.sources import held_by_one_node
from .facts import ClusterFacts

MANY_NODES = ("ReadWriteMany", "ReadOnlyMany")


def rollout_strategy(
    spec: ServerSpec, facts: ClusterFacts, *, device: bool = False
) -> Dict[str, Any]:
    """Return how old pods make room for new ones; C(device): each pod holds one.

    C(auto): a claim that one node at a time can use is released before the new pod asks for it
    (C(Recreate)); a claim for many nodes, an image and a bucket allow one pod more during the
    change; on host paths, and where the claim cannot be read, no pod more than wanted ever runs,
    since an edge node has no room for it and each node takes one replica. The same goes for pods
    that hold a device. C(rolling_update) is what the user wants instead.
    """
    if spec.strategy == "Recreate":
        return {"type": "Recreate"}
    shared = any(mode in MANY_NODES for mode in facts.access_modes or ())
    shared = shared or not held_by_one_node(spec.store)
    asked = spec.running.scaling.surge is not None or spec.running.scaling.unavailable is not None
    alone = not isinstance(spec.store, HostPathStore) and not shared
    if spec.strategy == "auto" and alone and not asked:
        return {"type": "Recreate"}
    rolling = spec.strategy == "RollingUpdate" and not isinstance(spec.store, HostPathStore)
    # A device is free only when the old pod has ended: a surge pod would stay pending.
    more = (shared or rolling) and not device
    usual: Tuple[scaling.Amount, scaling.Amount] = (1, 0) if more else (0, 1)
    surge, unavailable = scaling.update_limits(spec.running.scaling, usual)
    limits = {"maxSurge": surge, "maxUnavailable": unavailable}
    return {"type": "RollingUpdate", "rollingUpdate": limits}


def holds_device(template: Mapping[str, Any]) -> bool:
    """Tell whether a pod takes a device: one of a plugin (C(gpu.intel.com/i915)), or by a claim."""
    pod = template["spec"]
    resources = [container.get("resources") or {} for container in pod["containers"]]
    names = [name for item in resources for name in (item.get("limits") or {})]
    return bool(pod.get("resourceClaims")) or any("/" in name for name in names)
