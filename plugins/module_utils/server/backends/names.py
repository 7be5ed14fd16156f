# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a controller makes of a server: names, labels and ports of its objects. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Mapping

from ansible_collections.openvino.edge.plugins.module_utils.server.backend_options import (
    INFERENCE_SERVICE,
    KSERVE,
    MODEL_SERVER,
    OPERATOR,
    Kind,
)

# The server's name followed by this is the value of C(openvino.edge/server) on what KServe makes:
# it copies the labels of an InferenceService, and its objects must not pass for ours. No server
# can have a name with a dot.
OTHER = ".kserve"
# kserve/kserve, pkg/constants: the label of pods, and the port of the first one of a container.
ISVC_LABEL = "serving.kserve.io/inferenceservice"
KSERVE_PORT = 80


@dataclass(frozen=True)
class Made:
    """What a controller makes of one server.

    Attributes:
        owner: kind of the resource that it makes it from.
        deployment: name of its Deployment and of its Service.
        labels: of its pods.
        who: the controller, for messages.
    """

    owner: Kind
    deployment: str
    labels: Mapping[str, str]
    who: str

    @property
    def selector(self) -> str:
        """Return the labels in the form of a query."""
        return ",".join(f"{key}={value}" for key, value in sorted(self.labels.items()))


def made_by(backend: str, name: str) -> Made:
    """Return what the controller of a backend makes of the server C(name).

    Sources: openvinotoolkit/operator, helm-charts/ovms/templates/_helpers.tpl and deployment.yaml;
    kserve/kserve, pkg/controller/v1beta1/inferenceservice (PredictorServiceName).
    """
    if backend == OPERATOR:
        full = name if "ovms" in name else f"{name}-ovms"
        labels = {"app": full, "release": name}
        return Made(MODEL_SERVER, full, labels, "the OpenVINO operator")
    return Made(INFERENCE_SERVICE, f"{name}-predictor", {ISVC_LABEL: name}, "KServe")


def backend_of(kind: str) -> str:
    """Return the backend that a resource belongs to."""
    return OPERATOR if kind == MODEL_SERVER[1] else KSERVE


def ports(backend: str, rest: int, grpc: int) -> Dict[str, int]:
    """Return the ports of the Service that the controller makes."""
    return {"rest": KSERVE_PORT if backend == KSERVE else rest, "grpc": grpc}


def record_name(backend: str, name: str) -> str:
    """Return the name of the ConfigMap that tells which kinds were made; see C(server.kinds)."""
    return f"{name}-{backend}"
