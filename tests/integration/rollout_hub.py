# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A namespace of a hub that has the journal of rollouts, and the rights that ship for it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from accounts import GROUP, Restricted
from kubernetes import client as k8s

RBAC = Path(__file__).parents[2] / "roles" / "preflight" / "files" / "rbac-hub.yml"


@dataclass
class Hub:
    """A namespace for rollouts, looked at behind the back of the collection."""

    cluster: Any
    namespace: str

    def states(self) -> dict[str, tuple[str, str]]:
        """Return state and phase of each cluster that any rollout has met; there is one only."""
        found = self.cluster.core.list_namespaced_config_map(
            self.namespace, label_selector="openvino.edge/clusters-of-rollout"
        )
        records = [json.loads(text) for item in found.items for text in item.data.values()]
        return {item["name"]: (item["state"], item.get("phase", "")) for item in records}

    def rollouts(self) -> list[dict[str, str]]:
        """Return what the heads of the rollouts say, the oldest first."""
        found = self.cluster.core.list_namespaced_config_map(
            self.namespace, label_selector="openvino.edge/fleet"
        )
        ordered = sorted(found.items, key=lambda item: item.metadata.creation_timestamp)
        return [dict(item.data) for item in ordered]

    def holder(self) -> str:
        """Return who holds the fleet; empty if nobody does."""
        leases = k8s.CoordinationV1Api(self.cluster.api).list_namespaced_lease(self.namespace)
        (lease,) = leases.items
        return str(lease.spec.holder_identity or "")

    def until_free(self) -> None:
        """Wait until nobody holds the fleet any more."""
        end = time.monotonic() + 30
        while self.holder():
            assert time.monotonic() < end, f"{self.holder()} still holds the fleet"
            time.sleep(0.2)


def bind_shipped(cluster: Any, namespace: str, who: Restricted) -> None:
    """Give an account the shipped rights in a namespace of a hub, and no other."""
    shipped = yaml.safe_load(RBAC.read_text())["items"][0]
    name = {"name": namespace}
    cluster.rbac.create_namespaced_role(namespace, {"metadata": name, "rules": shipped["rules"]})
    role = {"apiGroup": GROUP, "kind": "Role", **name}
    binding = {"metadata": name, "roleRef": role, "subjects": who.subjects}
    cluster.rbac.create_namespaced_role_binding(namespace, binding)
    who.until_rules(namespace, shipped["rules"])
