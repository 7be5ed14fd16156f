# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A strategic merge patch over the pod template. Pure.

Mappings are merged key by key, a null removes a key. Lists whose items Kubernetes knows by a key
are merged by that key, all others are replaced (merge keys: k8s.io/api core/v1, types.go, the tags
C(patchStrategy) and C(patchMergeKey)). An item C($patch: delete) goes, C($patch: replace) in a
mapping or list puts the new one in the place of the old one.
"""

from __future__ import annotations

import copy
import re
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ...errors import ApiError, InputError
from .. import values
from .pod import OWN_VOLUMES

OPTION = "pod_overrides"
OVERRIDES_ARGUMENT_SPEC: Dict[str, Any] = {OPTION: {"type": "dict", "default": {}}}
MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "resourceClaims": "name",
    "schedulingGates": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "ports": "containerPort",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
}
DIRECTIVE = "$patch"
# Fields of the server's container that a patch must not remove, and the options for them.
_OWN_FIELDS = {
    "args": "extra_args",
    "command": "image",
    "image": "image",
    "imagePullPolicy": "image_pull_policy",
    "ports": "rest_port and grpc_port",
}
_OWN_MOUNTS = {"/models": "pvc or host_path", "/config": "models"}
_FIELD = re.compile(r"spec\.template\.([\w.\[\]$\-\"=/]+)")

Object = Dict[str, Any]


def overrides_from_params(params: Mapping[str, Any], container: str) -> Object:
    """Return the checked patch.

    Args:
        params: the options.
        container: the name of the server's container.

    Raises:
        InputError: it does not fit a pod template, or removes a field that the server needs.
    """
    given: Object = copy.deepcopy(params.get(OPTION) or {})
    _only(given, ("metadata", "spec"), OPTION)
    metadata = given.get("metadata", {})
    _only(metadata, ("labels", "annotations"), f"{OPTION}.metadata")
    for key, check in (("labels", values.labels), ("annotations", values.annotation_texts)):
        if key in metadata:
            metadata[key] = _texts(metadata[key], f"{OPTION}.metadata.{key}", check)
    spec = given.get("spec", {})
    _mapping(spec, f"{OPTION}.spec")
    _check_lists(spec, f"{OPTION}.spec")
    for key in ("containers", "volumes"):
        _check_kept(spec, key, f"{OPTION}.spec")
    _check_volumes(spec.get("volumes", ()))
    for item in spec.get("containers", ()):
        if item["name"] == container:
            _check_own(item, f"{OPTION}.spec.containers[{container}]")
    return given


def _mapping(value: Any, option: str) -> None:
    if not isinstance(value, Mapping):
        raise InputError("a mapping is needed", option=option)


def _only(given: Any, allowed: Sequence[str], option: str) -> None:
    _mapping(given, option)
    for key in given:
        if key not in allowed:
            hint = f"A pod template has {' and '.join(allowed)} here"
            raise InputError(f"'{key}' cannot be overridden", option=option, hint=hint)


def _texts(given: Any, option: str, check: Callable[[Any, str], Dict[str, str]]) -> Object:
    """Return labels or annotations as text; a null, which removes one, stays a null."""
    _mapping(given, option)
    gone = {key: None for key, value in given.items() if value is None}
    check(dict.fromkeys(gone, ""), option)
    kept = {key: value for key, value in given.items() if value is not None}
    return {**check(kept, option), **gone}


def _check_kept(fields: Mapping[str, Any], key: str, option: str) -> None:
    """Refuse a patch that removes or replaces a whole list with items that the server needs."""
    if key not in fields:
        return
    items = fields[key]
    if items is None or (isinstance(items, list) and {DIRECTIVE: "replace"} in items):
        message = "some of these are the server's own, and can be changed but not taken away"
        raise InputError(message, option=f"{option}.{key}")
    if not isinstance(items, list):
        raise InputError("a list is needed", option=f"{option}.{key}")


def _check_lists(value: Any, option: str, key: str = "") -> None:
    """Refuse list items that lack their merge key, and directives that we do not know."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            odd = name.startswith("$") and (name != DIRECTIVE or item not in ("delete", "replace"))
            if odd:
                hint = "Use $patch: delete or $patch: replace"
                raise InputError(f"{name}: {item} is not known", option=option, hint=hint)
            _check_lists(item, f"{option}.{name}", name)
    elif isinstance(value, list):
        merge_key = MERGE_KEYS.get(key)
        for index, item in enumerate(value):
            place = f"{option}[{index}]"
            replaces = isinstance(item, Mapping) and item == {DIRECTIVE: "replace"}
            if (
                merge_key
                and not replaces
                and (not isinstance(item, Mapping) or merge_key not in item)
            ):
                hint = f"Items of {key} are merged by {merge_key}"
                raise InputError(f"{merge_key} is needed", option=place, hint=hint)
            _check_lists(item, place)


def _check_volumes(items: Sequence[Mapping[str, Any]]) -> None:
    for item in items:
        if item.get("name") in OWN_VOLUMES and item["name"] != "tmp":
            raise InputError(
                f"the volume '{item['name']}' is what the server serves",
                option=f"{OPTION}.spec.volumes[{item['name']}]",
                hint="Use pvc, host_path and models, or give another volume another name",
            )


def _check_own(item: Mapping[str, Any], option: str) -> None:
    if DIRECTIVE in item:
        message = "the server's own container can be changed, not taken away"
        raise InputError(message, option=option)
    for field, use in _OWN_FIELDS.items():
        if field in item:
            raise InputError("set from options", option=f"{option}.{field}", hint=f"Use {use}")
    _check_kept(item, "volumeMounts", option)
    for mount in item.get("volumeMounts", ()):
        path = str(mount.get("mountPath") or "")
        if path.rstrip("/") in _OWN_MOUNTS:
            use = _OWN_MOUNTS[path.rstrip("/")]
            place = f"{option}.volumeMounts[{path}]"
            raise InputError("set from options", option=place, hint=f"Use {use}")


def overridden(template: Object, patch: Mapping[str, Any]) -> Object:
    """Return the template with the patch merged into it; neither argument is changed."""
    merged: Object = _merged(copy.deepcopy(template), copy.deepcopy(dict(patch)))
    return merged


def _merged(base: Any, patch: Mapping[str, Any]) -> Object:
    if not isinstance(base, Mapping) or patch.get(DIRECTIVE) == "replace":
        base = {}
    result = dict(base)
    for key, value in patch.items():
        if key == DIRECTIVE:
            continue
        if value is None or (isinstance(value, Mapping) and value.get(DIRECTIVE) == "delete"):
            result.pop(key, None)
        elif isinstance(value, Mapping):
            result[key] = _merged(result.get(key), value)
        elif isinstance(value, list) and key in MERGE_KEYS:
            result[key] = _merged_list(result.get(key) or [], value, MERGE_KEYS[key])
        else:
            result[key] = value
    return result


def _merged_list(base: List[Object], patch: Sequence[Mapping[str, Any]], key: str) -> List[Object]:
    """Merge by key: old items keep their place, new ones follow."""
    if any(dict(item) == {DIRECTIVE: "replace"} for item in patch):
        base = []
    result = list(base)
    for item in patch:
        if key not in item:
            continue
        found = _index(result, key, item[key])
        if item.get(DIRECTIVE) == "delete":
            if found is not None:
                del result[found]
        elif found is None:
            result.append(_merged({}, item))
        else:
            result[found] = _merged(result[found], item)
    return result


def _index(items: Sequence[Mapping[str, Any]], key: str, value: Any) -> Optional[int]:
    return next((index for index, item in enumerate(items) if item.get(key) == value), None)


def refusal(error: ApiError, patch: Mapping[str, Any]) -> Optional[InputError]:
    """Return an API error as an error of this option, None when it is about other fields."""
    known = set(_names(patch))
    texts = [error.message, *(error.details or {}).get("causes", ())]
    fields = [match.group(1) for text in texts for match in _FIELD.finditer(text)]
    for field in fields:
        parts = [part for part in re.split(r"[.\[\]\"=]+", field) if part and not part.isdigit()]
        if len(parts) > 1 and parts[1] in known and parts[-1] in known:
            return InputError(
                f"the cluster refuses {field}: {error.message}",
                option=OPTION,
                subject=error.subject,
                hint="Correct this field, or leave it out",
                details=error.details,
            )
    return None


def _names(value: Any) -> Iterator[str]:
    """Yield every key, and every value that names an item of a list."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _names(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _names(item)
            if isinstance(item, Mapping):
                yield from (str(item[key]) for key in set(MERGE_KEYS.values()) if key in item)


def host_path(patch: Mapping[str, Any]) -> bool:
    """Tell whether the patch brings a directory of the node into the pod."""
    volumes: Tuple[Any, ...] = tuple((patch.get("spec") or {}).get("volumes") or ())
    return any(isinstance(item, Mapping) and "hostPath" in item for item in volumes)
