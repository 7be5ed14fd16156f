# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(openvino.edge.model_repository_info): what the stores of one cluster hold."""

from __future__ import annotations

import threading
from typing import Any, Dict, List, Sequence, Tuple

from ansible_collections.openvino.edge.plugins.module_utils.kube.client import Access, KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.repository import preflight
from ansible_collections.openvino.edge.plugins.module_utils.repository.fleet import Fleet, Work
from ansible_collections.openvino.edge.plugins.module_utils.repository.layout import Selection
from ansible_collections.openvino.edge.plugins.module_utils.repository.options import (
    INFO_ARGUMENT_SPEC as ARGUMENT_SPEC,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.options import (
    INFO_SPEC_RULES as SPEC_RULES,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.options import (
    options_from_params,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.state import (
    RawVersion,
    believe,
    difference,
    from_hashes,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transports.opening import (
    Opener,
)
from ansible_collections.openvino.edge.plugins.module_utils.runtime import (
    Params,
    Result,
    Runtime,
)

__all__ = ["ARGUMENT_SPEC", "SPEC_RULES", "required_access", "run"]

READABLE = 0o444


def required_access(params: Params) -> List[Access]:
    """Return the rights this task needs; C(auto) is counted as C(agent)."""
    options = options_from_params(params, read_only=True)
    own = preflight.exec_access if options.transport == "exec" else preflight.agent_access
    return [*preflight.common_access(options.store), *own(options.store)]


def run(params: Params, runtime: Runtime) -> Result:
    """List every target; changes nothing there."""
    options = options_from_params(params, read_only=True)
    stop = threading.Event()
    with KubeClient.from_params(params) as client:
        transport = preflight.choose_transport(
            client, options.store, options.transport, [], runtime.warn
        )
        targets = preflight.find_targets(
            client, options.store, options.helper.tolerations, uid=options.helper.uid
        )
        opener = Opener(client, transport, options.helper, runtime.warn, stop.is_set)
        found: Dict[str, Dict[str, Any]] = {}

        def look(work: Work) -> None:
            found[work.target.name] = describe(work, options.selection, bool(params["verify"]))

        with Fleet(targets, opener.open, options.parallel, stop) as fleet:
            fleet.open()
            fleet.each(look)
    return {
        "changed": False,
        "targets": [found[target.name] for target in targets],
        "sound": all(found[target.name]["sound"] for target in targets),
    }


def describe(work: Work, selection: Sequence[Selection], verify: bool) -> Dict[str, Any]:
    """Return what one target holds."""
    inventory, exists = work.way.inventory(), work.way.transport != "none"
    facts = work.way.facts() if exists else None
    chosen = [raw for raw in inventory.versions if _is_chosen(raw, selection)]
    versions = [_version(work, raw, verify) for raw in chosen]
    return {
        "target": work.target.name,
        "node": work.target.node,
        "transport": work.way.transport,
        "exists": exists,
        "free_bytes": facts.free_bytes if facts else None,
        "total_bytes": facts.total_bytes if facts else None,
        "strays": list(inventory.strays),
        "versions": versions,
        "sound": not any(item["problems"] for item in versions),
    }


def _is_chosen(raw: RawVersion, selection: Sequence[Selection]) -> bool:
    for item in selection:
        if item.name == raw.model and (not item.versions or raw.version in item.versions):
            return True
    return not selection


def _version(work: Work, raw: RawVersion, verify: bool) -> Dict[str, Any]:
    digest, checked, files, problems = _content(work, raw, verify)
    problems += [
        f"{item.path}: mode {item.mode & 0o7777:04o} keeps the server from reading it"
        for item in raw.files
        if item.mode & READABLE != READABLE
    ]
    return {
        "model": raw.model,
        "version": raw.version,
        "digest": digest,
        "checked": checked,
        "bytes": raw.size,
        "files": files,
        "problems": problems,
    }


def _content(
    work: Work, raw: RawVersion, verify: bool
) -> Tuple[str, str, List[Dict[str, Any]], List[str]]:
    """Return digest, how it was found, the files, and what is wrong with them."""
    if not raw.files:
        return "", "none", [], ["the directory is empty"]
    recorded = believe(raw)
    if not verify:
        if recorded is None:
            plain = [{"path": item.path, "size": item.stamp[0]} for item in raw.files]
            return "", "none", plain, ["no record fits what is there; use verify to read it"]
        entries = [entry.as_dict() for entry in recorded.manifest.files]
        return recorded.manifest.digest, "stamps", entries, []
    read = from_hashes(raw, work.way.hashes(raw.model, raw.version, raw.size))
    problems = []
    if recorded is not None:
        differs = difference(recorded.manifest, read.manifest)
        if differs:
            problems.append(f"differs from what was published: {differs}")
    elif raw.record:
        problems.append("files were touched after they were published")
    entries = [entry.as_dict() for entry in read.manifest.files]
    return read.manifest.digest, "hash", entries, problems
