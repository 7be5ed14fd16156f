# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits the inference threads of a server to the CPU limit of its container. Pure.

OpenVINO sizes its threads by the cores of the node, whatever the limit of the container; the
kernel then stops all of them for most of each period, and a request takes many times as long
(openvinotoolkit/model_server, issue 2721). Releases of OVMS from 2026.2 on read the limit where
they see that they are in a container. With containerd and cgroup v2 they do not: they look for
C(/.dockerenv), C(/run/.containerenv), or C(docker) and C(kubepods) in C(/proc/self/cgroup), and
that file says C(0::/). So the threads are set for every release.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ...errors import InputError
from .. import values
from ..config.properties import plugins_of

CPU_ARGUMENT_SPEC: Dict[str, Any] = {
    "fit_cpu_limit": {"type": "bool"},
    "grpc_workers": {"type": "int"},
    "rest_workers": {"type": "int"},
}
# openvinotoolkit/model_server, src/config.cpp: other numbers end the process with exit code 64.
_REST_WORKERS = (2, 10000)
_FLAGS = {"grpc_workers": "--grpc_workers", "rest_workers": "--rest_workers"}
# Properties that set the number of threads or streams; if one is given, none is added.
_DECIDED = ("INFERENCE_NUM_THREADS", "NUM_STREAMS", "CPU_THREADS_NUM", "CPU_THROUGHPUT_STREAMS")


@dataclass(frozen=True)
class CpuFit:
    """The threads of a server.

    Attributes:
        threads: inference threads of each model that runs on the CPU; None: OVMS chooses.
        arguments: of the process.
    """

    threads: Optional[int] = None
    arguments: Tuple[str, ...] = ()


def cpu_fit_from_params(params: Mapping[str, Any]) -> CpuFit:
    """Return the threads that follow from the options.

    Raises:
        InputError: no limit to fit, a number that the server refuses, a flag given twice.
    """
    limit = cpu_limit(params)
    told = params.get("fit_cpu_limit")
    fit = limit is not None if told is None else bool(told)
    if fit and limit is None:
        raise InputError(
            "there is no limit", option="fit_cpu_limit", hint="Set resources.limits.cpu"
        )
    cores = max(1, math.floor(limit)) if limit is not None else None
    rest = _given(params, "rest_workers", *_REST_WORKERS)
    grpc = _given(params, "grpc_workers", 1, 1024)
    if grpc is not None and limit is not None and grpc > math.ceil(limit):
        raise InputError(
            f"{grpc} is more than the cores of resources.limits.cpu: the server would end itself",
            option="grpc_workers",
            hint="Raise the limit, or lower the number",
        )
    if fit and cores is not None and rest is None and not _has_flag(params, "rest_workers"):
        rest = max(_REST_WORKERS[0], cores)
    pairs = (("--grpc_workers", grpc), ("--rest_workers", rest))
    arguments = tuple(text for flag, n in pairs if n is not None for text in (flag, str(n)))
    return CpuFit(cores if fit else None, arguments)


def cpu_limit(params: Mapping[str, Any]) -> Optional[float]:
    """Return the cores that the container may use, None without a limit."""
    limits = (params.get("resources") or {}).get("limits") or {}
    text = limits.get("cpu") if isinstance(limits, Mapping) else None
    amount = None if text is None else values.parse_quantity(str(text))
    return None if amount is None else float(amount)


def _has_flag(params: Mapping[str, Any], name: str) -> bool:
    return any(item.split("=", 1)[0] == _FLAGS[name] for item in params["extra_args"])


def _given(params: Mapping[str, Any], name: str, low: int, high: int) -> Optional[int]:
    value = params.get(name)
    if value is None:
        return None
    if _has_flag(params, name):
        raise InputError(
            f"{_FLAGS[name]} is among extra_args as well", option=name, hint="Set it in one place"
        )
    return values.integer(value, name, low, high)


def fitted(plugin_config: Mapping[str, Any], target_device: str, fit: CpuFit) -> Dict[str, Any]:
    """Return a model's C(plugin_config) with the number of threads, unless it has its own.

    The number of streams is left to OpenVINO, which derives it from the threads and the
    performance hint. Only a plain CPU device takes the key: AUTO, HETERO and the like refuse it.
    """
    config = dict(plugin_config)
    if fit.threads is None or plugins_of(target_device) != ("CPU",):
        return config
    if not any(key in config for key in _DECIDED):
        config["INFERENCE_NUM_THREADS"] = fit.threads
    return config


def cpu_warnings(params: Mapping[str, Any]) -> List[str]:
    """Return warnings about the CPU limit."""
    limit = cpu_limit(params)
    if limit is None or limit == int(limit):
        return []
    text = params["resources"]["limits"]["cpu"]
    return [
        f"resources.limits.cpu: {text} is not a whole number of cores. The server runs whole "
        "threads, which the kernel stops for a part of each period: requests take longer. "
        f"Use {math.ceil(limit)}."
    ]
