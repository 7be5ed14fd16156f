# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.experiments_report."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, replace
from typing import Any, Dict, List, Mapping

from ...errors import EdgeError, ForbiddenError
from ...kube.client import KubeClient
from ...kube.types import Access
from ...runtime import Params, Result, Runtime
from .. import files
from . import balance, scaling, ways
from .figure import CONTRADICTS, UNCLEAR, VERDICTS, Figure
from .options import ARGUMENT_SPEC, Rows, rows
from .page import page

__all__ = ["ARGUMENT_SPEC", "required_access", "run"]

SPEC_RULES: Dict[str, Any] = {}
SCHEMA = 1
JSON_FILE, PAGE_FILE = "experiments.json", "experiments.html"


def required_access(_params: Params) -> List[Access]:
    """Return the rights that C(run) uses: none that it cannot do without."""
    return []


def run(params: Params, runtime: Runtime) -> Result:
    """Judge what was measured, and write the page.

    Raises:
        InputError: the measurements are none, or the files cannot be written.
    """
    begun = time.monotonic()
    dest = params.get("dest") or ""
    if dest and not runtime.check_mode:
        files.prepare(dest)
    found = rows(params["measurements"])
    figures = figures_of(found)
    facts = {**_cluster(params), **{str(k): str(v) for k, v in params["facts"].items()}}
    result: Dict[str, Any] = {
        "schema": SCHEMA,
        "figures": [_told(figure) for figure in figures],
        "ran_on": facts,
        "note": params["note"],
        "began": list(found.began),
        "load": {**asdict(found.load), "crowded": found.load.crowded},
        "requests": {"sent": found.sent, "failed": found.failed},
    }
    names = [os.path.join(dest, name) for name in (JSON_FILE, PAGE_FILE)] if dest else []
    if dest and not runtime.check_mode:
        files.write_all(
            dest,
            {
                JSON_FILE: json.dumps(result, indent=2, sort_keys=True) + "\n",
                PAGE_FILE: page(figures, found, facts, params["note"]),
            },
        )
    return {
        **result,
        "changed": bool(dest),
        "files": names,
        "msg": "\n".join(_line(figure) for figure in figures),
        "seconds": round(time.monotonic() - begun, 3),
    }


def figures_of(found: Rows) -> List[Figure]:
    """Return the experiments that were measured, judged."""
    figures: List[Figure] = []
    if found.clients:
        figures.append(balance.figure(found.clients))
    if found.latencies:
        figures.append(_doubted(ways.figure(found.latencies), found))
    if found.steps:
        figures.append(_doubted(scaling.figure(found.steps), found))
    return figures


def _doubted(figure: Figure, found: Rows) -> Figure:
    """Return a figure of times that contradicts nothing where others were in the times."""
    if figure.verdict != CONTRADICTS or not found.load.crowded:
        return figure
    doubt = "The machine had other work, so this is no evidence against it."
    return replace(figure, verdict=UNCLEAR, parts=(*figure.parts, doubt))


def _told(figure: Figure) -> Dict[str, Any]:
    told = asdict(figure)
    del told["parts"]
    told["sentence"] = figure.sentence
    told["columns"] = list(figure.columns)
    told["rows"] = [list(row) for row in figure.rows]
    return told


def _line(figure: Figure) -> str:
    return f"{figure.title}: {figure.claim} {VERDICTS[figure.verdict]}. {figure.sentence}"


def _cluster(params: Params) -> Dict[str, str]:
    """Return what the cluster says of itself, as far as the account may know it."""
    found: Dict[str, str] = {}
    with KubeClient.from_params(params) as client:
        try:
            found["Kubernetes"] = str(client.version().get("gitVersion", "unknown"))
            nodes, _revision = client.list("v1", "Node")
        except ForbiddenError:
            return {**found, "Nodes": "not known, the account may not list them"}
        except EdgeError as error:
            return {**found, "Nodes": f"not known: {error.message}"}
    found["Nodes"] = "; ".join(_node(node) for node in nodes)
    return found


def _node(node: Mapping[str, Any]) -> str:
    status = node.get("status") or {}
    info, capacity = status.get("nodeInfo") or {}, status.get("capacity") or {}
    return (
        f"{node['metadata']['name']}: {capacity.get('cpu', '?')} CPU,"
        f" {_gib(str(capacity.get('memory', '')))}, {info.get('architecture', '?')},"
        f" {info.get('containerRuntimeVersion', '?')}, Linux {info.get('kernelVersion', '?')}"
    )


def _gib(quantity: str) -> str:
    """Return a quantity of memory, which kubelets write in Ki, in GiB."""
    if quantity.endswith("Ki") and quantity[:-2].isdigit():
        return f"{int(quantity[:-2]) / 2**20:.1f} GiB"
    return quantity or "?"
