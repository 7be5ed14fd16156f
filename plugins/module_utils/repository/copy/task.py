# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of one task on one cluster: open, examine, plan and, unless in check mode, carry out.

With several targets each phase ends on all of them before the next begins: nothing is published
anywhere before everything is staged and verified everywhere.
"""

from __future__ import annotations

import getpass
import socket
import threading
import uuid
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from ...errors import BusyError, EdgeError, InputError, UnsupportedError
from ...kube.apply import Change
from ...kube.client import KubeClient
from ...runtime import Runtime
from ...store import HostPathStore
from ..content.state import Facts, Key, RemoteVersion, believe, from_hashes
from ..content.units import format_bytes
from ..options.argument_spec import HASH
from ..options.helper import HelperOptions
from ..options.pull import secret_access
from ..options.task import Options
from ..plan import names, space
from ..plan.origins import LINKED, SENT, Library, Origin, brought, origins_of
from ..plan.repair import recorded_digest
from ..plan.repair_origins import mending_origins
from ..plan.steps import Plan, Step, plan_absent
from ..progress import Meter
from ..target import checks
from ..transport.base import Place, Target
from ..transport.choose import Opener
from ..usage import in_use
from . import report
from .anew import Anew
from .delivery import Delivery
from .record import RecordBook, Seen, record_access, seen_versions
from .retries import Steady
from .sending import resumed
from .sharing import Sharing
from .targets import Fleet
from .upkeep import Upkeep, remove
from .work import Incoming, Work

STRAYS_SHOWN = 5


class Task:
    """One run against one cluster."""

    def __init__(
        self,
        client: KubeClient,
        options: Options,
        runtime: Runtime,
        local: Delivery,
        book: RecordBook,
    ) -> None:
        self.book = book
        self.client, self.options, self.runtime, self.local = client, options, runtime, local
        self.absent = options.absent
        self.upkeep = Upkeep(client, options, runtime)
        self.anew = Anew(client, options, runtime)
        self.owner = uuid.uuid4().hex
        self.stop = threading.Event()
        self.made: Sequence[Change] = ()
        self.sharing = Sharing(options.peers, options.parallel, runtime.warn)
        self.sender = local.sender(options, self.stop.is_set)

    def run(self) -> List[Work]:
        """Run the task and return the state and the changes of each target."""
        store = self.options.store
        extra = record_access(store)
        extra += secret_access(store, self.options.helper.secret)
        extra += checks.guard_access(store, self.options.helper)
        removes = self.absent or self.options.rules.asked
        extra += checks.removal_access(store) if removes else []
        warn = self.runtime.warn
        transport = checks.choose_transport(self.client, store, self.options.transport, extra, warn)
        helper = self.options.helper
        targets = self._targets(helper)
        self.book.load()
        stopped, say = self.stop.is_set, self.runtime.progress
        opener = Opener(self.client, transport, helper, warn, stopped, self.runtime.folder)
        self.steady = Steady(opener.open, self._relock, helper.wait_timeout, stopped, say)
        with Fleet(targets, opener.open, self.options.parallel, self.stop) as fleet:
            fleet.open(lambda: self.local.read(self.runtime))
            self.local.resolve(fleet.works, self.runtime, self._relock)
            fleet.each(self._steadily(self.examine))
            todo = [work for work in fleet.works if self._writes(work)]
            if self.runtime.check_mode:
                self.anew.look(todo)
                self.sharing.arrange(fleet.works)
                fleet.each(self._steadily(self.estimate), todo)
                return fleet.works
            if todo:
                self._carry_out(fleet, todo)
            self._keep_record(fleet.works)
            return fleet.works

    def _writes(self, work: Work) -> bool:
        """Return whether a target has to be written to; a counter that has to be raised counts."""
        return _writes(work.todo) or bool(work.swapped) or self._raises_counter(work)

    def _raises_counter(self, work: Work) -> bool:
        guard = self.local.guard
        return bool(guard and work.facts and guard.raises(work.facts.trust))

    def _steadily(self, step: Callable[[Work], None]) -> Callable[[Work], None]:
        return lambda work: self.steady.run(work, step)

    def _targets(self, helper: HelperOptions) -> List[Target]:
        """Return the targets; none when there is no store to remove versions from."""
        store = self.options.store
        try:
            prepared = checks.prepare(
                self.client,
                store,
                helper,
                check_mode=self.runtime.check_mode,
                absent=self.absent,
            )
            self.made = prepared.changes
            self._tell_unseen(prepared.targets)
            return prepared.targets
        except checks.NoStore as error:
            if not self.absent:
                raise
            if isinstance(store, HostPathStore):
                self.runtime.warn(f"{error.message}: {store} is not touched on any node")
            return []

    def _tell_unseen(self, targets: Sequence[Target]) -> None:
        """Warn that check mode cannot look into directories of nodes without the namespace."""
        store = self.options.store
        names = [str(target.node) for target in targets if target.unbound]
        if names and isinstance(store, HostPathStore):
            self.runtime.warn(
                f"{store} on {', '.join(names)} cannot be looked at before there is a namespace"
                f" {store.namespace}: what is there already is counted as if it was not"
            )

    # -- looking --------------------------------------------------------------------------------

    def examine(self, work: Work) -> None:
        """Read the state of a target and plan its steps.

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
        _check_names(work)

    def _warn_strays(self, work: Work) -> None:
        if work.inventory.strays:
            names = ", ".join(work.inventory.strays[:STRAYS_SHOWN])
            text = f"{work.target.name}: names a server may take for versions: models/{names}"
            self._warn_once(text)
        for path, why in work.inventory.odd[:STRAYS_SHOWN]:
            self._warn_once(f"{work.target.name}: {path} counts as absent: {why}")

    def _warn_once(self, text: str) -> None:
        if text not in self.runtime.warnings:
            self.runtime.warn(text)

    def _present(self, work: Work) -> Plan:
        there = work.inventory.by_key()
        wanted = {(item.model, item.version) for item in self.local.manifests}
        work.remote = {key: self._content(work, key) for key in sorted(wanted & set(there))}
        plan = self.upkeep.plan(work, self.local.manifests)
        kept = (*plan.of("keep"), *plan.of("seal"))
        work.swapped = [step.key for step in kept if self._was_other(work, step)]
        return plan

    def _was_other(self, work: Work, step: Step) -> bool:
        """Return whether a version that is right was once known with other bytes."""
        raw = work.remote[step.key].raw
        known = recorded_digest(raw), self.book.digest(work.target, step.key)
        unfinished = bool((raw.record or {}).get("load_again"))
        return unfinished or any(digest not in (None, "", step.digest) for digest in known)

    def _content(self, work: Work, key: Key) -> RemoteVersion:
        raw = work.inventory.by_key()[key]
        before = work.remote.get(key)
        if before is not None and before.checked == "hash" and before.raw == raw:
            return before  # read a moment ago, before the lock
        known = None if self.options.compare == HASH or self.options.repair else believe(raw)
        if known is None:
            self.runtime.progress(f"{work.target.short}: reading {raw.model}/{raw.version} there")
            known = from_hashes(raw, work.way.hashes(raw.model, raw.version, raw.size))
        return known

    def _absent(self, work: Work) -> Plan:
        there = work.inventory.versions
        used = in_use.versions_in_use(self.client, self.options.store, there)
        selection = self.options.selection
        plan = plan_absent(work.target.name, selection, there, used, force=self.options.force)
        going = [step.key for step in plan.steps]
        kept = in_use.kept_by_releases(self.client, self.options.store, going)
        for (model, version), who in sorted(kept.items()):
            self._warn_once(f"{model}/{version} goes, and {who} can be gone back to only by a copy")
        return plan

    def _arrange(self, work: Work) -> List[Incoming]:
        """Return the versions to publish or repair, with the origin of each of their files."""
        steps = [step for step in work.todo.steps if step.action in ("publish", "repair")]
        read = self.options.compare == HASH or self.options.repair or self.local.guard is not None
        library = Library.of(work.inventory.versions if steps else (), recorded_ones=not read)
        ahead: Dict[Any, Place] = {}
        first: Dict[str, Key] = {}
        found: List[Incoming] = []
        for step, manifest in ((step, step.manifest) for step in steps):
            if manifest is None:
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
            self.anew.look(todo)
            self.sharing.arrange(fleet.works)
            total = sum(_rest(work) for work in todo)
            self.sender.meter = Meter(self.runtime.progress, "sending", total)
            fleet.each(self._steadily(self.receive), todo)
            fleet.each(self._steadily(self.receive), self.sharing.spread(fleet.works))
            self.upkeep.tell_damaged(todo)
            self.book.forget(work.target for work in todo if _unmakes(work.todo))
            # The counter is raised before publishing: if the run is killed in between, the store
            # still refuses an older signed set.
            fleet.each(self._steadily(self._raise_counter), todo)
            fleet.each(self._steadily(self.finish), todo)
            fleet.each(self._steadily(self.renew), todo)
            self.upkeep.tell_loaders(todo)
            fleet.each(self._steadily(self.retain), todo)
        except EdgeError as error:
            error.details.update(report.progress_details(fleet.works))
            raise
        finally:
            for work in todo:
                work.counts.planned = work.counts.sent

    def lock(self, work: Work) -> None:
        """Take the lock of a target, then read its state again.

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
        """Stage the incoming versions of one target."""
        self.local.make_ready(item.step.key for item in work.incoming)
        for item in work.incoming:
            if item.after is None and item.origins:
                self.sender.bring(work, item)

    def finish(self, work: Work) -> None:
        """Publish the staged versions, and remove or seal versions as planned."""
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
            elif step.action == "seal" and step.manifest and step.key not in work.swapped:
                work.way.seal(step.manifest, step.bytes)
        self.anew.load(work, work.published)

    def renew(self, work: Work) -> None:
        """Make servers load what was repaired or swapped; only then the store's record forgets it.

        If it fails, or is cut off, the next run does it.
        """
        self.anew.renew(work)
        for step in work.todo.steps:
            if step.key in work.mended and step.manifest is not None:
                work.way.seal(step.manifest, step.manifest.size)

    def retain(self, work: Work) -> None:
        """Remove old versions by the retention rules, after all new ones are published."""
        self.upkeep.retain(work, self.local.manifests)

    def _publish(self, work: Work, item: Incoming) -> None:
        if item.tried and self._is_there(work, item):
            work.published.append(item.step.key)
            return
        if item.staged_on is not work.channel:
            self.sender.bring(work, item)
        item.tried = True
        self.anew.retire(work, item.step.key)
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
        """Write the record of this run for the next one."""
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
        """Return whether the version is published, by a request whose answer was lost."""
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
    """Return whether the plan removes or repairs a published version."""
    return any(step.action not in ("keep", "seal", "publish") for step in plan.steps)


def _writes(plan: Plan) -> bool:
    return any(step.action != "keep" for step in plan.steps)


def _check_room(work: Work) -> None:
    """Refuse a store without enough space or inodes, before the first byte is sent.

    Raises:
        InputError: see C(space.check) and C(space.check_claim).
    """
    if work.facts is None or not work.incoming:
        return
    need = space.need_of([item.origins for item in work.incoming], work.facts)
    capacity = work.target.capacity
    if capacity is not None and work.way.transport == "none":
        space.check_claim(work.target.name, capacity, need, work.facts.block_bytes)
    digests = {item.manifest.digest for item in work.incoming}
    wanted = {step.key for step in work.todo.steps}
    space.check(
        work.target.name,
        work.facts,
        need,
        node=work.way.node,
        removable=space.removable_of(work.facts, work.inventory.versions, wanted, digests),
    )


def _check_names(work: Work) -> None:
    """Refuse names and places that a store cannot take, before the first byte is sent.

    Raises:
        InputError: see C(names.check) and C(names.check_places).
    """
    names.check_places(work.target.name, dict(work.inventory.blocked), work.todo.steps)
    keeps = work.facts.keeps if work.facts else {}
    new = (
        f"{item.step.model}/{item.step.version}/{entry.path}"
        for item in work.incoming
        for entry in item.manifest.files
    )
    there = (f"{raw.model}/{raw.version}" for raw in work.inventory.versions)
    names.check(work.target.name, keeps, new, there)


def note() -> str:
    """Return user and host of this controller, shown to other writers that find the lock."""
    try:
        user: Optional[str] = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = None
    return f"{user or 'someone'}@{socket.gethostname()}"
