# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter openvino.edge.drift."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, Mapping, Sequence

from ansible.errors import AnsibleFilterError
from ansible_collections.openvino.edge.plugins.module_utils.verify.drift import (
    AREAS,
    OTHERS,
    find_drift,
)


def drift(looks: Any, wanted: Sequence[Any] = ()) -> Dict[str, Any]:
    """Return what has drifted on one cluster.

    Raises:
        AnsibleFilterError: the input is not results of modules by area, or a model has no name.
    """
    known = (*AREAS, OTHERS)
    if not isinstance(looks, Mapping) or not set(looks) <= set(known):
        raise AnsibleFilterError(f"drift needs results by area, of {', '.join(known)}")
    for item in wanted:
        if not isinstance(item, Mapping) or not (item.get("name") or item.get("directory")):
            raise AnsibleFilterError("drift: each wanted model needs a name or a directory")
    # Tagged values (ansible-core 2.19 and later) go through JSON: parsers of YAML refuse them.
    return find_drift(json.loads(json.dumps(dict(looks))), json.loads(json.dumps(list(wanted))))


class FilterModule:
    """The class that Ansible loads."""

    def filters(self) -> Dict[str, Callable[..., Dict[str, Any]]]:
        """Return the filter by name."""
        return {"drift": drift}
