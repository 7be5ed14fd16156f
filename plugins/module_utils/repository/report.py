# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what was planned and done to the result of the task."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Sequence

from ansible_collections.openvino.edge.plugins.module_utils.repository.fleet import Work
from ansible_collections.openvino.edge.plugins.module_utils.repository.manifest import Manifest
from ansible_collections.openvino.edge.plugins.module_utils.repository.plan import (
    Step,
    format_bytes,
)

Json = Dict[str, Any]


def result_of(
    works: Sequence[Work], manifests: Sequence[Manifest], *, check_mode: bool, seconds: float
) -> Json:
    """Return the result; in check mode C(changed) tells what would be."""
    changed = any(work.todo.changes if check_mode else work.changed for work in works)
    return {
        "changed": changed,
        "transport": ",".join(sorted({work.way.transport for work in works})),
        "bytes_total": sum(item.size for item in manifests) * len(works),
        "bytes_planned": sum(work.todo.bytes_to_send for work in works),
        "bytes_sent": sum(work.bytes_sent for work in works),
        "bytes_reused": sum(work.todo.bytes_reused for work in works),
        "files_sent": sum(work.files_sent for work in works),
        "seconds": round(seconds, 3),
        "targets": [_target(work) for work in works],
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
        "versions_removed": _names(plan.of("remove")),
        "bytes_planned": plan.bytes_to_send,
        "bytes_sent": work.bytes_sent,
        "bytes_reused": plan.bytes_reused,
        "files_sent": work.files_sent,
        "free_bytes": facts.free_bytes if facts else None,
    }


def _names(steps: Iterable[Step]) -> List[str]:
    return [f"{step.model}/{step.version}" for step in steps]


def diff_of(works: Sequence[Work]) -> Dict[str, str]:
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
        for step in work.todo.of("publish"):
            want[step.key] = _line(step.model, step.version, step.files, step.bytes, step)
        before.append(head + "".join(have[key] for key in sorted(have)))
        after.append(head + "".join(want[key] for key in sorted(want)))
    return {"before": "".join(before), "after": "".join(after)}


def _line(model: str, version: int, files: int, size: int, step: Any = None) -> str:
    text = f"  {model}/{version}: {files} files, {format_bytes(size)}\n"
    manifest = getattr(step, "manifest", None)
    if manifest is None:
        return text
    return text + "".join(
        f"    {entry.path} {entry.size} {entry.sha256[:12]}\n" for entry in manifest.files
    )


def progress_details(works: Sequence[Work]) -> Mapping[str, Any]:
    """Return what a failed task has to tell about what it did before."""
    return {
        "changed": any(work.changed for work in works),
        "targets": [
            {
                "target": work.target.name,
                "published": [f"{model}/{version}" for model, version in work.published],
                "removed": [f"{model}/{version}" for model, version in work.removed],
                "bytes_sent": work.bytes_sent,
            }
            for work in works
        ],
    }
