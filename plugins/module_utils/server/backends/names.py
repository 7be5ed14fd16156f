# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, labels and ports of the objects that a controller creates for a server. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Dict, Mapping

from ..spec.backend import INFERENCE_SERVICE, KSERVE, MODEL_SERVER, OPERATOR, Kind

# The server's name followed by this is the value of C(openvino.edge/server) on what KServe makes:
# it copies the labels of an InferenceService, and its objects must not pass for ours. No server
# can have a name with a dot.
OTHER = ".kserve"
# kserve/kserve, pkg/constants: the label of pods, and the port of the first one of a container.
ISVC_LABEL = "serving.kserve.io/inferenceservice"
KSERVE_PORT = 80


@dataclass(frozen=True)
class Names:
    """The address of a server inside the cluster: name of its Service, and ports by name."""

    service: str
    ports: Mapping[str, int]


@dataclass(frozen=True)
class Made:
    """The objects that a controller creates for one server.

    Attributes:
        owner: kind of the custom resource that they are created from.
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


def _operator(name: str) -> Made:
    # openvinotoolkit/operator, helm-charts/ovms/templates/_helpers.tpl and deployment.yaml. A label
    # has 63 characters, and a longer one could not even be asked for.
    full = (name if "ovms" in name else f"{name}-ovms")[:63].rstrip("-")
    return Made(MODEL_SERVER, full, {"app": full, "release": name}, "the OpenVINO operator")


def _kserve(name: str) -> Made:
    # kserve/kserve, pkg/controller/v1beta1/inferenceservice (PredictorServiceName).
    return Made(INFERENCE_SERVICE, f"{name}-predictor", {ISVC_LABEL: name}, "KServe")


_MADE: Dict[str, Callable[[str], Made]] = {OPERATOR: _operator, KSERVE: _kserve}
_BACKEND_OF_KIND = {MODEL_SERVER[1]: OPERATOR, INFERENCE_SERVICE[1]: KSERVE}


def has_controller(backend: str) -> bool:
    """Tell whether a controller makes the pods."""
    return backend in _MADE


def made_by(backend: str, name: str) -> Made:
    """Return the objects that the controller of a backend creates for the server C(name)."""
    return _MADE[backend](name)


def made_from(kind: str, name: str) -> Made:
    """Return the objects that a controller creates from the resource C(name) of a kind."""
    return made_by(_BACKEND_OF_KIND[kind], name)


def serving_deployment(backend: str, name: str) -> str:
    """Return the name of the Deployment whose pods serve."""
    return made_by(backend, name).deployment if has_controller(backend) else name


def record_name(backend: str, name: str) -> str:
    """Return the name of the ConfigMap that tells which kinds were made; see C(server.kinds)."""
    return f"{name}-{backend}"
