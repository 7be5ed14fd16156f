# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of C(openvino.edge.model_repository_info): audits the stores of one cluster."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ..kube.client import Access, KubeClient
from ..runtime import Params, Result, Runtime
from .content.layout import Selection
from .content.manifest import Manifest
from .content.ownership import expected_ownership
from .content.state import Key, RawVersion, RemoteVersion, from_hashes
from .copy.targets import Fleet
from .copy.work import Work
from .options.task import INFO_ARGUMENT_SPEC as ARGUMENT_SPEC
from .options.task import INFO_SPEC_RULES as SPEC_RULES
from .options.task import Options, options_from_params
from .plan.audit import TargetAudit, VersionAudit, audit_version, compare_targets
from .progress import Meter
from .source.opening import Source, opened
from .target import checks
from .transport.base import Target
from .transport.choose import Opener

__all__ = ["ARGUMENT_SPEC", "SPEC_RULES", "required_access", "run"]


def required_access(params: Params) -> List[Access]:
    """Return the rights this task needs; C(auto) is counted as C(agent)."""
    options = options_from_params(params, read_only=True)
    own = checks.exec_access if options.transport == "exec" else checks.agent_access
    guard = checks.guard_access(options.store, options.helper)
    return [*checks.common_access(options.store), *own(options.store), *guard]


def run(params: Params, runtime: Runtime) -> Result:
    """List every target, and compare it with what was published; changes nothing there.

    Raises:
        InputError: the source is not sound.
        EdgeError: a target cannot be reached.
    """
    options = options_from_params(params, read_only=True)
    with ExitStack() as stack:
        source = None
        if options.src:
            source = stack.enter_context(
                opened(options.src, options.selection, progress=runtime.progress)
            )
        client = stack.enter_context(KubeClient.from_params(params))
        return Audit(client, options, runtime).run(source)


class Audit:
    """One audit of one cluster."""

    def __init__(self, client: KubeClient, options: Options, runtime: Runtime) -> None:
        self.client, self.options, self.runtime = client, options, runtime
        self.source: Dict[Key, Manifest] = {}
        self.found: Dict[str, Dict[str, Any]] = {}
        self.audits: Dict[str, TargetAudit] = {}

    def run(self, source: Optional[Source]) -> Result:
        """Examine all targets, then compare them with each other."""
        stop = threading.Event()
        transport = checks.choose_transport(
            self.client, self.options.store, self.options.transport, [], self.runtime.warn
        )
        targets = self._targets()
        helper, warn, folder = self.options.helper, self.runtime.warn, self.runtime.folder
        opener = Opener(self.client, transport, helper, warn, stop.is_set, folder)
        with Fleet(targets, opener.open, self.options.parallel, stop) as fleet:
            fleet.open(lambda: self._read(source))
            fleet.each(self.look)
        audits = [self.audits[target.name] for target in targets]
        compare_targets(audits, self.source)
        result = result_of([self.found[target.name] for target in targets], audits)
        return {**result, "carrier": self.client.carrier}

    def _targets(self) -> List[Target]:
        helper = self.options.helper
        return checks.find_targets(
            self.client,
            self.options.store,
            helper.tolerations,
            uid=helper.uid,
            gid=helper.gid,
            node_selector=helper.node_selector,
        )

    def _read(self, source: Optional[Source]) -> None:
        if source is not None:
            size = sum(version.size for version in source.repository.versions)
            meter = Meter(self.runtime.progress, "reading the repository", size)
            manifests = source.manifests(meter.advance)
            self.source = {(item.model, item.version): item for item in manifests}

    def look(self, work: Work) -> None:
        """Examine one target."""
        inventory, exists = work.way.inventory(), work.way.transport != "none"
        facts = work.way.facts() if exists else None
        chosen = [raw for raw in inventory.versions if _is_chosen(raw, self.options.selection)]
        found = [self._version(work, raw) for raw in chosen]
        versions = [item for item in found if item is not None]
        self.audits[work.target.name] = TargetAudit(work.target.short, exists, versions)
        self.found[work.target.name] = {
            "target": work.target.name,
            "node": work.target.node,
            "transport": work.way.transport,
            "exists": exists,
            "free_bytes": facts.free_bytes if facts else None,
            "total_bytes": facts.total_bytes if facts else None,
            "strays": list(inventory.strays),
            "versions_extra": _extra(chosen, self.source),
        }

    def _version(self, work: Work, raw: RawVersion) -> Optional[VersionAudit]:
        """Examine one version, C(None) if it was removed meanwhile."""
        read = None
        if self.options.verify and raw.files:
            read = self._contents(work, raw)
            if raw.recorded is not None and read.manifest.digest != raw.recorded.digest:
                # A run that publishes, repairs or removes may have been at work just now.
                now = work.way.inventory().by_key().get(raw.key)
                if now is None:
                    return None
                if now != raw:
                    raw, read = now, self._contents(work, now)
        target, owner = work.target, self.options.helper.owner
        ownership = expected_ownership(target.store, owner, target.ids)
        return audit_version(raw, ownership, source=self.source.get(raw.key), read=read)

    def _contents(self, work: Work, raw: RawVersion) -> RemoteVersion:
        self.runtime.progress(f"{work.target.short}: reading {raw.model}/{raw.version}")
        return from_hashes(raw, work.way.hashes(raw.model, raw.version, raw.size))


def result_of(found: Sequence[Mapping[str, Any]], audits: Sequence[TargetAudit]) -> Result:
    """Return the result: each target with its versions, and all findings in one list."""
    targets = [
        {
            **about,
            "versions_missing": audit.names("version_missing"),
            "versions_differing": audit.names("version_differs"),
            "versions": [item.as_dict() for item in audit.versions],
            "sound": not audit.all_findings,
        }
        for about, audit in zip(found, audits)
    ]
    rows = [item.as_row(audit.name) for audit in audits for item in audit.all_findings]
    return {
        "changed": False,
        "targets": targets,
        "findings": rows,
        "summary": [audit.summary() for audit in audits],
        "sound": not rows,
    }


def _extra(chosen: Sequence[RawVersion], source: Mapping[Key, Manifest]) -> List[str]:
    """Return the versions that the source does not have; none without a source."""
    return [f"{raw.model}/{raw.version}" for raw in chosen if source and raw.key not in source]


def _is_chosen(raw: RawVersion, selection: Sequence[Selection]) -> bool:
    for item in selection:
        if item.name == raw.model and (not item.versions or raw.version in item.versions):
            return True
    return not selection
