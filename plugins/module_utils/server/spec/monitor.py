# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell the Prometheus operator to read a server's metrics. Pure."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping

from ...errors import InputError
from .. import values

MONITOR_ARGUMENT_SPEC: Dict[str, Any] = {
    "service_monitor": {
        "type": "dict",
        "options": {
            "interval": {"type": "str", "default": "30s"},
            "scrape_timeout": {"type": "str"},
            "labels": {"type": "dict", "default": {}},
        },
    },
}
# Durations of Prometheus (prometheus-operator, pkg/apis/monitoring/v1: type Duration).
_DURATION = re.compile(r"([0-9]+(ms|[smhdwy]))+")

Object = Dict[str, Any]


def monitor_from_params(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the checked suboptions; empty when no ServiceMonitor is asked for.

    Raises:
        InputError: not a duration, or a label that cannot be.
    """
    given = params.get("service_monitor")
    if given is None:
        return {}
    times = {
        "interval": _duration(given.get("interval") or "30s", "service_monitor.interval"),
        "scrapeTimeout": _duration(given.get("scrape_timeout"), "service_monitor.scrape_timeout"),
    }
    labels = values.labels(given.get("labels") or {}, "service_monitor.labels")
    return {"times": {key: value for key, value in times.items() if value}, "labels": labels}


def monitor_warnings(params: Mapping[str, Any]) -> List[str]:
    """Warn when the metrics are off; a configuration of the user's own may have them on."""
    if params.get("service_monitor") is None:
        return []
    section = params.get("monitoring") or {"enable": False}
    own = params.get("config_map") or params.get("config_path")
    flags = [item.split("=", 1)[0] for item in params["extra_args"]]
    if own or section.get("enable") is not False or "--metrics_enable" in flags:
        return []
    return ["service_monitor: the server's metrics are off, so there is nothing to read."]


def _duration(value: Any, option: str) -> str:
    if value and not _DURATION.fullmatch(value):
        raise InputError(f"'{value}' is not a duration", option=option, hint="Write it like 30s")
    return value or ""
