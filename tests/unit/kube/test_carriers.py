# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which carrier is taken, told by what each of them says about a pod."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    EdgeError,
    ForbiddenError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube import carriers, rights
from ansible_collections.openvino.edge.plugins.module_utils.kube.carriers import (
    FIRST_SECONDS,
    LOOK_AGAIN,
    STARTING_SECONDS,
    Carriers,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.pod_requests import (
    NoWayError,
    PodTarget,
    Question,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Access, Response
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire.unreachable import (
    SilenceError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire.upload import Upload

POD, OTHER = PodTarget("n", "p", 8099), PodTarget("n", "q", 8099)
OK = Response(200, {}, b"")
REFUSED = "dial tcp 10.0.0.1:8099: connect: connection refused"
LOST = "dial tcp 10.0.0.1:8099: i/o timeout"
NO_ROUTE = "dial tcp 10.0.0.1:8099: connect: no route to host"
NOT_THERE = UnreachableError("the kubelet cannot reach the pod: refused")
SILENT = SilenceError("no answer")

Answer = Any  # a Response, an error, or the seconds that pass before one comes


class Site:
    """Two scripted carriers and a clock; C(calls) has who was asked, and for how long."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.calls: list[str] = []
        self.by_proxy: Callable[[Question], Sequence[Answer]] = lambda question: [OK]
        self.by_kubelet: Callable[[Question], Sequence[Answer]] = lambda question: [OK]
        monkeypatch.setattr(carriers, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(
            carriers, "proxy", lambda transport, question: self._take("proxy", question)
        )
        monkeypatch.setattr(
            carriers.Forwards, "ask", lambda forwards, question: self._take("kubelet", question)
        )

    def _take(self, carrier: str, question: Question) -> Response:
        self.calls.append(f"{carrier} {question.timeout:g}")
        script = self.by_proxy if carrier == "proxy" else self.by_kubelet
        for item in script(question):
            if isinstance(item, float):
                self.now += item
            elif isinstance(item, Exception):
                raise item
            else:
                found: Response = item
        return found

    def taken(self) -> list[str]:
        calls, self.calls = self.calls, []
        return calls


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(monkeypatch)


def made(wanted: str = "auto") -> Carriers:
    return Carriers(None, wanted)  # type: ignore[arg-type]


def question(method: str = "GET", target: PodTarget = POD, body: Any = None) -> Question:
    upload = None if body is None else Upload(body)
    return Question(target, method, "/x", upload, {}, 40.0)


def no_way(cause: str) -> Callable[[Question], Sequence[Answer]]:
    return lambda asked: [NoWayError(cause, asked.target)]


def test_a_pod_that_the_proxy_reaches_is_asked_by_it_alone(site: Site) -> None:
    ways = made()
    ways.ask(question())
    site.by_proxy = no_way(REFUSED)
    with pytest.raises(NoWayError):
        ways.ask(question())
    # Only the first answer is awaited for a short time.
    assert site.taken() == [f"proxy {FIRST_SECONDS:g}", "proxy 40"]
    assert ways.used == {"proxy"}


@pytest.mark.parametrize("cause", [LOST, NO_ROUTE, "No agent available"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_first_pod_without_a_route_decides_for_all(site: Site, cause: str, method: str) -> None:
    site.by_proxy = no_way(cause)
    ways = made()
    assert ways.ask(question(method, body=b"" if method == "POST" else None)) == OK
    site.taken()
    ways.ask(question(target=OTHER))
    ways.ask(question("PUT", body=iter([b"once"])))
    assert site.taken() == ["kubelet 40", "kubelet 40"]
    assert ways.used == {"portforward"}


@pytest.mark.parametrize("cause", ["EOF", "read: connection reset by peer", "write: broken pipe"])
def test_a_pod_that_hangs_up_was_reached(site: Site, cause: str) -> None:
    site.by_proxy = no_way(cause)
    with pytest.raises(NoWayError):
        made().ask(question())
    assert len(site.taken()) == 1


def test_one_refusal_may_be_a_pod_that_has_just_begun_to_listen(site: Site) -> None:
    script: list[Callable[[Question], Sequence[Answer]]]
    script = [no_way(REFUSED), lambda asked: [OK]]
    answers = iter(script)
    site.by_proxy = lambda asked: next(answers)(asked)
    ways = made()
    assert ways.ask(question()) == OK and ways.ask(question()) == OK
    assert [call.split()[0] for call in site.taken()] == ["proxy", "kubelet", "proxy"]
    # Refused again while the kubelet gets through: that is no coincidence.
    ways, site.by_proxy = made(), no_way(REFUSED)
    for _turn in range(3):
        ways.ask(question())
    words = [call.split()[0] for call in site.taken()]
    assert words == ["proxy", "kubelet", "proxy", "kubelet", "kubelet"]


def test_a_pod_that_starts_is_not_looked_at_at_once_nor_all_the_time(site: Site) -> None:
    site.by_proxy, site.by_kubelet = no_way(REFUSED), lambda asked: [NOT_THERE]
    ways, looked = made(), []
    begun = site.now
    while site.now < begun + STARTING_SECONDS + LOOK_AGAIN + 1:
        with pytest.raises(NoWayError) as caught:
            ways.ask(question(), starting=True)
        looked += [site.now - begun for call in site.taken() if call.startswith("kubelet")]
        site.now += 0.25
    assert looked == [STARTING_SECONDS, STARTING_SECONDS + LOOK_AGAIN]
    assert caught.value.details["portforward"] == NOT_THERE.message
    # Who asks only once has it looked at.
    with pytest.raises(NoWayError):
        made().ask(question())
    assert [call.split()[0] for call in site.taken()] == ["proxy", "kubelet"]


def test_silence_decides_only_where_the_kubelet_gets_a_quick_answer(site: Site) -> None:
    site.by_proxy = lambda asked: [asked.timeout, SILENT]
    ways = made()
    ways.ask(question())
    assert site.taken() == ["proxy 3", "kubelet 40"]
    ways.ask(question())
    assert site.taken() == ["kubelet 40"]
    slow, site.by_kubelet = made(), lambda asked: [FIRST_SECONDS, OK]
    slow.ask(question())
    slow.ask(question())
    assert site.taken() == ["proxy 3", "kubelet 40"] * 2


def test_a_silent_pod_gets_its_time_where_the_kubelet_does_not_help(site: Site) -> None:
    site.by_proxy = lambda asked: [OK] if asked.timeout > FIRST_SECONDS else [SILENT]
    site.by_kubelet = lambda asked: [NOT_THERE]
    assert made().ask(question()) == OK
    assert site.taken() == ["proxy 3", "kubelet 40", "proxy 40"]
    # Nobody listens yet: the caller asks again.
    with pytest.raises(SilenceError):
        made().ask(question("POST", body=b""), starting=True)
    assert site.taken() == ["proxy 3", "kubelet 40"]


def test_an_inference_is_not_made_twice(site: Site) -> None:
    site.by_proxy = lambda asked: [SILENT]
    with pytest.raises(SilenceError):
        made().ask(question("POST", body=b"x"))
    assert site.taken() == ["proxy 40"]


def test_a_body_that_cannot_be_sent_again_is_not(site: Site) -> None:
    site.by_proxy = no_way(LOST)
    with pytest.raises(NoWayError):
        made().ask(question("PUT", body=iter([b"once"])))
    assert site.taken() == ["proxy 40"]


def test_a_missing_right_is_the_way_out_and_is_asked_for_once(site: Site) -> None:
    site.by_proxy = no_way(LOST)
    site.by_kubelet = lambda asked: [ForbiddenError("cannot get pods/portforward")]
    ways = made()
    for _turn in range(3):
        with pytest.raises(NoWayError) as caught:
            ways.ask(question())
        assert "get and create pods/portforward" in str(caught.value)
        assert caught.value.details["portforward"] == "cannot get pods/portforward"
    assert [call.split()[0] for call in site.taken()] == ["proxy", "kubelet", "proxy", "proxy"]


@pytest.mark.parametrize(("wanted", "carrier"), [("proxy", "proxy"), ("portforward", "kubelet")])
def test_a_named_carrier_is_the_only_one(site: Site, wanted: str, carrier: str) -> None:
    error = EdgeError("no")
    site.by_proxy = site.by_kubelet = lambda asked: [error]
    with pytest.raises(EdgeError):
        made(wanted).ask(question())
    assert site.taken() == [f"{carrier} 40"]


def test_rights_of_a_carrier() -> None:
    asked = [Access("get", "", "pods", "proxy", "n"), Access("create", "", "pods", "proxy", "n")]
    log = Access("get", "", "pods", "log", "n")
    assert rights.carried([*asked, log], "auto") == [*asked, log]
    forward = [Access(verb, "", "pods", "portforward", "n") for verb in ("get", "create")]
    assert rights.carried([*asked, log], "portforward") == [*forward, log]


def lacking(ways: Carriers, missing: list[Access], *refused: str) -> list[Access]:
    """Ask which rights are needed, where those of some subresources are refused."""
    return ways.lacking(missing, lambda them: [it for it in them if it.subresource in refused])


PROXY_RIGHT = Access("create", "", "pods", "proxy", namespace="n")
LIST_RIGHT = Access("list", "", "pods", namespace="n")


def test_who_may_only_port_forward_needs_no_right_for_the_proxy(site: Site) -> None:
    ways = made()
    assert lacking(ways, [LIST_RIGHT]) == [LIST_RIGHT]
    ways.ask(question())
    assert site.taken() == [f"proxy {FIRST_SECONDS:g}"], "nothing was said of the proxy"
    assert lacking(ways, [PROXY_RIGHT, LIST_RIGHT]) == [LIST_RIGHT]
    ways.ask(question("PUT", body=iter([b"once"])))
    assert site.taken() == ["kubelet 40"]


def test_who_may_neither_lacks_the_right_for_the_proxy(site: Site) -> None:
    ways = made()
    assert lacking(ways, [PROXY_RIGHT], "portforward") == [PROXY_RIGHT]
    ways.ask(question())
    assert site.taken() == [f"proxy {FIRST_SECONDS:g}"]
    assert lacking(made("proxy"), [PROXY_RIGHT]) == [PROXY_RIGHT], "auto alone has a choice"


def test_a_proxy_that_is_forbidden_is_left_for_good(site: Site) -> None:
    refusal = ForbiddenError("may not create pods/proxy")
    site.by_proxy = lambda asked: [refusal]
    ways = made()
    assert ways.ask(question("POST", body=b"")) == OK and ways.ask(question()) == OK
    assert [call.split()[0] for call in site.taken()] == ["proxy", "kubelet", "kubelet"]
    site.by_kubelet = lambda asked: [ForbiddenError("may not port-forward")]
    with pytest.raises(ForbiddenError) as raised:
        made().ask(question())
    assert raised.value is refusal
    with pytest.raises(ForbiddenError):
        made("proxy").ask(question())
