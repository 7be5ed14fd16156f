# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Selects the current pods of a server, and the number of replicas there must be.

For a Deployment these are the pods of its current ReplicaSet, once the controller has seen the
last change of the spec: the one whose revision annotation equals the Deployment's (kubectl's
rollout status goes by the same annotation, k8s.io/kubectl pkg/util/deployment). For a DaemonSet
they are the pods of its newest revision, one on each node that takes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

from ..errors import ForbiddenError, InputError
from ..kube.health.pods import Trouble, creation_trouble, pod_trouble
from .downloads import proxy_of

if TYPE_CHECKING:
    from ..kube.client import KubeClient

REVISION = "deployment.kubernetes.io/revision"
TEMPLATE_HASH = "pod-template-hash"
REVISION_HASH = "controller-revision-hash"
POLL_FLAG = "--file_system_poll_wait_seconds"
PORT_FLAG = "--rest_port"
CACHE_FLAG = "--cache_dir"
# openvinotoolkit/model_server, src/cli_parser.cpp.
DEFAULT_POLL = 1.0
# What controllers add to the name of a server to name its Deployment, and their label with that
# name (openvinotoolkit/operator, helm-charts/ovms; kserve/kserve, pkg/constants).
MADE_BY_CONTROLLERS = (
    ("-ovms", "release"),
    ("-predictor", "serving.kserve.io/inferenceservice"),
)

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Replica:
    """One pod.

    Attributes:
        name: name of the pod.
        node: where it runs; empty before it is scheduled.
        container: the container that has the REST port.
        trouble: why the pod cannot answer now, if its status says so.
        proxy: the proxy of its downloads, without a login.
        poll: seconds between two polls of the server's files, 0 without polling.
        cache: directory of its compiled models, C("") without one.
    """

    name: str
    node: str = ""
    container: str = ""
    trouble: Optional[Trouble] = None
    proxy: str = ""
    poll: float = DEFAULT_POLL
    cache: str = ""


@dataclass(frozen=True)
class Fleet:
    """The replicas at one moment; ``note`` says why some could not be made, if anything does."""

    expected: int
    replicas: Tuple[Replica, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Target:
    """The server to query: the Deployment or DaemonSet ``name``, or the pods of ``label_selector``.

    ``replicas`` overrides the number that there must be.
    """

    namespace: str
    name: Optional[str] = None
    label_selector: Optional[str] = None
    replicas: Optional[int] = None
    rest_port: int = 8081

    def __str__(self) -> str:
        if self.name:
            return f"Deployment {self.namespace}/{self.name}"
        return f"pods {self.label_selector} in namespace {self.namespace}"


def find_fleet(client: KubeClient, target: Target, deployment: Optional[Object] = None) -> Fleet:
    """Ask the API server for the replicas.

    Args:
        client: of the cluster.
        target: the server.
        deployment: that of the server, where it was read just now.

    Raises:
        InputError: there is no such Deployment.
        ForbiddenError: a right to get or list is missing.
    """
    if target.name is None:
        pods = client.list("v1", "Pod", target.namespace, label_selector=target.label_selector)[0]
        found = replicas_of(pods, target.rest_port)
        return Fleet(target.replicas if target.replicas is not None else len(found), found)
    if deployment is None:
        deployment = client.get("apps/v1", "Deployment", target.name, target.namespace)
    on_nodes = daemon_set(client, target.namespace, target.name) if deployment is None else None
    if on_nodes is not None:
        fleet = _fleet_on_nodes(client, target, on_nodes)
    else:
        deployment = deployment or _made_by_controller(client, target)
        selector = _selector(deployment)
        sets = client.list("apps/v1", "ReplicaSet", target.namespace, label_selector=selector)[0]
        pods = client.list("v1", "Pod", target.namespace, label_selector=selector)[0]
        fleet = current_fleet(deployment, sets, pods, target.rest_port)
    if target.replicas is None:
        return fleet
    return Fleet(target.replicas, fleet.replicas, fleet.note)


def _made_by_controller(client: KubeClient, target: Target) -> Object:
    """Return the Deployment that the OpenVINO operator or KServe created for a server.

    It is read by name, since the right to get Deployments is needed anyway. The label tells it from
    another Deployment of that name.
    """
    for suffix, label in MADE_BY_CONTROLLERS:
        name = f"{target.name}{suffix}"
        found = client.get("apps/v1", "Deployment", name, target.namespace)
        if found is not None and _labels(found).get(label) == target.name:
            return found
    raise InputError(
        "there is no such Deployment, and no DaemonSet of this name",
        option="name",
        subject=str(target),
        hint="Run openvino.edge.model_server first, or check name and namespace",
    )


def daemon_set(client: KubeClient, namespace: str, name: Optional[str]) -> Optional[Object]:
    """Return a DaemonSet, by a list request, since the right to list is needed anyway."""
    by_name = f"metadata.name={name}"
    try:
        found = client.list("apps/v1", "DaemonSet", namespace, field_selector=by_name)[0]
    except ForbiddenError:
        return None
    return found[0] if found else None


def _fleet_on_nodes(client: KubeClient, target: Target, found: Object) -> Fleet:
    namespace, selector = target.namespace, _selector(found)
    revisions = client.list("apps/v1", "ControllerRevision", namespace, label_selector=selector)[0]
    pods = client.list("v1", "Pod", namespace, label_selector=selector)[0]
    return fleet_on_nodes(found, revisions, pods, target.rest_port)


def fleet_on_nodes(
    daemon_set: Object, revisions: Iterable[Object], pods: Iterable[Object], rest_port: int
) -> Fleet:
    """Return the replicas of the DaemonSet's newest revision."""
    uid, status = daemon_set["metadata"].get("uid"), daemon_set.get("status") or {}
    # A DaemonSet without a matching node serves nothing, so at least one replica is expected.
    expected = max(1, int(status.get("desiredNumberScheduled", 0)))
    mine = [item for item in revisions if _owned(item, uid)]
    newest = max(mine, key=lambda item: int(item.get("revision", 0)), default=None)
    seen = int(status.get("observedGeneration", 0)) >= int(daemon_set["metadata"]["generation"])
    if not seen or newest is None:
        return Fleet(expected, (), "the DaemonSet's last change was not acted on yet")
    wanted = _labels(newest).get(REVISION_HASH)
    current = [
        pod for pod in pods if _owned(pod, uid) and _labels(pod).get(REVISION_HASH) == wanted
    ]
    return Fleet(expected, replicas_of(current, rest_port))


def _owned(item: Object, uid: Any) -> bool:
    return any(owner.get("uid") == uid for owner in item["metadata"].get("ownerReferences") or [])


def current_fleet(
    deployment: Object, sets: Iterable[Object], pods: Iterable[Object], rest_port: int
) -> Fleet:
    """Return the replicas of the Deployment's current generation."""
    spec, status = deployment["spec"], deployment.get("status") or {}
    expected = int(spec.get("replicas", 1))
    seen = int(status.get("observedGeneration", 0)) >= int(deployment["metadata"]["generation"])
    template = _template_hash(deployment, sets) if seen else None
    if template is None:
        return Fleet(expected, (), "the Deployment's last change was not acted on yet")
    mine = [pod for pod in pods if _labels(pod).get(TEMPLATE_HASH) == template]
    return Fleet(expected, replicas_of(mine, rest_port), _creation(deployment))


def replicas_of(pods: Iterable[Object], rest_port: int) -> Tuple[Replica, ...]:
    """Return the pods that are neither terminating nor ended."""
    alive = [
        pod
        for pod in pods
        if not pod["metadata"].get("deletionTimestamp")
        and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
    ]
    found = [_replica(pod, rest_port) for pod in alive]
    return tuple(sorted(found, key=lambda replica: replica.name))


def _replica(pod: Object, rest_port: int) -> Replica:
    container = _container(pod["spec"].get("containers") or [], rest_port)
    return Replica(
        name=pod["metadata"]["name"],
        node=pod["spec"].get("nodeName") or "",
        container=container,
        trouble=pod_trouble(pod) or _not_started(pod),
        proxy=proxy_of(pod, container),
        poll=poll_of(pod, container),
        cache=_cache_of(pod, container),
    )


def _not_started(pod: Object) -> Optional[Trouble]:
    """Return the trouble of a pod that is on its node and has no address yet.

    The API server only says "address not allowed" of it. What it waits for stands in its events,
    which the gate needs no right to read.
    """
    status, node = pod.get("status") or {}, pod["spec"].get("nodeName")
    states = [item.get("state") or {} for item in status.get("containerStatuses") or ()]
    waiting = [str(state["waiting"].get("reason") or "") for state in states if "waiting" in state]
    if not node or status.get("podIP") or not waiting:
        return None
    name = pod["metadata"]["name"]
    return Trouble(
        "NotStarted",
        f"pod {name} has not started on node {node} ({waiting[0]})",
        "If that stays so, a volume, a directory or the network is missing on that node: kubectl"
        f" describe pod {name} tells which",
        False,
    )


def poll_of(pod: Object, container: str) -> float:
    """Return the poll interval of a server, from the arguments of its container."""
    for item in pod["spec"].get("containers") or []:
        if item["name"] != container:
            continue
        number = _flag(item, POLL_FLAG)
        if number is not None:
            return float(number)
    return DEFAULT_POLL


def rest_port_of(pod: Object) -> Optional[int]:
    """Return the port of REST that a pod's server was told, None where its arguments name none."""
    found = [_flag(item, PORT_FLAG) for item in pod["spec"].get("containers") or []]
    return next((number for number in found if number is not None), None)


def _cache_of(pod: Object, container: str) -> str:
    for item in pod["spec"].get("containers") or []:
        if item["name"] == container:
            return next((value for value in _values(item, CACHE_FLAG) if value), "")
    return ""


def _flag(container: Object, name: str) -> Optional[int]:
    return next((int(text) for text in _values(container, name) if text.isdigit()), None)


def _values(container: Object, name: str) -> Iterator[str]:
    """Yield the values of an option, C(--name value) or C(--name=value)."""
    words = [*(container.get("command") or []), *(container.get("args") or [])]
    for word, following in zip(words, [*words[1:], ""]):
        flag, equals, value = str(word).partition("=")
        if flag == name:
            yield value if equals else str(following)


def _container(containers: List[Dict[str, Any]], rest_port: int) -> str:
    """Return the container that declares the port, else the first (side cars come and go)."""
    for container in containers:
        for port in container.get("ports") or []:
            if port.get("containerPort") == rest_port:
                return str(container["name"])
    return str(containers[0]["name"]) if containers else ""


def _template_hash(deployment: Object, sets: Iterable[Object]) -> Optional[str]:
    revision = _annotations(deployment).get(REVISION)
    uid = deployment["metadata"].get("uid")
    for item in sets:
        if _owned(item, uid) and revision and _annotations(item).get(REVISION) == revision:
            return _labels(item).get(TEMPLATE_HASH)
    return None


def _selector(deployment: Object) -> str:
    labels = deployment["spec"]["selector"].get("matchLabels") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _creation(deployment: Object) -> str:
    trouble = creation_trouble(deployment)
    return str(trouble).rstrip(".") if trouble else ""


def _labels(item: Object) -> Dict[str, str]:
    return dict(item["metadata"].get("labels") or {})


def _annotations(item: Object) -> Dict[str, str]:
    return dict(item["metadata"].get("annotations") or {})
