# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take a cluster down: everything, whatever state it or a killed `up` left it in."""

from __future__ import annotations

import shutil
from pathlib import Path

from edge_lab import cgroups, cluster, machine, network, paths, plan
from edge_lab.errors import LabError
from edge_lab.host import say


def _folders(name: str) -> list[Path]:
    """A cluster's state, and what a killed `down` left of it (no cluster name has a dash)."""
    folder = machine.cluster_dir(name)
    return [folder, folder.with_name(f"down-{name}")]


def leftovers(name: str) -> list[str]:
    """What of a cluster is still on this host, in words; empty after `down`."""
    found = [f"process {pid}" for pid in cgroups.cluster_pids(name)]
    found += [f"cgroup {path}" for path in cgroups.cluster_groups(name)]
    found += [f"link {link}" for link in network.cluster_links(name, cluster.load(name))]
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    for folder in _folders(name):
        found += [f"mount {line.split()[1]}" for line in mounts if f"{folder}/" in line]
        found += [f"directory {folder}"] if folder.exists() else []
    return found


def _remove_state(name: str) -> None:
    folder, doomed = _folders(name)
    shutil.rmtree(doomed, ignore_errors=True)
    if folder.exists():
        # Half a state directory would mislead a later `up`: it goes at once, or not at all.
        folder.rename(doomed)
        shutil.rmtree(doomed)


def down(name: str) -> None:
    """End and remove everything of a cluster; nothing to do is fine. Raises LabError."""
    plan.check_name(name)
    if not leftovers(name):
        say(f"{name}: is down")
        return
    killed = cgroups.kill_all(name)
    cgroups.remove_all(name)
    network.remove(name, cluster.load(name))
    _remove_state(name)
    left = leftovers(name)
    if left:
        raise LabError(f"{name}: left behind: {'; '.join(left)}")
    say(f"{name}: down ({killed} processes ended)")


def all_names() -> list[str]:
    """Clusters with state, processes or both on this host."""
    state = paths.state()
    folders = [path.name for path in state.iterdir() if path.is_dir()] if state.is_dir() else []
    return sorted({name.removeprefix("down-") for name in folders} | cgroups.cluster_names())
