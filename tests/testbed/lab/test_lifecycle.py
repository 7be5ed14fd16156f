# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own life: up twice, repair, kill in the middle, down to nothing. Needs root."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from clusterkit import (
    LAB,
    Kubectl,
    eventually,
    given_kubeconfig,
    lab,
    lab_status,
    namespace,
    pod,
    service,
)
from edge_lab import network, teardown

NAME = "scratch"
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(bool(given_kubeconfig()), reason="about the lab's own clusters"),
    pytest.mark.skipif(os.geteuid() != 0, reason="the lab needs root"),
]


def host_snapshot() -> dict[str, list[str]]:
    """What `down` must bring back to what it was."""
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    groups = [str(path) for path in Path("/sys/fs/cgroup").glob(f"*/edge-{NAME}-*")]
    rules = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True)
    folders = ["/var/lib/kubelet", "/var/lib/cni", "/var/lib/openvino-edge", "/run/containerd"]
    return {
        "mounts": sorted(mounts),
        "groups": groups,
        "links": sorted(name for name in network.links() if name.startswith("edge-")),
        "rules": rules.stdout.splitlines(),
        "folders": [name for name in folders if Path(name).exists()],
        "namespaces": sorted(os.listdir("/run/netns")) if Path("/run/netns").exists() else [],
    }


def pids() -> dict[str, int]:
    """Every process `status` knows, machines included."""
    facts = lab_status()[NAME]
    found = {f"{row['machine']}/{row['component']}": row["pid"] for row in facts["components"]}
    found.update({node["name"]: node["init_pid"] for node in facts["nodes"]})
    return found


@pytest.fixture(scope="module", name="before")
def host_before() -> Iterator[dict[str, list[str]]]:
    lab("down", NAME)
    yield host_snapshot()
    lab("down", NAME)


@pytest.fixture(name="running")
def cluster_running(before: dict[str, list[str]]) -> Kubectl:
    lab("up", NAME)
    return Kubectl(lab("kubeconfig", NAME).stdout.strip())


def test_up_twice_changes_nothing(running: Kubectl) -> None:
    first = pids()
    assert all(first.values())
    again = lab("up", NAME)
    assert "started" not in again.stderr
    assert pids() == first


def test_up_repairs_what_died_and_pods_live_on(running: Kubectl) -> None:
    with namespace(running.base[2]) as inside:
        inside.apply(pod("web"), service("web"))
        inside.ready("pod/web")
        old = pids()
        uid = inside.get("pod", "web")["status"]["containerStatuses"][0]["containerID"]
        for pid in (pid for name, pid in old.items() if "/" in name):
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: not any(pid for name, pid in pids().items() if "/" in name))
        lab("up", NAME)
        new = pids()
        assert all(new[name] and new[name] != old[name] for name in new if "/" in name)
        fetch = ("exec", "web", "--", "/probe", "get", f"http://web.{inside.namespace}.svc/")
        assert eventually(lambda: inside(*fetch)).startswith("web / ")
        assert inside.get("pod", "web")["status"]["containerStatuses"][0]["containerID"] == uid


def test_up_repairs_a_dead_machine_and_a_lost_bridge(running: Kubectl) -> None:
    with namespace(running.base[2]) as inside:
        inside.apply(pod("web"), service("web"))
        inside.ready("pod/web")
        os.kill(pids()[f"{NAME}-1"], signal.SIGKILL)
        subprocess.run(["ip", "link", "delete", network.cluster_links(NAME, None)[0]], check=True)
        lab("up", NAME)
        fetch = ("exec", "web", "--", "/probe", "get", f"http://web.{inside.namespace}.svc/")
        assert eventually(lambda: inside(*fetch), 90).startswith("web / ")


def test_down_with_pods_leaves_nothing_and_may_be_repeated(
    running: Kubectl, before: dict[str, list[str]]
) -> None:
    running.apply(pod("left"))
    running.ready("pod/left")
    os.kill(pids()[f"{NAME}-1/containerd"], signal.SIGKILL)
    lab("down", NAME)
    assert teardown.leftovers(NAME) == []
    assert host_snapshot() == before
    assert "is down" in lab("down", NAME).stderr


@pytest.mark.parametrize("seconds", [0.1, 0.2, 0.3, 0.5, 1.0, 3.5, 4.5, 5.5])
def test_kill_in_the_middle_of_up_leaves_nothing_after_down(
    before: dict[str, list[str]], seconds: float
) -> None:
    with subprocess.Popen([LAB, "up", NAME], stderr=subprocess.DEVNULL) as running:
        time.sleep(seconds)
        running.kill()
    lab("down", NAME)
    assert teardown.leftovers(NAME) == []
    assert host_snapshot() == before


@pytest.mark.parametrize("seconds", [0.1, 0.25, 0.4])
def test_kill_in_the_middle_of_down_leaves_nothing_after_another(
    running: Kubectl, before: dict[str, list[str]], seconds: float
) -> None:
    with subprocess.Popen([LAB, "down", NAME], stderr=subprocess.DEVNULL) as ending:
        time.sleep(seconds)
        ending.kill()
    assert NAME in teardown.all_names() or not teardown.leftovers(NAME)
    lab("down", NAME)
    assert teardown.leftovers(NAME) == []
    assert host_snapshot() == before


def test_up_goes_on_after_a_kill_in_the_middle(before: dict[str, list[str]]) -> None:
    with subprocess.Popen([LAB, "up", NAME], stderr=subprocess.DEVNULL) as running:
        time.sleep(0.4)
        running.kill()
    lab("up", NAME)
    assert all(pids().values())


def test_another_state_directory_is_noticed(running: Kubectl, tmp_path: Path) -> None:
    env = {**os.environ, "EDGE_STATE": str(tmp_path)}
    done = subprocess.run([LAB, "up", NAME], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "another state directory" in done.stderr
    assert all(pids().values())
