# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exec plugins of a kubeconfig: what they are told, what they may answer, when they run again."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import AuthError, InputError
from ansible_collections.openvino.edge.plugins.module_utils.kube.auth import exec_plugin
from ansible_collections.openvino.edge.plugins.module_utils.kube.auth.endpoint import load_endpoint
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient

from ...fakes.loopback import Received, answer, api
from ..conftest import Authority
from .test_endpoint import kubeconfig

GROUP = "client.authentication.k8s.io"
V1, V1BETA1 = f"{GROUP}/v1", f"{GROUP}/v1beta1"
SECRET = "very-secret-value"


def body(command: str = "plugin", **more: Any) -> dict[str, Any]:
    return {"apiVersion": V1, "command": command, "interactiveMode": "Never", **more}


def credential(version: str = V1, **status: Any) -> bytes:
    kind = {"apiVersion": version, "kind": "ExecCredential"}
    return json.dumps({**kind, "status": status}).encode()


class Programs:
    """Takes the place of the process: gives scripted answers and notes what it was given."""

    def __init__(self, *answers: bytes, status: int = 0, stderr: bytes = b"") -> None:
        self.answers, self.status, self.stderr = list(answers), status, stderr
        self.calls: list[tuple[Sequence[str], Mapping[str, str]]] = []

    def __call__(
        self, argv: Sequence[str], environ: Mapping[str, str], seconds: float
    ) -> tuple[int, bytes, bytes]:
        self.calls.append((argv, environ))
        return self.status, self.answers.pop(0) if self.answers else b"", self.stderr


def made(run: Any, now: float = 0.0, cluster: Any = None, **fields: Any) -> exec_plugin.ExecPlugin:
    wanted = exec_plugin.program("file, context one", body("sh", **fields), cluster or {})
    return exec_plugin.ExecPlugin(wanted, dict(os.environ), run, lambda: now)


def test_what_a_plugin_is_told() -> None:
    run = Programs(credential(token="t"))
    authority = exec_plugin.cluster_info(
        "https://one",
        {
            "tls-server-name": "other",
            "extensions": [
                {"name": "else", "extension": 1},
                {"name": f"{GROUP}/exec", "extension": {"audience": "a"}},
            ],
        },
        b"pem",
        True,
    )
    env = [{"name": "AWS_PROFILE", "value": "edge"}]
    plugin = made(run, cluster=authority, args=["a", "b"], env=env, provideClusterInfo=True)
    assert plugin.credentials().token == "t"
    argv, environ = run.calls[0]
    assert list(argv[1:]) == ["a", "b"]
    assert environ["AWS_PROFILE"] == "edge"
    assert environ["PATH"] == os.environ["PATH"]
    assert json.loads(environ["KUBERNETES_EXEC_INFO"]) == {
        "kind": "ExecCredential",
        "apiVersion": V1,
        "spec": {
            "interactive": False,
            "cluster": {
                "server": "https://one",
                "tls-server-name": "other",
                "certificate-authority-data": base64.b64encode(b"pem").decode(),
                "config": {"audience": "a"},
            },
        },
    }


def test_the_cluster_is_told_only_when_it_is_asked_for() -> None:
    run = Programs(credential(token="t"))
    made(run, cluster={"server": "https://one"}).credentials()
    assert json.loads(run.calls[0][1]["KUBERNETES_EXEC_INFO"])["spec"] == {"interactive": False}


def test_it_runs_again_when_its_credentials_end_or_are_refused() -> None:
    run = Programs(
        credential(token="one", expirationTimestamp="1970-01-01T00:01:40.123456789Z"),
        credential(token="two", expirationTimestamp="1970-01-01T02:01:41+02:00"),
        credential(token="three"),
    )
    now = [0.0]
    wanted = exec_plugin.program("s", body("sh"), {})
    plugin = exec_plugin.ExecPlugin(wanted, dict(os.environ), run, lambda: now[0])
    first = plugin.credentials()
    assert plugin.credentials() is first
    now[0] = 100.5
    second = plugin.credentials()
    assert (second.token, plugin.credentials(rejected=first)) == ("two", second)
    assert plugin.credentials(rejected=second).token == "three"
    assert len(run.calls) == 3


@pytest.mark.parametrize(
    ("out", "text"),
    [
        (b"", "no ExecCredential"),
        (b"{", "printed no ExecCredential"),
        (b"[]", "has to be a mapping"),
        (credential(token=5), "status.token has to be text"),
        (credential(), "neither a token nor a certificate"),
        (credential(version=V1BETA1, token="t"), f"did not answer with an ExecCredential of {V1}"),
        (credential(clientCertificateData="c"), "a certificate without its key"),
        (credential(token="t", expirationTimestamp="soon"), "expirationTimestamp is not a time"),
    ],
)
def test_answers_that_are_none(out: bytes, text: str) -> None:
    with pytest.raises(AuthError) as caught:
        made(Programs(out)).credentials()
    assert text in str(caught.value)
    assert caught.value.option == "kubeconfig"


def test_yaml_is_an_answer_too() -> None:
    out = f"apiVersion: {V1}\nkind: ExecCredential\nstatus:\n  token: t\n".encode()
    assert made(Programs(out)).credentials().token == "t"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"command": ""}, "has no command"),
        ({"apiVersion": ""}, "has no apiVersion"),
        ({"apiVersion": f"{GROUP}/v1alpha1"}, "v1alpha1"),
        ({"interactiveMode": ""}, "has no interactiveMode"),
        ({"interactiveMode": "Sometimes"}, "is not one of Never, IfAvailable, Always"),
        ({"interactiveMode": "Always"}, "wants a terminal"),
        ({"env": [{"value": "v"}]}, "in env of the exec plugin has no name"),
    ],
)
def test_fields_that_cannot_be(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match="kubeconfig: ") as caught:
        exec_plugin.program("s", {**body(), **fields}, {})
    assert text in str(caught.value)


def test_v1beta1_needs_no_interactive_mode() -> None:
    assert exec_plugin.program("s", {"apiVersion": V1BETA1, "command": "x"}, {}).version == V1BETA1


def test_a_program_that_is_not_there_has_the_files_hint() -> None:
    wanted = exec_plugin.program("s", body("no-such", installHint="Get it\x1b[31m here"), {})
    with pytest.raises(InputError, match="'no-such' .* is not installed here. Get it here"):
        exec_plugin.ExecPlugin(wanted, {"PATH": "/nowhere"}).credentials()


def test_stderr_is_shown_without_what_was_secret() -> None:
    told = f"\x1b[1mcannot log in\x1b[0m with {SECRET} as {SECRET}-2, {SECRET}-3 at edge".encode()
    run = Programs(status=3, stderr=told)
    with pytest.raises(AuthError) as caught:
        made(
            run,
            args=["--client-secret", f"{SECRET}-2", f"--token={SECRET}-3", "--name", "edge"],
            env=[{"name": "PASSWORD", "value": SECRET}],
        ).credentials()
    text = str(caught.value)
    assert (
        "failed: exit status 3: cannot log in with ******** as ********, ******** at edge" in text
    )
    assert SECRET not in text


def test_time_limit_ends_all_that_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exec_plugin, "TIME_LIMIT", 1.0)
    script = "echo open a browser >&2; sleep 600"
    with pytest.raises(AuthError, match="did not end within 1 s"):
        made(None, args=["-c", script]).credentials()


def test_no_terminal_and_no_input() -> None:
    script = f"read x; test -z \"$x\" && echo '{credential(token='t').decode()}'"
    assert made(None, args=["-c", script]).credentials().token == "t"


def counting(tmp_path: Path, authority: Authority | None = None, ends: str = "") -> dict[str, Any]:
    """A user whose plugin gives t1, t2, ... and a certificate from its second run on."""
    program = tmp_path / "plugin.py"
    status: dict[str, Any] = {"expirationTimestamp": ends} if ends else {}
    pair: dict[str, Any] = {}
    if authority:
        pair["clientCertificateData"] = Path(authority.cert).read_text()
        pair["clientKeyData"] = Path(authority.key).read_text()
    program.write_text(
        f"#!{sys.executable}\nimport json\n"
        f"with open({str(tmp_path / 'runs')!r}, 'a+') as runs:\n"
        "    runs.write('x'); runs.seek(0); count = len(runs.read())\n"
        f"status = dict({status!r}, token=f't{{count}}', **({pair!r} if count > 1 else {{}}))\n"
        f"print(json.dumps(dict(apiVersion={V1!r}, kind='ExecCredential', status=status)))\n"
    )
    program.chmod(0o755)
    return {"exec": body(str(program))}


def runs(tmp_path: Path) -> int:
    return len((tmp_path / "runs").read_text()) if (tmp_path / "runs").exists() else 0


def test_a_refused_token_is_replaced_with_its_certificate(
    tmp_path: Path, authority: Authority
) -> None:
    def answers(request: Received) -> bytes:
        fits = request.header("Authorization") == "Bearer t2"
        return answer(200, {"gitVersion": "v1"}) if fits else answer(401)

    with api(answers, authority.server()) as server:
        config = kubeconfig(counting(tmp_path, authority), server=server.url)
        with KubeClient.from_params({"kubeconfig": config, "ca_cert": authority.ca}) as client:
            before = client.endpoint.tls
            assert client.version() == {"gitVersion": "v1"}
            assert client.version() == {"gitVersion": "v1"}
        assert client.endpoint.tls is not before
        # The connection of the first certificate is not used again, the second one is.
        assert [request.connection for request in server.requests] == [1, 2, 2]
    assert runs(tmp_path) == 2


def test_credentials_that_have_ended_are_not_sent(tmp_path: Path, authority: Authority) -> None:
    with api(lambda _: answer(200, {}), authority.server()) as server:
        user = counting(tmp_path, ends="2020-01-01T00:00:00Z")
        params = {"kubeconfig": kubeconfig(user, server=server.url), "ca_cert": authority.ca}
        with KubeClient.from_params(params) as client:
            client.version()
        assert server.requests[0].header("Authorization") == "Bearer t2"


@pytest.mark.parametrize(
    ("user", "params"),
    [
        ({"token": "mine"}, {}),
        ({"username": "u", "password": "p"}, {}),
        ({}, {"api_key": "mine"}),
        ({}, {"username": "u", "password": "p"}),
    ],
)
def test_it_does_not_run_for_nothing(
    tmp_path: Path, user: dict[str, Any], params: dict[str, Any]
) -> None:
    """As with kubectl: who is known without the plugin is not asked for again."""
    found = load_endpoint({"kubeconfig": kubeconfig({**counting(tmp_path), **user}), **params}, {})
    assert found.authorization not in (None, "Bearer t1")
    assert runs(tmp_path) == 0


def test_no_package_is_imported_for_it(tmp_path: Path) -> None:
    name = "ansible_collections.openvino.edge.plugins.module_utils.kube.auth.endpoint"
    program = (
        f"import sys; from {name} import load_endpoint\n"
        f"found = load_endpoint({{'kubeconfig': {kubeconfig(counting(tmp_path))!r}}}, {{}})\n"
        "assert found.authorization == 'Bearer t1'\n"
        "assert 'kubernetes' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
