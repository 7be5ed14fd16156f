# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the report of the gate as text. Pure."""

from __future__ import annotations

from typing import Any, Dict, Sequence

from .explain import Finding
from .table import GATE_COLUMNS, render


def report(findings: Sequence[Finding], rows: Sequence[Dict[str, Any]]) -> str:
    """Return the table and one line per finding, followed by its log lines."""
    lines = [render(GATE_COLUMNS, rows)] if rows else []
    for finding in findings:
        lines.append(f"- {where(finding)}{finding.message}")
        lines.extend(f"    {line}" for line in finding.log.splitlines())
    return "\n".join(lines)


def where(finding: Finding) -> str:
    """Return the prefix with the replica of a finding, empty without one."""
    return f"{finding.replica}: " if finding.replica else ""
