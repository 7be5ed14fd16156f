# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What strikes: processes, pods, disks and clocks of the lab's own cluster, and nothing else."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_lab import api, cgroups, components, machine
from edge_lab import cluster as lab_clusters
from edge_lab.plan import Cluster, Machine

from edge_faults.candidates import Run, helper_pods
from edge_faults.sites import Site, SiteError

BALLAST = ".edge-faults-ballast"
READY_SECONDS = 90.0


def wait_for(what: str, probe: Callable[[], object], seconds: float = READY_SECONDS) -> None:
    """Poll until a probe is true; SiteError with C(what) when it is not in time."""
    end = time.monotonic() + seconds
    while not probe():
        if time.monotonic() > end:
            raise SiteError(f"not within {seconds:g} s: {what}")
        time.sleep(0.1)


def _kill(pids: list[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def restart_api_server(cluster: Cluster, pause: float) -> None:
    """SIGKILL the API server, start it again after C(pause) seconds, wait until it is ready."""
    component = components.apiserver(cluster)
    pid = machine.component_pid(component.machine, component.name)
    _kill([pid] if pid else [])
    time.sleep(pause)
    wait_for("the old API server is gone", lambda: not _component(cluster, "kube-apiserver"))
    machine.start(component.machine, component.name, component.argv, component.env)
    await_api(cluster)


def _component(cluster: Cluster, name: str) -> int | None:
    return machine.component_pid(cluster.control, name)


def await_api(cluster: Cluster) -> None:
    """Wait until the API server answers and the nodes are Ready."""
    server = lab_clusters.connect(cluster)
    wait_for("the API server is ready", server.ready)
    for node in cluster.nodes:

        def ready(name: str = node.name) -> bool:
            try:
                return api.node_serves(server, name)
            except OSError:
                return False

        wait_for(f"{node.name} is ready", ready)


def runtime_pids(node: Machine) -> list[int]:
    """Return containerd and its shims on one node."""
    found = []
    for pid in cgroups.system_pids(node):
        try:
            name = Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:
            continue
        if name.startswith("containerd"):
            found.append(pid)
    return found


def restart_runtime(cluster: Cluster, node: Machine, pause: float) -> None:
    """SIGKILL containerd and every shim, start containerd again after C(pause) seconds."""
    _kill(runtime_pids(node))
    time.sleep(pause)
    component = components.containerd(node)
    machine.start(node, component.name, component.argv, component.env)
    await_api(cluster)


def delete_pods(site: Site, names: list[str], how: str) -> None:
    """Take pods away: C(force), C(delete) with their grace period, or C(evict)."""
    for name in names:
        if how == "evict":
            body = {
                "apiVersion": "policy/v1",
                "kind": "Eviction",
                "metadata": {"name": name, "namespace": site.namespace},
            }
            path = f"/api/v1/namespaces/{site.namespace}/pods/{name}/eviction"
            try:
                site.kube("create", "--raw", path, "-f", "-", stdin=json.dumps(body))
            except SiteError as error:
                # The run was faster, and its pod is gone; a deletion does not mind either.
                if "(NotFound)" not in str(error):
                    raise
        else:
            words = ["--grace-period=0", "--force"] if how == "force" else []
            site.kube("delete", "pod", name, "--wait=false", "--ignore-not-found", *words)


def target_pods(site: Site, ours: bool) -> list[str]:
    """Return the pods through which a candidate writes."""
    return helper_pods(site) if ours else ["receiver"]


@contextmanager
def full_disk(site: Site) -> Iterator[None]:
    """Take all space of the site's own file system; give it back."""
    ballast = site.root / BALLAST
    try:
        with ballast.open("wb") as stream:
            for step in (1 << 20, 4096):
                _grow(stream.fileno(), step)
        yield
    finally:
        ballast.unlink(missing_ok=True)


def _grow(descriptor: int, step: int) -> None:
    size = os.fstat(descriptor).st_size
    while True:
        try:
            os.posix_fallocate(descriptor, size, step)
        except OSError:
            return
        size += step


@contextmanager
def no_inodes(site: Site) -> Iterator[None]:
    """Take all inodes of the site's own file system; give them back."""
    folder = site.root / BALLAST
    folder.mkdir()
    made = []
    try:
        for number in range(1_000_000):
            path = folder / str(number)
            try:
                path.touch(exist_ok=False)
            except OSError:
                break
            made.append(path)
        yield
    finally:
        for path in made:
            path.unlink()
        folder.rmdir()


def flip_byte(path: Path, chance: random.Random) -> int:
    """Flip bits of one byte of a file, its times as they were; return where."""
    status = path.stat()
    offset = chance.randrange(status.st_size)
    with path.open("r+b") as stream:
        stream.seek(offset)
        byte = stream.read(1)[0]
        stream.seek(offset)
        stream.write(bytes([byte ^ 0x55]))
        os.fsync(stream.fileno())
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    return offset


def staged_files(site: Site) -> list[Path]:
    """Return the files of the stages, largest first."""
    folder = site.root / ".edge" / "staging"
    found = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size > 4096]
    return sorted(found, key=lambda path: -path.stat().st_size)


def shift_times(site: Site, seconds: float) -> int:
    """Shift the times of everything in the engine's own directory; return how many."""
    count = 0
    for path in [site.root / ".edge", *(site.root / ".edge").rglob("*")]:
        try:
            status = path.stat()
            delta = int(seconds * 1e9)
            os.utime(path, ns=(status.st_atime_ns + delta, status.st_mtime_ns + delta))
            count += 1
        except FileNotFoundError:
            pass
    return count


def reach(run: Run, start: int, offset: int) -> bool:
    """Wait until a run has sent C(offset) bytes; False when it ended before."""
    net = run.site.net
    while not run.ended():
        if net.sent() - start >= offset:
            return True
        time.sleep(0.0005)
    return False
