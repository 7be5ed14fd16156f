# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the script that runs in the helper pod, by name; see C(agent.py)."""

from __future__ import annotations

import os
import threading
from typing import Any, Callable, Dict

try:  # in the collection
    from ansible_collections.openvino.edge.plugins.module_utils.repository import (
        agent_blocks as blocks,
    )
    from ansible_collections.openvino.edge.plugins.module_utils.repository import (
        agent_fetch as fetching,
    )
    from ansible_collections.openvino.edge.plugins.module_utils.repository import agent_files as fs
    from ansible_collections.openvino.edge.plugins.module_utils.repository import (
        agent_look as looking,
    )
    from ansible_collections.openvino.edge.plugins.module_utils.repository import (
        agent_pack as pack,
    )
    from ansible_collections.openvino.edge.plugins.module_utils.repository import (
        agent_repair as repairing,
    )
    from ansible_collections.openvino.edge.plugins.module_utils.repository import (
        agent_stage as stages,
    )
    from ansible_collections.openvino.edge.plugins.module_utils.repository import (
        agent_store as stores,
    )
    from ansible_collections.openvino.edge.plugins.module_utils.repository import (
        agent_tasks as tasks,
    )
    from ansible_collections.openvino.edge.plugins.module_utils.repository import (
        agent_trust as trust,
    )
except ImportError:  # in the helper pod, where the files lie side by side
    import agent_blocks as blocks  # type: ignore[import-not-found,no-redef]
    import agent_fetch as fetching  # type: ignore[import-not-found,no-redef]
    import agent_files as fs  # type: ignore[import-not-found,no-redef]
    import agent_look as looking  # type: ignore[import-not-found,no-redef]
    import agent_pack as pack  # type: ignore[import-not-found,no-redef]
    import agent_repair as repairing  # type: ignore[import-not-found,no-redef]
    import agent_stage as stages  # type: ignore[import-not-found,no-redef]
    import agent_store as stores  # type: ignore[import-not-found,no-redef]
    import agent_tasks as tasks  # type: ignore[import-not-found,no-redef]
    import agent_trust as trust  # type: ignore[import-not-found,no-redef]

Json = Dict[str, Any]
Task = tasks.Task
Result = tasks.Result
ReadInto = Callable[[memoryview], int]


class Commands:
    """What a controller can ask for.

    Args:
        store: the file system side.
        deserted: tells whether the controller seems to be gone, so that what only it wants can end.
    """

    def __init__(self, store: stores.Store, deserted: Callable[[], bool]) -> None:
        self.store, self._deserted = store, deserted
        self.guard = threading.Lock()  # these one at a time; uploads run beside each other
        self._free: Dict[str, Callable[[Json, Task], Result]] = {
            "facts": self._facts,
            "staged": lambda request, task: store.staged(request["digest"]),
            "signature": self._signature,
            "fetch": self._fetch,
            "look": lambda request, task: looking.look(store.work, request),
            "gather": self._gather,
            "bye": lambda request, task: {"bye": True},
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
            "trust": self._trust,
        }

    def work(self, name: str, request: Json) -> tasks.Work:
        """Return what a command does."""
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
            known = self.store.recorded(request["model"], request["version"], request["path"])
        if not known:
            return bytes(blocks.signature_bytes(path, block))
        directory = os.path.join(self.store.work, "blocks")
        return bytes(blocks.cached_signature(directory, known, path, block))

    def _fetch(self, request: Json, task: Task) -> Json:
        def still_ours() -> None:
            if self._deserted():
                raise fs.Refused(409, "the controller is gone")
            self.store.check_owner()

        upload = self._upload(request["digest"], still_ours, lambda: None)
        try:
            return fetching.Fetcher(upload, request, task.progress).run()
        finally:
            upload.close()

    def _gather(self, request: Json, task: Task) -> Json:
        return looking.gather(self.store, request, task.progress)
