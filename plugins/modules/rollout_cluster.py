#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_cluster
short_description: Begin the turn of a cluster in a rollout, or write how it went
version_added: 0.1.0
description:
  - At the beginning it asks the cluster whether it may be touched and which release it serves, and
    writes that to the journal. Later it writes what has become of it.
  - A cluster says "not now" by O(hold), by O(windows), or by a ConfigMap with the name
    C(openvino-edge-hold) in the namespace of its server, whose key C(reason) says why.
  - Runs on the controller. The playbook C(openvino.edge.site) calls it.
options:
  journal:
    description: C(rollout.journal) of what M(openvino.edge.rollout_plan) has returned.
    type: raw
    required: true
  rollout:
    description: Number of the rollout in the journal; with V(0) nothing is written.
    type: int
    required: true
  cluster:
    description: Name of the inventory host.
    type: str
    required: true
  wave:
    description: Number of its wave.
    type: int
    required: true
  state:
    description:
      - V(begun) at the beginning; V(done), V(failed), V(deferred), V(undone) (what it served before
        serves again) or V(stuck) (that failed, too) at the end.
    type: str
    choices: [begun, done, failed, deferred, undone, stuck]
    required: true
  namespace:
    description: Namespace of the server; needed with O(state=begun).
    type: str
  name:
    description: Name of the server; needed with O(state=begun).
    type: str
  hold:
    description: A text that says why nothing is to be changed, or V(true).
    type: raw
    default: ""
  windows:
    description:
      - Maintenance windows, outside of which the cluster is left for a later run. Each is a dict
        of C(from) and C(to) (times of the day), C(days) (of the week, on which it begins) and
        C(zone) (a time zone, V(UTC) if it is not given).
    type: list
    elements: raw
    default: []
  deadline:
    description: Seconds that the whole turn of the cluster may take; V(0) is no limit.
    type: raw
    default: 0
  defer_offline:
    description: Whether a cluster that does not answer is left for a later run.
    type: bool
    default: false
  wanted:
    description:
      - A digest of what is wanted of the cluster. One that an earlier run of the rollout has
        finished with the same is only asked again.
    type: str
    default: ""
  roles:
    description:
      - Roles of this collection that follow in the turn of the cluster, whose variables are to be
        checked at its beginning. The play then has them without a check of their own
        (C(rolespec_validate)), which would take a task for each.
    type: list
    elements: str
    choices: [preflight, model_repository, model_server, verify]
    default: []
    version_added: 0.1.0
  phase:
    description: Where it failed.
    type: str
    default: ""
  failed_module:
    description: The module that failed, from which the phase follows.
    type: str
    default: ""
  failed_check:
    description: Whether that module ran in check mode.
    type: bool
    default: false
  reason:
    description: Why it failed.
    type: str
    default: ""
seealso:
  - module: openvino.edge.rollout_plan
extends_documentation_fragment:
  - openvino.edge.auth
  - openvino.edge.attributes
  - openvino.edge.attributes.read_only
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
- name: Begin the turn of this cluster
  openvino.edge.rollout_cluster:
    journal: "{{ plan.rollout.journal }}"
    rollout: "{{ plan.rollout.run }}"
    cluster: "{{ inventory_hostname }}"
    wave: 1
    state: begun
    namespace: edge
    name: ocr
    windows:
      - {days: [mon, tue, wed, thu], from: "22:00", to: "05:00", zone: Europe/Berlin}
  register: turn
"""

RETURN = r"""
cluster:
  description: Name of the inventory host.
  returned: success
  type: str
  sample: berlin
wave:
  description: Number of its wave.
  returned: success
  type: int
  sample: 1
state:
  description: The state that was written.
  returned: success
  type: str
  sample: begun
phase:
  description: Where it failed; empty if it did not.
  returned: success
  type: str
  sample: ""
reason:
  description: Why it failed or was deferred, in one line.
  returned: success
  type: str
  sample: ""
before:
  description:
    - Number of the release that served before; 0 if there was no server, null if nobody knows.
  returned: success
  type: int
  sample: 4
turn:
  description:
    - What the cluster does in this run. V(go) is the whole job, V(verify) only asks its replicas,
      V(wait) is nothing.
  returned: success
  type: str
  sample: go
until:
  description: When the turn has to be over, in seconds since 1970; 0 is no limit.
  returned: success
  type: int
  sample: 1796000000
"""


from ..module_utils.entry import EdgeModule, run_module
from ..module_utils.fleet.cluster import ARGUMENT_SPEC, SPEC_RULES, run


def main() -> None:
    module = EdgeModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **SPEC_RULES)
    run_module(module, run)


if __name__ == "__main__":
    main()
