# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The auth options: names, aliases, environment, documentation, secrets."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.doc_fragments.auth import ModuleDocFragment
from ansible_collections.openvino.edge.plugins.module_utils.kube.auth.options import (
    AUTH_ARGUMENT_SPEC,
    PROXY_HEADERS_SPEC,
    WAIT_ARGUMENT_SPEC,
)


def validated(**given: Any) -> Any:
    result = ArgumentSpecValidator({**AUTH_ARGUMENT_SPEC, **WAIT_ARGUMENT_SPEC}).validate(given)
    assert result.error_messages == []
    return result


@pytest.mark.parametrize(
    ("variable", "option", "text", "value"),
    [
        ("KUBECONFIG", "kubeconfig", "/a", "/a"),
        ("CONTEXT", "context", "c", "c"),
        ("HOST", "host", "https://a", "https://a"),
        ("API_KEY", "api_key", "t", "t"),
        ("USERNAME", "username", "u", "u"),
        ("PASSWORD", "password", "p", "p"),
        ("VERIFY_SSL", "validate_certs", "false", False),
        ("SSL_CA_CERT", "ca_cert", "/ca", "/ca"),
        ("CERT_FILE", "client_cert", "/c", "/c"),
        ("KEY_FILE", "client_key", "/k", "/k"),
        ("PROXY", "proxy", "http://p", "http://p"),
        ("NO_PROXY", "no_proxy", "a,b", "a,b"),
        ("IMPERSONATE_USER", "impersonate_user", "u", "u"),
        ("IMPERSONATE_GROUPS", "impersonate_groups", "g,h", ["g", "h"]),
    ],
)
def test_environment(
    monkeypatch: pytest.MonkeyPatch, variable: str, option: str, text: str, value: object
) -> None:
    assert validated().validated_parameters[option] is None
    monkeypatch.setenv("K8S_AUTH_" + variable, text)
    assert validated().validated_parameters[option] == value


def test_aliases_of_kubernetes_core() -> None:
    given = {
        "verify_ssl": False,
        "ssl_ca_cert": "/ca",
        "cert_file": "/c",
        "key_file": "/k",
    }
    found = validated(**given).validated_parameters
    options = ("validate_certs", "ca_cert", "client_cert", "client_key")
    assert [found[name] for name in options] == [False, "/ca", "/c", "/k"]


def test_secrets_are_masked_and_paths_are_not() -> None:
    given = {
        "api_key": "key",
        "password": "word",
        "client_key": "/path",
        "kubeconfig": "/config",
        "proxy_headers": {"basic_auth": "a:b", "proxy_basic_auth": "c:d"},
    }
    assert validated(**given)._no_log_values == {"key", "word", "a:b", "c:d"}


def _documented(spec: dict[str, Any], options: dict[str, Any]) -> None:
    assert set(options) == set(spec)
    for name, option in options.items():
        assert option["type"] == spec[name]["type"], name
        assert option.get("aliases", []) == spec[name].get("aliases", []), name
        assert option.get("elements") == spec[name].get("elements"), name


def test_documentation_says_the_same() -> None:
    options = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    _documented(AUTH_ARGUMENT_SPEC, options)
    _documented(PROXY_HEADERS_SPEC, options["proxy_headers"]["suboptions"])
