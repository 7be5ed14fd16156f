# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the gate of model_status about a server that was just deployed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Sequence

from ..errors import EdgeError, GateError
from ..kube.client import KubeClient
from ..releases import FAILED, GOOD, UNKNOWN
from ..runtime import Runtime
from ..verify import entry as gate
from ..verify.gate import FAILED as GATE_FAILED
from .history import reason_of

# Seconds that a gate gets at least, however long the rollout took.
LEAST_SECONDS = 10


@dataclass(frozen=True)
class Judgement:
    """The verdict about a release, and the error of the gate if it is shut."""

    verdict: str
    reason: str = ""
    error: Optional[EdgeError] = None


def judge(
    client: KubeClient,
    params: Mapping[str, Any],
    wanted: Mapping[str, Sequence[int]],
    runtime: Runtime,
    seconds: float,
) -> Judgement:
    """Return whether every replica serves what is wanted, and nothing else.

    Args:
        client: of the cluster.
        params: options of model_server: which server.
        wanted: versions by served name; without versions any will do.
        runtime: progress.
        seconds: how long replicas may take.
    """
    given: Dict[str, Any] = {name: rule.get("default") for name, rule in gate.ARGUMENT_SPEC.items()}
    given.update(
        namespace=params["namespace"],
        name=params["name"],
        models=[{"name": name, "versions": list(found)} for name, found in wanted.items()],
        wait_timeout=int(max(LEAST_SECONDS, seconds)),
    )
    try:
        gate.ask(
            client,
            gate.wanted_from_params(given),
            gate.target_from_params(given),
            given,
            Runtime(progress=runtime.progress, warnings=runtime.warnings),
        )
    except GateError as error:
        final = error.details.get("outcome") == GATE_FAILED
        return Judgement(FAILED if final else UNKNOWN, reason_of(error), error)
    except EdgeError as error:
        return Judgement(UNKNOWN, f"the gate could not be asked: {reason_of(error)}")
    return Judgement(GOOD)
