# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking closely at a published version, and restoring files of it, in the helper pod.

A server may hold the old file open: it is never written to, its name is given to the new one.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from typing import Any, Dict, Iterable, List, Optional, Set

try:  # in the collection
    from ansible_collections.openvino.edge.plugins.module_utils.repository import agent_files as fs
except ImportError:  # in the helper pod, where the files lie side by side
    import agent_files as fs  # type: ignore[import-not-found,no-redef]

MODEL_DIRECTORY = ".."  # how a listing names the directory that holds the version

Json = Dict[str, Any]
Refused = fs.Refused


def directories(version: str) -> Json:
    """Return C(dirs), the directories of a version with mode, uid and gid, and C(unreadable).

    C("") is the version's own, C("..") the one it lies in.
    """
    unreadable: List[str] = []

    def failed(error: OSError) -> None:
        unreadable.append(_inner(version, str(error.filename)))

    found = [[MODEL_DIRECTORY, *fs.owner_of(os.path.dirname(version))]]
    for directory, _names, _files in os.walk(version, onerror=failed):
        found.append([_inner(version, directory), *fs.owner_of(directory)])
    return {"dirs": found, "unreadable": unreadable}


def record(path: str) -> Json:
    """Return C(record), C(None) without one, and C(record_fault), why one cannot be read."""
    try:
        with open(path, "rb") as stream:
            value = json.loads(stream.read())
    except FileNotFoundError:
        return {"record": None}
    except OSError as error:
        return {"record": None, "record_fault": error.strerror or str(error)}
    except ValueError:
        return {"record": None, "record_fault": "it is no JSON"}
    if not isinstance(value, dict):
        return {"record": None, "record_fault": "it is no record"}
    return {"record": value}


def hash_or_nothing(path: str) -> str:
    """Return the sha256 of a file, C("") for what is no file or cannot be read."""
    try:
        return fs.sha256_of(path)
    except OSError:
        return ""


def repair(store: Any, body: Json) -> Json:
    """Put verified files of a stage in the place of damaged ones of the published version.

    Args:
        store: the C(agent_store.Store), locked.
        body: C(manifest); C(files), numbers to restore from its stage; C(modes), numbers whose
            owner and mode are set; C(extra), paths that go.

    Raises:
        Refused: a file is not staged, or the version is not right afterwards.
    """
    manifest = body["manifest"]
    digest = fs.checked_digest(manifest)
    version = store.version_path(manifest["model"], manifest["version"])
    if not fs.is_dir(version):
        raise Refused(404, "the version is not there")
    work = Repair(store, manifest, version)
    files = [int(number) for number in body.get("files") or ()]
    stage: Any = store.stage_of(digest) if files else None
    missing = [number for number in files if not stage.is_done(number)]
    if missing:
        raise Refused(409, f"{work.path_of(missing[0])} has not been received")
    store.check_owner()
    for path in body.get("extra") or ():
        work.discard(str(path))
    for number in files:
        work.restore(number, stage.final(number))
    for number in body.get("modes") or ():
        work.set_owner(version, work.path_of(number))
    work.finish()
    store.drop_stage(digest)
    return {"repaired": len(files)}


class Repair:
    """One repair of one version."""

    def __init__(self, store: Any, manifest: Json, version: str) -> None:
        self.store, self.manifest, self.version = store, manifest, version
        self.trash = store.trash("repair")
        self.count = 0
        self.touched: Set[str] = {version}
        self.restored: Optional[str] = None

    def path_of(self, number: int) -> str:
        """Return the path of a file of the manifest."""
        if not 0 <= number < len(self.manifest["files"]):
            raise Refused(404, f"no file {number} in the manifest")
        return str(self.manifest["files"][number]["path"])

    def discard(self, path: str) -> None:
        """Move what does not belong there out of sight."""
        parts = path.split("/")
        if "\0" in path or any(part in ("", ".", "..") for part in parts):
            raise Refused(400, f"bad file name {path!r}")
        if path in {entry["path"] for entry in self.manifest["files"]}:
            raise Refused(400, f"{path} belongs to the version")
        full = os.path.join(self.version, *parts)
        parent = os.path.dirname(full)
        if os.path.realpath(parent) == os.path.join(os.path.realpath(self.version), *parts[:-1]):
            self._to_trash(full)

    def _to_trash(self, full: str) -> None:
        if os.path.lexists(full):
            os.makedirs(self.trash, exist_ok=True)
            self.count += 1
            os.rename(full, os.path.join(self.trash, str(self.count)))
            self.touched.add(os.path.dirname(full))

    def restore(self, number: int, staged: str) -> None:
        """Give the name of a damaged file to a verified one."""
        full = os.path.join(self.version, self.path_of(number))
        self._make_way(os.path.dirname(full))
        if fs.is_dir(full):
            self._to_trash(full)
        self.store.own(staged, fs.FILE_MODE)
        fs.fsync(staged)
        os.rename(staged, full)
        self.restored = full
        self.touched.add(os.path.dirname(full))

    def _make_way(self, directory: str) -> None:
        """Make a directory; what is in its place goes."""
        if directory != self.version:
            self._make_way(os.path.dirname(directory))
            if not fs.is_dir(directory):
                self._to_trash(directory)
                os.mkdir(directory)
                self.touched.add(os.path.dirname(directory))

    def set_owner(self, *parts: str) -> None:
        """Set owner and mode; a file of another owner is copied, as only root could change it."""
        full = os.path.join(*parts)
        if not fs.is_plain(full):
            raise Refused(409, f"{parts[-1]} is not a file")
        if os.geteuid() in (0, os.lstat(full).st_uid):
            self.store.own(full, fs.FILE_MODE)
            fs.fsync(full)
            return
        os.makedirs(self.trash, exist_ok=True)
        copy = os.path.join(self.trash, "copy")
        shutil.copyfile(full, copy)
        self.store.own(copy, fs.FILE_MODE)
        fs.fsync(copy)
        os.rename(copy, full)
        self.touched.add(os.path.dirname(full))

    def finish(self) -> None:
        """Set directories right, read all once more, flush, and write the record.

        Raises:
            Refused: it still is not what was published, or a directory belongs to somebody else.
        """
        foreign = self._settle_directories()
        for directory in sorted(self.touched, reverse=True):
            if fs.is_dir(directory):
                fs.fsync(directory)
        stamps = {inner: fs.stamp(full) for inner, full in fs.walk(self.version)}
        found = {inner: fs.sha256_of(full) for inner, full in fs.walk(self.version)}
        wanted = {entry["path"]: entry["sha256"] for entry in self.manifest["files"]}
        wrong = sorted(path for path in {*found, *wanted} if found.get(path) != wanted.get(path))
        if wrong:
            raise Refused(409, f"still not as it was published: {', '.join(wrong[:5])}")
        model, number = self.manifest["model"], int(self.manifest["version"])
        self.store.write_record(model, number, self.manifest, stamps, self.restored)
        fs.discard(self.trash)
        if foreign:
            raise Refused(
                403, f"directories of another user, which only root can change: {_some(foreign)}"
            )

    def _settle_directories(self) -> List[str]:
        """Set owner and mode of directories, remove the empty; return those of somebody else."""
        foreign: List[str] = []
        for directory, _names, _files in os.walk(self.version, topdown=False):
            if directory != self.version and not fs.names_in(directory):
                os.rmdir(directory)
                self.touched.add(os.path.dirname(directory))
                continue
            foreign += self._settle(directory)
        return foreign + self._settle(os.path.dirname(self.version))

    def _settle(self, directory: str) -> List[str]:
        status = os.lstat(directory)
        if os.geteuid() not in (0, status.st_uid):
            return [_inner(self.version, directory) or "."]
        extra = stat.S_IMODE(status.st_mode) & (stat.S_ISGID | stat.S_IRWXG)
        if os.geteuid() == 0 or (fs.DIRECTORY_MODE | extra) != stat.S_IMODE(status.st_mode):
            self.store.own(directory, fs.DIRECTORY_MODE)
        return []


def _inner(version: str, path: str) -> str:
    inner = os.path.relpath(path, version).replace(os.sep, "/")
    return "" if inner == "." else inner


def _some(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)[:5])
