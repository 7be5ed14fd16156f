# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks a C(target_device): names of OpenVINO devices and lists of them. Pure.

A name that OpenVINO does not know fails the model alone; together with a C(plugin_config) OVMS asks
for the keys of a device that is not there, and gives all models up
(openvinotoolkit/model_server, src/ov_utils.cpp).
"""

from __future__ import annotations

import re
from typing import Dict, NamedTuple, Optional

from .generation import Generation, Release
from .properties import plugins_of

DEVICES = ("CPU", "GPU", "NPU")
# Virtual devices: each needs a list of devices, or chooses one itself.
VIRTUAL = ("AUTO", "MULTI", "HETERO", "BATCH")
_LIST_NEEDED = ("MULTI", "HETERO", "BATCH")
# The release of OpenVINO that no longer has them.
GONE: Dict[str, Release] = {
    "FPGA": (2020, 4),
    "GNA": (2024, 0),
    "HDDL": (2022, 2),
    "MYRIAD": (2023, 0),
    "VPU": (2022, 2),
    "VPUX": (2023, 2),
}
_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_CHOOSE = "Write CPU, GPU, GPU.1, NPU, AUTO, or a list like AUTO:GPU,CPU"


class TargetVerdict(NamedTuple):
    """The verdict on a device; with C(sure), the server certainly refuses it."""

    sure: bool
    message: str
    hint: str


def judge_target(target: str, generation: Generation) -> Optional[TargetVerdict]:
    """Return why a target device is refused or doubtful, or None when it is accepted."""
    if not target:
        return None
    head, colon, tail = target.partition(":")
    for name in plugins_of(target):
        verdict = _judge(name.lstrip("-"), generation)
        if verdict:
            return verdict
    if colon and head not in VIRTUAL:
        return TargetVerdict(True, f"'{target}': {head} takes no list of devices", _CHOOSE)
    if head in _LIST_NEEDED and not tail:
        hint = f"Name its devices, for example {head}:GPU,CPU"
        return TargetVerdict(True, f"'{target}': {head} needs a list of devices", hint)
    return None


def _judge(name: str, generation: Generation) -> Optional[TargetVerdict]:
    if name in DEVICES or name in VIRTUAL:
        return None
    if name.upper() in (*DEVICES, *VIRTUAL):
        message = f"'{name}' is no device: their names are in capitals"
        return TargetVerdict(True, message, f"Write {name.upper()}")
    if name in GONE:
        if generation.before(GONE[name]):
            return None
        message = f"the device {name} is gone since OpenVINO {GONE[name][0]}.{GONE[name][1]}"
        return TargetVerdict(True, message, _CHOOSE)
    if not _NAME.fullmatch(name):
        return TargetVerdict(True, f"'{name}' is not the name of a device", _CHOOSE)
    return TargetVerdict(False, f"{name} is not a device that we know", _CHOOSE)


def may_run_on_cpu(target: str) -> bool:
    """Tell whether a list lets a model run on the CPU where there is no other device."""
    head, _colon, tail = target.partition(":")
    return head in ("AUTO", "MULTI") and (not tail or "CPU" in plugins_of(target))
