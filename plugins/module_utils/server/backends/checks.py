# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check that an option C(backend) needs, whichever it is. Pure."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.openvino.edge.plugins.module_utils.server.backend_options import OPERATOR
from ansible_collections.openvino.edge.plugins.module_utils.server.backends import (
    kserve,
    operator_lint,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.spec import ServerSpec


def checked(params: Mapping[str, Any], spec: ServerSpec) -> ServerSpec:
    """Return the spec as the backend's servers see it.

    Raises:
        InputError: an option that the backend cannot say, or what would crash there.
    """
    if spec.backend == OPERATOR:
        operator_lint.check(params, spec)
        return operator_lint.settled(spec)
    kserve.check(params, spec)
    return spec
