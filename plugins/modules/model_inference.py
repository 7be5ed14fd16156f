#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: model_inference
short_description: Prove that every replica of a model server answers as it should
version_added: 0.2.0
description:
  - Sends the inputs of golden files to each replica of OpenVINO Model Server (OVMS) itself, through
    the API server's pod proxy, and compares the outputs with those of the file.
  - AVAILABLE says that a file was loaded. A model with other weights, an export that went wrong and
    a precision that does not fit load as well, and only their answers tell.
  - Optionally measures how long an inference takes, and compares that with an older version. A
    server that answers on the CPU because it found no GPU is AVAILABLE, too.
  - Asks with the KServe v2 protocol over REST and raw bytes, on every OVMS that has it.
options:
  golden:
    description:
      - Golden files, YAML or JSON. The page C(docs/golden.md) has their format, and
        M(openvino.edge.golden_record) writes them.
      - Files with tensors that they name lie relative to them.
    type: list
    elements: path
    required: true
  models:
    description:
      - The versions that are served, in the form of O(openvino.edge.model_status#module:models).
      - A case that names no version is asked of each version that stands here for its model; of the
        one that the server chooses, if none does.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the model.
        type: str
        required: true
      versions:
        description: Its versions.
        type: list
        elements: int
        default: []
  latency:
    description:
      - How long an inference may take. Without it no time is measured, unless a golden file has a
        C(max_latency_ms).
      - A time is the median of several warm requests, less the median of requests that the server
        answers at once. Replicas are measured one after the other. The time for the tensors on
        their way to the site is in it.
    type: dict
    suboptions:
      max_ms:
        description: Longest time, in milliseconds.
        type: float
      max_ratio:
        description:
          - How many times the baseline it may take, such as V(2.0). 5 ms more than the baseline are
            always allowed.
          - The baseline is the time of O(latency.baseline_version) on the same replica, else
            O(latency.baseline), else what was recorded in the golden file.
          - Without any of them the task fails.
        type: float
      baseline_version:
        description:
          - Version of the same model that is measured at the same time, if the replica serves it.
        type: int
      baseline:
        description:
          - What this module returned as RV(latencies) before the change, with O(report_only).
          - The least time of all replicas counts, by model and case.
        type: list
        elements: dict
      requests:
        description: Warm requests for one median.
        type: int
        default: 5
  report_only:
    description:
      - Reports and does not fail, neither for answers that differ nor for a server that is not
        there.
    type: bool
    default: false
notes:
  - Changes nothing; check mode does the same.
  - The account needs the right to create C(pods/proxy), which is how the API server sees a POST.
  - A model whose name has a slash cannot be asked, since the API server's proxy decodes the C(%2F)
    of a path. The task fails and says so.
  - What the tensors hold goes over the connection to the API server. Messages and results show
    single values of outputs.
seealso:
  - module: openvino.edge.golden_record
  - module: openvino.edge.model_status
extends_documentation_fragment:
  - openvino.edge.auth
  - openvino.edge.inference
  - openvino.edge.attributes
  - openvino.edge.attributes.read_only
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
- name: Let every replica prove what it answers
  openvino.edge.model_inference:
    kubeconfig: ~/.kube/factory
    namespace: edge
    name: ovms
    golden:
      - golden/detector.yml
    models:
      - name: detector
        versions: [2]

- name: Measure what serves now, before it is changed
  openvino.edge.model_inference:
    namespace: edge
    name: ovms
    golden:
      - golden/detector.yml
    latency:
      requests: 20
    report_only: true
  register: before

- name: Refuse a version that takes more than twice as long
  openvino.edge.model_inference:
    namespace: edge
    name: ovms
    golden:
      - golden/detector.yml
    latency:
      max_ratio: 2.0
      baseline: "{{ before.latencies }}"
"""

RETURN = r"""
carrier:
  description: By what pods were asked, V(proxy), V(portforward) or both. Empty where none was.
  returned: success
  type: str
passed:
  description: Whether each replica gave every answer that was expected, in time.
  returned: success
  type: bool
  sample: true
replicas:
  description: How many replicas there must be and how many were asked.
  returned: success
  type: dict
  sample: {wanted: 2, seen: 2}
checks:
  description: One row per replica, case and version.
  returned: success
  type: list
  elements: dict
  contains:
    replica:
      description: Name of the pod.
      type: str
    node:
      description: Name of its node.
      type: str
    model:
      description: Name of the model.
      type: str
    version:
      description: The version that has answered, or that was asked for.
      type: int
    case:
      description: Name of the case.
      type: str
    golden:
      description: The golden file.
      type: str
    ok:
      description: Whether all outputs are as expected, in time.
      type: bool
  sample:
    - replica: ovms-5d9c7b6f4-2x8kq
      node: factory-1
      model: detector
      version: 2
      case: zebra
      golden: golden/detector.yml
      ok: true
problems:
  description:
    - What is not as expected, the worst value of each output; empty if RV(passed) is true.
    - C(code) is V(value), V(class), V(box), V(shape), V(datatype), V(no_such_tensor), V(version),
      V(slow), V(no_baseline), V(refused), V(unreachable) or V(replica_count).
  returned: success
  type: list
  elements: dict
  sample:
    - code: value
      message: >-
        detector 2, case 'zebra': output 'prob': at index [0, 281] it is 0.00306 instead of 0.91 ±
        0.00092 (872 of 1000 values differ)
      hint: Compare its bytes on the store (model_repository_info), then the device
      replica: ovms-5d9c7b6f4-2x8kq
      model: detector
      version: 2
      case: zebra
      output: prob
      index: [0, 281]
      expected: 0.91
      got: 0.00306
      tolerance: rtol 0.001, atol 1e-05
latencies:
  description: The times that were measured.
  returned: success
  type: list
  elements: dict
  contains:
    replica:
      description: Name of the pod.
      type: str
    model:
      description: Name of the model.
      type: str
    version:
      description: The version that has answered.
      type: int
    case:
      description: Name of the case.
      type: str
    median_ms:
      description: Milliseconds of an inference.
      type: float
    baseline_ms:
      description: Milliseconds that it is compared with; null without any.
      type: float
    baseline:
      description: Where these come from.
      type: str
  sample:
    - replica: ovms-5d9c7b6f4-2x8kq
      model: detector
      version: 2
      case: zebra
      median_ms: 14.2
      baseline_ms: 13.1
      baseline: version 1
seconds:
  description: Time spent, in seconds.
  returned: success
  type: float
  sample: 0.4
error:
  description:
    - Why it failed, for programs. C(error.details) holds RV(checks), RV(problems), RV(latencies)
      and RV(replicas) when answers are not as expected.
  returned: failure
  type: dict
"""


from ..module_utils.entry import EdgeModule, run_module
from ..module_utils.verify.inference.entry import ARGUMENT_SPEC, SPEC_RULES, run


def main() -> None:
    module = EdgeModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **SPEC_RULES)
    run_module(module, run)


if __name__ == "__main__":
    main()
