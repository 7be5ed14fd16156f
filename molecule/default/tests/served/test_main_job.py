# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After the main job: what is on each node, what runs there, and what it answers."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.store import AGENT_LABEL
from edge_checks import Scenario, process_of, read_picture, repository, states_in
from testinfra.host import Host

SERVER_UID = 5000
"""The user of OVMS images (C(USER ovms) in the model server's Dockerfile)."""

SOURCE = repository()


def files_on(host: Host, root: str) -> dict[str, tuple[str, int, int]]:
    """Return sha256, mode and owner of each file below a directory of a node."""
    found = host.check_output("find %s -type f -printf %s", root, r"%P %m %U\n")
    hashed = host.check_output("cd %s && find . -type f -exec sha256sum {} +", root)
    digests = {line.split()[1].removeprefix("./"): line.split()[0] for line in hashed.splitlines()}
    fields = (line.split() for line in found.splitlines())
    return {path: (digests[path], int(mode, 8), int(uid)) for path, mode, uid in fields}


def test_each_node_holds_exactly_the_files_of_the_repository(
    host: Host, scenario: Scenario
) -> None:
    found = files_on(host, f"{scenario.store['host_path']['path']}/models")
    assert {path: digest for path, (digest, _mode, _uid) in found.items()} == {
        str(path.relative_to(SOURCE)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in SOURCE.glob("*/*/*")
    }


def test_the_server_may_read_the_files_and_nobody_else_may_write_them(
    host: Host, scenario: Scenario
) -> None:
    for _digest, mode, uid in files_on(
        host, f"{scenario.store['host_path']['path']}/models"
    ).values():
        assert mode & (0o400 if uid == SERVER_UID else 0o004)
        assert not mode & 0o022


def test_nothing_is_left_in_staging(host: Host, scenario: Scenario) -> None:
    staging = host.file(f"{scenario.store['host_path']['path']}/.edge/staging")
    assert not staging.exists or staging.listdir() == []


def test_the_server_runs_as_an_ordinary_user(host: Host, here: dict[str, Any]) -> None:
    status = host.file(f"/proc/{process_of(host, here)}/status").content_string
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["Uid"].split() == [str(SERVER_UID)] * 4
    assert int(fields["CapEff"], 16) == 0
    assert fields["NoNewPrivs"] == "1"


def test_the_models_are_mounted_read_only(host: Host, here: dict[str, Any]) -> None:
    mounts = host.file(f"/proc/{process_of(host, here)}/mounts").content_string
    options = [line.split()[3] for line in mounts.splitlines() if line.split()[1] == "/models"]
    assert [text.split(",")[0] for text in options] == ["ro"]


@pytest.mark.parametrize("port", ["8080", "8081"])
def test_the_ports_answer_on_the_node(host: Host, here: dict[str, Any], port: str) -> None:
    script = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)"
    done = host.run("python3 -c %s %s %s", script, here["status"]["podIP"], port)
    assert done.rc == 0, done.stderr


def test_the_config_endpoint_says_available(host: Host, here: dict[str, Any]) -> None:
    script = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())"
    url = f"http://{here['status']['podIP']}:8081/v1/config"
    assert states_in(host.check_output("python3 -c %s %s", script, url)) == {
        ("ocr_detection", "1"): "AVAILABLE",
        ("ocr_recognition", "1"): "AVAILABLE",
    }


def test_the_helper_pods_are_gone(client: KubeClient, scenario: Scenario) -> None:
    for api_version, kind in (("batch/v1", "Job"), ("v1", "Pod"), ("v1", "ConfigMap")):
        where = (api_version, kind, scenario.namespace)
        assert client.list(*where, label_selector=AGENT_LABEL)[0] == []


def test_each_replica_reads_the_words_of_a_picture(
    kubeconfig: str, scenario: Scenario, replicas: list[dict[str, Any]]
) -> None:
    lines = read_picture(kubeconfig, scenario, SOURCE)
    assert len(lines) == len(replicas) == 2
