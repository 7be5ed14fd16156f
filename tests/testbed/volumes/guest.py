# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""First process of the kernel of C(boot.py): makes a volume, runs pytest on it, ends the kernel."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
FINIT_MODULE = 313  # of x86-64
EEXIST = 17
VOLUME = "/mnt/volume"
EXPORT = "/mnt/export"
IMAGE_BYTES = 400 << 20
TEMPORARY = "/mnt/tmp"  # /tmp is that of the machine, and read-only here
ENV = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": TEMPORARY,
    "TMPDIR": TEMPORARY,
    "LC_ALL": "C.UTF-8",
}


def mount(source: str, target: str, kind: str, data: str = "") -> None:
    """Mount a file system of the kernel."""
    os.makedirs(target, exist_ok=True)
    if LIBC.mount(source.encode(), target.encode(), kind.encode(), 0, data.encode()):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def run(*argv: str) -> None:
    """Run a command; what it says is shown."""
    subprocess.run(argv, check=True, env=ENV)


class Modules:
    """Loads modules of the kernel and what they need."""

    def __init__(self, top: Path) -> None:
        lines = (top / "modules.dep").read_text().splitlines()
        self._needs = {
            path: rest.split() for path, _colon, rest in (x.partition(":") for x in lines)
        }
        self._top, self._loaded = top, set[str]()

    def load(self, *paths: str) -> None:
        """Load modules by their path without C(.ko)."""
        for path in paths:
            self._load(f"kernel/{path}.ko")

    def _load(self, path: str) -> None:
        if path in self._loaded:
            return
        self._loaded.add(path)
        for need in reversed(self._needs[path]):
            self._load(need)
        descriptor = os.open(self._top / path, os.O_RDONLY)
        if LIBC.syscall(FINIT_MODULE, descriptor, b"", 0) and ctypes.get_errno() != EEXIST:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
        os.close(descriptor)


def prepare() -> None:
    """Make the directories that a system has, and the loopback device."""
    for name in ("proc", "sysfs"):
        mount(name, "/proc" if name == "proc" else "/sys", name)
    for target in ("/run", "/mnt", "/var/lib/nfs"):
        mount("tmpfs", target, "tmpfs", "mode=755")
    os.makedirs(TEMPORARY)
    try:
        mount("dev", "/dev", "devtmpfs")
    except OSError:  # the kernel did it
        pass
    mount("shm", "/dev/shm", "tmpfs", "mode=1777")
    if not os.path.lexists("/dev/fd"):  # what bash makes of <(...)
        os.symlink("/proc/self/fd", "/dev/fd")
    with socket.socket() as probe:
        fcntl.ioctl(probe, 0x8914, struct.pack("16sh", b"lo", 0x49))  # SIOCSIFFLAGS: up


def nfs(modules: Modules, version: str, options: str, squash: str) -> None:
    """Export a directory by the kernel's own server, and mount it by the kernel's own client."""
    modules.load("fs/nfsd/nfsd", "fs/nfs/nfsv3", "fs/nfs/nfsv4")
    for name in ("sm", "sm.bak", "v4recovery", "rpc_pipefs"):
        os.makedirs(f"/var/lib/nfs/{name}", exist_ok=True)
    for name in ("etab", "rmtab", "state"):
        Path("/var/lib/nfs", name).touch()
    os.makedirs("/run/rpcbind", exist_ok=True)
    os.makedirs(EXPORT)
    os.chmod(EXPORT, 0o777)
    mount("nfsd", "/proc/fs/nfsd", "nfsd")
    run("rpcbind", "-w")
    run("rpc.mountd")
    flags = f"rw,fsid=0,insecure,no_subtree_check,{squash}"
    run("exportfs", "-i", "-o", flags, f"127.0.0.1:{EXPORT}")
    run("rpc.nfsd", "4")
    os.makedirs(VOLUME, exist_ok=True)
    source = "127.0.0.1:/" if version.startswith("4") else f"127.0.0.1:{EXPORT}"
    run("mount.nfs", source, VOLUME, "-o", f"vers={version},{options}")


def image(modules: Modules, kind: str, *maker: str) -> str:
    """Make a file system in a file, and return the device that shows it."""
    modules.load("drivers/block/loop")
    path = f"/mnt/{kind}.img"
    with open(path, "wb") as stream:
        stream.truncate(IMAGE_BYTES)
    run(*maker, path)
    done = subprocess.run(
        ["losetup", "-f", "--show", path], check=True, env=ENV, capture_output=True, text=True
    )
    return done.stdout.strip()


def vfat(modules: Modules) -> None:
    """FAT: no links, modes or owners; folds case; times of two seconds."""
    modules.load("fs/fat/vfat", "fs/nls/nls_cp437", "fs/nls/nls_iso8859-1", "fs/nls/nls_utf8")
    device = image(modules, "vfat", "mkfs.vfat", "-F", "32")
    mount(device, VOLUME, "vfat", "utf8=1,umask=000")


MAKERS: dict[str, Callable[[Modules], None]] = {
    "nfs3-soft": lambda modules: nfs(modules, "3", "soft,nolock", "no_root_squash"),
    "nfs4-hard": lambda modules: nfs(modules, "4.2", "hard", "no_root_squash"),
    "nfs4-squash": lambda modules: nfs(modules, "4.2", "hard", "root_squash"),
    "vfat": vfat,
}


def test() -> int:
    """Make the volume and run pytest on it; return its status."""
    given = {
        name: value.replace("\x1f", " ")
        for name, value in os.environ.items()
        if name.startswith("EDGE_GUEST_")
    }
    volume, tree = given["EDGE_GUEST_VOLUME"], given["EDGE_GUEST_TREE"]
    prepare()
    MAKERS[volume](Modules(Path(given["EDGE_GUEST_MODULES"])))
    python = given["EDGE_GUEST_PYTHON"]
    argv = [python, "-m", "pytest", "-q", "--color=no", "-p", "no:cacheprovider"]
    # Volumes are small: they would be full before the last tests.
    argv += ["-o", "tmp_path_retention_policy=failed"]
    argv += [f"--basetemp={VOLUME}/t", *given["EDGE_GUEST_TESTS"].split()]
    env = {**ENV, "PYTHONPATH": f"{tree}/collections", "PYTHONDONTWRITEBYTECODE": "1"}
    env |= {"PATH": f"{os.path.dirname(python)}:{ENV['PATH']}", "EDGE_VOLUME": volume}
    return subprocess.run(argv, cwd=tree, env=env, check=False).returncode


def main() -> None:
    """Do it, say how it ended, and end the kernel."""
    status = 99
    try:
        status = test()
    except BaseException as error:
        print(f"{error!r}", flush=True)
    finally:
        print(f"EDGE-STATUS {status}", flush=True)
        sys.stdout.flush()
        time.sleep(0.2)
        os.sync()
        Path("/proc/sysrq-trigger").write_text("o")
        time.sleep(60)


if __name__ == "__main__":
    main()
