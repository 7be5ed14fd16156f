# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a server besides models, store and security, as one checked value. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ...errors import InputError
from . import cpu, overrides, probes, scaling
from . import monitor as scraping
from . import pod as pod_extras
from . import service as services
from .cpu import CpuFit
from .exposure import options as exposing_options
from .exposure import reach as reaching
from .exposure.options import ExposeSpec
from .pod import PodExtras
from .probes import Probes
from .scaling import Scaling
from .service import ServiceOptions

CONTAINER = "ovms"
# A Service is a DNS label; the second one's name is this much longer.
_LONGEST_NAME = 63 - len("-headless")
RUNNING_ARGUMENT_SPEC: Dict[str, Any] = {
    **scaling.SCALING_ARGUMENT_SPEC,
    **probes.PROBES_ARGUMENT_SPEC,
    **pod_extras.POD_ARGUMENT_SPEC,
    **services.SERVICE_ARGUMENT_SPEC,
    **exposing_options.EXPOSE_ARGUMENT_SPEC,
    **reaching.REACH_ARGUMENT_SPEC,
    **cpu.CPU_ARGUMENT_SPEC,
    **scraping.MONITOR_ARGUMENT_SPEC,
    **overrides.OVERRIDES_ARGUMENT_SPEC,
}


@dataclass(frozen=True)
class RunningSpec:
    """The checked options.

    Attributes:
        scaling: how many pods, and how they are replaced.
        probes: the probes of the kubelet.
        pod: more fields of the pod.
        service: more fields of the Services.
        expose: how clients outside of the cluster reach the server; None: not by a host name.
        reach: the way in that clients are told to use.
        cpu: threads.
        monitor: of the ServiceMonitor; empty: none.
        overrides: a patch over the pod template.
        warnings: for the result.
    """

    scaling: Scaling = Scaling()
    probes: Probes = Probes()
    pod: PodExtras = PodExtras()
    service: ServiceOptions = ServiceOptions()
    expose: Optional[ExposeSpec] = None
    reach: str = reaching.AUTO
    cpu: CpuFit = CpuFit()
    monitor: Mapping[str, Any] = field(default_factory=dict)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()


def running_from_params(params: Mapping[str, Any], replicas: int) -> RunningSpec:
    """Return how the server is to run.

    Args:
        params: the options.
        replicas: the number of pods that they mean.

    Raises:
        InputError: the first invalid option, with a hint.
    """
    service = services.service_from_params(params)
    if service.headless and len(params["name"]) > _LONGEST_NAME:
        message = f"with service.headless it can have {_LONGEST_NAME} characters"
        raise InputError(message, option="name")
    expose = exposing_options.expose_from_params(params)
    return RunningSpec(
        scaling=scaling.scaling_from_params(params),
        probes=probes.probes_from_params(params, params["startup_timeout"]),
        pod=pod_extras.pod_extras_from_params(params),
        service=service,
        expose=expose,
        reach=reaching.reach_from_params(params, service, expose),
        cpu=cpu.cpu_fit_from_params(params),
        monitor=scraping.monitor_from_params(params),
        overrides=overrides.overrides_from_params(params, CONTAINER),
        warnings=(
            *cpu.cpu_warnings(params),
            *_budget_warnings(params, replicas),
            *scraping.monitor_warnings(params),
        ),
    )


def _budget_warnings(params: Mapping[str, Any], replicas: int) -> List[str]:
    """Warn about a budget that never lets a node be drained."""
    budget = params.get("disruption_budget") or {}
    least, most = budget.get("min_available"), budget.get("max_unavailable")
    count = (params.get("autoscaling") or {}).get("min_replicas", replicas)
    stuck = most in ("0", "0%") or least == "100%"
    if not stuck and least is not None and least.isdigit():
        stuck = int(least) >= count
    if not stuck:
        return []
    return ["disruption_budget: it lets no pod go, so draining a node waits until it is changed."]
