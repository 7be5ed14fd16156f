# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report over all clusters of a run, from what the roles have registered. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.openvino.edge.plugins.module_utils.verify.table import render

REPLICA_COLUMNS = ("cluster", "replica", "model", "version", "state")
CLUSTER_COLUMNS = ("cluster", "result", "models", "sent", "reused", "copy", "deploy", "verify")

REPOSITORY = "model_repository_result"
SERVER = "model_server_result"
STATUS = "verify_result"

Results = Mapping[str, Mapping[str, Any]]


def fleet_report(clusters: Sequence[str], results: Mapping[str, Results]) -> Dict[str, List[str]]:
    """Return the lines of two tables: C(replicas) serve what, C(clusters) took what.

    Args:
        clusters: names in the order to show.
        results: by cluster, what the roles registered; missing where a cluster failed before.
    """
    replicas = [row for name in clusters for row in _replica_rows(name, results.get(name, {}))]
    summary = [_cluster_row(name, results.get(name, {})) for name in clusters]
    return {
        "replicas": render(REPLICA_COLUMNS, replicas).splitlines(),
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
        "models": _size(repository.get("bytes_total")),
        "sent": _size(repository.get("bytes_sent")),
        "reused": _size(repository.get("bytes_reused")),
        "copy": _seconds(repository.get("seconds")),
        "deploy": _seconds(server.get("seconds")),
        "verify": _seconds(status.get("seconds")),
    }


def _outcome(status: Mapping[str, Any]) -> str:
    if "available" not in status:
        return "FAILED"
    return "AVAILABLE" if status["available"] else "NOT AVAILABLE"


def _seconds(value: Any) -> str:
    return f"{value:.1f} s" if isinstance(value, (int, float)) else ""


def _size(value: Any) -> str:
    """Return bytes in the largest binary unit that leaves a number of at least 1."""
    if not isinstance(value, int):
        return ""
    amount, units = float(value), ["B", "KiB", "MiB", "GiB", "TiB"]
    while amount >= 1024 and len(units) > 1:
        amount, units = amount / 1024, units[1:]
    return f"{amount:.0f} {units[0]}" if units[0] == "B" else f"{amount:.1f} {units[0]}"
