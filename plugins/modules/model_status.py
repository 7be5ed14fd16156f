#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: model_status
short_description: Prove that every replica of a model server serves the wanted versions
version_added: 0.1.0
description:
  - Asks each replica of OpenVINO Model Server (OVMS) itself, through the API server's pod proxy,
    which model versions it serves, and waits until all of them serve what is wanted and nothing
    else.
  - A Ready pod proves nothing, OVMS gets ready even if every model failed to load. And a Service
    shows one replica at a time.
  - A load that fails twice, more than one poll of the server apart, ends the waiting at once,
    with the lines of the replica's log that tell why. So does a version that is loading for
    longer than O(stuck_after).
  - Works with OVMS before and after 2026.3, since it only uses C(GET /v1/config).
options:
  namespace:
    description: Namespace of the model server.
    type: str
    required: true
  name:
    description:
      - Name of the server's Deployment or DaemonSet. Its replicas are the pods of the current
        generation that are not terminating, and their number is the one that the Deployment asks
        for, or that of the nodes on which the DaemonSet wants a pod.
      - One of O(name) and O(label_selector) is required.
    type: str
  label_selector:
    description:
      - Asks the pods with these labels instead, whatever made them (for example KServe).
      - Old and new pods of a rolling update both count.
    type: str
  replicas:
    description:
      - How many replicas there must be.
      - Without it, the number that O(name) asks for; with O(label_selector) the number of
        pods found, at least one.
    type: int
  models:
    description:
      - What each replica has to serve.
      - Without it, every model that a replica lists must be AVAILABLE, and each must list at
        least one.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name of the model, pipeline or graph as the server knows it, V(ORG/MODEL) as well.
        type: str
        required: true
      versions:
        description:
          - Versions that must be AVAILABLE; any other AVAILABLE version of the model keeps the
            gate closed.
          - Empty means whatever versions the server chose, at least one.
          - Pipelines and graphs report the version 1.
        type: list
        elements: int
        default: []
  ignore_other_models:
    description: Allows AVAILABLE models that O(models) does not name.
    type: bool
    default: false
  rest_port:
    description:
      - The server's REST port inside its pods.
      - Without it, that of the arguments of the Deployment O(name), else 8081.
    type: int
  wait:
    description:
      - Waits for the gate to open and fails if it does not.
      - If V(false), looks once, reports, and does not fail.
    type: bool
    default: true
  wait_timeout:
    description: How long to wait, in seconds.
    type: int
    default: 300
  stuck_after:
    description:
      - How long one version may be loading, or a wanted one be missing, in seconds, before
        waiting longer is given up.
    type: int
    default: 120
notes:
  - Changes nothing; check mode does the same.
  - Runs inside the Ansible worker when the connection is local, and then shows one line for each
    change of state while it waits.
  - The states do not prove which bytes are served. M(openvino.edge.model_repository) compares
    digests on the store, and publishes nothing under a version number that a server has loaded with
    other bytes before that server has let go of it.
seealso:
  - module: openvino.edge.model_server
  - module: openvino.edge.model_repository
extends_documentation_fragment:
  - openvino.edge.auth
  - openvino.edge.attributes
  - openvino.edge.attributes.read_only
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
- name: Wait until every replica serves version 2 of the detector and only that
  openvino.edge.model_status:
    kubeconfig: ~/.kube/factory
    namespace: edge
    name: ovms
    models:
      - name: detector
        versions: [2]

- name: Look at what is served now, without failing
  openvino.edge.model_status:
    namespace: edge
    name: ovms
    wait: false
  register: status

- name: Show it
  ansible.builtin.debug:
    msg: "{{ status.statuses | openvino.edge.status_table }}"

- name: Check pods that something else has made
  openvino.edge.model_status:
    namespace: vision
    label_selector: serving.kserve.io/inferenceservice=ocr
    rest_port: 8888
    models:
      - name: ocr
"""

RETURN = r"""
carrier:
  description: By what pods were asked, V(proxy), V(portforward) or both. Empty where none was.
  returned: success
  type: str
available:
  description: Whether each replica serves what is wanted and nothing else.
  returned: success
  type: bool
  sample: true
replicas:
  description: How many replicas there must be and how many were seen.
  returned: success
  type: dict
  sample: {wanted: 2, seen: 2}
statuses:
  description:
    - One row per replica and version that it reports, and one for each wanted version that it
      does not.
  returned: success
  type: list
  elements: dict
  contains:
    replica:
      description: Name of the pod.
      type: str
      returned: always
    node:
      description: Name of its node.
      type: str
      returned: always
    model:
      description: Name of the model.
      type: str
      returned: always
    version:
      description: The version; null if no version of a wanted model is listed.
      type: int
      returned: always
    state:
      description:
        - V(START), V(LOADING), V(AVAILABLE), V(UNLOADING), V(END), or V(MISSING) if it is not
          listed.
      type: str
      returned: always
    error_code:
      description: V(OK), V(UNKNOWN), V(FAILED_PRECONDITION) or empty.
      type: str
      returned: always
    error_message:
      description: What the server says beside the code; OVMS repeats the code's name.
      type: str
      returned: always
    wanted:
      description: Whether it has to be served.
      type: bool
      returned: always
    ok:
      description: Whether this row is as it should be.
      type: bool
      returned: always
  sample:
    - replica: ovms-5d9c7b6f4-2x8kq
      node: factory-1
      model: detector
      version: 2
      state: AVAILABLE
      error_code: OK
      error_message: OK
      wanted: true
      ok: true
caches:
  description:
    - The caches of compiled models of replicas that have one
      (O(openvino.edge.model_server#module:model_cache)). OVMS does not say when it caches nothing;
      a warning does, and nothing fails for it.
    - It takes the right to create C(pods/exec); without it, C(problem) says so.
  returned: success
  type: list
  elements: dict
  contains:
    replica:
      description: Name of the pod.
      type: str
    directory:
      description: Its directory in the container.
      type: str
    writable:
      description: Whether the server may write there; null if nobody could look.
      type: bool
    blobs:
      description: Number of compiled models and kernels; null if nobody could look.
      type: int
    size:
      description: Their bytes; null if nobody could look.
      type: int
    free:
      description: Free bytes of the file system; null if nobody could look.
      type: int
    problem:
      description: Why nothing is cached, or why nobody could look; else empty.
      type: str
  sample:
    - replica: ovms-5d9c7b6f4-2x8kq
      directory: /opt/cache
      writable: true
      blobs: 2
      size: 27262976
      free: 81604378624
      problem: ""
problems:
  description: What keeps the gate closed; empty if RV(available) is true.
  returned: success
  type: list
  elements: dict
  sample:
    - code: load_failed
      replica: ovms-5d9c7b6f4-2x8kq
      model: detector
      version: 2
      message: detector 2 cannot be loaded (LOADING, UNKNOWN)
      hint: The reason is only in the server's log
      log: "[error][modelinstance.cpp:818] Cannot read model; model: detector; version: 2"
      final: true
seconds:
  description: Time spent, in seconds.
  returned: success
  type: float
  sample: 1.8
error:
  description:
    - Why it failed, for programs. C(error.details) holds RV(statuses), RV(problems),
      RV(replicas) and RV(seconds) when the gate did not open.
  returned: failure
  type: dict
"""


from ..module_utils.entry import EdgeModule, run_module
from ..module_utils.verify.entry import ARGUMENT_SPEC, SPEC_RULES, run


def main() -> None:
    """Run as a module."""
    module = EdgeModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **SPEC_RULES)
    run_module(module, run)


if __name__ == "__main__":
    main()
