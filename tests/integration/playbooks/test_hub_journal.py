# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollout whose journal is on a hub: the sites on one real cluster, the hub on another.

The account of the hub has the shipped rights and no other.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from accounts import Restricted
from fleetkit import ROOT, SITES, Sites
from rollout_hub import Hub, bind_shipped

sys.path.insert(0, str(ROOT / "tests" / "testbed" / "fleet"))

import wavekit  # noqa: E402


@pytest.fixture
def hub(
    sites: Sites,
    factory: Any,
    make_namespace: Callable[..., str],
    account: Callable[[Any], Restricted],
) -> Iterator[Hub]:
    """The journal of the sites is on another cluster."""
    namespace, who = make_namespace(factory), account(factory)
    bind_shipped(factory, namespace, who)
    sites.journal = {"kubeconfig": str(who.kubeconfig), "namespace": namespace}
    yield Hub(factory, namespace)


def start(sites: Sites, version: int, *options: str) -> subprocess.Popen[str]:
    """Start a rollout in a session of its own."""
    return subprocess.Popen(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            "site.yml",
            *("-i", str(sites.inventory)),
            *sites.options(version),
            *options,
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        text=True,
        start_new_session=True,
    )


def lose(sites: Sites) -> None:
    """Kill all processes of the runs over these sites at once, as if their machine was lost."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if str(sites.inventory).encode() in words:
            os.kill(int(path.parent.name), signal.SIGKILL)


@pytest.mark.whole
def test_a_lost_machine_leaves_its_rollout_to_another_one(sites: Sites, hub: Hub) -> None:
    lost = start(sites, 3)
    assert lost.stdout is not None
    for line in lost.stdout:
        # The canary is done, and the second wave copies.
        if "TASK [openvino.edge.model_repository" in line and hub.states().get("north"):
            break
    # It stands still, so that it does not end before the second run has looked; it still lives.
    os.kill(lost.pid, signal.SIGSTOP)
    assert f"/{lost.pid}/" in hub.holder()
    second = sites.rollout(3)
    assert second.code == 2, second.text
    assert f"process {lost.pid} on" in second.text and "works on rollout 1 of it" in second.text
    lose(sites)
    lost.communicate()
    assert hub.states()["canary"] == ("done", "") and hub.states()["north"][0] == "begun"
    assert f"/{lost.pid}/" in hub.holder(), "nobody was left to give it back"

    again = sites.rollout(3)
    assert again.code == 0, again.text
    assert f"process {lost.pid} on" in again.text and "looked at for up to" in again.text
    assert "going on with rollout 1" in again.text
    assert again.changed["canary"] == 0, "a finished cluster is only asked again"
    assert hub.states() == dict.fromkeys(SITES, ("done", ""))
    assert [item["verdict"] for item in hub.rollouts()] == ["done"]
    assert hub.holder() == ""
    for site in SITES:
        assert sites.releases(site) == [(3, "good")], "nothing is released twice"


def test_a_killed_controller_gives_the_fleet_back_and_a_stop_is_remembered(
    sites: Sites, hub: Hub
) -> None:
    first = sites.rollout(1)
    assert first.code == 0, first.text
    killed = start(sites, 2)
    assert killed.stdout is not None
    for line in killed.stdout:
        if "Put the release back that served before" in line:
            break
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    hub.until_free()
    assert "1 cluster of wave 'first' failed" in hub.rollouts()[-1]["stopped"]

    again = sites.rollout(2)
    assert again.code == 2, again.text
    assert "which was stopped: 1 cluster of wave 'first' failed" in again.text
    assert [item["verdict"] for item in hub.rollouts()] == ["done", "stopped"]
    assert sites.releases("canary")[-1] == (1, "good")
    for site in ("north", "south"):
        assert sites.releases(site) == [(1, "good")]


def start_slice(sites: Sites, version: int, limit: str) -> subprocess.Popen[str]:
    """Start one of two jobs of a rollout."""
    given = ("-e", "edge_slices=2", "-e", f"edge_rollout_id=night-{version}")
    return start(sites, version, "--limit", limit, *given)


def slices(sites: Sites, version: int) -> list[tuple[int, str]]:
    """Run a rollout in two jobs at the same time; return exit code and output of each."""
    jobs = [start_slice(sites, version, limit) for limit in ("canary,north", "south")]
    texts = [job.communicate()[0] for job in jobs]
    return [(job.returncode, text) for job, text in zip(jobs, texts, strict=True)]


def test_two_slices_have_one_budget(sites: Sites, hub: Hub) -> None:
    for code, text in slices(sites, 1):
        assert code == 0, text
    assert hub.states() == dict.fromkeys(SITES, ("done", ""))
    assert [item["verdict"] for item in hub.rollouts()] == ["done"]

    (first, north), (second, south) = slices(sites, 2)
    assert (first, second) == (2, 2), north + south
    assert "waiting for the slice of canary and 1 more clusters" in south
    for text in (north, south):
        assert "1 cluster of wave 'first' failed, and 0 may" in " ".join(text.split())
    assert "put back to what it served before" in north
    assert "south: it was not begun, since the rollout stopped" in " ".join(south.split())
    assert [item["verdict"] for item in hub.rollouts()] == ["done", "stopped"]
    assert sites.releases("canary") == [(1, "good"), (2, "failed"), (1, "good")]
    for site in ("north", "south"):
        assert sites.releases(site) == [(1, "good")]


@pytest.mark.whole
def test_a_killed_slice_that_is_started_again_goes_on(sites: Sites, hub: Hub) -> None:
    north, south = (start_slice(sites, 1, limit) for limit in ("canary,north", "south"))
    assert south.stdout is not None
    for line in south.stdout:
        if "waiting for the slice of canary" in line:
            break
    os.killpg(south.pid, signal.SIGKILL)
    south.communicate()
    again = start_slice(sites, 1, "south")
    for job in (again, north):
        text = job.communicate()[0]
        assert job.returncode == 0, text
    assert hub.states() == dict.fromkeys(SITES, ("done", ""))
    assert [item["verdict"] for item in hub.rollouts()] == ["done"]


class Cable(threading.Thread):
    """A proxy between the controller and the hub, which can be pulled out."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.start()

    def run(self) -> None:
        """Take connections until it is pulled out."""
        while True:
            try:
                near = self._listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._tunnel, args=(near,), daemon=True).start()

    def pull_out(self) -> None:
        """End all connections and take no new ones."""
        for end in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _tunnel(self, near: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += near.recv(1)
        host, _, port = head.split()[1].decode().rpartition(":")
        far = socket.create_connection((host, int(port)))
        self._open += [near, far]
        near.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(OSError, ValueError):
            while True:
                for end in select.select([near, far], [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    (far if end is near else near).sendall(data)


@pytest.mark.whole
def test_a_hub_that_is_lost_stops_the_rollout(tmp_path: Path, sites: Sites, hub: Hub) -> None:
    """Over clusters that are none; what the second batch of three does is never told."""
    cable = Cable()
    waves = [2, {"name": "rest", "rest": True, "batch": 3}]
    given = {"edge_waves": waves, "edge_fleet": "tests", "edge_journal": sites.journal}
    through = {**given, "edge_journal": {**sites.journal, "proxy": cable.url}}
    how = dict.fromkeys("abcdefgh", "")

    def cut() -> None:
        while "c" not in hub.states():
            time.sleep(0.01)
        cable.pull_out()

    threading.Thread(target=cut, daemon=True).start()
    lost = wavekit.run(tmp_path, wavekit.ours(), how, **through)
    assert lost.code != 0, lost.text
    assert not set("fgh") & {*lost.did, *hub.states()}, lost.text
    assert "journal: hub https://" in lost.text
    assert hub.states()["a"] == ("done", "")
    (rollout,) = hub.rollouts()
    assert "ended" not in rollout and "stopped" not in rollout

    again = wavekit.run(tmp_path, wavekit.ours(), how, **given)
    assert again.code == 0, again.text
    assert "going on with rollout 1" in again.text
    assert hub.states() == dict.fromkeys(how, ("done", ""))
