# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter openvino.edge.registry_mirrors."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

from ansible.errors import AnsibleFilterError
from ansible_collections.openvino.edge.plugins.module_utils.airgap.mirrors import rendered
from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError


def registry_mirrors(mirrors: Any, platform: str) -> List[Dict[str, Any]]:
    """Return the files or objects that tell nodes of a platform about mirrors.

    Raises:
        AnsibleFilterError: an item is wrong, or the platform cannot do what it says.
    """
    try:
        return rendered(mirrors, platform)
    except EdgeError as error:
        raise AnsibleFilterError(f"registry_mirrors: {error}") from error


class FilterModule:
    """The class that Ansible loads."""

    def filters(self) -> Dict[str, Callable[..., List[Dict[str, Any]]]]:
        """Return the filter by name."""
        return {"registry_mirrors": registry_mirrors}
