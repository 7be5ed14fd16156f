# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trust in the API server, and every way it can fail."""

from __future__ import annotations

import base64
import socket
from pathlib import Path

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    InputError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire.endpoint import Endpoint
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire.unreachable import (
    connect_error,
)

from ...fakes.loopback import Received, Server, answer, api
from ..conftest import Authority, Chain


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


def asked(server: Server, path: str, how: str) -> object:
    """Ask for the version with a trusted file named as an option, in a file, or inline."""
    data = base64.b64encode(Path(path).read_bytes()).decode()
    cluster = {
        "ca_cert": {},
        "file": {"certificate-authority": path},
        "inline": {"certificate-authority-data": data},
    }[how]
    named = {"cluster": {"server": server.url, **cluster}, "name": ""}
    context = {"name": "c", "context": {}}
    config = {"current-context": "c", "contexts": [context], "clusters": [named]}
    options = {"ca_cert": path} if how == "ca_cert" else {}
    return KubeClient.from_params({"kubeconfig": config, **options}).version()


@pytest.mark.parametrize("how", ["ca_cert", "file", "inline"])
@pytest.mark.parametrize("sent", ["leaf", "chain"])
@pytest.mark.parametrize("named", ["middle", "leaf"])
def test_what_is_named_is_trusted(chain: Chain, named: str, sent: str, how: str) -> None:
    """An intermediate authority (Rancher, RKE2) or the server's own certificate, as for kubectl."""
    with api(ok, chain.server(sent)) as server:
        assert asked(server, chain.path(named), how) == {"gitVersion": "v1"}


def test_a_root_needs_the_whole_chain(chain: Chain) -> None:
    with api(ok, chain.server("chain")) as server:
        assert asked(server, chain.path("root"), "file") == {"gitVersion": "v1"}
    with api(ok, chain.server("leaf")) as server, pytest.raises(UnreachableError):
        asked(server, chain.path("root"), "file")


@pytest.mark.parametrize("sent", ["leaf", "chain"])
def test_another_chain_stays_refused(chain: Chain, tmp_path: Path, sent: str) -> None:
    other = Chain(tmp_path).make()
    with api(ok, chain.server(sent)) as server:
        for name in ("root", "middle", "leaf"):
            with pytest.raises(UnreachableError, match="is not trusted here|not accepted"):
                asked(server, other.path(name), "file")


def test_a_common_name_is_no_name(tmp_path: Path) -> None:
    chain = Chain(tmp_path).make(named=False)
    with (
        api(ok, chain.server("chain")) as server,
        pytest.raises(UnreachableError, match="not made out to 127.0.0.1"),
    ):
        asked(server, chain.path("root"), "file")


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
    for key, option in ((other_authority.key, "client_cert"), ("/nonexistent", "client_key")):
        with pytest.raises(InputError, match=f"{option}: .*cannot be used"):
            KubeClient.from_params({**base, "client_key": key})
