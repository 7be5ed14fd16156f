# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster in memory in the place of C(KubeClient): its objects, and which requests were made.

C(Cluster) is the API server. The two below it add the controllers and pods that an area of the
engine needs: the helper pods of the repository, and the servers of a model server.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, List

from ansible_collections.openvino.edge.plugins.module_utils.closing import Closing
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    ConflictError,
    ForbiddenError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.kinds import KNOWN
from ansible_collections.openvino.edge.plugins.module_utils.kube.planned import (
    is_planned,
    planned_from_params,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import (
    Access,
    ExecResult,
    Response,
    WatchEvent,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.marker import is_marker

from .pulling import pull

Object = dict[str, Any]
Key = tuple[str, str]
WRITES = ("apply", "create", "patch", "delete")


@dataclass
class Cluster(Closing):
    """Stands for C(KubeClient); controllers do nothing, and no pod can be reached.

    An object is found by kind and name. One that names a namespace is there only; one that names
    none is everywhere. What is given out and taken in are copies, as over a wire.

    Attributes:
        objects: by (kind, name).
        unreadable: kinds that may not be read, and reviews that may not be made.
        refuse: rights that the account lacks: parts of C(str(Access)).
        broken: raised by each request.
        served: API groups beside those of Kubernetes.
        usable: names that a review of access allows.
        events: Event objects that every list of them has, whatever they are about.
        on_proxy: answers for all pods.
        log: of all pods.
        calls: what was requested, as words: C(get Pod), C(dry-apply Service), C(proxy GET /v2).
        made: what was created.
        planned: what is taken for there in check mode.
        deleted: what was deleted, as C(Pod name).
    """

    objects: dict[Key, Object] = field(default_factory=dict)
    unreadable: Sequence[str] = ()
    refuse: Sequence[str] = ()
    broken: Exception | None = None
    served: Sequence[str] = ()
    usable: Sequence[str] = ()
    events: List[Object] = field(default_factory=list)
    on_proxy: Callable[..., Response] | None = None
    log: str = ""
    calls: List[str] = field(default_factory=list)
    made: List[Object] = field(default_factory=list)
    deleted: List[str] = field(default_factory=list)
    server: str = "https://memory"
    endpoint: Any = field(default_factory=lambda: SimpleNamespace(host="memory"))
    revision: int = 1000
    planned: dict[Any, Object] = field(default_factory=dict)
    carrier: str = ""

    def close(self) -> None:
        """Nothing is held."""

    def add(self, item: Object | str, name: str = "", **fields: Any) -> None:
        """Put an object there, as someone else would: a whole one, or its kind, name and fields."""
        if isinstance(item, str):
            meta = {"name": name, **fields.pop("metadata", {})}
            item = {"kind": item, "metadata": meta, **fields}
        self.objects[_key(item)] = item

    def writes(self) -> List[str]:
        """Return the requests that change something."""
        return [call for call in self.calls if call.split()[0] in WRITES]

    @property
    def asked(self) -> List[str]:
        """Return the API groups that were asked for."""
        return [call.partition(" ")[2] for call in self.calls if call.startswith("find ")]

    def version(self) -> Object:
        """See KubeClient."""
        self._note("version")
        return {"major": "1", "minor": "36"}

    def serves(self, api_version: str) -> bool:
        """See KubeClient."""
        self._note("find", api_version)
        return api_version in self.served

    def get(
        self, api_version: str, kind: str, name: str, namespace: str | None = None
    ) -> Object | None:
        """See KubeClient."""
        self._note("get", kind, reads=True)
        found = self._there(kind, name, namespace) or self.planned.get((kind, name, namespace))
        return copy.deepcopy(found)

    def foresee(self, params: Any) -> None:
        """See KubeClient."""
        self.planned = planned_from_params(params)

    def lacks_namespace(self, name: str | None) -> bool:
        """See KubeClient."""
        return is_planned(self.get("v1", "Namespace", name) if self.planned and name else None)

    def list(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> tuple[List[Object], str]:
        """See KubeClient."""
        self._note("list", kind, reads=True)
        found = copy.deepcopy(self.events) if kind == "Event" else []
        found += [
            copy.deepcopy(item)
            for (known, _name), item in self.objects.items()
            if known == kind
            and _is_in(item, namespace)
            and _has_labels(item, label_selector)
            and _has_fields(item, field_selector)
        ]
        return found, str(self.revision)

    def watch(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
        **_: Any,
    ) -> Iterator[WatchEvent]:
        """Yield what is there, once."""
        for item in self.list(api_version, kind, namespace, label_selector, field_selector)[0]:
            yield WatchEvent("ADDED", item)

    def create(self, obj: Object, *, dry_run: bool = False, brief: bool = False) -> Object:
        """See KubeClient; a review is answered and not kept."""
        kind = obj["kind"]
        self._note(_dry("create", dry_run), kind, reads=kind.endswith("Review"))
        if kind.endswith("Review"):
            name = obj["spec"]["resourceAttributes"]["name"]
            return {**obj, "status": {"allowed": name in self.usable}}
        if _key(obj) in self.objects:
            raise ConflictError(f"{kind} exists", status=409, reason="AlreadyExists")
        stored = self._stamped(obj, f"uid-{len(self.made)}")
        if not dry_run:
            self.made.append(copy.deepcopy(stored))
            self._keep(stored)
        return copy.deepcopy(stored)

    def apply(self, item: Object, *, dry_run: bool = False, **_: Any) -> Object:
        """See KubeClient; the whole object is ours. The annotation C(reject) makes it refused."""
        self._note(_dry("apply", dry_run), item["kind"])
        if "reject" in (item["metadata"].get("annotations") or {}):
            raise ApiError("rejected", status=422, reason="Invalid")
        stored = self._stamped(item, f"uid-{item['metadata']['name']}")
        if not dry_run:
            self._keep(stored)
        return copy.deepcopy(stored)

    def patch(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: str | None,
        body: Any,
        *,
        dry_run: bool = False,
        **_: Any,
    ) -> Object:
        """See KubeClient; a list of steps (JSON patch) is recorded and changes nothing."""
        words = f"{kind} {json.dumps(body, sort_keys=True)}"
        self._note(_dry("patch", dry_run), words)
        found = self._there(kind, name, namespace)
        if found is None:
            raise ApiError(f"{kind} {name} not found", status=404, reason="NotFound")
        if isinstance(body, list):
            return copy.deepcopy(found)
        merged = self._stamped(_merged(found, body), found["metadata"].get("uid", ""))
        if not dry_run:
            self.objects[kind, name] = merged
        return copy.deepcopy(merged)

    def delete(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        uid: str | None = None,
        dry_run: bool = False,
        **_: Any,
    ) -> bool:
        """See KubeClient; what is owned by the object goes with it."""
        self._note(_dry("delete", dry_run), kind)
        found = self._there(kind, name, namespace)
        if found is None:
            return False
        if uid and found["metadata"].get("uid") != uid:
            raise ConflictError(f"{kind} {name} is another one", status=409, reason="Conflict")
        if not dry_run:
            self.deleted.append(f"{kind} {name}")
            self._drop(found)
        return True

    def resource(self, api_version: str, kind: str) -> Any:
        """See KubeClient."""
        return KNOWN[api_version, kind]

    def denied(self, wanted: Sequence[Access]) -> List[Access]:
        """See KubeClient."""
        self._note("denied")
        return [item for item in wanted if any(word in str(item) for word in self.refuse)]

    def pod_proxy(
        self, namespace: str, pod: str, port: int, method: str, path: str, **given: Any
    ) -> Response:
        """See KubeClient."""
        self._note("proxy", f"{method} {path}")
        if self.on_proxy is None:
            raise UnreachableError("the API server cannot reach the pod: closed")
        return self.on_proxy(namespace, pod, port, method, path, **given)

    def pod_log(self, namespace: str, pod: str, container: str | None = None, **_: Any) -> str:
        """See KubeClient."""
        self._note("log", pod)
        if "Log" in self.unreadable:
            raise ForbiddenError("may not read logs")
        return self.log

    def exec_stream(self, *args: Any, **kwargs: Any) -> Any:
        """Nothing can be run here."""
        self._note("exec")
        raise ApiError("not here", status=500)

    def settle(self, item: Object) -> None:
        """Do what the controllers do about an object that is new or changed; here: nothing."""

    def _note(self, verb: str, what: str = "", *, reads: bool = False) -> None:
        self.calls.append(f"{verb} {what}".rstrip())
        if self.broken:
            raise self.broken
        if reads and what in self.unreadable:
            raise ForbiddenError(f"may not {verb} {what}")

    def _there(self, kind: str, name: str, namespace: str | None) -> Object | None:
        found = self.objects.get((kind, name))
        return found if found is not None and _is_in(found, namespace) else None

    def _stamped(self, item: Object, uid: str) -> Object:
        """Return a copy as the API server would store it."""
        stored = copy.deepcopy(item)
        self.revision += 1
        stored["metadata"].update(
            resourceVersion=str(self.revision), **({"uid": uid} if uid else {})
        )
        return stored

    def _keep(self, item: Object) -> None:
        self.objects[_key(item)] = item
        self.settle(item)

    def _drop(self, item: Object) -> None:
        self.objects.pop(_key(item), None)
        uid = item["metadata"].get("uid")
        for other in list(self.objects.values()):
            owners = other["metadata"].get("ownerReferences") or ()
            if uid and any(owner.get("uid") == uid for owner in owners):
                self._drop(other)


def running(image: str) -> Object:
    """Return the status of a pod that runs."""
    state = {"name": "helper", "image": image, "state": {"running": {}}}
    return {"phase": "Running", "containerStatuses": [state]}


def waiting(reason: str) -> Callable[[str], Object]:
    """Return what makes the status of a pod whose container waits."""

    def status(image: str) -> Object:
        state = {"waiting": {"reason": reason, "message": f"{reason} it is"}}
        return {
            "phase": "Pending",
            "containerStatuses": [{"name": "helper", "image": image, "state": state}],
        }

    return status


@dataclass
class HelperCluster(Cluster):
    """A cluster whose Jobs get a pod at once, as the helpers of the repository do.

    Attributes:
        status_of: what a new pod's status is, by a part of its image; others run.
        makes_pods: whether Jobs get pods.
    """

    status_of: dict[str, Callable[[str], Object]] = field(default_factory=dict)
    makes_pods: bool = True

    def settle(self, item: Object) -> None:
        """A Job gets a pod that is its own."""
        if item["kind"] != "Job" or not self.makes_pods:
            return
        template = item["spec"]["template"]
        image = template["spec"]["containers"][0]["image"]
        makers = (make for part, make in self.status_of.items() if part in image)
        owner = {"kind": "Job", "name": item["metadata"]["name"], "uid": item["metadata"]["uid"]}
        where = {key: item["metadata"][key] for key in ("namespace",) if key in item["metadata"]}
        self.add(
            "Pod",
            f"{item['metadata']['name']}-x",
            metadata={**copy.deepcopy(template["metadata"]), **where, "ownerReferences": [owner]},
            status=next(makers, running)(image),
        )

    def left(self) -> List[str]:
        """Return the objects of helpers that are still there."""
        return [name for _kind, name in self.objects if name.startswith("edge-agent-")]


@dataclass
class ServingCluster(Cluster):
    """A cluster whose Deployments are rolled out at once, with pods that report models.

    The pod of a Job has pulled its images and ended, unless a node cannot get one.

    A pod reports the marker of the configuration that it has loaded, and the models that it pins as
    AVAILABLE, or what C(reports) says of it.

    Attributes:
        reports: {model: {version: state}} for the pod of a name; LOADING/UNKNOWN has the code.
        lag: so many questions late a new configuration reaches a pod.
        loaded: the configuration that each pod has loaded.
        late: the questions that are left until a pod loads the new one.
        missing: images that no node can get.
    """

    reports: Callable[[str], dict[str, Any]] | None = None
    lag: int = 0
    loaded: dict[str, str] = field(default_factory=dict)
    late: dict[str, int] = field(default_factory=dict)
    missing: Sequence[str] = ()

    def settle(self, item: Object) -> None:
        """A Deployment has its pods, and all of them are ready; a Job has its pod."""
        if item["kind"] == "Job":
            pull(self, item, self.missing)
        if item["kind"] != "Deployment":
            return
        count = item["spec"].get("replicas", 1)
        item["metadata"]["generation"] = 1
        names = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        item["status"] = {"observedGeneration": 1, **dict.fromkeys(names, count)}
        template = item["spec"]["template"]
        digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:8]
        labels = template["metadata"]["labels"]
        metadata = {"namespace": item["metadata"]["namespace"], "labels": labels}
        for index in range(count):
            name = f"{item['metadata']['name']}-{index}"
            self.add(
                "Pod",
                name,
                metadata={**metadata, "uid": f"{name}-{digest}"},
                spec={"nodeName": "n1", **template["spec"]},
                status={
                    "conditions": [{"type": "Ready", "status": "True"}],
                    "containerStatuses": [
                        {"name": container["name"], "state": {"running": {}}}
                        for container in template["spec"]["containers"]
                    ],
                },
            )

    def pod_proxy(
        self, namespace: str, pod: str, port: int, method: str, path: str, **_: Any
    ) -> Response:
        """See KubeClient, and the class for what a pod answers."""
        self._note("proxy", f"{method} {path}")
        config = json.loads(self._loaded(pod, int(method == "GET")) or '{"model_config_list": []}')
        found: dict[str, Any] = {}
        for item in config["model_config_list"]:
            policy = item["config"].get("model_version_policy") or {}
            versions = (policy.get("specific") or {}).get("versions") or [1]
            found[item["config"]["name"]] = dict.fromkeys(versions, "AVAILABLE")
        if self.reports is not None:
            found = {name: states for name, states in found.items() if is_marker(name)}
            found.update(self.reports(pod))
        body = {
            model: {"model_version_status": [_reported(*pair) for pair in versions.items()]}
            for model, versions in found.items()
        }
        return Response(200, {}, json.dumps(body).encode())

    def _loaded(self, pod: str, passed: int) -> str:
        """Return the configuration that a pod has loaded; a new one needs its time."""
        item = self.objects.get(("ConfigMap", f"{pod.rpartition('-')[0]}-config")) or {}
        text = str((item.get("data") or {}).get("config.json") or "")
        if self.loaded.setdefault(pod, text) != text:
            self.late[pod] = self.late.get(pod, self.lag) - passed
            if self.late[pod] < 0:
                self.loaded[pod] = text
                del self.late[pod]
        return self.loaded[pod]

    def exec(
        self, namespace: str, pod: str, container: str | None, argv: Sequence[str], **_: Any
    ) -> ExecResult:
        """See KubeClient; the only program is sha256sum, of the user's own configuration."""
        self._note("exec", " ".join(argv))
        (text,) = [
            item["data"]["config.json"]
            for (kind, name), item in self.objects.items()
            if kind == "ConfigMap" and name != "ocr-config"
        ]
        digest = hashlib.sha256(text.encode()).hexdigest()
        return ExecResult(0, f"{digest}  {argv[-1]}\n".encode(), b"", "v5")


def _reported(version: int, state: str) -> Object:
    state, _slash, code = state.partition("/")
    return {"version": str(version), "state": state, "status": {"error_code": code or "OK"}}


def _key(item: Object) -> Key:
    return item["kind"], item["metadata"]["name"]


def _dry(verb: str, dry_run: bool) -> str:
    return f"dry-{verb}" if dry_run else verb


def _is_in(item: Object, namespace: str | None) -> bool:
    return namespace is None or item["metadata"].get("namespace", namespace) == namespace


def _has_labels(item: Object, selector: str | None) -> bool:
    labels = item["metadata"].get("labels") or {}
    pairs = [part.partition("=") for part in (selector or "").split(",") if part]
    return all(key in labels and (not sign or labels[key] == value) for key, sign, value in pairs)


def _has_fields(item: Object, selector: str | None) -> bool:
    """Return whether an object fits C(path=value) pairs; C(!=) is none of what is asked for."""
    for part in (selector or "").split(","):
        path, sign, value = part.partition("=")
        found: Any = item
        for key in path.split("."):
            found = (found or {}).get(key)
        if sign and str(found or "") != value:
            return False
    return True


def _merged(old: Any, patch: Any) -> Any:
    """Return what a merge patch (RFC 7386) makes of a value: None takes a key away."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    made = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            made.pop(key, None)
        else:
            made[key] = _merged(made.get(key), value)
    return made
