#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_look
short_description: Look which clusters have what is wanted already
version_added: 0.1.0
description:
  - Runs the tasks of the roles in the same play in check mode, for many clusters at a time, and
    asks each replica. A cluster is unchanged only if no task would change anything, its newest
    release is recorded as good, and each replica serves all that is wanted. It is written to the
    journal as such, and needs no turn.
  - In any doubt, the cluster has its turn as ever. That is so for one that is on hold, outside of
    its maintenance windows or offline; that has options which are not valid, a signed set of
    models, or a task that runs on another machine; or that an earlier run of the rollout has left
    half done. An error about a cluster is such a doubt, and never ends the task.
  - If all clusters are unchanged, the first one still has its turn, since a play without hosts
    ends.
  - The tasks are those that the play imports with C(import_role), with the variables and the
    defaults that each host has. Of a copy with
    O(openvino.edge.model_repository#module:compare=stamps) it starts the helper pod, as check mode
    does.
  - Runs on the controller, once per batch. The playbook C(openvino.edge.site) calls it, if
    C(edge_skip_unchanged) says so.
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
    description: How many clusters are looked at at a time; these are threads of one process.
    type: int
    default: 50
seealso:
  - module: openvino.edge.rollout_plan
  - module: openvino.edge.rollout_gate
extends_documentation_fragment:
  - openvino.edge.attributes.fleet
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
- name: Look at all clusters of the batch
  openvino.edge.rollout_look:
    plan: "{{ plan }}"
    clusters: "{{ ansible_play_batch }}"
  run_once: true
  register: look

- name: Leave those alone that have what is wanted
  ansible.builtin.meta: end_host
  when: inventory_hostname in look.left_out
"""

RETURN = r"""
wave:
  description: Number of the wave that the batch is of.
  returned: success
  type: int
  sample: 2
left_out:
  description: The clusters that need no turn.
  returned: success
  type: list
  elements: str
  sample: [berlin, munich]
clusters:
  description: The states of those, as the journal has them.
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
      description: V(unchanged), or V(done) if an earlier run of the same rollout has changed it.
      type: str
    phase:
      description: Empty.
      type: str
    reason:
      description: Empty.
      type: str
  sample:
    - {cluster: berlin, wave: 2, state: unchanged, phase: "", reason: ""}
results:
  description:
    - By host and by the variable that the role registers, what the filter
      P(openvino.edge.fleet_report#filter) shows of them.
  returned: success
  type: dict
  sample: {}
why:
  description: Of the other clusters, why they have their turn.
  returned: success
  type: dict
  sample: {oslo: "model_server: it would change something"}
all_same:
  description: Whether all clusters of the batch have what is wanted.
  returned: success
  type: bool
  sample: false
seconds:
  description: Time spent on all, in seconds.
  returned: success
  type: float
  sample: 12.4
"""


from ..module_utils.entry import EdgeModule, run_module
from ..module_utils.fleet.look import ARGUMENT_SPEC, SPEC_RULES, run


def main() -> None:
    module = EdgeModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **SPEC_RULES)
    run_module(module, run)


if __name__ == "__main__":
    main()
