# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One API server: the verbs the engine needs, each one request where one is enough."""

from __future__ import annotations

import copy
from typing import (
    Any,
    BinaryIO,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Tuple,
    Union,
)
from urllib.parse import quote

from ..closing import Closing
from ..errors import ApiError, ConflictError, EdgeError, InputError
from . import asking, kinds, patience, pod_requests, rights
from .auth import login
from .auth.endpoint import load_endpoint
from .carriers import Carriers
from .diffs import has_all
from .health.api_errors import api_error
from .kept import is_kept, kept
from .planned import Key, is_planned, namespaces_in, planned_from_params
from .types import AUTO, Access, ExecResult, Response, WatchEvent
from .wire.endpoint import Endpoint
from .wire.exec_stream import ExecStream
from .wire.http import Transport
from .wire.upload import Upload
from .wire.watch_stream import follow

__all__ = ["Access", "ExecResult", "ExecStream", "KubeClient", "Response", "WatchEvent"]

FIELD_MANAGER = "openvino.edge"
PAGE = 500  # objects per list request, as kubectl
_APPLY = "application/apply-patch+yaml"
# The form that kubectl asks for; a server that does not know it sends the whole object.
METADATA_ONLY = (
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json;q=0.9"
)

Json = Dict[str, Any]


class KubeClient(Closing):
    """Talks to one API server; may be used from several threads.

    Attributes:
        server: the API server's URL, for messages.
        patience: the most seconds in which a request is sent again while the server is away; 0
            for callers that wait themselves.
    """

    def __init__(self, endpoint: Endpoint, pod_carrier: str = AUTO) -> None:
        self.endpoint = endpoint
        self.server = endpoint.server
        self.transport = Transport(endpoint)
        self._carriers = Carriers(self.transport, pod_carrier)
        self.patience = patience.AWAY
        self._resources: Dict[Tuple[str, str], kinds.Resource] = dict(kinds.KNOWN)
        self._login: Optional[login.Login] = None
        self._planned: Dict[Key, Json] = {}

    @classmethod
    def from_params(cls, params: Mapping[str, Any], longest: float = patience.AWAY) -> KubeClient:
        """Return a client for the auth options of a task, with its C(patience); does not connect.

        Raises:
            InputError: an option, the kubeconfig or a certificate is not usable.
            AuthError: the kubeconfig's exec plugin gave no credentials.
        """
        return kept(params, longest, lambda: cls._made(params, longest))

    @classmethod
    def _made(cls, params: Mapping[str, Any], longest: float) -> KubeClient:
        client = cls(load_endpoint(params), params.get("pod_carrier") or AUTO)
        client.patience = longest
        client._login = login.attach(client.endpoint, params)
        return client

    def close(self) -> None:
        """Close the idle connections, and revoke the token of an OAuth login made for this task."""
        if is_kept(self):
            return
        self._carriers.close()
        self.transport.close()
        if self._login is not None:
            self._login.end()

    def foresee(self, params: Mapping[str, Any]) -> None:
        """Take what the option C(planned_objects) defines for there, where it is not.

        For tasks in check mode only. C(get) returns it then, with a mark (C(planned.is_planned)).

        Raises:
            InputError: see C(planned_from_params).
        """
        self._planned = planned_from_params(params)

    def lacks_namespace(self, name: Optional[str]) -> bool:
        """Tell whether a namespace is only planned, so that it takes no request for an object."""
        planned = name in namespaces_in(self._planned)
        return planned and is_planned(self.get("v1", "Namespace", str(name)))

    @property
    def carrier(self) -> str:
        """By what pods have been reached: C(proxy), C(portforward), both, or C("")."""
        return ",".join(sorted(self._carriers.used))

    def version(self) -> Json:
        """Return C(GET /version), such as C({"gitVersion": "v1.36.3"}).

        Raises:
            UnreachableError: refused, DNS, time-out, TLS trust.
            AuthError: 401.
        """
        return self.request_json("GET", "/version", what="read the version")

    def serves(self, api_version: str) -> bool:
        """Return whether the cluster has an API group in a version."""
        path = kinds.group_path(api_version)
        return self._or_none("GET", path, what=f"find {api_version}") is not None

    def get(
        self, api_version: str, kind: str, name: str, namespace: Optional[str] = None
    ) -> Optional[Json]:
        """Return an object, None when it is neither there nor planned."""
        path = self.resource(api_version, kind).path(namespace, name)
        found = self._or_none("GET", path, what=asking.words("get", kind, namespace, name))
        return copy.deepcopy(self._planned.get((kind, name, namespace))) if found is None else found

    def list(
        self,
        api_version: str,
        kind: str,
        namespace: Optional[str] = None,
        label_selector: Optional[str] = None,
        field_selector: Optional[str] = None,
    ) -> Tuple[List[Json], str]:
        """Return all objects that match, and the resourceVersion to watch from."""
        path = self.resource(api_version, kind).path(namespace)
        query = [("limit", str(PAGE)), *asking.selectors(label_selector, field_selector)]
        items: List[Json] = []
        page: List[Tuple[str, str]] = []
        while True:
            what = asking.words("list", kind, namespace)
            listing = self.request_json("GET", path, query=query + page, what=what)
            items += [asking.typed(item, api_version, kind) for item in listing.get("items") or ()]
            meta = listing.get("metadata") or {}
            if not meta.get("continue"):
                return items, str(meta.get("resourceVersion") or "")
            page = [("continue", meta["continue"])]

    def apply(
        self,
        obj: Mapping[str, Any],
        *,
        dry_run: bool = False,
        force: bool = True,
        field_manager: str = FIELD_MANAGER,
    ) -> Json:
        """Apply an object on the server's side and return it as it now is."""
        path, what = self._object_path("apply", obj, with_name=True)
        query = [("fieldManager", field_manager), ("force", str(force).lower())]
        headers = {"Content-Type": _APPLY}
        return self.request_json(
            "PATCH", path, query=query + asking.dry(dry_run), body=obj, headers=headers, what=what
        )

    def create(self, obj: Mapping[str, Any], *, dry_run: bool = False, brief: bool = False) -> Json:
        """Create an object and return it; its name may come from C(generateName).

        Args:
            obj: the object.
            dry_run: let the API server check it only.
            brief: return only its metadata: a big object need not cross the link a second time.
        """
        path, what = self._object_path("create", obj, with_name=False)
        query = [("fieldManager", FIELD_MANAGER), *asking.dry(dry_run)]
        headers = {"Accept": METADATA_ONLY} if brief else None
        meta = obj.get("metadata") or {}
        name = meta.get("name")
        request = asking.request("POST", path, query, obj, headers, bool(dry_run or name))
        answer = patience.send(self.transport, request, self.patience)
        try:
            return self._object(answer, what)
        except ConflictError as error:
            if not (name and answer.repeated and error.reason == "AlreadyExists"):
                raise
            found = self.get(str(obj["apiVersion"]), str(obj["kind"]), name, meta.get("namespace"))
            # It is what an earlier one of these requests made, unless somebody made another one.
            if found is None or not has_all(found, obj):
                raise
            return found

    def patch(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: Optional[str],
        body: Any,
        *,
        content_type: str = "application/merge-patch+json",
        subresource: Optional[str] = None,
        dry_run: bool = False,
    ) -> Json:
        """Patch an object (or a subresource such as C(status) or C(scale)) and return it."""
        path = self.resource(api_version, kind).path(namespace, name)
        path += f"/{quote(subresource, safe='')}" if subresource else ""
        query = [("fieldManager", FIELD_MANAGER), *asking.dry(dry_run)]
        headers = {"Content-Type": content_type}
        what = asking.words("patch", kind, namespace, name)
        # The tests of a JSON patch, and its places in lists, hold only once.
        repeatable = "json-patch" not in content_type
        return self.request_json(
            "PATCH", path, query=query, body=body, headers=headers, what=what, repeatable=repeatable
        )

    def delete(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: Optional[str] = None,
        *,
        uid: Optional[str] = None,
        propagation: str = "Background",
        grace_period: Optional[int] = None,
        dry_run: bool = False,
    ) -> bool:
        """Delete an object; False when it is not there.

        Args:
            api_version: of the object.
            kind: of the object.
            name: of the object.
            namespace: of the object.
            uid: delete only this incarnation (409 when it is another).
            propagation: what happens to dependents: Background, Foreground or Orphan.
            grace_period: seconds for pods to end; None takes the pod's own.
            dry_run: only validate.
        """
        path = self.resource(api_version, kind).path(namespace, name)
        options: Json = {"apiVersion": "v1", "kind": "DeleteOptions"}
        options["propagationPolicy"] = propagation
        if uid:
            options["preconditions"] = {"uid": uid}
        if grace_period is not None:
            options["gracePeriodSeconds"] = grace_period
        what = asking.words("delete", kind, namespace, name)
        if dry_run:
            # With options in the body, the server ignores those in the query.
            options["dryRun"] = ["All"]
        return self._or_none("DELETE", path, (), options, what) is not None

    def watch(
        self,
        api_version: str,
        kind: str,
        namespace: Optional[str] = None,
        label_selector: Optional[str] = None,
        field_selector: Optional[str] = None,
        resource_version: Optional[str] = None,
        timeout: float = 60.0,
    ) -> Iterator[WatchEvent]:
        """Yield changes until C(timeout) seconds have passed.

        Broken connections are opened again where they ended. Without C(resource_version) the
        objects that are there come first, as ADDED.

        Raises:
            GoneError: the version is too old; list again.
            UnreachableError: no connection for several tries.
        """
        path = self.resource(api_version, kind).path(namespace)
        selectors = asking.selectors(label_selector, field_selector)
        what = asking.words("watch", kind, namespace)

        def fail(status: int, body: bytes) -> EdgeError:
            return self._error(status, body, what)

        return follow(self.transport, path, selectors, resource_version, timeout, fail)

    def pod_proxy(
        self,
        namespace: str,
        pod: str,
        port: int,
        method: str,
        path: str,
        *,
        body: Union[bytes, BinaryIO, Iterable[bytes], None] = None,
        length: Optional[int] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: float = 30.0,
        starting: bool = False,
    ) -> Response:
        """Send a request to a port of a pod through the API server.

        Answers of the pod are returned whatever their status. By which carrier it goes there, the
        option C(pod_carrier) and C(carriers.Carriers) decide.

        Args:
            namespace: of the pod.
            pod: its name.
            port: where it listens; plain HTTP.
            method: HTTP method.
            path: path and query on the pod, with a leading slash.
            body: bytes, an open file, or blocks; streamed in constant memory.
            length: bytes of the body; without it a stream is sent chunked.
            headers: for the pod.
            timeout: longest silence in seconds.
            starting: the pod may not listen yet; it may get the request twice.

        Raises:
            UnreachableError: the API server cannot reach the pod, or does not answer.
            ForbiddenError, ApiError: the API server itself refused.
        """
        target = pod_requests.PodTarget(namespace, pod, port)
        upload = None if body is None else Upload(body, length)
        question = pod_requests.Question(target, method, path, upload, headers or {}, timeout)
        return self._carriers.ask(question, starting=starting)

    def pod_log(
        self,
        namespace: str,
        pod: str,
        container: Optional[str] = None,
        *,
        tail_lines: int = 20,
        previous: bool = False,
    ) -> str:
        """Return the last lines a container wrote; C(previous) takes the run before."""
        return pod_requests.log(self.transport, namespace, pod, container, tail_lines, previous)

    def exec(
        self,
        namespace: str,
        pod: str,
        container: Optional[str],
        argv: Sequence[str],
        *,
        stdin: Optional[Iterable[bytes]] = None,
        timeout: float = 60.0,
    ) -> ExecResult:
        """Run a command in a container and return what it gave.

        Raises:
            UnsupportedError: C(stdin) is given and the cluster cannot end it (before 1.30).
            TransferError: the connection ended without an exit status.
            ApiError: no such pod, container or program.
        """
        with self.exec_stream(
            namespace, pod, container, argv, stdin=stdin is not None, timeout=timeout
        ) as stream:
            if stdin is not None:
                stream.send_all(stdin)
            return stream.wait()

    def exec_stream(
        self,
        namespace: str,
        pod: str,
        container: Optional[str],
        argv: Sequence[str],
        *,
        stdin: bool = True,
        timeout: float = 60.0,
    ) -> ExecStream:
        """Start a command and return its stream, to be used in a C(with) block.

        C(timeout) is the longest silence in seconds while waiting for the command.
        """
        return pod_requests.open_exec(
            self.transport, namespace, pod, container, argv, stdin, timeout
        )

    def denied(self, wanted: Sequence[Access]) -> List[Access]:
        """Return the rights that this account lacks; C(pods/proxy) stands for C(pod_carrier)'s."""

        def denied(wanted: Sequence[Access]) -> List[Access]:
            return rights.denied_by(self._review, wanted)

        return self._carriers.lacking(denied(self._carriers.rights(wanted)), denied)

    def _review(self, kind: str, spec: Mapping[str, Any]) -> Json:
        """Return the status of a review of this account's rights."""
        api_version = "authorization.k8s.io/v1"
        body = {"apiVersion": api_version, "kind": kind, "spec": spec}
        path = self.resource(api_version, kind).path()
        answer = self.request_json("POST", path, body=body, what="review access")
        return answer.get("status") or {}

    def resource(self, api_version: str, kind: str) -> kinds.Resource:
        """Return where a kind lives; asks the server only for a kind that is not in the table.

        Raises:
            ApiError: the cluster does not serve this kind.
        """
        key = (api_version, kind)
        if key not in self._resources:
            path = kinds.group_path(api_version)
            listing = self._or_none("GET", path, what=f"find {kind} of {api_version}") or {}
            found = kinds.from_discovery(api_version, kind, listing)
            if found is None:
                raise ApiError(
                    f"the cluster does not serve {kind} of {api_version}",
                    status=404,
                    reason="NotFound",
                    subject=self.server,
                    hint="Install what brings this kind (its CRD), or leave the object out",
                )
            self._resources[key] = found
        return self._resources[key]

    def request_json(
        self,
        method: str,
        path: str,
        *,
        query: Sequence[Tuple[str, str]] = (),
        body: Any = None,
        headers: Optional[Mapping[str, str]] = None,
        what: str,
        repeatable: bool = True,
    ) -> Json:
        """Send a request and return the object in the answer.

        Args:
            method: HTTP method.
            path: below the API server's URL, quoted.
            query: parameters.
            body: sent as JSON.
            headers: besides the usual ones.
            what: the request in words, for errors.
            repeatable: may be sent again when nobody knows whether it was carried out.
        """
        request = asking.request(method, path, query, body, headers, repeatable)
        answer = patience.send(self.transport, request, self.patience)
        if answer.status == 404 and method == "DELETE" and answer.repeated:
            return {}  # the first of these requests deleted it, and its answer was lost
        return self._object(answer, what)

    def _object(self, answer: patience.Answer, what: str) -> Json:
        if answer.status >= 400:
            raise self._error(answer.status, answer.body, what)
        if answer.value is None:
            raise ApiError(
                f"HTTP {answer.status} without a JSON object: this is not a Kubernetes API",
                status=answer.status,
                subject=self.server,
                hint="Check host (or the kubeconfig's server) and proxy",
            )
        return answer.value

    def _or_none(
        self,
        method: str,
        path: str,
        query: Sequence[Tuple[str, str]] = (),
        body: Any = None,
        what: str = "",
    ) -> Optional[Json]:
        """Send a request; None when the object (but not the whole path) is missing."""
        try:
            return self.request_json(method, path, query=query, body=body, what=what)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def _object_path(
        self, verb: str, obj: Mapping[str, Any], *, with_name: bool
    ) -> Tuple[str, str]:
        meta = obj.get("metadata") or {}
        kind, name = str(obj.get("kind")), meta.get("name")
        if with_name and not name:
            raise InputError(f"a {kind} without metadata.name cannot be applied")
        namespace = meta.get("namespace")
        resource = self.resource(str(obj.get("apiVersion")), kind)
        if resource.namespaced and not namespace:
            raise InputError(f"a {kind} needs a namespace", subject=name, option="namespace")
        path = resource.path(namespace, name if with_name else None)
        return path, asking.words(verb, kind, namespace, name or meta.get("generateName"))

    def _error(self, code: int, body: bytes, what: str) -> EdgeError:
        endpoint = self.endpoint
        return api_error(
            code, body, what, authorization=endpoint.authorization, source=endpoint.source
        )
