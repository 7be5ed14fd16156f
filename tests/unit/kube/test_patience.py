# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server that is away for a moment, against a clock that nobody waits for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    ConflictError,
    UnreachableError,
    may_pass,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube import pod_requests
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.kube.patience import (
    AWAY,
    TROUBLED,
    UNKNOWN,
    Answer,
    send,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Response
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire import watch_stream
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire.http import Request

from ..fakes.loopback import Received, answer, api, status_object

GOOD = Response(200, {}, b'{"kind": "Pod"}')
PAGE = Response(200, {}, b"<html>Back soon</html>")
REFUSED = UnreachableError("refuses connections")


class Scripted:
    """A transport whose answers are given; the last one stays. Waiting moves its clock."""

    def __init__(self, answers: Sequence[Response | UnreachableError], met: bool) -> None:
        self.answers = list(answers)
        self.met = met
        self.asked = 0
        self.now = 1000.0

    def request(self, request: Request, timeout: float) -> Response:
        """Give the next answer."""
        self.asked += 1
        given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(given, UnreachableError):
            raise given
        return given

    def send(self, *, repeatable: bool = True, longest: float = AWAY) -> Answer:
        """Send one request."""
        request = Request("GET", "/x", repeatable=repeatable)
        transport: Any = self
        return send(transport, request, longest, lambda: self.now, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds


def of(status: int) -> Response:
    return Response(status, {}, b"upstream unavailable")


@pytest.mark.parametrize("trouble", [REFUSED, of(500), of(502), of(503), of(504), PAGE], ids=str)
def test_a_moment_of_trouble_is_waited_for(trouble: Response | UnreachableError) -> None:
    script = Scripted([trouble, trouble, GOOD], met=True)
    found = script.send()
    assert (found.status, found.value, found.repeated) == (200, {"kind": "Pod"}, True)
    assert script.asked == 3


@pytest.mark.parametrize(
    ("trouble", "met", "longest"),
    [
        (REFUSED, True, AWAY),
        (REFUSED, False, UNKNOWN),
        (of(503), True, AWAY),
        (of(503), False, UNKNOWN),
        (of(500), True, TROUBLED),
        (PAGE, True, AWAY),
        (PAGE, False, UNKNOWN),
    ],
    ids=str,
)
def test_trouble_that_lasts_is_told_in_time(
    trouble: Response | UnreachableError, met: bool, longest: float
) -> None:
    script = Scripted([trouble], met)
    if isinstance(trouble, UnreachableError):
        with pytest.raises(UnreachableError, match="refuses connections"):
            script.send()
    else:
        assert script.send().status == trouble.status
    assert longest / 2 < script.now - 1000 <= longest
    assert script.asked > 3


@pytest.mark.parametrize(
    "final",
    [of(400), of(401), of(403), of(404), of(409), of(422), of(429), GOOD],
    ids=lambda given: str(given.status),
)
def test_an_answer_is_an_answer(final: Response) -> None:
    script = Scripted([final, GOOD], met=True)
    assert script.send().status == final.status and script.asked == 1


def test_what_needs_somebody_is_not_waited_for() -> None:
    script = Scripted([UnreachableError("not trusted", lasting=True), GOOD], met=True)
    with pytest.raises(UnreachableError, match="not trusted"):
        script.send()
    assert script.asked == 1


@pytest.mark.parametrize("trouble", [REFUSED, of(503)], ids=str)
def test_what_must_not_be_done_twice_is_sent_once(trouble: Response | UnreachableError) -> None:
    script = Scripted([trouble, GOOD], met=True)
    if isinstance(trouble, UnreachableError):
        with pytest.raises(UnreachableError):
            script.send(repeatable=False)
    else:
        assert script.send(repeatable=False).status == 503
    assert script.asked == 1


def test_a_caller_that_waits_itself_gets_the_first_answer() -> None:
    script = Scripted([of(503), GOOD], met=True)
    assert script.send(longest=0.0).status == 503


def test_a_server_is_known_by_an_object_and_not_by_a_page() -> None:
    for given, known in ((GOOD, True), (PAGE, False), (of(404), False)):
        script = Scripted([given], met=False)
        script.send()
        assert script.met is known


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (UnreachableError("refused"), True),
        (UnreachableError("not trusted", lasting=True), False),
        (ApiError("", status=429), True),
        (ApiError("", status=503), True),
        (ApiError("a page", status=200), True),
        (ApiError("", status=404), False),
        (ApiError("", status=0), False),
    ],
    ids=str,
)
def test_what_may_pass(error: UnreachableError | ApiError, passes: bool) -> None:
    assert may_pass(error) is passes


def test_what_was_deleted_without_an_answer_was_deleted() -> None:
    gone = status_object(404, "NotFound", "not found")
    answers = iter([answer(200, {}), answer(504, b"too late"), gone, gone])
    with api(lambda request: next(answers)) as server:
        kube = KubeClient.from_params({"host": server.url})
        kube.version()
        assert kube.delete("v1", "Pod", "p", "n") is True
        assert kube.delete("v1", "Pod", "p", "n") is False


MADE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "a", "namespace": "n", "labels": {"run": "1"}},
    "data": {"x": "1"},
}


@pytest.mark.parametrize(
    ("there", "ours"),
    [
        ({**MADE, "metadata": {**MADE["metadata"], "uid": "7"}}, True),
        ({**MADE, "data": {"x": "2"}}, False),
        ({**MADE, "metadata": {**MADE["metadata"], "labels": {"run": "2"}}}, False),
    ],
    ids=["the same", "other data", "other labels"],
)
def test_what_was_created_without_an_answer_is_ours(there: dict[str, Any], ours: bool) -> None:
    taken = status_object(409, "AlreadyExists", "already exists")
    answers = iter([answer(200, {}), answer(504, b"too late"), taken, answer(200, there)])
    with api(lambda request: next(answers)) as server:
        kube = KubeClient.from_params({"host": server.url})
        kube.version()
        if ours:
            assert kube.create(MADE)["metadata"]["uid"] == "7"
        else:
            with pytest.raises(ConflictError, match="already exists"):
                kube.create(MADE)


def test_what_somebody_else_made_is_a_conflict_at_once() -> None:
    taken = status_object(409, "AlreadyExists", "already exists")
    with api(lambda request: taken) as server, pytest.raises(ConflictError):
        KubeClient.from_params({"host": server.url}).create(MADE)
    assert len(server.requests) == 1


def test_a_name_that_the_server_chooses_is_asked_for_once() -> None:
    made = {**MADE, "metadata": {"generateName": "a-", "namespace": "n"}}
    answers = iter([answer(200, {}), answer(504, b"too late"), answer(201, made)])
    with api(lambda request: next(answers)) as server:
        kube = KubeClient.from_params({"host": server.url})
        kube.version()
        with pytest.raises(ApiError, match="504"):
            kube.create(made)


def test_a_watch_goes_on_after_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_stream, "RECONNECT_WAIT", 0.0)
    event = b'{"type": "ADDED", "object": {"metadata": {"name": "p", "resourceVersion": "3"}}}\n'
    answers = iter(
        [answer(503, b"no server"), answer(429, b"", Retry_After="0"), answer(200, event)]
    )

    def reply(request: Received) -> bytes:
        return next(answers, answer(410, b""))

    with api(reply) as server:
        events = KubeClient.from_params({"host": server.url}).watch(
            "v1", "Pod", "n", resource_version="2", timeout=5
        )
        assert next(events).object["metadata"]["name"] == "p"


@pytest.mark.parametrize(("method", "asked"), [("GET", 3), ("POST", 1)])
def test_a_question_to_a_pod_is_asked_again_in_a_trouble_of_the_api_server(
    monkeypatch: pytest.MonkeyPatch, method: str, asked: int
) -> None:
    monkeypatch.setattr(pod_requests, "PAUSE", 0.0)
    trouble = status_object(500, "InternalError", "etcdserver: leader changed")
    answers = iter([trouble, trouble, answer(200, b"ready")])
    with api(lambda request: next(answers)) as server:
        kube = KubeClient.from_params({"host": server.url})
        if method == "GET":
            assert kube.pod_proxy("n", "p", 80, method, "/x").body == b"ready"
        else:
            with pytest.raises(ApiError, match="leader changed"):
                kube.pod_proxy("n", "p", 80, method, "/x")
    assert len(server.requests) == asked


def test_the_trouble_of_a_pod_is_its_answer() -> None:
    with api(lambda request: answer(500, b"no memory")) as server:
        kube = KubeClient.from_params({"host": server.url})
        assert kube.pod_proxy("n", "p", 80, "GET", "/x").status == 500
    assert len(server.requests) == 1
