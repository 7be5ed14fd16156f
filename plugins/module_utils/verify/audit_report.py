# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the report over all clusters of an audit, from what the role has found on each. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from .drift import AREAS, OTHERS
from .table import render

FOUND = "audit_result"
DRIFT_COLUMNS = ("cluster", "area", "subject", "finding", "detail")
OTHER_COLUMNS = ("cluster", "subject", "detail")
CLUSTER_COLUMNS = ("cluster", "result", *AREAS, OTHERS)


def audit_report(
    clusters: Sequence[str], results: Mapping[str, Mapping[str, Any]]
) -> Dict[str, List[str]]:
    """Return the lines of three tables: each difference, what others have set, and both in numbers.

    Args:
        clusters: names, in the order of the report.
        results: by cluster, the verdict of C(find_drift); missing where the audit did not end.
    """
    summary = [
        {
            "cluster": name,
            "result": results.get(name, {}).get("verdict", "FAILED"),
            **results.get(name, {}).get("counts", {}),
        }
        for name in clusters
    ]
    return {
        "drift": _table(DRIFT_COLUMNS, clusters, results, "findings"),
        "others": _table(OTHER_COLUMNS, clusters, results, "notes"),
        "clusters": render(CLUSTER_COLUMNS, summary).splitlines(),
    }


def _table(
    columns: Sequence[str],
    clusters: Sequence[str],
    results: Mapping[str, Mapping[str, Any]],
    key: str,
) -> List[str]:
    """Return the lines of a table of rows of all clusters; none without a row."""
    rows = [
        {**row, "cluster": name} for name in clusters for row in results.get(name, {}).get(key, ())
    ]
    return render(columns, rows).splitlines() if rows else []
