# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter openvino.edge.audit_report."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Sequence

from ansible.errors import AnsibleFilterError
from ansible_collections.openvino.edge.plugins.module_utils.verify.audit_report import FOUND
from ansible_collections.openvino.edge.plugins.module_utils.verify.audit_report import (
    audit_report as report,
)


def audit_report(hostvars: Any, clusters: Sequence[str]) -> Dict[str, List[str]]:
    """Return the lines of the report over the given clusters.

    Raises:
        AnsibleFilterError: the input is not hostvars.
    """
    if not isinstance(hostvars, Mapping):
        raise AnsibleFilterError("audit_report needs hostvars")
    results = {}
    for name in clusters:
        # Only this is asked for: hostvars template each variable when it is read.
        known = hostvars[name]
        results[str(name)] = known.get(FOUND, {})
    return report([str(name) for name in clusters], results)


class FilterModule:
    """The class that Ansible loads."""

    def filters(self) -> Dict[str, Callable[..., Dict[str, List[str]]]]:
        """Return the filter by name."""
        return {"audit_report": audit_report}
