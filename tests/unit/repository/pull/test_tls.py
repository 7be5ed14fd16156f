# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom the helper pod trusts, also behind a proxy."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent.files import Refused
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent.pull import (
    fetch as agent_fetch,
)
from web.webkit import FileServer, ForwardProxy, running

from unit.kube.conftest import Authority

from .conftest import NearUpload


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A CA and a server certificate for 127.0.0.1."""
    folder = tmp_path / "ca"
    folder.mkdir()
    return Authority(folder, "ca").make()


@pytest.fixture
def secure(authority: Authority, upload: NearUpload, files: FileServer) -> Iterator[FileServer]:
    """The file server of the other tests, with TLS."""
    context: ssl.SSLContext = authority.server()
    with running(FileServer(tls=context)) as server:
        server.manners.files = files.manners.files
        yield server


def fetch(upload: NearUpload, server: FileServer, **via: Any) -> dict[str, Any]:
    items = [{"number": 0, "url": f"{server.url}/m/1/a.bin"}]
    result = agent_fetch.Fetcher(upload, {"files": items, "via": via}, {}).run()
    found: dict[str, Any] = result["files"]["0"]
    return found


def test_a_certificate_nobody_vouches_for_is_refused_at_once(
    upload: NearUpload, secure: FileServer
) -> None:
    found = fetch(upload, secure)
    assert found["kind"] == "tls"
    assert "certificate" in found["error"].lower()
    assert secure.asked == []


def test_a_given_authority_is_trusted(
    upload: NearUpload, secure: FileServer, authority: Authority
) -> None:
    assert fetch(upload, secure, ca_pem=Path(authority.ca).read_text()) == {"done": True}


def test_checking_can_be_switched_off(upload: NearUpload, secure: FileServer) -> None:
    assert fetch(upload, secure, validate_certs=False) == {"done": True}


def test_the_certificate_is_checked_through_the_tunnel_too(
    upload: NearUpload, secure: FileServer, authority: Authority, proxy: ForwardProxy
) -> None:
    way = {"https_proxy": f"http://someone:proxy-secret@{proxy.place}"}
    assert fetch(upload, secure, **way)["kind"] == "tls"
    assert fetch(upload, secure, ca_pem=Path(authority.ca).read_text(), **way) == {"done": True}
    place = secure.url.removeprefix("https://")
    assert set(proxy.log) == {f"CONNECT {place}"}


def test_an_encrypted_source_is_not_left_for_an_open_one(
    upload: NearUpload, secure: FileServer, files: FileServer
) -> None:
    secure.manners.redirects = {"/m/1/a.bin": f"{files.url}/m/1/a.bin"}
    assert "unencrypted" in fetch(upload, secure, validate_certs=False)["error"]
    assert files.asked == []


def test_what_is_no_certificate_is_named(upload: NearUpload, secure: FileServer) -> None:
    with pytest.raises(Refused, match="ca_cert"):
        fetch(upload, secure, ca_pem="-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----")
