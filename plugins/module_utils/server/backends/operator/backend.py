# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend C(operator): the OpenVINO operator makes the pods from a ModelServer."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ....errors import InputError, WaitError
from ....kube.client import KubeClient
from ....runtime import Runtime
from ....store import HostPathStore
from ...render import pss
from ...render.config import config_map_name
from ...render.facts import NO_FACTS, ClusterFacts
from ...render.identity import Object, metadata_of
from ...render.objects import companions, noted, text_of_config
from ...render.strategy import rollout_strategy
from ...spec.backend import MODEL_SERVER, OPERATOR, Kind
from ...spec.server import ServerSpec
from ..conditions import not_seen
from ..controlled import Controlled
from ..names import Names, made_by
from ..observe import made_of
from ..record import recorded
from . import lint, resource, signs

# The chart's containers always listen there; rest_port is that of its Service.
REST_PORT = 8081
PAUSE = 0.5  # seconds between two looks at the Service


class Operator:
    """A server that is a ModelServer of the OpenVINO operator; see C(select.Backend)."""

    owner: Optional[Kind] = MODEL_SERVER

    def check(self, params: Mapping[str, Any], spec: ServerSpec) -> ServerSpec:
        """Return the spec with the paths and proxies that the operator's servers have.

        Raises:
            InputError: an option that a ModelServer has no field for, or that would crash the
                server.
        """
        lint.check(params, spec)
        return lint.settled(spec)

    def render(self, spec: ServerSpec, facts: ClusterFacts = NO_FACTS) -> List[Object]:
        """Return the record, the configuration if there is one, and the ModelServer."""
        text = text_of_config(spec, facts)
        strategy = rollout_strategy(spec, facts, device=takes_device(spec))
        metadata = metadata_of(spec, spec.name)
        server = resource.model_server(spec, metadata, config_map_name(spec), strategy)
        config = [] if lint.single(spec) else companions(spec, facts, text, {})
        config = [item for item in config if item["kind"] == "ConfigMap"]
        return recorded(spec, [*config, noted(server, spec, text)])

    def names(self, spec: ServerSpec) -> Names:
        """Return the Service that the operator makes, and its ports."""
        ports: Dict[str, int] = {"rest": spec.rest_port, "grpc": spec.grpc_port}
        return Names(made_by(spec.backend, spec.name).deployment, ports)

    def observe(self, client: KubeClient, namespace: str, name: str) -> List[List[Object]]:
        """Return the Deployment and the Service that the operator has made."""
        return made_of(client, namespace, name, made_by(OPERATOR, name))

    def controlled(self, client: KubeClient, spec: ServerSpec, runtime: Runtime) -> OperatorPods:
        """Return the pods that the operator makes."""
        made = made_by(spec.backend, spec.name)
        return OperatorPods(client, spec, runtime, made, signs.SIGNS)


def takes_device(spec: ServerSpec) -> bool:
    """Tell whether each pod takes a device of a plugin."""
    return any("/" in name for name in spec.resources.get("limits", {}))


class OperatorPods(Controlled):
    """The pods that the operator makes of one server."""

    @property
    def pod_spec(self) -> ServerSpec:
        """Return the spec with the port on which the pods themselves answer."""
        return replace(self._spec, rest_port=REST_PORT)

    def file_of(self, text: str) -> str:
        """Return the text of the configuration file, empty where the operator needs none."""
        return "" if lint.single(self._spec) else text

    def settled(self, owner: Object, pods: Sequence[Object]) -> bool:
        """Tell whether a resource that was left alone has its pods and its Service already."""
        return super().settled(owner, pods) and not self._behind_service(owner)

    def finish(self, deadline: float) -> None:
        """Wait until the operator has changed its Service, too.

        It polls, since no other step needs the right to watch Services.

        Raises:
            WaitError: names what the Service does not have.
        """
        owner = self._client.get(*MODEL_SERVER, self._spec.name, self._spec.namespace)
        behind = self._behind_service(owner or {"spec": {}})
        while behind:
            if time.monotonic() >= deadline:
                raise WaitError(
                    f"{not_seen(behind)}",
                    subject=self._what,
                    hint="Look at its status and at what the OpenVINO operator logs",
                    details={"reason": "ControllerBehind"},
                )
            time.sleep(PAUSE)
            behind = self._behind_service(owner or {"spec": {}})

    def _behind_service(self, owner: Object) -> List[str]:
        place, name = self._spec.namespace, self._made.deployment
        service = self._client.get("v1", "Service", name, place)
        return ["Service"] if service is None else signs.behind_service(owner, service)

    def check_namespace(self, namespace: Optional[Mapping[str, Any]]) -> None:
        """Refuse a namespace whose Pod Security level rejects the operator's unrestricted pods.

        Raises:
            InputError: names the level.
        """
        if namespace is None:
            return
        labels = {**(namespace["metadata"].get("labels") or {}), **self._spec.namespace_labels}
        level = pss.enforced_level({"metadata": {"labels": labels}})
        if level == "restricted":
            needed = "privileged" if isinstance(self._spec.store, HostPathStore) else "baseline"
            raise InputError(
                f"it enforces the Pod Security level {level}, which the pods of the operator do"
                " not pass",
                option="backend",
                subject=f"Namespace {self._spec.namespace}",
                hint=f"Label it {pss.ENFORCE_LABEL}={needed}, or use backend: manifests",
            )
