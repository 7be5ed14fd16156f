# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter openvino.edge.secret_options."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, Mapping

from ansible.errors import AnsibleFilterError
from ansible_collections.openvino.edge.plugins.module_utils.rollout.content import secret_parts


def secret_options(options: Any) -> Dict[str, Any]:
    """Return those options of model_server that no release record holds, since they are secret.

    Raises:
        AnsibleFilterError: the input is not a dictionary.
    """
    if not isinstance(options, Mapping):
        raise AnsibleFilterError("secret_options needs a dictionary of options of model_server")
    # Tagged values (ansible-core 2.19 and later) go through JSON.
    return secret_parts(json.loads(json.dumps(dict(options))))


class FilterModule:
    """The class that Ansible loads."""

    def filters(self) -> Dict[str, Callable[..., Dict[str, Any]]]:
        """Return the filter by name."""
        return {"secret_options": secret_options}
