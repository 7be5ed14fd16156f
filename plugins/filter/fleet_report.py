# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter openvino.edge.fleet_report."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from ansible.errors import AnsibleFilterError
from ansible_collections.openvino.edge.plugins.module_utils.verify.fleet_report import (
    REGISTERED,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.fleet_report import (
    fleet_report as report,
)


def fleet_report(
    hostvars: Any,
    clusters: Sequence[str],
    check_mode: bool = False,
    register: str = "",
    unchanged: Optional[Mapping[str, Any]] = None,
) -> Dict[str, List[str]]:
    """Return the lines of the report over the given clusters.

    With C(check_mode) it tells what a run would do. With C(register) the input has for each cluster
    what would be in this variable. C(unchanged) has the results of clusters that had no turn.

    Raises:
        AnsibleFilterError: the input is not hostvars.
    """
    if not isinstance(hostvars, Mapping):
        raise AnsibleFilterError("fleet_report needs hostvars")
    results = dict(unchanged or {})
    for name in clusters:
        if name in results:
            continue
        # Only these are asked for: hostvars template each variable when it is read.
        known = {register: hostvars[name]} if register else hostvars[name]
        results[name] = {key: known[key] for key in REGISTERED if key in known}
    return report([str(name) for name in clusters], results, check_mode=bool(check_mode))


class FilterModule:
    """The class that Ansible loads."""

    def filters(self) -> Dict[str, Callable[..., Dict[str, List[str]]]]:
        """Return the filter by name."""
        return {"fleet_report": fleet_report}
