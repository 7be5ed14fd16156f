# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges how far a controller has processed a custom resource. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Callable, Iterator, List, Mapping, Optional, Tuple

from ...kube.health.pods import Trouble
from ...kube.health.workloads import Snapshot, Verdict
from ..render.identity import Object
from ..status.wait import judge_rollout

NOTHING_MADE = "no controller has made pods for it"
NOT_SEEN = "its controller has not acted on the last change"
_MOST_FIELDS = 4

Seen = Mapping[str, Any]


@dataclass(frozen=True)
class Signs:
    """The functions that read one controller's progress with a resource.

    Attributes:
        behind: returns the fields in which a Deployment is not what the resource asks for.
        complaints: yields reason and message of what the status says is wrong.
        grace: seconds a complaint must last: one of an earlier state goes once the controller acts.
    """

    behind: Callable[[Seen, Seen], List[str]]
    complaints: Callable[[Seen], Iterator[Tuple[str, str]]]
    grace: float


def judge(signs: Signs, snapshot: Snapshot) -> Verdict:
    """Judge C([resources, deployments, replica sets, pods, events])."""
    owners, deployments, sets, pods, events = snapshot
    if not owners:
        return Verdict(False, "it is gone")
    trouble = trouble_of(signs, owners[0])
    if not deployments:
        return _with(trouble, Verdict(False, NOTHING_MADE))
    behind = signs.behind(owners[0], deployments[0])
    if behind:
        return _with(trouble, Verdict(False, not_seen(behind)))
    verdict = judge_rollout([deployments, sets, pods, events])
    if trouble is not None and verdict.done:
        # The pods are current, but other objects are not yet updated.
        return _with(trouble, replace(verdict, done=False, found=None))
    # A pod's trouble tells more than the controller's status, which only counts pods.
    return verdict if verdict.trouble or verdict.done else replace(verdict, trouble=trouble)


def _with(trouble: Optional[Trouble], verdict: Verdict) -> Verdict:
    if trouble is None:
        return verdict
    return replace(verdict, message=f"{verdict.message}; {trouble.message}", trouble=trouble)


def not_seen(behind: List[str]) -> str:
    """Return the message that names what a controller has not done yet."""
    fields = ", ".join(behind[:_MOST_FIELDS])
    return f"{NOT_SEEN} ({fields}{', ...' if len(behind) > _MOST_FIELDS else ''})"


def trouble_of(signs: Signs, owner: Object) -> Optional[Trouble]:
    """Return the trouble that a controller reports in a resource's status, None without one."""
    for reason, message in signs.complaints(owner):
        hint = "Correct what it names; backend: manifests needs no controller"
        text = f"its controller says: {message.strip().rstrip('.')}"
        return Trouble(reason, text, hint, True, signs.grace)
    return None
