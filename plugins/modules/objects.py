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
  force:
    description:
      - With O(state=absent), deletes a C(Namespace) or a C(PersistentVolumeClaim) whoever made it
        and whatever it holds.
      - Without it, either is deleted only if this collection has created it, which is noted on the
        object at that time and never later, and if nothing of others is left in it. A namespace
        must be empty but for what every namespace is given, roles with their bindings, and what
        else is in O(definitions); a claim must not be used by a pod.
    type: bool
    default: false
  keep_foreign:
    description:
      - With O(state=absent), leaves a C(Namespace) or a C(PersistentVolumeClaim) that must not go,
        and warns with the reason. Without it, that is an error before anything is deleted.
    type: bool
    default: false
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

- name: Make a namespace, and in check mode tell later tasks that it would be there
  openvino.edge.objects:
    context: shop
    definitions:
      - apiVersion: v1
        kind: Namespace
        metadata:
          name: edge
  register: made

- name: Check the namespace that was made, or would be
  openvino.edge.preflight_info:
    context: shop
    namespace: edge
    cloud:
      s3:
        uri: s3://models/ocr
        endpoint: http://minio.storage.svc:9000
    planned_objects: "{{ made.planned_objects | default(omit) }}"

- name: Take it away again, unless others have put something there
  openvino.edge.objects:
    context: factory
    state: absent
    keep_foreign: true
    definitions:
      - apiVersion: v1
        kind: Namespace
        metadata:
          name: edge
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
planned_objects:
  description:
    - Namespaces and claims that would be created, for
      O(openvino.edge.model_repository#module:planned_objects) and the like of later tasks.
  returned: in check mode
  type: list
  elements: dict
  sample:
    - apiVersion: v1
      kind: Namespace
      metadata:
        name: edge
error:
  description: Why it failed, for programs.
  returned: failure
  type: dict
"""


from ..module_utils.entry import EdgeModule, run_module
from ..module_utils.objects.entry import ARGUMENT_SPEC, SPEC_RULES, run


def main() -> None:
    """Run as a module."""
    module = EdgeModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **SPEC_RULES)
    run_module(module, run)


if __name__ == "__main__":
    main()
