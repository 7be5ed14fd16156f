# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs against a scripted API server."""

from __future__ import annotations

import functools
import json
import socket
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    AuthError,
    ForbiddenError,
    GoneError,
    InputError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import Access, KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.kube.planned import (
    as_defined,
    is_planned,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire import watch_stream

from ..fakes.loopback import Received, Server, answer, api, read_request, status_object


def client(server: Server, **params: Any) -> KubeClient:
    return KubeClient.from_params({"host": server.url, **params})


CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}}


def test_paths_queries_and_bodies() -> None:
    with api(lambda request: answer(200, {"metadata": {}})) as server:
        kube = client(server, api_key="t", impersonate_user="u")
        kube.get("v1", "Node", "n/1")
        kube.apply(CONFIG, dry_run=True, force=False, field_manager="me")
        kube.create({**CONFIG, "metadata": {"generateName": "a-", "namespace": "n"}})
        kube.patch("apps/v1", "Deployment", "d", "n", {"spec": {}}, subresource="scale")
        kube.delete("batch/v1", "Job", "j", "n", uid="1", grace_period=0, dry_run=True)
        kube.list("v1", "Pod", label_selector="a=b", field_selector="c=d")
    targets = [f"{request.method} {request.target}" for request in server.requests]
    assert targets == [
        "GET /api/v1/nodes/n%2F1",
        "PATCH /api/v1/namespaces/n/configmaps/a?fieldManager=me&force=false&dryRun=All",
        "POST /api/v1/namespaces/n/configmaps?fieldManager=openvino.edge",
        "PATCH /apis/apps/v1/namespaces/n/deployments/d/scale?fieldManager=openvino.edge",
        "DELETE /apis/batch/v1/namespaces/n/jobs/j",
        "GET /api/v1/pods?limit=500&labelSelector=a%3Db&fieldSelector=c%3Dd",
    ]
    assert server.requests[1].json() == CONFIG
    assert server.requests[1].header("Content-Type") == "application/apply-patch+yaml"
    assert server.requests[3].header("Content-Type") == "application/merge-patch+json"
    options = server.requests[4].json()
    assert options["dryRun"] == ["All"]
    assert options["preconditions"] == {"uid": "1"}
    assert (options["propagationPolicy"], options["gracePeriodSeconds"]) == ("Background", 0)
    for request in server.requests:
        assert request.header("Authorization") == "Bearer t"
        assert request.header("Impersonate-User") == "u"


def test_server_below_a_path() -> None:
    """As Rancher serves its clusters."""
    with api(lambda request: answer(200, {})) as server:
        KubeClient.from_params({"host": server.url + "/k8s/clusters/c-1/"}).version()
    assert server.requests[0].target == "/k8s/clusters/c-1/version"


def test_missing_object() -> None:
    with api(lambda request: status_object(404, "NotFound", "not found")) as server:
        assert client(server).get("v1", "Pod", "p", "n") is None
        assert client(server).delete("v1", "Pod", "p", "n") is False
        with pytest.raises(ApiError, match="apply ConfigMap n/a: not found"):
            client(server).apply(CONFIG)


def test_what_is_planned_is_there_until_the_cluster_has_it() -> None:
    there: dict[str, Any] = {}

    def reply(request: Received) -> Any:
        if request.target in there:
            return answer(200, there[request.target])
        return status_object(404, "NotFound", "not found")

    claim = {"kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": "n"}}
    planned = [{"kind": "Namespace", "metadata": {"name": "n"}}, claim]
    with api(reply) as server:
        kube = client(server)
        assert kube.get("v1", "Namespace", "n") is None and not kube.lacks_namespace("n")
        kube.foresee({"planned_objects": planned})
        found = kube.get("v1", "PersistentVolumeClaim", "c", "n")
        assert found is not None and is_planned(found)
        assert as_defined(found) == {"apiVersion": "v1", **claim}
        assert kube.get("v1", "PersistentVolumeClaim", "c", "other") is None
        assert kube.lacks_namespace("n") and not kube.lacks_namespace("other")
        assert not kube.lacks_namespace(None)
        there["/api/v1/namespaces/n"] = {"metadata": {"name": "n", "uid": "1"}}
        found = kube.get("v1", "Namespace", "n")
        assert found == there["/api/v1/namespaces/n"] and not is_planned(found)
        assert not kube.lacks_namespace("n")
        kube.foresee({})
        assert kube.get("v1", "PersistentVolumeClaim", "c", "n") is None


def test_pages() -> None:
    def pages(request: Received) -> bytes:
        if "continue=next" in request.target:
            body = {"metadata": {"resourceVersion": "8"}, "items": [{"metadata": {"name": "b"}}]}
        else:
            meta = {"resourceVersion": "7", "continue": "next"}
            body = {"metadata": meta, "items": [{"metadata": {"name": "a"}}]}
        return answer(200, body)

    with api(pages) as server:
        items, version = client(server).list("apps/v1", "Deployment", "n")
    assert [item["metadata"]["name"] for item in items] == ["a", "b"]
    assert {item["kind"] for item in items} == {"Deployment"}
    assert version == "8"


def test_discovery_only_for_unknown_kinds() -> None:
    def answers(request: Received) -> bytes:
        if request.target == "/apis/example.com/v1":
            return answer(200, {"resources": [{"name": "widgets", "kind": "Widget"}]})
        if request.target.startswith("/apis/example.com/v1/widgets/"):
            return answer(200, {"kind": "Widget"})
        return status_object(404, "NotFound", "not found")

    with api(answers) as server, client(server) as kube:
        for _ in range(2):
            assert kube.get("example.com/v1", "Widget", "w") == {"kind": "Widget"}
        with pytest.raises(ApiError, match="does not serve Gadget of example.com/v1"):
            kube.get("example.com/v1", "Gadget", "g")
        with pytest.raises(ApiError, match="does not serve Gadget of other.com/v1"):
            kube.get("other.com/v1", "Gadget", "g")
    assert len([r for r in server.requests if r.target == "/apis/example.com/v1"]) == 2


def test_object_without_name_or_namespace() -> None:
    kube = KubeClient.from_params({"host": "http://127.0.0.1:9"})
    with pytest.raises(InputError, match="without metadata.name"):
        kube.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {}})
    with pytest.raises(InputError, match="needs a namespace"):
        kube.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}})


def test_expired_token() -> None:
    with api(lambda request: status_object(401, "Unauthorized", "Unauthorized")) as server:
        with pytest.raises(AuthError, match="api_key: .*does not accept the token") as caught:
            client(server, api_key="secret").version()
        assert "secret" not in str(caught.value)
    assert len(server.requests) == 1


def test_token_is_renewed_once() -> None:
    def answers(request: Received) -> bytes:
        if request.header("Authorization") == "Bearer new":
            return answer(200, {"gitVersion": "v1"})
        return status_object(401, "Unauthorized", "Unauthorized")

    with api(answers) as server, client(server) as kube:
        tokens = iter(["Bearer old", "Bearer new"])
        kube.endpoint.refresh = lambda: next(tokens)
        with pytest.raises(AuthError):
            kube.version()
        assert kube.version() == {"gitVersion": "v1"}


def test_no_kubernetes_there() -> None:
    page = answer(200, b"<html>Welcome</html>")
    with api(lambda request: page) as server:
        kube = client(server)
        kube.patience = 0.0
        with pytest.raises(ApiError, match="not a Kubernetes API"):
            kube.version()


def test_denied() -> None:
    def answers(request: Received) -> bytes:
        wanted = request.json()["spec"]["resourceAttributes"]
        return answer(201, {"status": {"allowed": wanted["verb"] == "get"}})

    read = Access("get", "", "pods", namespace="n")
    write = Access("create", "", "pods", "exec", "n")
    other = Access("create", "apps", "deployments", name="d")
    with api(answers) as server:
        denied = client(server).denied([read, write, write, other])
    assert denied == [write, other]
    assert [str(access) for access in denied] == [
        "create pods/exec in namespace n",
        "create deployments.apps d",
    ]
    assert server.requests[1].json()["spec"]["resourceAttributes"] == {
        "verb": "create",
        "resource": "pods",
        "subresource": "exec",
        "namespace": "n",
    }


@pytest.mark.parametrize(
    ("raw", "kind", "text"),
    [
        (status_object(404, "NotFound", 'pods "p" not found'), ApiError, 'pods "p" not found'),
        (status_object(403, "Forbidden", 'User "u" cannot x'), ForbiddenError, "cannot x"),
        (
            status_object(
                503,
                "ServiceUnavailable",
                "error trying to reach service: dial tcp 10.0.0.1:8081: connect: refused",
            ),
            UnreachableError,
            "pod n/p port 8081: the API server cannot reach the pod: dial tcp",
        ),
        (
            answer(503, b"Error: 'dial tcp: refused'\nTrying to reach: 'http://10.0.0.1/'"),
            UnreachableError,
            "cannot reach the pod",
        ),
    ],
)
def test_proxy_failures_of_the_server(raw: bytes, kind: type[Exception], text: str) -> None:
    with api(lambda request: raw) as server, pytest.raises(kind, match=text):
        client(server).pod_proxy("n", "p", 8081, "GET", "/")


def test_proxy_answers_of_the_pod() -> None:
    with api(lambda request: answer(503, {"error": "loading"}, X_Thing="1")) as server:
        response = client(server).pod_proxy(
            "n", "p", 8081, "PUT", "/v1/f?a=b", body=b"data", headers={"X-Edge-Token": "t"}
        )
    assert (response.status, json.loads(response.body)) == (503, {"error": "loading"})
    assert response.headers["x-thing"] == "1"
    request = server.requests[0]
    assert request.target == "/api/v1/namespaces/n/pods/p:8081/proxy/v1/f?a=b"
    assert (request.body, request.header("X-Edge-Token")) == (b"data", "t")


def test_log() -> None:
    with api(lambda request: answer(200, b"one\ntwo\n")) as server:
        assert client(server).pod_log("n", "p", "c", tail_lines=2, previous=True) == "one\ntwo\n"
    target = "/api/v1/namespaces/n/pods/p/log?tailLines=2&container=c&previous=true"
    assert server.requests[0].target == target


def event(kind: str, name: str, version: int) -> bytes:
    meta = {"name": name, "resourceVersion": str(version)}
    return json.dumps({"type": kind, "object": {"metadata": meta}}).encode() + b"\n"


def chunked(*chunks: bytes, end: bool = True) -> bytes:
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + body + (b"0\r\n\r\n" if end else b"")


def test_watch_goes_on_after_a_break() -> None:
    """The connection is cut in the middle of a line; the next one starts at the last version."""
    answers = [
        chunked(event("ADDED", "a", 5), event("BOOKMARK", "", 9), b'{"type": "ADD', end=False),
        chunked(event("MODIFIED", "a", 11)[:20], event("MODIFIED", "a", 11)[20:]),
        chunked(event("DELETED", "a", 12)),
    ]

    def handler(sock: socket.socket, index: int) -> None:
        request = read_request(sock.makefile("rb"))
        assert request is not None
        server.requests.append(request)
        sock.sendall(answers[index - 1])

    with Server(handler) as server:
        found = []
        for item in client(server).watch("v1", "Pod", "n", resource_version="4", timeout=10):
            found.append((item.type, item.object["metadata"]["name"]))
            if item.type == "DELETED":
                break
    assert found == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    versions = [request.target.partition("resourceVersion=")[2] for request in server.requests]
    assert versions == ["4", "9", "11"]


def always(raw: bytes, request: Received) -> bytes:
    return raw


def test_watch_that_is_too_old() -> None:
    error = {"type": "ERROR", "object": {"code": 410, "reason": "Expired", "message": "old"}}
    for raw in (
        chunked(json.dumps(error).encode() + b"\n"),
        status_object(410, "Expired", "too old resource version"),
    ):
        with api(functools.partial(always, raw)) as server, pytest.raises(GoneError):
            list(client(server).watch("v1", "Pod", "n", resource_version="1", timeout=5))


def test_watch_gives_up_without_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_stream, "RECONNECT_WAIT", 0.01)
    with Server(lambda sock, index: None) as server:
        pass
    with pytest.raises(UnreachableError, match="refuses connections"):
        list(client(server).watch("v1", "Pod", "n", timeout=5))


def test_watch_ends_in_time() -> None:
    with api(lambda request: chunked(event("ADDED", "a", 5))) as server:
        events = list(client(server).watch("v1", "Pod", "n", timeout=0.3))
    assert events
