# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secret parts of options, over every option of every module."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.secrecy import (
    HIDDEN,
    secrets,
    shown,
    without_login,
)
from ansible_collections.openvino.edge.plugins.plugin_utils.action import censor

MARKER = "a-marker-that-nobody-may-see"
MODULES = sorted(path.stem for path in Path(__file__).parents[2].glob("plugins/modules/*.py"))
URLS = (
    f"https://me:{MARKER}@host.example:1/path",
    f"https://host.example/path?X-Amz-Signature={MARKER}&X-Amz-Date=1",
    f"http://me:{MARKER.replace('-', '%2D')}@host.example",
    f"https://{MARKER}@host.example",
    f"me:{MARKER}@host.example:3128",
    f"https://me:{MARKER}/with/slashes@host.example",
)


def filled(spec: "dict[str, Any]", text: str) -> "dict[str, Any]":
    """Options with C(text) in every one that takes text."""
    values: dict[str, Any] = {}
    for name, option in spec.items():
        inner: Any = text
        if option.get("options"):
            inner = filled(option["options"], text)
        if option.get("type") == "list":
            values[name] = [inner]
        elif option.get("options") or option.get("type", "str") in ("str", "path", "raw"):
            values[name] = inner
        elif option.get("type") == "dict":
            values[name] = {"key": text}
    return values


def texts(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, list):
        for item in node:
            yield from texts(item)
    else:
        yield str(node)


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("name", MODULES)
def test_urls_in_every_option_of(name: str, url: str) -> None:
    module = importlib.import_module(f"ansible_collections.openvino.edge.plugins.modules.{name}")
    params = filled(module.ARGUMENT_SPEC, url)
    assert len(list(texts(params))) > 1
    told = {"invocation": shown(params), "msg": " ".join(texts(params)), "warnings": [url]}
    text = json.dumps(censor(told, secrets(params)))
    assert MARKER not in text
    assert MARKER.replace("-", "%2D") not in text
    assert "host.example" in json.dumps(shown(params))


@pytest.mark.parametrize(
    "text",
    [
        "python:3.12@sha256:0123456789012345678901234567890123456789012345678901234567890123",
        "registry.example:5000/ovms:2026.2@sha256:" + "0123" * 16,
        "oci://registry.example/models:1",
        "ssh://git@host.example/repository",
        "https://host.example/a@b/c:d",
        "name@example.org",
        "a: b@c",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert shown({"x": text}) == {"x": text.replace("git@", "")}
    assert secrets({"x": text}) == set()


def test_a_kubeconfig_is_shown_without_what_it_hides() -> None:
    program = {"command": "aws", "args": ["--region", "edge"], "env": [{"name": "A", "value": "b"}]}
    provider = {"name": "oidc", "config": {"idp-issuer-url": "https://idp"}}
    config = {
        "current-context": "one",
        "users": [{"name": "u", "user": {"exec": program, "auth-provider": provider, "as": "x"}}],
        "clusters": [{"cluster": {"server": "https://u:p@a", "proxy-url": "http://u:pw@b:1"}}],
    }
    told = shown({"kubeconfig": config})["kubeconfig"]
    user = told["users"][0]["user"]
    assert user["exec"] == {"command": "aws", "args": HIDDEN, "env": HIDDEN}
    assert user["auth-provider"] == {"name": "oidc", "config": HIDDEN}
    assert (user["as"], told["current-context"]) == ("x", "one")
    assert told["clusters"][0]["cluster"] == {"server": "https://a", "proxy-url": "http://b:1"}
    # A region or a profile in every result would be hidden with it.
    assert secrets({"kubeconfig": config}) == {"p", "pw"}


def test_a_kubeconfig_where_a_path_belongs() -> None:
    for text in ('{"users": []}', "users: []\nclusters: []\n"):
        assert shown({"kubeconfig": text}) == {"kubeconfig": HIDDEN}
    assert shown({"kubeconfig": "/etc/a b"}) == {"kubeconfig": "/etc/a b"}


@pytest.mark.parametrize(
    ("url", "open_part"),
    [
        ("https://u:p@a:1/b@c", "https://a:1/b@c"),
        ("https://[::1]:1/b@c", "https://[::1]:1/b@c"),
        ("https://u:p/q@a", "https://a"),
        ("u:p@a:1", "a:1"),
        ("a:1", "a:1"),
    ],
)
def test_without_login(url: str, open_part: str) -> None:
    assert without_login(url) == open_part
