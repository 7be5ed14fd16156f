# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks into the caches of compiled models, since OVMS does not say when it caches nothing.

A directory that it may not write, or that is full, is no error to it (OVMS 2026.3.0, seen running);
its status and its log say nothing of blobs.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence

from ..errors import EdgeError
from .replicas import Replica

if TYPE_CHECKING:
    from ..kube.client import KubeClient

# What OpenVINO writes: compiled models, and compiled kernels of a GPU.
ENDINGS = (".blob", ".cl_cache")
QUESTIONS = 8
SECONDS = 20.0
FULL = 1 << 20  # bytes; no compiled model is much smaller
# Lines: "may" or "may not", the free KiB (POSIX df, of the file system), then size and name of each
# file. It uses what images with OVMS have: a shell and coreutils.
SCRIPT = """\
if [ -w "$1" ]; then echo may; else echo may not; fi
df -Pk -- "$1" 2>/dev/null | { read -r head; read -r disk all used free rest; echo "$free"; }
cd -- "$1" && stat -c '%s %n' -- * 2>/dev/null
exit 0
"""


@dataclass(frozen=True)
class Cache:
    """The cache of one replica.

    Attributes:
        replica: name of the pod.
        directory: in the container.
        writable: whether the server may write there; C(None) if nobody could look.
        blobs: number of files.
        size: their bytes.
        free: bytes that are free on the file system, C(None) if it does not say.
        problem: why nobody could look, or why nothing is cached.
    """

    replica: str
    directory: str
    writable: Optional[bool] = None
    blobs: Optional[int] = None
    size: Optional[int] = None
    free: Optional[int] = None
    problem: str = ""

    def as_dict(self) -> Dict[str, Any]:
        """Return the row of the result."""
        return dict(vars(self))

    @property
    def warning(self) -> str:
        """A sentence about a cache that was looked at and does not work, else C("")."""
        if self.writable is None or not self.problem:
            return ""
        return f"{self.replica}: models are compiled at each start, {self.problem}"


def look(client: KubeClient, namespace: str, replicas: Sequence[Replica]) -> List[Cache]:
    """Return the caches of the replicas that have one; looks into their pods (C(pods/exec))."""
    chosen = [replica for replica in replicas if replica.cache and replica.node]
    if not chosen:
        return []
    with ThreadPoolExecutor(QUESTIONS) as pool:
        return list(pool.map(lambda replica: _look(client, namespace, replica), chosen))


def _look(client: KubeClient, namespace: str, replica: Replica) -> Cache:
    command = ["sh", "-c", SCRIPT, "sh", replica.cache]
    found = Cache(replica.name, replica.cache)
    failed = "nobody could look: "
    try:
        done = client.exec(
            namespace, replica.name, replica.container or None, command, timeout=SECONDS
        )
    except EdgeError as error:
        return replace(found, problem=failed + error.message)
    text = done.stdout.decode("utf-8", "replace")
    if done.rc != 0 or not text.startswith("may"):
        why = done.stderr.decode("utf-8", "replace").strip() or f"exit code {done.rc}"
        return replace(found, problem=failed + why)
    return parse(found, text)


def parse(cache: Cache, text: str) -> Cache:
    """Return what the script said about a cache."""
    may, free, *rest = [*text.splitlines(), ""]
    sizes: List[int] = []
    for line in rest:
        size, _blank, name = line.partition(" ")
        if size.isdecimal() and name.endswith(ENDINGS):
            sizes.append(int(size))
    known = replace(
        cache,
        writable=may == "may",
        blobs=len(sizes),
        size=sum(sizes),
        free=int(free) * 1024 if free.isdecimal() else None,
    )
    return replace(known, problem=_problem(known))


def _problem(cache: Cache) -> str:
    if not cache.writable:
        return f"since the server may not write to {cache.directory}"
    if cache.free is not None and cache.free < FULL:
        return f"those that are not in {cache.directory} yet, since it is full"
    if not cache.blobs:
        return f"since nothing was kept in {cache.directory}: it was full, or nothing has loaded"
    return ""
