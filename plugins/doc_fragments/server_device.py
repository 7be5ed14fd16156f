# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices of a model server."""

from __future__ import annotations


class ModuleDocFragment:
    """The option C(device)."""

    DOCUMENTATION = r"""
options:
  device:
    description:
      - A GPU or NPU of the node for each pod. Without it the pods get none, and a model whose
        C(target_device) is one is refused, unless O(resources) asks for it.
      - The devices have to be offered by a device plugin, see the role
        C(openvino.edge.device_plugins), or by a DRA driver for O(device.claim).
      - With it the image has to be a variant with drivers. If O(image) is its default, the variant
        with the suffix C(-gpu) is taken.
      - During a change no pod more than wanted is started, since the old pods hold the devices.
    type: dict
    suboptions:
      resource:
        description:
          - Name of the resource, for example V(gpu.intel.com/i915), V(gpu.intel.com/xe) or
            V(npu.intel.com/accel).
          - With V(auto), what the C(target_device) of the models needs and the nodes offer. The
            account then has to be able to list nodes.
        type: str
        default: auto
      claim:
        description:
          - Gives each pod devices by a claim of its own (dynamic resource allocation), in the place
            of O(device.resource). Needs Kubernetes 1.34 or later and a DRA driver.
          - Another claim is another template, so pods are replaced.
        type: dict
        suboptions:
          device_class_name:
            description: DeviceClass, for example V(gpu.intel.com). A template is made for it.
            type: str
          selectors:
            description: CEL expressions that a device has to meet as well.
            type: list
            elements: str
          template_name:
            description: Name of an existing ResourceClaimTemplate in the namespace.
            type: str
      count:
        description: How many of it each pod gets.
        type: int
        default: 1
      group:
        description:
          - Id of the group that owns the device's files on the nodes. It becomes one of the
            O(supplemental_groups). On a node, C(stat -c %g /dev/dri/renderD128) tells it.
          - Without it the server has the groups of its image, among them V(44), and can only open
            a device whose files belong to one of these or are open to all.
        type: int
"""
