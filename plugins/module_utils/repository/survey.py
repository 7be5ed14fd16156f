# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at all that may use a store: objects of every owner, releases, running replicas."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple

from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    EdgeError,
    ForbiddenError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.repository import (
    mounted_files,
    references,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.mounts import (
    View,
    ground_of,
    views,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.references import (
    EVERY_MODEL,
    CommandLine,
    Demand,
    Policy,
    Reference,
    Unclear,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import (
    AGENT_LABEL,
    MANAGED_BY,
    MANAGED_BY_LABEL,
    HostPathStore,
    Store,
)

# Marks the ConfigMap in which a release keeps its models and versions.
RELEASE_LABEL = "openvino.edge/release"
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
    """What one user of the store uses; with C(fault) it may be anything."""

    who: str
    references: Tuple[Reference, ...] = ()
    fault: str = ""

    def __str__(self) -> str:
        if not self.fault:
            return self.who
        return f"{self.who}, {UNCLEAR}: {self.fault}"


@dataclass(frozen=True)
class Server:
    """A container that sees models of the store.

    Attributes:
        use: what it uses.
        container: its name.
        line: its options, if it is a model server that was understood.
        demand: what it asks for.
        startless: its configuration is gone, so it cannot be started again.
    """

    use: Use
    container: str
    line: Optional[CommandLine] = None
    demand: Demand = Demand()
    startless: bool = False


class Survey:
    """Reads every ConfigMap once.

    Args:
        client: of the cluster.
        store: the one in question.
        warn: is told where nobody could look.
    """

    def __init__(self, client: KubeClient, store: Store, warn: Callable[[str], None]) -> None:
        self._client, self._store, self._warn = client, store, warn
        self._maps: Dict[Tuple[str, str], Optional[Object]] = {}
        self._paths: Dict[Tuple[str, str], Optional[str]] = {}
        self._ground = ground_of(store, self._node_path)

    def releases(self) -> Iterator[Use]:
        """Yield what the release records in the namespace pin."""
        selector = f"{MANAGED_BY_LABEL}={MANAGED_BY},{RELEASE_LABEL}"
        namespace = self._store.namespace
        for item in self._client.list("v1", "ConfigMap", namespace, label_selector=selector)[0]:
            who = f"release record {_full_name(item)}"
            for text in (item.get("data") or {}).values():
                try:
                    yield Use(who, tuple(references.release(str(text))))
                except Unclear as error:
                    yield Use(who, fault=str(error))

    def workloads(self) -> Iterator[Use]:
        """Yield what the templates ask for, also those kept for a rollback."""
        for api_version, kind in WORKLOADS:
            for item in self._listed(api_version, kind):
                rests = kind == REVISION or (item.get("spec") or {}).get("replicas") == 0
                who = f"{kind} {_full_name(item)}"
                for server in self._servers(item, _template_spec(item, kind), who):
                    if not (rests and server.startless):
                        yield server.use

    def pods(self) -> Iterator[Use]:
        """Yield what the pods themselves ask for, and what the running ones say they hold."""
        running: List[Tuple[Object, Server]] = []
        for pod in self._listed("v1", "Pod"):
            if AGENT_LABEL in (pod["metadata"].get("labels") or {}) or _is_past(pod):
                continue
            for server in self._servers(pod, pod.get("spec") or {}, _pod_name(pod)):
                yield server.use
                if server.line is not None and _runs(pod, server.container):
                    running.append((pod, server))
        if running:
            with ThreadPoolExecutor(QUESTIONS) as pool:
                yield from pool.map(lambda pair: self._loaded(*pair), running)

    def _listed(self, api_version: str, kind: str) -> List[Object]:
        """Return the objects of the namespace; for a directory those of all, where allowed."""
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
        try:
            line = references.command_line(container)
            if line.serves:
                demand = self._demand(line, view, namespace)
                return Server(Use(who, demand.references), name, line, demand)
            fault = "it sees the models and is not known to be a model server"
        except Unclear as error:
            if isinstance(error, mounted_files.Missing):
                return Server(Use(named, fault=str(error)), name, startless=True)
            fault = str(error)
        if view.only_from_above and not _looks_like_server(container):
            # A monitor or log collector that mounts / or /var.
            return Server(Use(named), name)
        return Server(Use(named, fault=fault), name)

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
        """Ask a running server what it holds; its configuration may be ahead of it."""
        who = f"{_pod_name(pod)} (container {server.container})"
        port = server.line.rest_port if server.line else None
        if port is None:
            return Use(who, fault="without --rest_port it cannot say what it has loaded")
        namespace = str(pod["metadata"].get("namespace") or self._store.namespace)
        name = str(pod["metadata"]["name"])
        try:
            answer = self._client.pod_proxy(
                namespace, name, port, "GET", STATUS_PATH, timeout=ANSWER_SECONDS
            )
            if answer.status != 200:
                raise Unclear(f"it answers GET {STATUS_PATH} with HTTP {answer.status}")
            held = references.loaded(answer.body)
        except (UnreachableError, ApiError, ForbiddenError, Unclear) as error:
            return Use(who, fault=f"it does not say what it has loaded ({_text(error)})")
        return Use(who, tuple(_held(held, server.demand)))


def _held(held: List[Tuple[str, int]], demand: Demand) -> Iterator[Reference]:
    """Yield the loaded versions; of a name that no configuration knows it may be any model."""
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


def _pod_name(pod: Object) -> str:
    return f"pod {_full_name(pod)}"


def _is_past(pod: Object) -> bool:
    """Return whether a pod has ended or is being deleted; what it has open stays readable to it."""
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
