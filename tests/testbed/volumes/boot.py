# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command on a real NFS server or on FAT: in a kernel that is a process.

    boot.py VOLUME [PYTEST ARGUMENT...]

The kernel of a machine need not have NFS or FAT, and may not be able to load modules. Debian's
user-mode Linux is a kernel that runs as a process, with all of them; its root is that of the
machine, read-only. C(guest.py) makes the volume there and runs pytest with its directories on it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGE = "user-mode-linux"
TOOLS = {
    "rpc.mountd": "nfs-kernel-server",
    "mount.nfs": "nfs-common",
    "rpcbind": "rpcbind",
    "mkfs.vfat": "dosfstools",
}
CACHE = Path.home() / ".cache/openvino-edge/uml"
HERE = Path(__file__).resolve().parent
TREE = HERE.parents[2]
MEMORY = "1500M"
VOLUMES = ("nfs3-soft", "nfs4-hard", "nfs4-squash", "vfat")
# Registers that a kernel of this kind cannot save: its room for them is fixed (2,696 bytes in
# Linux 6.1), and the host's kernel takes all of them or none. It ends before its first process.
UNKNOWN_REGISTERS = "amx_tile"
SEARCH = "/usr/sbin:/usr/bin:/sbin:/bin"


class VolumeError(Exception):
    """The kernel cannot be had, or did not come to its end."""


def run(*argv: str, cwd: Path | None = None) -> None:
    """Run a command of the preparation."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=cwd, env=env)
    if done.returncode:
        raise VolumeError(f"{' '.join(argv)}: {done.stderr.strip()[-2000:]}")


def prepare() -> tuple[Path, Path]:
    """Return the kernel and the folder of its modules; fetches what is missing once (root)."""
    if UNKNOWN_REGISTERS in Path("/proc/cpuinfo").read_text().split():
        raise VolumeError(
            f"this CPU has {UNKNOWN_REGISTERS}, and {PACKAGE} of Debian 12 does not start on it:"
            " real NFS servers and FAT can be had on a machine with another CPU only"
        )
    missing = [name for tool, name in TOOLS.items() if not shutil.which(tool, path=SEARCH)]
    if missing or not CACHE.exists():
        run("apt-get", "update", "-qq")
    if missing:
        run("apt-get", "install", "-y", "--no-install-recommends", *missing)
    if not (CACHE / "usr/bin/linux.uml").exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        CACHE.chmod(0o755)
        run("apt-get", "download", "-o", "APT::Sandbox::User=root", PACKAGE, cwd=CACHE)
        (package,) = CACHE.glob(f"{PACKAGE}_*.deb")
        run("dpkg", "-x", str(package), str(CACHE))
        package.unlink()
    (modules,) = (CACHE / "usr/lib/uml/modules").iterdir()
    return CACHE / "usr/bin/linux.uml", modules


def in_volume(volume: str, arguments: list[str], seconds: float) -> tuple[int, str]:
    """Run pytest with its directories on a volume; return its exit status and what it said."""
    kernel, modules = prepare()
    with tempfile.TemporaryDirectory(prefix="edge-volume-") as folder:
        environment = {
            "EDGE_GUEST_MODULES": str(modules),
            "EDGE_GUEST_PYTHON": sys.executable,
            "EDGE_GUEST_TREE": str(TREE),
            "EDGE_GUEST_VOLUME": volume,
            "EDGE_GUEST_TESTS": " ".join(arguments),
        }
        argv = [
            *(str(kernel), f"mem={MEMORY}", "root=/dev/root", "rootfstype=hostfs", "rootflags=/"),
            *("ro", f"init={sys.executable}", "con=null", "con0=null,fd:1", "quiet", "panic=1"),
            *(f"{name}={value}".replace(" ", "\x1f") for name, value in environment.items()),
            *("--", "-B", str(HERE / "guest.py")),
        ]
        try:
            done = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={"PATH": SEARCH, "HOME": folder, "TMPDIR": folder},
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            text = (error.stdout or b"").decode("utf-8", "replace")
            raise VolumeError(f"{volume}: not done in {seconds:g} s\n{text[-4000:]}") from None
    text = done.stdout.decode("utf-8", "replace")
    _before, found, status = text.rpartition("EDGE-STATUS ")
    if not found:
        raise VolumeError(f"{volume}: the kernel ended without a result\n{text[-4000:]}")
    return int(status.split()[0]), text


def main() -> None:
    """Run what the command line says."""
    if len(sys.argv) < 2 or sys.argv[1] not in VOLUMES:
        sys.exit(f"usage: boot.py {{{','.join(VOLUMES)}}} [PYTEST ARGUMENT...]")
    try:
        status, text = in_volume(sys.argv[1], sys.argv[2:], 3600)
    except VolumeError as error:
        sys.exit(str(error))
    sys.stdout.write(text)
    sys.exit(status)


if __name__ == "__main__":
    main()
