# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges, by a server's status report, whether it has loaded a configuration. Pure.

Body of C(GET /v1/config): openvinotoolkit/model_server, src/config_status_utils.cpp.
"""

from __future__ import annotations

import json
from typing import Dict, Mapping, Optional, Sequence, Tuple

CONFIG_PATH = "/v1/config"

ADOPTED = "adopted"
PENDING = "pending"
# A wanted model has no version: the configuration is not read yet, or there is none to load.
EMPTY = "empty"

# State by (model, version).
Reported = Dict[Tuple[str, int], str]


def reported(body: bytes) -> Optional[Reported]:
    """Return the states in a body, None when it is not what OVMS writes."""
    states: Reported = {}
    try:
        for model, entry in json.loads(body.decode("utf-8")).items():
            for item in entry["model_version_status"]:
                states[(model, int(item["version"]))] = str(item["state"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return states


def judge(
    states: Optional[Reported], wanted: Mapping[str, Sequence[int]], *, exclusive: bool = True
) -> str:
    """Return whether a server has adopted the wanted versions: adopted, pending or empty.

    It has if it lists each of them as not retired, and either serves no other version or is still
    loading a wanted one (OVMS retires the old version only after that). Whether a load succeeds is
    judged by the gate. A name without versions accepts any version. Unless C(exclusive), other
    names are ignored, since a graph brings models of its own.
    """
    if states is None:
        return PENDING
    pairs = {(name, version) for name, versions in wanted.items() for version in versions}
    free = {name for name, versions in wanted.items() if not versions}
    alive = {name for (name, _version), state in states.items() if state != "END"}
    if free - alive:
        return EMPTY if _serves_nothing(states, wanted) else PENDING
    pairs |= {pair for pair, state in states.items() if pair[0] in free and state != "END"}
    if any(states.get(pair, "END") == "END" for pair in pairs):
        return EMPTY if _serves_nothing(states, wanted) else PENDING
    if any(states[pair] in ("START", "LOADING") for pair in pairs):
        return ADOPTED
    other = any(
        state == "AVAILABLE"
        for pair, state in states.items()
        if pair not in pairs and (exclusive or pair[0] in wanted)
    )
    return PENDING if other else ADOPTED


def _serves_nothing(states: Reported, wanted: Mapping[str, Sequence[int]]) -> bool:
    alive = {name for (name, _version), state in states.items() if state != "END"}
    return any(name not in alive for name in wanted)
