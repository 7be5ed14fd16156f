# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files as HTTP PUT through the API server's pod proxy, to the agent in the helper pod."""

from __future__ import annotations

import json
import time
from typing import Any, Callable, Dict, Iterable, Mapping, Optional, Union

from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    EdgeError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient, Response
from ansible_collections.openvino.edge.plugins.module_utils.repository import (
    agent,
    agent_files,
    agent_store,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.manifest import (
    Advance,
    Manifest,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.state import (
    Facts,
    Inventory,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transports.base import (
    Channel,
    LockPatience,
    Target,
    answer_seconds,
    file_blocks,
    helper_gone,
    refusal,
)

PORT = 8099
TOKEN_HEADER = "X-Edge-Token"
START_SECONDS = 20.0  # from "the container runs" to the first answer
ANSWER_PAUSE = 0.05
PUT_TRIES = 3  # a broken connection is tried again; a wrong hash is not
LOCK_POLL = 1.0


def scripts() -> Dict[str, str]:
    """Return the files of the agent, by name, as they are put beside the volume."""
    return {
        f"{item.__name__.rpartition('.')[2]}.py": _source(item)
        for item in (agent, agent_files, agent_store)
    }


def _source(module: Any) -> str:
    """Return a module's text, from a file, a collection loader or a zip."""
    text = module.__spec__.loader.get_source(module.__name__)
    # Ansible's collection loader gives bytes.
    return text.decode("utf-8") if isinstance(text, bytes) else str(text)


class AgentChannel(Channel):
    """Talks to one running agent.

    Args:
        client: of the cluster.
        target: where the pod is.
        pod: name of the running helper pod.
        token: the secret whose sha256 the pod knows.
        shut: removes the helper.
        stopped: tells when the task is to end early.
        obituary: tells why the pod no longer runs, C("") when it does.
    """

    transport = "agent"

    def __init__(
        self,
        client: KubeClient,
        target: Target,
        pod: str,
        token: str,
        shut: Callable[[], None],
        stopped: Callable[[], bool] = lambda: False,
        obituary: Callable[[], str] = str,
    ) -> None:
        super().__init__(target)
        self._client, self._pod, self._token = client, pod, token
        self._shut, self._stopped, self._obituary = shut, stopped, obituary
        self._locked = False

    def wait_until_it_answers(self, seconds: float = START_SECONDS) -> None:
        """Return at the first answer.

        Raises:
            UnreachableError: no answer in time: the way from the API server to pods is closed.
        """
        end = time.monotonic() + seconds
        while True:
            try:
                self.facts()
                return
            except UnreachableError:
                if time.monotonic() > end or self._stopped():
                    raise
            time.sleep(ANSWER_PAUSE)

    def facts(self) -> Facts:
        """Return free space and rights."""
        return Facts.from_dict(self._call("facts"))

    def inventory(self) -> Inventory:
        """Return what is published."""
        return Inventory.from_dict(self._call("inventory", seconds=answer_seconds(0)))

    def hashes(self, model: str, version: int, size: int) -> Mapping[str, str]:
        """Read a version on the target."""
        body = {"model": model, "version": version}
        answer = self._call("hashes", body, seconds=answer_seconds(size))
        return {str(path): str(digest) for path, digest in answer["files"].items()}

    def lock(self, owner: str, note: str) -> None:
        """Become the one writer."""
        patience = LockPatience()
        while True:
            answer = self._post("lock", {"owner": owner, "note": note})
            if answer.status == 200:
                self._locked = True
                return
            ends = answer.status != 423 or patience.ends(_fields(answer).get("beat_ns"))
            if ends or self._stopped():
                raise self._refused(answer)
            time.sleep(LOCK_POLL)

    def publish(self, manifest: Manifest, sources: Mapping[str, str], advance: Advance) -> None:
        """Send, verify and make visible."""
        self._call("stage", manifest.as_dict())
        for number, entry in enumerate(manifest.files):
            self._put(f"/v1/file/{manifest.digest}/{number}", entry, sources[entry.path], advance)
        seconds = answer_seconds(manifest.size)
        self._call("publish", {"digest": manifest.digest}, seconds=seconds)

    def seal(self, manifest: Manifest, size: int) -> None:
        """Record a version that is right."""
        self._call("seal", manifest.as_dict(), seconds=answer_seconds(size))

    def remove(self, model: str, version: int) -> bool:
        """Take a version away."""
        body = {"model": model, "version": version}
        return bool(self._call("remove", body, seconds=answer_seconds(0))["removed"])

    def close(self) -> None:
        """End; never raises."""
        try:
            if self._locked:
                self._call("unlock")
        except EdgeError:
            pass  # the lease ends by itself
        finally:
            self._shut()

    def _put(self, path: str, entry: Any, source: str, advance: Advance) -> None:
        for attempt in range(1, PUT_TRIES + 1):
            sent = _Counter(advance)
            try:
                blocks = file_blocks(source, entry, sent, self._stopped)
                answer = self._send("PUT", path, blocks, entry.size, answer_seconds(entry.size))
                break
            except UnreachableError:
                sent.take_back()
                if attempt == PUT_TRIES or self._stopped():
                    raise
                time.sleep(attempt)
        if answer.status != 200:
            raise self._refused(answer)

    def _call(
        self, command: str, body: Optional[Mapping[str, Any]] = None, *, seconds: float = 30.0
    ) -> Dict[str, Any]:
        answer = self._post(command, body or {}, seconds)
        if answer.status != 200:
            raise self._refused(answer)
        return _fields(answer)

    def _post(self, command: str, body: Mapping[str, Any], seconds: float = 30.0) -> Response:
        data = json.dumps(body).encode()
        return self._send("POST", f"/v1/{command}", data, len(data), seconds)

    def _send(
        self,
        method: str,
        path: str,
        body: Union[bytes, Iterable[bytes]],
        length: int,
        seconds: float,
    ) -> Response:
        headers = {TOKEN_HEADER: self._token, "Content-Type": "application/octet-stream"}
        try:
            return self._client.pod_proxy(
                self.target.store.namespace,
                self._pod,
                PORT,
                method,
                path,
                body=body,
                length=length,
                headers=headers,
                timeout=seconds,
            )
        except (UnreachableError, ApiError) as error:
            why = self._obituary()
            if why:
                raise helper_gone(self.target, why) from error
            raise

    def _refused(self, answer: Response) -> EdgeError:
        fields = _fields(answer)
        message = str(fields.get("error") or f"HTTP {answer.status} from the helper")
        return refusal(self.target, answer.status, message, fields)


class _Counter:
    """Passes progress on and can take it back when the bytes have to be sent again."""

    def __init__(self, advance: Advance) -> None:
        self._advance, self._count = advance, 0

    def __call__(self, count: int) -> None:
        self._count += count
        self._advance(count)

    def take_back(self) -> None:
        self._advance(-self._count)
        self._count = 0


def _fields(answer: Response) -> Dict[str, Any]:
    try:
        value = json.loads(answer.body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
