# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and contexts: types, names, encodings, and what one context may say."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.kube.auth.endpoint import load_endpoint

from ..conftest import Authority
from .test_endpoint import SECRET, endpoint, kubeconfig, write


def with_user(**fields: Any) -> dict[str, Any]:
    return kubeconfig({"token": "t", **fields})


def pem(path: str) -> str:
    return base64.encodebytes(Path(path).read_bytes()).decode()


@pytest.mark.parametrize(
    ("config", "place"),
    [
        (kubeconfig({"token": 5}), "users[0].user.token has to be text: put it in quotes"),
        (kubeconfig({"password": True}), "users[0].user.password has to be text"),
        (with_user(exec={"args": [5]}), "users[0].user.exec.args[0] has to be text"),
        (with_user(exec={"env": {"A": "b"}}), "users[0].user.exec.env has to be a list"),
        (with_user(**{"as-groups": "g"}), "users[0].user.as-groups has to be a list"),
        (with_user(**{"as-user-extra": {"k": "v"}}), "as-user-extra.k has to be a list"),
        (with_user(**{"auth-provider": "oidc"}), "auth-provider has to be a mapping"),
        (kubeconfig(server=5), "clusters[0].cluster.server has to be text"),
        (
            kubeconfig(**{"insecure-skip-tls-verify": "false"}),
            "insecure-skip-tls-verify has to be true or false, without quotes",
        ),
        ({**kubeconfig(), "users": {}}, "users has to be a list"),
        ({**kubeconfig(), "preferences": {"colors": 1}}, "preferences.colors has to be true"),
        ({**kubeconfig(), "current-context": 1}, "current-context has to be text"),
        ({**kubeconfig(), "kind": "Secret"}, "its kind is not Config"),
        ({**kubeconfig(), "apiVersion": "v2"}, "its apiVersion is not v1"),
        (
            {**kubeconfig(), "users": kubeconfig()["users"] * 2},
            "users has the name 'u' twice. Remove one of them",
        ),
    ],
)
def test_types_and_names(tmp_path: Path, config: dict[str, Any], place: str) -> None:
    for source in (config, write(tmp_path / "config", config)):
        with pytest.raises(InputError) as caught:
            endpoint(kubeconfig=source, context="two")
        assert caught.value.option == "kubeconfig"
        assert place in str(caught.value)


def test_nulls_are_nothing() -> None:
    config = {**kubeconfig(), "extensions": None, "preferences": None}
    config["users"].append(None)
    config["clusters"][0]["cluster"]["certificate-authority-data"] = None
    assert endpoint(kubeconfig=config).authorization == f"Bearer {SECRET}"


def test_an_empty_file_among_several(tmp_path: Path) -> None:
    paths = [write(tmp_path / "a", ""), write(tmp_path / "b", kubeconfig())]
    assert endpoint(kubeconfig=":".join(paths)).host == "one"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "config"
    path.write_bytes(yaml.safe_dump(kubeconfig({"token": "t"})).encode(encoding))
    assert endpoint(kubeconfig=str(path)).authorization == "Bearer t"


def test_a_date_is_text_and_the_first_document_counts(tmp_path: Path) -> None:
    text = yaml.safe_dump(kubeconfig()).replace("one", "2026-01-02") + "---\nno: kubeconfig\n"
    path = write(tmp_path / "config", text.replace("'2026-01-02'", "2026-01-02"))
    assert endpoint(kubeconfig=path).source.endswith("context 2026-01-02")


def test_base64_with_line_breaks(authority: Authority) -> None:
    user = {
        "client-certificate-data": pem(authority.cert),
        "client-key-data": pem(authority.key).replace("\n", "\r\n"),
    }
    config = kubeconfig(user, **{"certificate-authority-data": pem(authority.ca)})
    found = endpoint(kubeconfig=config)
    assert found.tls is not None
    assert len(found.tls.get_ca_certs()) == 1


@pytest.mark.parametrize("text", ["Zg", "Z g==", "Zg==!", "-_8="])
def test_what_is_not_base64(text: str) -> None:
    with pytest.raises(InputError, match="certificate-authority-data is not base64"):
        endpoint(kubeconfig=kubeconfig(**{"certificate-authority-data": text}))


@pytest.mark.parametrize(
    ("user", "text"),
    [
        ({"token": "t", "username": "u"}, "has a token and a user name"),
        ({"tokenFile": "/t", "password": "u"}, "has a token and a user name"),
        ({"client-certificate": "/c", "client-certificate-data": "Zg=="}, "has both client-cert"),
        ({"client-certificate-data": "Zg=="}, "has a client-certificate without client-key"),
        ({"exec": {"command": "a"}, "auth-provider": {"name": "b"}}, "an exec plugin and an auth"),
        ({"as-groups": ["g"]}, "as-groups or as-user-extra without as"),
        ({"as-uid": "1"}, "without as"),
        ({"as-user-extra": {"k": ["v"]}}, "without as"),
    ],
)
def test_users_that_kubectl_refuses(user: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError) as caught:
        endpoint(kubeconfig=kubeconfig(user))
    assert text in str(caught.value)


def test_an_authority_beside_insecure_needs_a_decision(authority: Authority) -> None:
    both = {"insecure-skip-tls-verify": True, "certificate-authority": authority.ca}
    with pytest.raises(InputError, match="names a certificate-authority and says insecure"):
        endpoint(kubeconfig=kubeconfig(**both))
    for options, verified in (
        ({"validate_certs": False}, False),
        ({"validate_certs": True}, True),
        ({"ca_cert": authority.ca}, True),
    ):
        found = endpoint(kubeconfig=kubeconfig(**both), **options)
        assert found.tls is not None
        assert found.tls.check_hostname is verified


def acting(config: Any, **params: Any) -> list[tuple[str, str]]:
    headers = endpoint(kubeconfig=config, **params).headers
    return [item for item in headers if item[0].startswith("Impersonate")]


def test_who_the_file_acts_as() -> None:
    config = with_user(
        **{
            "as": "alice",
            "as-uid": "42",
            "as-groups": ["a", "b"],
            "as-user-extra": {"example.org/Sc%pe": ["x", "y"], "n\u00e4me": ["z"]},
        }
    )
    assert acting(config) == [
        ("Impersonate-User", "alice"),
        ("Impersonate-Uid", "42"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-Extra-example.org%2FSc%25pe", "x"),
        ("Impersonate-Extra-example.org%2FSc%25pe", "y"),
        ("Impersonate-Extra-n%C3%A4me", "z"),
    ]
    assert acting(config, impersonate_user="bob") == [("Impersonate-User", "bob")]
    groups = [value for name, value in acting(config, impersonate_groups=["c"]) if "Group" in name]
    assert groups == ["c"]
    assert ("Impersonate-Uid", "42") in acting(config, impersonate_groups=["c"])


def test_no_credentials_of_a_file_over_plain_http() -> None:
    config = kubeconfig({"token": SECRET, "as": "alice"}, server="http://one")
    found = endpoint(kubeconfig=config)
    assert (found.authorization, found.tls) == (None, None)
    assert acting(config) == [("Impersonate-User", "alice")]
    assert endpoint(kubeconfig=config, api_key="mine").authorization == "Bearer mine"


def test_a_login_in_the_address_is_sent_and_not_shown() -> None:
    found = load_endpoint({"host": f"https://u%40x:{SECRET}@a/b"}, {})
    assert found.authorization == "Basic dUB4OnZlcnktc2VjcmV0LXRva2Vu"
    assert found.server == "https://a/b"
    with pytest.raises(InputError) as caught:
        load_endpoint({"host": f"https://u:{SECRET}@a:port"}, {})
    assert SECRET not in str(caught.value)
