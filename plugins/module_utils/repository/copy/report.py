# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the result of the task from its plan and from what was done."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence

from ...kube.apply import Change, render_diff
from ..content.manifest import Manifest
from ..content.units import format_bytes
from ..plan.origins import DONE, LINKED, PEER, PULLED, TWIN, Origin
from ..plan.steps import Step
from .anew import told_anew
from .work import Incoming, Work

Json = Dict[str, Any]

# Fields that are there for each target and, summed, for the task.
COUNTS = (
    "bytes_planned",
    "bytes_sent",
    "bytes_reused",
    "bytes_linked",
    "bytes_from_peers",
    "bytes_pulled",
    "bytes_resumed",
    "bytes_received_hashes",
    "files_sent",
)


def result_of(
    works: Sequence[Work], manifests: Sequence[Manifest], *, check_mode: bool, seconds: float
) -> Json:
    """Return the result; in check mode C(changed) tells what would be."""
    changed = any(
        (work.todo.changes or work.changed) if check_mode else work.changed for work in works
    )
    targets = [_target(work) for work in works]
    return {
        "changed": changed,
        "transport": ",".join(sorted({work.way.transport for work in works})),
        "bytes_total": sum(item.size for item in manifests) * len(works),
        **{name: sum(target[name] for target in targets) for name in COUNTS},
        "seconds": round(seconds, 3),
        "targets": targets,
        "models": models_of(manifests),
    }


def models_of(manifests: Iterable[Manifest]) -> Dict[str, Dict[str, str]]:
    """Return the digests by model name and version (a string, as JSON wants it)."""
    found: Dict[str, Dict[str, str]] = {}
    for item in manifests:
        found.setdefault(item.model, {})[str(item.version)] = item.digest
    return found


def _target(work: Work) -> Json:
    plan = work.todo
    facts = work.facts if work.way.transport != "none" else None
    return {
        "target": work.target.name,
        "node": work.target.node,
        "transport": work.way.transport,
        "versions_published": _names(plan.of("publish")),
        "versions_kept": _names([*plan.of("keep"), *plan.of("seal")]),
        "versions_repaired": [
            {**step.damage.as_dict(), "load_again": work.loaders.get(step.key, [])}
            for step in plan.of("repair")
            if step.damage is not None
        ],
        "versions_loaded_anew": told_anew(work),
        "versions_removed": _names(plan.of("remove")),
        "versions_in_use": [item.as_dict() for item in work.retained],
        "bytes_planned": work.counts.planned,
        "bytes_sent": work.counts.sent,
        "bytes_reused": plan.bytes_reused,
        "bytes_linked": work.counts.linked,
        "bytes_from_peers": work.counts.from_peers,
        "bytes_pulled": work.counts.pulled,
        "bytes_resumed": work.counts.resumed,
        "bytes_received_hashes": work.counts.hashes,
        "files_sent": work.counts.files,
        "free_bytes": facts.free_bytes if facts else None,
    }


def _names(steps: Iterable[Step]) -> List[str]:
    return [f"{step.model}/{step.version}" for step in steps]


def diff_of(works: Sequence[Work], made: Sequence[Change] = ()) -> Dict[str, str]:
    """Return what is published on each target before and after, one line for each version."""
    before: List[str] = []
    after: List[str] = []
    for work in works:
        if not work.todo.changes:
            continue
        head = f"{work.target.name}:\n"
        have = {
            raw.key: _line(raw.model, raw.version, len(raw.files), raw.size)
            for raw in work.inventory.versions
        }
        want = dict(have)
        for step in work.todo.of("remove"):
            want.pop(step.key, None)
        for step in work.todo.of("repair"):
            have[step.key] += f"    damaged: {step.damage}\n"
            want[step.key] = _whole(step)
        ways = {item.step.key: _ways(item) for item in work.incoming}
        for step in work.todo.of("publish"):
            words = ways.get(step.key)
            want[step.key] = _line(step.model, step.version, step.files, step.bytes, step, words)
        before.append(head + "".join(have[key] for key in sorted(have)))
        after.append(head + "".join(want[key] for key in sorted(want)))
    objects = render_diff(made) if made else {"before": "", "after": ""}
    return {
        "before": objects["before"] + "".join(before),
        "after": objects["after"] + "".join(after),
    }


def _whole(step: Step) -> str:
    """Return the lines of a version after its repair, when all of its files are there."""
    manifest = step.manifest
    files, size = (len(manifest.files), manifest.size) if manifest else (0, 0)
    return _line(step.model, step.version, files, size, step)


def _ways(incoming: Incoming) -> Dict[int, str]:
    """Return, for the diff, where the bytes of each file come from."""
    return {item.number: _way(item) for item in incoming.origins}


def _way(origin: Origin) -> str:
    if origin.kind in (LINKED, TWIN):
        return "linked"
    if origin.kind == DONE:
        return "left by an earlier run"
    words = {PEER: "from another node", PULLED: "pulled"}.get(origin.kind, "sent")
    if origin.basis is not None:
        words += " as a delta"
    return f"{words} from byte {origin.start} on" if origin.start else words


def _line(
    model: str,
    version: int,
    files: int,
    size: int,
    step: Any = None,
    ways: Optional[Mapping[int, str]] = None,
) -> str:
    text = f"  {model}/{version}: {files} files, {format_bytes(size)}\n"
    manifest = getattr(step, "manifest", None)
    if manifest is None:
        return text
    told = ways or {}
    return text + "".join(
        f"    {entry.path} {entry.size} {entry.sha256[:12]} {told.get(number, '')}".rstrip() + "\n"
        for number, entry in enumerate(manifest.files)
    )


def progress_details(works: Sequence[Work]) -> Mapping[str, Any]:
    """Return the error details of a failed task: the changes that were made before."""
    return {
        "changed": any(work.changed for work in works),
        "targets": [
            {
                "target": work.target.name,
                "published": [f"{model}/{version}" for model, version in work.published],
                "repaired": [f"{model}/{version}" for model, version in work.repaired],
                "removed": [f"{model}/{version}" for model, version in work.removed],
                "bytes_sent": work.counts.sent,
            }
            for work in works
        ],
    }
