#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: golden_record
short_description: Record what a model answers on a trusted site
version_added: 0.2.0
description:
  - Sends inputs to each replica of OpenVINO Model Server (OVMS), several times, and writes a golden
    file with the answers, with tolerances that all of them keep, and with the time that an
    inference took.
  - M(openvino.edge.model_inference) compares other sites with that file.
  - The site is believed. Look at the answers, or take them from the original model, before a fleet
    is measured by them; the page C(docs/golden.md) has the reasons.
options:
  src:
    description:
      - A golden file without values of outputs, YAML or JSON. Outputs that it names are recorded
        with the comparison and the tolerances that it says; if it names none for a case, all
        outputs of the model are.
      - May be O(dest) itself.
    type: path
    required: true
  dest:
    description:
      - The file to write, as a whole or not at all; JSON where the name ends with C(.json), else
        YAML. Its folder has to be there.
      - Left as it is where it asks the same and all answers are as it says, so that a second run
        changes nothing.
    type: path
    required: true
  requests:
    description: Requests to each replica and case, after a first one that is not timed.
    type: int
    default: 5
  rtol:
    description:
      - Relative tolerance to write for floating point outputs for which O(src) has none, at least
        one step between neighbouring numbers.
      - Without it 0.001 for FP64 and FP32, 0.01 for FP16, 0.02 for BF16, which other instruction
        sets keep.
    type: float
  atol:
    description:
      - Absolute tolerance to write for floating point outputs for which O(src) has none. Twice what
        the answers differ beyond the relative tolerance is written if that is more.
      - Without it 0.00001 for FP64 and FP32, 0.001 for FP16, 0.01 for BF16.
    type: float
  allow_nan:
    description: Records NaN and infinity as they are, instead of failing.
    type: bool
    default: false
  force:
    description: Writes O(dest) anew also where all answers are as it says.
    type: bool
    default: false
notes:
  - Check mode asks and predicts, and writes nothing.
  - The account needs the right to create C(pods/proxy), which is how the API server sees a POST.
seealso:
  - module: openvino.edge.model_inference
extends_documentation_fragment:
  - openvino.edge.auth
  - openvino.edge.inference
  - openvino.edge.attributes
  - openvino.edge.attributes.changes
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
- name: Record what the detector answers in the laboratory
  openvino.edge.golden_record:
    kubeconfig: ~/.kube/laboratory
    namespace: edge
    name: ovms
    src: golden/detector-inputs.yml
    dest: golden/detector.yml

- name: Record for a fleet of one kind of CPU, where answers are the same to the last bits
  openvino.edge.golden_record:
    namespace: edge
    name: ovms
    src: golden/detector-inputs.yml
    dest: golden/detector.json
    requests: 20
    rtol: 0.0
    atol: 0.0
"""

RETURN = r"""
carrier:
  description: By what pods were asked, V(proxy), V(portforward) or both. Empty where none was.
  returned: success
  type: str
dest:
  description: The file.
  returned: success
  type: str
  sample: golden/detector.yml
replicas:
  description: How many replicas have answered.
  returned: success
  type: int
  sample: 2
cases:
  description: What was seen of each case.
  returned: success
  type: list
  elements: dict
  contains:
    case:
      description: Name of the case.
      type: str
    model:
      description: Name of the model.
      type: str
    version:
      description: The version that has answered.
      type: int
    answers:
      description: How many answers there were.
      type: int
    latency_ms:
      description:
        - Milliseconds of an inference, the median of warm requests on the slowest replica, less the
          median of requests that the server answers at once.
      type: float
    outputs:
      description:
        - Each output with the tolerances that were written, and the C(spread), which is the largest
          absolute and relative difference between the answers.
      type: list
      elements: dict
  sample:
    - case: zebra
      model: detector
      version: 2
      answers: 12
      latency_ms: 13.1
      outputs:
        - name: prob
          rtol: 0.001
          atol: 1.0e-05
          spread: {max_abs: 0.0, max_rel: 0.0}
diff:
  description: The file before and after; long values are shortened.
  returned: in diff mode, when changed
  type: dict
seconds:
  description: Time spent, in seconds.
  returned: success
  type: float
  sample: 0.9
error:
  description: Why it failed, for programs.
  returned: failure
  type: dict
"""


from ..module_utils.entry import EdgeModule, run_module
from ..module_utils.verify.inference.record_entry import ARGUMENT_SPEC, SPEC_RULES, run


def main() -> None:
    module = EdgeModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **SPEC_RULES)
    run_module(module, run)


if __name__ == "__main__":
    main()
