# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options about a server that someone else deployed before."""

from __future__ import annotations


class ModuleDocFragment:
    """The option C(adopt)."""

    DOCUMENTATION = r"""
options:
  adopt:
    description:
      - Takes over a Deployment, Service, ConfigMap or ServiceAccount that has a name this module
        wants and was made by Helm, C(kubectl) or anything else. Without it such an object is an
        error.
      - The Deployment and the Service keep their selectors. What both were before is noted on them
        for O(state=returned).
      - Without O(rest_port) and O(grpc_port), Service and pods keep the ports that they had. The
        pods keep their labels and annotations. Sidecars and init containers go, and a warning names
        them. Another warning names every other Service that leads to the pods, and where its ports
        lead then.
      - Pods are replaced once, since they get other arguments. New ones start before old ones end,
        and the Service answers all the time, unless pods need a device or a claim that old ones
        may hold. The warning then says so, and O(strategy=RollingUpdate) starts new ones first.
      - An object with an owner, for example a C(ModelServer), is refused.
      - Does nothing where everything belongs to the collection already.
    type: bool
    default: false
"""
