# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's cgroups: one per machine in every hierarchy, cgroup v1 (also hybrid) or v2.

Every process of a machine is born in `edge-MACHINE/system` of one hierarchy and all containers
run below `edge-MACHINE`. So the processes of a machine can be found, and only those, even when
the tool that started them was killed before it wrote anything down.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from edge_lab import plan
from edge_lab.errors import LabError

ROOT = Path("/sys/fs/cgroup")
#: Controllers pods need on cgroup v2 (https://docs.kernel.org/admin-guide/cgroup-v2.html).
V2_CONTROLLERS = ("cpuset", "cpu", "io", "memory", "pids")


def unified(root: Path = ROOT) -> bool:
    """Whether this host has cgroup v2 only."""
    return (root / "cgroup.controllers").exists()


def hierarchies(root: Path = ROOT) -> list[Path]:
    """The directories below which each hierarchy keeps its groups."""
    if unified(root):
        return [root]
    # Links such as cpu -> cpu,cpuacct would name one hierarchy twice.
    found = [path for path in sorted(root.iterdir()) if path.is_dir() and not path.is_symlink()]
    return [path for path in found if (path / "cgroup.procs").exists()]


def tracking(root: Path = ROOT) -> Path:
    """The hierarchy in which processes are found again."""
    return root if unified(root) else root / "pids"


def _enable_v2(group: Path) -> None:
    have = (group / "cgroup.controllers").read_text().split()
    wanted = [f"+{name}" for name in V2_CONTROLLERS if name in have]
    (group / "cgroup.subtree_control").write_text(" ".join(wanted))


def _fill_cpuset(group: Path) -> None:
    """Give a new v1 cpuset its parent's CPUs: an empty one takes no process."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if (group / name).exists() and not (group / name).read_text().strip():
            (group / name).write_text((group.parent / name).read_text())


def create(machine: plan.Machine) -> None:
    """Make the machine's cgroup in every hierarchy, and `system` for its own processes."""
    for hierarchy in hierarchies():
        group = hierarchy / machine.cgroup
        group.mkdir(exist_ok=True)
        if not unified():
            _fill_cpuset(group)
    if unified():
        _enable_v2(ROOT)
        _enable_v2(ROOT / machine.cgroup)
    (tracking() / machine.cgroup / "system").mkdir(exist_ok=True)


def join(machine: plan.Machine) -> None:
    """Move the calling process into the machine's `system` group."""
    (tracking() / machine.cgroup / "system" / "cgroup.procs").write_text(str(os.getpid()))


def _groups(top: Path) -> Iterator[Path]:
    for directory, _, _ in os.walk(top, topdown=False):
        yield Path(directory)


def _pids(group: Path) -> list[int]:
    try:
        return [int(pid) for pid in (group / "cgroup.procs").read_text().split()]
    except OSError:
        return []


def system_pids(machine: plan.Machine) -> list[int]:
    """Processes of the machine itself: init, components, container shims; no containers."""
    return _pids(tracking() / machine.cgroup / "system")


def cluster_groups(cluster: str) -> list[Path]:
    """Top groups of the cluster's machines, in all hierarchies."""
    return [
        path
        for hierarchy in hierarchies()
        for path in sorted(hierarchy.glob(f"edge-{cluster}-*"))
        if plan.owns(cluster, path.name)
    ]


def cluster_pids(cluster: str) -> list[int]:
    """All processes of a cluster, containers included."""
    groups = [group for top in cluster_groups(cluster) for group in _groups(top)]
    return sorted({pid for group in groups for pid in _pids(group) if pid > 0})


def cluster_names() -> set[str]:
    """Clusters that have a cgroup on this host."""
    names = {path.name for path in tracking().glob("edge-*-*")}
    return {name.split("-")[1] for name in names if plan.owns(name.split("-")[1], name)}


def kill_all(cluster: str, timeout: float = 30.0) -> int:
    """End every process of a cluster; return how many there were.

    Raises LabError when some are still there after `timeout` seconds.
    """
    seen: set[int] = set()
    deadline = time.monotonic() + timeout
    while True:
        pids = cluster_pids(cluster)
        if not pids:
            return len(seen)
        seen.update(pids)
        if time.monotonic() > deadline:
            raise LabError(f"cluster {cluster}: processes do not end: {pids}")
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)


def remove_all(cluster: str, timeout: float = 10.0) -> None:
    """Remove the cluster's empty groups. Raises LabError when one stays busy."""
    deadline = time.monotonic() + timeout
    while True:
        for top in cluster_groups(cluster):
            for group in _groups(top):
                with contextlib.suppress(OSError):
                    group.rmdir()
        left = cluster_groups(cluster)
        if not left:
            return
        if time.monotonic() > deadline:
            raise LabError(f"cgroups stay busy: {', '.join(map(str, left))}")
        time.sleep(0.1)
