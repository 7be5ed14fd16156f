# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options that say whom to ask for inferences."""

from __future__ import annotations


class ModuleDocFragment:
    """The server, its replicas and its port."""

    DOCUMENTATION = r"""
options:
  namespace:
    description: Namespace of the model server.
    type: str
    required: true
  name:
    description:
      - Name of the server's Deployment or DaemonSet. Its replicas are the pods of the current
        generation that are not terminating, and all of them have to be there.
      - One of O(name) and O(label_selector) is required.
    type: str
  label_selector:
    description: Asks the pods with these labels instead, whatever made them.
    type: str
  replicas:
    description:
      - How many replicas there must be.
      - Without it, the number that O(name) asks for; with O(label_selector) the number of
        pods found, at least one.
    type: int
  rest_port:
    description:
      - The server's REST port inside its pods.
      - Without it, that of the arguments of the workload O(name), else 8081.
    type: int
  timeout:
    description: Longest silence while an answer is awaited, in seconds.
    type: int
    default: 60
"""
