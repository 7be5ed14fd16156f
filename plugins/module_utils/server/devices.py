# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What we know of OpenVINO properties that a C(plugin_config) may hold, per device.

OVMS asks each device for its C(SUPPORTED_PROPERTIES) and refuses any other key
(openvinotoolkit/model_server, src/ov_utils.cpp). The tables below are what OpenVINO 2026.4 answers
for the devices that run anywhere, without the read-only ones; GPU and NPU answer only where the
hardware is, so their keys are recognised by prefix.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, Optional, Tuple

_HINTS = frozenset(
    {"EXECUTION_MODE_HINT", "LOG_LEVEL", "PERFORMANCE_HINT", "PERFORMANCE_HINT_NUM_REQUESTS"}
)
_CPU = _HINTS | {
    "CPU_DENORMALS_OPTIMIZATION",
    "CPU_SPARSE_WEIGHTS_DECOMPRESSION_RATE",
    "DEVICE_ID",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE",
    "ENABLE_CPU_PINNING",
    "ENABLE_CPU_RESERVATION",
    "ENABLE_HYPER_THREADING",
    "ENABLE_TENSOR_PARALLEL",
    "ENABLE_WEIGHTLESS",
    "INFERENCE_NUM_THREADS",
    "INFERENCE_PRECISION_HINT",
    "KEY_CACHE_GROUP_SIZE",
    "KEY_CACHE_PRECISION",
    "KV_CACHE_PRECISION",
    "MODEL_DISTRIBUTION_POLICY",
    "NUM_STREAMS",
    "PERF_COUNT",
    "SCHEDULING_CORE_TYPE",
    "TBB_PARTITIONER",
    "VALUE_CACHE_GROUP_SIZE",
    "VALUE_CACHE_PRECISION",
    "WEIGHTS_PATH",
}
_MULTI = _HINTS | {
    "DEVICE_BIND_BUFFER",
    "MODEL_PRIORITY",
    "MULTI_DEVICE_PRIORITIES",
    "PERF_COUNT",
    "SCHEDULE_POLICY",
}
_AUTO = _MULTI | {
    "DEVICES_UTILIZATION_THRESHOLD",
    "ENABLE_RUNTIME_FALLBACK",
    "ENABLE_STARTUP_FALLBACK",
    "LOW_POWER_DEVICE",
    "PERF_CURVE_TABLE",
}
KNOWN: Dict[str, FrozenSet[str]] = {
    "CPU": frozenset(_CPU),
    "AUTO": frozenset(_AUTO),
    "MULTI": frozenset(_MULTI),
    "HETERO": frozenset({"MODEL_DISTRIBUTION_POLICY", "MULTI_DEVICE_PRIORITIES"}),
    "BATCH": frozenset({"AUTO_BATCH_TIMEOUT", "MULTI_DEVICE_PRIORITIES", "PERF_COUNT"}),
}
_PREFIXES = {"GPU": "GPU_", "NPU": "NPU_"}
# Names of the API before OpenVINO 2022.1, gone since 2024.0 (OpenVINO release notes), and what
# took their place.
REMOVED: Dict[str, str] = {
    "CPU_THROUGHPUT_STREAMS": "NUM_STREAMS",
    "GPU_THROUGHPUT_STREAMS": "NUM_STREAMS",
    "CPU_THREADS_NUM": "INFERENCE_NUM_THREADS",
    "CPU_BIND_THREAD": "ENABLE_CPU_PINNING",
    "ENFORCE_BF16": "INFERENCE_PRECISION_HINT",
}
# Of these OVMS still translates some (openvinotoolkit/model_server, src/json_parser.cpp), the
# number of threads only when it is text.
_TRANSLATED: Dict[str, Tuple[type, ...]] = {
    "CPU_THROUGHPUT_STREAMS": (str, int, float),
    "GPU_THROUGHPUT_STREAMS": (str, int, float),
    "CPU_THREADS_NUM": (str,),
}
_SIMILAR = 0.85


@dataclass(frozen=True)
class KeyVerdict:
    """What becomes of one key.

    Attributes:
        sure: a refusal, not a doubt.
        harmless: the server does take it, with a warning of its own.
    """

    sure: bool
    message: str
    hint: str = ""
    harmless: bool = False


def plugins_of(target_device: str) -> Tuple[str, ...]:
    """Return the plugins that OVMS asks: C(AUTO:GPU.1,CPU) gives AUTO, GPU and CPU."""
    head, _colon, tail = target_device.partition(":")
    names = [head, *tail.split(",")] if tail else [head]
    return tuple(name.split(".")[0].split("(")[0].strip() for name in names)


def judge_key(key: str, target_device: str, value: Any = "") -> Optional[KeyVerdict]:
    """Say whether the server would refuse a key of C(plugin_config), or None: it is fine."""
    plugins = plugins_of(target_device)
    if any(key in KNOWN.get(plugin, ()) for plugin in plugins):
        return None
    if any(_owned_by_prefix(key, plugin) for plugin in plugins):
        return None
    if key in REMOVED:
        hint = f"Use {REMOVED[key]}"
        if isinstance(value, _TRANSLATED.get(key, ())):
            return KeyVerdict(False, f"{key} is deprecated", hint, harmless=True)
        return KeyVerdict(True, f"{key} is gone from OpenVINO", hint)
    complete = all(plugin in KNOWN for plugin in plugins)
    return _unknown(key, plugins, target_device, complete)


def _owned_by_prefix(key: str, plugin: str) -> bool:
    prefix = _PREFIXES.get(plugin)
    if prefix is None:
        return False
    return key.startswith(prefix) or key in KNOWN["CPU"] - {"CPU_DENORMALS_OPTIMIZATION"}


def _unknown(key: str, plugins: Tuple[str, ...], target_device: str, complete: bool) -> KeyVerdict:
    """Judge a key that none of the devices is known to take."""
    for other, prefix in _PREFIXES.items():
        if key.startswith(prefix) and other not in plugins:
            message = f"{key} is a key of {other}, not of {target_device}"
            return KeyVerdict(True, message, f"Leave it out, or choose {other}")
    known = set().union(*(KNOWN.get(plugin, frozenset()) for plugin in plugins))
    close = difflib.get_close_matches(key.upper(), sorted(known), 1, _SIMILAR)
    if close:
        message = f"{key} is not a key of {target_device}"
        return KeyVerdict(True, message, f"Did you mean {close[0]}?")
    elsewhere = sorted(plugin for plugin, keys in KNOWN.items() if key in keys)
    if elsewhere and complete:
        message = f"{key} is a key of {', '.join(elsewhere)}, not of {target_device}"
        return KeyVerdict(True, message, "Leave it out, or choose that device")
    return KeyVerdict(False, f"{key} is not known to be a key of {target_device}")
