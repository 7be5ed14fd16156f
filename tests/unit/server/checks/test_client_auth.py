# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets with CA certificates and revocation lists, as they are on a cluster."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.server.checks import client_auth

from ...fakes.cluster import ServingCluster
from ..conftest import make_spec

sys.path[:0] = [str(Path(__file__).resolve().parents[3] / "testbed")]

from web.authority import Authority  # noqa: E402

CA, OTHER = Authority("Clients"), Authority("Others")


def check(
    auth: dict[str, Any],
    controller: str = "contour",
    unreadable: tuple[str, ...] = (),
    **secrets: dict[str, str],
) -> list[str]:
    """Return the warnings about an option; C(secrets) by name."""
    cluster: Any = ServingCluster(unreadable=unreadable)
    for name, texts in secrets.items():
        data = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        cluster.add({"kind": "Secret", "metadata": {"name": name}, "data": data})
    expose = {
        "controller": controller,
        "rest": {"host": "ocr.example.org"},
        "tls": {"secret_name": "site"},
        "client_auth": auth,
    }
    spec = make_spec(expose=expose).running.expose
    assert spec is not None
    warnings: list[str] = []
    client_auth.check_given(spec, warnings.append)
    client_auth.check(cluster, "edge", spec, warnings.append)
    return warnings


NAMED = {"secret_name": "clients", "crl_secret_name": "lists"}
GOOD = {"ca.crt": CA.certificate}


def test_secrets_that_work() -> None:
    assert check(NAMED, clients=GOOD, lists={"crl.pem": CA.revoke([])}) == []
    assert check({"secret_name": "clients", "crl": CA.revoke([])}, clients=GOOD) == []
    assert check({"ca": CA.certificate, "crl": CA.revoke([])}) == []
    both = {**GOOD, "ca.crl": CA.revoke([])}
    same = {"secret_name": "clients", "crl_secret_name": "clients"}
    assert check(same, "nginx", clients=both) == []


def test_each_warning_is_given_once() -> None:
    soon = CA.revoke([], days=7)
    for auth in (
        {"ca": CA.certificate, "crl": soon},
        {"secret_name": "clients", "crl": soon},
        {"secret_name": "clients", "crl_secret_name": "lists"},
    ):
        (warning,) = check(auth, clients=GOOD, lists={"crl.pem": soon})
        assert "after that every client is refused" in warning
    both = {**GOOD, "ca.crl": soon}
    for more in ({}, {"crl_secret_name": "clients"}):
        (warning,) = check({"secret_name": "clients", **more}, "nginx", clients=both)
        assert "after that every client is refused" in warning


def test_what_may_not_be_read_is_said() -> None:
    first, second = check(NAMED, unreadable=("Secret",))
    assert "secret_name: the account may not get Secret edge/clients" in first
    assert "crl_secret_name: the account may not get Secret edge/lists" in second
    with pytest.raises(InputError, match="crl: it is no revocation list"):
        check({"secret_name": "clients", "crl": "nothing"}, unreadable=("Secret",))


@pytest.mark.parametrize(
    ("auth", "controller", "secrets", "message"),
    [
        (NAMED, "contour", {}, "Secret edge/clients: it does not exist. kubectl create secret gen"),
        (NAMED, "contour", {"clients": {}}, r"Secret edge/clients: its key ca\.crt is empty"),
        (NAMED, "contour", {"clients": GOOD}, "Secret edge/lists: it does not exist"),
        (NAMED, "contour", {"clients": GOOD, "lists": {"ca.crl": "x"}}, r"key crl\.pem is empty"),
        (
            NAMED,
            "contour",
            {"clients": GOOD, "lists": {"crl.pem": OTHER.revoke([])}},
            "Secret edge/lists: the list of 'CN=Others' is not signed by any of the CAs",
        ),
        (
            {"secret_name": "clients", "crl": OTHER.revoke([])},
            "contour",
            {"clients": GOOD},
            "client_auth.crl: the list of 'CN=Others' is not signed",
        ),
        (
            {"secret_name": "clients"},
            "nginx",
            {"clients": {**GOOD, "ca.crl": CA.revoke([], days=-0.5)}},
            "Secret edge/clients: the list of 'CN=Clients' was to be replaced",
        ),
    ],
)
def test_secrets_that_do_not(
    auth: dict[str, Any], controller: str, secrets: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        check(auth, controller, **secrets)
