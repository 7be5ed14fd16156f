# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend C(kserve): KServe makes the pods from an InferenceService."""

from __future__ import annotations

import time
from typing import Any, List, Mapping, Optional, Sequence

from ....kube.client import KubeClient
from ....runtime import Runtime
from ...render.facts import NO_FACTS, ClusterFacts
from ...render.identity import Object, metadata_of
from ...render.objects import companions, noted, template_of, text_of_config
from ...render.scaling import disruption_budget
from ...render.strategy import holds_device, rollout_strategy
from ...spec.backend import INFERENCE_SERVICE, KSERVE, Kind
from ...spec.server import ServerSpec
from ..controlled import Controlled
from ..names import KSERVE_PORT, Names, made_by
from ..observe import made_of
from ..record import recorded
from . import resource, signs

PATIENCE = 5.0  # seconds for the status to follow the ready pods
PAUSE = 0.5


class KServe:
    """A server that is an InferenceService of KServe; see C(select.Backend)."""

    owner: Optional[Kind] = INFERENCE_SERVICE

    def check(self, params: Mapping[str, Any], spec: ServerSpec) -> ServerSpec:
        """Return the spec as it is.

        Raises:
            InputError: an option that KServe has no field for.
        """
        resource.check(params, spec)
        return spec

    def render(self, spec: ServerSpec, facts: ClusterFacts = NO_FACTS) -> List[Object]:
        """Return the record, the objects that pods need, and the InferenceService."""
        text = text_of_config(spec, facts)
        labels = dict(made_by(spec.backend, spec.name).labels)
        template = template_of(spec, facts, text, resource.pod_labels(spec))
        strategy = rollout_strategy(spec, facts, device=holds_device(template))
        metadata = metadata_of(spec, spec.name)
        service = resource.inference_service(spec, metadata, template, strategy)
        objects = [*companions(spec, facts, text, labels), noted(service, spec, text)]
        budget = spec.running.scaling.budget
        if budget:
            objects.append(disruption_budget(metadata, budget, labels))
        return recorded(spec, objects)

    def names(self, spec: ServerSpec) -> Names:
        """Return the Service that KServe makes, and its ports."""
        service = made_by(spec.backend, spec.name).deployment
        return Names(service, {"rest": KSERVE_PORT, "grpc": spec.grpc_port})

    def observe(self, client: KubeClient, namespace: str, name: str) -> List[List[Object]]:
        """Return the Deployment and the Service that KServe has made."""
        return made_of(client, namespace, name, made_by(KSERVE, name))

    def controlled(self, client: KubeClient, spec: ServerSpec, runtime: Runtime) -> KServePods:
        """Return the pods that KServe makes."""
        return KServePods(client, spec, runtime, made_by(spec.backend, spec.name), signs.SIGNS)


class KServePods(Controlled):
    """The pods that KServe makes of one server."""

    def settled(self, owner: Object, pods: Sequence[Object]) -> bool:
        """Tell whether a resource that was left alone has its pods; warn when it is not ready."""
        settled = super().settled(owner, pods)
        why = signs.unready(owner) if settled else None
        if why is not None:
            self._warn(why)
        return settled

    def finish(self, deadline: float) -> None:
        """Warn when the InferenceService is not Ready although its pods are.

        Its Service answers inside the cluster in spite of that; the usual cause is a missing
        ingress. The status follows the pods within a second or two.
        """
        give_up = min(deadline, time.monotonic() + PATIENCE)
        while True:
            owner = self._client.get(*INFERENCE_SERVICE, self._spec.name, self._spec.namespace)
            why = signs.unready(owner or {})
            if why is None:
                return
            if time.monotonic() >= give_up:
                break
            time.sleep(PAUSE)
        self._warn(why)

    def _warn(self, why: str) -> None:
        self._runtime.warn(f"{self._what}: its pods are ready, but KServe says: {why}.")
