# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that models, image and devices of a server fit together; sends no request."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Dict, Mapping, Optional, Sequence, Set

from ...errors import InputError
from ...images import DEFAULT_SERVER_IMAGE
from ...kube.health.devices import GPU_RESOURCES, KNOWN_RESOURCES, NPU
from ...runtime import Runtime
from ..config.properties import plugins_of
from ..config.targets import may_run_on_cpu
from ..spec.device import AUTO
from ..spec.server import ServerSpec

# OpenVINO's name of a device, and the resources that give it to a pod.
RESOURCES_OF: Dict[str, Sequence[str]] = {"GPU": GPU_RESOURCES, "NPU": (NPU,)}
_WAY_OUT = "Ask for it with device, or choose CPU or AUTO as target_device"
# The images of OVMS that have no drivers of GPU and NPU: openvino/model_server:2026.3.1
# (openvinotoolkit/model_server, docs/accelerators.md).
_PLAIN_IMAGE = re.compile(r"(?:.*/)?model_server:(?!.*gpu)[\w.-]+")


def targets_of(config: Mapping[str, Any]) -> Dict[str, str]:
    """Return the target device of each model in a configuration."""
    entries = config.get("model_config_list") or ()
    items = [entry.get("config") or {} for entry in entries]
    return {
        str(item.get("name")): str(item["target_device"])
        for item in items
        if item.get("target_device")
    }


def used_by(config: Mapping[str, Any]) -> Set[str]:
    """Return the devices that models name: GPU, NPU."""
    return {
        plugin
        for target in targets_of(config).values()
        for plugin in plugins_of(target)
        if plugin in RESOURCES_OF
    }


def requested(spec: ServerSpec) -> Set[str]:
    """Return the known resources that the options ask for by name."""
    limits = spec.resources.get("limits", {})
    named = {name for name in KNOWN_RESOURCES if name in limits}
    if spec.device is not None and spec.device.claim is not None:
        return named | spec.device.claim.resources
    if spec.device is not None and spec.device.resource != AUTO:
        named.add(spec.device.resource)
    return named


def fitted(spec: ServerSpec, config: Mapping[str, Any], runtime: Runtime) -> ServerSpec:
    """Return the server with the variant of the default image that its devices need.

    Raises:
        InputError: a model names a device that the pod does not get, a device that no model can
            mean, or an image without drivers.
    """
    used = used_by(config)
    if spec.device is None and not requested(spec) and not used:
        return spec
    _check_models(spec, config, runtime)
    _warn_of_the_cpu(spec, config, runtime)
    _check_use(spec, used, runtime if config else None)
    if spec.image == DEFAULT_SERVER_IMAGE:
        return replace(spec, image=f"{DEFAULT_SERVER_IMAGE}-gpu")
    if used or requested(spec):
        _check_image(spec.image, runtime)
    return spec


def _check_models(spec: ServerSpec, config: Mapping[str, Any], runtime: Runtime) -> None:
    claim = spec.device.claim if spec.device is not None else None
    if spec.device is not None and spec.device.resource == AUTO and claim is None:
        return
    named = requested(spec)
    # An unknown resource, another DeviceClass, or a patch of the pod may also provide the device.
    elsewhere = spec.device is not None and spec.device.resource not in KNOWN_RESOURCES
    elsewhere = elsewhere and not (claim is not None and claim.resources)
    elsewhere = elsewhere or bool(spec.running.overrides)
    for name, target in sorted(targets_of(config).items()):
        plugins = plugins_of(target)
        for plugin in plugins:
            resources = RESOURCES_OF.get(plugin)
            if resources is None or named.intersection(resources):
                continue
            text = f"the server gets no {plugin}: it asks for no {' or '.join(resources)}"
            option = f"models[{name}].target_device"
            if elsewhere or len(plugins) > 1:
                runtime.warn(f"{option}: {target}, but {text}. {_WAY_OUT}.")
            else:
                raise InputError(f"{target}, but {text}", option=option, hint=_WAY_OUT)


def _warn_of_the_cpu(spec: ServerSpec, config: Mapping[str, Any], runtime: Runtime) -> None:
    """Warn if a device may stay unused: a list of devices lets OVMS fall back to the CPU."""
    if spec.device is None and not requested(spec):
        return
    for name, target in sorted(targets_of(config).items()):
        if may_run_on_cpu(target):
            runtime.warn(
                f"models[{name}].target_device: with {target} the model is AVAILABLE on the CPU as"
                " well where the device is not usable, and nothing says so. Name the device alone"
                " to have it refused."
            )


def _check_use(spec: ServerSpec, used: Set[str], runtime: Optional[Runtime]) -> None:
    """Warn about a requested device that no model names; without runtime, models are unknown."""
    if spec.device is None:
        return
    claim = spec.device.claim
    if claim is None and spec.device.resource == AUTO and not used:
        raise InputError(
            "no model names a GPU or NPU as its target_device",
            option="device.resource",
            hint="Set target_device, or name the resource",
        )
    names = [spec.device.resource] if claim is None else sorted(claim.resources)
    kind = kind_of(names[0]) if names else None
    if runtime is not None and kind is not None and kind not in used:
        runtime.warn(
            f"device: {claim or spec.device.resource} is held, but no model names {kind} as its "
            "target_device."
        )


def kind_of(resource: str) -> Optional[str]:
    """Return OpenVINO's name of the device that a resource gives, None when it is not known."""
    return next((kind for kind, names in RESOURCES_OF.items() if resource in names), None)


def _check_image(image: str, runtime: Runtime) -> None:
    name, _at, digest = image.partition("@")
    if _PLAIN_IMAGE.fullmatch(name):
        raise InputError(
            f"{image} has no drivers of GPU and NPU",
            option="image",
            hint=f"Use {name}-gpu" if not digest else "Use the image whose tag ends in -gpu",
        )
    if not digest and "gpu" not in name:
        runtime.warn(f"image: {image} must have drivers of GPU and NPU; its name does not tell.")
