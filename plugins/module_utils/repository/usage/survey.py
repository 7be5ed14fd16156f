# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads all possible users of a store: workloads of every owner, releases, running replicas."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Set, Tuple

from ...errors import ApiError, EdgeError, ForbiddenError, UnreachableError
from ...kube.client import KubeClient
from ...releases import RELEASE_LABEL, needed_objects
from ...store import AGENT_LABEL, MANAGED_BY, MANAGED_BY_LABEL, HostPathStore, Store
from . import mounted_files, references
from .mounts import View, ground_of, views
from .references import EVERY_MODEL, CommandLine, Demand, Policy, Reference, Unclear

STATUS_PATH = "/v1/config"
# OVMS answers from memory, also while it loads models.
ANSWER_SECONDS = 5.0
QUESTIONS = 8
REVISION = "ControllerRevision"
WORKLOADS = (
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", REVISION),
)
UNCLEAR = "which counts as using every version"
SERVER_SIGNS = ("model_server", "model-server", "ovms")

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Use:
    """The versions that one workload uses; with C(fault), it counts as using every version.

    C(pod) is namespace and name, if it is one, and C(node) where it runs.
    """

    who: str
    references: Tuple[Reference, ...] = ()
    fault: str = ""
    pod: str = ""
    node: str = ""

    def __str__(self) -> str:
        if not self.fault:
            return self.who
        return f"{self.who}, {UNCLEAR}: {self.fault}"


@dataclass(frozen=True)
class Place:
    """The REST port of a pod; C(port) 0: it has none."""

    namespace: str
    pod: str
    port: int

    def __str__(self) -> str:
        return f"{self.namespace}/{self.pod}"


@dataclass(frozen=True)
class Server:
    """A container that sees models of the store.

    Attributes:
        use: what it uses.
        container: its name.
        line: its options, if it is a model server that was understood.
        demand: what it asks for.
        startless: its configuration does not exist any more, so it cannot start again.
    """

    use: Use
    container: str
    line: Optional[CommandLine] = None
    demand: Demand = Demand()
    startless: bool = False


@dataclass(frozen=True)
class Running:
    """A running server that sees models of the store.

    Attributes:
        place: where it can be asked; C(None) without a REST port.
        demand: what it asks for, as far as that could be read.
        held: names and versions that it has loaded.
        fault: why it does not say so.
        node: where it runs.
    """

    place: Place
    demand: Demand
    held: Tuple[Tuple[str, int], ...] = ()
    fault: str = ""
    node: str = ""


class Survey:
    """Reads every ConfigMap, and every list of objects, once.

    Args:
        client: of the cluster.
        store: the one in question.
        warn: called with the objects that could not be read.
    """

    def __init__(self, client: KubeClient, store: Store, warn: Callable[[str], None]) -> None:
        self._client, self._store, self._warn = client, store, warn
        self._maps: Dict[Tuple[str, str], Optional[Object]] = {}
        self._paths: Dict[Tuple[str, str], Optional[str]] = {}
        self._lists: Dict[str, List[Object]] = {}
        self._ground = ground_of(store, self._node_path)

    def releases(self) -> Iterator[Use]:
        """Yield the versions of the releases that servers run, or would go back to."""
        for item in needed_objects(self._records(), str(self._store)):
            who = f"release record {_full_name(item)}"
            for text in (item.get("data") or {}).values():
                try:
                    yield Use(who, tuple(references.release(str(text))))
                except Unclear as error:
                    yield Use(who, fault=str(error))

    def _records(self) -> List[Object]:
        """Return the release records of all servers that may use the store, where allowed."""
        selector = f"{MANAGED_BY_LABEL}={MANAGED_BY},{RELEASE_LABEL}"
        own = self._store.namespace
        if self._ground.claim is None:
            try:
                return list(self._client.list("v1", "ConfigMap", label_selector=selector)[0])
            except ForbiddenError:
                pass
        found: List[Object] = []
        found += self._client.list("v1", "ConfigMap", own, label_selector=selector)[0]
        for name in sorted(self._namespaces() - {own}) if self._ground.claim is None else ():
            try:
                found += self._client.list("v1", "ConfigMap", name, label_selector=selector)[0]
            except ForbiddenError:
                self._warn(
                    f"{self._store} is used in namespace {name} too, whose release records the"
                    " account may not list: versions that a way back there needs are not kept for"
                    " it"
                )
        return found

    def _namespaces(self) -> Set[str]:
        """Return the namespaces in which something runs, or is to, that sees the store."""
        own = self._store.namespace
        found: Set[str] = set()
        for api_version, kind in (("v1", "Pod"), *WORKLOADS):
            for item in self._listed(api_version, kind):
                spec = (item.get("spec") or {}) if kind == "Pod" else _template_spec(item, kind)
                namespace = str(item["metadata"].get("namespace") or own)
                if any(views(spec, namespace, self._ground)):
                    found.add(namespace)
        return found

    def workloads(self) -> Iterator[Use]:
        """Yield the versions that workload templates ask for, also those kept for a rollback."""
        for api_version, kind in WORKLOADS:
            for item in self._listed(api_version, kind):
                rests = kind == REVISION or (item.get("spec") or {}).get("replicas") == 0
                who = f"{kind} {_full_name(item)}"
                for server in self._servers(item, _template_spec(item, kind), who):
                    if not (rests and server.startless):
                        yield server.use

    def pods(self) -> Iterator[Use]:
        """Yield the versions that pods ask for, and those that running servers report as loaded."""
        running: List[Tuple[Object, Server]] = []
        for pod, server in self._in_pods():
            yield replace(server.use, pod=_full_name(pod), node=_node(pod))
            if server.line is not None and not server.use.fault and _runs(pod, server.container):
                running.append((pod, server))
        if running:
            with ThreadPoolExecutor(QUESTIONS) as pool:
                yield from pool.map(lambda pair: self._loaded(*pair), running)

    def running(self) -> List[Running]:
        """Return the running servers, with what each says that it has loaded."""
        pairs = [
            (pod, server)
            for pod, server in self._in_pods()
            if server.line is not None and _runs(pod, server.container)
        ]
        with ThreadPoolExecutor(QUESTIONS) as pool:
            return list(pool.map(lambda pair: self._asked(*pair), pairs))

    def _in_pods(self) -> Iterator[Tuple[Object, Server]]:
        """Yield what sees models of the store in pods that are neither helpers nor ending."""
        for pod in self._listed("v1", "Pod"):
            if AGENT_LABEL not in (pod["metadata"].get("labels") or {}) and not _is_past(pod):
                for server in self._servers(pod, pod.get("spec") or {}, _pod_name(pod)):
                    yield pod, server

    def _listed(self, api_version: str, kind: str) -> List[Object]:
        """Return the objects of the namespace; for a directory those of all, where allowed."""
        if kind not in self._lists:
            self._lists[kind] = self._list(api_version, kind)
        return self._lists[kind]

    def _list(self, api_version: str, kind: str) -> List[Object]:
        if self._ground.claim is None:
            try:
                return list(self._client.list(api_version, kind)[0])
            except ForbiddenError:
                if kind == "Pod" and isinstance(self._store, HostPathStore):
                    self._warn(
                        f"users of {self._store} were searched only in namespace"
                        f" {self._store.namespace}: the account may not list pods elsewhere"
                    )
        return list(self._client.list(api_version, kind, self._store.namespace)[0])

    def _servers(self, item: Object, pod_spec: Object, who: str) -> Iterator[Server]:
        namespace = str(item["metadata"].get("namespace") or self._store.namespace)
        for container, view in views(pod_spec, namespace, self._ground):
            yield self._server(container, view, namespace, who)

    def _server(self, container: Object, view: View, namespace: str, who: str) -> Server:
        name = str(container.get("name"))
        named = f"{who} (container {name})"
        line: Optional[CommandLine] = None
        try:
            line = references.command_line(container)
            if line.serves:
                demand = self._demand(line, view, namespace)
                return Server(Use(who, demand.references), name, line, demand)
            line, fault = None, "it sees the models and is not known to be a model server"
        except Unclear as error:
            if isinstance(error, mounted_files.Missing):
                return Server(Use(named, fault=str(error)), name, line, startless=True)
            fault = str(error)
        if view.only_from_above and not _looks_like_server(container):
            # A monitor or log collector that mounts / or /var.
            return Server(Use(named), name)
        return Server(Use(named, fault=fault), name, line)

    def _demand(self, line: CommandLine, view: View, namespace: str) -> Demand:
        if not line.config_path:
            return references.single_model(line, view.place)
        text = mounted_files.text_of(
            view, line.config_path, lambda name: self._config_map(namespace, name)
        )
        return references.configuration(text, line.config_path, view.place)

    def _config_map(self, namespace: str, name: str) -> Optional[Object]:
        key = (namespace, name)
        if key not in self._maps:
            try:
                self._maps[key] = self._client.get("v1", "ConfigMap", name, namespace)
            except ForbiddenError:
                raise Unclear(f"ConfigMap {namespace}/{name} may not be read") from None
        return self._maps[key]

    def _node_path(self, namespace: str, name: str) -> Optional[str]:
        """Return the directory on nodes behind a claim, as far as the account may see that."""
        key = (namespace, name)
        if key not in self._paths:
            self._paths[key] = None
            try:
                claim = self._client.get("v1", "PersistentVolumeClaim", name, namespace) or {}
                volume = str((claim.get("spec") or {}).get("volumeName") or "")
                found = self._client.get("v1", "PersistentVolume", volume) if volume else None
            except ForbiddenError:
                return None
            spec = (found or {}).get("spec") or {}
            source = spec.get("local") or spec.get("hostPath") or {}
            self._paths[key] = str(source.get("path") or "") or None
        return self._paths[key]

    def _loaded(self, pod: Object, server: Server) -> Use:
        """Ask a running server for its loaded versions; its configuration may be newer."""
        found = self._asked(pod, server)
        who = f"{_pod_name(pod)} (container {server.container})"
        known = tuple(held_of(found.held, server.demand))
        return Use(who, known, found.fault, _full_name(pod), found.node)

    def _asked(self, pod: Object, server: Server) -> Running:
        port = server.line.rest_port if server.line else None
        namespace = str(pod["metadata"].get("namespace") or self._store.namespace)
        place = Place(namespace, str(pod["metadata"]["name"]), port or 0)
        found = Running(place, server.demand, node=_node(pod))
        if port is None:
            return replace(found, fault="without --rest_port it cannot say what it has loaded")
        try:
            return replace(found, held=tuple(loaded_by(self._client, place)))
        except (UnreachableError, ApiError, ForbiddenError, Unclear) as error:
            return replace(found, fault=f"it does not say what it has loaded ({_text(error)})")


def loaded_by(client: KubeClient, place: Place) -> List[Tuple[str, int]]:
    """Return names and versions that a server says it has loaded, or is about to.

    Raises:
        Unclear: it answers something else.
        EdgeError: it does not answer.
    """
    answer = client.pod_proxy(
        place.namespace, place.pod, place.port, "GET", STATUS_PATH, timeout=ANSWER_SECONDS
    )
    if answer.status != 200:
        raise Unclear(f"it answers GET {STATUS_PATH} with HTTP {answer.status}")
    return references.loaded(answer.body)


def held_of(held: Iterable[Tuple[str, int]], demand: Demand) -> Iterator[Reference]:
    """Yield the loaded versions; a name that is not in the configuration may be any model."""
    models: Dict[str, List[str]] = {}
    for reference in demand.references:
        models.setdefault(reference.name, []).append(reference.model)
    for name, version in held:
        if name in demand.elsewhere:
            continue
        for model in models.get(name, [EVERY_MODEL]):
            yield Reference(model, Policy("specific", versions=frozenset([version])), name)


def _text(error: Exception) -> str:
    return error.message if isinstance(error, EdgeError) else str(error)


def _template_spec(item: Object, kind: str) -> Object:
    holder = item.get("data") if kind == REVISION else item
    template = ((holder or {}).get("spec") or {}).get("template") or {}
    return template.get("spec") or {}


def _full_name(item: Object) -> str:
    meta = item["metadata"]
    return f"{meta['namespace']}/{meta['name']}" if meta.get("namespace") else str(meta["name"])


def _node(pod: Object) -> str:
    return str((pod.get("spec") or {}).get("nodeName") or "")


def _pod_name(pod: Object) -> str:
    return f"pod {_full_name(pod)}"


def _is_past(pod: Object) -> bool:
    """Return whether a pod has ended or is being deleted; files it has open stay readable to it."""
    phase = (pod.get("status") or {}).get("phase")
    return phase in ("Succeeded", "Failed") or bool(pod["metadata"].get("deletionTimestamp"))


def _runs(pod: Object, container: str) -> bool:
    states = (pod.get("status") or {}).get("containerStatuses") or ()
    return any(
        item.get("name") == container and "running" in (item.get("state") or {}) for item in states
    )


def _looks_like_server(container: Object) -> bool:
    words = [
        container.get("image"),
        *(container.get("command") or ()),
        *(container.get("args") or ()),
    ]
    text = " ".join(str(word) for word in words if word).lower()
    return any(sign in text for sign in SERVER_SIGNS)
