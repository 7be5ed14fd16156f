# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a ServingRuntime and an InferenceService together as KServe does. Pure.

The service's fields win, mappings and lists with keys are merged, arguments follow one another, and
C({{.Name}}) is replaced. Source: kserve/kserve v0.20.0,
pkg/controller/v1beta1/inferenceservice/utils/utils.go (MergeRuntimeContainers, MergePodSpec,
ReplacePlaceholders, UpdateImageTag).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ...errors import InputError
from ..chart.rules import Draft
from ..spec.overrides import overridden
from .documents import Documents

CONTAINER = "kserve-container"
# Where KServe's storage is seen in the pod (pkg/constants, DefaultModelLocalMountPath).
MODELS = "/mnt/models"
# Formats that runtimes with OVMS name (opendatahub-io/odh-model-controller,
# config/runtimes/ovms-kserve-template.yaml; openvinotoolkit/model_server, extras/kserve).
FORMATS = ("openvino_ir", "openvino", "onnx", "tensorflow", "paddle", "pytorch")
_FRAMEWORKS = (
    *("huggingface", "lightgbm", "onnx", "paddle", "pmml", "pytorch", "sklearn"),
    *("tensorflow", "triton", "xgboost"),
)
# Of predictor.model, beside the fields of a container.
_OF_MODEL = ("modelFormat", "runtime", "runtimeVersion", "protocolVersion", "storage", "storageUri")
# Of a runtime, the fields of its pods.
_OF_PODS = (
    *("affinity", "annotations", "hostIPC", "imagePullSecrets", "labels", "nodeSelector"),
    *("resourceClaims", "schedulerName", "tolerations", "volumes"),
)
# The rest of it chooses the runtime, or is for ModelMesh.
_OF_RUNTIME = {
    "disabled": "it keeps KServe from choosing the runtime, and nothing chooses here",
    "protocolVersions": "KServe chooses a runtime by it; OVMS always speaks its protocols",
    "supportedModelFormats": "KServe chooses a runtime by it; OVMS finds the format by the files",
    "workerSpec": "a server is one pod, and has no workers on other nodes",
}
_MESH = "only ModelMesh reads it"
_PLACEHOLDER = re.compile(r"\{\{\s*\.([A-Za-z]+)(?:\.([A-Za-z0-9_.]+))?\s*\}\}")

Object = Dict[str, Any]


@dataclass
class Merged:
    """The pod that KServe makes.

    Attributes:
        container: of the server, without what KServe adds.
        sidecars: the other containers.
        pod: the fields of the pod spec, of the scaling, C(labels) and C(annotations).
        model: the fields of C(predictor.model) that are for KServe.
        custom: the predictor has its container itself.
    """

    container: Object = field(default_factory=dict)
    sidecars: List[Object] = field(default_factory=list)
    pod: Object = field(default_factory=dict)
    model: Object = field(default_factory=dict)
    custom: bool = False


def merged(found: Documents, draft: Draft) -> Merged:
    """Return the pod.

    Raises:
        InputError: it is no server that OVMS could be.
    """
    runtime = dict((found.runtime or {}).get("spec") or {})
    predictor = dict(((found.service or {}).get("spec") or {}).get("predictor") or {})
    _other_parts(found, draft)
    base, sidecars = _split(runtime.pop("containers", None) or [])
    shared = {key: runtime.pop(key) for key in _OF_PODS if key in runtime}
    for key, value in runtime.items():
        if value not in (None, False, "", [], {}):
            draft.drop(f"ServingRuntime.spec.{key}", value, _OF_RUNTIME.get(key, _MESH))
    own, others = _split(predictor.pop("containers", None) or [])
    model = _model(predictor, found)
    if model is None and found.service is not None:
        return Merged(own, others, predictor, {}, custom=True)
    given = {key: value for key, value in (model or {}).items() if key not in _OF_MODEL}
    of_model = {key: value for key, value in (model or {}).items() if key in _OF_MODEL}
    if of_model.get("protocolVersion"):
        why = "OVMS always speaks all of its protocols"
        draft.drop("spec.predictor.model.protocolVersion", of_model["protocolVersion"], why)
    container = overridden(base, given)
    container["args"] = [*(base.get("args") or ()), *(given.get("args") or ())]
    if own.get("name") == CONTAINER:
        draft.drop("spec.predictor.containers", CONTAINER, "predictor.model has the container")
    elif own:
        others = [own, *others]
    pod = overridden(shared, predictor)
    result = Merged(container, [*sidecars, *others], pod, of_model)
    _image_tag(result, draft)
    return _replaced(result, found, draft)


def _other_parts(found: Documents, draft: Draft) -> None:
    """Drop what an InferenceService has beside its predictor."""
    whys = {
        "canary": "two versions of one server are rolled out by the role rollout, site by site",
        "explainer": "it is a server of its own, which is not OVMS",
        "transformer": "it is a server of its own, which is not OVMS",
    }
    for key, value in ((found.service or {}).get("spec") or {}).items():
        if key != "predictor" and value:
            draft.drop(f"spec.{key}", value, whys.get(key, "model_server has no option for it"))
    if ((found.service or {}).get("spec") or {}).get("transformer"):
        draft.warnings.append(
            "transformer: clients reach the server through it today. Deploy it by yourself, and let"
            " it call the new Service"
        )


def _split(containers: Sequence[Mapping[str, Any]]) -> Tuple[Object, List[Object]]:
    """Return the server's container, the one with KServe's name or else the first, and others."""
    ordered = sorted(containers, key=lambda item: bool(item.get("name") != CONTAINER))
    return (dict(ordered[0]) if ordered else {}), [dict(item) for item in ordered[1:]]


def _model(predictor: Object, found: Documents) -> Any:
    """Take C(model) out of the predictor, or an old field for one framework; None: neither."""
    for framework in _FRAMEWORKS:
        if predictor.get(framework) is not None:
            old = dict(predictor.pop(framework))
            predictor["model"] = {"modelFormat": {"name": framework}, **old}
    model = predictor.pop("model", None)
    if not model:
        return None
    name = str((model.get("modelFormat") or {}).get("name") or "")
    known = (((found.runtime or {}).get("spec") or {}).get("supportedModelFormats")) or ()
    if name and name.lower() not in (*FORMATS, *(str(item.get("name")).lower() for item in known)):
        raise InputError(
            f"OVMS serves no models of the format {name}",
            subject=f"InferenceService {found.metadata.get('name')}",
            hint="Give the ServingRuntime with it, if that is one with OVMS",
        )
    return model


def _image_tag(result: Merged, draft: Draft) -> None:
    """Put C(runtimeVersion) in the place of the image's tag."""
    version, image = result.model.pop("runtimeVersion", None), result.container.get("image")
    if not version:
        return
    if not image or "@" in image:
        why = "the image is not given, or is named by its digest"
        draft.drop("spec.predictor.model.runtimeVersion", version, why)
        return
    place, slash, last = str(image).rpartition("/")
    result.container["image"] = f"{place}{slash}{last.partition(':')[0]}:{version}"


def _replaced(result: Merged, found: Documents, draft: Draft) -> Merged:
    """Replace the placeholders of a runtime in the container, as far as they are known."""
    metadata = found.metadata if found.service is not None else {}
    unknown = set()

    def one(match: Any) -> str:
        head, key = match.group(1), match.group(2)
        value = metadata.get(head.lower())
        value = (value or {}).get(key) if key else value
        if isinstance(value, str):
            return value
        unknown.add(match.group(0))
        return str(match.group(0))

    result.container = _texts(result.container, lambda text: _PLACEHOLDER.sub(one, text))
    if unknown and found.service is not None:
        draft.warnings.append(f"args: the resource has no value for {', '.join(sorted(unknown))}")
    return result


def _texts(value: Any, change: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _texts(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_texts(item, change) for item in value]
    return change(value) if isinstance(value, str) else value
