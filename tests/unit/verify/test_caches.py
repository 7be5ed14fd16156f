# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of the caches of compiled models; the script runs in a shell of this machine."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ansible_collections.openvino.edge.plugins.module_utils.errors import ForbiddenError
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import ExecResult
from ansible_collections.openvino.edge.plugins.module_utils.verify import caches
from ansible_collections.openvino.edge.plugins.module_utils.verify.replicas import (
    Replica,
    replicas_of,
)


class Here:
    """Runs commands of pods on this machine, without rights beyond those of a user."""

    def __init__(self, prefix: tuple[str, ...] = ()) -> None:
        self.prefix = prefix

    def exec(self, namespace: str, pod: str, container: Any, argv: Any, **_: Any) -> ExecResult:
        done = subprocess.run([*self.prefix, *argv], capture_output=True, check=False)
        return ExecResult(done.returncode, done.stdout, done.stderr, "v5")


class Closed:
    """The account may not look into pods."""

    def exec(self, *_args: Any, **_given: Any) -> ExecResult:
        raise ForbiddenError("may not create pods/exec")


def looked(client: Any, folder: Path) -> caches.Cache:
    (cache,) = caches.look(client, "edge", [Replica("ovms-1", "n1", "c", cache=str(folder))])
    return cache


def test_53_blobs_and_their_size_are_told(tmp_path: Path) -> None:
    (tmp_path / "767 567.blob").write_bytes(b"x" * 700)
    (tmp_path / "1.cl_cache").write_bytes(b"x" * 50)
    (tmp_path / "other").write_bytes(b"x" * 5000)
    (tmp_path / "deep.blob").mkdir()
    (tmp_path / "deep.blob" / "a").write_bytes(b"")
    (tmp_path / "deep.blob").rename(tmp_path / "deep")
    cache = looked(Here(), tmp_path)
    assert (cache.blobs, cache.size, cache.writable) == (2, 750, True)
    info = os.statvfs(tmp_path)
    assert cache.free is not None and cache.free <= info.f_blocks * info.f_frsize
    assert cache.problem == "" == cache.warning and cache.as_dict()["replica"] == "ovms-1"


def test_53_a_directory_that_may_not_be_written_is_a_warning() -> None:
    user = ("setpriv", "--reuid", "5000", "--regid", "5000", "--clear-groups")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        cache = looked(Here(user if os.geteuid() == 0 else ()), folder)
    assert (cache.writable, cache.blobs) == (False, 0)
    assert cache.warning == (
        f"ovms-1: models are compiled at each start, since the server may not write to {name}"
    )


def test_53_a_cache_that_stays_empty_is_a_warning(tmp_path: Path) -> None:
    assert "nothing was kept in" in looked(Here(), tmp_path).warning
    full = caches.parse(caches.Cache("ovms-1", "/opt/cache"), "may\n12\n900 1.blob\n")
    assert full.blobs == 1 and full.warning.endswith("not in /opt/cache yet, since it is full")
    odd = caches.parse(caches.Cache("ovms-1", "/opt/cache"), "may\n\n900 1.blob\n")
    assert odd.free is None and odd.warning == ""


def test_53_who_may_not_look_gets_no_warning(tmp_path: Path) -> None:
    cache = looked(Closed(), tmp_path)
    assert cache.problem == "nobody could look: may not create pods/exec"
    assert (cache.warning, cache.blobs, cache.writable) == ("", None, None)
    gone = looked(Here(("env", "PATH=/nowhere")), tmp_path)
    assert gone.problem.startswith("nobody could look") and gone.warning == ""


def test_53_only_servers_with_a_cache_are_looked_into() -> None:
    def pod(*args: str) -> dict[str, Any]:
        spec = {"containers": [{"name": "c", "args": list(args)}], "nodeName": "n1"}
        return {"metadata": {"name": "p"}, "spec": spec, "status": {}}

    for args, wanted in (
        (("--cache_dir", "/opt/cache", "--port", "1"), "/opt/cache"),
        (("--cache_dir=/c",), "/c"),
        (("--port", "1"), ""),
    ):
        (replica,) = replicas_of([pod(*args)], 8081)
        assert replica.cache == wanted
    assert caches.look(Closed(), "edge", [replica]) == []  # type: ignore[arg-type]
