# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the rows of a status, and plain text tables."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from .explain import MISSING
from .gate import Track, Wanted
from .status import ConfigStatus, ModelVersionStatus

GATE_COLUMNS = ("replica", "model", "version", "state", "error_code")


def status_rows(
    tracks: Mapping[str, Track], wanted: Wanted, nodes: Mapping[str, str]
) -> List[Dict[str, Any]]:
    """Return one row per replica and (model, version): reported versions, then missing ones.

    Args:
        tracks: memory by replica name.
        wanted: decides C(wanted) and C(ok) of each row.
        nodes: node name by replica name.
    """
    rows: List[Dict[str, Any]] = []
    for replica in sorted(tracks):
        status = tracks[replica].last.status
        if status is None:
            continue
        keys = wanted.keys(status)
        place = {"replica": replica, "node": nodes.get(replica, "")}
        rows.extend({**place, **_reported(item, keys, wanted)} for item in status.versions)
        rows.extend({**place, **_missing(key)} for key in _absent(keys, status))
    return rows


def _reported(
    item: ModelVersionStatus, keys: "set[Tuple[str, Optional[int]]]", wanted: Wanted
) -> Dict[str, Any]:
    is_wanted = (item.model, item.version) in keys
    ok = item.serving if is_wanted else not (item.serving and wanted.refuses(item))
    return {
        "model": item.model,
        "version": item.version,
        "state": item.state,
        "error_code": item.error_code,
        "error_message": item.error_message,
        "wanted": is_wanted,
        "ok": ok,
    }


def _absent(
    keys: "set[Tuple[str, Optional[int]]]", status: ConfigStatus
) -> List[Tuple[str, Optional[int]]]:
    listed = {(item.model, item.version) for item in status.versions}
    return sorted(keys - listed, key=lambda key: (key[0], key[1] or 0))


def _missing(key: Tuple[str, Optional[int]]) -> Dict[str, Any]:
    return {
        "model": key[0],
        "version": key[1],
        "state": MISSING,
        "error_code": "",
        "error_message": "",
        "wanted": True,
        "ok": False,
    }


def render(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], indent: str = "") -> str:
    """Return a text table with a header line; no trailing blanks, no trailing newline."""
    cells = [[_cell(row.get(column)) for column in columns] for row in rows]
    header = [column.replace("_", " ").upper() for column in columns]
    widths = [max(map(len, column)) for column in zip(*([header] + cells))]
    lines = [
        indent + "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
        for line in [header] + cells
    ]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.1f}" if isinstance(value, float) else str(value)
