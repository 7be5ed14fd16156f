# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option C(backend): who makes the pods. Pure.

C(manifests) is what the rest of this area does. The others write resources that a controller of the
cluster makes a Deployment from; their code is in C(backends), which only they import.
"""

from __future__ import annotations

from typing import Any, Dict, Tuple

MANIFESTS, OPERATOR, KSERVE = "manifests", "operator", "kserve"
BACKENDS = (MANIFESTS, OPERATOR, KSERVE)
BACKEND_ARGUMENT_SPEC: Dict[str, Any] = {
    "backend": {"type": "str", "choices": list(BACKENDS), "default": MANIFESTS},
}
# What tells it in the record that such a server has; see C(server.kinds).
BACKEND_KEY = "backend"

Kind = Tuple[str, str]
# openvinotoolkit/operator, config/crd/bases/intel.com_model_servers.yaml.
MODEL_SERVER: Kind = ("intel.com/v1alpha1", "ModelServer")
# kserve/kserve, config/crd/full.
SERVING_RUNTIME: Kind = ("serving.kserve.io/v1alpha1", "ServingRuntime")
INFERENCE_SERVICE: Kind = ("serving.kserve.io/v1beta1", "InferenceService")
# What stands for the pods, by backend; a controller makes them from it.
STANDS_FOR_PODS: Dict[str, Kind] = {OPERATOR: MODEL_SERVER, KSERVE: INFERENCE_SERVICE}
CONTROLLED: Tuple[str, ...] = tuple(kind for _version, kind in STANDS_FOR_PODS.values())
# Every kind from which a controller makes pods.
TEMPLATES: Tuple[str, ...] = (SERVING_RUNTIME[1], *CONTROLLED)
