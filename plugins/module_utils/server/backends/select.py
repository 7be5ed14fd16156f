# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Selects the backend of a server; no other module knows all backends.

C(select) returns the backend by the value of the option C(backend); callers never compare that
option. The code of a controller is imported here only when a task needs it, since Ansible compiles
imported modules in every worker and most servers have no controller.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional, Protocol, Sequence

from ...errors import ApiError, InputError
from ...kube.apply import Change
from ...kube.client import KubeClient
from ...runtime import Runtime
from ..plan.diff import Key
from ..render.facts import NO_FACTS, ClusterFacts
from ..render.identity import Object
from ..spec.backend import KSERVE, MANIFESTS, OPERATOR, Kind, made_elsewhere
from ..spec.server import ServerSpec
from ..status.retry import Attempts
from .manifests import Manifests
from .names import Names


class Pods(Protocol):
    """The pods of one server on its cluster, with any backend."""

    @property
    def kind(self) -> str:
        """Return the kind of the workload, or of the controller's custom resource."""

    @property
    def ours(self) -> bool:
        """Tell whether this collection applies the workload itself."""

    @property
    def pod_spec(self) -> ServerSpec:
        """Return the spec with the port on which the pods themselves answer."""

    @property
    def reached(self) -> ServerSpec:
        """Return the spec with the name of the Service that leads to the pods."""

    def file_of(self, text: str) -> str:
        """Return the text of the configuration file, empty where the pods need none."""

    def read(self) -> List[Object]:
        """Return the pods that there are."""

    def settle(
        self, workload: Optional[Object], pods: Sequence[Object], timeout: float
    ) -> List[Object]:
        """Return the pods once exactly the wanted ones run and are ready.

        C(workload) is the object that stands for the pods if it was left alone, C(pods) are those
        that were there then.

        Raises:
            WaitError: they do not get there within C(timeout) seconds.
        """

    def retry(self, workload: Object, pods: Sequence[Object]) -> Mapping[str, Attempts]:
        """Have pods that are stuck since an earlier run tried again; see C(retry.try_again).

        C(settle) then takes only newer failures for final.
        """

    def check_namespace(self, namespace: Optional[Mapping[str, Any]]) -> None:
        """Refuse a namespace that would refuse the pods.

        Raises:
            InputError: names what it enforces.
        """

    def check_free(self, current: Mapping[Key, Object]) -> None:
        """Refuse names of other objects that a controller would take over; C(current) are our own.

        Raises:
            InputError: names the object.
        """

    def check_predicted(self, wanted: Sequence[Object], predicted: Sequence[Change]) -> None:
        """Refuse fields that the dry run shows to be dropped silently.

        Raises:
            InputError: names the field and the option.
        """

    def explain(self, error: ApiError) -> Optional[InputError]:
        """Return an API error as an error of an option, None if it is not about one."""


class Backend(Protocol):
    """A backend: it renders the objects from which the pods of a server are created."""

    @property
    def owner(self) -> Optional[Kind]:
        """Return the kind of the custom resource; None without a controller."""

    def check(self, params: Mapping[str, Any], spec: ServerSpec) -> ServerSpec:
        """Return the spec as the servers of this backend see it.

        Raises:
            InputError: an option that the backend has no field for, or what would crash there.
        """

    def render(self, spec: ServerSpec, facts: ClusterFacts = NO_FACTS) -> List[Object]:
        """Return the objects in the order in which they have to be applied."""

    def names(self, spec: ServerSpec) -> Names:
        """Return the Service under which clients find the server, and its ports."""

    def observe(self, client: KubeClient, namespace: str, name: str) -> List[List[Object]]:
        """Return the objects that a controller created for a server; none without a controller."""

    def controlled(self, client: KubeClient, spec: ServerSpec, runtime: Runtime) -> Pods:
        """Return the pods of a server on its cluster."""


def _manifests() -> Backend:
    return Manifests()


def _operator() -> Backend:
    from .operator.backend import Operator

    return Operator()


def _kserve() -> Backend:
    from .kserve.backend import KServe

    return KServe()


_BACKENDS: Dict[str, Callable[[], Backend]] = {
    MANIFESTS: _manifests,
    OPERATOR: _operator,
    KSERVE: _kserve,
}


def select(name: str) -> Backend:
    """Return the backend that the option C(backend) names."""
    return _BACKENDS[name]()


def leaving(spec: ServerSpec, stale: Sequence[Object]) -> List[Object]:
    """Return the objects that keep serving until the new pods are ready; see C(moves.postponed).

    Raises:
        InputError: the server cannot go to the other backend in one step.
    """
    if select(spec.backend).owner is None and not any(map(made_elsewhere, stale)):
        return []
    from .moves import postponed

    return postponed(spec, stale)


def see_out(
    client: KubeClient,
    removed: Sequence[Object],
    name: str,
    namespace: str,
    *,
    timeout: Optional[float],
    check_mode: bool = False,
) -> List[Change]:
    """Wait until the dependents of removed objects are gone; see C(leaving.see_out).

    Raises:
        WaitError: names what is still there.
    """
    if not removed:
        return []
    from .leaving import see_out as see

    return see(client, removed, name, namespace, timeout=timeout, check_mode=check_mode)
