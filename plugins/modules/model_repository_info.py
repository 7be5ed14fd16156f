#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: model_repository_info
short_description: List the models on a volume or on nodes of a Kubernetes cluster
version_added: 0.1.0
description:
  - Returns the models and versions that lie on a volume (O(pvc)) or in a directory on nodes
    (O(host_path)), with their files, and whether they are as they were published.
  - Finds missing, extra and changed files, wrong owners and modes, lost records, and versions that
    one node lacks, for example because it joined later. M(openvino.edge.model_repository) with
    O(openvino.edge.model_repository#module:repair=true) restores exactly these files, and copies
    what a node lacks.
  - Starts a helper pod that mounts the store read-only. Changes nothing.
options:
  verify:
    description:
      - Reads and hashes every byte on the target, and compares it with what was published.
      - Without it the record of publishing is believed as long as size, modification time and inode
        of each file are what they were.
    type: bool
    default: false
  src:
    description:
      - A local model repository to compare with, as in M(openvino.edge.model_repository).
      - What it holds is expected on each target, with these files. Without it the record of
        publishing on the store tells what is expected, and versions on any node are expected on
        all.
    type: path
  models:
    description:
      - What to list. An empty list is everything.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the model. V(ORG/MODEL) is C(ORG--MODEL) on the store.
        type: str
        required: true
      path:
        description:
          - Directory of the model in O(src), where that is not C(name), for example
            V(intel/detection/FP16-INT8).
        type: str
      versions:
        description: Versions of the model. Without them all of them.
        type: list
        elements: int
        default: []
  uid:
    description:
      - User of the helper pod.
      - The helper pod of a claim runs as this user.
      - Without it C(5000), on a claim on OpenShift the first user of the namespace's range.
    type: int
  gid:
    description:
      - Group that belongs to O(uid), and C(fsGroup) of the helper pod of a claim.
      - Without it C(5000), and on a claim on OpenShift what the namespace gives.
    type: int
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
seealso:
  - module: openvino.edge.model_repository
extends_documentation_fragment:
  - openvino.edge.auth
  - openvino.edge.store
  - openvino.edge.attributes
  - openvino.edge.attributes.read_only
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
- name: Read every byte of all models on the nodes
  openvino.edge.model_repository_info:
    namespace: edge
    host_path:
      path: /var/lib/openvino-edge/models
    verify: true
  register: found

- name: Show what is wrong
  ansible.builtin.debug:
    msg: >-
      {{ found.findings | openvino.edge.status_table(
         ['target', 'model', 'version', 'path', 'finding', 'detail']) }}
  when: not found.sound

- name: Stop if something is damaged
  ansible.builtin.assert:
    that: found.sound
"""

RETURN = r"""
carrier:
  description: By what pods were asked, V(proxy), V(portforward) or both. Empty where none was.
  returned: success
  type: str
sound:
  description: Whether nothing was found on any target.
  returned: success
  type: bool
summary:
  description: One line for each target, for people.
  returned: success
  type: list
  elements: str
  sample:
    - "factory-1: 2 versions, 4 files, 3.0 MiB: sound"
    - "factory-2: 2 versions, 3 files, 2.9 MiB: 1 missing, 1 wrong mode"
findings:
  description:
    - All that is wrong, as rows for P(openvino.edge.status_table#filter). C(finding) is one of
      V(missing), V(extra), V(changed), V(wrong_owner), V(wrong_mode), V(unreadable), V(touched),
      V(record_missing), V(record_unreadable), V(version_missing) and V(version_differs).
  returned: success
  type: list
  elements: dict
  sample:
    - target: factory-2
      model: detection
      version: 1
      path: model.xml
      finding: missing
      detail: ""
targets:
  description: The claim, or each node.
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
    exists:
      description: Whether the store exists. A directory that is missing on a node is not made.
      type: bool
    free_bytes:
      description: Free space; null if the store does not exist.
      type: int
    total_bytes:
      description: Size of the file system; null if the store does not exist.
      type: int
    strays:
      description:
        - Names below C(models/) that are no model or version. OVMS takes some of them for versions,
          for example C(2.tmp) for 2.
      type: list
      elements: str
    versions_missing:
      description: Versions that O(src) or another node has.
      type: list
      elements: str
    versions_differing:
      description: Versions that were published with other content on another node.
      type: list
      elements: str
    versions_extra:
      description: Versions that O(src) does not have; that is no problem.
      type: list
      elements: str
    sound:
      description: Whether nothing was found.
      type: bool
    versions:
      description: The versions, by model and number.
      type: list
      elements: dict
      contains:
        model:
          description: Name of the model.
          type: str
        version:
          description: Its version.
          type: int
        digest:
          description:
            - Digest of the files, as M(openvino.edge.model_repository) returns it. Empty if the
              files were not read and no record fits them.
          type: str
        checked:
          description:
            - How the content is known. V(hash) if every byte was read, V(stamps) if the record of
              publishing was believed, V(none) if it is not known.
          type: str
        bytes:
          description: Size of all files.
          type: int
        files:
          description: The files with path and size, and if known sha256.
          type: list
          elements: dict
        record:
          description:
            - The record of publishing. V(fits) if no file was written since, V(touched) if one was,
              V(missing) or V(unreadable).
          type: str
        missing:
          description: Paths of files that are not there.
          type: list
          elements: str
        extra:
          description: Paths of files that were not published.
          type: list
          elements: str
        changed:
          description:
            - Paths of files with another size, or with O(verify) other bytes, or that cannot be
              read.
          type: list
          elements: str
        wrong_owner:
          description: Files and directories with another owner than when they were published.
          type: list
          elements: dict
          sample:
            - path: model.bin
              fault: owner 0:0 instead of 5000:5000
        wrong_mode:
          description:
            - Files and directories with another mode; C(.) is the version's own directory, C(..)
              the model's.
          type: list
          elements: dict
          sample:
            - path: model.bin
              fault: mode 0600 instead of 0644
        sound:
          description: Whether nothing is wrong with it.
          type: bool
        problems:
          description: What is wrong, in words.
          type: list
          elements: str
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


from ..module_utils.entry import EdgeModule, run_module
from ..module_utils.repository.info import ARGUMENT_SPEC, SPEC_RULES, run


def main() -> None:
    module = EdgeModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **SPEC_RULES)
    run_module(module, run)


if __name__ == "__main__":
    main()
