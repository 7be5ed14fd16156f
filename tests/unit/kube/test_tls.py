# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trust in the API server, and every way it can fail."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    InputError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.kube.config import Endpoint
from ansible_collections.openvino.edge.plugins.module_utils.kube.unreachable import connect_error

from .conftest import Authority
from .fakes import Received, Server, answer, api


def ok(request: Received) -> bytes:
    return answer(200, {"gitVersion": "v1"})


def failure(**params: object) -> UnreachableError:
    with pytest.raises(UnreachableError) as caught:
        KubeClient.from_params(params).version()
    return caught.value


def test_trusted(authority: Authority) -> None:
    with api(ok, authority.server()) as server:
        for options in ({"ca_cert": authority.ca}, {"validate_certs": False}):
            client = KubeClient.from_params({"host": server.url, **options})
            assert client.version() == {"gitVersion": "v1"}


def test_wrong_ca(authority: Authority, other_authority: Authority) -> None:
    with api(ok, authority.server()) as server:
        error = failure(host=server.url, ca_cert=other_authority.ca)
        assert error.option == "ca_cert"
        assert "signed by a CA that is not trusted" in str(error)
        assert failure(host=server.url).option == "ca_cert"


def test_wrong_name(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "elsewhere", address="192.0.2.1").make()
    with api(ok, authority.server()) as server:
        error = failure(host=server.url, ca_cert=authority.ca)
    assert error.option == "host"
    assert "not made out to 127.0.0.1" in str(error)


def test_expired_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "old", expired=True).make()
    with api(ok, authority.server()) as server:
        assert "has expired" in str(failure(host=server.url, ca_cert=authority.ca))


def test_tls_on_a_plain_port(authority: Authority) -> None:
    with Server(lambda sock, index: sock.sendall(answer(400))) as server:
        error = failure(host=server.url.replace("http", "https"), ca_cert=authority.ca)
    assert "does not speak TLS" in str(error)


def test_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = failure(host=f"https://127.0.0.1:{port}")
    assert error.option == "host"
    assert f"127.0.0.1:{port} refuses connections" in str(error)


def test_unknown_name() -> None:
    error = failure(host="https://api.invalid")
    assert "the name api.invalid cannot be resolved" in str(error)


def test_no_answer() -> None:
    endpoint = Endpoint(server="https://a:1", host="a", port=1, source="a file")
    error = connect_error(endpoint, socket.timeout(), 10)
    assert error.option == "kubeconfig"
    assert "a:1 did not answer within 10 s" in str(error)


@pytest.mark.parametrize("content", [None, "not PEM"])
def test_unusable_ca(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)
    with pytest.raises(InputError) as caught:
        KubeClient.from_params({"host": "https://a", "ca_cert": str(path)})
    assert (caught.value.option, caught.value.subject) == ("ca_cert", str(path))


def test_client_certificate(authority: Authority, other_authority: Authority) -> None:
    base = {"host": "https://a", "ca_cert": authority.ca, "client_cert": authority.cert}
    KubeClient.from_params({**base, "client_key": authority.key})
    for key in (other_authority.key, "/nonexistent"):
        with pytest.raises(InputError, match="client_cert: .*cannot be used"):
            KubeClient.from_params({**base, "client_key": key})
