# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option C(model_cache): where a server keeps compiled models for a faster start. Pure.

OVMS takes C(--cache_dir) in every release from 2022.3 on and needs to write there
(openvinotoolkit/model_server, src/modelmanager.cpp, docs/model_cache.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from ...errors import InputError
from ...store import PvcStore
from .. import values
from ..config.models import ModelSpec
from ..config.shapes import AUTO

CACHE_MOUNT = "/opt/cache"
CACHE_FLAG = "--cache_dir"
CACHE_VOLUME = "cache"
# The directory beside C(models) on the store; servers see it only through this mount.
CACHE_DIRECTORY = "cache"
CACHE_SIZE = "1Gi"
NODE_VARIABLE = "EDGE_NODE_NAME"
READ_ONLY_MODE = "ReadOnlyMany"
CACHE_ARGUMENT_SPEC: Dict[str, Any] = {
    "model_cache": {
        "type": "dict",
        "options": {
            "size": {"type": "str"},
            "persistent": {"type": "bool", "default": False},
        },
    },
}

Part = Dict[str, Any]


@dataclass(frozen=True)
class CacheSpec:
    """A cache: C(size) of a volume that lives as long as its pod, or empty for one on the claim."""

    size: str = ""

    @property
    def persistent(self) -> bool:
        """Tell whether it outlives the pod."""
        return not self.size


def cache_from_params(params: Mapping[str, Any], source: object) -> Optional[CacheSpec]:
    """Return the checked option, C(None) without a cache.

    Raises:
        InputError: it has a size and is on the claim, there is no claim, or its place is taken.
    """
    options = params.get("model_cache")
    if options is None:
        return None
    persistent, size = bool(options.get("persistent")), options.get("size")
    if persistent and size:
        raise InputError(
            "nothing limits a directory on a claim",
            option="model_cache.size",
            hint="Leave it out, or leave persistent out for a volume of that size",
        )
    if persistent and not isinstance(source, PvcStore):
        raise InputError(
            "only a claim keeps it, so it needs pvc",
            option="model_cache.persistent",
            hint="Leave it out: then the cache lives as long as its pod",
        )
    _check_free(params)
    text = "" if persistent else values.quantity(size or CACHE_SIZE, "model_cache.size")
    return CacheSpec(text)


def _check_free(params: Mapping[str, Any]) -> None:
    """Refuse other options that set the cache directory, its volume or its variable.

    Raises:
        InputError: names that option.
    """
    taken = {
        f"extra_args[{index}]": f"model_cache sets {CACHE_FLAG}"
        for index, value in enumerate(params["extra_args"])
        if value.split("=", 1)[0] == CACHE_FLAG
    }
    for option, key, own in (
        ("extra_volumes", "name", CACHE_VOLUME),
        ("extra_volume_mounts", "mountPath", CACHE_MOUNT),
    ):
        for index, item in enumerate(params[option]):
            if str(item.get(key) or "").rstrip("/") == own:
                taken[f"{option}[{index}]"] = f"{own} is that of model_cache"
    if NODE_VARIABLE in params["env"]:
        taken[f"env.{NODE_VARIABLE}"] = "model_cache sets it"
    for option, message in taken.items():
        raise InputError(message, option=option, hint="Leave out one of both")


def check_modes(cache: Optional[CacheSpec], modes: Sequence[str], subject: str) -> None:
    """Refuse a cache on a claim that can only be read.

    Raises:
        InputError: the claim is for readers only.
    """
    if cache is not None and cache.persistent and tuple(modes) == (READ_ONLY_MODE,):
        raise InputError(
            f"its access mode is {READ_ONLY_MODE}, so no cache can be written there",
            option="model_cache.persistent",
            subject=subject,
            hint="Leave it out: then the cache lives as long as its pod",
        )


def warnings(
    cache: Optional[CacheSpec], models: Sequence[ModelSpec], args: Sequence[str]
) -> Tuple[str, ...]:
    """Return warnings about models that the cache does not speed up."""
    if cache is None:
        elsewhere = any(value.split("=", 1)[0] == CACHE_FLAG for value in args)
        asking = [model.name for model in models if model.allow_cache and not elsewhere]
        return tuple(
            f"models[{name}].allow_cache: there is no cache. Set model_cache." for name in asking
        )
    return tuple(
        f"models[{model.name}]: with batch_size or shape auto it is compiled again for each new"
        " shape, so the server does not cache it. Set allow_cache if few shapes come."
        for model in models
        if model.allow_cache is None and _changes_shape(model)
    )


def _changes_shape(model: ModelSpec) -> bool:
    shapes = model.shape.values() if isinstance(model.shape, Mapping) else [model.shape]
    return model.batch_size == AUTO or AUTO in shapes
