# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module inside the worker and as a module: the same result, and no secret in either."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from jobkit import HERE, ROOT, Event, Run, publish_locally, run_playbook, tiny_ir
from kubernetes import client as k8s

PLAYBOOK = HERE / "parity.yml"
PASSWORD = "a-password-that-nobody-may-see"
WRITTEN = [task for play in yaml.safe_load(PLAYBOOK.read_text()) for task in play["tasks"]]
TASKS = [task["name"] for task in WRITTEN]
# An action that refuses its options has none to repeat.
REFUSED_BY_ANSIBLE = (
    "Give an option that does not exist",
    "Give a value that does not exist",
    "Leave out what is required",
    "Give two stores",
)
# Times, what differs between two namespaces, and what Ansible adds on one of the ways.
DIFFERENT = ("seconds", "free_bytes", "exception", "deprecations")
NAMES = (
    (re.compile(r"edge-test-[0-9a-f]{8}"), "NAMESPACE"),
    (re.compile(r"\bovms-[0-9a-f]{6,10}-[0-9a-z]{5}\b"), "POD"),
    (re.compile(r"\bedge-agent-[0-9a-f]+(-[0-9a-z]{5})?\b"), "HELPER"),
    (re.compile(r"\b\d+(\.\d+)? s\b"), "TIME"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "HASH"),
    (re.compile(r"(\n *)?(\[[^\]\n]+\]){3,}[^\n]*"), "LOG LINE"),
    (re.compile(r"(LOG LINE\n?)+"), "LOG"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}\b"), "UID"),
    (re.compile(r"\b10\.\d+\.\d+\.\d+\b(?!:)"), "ADDRESS"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ][0-9:.]+Z?"), "MOMENT"),
)


@dataclass(frozen=True)
class Login:
    """An account of the API server with a token: its server, authority file and token."""

    server: str
    ca: Path
    token: str

    def kubeconfig(self) -> dict[str, Any]:
        """Return a kubeconfig as data."""
        ca = base64.b64encode(self.ca.read_bytes()).decode()
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "x",
            "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
            "clusters": [
                {"name": "x", "cluster": {"server": self.server, "certificate-authority-data": ca}}
            ],
            "users": [{"name": "x", "user": {"token": self.token}}],
        }


@pytest.fixture(scope="module")
def login(shop: Any, space: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Login]:
    """An administrator with a token, for as long as the tests of this file run."""
    namespace, config = space(shop), shop.api.configuration
    account = {"metadata": {"name": "parity"}}
    shop.core.create_namespaced_service_account(namespace, account)
    body = k8s.AuthenticationV1TokenRequest(spec=k8s.V1TokenRequestSpec(audiences=[]))
    made = shop.core.create_namespaced_service_account_token("parity", namespace, body)
    binding = {
        "metadata": {"name": f"{namespace}-parity"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "cluster-admin",
        },
        "subjects": [{"kind": "ServiceAccount", "name": "parity", "namespace": namespace}],
    }
    shop.rbac.create_cluster_role_binding(binding)
    ca = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.write_bytes(Path(config.ssl_ca_cert).read_bytes())
    yield Login(str(config.host), ca, str(made.status.token))
    shop.rbac.delete_cluster_role_binding(f"{namespace}-parity")


@dataclass
class Answers:
    """One run of the playbook on both hosts."""

    run: Run
    login: Login

    def of(self, host: str, task: str) -> Event:
        found = [event for event in self.run.of(host) if event.task == task]
        assert len(found) == 1, f"{task}: {len(found)} results on {host}\n{self.run.text[-3000:]}"
        return found[0]


@pytest.fixture(scope="module")
def answers(
    shop: Any,
    space: Callable[..., str],
    login: Login,
    tmp_path_factory: pytest.TempPathFactory,
    job_images: dict[str, str],
) -> Answers:
    work = tmp_path_factory.mktemp("parity")
    publish_locally(work / "models", "tiny", "1", tiny_ir())
    publish_locally(work / "other", "tiny", "1", tiny_ir("Abs"))
    (work / "kubeconfig").write_text(yaml.safe_dump(login.kubeconfig()))
    common = {
        **job_images,
        "api": login.server,
        "ca": str(login.ca),
        "token": login.token,
        "password": PASSWORD,
        "kubeconfig": login.kubeconfig(),
        "kubeconfig_file": str(work / "kubeconfig"),
        "edge_src": str(work / "models"),
        "other_src": str(work / "other"),
    }
    hosts = {
        "worker": {"namespace": space(shop)},
        "module": {"namespace": space(shop), "ansible_connection": "elsewhere"},
    }
    plugins = ROOT / "tests" / "unit" / "worker" / "connection_plugins"
    env = {"ANSIBLE_CONNECTION_PLUGINS": str(plugins), "ANSIBLE_INJECT_INVOCATION": "true"}
    run = run_playbook(work, PLAYBOOK, hosts, common, "-vvv", env=env)
    assert run.code == 0, run.text[-6000:]
    return Answers(run, login)


def plain(value: Any) -> Any:
    """Return a result without what is allowed to differ."""
    if isinstance(value, dict):
        return {
            key: plain(item)
            for key, item in value.items()
            if key not in DIFFERENT and not key.startswith("_ansible")
        }
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str):
        for pattern, name in NAMES:
            value = pattern.sub(name, value)
    return value


def flat(result: dict[str, Any]) -> list[str]:
    """Return a result as lines of YAML, so that a difference is easy to see."""
    return str(yaml.safe_dump(plain(result), width=200)).splitlines()


@pytest.mark.parametrize("task", TASKS)
def test_the_same_result_both_ways(task: str, answers: Answers) -> None:
    worker, module = answers.of("worker", task), answers.of("module", task)
    assert (worker.action, worker.outcome) == (module.action, module.outcome)
    if task in REFUSED_BY_ANSIBLE:
        module.result.pop("invocation")
    assert flat(worker.result) == flat(module.result)


def test_the_tasks_show_what_they_are_meant_to(answers: Answers) -> None:
    for written in WRITTEN:
        outcome = "ignored" if written.get("ignore_errors") else "ok"
        assert answers.of("worker", written["name"]).outcome == outcome, written["name"]
    for task, changed in (
        ("Make the claim, prediction", True),
        ("Make the claim, again", False),
        ("Copy, prediction", True),
        ("Copy", True),
        ("Copy, again", False),
        ("Deploy, prediction", True),
        ("Deploy", True),
        ("Deploy, again", False),
        ("Remove the server", True),
        ("Remove the server, again", False),
        ("Remove the models", True),
        ("Remove the models, again", False),
    ):
        event = answers.of("worker", task)
        assert (event.outcome, event.result["changed"]) == ("ok", changed), task
    assert "kind: Deployment" in str(answers.of("module", "Deploy").result["diff"])
    assert answers.of("module", "Deploy with a warning").result["warnings"]


def test_one_of_both_really_was_a_module(answers: Answers) -> None:
    shown = re.findall(r"^<(worker|module)> EXEC", answers.run.text, re.M)
    assert set(shown) == {"module"}


def test_no_secret_is_shown_not_even_with_vvv(answers: Answers) -> None:
    results = json.dumps([event.result for event in answers.run.events])
    for secret in (answers.login.token, PASSWORD):
        assert secret not in answers.run.text
        assert secret not in results
    assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in answers.run.text
