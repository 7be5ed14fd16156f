# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches files of a stage into the helper pod: from HTTP(S), S3, or another helper of the site.

Runs in the pod (see C(main.py)); stdlib only. Nothing here decides whether bytes are right: what
comes is appended to the file's part, and the stage verifies it like every received file.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import deque
from typing import Any, Callable, Deque, Dict, Mapping, Optional, Tuple

from .. import files as fs
from ..shared import KEY_NAMES, SECRETS
from . import http as web
from . import s3

BLOCK = 65536  # bytes that may be fetched twice after a broken connection
PARALLEL = 4
WINDOW = 32 << 20  # bytes between two flushes
SMALL = 1 << 20  # files up to this size are flushed by the stage, many at once
# Seconds between two tries that brought no byte; a try that brought some starts over.
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
# Kinds of error that would fail every other file too.
COMMON_KINDS = frozenset({"unreachable", "proxy", "tls", "input"})
COMMON_STATUSES = frozenset({401, 403, 407})
# Credentials that stand in a header as they are; the others are encoded or only sign.
IN_HEADERS = frozenset({"bearer_token", "access_key", "session_token"})

Json = Dict[str, Any]


class Part:
    """One file that grows on the store; its hash is computed from the bytes read back.

    Args:
        upload: gives the file's entry and its part, and takes it when it is complete.
        number: of the file in the manifest.

    Raises:
        Refused: the stage has no such file, has it already (409), or is no longer ours.
    """

    def __init__(self, upload: Any, number: int) -> None:
        self._upload, self.number = upload, number
        self.size = int(upload.entry(number)["size"])
        self.have = min(int(upload.have(number)), self.size)
        self._hash, self._hashed = hashlib.sha256(), 0
        self._descriptor = int(upload.part(number, self.have))

    def write(self, view: memoryview) -> None:
        """Append bytes; the view may be reused when this returns."""
        while view:
            count = os.pwrite(self._descriptor, view, self.have)
            self.have, view = self.have + count, view[count:]
        if self.have - self._hashed >= WINDOW:
            self.read_back()

    def restart(self) -> None:
        """Discard the received bytes."""
        os.ftruncate(self._descriptor, 0)
        self._hash, self._hashed, self.have = hashlib.sha256(), 0, 0

    def read_back(self) -> None:
        """Hash what is there and was not hashed; of a file of some size, what the disk has."""
        if self.size > SMALL:
            os.fdatasync(self._descriptor)
            os.posix_fadvise(self._descriptor, self._hashed, 0, os.POSIX_FADV_DONTNEED)
        while self._hashed < self.have:
            block = os.pread(self._descriptor, fs.BLOCK, self._hashed)
            if not block:
                raise fs.Refused(500, "the file on the store is shorter than what was received")
            self._hash.update(block)
            self._hashed += len(block)

    def end(self) -> Json:
        """Verify the complete file: C({"done": True}) or C({"bad": True, ...})."""
        self.read_back()
        self.close()
        synced = self.size > SMALL
        result: Json = self._upload.finish(self.number, self._hash.hexdigest(), synced)
        return result

    def close(self) -> None:
        """Close the part; the received bytes are kept."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class Source:
    """An origin of files: how to reach it, and the credentials to use.

    Args:
        via: C(kind) is C(http), C(s3) or C(peer); C(secret) tells that credentials are mounted;
            C(headers) go with every request; C(region), C(parallel), C(tries); the rest is for
            C(http.Way).
        secrets: directory of the mounted credentials.

    Raises:
        Refused: the credentials are incomplete, or a setting cannot be used.
    """

    def __init__(self, via: Mapping[str, Any], secrets: str = SECRETS) -> None:
        own = read_secrets(secrets) if via.get("secret") else {}
        if via.get("secret") and not own:
            raise fs.Refused(400, "the Secret is missing or has none of the keys that are read")
        self.kind = str(via.get("kind") or "http")
        self.pauses = PAUSES[: max(0, int(via.get("tries") or len(PAUSES) + 1) - 1)]
        self.parallel = max(1, min(32, int(via.get("parallel") or PARALLEL)))
        self.signer = s3.Signer(_keys(own) if self.kind == "s3" else None, via.get("region") or "")
        self._headers = {**(via.get("headers") or {}), **_authorization(own, self.kind)}
        settings = dict(via)
        settings.update({name: own[name] for name in ("http_proxy", "https_proxy") if name in own})
        try:
            self._way = web.Way(settings)
        except web.WebError as error:
            raise fs.Refused(400, str(error), kind=error.kind) from error

    def open(self) -> web.Web:
        """Return a client for one thread."""
        redirects = web.REDIRECTS if self.kind == "http" else 0
        return web.Web(self._way, self._sign, redirects)

    def refusal(self, reply: web.Reply) -> web.WebError:
        """Return the error for an answer that holds no file."""
        return s3.refusal(reply, self.signer) if self.kind == "s3" else web.refused(reply)

    def _sign(self, method: str, url: str) -> Dict[str, str]:
        return {**self._headers, **self.signer(method, url)}


class Fetcher:
    """Fetches the files of one request, several at once.

    Args:
        upload: the stage they go to, see C(stage.Upload).
        request: C(files) with C(number) and C(url), and C(via), see C(Source).
        progress: told C(bytes) and C(files) as they come.
        secrets: directory of the mounted credentials.

    Raises:
        Refused: the request cannot be carried out at all.
    """

    def __init__(
        self, upload: Any, request: Mapping[str, Any], progress: Json, secrets: str = SECRETS
    ) -> None:
        self._source = Source(request.get("via") or {}, secrets)
        self._upload, self._progress = upload, progress
        self._todo: Deque[Json] = deque(request["files"])
        self._results: Dict[str, Json] = {}
        self._failure: Optional[BaseException] = None
        self._ended = threading.Event()
        self._guard = threading.Lock()
        progress.update(bytes=0, files=0)

    def stop(self) -> None:
        """Ask the fetch to stop soon; the received bytes are kept in the parts."""
        self._ended.set()

    def run(self) -> Json:
        """Return C(files), by number, and C(bytes), all that came over the net.

        A file that was not tried, because an error affects all files, is left out of C(files).

        Raises:
            Refused: the stage is no longer ours, or the disk is full.
            OSError: of the stage.
        """
        run_threads(self._work, min(self._source.parallel, len(self._todo)))
        if self._failure is not None:
            raise self._failure
        return {"files": self._results, "bytes": self._progress["bytes"]}

    def _work(self) -> None:
        client = self._source.open()
        try:
            while not self._ended.is_set() and self._todo:
                try:
                    item = self._todo.popleft()
                except IndexError:
                    return
                result = self._file(client, item)
                if result:
                    self._results[str(item["number"])] = result
                    self._count("files", 1 if result.get("done") else 0)
        except BaseException as error:  # handed to run()
            self._failure = error
            self._ended.set()
        finally:
            client.close()

    def _file(self, client: web.Web, item: Json) -> Json:
        """Fetch one file; a part of an earlier run that proves corrupt is fetched again, once."""
        number, url = int(item["number"]), str(item["url"])
        try:
            old, result = self._attempt(client, number, url, self._held(item))
            if result.get("bad") and old and not self._ended.is_set():
                _none, result = self._attempt(client, number, url)
            return result
        except web.WebError as error:
            if error.kind == "stopped":
                return {}
            if error.kind in COMMON_KINDS or error.status in COMMON_STATUSES:
                self._ended.set()
            return {"error": str(error), "kind": error.kind, "status": error.status}
        except fs.Refused as refused:
            if refused.status == 409 and refused.body.get("number") == number:
                return {"done": True}  # another connection was faster
            raise

    def _held(self, item: Json) -> str:
        """Return the path of a file that was fetched before its hash was known, C("") if none."""
        if "held" not in item:
            return ""
        digest, number = item["held"]
        if not fs.DIGEST.fullmatch(str(digest)):
            raise fs.Refused(400, "bad digest of a listing")
        staging = os.path.dirname(self._upload.stage.path)
        return os.path.join(staging, digest.replace(":", "-"), f"hold-{int(number)}")

    def _attempt(self, client: web.Web, number: int, url: str, held: str = "") -> Tuple[int, Json]:
        """Return the bytes that were there before, and the stage's verdict on the whole file."""
        part = Part(self._upload, number)
        old = part.have
        try:
            part.read_back()  # before the request: its connection must not idle
            if held:
                _take(part, held)
            self._bring(client, part, _Stream(self._source, part, url, self._took))
            return old, part.end()
        finally:
            part.close()

    def _bring(self, client: web.Web, part: Part, stream: _Stream) -> None:
        """Fill the part up to the file's size, with as many connections as needed."""
        failures, best = 0, part.have
        while True:
            try:
                stream.pour(client)
                return
            except web.WebError as error:
                # A server whose file is too short would bring the same bytes over and over.
                failures = 1 if part.have > best else failures + 1
                best = max(best, part.have)
                pauses = self._source.pauses
                if not error.again or failures > len(pauses):
                    raise
                if self._ended.wait(max(error.after, pauses[failures - 1])):
                    raise web.WebError("stopped", "stopped") from error

    def _took(self, count: int) -> None:
        self._count("bytes", count)
        self._upload.check()
        if self._ended.is_set():
            raise web.WebError("stopped", "stopped")

    def _count(self, name: str, count: int) -> None:
        with self._guard:
            self._progress[name] += count


def _take(part: Part, path: str) -> None:
    """Copy the missing bytes from a held file of the store, and then delete that file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return  # it is fetched again
    try:
        while part.have < part.size:
            block = os.pread(descriptor, fs.BLOCK, part.have)
            if not block:
                break
            part.write(memoryview(block))
    finally:
        os.close(descriptor)
    os.unlink(path)
    try:
        os.rmdir(os.path.dirname(path))
    except OSError:
        pass  # others are held there


class _Stream:
    """Streams one file from one URL; its ETag ensures that all ranges are of the same content."""

    def __init__(self, source: Source, part: Part, url: str, took: Callable[[int], None]) -> None:
        self._source, self._part, self._url = source, part, url
        self._took, self._tag = took, ""
        self._view = memoryview(bytearray(BLOCK))

    def pour(self, client: web.Web) -> None:
        """Append the missing bytes.

        Raises:
            WebError: no connection, one that broke, or another file than the manifest's.
        """
        offset = self._part.have
        if offset == self._part.size:
            return
        reply = client.ask("GET", self._url, self._range(offset))
        try:
            self._begin(reply, offset)
            self._copy(reply)
        except BaseException:
            reply.drop()
            raise
        reply.close()

    def _range(self, offset: int) -> Dict[str, str]:
        if not offset:
            return {}
        fields = {"Range": f"bytes={offset}-"}
        if self._tag:
            fields["If-Range"] = self._tag
        return fields

    def _begin(self, reply: web.Reply, offset: int) -> None:
        """Check the head of an answer; the part restarts when the server sends the whole file."""
        if reply.status == 416:
            self._part.restart()  # the bytes in the part are of other content
            raise self._again("the server does not have that part")
        if reply.status not in (200, 206):
            raise self._source.refusal(reply)
        if reply.header("Content-Encoding") not in ("", "identity"):
            raise self._wrong("comes encoded, which was not asked for")
        total = reply.header("Content-Length")
        if reply.status == 206:
            total = self._total_of(reply.header("Content-Range"), offset)
        if total.isdigit() and int(total) != self._part.size:
            raise self._wrong(f"has {total} bytes there, not {self._part.size}")
        if reply.status == 200 and offset:
            self._part.restart()
        tag = reply.header("ETag")
        self._tag = tag if tag.startswith('"') else ""

    def _total_of(self, text: str, offset: int) -> str:
        unit, _blank, rest = text.partition(" ")
        span, _slash, total = rest.partition("/")
        if unit.lower() != "bytes" or span.split("-")[0] != str(offset):
            raise self._wrong("comes with another part than was asked for")
        return total

    def _copy(self, reply: web.Reply) -> None:
        while self._part.have < self._part.size:
            count = reply.read_into(self._view[: self._part.size - self._part.have])
            if not count:
                raise self._again("the body ended early")
            self._part.write(self._view[:count])
            self._took(count)
        if reply.read_into(self._view[:1]):
            raise self._wrong("is longer there than the manifest says")

    def _wrong(self, text: str) -> web.WebError:
        return web.WebError(f"{web.shown(self._url)} {text}", "source")

    def _again(self, text: str) -> web.WebError:
        return web.WebError(f"{web.shown(self._url)}: {text}", "unreachable", again=True)


def run_threads(work: Callable[[], None], count: int) -> None:
    """Run the same work in some threads and wait for all."""
    threads = [threading.Thread(target=work, daemon=True) for _number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def read_secrets(directory: str) -> Dict[str, str]:
    """Return the credentials that are mounted, by what they mean.

    Raises:
        Refused: one cannot be part of a request; its key is named, and nothing of it is shown.
    """
    found: Dict[str, str] = {}
    for meaning, names in KEY_NAMES.items():
        for name in reversed(names):
            try:
                with open(os.path.join(directory, name), encoding="utf-8") as stream:
                    found[meaning] = stream.read().rstrip("\r\n")
            except (OSError, UnicodeError):
                continue
            _check_value(name, found[meaning], meaning in IN_HEADERS)
    return {name: value for name, value in found.items() if value}


def _check_value(key: str, value: str, in_header: bool) -> None:
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in value):
        what = "a control character"
    elif in_header and not value.isascii():
        what = "a character that is not ASCII"
    else:
        return
    raise fs.Refused(400, f"the key {key} of the Secret holds {what}, which no request can carry")


def _keys(own: Mapping[str, str]) -> Optional[s3.Keys]:
    pair = [own.get("access_key"), own.get("secret_key")]
    if not any(pair):
        return None
    if not all(pair):
        raise fs.Refused(400, "the Secret has only one of access_key and secret_key")
    return s3.Keys(own["access_key"], own["secret_key"], own.get("session_token", ""))


def _authorization(own: Mapping[str, str], kind: str) -> Dict[str, str]:
    if kind != "http":
        return {}
    if own.get("bearer_token"):
        return {"Authorization": "Bearer " + own["bearer_token"]}
    if own.get("username"):
        return {"Authorization": web.basic(own["username"], own.get("password", ""))}
    return {}
