# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter openvino.edge.wanted_models."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping

from ansible.errors import AnsibleFilterError


def wanted_models(models: Any) -> List[Dict[str, Any]]:
    """Return what model_status takes as C(models), from the models of a server.

    Raises:
        AnsibleFilterError: the input is not a list of dictionaries with names.
    """
    if not isinstance(models, (list, tuple)) or not all(
        isinstance(item, Mapping) and "name" in item for item in models
    ):
        raise AnsibleFilterError(
            "wanted_models needs a list of dictionaries, each with the name of a model"
        )
    wanted: Dict[str, Any] = {}
    for item in models:
        # Graphs report the version 1, whatever is wanted.
        wanted[item["name"]] = [] if "graph_path" in item else item.get("versions", [])
    return [{"name": name, "versions": versions} for name, versions in wanted.items()]


class FilterModule:
    """The class that Ansible loads."""

    def filters(self) -> Dict[str, Callable[..., List[Dict[str, Any]]]]:
        """Return the filter by name."""
        return {"wanted_models": wanted_models}
