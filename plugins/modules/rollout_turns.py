#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_turns
short_description: Do the turns of many clusters in one task
version_added: 0.1.0
description:
  - Does for many clusters at a time what the tasks of the roles in the same play would do for each.
    The turn of a cluster begins, each step follows in the order of the play with the variables and
    defaults that its host has, and the journal says how it ended, as with
    M(openvino.edge.rollout_cluster).
  - A step that fails ends the turn of its cluster, and of no other. The cluster is C(failed) in the
    journal, in the phase of that step and with its message. It counts against the budget of the
    fleet when M(openvino.edge.rollout_gate) is asked next; this task does not fail because of it.
  - A cluster whose turn cannot be gone through here is left to the tasks of the play, and nothing
    of it is touched before. That is so for one that has a deadline, has options which are not
    valid, or has a task that runs on another machine, is delegated, is a loop, has an environment
    of its own or is none of a module that is known here, such as M(openvino.edge.benchmark).
  - The limit of the keyword C(throttle) holds for each step that has it.
  - In check mode all clusters are left to the tasks of the play.
  - Runs on the controller, once per batch. The playbook C(openvino.edge.site) calls it, if
    C(edge_one_task) says so.
options:
  plan:
    description: What M(openvino.edge.rollout_plan) has returned.
    type: dict
    required: true
  clusters:
    description: Hosts of the batch.
    type: list
    elements: str
    required: true
  forks:
    description: How many clusters have their turn at a time; these are threads of one process.
    type: int
    default: 50
seealso:
  - module: openvino.edge.rollout_plan
  - module: openvino.edge.rollout_cluster
  - module: openvino.edge.rollout_gate
extends_documentation_fragment:
  - openvino.edge.attributes.fleet
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
- name: Go through the turns of the batch
  openvino.edge.rollout_turns:
    plan: "{{ plan }}"
    clusters: "{{ ansible_play_batch }}"
    forks: "{{ ansible_forks }}"
  run_once: true
  register: turns

- name: Leave those alone whose turn is over
  ansible.builtin.meta: end_host
  when: inventory_hostname in turns.left_out
"""

RETURN = r"""
wave:
  description: Number of the wave that the batch is of.
  returned: success
  type: int
  sample: 2
over:
  description: The clusters whose turn is over, well or not.
  returned: success
  type: list
  elements: str
  sample: [berlin, munich]
left_out:
  description:
    - Those of them that need no task of the play any more. If the turns of all are over, the first
      stays, since a play without hosts ends before its gate is asked.
  returned: success
  type: list
  elements: str
  sample: [munich]
clusters:
  description: The states of the clusters whose turn is over, as the journal has them.
  returned: success
  type: list
  elements: dict
  contains:
    cluster:
      description: Name of the inventory host.
      type: str
    wave:
      description: Number of its wave.
      type: int
    state:
      description: V(done), V(failed), or V(deferred) if it said not now.
      type: str
    phase:
      description: Where it failed.
      type: str
    reason:
      description: Why it failed or was deferred, in one line.
      type: str
  sample:
    - {cluster: berlin, wave: 2, state: done, phase: "", reason: ""}
    - {cluster: munich, wave: 2, state: failed, phase: copy, reason: the store is full}
again:
  description:
    - Those of them that an earlier run of the same rollout has finished. Nothing of them was
      touched, and they are to be asked again.
  returned: success
  type: list
  elements: str
  sample: []
results:
  description:
    - By host and by the variable that the role registers, what the reports show of the result; of
      a step that failed, all of it, by the name of its module if no variable keeps it.
  returned: success
  type: dict
  sample: {}
steps:
  description:
    - By host, what was done in its order. C(module) and C(register) are those of the task, C(check)
      tells of one that only looks ahead, C(began) and C(seconds) are in seconds, the former since
      the begin of this task, and C(failed) tells how it ended.
  returned: success
  type: dict
  sample:
    berlin:
      - module: openvino.edge.model_status
        register: verify_result
        check: false
        began: 7.2
        seconds: 0.4
        failed: false
why:
  description: Of the other clusters, why they are left to the tasks of the play.
  returned: success
  type: dict
  sample: {oslo: it has a deadline}
seconds:
  description: Time spent on all, in seconds.
  returned: success
  type: float
  sample: 12.4
"""


from ..module_utils.entry import EdgeModule, run_module
from ..module_utils.fleet.turns import ARGUMENT_SPEC, SPEC_RULES, run


def main() -> None:
    module = EdgeModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **SPEC_RULES)
    run_module(module, run)


if __name__ == "__main__":
    main()
