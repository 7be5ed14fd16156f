# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the lab's programs from their Go modules, once, into the cache.

The cache directory is named after the sources, the locked versions and the build flags, so it
never has to be cleaned for a change to count.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge_lab import paths
from edge_lab.errors import LabError
from edge_lab.host import run, say

KUBERNETES = "v1.36.3"
CONTAINERD = "v2.3.7"
PROGRESS_SECONDS = 15.0
#: What debuggers read is cut off by the linker anyway (`-s -w`); stack traces need none of it.
COMPILER = ("-gcflags=all=-dwarf=false",)


@dataclass(frozen=True)
class Target:
    """One Go module under `go/` and the packages to build from it."""

    module: str
    packages: str
    flags: tuple[str, ...] = ()
    ldflags: str = ""


TARGETS = (
    Target("node", "./..."),
    Target(
        "containerd",
        "tool",
        ("-tags", "no_btrfs,no_zfs,no_devmapper"),
        f"-X github.com/containerd/containerd/v2/version.Version={CONTAINERD}",
    ),
    # CoreDNS and the provisioner are in the module of Kubernetes: with the same client-go, that is
    # compiled once, and only 88 packages are theirs alone.
    Target("kube", "./...", (), f"-X k8s.io/component-base/version.gitVersion={KUBERNETES}"),
)
#: Names under which the one Kubernetes program is also called.
LINKS = {"kubectl": "kube"}


def sources(root: Path) -> list[Path]:
    """All files that decide what is built, in a fixed order."""
    return sorted(
        path
        for path in root.rglob("*")
        if path.suffix == ".go" or path.name in ("go.mod", "go.sum")
    )


def fingerprint(root: Path) -> str:
    """16 hex digits over the sources, the locked versions and the build flags."""
    digest = hashlib.sha256(repr((TARGETS, LINKS, COMPILER)).encode())
    for path in sources(root):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root)} {content}\n".encode())
    return digest.hexdigest()[:16]


def binaries() -> Path:
    """Where the programs of the present sources are, or will be."""
    return paths.cache() / "bin" / fingerprint(paths.SOURCE / "go")


def locked_version(module: str, dependency: str) -> str:
    """The version of a dependency that a module's go.mod names; "?" when it names none."""
    for line in (paths.SOURCE / "go" / module / "go.mod").read_text().splitlines():
        words = line.split()
        if len(words) >= 2 and words[-2 if words[-1][0] == "v" else 0] == dependency:
            return words[-1]
    return "?"


def find_go() -> str:
    """The Go command. Raises LabError when there is none."""
    path = os.environ.get("PATH", "") + ":/usr/local/go/bin"
    found = shutil.which("go", path=path)
    if not found:
        raise LabError("the lab's programs are built with Go 1.26 or newer: https://go.dev/dl/")
    return found


def _environment() -> dict[str, str]:
    settings = {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOWORK": "off"}
    # The compiler is a Go program too: fewer collections of its garbage save a tenth to a quarter
    # of its CPU, and cost some hundred MiB, which two compilers at a time have.
    return {**os.environ, "GOGC": "400", **settings}


class _Progress(threading.Thread):
    """Counts the packages `go build -v` names, and prints the count now and then."""

    def __init__(self, target: Target, total: int, process: subprocess.Popen[str]) -> None:
        super().__init__(daemon=True)
        self.target, self.total, self.process = target, total, process
        self.count = 0
        self.words: list[str] = []

    def run(self) -> None:
        """Read the build's standard error to its end."""
        started = shown = time.monotonic()
        for line in self.process.stderr or ():
            self.count += 1
            self.words = [*self.words[-20:], line.rstrip()]
            if time.monotonic() - shown > PROGRESS_SECONDS:
                shown = time.monotonic()
                self._show(shown - started)

    def _show(self, seconds: float) -> None:
        name, count = self.target.module, self.count
        say(f"building {name}: {count} of at most {self.total} packages, {seconds:.0f} s")


def _packages(go: str, target: Target) -> int:
    """How many packages a target has, after all their modules were fetched. Raises LabError."""
    folder = paths.SOURCE / "go" / target.module
    listing = [go, "-C", str(folder), "list", "-deps", *target.flags, target.packages]
    return len(run(listing, env=_environment(), timeout=1800).split())


def _build(go: str, target: Target, total: int, output: Path) -> None:
    folder = paths.SOURCE / "go" / target.module
    ldflags = f"-s -w {target.ldflags}".strip()
    # A build must not go on by itself when this tool is killed.
    argv = ["setpriv", "--pdeathsig", "TERM", "nice", "-n", "10"]
    argv += [go, "build", "-v", "-trimpath", *target.flags, *COMPILER]
    argv += ["-ldflags", ldflags, "-o", f"{output}/", target.packages]
    started = time.monotonic()
    with subprocess.Popen(
        argv, cwd=folder, env=_environment(), stderr=subprocess.PIPE, text=True
    ) as process:
        progress = _Progress(target, total, process)
        progress.start()
        status = process.wait()
        progress.join()
    if status != 0:
        raise LabError(f"building {target.module} failed:\n" + "\n".join(progress.words))
    say(f"built {target.module} in {time.monotonic() - started:.0f} s")


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold a lock file; wait, and say so, while another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting: another run of the lab is {what}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def ensure() -> Path:
    """Build what is not in the cache; return the directory. Raises LabError."""
    final = binaries()
    if final.is_dir():
        return final
    with locked(final.parent / ".lock", "building"):
        if final.is_dir():
            return final
        go = find_go()
        say(f"building the lab's programs, once, into {final} (10 minutes on two cores)")
        partial = final.with_name(final.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        # Modules of the next target are fetched while one is built.
        with ThreadPoolExecutor(1) as ahead:
            totals = [ahead.submit(_packages, go, target) for target in TARGETS]
            for target, total in zip(TARGETS, totals, strict=True):
                say(f"building {target.module}: reading its packages")
                _build(go, target, total.result(), partial)
        for link, name in LINKS.items():
            (partial / link).symlink_to(name)
        partial.rename(final)
    return final
