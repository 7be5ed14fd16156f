# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One machine: namespaces of its own, held by its process 1, and programs started inside.

A machine has its own mounts, processes, network, host name and IPC. Nothing of it is mounted or
named outside: when its process 1 ends, the kernel ends all its processes, mounts and links.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from edge_lab import cgroups, paths, processes
from edge_lab.errors import LabError
from edge_lab.plan import Machine

#: Where a machine finds the lab's own files (programs, configuration, pid records).
HOME = "/var/lib/edge-lab"
ENVIRONMENT = {
    "PATH": f"{HOME}/bin:/usr/lib/cni:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "GOMAXPROCS": "2",
    "CONTAINERD_ADDRESS": "/run/containerd/containerd.sock",
    "CONTAINERD_NAMESPACE": "k8s.io",
    "KUBECONFIG": f"{HOME}/etc/admin.kubeconfig",
}
#: Runs as process 1. All binds are made while mounts are private and shared afterwards: a bind of
#: a shared mount would be its peer, and each volume would show up twice.
INIT_SCRIPT = """
set -e
root=$1 bin=$2 disks=$3 host=$4
mount --bind "$bin" "$root/lib/edge-lab/bin"
mount -o remount,bind,ro "$root/lib/edge-lab/bin"
if [ "$host" = control ]; then
    mount --bind "$disks" "$root/lib/edge-lab/disks"
else
    mount --bind "$disks/$host" "$root/lib/openvino-edge"
    mount --bind "$disks/shared" "$root/lib/openvino-edge/shared"
fi
mount --bind "$root/log" /var/log
mount --rbind "$root/lib" /var/lib
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock
mount --make-rshared /
echo "$5" > /proc/sys/kernel/hostname
exec /var/lib/edge-lab/bin/pause
"""
#: Writes the record, then becomes the program: killing the tool between the two is harmless.
START_SCRIPT = """
record=$1; shift
echo "$$ $(cut -d ' ' -f 22 /proc/$$/stat)" > "$record.partial"
mv "$record.partial" "$record"
exec "$@"
"""


def cluster_dir(cluster: str) -> Path:
    """Where a cluster's state is on this host."""
    return paths.state() / cluster


def root_dir(machine: Machine) -> Path:
    """Where a machine's /var/lib and /var/log are on this host."""
    return cluster_dir(machine.cluster) / "machines" / machine.name


def home_dir(machine: Machine) -> Path:
    """The machine's HOME on this host."""
    return root_dir(machine) / "lib" / "edge-lab"


def disks_dir(cluster: str) -> Path:
    """The disks of a cluster: `shared` and one directory per node."""
    return cluster_dir(cluster) / "disks"


def log_file(machine: Machine, component: str) -> Path:
    """The log of one component on this host."""
    return root_dir(machine) / "log" / "edge-lab" / f"{component}.log"


def make_dirs(machine: Machine) -> None:
    """Make the directories a machine mounts, with the owners a site's admin would give them."""
    home = home_dir(machine)
    for name in ("bin", "etc", "run", "disks"):
        (home / name).mkdir(parents=True, exist_ok=True)
    (root_dir(machine) / "log" / "edge-lab").mkdir(parents=True, exist_ok=True)
    disks = disks_dir(machine.cluster)
    (disks / "shared").mkdir(parents=True, exist_ok=True)
    if machine.control:
        return
    (root_dir(machine) / "lib" / "openvino-edge").mkdir(exist_ok=True)
    for name in ("models", "volumes", "disks/a", "disks/b", "shared"):
        (disks / machine.name / name).mkdir(parents=True, exist_ok=True)
    # The uid of the user in OVMS's container images (Dockerfile.ubuntu: ovms, 5000:5000).
    for name in ("models", "disks/a", "disks/b"):
        os.chown(disks / machine.name / name, 5000, 5000)


def init_pid(machine: Machine) -> int | None:
    """Process 1 of a machine, as this host sees it; None when the machine is down."""
    return processes.find_init(cgroups.system_pids(machine))


def _wait(what: str, probe: Callable[[], int | None], timeout: float = 10.0) -> int:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        pid = probe()
        if pid:
            return pid
        time.sleep(0.02)
    raise LabError(f"{what} did not start in {timeout:g} s")


def boot(machine: Machine, binaries: Path) -> int:
    """Start a machine's process 1 unless it runs; return its pid. Raises LabError."""
    running = init_pid(machine)
    if running:
        _check_state(machine, running)
        return running
    make_dirs(machine)
    cgroups.create(machine)
    host = "control" if machine.control else machine.name
    argv = ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--mount-proc"]
    argv += ["--propagation", "private", "sh", "-c", INIT_SCRIPT, "init", str(root_dir(machine))]
    argv += [str(binaries), str(disks_dir(machine.cluster)), host, machine.name]
    _spawn(machine, argv, log_file(machine, "init"))
    pause = f"{HOME}/bin/pause"

    def booted() -> int | None:
        pid = init_pid(machine)
        # The command changes when the script is done and becomes `pause`.
        done = pid and Path(f"/proc/{pid}/cmdline").read_bytes().startswith(pause.encode())
        return pid if done else None

    return _wait(f"{machine.name} (see {log_file(machine, 'init')})", booted)


def _check_state(machine: Machine, pid: int) -> None:
    """Raise LabError when a running machine was started from another state directory."""
    ours, theirs = root_dir(machine) / "lib", Path(f"/proc/{pid}/root/var/lib")
    if not ours.exists() or not ours.samefile(theirs):
        raise LabError(
            f"{machine.name} runs from another state directory than {paths.state()}; "
            f"set EDGE_STATE as it was, or run: lab down {machine.cluster}"
        )


def _spawn(machine: Machine, argv: Sequence[str], log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        subprocess.Popen(  # noqa: S603
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
            preexec_fn=lambda: cgroups.join(machine),  # noqa: PLW1509
        )


def enter(machine: Machine, argv: Sequence[str]) -> list[str]:
    """The command that runs `argv` inside the machine. Raises LabError when it is down."""
    pid = init_pid(machine)
    if pid is None:
        raise LabError(f"machine {machine.name} is down")
    settings = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
    nsenter = ["nsenter", "-t", str(pid), "-m", "-u", "-i", "-n", "-p", "--wd=/", "--"]
    return [*nsenter, "/usr/bin/env", *settings, *argv]


def record_file(machine: Machine, component: str) -> Path:
    """Where a component's process is recorded, on this host."""
    return home_dir(machine) / "run" / f"{component}.pid"


def component_pid(machine: Machine, component: str) -> int | None:
    """A component's pid as this host sees it; None when it does not run."""
    record = processes.read_record(record_file(machine, component))
    return processes.find(record, cgroups.system_pids(machine)) if record else None


def start(
    machine: Machine, component: str, argv: Sequence[str], env: Mapping[str, str] | None = None
) -> int:
    """Start a component unless it runs; return its pid. Raises LabError."""
    running = component_pid(machine, component)
    if running:
        return running
    record_file(machine, component).unlink(missing_ok=True)
    assignments = [f"{name}={value}" for name, value in (env or {}).items()]
    record = f"{HOME}/run/{component}.pid"
    inner = ["setsid", "-f", "sh", "-c", START_SCRIPT, component, record]
    _spawn(
        machine,
        enter(machine, [*inner, "env", *assignments, *argv]),
        log_file(machine, component),
    )
    return _wait(f"{component} on {machine.name}", lambda: component_pid(machine, component))


def last_words(machine: Machine, component: str, lines: int = 5) -> str:
    """The end of a component's log, for error messages."""
    try:
        text = log_file(machine, component).read_text(errors="replace")
    except OSError:
        return "(no log)"
    return "\n".join(text.splitlines()[-lines:])
