#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_end
short_description: Close a rollout and say which clusters are not well
version_added: 0.1.0
description:
  - Writes to the journal that nothing is left to be done, and returns why each cluster that is not
    well is not. The play lets those fail.
  - Runs on the controller, once per run. The playbook C(openvino.edge.site) calls it.
options:
  plan:
    description: What M(openvino.edge.rollout_plan) has returned.
    type: dict
    required: true
  outcomes:
    description:
      - Results of M(openvino.edge.rollout_cluster), and C(clusters) of
        M(openvino.edge.rollout_look), for runs that write no journal.
    type: list
    elements: dict
    default: []
  stopped:
    description: Why M(openvino.edge.rollout_gate) has stopped the rollout; empty if it has not.
    type: str
    default: ""
seealso:
  - module: openvino.edge.rollout_plan
extends_documentation_fragment:
  - openvino.edge.attributes.fleet
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
- name: Close the rollout
  openvino.edge.rollout_end:
    plan: "{{ plan }}"
    stopped: "{{ gate.reason }}"
  run_once: true
  register: end
"""

RETURN = r"""
verdict:
  description: V(done), V(done with failures) or V(stopped).
  returned: success
  type: str
  sample: done
reason:
  description: Why it was stopped.
  returned: success
  type: str
  sample: ""
counts:
  description: Number of clusters by state; V(pending) were never begun.
  returned: success
  type: dict
  sample: {done: 41, deferred: 1, pending: 0}
bad:
  description: The reason of each cluster for which the run has failed.
  returned: success
  type: dict
  sample: {}
clusters:
  description: All clusters that the rollout has met.
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
    - {cluster: berlin, wave: 1, state: done, phase: "", reason: ""}
"""


from ..module_utils.entry import EdgeModule, run_module
from ..module_utils.fleet.end import ARGUMENT_SPEC, SPEC_RULES, run


def main() -> None:
    module = EdgeModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **SPEC_RULES)
    run_module(module, run)


if __name__ == "__main__":
    main()
