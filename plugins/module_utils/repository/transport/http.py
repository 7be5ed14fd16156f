# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands and packs of files as HTTP through the API server's pod proxy, to the agent."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from ...errors import ApiError, EdgeError, UnreachableError, may_pass
from ...kube.client import KubeClient, Response
from ..content.manifest import Advance, Manifest
from ..content.state import Facts, Inventory
from ..delta.pack import RECORD, FileJob, Reader, encode, exact_length
from .base import (
    BAD,
    DONE,
    Channel,
    Flow,
    Have,
    HelperGone,
    Interrupted,
    LockPatience,
    Place,
    Staged,
    Target,
    answer_seconds,
    helper_gone,
    refusal,
)

PORT = 8099
TOKEN_HEADER = "X-Edge-Token"
REQUEST_HEADER = "X-Edge-Request"
PEER_HEADER = "X-Edge-Peer"
START_SECONDS = 20.0  # from "the container runs" to the first answer
ANSWER_PAUSE = 0.05
LOCK_POLL = 1.0
COMMAND_SECONDS = 40.0  # an agent answers within 8 s, be it 202
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # between two tries over a broken connection
# The API server answers, but cannot reach the pod: its node or its runtime is in trouble.
POD_SILENCE = 20.0


class AgentChannel(Channel):
    """Talks to one running agent.

    Args:
        client: of the cluster.
        target: where the pod is.
        pod: name of the running helper pod.
        token: the secret whose sha256 the pod knows.
        shut: removes the helper.
        stopped: tells when the task is to end early.
        obituary: returns why the pod no longer runs, C("") when it runs.
        address: IP address of the pod.
        peer_secret: by which the helpers of a site know each other.
        leave: leaves the helper for a later task instead, and returns whether it could; C(None) to
            remove it.
        idle: seconds for which it then stays.
        patience: seconds for which a broken connection is tried again.
    """

    transport = "agent"
    deltas = True
    peers = True

    def __init__(
        self,
        client: KubeClient,
        target: Target,
        pod: str,
        token: str,
        shut: Callable[[], None],
        stopped: Callable[[], bool] = lambda: False,
        obituary: Callable[[], str] = str,
        *,
        address: str = "",
        peer_secret: str = "",
        leave: Optional[Callable[[], bool]] = None,
        idle: float = 0.0,
        patience: float = 60.0,
    ) -> None:
        super().__init__(target)
        self._client, self._pod, self._token = client, pod, token
        self._shut, self._stopped, self._obituary = shut, stopped, obituary
        self._address, self._peer_secret, self._patience = address, peer_secret, patience
        self._leave, self._idle = leave, idle
        self._locked = self._gone = False

    def wait_until_it_answers(self, seconds: float = START_SECONDS) -> None:
        """Return at the first answer.

        Raises:
            UnreachableError: no answer in time: the API server cannot reach the pod.
        """
        end = time.monotonic() + seconds
        while True:
            try:
                answer = self._post("facts", {}, starting=True)
                if answer.status != 200:
                    raise self._refused(answer)
                return
            except EdgeError as error:
                if not may_pass(error) or time.monotonic() > end or self._stopped():
                    raise
            time.sleep(ANSWER_PAUSE)

    def facts(self) -> Facts:
        """Return free space and rights."""
        return Facts.from_dict(self._call("facts"))

    def ping(self) -> None:
        """Show the helper that the controller lives; one try."""
        self._post("facts", {})

    def inventory(self) -> Inventory:
        """Return what is published."""
        return Inventory.from_dict(self._call("inventory"))

    def hashes(self, model: str, version: int, size: int) -> Mapping[str, str]:
        """Read a version on the target."""
        answer = self._call("hashes", {"model": model, "version": version})
        return {str(path): str(digest) for path, digest in answer["files"].items()}

    def lock(self, owner: str, note: str, wanted: Sequence[str] = ()) -> None:
        """Become the one writer."""
        patience = LockPatience()
        body = {"owner": owner, "note": note, "wanted": list(wanted)}
        while True:
            answer = self._answer("lock", body)
            if answer.status == 200:
                self._locked = True
                return
            ends = answer.status != 423 or patience.ends(_fields(answer).get("beat"))
            if ends or self._stopped():
                raise self._refused(answer)
            time.sleep(LOCK_POLL)

    def staged(self, manifest: Manifest) -> Staged:
        """Return what is there of a version."""
        return _staged(self._call("staged", {"digest": manifest.digest}))

    def stage(self, manifest: Manifest, reuse: Mapping[int, Sequence[Place]]) -> Staged:
        """Begin or go on with a version."""
        places = {str(number): [dict(item) for item in items] for number, items in reuse.items()}
        body = {"manifest": manifest.as_dict(), "reuse": places}
        answer = self._call("stage", body)
        self.damaged += [item for item in answer.get("damaged") or () if "model" in item]
        return _staged(answer)

    def signature(self, manifest: Manifest, place: Place, block: int) -> bytes:
        """Return the block signature of a file that is there."""
        body = {"digest": manifest.digest, **place, "block": block}
        answer = self._answer("signature", body)
        if answer.status != 200:
            raise self._refused(answer)
        return answer.body

    def body_bytes(self, jobs: Sequence[FileJob], compress: bool) -> int:
        """Return the bytes that C(send) would send."""
        return exact_length(jobs, compress=compress)

    def send(self, manifest: Manifest, jobs: Sequence[FileJob], flow: Flow) -> Mapping[int, str]:
        """Send files as one pack."""
        size = sum(job.entry.size for job in jobs)
        opener = _watching(flow.advance)
        body = flow.through(encode(jobs, compress=flow.compress, opener=opener))
        # Deltas are matched while sending, in chunks, and small files are opened once, not twice;
        # other packs have a known length.
        counted = size > RECORD * len(jobs) and not any(job.is_delta for job in jobs)
        length = exact_length(jobs, compress=flow.compress) if counted else None
        path = f"/v1/pack/{manifest.digest}"
        try:
            answer = self._send("PUT", path, body, length, answer_seconds(size))
        except (UnreachableError, ApiError) as error:
            if not _is_broken(error):
                raise
            self._raise_if_gone(error)
            raise Interrupted(error.message, subject=self.target.name) from error
        fields = self._settled(answer, lambda fields: None)
        return {
            int(number): DONE if item.get("done") else BAD
            for number, item in fields["files"].items()
        }

    def publish(self, manifest: Manifest) -> None:
        """Make a staged version visible."""
        body = {"digest": manifest.digest, "model": manifest.model, "version": manifest.version}
        self._call("publish", body)

    def seal(self, manifest: Manifest, size: int) -> None:
        """Record a version that is right."""
        self._call("seal", manifest.as_dict())

    def remove(self, model: str, version: int) -> bool:
        """Take a version away."""
        return bool(self._call("remove", {"model": model, "version": version})["removed"])

    def trust(self, key_id: str, counter: int) -> None:
        """Keep the counter of a signed set, if it is the highest so far."""
        self._call("trust", {"key": key_id, "counter": counter})

    def fetch(
        self,
        manifest: Manifest,
        files: Sequence[Mapping[str, Any]],
        via: Mapping[str, Any],
        advance: Advance,
    ) -> Mapping[int, str]:
        """Let the helper fetch files."""
        body = {"digest": manifest.digest, "files": [dict(item) for item in files], "via": via}
        found = self._call("fetch", body, advance=advance)["files"]
        return {int(number): _outcome(item) for number, item in found.items()}

    def content(self, digest: str, number: int) -> Tuple[str, Mapping[str, str]]:
        """Return URL and headers of a file for other helpers."""
        host = f"[{self._address}]" if ":" in self._address else self._address
        url = f"http://{host}:{PORT}/v1/content/{digest}/{number}"
        return url, {PEER_HEADER: self._peer_secret}

    def repair(
        self,
        manifest: Manifest,
        files: Sequence[int],
        modes: Sequence[int],
        extra: Sequence[str],
    ) -> None:
        """Put staged files in the place of damaged ones."""
        body = {"files": list(files), "modes": list(modes), "extra": list(extra)}
        self._call("repair", {"manifest": manifest.as_dict(), **body})

    def set_aside(self, model: str, version: int) -> None:
        """Take a version out of sight."""
        self._call("set_aside", {"model": model, "version": version})

    def put_back(self) -> None:
        """Put back what was set aside."""
        self._call("put_back", {})

    def close(self) -> None:
        """End; never raises."""
        stays = False
        try:
            if self._locked:
                self._post("unlock", {})
            stays = self._stays()
        except EdgeError:
            pass  # the lease ends by itself
        finally:
            if not stays:
                self._shut()

    def _stays(self) -> bool:
        """Leave the helper for a later task, unless this one failed; return whether it stays."""
        if self._leave is None or self._gone or self._stopped():
            return False
        answer = self._post("stay", {"seconds": self._idle})
        return answer.status == 200 and self._leave()

    def call(self, command: str, body: Mapping[str, Any]) -> Dict[str, Any]:
        """Return the answer to any other command of the agent."""
        return self._call(command, body)

    # -- one command ----------------------------------------------------------------------------

    def _call(
        self,
        command: str,
        body: Optional[Mapping[str, Any]] = None,
        advance: Optional[Advance] = None,
    ) -> Dict[str, Any]:
        answer = self._answer(command, body or {}, advance)
        if answer.status != 200:
            raise self._refused(answer)
        return _fields(answer)

    def _answer(
        self, command: str, body: Mapping[str, Any], advance: Optional[Advance] = None
    ) -> Response:
        """Return the final answer to a command, however long the agent works on it."""
        name = uuid.uuid4().hex
        answer = self._patiently(lambda: self._post(command, body, name))
        return self._final(answer, _progress(advance))

    def _settled(self, answer: Response, told: Callable[[Mapping[str, Any]], None]) -> Any:
        answer = self._final(answer, told)
        if answer.status != 200:
            raise self._refused(answer)
        return _fields(answer)

    def _final(self, answer: Response, told: Callable[[Mapping[str, Any]], None]) -> Response:
        while answer.status == 202:
            fields = _fields(answer)
            told(fields.get("progress") or {})
            task = {"id": fields["task"]}
            answer = self._patiently(lambda task=task: self._post("task", task))  # type: ignore[misc]
        return answer

    def _patiently(self, request: Callable[[], Response]) -> Response:
        """Retry a command while the connection is broken; the agent runs it once.

        Raises:
            HelperGone: the pod no longer runs, or the API server cannot reach it for long.
        """
        start, pause = time.monotonic(), FIRST_PAUSE
        while True:
            try:
                return request()
            except (UnreachableError, ApiError) as error:
                if not _is_broken(error):
                    raise
                self._raise_if_gone(error)
                waited = time.monotonic() - start
                if _pod_is_silent(error) and waited > POD_SILENCE:
                    self._gone = True
                    raise helper_gone(self.target, "it does not answer") from error
                if waited > self._patience or self._stopped():
                    raise
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _raise_if_gone(self, error: EdgeError) -> None:
        why = self._obituary()
        if why:
            self._gone = True
            raise helper_gone(self.target, why) from error

    def _post(
        self, command: str, body: Mapping[str, Any], name: str = "", *, starting: bool = False
    ) -> Response:
        data, path = json.dumps(body).encode(), f"/v1/{command}"
        return self._send("POST", path, data, len(data), COMMAND_SECONDS, name, starting)

    def _send(
        self,
        method: str,
        path: str,
        body: Any,
        length: Optional[int],
        seconds: float,
        name: str = "",
        starting: bool = False,
    ) -> Response:
        headers = {TOKEN_HEADER: self._token, "Content-Type": "application/octet-stream"}
        if name:
            headers[REQUEST_HEADER] = name
        answer = self._client.pod_proxy(
            self.target.store.namespace,
            self._pod,
            PORT,
            method,
            path,
            body=body,
            length=length,
            headers=headers,
            timeout=seconds,
            starting=starting,
        )
        if _is_foreign(answer):
            raise UnreachableError(
                f"HTTP {answer.status} from something on the way to the helper",
                subject=self.target.name,
                hint="Look at what stands before the API server: a load balancer, a proxy",
            )
        return answer

    def _refused(self, answer: Response) -> EdgeError:
        fields = _fields(answer)
        message = str(fields.get("error") or f"HTTP {answer.status} from the helper")
        return refusal(self.target, answer.status, message, fields)


class _Watched(Reader):
    """A source file that reports the progress of reading."""

    def __init__(self, source: str, advance: Advance) -> None:
        super().__init__(source)
        self._advance, self._far = advance, -1

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly C(length) bytes."""
        data = super().read(offset, length)
        if self._far < 0:
            self._far = offset
        if offset + length > self._far:
            self._advance(offset + length - self._far)
            self._far = offset + length
        return data


def _watching(advance: Advance) -> Callable[[str], Reader]:
    return lambda source: _Watched(source, advance)


def _is_broken(error: EdgeError) -> bool:
    """Return whether the connection is broken; otherwise the request was refused."""
    if isinstance(error, HelperGone):
        return False
    return not isinstance(error, ApiError) or error.status >= 500 or error.status in (404, 429)


def _is_foreign(answer: Response) -> bool:
    """Return whether an answer is not the agent's, which gives JSON or bytes and never a page."""
    if answer.headers.get("content-type", "").startswith("text/"):
        return True
    return answer.status >= 400 and "error" not in _fields(answer)


def _pod_is_silent(error: EdgeError) -> bool:
    return "cannot reach the pod" in error.message


def _progress(advance: Optional[Advance]) -> Callable[[Mapping[str, Any]], None]:
    """Return a callback that turns the total bytes of a task into increments."""
    seen: List[int] = [0]

    def told(progress: Mapping[str, Any]) -> None:
        count = int(progress.get("bytes") or 0)
        if advance is not None and count > seen[0]:
            advance(count - seen[0])
            seen[0] = count

    return told


def _outcome(item: Mapping[str, Any]) -> str:
    if item.get("done"):
        return DONE
    return BAD if item.get("bad") else str(item.get("error") or "not fetched")


def _staged(fields: Mapping[str, Any]) -> Staged:
    return {
        int(number): Have(bool(item.get("done")), int(item.get("have") or 0))
        for number, item in (fields.get("files") or {}).items()
    }


def _fields(answer: Response) -> Dict[str, Any]:
    try:
        value = json.loads(answer.body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
