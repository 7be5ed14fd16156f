# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the option about who makes the pods."""

from __future__ import annotations


class ModuleDocFragment:
    """The option C(backend)."""

    DOCUMENTATION = r"""
options:
  backend:
    description:
      - Who makes the pods.
      - With V(manifests) this module makes a Deployment or DaemonSet, and a Service. Nothing else
        is needed on the cluster.
      - With V(operator) it writes a C(ModelServer), from which the OpenVINO operator makes both.
        The operator is deprecated, and no OVMS release from 2026.3 on starts with it; such an image
        is refused, and so is the default of O(image).
      - With V(kserve) it writes an C(InferenceService) in the mode C(Standard), from which KServe
        makes a Deployment and a Service. The pods stand in it whole, as a custom predictor.
      - Options that the other backends cannot say are refused by name before anything is changed.
      - The addresses differ, see RV(endpoints). After a change of this option the old pods serve
        until the new ones are ready, unless they hold a device or O(strategy=Recreate).
    type: str
    choices: [manifests, operator, kserve]
    default: manifests
"""
