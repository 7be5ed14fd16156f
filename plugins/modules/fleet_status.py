#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_status
short_description: Ask the replicas of a whole fleet from one task
version_added: 0.1.0
description:
  - Does for many clusters what M(openvino.edge.model_status), and with golden files
    M(openvino.edge.model_inference), does for one, several clusters at a time, and returns what
    each has answered.
  - One task for each cluster costs a process and a pass of Ansible's task queue for each. With a
    thousand clusters that takes longer than the questions.
  - A cluster that cannot be reached, has no such server, or does not serve what is wanted is a
    result, and does not end the task. Let those in RV(bad) fail afterwards, as the playbook
    C(openvino.edge.verify) does.
  - Runs on the controller, once per play, with C(run_once). One line tells of each cluster that is
    not well.
options:
  clusters:
    description: Inventory hosts to ask, such as C(ansible_play_hosts).
    type: list
    elements: str
    required: true
  options:
    description:
      - Name of a variable that holds for each host the options of M(openvino.edge.model_status),
        and of M(openvino.edge.model_inference) C(golden), C(latency) and C(timeout).
      - It is resolved for each host as in a task on that host, also if it is one of the C(vars) of
        this task, and with the C(module_defaults) that the play, or a block, has for
        M(openvino.edge.model_status). C(environment) is that of the host that the task runs for.
      - C(golden) with a C(wait) of V(false) reports answers that are wrong, and does not fail.
    type: str
    required: true
  forks:
    description: How many clusters are asked at a time.
    type: int
    default: 50
  deadline:
    description:
      - Seconds for all clusters together. Those that wait then end with what they have, those whose
        turn has not come are not asked. A request that is on its way may take ten seconds more, and
        golden files that were begun are asked to their end.
      - V(0) means no other limit than the C(wait_timeout) of each cluster.
    type: int
    default: 0
notes:
  - Changes nothing; check mode does the same. C(wait) in the options decides whether it waits.
  - The callback P(openvino.edge.rollout#callback) takes the result of each cluster from this task.
seealso:
  - module: openvino.edge.model_status
  - module: openvino.edge.model_inference
extends_documentation_fragment:
  - openvino.edge.attributes.read_only
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
- name: Ask the fleet what it serves
  hosts: clusters
  strategy: linear
  gather_facts: false
  tasks:
    - name: Ask every replica of every cluster
      openvino.edge.fleet_status:
        clusters: "{{ ansible_play_hosts }}"
        options: asked
        deadline: 600
      vars:
        asked:
          kubeconfig: "{{ edge_kubeconfig }}"
          namespace: "{{ edge_namespace }}"
          name: ovms
          models: "{{ edge_models | openvino.edge.wanted_models }}"
      register: fleet
      run_once: true

    - name: Go on with those that serve
      ansible.builtin.group_by:
        key: "serving_{{ fleet.clusters[inventory_hostname].available | lower }}"
"""

RETURN = r"""
clusters:
  description:
    - By name of the host what M(openvino.edge.model_status) has returned for it, also where that
      has failed, with the keys below.
  returned: success
  type: dict
  contains:
    available:
      description: Whether each replica serves what is wanted and nothing else.
      type: bool
      returned: always
    failed:
      description: Whether a task of M(openvino.edge.model_status) or
        M(openvino.edge.model_inference) would have failed.
      type: bool
      returned: always
    msg:
      description: Why it failed.
      type: str
      returned: when it failed
    error:
      description: Why it failed, for programs; C(error.details) has what else is known of replicas.
      type: dict
      returned: when it failed
    statuses:
      description: The table, RV(openvino.edge.model_status#module:statuses).
      type: list
      elements: dict
      returned: when it did not fail
    carrier:
      description: By what its pods were asked, RV(openvino.edge.model_status#module:carrier).
      type: str
      returned: when it did not fail
    inference:
      description: What M(openvino.edge.model_inference) has returned.
      type: dict
      returned: with golden files, when it did not fail
    began:
      description: Seconds from the begin of the task to the turn of this cluster.
      type: float
      returned: when it was asked
    seconds:
      description: Time spent on this cluster, in seconds.
      type: float
      returned: when it was asked
  sample:
    berlin:
      available: true
      failed: false
      replicas: {wanted: 1, seen: 1}
      statuses:
        - replica: ovms-5d9c7b6f4-2x8kq
          node: berlin-1
          model: detector
          version: 2
          state: AVAILABLE
          error_code: OK
          error_message: OK
          wanted: true
          ok: true
      problems: []
      carrier: proxy
      began: 0.4
      seconds: 0.06
bad:
  description: The message of each cluster that failed.
  returned: success
  type: dict
  sample: {}
counts:
  description: How many clusters were asked, are available, and failed.
  returned: success
  type: dict
  sample: {asked: 1000, available: 1000, bad: 0}
seconds:
  description: Time spent on all, in seconds.
  returned: success
  type: float
  sample: 12.4
"""


from ..module_utils.entry import EdgeModule, run_module
from ..module_utils.fleet.status import ARGUMENT_SPEC, SPEC_RULES, run


def main() -> None:
    module = EdgeModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **SPEC_RULES)
    run_module(module, run)


if __name__ == "__main__":
    main()
