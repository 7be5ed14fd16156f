# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists the files of a source; files without a known checksum are fetched and hashed.

Runs in the pod (see C(main.py)); stdlib only.

A bucket without a manifest is trusted on first use: its files are fetched to
C(.edge/staging/<digest of the listing>/hold-<n>) and hashed there. Then the bucket has to list
them as before, since a file that is replaced meanwhile comes in parts of both. What was found is
kept in C(.edge/pulls/<digest of the listing>.json), so that the same listing is not fetched again.
"""

from __future__ import annotations

import json
import os
import time
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Mapping, Optional

from .. import files as fs
from ..shared import SECRETS
from . import fetch, s3
from . import http as web

Json = Dict[str, Any]
TRIES = 3
KNOWN_LIMIT = 500  # listings that are remembered


def look(work: str, request: Mapping[str, Any], secrets: str = SECRETS) -> Json:
    """Return what a source says of its files, without reading them.

    Args:
        work: the store's own directory.
        request: C(via) and either C(list) with C(bucket_url) and C(prefix), answered by
            C(entries) [key, size, etag]; or C(sizes) with URLs, answered by C(sizes); or C(known)
            with digests of listings, answered by C(known), what gathering them found.

    Raises:
        Refused: the source cannot be reached, refuses, or does not tell; status 502.
    """
    if "known" in request:
        return {"known": {digest: known(work, digest) for digest in request["known"]}}
    source = fetch.Source(request.get("via") or {}, secrets)
    try:
        if "list" in request:
            return {"entries": again(lambda: _entries(source, request["list"]))}
        return {"sizes": _Sizes(source, request["sizes"]).run()}
    except web.WebError as error:
        raise fs.Refused(502, str(error), kind=error.kind, source_status=error.status) from error


def _entries(source: fetch.Source, wanted: Mapping[str, Any]) -> List[List[Any]]:
    client = source.open()
    try:
        bucket, prefix = str(wanted["bucket_url"]), str(wanted["prefix"])
        return s3.listing(client, source.signer, bucket, prefix)
    finally:
        client.close()


def known(work: str, digest: str) -> Optional[List[Any]]:
    """Return the hashes that gathering a listing found, C(None) when it was not gathered."""
    found = fs.read_json(_known_path(work, digest))
    if found is None:
        return None
    if isinstance(found, list) and all(isinstance(item, str) for item in found):
        return found
    fs.odd[_known_path(work, digest)] = "it is no list of hashes"
    return None


def gather(store: Any, request: Mapping[str, Any], progress: Json, secrets: str = SECRETS) -> Json:
    """Fetch files that have no known hash and return the sha256 of each, in the order given.

    Args:
        store: the locked store.
        request: C(digest) of the listing, C(files) with C(number), C(url), C(size), C(key) and
            C(etag), C(list) with C(bucket_url) and C(prefix), and C(via).
        progress: told C(bytes) and C(files) as they come.
        secrets: directory of the mounted credentials.

    Returns:
        C(hashes), or C(files) with the errors of those that did not come; and C(bytes).

    Raises:
        Refused: the bucket has other files now, status 502; or the store is not ours, or full.
    """
    upload = _Hold(store, request)
    result = fetch.Fetcher(upload, request, progress, secrets).run()
    if len(upload.hashes) < len(request["files"]):
        return result
    changed = _changed_meanwhile(request, secrets)
    if changed:
        upload.drop()
        raise fs.Refused(502, f"{changed} was replaced in the bucket while it was read")
    hashes = [upload.hashes[int(item["number"])] for item in request["files"]]
    _remember(store.work, str(request["digest"]), hashes)
    return {"hashes": hashes, "bytes": result["bytes"]}


def _changed_meanwhile(request: Mapping[str, Any], secrets: str) -> str:
    """Return a key that the bucket does not list any more as it was listed, C("") without one."""
    source = fetch.Source(request.get("via") or {}, secrets)
    try:
        entries = again(lambda: _entries(source, request["list"]))
    except web.WebError as error:
        raise fs.Refused(502, str(error), kind=error.kind, source_status=error.status) from error
    now = {key: (size, etag) for key, size, etag in entries}
    wanted = {item["key"]: (item["size"], item["etag"]) for item in request["files"]}
    return next((str(key) for key, told in wanted.items() if now.get(key) != told), "")


class _Hold:
    """Takes files like a stage does, but knows only how long they are."""

    def __init__(self, store: Any, request: Mapping[str, Any]) -> None:
        store.check_owner()
        self._store = store
        self._sizes = {int(item["number"]): int(item["size"]) for item in request["files"]}
        self._directory = hold_directory(store.work, str(request["digest"]))
        fs.make_dir(self._directory)
        os.utime(self._directory)
        self._check_room()
        self.hashes: Dict[int, str] = {}

    def entry(self, number: int) -> Json:
        return {"path": f"hold-{number}", "size": self._sizes[number]}

    def have(self, number: int) -> int:
        return fs.size_of(self._path(number)) if fs.is_plain(self._path(number)) else 0

    def part(self, number: int, offset: int) -> int:
        fs.make_way(self._path(number))
        descriptor = os.open(self._path(number), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        os.ftruncate(descriptor, offset)
        return descriptor

    def finish(self, number: int, sha256: str, synced: bool) -> Json:
        self.hashes[number] = sha256
        return {"done": True}

    def _check_room(self) -> None:
        info = os.statvfs(self._directory)
        free = info.f_bavail * info.f_frsize
        need = sum(max(0, size - self.have(number)) for number, size in self._sizes.items())
        if need > free:
            raise fs.Refused(507, f"{need} bytes are needed, {free} are free")

    def check(self) -> None:
        self._store.check_owner()

    def drop(self) -> None:
        """Forget the bytes that came."""
        fs.discard(self._directory)

    def _path(self, number: int) -> str:
        return os.path.join(self._directory, f"hold-{number}")


def hold_directory(work: str, digest: str) -> str:
    """Return where the files of a listing are held until they have a manifest.

    Raises:
        Refused: it is no digest.
    """
    if not fs.DIGEST.fullmatch(digest):
        raise fs.Refused(400, "bad digest of a listing")
    return os.path.join(work, "staging", digest.replace(":", "-"))


def _known_path(work: str, digest: str) -> str:
    name = os.path.basename(hold_directory(work, digest))
    return os.path.join(work, "pulls", f"{name}.json")


def _remember(work: str, digest: str, hashes: List[str]) -> None:
    path = _known_path(work, digest)
    directory = os.path.dirname(path)
    fs.make_dir(directory)
    others = sorted((os.lstat(child).st_mtime, child) for _name, child in fs.children(directory))
    for _time, child in others[:-KNOWN_LIMIT]:
        fs.discard(child)
    fs.save(path, json.dumps(hashes).encode())


class _Sizes:
    """Asks for the sizes of many files, several at once."""

    def __init__(self, source: fetch.Source, urls: List[str]) -> None:
        self._source, self._urls = source, urls
        self._sizes: List[int] = [0] * len(urls)
        self._todo: Deque[int] = deque(range(len(urls)))
        self._failure: Optional[BaseException] = None

    def run(self) -> List[int]:
        """Return the sizes in the order of the URLs."""
        fetch.run_threads(self._work, min(2 * self._source.parallel, len(self._urls)))
        if self._failure is not None:
            raise self._failure
        return self._sizes

    def _work(self) -> None:
        client = self._source.open()
        try:
            while self._failure is None and self._todo:
                try:
                    place = self._todo.popleft()
                except IndexError:
                    return
                self._sizes[place] = self._size(client, self._urls[place])
        except BaseException as error:  # handed to run()
            self._failure = error
        finally:
            client.close()

    def _size(self, client: web.Web, url: str) -> int:
        return int(again(lambda: self._ask(client, url)))

    def _ask(self, client: web.Web, url: str) -> int:
        reply = client.ask("HEAD", url, {})
        total = reply.header("Content-Length")
        if reply.status == 200 and total.isdigit():
            reply.close()
            return int(total)
        if reply.status not in (200, 403, 405, 501):
            raise self._source.refusal(reply)
        reply.close()
        return self._size_by_get(client, url)  # some servers, and signed URLs, know only GET

    def _size_by_get(self, client: web.Web, url: str) -> int:
        reply = client.ask("GET", url, {"Range": "bytes=0-0"})
        if reply.status not in (200, 206, 416):
            raise self._source.refusal(reply)
        text = reply.header("Content-Range").rpartition("/")[2]
        text = reply.header("Content-Length") if reply.status == 200 else text
        reply.drop()
        if not text.isdigit():
            raise web.WebError(f"{web.shown(url)}: the server does not tell its size", "source")
        return int(text)


def again(ask: Callable[[], Any]) -> Any:
    """Return the answer of a request that is tried a few times."""
    for pause in fetch.PAUSES[: TRIES - 1]:
        try:
            return ask()
        except web.WebError as error:
            if not error.again:
                raise
            time.sleep(max(pause, error.after))
    return ask()
