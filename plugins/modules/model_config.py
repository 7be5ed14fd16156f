#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: model_config
short_description: Render or lint a configuration of OpenVINO Model Server
version_added: 0.2.0
description:
  - Renders the C(config.json) that M(openvino.edge.model_server) would make of the same options,
    or takes one that is there, and tells what OpenVINO Model Server (OVMS) would refuse or be
    harmed by.
  - Needs no cluster.
  - An option that cannot be fails the task. Findings in a configuration do not, unless it is to be
    written to O(dest).
options:
  config:
    description: A configuration to lint.
    type: dict
  src:
    description:
      - A file with a configuration to lint.
      - Excludes O(models) and O(config). One of the three is required.
    type: path
  image:
    description: Image of OVMS, from whose tag the release is read. O(ovms_version) goes first.
    type: str
  config_dir:
    description:
      - Directory of the file as the server sees it, for example V(/config) for a ConfigMap that
        O(openvino.edge.model_server#module:config_map) names, or V(/models/ocr) for a file on the
        store.
      - With it findings tell where relative paths lead, and which paths are not in the store, which
        the server sees as C(/models).
    type: str
  extra_args:
    description: Arguments that the server gets beside the file. Metrics must not be set in both.
    type: list
    elements: str
    default: []
  dest:
    description:
      - File to write the configuration to, in the collection's spelling, if it has no errors.
      - Without it nothing is written.
    type: path
attributes:
  check_mode:
    description:
      - Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description:
      - Will return details on what has changed (or possibly needs changing in C(check_mode)), when
        in diff mode.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
  async:
    description: Supports being used with the C(async) keyword.
    support: partial
    details:
      - Not where the connection is local. There it runs inside the Ansible worker.
seealso:
  - module: openvino.edge.model_server
extends_documentation_fragment:
  - openvino.edge.server_config
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
- name: Would the server take these models?
  openvino.edge.model_config:
    ovms_version: "2026.3"
    models:
      - name: detection
        versions: [1]
        plugin_config:
          NUM_STREAMS: 2
  register: rendered
  failed_when: not rendered.valid

- name: Lint the configuration of an old server before it moves to a ConfigMap
  openvino.edge.model_config:
    src: /opt/ml/config.json
    config_dir: /config
    image: docker.io/openvino/model_server:2026.3.1
  register: linted

- name: Serve from a claim what that configuration says
  openvino.edge.model_server:
    namespace: edge
    name: ocr
    pvc:
      claim_name: models
    models: "{{ linted.options.models }}"
    custom_node_libraries: "{{ linted.options.custom_node_libraries | default(omit) }}"
    pipelines: "{{ linted.options.pipelines | default(omit) }}"

- name: Show what is wrong
  ansible.builtin.debug:
    msg: "{{ linted.findings }}"

- name: Write the configuration beside the models
  openvino.edge.model_config:
    models:
      - name: detection
        versions: [1]
    dest: ./models/config.json
"""

RETURN = r"""
config:
  description: The configuration.
  returned: success
  type: dict
valid:
  description: Whether there is no error among the findings.
  returned: success
  type: bool
findings:
  description: What is wrong or worth to know, errors first.
  returned: success
  type: list
  elements: dict
  contains:
    level:
      description: >-
        V(error) for what the server would refuse or be harmed by, V(warning) for what is not sure
        or has no effect, V(note) for what the server makes of it.
      type: str
    path:
      description: Where it is, a JSON pointer.
      type: str
    message:
      description: What it is.
      type: str
    hint:
      description: The way out, or what would come of it.
      type: str
  sample:
    - level: error
      path: /model_config_list/0/config/plugin_config/NUM_STREMS
      message: NUM_STREMS is not a key of CPU
      hint: Did you mean NUM_STREAMS?
options:
  description:
    - The options of M(openvino.edge.model_server) that serve the same from a store, where the
      paths of models and libraries are the server's own. M(openvino.edge.model_server) takes them
      as they are.
    - Different paths are different directories. It is the last directory of the path, or as many
      of the last ones as tell the paths apart, for example C(shelf-FP16-INT8).
    - With O(src) an entry is a graph if C(graph.pbtxt) is in its directory, as the server itself
      finds out from OVMS 2025.1 on. With O(config) only C(graph_path) tells.
    - A library beside or below the models is a part of the store, any other one of the image.
  returned: if O(src) or O(config) is given, and there is no error
  type: dict
  sample:
    models:
      - name: detection
        directory: east_fp32
        version_policy: {latest: 1}
    custom_node_libraries:
      - name: cutter
        base_path: lib/1/libcutter.so
left_out:
  description: What no option says, and why.
  returned: if RV(options) is
  type: list
  elements: str
notes:
  description: What has to be done to the files, for example a directory that is copied too.
  returned: if RV(options) is
  type: list
  elements: str
release:
  description: Release of OVMS that the findings are for; null if it is not known.
  returned: success
  type: str
  sample: "2026.3"
dest:
  description: The file.
  returned: if O(dest) is given
  type: str
error:
  description: The parts of the error message, for programs.
  returned: failure
  type: dict
  contains:
    kind:
      description: Class of the error.
      type: str
    message:
      description: What is wrong.
      type: str
    option:
      description: The option that has to change, if one has.
      type: str
    hint:
      description: The way out.
      type: str
    details:
      description: More, among it all findings in C(findings).
      type: dict
"""


from ..module_utils.entry import EdgeModule, run_module
from ..module_utils.server.config_entry import ARGUMENT_SPEC, SPEC_RULES, run


def main() -> None:
    module = EdgeModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **SPEC_RULES)
    run_module(module, run)


if __name__ == "__main__":
    main()
