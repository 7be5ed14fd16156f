# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions that the checks of the scenarios ask the lab, a replica, its node, or a picture."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.releases import RELEASE_OF_LABEL
from testinfra.host import Host

TESTBED = Path(__file__).resolve().parents[1] / "tests" / "testbed"
LAB = TESTBED / "lab" / "lab"
REST_PORT = 8081
UNLOAD_SECONDS = 10.0
"""The gate opens when the wanted versions serve alone; others may still be leaving the memory."""

Pod = Mapping[str, Any]
States = dict[tuple[str, str], str]
"""State of each (model, version)."""


@dataclass(frozen=True)
class Scenario:
    """What the inventory of a scenario says about one of its hosts."""

    cluster: str
    namespace: str
    server: str
    store: dict[str, Any]

    @classmethod
    def read(cls, inventory: Path) -> list[Scenario]:
        """Read the variables of each host in an inventory directory, by name."""
        found = []
        for path in sorted(inventory.glob("host_vars/*.yml")):
            values = yaml.safe_load(path.read_text())
            words = (values["edge_namespace"], values["edge_name"], values["edge_store"])
            found.append(cls(path.stem, *words))
        return found


def output_of(*command: object) -> str:
    """Run a Python program of the tests and return what it prints; fail with what it says."""
    words = [sys.executable, *map(str, command)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def lab_cluster(name: str) -> dict[str, Any]:
    """Return what the lab tells of a cluster that is up."""
    clusters = json.loads(output_of(LAB, "status", "--json"))
    return next(dict(item) for item in clusters if item["name"] == name and item["up"])


def repository(*options: str) -> Path:
    """Return the generated model repository; C(--with-version-2) asks for the upgraded one."""
    return Path(output_of(TESTBED / "ocr" / "make_repository.py", *options).strip())


def process_of(host: Host, pod: Pod) -> str:
    """Return the process id, on the node, of the first process of the server's container."""
    container = pod["status"]["containerStatuses"][0]["containerID"].rpartition("/")[2]
    found = host.check_output("grep -ls %s /proc/[0-9]*/cgroup", container)
    return str(min(int(path.split("/")[2]) for path in found.splitlines()))


def states_in(body: str | bytes) -> States:
    """Return what an answer of C(/v1/config) says of models; a failed one as C(STATE/ERROR_CODE).

    The marker that names the loaded configuration is no model of anybody (docs/available.md).
    """
    states = {}
    for model, listed in json.loads(body).items():
        if model.startswith("edge-config-"):
            continue
        for item in listed["model_version_status"]:
            code = item["status"]["error_code"]
            state = item["state"] if code == "OK" else f"{item['state']}/{code}"
            states[model, item["version"]] = state
    return states


def states_of(client: KubeClient, pod: Pod) -> States:
    """Ask one replica, through the API server's pod proxy, what it serves."""
    metadata = pod["metadata"]
    answer = client.pod_proxy(
        metadata["namespace"], metadata["name"], REST_PORT, "GET", "/v1/config"
    )
    assert answer.status == 200, answer.body
    return states_in(answer.body)


def serves_in_the_end(client: KubeClient, pod: Pod, wanted: States) -> States:
    """Ask one replica until it serves what is wanted, or a version had its time to unload."""
    end = time.monotonic() + UNLOAD_SECONDS
    while (states := states_of(client, pod)) != wanted and time.monotonic() < end:
        time.sleep(0.5)
    return states


def releases_of(client: KubeClient, scenario: Scenario) -> list[tuple[int, str, int | None]]:
    """Return number, verdict and what it restores of each recorded release, the oldest first."""
    listed, _version = client.list(
        "v1",
        "ConfigMap",
        scenario.namespace,
        label_selector=f"{RELEASE_OF_LABEL}={scenario.server}",
    )
    records = [json.loads(item["data"]["release.json"]) for item in listed]
    return sorted((int(one["number"]), one["verdict"], one.get("restores")) for one in records)


def identities(pods: list[dict[str, Any]]) -> dict[str, str]:
    """Return name and container of each pod: another container means that it was restarted."""
    return {
        pod["metadata"]["uid"]: pod["status"]["containerStatuses"][0]["containerID"] for pod in pods
    }


def read_picture(kubeconfig: str, scenario: Scenario, models: Path) -> list[str]:
    """Let each replica read a picture that was never drawn before; return one line for each.

    Fails when one of them reads other words than those drawn.
    """
    where = ("--kubeconfig", kubeconfig, "--namespace", scenario.namespace)
    what = ("--server", scenario.server, "--repository", models)
    seed = random.randrange(1_000_000)
    return output_of(TESTBED / "ocr" / "read_text.py", *where, *what, "--seed", seed).splitlines()
