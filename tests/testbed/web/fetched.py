# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other people's servers, each fetched once into the cache, as their lock files say."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path


def fetched(name: str, locks: list[Path], make: Callable[[Path], None]) -> Path:
    """Return a directory of the cache that is made once for the content of some lock files."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in locks)).hexdigest()[:12]
    target = Path(root, "openvino-edge", name, f"{digest}-{sys.version_info.minor}")
    target.parent.mkdir(parents=True, exist_ok=True)
    # One process makes it, for minutes where it is built; the others wait and have it then.
    with target.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            partial = target.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)  # of one that was killed
            partial.mkdir()
            make(partial)
            partial.replace(target)
    return target


def from_pypi(name: str, folder: Path = Path(__file__).parent) -> Path:
    """Return the directory of the packages in ``requirements-NAME.txt`` of a folder."""
    requirements = folder / f"requirements-{name}.txt"

    def install(target: Path) -> None:
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes"]
        subprocess.run([*command, "-t", str(target), "-r", str(requirements)], check=True)

    return fetched(name, [requirements], install)


def from_debian(name: str, *packages: str) -> Path:
    """Return the root directory of packages that are unpacked there and not installed.

    An installed one would start its service; these are programs of a test.
    """

    def unpack(target: Path) -> None:
        if not shutil.which("apt-get"):
            raise RuntimeError(f"{name} is taken from Debian, and there is no apt-get")
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        command = ["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", *packages]
        subprocess.run(command, cwd=target, check=True)
        for package in sorted(target.glob("*.deb")):
            subprocess.run(["dpkg", "-x", str(package), str(target)], check=True)
            package.unlink()

    return fetched(name, [Path(__file__)], unpack)


def go() -> str:
    """Return the path of Go's program."""
    found = shutil.which("go", path=f"{os.environ.get('PATH', '')}:/usr/local/go/bin")
    if not found:
        raise RuntimeError("Go 1.26 or newer is needed: https://go.dev/dl/")
    return found


def gateway_api() -> list[Path]:
    """Return the definitions of the Gateway API, of the release in C(gateway_api/go.mod)."""
    folder = Path(__file__).with_name("gateway_api")

    def fetch(target: Path) -> None:
        command = [go(), "-C", str(folder), "mod", "download", "-json", "sigs.k8s.io/gateway-api"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        for path in Path(json.loads(done.stdout)["Dir"], "config", "crd", "standard").glob(
            "*.yaml"
        ):
            (target / path.name).write_bytes(path.read_bytes())

    return sorted(fetched("gateway-api", [folder / "go.mod", folder / "go.sum"], fetch).iterdir())
