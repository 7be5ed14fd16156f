#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: device_info
short_description: Tell which GPUs and NPUs the nodes of a cluster offer to pods
version_added: 0.1.0
description:
  - Tells for each node how many devices its kubelet offers, how many of them pods hold, and which
    labels tell of devices.
  - Can wait until the nodes really offer them, and says for each node that does not what is
    missing.
  - Changes nothing.
options:
  resources:
    description:
      - Names of the resources, as device plugins register them.
      - To wait, one of them is enough on a node.
    type: list
    elements: str
    default: [gpu.intel.com/i915, gpu.intel.com/xe, npu.intel.com/accel]
  node_selector:
    description: Labels of the nodes to look at. Without them, all nodes.
    type: dict
    default: {}
  nodes:
    description: Names of the nodes to look at. Without them, all nodes.
    type: list
    elements: str
    default: []
  count:
    description: How many healthy devices each of these nodes must offer, with O(wait).
    type: int
    default: 1
  plugin:
    description:
      - The pods of the device plugin. With them, waiting ends as soon as one of them cannot run,
        and the error says why.
    type: dict
    suboptions:
      namespace:
        description: Their namespace.
        type: str
        required: true
      labels:
        description: Their labels.
        type: dict
        required: true
  wait:
    description:
      - Waits until there is a chosen node, and each of them offers O(count) devices. Fails if they
        do not.
    type: bool
    default: false
  wait_timeout:
    description: How long to wait, in seconds.
    type: int
    default: 120
seealso:
  - module: openvino.edge.model_server
extends_documentation_fragment:
  - openvino.edge.auth
  - openvino.edge.attributes
  - openvino.edge.attributes.read_only
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
- name: See which devices there are, and who has them
  openvino.edge.device_info:
    context: factory
  register: devices

- name: Wait until two nodes offer a GPU of either driver
  openvino.edge.device_info:
    context: factory
    resources: [gpu.intel.com/i915, gpu.intel.com/xe]
    nodes: [factory-1, factory-2]
    wait: true
"""

RETURN = r"""
nodes:
  description: The nodes, by name. A failed wait has them in C(error.details.nodes).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the node.
      type: str
      returned: always
    ready:
      description: Whether the node is ready.
      type: bool
      returned: always
    schedulable:
      description: Whether new pods may be placed on it.
      type: bool
      returned: always
    labels:
      description: Labels that tell of Intel's devices.
      type: dict
      returned: always
    resources:
      description:
        - By name of the resource, for those that the kubelet knows, C(capacity) is all devices,
          C(allocatable) the healthy ones, C(allocated) those that pods hold, and C(free) those that
          a new pod could get. The last two are null if the account may not list pods.
      type: dict
      returned: always
    holders:
      description: The pods that hold devices.
      type: list
      elements: dict
      returned: always
  sample:
    - name: factory-1
      ready: true
      schedulable: true
      labels: {intel.feature.node.kubernetes.io/gpu: "true"}
      resources:
        gpu.intel.com/i915: {capacity: 2, allocatable: 2, allocated: 1, free: 1}
      holders:
        - {namespace: edge, pod: ocr-5b9c, resource: gpu.intel.com/i915, count: 1}
offered:
  description: How many healthy devices the nodes offer together, by name of the resource.
  returned: success
  type: dict
  sample: {gpu.intel.com/i915: 2, gpu.intel.com/xe: 0, npu.intel.com/accel: 0}
seconds:
  description: How long it took.
  returned: success
  type: float
error:
  description: Why it failed, for programs.
  returned: failure
  type: dict
"""


from ..module_utils.devices.entry import ARGUMENT_SPEC, SPEC_RULES, run
from ..module_utils.entry import EdgeModule, run_module


def main() -> None:
    """Run as a module."""
    module = EdgeModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **SPEC_RULES)
    run_module(module, run)


if __name__ == "__main__":
    main()
