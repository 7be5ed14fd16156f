# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specs that the copy and the audit share: comparing, peers, repair. Pure."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ...errors import InputError

# How a run finds out what is published: the record of the last run, sizes and times, or bytes.
RECORD, STAMPS, HASH = "record", "stamps", "hash"

PEERS_ARGUMENT_SPEC: Dict[str, Any] = {"peers": {"type": "bool", "default": True}}


COMPARE_ARGUMENT_SPEC: Dict[str, Any] = {
    "compare": {"type": "str", "choices": [RECORD, STAMPS, HASH], "default": STAMPS},
}


REPAIR_ARGUMENT_SPEC: Dict[str, Any] = {"repair": {"type": "bool", "default": False}}


NEEDS_AGENT = "repairing needs the agent transport"


def repair_from_params(params: Mapping[str, Any]) -> bool:
    """Return the option; nothing is repaired with C(state=absent).

    Raises:
        InputError: the asked transport cannot repair.
    """
    wanted = bool(params.get("repair")) and params.get("state") != "absent"
    if wanted and params.get("transport") == "exec":
        raise InputError(
            NEEDS_AGENT,
            option="transport",
            hint="Use transport: agent or auto; or remove the damaged version (state: absent) and"
            " copy it again",
        )
    return wanted


AUDIT_ARGUMENT_SPEC: Dict[str, Any] = {
    "src": {"type": "path"},
    "verify": {"type": "bool", "default": False},
}
