# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret part of an option is shown: not in a message, an error, a warning, a diff, the options.

`make matrix` runs this on every supported ansible-core: those before 2.21 repeat the options of a
task in its result.
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.repository import entry as repository
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.secrecy import secrets, shown
from ansible_collections.openvino.edge.plugins.module_utils.verify import entry as status
from ansible_collections.openvino.edge.plugins.modules import model_repository, model_status
from ansible_collections.openvino.edge.plugins.plugin_utils.action import EdgeAction, censor

from .playkit import HERE, run_play

MARKER = "a-marker-that-nobody-may-see"
EXEC = "client.authentication.k8s.io/v1"


def kubeconfig(port: int, user: "dict[str, Any]") -> "dict[str, Any]":
    """A kubeconfig with a marker in every place of a secret beside the user's.

    A login in the server's address goes before a plugin, so it stands beside a token only.
    """
    login = f"me:{MARKER}-01@" if "token" in user else ""
    return {
        "current-context": "one",
        "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [
            {
                "name": "c",
                "cluster": {
                    "server": f"https://{login}127.0.0.1:{port}",
                    "proxy-url": f"http://me:{MARKER}-02@127.0.0.1:{port}",
                    "extensions": [{"name": "e", "extension": {"key": f"{MARKER}-03"}}],
                },
            },
            {"name": "d", "cluster": {"server": f"https://127.0.0.1:{port}"}},
        ],
        "users": [{"name": "u", "user": user}],
    }


def users() -> "list[dict[str, Any]]":
    """Users with a marker in every key that is a secret, each of which fails in another way."""
    script = 'echo "cannot log in with $PASSWORD and $2" >&2; exit 1'
    arguments = ["-c", script, "sh", "--client-secret", f"{MARKER}-10"]
    program = {
        "apiVersion": EXEC,
        "interactiveMode": "Never",
        "command": "sh",
        "args": arguments,
        "env": [{"name": "PASSWORD", "value": f"{MARKER}-11"}],
    }
    provider = {
        name: f"{MARKER}-{name}"
        for name in ("id-token", "access-token", "refresh-token", "client-secret")
    }
    return [
        {"token": f"{MARKER}-12"},
        {"username": "me", "password": f"{MARKER}-13"},
        {"exec": program},
        {"exec": {**program, "command": "no-such-program"}},
        {"exec": {**program, "args": [f"--token={MARKER}-14"], "apiVersion": "v9"}},
        {"auth-provider": {"name": "oidc", "config": provider}},
        {"client-key-data": f"{MARKER}-15", "client-certificate-data": "Zg=="},
        {"token": f"{MARKER}-16", "username": "me"},
    ]


def cases(port: int) -> "list[dict[str, Any]]":
    """Options of tasks, each with markers."""
    server = f"https://127.0.0.1:{port}"
    hosts = (f"https://me:{MARKER}-20@127.0.0.1:{port}", f"https://me:{MARKER}/21@127.0.0.1:x")
    proxies = (
        f"http://me:{MARKER}-22@127.0.0.1:{port}",
        f"me:{MARKER}-23@127.0.0.1:{port}",
        f"ftp://me:{MARKER}-24@127.0.0.1",
    )
    logins = {name: f"me:{MARKER}-25-{name}" for name in ("basic_auth", "proxy_basic_auth")}
    return [
        *({"host": host} for host in hosts),
        *({"host": server, "proxy": proxy} for proxy in proxies),
        {"host": server, "api_key": f"{MARKER}-26", "proxy_headers": logins},
        {"host": server, "username": "me", "password": f"{MARKER}-27"},
        *({"kubeconfig": kubeconfig(port, user)} for user in users()),
        {"kubeconfig": f"users: [{{name: u, user: {{token: {MARKER}-28}}}}]\nclusters: []\n"},
        {"kubeconfig": json.dumps(kubeconfig(port, {"token": f"{MARKER}-29"}))},
        {"host": server, "proxy": proxies[0], "no_such_option": 1},
        {"kubeconfig": kubeconfig(port, users()[2]), "no_such_option": 1},
    ]


def pulls() -> "list[dict[str, Any]]":
    """The option C(pull) with a login or a signature in its URLs."""
    signed = f"https://store.example/m?X-Amz-Signature={MARKER}-30&X-Amz-Date=1"
    return [
        {"url": f"https://me:{MARKER}-31@store.example/m"},
        {"url": signed},
        {"url": f"https://store.example/m#{MARKER}-32", "password": f"{MARKER}-33"},
        {"url": "s3://bucket/m", "endpoint": f"https://me:{MARKER}-34@store.example"},
        {"url": "s3://bucket/m", "https_proxy": f"http://me:{MARKER}-35@127.0.0.1:x"},
    ]


@pytest.fixture(scope="module")
def closed_port() -> Iterator[int]:
    """A port that is taken but not listened on: connections to it are refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])


def chosen(port: int) -> "list[dict[str, Any]]":
    """Options of the tasks in the play: each kind once, since a task is a process or two."""
    made = cases(port)
    plugin = {"kubeconfig": kubeconfig(port, users()[2])}
    return [made[0], made[2], {**plugin, "proxy": made[2]["proxy"]}, *made[-4:]]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory, closed_port: int) -> "dict[str, Any]":
    folder = tmp_path_factory.mktemp("secrets")
    local = {"ansible_python_interpreter": sys.executable}
    inventory = {
        "all": {
            "hosts": {
                "worker": {**local, "ansible_connection": "local"},
                "module": {**local, "ansible_connection": "elsewhere"},
            },
            "vars": {"cases": chosen(closed_port), "pulls": pulls()[:2], "answers": str(folder)},
        }
    }
    return run_play(HERE / "secrets.yml", folder, inventory)


def told(module: Any, entry: Any, given: "dict[str, Any]") -> "dict[str, Any]":
    """Return what an action answers to options, without a play."""
    checked = ArgumentSpecValidator(module.ARGUMENT_SPEC, **module.SPEC_RULES).validate(given)
    params = checked.validated_parameters
    answer = EdgeAction._guarded(entry.run, params, Runtime())
    hidden = set(checked._no_log_values) | secrets(params)
    return censor({**answer, "invocation": {"module_args": shown(params)}}, hidden)


def test_no_marker_is_shown_in_process(closed_port: int) -> None:
    for options in cases(closed_port):
        found = told(model_status, status, {"namespace": "e", "name": "o", **options})
        assert "failed" in found, options
        assert MARKER not in json.dumps(found)
    for pull in pulls():
        store = {"namespace": "e", "pvc": {"claim_name": "m"}, "models": [], "pull": pull}
        found = told(model_repository, repository, {**store, "host": "https://127.0.0.1:1"})
        assert "failed" in found, pull
        assert MARKER not in json.dumps(found)


@pytest.mark.parametrize("host", ["worker", "module"])
def test_no_marker_is_shown(answers: "dict[str, Any]", host: str) -> None:
    for name, count in (("cases", 7), ("pulls", 2)):
        found = answers[host][name]
        assert len(found) == count
        for answer in found:
            # The loop's item is the test's own; everything else comes from the task.
            text = json.dumps({key: value for key, value in answer.items() if key != "item"})
            assert answer["failed"], text
            assert MARKER not in text, text


@pytest.mark.parametrize("host", ["worker", "module"])
def test_what_helps_is_shown(answers: "dict[str, Any]", host: str, closed_port: int) -> None:
    """Masking takes no more than it has to: hosts and ports stay readable."""
    texts = [answer["msg"] for answer in answers[host]["cases"]]
    assert f"https://127.0.0.1:{closed_port}" in texts[0]
    plugin = next(text for text in texts if "exec plugin of the kubeconfig failed" in text)
    assert "cannot log in with ******** and ********" in plugin
    assert any("content of a kubeconfig, not its path" in text for text in texts)
