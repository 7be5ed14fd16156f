# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the report over all clusters of a run, from the results that the roles registered. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from .fleet_prediction import (
    CHECKED,
    PREFLIGHT,
    REPOSITORY,
    SERVER,
    STATUS,
    fleet_prediction,
    size,
)
from .table import render

REPLICA_COLUMNS = ("cluster", "replica", "model", "version", "state")
CLUSTER_COLUMNS = ("cluster", "result", "models", "sent", "reused", "copy", "deploy", "verify")

REGISTERED = (PREFLIGHT, CHECKED, REPOSITORY, SERVER, STATUS)
"""The variables that the roles register."""

Results = Mapping[str, Mapping[str, Any]]


def fleet_report(
    clusters: Sequence[str], results: Mapping[str, Results], *, check_mode: bool = False
) -> Dict[str, List[str]]:
    """Return the lines of two tables: the models of all C(replicas), and the transfers of all
    C(clusters).

    Args:
        clusters: names, in the order of the report.
        results: by cluster, what the roles registered; missing where a cluster failed before.
        check_mode: tell what would be done, see C(fleet_prediction), instead of the transfers.
    """
    rows = [row for name in clusters for row in _replica_rows(name, results.get(name, {}))]
    replicas = render(REPLICA_COLUMNS, rows).splitlines()
    if check_mode:
        return {"replicas": replicas, **fleet_prediction(clusters, results)}
    summary = [_cluster_row(name, results.get(name, {})) for name in clusters]
    return {
        "replicas": replicas,
        "clusters": render(CLUSTER_COLUMNS, summary).splitlines(),
    }


def _replica_rows(cluster: str, results: Results) -> List[Dict[str, Any]]:
    status = results.get(STATUS) or {}
    rows = status.get("statuses") or (status.get("error") or {}).get("details", {}).get("statuses")
    shown = [row for row in rows or [] if row.get("wanted") or not row.get("ok")]
    return [{**row, "cluster": cluster} for row in shown]


def _cluster_row(cluster: str, results: Results) -> Dict[str, Any]:
    repository = results.get(REPOSITORY) or {}
    server, status = results.get(SERVER) or {}, results.get(STATUS) or {}
    return {
        "cluster": cluster,
        "result": _outcome(status),
        "models": size(repository.get("bytes_total")),
        "sent": size(repository.get("bytes_sent")),
        "reused": size(repository.get("bytes_reused")),
        "copy": _seconds(repository.get("seconds")),
        "deploy": _seconds(server.get("seconds")),
        "verify": _seconds(status.get("seconds")),
    }


def _outcome(status: Mapping[str, Any]) -> str:
    if status.get("failed") or "available" not in status:
        return "FAILED"
    return "AVAILABLE" if status["available"] else "NOT AVAILABLE"


def _seconds(value: Any) -> str:
    return f"{value:.1f} s" if isinstance(value, (int, float)) else ""
