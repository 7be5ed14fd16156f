# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter openvino.edge.status_table."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, Sequence

from ansible.errors import AnsibleFilterError
from ansible_collections.openvino.edge.plugins.module_utils.verify.table import (
    GATE_COLUMNS,
    render,
)


def status_table(rows: Any, columns: Sequence[str] = GATE_COLUMNS) -> str:
    """Return the rows as a text table.

    Raises:
        AnsibleFilterError: the input is not a list of dictionaries.
    """
    if not isinstance(rows, (list, tuple)) or not all(isinstance(row, Mapping) for row in rows):
        raise AnsibleFilterError("status_table needs a list of dictionaries")
    return render([str(column) for column in columns], rows)


class FilterModule:
    """The class that Ansible loads."""

    def filters(self) -> Dict[str, Callable[..., str]]:
        """Return the filter by name."""
        return {"status_table": status_table}
