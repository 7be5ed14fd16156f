#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_info
short_description: Check that a cluster is ready for models and a model server
version_added: 0.1.0
description:
  - Checks that the API server answers and knows the account, that the account has every right
    that M(openvino.edge.model_repository), M(openvino.edge.model_server) and
    M(openvino.edge.model_status) use, that the namespace is there and admits what the store
    needs, and that the store is there. For a PVC that is a claim that is bound or will be, and
    that can be written; for host paths, nodes that are ready; for a bucket, options that a server
    can use and a Secret that has its keys; for an image, nodes that can mount it.
  - Looks whether a quota of the namespace would keep the helper pods of a copy out.
  - Fails with one error that names everything that is missing, and changes nothing.
  - What the account may not look at is noted, not failed, unless the job needs it.
options:
  namespace:
    description: Namespace of the model server and its store.
    type: str
    required: true
  name:
    description: Name of the model server.
    type: str
    default: ovms
  create_namespace:
    description: The namespace need not be there, since M(openvino.edge.model_server) creates it.
    type: bool
    default: false
  images:
    description:
      - Images that the job uses. Nodes that would have to pull them are noted.
    type: list
    elements: str
    default: []
  helper_resources:
    description:
      - O(openvino.edge.model_repository#module:helper_resources) of the copy, to see whether the
        quotas of the namespace admit its helper pods.
    type: dict
    default: {}
    suboptions:
      requests:
        description: By resource.
        type: dict
        default: {}
      limits:
        description: By resource.
        type: dict
        default: {}
seealso:
  - module: openvino.edge.model_repository
  - module: openvino.edge.model_server
extends_documentation_fragment:
  - openvino.edge.auth
  - openvino.edge.server_sources
  - openvino.edge.planned
  - openvino.edge.attributes
  - openvino.edge.attributes.read_only
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
- name: Check before a maintenance window
  openvino.edge.preflight_info:
    context: factory
    namespace: edge
    host_path:
      path: /var/lib/openvino-edge/models
      nodes: [factory-1, factory-2]
    images:
      - docker.io/openvino/model_server:2026.3.1

- name: Check for a server that reads a bucket itself
  openvino.edge.preflight_info:
    context: factory
    namespace: edge
    cloud:
      s3:
        uri: s3://models/ocr
        endpoint: http://minio.storage.svc:9000
        secret_name: s3-login
"""

RETURN = r"""
server:
  description: URL of the API server.
  returned: success
  type: str
  sample: https://factory.example.com:6443
version:
  description: Version of Kubernetes.
  returned: success
  type: str
  sample: v1.36.3
findings:
  description: What was found; with C(level=problem) only inside C(error.details) of a failed task.
  returned: success
  type: list
  elements: dict
  contains:
    check:
      description: V(version), V(rights), V(namespace), V(store), V(nodes) or V(images).
      type: str
      returned: always
    level:
      description: V(ok), V(note) or V(problem).
      type: str
      returned: always
    message:
      description: What was found.
      type: str
      returned: always
    hint:
      description: What to do about it.
      type: str
      returned: if there is something to do
  sample:
    - check: rights
      level: ok
      message: all 31 rights are there
planned_objects:
  description:
    - The namespace and the claim that are not there yet and that others make before the server is
      deployed. In check mode that is O(planned_objects), and in any mode the claim that
      M(openvino.edge.model_repository) makes with O(pvc.local).
    - For O(openvino.edge.model_repository#module:planned_objects) and
      O(openvino.edge.model_server#module:planned_objects).
  returned: success
  type: list
  elements: dict
  sample:
    - apiVersion: v1
      kind: Namespace
      metadata:
        name: edge
seconds:
  description: Time spent, in seconds.
  returned: success
  type: float
  sample: 0.2
error:
  description:
    - Why it failed, for programs. C(error.details.findings) holds all findings.
  returned: failure
  type: dict
"""


from ..module_utils.entry import EdgeModule, run_module
from ..module_utils.preflight.entry import ARGUMENT_SPEC, SPEC_RULES, run


def main() -> None:
    """Run as a module."""
    module = EdgeModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **SPEC_RULES)
    run_module(module, run)


if __name__ == "__main__":
    main()
