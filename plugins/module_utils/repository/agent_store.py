# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file system side of the script that runs in the helper pod; knows nothing of HTTP.

Layout on the store::

    <root>/models/<model>/<version>/    complete, verified versions only
    <root>/.edge/staging/<digest>/      tree/ is being filled, part-<n> is being received
    <root>/.edge/manifests/<model>/<version>.json   manifest and file stamps of a published version
    <root>/.edge/locks/store/owner      who writes; its modification time is the sign of life
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
import threading
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

try:  # in the collection
    from ansible_collections.openvino.edge.plugins.module_utils.repository import agent_files as fs
except ImportError:  # in the helper pod, where the files lie side by side
    import agent_files as fs  # type: ignore[import-not-found,no-redef]

PROTOCOL = 1
LOCK_LEASE = 20.0  # seconds without a sign of life before a lock may be taken over

Json = Dict[str, Any]
Refused = fs.Refused


class Store:
    """The file system work; knows nothing of HTTP."""

    def __init__(self, root: str, uid: int, gid: int, read_only: bool) -> None:
        self.root = os.path.realpath(root)
        self.models = os.path.join(self.root, "models")
        self.work = os.path.join(self.root, ".edge")
        self.uid, self.gid, self.read_only = uid, gid, read_only
        self.owner: Optional[str] = None
        self.stages: Dict[str, Json] = {}
        self.received: Dict[str, Dict[int, Tuple[int, ...]]] = {}

    def facts(self) -> Json:
        """Free space and inodes (0 total inodes: the file system has no limit), and rights."""
        path = self.root
        while not os.path.exists(path):
            path = os.path.dirname(path)
        info = os.statvfs(path)
        return {
            "protocol": PROTOCOL,
            "python": sys.version.split()[0],
            "free_bytes": info.f_bavail * info.f_frsize,
            "total_bytes": info.f_blocks * info.f_frsize,
            "free_inodes": info.f_favail,
            "total_inodes": info.f_files,
            "block_bytes": info.f_frsize,
            "writable": fs.may_write(path, self.read_only),
            "uid": os.geteuid(),
            "root_mode": f"{stat.S_IMODE(os.stat(path).st_mode):04o}",
        }

    # -- reading ------------------------------------------------------------------------------

    def inventory(self) -> Json:
        """Every published version with its file stamps and its record, and what else is there."""
        versions: List[Json] = []
        strays: List[str] = []
        for model, path in fs.children(self.models):
            if not fs.MODEL.fullmatch(model) or not fs.is_dir(path):
                strays.append(model)
                continue
            for name, child in fs.children(path):
                if fs.VERSION.fullmatch(name) and fs.is_dir(child):
                    versions.append(self._version(model, name, child))
                elif fs.is_dir(child) or os.path.islink(child):
                    strays.append(f"{model}/{name}")
        return {"versions": versions, "strays": strays}

    def _version(self, model: str, version: str, path: str) -> Json:
        files = [[inner, *fs.stamp(full), *fs.owner_of(full)] for inner, full in fs.walk(path)]
        record = None
        try:
            with open(self._record_path(model, version), "rb") as stream:
                record = json.loads(stream.read())
        except (OSError, ValueError):
            pass
        return {"model": model, "version": int(version), "files": files, "record": record}

    def hashes(self, model: str, version: int) -> Json:
        """sha256 of each file of a published version, read now; C("") for what is no file."""
        path = self._version_path(model, version)
        return {"files": {inner: fs.sha256_of(full) for inner, full in fs.walk(path)}}

    # -- lock ---------------------------------------------------------------------------------

    def lock(self, owner: str, note: str) -> Json:
        """Become the one writer; clears what an earlier writer left half done."""
        self._writable()
        if not fs.OWNER.fullmatch(owner):
            raise Refused(400, "bad owner")
        for name in ("staging", "manifests", "locks", "trash"):
            self._make_work_dir(name)
        self._probe()
        lock = self._lock_dir()
        if (fs.read_json(os.path.join(lock, "owner")) or {}).get("id") == owner:
            self.owner = owner
            return {"owner": owner}
        fresh = os.path.join(self.work, "locks", f"new-{owner}")
        shutil.rmtree(fresh, ignore_errors=True)
        os.mkdir(fresh)
        fs.write(os.path.join(fresh, "owner"), json.dumps({"id": owner, "note": note}).encode())
        self._expire_lock(lock, owner)
        try:
            os.rename(fresh, lock)
        except OSError:
            shutil.rmtree(fresh, ignore_errors=True)
            raise self._busy(lock) from None
        self.owner = owner
        for name in ("staging", "trash"):
            fs.empty(os.path.join(self.work, name))
        return {"owner": owner}

    def _busy(self, lock: str) -> Refused:
        holder = fs.read_json(os.path.join(lock, "owner"))
        stamp = fs.mtime(os.path.join(lock, "owner"))
        return Refused(423, "another writer holds the store", holder=holder, beat_ns=stamp)

    def _expire_lock(self, lock: str, owner: str) -> None:
        """Move a lock without a sign of life aside; ages are taken by the store's own clock."""
        seen = fs.mtime(os.path.join(lock, "owner"))
        if seen is None:
            return
        clock = os.path.join(self.work, "locks", f"clock-{owner}")
        fs.write(clock, b"")
        age = (fs.mtime(clock) or seen) - seen
        os.unlink(clock)
        if age < LOCK_LEASE * 1e9:
            return
        aside = os.path.join(self.work, "locks", f"stale-{owner}")
        try:
            os.rename(lock, aside)
        except OSError:
            return
        if fs.mtime(os.path.join(aside, "owner")) != seen:  # its writer came back just now
            try:
                os.rename(aside, lock)
            except OSError:
                pass
            return
        shutil.rmtree(aside, ignore_errors=True)

    def beat(self) -> None:
        """Give a sign of life, if we still are the writer."""
        try:
            self.check_owner()
            os.utime(os.path.join(self._lock_dir(), "owner"))
        except (Refused, OSError):
            pass

    def check_owner(self) -> None:
        """Refuse to write when the lock is not, or no longer, ours."""
        holder = fs.read_json(os.path.join(self._lock_dir(), "owner"))
        if self.owner is None or not holder or holder.get("id") != self.owner:
            raise Refused(423, "the store is not locked by this helper", holder=holder)

    def unlock(self) -> Json:
        """Remove half-done work and let the next writer in; harmless without a lock."""
        if self.owner is None:
            return {}
        try:
            self.check_owner()
        except Refused:
            return {}
        for name in ("staging", "trash"):
            fs.empty(os.path.join(self.work, name))
        gone = os.path.join(self.work, "locks", f"gone-{self.owner}")
        os.rename(self._lock_dir(), gone)
        shutil.rmtree(gone, ignore_errors=True)
        self.owner = None
        return {}

    # -- writing ------------------------------------------------------------------------------

    def stage(self, manifest: Json) -> Json:
        """Begin a version: check its manifest, make its empty tree outside of models/."""
        self.check_owner()
        digest = fs.checked_digest(manifest)
        model, version = manifest["model"], manifest["version"]
        if fs.names_in(self._version_path(model, version)):
            raise Refused(409, f"version {version} of model {model} exists")
        stage = self._stage_dir(digest)
        shutil.rmtree(stage, ignore_errors=True)
        tree = os.path.join(stage, "tree")
        os.makedirs(tree)
        for entry in manifest["files"]:
            os.makedirs(os.path.dirname(os.path.join(tree, entry["path"])), exist_ok=True)
        self.stages[digest] = manifest
        self.received[digest] = {}
        return {"stage": digest}

    def receive(
        self, digest: str, number: int, length: int, read_into: Callable[[memoryview], int]
    ) -> Json:
        """Take the bytes of one file, hashed as they come; only a whole, right file is kept."""
        self.check_owner()
        manifest = self.stages.get(digest)
        if manifest is None or not 0 <= number < len(manifest["files"]):
            raise Refused(404, "no such file in a staged manifest")
        entry = manifest["files"][number]
        if length != entry["size"]:
            raise Refused(400, f"{entry['path']}: {length} bytes announced, not {entry['size']}")
        stage = self._stage_dir(digest)
        part = os.path.join(stage, f"part-{number}-{threading.get_ident()}")
        try:
            seen = fs.receive_file(part, length, read_into)
            if seen != entry["sha256"]:
                raise Refused(422, f"{entry['path']}: sha256 is {seen}, not {entry['sha256']}")
            final = os.path.join(stage, "tree", entry["path"])
            os.rename(part, final)
        finally:
            if os.path.lexists(part):
                os.unlink(part)
        self.received[digest][number] = fs.stamp(final)
        return {"sha256": seen, "size": length}

    def publish(self, digest: str) -> Json:
        """Make a complete, verified version visible with one rename."""
        self.check_owner()
        manifest = self.stages.get(digest)
        if manifest is None:
            raise Refused(404, "not staged")
        tree = os.path.join(self._stage_dir(digest), "tree")
        self._check_tree(digest, manifest, tree)
        self._settle(tree)
        stamps = {inner: fs.stamp(full) for inner, full in fs.walk(tree)}
        model, version = manifest["model"], int(manifest["version"])
        self._write_record(model, version, manifest, stamps)
        parent = self._model_dir(model)
        target = self._version_path(model, version)
        if fs.names_in(target):
            raise Refused(409, f"version {version} of model {model} exists")
        self.check_owner()
        os.rename(tree, target)
        fs.fsync(parent)
        self.stages.pop(digest)
        shutil.rmtree(self._stage_dir(digest), ignore_errors=True)
        return {"model": model, "version": version, "digest": digest}

    def seal(self, manifest: Json) -> Json:
        """Record a published version that was just read and found equal to a manifest."""
        self.check_owner()
        fs.checked_digest(manifest)
        model, version = manifest["model"], int(manifest["version"])
        path = self._version_path(model, version)
        before = {inner: fs.stamp(full) for inner, full in fs.walk(path)}
        found = self.hashes(model, version)["files"]
        if found != {entry["path"]: entry["sha256"] for entry in manifest["files"]}:
            raise Refused(409, f"version {version} of model {model} has other bytes")
        self._write_record(model, version, manifest, before)
        return {}

    def remove(self, model: str, version: int) -> Json:
        """Take a version out of sight with one rename, then delete it."""
        self.check_owner()
        path = self._version_path(model, version)
        if not fs.is_dir(os.path.dirname(path)) or not os.path.lexists(path):
            return {"removed": False}
        aside = os.path.join(self.work, "trash", f"{model}-{version}-{time.monotonic_ns()}")
        os.rename(path, aside)
        parent = os.path.dirname(path)
        fs.fsync(parent)
        record = self._record_path(model, str(version))
        if os.path.lexists(record):
            os.unlink(record)
        shutil.rmtree(aside)
        for directory in (parent, os.path.dirname(record)):
            if os.path.isdir(directory) and not fs.names_in(directory):
                os.rmdir(directory)
        fs.fsync(self.models)
        return {"removed": True}

    # -- parts --------------------------------------------------------------------------------

    def _writable(self) -> None:
        if self.read_only:
            raise Refused(405, "this helper only reads")

    def _make_work_dir(self, name: str) -> None:
        path = directory = os.path.join(self.work, name)
        try:
            os.makedirs(self.root, exist_ok=True)
            for directory in (self.work, path):
                try:
                    os.mkdir(directory)
                    os.chmod(directory, 0o770)
                except FileExistsError:  # also when another writer was faster
                    pass
        except OSError as error:
            raise fs.os_refused(error, f"cannot write to {directory}") from error
        if not fs.is_dir(self.work) or not fs.is_dir(path):
            raise Refused(409, f"{path} is not a directory")

    def _probe(self) -> None:
        """Try what publishing needs: create, fsync, rename, unlink."""
        first = os.path.join(self.work, "staging", f"probe-{os.getpid()}")
        second = first + "-renamed"
        try:
            fs.write(first, b"probe")
            os.rename(first, second)
            os.unlink(second)
            fs.fsync(os.path.dirname(first))
        except OSError as error:
            raise fs.os_refused(error, "the store cannot be written") from error

    def _check_tree(self, digest: str, manifest: Json, tree: str) -> None:
        stamps = {inner: fs.stamp(full) for inner, full in fs.walk(tree)}
        received = self.received[digest]
        for number, entry in enumerate(manifest["files"]):
            stamp = stamps.pop(entry["path"], None)
            if number not in received or stamp is None:
                raise Refused(409, f"{entry['path']} has not been received")
            if stamp != received[number] or stamp[0] != entry["size"]:
                raise Refused(409, f"{entry['path']} changed after it was received")
        if stamps:
            raise Refused(409, "unexpected files: " + ", ".join(sorted(stamps)))

    def _settle(self, tree: str) -> None:
        """Give modes and owner, then flush everything below to the disk, leaves first."""
        for directory, _names, files in os.walk(tree, topdown=False):
            for name in files:
                self._own(os.path.join(directory, name), 0o644)
                fs.fsync(os.path.join(directory, name))
            self._own(directory, 0o755)
            fs.fsync(directory)

    def _own(self, path: str, mode: int) -> None:
        os.chmod(path, mode)
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)

    def _write_record(self, model: str, version: int, manifest: Json, stamps: Json) -> None:
        path = self._record_path(model, str(version))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        body = json.dumps({"manifest": manifest, "stamps": stamps}).encode()
        fs.write(path + ".new", body)
        os.rename(path + ".new", path)
        fs.fsync(os.path.dirname(path))

    def _model_dir(self, model: str) -> str:
        parent = os.path.join(self.models, model)
        for directory, above in ((self.models, self.root), (parent, self.models)):
            if not os.path.lexists(directory):
                os.mkdir(directory)
                self._own(directory, 0o755)
                fs.fsync(above)
            if not fs.is_dir(directory):
                raise Refused(409, f"{directory} is not a directory")
        return parent

    def _lock_dir(self) -> str:
        return os.path.join(self.work, "locks", "store")

    def _stage_dir(self, digest: str) -> str:
        return os.path.join(self.work, "staging", digest.replace(":", "-"))

    def _record_path(self, model: str, version: str) -> str:
        return os.path.join(self.work, "manifests", model, f"{version}.json")

    def _version_path(self, model: str, version: int) -> str:
        if not fs.MODEL.fullmatch(str(model)) or not fs.VERSION.fullmatch(str(version)):
            raise Refused(400, "bad model or version")
        return os.path.join(self.models, model, str(version))
