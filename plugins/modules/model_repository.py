#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: model_repository
short_description: Copy a model repository to a Kubernetes cluster
version_added: 0.1.0
description:
  - Puts the models of a local directory onto a volume (O(pvc)) or into a directory on nodes
    (O(host_path)), where OpenVINO Model Server (OVMS) reads them.
  - A version becomes visible to servers with one rename, complete, hashed on the target and flushed
    to the disk. Before that it lies in a directory that no server sees.
  - Files that are there already are not sent again.
  - A published version is never changed. The same version with other bytes is an error.
  - Refuses, before the cluster is asked for anything, a repository that a server would misread, for
    example version directories such as C(002), C(2.tmp) or C(v1), C(.xml) without C(.bin), two
    models in one version, and links that leave the repository. Hidden files, and files beside the
    model and version directories, are not copied.
  - Refuses, before the first byte is sent, missing rights, a missing or unbound claim, missing
    nodes, too little space, and a namespace that forbids the helper pod.
  - The store is reached by a short-lived helper pod, whose image has to be available on the
    cluster. It ends itself when the controller is gone, and leaves nothing behind.
options:
  src:
    description:
      - Local directory with C(<model>/<version>/<files>), on the machine where the task runs.
      - Required if O(state=present).
    type: path
  models:
    description:
      - What to copy, or with O(state=absent) to remove. An empty list copies everything in
        O(src). Required if O(state=absent).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the model.
        type: str
        required: true
      versions:
        description: Versions of the model. Without them all of them.
        type: list
        elements: int
        default: []
  state:
    description:
      - With V(absent), the versions in O(models) are removed.
    type: str
    choices: [present, absent]
    default: present
  force:
    description:
      - With O(state=absent), also removes versions that the configuration of a server of
        M(openvino.edge.model_server) in O(namespace) names.
    type: bool
    default: false
  uid:
    description:
      - Owner of the published files. They are readable for all users, whatever the umask and the
        modes on the controller.
      - The helper pod of a claim runs as this user.
    type: int
    default: 5000
  gid:
    description: Group that belongs to O(uid), and C(fsGroup) of the helper pod of a claim.
    type: int
    default: 5000
  tolerations:
    description: Taints that the helper pods tolerate.
    type: list
    elements: dict
    default: []
    suboptions:
      key:
        description: Key of the taint. Without it all keys, if O(tolerations[].operator=Exists).
        type: str
      operator:
        description: Whether the value must be equal, or only the key exist.
        type: str
        choices: [Equal, Exists]
        default: Equal
      value:
        description: Value of the taint.
        type: str
      effect:
        description: Effect of the taint. Without it all effects.
        type: str
        choices: [NoSchedule, PreferNoSchedule, NoExecute]
  wait_timeout:
    description: How long a helper pod may take to run, in seconds.
    type: int
    default: 120
  parallel:
    description: Number of nodes that are worked on at the same time.
    type: int
    default: 4
attributes:
  check_mode:
    description:
      - Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
    details:
      - Starts a helper pod that mounts the store read-only, as only the store knows what it holds.
        None is started for a claim that has no volume yet.
  diff_mode:
    description:
      - Will return details on what has changed (or possibly needs changing in C(check_mode)), when
        in diff mode.
    support: full
    details:
      - Lists versions, files and sizes for each target.
seealso:
  - module: openvino.edge.model_repository_info
  - module: openvino.edge.model_server
extends_documentation_fragment:
  - openvino.edge.auth
  - openvino.edge.store
  - openvino.edge.attributes
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
- name: Copy all models to a volume
  openvino.edge.model_repository:
    kubeconfig: ~/.kube/shop
    namespace: edge
    src: /srv/models
    pvc:
      claim_name: models

- name: Copy one version to a directory on two nodes
  openvino.edge.model_repository:
    namespace: edge
    src: /srv/models
    models:
      - name: detection
        versions: [2]
    host_path:
      path: /var/lib/openvino-edge/models
      nodes: [factory-1, factory-2]

- name: Copy where no Python image can be had
  openvino.edge.model_repository:
    namespace: edge
    src: /srv/models
    pvc:
      claim_name: models
    transport: exec
    exec_image: registry.example.com/openvino/model_server:2026.2.1

- name: Remove a version that no server needs any more
  openvino.edge.model_repository:
    namespace: edge
    state: absent
    models:
      - name: detection
        versions: [1]
    pvc:
      claim_name: models
"""

RETURN = r"""
bytes_total:
  description: Size of the chosen models, times the number of targets.
  returned: success
  type: int
bytes_planned:
  description: Bytes of files that have to be sent; in check mode, that would be.
  returned: success
  type: int
bytes_sent:
  description: Bytes of files that were sent. V(0) in check mode.
  returned: success
  type: int
bytes_reused:
  description: Bytes of files that were there already.
  returned: success
  type: int
files_sent:
  description: Number of files that were sent.
  returned: success
  type: int
seconds:
  description: How long it took.
  returned: success
  type: float
transport:
  description:
    - The way that was taken, V(agent) or V(exec). Both, if nodes differ.
    - V(none) in check mode for a store that does not exist yet.
  returned: success
  type: str
  sample: agent
models:
  description:
    - Digest of each chosen version, by model and version.
    - It is the sha256 over the names, sizes and sha256 of its files.
  returned: success
  type: dict
  sample:
    detection:
      "1": sha256:3d75413ade030a0211cb7654805229b7fd711d2414f9733e5026e6a06a46a87f
targets:
  description: What was done, or in check mode would be, on the claim or on each node.
  returned: success
  type: list
  elements: dict
  contains:
    target:
      description: The store.
      type: str
    node:
      description: The node; null for a claim.
      type: str
    transport:
      description: The way that was taken.
      type: str
    versions_published:
      description: Versions that were sent.
      type: list
      elements: str
      sample: [detection/1]
    versions_kept:
      description: Versions that were there already.
      type: list
      elements: str
    versions_removed:
      description: Versions that were removed.
      type: list
      elements: str
    bytes_planned:
      description: Bytes of files that have to be sent.
      type: int
    bytes_sent:
      description: Bytes of files that were sent.
      type: int
    bytes_reused:
      description: Bytes of files that were there already.
      type: int
    files_sent:
      description: Number of files that were sent.
      type: int
    free_bytes:
      description: Free space before anything was sent; null for a store that does not exist yet.
      type: int
error:
  description: The parts of the error message, for programs.
  returned: failure
  type: dict
  contains:
    kind:
      description: Class of the error, for example V(input), V(forbidden), V(busy), V(transfer).
      type: str
    message:
      description: What is wrong.
      type: str
    option:
      description: The option that has to change, if one has.
      type: str
    subject:
      description: The path, object or store it is about.
      type: str
    hint:
      description: The way out.
      type: str
    details:
      description: More, for example all findings in a repository, or what was published before.
      type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.openvino.edge.plugins.module_utils.entry import run_module
from ansible_collections.openvino.edge.plugins.module_utils.repository.entry import (
    ARGUMENT_SPEC,
    SPEC_RULES,
    run,
)


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **SPEC_RULES)
    run_module(module, run)


if __name__ == "__main__":
    main()
