# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The delivery of a repository that the site pulls itself, and its sender."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Set

from ...errors import EdgeError, InputError, TransferError
from ...runtime import Runtime
from ..content.layout import Selection
from ..content.state import Key, believe
from ..options.pull import PullOptions
from ..options.task import Options
from ..plan.origins import Origin
from ..source.pull_listing import (
    PulledVersion,
    Remote,
    chosen,
    from_entries,
    from_signed,
    read_manifest,
)
from ..transport.base import BAD, DONE, Have, Staged
from ..trust.policy import Guard
from ..trust.signed import MAX_RELEASE
from .delivery import Delivery, Step
from .sending import Sender
from .work import Incoming, Work

SIZES_PER_REQUEST = 1000


class Pulled(Delivery):
    """The chosen versions of a source.

    Args:
        options: where it is.
        selection: what was chosen.
        guard: lets only signed files pass.

    Raises:
        InputError: the manifest cannot be used, or a server would misread what it names.
    """

    def __init__(
        self, options: PullOptions, selection: Sequence[Selection], guard: Optional[Guard] = None
    ) -> None:
        super().__init__(None, selection, guard)
        self.options = options
        self.found: List[PulledVersion] = []
        self._places: Dict[Key, str] = {}  # in the source
        self._held: Dict[str, str] = {}  # digest of a version -> of the listing it is held under
        self._holder: Optional[Work] = None
        if options.manifest:
            self._take(read_manifest(options.manifest), "pull.manifest", options.manifest)
        elif guard:
            signed = guard.signed
            self._take(
                from_signed(signed.versions(), signed.files), "signature.bundle", signed.bundle
            )

    def sender(self, options: Options, stopped: Callable[[], bool]) -> PullSender:
        """Return what lets the helpers fetch the files."""
        made = self._made(PullSender, options, stopped)
        made.pulled = self
        return made

    def _take(self, files: Mapping[str, Remote], option: str, subject: str) -> None:
        self.found, found = chosen(files, self.selection, option, subject)
        self._places = {version.key: version.place for version in self.found}
        self.repository.ignored, self.repository.doubts = found.ignored, found.doubts

    def resolve(self, works: Sequence[Work], runtime: Runtime, lock: Step) -> None:
        """Find out sizes and hashes that the manifest lacks, by asking the helpers of the site.

        Args:
            works: the open targets; the first that can asks the source.
            lock: makes a target's helper the one writer.

        Raises:
            InputError: what is there cannot be a repository, or is not the signed one.
            TransferError: the source cannot be reached or refuses.
        """
        able = [work for work in works if work.way.transport == "agent"]
        if able and not self.found:
            self._list(able[0])
        if able:
            self._find_sizes(able)
            self._find_hashes(able, runtime, lock)
        if runtime.check_mode:
            self.unseen = not self.found
            self._guess({key for work in able for key in work.way.inventory().by_key()})
        known = [(item, item.manifest()) for item in self.found]
        unknown = [f"{item.model}/{item.version}" for item, manifest in known if manifest is None]
        if unknown or not self.found:
            runtime.warn(
                f"{self.options.shown}: what would be pulled is not known before it is read"
                f" ({', '.join(unknown[:5]) or 'there is no helper yet'})"
            )
        self.manifests = [manifest for _item, manifest in known if manifest is not None]
        if self.guard:
            self.guard.check_files(self.manifests, self.selection, self._release())

    def _guess(self, published: Set[Key]) -> None:
        """In check mode, use placeholder sizes and hashes for versions that no store has yet.

        Such a version will be published whatever its bytes are, so the result stays correct.
        """
        for place, version in enumerate(self.found):
            if version.manifest() is None and version.key not in published:
                files = {
                    path: replace(item, size=max(0, item.size), sha256=item.sha256 or "0" * 64)
                    for path, item in version.files.items()
                }
                self.found[place] = replace(version, files=files)

    def _release(self) -> Optional[bytes]:
        path = self.guard.signed.release_path if self.guard else ""
        try:
            with open(path, "rb") as stream:
                return stream.read(MAX_RELEASE + 1)
        except OSError:
            return None

    def _list(self, work: Work) -> None:
        options = self.options
        wanted = {"bucket_url": options.bucket_url, "prefix": options.prefix}
        answer = self._ask(work, {"list": wanted, "via": dict(options.via)})
        files = from_entries(answer["entries"], options.prefix)
        if not files:
            raise InputError(
                "there is nothing",
                option="pull.url",
                subject=options.shown,
                hint="It has to hold <model>/<version>/<files>",
            )
        self._take(files, "pull.url", options.shown)

    def _find_sizes(self, able: Sequence[Work]) -> None:
        """Take the sizes that a manifest lacks from what is published, else ask the source."""
        if all(item.size >= 0 for version in self.found for item in version.files.values()):
            return
        sizes = _published_sizes(able[0])
        for place, version in enumerate(self.found):
            files = {
                path: replace(item, size=sizes.get(item.sha256, -1)) if item.size < 0 else item
                for path, item in version.files.items()
            }
            self.found[place] = replace(version, files=files)
        missing = [
            (place, path)
            for place, version in enumerate(self.found)
            for path, item in version.files.items()
            if item.size < 0
        ]
        for start in range(0, len(missing), SIZES_PER_REQUEST):
            self._ask_sizes(able[0], missing[start : start + SIZES_PER_REQUEST])

    def _ask_sizes(self, work: Work, missing: Sequence[Any]) -> None:
        urls = [self.url(self.found[place].key, path) for place, path in missing]
        sizes = self._ask(work, {"sizes": urls, "via": dict(self.options.via)})["sizes"]
        for (place, path), size in zip(missing, sizes):
            version = self.found[place]
            files = {**version.files, path: replace(version.files[path], size=int(size))}
            self.found[place] = replace(version, files=files)

    def _find_hashes(self, able: Sequence[Work], runtime: Runtime, lock: Step) -> None:
        """Take the hashes of a listing from when it was read before, else read it now."""
        blank = [
            place
            for place, version in enumerate(self.found)
            if any(not item.sha256 for item in version.files.values())
        ]
        if not blank:
            return
        digests = [self.found[place].digest for place in blank]
        known: Dict[str, Any] = {}
        for work in able:
            answer = self._ask(work, {"known": digests})["known"]
            known.update({digest: value for digest, value in answer.items() if value})
        todo = [place for place in blank if self.found[place].digest not in known]
        if todo and not runtime.check_mode:
            lock(able[0])
            self._holder = able[0]
            try:
                for place in todo:
                    known[self.found[place].digest] = self._gather(able[0], place, runtime)
            finally:
                self._call(able[0], "unlock", {})
        for place in blank:
            version = self.found[place]
            hashes = known.get(version.digest)
            if hashes and len(hashes) == len(version.files):
                self.found[place] = _hashed(version, hashes)
                manifest = self.found[place].manifest()
                if manifest and place in todo:
                    self._held[manifest.digest] = version.digest

    def _gather(self, work: Work, place: int, runtime: Runtime) -> List[str]:
        version = self.found[place]
        runtime.progress(f"{work.target.short}: reading {version.model}/{version.version}")
        prefix = f"{self.options.prefix}{version.place}/"
        files = [
            {
                "number": number,
                "url": self.url(version.key, path),
                "size": item.size,
                "key": prefix + path,
                "etag": item.etag,
            }
            for number, (path, item) in enumerate(sorted(version.files.items()))
        ]
        body = {
            "digest": version.digest,
            "files": files,
            "list": {"bucket_url": self.options.bucket_url, "prefix": prefix},
            "via": dict(self.options.via),
        }
        answer = self._call(work, "gather", body)
        if "hashes" not in answer:
            reasons = [item["error"] for item in answer["files"].values() if "error" in item]
            raise self._failed(work, reasons[0] if reasons else "")
        work.counts.pulled += int(answer["bytes"])
        return [str(item) for item in answer["hashes"]]

    def url(self, key: Key, path: str) -> str:
        """Return where a file of a version is."""
        return self.options.url_of(f"{self._places[key]}/{path}")

    def items(
        self, work: Work, incoming: Incoming, origins: Sequence[Origin]
    ) -> List[Dict[str, Any]]:
        """Return what a helper is asked to fetch, or to take from what it holds."""
        listing = self._held.get(incoming.manifest.digest) if work is self._holder else None
        found: List[Dict[str, Any]] = []
        for origin in origins:
            item: Dict[str, Any] = {
                "number": origin.number,
                "url": self.url(incoming.step.key, origin.entry.path),
            }
            if listing:
                item["held"] = [listing, origin.number]
            found.append(item)
        return found

    def _ask(self, work: Work, body: Mapping[str, Any]) -> Dict[str, Any]:
        return self._call(work, "look", body)

    def _call(self, work: Work, command: str, body: Mapping[str, Any]) -> Dict[str, Any]:
        call: Any = getattr(work.way, "call", None)
        try:
            answer: Dict[str, Any] = call(command, body)
            return answer
        except TransferError as error:
            if error.details.get("status") not in (400, 502):
                raise
            raise self._failed(work, error.message) from error

    def _failed(self, work: Work, why: Any) -> EdgeError:
        return pull_error(work.target.name, str(why or "nothing came"))


class PullSender(Sender):
    """Lets the helpers fetch what the controller does not have."""

    pulled: Pulled

    def estimate(self, work: Work, incoming: Incoming) -> int:
        """Return that the controller sends nothing; what is pulled is counted."""
        work.counts.pulled += sum(item.rest for item in incoming.origins if item.kind == "sent")
        return 0

    def _round(
        self, work: Work, incoming: Incoming, wanted: Sequence[Origin], staged: Staged
    ) -> List[int]:
        """Fetch files once; a wrong hash is an error, since the source has no other bytes."""
        if not wanted:
            return []
        items = self.pulled.items(work, incoming, wanted)
        held = {item["number"] for item in items if "held" in item}
        via = self.pulled.options.via
        outcome = work.way.fetch(incoming.manifest, items, via, self._advance)
        name = work.target.name
        for item in wanted:
            said = outcome.get(item.number)
            if said == DONE:
                have = staged.get(item.number, Have()).have
                over = 0 if item.number in held else max(0, item.entry.size - have)
                work.counts.pulled += over
                work.counts.files += 1
        for item in wanted:
            said = outcome.get(item.number, "")
            if said == BAD:
                raise pull_error(name, f"the bytes of {item.entry.path} are not those expected")
            if said and said != DONE:
                raise pull_error(name, said)
        if any(item.number not in outcome for item in wanted):
            raise pull_error(name, "not all files came")
        return []


def pull_error(target: str, why: str) -> TransferError:
    """Return the error for a source that fails or gives files with a wrong hash."""
    return TransferError(
        f"the site cannot pull: {why}",
        option="pull",
        subject=target,
        hint="What was published is untouched; what came stays for the next run",
    )


def _hashed(version: PulledVersion, hashes: Sequence[str]) -> PulledVersion:
    paths = sorted(version.files)
    files = {
        path: replace(version.files[path], sha256=digest) for path, digest in zip(paths, hashes)
    }
    return replace(version, files=files)


def _published_sizes(work: Work) -> Dict[str, int]:
    """Return the sizes of published files by hash."""
    found: Dict[str, int] = {}
    for raw in work.way.inventory().versions:
        known = believe(raw)
        for entry in known.manifest.files if known else ():
            found[entry.sha256] = entry.size
    return found


__all__ = ["PullSender", "Pulled"]
