#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_plan
short_description: Divide the clusters of a run into waves
version_added: 0.1.0
description:
  - Says which clusters are worked on when, what a rollout may lose before it stops, and whether an
    earlier run of the same rollout was killed and is gone on with.
  - Runs on the controller, once per run and before anything is asked of a cluster.
    The playbook C(openvino.edge.site) calls it.
options:
  fleet:
    description:
      - Name of the fleet. One rollout of a fleet can go on at a time.
    type: str
    required: true
  journal:
    description:
      - Where the rollouts are written. A text is a file on a local disk of the controller, which is
        made when it is not there.
      - A dict is a hub cluster, so that any machine can go on with a rollout. It takes C(namespace)
        (V(edge-rollouts) if it is not given), and C(kubeconfig), C(context), C(host), C(ca_cert),
        C(validate_certs), C(proxy) and C(no_proxy) with the meaning that they have for all modules.
        What it leaves out comes from the environment, such as C(EDGE_HUB_KUBECONFIG), which is
        also where C(EDGE_HUB_API_KEY) belongs.
      - Nothing is written without O(waves) or in check mode.
    type: raw
    required: true
  clusters:
    description:
      - All hosts of this run, in the order of the inventory.
      - One whose name is a pattern to Ansible (as with a colon), or that of a group, is refused,
        since no play could name it.
    type: list
    elements: str
    required: true
  groups:
    description: Hosts by group of the inventory, for waves that name groups.
    type: dict
    default: {}
  limited:
    description: Whether the run is limited to a part of the fleet, so that a wave may be empty.
    type: bool
    default: false
  waves:
    description:
      - The waves in their order. Each takes a number of clusters (V(1)), a share of the fleet
        (V(10%)), or is a dict that says by one of C(groups), C(clusters) (names or patterns),
        C(count), C(percent) and C(rest) (all that no other wave takes) which clusters it takes.
      - A dict may also have C(name), C(batch) (so many clusters at a time), C(soak) (seconds that
        each batch serves before its replicas are asked again) and C(max_failures) (clusters of
        this wave that may fail; V(0) for the first of several waves).
      - A name in C(clusters) that is no pattern has to be a host of the inventory.
      - A cluster in two waves, or in none, is an error.
      - Without waves all clusters are worked on at once, and nothing stops them.
    type: list
    elements: raw
    default: []
  max_failures:
    description:
      - Clusters of the whole fleet that may fail, a number or a share such as V(2%).
        With one more the rollout stops. With waves the default is V(0).
    type: raw
  max_fail_percentage:
    description: The same as a percentage of the fleet; the smaller of both counts.
    type: raw
  max_deferred:
    description:
      - Clusters of the whole fleet that may be left for a later run, a number or a share.
        With waves the default is V(0).
    type: raw
  sites:
    description:
      - Groups of the inventory whose clusters share one link, as names or patterns such as
        C(site_*). A cluster may be in one of them at most.
      - Only together with O(max_per_site).
    type: list
    elements: str
    default: []
  max_per_site:
    description:
      - Clusters of one site that are worked on at a time. Waves and batches are divided by that.
      - Only together with O(sites).
    type: int
    default: 0
  undo:
    description:
      - What is put back when the rollout stops. V(wave) are the clusters of the wave that were
        changed, V(all) those of all waves. A cluster that failed is put back in any case, but for
        V(none).
    type: str
    choices: [wave, all, none]
    default: wave
  resume:
    description: Whether to go on with a rollout that has not ended, or to give it up.
    type: bool
    default: true
  slices:
    description:
      - Number of jobs with different clusters that share the rollout, such as the slices of a job
        of AWX. The waves and limits are those of all their clusters together, and each waits at the
        gate for the others.
      - Needs O(waves), O(rollout_id) and a O(journal) on a hub. In check mode each slice is for
        itself.
    type: int
    default: 1
  rollout_id:
    description: Name by which the slices of a rollout know each other.
    type: str
    default: ""
  slice_timeout:
    description:
      - Seconds after which a slice that has not come, or of which nothing is heard any more, stops
        the others; at least V(30). One that lives is waited for as long as it takes.
    type: int
    default: 600
seealso:
  - module: openvino.edge.rollout_cluster
  - module: openvino.edge.rollout_gate
  - module: openvino.edge.rollout_end
extends_documentation_fragment:
  - openvino.edge.attributes.fleet
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
- name: Plan one canary, a tenth of the fleet, and the rest
  openvino.edge.rollout_plan:
    fleet: shops
    journal: ~/.local/state/openvino-edge/rollouts.sqlite
    clusters: "{{ ansible_play_hosts_all }}"
    groups: "{{ groups }}"
    waves:
      - {name: canary, groups: [canaries], soak: 600}
      - 10%
      - {name: rest, rest: true, batch: 50}
    max_failures: 1%
  run_once: true
  register: plan
"""

RETURN = r"""
rollout:
  description:
    - The rollout that this run works on. C(run) is its number in the journal, 0 without waves or
      for a check of one that would be new, C(name) the fleet, C(resumed) whether an earlier run
      has begun it, C(journal) what later tasks take for the option of this name.
  returned: success
  type: dict
  sample: {name: shops, run: 12, resumed: false, journal: /var/lib/edge/rollouts.sqlite}
waves:
  description: The waves with their clusters.
  returned: success
  type: list
  elements: dict
  contains:
    number:
      description: V(1) is the first.
      type: int
    name:
      description: Its name.
      type: str
    clusters:
      description: Its clusters.
      type: list
      elements: str
    max_failures:
      description: Clusters of it that may fail; null if only the budget of the fleet counts.
      type: int
    soak:
      description: Seconds that each batch serves before it is asked again.
      type: int
  sample:
    - {number: 1, name: canary, clusters: [berlin], max_failures: 0, soak: 600}
    - {number: 2, name: rest, clusters: [hamburg, munich], max_failures: null, soak: 0}
other_waves:
  description: The waves in which only other slices have clusters, in the same form.
  returned: success
  type: list
  elements: dict
  sample: []
batches:
  description:
    - The clusters that are worked on at the same time, in order, each batch with its number and its
      wave, and which batches (C(until)) and waves (C(judged)) of the fleet have to be over before
      the next one.
  returned: success
  type: list
  elements: dict
hosts:
  description: All clusters in the order of the waves.
  returned: success
  type: list
  elements: str
to_do:
  description:
    - The same for the C(hosts) of the play that does the work; empty if the rollout was stopped by
      an earlier run and only has to be put back.
  returned: success
  type: list
  elements: str
serial:
  description: Sizes of the batches, for the C(serial) of a play.
  returned: success
  type: list
  elements: int
  sample: [1, 2]
max_failures:
  description: Clusters of the fleet that may fail; null without a limit.
  returned: success
  type: int
  sample: 0
max_deferred:
  description: Clusters of the fleet that may be left for a later run; null without a limit.
  returned: success
  type: int
  sample: 0
undo_mode:
  description: The option O(undo).
  returned: success
  type: str
  sample: wave
stopped:
  description: Why an earlier run of this rollout has stopped it; empty if none has.
  returned: success
  type: str
  sample: ""
undo:
  description:
    - What an earlier run has still to put back. C(clusters) in order, C(sizes) for C(serial), and
      C(before), the release of each.
  returned: success
  type: dict
  sample: {clusters: [], sizes: [], before: {}}
"""


from ..module_utils.entry import EdgeModule, run_module
from ..module_utils.fleet.plan import ARGUMENT_SPEC, SPEC_RULES, run


def main() -> None:
    module = EdgeModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **SPEC_RULES)
    run_module(module, run)


if __name__ == "__main__":
    main()
