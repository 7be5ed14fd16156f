# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Audits a published version, and restores its damaged files, in the helper pod.

A model server may hold a damaged file open, so it is never written to: the new file is renamed over
it. And it reads a version that it has loaded again only after that was gone for a moment.
"""

from __future__ import annotations

import os
import shutil
import stat
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

from . import disk
from . import files as fs

MODEL_DIRECTORY = ".."  # how a listing names the directory that holds the version
ASIDE = "aside"  # below .edge

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
        value = fs.load_json(path)
    except FileNotFoundError:
        return {"record": None}
    except fs.Odd as error:
        return {"record": None, "record_fault": str(error)}
    if not is_record(value):
        return {"record": None, "record_fault": "it is no record"}
    return {"record": value}


def is_record(value: Any) -> bool:
    """Return whether a value has the shape of a record: a manifest, and a stamp for each file."""
    manifest = value.get("manifest") if isinstance(value, dict) else None
    files = manifest.get("files") if isinstance(manifest, dict) else None
    stamps = value.get("stamps") if isinstance(value, dict) else None
    return (
        isinstance(files, list)
        and isinstance(stamps, dict)
        and all(isinstance(item, dict) and isinstance(item.get("path"), str) for item in files)
        and all(isinstance(item.get("sha256"), str) for item in files)
        and all(isinstance(item, list) for item in stamps.values())
    )


def hashes_of(version: str, *, skip: bool = False) -> Dict[str, str]:
    """Return the sha256 of each file of a version as its disk has it, C("") for what is no file.

    What a server has mapped stays in memory, and is read from there.

    Args:
        version: its directory.
        skip: what cannot be read is C(""), too.
    """
    files = {inner: status.st_size for inner, status in fs.tree(version)[0].items()}
    paths = ((os.path.join(version, inner), size) for inner, size in files.items())
    seen = disk.read_all(paths, drop=True, skip=skip)
    return {inner: sha256 for inner, (sha256, _stamp) in zip(files, seen)}


def repair(store: Any, body: Json) -> Json:
    """Put verified files of a stage in the place of damaged ones of the published version.

    Args:
        store: the C(store.Store), locked.
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
    work.ready([stage.final(number) for number in files])
    for number in files:
        work.restore(number, stage.final(number))
    for number in body.get("modes") or ():
        work.set_owner(version, work.path_of(number))
    work.finish()
    store.drop_stage(digest)
    return {"repaired": len(files)}


def set_aside(store: Any, model: str, version: int) -> Json:
    """Take a version out of the sight of servers until C(put_back), or find it gone.

    The directory of the model is there afterwards: without it OVMS changes nothing.
    """
    store.check_owner()
    path = store.version_path(model, version)
    parent = store.model_dir(model)
    if not os.path.lexists(path):
        return {"aside": False}
    aside = os.path.join(store.work, ASIDE, model, str(version))
    fs.discard(aside)
    os.makedirs(os.path.dirname(aside), exist_ok=True)
    os.rename(path, aside)
    for directory in (parent, os.path.dirname(aside)):
        fs.fsync(directory)
    return {"aside": True}


def put_back(store: Any) -> Json:
    """Put everything back that C(set_aside) took; what is published again by now stays."""
    top = os.path.join(store.work, ASIDE)
    if not fs.is_dir(top):
        return {"back": 0}
    store.check_owner()
    count = 0
    for model, version, aside in _aside(top):
        path = store.version_path(model, version)
        parent = store.model_dir(model)
        if not fs.names_in(path):
            os.rename(aside, path)
            fs.fsync(parent)
            count += 1
    fs.discard(top)
    return {"back": count}


def _aside(top: str) -> Iterator[Tuple[str, int, str]]:
    """Yield model, version and path of what was set aside; not what lies there by other means."""
    for model, directory in fs.children(top):
        if fs.MODEL.fullmatch(model) and fs.is_dir(directory):
            for version, path in fs.children(directory):
                if fs.VERSION.fullmatch(version) and fs.is_dir(path):
                    yield model, int(version), path


class Repair:
    """One repair of one version."""

    def __init__(self, store: Any, manifest: Json, version: str) -> None:
        self.store, self.manifest, self.version = store, manifest, version
        self.trash = store.trash("repair")
        self.count = 0
        self.touched: Set[str] = {version}
        self.restored: Optional[str] = None
        self._given: Optional[int] = None  # the user that a directory of ours gets

    def path_of(self, number: int) -> str:
        """Return the path of a file of the manifest."""
        if not 0 <= number < len(self.manifest["files"]):
            raise Refused(404, f"no file {number} in the manifest")
        return str(self.manifest["files"][number]["path"])

    def discard(self, path: str) -> None:
        """Move a file that is not in the manifest to the trash."""
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

    def ready(self, staged: Sequence[str]) -> None:
        """Give staged files mode and owner, and flush them to the disk."""
        for path in staged:
            self.store.own(path, fs.FILE_MODE)
        if staged:
            disk.sync_all(self.store.work, staged)

    def restore(self, number: int, staged: str) -> None:
        """Replace a damaged file by a verified one, with a rename."""
        full = os.path.join(self.version, self.path_of(number))
        self._make_way(os.path.dirname(full))
        if fs.is_dir(full):
            self._to_trash(full)
        os.rename(staged, full)
        self.restored = full
        self.touched.add(os.path.dirname(full))

    def _make_way(self, directory: str) -> None:
        """Make a directory; anything else at that path is moved to the trash."""
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
        """Repair the directories, hash all files once more, flush, and write the record.

        Raises:
            Refused: it still is not what was published, or a directory belongs to somebody else.
        """
        foreign = self._settle_directories()
        for directory in sorted(self.touched, reverse=True):
            if fs.is_dir(directory):
                fs.fsync(directory)
        stamps = fs.stamps(self.version)
        found = hashes_of(self.version)
        wanted = {entry["path"]: entry["sha256"] for entry in self.manifest["files"]}
        wrong = sorted(path for path in {*found, *wanted} if found.get(path) != wanted.get(path))
        if wrong:
            raise Refused(409, f"still not as it was published: {', '.join(wrong[:5])}")
        model, number = self.manifest["model"], int(self.manifest["version"])
        again = self.restored is not None or self.count > 0
        self.store.write_record(
            model, number, self.manifest, stamps, self.restored, load_again=again
        )
        fs.discard(self.trash)
        if foreign:
            raise Refused(
                403, f"directories of another user, which only root can change: {_some(foreign)}"
            )

    def _settle_directories(self) -> List[str]:
        """Set owner and mode of directories, remove empty ones; return those of another user."""
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
            if self._gives_owners(status.st_uid):
                return []
            return [_inner(self.version, directory) or "."]
        extra = stat.S_IMODE(status.st_mode) & (stat.S_ISGID | stat.S_IRWXG)
        if os.geteuid() == 0 or (fs.DIRECTORY_MODE | extra) != stat.S_IMODE(status.st_mode):
            self.store.own(directory, fs.DIRECTORY_MODE)
        return []

    def _gives_owners(self, uid: int) -> bool:
        """Return whether what we write belongs to that user too: then there is nothing to set."""
        if self._given is None:
            os.makedirs(self.trash, exist_ok=True)
            self._given = os.lstat(self.trash).st_uid
        return self._given == uid


def _inner(version: str, path: str) -> str:
    inner = os.path.relpath(path, version).replace(os.sep, "/")
    return "" if inner == "." else inner


def _some(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)[:5])
