# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers next to a test: what they logged, and what they say of each version."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any, Iterable, Mapping

from edge_lab import machine

from edge_faults.models import MODEL
from edge_faults.objects import REST_PORT, SERVERS
from edge_faults.sites import Site, SiteError

AVAILABLE = "AVAILABLE"
#: A line of the kubelet's log files: time, stream, tag, text.
CRI_LINE = re.compile(r"^\S+ (?:stdout|stderr) [FP] (.*)$")
ERROR_LEVEL = re.compile(r"^\[[^\]]*\]\[\d+\]\[\w+\]\[error\]")


def error_lines(lines: Iterable[str]) -> list[str]:
    """Return what a server logged at level error: any failed load is among it."""
    texts = (found.group(1) for found in map(CRI_LINE.match, lines) if found)
    return [text for text in texts if ERROR_LEVEL.match(text)]


def unfinished(states: Mapping[str, str], wanted: Iterable[str]) -> list[str]:
    """Return what keeps a server from serving exactly what it should: version and state."""
    found = [
        f"{name} {states.get(name, 'unknown')}" for name in wanted if not _serves(states, name)
    ]
    found += [f"{name} {state}" for name, state in states.items() if state == "LOADING"]
    return sorted(set(found))


def _serves(states: Mapping[str, str], name: str) -> bool:
    return states.get(name) == AVAILABLE


def log_errors(site: Site) -> list[str]:
    """Return the error lines of both servers since they were made, restarts included."""
    folder = machine.root_dir(site.node) / "log" / "pods"
    found: list[str] = []
    for name in SERVERS:
        for path in sorted(folder.glob(f"{site.namespace}_{name}_*/main/*.log*")):
            lines = Path(path).read_text(errors="replace").splitlines()
            found += [f"{name}: {line}" for line in error_lines(lines)]
    return found


def states(site: Site, name: str) -> dict[str, str]:
    """Return the state of every version that a server knows (C(model/version) to state)."""
    path = f"/api/v1/namespaces/{site.namespace}/pods/{name}:{REST_PORT}/proxy/v1/config"
    answer: dict[str, Any] = site.kube.raw(path)
    listed = answer.get(MODEL, {}).get("model_version_status", [])
    return {f"{MODEL}/{item['version']}": str(item["state"]) for item in listed}


def wait_served(site: Site, seconds: float = 40.0) -> list[str]:
    """Wait until both servers serve what is published; return what is still missing then."""
    end = time.monotonic() + seconds
    while True:
        missing = _missing(site)
        if not missing or time.monotonic() > end:
            return missing
        time.sleep(0.5)


def _missing(site: Site) -> list[str]:
    published = sorted((path.name for path in site.models.glob(f"{MODEL}/[0-9]*")), key=int)
    wanted = {
        "server-config": [f"{MODEL}/{name}" for name in published],
        "server-latest": [f"{MODEL}/{name}" for name in published[-1:]],
    }
    found: list[str] = []
    for name in SERVERS:
        try:
            found += [f"{name}: {text}" for text in unfinished(states(site, name), wanted[name])]
        except (SiteError, ValueError) as error:
            found.append(f"{name}: {error}")
    return found
