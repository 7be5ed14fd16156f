# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources of KServe that run OVMS, and what the tests ask of a result."""

from __future__ import annotations

import base64
import copy
from typing import Any

import yaml
from ansible_collections.openvino.edge.plugins.filter.migrate_values import migrate_values

IMAGE = "registry.example/ovms:2025.4"
# The shape of Open Data Hub's runtime for OVMS.
RUNTIME = yaml.safe_load("""
apiVersion: serving.kserve.io/v1alpha1
kind: ServingRuntime
metadata: {name: ovms, annotations: {openshift.io/display-name: OVMS}}
spec:
  multiModel: false
  annotations: {prometheus.io/port: "8888", prometheus.io/path: /metrics}
  supportedModelFormats: [{name: openvino_ir, version: opset13, autoSelect: true}]
  protocolVersions: [v2, grpc-v2]
  containers:
    - name: kserve-container
      image: registry.example/ovms:2025.4
      args:
        - --model_name={{.Name}}
        - --port=8001
        - --rest_port=8888
        - --model_path=/mnt/models
        - --file_system_poll_wait_seconds=0
        - --grpc_bind_address=0.0.0.0
        - --target_device=AUTO
        - --metrics_enable
      ports: [{containerPort: 8888, protocol: TCP}]
""")
MODEL: dict[str, Any] = {
    "modelFormat": {"name": "openvino_ir"},
    "runtime": "ovms",
    "storageUri": "pvc://models/models/ocr",
}


def runtime(**container: Any) -> dict[str, Any]:
    """Return the runtime with other fields of its container."""
    made = copy.deepcopy(RUNTIME)
    made["spec"]["containers"][0].update(container)
    return dict(made)


def service(predictor: dict[str, Any] | None = None, **model: Any) -> dict[str, Any]:
    """Return an InferenceService; C(None) leaves a field of the model out."""
    told = {key: value for key, value in {**MODEL, **model}.items() if value is not None}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "ocr", "namespace": "edge"},
        "spec": {"predictor": {"model": told, **(predictor or {})}},
    }


def custom(**container: Any) -> dict[str, Any]:
    """Return a custom predictor with other fields of its container."""
    made = service()
    base = {"name": "kserve-container", "image": IMAGE}
    made["spec"]["predictor"] = {"containers": [{**base, **container}]}
    return made


def converted(*documents: Any) -> dict[str, Any]:
    """Return the result; what it has as options has to be accepted."""
    before = copy.deepcopy(documents)
    found = migrate_values(list(documents))
    assert list(before) == list(documents)
    assert not [text for text in found["warnings"] if "refuses" in text], found["warnings"]
    return found


def warned(found: dict[str, Any], *words: str) -> bool:
    """Tell whether a warning has all the words."""
    return any(all(word in text for word in words) for text in found["warnings"])


def why(found: dict[str, Any], path: str) -> str:
    """Return the reason for which a path was dropped."""
    (text,) = [item["why"] for item in found["dropped"] if item["path"] == path]
    return str(text)


def secret(
    name: str, texts: dict[str, str], annotations: dict[str, str] | None = None
) -> dict[str, Any]:
    """Return a Secret with these values."""
    data = {key: base64.b64encode(value.encode()).decode() for key, value in texts.items()}
    metadata = {"name": name, "annotations": annotations or {}}
    return {"kind": "Secret", "metadata": metadata, "data": data}
