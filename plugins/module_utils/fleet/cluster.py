# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.rollout_cluster: begins a cluster's turn, and writes how it went.

At the beginning the cluster is asked whether it may be touched, and which release it serves, so
that this can be put back. What it says is in the journal before anything of it is changed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any, Dict, Optional

from ..entry import merge_specs
from ..errors import EdgeError, InputError, UnreachableError, may_pass, one_line
from ..kube.auth.options import AUTH_ARGUMENT_SPEC
from ..kube.client import KubeClient
from ..releases import GOOD, Release
from ..rollout.history import History
from ..runtime import Params, Result, Runtime
from ..server.discover.live import read_objects
from ..server.values import dns_1035
from .journal.select import open_journal
from .states import (
    BEGUN,
    DEFERRED,
    DONE,
    FAILED,
    NOTHING_BEFORE,
    STATES,
    UNCHANGED,
    UNDONE,
    Cluster,
    phase_of,
)
from .windows import closed_until

# The ConfigMap in the namespace of the server by which somebody at the site says "not now".
HOLD = "openvino-edge-hold"

# The roles of a cluster's turn, whose variables are checked when it begins.
ROLES = ("preflight", "model_repository", "model_server", "verify")

# What a cluster does in this run.
GO = "go"
# An earlier run of this rollout has finished it: only ask its replicas again.
VERIFY = "verify"
WAIT = "wait"

ARGUMENT_SPEC: Dict[str, Any] = merge_specs(
    AUTH_ARGUMENT_SPEC,
    {
        "journal": {"type": "raw", "required": True},
        "rollout": {"type": "int", "required": True},
        "cluster": {"type": "str", "required": True},
        "wave": {"type": "int", "required": True},
        "state": {
            "type": "str",
            "choices": [state for state in STATES if state != UNCHANGED],
            "required": True,
        },
        "namespace": {"type": "str"},
        "name": {"type": "str"},
        "hold": {"type": "raw", "default": ""},
        "windows": {"type": "list", "elements": "raw", "default": []},
        "deadline": {"type": "raw", "default": 0},
        "defer_offline": {"type": "bool", "default": False},
        "wanted": {"type": "str", "default": ""},
        "roles": {"type": "list", "elements": "str", "choices": list(ROLES), "default": []},
        "phase": {"type": "str", "default": ""},
        "failed_module": {"type": "str", "default": ""},
        "failed_check": {"type": "bool", "default": False},
        "reason": {"type": "str", "default": ""},
    },
)
SPEC_RULES: Dict[str, Any] = {"required_if": [("state", BEGUN, ("namespace", "name"))]}


@dataclass(frozen=True)
class Answer:
    """What a cluster says before its turn.

    Attributes:
        before: number of the release that it serves, see C(Cluster.before).
        hold: why somebody at the site wants nothing to be changed; empty if nobody does.
        error: why it did not answer, if it did not.
    """

    before: Optional[int] = None
    hold: str = ""
    error: Optional[UnreachableError] = None

    @property
    def offline(self) -> str:
        """Why it did not answer; empty if it did."""
        return one_line(str(self.error)) if self.error is not None else ""


def run(params: Params, runtime: Runtime) -> Result:
    """Begin a cluster's turn, or write the state that it has come to.

    Raises:
        InputError: a maintenance window or the deadline cannot be understood, or the journal is
            not usable.
        UnreachableError: the cluster is offline, and must not be.
        ApiError: its API server has nothing but trouble to tell.
    """
    seconds = deadline_of(params["deadline"])
    journal = None
    if params["rollout"] and not runtime.check_mode:
        journal = open_journal(params["journal"], runtime.progress)
    known = journal.cluster(params["rollout"], params["cluster"]) if journal else None
    turn = WAIT
    if params["state"] == BEGUN:
        found, turn = _begun(params, known)
    else:
        found = _came_to(params, known)
    if journal is not None and found != known:
        journal.write(params["rollout"], found)
    if found.state == DEFERRED:
        runtime.progress(f"deferred: {found.reason}")
    until = int(time.time()) + seconds if seconds else 0
    told = {"before": found.before, "turn": turn, "until": until}
    return {"changed": False, **found.as_dict(), **told}


def _begun(params: Params, known: Optional[Cluster]) -> "tuple[Cluster, str]":
    """Return the cluster at the beginning of its turn, and what it does in this run."""
    wanted = params["wanted"]
    if known is not None and known.state == DONE and known.wanted == wanted:
        return known, VERIFY
    cluster = Cluster(
        params["cluster"], params["wave"], BEGUN, wanted=wanted, earlier=_changed_before(known)
    )
    answer = looked(params)
    why = answer.hold
    if answer.error is not None:
        if not params["defer_offline"]:
            # A moment later it may answer the next task. But it may be on hold, and nobody would
            # know what to put back.
            raise answer.error
        why = f"offline: {answer.offline}"
    # What an earlier run of this rollout found is what served before it; now it may be half done.
    before = known.before if known is not None and known.before is not None else answer.before
    cluster = replace(cluster, before=before)
    if why:
        return replace(cluster, state=DEFERRED, reason=why), WAIT
    return cluster, GO


def _changed_before(known: Optional[Cluster]) -> bool:
    """Tell whether an earlier run of the rollout may have changed a server that nobody put back."""
    if known is None or known.state == UNDONE:
        return False
    return known.earlier or known.touched


def _came_to(params: Params, known: Optional[Cluster]) -> Cluster:
    cluster = known or Cluster(params["cluster"], params["wave"])
    phase = params["phase"] or phase_of(params["failed_module"], check_mode=params["failed_check"])
    reason = one_line(params["reason"])
    if params["state"] == DONE:
        phase = reason = ""
    elif params["state"] not in (FAILED, DEFERRED):
        # Why it is put back stays what it was.
        phase, reason = cluster.phase or phase, cluster.reason or reason
    # One that has not begun in this run is what an earlier one has left.
    earlier = cluster.earlier if cluster.state == BEGUN else _changed_before(cluster)
    if params["state"] == UNDONE:
        earlier = False
    return replace(cluster, state=params["state"], phase=phase, reason=reason, earlier=earlier)


def deadline_of(value: Any) -> int:
    """Return the seconds that a cluster has; 0 is no limit.

    A word must not be taken for 0, as Jinja's filter C(int) does: nobody would notice.
    """
    text = str(value).strip() or "0"
    if isinstance(value, bool) or not text.isdecimal():
        raise InputError(
            f"'{value}' is no whole number of seconds",
            option="deadline",
            hint="Write edge_deadline: 1800 for half an hour; 0 is no limit",
        )
    return int(text)


def _held(value: Any) -> str:
    """Return why the inventory holds a cluster; C(true) alone gives no reason."""
    text = str(value).strip()
    if text.lower() in ("", "false", "no", "none", "0"):
        return ""
    return "on hold" if text.lower() in ("true", "yes", "1") else f"on hold: {one_line(text)}"


def looked(params: Params) -> Answer:
    """Return what a cluster says before its turn, and what the inventory says against it.

    Raises:
        InputError: a maintenance window cannot be understood.
    """
    why = _held(params["hold"]) or closed_until(params["windows"], datetime.now(timezone.utc))
    return Answer(hold=why) if why else asked(params)


def asked(params: Params) -> Answer:
    """Ask the cluster what it serves and whether it may be touched.

    What it refuses to tell stays unknown: the checks that follow name a missing right better.

    Raises:
        ApiError: its API server has trouble, so it may be on hold, and nobody would know what to
            put back.
    """
    place, name = str(params["namespace"]), dns_1035(params["name"], "name")
    try:
        with KubeClient.from_params(params) as client:
            hold = client.get("v1", "ConfigMap", HOLD, place)
            if hold is not None:
                reason = str((hold.get("data") or {}).get("reason") or "")
                return Answer(hold=f"on hold: {one_line(reason)}" if reason else "on hold")
            return Answer(before=_before(client, place, name))
    except UnreachableError as error:
        return Answer(error=error)
    except EdgeError as error:
        if may_pass(error):
            raise
        return Answer()


def _before(client: KubeClient, namespace: str, name: str) -> Optional[int]:
    releases = History(client, namespace, name).read()
    if releases:
        return _serving(releases)
    # A server that no release tells of was made by hand, or by an older version.
    return None if read_objects(client, namespace, name) else NOTHING_BEFORE


def _serving(releases: "list[Release]") -> Optional[int]:
    """Return the newest release that has passed the gate; None if none has."""
    good = [item.number for item in releases if item.verdict == GOOD]
    return max(good) if good else None
