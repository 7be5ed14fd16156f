# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the move of a server from one backend to another. Pure.

A server moves when its C(backend) changes. The old pods serve until the new ones are ready, so
serving is not interrupted if no controller acts. Only if the new pods need a volume or device that
the old ones use, the old ones are removed first.
"""

from __future__ import annotations

from typing import List, Sequence

from ...errors import InputError
from ...store import SERVER_LABEL
from ..plan.adoption import is_adopted
from ..render import kinds
from ..render.identity import Object
from ..render.strategy import holds_device
from ..spec.backend import CONTROLLED, backend_in, made_elsewhere, records_of
from ..spec.server import ServerSpec
from .names import has_controller, made_from, serving_deployment


def moves(spec: ServerSpec, stale: Sequence[Object]) -> bool:
    """Tell whether the server goes from one backend to another."""
    # A record without other objects is left by a run whose controller did not act.
    if any(map(made_elsewhere, stale)):
        return True
    gone = {str(item["kind"]) for item in stale}
    return has_controller(spec.backend) and bool(gone & set(kinds.WORKLOADS))


def postponed(spec: ServerSpec, stale: Sequence[Object]) -> List[Object]:
    """Return the objects to remove after the new pods are ready: the old workload and its record.

    Raises:
        InputError: old and new Deployment would have one name, or the old one was adopted.
    """
    if not moves(spec, stale):
        return []
    old = [item for item in stale if item["kind"] in (*kinds.WORKLOADS, *CONTROLLED)]
    old = old or records_of(stale)
    if any(map(is_adopted, stale)):
        raise InputError(
            "it was taken over with adopt, and what it was before would be lost",
            option="backend",
            subject=f"{old[0]['kind']} {spec.namespace}/{spec.name}",
            hint="Give it back with state: returned, or remove it with state: absent",
        )
    names = [_deployment(item) for item in old]
    new = serving_deployment(spec.backend, spec.name)
    if new in names:
        raise InputError(
            f"the Deployment of the old server is named {new}, and so is that of the new one",
            option="backend",
            subject=f"{old[0]['kind']} {spec.namespace}/{spec.name}",
            hint="Run once with state: absent, which leaves the models, and then again",
        )
    if spec.strategy == "Recreate" or any(map(_holds_device, old)):
        return records_of(stale)
    return kinds.for_removal(stale)


def _deployment(item: Object) -> str:
    name = str(item["metadata"]["name"])
    if item["kind"] in kinds.WORKLOADS:
        return name
    backend = backend_in(item)
    if backend:
        return serving_deployment(backend, str(item["metadata"]["labels"][SERVER_LABEL]))
    return made_from(str(item["kind"]), name).deployment


def _holds_device(item: Object) -> bool:
    if backend_in(item):
        return False
    if item["kind"] in kinds.WORKLOADS:
        return holds_device(item["spec"]["template"])
    spec = item["spec"]
    resources = (spec.get("deployment_parameters") or {}).get("resources") or {}
    predictor = spec.get("predictor") or {}
    limits = dict(resources.get("limits") or {})
    for container in predictor.get("containers") or ():
        limits.update((container.get("resources") or {}).get("limits") or {})
    held = bool(limits.get("xpu_device") or predictor.get("resourceClaims"))
    return held or any("/" in name for name in limits)
