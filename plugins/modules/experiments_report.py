#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: experiments_report
short_description: Judge experiments with a model server by what was measured
version_added: 0.2.0
description:
  - Takes many results of M(openvino.edge.benchmark) and says what they show, in a few words for
    each experiment, as data and as a page with plots.
  - V(balance) compares which replicas answer each client by each way to the server, V(ways) what
    each way adds to the latency of small and big requests, V(scaling) the throughput of one to
    many replicas with a straight line.
  - The role C(openvino.edge.experiments) measures all three; this module measures nothing.
options:
  measurements:
    description:
      - Results of M(openvino.edge.benchmark) from loops, as C(register) holds them in C(results).
      - The item of the loop is a dictionary that says what each is for. All have C(figure),
        V(balance), V(ways) or V(scaling).
      - For V(balance) it has C(way) and C(client), a number; the result has to have shares.
      - For V(ways) it has C(way) and C(round), and may have C(phase). What a way adds is its median
        less that of V(cluster_ip) of the same round, phase, size of a request and C(client).
      - For V(scaling) it has C(replicas).
      - Ways are V(cluster_ip), V(headless), V(layer7), V(gateway) and V(mtls).
    type: list
    elements: dict
    required: true
  facts:
    description:
      - What else the page says it ran on, such as image and model. Version of Kubernetes and nodes
        are read from the cluster, as far as the account may know them.
    type: dict
    default: {}
  note:
    description: A sentence that the page shows at its top.
    type: str
    default: ""
  dest:
    description:
      - Directory for C(experiments.json) and C(experiments.html), a page that needs nothing from
        outside. It is made if it is missing.
    type: path
seealso:
  - module: openvino.edge.benchmark
extends_documentation_fragment:
  - openvino.edge.auth
  - openvino.edge.attributes
attributes:
  check_mode:
    description:
      - Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description:
      - Will return details on what has changed (or possibly needs changing in C(check_mode)), when
        in diff mode.
    support: none
  idempotent:
    support: partial
    details:
      - Changes nothing on the cluster, but O(dest) is written each time.
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
- name: Measure the Service and the headless Service, two clients one after the other
  openvino.edge.benchmark:
    namespace: edge
    name: ovms
    model: detector
    target: "{{ 'headless' if item.way == 'headless' else 'service' }}"
    requests: 300
  loop:
    - {figure: balance, way: cluster_ip, client: 1}
    - {figure: balance, way: cluster_ip, client: 2}
    - {figure: balance, way: headless, client: 1}
    - {figure: balance, way: headless, client: 2}
  register: measured

- name: Say what they show
  openvino.edge.experiments_report:
    measurements: "{{ measured.results }}"
    dest: reports/balance
"""

RETURN = r"""
msg:
  description: Claim, verdict and sentence of each experiment.
  returned: success
  type: str
figures:
  description:
    - The experiments that were measured. C(verdict) is V(supports), V(contradicts), or V(unclear)
      where the data cannot tell.
  returned: success
  type: list
  elements: dict
  sample:
    - name: scaling
      title: What more replicas give
      claim: With a fixed CPU limit for each replica, throughput grows in proportion to them.
      verdict: supports
      sentence: 4 replicas answered 78.1 requests/s and 1 answered 19.9.
      columns: [replicas, answers/s]
      rows: [["1", "19.9"], ["4", "78.1"]]
ran_on:
  description: What the page says it ran on.
  returned: success
  type: dict
  sample: {Kubernetes: v1.36.3, Model: detector}
note:
  description: As given.
  returned: success
  type: str
  sample: ""
began:
  description: When the first and the last measurement began, in UTC.
  returned: success
  type: list
  elements: str
  sample: ["2026-11-30T23:10:00Z", "2026-11-30T23:18:00Z"]
load:
  description:
    - Load averages of the machines of the clients before the measurements. C(crowded) tells that
      one was above twice the cores, so that others are in the figures.
  returned: success
  type: dict
  sample: {low: 0.4, high: 1.2, cores: 8, crowded: false}
requests:
  description: Requests of all measurements, and how many have no answer.
  returned: success
  type: dict
  sample: {sent: 9000, failed: 0}
schema:
  description: Version of this form, also of C(experiments.json).
  returned: success
  type: int
  sample: 1
files:
  description: The files in O(dest).
  returned: success
  type: list
  elements: str
  sample: [reports/balance/experiments.json, reports/balance/experiments.html]
seconds:
  description: Time spent by the task, in seconds.
  returned: success
  type: float
  sample: 0.1
error:
  description: Why it failed, for programs.
  returned: failure
  type: dict
"""


from ..module_utils.entry import EdgeModule, run_module
from ..module_utils.loadtest.experiments.entry import ARGUMENT_SPEC, run


def main() -> None:
    module = EdgeModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    run_module(module, run)


if __name__ == "__main__":
    main()
