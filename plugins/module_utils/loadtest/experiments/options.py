# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a report on experiments: results of C(benchmark) become rows. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ...entry import merge_specs
from ...errors import InputError
from ...kube.auth.options import AUTH_ARGUMENT_SPEC
from . import balance, scaling, ways
from .figure import CLIENTS, WAYS

FIGURES = ("balance", "ways", "scaling")
ARGUMENT_SPEC: Dict[str, Any] = merge_specs(
    AUTH_ARGUMENT_SPEC,
    {
        "measurements": {"type": "list", "elements": "dict", "required": True},
        "facts": {"type": "dict", "default": {}},
        "note": {"type": "str", "default": ""},
        "dest": {"type": "path"},
    },
)
# Load average for each core from which on others are in the figures; the experiments themselves,
# which were there a minute ago, have about one.
CROWDED = 2.0
HINT = "Give what register holds after a loop over benchmark, with items like {figure: balance}"


@dataclass(frozen=True)
class Load:
    """How busy the machines of the clients were beforehand; load averages of a minute."""

    low: float
    high: float
    cores: int

    @property
    def crowded(self) -> bool:
        """Return whether others had so much to do that it is in the figures."""
        return self.high > CROWDED * self.cores


@dataclass(frozen=True)
class Rows:
    """What was measured, by experiment.

    Attributes:
        clients: of C(balance).
        latencies: of C(ways).
        steps: of C(scaling).
        load: of the machines.
        began: moments of the first and the last measurement.
        failed: requests without an answer.
        sent: all requests.
    """

    clients: Tuple[balance.Client, ...]
    latencies: Tuple[ways.Measured, ...]
    steps: Tuple[scaling.Measured, ...]
    load: Load
    began: Tuple[str, str]
    failed: int
    sent: int


def rows(measurements: Sequence[Mapping[str, Any]]) -> Rows:
    """Return the rows of results, each with the item of the loop that it was measured in.

    Raises:
        InputError: there is none, or one is not what C(benchmark) returns, or has no such item.
    """
    if not measurements:
        raise InputError("there is no measurement", option="measurements", hint=HINT)
    clients: List[balance.Client] = []
    latencies: List[ways.Measured] = []
    steps: List[scaling.Measured] = []
    for number, result in enumerate(measurements):
        item = _item(result, number)
        try:
            if item["figure"] == "balance":
                clients.append(_client(item, result))
            elif item["figure"] == "ways":
                latencies.append(_latency(item, result))
            else:
                steps.append(_step(item, result))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"its {error} is missing or is no such value",
                option="measurements",
                subject=f"measurement {number}",
                hint=HINT,
            ) from None
    began = sorted(str(result.get("began", "")) for result in measurements)
    asked = [result["requests"] for result in measurements]
    return Rows(
        tuple(clients),
        tuple(latencies),
        tuple(steps),
        _load(measurements),
        (began[0], began[-1]),
        sum(int(requests["failed"]) for requests in asked),
        sum(int(requests["sent"]) for requests in asked),
    )


def _item(result: Mapping[str, Any], number: int) -> Mapping[str, Any]:
    """Return the item of the loop that a result comes from.

    Raises:
        InputError: there is none, or it names no experiment.
    """
    item = result.get(str(result.get("ansible_loop_var") or "item"))
    good = isinstance(item, Mapping) and item.get("figure") in FIGURES
    if not good or not isinstance(result.get("statistics"), Mapping) or "requests" not in result:
        raise InputError(
            "it is no result of benchmark in a loop, or its item names no experiment",
            option="measurements",
            subject=f"measurement {number}",
            hint=HINT,
        )
    found: Mapping[str, Any] = item or {}
    return found


def _way(item: Mapping[str, Any]) -> str:
    if item["way"] not in WAYS:
        raise ValueError(f"way '{item['way']}'")
    return str(item["way"])


def _client(item: Mapping[str, Any], result: Mapping[str, Any]) -> balance.Client:
    if not result["shares"]:
        raise InputError(
            f"what each replica had is not known: {result['shares_from']}",
            option="measurements",
            hint="Turn on monitoring.enable of model_server",
        )
    answers = {str(part["replica"]): int(part["inferences"]) for part in result["shares"]}
    return balance.Client(_way(item), int(item["client"]), answers)


def _latency(item: Mapping[str, Any], result: Mapping[str, Any]) -> ways.Measured:
    return ways.Measured(
        _way(item),
        f"{item.get('phase', '')}/{int(item['round'])}",
        int(result["bytes"]["request"]),
        float(result["statistics"]["p50_ms"]),
        _protocol(result),
    )


def _protocol(result: Mapping[str, Any]) -> str:
    """Return the protocol: REST, unless the result says another."""
    client = str(result.get("client") or "rest")
    if client not in CLIENTS:
        raise ValueError(f"client '{client}'")
    return client


def _step(item: Mapping[str, Any], result: Mapping[str, Any]) -> scaling.Measured:
    figures = result["statistics"]
    return scaling.Measured(
        int(item["replicas"]),
        float(figures["throughput"]),
        float(figures["p50_ms"]),
        float(figures["p95_ms"]),
        float(result["client_cpu"]),
    )


def _load(measurements: Sequence[Mapping[str, Any]]) -> Load:
    nodes = [result["client_node"] for result in measurements if result.get("client_node")]
    averages = [float(node["load_average"]) for node in nodes] or [0.0]
    cores = [int(node["cores"] or 1) for node in nodes] or [1]
    return Load(min(averages), max(averages), min(cores))
