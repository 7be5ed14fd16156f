# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options for the store of a model repository and the way to it."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of C(store.py), and those of the helper pod in C(repository/options.py)."""

    DOCUMENTATION = r"""
options:
  namespace:
    description: Namespace of the claim, and of the helper pods.
    type: str
    required: true
  pvc:
    description:
      - The store is a volume behind a PersistentVolumeClaim.
      - Excludes O(host_path). One of both is required.
    type: dict
    suboptions:
      claim_name:
        description: Name of the claim. It must exist, and be bound or wait for its first pod.
        type: str
        required: true
      sub_path:
        description: Directory in the volume that is the root of the store.
        type: str
        default: ""
  host_path:
    description:
      - The store is one directory on each chosen node.
      - The namespace has to admit it (Pod Security level V(privileged)), as the helper pod is root
        with the capabilities C(CHOWN), C(DAC_OVERRIDE) and C(FOWNER).
      - Without O(host_path.nodes) and O(host_path.node_selector), every node that takes pods is
        meant.
    type: dict
    suboptions:
      path:
        description: Absolute path on the nodes, the root of the store.
        type: str
        required: true
      node_selector:
        description: Labels of the nodes.
        type: dict
        default: {}
      nodes:
        description: Names of the nodes.
        type: list
        elements: str
        default: []
  transport:
    description:
      - How files and answers go between the controller and the store.
      - With V(agent) a helper pod runs a small Python program, and bytes go to it as HTTP through
        the API server's pod proxy. It is the fastest way.
      - With V(exec) a helper pod of O(exec_image) is used through C(pods/exec). It needs bash and
        coreutils only, which the image of OVMS has.
      - V(auto) is V(agent), and V(exec) where that can help, with a warning. That is when
        O(agent_image) cannot be had, when the API server cannot reach pods, and when the account
        lacks the rights for the pod proxy.
    type: str
    choices: [auto, agent, exec]
    default: auto
  agent_image:
    description: Image with Python 3.8 or newer, for O(transport=agent).
    type: str
    default: docker.io/library/python:3.12-slim
  exec_image:
    description: Image with bash and coreutils, for O(transport=exec).
    type: str
    default: docker.io/openvino/model_server:2026.2.1
  image_pull_policy:
    description: When images are pulled.
    type: str
    choices: [IfNotPresent, Always, Never]
    default: IfNotPresent
  image_pull_secrets:
    description: Names of existing Secrets with logins for registries.
    type: list
    elements: str
    default: []
"""
