# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The three probes of a server. Pure.

C(/v2/health/ready) answers 200 once every model was tried, C(/v2/health/live) as soon as the HTTP
server is up (openvinotoolkit/model_server, src/server.cpp). Loading may take minutes, so the
liveness probe only begins after the startup probe passed, and it is patient: compiling a model
later on can starve the process on a small machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional

from .. import values

_ONE: Dict[str, Any] = {
    "enabled": {"type": "bool", "default": True},
    "initial_delay_seconds": {"type": "int"},
    "period_seconds": {"type": "int"},
    "timeout_seconds": {"type": "int"},
    "failure_threshold": {"type": "int"},
}
PROBES_ARGUMENT_SPEC: Dict[str, Any] = {
    "probes": {
        "type": "dict",
        "options": {
            name: {"type": "dict", "options": _ONE} for name in ("startup", "readiness", "liveness")
        },
    },
}
_LONGEST = 86400


@dataclass(frozen=True)
class Probe:
    """One probe; all numbers but C(failures) are seconds."""

    path: str
    period: int
    timeout: int
    failures: int
    delay: int = 0

    @property
    def patience(self) -> int:
        """Return the seconds after which a server that never answers is given up."""
        return self.delay + self.period * self.failures

    def render(self) -> Dict[str, Any]:
        """Return the probe as a container has it."""
        fields: Dict[str, Any] = {
            "httpGet": {"path": f"/v2/health/{self.path}", "port": "rest", "scheme": "HTTP"},
            "periodSeconds": self.period,
            "timeoutSeconds": self.timeout,
            "failureThreshold": self.failures,
        }
        if self.delay:
            fields["initialDelaySeconds"] = self.delay
        return fields


@dataclass(frozen=True)
class Probes:
    """The probes; None is one that was switched off."""

    startup: Optional[Probe] = Probe("ready", period=1, timeout=3, failures=600)
    readiness: Optional[Probe] = Probe("ready", period=5, timeout=3, failures=3)
    liveness: Optional[Probe] = Probe("live", period=10, timeout=5, failures=6)

    def render(self) -> Dict[str, Any]:
        """Return the probes by the names that a container has for them."""
        named = (
            ("startupProbe", self.startup),
            ("readinessProbe", self.readiness),
            ("livenessProbe", self.liveness),
        )
        return {name: probe.render() for name, probe in named if probe is not None}

    def startup_seconds(self, startup_timeout: int) -> int:
        """Return how long the first load may take in the end."""
        return max(startup_timeout, self.startup.patience if self.startup else 0)


def probes_from_params(params: Mapping[str, Any], startup_timeout: int) -> Probes:
    """Return the probes; without a C(failure_threshold) startup lasts C(startup_timeout) seconds.

    Raises:
        InputError: a number that cannot be.
    """
    given = params.get("probes") or {}
    usual = Probes()
    made = {
        name: _probe(given.get(name) or {}, getattr(usual, name), f"probes.{name}", startup_timeout)
        for name in ("startup", "readiness", "liveness")
    }
    return Probes(**made)


def _probe(
    given: Mapping[str, Any], usual: Probe, option: str, startup_timeout: int
) -> Optional[Probe]:
    if not given.get("enabled", True):
        return None

    def number(key: str, default: int, low: int) -> int:
        value = given.get(key)
        value = default if value is None else value
        return values.integer(value, f"{option}.{key}", low, _LONGEST)

    period = number("period_seconds", usual.period, 1)
    failures = usual.failures
    if option == "probes.startup":
        failures = math.ceil(startup_timeout / period)
    return Probe(
        usual.path,
        period,
        number("timeout_seconds", usual.timeout, 1),
        number("failure_threshold", failures, 1),
        number("initial_delay_seconds", 0, 0),
    )
