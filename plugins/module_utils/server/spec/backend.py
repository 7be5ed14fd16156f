# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option C(backend): the workload or controller that creates the pods. Pure.

With C(manifests) the collection applies the workload itself. With the other backends it applies a
custom resource, from which a controller in the cluster creates a Deployment; their code is in
C(backends).
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Tuple

MANIFESTS, OPERATOR, KSERVE = "manifests", "operator", "kserve"
BACKENDS = (MANIFESTS, OPERATOR, KSERVE)
BACKEND_ARGUMENT_SPEC: Dict[str, Any] = {
    "backend": {"type": "str", "choices": list(BACKENDS), "default": MANIFESTS},
}
# The key of the backend in the server's record; see C(render.kinds).
BACKEND_KEY = "backend"

Kind = Tuple[str, str]
# openvinotoolkit/operator, config/crd/bases/intel.com_model_servers.yaml.
MODEL_SERVER: Kind = ("intel.com/v1alpha1", "ModelServer")
# kserve/kserve, config/crd/full.
INFERENCE_SERVICE: Kind = ("serving.kserve.io/v1beta1", "InferenceService")
# The custom resource of each backend, from which a controller creates the pods.
STANDS_FOR_PODS: Dict[str, Kind] = {OPERATOR: MODEL_SERVER, KSERVE: INFERENCE_SERVICE}
CONTROLLED: Tuple[str, ...] = tuple(kind for _version, kind in STANDS_FOR_PODS.values())


def backend_in(item: Mapping[str, Any]) -> str:
    """Return the backend that a record names; empty when the object is no record."""
    found = (
        str((item.get("data") or {}).get(BACKEND_KEY, "")) if item["kind"] == "ConfigMap" else ""
    )
    return found if found in STANDS_FOR_PODS else ""


def records_of(items: Sequence[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Return the records of backends among the objects of a server."""
    return [item for item in items if backend_in(item)]


def without_records(items: Sequence[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Return the objects of a server that are no records."""
    return [item for item in items if not backend_in(item)]


def made_elsewhere(item: Mapping[str, Any]) -> bool:
    """Tell whether a controller creates, or created, pods from an object."""
    return item["kind"] in CONTROLLED or bool(backend_in(item))
