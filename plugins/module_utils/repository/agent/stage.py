# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The staging area of one version: the files received so far, and which of them are verified.

Layout of C(.edge/staging/<digest>/), which survives the helper and the run::

    manifest.json   what it will be; its modification time is the last use
    tree/<path>     complete files; one without its line in "done" is not verified yet
    part-<n>        the beginning of file number n of the manifest
    bad-<n>         all of file n with a wrong hash; good enough to repair it from
    done            a line "n size mtime_ns inode" per verified file that is flushed to the disk

A part never shares its blocks' inode with a published file: only files that are complete and
verified are links, and nothing writes to them.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    List,
    Mapping,
    Optional,
    Sequence,
    Set,
    Tuple,
)

from . import disk, pack
from . import files as fs

BATCH = 500  # verified files between two flushes of the stamps
CLAIM_SECONDS = 15.0  # seconds for an older upload of the same file to stop
CHECK_SECONDS = 1.0  # between two looks at the lock by one upload
GROWING = re.compile(r"(part|bad)-(0|[1-9][0-9]{0,8})")

Json = Dict[str, Any]
Stamp = fs.Stamp
Refused = fs.Refused


def load(path: str) -> Optional[Stage]:
    """Return the stage in a directory, C(None) when there is none or its manifest is no good."""
    manifest = fs.read_json(os.path.join(path, "manifest.json"))
    try:
        fs.checked_digest(manifest)
    except (Refused, TypeError, KeyError, AttributeError):
        if manifest is not None:
            fs.odd[os.path.join(path, "manifest.json")] = "it is no manifest"
        return None
    return Stage(path, manifest)


class Stage:
    """One staged version on the store."""

    def __init__(self, path: str, manifest: Json) -> None:
        self.path, self.manifest = path, manifest
        self.files: List[Json] = manifest["files"]
        self.tree = os.path.join(path, "tree")
        self.guard = threading.Lock()
        self.claims: Dict[int, Upload] = {}
        self.pack_claims = pack.Claims()
        self.stamps = self._read_stamps()
        self._waiting: Dict[int, Stamp] = {}  # verified, but not flushed to the disk
        self._unsynced = False
        self._unread: Set[int] = set()  # of these, those that were hashed before they were flushed
        self._seen: Set[int] = set()  # files whose bytes this very process has read back

    # -- names --------------------------------------------------------------------------------

    def entry(self, number: int) -> Json:
        """Return a file of the manifest by its number."""
        if not isinstance(number, int) or not 0 <= number < len(self.files):
            raise Refused(404, f"no file {number} in the manifest")
        return self.files[number]

    def final(self, number: int) -> str:
        """Return the path of a verified file."""
        return os.path.join(self.tree, self.entry(number)["path"])

    def part(self, number: int) -> str:
        """Return the path of a growing file."""
        return os.path.join(self.path, f"part-{number}")

    def bad(self, number: int) -> str:
        """Return the path of a finished file with a wrong hash."""
        return os.path.join(self.path, f"bad-{number}")

    # -- reading ------------------------------------------------------------------------------

    def status(self) -> Json:
        """Return what is there, by number; reads files whose stamp is not known."""
        tree = fs.tree(self.tree)[0]
        there = [number for number, entry in enumerate(self.files) if entry["path"] in tree]
        done = {number for number in there if self.is_done(number)}
        done |= self._right([number for number in there if number not in done])
        growing = self._growing()
        return {
            "files": {
                str(number): self._state(number, number in done, growing)
                for number in range(len(self.files))
            }
        }

    def _state(self, number: int, done: bool, growing: Mapping[str, int]) -> Json:
        have = 0 if done else growing.get(f"part-{number}", 0)
        have = have if have <= self.files[number]["size"] else 0
        found: Json = {"done": done, "have": have}
        if not done and f"bad-{number}" in growing:
            found["bad"] = True
        return found

    def _growing(self) -> Dict[str, int]:
        """Return the sizes of the parts and of the files with a wrong hash, by name."""
        found: Dict[str, int] = {}
        for name, path in fs.children(self.path):
            if GROWING.fullmatch(name) and fs.is_plain(path):
                found[name] = fs.size_of(path)
        return found

    def is_done(self, number: int) -> bool:
        """Return whether a file is verified and has not changed since."""
        known = self._waiting.get(number) or self.stamps.get(number)
        try:
            return known is not None and fs.stamp(self.final(number)) == known
        except OSError:
            return False

    def _is_right(self, number: int) -> bool:
        return number in self._right([number])

    def _right(self, numbers: Iterable[int]) -> Set[int]:
        """Return those of the files in the tree that have the right bytes on the disk."""
        chosen = [
            number
            for number in numbers
            if fs.is_plain(self.final(number))
            and fs.size_of(self.final(number)) == self.files[number]["size"]
        ]
        seen = disk.read_all(
            ((self.final(number), self.files[number]["size"]) for number in chosen), drop=True
        )
        return {
            number
            for number, (sha256, _stamp) in zip(chosen, seen)
            if sha256 == self.files[number]["sha256"]
        }

    def is_right_after_all(self, number: int) -> bool:
        """Read a file again whose stamp is another than when it was verified.

        A file system need not keep inode numbers (FUSE, CIFS without C(serverino)) or the time
        that it told before it had written the file.
        """
        if not self._is_right(number):
            return False
        self.stamps[number] = fs.stamp(self.final(number))
        return True

    def check(self, stamps: Mapping[str, Stamp]) -> None:
        """Refuse a tree that is not all of the version, verified.

        Args:
            stamps: of what lies in the tree.
        """
        for number, entry in enumerate(self.files):
            stamp = stamps.get(entry["path"])
            if stamp is None or number not in self.stamps:
                raise Refused(409, f"{entry['path']} has not been received")
            if stamp != self.stamps[number] and not self.is_right_after_all(number):
                raise Refused(409, f"{entry['path']} changed after it was received")
        if len(stamps) > len(self.files):
            more = set(stamps) - {entry["path"] for entry in self.files}
            raise Refused(409, "unexpected files: " + ", ".join(sorted(more)))

    def _read_stamps(self) -> Dict[int, Stamp]:
        found: Dict[int, Stamp] = {}
        path = os.path.join(self.path, "done")
        try:
            text = fs.load(path).decode("ascii")
        except FileNotFoundError:
            return found
        except (fs.Odd, ValueError) as error:
            fs.odd[path] = str(error)
            return found
        lines = text.split("\n")[:-1]  # a last line without its end was cut short
        for line in lines:
            words = line.split()
            if len(words) == 4 and all(word.isdigit() and len(word) < 20 for word in words):
                found[int(words[0])] = (int(words[1]), int(words[2]), int(words[3]))
        return found

    # -- writing ------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Create the stage, delete files that are not in the manifest, verify those that are."""
        self._save_manifest()
        wanted = {entry["path"]: number for number, entry in enumerate(self.files)}
        files, directories = fs.tree(self.tree)
        for inner in (*files, *directories):
            if (inner in wanted) != (inner in files):  # not wanted, or a directory in the way
                fs.discard(os.path.join(self.tree, inner))
        for inner in sorted({os.path.dirname(path) for path in wanted}):
            os.makedirs(os.path.join(self.tree, inner), exist_ok=True)
        for name, path in fs.children(self.path):
            self._clear(name, path)
        self._settle([wanted[inner] for inner in files if inner in wanted])
        self.flush()

    def _save_manifest(self) -> None:
        fs.make_dir(self.path)
        fs.make_dir(self.tree)
        path = os.path.join(self.path, "manifest.json")
        if fs.read_json(path) == self.manifest:
            os.utime(path)
            return
        fs.save(path, json.dumps(self.manifest).encode())
        fs.fsync(self.path)

    def _clear(self, name: str, path: str) -> None:
        """Delete what is in the place of a part, and a part that is too long."""
        match = GROWING.fullmatch(name)
        if match is None or int(match.group(2)) >= len(self.files):
            return
        fs.make_way(path)
        size = self.files[int(match.group(2))]["size"]
        if match.group(1) == "part" and fs.size_of(path) > size:
            fs.discard(path)

    def _settle(self, numbers: Iterable[int]) -> None:
        """Verify files that an earlier helper left.

        A matching stamp does not prove that the disk still holds the verified bytes.
        """
        known = {number for number in numbers if self.is_done(number)}
        unread = [number for number in numbers if not (number in known and number in self._seen)]
        new = [self.final(number) for number in unread if number not in known]
        disk.sync_all(self.tree, filter(fs.is_plain, new))  # to be read from there
        right = self._right(unread)
        for number in unread:
            path = self.final(number)
            if number in right:
                self._seen.add(number)
                if number not in known:
                    self._arrived(number, synced=True)
            elif fs.is_plain(path) and os.lstat(path).st_nlink == 1:
                os.rename(path, self.bad(number))
            else:
                fs.discard(path)

    def _arrived(self, number: int, synced: bool, stamp: Stamp = (), read: bool = True) -> None:
        with self.guard:
            self._unread.update(() if read else (number,))
            self._waiting[number] = stamp or fs.stamp(self.final(number))
            self._seen.add(number)
            self._unsynced = self._unsynced or not synced

    def take(self, done: Mapping[int, Stamp]) -> None:
        """Register files that C(Unpacker) verified and put into the tree; see C(verify.Stage)."""
        for number, stamp in done.items():
            self._arrived(number, bool(stamp), stamp)
        if len(self._waiting) >= BATCH:
            self.flush()

    def finish(self, number: int, sha256: str, synced: bool) -> Json:
        """Accept or reject a finished part by the sha256 of its bytes.

        If it was not C(synced), these may have been in memory only; C(flush) reads them again.
        """
        entry, part = self.entry(number), self.part(number)
        if sha256 != entry["sha256"] or fs.size_of(part) != entry["size"]:
            os.rename(part, self.bad(number))
            return {"bad": True, "sha256": sha256}
        os.rename(part, self.final(number))
        self._arrived(number, synced, read=synced)
        fs.discard(self.bad(number))
        if len(self._waiting) >= BATCH:
            self.flush()
        return {"done": True}

    def flush(self) -> None:
        """Flush verified files to the disk, then write their stamps, which later runs rely on.

        Raises:
            Refused: the disk gives back other bytes than were written.
        """
        with self.guard:
            if not self._waiting:
                return
            if self._unsynced:
                disk.sync_all(self.tree, [self.final(number) for number in self._waiting])
            self._read_back()
            lines = [
                " ".join(map(str, (number, *stamp))) + "\n"
                for number, stamp in self._waiting.items()
            ]
            self._append("".join(lines).encode())
            self.stamps.update(self._waiting)
            self._waiting, self._unsynced = {}, False

    def _read_back(self) -> None:
        """Read what was hashed before it was flushed; what is wrong then has to come again."""
        wrong = self._unread - self._right(self._unread)
        self._unread = set()
        for number in wrong:
            del self._waiting[number]
            os.rename(self.final(number), self.bad(number))
        if wrong:
            path = self.files[min(wrong)]["path"]
            raise Refused(500, f"{path}: the disk gives back other bytes than were written")

    def _append(self, data: bytes) -> None:
        path = os.path.join(self.path, "done")
        fs.make_way(path)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            end = os.lseek(descriptor, 0, os.SEEK_END)
            if end and os.pread(descriptor, 1, end - 1) != b"\n":  # a line that was cut short
                data = b"\n" + data
            os.pwrite(descriptor, data, end)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)

    # -- reuse --------------------------------------------------------------------------------

    def adopt(
        self, number: int, source: str, own: Callable[[str], bool], known: Stamp = ()
    ) -> Tuple[str, str]:
        """Take a file of the same store: clone it, else link it, else copy it, then read it back.

        Args:
            number: of the file in the manifest.
            source: a regular file.
            own: whether a file has the mode and owner of published ones, so that a link of it
                need not be changed (a change would reach the published file as well).
            known: the stamp with which the source has the right bytes. If it still has that, a
                clone or a link of it is not read.

        Returns:
            How it was taken, and the sha256 that was found; C(("", sha256)) when it is wrong.
        """
        entry, fresh = self.entry(number), os.path.join(self.path, f"new-{number}")
        if fs.size_of(source) != entry["size"]:
            return "", ""
        fs.discard(fresh)
        how = disk.duplicate(source, fresh, own(source))
        believed = how != "copy" and bool(known) and fs.stamp(source) == known
        seen = entry["sha256"] if believed else disk.sha256_from_disk(fresh)
        if seen != entry["sha256"]:
            fs.discard(fresh)
            return "", seen
        if how == "reflink":
            fs.fsync(fresh)
        os.rename(fresh, self.final(number))
        self._arrived(number, synced=True)  # registered before the deletions, which can fail
        fs.discard(self.part(number))
        fs.discard(self.bad(number))
        return how, seen

    # -- uploads ------------------------------------------------------------------------------

    def claim(self, number: int, upload: Upload) -> None:
        """Give one upload the right to write a file; an older upload of that file is cancelled."""
        end = time.monotonic() + CLAIM_SECONDS
        while True:
            with self.guard:
                other = self.claims.get(number)
                if other is None or other is upload:
                    self.claims[number] = upload
                    return
            other.cancel("the same file comes on another connection")
            if time.monotonic() > end:
                raise Refused(409, f"file {number} is still being written")
            time.sleep(0.02)

    def release(self, upload: Upload) -> None:
        """Forget the claims of an upload."""
        with self.guard:
            for number in [key for key, value in self.claims.items() if value is upload]:
                del self.claims[number]

    def missing(self) -> Iterable[Json]:
        """Yield the files that are not verified."""
        return (entry for number, entry in enumerate(self.files) if not self.is_done(number))


class Upload:
    """One stream of bytes into a stage: what C(Unpacker) and C(Fetcher) write through.

    Args:
        stage: that it fills.
        locate: returns the path of a basis of copies.
        still_ours: raises when the lock is lost or the controller is gone.
        cut: closes the connection the bytes come from.
    """

    def __init__(
        self,
        stage: Stage,
        locate: Callable[[Json], str],
        still_ours: Callable[[], None],
        cut: Callable[[], None] = lambda: None,
    ) -> None:
        self.stage = stage
        self._locate, self._still_ours, self._cut = locate, still_ours, cut
        self._checked = 0.0
        self._cancelled = ""
        # The attributes of a stage that C(Unpacker) reads; it makes the names of the parts itself.
        self.directory, self.claims = stage.path, stage.pack_claims
        self.files: Sequence[Json] = stage.files
        self.work = os.path.dirname(os.path.dirname(stage.path))  # C(.edge)

    def is_done(self, number: int) -> bool:
        """Return whether a file is verified and has not changed since."""
        return self.stage.is_done(number)

    def basis_path(self, basis: Json) -> str:
        """Return the path of a published file that copies come from."""
        return self._locate(basis)

    def mark_done(self, done: Mapping[int, Stamp]) -> None:
        """Take files that were verified and put into the tree; see C(verify.Stage)."""
        self.check(now=True)
        self.stage.take(done)

    def entry(self, number: int) -> Json:
        """Return a file of the manifest: C(path), C(size), C(sha256)."""
        return self.stage.entry(number)

    def have(self, number: int) -> int:
        """Return the length of the part."""
        self.stage.entry(number)
        return fs.size_of(self.stage.part(number))

    def part(self, number: int, offset: int) -> int:
        """Return a descriptor of the part, cut to C(offset); the caller closes it.

        Raises:
            Refused: the file is done, or its part is shorter than that.
        """
        entry = self.stage.entry(number)
        self.check()
        self.stage.claim(number, self)
        if self.stage.is_done(number):
            raise Refused(409, f"{entry['path']} is complete already", number=number)
        have = self.have(number)
        if not 0 <= offset <= min(have, entry["size"]):
            raise Refused(409, f"{entry['path']} has {have} bytes, not {offset}", number=number)
        fs.make_way(self.stage.part(number))
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        descriptor = os.open(self.stage.part(number), flags, 0o600)
        if have != offset:
            os.ftruncate(descriptor, offset)
        return descriptor

    def basis(self, basis: Json) -> int:
        """Return a descriptor of what copies come from; the caller closes it."""
        return os.open(self._locate(basis), os.O_RDONLY | os.O_NOFOLLOW)

    def finish(self, number: int, sha256: str, synced: bool = True) -> Json:
        """Accept or reject the part by the sha256 read back; C(synced): it is on the disk."""
        self.check(now=True)
        return self.stage.finish(number, sha256, synced)

    def check(self, now: bool = False) -> None:
        """Raise when this upload has to stop; the lock is not read at every call, unless C(now)."""
        if self._cancelled:
            raise Refused(409, self._cancelled)
        clock = time.monotonic()
        if now or clock - self._checked > CHECK_SECONDS:
            self._still_ours()
            self._checked = clock

    def cancel(self, why: str) -> None:
        """Stop this upload; called from another thread."""
        self._cancelled = why
        self._cut()

    def close(self) -> None:
        """Write the stamps of received files and release the claims."""
        try:
            self.stage.flush()
        finally:
            self.stage.release(self)
