# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a measurement has to know of the server: its address, its models, its counters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ..errors import EdgeError, GateError, InputError
from ..kube.client import KubeClient
from ..runtime import Params, Runtime
from ..verify import entry as verify
from ..verify import ports
from ..verify.gate import Wanted
from ..verify.inference.ask import Asker, Refusal
from ..verify.inference.protocol import Metadata
from ..verify.replicas import Fleet, Target, find_fleet
from .counters import Counts, counts_of
from .options import GRPC, HEADLESS, REPLICAS, Options

Addresses = List[Tuple[str, int]]


class Site:
    """One server on a cluster.

    Attributes:
        target: the server.
        fleet: its replicas.
    """

    def __init__(self, client: KubeClient, params: Params, options: Options) -> None:
        self._client, self._params, self._options = client, params, options
        target = verify.target_from_params({**params, "replicas": None})
        if params.get("rest_port") is None:
            port, _deployment = ports.told(client, target.namespace, target.name)
            target = replace(target, rest_port=port)
        self.target: Target = target
        self.fleet: Fleet = find_fleet(client, target)

    def check_available(self) -> None:
        """Refuse a server of which a replica does not report the model AVAILABLE.

        Raises:
            GateError: one does not, or there is none.
        """
        if not self.fleet.replicas:
            raise GateError(
                "it has no replica",
                subject=str(self.target),
                hint="Deploy it with at least one, wait with model_status, then measure",
            )
        versions = frozenset([self._options.version] if self._options.version else [])
        wanted = Wanted({self._options.model: versions}, exclusive=False, alone=False)
        given = {
            "rest_port": self.target.rest_port,
            "wait": False,
            "wait_timeout": 0,
            "stuck_after": 120,
        }
        status = verify.ask(self._client, wanted, self.target, given, Runtime())
        if status["available"]:
            return
        first: Mapping[str, Any] = status["problems"][0]
        raise GateError(
            f"the model '{self._options.model}' is not AVAILABLE: {first['message']}",
            subject=str(self.target),
            hint="Wait with model_status until it is, then measure",
            details={"problems": status["problems"]},
        )

    def metadata(self) -> Metadata:
        """Return what the first replica says of the model.

        Raises:
            GateError: it does not answer.
        """
        asker = Asker(
            self._client, self.target.namespace, self.target.rest_port, self._options.timeout
        )
        pod = self.fleet.replicas[0].name
        try:
            return asker.metadata(pod, self._options.model, self._options.version)
        except Refusal as error:
            raise GateError(
                f"it does not tell what the model takes: {error}",
                subject=f"pod {pod}",
                hint="Wait with model_status until it serves, then measure",
            ) from None

    def addresses(self) -> Addresses:
        """Return where the pod sends its requests: the Service, or each replica.

        Raises:
            InputError: there is no such Service, or it has no such port, or has to be headless.
        """
        if self._options.target == REPLICAS:
            return self._replicas()
        return [self._service(self._options.target == HEADLESS)]

    def _port(self) -> int:
        grpc = self._options.client == GRPC
        return int(self._params["grpc_port"]) if grpc else self.target.rest_port

    def _replicas(self) -> Addresses:
        found = []
        for replica in self.fleet.replicas:
            pod = self._client.get("v1", "Pod", replica.name, self.target.namespace) or {}
            address = (pod.get("status") or {}).get("podIP")
            if not address:
                raise GateError(
                    "it has no address any more",
                    subject=f"pod {replica.name}",
                    hint="The server is being changed; measure when model_status passes",
                )
            found.append((str(address), self._port()))
        return found

    def _service(self, wanted_headless: bool) -> Tuple[str, int]:
        name = self._params.get("service") or self._params.get("name")
        if wanted_headless and name and not self._params.get("service"):
            name = f"{name}-headless"
        namespace = self.target.namespace
        if not name:
            raise InputError(
                "pods of a label have no Service that is known",
                option="service",
                hint="Name it, or take target: replicas",
            )
        service = self._client.get("v1", "Service", str(name), namespace)
        if service is None:
            raise InputError(
                "there is no such Service",
                option="service",
                subject=f"Service {namespace}/{name}",
                hint="Name the one in front of the server, or take target: replicas",
            )
        spec = service.get("spec") or {}
        port = port_of(spec.get("ports") or (), self._options.client, self._port())
        if port is None:
            raise InputError(
                f"it has no port for {self._options.client}",
                option="service",
                subject=f"Service {namespace}/{name}",
                hint=f"Add one named {self._options.client}, or take target: replicas",
            )
        address = spec.get("clusterIP")
        headless = not address or address == "None"
        if not headless:
            if wanted_headless:
                raise InputError(
                    "it has an address of its own, so its name does not lead to the replicas",
                    option="service",
                    subject=f"Service {namespace}/{name}",
                    hint="Name one with clusterIP None, or take target: replicas",
                )
            return (str(address), port)
        # The name leads to pods, so the port is theirs.
        return (f"{name}.{namespace}.svc", self._port() if wanted_headless else port)

    def counters(self) -> Dict[str, Counts]:
        """Return what each replica has counted since its start.

        Raises:
            ValueError: a replica does not tell it.
        """
        found = {}
        for replica in self.fleet.replicas:
            try:
                answer = self._client.pod_proxy(
                    self.target.namespace, replica.name, self.target.rest_port, "GET", "/metrics"
                )
            except EdgeError as error:
                raise ValueError(f"{replica.name} does not answer: {error.message}") from None
            if answer.status != 200:
                raise ValueError(
                    f"{replica.name} has no /metrics (HTTP {answer.status}); set"
                    " monitoring.enable of model_server"
                )
            text = answer.body.decode("utf-8", "replace")
            try:
                found[replica.name] = counts_of(text, self._options.model, self._options.version)
            except ValueError as error:
                raise ValueError(f"{replica.name}: {error}") from None
        return found


def port_of(found: Sequence[Mapping[str, Any]], client: str, number: int) -> Optional[int]:
    """Return the port of a Service by its name, else by the port of the pods, None without one."""
    by_name = [item["port"] for item in found if item.get("name") == client]
    by_number = [item["port"] for item in found if number in (item.get("targetPort"), item["port"])]
    ports_found = by_name or by_number
    return int(ports_found[0]) if ports_found else None
