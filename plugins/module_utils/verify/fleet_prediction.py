# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the part of the report that a run in check mode adds: what a run would do. Pure."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Sequence

from .table import render

CHANGE_COLUMNS = ("cluster", "action", "what")
CLUSTER_COLUMNS = ("cluster", "result", "changes", "models", "to_send", "to_pull", "reused")

PREFLIGHT = "preflight_created"
CHECKED = "preflight_result"
REPOSITORY = "model_repository_result"
SERVER = "model_server_result"
STATUS = "verify_result"

# The fields of a target of model_repository, and what a run does with the versions in them.
_VERSIONS = (
    ("versions_published", "publish"),
    ("versions_repaired", "repair"),
    ("versions_removed", "remove"),
)
# The actions of modules, as things to be done.
_TO_DO = {"created": "create", "updated": "update", "deleted": "delete"}
_FAILED, _CHANGES, _SAME = "WOULD FAIL", "WOULD CHANGE", "NO CHANGE"
# Nothing was asked there: it is not its turn, or the waves before it would end the rollout.
_UNKNOWN = "NOT REACHED"

Results = Mapping[str, Mapping[str, Any]]
Row = Dict[str, Any]


def fleet_prediction(
    clusters: Sequence[str], results: Mapping[str, Results]
) -> Dict[str, List[str]]:
    """Return the lines of what would be done: C(changes), C(clusters) and C(total).

    Args:
        clusters: names, in the order of the report.
        results: by cluster, what the roles registered in check mode; missing where one failed.
    """
    changes = {name: list(_changes(results.get(name, {}))) for name in clusters}
    rows = [_cluster_row(name, results.get(name, {}), len(changes[name])) for name in clusters]
    shown = [{"cluster": name, **row} for name in clusters for row in changes[name]]
    return {
        "changes": render(CHANGE_COLUMNS, shown).splitlines(),
        "clusters": render(
            CLUSTER_COLUMNS,
            [{**row, **{key: size(row[key]) for key in CLUSTER_COLUMNS[3:]}} for row in rows],
        ).splitlines(),
        "total": [_total(rows)],
    }


def _changes(results: Results) -> Iterator[Row]:
    """Yield what would be done on one cluster, in the order of a run."""
    yield from _objects(results.get(PREFLIGHT) or {})
    repository = results.get(REPOSITORY) or {}
    for text in repository.get("volumes_made") or ():
        action, _blank, what = str(text).partition(" ")
        yield {"action": _TO_DO.get(action, action), "what": what}
    for target in repository.get("targets") or ():
        for field, action in _VERSIONS:
            for version in target.get(field) or ():
                yield {"action": action, "what": f"{_named(version)} on {target['target']}"}
    yield from _objects(results.get(SERVER) or {})


def _objects(result: Mapping[str, Any]) -> Iterator[Row]:
    for item in result.get("objects") or ():
        if item["action"] in _TO_DO:
            place = f"{item['namespace']}/" if item.get("namespace") else ""
            what = f"{item['kind']} {place}{item['name']}"
            yield {"action": _TO_DO[item["action"]], "what": what}


def _named(version: Any) -> str:
    """Return model and version; those to be repaired come with their damage."""
    if isinstance(version, Mapping):
        return f"{version.get('model')}/{version.get('version')}"
    return str(version)


def _cluster_row(cluster: str, results: Results, changes: int) -> Row:
    repository = results.get(REPOSITORY) or {}
    result = _CHANGES if changes else _SAME
    if "available" not in (results.get(STATUS) or {}):
        result = _FAILED if results else _UNKNOWN
    return {
        "cluster": cluster,
        "result": result,
        "changes": changes,
        "models": repository.get("bytes_total"),
        "to_send": repository.get("bytes_planned"),
        "to_pull": repository.get("bytes_pulled"),
        "reused": repository.get("bytes_reused"),
    }


def _total(rows: Sequence[Row]) -> str:
    """Return the sums in one line; clusters that would fail get no bytes."""
    words = (_CHANGES, _SAME, _FAILED, _UNKNOWN)
    counts = [sum(row["result"] == word for row in rows) for word in words]
    unknown = f", {counts[3]} were not reached" if counts[3] else ""
    good = [row for row in rows if row["result"] != _FAILED]
    sums = {key: sum(row[key] or 0 for row in good) for key in ("to_send", "to_pull")}
    pulled = f", {_exact(sums['to_pull'])} to pull" if sums["to_pull"] else ""
    return (
        f"{len(rows)} clusters: {counts[0]} would change, {counts[1]} would not,"
        f" {counts[2]} would fail{unknown}; {_exact(sums['to_send'])} to send{pulled}"
    )


def _exact(count: int) -> str:
    return f"{count} B" if count < 1024 else f"{count} B ({size(count)})"


def size(value: Any) -> str:
    """Return bytes in the largest binary unit that leaves a number of at least 1."""
    if not isinstance(value, int):
        return ""
    amount, units = float(value), ["B", "KiB", "MiB", "GiB", "TiB"]
    while amount >= 1024 and len(units) > 1:
        amount, units = amount / 1024, units[1:]
    return f"{amount:.0f} {units[0]}" if units[0] == "B" else f"{amount:.1f} {units[0]}"
