#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: objects
short_description: Apply or delete a few Kubernetes objects
version_added: 0.1.0
description:
  - Applies objects by server-side apply with the field manager C(openvino.edge), or deletes them.
  - For what an administrator prepares before the other modules run, such as a namespace, a claim
    or role bindings, without another collection. For anything else use C(kubernetes.core.k8s).
options:
  definitions:
    description:
      - The objects, each with C(apiVersion), C(kind) and C(metadata.name).
      - Applied in this order, deleted from the last to the first.
    type: list
    elements: dict
    required: true
  state:
    description: Whether the objects should be there.
    type: str
    choices: [present, absent]
    default: present
  wait:
    description: With O(state=absent), waits until the objects are gone.
    type: bool
    default: true
  wait_timeout:
    description: How long to wait, in seconds.
    type: int
    default: 120
seealso:
  - module: openvino.edge.preflight_info
extends_documentation_fragment:
  - openvino.edge.auth
  - openvino.edge.attributes
  - openvino.edge.attributes.changes
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
- name: Make a namespace that admits host paths
  openvino.edge.objects:
    context: factory
    definitions:
      - apiVersion: v1
        kind: Namespace
        metadata:
          name: edge
          labels:
            pod-security.kubernetes.io/enforce: privileged
"""

RETURN = r"""
objects:
  description: What was done, one item per object.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: Kind of the object.
      type: str
      returned: always
    name:
      description: Its name.
      type: str
      returned: always
    namespace:
      description: Its namespace; null for an object of the cluster.
      type: str
      returned: always
    action:
      description: V(created), V(updated), V(deleted) or V(unchanged).
      type: str
      returned: always
  sample:
    - kind: Namespace
      name: edge
      namespace: null
      action: created
error:
  description: Why it failed, for programs.
  returned: failure
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.openvino.edge.plugins.module_utils.entry import run_module
from ansible_collections.openvino.edge.plugins.module_utils.objects.entry import (
    ARGUMENT_SPEC,
    SPEC_RULES,
    run,
)


def main() -> None:
    """Run as a module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **SPEC_RULES)
    run_module(module, run)


if __name__ == "__main__":
    main()
