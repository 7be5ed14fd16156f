# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judges as functions, and the wait over a scripted API server."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ForbiddenError,
    UnreachableError,
    WaitError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube import follow as follow_module
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.kube.follow import Source
from ansible_collections.openvino.edge.plugins.module_utils.kube.health import pods as pods_module
from ansible_collections.openvino.edge.plugins.module_utils.kube.health.workloads import (
    judge_deployment,
    judge_job,
    judge_pods,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.wait import (
    wait_gone,
    wait_pods_ready,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire import watch_stream

from ..fakes.loopback import Received, Server, answer, read_request, status_object
from .objects import event, owned, pod, ready, terminated, waiting
from .test_client import chunked


def deployment(wanted: int = 2, **status: Any) -> dict[str, Any]:
    meta = {"name": "d", "uid": "d-1", "generation": 2}
    return {
        "kind": "Deployment",
        "metadata": meta,
        "spec": {"replicas": wanted},
        "status": {"observedGeneration": 2, **status},
    }


def replica_set(uid: str, revision: int, replicas: int = 2) -> dict[str, Any]:
    annotations = {"deployment.kubernetes.io/revision": str(revision)}
    item = {"metadata": {"name": uid, "uid": uid, "annotations": annotations}}
    return owned({**item, "spec": {"replicas": replicas}}, "d-1")


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (deployment(), "0 of 2 replicas available"),
        (deployment(updatedReplicas=2, replicas=2, availableReplicas=1), "1 of 2"),
        (deployment(updatedReplicas=1, replicas=2, availableReplicas=2), "1 of 2"),
        (deployment(updatedReplicas=2, replicas=3, availableReplicas=3), "1 old ones end"),
        ({**deployment(), "status": {}}, "about to be rolled out"),
    ],
)
def test_rollout_in_progress(item: dict[str, Any], message: str) -> None:
    verdict = judge_deployment([[item], [], [], []])
    assert (verdict.done, verdict.trouble) == (False, None)
    assert message in verdict.message


def test_rollout_done() -> None:
    item = deployment(updatedReplicas=2, replicas=2, availableReplicas=2)
    verdict = judge_deployment([[item], [], [], []])
    assert verdict.done
    assert verdict.found is item


def test_rollout_to_zero() -> None:
    assert judge_deployment([[deployment(0)], [], [], []]).done


def test_deployment_is_not_there() -> None:
    assert not judge_deployment([[], [], [], []]).done


def test_only_the_newest_pods_count() -> None:
    old = owned(pod("old", containerStatuses=[waiting("ImagePullBackOff", "x")]), "rs-1")
    new = owned(pod("new", containerStatuses=[waiting("ContainerCreating")]), "rs-2")
    sets = [replica_set("rs-1", 1, 1), replica_set("rs-2", 2, 1)]
    assert judge_deployment([[deployment()], sets, [old, new], []]).trouble is None
    sets = [replica_set("rs-1", 3, 1), replica_set("rs-2", 2, 1)]
    verdict = judge_deployment([[deployment()], sets, [old, new], []])
    assert verdict.trouble is not None
    assert verdict.trouble.reason == "ImagePullBackOff"
    assert verdict.pod is old


def test_refused_pods_of_the_newest_set() -> None:
    newest = replica_set("rs-2", 2)
    text = "exceeded quota: q"
    newest["status"] = {
        "conditions": [{"type": "ReplicaFailure", "status": "True", "message": text}]
    }
    verdict = judge_deployment([[deployment()], [newest], [], []])
    assert verdict.trouble is not None
    assert verdict.trouble.reason == "Quota"


def test_worst_trouble_comes_first() -> None:
    mild = pod("a", containerStatuses=[{"name": "c", "state": terminated(1)}])
    bad = pod("b", containerStatuses=[waiting("InvalidImageName")])
    verdict = judge_pods([[mild, bad], []], 1)
    assert verdict.trouble is not None
    assert verdict.trouble.reason == "InvalidImageName"


def test_pods_of_a_job() -> None:
    job = {"metadata": {"name": "j", "uid": "j-1"}}
    assert judge_pods([[], [], [job]], 1).trouble is None
    about = {"kind": "Job", "name": "j", "uid": "j-1"}
    refused = event("FailedCreate", "exceeded quota: q", **about)
    verdict = judge_pods([[], [refused], [job]], 1)
    assert verdict.trouble is not None
    assert verdict.trouble.reason == "Quota"
    found = ready()
    assert judge_pods([[found], [refused], [job]], 1).found == [found]


def job(kind: str, reason: str = "") -> dict[str, Any]:
    condition = {"type": kind, "status": "True", "reason": reason, "message": "text"}
    return {"metadata": {"name": "j", "uid": "j-1"}, "status": {"conditions": [condition]}}


def test_job() -> None:
    assert judge_job([[], [], []]).message == "the Job is not there yet"
    assert judge_job([[{"metadata": {"name": "j"}}], [], []]).message == "no pod yet"
    assert judge_job([[job("Complete")], [], []]).done
    verdict = judge_job([[job("Failed", "DeadlineExceeded")], [], []])
    assert verdict.trouble is not None
    assert (verdict.trouble.reason, verdict.trouble.fatal) == ("DeadlineExceeded", True)
    crashed = pod(phase="Failed", containerStatuses=[{"name": "c", "state": terminated(3)}])
    verdict = judge_job([[job("Failed", "BackoffLimitExceeded")], [crashed], []])
    assert verdict.trouble is not None
    assert "exit code 3" in verdict.trouble.message


def listing(*items: dict[str, Any]) -> bytes:
    return answer(200, {"metadata": {"resourceVersion": "1"}, "items": list(items)})


def change(kind: str, obj: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": obj}).encode() + b"\n"


@contextmanager
def cluster(
    pods: list[dict[str, Any]],
    changes: Sequence[tuple[float, bytes]] = (),
    events: bytes = b"",
    log: str = "",
) -> Iterator[Server]:
    """Lists pods, then sends changes after some seconds; watches stay open."""

    def plain(request: Received) -> bytes:
        if request.target.startswith("/api/v1/namespaces/n/events"):
            return events or listing()
        if "/log" in request.target:
            return answer(200, log.encode())
        if request.target.startswith("/api/v1/namespaces/n/pods"):
            return listing(*pods)
        return listing()

    def handler(sock: socket.socket, index: int) -> None:
        file = sock.makefile("rb")
        while (request := read_request(file)) is not None:
            if "watch=1" not in request.target:
                sock.sendall(plain(request))
                continue
            sock.sendall(chunked(end=False))
            for seconds, data in changes if "/pods" in request.target else ():
                time.sleep(seconds)
                sock.sendall(b"%x\r\n%b\r\n" % (len(data), data))
            file.read(1)

    with Server(handler) as server:
        yield server


def wait(server: Server, timeout: float = 5.0, **kwargs: Any) -> list[dict[str, Any]]:
    with KubeClient.from_params({"host": server.url}) as client:
        return wait_pods_ready(client, "n", "a=b", timeout, **kwargs)


def test_ready_at_once() -> None:
    with cluster([ready()]) as server:
        assert len(wait(server)) == 1


def test_ready_after_a_change() -> None:
    seen: list[str] = []
    with cluster([pod()], [(0.2, change("MODIFIED", ready()))]) as server:
        started = time.monotonic()
        wait(server, progress=seen.append)
        assert time.monotonic() - started < 1.0
    assert seen == ["0 of 1 pods ready", "1 of 1 pods ready"]


def test_fatal_trouble_ends_the_wait_with_log_lines() -> None:
    crashed = pod(containerStatuses=[waiting("CrashLoopBackOff", lastState=terminated(2))])
    changes = [(0.1, change("MODIFIED", crashed))]
    with cluster([pod()], changes, log="first\nsecond\n") as server:
        started = time.monotonic()
        with pytest.raises(
            WaitError, match="exit code 2; last log lines: first | second"
        ) as caught:
            wait(server, 30)
        assert time.monotonic() - started < 2
    assert caught.value.details == {"reason": "Crash", "log": ["first", "second"]}


def test_trouble_that_may_pass_gets_its_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pods_module, "PULL_GRACE", 0.6)
    pulling = pod(containerStatuses=[waiting("ErrImagePull", "x")])
    with cluster([pulling], [(0.2, change("MODIFIED", ready()))]) as server:
        wait(server)
    with cluster([pulling]) as server, pytest.raises(WaitError, match="cannot be had"):
        wait(server, 30)


def test_timeout_tells_how_far_it_came() -> None:
    text = r"not done within 0\.3 s: 0 of 1 pods ready"
    with cluster([pod()]) as server, pytest.raises(WaitError, match=text):
        wait(server, 0.3)


def test_forbidden_events_are_done_without() -> None:
    with cluster([ready()], events=status_object(403, "Forbidden", "no")) as server:
        assert wait(server)


def test_forbidden_pods_are_an_error() -> None:
    def handler(sock: socket.socket, index: int) -> None:
        while read_request(sock.makefile("rb")) is not None:
            sock.sendall(status_object(403, "Forbidden", 'User "u" cannot list'))

    with Server(handler) as server, pytest.raises(ForbiddenError):
        wait(server)


def test_no_server_is_an_error() -> None:
    with Server(lambda sock, index: None) as server:
        pass
    with pytest.raises(UnreachableError):
        wait(server)


@pytest.mark.parametrize("comes_back", [True, False])
def test_server_that_goes_away(monkeypatch: pytest.MonkeyPatch, comes_back: bool) -> None:
    """It vanishes with the first watch, as the only node of a site does during an upgrade."""
    monkeypatch.setattr(watch_stream, "RECONNECTS", 0)
    monkeypatch.setattr(watch_stream, "RECONNECT_WAIT", 0.01)
    monkeypatch.setattr(follow_module, "_RETRY", 0.05)
    away, back = threading.Event(), threading.Event()
    both_watch = threading.Barrier(2)

    def handler(sock: socket.socket, index: int) -> None:
        file = sock.makefile("rb")
        while (request := read_request(file)) is not None:
            if away.is_set() and not back.is_set():
                return
            if "watch=1" in request.target and not back.is_set():
                both_watch.wait(5)
                away.set()
                return
            current = ready() if back.is_set() else pod()
            sock.sendall(listing(current) if "/pods" in request.target else listing())

    with Server(handler) as server:
        if comes_back:
            threading.Timer(0.5, back.set).start()
            assert wait(server, 5)
        else:
            with pytest.raises(UnreachableError, match="closed early"):
                wait(server, 0.5)


def test_gone() -> None:
    with cluster([pod()], [(0.1, change("DELETED", pod()))]) as server:
        client = KubeClient.from_params({"host": server.url})
        wait_gone(client, Source("v1", "Pod", "n"), 5, what="pods")
    with cluster([pod()]) as server, pytest.raises(WaitError, match="still there: p"):
        client = KubeClient.from_params({"host": server.url})
        wait_gone(client, Source("v1", "Pod", "n"), 0.2, what="pods")
