# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file system side of the script that runs in the helper pod; knows nothing of HTTP.

Layout on the store::

    <root>/models/<model>/<version>/    complete, verified versions only
    <root>/.edge/staging/<digest>/      a version on its way, see C(stage.py)
    <root>/.edge/manifests/<model>/<version>.json   manifest and file stamps of a published version
    <root>/.edge/locks/store/owner      who writes, see C(lock.py)
    <root>/.edge/trash/                 unpublished, and about to be deleted
    <root>/.edge/aside/<model>/<version>/   out of sight for a moment, see C(repair.set_aside)
    <root>/.edge/blocks/                block signatures of published files
    <root>/.edge/trust/                 the newest signed set that was published
"""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from . import disk, upkeep
from . import files as fs
from . import lock as locks
from . import repair as repairs
from . import reuse as reuses
from . import stage as stages

PROTOCOL = 2
WORK_NAMES = ("staging", "manifests", "locks", "trash")

Json = Dict[str, Any]
Refused = fs.Refused


class Store:
    """The file system work; knows nothing of HTTP."""

    def __init__(self, root: str, uid: int, gid: int, read_only: bool) -> None:
        self.root = os.path.realpath(root)
        self.models = os.path.join(self.root, "models")
        self.work = os.path.join(self.root, ".edge")
        self.uid, self.gid, self.read_only = uid, gid, read_only
        self.locked = locks.StoreLock(os.path.join(self.work, "locks"))
        self.stages: Dict[str, stages.Stage] = {}
        self.wanted: Sequence[str] = ()
        self._probed: Optional[Tuple[Dict[str, str], Dict[str, bool]]] = None
        self._given: Dict[str, List[Tuple[str, str, Json]]] = {}  # what peers ask for, by digest

    def facts(self) -> Json:
        """Free space and inodes (0 total inodes: the file system has no limit), and rights."""
        path = self.root
        while not os.path.exists(path):
            path = os.path.dirname(path)
        info = os.statvfs(path)
        kind, source = disk.mount_of(path)
        sizes = upkeep.sizes(os.path.join(self.work, "staging"))
        found, extras = self._probe(path)
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
            "fs_type": kind,
            "fs_source": source,
            # A reader's own mount is read-only whatever the file system is.
            "fs_read_only": bool(info.f_flag & os.ST_RDONLY) and not self.read_only,
            "reflink": extras.get("reflink", False),
            "hardlink": extras.get("hardlink", False),
            "keeps": {name: extras[name] for name in disk.NAMES if name in extras},
            "probe": found,
            "stages": sizes,
            "staging_bytes": sum(sizes.values()),
        }

    def _probe(self, path: str) -> Tuple[Dict[str, str], Dict[str, bool]]:
        """Try the file system once, where writing is allowed."""
        if self.read_only or not fs.may_write(path, False):
            return {}, {}
        if self._probed is None:
            owner = (self.uid, self.gid) if os.geteuid() == 0 else None
            trash = os.path.join(self.work, "trash")  # what a killed helper leaves there goes
            self._probed = disk.probe(trash if fs.is_dir(trash) else path, owner)
        return self._probed

    # -- reading ------------------------------------------------------------------------------

    def inventory(self) -> Json:
        """Return every published version with file stamps and record, and unexpected objects.

        C(odd) names what lies in C(.edge) and is not what belongs there; it counts as absent.
        C(blocked) names, with the reason, what keeps versions from being published or removed. If
        that is C(models), a directory in it that is fine is named with C("").
        """
        versions: List[Json] = []
        strays: List[str] = []
        blocked = top = self._obstacle("models", self.models)
        for model, path in fs.children(self.models):
            fine = [[f"models/{model}", ""]] if top else []
            blocked = blocked + (self._obstacle(f"models/{model}", path) or fine)
            if not fs.MODEL.fullmatch(model) or not fs.is_dir(path):
                strays.append(model)
                continue
            for name, child in fs.children(path):
                if fs.VERSION.fullmatch(name) and not fs.is_dir(child):
                    blocked = blocked + self._obstacle(f"models/{model}/{name}", child)
                if fs.VERSION.fullmatch(name) and fs.is_dir(child):
                    versions.append(self._version(model, name, child))
                elif fs.is_dir(child) or os.path.islink(child):
                    strays.append(f"{model}/{name}")
        self.locked.holder()
        for path in upkeep.survey(self.work):
            stages.load(path)
        odd = upkeep.odd_in(self.work)
        return {"versions": versions, "strays": strays, "odd": odd, "blocked": blocked}

    def _obstacle(self, inner: str, path: str) -> List[List[str]]:
        """Return [[inner, why]] if nothing can be published below a path that is there."""
        try:
            kind = fs.kind_of(os.lstat(path).st_mode)
        except FileNotFoundError:
            return []
        if kind != "directory":
            return [[inner, f"it is a {kind}"]]
        writable = fs.may_write(path, self.read_only)
        return [] if writable else [[inner, f"user {os.geteuid()} may not write there"]]

    def _version(self, model: str, version: str, path: str) -> Json:
        files = [
            [inner, *fs.stamp_of(status), status.st_mode, status.st_uid, status.st_gid]
            for inner, status in fs.tree(path)[0].items()
        ]
        about = {**self._record(model, version), **repairs.directories(path)}
        return {"model": model, "version": int(version), "files": files, **about}

    def _record(self, model: str, version: str) -> Json:
        """Return C(record) of a version, C(None) without a sound one; notes what is not."""
        path = self._record_path(model, version)
        found = repairs.record(path)
        fs.note_odd(path, found.get("record_fault"))
        return found

    def hashes(self, model: str, version: int) -> Json:
        """sha256 of each file of a published version, read now; C("") for what is no file."""
        return {"files": repairs.hashes_of(self.version_path(model, version), skip=True)}

    def staged(self, digest: str) -> Json:
        """Return the staged files of a version; changes nothing."""
        path = self._stage_dir(digest)
        stage = self.stages.get(digest) if fs.is_dir(path) else None
        stage = stage or stages.load(path)
        return stage.status() if stage else {"files": {}}

    def place(self, basis: Json, digest: str = "") -> str:
        """Return the path of a file that others are made from.

        Args:
            basis: C(model), C(version), C(path) of a published file; C(digest), C(number) of a
                verified file of a stage; C(digest), C(hold) of a gathered listing; C(bad) or
                C(part), a number in the stage C(digest).
            digest: of the stage when C(basis) does not name it.
        """
        if "model" in basis:
            version = self.version_path(basis["model"], basis["version"])
            inside = os.path.relpath(version, self.root)
            return fs.same_file(self.root, f"{inside}/{basis['path']}")
        digest = str(basis.get("digest") or digest)
        if "hold" in basis:
            return fs.same_file(self._stage_dir(digest), f"hold-{int(basis['hold'])}")
        stage = self.stage_of(digest)
        if "number" in basis:
            if not stage.is_done(basis["number"]):
                raise Refused(404, f"file {basis['number']} of the stage is not complete")
            return stage.final(basis["number"])
        kind = "bad" if "bad" in basis else "part"
        stage.entry(basis[kind])
        path = stage.bad(basis[kind]) if kind == "bad" else stage.part(basis[kind])
        return fs.same_file(stage.path, os.path.basename(path))

    def content(self, digest: str, number: int) -> str:
        """Return the path of a verified file of a stage, or of a version published from it."""
        self._stage_dir(digest)  # checks the name
        stage = self.stages.get(digest) or stages.load(self._stage_dir(digest))
        if stage is not None and stage.is_done(number):
            return stage.final(number)
        for model, version, record in self._published_with(digest):
            if 0 <= number < len(record["manifest"]["files"]):
                inner = record["manifest"]["files"][number]["path"]
                path = self.place({"model": model, "version": version, "path": inner})
                if list(fs.stamp(path)) == list(record["stamps"].get(inner) or ()):
                    return path
        raise Refused(404, "no such file here")

    def _published_with(self, digest: str) -> List[Tuple[str, str, Json]]:
        """Return the versions with a digest.

        They are remembered, since a peer asks for one file after the other. What went or changed
        meanwhile has another stamp, or none.
        """
        known = self._given.get(digest)
        if known is None:
            every = self._records()
            known = [item for item in every if item[2]["manifest"].get("digest") == digest]
            self._given = {digest: known} if known else {}
        return known

    def recorded(self, model: str, version: int) -> Dict[str, Tuple[str, fs.Stamp]]:
        """Return sha256 and stamp of each file of a published version by its record."""
        record = self._record(model, str(version))["record"] or {"manifest": {"files": ()}}
        stamps = record.get("stamps") or {}
        return {
            entry["path"]: (entry["sha256"], tuple(stamps.get(entry["path"]) or ()))
            for entry in record["manifest"]["files"]
        }

    def _records(self) -> Iterator[Tuple[str, str, Json]]:
        for model, path in fs.children(os.path.join(self.work, "manifests")):
            for name, _full in fs.children(path):
                version, _dot, kind = name.partition(".")
                record = self._record(model, version)["record"] if kind == "json" else None
                if record is not None:
                    yield model, version, record

    # -- lock ---------------------------------------------------------------------------------

    def lock(self, owner: str, note: str, wanted: Sequence[str] = ()) -> Json:
        """Take the lock; deletes the trash, and stages that have not been used for long."""
        if self.read_only:
            raise Refused(405, "this helper only reads")
        for name in WORK_NAMES:
            self._make_work_dir(name)
        found, _extras = self._probe(self.root)
        failed = [f"{step}: {fault}" for step, fault in found.items() if fault]
        if failed:
            raise Refused(500, "the store cannot be written: " + "; ".join(failed), probe=found)
        fresh = self.locked.acquire(owner, note)
        self.wanted = [str(digest) for digest in wanted]
        if fresh:
            repairs.put_back(self)  # a writer was cut off in between
            self.stages.clear()
            fs.empty(os.path.join(self.work, "trash"))
            for name, path in fs.children(self.root):
                if disk.PROBE in name:
                    fs.discard(path)
            upkeep.forget(
                self.work, self._unwanted(), self.locked.leftovers(), lambda: self.locked.now(owner)
            )
        return {"owner": owner}

    def check_owner(self) -> None:
        """Raise unless this helper still holds the lock."""
        self.locked.check()

    def unlock(self) -> Json:
        """Release the lock; staged files are kept, and what is aside comes back."""
        self.stages.clear()
        try:
            if self.locked.owner is not None:
                repairs.put_back(self)
        finally:
            self.locked.release()
        return {}

    def _unwanted(self) -> List[Tuple[str, str]]:
        """Return (digest, path) of the stages that this run does not want, oldest first."""
        found = []
        for name, path in fs.children(os.path.join(self.work, "staging")):
            digest = name.replace("-", ":", 1)
            if digest not in self.wanted and digest not in self.stages:
                found.append((upkeep.used(path), digest, path))
        return [(digest, path) for _used, digest, path in sorted(found)]

    # -- writing ------------------------------------------------------------------------------

    def stage(self, manifest: Json, reuse: Json) -> Json:
        """Begin or go on with a version: its tree outside of models/, and what can be reused."""
        self.check_owner()
        digest = fs.checked_digest(manifest)
        self.version_path(manifest["model"], manifest["version"])
        stage = self.stages.get(digest)
        if stage is None or not fs.is_dir(stage.tree):
            stage = self.stages[digest] = stages.Stage(self._stage_dir(digest), manifest)
        stage.manifest = manifest
        stage.prepare()
        linked, damaged, how = reuses.take_over(self, stage, reuse)
        self._make_room(sum(entry["size"] for entry in stage.missing()))
        answer = stage.status()
        for number, name in how.items():
            answer["files"][number]["how"] = name
        return {**answer, "linked": linked, "damaged": damaged}

    def _make_room(self, needed: int) -> None:
        """Delete stages that this run does not want while the space is too small without."""
        for _digest, path in self._unwanted():
            info = os.statvfs(self.root)
            known = info.f_blocks > 0  # some file systems tell no sizes
            if not self.wanted or not known or info.f_bavail * info.f_frsize > needed:
                return
            fs.discard(path)

    def stage_of(self, digest: str) -> stages.Stage:
        """Return a stage by its digest, also one that another helper began."""
        path = self._stage_dir(digest)
        stage = self.stages.get(digest)
        if stage is None:
            stage = stages.load(path)
            if stage is None:
                raise Refused(404, "not staged")
            if self.locked.owner is not None:
                self.stages[digest] = stage
        return stage

    def publish(self, digest: str, model: Optional[str] = None, version: Any = None) -> Json:
        """Make a complete, verified version visible with one rename.

        Args:
            digest: of its stage.
            model: with C(version): its name, where it is not that of the last C(stage).
            version: its number.
        """
        self.check_owner()
        if model is not None and self._is_published(digest, model, int(version)):
            self.drop_stage(digest)
            return {"model": model, "version": int(version), "digest": digest, "already": True}
        stage = self.stage_of(digest)
        stage.flush()
        manifest = stage.manifest
        if model is not None:
            manifest = {**manifest, "model": model, "version": int(version)}
        model, version = str(manifest["model"]), int(manifest["version"])
        parent, target = self.model_dir(model), self.version_path(model, version)
        if fs.names_in(target):
            raise Refused(409, f"version {version} of model {model} exists")
        stamps = self._settle(stage)
        first = os.path.join(stage.tree, min(stamps))
        self.write_record(model, version, manifest, stamps, first)
        self.check_owner()
        os.rename(stage.tree, target)
        fs.fsync(parent)
        self.drop_stage(digest)
        return {"model": model, "version": version, "digest": digest}

    def _is_published(self, digest: str, model: str, version: int) -> bool:
        """Return whether a version with these files is published: the answer may have been lost."""
        path = self.version_path(model, version)
        record = self._record(model, str(version))["record"] or {}
        manifest = record.get("manifest") or {}
        stamps = {inner: list(stamp) for inner, stamp in fs.stamps(path).items()}
        if not stamps or manifest.get("digest") != digest:
            return False
        wanted = {entry["path"]: entry["sha256"] for entry in manifest["files"]}
        # Not every file system keeps times and inode numbers; then the bytes decide.
        return record.get("stamps") == stamps or self.hashes(model, version)["files"] == wanted

    def drop_stage(self, digest: str) -> None:
        """Forget a stage that is done with."""
        self.stages.pop(digest, None)
        fs.discard(self._stage_dir(digest))

    def seal(self, manifest: Json) -> Json:
        """Record a published version that was just read and found equal to a manifest."""
        self.check_owner()
        fs.checked_digest(manifest)
        model, version = manifest["model"], int(manifest["version"])
        path = self.version_path(model, version)
        before = fs.stamps(path)
        found = self.hashes(model, version)["files"]
        if found != {entry["path"]: entry["sha256"] for entry in manifest["files"]}:
            raise Refused(409, f"version {version} of model {model} has other bytes")
        self.write_record(model, version, manifest, before)
        return {}

    def remove(self, model: str, version: int) -> Json:
        """Unpublish a version with one rename, then delete its files."""
        self.check_owner()
        path = self.version_path(model, version)
        if not fs.is_dir(os.path.dirname(path)) or not os.path.lexists(path):
            return {"removed": False}
        parent = os.path.dirname(path)
        aside = self.trash(f"{model}-{version}")
        os.rename(path, aside)
        fs.fsync(parent)
        fs.fsync(os.path.dirname(aside))
        record = self._record_path(model, str(version))
        fs.discard(record)
        fs.discard(aside)
        for directory in (parent, os.path.dirname(record)):
            if os.path.isdir(directory) and not fs.names_in(directory):
                os.rmdir(directory)
        fs.fsync(self.models)
        return {"removed": True}

    def trash(self, name: str) -> str:
        """Return a new path in the trash, where an unpublished version waits to be deleted."""
        return os.path.join(self.work, "trash", f"{name}-{time.time_ns()}")

    # -- parts --------------------------------------------------------------------------------

    def _make_work_dir(self, name: str) -> None:
        path = directory = os.path.join(self.work, name)
        try:
            os.makedirs(self.root, exist_ok=True)
            for directory in (self.work, path):
                fs.make_shared(directory)
        except OSError as error:
            raise fs.os_refused(error, f"cannot write to {directory}") from error
        if not fs.is_dir(self.work) or not fs.is_dir(path):
            raise Refused(409, f"{path} is not a directory")

    def _settle(self, stage: stages.Stage) -> Dict[str, fs.Stamp]:
        """Check a tree, give modes and owner, flush all to the disk, leaves first.

        Returns:
            The stamps of its files.
        """
        files, directories = fs.tree(stage.tree)
        stamps = {inner: fs.stamp_of(status) for inner, status in files.items()}
        stage.check(stamps)
        paths = [os.path.join(stage.tree, inner) for inner in files]
        given = [self.own(path, fs.FILE_MODE, files[inner]) for path, inner in zip(paths, files)]
        for inner in (*reversed(directories), ""):
            paths.append(os.path.join(stage.tree, inner))
            self.own(paths[-1], fs.DIRECTORY_MODE)
        disk.sync_all(stage.tree, paths)
        return fs.stamps(stage.tree) if any(given) else stamps

    def own(self, path: str, mode: int, status: Optional[os.stat_result] = None) -> bool:
        """Set mode and owner of published files; returns whether they were others."""
        return fs.own(path, mode, (self.uid, self.gid), status or os.lstat(path))

    def is_ours(self, path: str) -> bool:
        """Return whether a file has the mode and owner of published ones already."""
        return not any(fs.foreign(fs.FILE_MODE, (self.uid, self.gid), os.lstat(path)))

    def write_record(
        self,
        model: str,
        version: int,
        manifest: Json,
        stamps: Json,
        of: Optional[str] = None,
        *,
        load_again: bool = False,
    ) -> None:
        """Write the record of a published version: its manifest and the stamps of its files.

        C(of) is a file that was just written: what C(traits) tells of it holds for the others too.
        With C(load_again), servers may have loaded other bytes, until C(seal).
        """
        path = self._record_path(model, str(version))
        self._given = {}
        fs.make_dir(os.path.dirname(path))
        body: Json = {"manifest": manifest, "stamps": stamps}
        if of is not None:
            body.update(fs.traits(of))
        if load_again:
            body["load_again"] = True
        fs.save(path, json.dumps(body).encode())
        fs.fsync(os.path.dirname(path))

    def model_dir(self, model: str) -> str:
        """Return the directory of a model, which is made if it is not there."""
        parent = os.path.join(self.models, model)
        for directory, above in ((self.models, self.root), (parent, self.models)):
            if not os.path.lexists(directory):
                os.mkdir(directory)
                self.own(directory, fs.DIRECTORY_MODE)
                fs.fsync(above)
            if not fs.is_dir(directory):
                raise Refused(409, f"{directory} is not a directory")
        return parent

    def _stage_dir(self, digest: str) -> str:
        if not fs.DIGEST.fullmatch(digest):
            raise Refused(400, "bad digest")
        return os.path.join(self.work, "staging", digest.replace(":", "-"))

    def _record_path(self, model: str, version: str) -> str:
        return os.path.join(self.work, "manifests", model, f"{version}.json")

    def version_path(self, model: str, version: int) -> str:
        """Return the directory of a version; refuses what is no name of one."""
        if not fs.MODEL.fullmatch(str(model)) or not fs.VERSION.fullmatch(str(version)):
            raise Refused(400, "bad model or version")
        return os.path.join(self.models, model, str(version))
