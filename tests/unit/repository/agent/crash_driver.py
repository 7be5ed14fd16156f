# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills the store's work before its n-th file operation, for every n; run by test_crash.

    crash_driver.py SCENARIO DIRECTORY [ERROR]

With the name of an error (C(ENOSPC)) the n-th operation fails with it, and nothing is killed.
Prints one line of JSON: the number of kills or failures, or what was found wrong.
"""

from __future__ import annotations

import builtins
import errno
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import (
    disk as agent_disk,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import (
    lock as agent_lock,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import pack, tasks
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import (
    repair as agent_repair,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import (
    stage as agent_stage,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import (
    store as agent_store,
)

KILLED = 77
FULL = ("ENOSPC", "EDQUOT", "EROFS")  # what reading never says
OPERATIONS = [
    *("chmod", "chown", "copy_file_range", "fdatasync", "fsync", "ftruncate", "link", "mkdir"),
    *("open", "pwrite", "read", "rename", "rmdir", "unlink", "utime", "write"),
]
MANY = "publish-many"  # publish, where no number of files is too small for one flush of all

OLD = {"a.bin": b"same" * 50_000, "b.bin": b"old" * 40_000}
NEW = {"a.bin": OLD["a.bin"], "b.bin": b"new" * 45_000, "sub/c.xml": b"<net/>"}


def manifest_of(version: int, files: dict[str, bytes]) -> dict[str, Any]:
    """Return the manifest of a version as it is sent."""
    entries = [
        {
            "mode": "0644",
            "path": path,
            "sha256": hashlib.sha256(data).hexdigest(),
            "size": len(data),
        }
        for path, data in sorted(files.items())
    ]
    text = json.dumps(entries, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    return {"model": "ocr", "version": version, "digest": digest, "files": entries}


def number_of(path: str, files: dict[str, bytes]) -> int:
    """Return the number of a file in its manifest, whatever else a test adds to the version."""
    return sorted(files).index(path)


def store_on(root: Path, owner: str) -> agent_store.Store:
    """Return a locked store; the writer before is dead."""
    store = agent_store.Store(str(root), os.geteuid(), os.getegid(), False)
    lease = agent_lock.LOCK_LEASE
    agent_lock.LOCK_LEASE = 0.0  # nobody else lives here
    try:
        store.lock(owner, "test")
    finally:
        agent_lock.LOCK_LEASE = lease  # other tests may share this process
    return store


def send(store: agent_store.Store, manifest: dict[str, Any], files: dict[str, bytes]) -> None:
    """Send what the stage lacks, and once more what turns out to have begun with wrong bytes."""
    for _once_more in range(2):
        state = store.staged(manifest["digest"])["files"]
        if not all(item["done"] for item in state.values()):
            send_missing(store, manifest["digest"], state, files)


def send_missing(
    store: agent_store.Store, digest: str, state: dict[str, Any], files: dict[str, bytes]
) -> None:
    """Send each file that is not done from the end of its part on."""
    body = b""
    for number, (_path, data) in enumerate(sorted(files.items())):
        have = state[str(number)]["have"]
        if not state[str(number)]["done"]:
            body += b"F" + number.to_bytes(4, "big") + have.to_bytes(8, "big")
            if data[have:]:
                body += b"D" + (len(data) - have).to_bytes(4, "big") + data[have:]
            body += b"E"
    view = memoryview(body)

    def read_into(target: memoryview) -> int:
        nonlocal view
        count = min(len(target), len(view), 50_000)
        target[:count], view = view[:count], view[count:]
        return count

    stage = store.stage_of(digest)
    upload = agent_stage.Upload(stage, store.place, store.check_owner)
    pack.Unpacker(upload).run(read_into)
    upload.close()


def publish(store: agent_store.Store) -> None:
    """Publish the new version."""
    manifest = manifest_of(2, NEW)
    same = {"model": "ocr", "version": 1, "path": "a.bin"}
    name = (manifest["digest"], "ocr", 2)
    if not os.path.exists(os.path.join(store.models, "ocr/2")):
        store.stage(manifest, {str(number_of("a.bin", NEW)): [same]})
        send(store, manifest, NEW)
    store.publish(*name)


def remove(store: agent_store.Store) -> None:
    """Remove the old version."""
    store.remove("ocr", 1)


def repair(store: agent_store.Store) -> None:
    """Repair the damaged old version."""
    manifest = manifest_of(1, OLD)
    store.stage(manifest, {})
    send(store, manifest, OLD)
    files = [number_of(path, OLD) for path in ("a.bin", "b.bin")]
    body = {"manifest": manifest, "files": files, "modes": [], "extra": ["odd"]}
    agent_repair.repair(store, body)


def content(root: Path) -> dict[str, dict[str, bytes]]:
    """Return every file of every version."""
    top = root / "models/ocr"
    return {
        version.name: {
            str(path.relative_to(version)): path.read_bytes()
            for path in version.rglob("*")
            if path.is_file()
        }
        for version in (top.iterdir() if top.exists() else ())
    }


def allowed(scenario: str, found: dict[str, dict[str, bytes]]) -> bool:
    """Return whether everything under models/ is whole."""
    if scenario == "publish":
        return found in ({"1": OLD}, {"1": OLD, "2": NEW})
    if scenario == "remove":
        return found in ({"1": OLD}, {})
    damaged = {"a.bin": OLD["a.bin"], "b.bin": b"BAD" * 40_000, "odd": b"odd"}
    files = found.get("1", {})
    right = all(data in (OLD.get(path), damaged.get(path)) for path, data in files.items())
    return set(found) == {"1"} and {"a.bin", "b.bin"} <= set(files) and right


FINAL = {"publish": {"1": OLD, "2": NEW}, "remove": {}, "repair": {"1": OLD}}
SCENARIOS: dict[str, Callable[[agent_store.Store], None]] = {
    "publish": publish,
    "remove": remove,
    "repair": repair,
}


def prepare(root: Path, scenario: str) -> None:
    """Publish the old version; for a repair, damage it."""
    root.mkdir()
    store = store_on(root, "before")
    manifest = manifest_of(1, OLD)
    store.stage(manifest, {})
    send(store, manifest, OLD)
    store.publish(manifest["digest"])
    store.unlock()
    if scenario == "repair":
        (root / "models/ocr/1/b.bin").write_bytes(b"BAD" * 40_000)
        (root / "models/ocr/1/odd").write_bytes(b"odd")


def arm(at: int, error: str = "") -> Callable[[], int]:
    """End this process before its C(at)-th operation that changes files, or let that one fail.

    Returns:
        What tells the number of operations so far.
    """
    count = 0

    def strike(path: object) -> None:
        if not error:
            os._exit(KILLED)
        number = getattr(errno, error)
        name = path if isinstance(path, str) else None
        raise OSError(number, os.strerror(number), name)

    def wrap(function: Callable[..., Any], matters: Callable[..., bool]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            if matters(*args):
                count += 1
                if count == at:
                    strike(args[0] if args else None)
            return function(*args, **kwargs)

        return wrapped

    def writes(_path: object, flags: int = 0, *_rest: object) -> bool:
        """Return whether an C(os.open) may meet a full or a read-only file system."""
        return error not in FULL or bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))

    special = {"open": writes, "read": lambda *args: error not in FULL}
    for name in OPERATIONS:
        matters = special.get(name, lambda *args: True)
        setattr(os, name, wrap(getattr(os, name), matters))
    flush = wrap(agent_disk.sync_system, lambda path: True)
    setattr(agent_disk, "sync_system", flush)  # noqa: B010 - it calls no function of os
    plain = builtins.open
    wrapped = wrap(plain, lambda path, mode="r", *rest: "w" in mode)
    setattr(builtins, "open", wrapped)  # noqa: B010 - mypy lets nobody assign to it
    return lambda: count


def run_struck(root: Path, scenario: str, at: int, error: str) -> bool:
    """Return whether the scenario was struck, C(False) when it came to its end first.

    An operation that fails is either no matter (a probe, a cache, a clone that becomes a copy), or
    ends the command with an answer that names the error.
    """
    child = os.fork()
    if not child:
        try:
            total = arm(at, error)
            status, answer = tasks.outcome(lambda: work(root, scenario))
            if status != 200 and not is_clean(status, answer, error):
                raise AssertionError(f"{status} {answer!r}")
            os._exit(KILLED if total() >= at else 0)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (0, KILLED):
        raise AssertionError(f"{error or 'kill'} {at}: the scenario failed ({status})")
    return status == KILLED


def work(root: Path, scenario: str) -> tasks.Result:
    """Do what one helper does, to the end."""
    store = store_on(root, "one")
    SCENARIOS[scenario](store)
    store.unlock()
    return {}


def is_clean(status: int, answer: tasks.Result, error: str) -> bool:
    """Return whether an answer tells a person what failed, in the words of the system."""
    text = json.dumps(answer) if isinstance(answer, dict) else ""
    wanted: tuple[int, ...] = (500,)
    if error in ("ENOSPC", "EDQUOT"):
        wanted = (507, 500) if "probe" in text else (507,)
    return bool(error) and os.strerror(getattr(errno, error)) in text and status in wanted


def main() -> None:
    """Strike one run after the other, each an operation later."""
    scenario, directory = sys.argv[1], Path(sys.argv[2])
    if scenario == MANY:
        scenario, agent_disk.FEW_FILES = "publish", 0
    error = sys.argv[3] if len(sys.argv) > 3 else ""
    first = directory / "first"
    prepare(first, scenario)
    at, killed = 0, True
    while killed:
        at += 1
        root = directory / "store"
        shutil.copytree(first, root)
        killed = run_struck(root, scenario, at, error)
        if not allowed(scenario, content(root)):
            raise AssertionError(f"kill {at}: {sorted(content(root))} is not whole")
        store = store_on(root, "two")
        SCENARIOS[scenario](store)
        store.unlock()
        if content(root) != FINAL[scenario]:
            raise AssertionError(f"kill {at}: the next run did not finish")
        left = [path for name in ("staging", "trash") for path in (root / ".edge" / name).iterdir()]
        if left or list((root / ".edge/locks").glob("store*")):
            raise AssertionError(f"kill {at}: {left} is left")
        shutil.rmtree(root)
    print(json.dumps({"kills": at - 1}))


if __name__ == "__main__":
    main()
