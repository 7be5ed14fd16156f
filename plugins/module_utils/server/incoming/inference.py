# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts an InferenceService, a ServingRuntime or both to options of C(model_server). Pure."""

from __future__ import annotations

import posixpath
from typing import Any, Dict, List, Mapping, Sequence

from ...errors import InputError
from ..chart.rules import Draft
from ..render.config import CONFIG_FILE
from . import buckets, container, flags, meta, ours, pod, scale, storage
from .documents import Documents, is_own, named, sort
from .flags import Served
from .merged import MODELS, Merged, merged
from .storage import Place

_URI_VARIABLE = "STORAGE_URI"
_MODEL_PREFIX = "spec.predictor.model."


def migrate_kserve(items: Sequence[Any], release: str = "") -> Dict[str, Any]:
    """Return C(options), C(dropped) with reasons, and C(warnings).

    Args:
        items: the documents: an InferenceService, its runtime, and what they name.
        release: name of the server, for a runtime alone.

    Raises:
        InputError: no server of OVMS, or several, or a field that no API server would take.
    """
    draft = Draft()
    try:
        _convert(draft, sort(items, draft), release)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # The definition has some thousand fields, and nothing in a cluster breaks it.
        raise InputError(
            "a field has not the type that KServe's definition gives it",
            subject=named(items),
            hint="kubectl apply --dry-run=server tells which",
        ) from error
    return {"options": draft.options, "dropped": draft.dropped, "warnings": draft.warnings}


def _convert(draft: Draft, found: Documents, release: str) -> None:
    whole = merged(found, draft)
    _name(draft, found, release)
    where = _where(found, whole)
    if not flags.starts_ovms(whole.container):
        whole.container["args"] = _shell(draft, whole, where)
    draft.given["image_name"] = whole.container.get("image") or ""
    place = _place(draft, found, whole)
    if found.own:
        ours.unmade(draft, found, whole, place)
    words = flags.flags_of(whole.container)
    _check(found, whole, words)
    served = flags.read(draft, words)
    whole.container.pop("args", None)
    if served.config:
        _own_config(draft, found, whole, place, served)
    elif not served.generative:
        _one_model(draft, found, place, served)
    else:
        draft.warnings.append(
            "models: OVMS gets a generative model by itself there. Export it to a store, and name"
            " it in models with graph_path"
        )
    _rest(draft, found, whole, place, where)
    found.name_unread(draft)


def _name(draft: Draft, found: Documents, release: str) -> None:
    metadata = found.metadata
    if metadata.get("namespace"):
        draft.put("namespace", metadata["namespace"])
    if found.service is not None:
        draft.put("name", str(metadata.get("name") or release))
    elif release:
        draft.put("name", release)
    else:
        draft.warnings.append("name: give it; a ServingRuntime has only a name of its own")
    if found.own:
        draft.put("backend", "kserve")


def _where(found: Documents, whole: Merged) -> str:
    if found.service is None:
        return "ServingRuntime.spec.containers[0]."
    return "spec.predictor.containers[0]." if whole.custom else _MODEL_PREFIX


def _shell(draft: Draft, whole: Merged, where: str) -> List[str]:
    """Drop the arguments of a command that is not OVMS itself."""
    command = " ".join(map(str, whole.container.get("command") or ()))
    if whole.container.get("args"):
        why = f"they are for the command {command}"
        draft.drop(f"{where}args", whole.container["args"], why)
    draft.warnings.append(
        f"image: the container runs {command}, not OVMS itself; look what it starts OVMS with"
    )
    whole.container["command"] = [command]
    return []


def _check(found: Documents, whole: Merged, words: Sequence[flags.Flag]) -> None:
    """Refuse a custom predictor or a runtime that has nothing of OVMS in its arguments."""
    known = ("model_name", "model_path", "config_path", "rest_port", "source_model")
    told = any(flag[0] in known for flag in words)
    if told or (not whole.custom and found.runtime is None):
        return
    if not flags.starts_ovms(whole.container):
        return
    raise InputError(
        "its container has no argument of OVMS (--model_path, --config_path)",
        subject=named([found.service or found.runtime]),
        hint="Another server cannot be converted",
    )


def _place(draft: Draft, found: Documents, whole: Merged) -> Place:
    """Return where the container finds files; takes the volumes and the storage."""
    model, predictor = whole.model, whole.pod
    volumes = {str(item.get("name")): dict(item) for item in predictor.pop("volumes", None) or ()}
    mounts = [dict(item) for item in whole.container.pop("volumeMounts", None) or ()]
    place = Place(mounts=mounts, volumes=volumes)
    uris = list(predictor.pop("storageUris", None) or ())
    for index, item in enumerate(uris):
        path = f"spec.predictor.storageUris[{index}]"
        if not place.uri and str(item.get("mountPath") or MODELS).rstrip("/") == MODELS:
            place.uri, place.option = str(item.get("uri") or ""), f"{path}.uri"
        else:
            draft.drop(path, item, "a server has one store; copy this to it, too")
    variable = {item.get("name"): item.get("value") for item in whole.container.get("env") or ()}
    if variable.get(_URI_VARIABLE):
        place.uri, place.option = str(variable[_URI_VARIABLE]), f"env[{_URI_VARIABLE}]"
    if model.get("storageUri"):
        place.uri, place.option = str(model["storageUri"]), f"{_MODEL_PREFIX}storageUri"
    elif model.get("storage"):
        _storage(draft, found, place, model["storage"])
    return place


def _storage(draft: Draft, found: Documents, place: Place, given: Mapping[str, Any]) -> None:
    """Take C(storage), whose bucket may be in a Secret only."""
    path = f"{_MODEL_PREFIX}storage"
    uri = buckets.uri_of(found, given)
    if uri is None:
        key = given.get("key") or "the default one"
        why = f"the bucket is in the Secret storage-config, key {key}, which is not given"
        # Its parameters may hold keys.
        shown = {name: given[name] for name in ("key", "path") if name in given}
        draft.drop(path, shown, why)
        place.option = path
        draft.warnings.append(
            f"cloud: {why}. Give it too (or the data connection {key}), or set cloud by yourself"
        )
        directory = str(given.get("path") or "").strip("/")
        draft.model.update({"directory": posixpath.basename(directory)} if directory else {})
        return
    place.uri, place.option = uri, f"{path}.path"
    if given.get("schemaPath"):
        draft.drop(f"{path}.schemaPath", given["schemaPath"], "only ModelMesh reads it")


def _one_model(draft: Draft, found: Documents, place: Place, served: Served) -> None:
    """Set the one model that the command line names."""
    name = served.name or str(draft.options.get("name") or "")
    if "{{" in name and draft.options.get("name") and found.service is None:
        name = str(draft.options["name"])
    if not name or "{{" in name:
        draft.warnings.append("models: the InferenceService names the model; give it, or a release")
        return
    if draft.model.get("directory") == name:
        del draft.model["directory"]
    if "versions" not in draft.model:
        draft.model.setdefault("version_policy", {"latest": 1})
    if draft.given.get("models_settings.is_stateful") and draft.model.get("stateful"):
        draft.warnings.append(
            "models[].stateful: OVMS 2026.3 and later refuse it; tell an older release in"
            " ovms_version"
        )
    storage.single(draft, found, place, served.path or MODELS, name)
    draft.put("models", [{"name": name, **draft.model}])


def _own_config(
    draft: Draft, found: Documents, whole: Merged, place: Place, served: Served
) -> None:
    """Set the configuration file of the server itself, and the store that its paths lead to."""
    for name, value in (("model_name", served.name), ("model_path", served.path)):
        if value:
            draft.drop(f"args --{name}", value, "OVMS takes one model or a configuration file")
    mount = place.at(served.config) or {}
    mapped = "configMap" in (place.volumes.get(str(mount.get("name"))) or {})
    if mapped:
        _config_map(draft, found, whole, place, served.config)
    if "cloud" in draft.options:
        return
    models = storage.whole(draft, place).rstrip("/")
    if models not in ("", "/models"):
        draft.warnings.append(
            f"models: paths of the configuration begin with {models} there, with /models here"
        )
    if not mapped and models and served.config.startswith(f"{models}/"):
        inner = posixpath.relpath(served.config, models)
        draft.put("config_path", posixpath.join("/models", inner))
    elif not mapped:
        why = "it is on no ConfigMap and not in the store"
        draft.drop("args --config_path", served.config, why)
        draft.warnings.append("config_map, config_path, models: nothing is served; give one")


def _config_map(draft: Draft, found: Documents, whole: Merged, place: Place, path: str) -> None:
    """Set a ConfigMap; one that this collection has made becomes the models that it was made of."""
    mount = place.at(path) or {}
    volume = place.volumes[str(mount["name"])]["configMap"]
    name = str(volume.get("name"))
    place.mounts.remove(mount)
    place.taken.append(str(mount["name"]))
    document = found.one("ConfigMap", name)
    if document is not None and is_own(document):
        ours.models_of(draft, whole, place, document)
        return
    if found.own and name == f"{draft.options.get('name')}-config":
        why = "model_server makes it from models, which are in it: give the ConfigMap, too"
        draft.drop("spec.predictor.volumes[config].configMap.name", name, why)
        draft.warnings.append(f"models: {why}")
        return
    draft.put("config_map", name)
    keys = {str(item.get("path")): str(item.get("key")) for item in volume.get("items") or ()}
    file = posixpath.basename(path)
    key = keys.get(file, file)
    if key != CONFIG_FILE:
        draft.drop("args --config_path", path, "config_map reads the key config.json")
        draft.warnings.append(
            f"config_map: the configuration is the key {key} of {name}; copy it to the key"
            " config.json"
        )


def _rest(draft: Draft, found: Documents, whole: Merged, place: Place, where: str) -> None:
    """Set everything beside the models."""
    name = str(draft.options.get("name") or "")
    annotations = dict(found.metadata.get("annotations") or {}) if found.service else {}
    left = container.fields(draft, whole.container, where, own=found.own)
    container.grace(draft, left, whole.pod.pop("terminationGracePeriodSeconds", None))
    left = {key: value for key, value in left.items() if value not in ({}, [])}
    if found.service is not None:
        scale.scaling(draft, whole.pod, annotations)
    meta.metadata(draft, found, whole.pod, annotations)
    spec = pod.fields(draft, whole.pod, name, own=found.own)
    inits: List[Dict[str, Any]] = spec.get("initContainers") or []
    pod.volumes(draft, place, [*whole.sidecars, *inits], where)
    pod.overridden(draft, spec, left, whole.sidecars)
