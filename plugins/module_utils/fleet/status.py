# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.fleet_status: asks the replicas of many clusters from one task.

A task of its own for each cluster costs a process, and a pass of Ansible's task queue, for each.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any, Callable, Dict, Optional

from ..entry import failure, merge_specs
from ..errors import EdgeError, GateError, InputError, UnsupportedError, one_line
from ..runtime import Params, Result, Runtime
from ..verify import entry as gate
from ..verify.inference import entry as inference

ARGUMENT_SPEC: Dict[str, Any] = {
    "clusters": {"type": "list", "elements": "str", "required": True},
    "options": {"type": "str", "required": True},
    "forks": {"type": "int", "default": 50},
    "deadline": {"type": "int", "default": 0},
}
SPEC_RULES: Dict[str, Any] = {}

CLUSTER_SPEC: Dict[str, Any] = merge_specs(
    gate.ARGUMENT_SPEC,
    {
        "golden": {"type": "list", "elements": "path", "default": []},
        "latency": inference.ARGUMENT_SPEC["latency"],
        "timeout": inference.ARGUMENT_SPEC["timeout"],
    },
)
"""The options for one cluster: those of model_status, and with golden files model_inference's."""

CLUSTER_RULES: Dict[str, Any] = gate.SPEC_RULES


@dataclass(frozen=True)
class Order:
    """What to ask one cluster.

    Attributes:
        params: validated by C(CLUSTER_SPEC).
        clean: masks the secrets of this cluster's options in its result.
    """

    params: Params
    clean: Callable[[Result], Result]


Orders = Callable[[str], Order]
"""Returns the order for a cluster; an InputError says why there can be none."""


def nobody(cluster: str) -> Order:
    """Refuse to make an order: outside of the controller nothing is known of other hosts.

    Raises:
        UnsupportedError: always.
    """
    raise UnsupportedError(
        "only the controller knows the options of other hosts",
        subject=cluster,
        hint="Run openvino.edge.fleet_status as a task; it always runs on the controller",
    )


def run(params: Params, runtime: Runtime, orders: Orders = nobody) -> Result:
    """Ask all clusters, several at a time, and return what each has answered.

    Raises:
        InputError: a number is out of range.
    """
    if params["forks"] < 1:
        raise InputError(
            "at least one cluster is asked at a time",
            option="forks",
            hint="Give 1 or more (edge_verify_forks)",
        )
    if params["deadline"] < 0:
        raise InputError(
            "it is a number of seconds, 0 for none",
            option="deadline",
            hint="Give 0 or more (edge_verify_deadline)",
        )
    begun = time.monotonic()
    until = begun + params["deadline"] if params["deadline"] else None
    names = list(dict.fromkeys(params["clusters"]))
    found: Dict[str, Result] = {}
    with ThreadPoolExecutor(params["forks"], thread_name_prefix="fleet") as pool:
        asked = {}
        for name in names:
            # One after the other, since templates are not made for threads; asking begins at once.
            try:
                asked[pool.submit(_timed, orders(name), begun, until)] = name
            except Exception as error:
                found[name] = _failed(_told(error))
                _tell(runtime, name, found[name])
        for future in as_completed(asked):
            name = asked.pop(future)
            found[name] = future.result()
            _tell(runtime, name, found[name])
    return _result({name: found[name] for name in names}, time.monotonic() - begun)


def _tell(runtime: Runtime, name: str, result: Result) -> None:
    """Show what is not well; of those that are, a thousand lines would say the same."""
    for warning in result.pop("warnings", ()):
        runtime.warn(f"{name}: {warning}")
    if result["failed"]:
        runtime.progress(f"{name}: {one_line(result['msg'])}")


def _timed(order: Order, begun: float, until: Optional[float]) -> Result:
    """Return the answer of a cluster, with C(began), the seconds since the begin of the task."""
    began = time.monotonic()
    result = order.clean(_asked(order.params, until))
    result["began"] = round(began - begun, 3)
    result.setdefault("seconds", round(time.monotonic() - began, 3))
    return result


def _asked(params: Params, until: Optional[float]) -> Result:
    """Return what model_status would have returned, also where it would have failed."""
    runtime = Runtime()
    result: Result = {}
    try:
        result = gate.run(_hurried(params, until), runtime)
        if params["golden"]:
            result["inference"] = inference.run(_questions(params), runtime)
        result["failed"] = False
    except EdgeError as error:
        result = {**result, **_failed(error)}
    except Exception as error:
        result = _failed(_told(error))
    return {**result, "warnings": runtime.warnings} if runtime.warnings else result


def _hurried(params: Params, until: Optional[float]) -> Params:
    """Return the options with no more time to wait than the whole fleet has left.

    Raises:
        GateError: none is left.
    """
    if until is None:
        return params
    left = until - time.monotonic()
    if left <= 0:
        raise GateError(
            "it was not asked, since the deadline of the fleet had passed",
            option="deadline",
            hint="Give more time, or ask more clusters at a time (forks)",
        )
    return {**params, "wait_timeout": min(params["wait_timeout"], left)}


def _questions(params: Params) -> Params:
    """Return the options of model_inference; a look that does not wait does not fail either."""
    given = {key: value for key, value in params.items() if key in inference.ARGUMENT_SPEC}
    return {**given, "report_only": not params["wait"]}


def _told(error: Exception) -> EdgeError:
    """Return an error of ours: what is odd about one cluster must not hide what others answer."""
    return error if isinstance(error, EdgeError) else EdgeError(f"{type(error).__name__}: {error}")


def _failed(error: EdgeError) -> Result:
    """Return the result of a cluster that did not pass: that of a failed task."""
    return {"available": False, **failure(error), "failed": True}


def _result(clusters: Dict[str, Result], seconds: float) -> Result:
    bad = {name: item["msg"] for name, item in clusters.items() if item["failed"]}
    available = sum(bool(item["available"]) for item in clusters.values())
    return {
        "changed": False,
        "clusters": clusters,
        "bad": bad,
        "counts": {"asked": len(clusters), "available": available, "bad": len(bad)},
        "seconds": round(seconds, 3),
    }
