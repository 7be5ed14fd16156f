# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter openvino.edge.migrate_values."""

from __future__ import annotations

from typing import Any, Callable, Dict

from ansible.errors import AnsibleFilterError
from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError
from ansible_collections.openvino.edge.plugins.module_utils.server.parity.migrate import migrate


def migrate_values(document: Any, release: str = "") -> Dict[str, Any]:
    """Return options of model_server for values of the chart, a ModelServer or an Ovms.

    Raises:
        AnsibleFilterError: the input is none of them.
    """
    try:
        return migrate(document, release)
    except EdgeError as error:
        raise AnsibleFilterError(f"migrate_values: {error}") from error


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> Dict[str, Callable[..., Dict[str, Any]]]:
        """Return the filter by name."""
        return {"migrate_values": migrate_values}
