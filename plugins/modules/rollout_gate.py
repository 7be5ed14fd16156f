#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_gate
short_description: Judge whether a rollout goes on after a batch of clusters
version_added: 0.1.0
description:
  - Counts what has failed and what was deferred in the whole fleet, over all waves and runs of the
    rollout, and says whether the next batch may begin. A cluster that left the play without a word,
    such as one whose connection was lost, has failed.
  - It does not fail because of what it finds; the play acts on its verdict.
  - Runs on the controller, once per batch. The playbook C(openvino.edge.site) calls it.
options:
  plan:
    description: What M(openvino.edge.rollout_plan) has returned.
    type: dict
    required: true
  present:
    description: Hosts of the batch that are still in the play.
    type: list
    elements: str
    required: true
  not_well:
    description:
      - What C(bad) of M(openvino.edge.fleet_status) has told of clusters that had served already
        and were asked again, by host. They have failed.
    type: dict
    default: {}
  outcomes:
    description:
      - Results of M(openvino.edge.rollout_cluster) of the batch, for runs that write no journal.
    type: list
    elements: dict
    default: []
seealso:
  - module: openvino.edge.rollout_plan
extends_documentation_fragment:
  - openvino.edge.attributes.fleet
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
- name: Ask whether the rollout goes on
  openvino.edge.rollout_gate:
    plan: "{{ plan }}"
    present: "{{ ansible_play_batch }}"
  run_once: true
  register: gate
"""

RETURN = r"""
wave:
  description: Number of the wave that the batch is of.
  returned: success
  type: int
  sample: 1
batch:
  description: Number of the batch that was judged; V(1) is the first of this run.
  returned: success
  type: int
  sample: 1
verdict:
  description: V(go_on) or V(stop).
  returned: success
  type: str
  sample: go_on
reason:
  description: Why it stops; empty if it goes on.
  returned: success
  type: str
  sample: ""
spent:
  description: Clusters of the fleet that have failed so far.
  returned: success
  type: int
  sample: 0
allowed:
  description: Clusters of the fleet that may fail; null without a limit.
  returned: success
  type: int
  sample: 3
failures:
  description: The clusters that have failed.
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
      description: The state that it has come to.
      type: str
    phase:
      description: Where it failed.
      type: str
    reason:
      description: Why, in one line.
      type: str
  sample:
    - {cluster: munich, wave: 2, state: failed, phase: copy, reason: no answer from the API server}
deferred:
  description: The clusters that are left for a later run.
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
      description: The state that it has come to.
      type: str
    phase:
      description: Where it failed.
      type: str
    reason:
      description: Why, in one line.
      type: str
  sample: []
undo:
  description:
    - What is to be put back. C(clusters) in order, C(sizes) for C(serial), and C(before), the
      release of each.
  returned: success
  type: dict
  sample: {clusters: [], sizes: [], before: {}}
"""


from ..module_utils.entry import EdgeModule, run_module
from ..module_utils.fleet.gate import ARGUMENT_SPEC, SPEC_RULES, run


def main() -> None:
    module = EdgeModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **SPEC_RULES)
    run_module(module, run)


if __name__ == "__main__":
    main()
