# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Login with user and password, against servers on loopback that speak OpenShift's flow."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    AuthError,
    EdgeError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.auth.login import (
    TOKENS,
    WELL_KNOWN,
    object_name,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient

from ...fakes.loopback import Received, Server, answer, api, connect_proxy, status_object
from ..conftest import Authority

USER, PASSWORD = "edge", "päss word"
LOGIN = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


@dataclass
class OpenShift:
    """An API server and an OAuth server; C(tokens) are those that are good, by name."""

    authority: Authority
    lasts: int = 86400
    tokens: dict[str, str] = field(default_factory=dict)
    metadata: Callable[[], bytes] | None = None
    refusal: bytes | None = None
    api: Any = None
    oauth: Any = None

    def answer_api(self, request: Received) -> bytes:
        path = urlsplit(request.target).path
        if path == WELL_KNOWN:
            if self.metadata is not None:
                return self.metadata()
            return answer(200, {"authorization_endpoint": f"{self.oauth.url}/oauth/authorize"})
        token = (request.header("Authorization") or "").removeprefix("Bearer ")
        if token not in self.tokens.values():
            return status_object(401, "Unauthorized", "Unauthorized")
        if request.method == "DELETE" and path.startswith(TOKENS):
            assert self.tokens.pop(path.rpartition("/")[2])
            return answer(200, {"kind": "Status", "status": "Success"})
        return answer(200, {"gitVersion": "v1.34.2", "token": token})

    def answer_oauth(self, request: Received) -> bytes:
        asked = parse_qs(urlsplit(request.target).query)
        assert asked["client_id"] == ["openshift-challenging-client"]
        assert asked["response_type"] == ["token"] and request.header("X-CSRF-Token")
        if request.header("Authorization") != LOGIN:
            return answer(401, WWW_Authenticate='Basic realm="openshift"')
        if self.refusal is not None:
            return self.refusal
        token = f"sha256~secret{len(self.oauth.requests)}"
        self.tokens[object_name(token)] = token
        given = {"access_token": token, "expires_in": self.lasts, "token_type": "Bearer"}
        where = f"{self.oauth.url}/oauth/token/implicit#{urlencode(given)}"
        return answer(302, Location=where)

    def client(self, **options: Any) -> KubeClient:
        params = {"host": self.api.url, "ca_cert": self.authority.ca, "username": USER}
        return KubeClient.from_params({**params, "password": PASSWORD, **options})

    @property
    def logins(self) -> int:
        return len(self.oauth.requests)


@pytest.fixture
def cluster(authority: Authority) -> Iterator[OpenShift]:
    made = OpenShift(authority)
    with ExitStack() as stack:
        for name, answers in (("api", made.answer_api), ("oauth", made.answer_oauth)):
            setattr(made, name, stack.enter_context(api(answers, authority.server())))
        yield made


def test_a_task_logs_in_once_and_gives_its_token_back(cluster: OpenShift) -> None:
    with cluster.client() as client:
        with ThreadPoolExecutor(4) as pool:
            versions = list(pool.map(lambda _: client.version()["token"], range(8)))
        assert set(versions) == {"sha256~secret1"} and cluster.logins == 1
        assert cluster.tokens
    assert cluster.tokens == {}
    targets = [request.target for request in cluster.api.requests]
    assert targets.count(WELL_KNOWN) == 1
    assert targets[-1].startswith(f"{TOKENS}/sha256~") and "secret" not in targets[-1]
    sent = [request.header("Authorization") for request in cluster.api.requests]
    assert sent[0] is None and LOGIN not in sent


def test_nothing_is_sent_where_nothing_is_asked(cluster: OpenShift) -> None:
    cluster.client().close()
    assert cluster.api.requests == [] and cluster.logins == 0


def test_the_password_is_not_for_who_has_a_token(cluster: OpenShift) -> None:
    cluster.tokens["x"] = "given"
    with cluster.client(api_key="given") as client:
        assert client.version()["token"] == "given"
    assert cluster.logins == 0 and cluster.tokens == {"x": "given"}


def test_others_are_impersonated_only_by_the_task(cluster: OpenShift) -> None:
    with cluster.client(impersonate_user="line-1") as client:
        client.version()
    told = [request.header("Impersonate-User") for request in cluster.api.requests]
    assert told == [None, "line-1", None]
    assert cluster.oauth.requests[0].header("Impersonate-User") is None


def test_a_token_that_ends_is_renewed(cluster: OpenShift) -> None:
    cluster.lasts = 1
    with cluster.client() as client:
        assert client.version()["token"] == "sha256~secret1"
        cluster.tokens.clear()
        assert client.version()["token"] == "sha256~secret2"
    assert cluster.tokens == {}


def refused(client: KubeClient, kind: type[EdgeError] = AuthError) -> str:
    """Return what the task says; each further request says the same, without another login."""
    with client, pytest.raises(kind) as caught:
        client.version()
    with pytest.raises(kind):
        client.version()
    text = str(caught.value)
    assert PASSWORD not in text and "sha256~" not in text
    return text


def test_a_wrong_password_is_named_and_tried_once(cluster: OpenShift) -> None:
    text = refused(cluster.client(password="other"))
    assert text.startswith("password: the OAuth server does not accept the user name")
    assert cluster.logins == 1


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (answer(302, Location="https://login.example/web"), "it wants a web page"),
        (answer(401), "it wants a web page"),
        (
            answer(302, Location="/x#error=access_denied&error_description=no+such+client"),
            "no such client",
        ),
        (answer(500, b"sha256~leak"), "HTTP 500"),
        (answer(200, b"<html>"), "HTTP 200"),
    ],
)
def test_no_token_for_a_password(cluster: OpenShift, refusal: bytes, words: str) -> None:
    cluster.refusal = refusal
    text = refused(cluster.client())
    assert words in text and "oc whoami -t" in text


def test_a_password_does_not_go_where_it_can_be_read(cluster: OpenShift) -> None:
    plain = {"authorization_endpoint": "http://127.0.0.1:1/oauth/authorize"}
    cluster.metadata = lambda: answer(200, plain)
    assert "cannot be trusted with a password" in refused(cluster.client())


def test_an_oauth_server_that_is_not_there_or_not_trusted(
    cluster: OpenShift, other_authority: Authority
) -> None:
    gone = {"authorization_endpoint": "https://127.0.0.1:1/oauth/authorize"}
    cluster.metadata = lambda: answer(200, gone)
    text = refused(cluster.client(), UnreachableError)
    assert "the OAuth server of the cluster: " in text and "127.0.0.1:1" in text
    with api(cluster.answer_oauth, other_authority.server()) as stranger:
        other = {"authorization_endpoint": f"{stranger.url}/oauth/authorize"}
        cluster.metadata = lambda: answer(200, other)
        assert "trust" in refused(cluster.client(), UnreachableError)
        assert stranger.requests == []
        with cluster.client(validate_certs=False, ca_cert=None) as client:
            cluster.oauth = stranger
            assert client.version()["token"] == "sha256~secret1"


@pytest.mark.parametrize(
    "other",
    [status_object(404, "NotFound", "x"), status_object(403, "Forbidden", "x"), answer(200, b"x")],
)
def test_elsewhere_it_stays_basic_authentication(cluster: OpenShift, other: bytes) -> None:
    cluster.metadata = lambda: other
    with cluster.client() as client, pytest.raises(AuthError):
        client.version()
    sent = [request.header("Authorization") for request in cluster.api.requests]
    assert sent == [None, LOGIN] and cluster.logins == 0


def test_both_servers_are_reached_through_the_proxy(cluster: OpenShift) -> None:
    with connect_proxy() as proxy:
        with cluster.client(proxy=proxy.url) as client:
            client.version()
        asked = [urlsplit(f"//{request.target}").port for request in proxy.requests]
    assert set(asked) == {cluster.api.port, cluster.oauth.port}


def test_a_cluster_without_tls(cluster: OpenShift) -> None:
    servers: list[Server] = []
    with ExitStack() as stack:
        for answers in (cluster.answer_api, cluster.answer_oauth):
            servers.append(stack.enter_context(api(answers)))
        cluster.api, cluster.oauth = servers
        with cluster.client(ca_cert=None) as client:
            assert client.version()["token"] == "sha256~secret1"


def test_names_of_tokens() -> None:
    """The hash of an empty text, as RFC 4648 section 5 writes it; older tokens are their names."""
    assert object_name("sha256~") == "sha256~47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
    assert object_name("plain") == "plain"
