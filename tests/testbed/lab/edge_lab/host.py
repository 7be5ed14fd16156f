# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands on this host: run them, and install the programs the lab needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from edge_lab.errors import LabError

#: Debian package by the program (or file) that shows it is installed.
PACKAGES = {
    "runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "iptables": "iptables",
    "nft": "nftables",
    "conntrack": "conntrack",
    "socat": "socat",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "mount": "mount",
    "mkfs.xfs": "xfsprogs",  # for tests of volumes whose file system shares blocks
}
STARTED = time.monotonic()


def say(text: str) -> None:
    """Print a progress line with the seconds since the tool started (to standard error)."""
    print(f"[{time.monotonic() - STARTED:6.1f}s] {text}", file=sys.stderr, flush=True)


def run(
    argv: Sequence[str],
    *,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 300.0,
) -> str:
    """Run a command and return its standard output.

    Raises LabError with the command's own words when it fails or takes longer than `timeout`
    seconds.
    """
    try:
        done = subprocess.run(
            argv, input=stdin, env=env, timeout=timeout, capture_output=True, check=False
        )
    except FileNotFoundError as error:
        raise LabError(f"program not found: {argv[0]}") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{' '.join(argv)}: no end after {timeout:g} s") from error
    if done.returncode != 0:
        words = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise LabError(f"{' '.join(argv)}: status {done.returncode}: {words}")
    return done.stdout.decode(errors="replace")


def missing_packages() -> list[str]:
    """Debian packages whose program is not there."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [
        package
        for probe, package in PACKAGES.items()
        if not (Path(probe).exists() if probe[0] == "/" else shutil.which(probe, path=path))
    ]


def install_packages() -> None:
    """Install what is missing with apt-get. Raises LabError where there is no apt-get."""
    missing = missing_packages()
    if not missing:
        return
    if not shutil.which("apt-get"):
        raise LabError("please install: " + ", ".join(missing))
    say("installing Debian packages: " + " ".join(missing))
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], env=env)
    run(["apt-get", "install", "-y", "--no-install-recommends", *missing], env=env, timeout=600)


def require_root() -> None:
    """Raise LabError unless this is root on Linux."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        raise LabError("the lab makes namespaces, cgroups and mounts: run it as root on Linux")


def write_if_changed(path: Path, text: str, mode: int = 0o644) -> bool:
    """Write a file whole; return whether it changed. Its directory is made when missing."""
    if path.exists() and path.read_text() == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text)
    partial.chmod(mode)
    partial.replace(path)
    return True
