# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend without a controller: a Deployment or DaemonSet of this collection runs the pods."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence

from ...errors import ApiError, InputError
from ...kube.apply import Change
from ...kube.client import KubeClient
from ...runtime import Runtime
from ..plan.diff import Key
from ..render.facts import NO_FACTS, ClusterFacts
from ..render.identity import Object, pod_selector_text
from ..render.objects import render_objects
from ..spec.backend import Kind
from ..spec.server import ServerSpec
from ..status.progress import complete
from ..status.retry import Attempts, try_again
from ..status.wait import wait_rollout
from .names import Names


class Manifests:
    """A server whose pods are run by a workload that this collection applies."""

    owner: Optional[Kind] = None

    def check(self, params: Mapping[str, Any], spec: ServerSpec) -> ServerSpec:
        """Return the spec as it is: every option has its place in the objects."""
        return spec

    def render(self, spec: ServerSpec, facts: ClusterFacts = NO_FACTS) -> List[Object]:
        """Return the objects in the order in which they have to be applied."""
        return render_objects(spec, facts)

    def names(self, spec: ServerSpec) -> Names:
        """Return the Service of the server and its ports."""
        return Names(spec.name, {"rest": spec.rest_port, "grpc": spec.grpc_port})

    def observe(self, client: KubeClient, namespace: str, name: str) -> List[List[Object]]:
        """Return nothing: all objects carry the label of their server."""
        return []

    def controlled(self, client: KubeClient, spec: ServerSpec, runtime: Runtime) -> WorkloadPods:
        """Return the pods of the server's workload."""
        return WorkloadPods(client, spec, runtime)


class WorkloadPods:
    """The pods of a Deployment or DaemonSet of this collection; see C(select.Pods).

    Args:
        client: of the cluster.
        spec: the server.
        runtime: progress.
    """

    ours = True

    def __init__(self, client: KubeClient, spec: ServerSpec, runtime: Runtime) -> None:
        self._client = client
        self._spec = spec
        self._runtime = runtime
        self.kind = spec.running.scaling.workload
        self._before: Dict[str, Attempts] = {}

    @property
    def pod_spec(self) -> ServerSpec:
        """Return the spec: the pods answer on the ports of the Service."""
        return self._spec

    @property
    def reached(self) -> ServerSpec:
        """Return the spec: the Service has the name of the server."""
        return self._spec

    def file_of(self, text: str) -> str:
        """Return the text: every server has the file."""
        return text

    def read(self) -> List[Object]:
        """Return the pods."""
        selector = pod_selector_text(self._spec.name)
        return self._client.list("v1", "Pod", self._spec.namespace, label_selector=selector)[0]

    def settle(
        self, workload: Optional[Object], pods: Sequence[Object], timeout: float
    ) -> List[Object]:
        """Return the pods once exactly the wanted ones run and are ready.

        If a workload was not sent and lacks pods, its controller is made to retry first.

        Raises:
            WaitError: the pods are not ready in time.
        """
        if workload is not None:
            if complete(workload, pods):
                return list(pods)
            self.retry(workload, pods)
        spec = self._spec
        return wait_rollout(
            self._client,
            spec.namespace,
            spec.name,
            timeout,
            self._runtime,
            self.kind,
            before=self._before,
        )

    def retry(self, workload: Object, pods: Sequence[Object]) -> Mapping[str, Attempts]:
        """Have stuck pods tried again; see C(retry.try_again)."""
        self._before = try_again(self._client, workload, pods, self._runtime)
        return self._before

    def check_namespace(self, namespace: Optional[Mapping[str, Any]]) -> None:
        """Do nothing: C(checks.cluster) checks Pod Security for these pods."""

    def check_free(self, current: Mapping[Key, Object]) -> None:
        """Do nothing: no controller creates further objects, and those sent are checked by name."""

    def check_predicted(self, wanted: Sequence[Object], predicted: Sequence[Change]) -> None:
        """Do nothing: the API server drops no field of built-in kinds."""

    def explain(self, error: ApiError) -> Optional[InputError]:
        """Return None: the API server's message is clear enough."""
        return None
