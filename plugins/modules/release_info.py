#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_info
short_description: List, show and compare the releases of a model server
version_added: 0.1.0
description:
  - Returns the releases that M(openvino.edge.model_server) has recorded on the cluster, what each
    one served, when and by what it was made, and whether the gate has passed.
  - Reads what is recorded. M(openvino.edge.model_status) asks the servers themselves.
options:
  namespace:
    description: Namespace of the server.
    type: str
    required: true
  name:
    description: Name of the server.
    type: str
    required: true
  number:
    description: Number of a release of which all is returned that its record holds.
    type: int
  compare:
    description: Numbers of two releases whose options are compared, the older one first.
    type: list
    elements: int
seealso:
  - module: openvino.edge.release
  - module: openvino.edge.model_server
extends_documentation_fragment:
  - openvino.edge.auth
  - openvino.edge.attributes
  - openvino.edge.attributes.read_only
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
- name: See what was released
  openvino.edge.release_info:
    namespace: edge
    name: ocr
  register: found

- name: Show it as a table
  ansible.builtin.debug:
    msg: "{{ found.releases | openvino.edge.status_table(columns) }}"
  vars:
    columns: [number, when, verdict, run, reason]

- name: See what differs between two releases
  openvino.edge.release_info:
    namespace: edge
    name: ocr
    compare: [5, 6]

- name: See all of one release
  openvino.edge.release_info:
    namespace: edge
    name: ocr
    number: 5
"""

RETURN = r"""
releases:
  description: One entry per release, newest first.
  returned: success
  type: list
  elements: dict
  contains:
    number:
      description: Number of the release.
      type: int
    server:
      description: Name of the server.
      type: str
    when:
      description: When its record was written, by the clock of the API server.
      type: str
    run:
      description: What made it, the option O(openvino.edge.model_server#module:release_run).
      type: str
    verdict:
      description:
        - V(good) if every replica served every wanted version and no other, V(failed) if one could
          not, V(unknown) if nobody has waited for that or could ask.
      type: str
    reason:
      description: Why it is not V(good), in one line.
      type: str
    restores:
      description: Number of the release that was put back with it; else null.
      type: int
    image:
      description: Image of OVMS.
      type: str
    models:
      description: What was to be served.
      type: list
      elements: dict
      contains:
        name:
          description: Name of the model.
          type: str
        directory:
          description: Its directory on the store.
          type: str
        versions:
          description: Pinned versions; empty if the server chooses.
          type: list
          elements: int
        digests:
          description:
            - Digests of the manifests by version, as far as the record of the store knows them.
          type: dict
  sample:
    - number: 2
      server: ocr
      when: "2026-11-30T03:14:07Z"
      run: "job 4711"
      verdict: failed
      reason: detection 2 cannot be loaded
      restores: null
      image: docker.io/openvino/model_server:2026.3.1
      models: [{name: detection, directory: detection, versions: [2], digests: {}}]
    - number: 1
      server: ocr
      when: "2026-11-29T20:51:33Z"
      run: "job 4702"
      verdict: good
      reason: ""
      restores: null
      image: docker.io/openvino/model_server:2026.3.1
      models: [{name: detection, directory: detection, versions: [1], digests: {}}]
last_good:
  description:
    - Number of the release that M(openvino.edge.release) would go back to; null without one.
  returned: success
  type: int
  sample: 1
release:
  description:
    - All that the record of the release O(number) holds; null without O(number).
    - It has what an entry of RV(releases) has, and C(digest), C(store), C(options), C(withheld)
      (the options that were left out since they hold a secret) and C(own_config).
  returned: success
  type: dict
differences:
  description: What the options of two releases differ in; a value that is not there is null.
  returned: O(compare) is given
  type: list
  elements: dict
  contains:
    path:
      description: The option.
      type: str
    before:
      description: Its value in the first release.
      type: raw
    after:
      description: Its value in the second release.
      type: raw
  sample:
    - {path: "models[detection].versions", before: [1], after: [2]}
"""


from ..module_utils.entry import EdgeModule, run_module
from ..module_utils.rollout.info import ARGUMENT_SPEC, SPEC_RULES, run


def main() -> None:
    module = EdgeModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **SPEC_RULES)
    run_module(module, run)


if __name__ == "__main__":
    main()
