# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From options and kubeconfigs to an endpoint."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    AuthError,
    InputError,
    UnsupportedError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.auth import plugins
from ansible_collections.openvino.edge.plugins.module_utils.kube.auth.endpoint import load_endpoint
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire.endpoint import Endpoint
from ansible_collections.openvino.edge.plugins.module_utils.secrecy import secrets

from ..conftest import Authority

SECRET = "very-secret-token"


def kubeconfig(user: Any = None, **cluster: Any) -> dict[str, Any]:
    named = {"name": "c", "cluster": {"server": "https://one:6443", **cluster}}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "clusters": [named, {"name": "d", "cluster": {"server": "https://two/prefix/"}}],
        "users": [{"name": "u", "user": user or {"token": SECRET}}],
        "contexts": [
            {"name": "one", "context": {"cluster": "c", "user": "u"}},
            {"name": "two", "context": {"cluster": "d", "user": "u"}},
            {"name": "no-user", "context": {"cluster": "c", "user": "x"}},
            {"name": "no-cluster", "context": {"cluster": "x", "user": "u"}},
        ],
    }


def write(path: Path, content: Any) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return str(path)


def endpoint(environ: dict[str, str] | None = None, **params: Any) -> Endpoint:
    return load_endpoint(params, environ or {})


def test_dictionary() -> None:
    found = endpoint(kubeconfig=kubeconfig())
    assert (found.host, found.port, found.prefix) == ("one", 6443, "")
    assert found.authorization == f"Bearer {SECRET}"
    assert SECRET not in repr(found)


def test_path_with_home_and_context(tmp_path: Path) -> None:
    write(tmp_path / "sub" / "config", kubeconfig())
    found = endpoint(kubeconfig="~/sub/config", context="two")
    assert (found.host, found.port, found.prefix) == ("two", 443, "/prefix")
    assert found.source == f"{tmp_path}/sub/config, context two"


def test_several_files(tmp_path: Path) -> None:
    one, two = kubeconfig(), kubeconfig()
    one["contexts"] = one["contexts"][:1]
    paths = [write(tmp_path / "a", one), str(tmp_path / "gone"), write(tmp_path / "b", two)]
    assert endpoint(kubeconfig=":".join(paths), context="two").host == "two"


def test_order_of_sources(tmp_path: Path) -> None:
    environ = {"KUBECONFIG": write(tmp_path / "env", kubeconfig())}
    assert endpoint(environ).host == "one"
    assert endpoint(environ, host="https://option").host == "option"
    assert endpoint(environ, host="https://option").authorization is None
    found = endpoint(environ, host="https://option", context="one")
    assert (found.host, found.authorization) == ("option", f"Bearer {SECRET}")
    assert endpoint(environ, api_key="mine").authorization == "Bearer mine"
    default = kubeconfig()
    default["current-context"] = "two"
    write(tmp_path / ".kube" / "config", default)
    assert endpoint().host == "two"


def test_nothing_given() -> None:
    with pytest.raises(InputError, match="no API server is given") as caught:
        endpoint()
    assert caught.value.option == "kubeconfig"


@pytest.mark.parametrize(
    ("content", "context", "option", "text"),
    [
        ("a: b: c", None, "kubeconfig", "is not YAML (line 1)"),
        ("", None, "kubeconfig", "the file is empty"),
        ("# nothing", None, "kubeconfig", "the file is empty"),
        ("- 1\n- 2\n", None, "kubeconfig", "is not a kubeconfig"),
        ("hello", None, "kubeconfig", "is not a kubeconfig"),
        ({"apiVersion": "v1"}, None, "context", "no current context. Choose one of: none"),
        (kubeconfig(), "three", "context", "Contexts there: no-cluster, no-user, one, two"),
        (kubeconfig(), "no-user", "kubeconfig", "names user 'x', which is not there"),
        (kubeconfig(), "no-cluster", "kubeconfig", "names cluster 'x', which is not there"),
        (kubeconfig(server=""), None, "kubeconfig", "cluster 'c' has no server"),
        (kubeconfig(server="one:6443"), None, "kubeconfig", "Write it as https://HOST:PORT"),
        (kubeconfig(**{"certificate-authority": "x.pem"}), None, "kubeconfig", "does not exist"),
        (kubeconfig(**{"certificate-authority-data": "%"}), None, "kubeconfig", ""),
    ],
)
def test_bad_kubeconfig(
    tmp_path: Path, content: Any, context: str | None, option: str, text: str
) -> None:
    path = write(tmp_path / "config", content)
    with pytest.raises(InputError) as caught:
        endpoint(kubeconfig=path, context=context)
    assert caught.value.option == option
    assert text.lower() in str(caught.value).lower()
    assert SECRET not in str(caught.value)


def test_bad_user_keeps_its_secrets(tmp_path: Path) -> None:
    """The loader's own message would hold the whole user."""
    user = {"token": SECRET, "username": SECRET, "exec": {"args": [SECRET]}}
    for config in (kubeconfig(user), write(tmp_path / "config", kubeconfig(user))):
        with pytest.raises(InputError) as caught:
            endpoint(kubeconfig=config)
        assert SECRET not in str(caught.value)


def test_missing_file() -> None:
    with pytest.raises(InputError, match="kubeconfig: /no/such: there is no such file"):
        endpoint(kubeconfig="/no/such")


def test_without_the_kubernetes_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "_library", None)
    assert endpoint(host="https://a", api_key="t").host == "a"
    assert endpoint(kubeconfig=kubeconfig({"token": "t"})).authorization == "Bearer t"
    with pytest.raises(UnsupportedError, match="Install it for the Python that runs Ansible"):
        endpoint(kubeconfig=kubeconfig({"auth-provider": {"name": "oidc"}}))


def test_plain_credentials_do_not_import_the_package() -> None:
    """Importing it would cost more than the rest of a task."""
    name = "ansible_collections.openvino.edge.plugins.module_utils.kube.auth.endpoint"
    program = (
        f"import sys; from {name} import load_endpoint\n"
        "load_endpoint({'kubeconfig': " + repr(kubeconfig({"token": "t"})) + "}, {})\n"
        "assert 'kubernetes' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ})


def test_token_file_is_read_anew_and_goes_before_a_token(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("one\n")
    found = endpoint(kubeconfig=kubeconfig({"tokenFile": str(token), "token": "other"}))
    assert found.authorization == "Bearer one"
    token.write_text("two\n")
    assert found.refresh is not None
    assert found.refresh() == "Bearer two"
    token.unlink()
    assert found.refresh() == "Bearer other"
    with pytest.raises(InputError, match="the token file .* cannot be read"):
        endpoint(kubeconfig=kubeconfig({"tokenFile": str(token)}))


def test_first_file_wins(tmp_path: Path) -> None:
    first = write(tmp_path / "first", kubeconfig({"token": "first"}))
    second = write(tmp_path / "second", kubeconfig({"token": "second"}))
    assert endpoint(kubeconfig=f"{first}:{second}").authorization == "Bearer first"


def test_wrong_type() -> None:
    with pytest.raises(InputError, match="must be a path or a dictionary"):
        endpoint(kubeconfig=["a"])


def test_inline_certificates_leave_no_file(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def data(path: str) -> str:
        return base64.b64encode(Path(path).read_bytes()).decode()

    user = {"client-certificate-data": data(authority.cert), "client-key-data": data(authority.key)}
    config = kubeconfig(user, **{"certificate-authority-data": data(authority.ca)})
    for _ in range(2):
        found = endpoint(kubeconfig=config)
        assert found.tls is not None
        assert len(found.tls.get_ca_certs()) == 1
        assert list(tmp_path.iterdir()) == []


def test_relative_paths_start_at_the_file(authority: Authority, tmp_path: Path) -> None:
    folder = Path(authority.folder)
    config = kubeconfig(**{"certificate-authority": Path(authority.ca).name})
    path = write(folder / "config", config)
    found = endpoint(kubeconfig=path)
    assert found.tls is not None
    assert len(found.tls.get_ca_certs()) == 1


def test_cluster_settings() -> None:
    config = kubeconfig(
        **{
            "insecure-skip-tls-verify": True,
            "tls-server-name": "other",
            "proxy-url": "http://p:3128",
        }
    )
    found = endpoint(kubeconfig=config)
    assert found.tls is not None
    assert (found.tls.check_hostname, found.server_name) == (False, "other")
    assert str(found.proxy) == "http://p:3128"
    assert endpoint(kubeconfig=config, proxy="").proxy is None
    assert endpoint({"https_proxy": "http://env:1"}, kubeconfig=config).proxy == found.proxy
    verified = endpoint(kubeconfig=config, validate_certs=True)
    assert verified.tls is not None
    assert verified.tls.check_hostname


def test_impersonation() -> None:
    found = endpoint(host="https://a", impersonate_user="u", impersonate_groups=["g", "h"])
    assert ("Impersonate-User", "u") in found.headers
    assert [value for name, value in found.headers if name == "Impersonate-Group"] == ["g", "h"]
    with pytest.raises(InputError, match="impersonate_groups: "):
        endpoint(host="https://a", impersonate_groups=["g"])


def test_password_login() -> None:
    found = endpoint(host="https://a", username="u", password="p")
    assert found.authorization == "Basic dTpw"
    with pytest.raises(InputError, match="password: username needs a password"):
        endpoint(host="https://a", username="u")


@pytest.mark.parametrize("host", ["a:6443", "https://", "https://a:port", "ftp://a"])
def test_bad_host(host: str) -> None:
    with pytest.raises(InputError, match="host: .*the API server's address is not a URL"):
        endpoint(host=host)


def test_secrets_of_a_dictionary() -> None:
    user = {"token": "t", "client-key-data": "k", "username": "visible"}
    assert secrets({"kubeconfig": kubeconfig(user)}) == {"t", "k"}
    assert secrets({"kubeconfig": "/path"}) == set()


def test_a_provider_without_a_token() -> None:
    user = {"auth-provider": {"name": "unknown", "config": {}}}
    with pytest.raises(AuthError, match="the auth-provider of the kubeconfig gave no token"):
        endpoint(kubeconfig=kubeconfig(user))
    assert endpoint(kubeconfig=kubeconfig({**user, "token": "t"})).authorization == "Bearer t"


def test_oidc_token_that_is_still_good() -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": 4102444800}).encode()).decode()
    token = f"e30.{claims.rstrip('=')}.sig"
    user = {"auth-provider": {"name": "oidc", "config": {"id-token": token}}}
    assert endpoint(kubeconfig=kubeconfig(user)).authorization == f"Bearer {token}"
