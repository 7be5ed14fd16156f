# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the findings of the gate: one sentence for the fault and one for the remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Optional, Tuple

MISSING = "MISSING"
"""Shown in place of a state when the replica does not list a wanted version."""


# Seconds between two polls from which on it is worth saying.
SELDOM = 2.0
# Seen on OVMS 2026.3.0: neither chmod, nor polling, nor a reload makes it look again.
UNREADABLE = (
    "If the log is silent or says 'Permission denied', the server's uid may not read the version "
    "directory on this replica's node. The right mode alone heals nothing: the server looks at "
    "that version again only in a new pod, after another version was served, or when the "
    "directory was renamed away for a poll and back"
)


@dataclass(frozen=True)
class Finding:
    """One thing that keeps the gate closed.

    Attributes:
        code: a word for programs.
        message: what is wrong.
        hint: what to do about it.
        final: waiting longer does not help.
        replica: name of the pod, if it is about one.
        model: name of the model, if it is about one.
        version: its version, if it is about one.
        log: the last fitting lines of the replica's log; OVMS gives the reason only there.
    """

    code: str
    message: str
    hint: str
    final: bool = False
    replica: str = ""
    model: str = ""
    version: Optional[int] = None
    log: str = ""

    def as_dict(self) -> Dict[str, Any]:
        """Return plain data without empty fields."""
        return {key: value for key, value in vars(self).items() if value not in ("", None)}


Key = Tuple[str, Optional[int]]


def label(key: Key) -> str:
    """Return C(model VERSION), or the model alone."""
    return key[0] if key[1] is None else f"{key[0]} {key[1]}"


def replica_count(seen: int, expected: int) -> Finding:
    """Fewer, more or no replicas at all."""
    if expected < 1:
        return Finding(
            "no_replicas",
            "the server has no replica that could serve anything",
            "Scale the Deployment to at least 1, or check name and label_selector",
        )
    return Finding(
        "replica_count",
        f"{seen} of {expected} replicas are there",
        "Look at the pods and the events of the Deployment: "
        "it may lack resources, quota or nodes, or still be replacing old pods",
    )


def api_silent() -> Finding:
    """The API server answered before and does not now."""
    return Finding(
        "api_silent",
        "the API server does not answer, so nobody knows which replicas there are now",
        "Run it again when the API server is back",
    )


def unreachable(replica: str, problem: str, hint: str, fatal: bool) -> Finding:
    """No answer from the REST port of a replica."""
    return Finding(
        "unreachable",
        problem or "the replica does not answer",
        hint or "Look at the pod's state and log, and check rest_port and NetworkPolicies",
        final=fatal,
        replica=replica,
    )


def serves_nothing(replica: str) -> Finding:
    """The replica lists no model."""
    return Finding(
        "serves_nothing",
        "the replica lists no model at all",
        "Its configuration is empty, or it has not read it yet; give 'models' to wait for some",
        replica=replica,
    )


def missing(replica: str, key: Key, named: bool, late: bool) -> Finding:
    """A wanted version is not listed."""
    model, version = key
    if named:
        return Finding(
            "no_version",
            f"{label(key)} is not listed by the server although the model is configured",
            "Nothing was found under the model's directory: check that the version is published "
            "on this replica's volume or node, and that the configuration selects it. An "
            "image_volume of an OCI artifact (oras push) is empty; it has to be an image",
            late,
            replica,
            model,
            version,
        )
    return Finding(
        "not_configured",
        f"{label(key)} is unknown to the server",
        "The configuration that this replica has read does not name the model: "
        "a changed ConfigMap needs up to a minute or two, a wrong one stays; see its log",
        late,
        replica,
        model,
        version,
    )


def retired(replica: str, key: Key, state: str, late: bool) -> Finding:
    """A wanted version is draining or was retired."""
    return Finding(
        "retired",
        f"{label(key)} is {state}: the server no longer wants it",
        "The version policy of this replica's configuration leaves the version out, "
        "or its directory was removed from the volume",
        late,
        replica,
        *key,
    )


def load_failed(replica: str, key: Key, code: str, final: bool, poll: float = 1.0) -> Finding:
    """A load failed; OVMS tries again at each poll, which is every C(poll) seconds or never."""
    often = "" if poll else "; polling is off, so the server does not try again"
    if poll > SELDOM:
        often = f"; the server tries again every {poll:g} s"
    return Finding(
        "load_failed",
        f"{label(key)} cannot be loaded (LOADING, {code}){often}",
        "The reason is only in the server's log: an incomplete or foreign model file, "
        "an unsupported device or shape, or too little memory"
        + ("" if poll else ". When it is mended, POST /v1/config/reload or replace the pod"),
        final,
        replica,
        *key,
    )


def loading(replica: str, key: Key, state: str, age: float, late: bool) -> Finding:
    """A load is under way, or stuck."""
    return Finding(
        "stuck" if late else "loading",
        f"{label(key)} is {state} since {age:.0f} s",
        UNREADABLE + ". A large model may need a longer stuck_after",
        late,
        replica,
        *key,
    )


def unwanted(replica: str, model: str, version: int) -> Finding:
    """Something is served that should not be."""
    return Finding(
        "unwanted",
        f"{label((model, version))} is AVAILABLE but not wanted",
        "The replica still has an older configuration, or 'models' does not name all it serves",
        replica=replica,
        model=model,
        version=version,
    )
