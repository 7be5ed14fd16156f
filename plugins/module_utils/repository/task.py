# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of one task against one cluster: open, look, plan, and unless in check mode do it.

With several targets each phase ends on all of them before the next begins: nothing is published
anywhere before everything is staged and verified everywhere.
"""

from __future__ import annotations

import getpass
import socket
import threading
import uuid
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    BusyError,
    EdgeError,
    InputError,
    UnsupportedError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.apply import Change
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.repository import (
    preflight,
    report,
    room,
    usage,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.fleet import (
    Fleet,
    Incoming,
    Work,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.limit import Limiter
from ansible_collections.openvino.edge.plugins.module_utils.repository.local import Local
from ansible_collections.openvino.edge.plugins.module_utils.repository.mending import (
    mending_origins,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.options import Options
from ansible_collections.openvino.edge.plugins.module_utils.repository.origins import (
    LINKED,
    SENT,
    Library,
    Origin,
    brought,
    origins_of,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.plan import (
    Plan,
    Step,
    format_bytes,
    plan_absent,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.progress import Meter
from ansible_collections.openvino.edge.plugins.module_utils.repository.pull.options import (
    secret_access,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.pull.pulled import (
    Pulled,
    PullSender,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.record import (
    HASH,
    RecordBook,
    Seen,
    record_access,
    seen_versions,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.sending import (
    Sender,
    resumed,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.sharing import Sharing
from ansible_collections.openvino.edge.plugins.module_utils.repository.state import (
    Facts,
    Key,
    RemoteVersion,
    believe,
    from_hashes,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.steady import Steady
from ansible_collections.openvino.edge.plugins.module_utils.repository.transports.base import (
    Place,
    Target,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transports.job import (
    HelperOptions,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transports.opening import (
    Opener,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.upkeep import (
    Upkeep,
    remove,
)
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Params, Runtime
from ansible_collections.openvino.edge.plugins.module_utils.store import HostPathStore

STRAYS_SHOWN = 5


class Task:
    """One run against one cluster."""

    def __init__(
        self,
        client: KubeClient,
        options: Options,
        runtime: Runtime,
        local: Local,
        params: Params,
        book: RecordBook,
    ) -> None:
        self.book = book
        self.client, self.options, self.runtime, self.local = client, options, runtime, local
        self.absent = params["state"] == "absent"
        self.force = bool(params["force"])
        self.upkeep = Upkeep(client, options, runtime, params)
        self.owner = uuid.uuid4().hex
        self.stop = threading.Event()
        self.made: Sequence[Change] = ()
        self.sharing = Sharing(bool(params["peers"]), options.parallel, runtime.warn)
        make = PullSender if isinstance(local, Pulled) else Sender
        self.sender = make(
            local.sources,
            compress=options.compress,
            limiter=Limiter(options.bandwidth_limit),
            streams=options.parallel,
            stopped=self.stop.is_set,
        )
        if isinstance(self.sender, PullSender) and isinstance(local, Pulled):
            self.sender.pulled = local

    def run(self) -> List[Work]:
        """Do it and return what was found and done on each target."""
        store = self.options.store
        extra = record_access(store)
        extra += secret_access(store, self.options.helper.secret)
        removes = self.absent or self.upkeep.removes
        extra += preflight.removal_access(store) if removes else []
        warn = self.runtime.warn
        transport = preflight.choose_transport(
            self.client, store, self.options.transport, extra, warn
        )
        helper = self.options.helper
        targets = self._targets(helper)
        if not self.runtime.check_mode:
            self.book.load()
        opener = Opener(self.client, transport, helper, warn, self.stop.is_set)
        self.steady = Steady(
            opener.open, self._relock, helper.wait_timeout, self.stop.is_set, self.runtime.progress
        )
        with Fleet(targets, opener.open, self.options.parallel, self.stop) as fleet:
            fleet.open(lambda: self.local.read(self.runtime))
            if isinstance(self.local, Pulled):
                self.local.resolve(fleet.works, self.runtime, self._relock)
            fleet.each(self._steadily(self.examine))
            todo = [work for work in fleet.works if self._writes(work)]
            if self.runtime.check_mode:
                self.sharing.arrange(fleet.works)
                fleet.each(self._steadily(self.estimate), todo)
                return fleet.works
            if todo:
                self._carry_out(fleet, todo)
            self._keep_record(fleet.works)
            return fleet.works

    def _writes(self, work: Work) -> bool:
        """Return whether a target has to be written to, be it only to raise its counter."""
        return _writes(work.todo) or self._raises_counter(work)

    def _raises_counter(self, work: Work) -> bool:
        guard = self.local.guard
        return bool(guard and work.facts and guard.raises(work.facts.trust))

    def _steadily(self, step: Callable[[Work], None]) -> Callable[[Work], None]:
        return lambda work: self.steady.run(work, step)

    def _targets(self, helper: HelperOptions) -> List[Target]:
        """Return where to work: nowhere, if all is to be removed from what is not there."""
        store = self.options.store
        try:
            prepared = preflight.prepare(
                self.client,
                store,
                helper,
                check_mode=self.runtime.check_mode,
                absent=self.absent,
            )
            self.made = prepared.changes
            return prepared.targets
        except preflight.NoStore as error:
            if not self.absent:
                raise
            if isinstance(store, HostPathStore):
                self.runtime.warn(f"{error.message}: {store} is not touched on any node")
            return []

    # -- looking --------------------------------------------------------------------------------

    def examine(self, work: Work) -> None:
        """Find out what is there and plan.

        Raises:
            InputError: other bytes, in use, no room, or not writable.
        """
        work.facts = work.way.facts()
        self._check_signed(work, work.facts)
        work.inventory = work.way.inventory()
        self._warn_strays(work)
        work.plan = self._absent(work) if self.absent else self._present(work)
        work.incoming = self._arrange(work)
        work.counts.resumed = sum(resumed(item.origins) for item in work.incoming)
        _check_room(work)

    def _warn_strays(self, work: Work) -> None:
        if work.inventory.strays:
            names = ", ".join(work.inventory.strays[:STRAYS_SHOWN])
            text = f"{work.target.name}: names a server may take for versions: models/{names}"
            if text not in self.runtime.warnings:
                self.runtime.warn(text)

    def _present(self, work: Work) -> Plan:
        there = work.inventory.by_key()
        wanted = {(item.model, item.version) for item in self.local.manifests}
        work.remote = {key: self._content(work, key) for key in sorted(wanted & set(there))}
        return self.upkeep.plan(work, self.local.manifests)

    def _content(self, work: Work, key: Key) -> RemoteVersion:
        raw = work.inventory.by_key()[key]
        before = work.remote.get(key)
        if before is not None and before.checked == "hash" and before.raw == raw:
            return before  # read a moment ago, before the lock
        known = None if self.options.compare == HASH or self.upkeep.repair else believe(raw)
        if known is None:
            self.runtime.progress(f"{work.target.short}: reading {raw.model}/{raw.version} there")
            known = from_hashes(raw, work.way.hashes(raw.model, raw.version, raw.size))
        return known

    def _absent(self, work: Work) -> Plan:
        there = work.inventory.versions
        used = usage.versions_in_use(self.client, self.options.store, there)
        selection = self.options.selection
        return plan_absent(work.target.name, selection, there, used, force=self.force)

    def _arrange(self, work: Work) -> List[Incoming]:
        """Return the versions that come, and where each of their files comes from."""
        library = Library.of(work.inventory.versions)
        ahead: Dict[Any, Place] = {}
        first: Dict[str, Key] = {}
        found: List[Incoming] = []
        for step in work.todo.steps:
            manifest = step.manifest
            if manifest is None or step.action not in ("publish", "repair"):
                continue
            after = first.get(manifest.digest)
            if after is None:
                first[manifest.digest] = step.key
                origins = self._origins(work, step, library, ahead)
                if step.action == "publish":
                    ahead.update(brought(manifest))
            else:
                origins = _copies(step, after)
            found.append(Incoming(step, manifest, origins, after))
        return found

    def _origins(
        self, work: Work, step: Step, library: Library, ahead: Mapping[Any, Place]
    ) -> List[Origin]:
        manifest = step.manifest
        if manifest is None:
            return []
        stages = work.facts.stages if work.facts else {}
        known = work.way.transport != "none" and (manifest.digest in stages or not work.way.deltas)
        staged = work.way.staged(manifest) if known else {}
        deltas = work.way.deltas and self.options.delta
        if step.damage is not None:
            return mending_origins(step.damage, staged, work.remote.values(), deltas=deltas)
        twins = work.way.deltas
        return origins_of(manifest, staged, library, deltas=deltas, twins=twins, ahead=ahead)

    def estimate(self, work: Work) -> None:
        """Find out how many bytes a run would send."""
        self.local.make_ready(item.step.key for item in work.incoming)
        work.counts.planned = sum(self.sender.estimate(work, item) for item in work.incoming)
        work.counts.linked = sum(
            origin.entry.size
            for item in work.incoming
            for origin in item.origins
            if origin.kind in ("linked", "twin")
        )

    # -- doing ----------------------------------------------------------------------------------

    def _carry_out(self, fleet: Fleet, todo: Sequence[Work]) -> None:
        try:
            fleet.each(self._steadily(self.lock), todo)
            self.sharing.arrange(fleet.works)
            total = sum(_rest(work) for work in todo)
            self.sender.meter = Meter(self.runtime.progress, "sending", total)
            fleet.each(self._steadily(self.receive), todo)
            fleet.each(self._steadily(self.receive), self.sharing.spread(fleet.works))
            self.book.forget(work.target for work in todo if _unmakes(work.todo))
            fleet.each(self._steadily(self.finish), todo)
            fleet.each(self._steadily(self.retain), todo)
        except EdgeError as error:
            error.details.update(report.progress_details(fleet.works))
            raise
        finally:
            for work in todo:
                work.counts.planned = work.counts.sent

    def lock(self, work: Work) -> None:
        """Become the one writer of a target, then look again at what is there.

        Raises:
            BusyError: another controller is at work there.
            InputError: the other one is this task on another node: both see one directory.
        """
        try:
            self._relock(work)
        except BusyError as error:
            holder = error.details.get("holder") or {}
            if not str(holder.get("id", "")).startswith(self.owner):
                raise
            raise InputError(
                "several of the nodes see the same directory (a network share?)",
                option="host_path",
                subject=work.target.name,
                hint="Name one of these nodes in host_path.nodes, or use a claim (pvc)",
            ) from None
        work.locked = True
        self.examine(work)

    def _relock(self, work: Work) -> None:
        wanted = [item.manifest.digest for item in work.incoming]
        work.way.lock(f"{self.owner}-{uuid.uuid4().hex[:8]}", note(), wanted)

    def receive(self, work: Work) -> None:
        """Stage what comes to one target."""
        self.local.make_ready(item.step.key for item in work.incoming)
        for item in work.incoming:
            if item.after is None and item.origins:
                self.sender.bring(work, item)

    def finish(self, work: Work) -> None:
        """Make visible what is staged, remove and record what is to be."""
        for item in work.incoming:
            if item.step.key in (*work.published, *work.repaired):
                continue
            if item.step.damage is not None:
                self.upkeep.mend(work, item, item.step.damage, self.sender)
            else:
                self._publish(work, item)
        for step in work.todo.steps:
            if step.action == "remove" and self.absent:
                remove(work, step)
            elif step.action == "seal" and step.manifest is not None:
                work.way.seal(step.manifest, step.bytes)
        self._raise_counter(work)

    def retain(self, work: Work) -> None:
        """Remove what the rules of retention say, now that all is published."""
        self.upkeep.retain(work, self.local.manifests)

    def _publish(self, work: Work, item: Incoming) -> None:
        if item.tried and self._is_there(work, item):
            work.published.append(item.step.key)
            return
        if item.staged_on is not work.channel:
            self.sender.bring(work, item)
        item.tried = True
        work.way.publish(item.manifest)
        work.published.append(item.step.key)
        step = item.step
        self.runtime.progress(
            f"{work.target.short}: published {step.model}/{step.version}"
            f" ({step.files} files, {format_bytes(step.bytes)})"
        )

    def _check_signed(self, work: Work, facts: Facts) -> None:
        guard = self.local.guard
        if guard is None or work.way.transport == "none":
            return
        if not work.way.counters:
            raise UnsupportedError(
                f"the {work.way.transport} transport keeps no counters, so an older signed set"
                " would not be noticed",
                option="signature",
                subject=work.target.name,
                hint="Use transport: agent",
            )
        guard.check_store(facts.trust, work.target.name)

    def _raise_counter(self, work: Work) -> None:
        guard = self.local.guard
        if guard and guard.signed.counter is not None and self._raises_counter(work):
            work.way.trust(guard.signed.key_id, guard.signed.counter)

    def _keep_record(self, works: Sequence[Work]) -> None:
        """Tell the next run what was seen and done."""
        seen = [self._seen(work) for work in works if work.facts]
        removed = any(work.removed for work in works)
        if removed and self.absent and not any(item.versions for item in seen):
            self.book.drop()
            return
        unlocked = [work for work in works if not work.locked]
        self.book.write(
            seen,
            removed=removed,
            still=lambda: all(work.way.inventory() == work.inventory for work in unlocked),
        )

    def _seen(self, work: Work) -> Seen:
        published = {
            item.step.key: item.manifest.digest
            for item in work.incoming
            if item.step.key in (*work.published, *work.repaired)
        }
        versions = seen_versions(work.inventory, work.remote, published, work.removed)
        trust = work.facts.trust if work.facts else {}
        guard = self.local.guard
        return Seen(work.target, versions, guard.accepted_after(trust) if guard else trust)

    @staticmethod
    def _is_there(work: Work, item: Incoming) -> bool:
        """Return whether a request whose answer was lost has published it."""
        raw = work.way.inventory().by_key().get(item.step.key)
        known = believe(raw) if raw else None
        return known is not None and known.manifest.digest == item.manifest.digest


def _copies(step: Step, of: Key) -> List[Origin]:
    """Return the origins of a version whose files are those of another one of this run."""
    files = step.manifest.files if step.manifest else ()
    wanted = step.damage.files if step.damage else range(len(files))
    return [
        Origin(
            number,
            entry,
            LINKED if entry.size else SENT,
            0,
            ({"model": of[0], "version": of[1], "path": entry.path},),
        )
        for number, entry in enumerate(files)
        if number in wanted
    ]


def _rest(work: Work) -> int:
    return sum(
        origin.rest for item in work.incoming for origin in item.origins if origin.kind == SENT
    )


def _unmakes(plan: Plan) -> bool:
    """Return whether something that was published is touched."""
    return any(step.action not in ("keep", "seal", "publish") for step in plan.steps)


def _writes(plan: Plan) -> bool:
    return any(step.action != "keep" for step in plan.steps)


def _check_room(work: Work) -> None:
    """Refuse a store that cannot take what is to be written there, before the first byte.

    Raises:
        InputError: see C(room.check).
    """
    if work.facts is None or not work.incoming:
        return
    digests = {item.manifest.digest for item in work.incoming}
    wanted = {step.key for step in work.todo.steps}
    room.check(
        work.target.name,
        work.facts,
        room.need_of([item.origins for item in work.incoming], work.facts),
        node=work.way.node,
        removable=room.removable_of(work.facts, work.inventory.versions, wanted, digests),
    )


def note() -> str:
    """Return who we are, for the one who finds the lock."""
    try:
        user: Optional[str] = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = None
    return f"{user or 'someone'}@{socket.gethostname()}"
