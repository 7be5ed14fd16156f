# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the script that runs in the helper pod, by name; see C(main.py)."""

from __future__ import annotations

import os
import threading
from typing import Any, Callable, Dict

from . import blocks, pack, tasks, trust
from . import files as fs
from . import repair as repairing
from . import stage as stages
from . import store as stores

Json = Dict[str, Any]
Task = tasks.Task
Result = tasks.Result
ReadInto = Callable[[memoryview], int]


class Commands:
    """The commands that a controller can run in the helper.

    Args:
        store: the file system side.
        deserted: tells whether the controller seems to be gone, so that its tasks can be aborted.
        rest: told for how long the next task of the run is waited for.
    """

    def __init__(
        self,
        store: stores.Store,
        deserted: Callable[[], bool],
        rest: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self.store, self._deserted, self._rest = store, deserted, rest
        self.guard = threading.Lock()  # these commands run one at a time; uploads run in parallel
        self._free: Dict[str, Callable[[Json, Task], Result]] = {
            "facts": self._facts,
            "staged": lambda request, task: store.staged(request["digest"]),
            "signature": self._signature,
            "fetch": self._fetch,
            "look": self._look,
            "gather": self._gather,
            "bye": lambda request, task: {"bye": True},
            "stay": self._stay,
        }
        self._guarded: Dict[str, Callable[[Json], Json]] = {
            "inventory": lambda request: store.inventory(),
            "hashes": lambda request: store.hashes(request["model"], request["version"]),
            "lock": lambda request: store.lock(
                request["owner"], request["note"], request.get("wanted") or ()
            ),
            "unlock": lambda request: store.unlock(),
            "stage": self._stage,
            "publish": self._publish,
            "seal": store.seal,
            "remove": lambda request: store.remove(request["model"], request["version"]),
            "repair": lambda request: repairing.repair(store, request),
            "set_aside": lambda request: repairing.set_aside(
                store, request["model"], request["version"]
            ),
            "put_back": lambda request: repairing.put_back(store),
            "trust": self._trust,
        }

    def work(self, name: str, request: Json) -> tasks.Work:
        """Return the function that carries out a command."""
        free, guarded = self._free.get(name), self._guarded.get(name)
        if free is not None:
            return lambda task: free(request, task)
        if guarded is None:
            raise fs.Refused(404, "no such command")

        def work(task: Task) -> Result:
            with self.guard:
                return guarded(request)

        return work

    def unpack(self, digest: str, read_into: ReadInto, cut: Callable[[], None]) -> Json:
        """Take a pack of files for a stage; C(cut) ends its connection."""
        upload = self._upload(digest, self.store.check_owner, cut)

        def checked(view: memoryview) -> int:
            upload.check()
            return read_into(view)

        try:
            upload.check()
            answer: Json = pack.Unpacker(upload).run(checked)
            return answer
        finally:
            upload.close()

    def _upload(
        self, digest: str, still_ours: Callable[[], None], cut: Callable[[], None]
    ) -> stages.Upload:
        self.store.check_owner()
        stage = self.store.stage_of(digest)
        return stages.Upload(stage, lambda basis: self.store.place(basis, digest), still_ours, cut)

    def _facts(self, request: Json, task: Task) -> Json:
        return {**self.store.facts(), "trust": trust.read(self.store.work)}

    def _stay(self, request: Json, task: Task) -> Json:
        if self.store.locked.owner is not None:
            raise fs.Refused(409, "the store is still locked")
        self._rest(float(request["seconds"]))
        return {}

    def _stage(self, request: Json) -> Json:
        return self.store.stage(request["manifest"], request.get("reuse") or {})

    def _publish(self, request: Json) -> Json:
        return self.store.publish(request["digest"], request.get("model"), request.get("version"))

    def _trust(self, request: Json) -> Json:
        self.store.check_owner()
        return {"counter": trust.write(self.store.work, request["key"], request["counter"])}

    def _signature(self, request: Json, task: Task) -> bytes:
        path = self.store.place(request, str(request.get("digest") or ""))
        block, known = int(request["block"]), ""
        if "model" in request:
            files = self.store.recorded(request["model"], request["version"])
            sha256, stamp = files.get(request["path"], ("", ()))
            known = sha256 if stamp == fs.stamp(path) else ""
        if not known:
            return bytes(blocks.signature_bytes(path, block))
        directory = os.path.join(self.store.work, "blocks")
        return bytes(blocks.cached_signature(directory, known, path, block))

    def _fetch(self, request: Json, task: Task) -> Json:
        def still_ours() -> None:
            if self._deserted():
                raise fs.Refused(409, "the controller is gone")
            self.store.check_owner()

        from .pull import fetch as fetching  # late: with TLS and XML, it is a fourth of the program

        upload = self._upload(request["digest"], still_ours, lambda: None)
        try:
            return fetching.Fetcher(upload, request, task.progress).run()
        finally:
            upload.close()

    def _look(self, request: Json, task: Task) -> Json:
        from .pull import look as looking  # late, as above

        return looking.look(self.store.work, request)

    def _gather(self, request: Json, task: Task) -> Json:
        from .pull import look as looking

        return looking.gather(self.store, request, task.progress)
