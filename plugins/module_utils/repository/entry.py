# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(openvino.edge.model_repository): a local repository onto the stores of one cluster."""

from __future__ import annotations

import getpass
import socket
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Dict, List, Mapping, Sequence

from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    BusyError,
    EdgeError,
    InputError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import Access, KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.repository import (
    preflight,
    report,
    usage,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.fleet import Fleet, Work
from ansible_collections.openvino.edge.plugins.module_utils.repository.layout import (
    LocalVersion,
    scan,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.manifest import (
    Manifest,
    build,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.options import (
    ARGUMENT_SPEC,
    SPEC_RULES,
    Options,
    options_from_params,
    required_names,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.plan import (
    Plan,
    Step,
    format_bytes,
    plan_absent,
    plan_present,
    space_fault,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.progress import Meter
from ansible_collections.openvino.edge.plugins.module_utils.repository.state import (
    Key,
    RemoteVersion,
    believe,
    from_hashes,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transports.base import (
    HelperGone,
    Target,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transports.job import (
    HelperOptions,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transports.opening import (
    Opener,
)
from ansible_collections.openvino.edge.plugins.module_utils.runtime import (
    Params,
    Result,
    Runtime,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import HostPathStore

__all__ = ["ARGUMENT_SPEC", "SPEC_RULES", "required_access", "run"]

IGNORED_SHOWN = 5


def required_access(params: Params) -> List[Access]:
    """Return the rights this task needs; C(auto) is counted as C(agent)."""
    options = options_from_params(params, read_only=False)
    store = options.store
    own = preflight.exec_access if options.transport == "exec" else preflight.agent_access
    wanted = [*preflight.common_access(store), *own(store)]
    return wanted + (preflight.removal_access(store) if params["state"] == "absent" else [])


def run(params: Params, runtime: Runtime) -> Result:
    """Do the task; everything local is checked before the cluster is asked for anything.

    Raises:
        EdgeError: with C(details["changed"]) when something was published before.
    """
    started = time.monotonic()
    options = options_from_params(params, read_only=runtime.check_mode)
    if params["state"] == "absent":
        required_names(options.selection)
        local = Local()
    else:
        local = find_local(str(params["src"]), options, runtime)
    with KubeClient.from_params(params) as client:
        task = Task(client, options, runtime, local, params)
        works = task.run()
    result = report.result_of(
        works,
        local.manifests,
        check_mode=runtime.check_mode,
        seconds=time.monotonic() - started,
    )
    if runtime.diff:
        result["diff"] = report.diff_of(works)
    return result


@dataclass
class Local:
    """The chosen versions of the local repository and where their files are."""

    versions: Dict[Key, LocalVersion] = field(default_factory=dict)
    manifests: List[Manifest] = field(default_factory=list)

    def read(self, runtime: Runtime) -> None:
        """Hash every file that was not hashed before.

        Raises:
            InputError: a file cannot be read, or changes meanwhile.
        """
        total = sum(version.size for version in self.versions.values())
        meter = Meter(runtime.progress, "reading the repository", total)
        self.manifests = [
            build(version, advance=meter.advance) for version in self.versions.values()
        ]

    def sources(self, key: Key) -> Mapping[str, str]:
        """Return where the files of a version are, by path."""
        return {item.path: item.source for item in self.versions[key].files}


def find_local(src: str, options: Options, runtime: Runtime) -> Local:
    """Scan and lint the repository; nothing is read yet.

    Raises:
        InputError: see C(layout.scan).
    """
    repository = scan(src, options.selection)
    if repository.ignored:
        shown = ", ".join(repository.ignored[:IGNORED_SHOWN])
        more = len(repository.ignored) - IGNORED_SHOWN
        runtime.warn(f"not copied: {shown}" + (f" and {more} more" if more > 0 else ""))
    return Local({(item.model, item.version): item for item in repository.versions})


class Task:
    """One run against one cluster."""

    def __init__(
        self,
        client: KubeClient,
        options: Options,
        runtime: Runtime,
        local: Local,
        params: Params,
    ) -> None:
        self.client, self.options, self.runtime, self.local = client, options, runtime, local
        self.absent = params["state"] == "absent"
        self.force = bool(params["force"])
        self.owner = uuid.uuid4().hex
        self.stop = threading.Event()

    def run(self) -> List[Work]:
        """Open, examine, and unless in check mode lock and fill every target."""
        store = self.options.store
        extra = preflight.removal_access(store) if self.absent else []
        warn = self.runtime.warn
        transport = preflight.choose_transport(
            self.client, store, self.options.transport, extra, warn
        )
        helper = self.options.helper
        targets = self._targets(helper)
        self.opener = Opener(self.client, transport, helper, warn, self.stop.is_set)
        with Fleet(targets, self.opener.open, self.options.parallel, self.stop) as fleet:
            fleet.open(lambda: self.local.read(self.runtime))
            fleet.each(self.look)
            todo = [work for work in fleet.works if work.todo.steps and _writes(work.todo)]
            if todo and not self.runtime.check_mode:
                self._carry_out(fleet, todo)
            return fleet.works

    def _targets(self, helper: HelperOptions) -> List[Target]:
        """Return where to work: nowhere, if all is to be removed from what is not there."""
        store = self.options.store
        try:
            return preflight.find_targets(self.client, store, helper.tolerations, uid=helper.uid)
        except preflight.NoStore as error:
            if not self.absent:
                raise
            if isinstance(store, HostPathStore):
                self.runtime.warn(f"{error.message}: {store} is not touched on any node")
            return []

    def _carry_out(self, fleet: Fleet, todo: Sequence[Work]) -> None:
        try:
            fleet.each(self.lock, todo)
            total = sum(work.todo.bytes_to_send for work in todo)
            meter = Meter(self.runtime.progress, "sending", total)
            fleet.each(lambda work: self.fill(work, meter), todo)
        except EdgeError as error:
            error.details.update(report.progress_details(fleet.works))
            raise

    def lock(self, work: Work) -> None:
        """Become the one writer of a target, then look again at what is there.

        Raises:
            BusyError: another controller is at work there.
            InputError: the other one is this task on another node: both see one directory.
        """
        try:
            work.way.lock(f"{self.owner}-{uuid.uuid4().hex[:8]}", _note())
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
        self.examine(work)

    def look(self, work: Work) -> None:
        """Examine; a helper that was evicted or deleted before anything was done is replaced."""
        try:
            self.examine(work)
        except HelperGone as error:
            self.runtime.progress(f"{work.target.short}: {error.message}, starting another")
            work.way.close()
            work.channel = self.opener.open(work.target)
            self.examine(work)

    def examine(self, work: Work) -> None:
        """Find out what is there and plan.

        Raises:
            InputError: other bytes, in use, no room, or not writable.
        """
        work.facts = work.way.facts()
        work.inventory = work.way.inventory()
        if work.inventory.strays:
            names = ", ".join(work.inventory.strays[:IGNORED_SHOWN])
            text = f"{work.target.name}: names a server may take for versions: models/{names}"
            if text not in self.runtime.warnings:
                self.runtime.warn(text)
        work.plan = self._absent(work) if self.absent else self._present(work)
        _check_room(work)

    def _present(self, work: Work) -> Plan:
        there = work.inventory.by_key()
        wanted = {(item.model, item.version) for item in self.local.manifests}
        work.remote = {key: self._content(work, key) for key in sorted(wanted & set(there))}
        return plan_present(work.target.name, self.local.manifests, work.remote)

    def _content(self, work: Work, key: Key) -> RemoteVersion:
        raw = work.inventory.by_key()[key]
        known = believe(raw)
        if known is None:
            self.runtime.progress(f"{work.target.short}: reading {raw.model}/{raw.version} there")
            known = from_hashes(raw, work.way.hashes(raw.model, raw.version, raw.size))
        return known

    def _absent(self, work: Work) -> Plan:
        there = work.inventory.versions
        used = usage.versions_in_use(self.client, self.options.store, there)
        selection = self.options.selection
        return plan_absent(work.target.name, selection, there, used, force=self.force)

    def fill(self, work: Work, meter: Meter) -> None:
        """Carry out the steps of one target."""
        for step in work.todo.steps:
            if step.action == "publish" and step.manifest is not None:
                self._publish(work, step, step.manifest, meter)
            elif step.action == "remove":
                work.way.remove(step.model, step.version)
                work.removed.append(step.key)
            elif step.action == "seal" and step.manifest is not None:
                work.way.seal(step.manifest, step.bytes)

    def _publish(self, work: Work, step: Step, manifest: Manifest, meter: Meter) -> None:
        def advance(count: int) -> None:
            work.bytes_sent += count
            meter.advance(count)

        began = time.monotonic()
        work.way.publish(manifest, self.local.sources(step.key), advance)
        work.published.append(step.key)
        work.files_sent += step.files
        took = time.monotonic() - began
        self.runtime.progress(
            f"{work.target.short}: published {step.model}/{step.version}"
            f" ({step.files} files, {format_bytes(step.bytes)}, {took:.1f} s)"
        )


def _writes(plan: Plan) -> bool:
    return any(step.action != "keep" for step in plan.steps)


def _check_room(work: Work) -> None:
    if work.facts is None or work.plan is None or not work.plan.of("publish"):
        return
    target = work.target.name
    if not work.facts.writable:
        raise InputError(
            f"uid {work.facts.uid} may not write there (mode {work.facts.root_mode})",
            option="uid",
            subject=target,
            hint="Give the volume to this user (fsGroup, chown), or set uid and gid to its owner",
        )
    fault = space_fault(work.plan, work.facts)
    if fault:
        raise InputError(
            f"the store is too small: {fault}",
            option="src",
            subject=target,
            hint="Free space, remove old versions (state: absent), or choose fewer models",
        )


def _note() -> str:
    """Return who we are, for the one who finds the lock."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = "someone"
    return f"{user}@{socket.gethostname()}"
