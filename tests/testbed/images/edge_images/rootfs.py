# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base: Debian's minimal system with its Python, by debootstrap."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from edge_images.mirror import configured_mirror, proxy_environment
from edge_images.process import BuildError, run

SUITE = "bookworm"
PYTHON = "3.11"
#: Names of what is installed besides the minimal system.
PACKAGES = ("python3",)
#: Not needed to run Python in a container; paths from the root.
REMOVED = (
    *("var/cache/apt", "var/cache/debconf", "var/cache/ldconfig", "var/lib/apt", "var/log"),
    *("usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale"),
    *("usr/share/lintian", "usr/share/bash-completion", "usr/share/zoneinfo", "debootstrap"),
    *(f"usr/lib/python{PYTHON}/{name}" for name in ("lib2to3", "idlelib", "test", "pydoc_data")),
)
#: Directories that programs expect although their content is gone.
KEPT_EMPTY = ("var/log", "var/cache", "var/lib/apt")


def _need_debootstrap() -> None:
    if shutil.which("debootstrap"):
        return
    print("  installing debootstrap", flush=True)
    run("apt-get", "update")
    run("apt-get", "install", "-y", "--no-install-recommends", "debootstrap")


def make_rootfs(root: Path) -> None:
    """Make the base system in the new directory `root`. Needs root. Raises BuildError."""
    if os.geteuid() != 0:
        raise BuildError("building a root file system needs root")
    _need_debootstrap()
    mirror = configured_mirror(SUITE)
    print(f"  debootstrap {SUITE} from {mirror}", flush=True)
    run(
        "debootstrap",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        SUITE,
        str(root),
        mirror,
        env=proxy_environment(),
    )
    for name in REMOVED:
        shutil.rmtree(root / name, ignore_errors=True)
    for name in KEPT_EMPTY:
        (root / name).mkdir(parents=True, exist_ok=True)
    _reset_identity(root)
    compile_python(root, f"usr/lib/python{PYTHON}")


def _reset_identity(root: Path) -> None:
    for name in ("etc/hostname", "etc/resolv.conf", "etc/machine-id"):
        (root / name).unlink(missing_ok=True)
    for name in ("etc/hostname", "etc/resolv.conf"):
        (root / name).touch()


def compile_python(root: Path, directory: str) -> None:
    """Compile the Python files below `directory`, so that they load without looking at times.

    A container with a read-only root could not keep what it compiles itself.
    """
    for cache in (root / directory).rglob("__pycache__"):
        shutil.rmtree(cache)
    mode = "--invalidation-mode=unchecked-hash"
    interpreter = f"/usr/bin/python{PYTHON}"
    # Some packages carry templates that are no Python; they stay as they are.
    subprocess.run(
        ["chroot", str(root), interpreter, "-m", "compileall", "-q", mode, "/" + directory],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
