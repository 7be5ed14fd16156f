# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The choice of a proxy, as a table, and the way through one."""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import urlsplit

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    InputError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.auth.proxies import (
    basic,
    bypassed,
    choose_proxy,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient

from ...fakes.loopback import answer, api, connect_proxy
from ..conftest import Authority

ENV = {"https_proxy": "http://secure:1", "http_proxy": "http://plain:1"}


@pytest.mark.parametrize(
    ("server", "params", "kubeconfig", "environ", "expected"),
    [
        ("https://a", {}, None, {}, None),
        ("https://a", {}, None, ENV, "http://secure:1"),
        ("http://a", {}, None, ENV, "http://plain:1"),
        ("https://a", {}, None, {"HTTPS_PROXY": "http://upper:1"}, "http://upper:1"),
        ("https://a", {}, None, {"HTTP_PROXY": "http://upper:1"}, None),
        ("https://a", {}, "http://kubeconfig:1", ENV, "http://kubeconfig:1"),
        ("https://a", {"proxy": "http://option:1"}, "http://k:1", ENV, "http://option:1"),
        ("https://a", {"proxy": ""}, "http://k:1", ENV, None),
        ("https://a", {"no_proxy": "a"}, "http://k:1", ENV, None),
        ("https://a", {"no_proxy": "a", "proxy": "http://option:1"}, None, {}, None),
        ("https://a", {}, "http://k:1", {"no_proxy": "a"}, "http://k:1"),
        ("https://a", {}, None, {**ENV, "no_proxy": "a"}, None),
        ("https://10.1.2.3:6443", {}, None, {**ENV, "NO_PROXY": "10.0.0.0/8"}, None),
        ("https://[fd00::1]:6443", {}, None, {**ENV, "NO_PROXY": "fd00::/16"}, None),
        ("https://127.0.0.1:6443", {}, None, ENV, None),
        ("https://localhost", {}, None, ENV, None),
        ("https://127.0.0.1", {"proxy": "http://option:1"}, None, ENV, "http://option:1"),
        ("https://a", {"proxy": "option:3128"}, None, {}, "http://option:3128"),
        ("http://a", {"proxy": "https://option"}, None, {}, "https://option:443"),
    ],
)
def test_choice(
    server: str,
    params: dict[str, Any],
    kubeconfig: str | None,
    environ: dict[str, str],
    expected: str | None,
) -> None:
    proxy = choose_proxy(urlsplit(server), params, kubeconfig, environ)
    assert (str(proxy) if proxy else None) == expected


@pytest.mark.parametrize(
    ("host", "entry", "expected"),
    [
        ("api.example.com", "example.com", True),
        ("example.com", "example.com", True),
        ("api.example.com", ".example.com", True),
        ("example.com", ".example.com", False),
        ("api.example.com", "*.example.com", True),
        ("badexample.com", "example.com", False),
        ("api.example.com", "API.Example.com", True),
        ("anything", "*", True),
        ("anything", "", False),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.3:6443", True),
        ("10.1.2.3", "10.1.2.3:443", False),
        ("10.1.2.3", "2.3", False),
        ("10.1.2.3", "nonsense/8", False),
        ("name", "10.0.0.0/8", False),
        ("fd00::1", "[fd00::1]:6443", True),
        ("fd00::1", "fd00:0::1", True),
    ],
)
def test_no_proxy(host: str, entry: str, expected: bool) -> None:
    assert bypassed(host, 6443, f"other.org, {entry}") is expected


@pytest.mark.parametrize("url", ["socks5://a:1", "http://", "http://a:port"])
def test_unusable_proxy(url: str) -> None:
    with pytest.raises(InputError, match="proxy: the proxy from proxy is not"):
        choose_proxy(urlsplit("https://a"), {"proxy": url}, None, {})


def test_tls_inside_tls() -> None:
    with pytest.raises(InputError, match="proxy: .* Use the proxy's http:// address"):
        choose_proxy(urlsplit("https://a"), {"proxy": "https://p"}, None, {})


def test_login_is_not_shown() -> None:
    proxy = choose_proxy(urlsplit("https://a"), {"proxy": "http://u:s%40cret@p:1"}, None, {})
    assert proxy is not None
    assert proxy.headers == (("Proxy-Authorization", basic("u:s@cret")),)
    assert "cret" not in repr(proxy) + str(proxy)


def version(url: str, **params: Any) -> str:
    with KubeClient.from_params({"host": url, **params}) as client:
        return str(client.version()["gitVersion"])


def test_through_a_tunnel(authority: Authority) -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(
            api(lambda request: answer(200, {"gitVersion": "v1"}), authority.server())
        )
        proxy = stack.enter_context(connect_proxy(login=basic("u:p")))
        params = {"ca_cert": authority.ca, "proxy": proxy.url, "api_key": "secret"}
        headers = {"proxy_basic_auth": "u:p", "user_agent": "agent"}
        assert version(server.url, **params, proxy_headers=headers) == "v1"
        assert proxy.requests[0].target == f"127.0.0.1:{server.port}"
        assert proxy.requests[0].header("User-Agent") == "agent"
        assert proxy.requests[0].header("Authorization") is None
        assert server.requests[0].header("Proxy-Authorization") is None
        assert server.requests[0].header("Authorization") == "Bearer secret"
        with pytest.raises(UnreachableError, match=r"proxy_headers: .*wants a login"):
            version(server.url, **params)
        assert version(server.url, **{**params, "no_proxy": "127.0.0.0/8"}) == "v1"


def test_plain_server_through_a_proxy() -> None:
    with api(lambda request: answer(200, {"gitVersion": "v1"})) as server, connect_proxy() as proxy:
        assert version(server.url, proxy=proxy.url) == "v1"
        assert proxy.requests[0].target == f"{server.url}/version"


def test_proxy_that_refuses() -> None:
    with connect_proxy(refuse=403) as proxy, pytest.raises(UnreachableError) as caught:
        version("https://api.example.com", proxy=proxy.url)
    assert caught.value.option == "proxy"
    assert "refused the way to api.example.com:443: 403" in str(caught.value)


def test_proxy_that_is_not_there() -> None:
    with connect_proxy() as proxy:
        url = proxy.url
    with pytest.raises(UnreachableError, match="the proxy .* refuses connections") as caught:
        version("https://api.example.com", proxy=url)
    assert caught.value.option == "proxy"


def test_same_answer_whatever_the_environment(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment's proxy is a dead end; the option leads around it."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with api(lambda request: answer(200, {"gitVersion": "v1"}), authority.server()) as server:
        assert version(server.url, ca_cert=authority.ca, proxy="") == "v1"
