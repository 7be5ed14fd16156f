# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to replicas, with a scripted client."""

from __future__ import annotations

from typing import Any, Dict

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ForbiddenError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.health.pods import Trouble
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Response
from ansible_collections.openvino.edge.plugins.module_utils.verify.probe import (
    Prober,
    pause_after,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.replicas import Replica

BODY = (
    b'{"m":{"model_version_status":[{"version":"1","state":"AVAILABLE",'
    b'"status":{"error_code":"OK","error_message":"OK"}}]}}'
)


class FakeClient:
    """Answers by pod name; an exception is raised."""

    def __init__(self, answers: Dict[str, Any]) -> None:
        self.answers = answers
        self.log = ""

    def pod_proxy(
        self,
        namespace: str,
        pod: str,
        port: int,
        method: str,
        path: str,
        timeout: float,
        starting: bool,
    ) -> Response:
        assert starting
        assert (namespace, port, method, path) == ("edge", 8081, "GET", "/v1/config")
        answer = self.answers[pod]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Response) else Response(200, {}, answer)

    def pod_log(self, namespace: str, pod: str, container: Any, tail_lines: int) -> str:
        if self.log == "denied":
            raise ForbiddenError("no right")
        return self.log


def prober(answers: Dict[str, Any], log: str = "") -> Prober:
    client: Any = FakeClient(answers)
    client.log = log
    return Prober(client, "edge", 8081, lambda: 7.0)


def test_each_replica_gets_its_own_answer() -> None:
    answers = {"a": BODY, "b": UnreachableError("connection refused"), "c": b"<html>"}
    with prober(answers) as asker:
        seen = asker.ask_all([Replica("a"), Replica("b"), Replica("c")])
        again = asker.ask_all([Replica("a"), Replica("b"), Replica("c")])
    assert [item.replica for item in seen] == ["a", "b", "c"] and again == seen
    assert seen[0].status is not None and seen[0].status.versions[0].serving
    assert (seen[1].status, seen[1].problem) == (None, "connection refused.")
    assert "rest_port" in seen[2].problem


def test_other_http_codes_are_told() -> None:
    with prober({"a": Response(400, {}, b'{"error":"Invalid request URL"}')}) as asker:
        assert "HTTP 400" in asker.ask_all([Replica("a")])[0].problem


def test_the_pod_status_explains_a_silent_replica() -> None:
    crash = Replica("a", trouble=Trouble("Crash", "ended with 1", "read the log", False))
    with prober({"a": UnreachableError("refused")}) as asker:
        seen = asker.ask_all([crash])[0]
        assert (seen.problem, seen.hint, seen.fatal) == ("ended with 1", "read the log", False)
        doomed = Replica("b", trouble=Trouble("X", "no image", "load it", True, 5.0))
        seen = asker.ask_all([doomed])[0]
        assert (seen.problem, seen.fatal, seen.grace) == ("no image", True, 5.0)


def test_a_missing_right_ends_the_task() -> None:
    answers = {"a": ForbiddenError("get pods/proxy")}
    with prober(answers) as asker, pytest.raises(ForbiddenError):
        asker.ask_all([Replica("a")])


def test_no_replicas_no_questions() -> None:
    with prober({}) as asker:
        assert asker.ask_all([]) == []


def test_a_log_that_may_not_be_read_is_no_error() -> None:
    with prober({"a": BODY}, log="denied") as asker:
        assert asker.log_reason(Replica("a"), "m").startswith("(no log: no right")


@pytest.mark.parametrize(("quiet", "pause"), [(0, 0.05), (1, 0.05), (4, 0.2), (60, 0.3)])
def test_pauses_grow_with_the_silence(quiet: float, pause: float) -> None:
    assert pause_after(quiet) == pytest.approx(pause)
