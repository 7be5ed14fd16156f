# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The known OpenVINO properties for a C(plugin_config), by device and release.

OVMS asks each device for its C(SUPPORTED_PROPERTIES) and refuses any other key
(openvinotoolkit/model_server, src/ov_utils.cpp). The tables below are what OpenVINO answers for the
devices that run anywhere, without the read-only ones, asked of the releases 2022.3, 2023.0 and each
from 2023.1 to 2026.4. GPU and NPU answer only where the hardware is, so their keys are recognised
by prefix.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any, Dict, Iterable, Optional, Tuple

from .generation import UNKNOWN, Generation, Release

# From the first release that has it to the first one that no longer has it; None: it is there yet.
Span = Tuple[Optional[Release], Optional[Release]]
Spans = Tuple[Span, ...]

_ALWAYS: Spans = ((None, None),)


def _table(always: str, *others: Tuple[str, Spans]) -> Dict[str, Spans]:
    """Return the releases by key, from texts of names."""
    made: Dict[str, Spans] = dict.fromkeys(always.split(), _ALWAYS)
    for names, spans in others:
        made.update(dict.fromkeys(names.split(), spans))
    return made


def _since(year: int, number: int) -> Spans:
    return (((year, number), None),)


def _until(year: int, number: int) -> Spans:
    return ((None, (year, number)),)


_CPU = _table(
    "INFERENCE_NUM_THREADS INFERENCE_PRECISION_HINT NUM_STREAMS PERFORMANCE_HINT"
    " PERFORMANCE_HINT_NUM_REQUESTS PERF_COUNT",
    ("CACHE_DIR", _until(2023, 0)),
    ("AFFINITY", _until(2025, 0)),
    (
        "DEVICE_ID ENABLE_CPU_PINNING ENABLE_HYPER_THREADING EXECUTION_MODE_HINT"
        " SCHEDULING_CORE_TYPE",
        _since(2023, 0),
    ),
    ("CPU_DENORMALS_OPTIMIZATION CPU_SPARSE_WEIGHTS_DECOMPRESSION_RATE", _since(2023, 1)),
    ("DYNAMIC_QUANTIZATION_GROUP_SIZE KV_CACHE_PRECISION LOG_LEVEL", _since(2024, 0)),
    ("MODEL_DISTRIBUTION_POLICY", _since(2024, 1)),
    (
        "KEY_CACHE_GROUP_SIZE KEY_CACHE_PRECISION VALUE_CACHE_GROUP_SIZE VALUE_CACHE_PRECISION",
        _since(2025, 0),
    ),
    ("ENABLE_CPU_RESERVATION", _since(2025, 1)),
    ("ENABLE_TENSOR_PARALLEL", _since(2025, 3)),
    ("ENABLE_WEIGHTLESS WEIGHTS_PATH", _since(2025, 4)),
    ("TBB_PARTITIONER", _since(2026, 0)),
)
_MULTI = _table(
    "DEVICE_BIND_BUFFER LOG_LEVEL MODEL_PRIORITY MULTI_DEVICE_PRIORITIES PERFORMANCE_HINT"
    " PERFORMANCE_HINT_NUM_REQUESTS PERF_COUNT",
    ("ALLOW_AUTO_BATCHING AUTO_BATCH_TIMEOUT CACHE_DIR", _until(2023, 0)),
    ("EXECUTION_MODE_HINT", _since(2023, 0)),
    ("SCHEDULE_POLICY", _since(2023, 3)),
)
_AUTO = {
    **_MULTI,
    **_table(
        "",
        ("ENABLE_RUNTIME_FALLBACK ENABLE_STARTUP_FALLBACK", _since(2023, 0)),
        ("DEVICES_UTILIZATION_THRESHOLD LOW_POWER_DEVICE PERF_CURVE_TABLE", _since(2026, 4)),
    ),
}
_HETERO = _table(
    "MULTI_DEVICE_PRIORITIES",
    ("EXCLUSIVE_ASYNC_REQUESTS HETERO_DUMP_GRAPH_DOT TARGET_FALLBACK", _until(2023, 0)),
    ("MODEL_DISTRIBUTION_POLICY", _since(2024, 1)),
)
_BATCH = _table(
    "",
    ("AUTO_BATCH_DEVICE_CONFIG CACHE_DIR", _until(2023, 1)),
    ("AUTO_BATCH_TIMEOUT MULTI_DEVICE_PRIORITIES", (*_until(2023, 1), *_since(2024, 4))),
    ("PERF_COUNT", (*_until(2023, 0), *_since(2024, 4))),
)
KNOWN: Dict[str, Dict[str, Spans]] = {
    "CPU": _CPU,
    "AUTO": _AUTO,
    "MULTI": _MULTI,
    "HETERO": _HETERO,
    "BATCH": _BATCH,
}
# OVMS itself takes these whatever the device says (src/ov_utils.cpp).
_OF_THE_SERVER = _table("", ("ENABLE_MMAP", _since(2025, 0)))
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
# With it went the name that OVMS translated CPU_BIND_THREAD to.
_NO_AFFINITY: Release = (2025, 0)
_SIMILAR = 0.85


@dataclass(frozen=True)
class KeyVerdict:
    """The verdict on one key.

    Attributes:
        sure: the server certainly refuses the key.
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


def judge_key(
    key: str, target_device: str, value: Any = "", generation: Generation = UNKNOWN
) -> Optional[KeyVerdict]:
    """Say whether the server would refuse a key of C(plugin_config), or None: it is fine."""
    plugins = plugins_of(target_device)
    if any(_owned_by_prefix(key, plugin) for plugin in plugins):
        return None
    tables = [KNOWN.get(plugin, {}) for plugin in plugins]
    spans = [span for table in (*tables, _OF_THE_SERVER) for span in table.get(key, ())]
    if spans:
        return _in_time(key, spans, target_device, generation)
    if key in REMOVED:
        return _removed(key, value, generation)
    complete = all(plugin in KNOWN for plugin in plugins)
    return _unknown(key, plugins, target_device, complete)


def _in_time(
    key: str, spans: Iterable[Span], target_device: str, generation: Generation
) -> Optional[KeyVerdict]:
    """Judge a key that the devices support in some releases only."""
    if any(_holds(span, generation) for span in spans):
        return None
    times = " and ".join(map(_told, spans))
    message = f"{target_device} takes {key} {times} of OpenVINO only"
    if generation.known:
        return KeyVerdict(True, f"{message}, and this is {generation}", "Leave it out")
    return KeyVerdict(False, message, f"Tell the release in ovms_version ({generation.source})")


def _holds(span: Span, generation: Generation) -> bool:
    first, gone = span
    return (first is None or generation.since(first)) and (gone is None or generation.before(gone))


def _told(span: Span) -> str:
    first, gone = span
    if gone is None:
        return "from {}.{} on".format(*(first or ()))
    return "before {}.{}".format(*gone)


def _removed(key: str, value: Any, generation: Generation) -> KeyVerdict:
    """Judge a renamed key: the server still translates some of them, with a warning."""
    hint = f"Use {REMOVED[key]}"
    bind = key == "CPU_BIND_THREAD" and value in ("YES", "NO") and generation.before(_NO_AFFINITY)
    if bind or isinstance(value, _TRANSLATED.get(key, ())):
        return KeyVerdict(False, f"{key} is deprecated", hint, harmless=True)
    return KeyVerdict(True, f"{key} is gone from OpenVINO", hint)


def _owned_by_prefix(key: str, plugin: str) -> bool:
    prefix = _PREFIXES.get(plugin)
    if prefix is None:
        return False
    common = [name for name, spans in _CPU.items() if spans[0][1] is None]
    return key.startswith(prefix) or (key in common and not key.startswith("CPU_"))


def _unknown(key: str, plugins: Tuple[str, ...], target_device: str, complete: bool) -> KeyVerdict:
    """Judge a key that none of the devices is known to take."""
    for other, prefix in _PREFIXES.items():
        if key.startswith(prefix) and other not in plugins:
            message = f"{key} is a key of {other}, not of {target_device}"
            return KeyVerdict(True, message, f"Leave it out, or choose {other}")
    known = {name for plugin in plugins for name in KNOWN.get(plugin, ())}
    close = difflib.get_close_matches(key.upper(), sorted(known), 1, _SIMILAR)
    if close:
        message = f"{key} is not a key of {target_device}"
        return KeyVerdict(True, message, f"Did you mean {close[0]}?")
    elsewhere = sorted(plugin for plugin, keys in KNOWN.items() if key in keys)
    if elsewhere and complete:
        message = f"{key} is a key of {', '.join(elsewhere)}, not of {target_device}"
        return KeyVerdict(True, message, "Leave it out, or choose that device")
    return KeyVerdict(False, f"{key} is not known to be a key of {target_device}")
