# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds where a server of KServe has its model, and which store that is here. Pure.

KServe mounts C(pvc://) itself and copies all other URIs to C(/mnt/models) before the server starts;
an image (C(oci://)) has the model in its C(/models). Source: kserve/kserve v0.20.0,
pkg/webhook/admission/pod/storage_initializer_injector.go and python/storage.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional

from ..chart import places
from ..chart.rules import Draft
from ..config.places import is_remote, misread
from .buckets import BUCKETS, bucket
from .documents import Documents
from .merged import MODELS

_VOLUME_CLAIM = "models_repository.models_volume_claim"
_HOST_PATH = "models_repository.models_host_path"
_WORLD = "/models"
_BLOB = re.compile(r"https://([a-z0-9]+)\.blob\.core\.windows\.net/(.+)")
# Volumes that are a store here.
_STORES = ("persistentVolumeClaim", "hostPath", "image")

Object = Dict[str, Any]


@dataclass
class Place:
    """Where KServe's server finds files.

    Attributes:
        uri: what is at C(/mnt/models); empty: nothing.
        option: the field that says so, also where it names a place that is not known.
        mounts: the mounts of the container; what becomes the store is taken out.
        volumes: the volumes by name.
        taken: names of the volumes that became a store.
    """

    uri: str = ""
    option: str = ""
    mounts: List[Object] = field(default_factory=list)
    volumes: Dict[str, Object] = field(default_factory=dict)
    taken: List[str] = field(default_factory=list)

    def at(self, path: str) -> Optional[Object]:
        """Return the mount below which a path lies, the innermost of several."""
        fit = [item for item in self.mounts if _inside(path, str(item.get("mountPath")))]
        return max(fit, key=lambda item: len(str(item["mountPath"])), default=None)


def single(draft: Draft, found: Documents, place: Place, path: str, name: str) -> None:
    """Set the store of the one model that the server has at a path."""
    mount = place.at(path)
    if is_remote(path):
        bucket(draft, found, path, name, "args --model_path")
    elif mount is not None:
        _of_mount(draft, place, mount, path, name)
    elif place.uri and _inside(path, MODELS):
        inner = posixpath.relpath(path, MODELS)
        _of_uri(draft, found, place, "" if inner == "." else inner, name)
    elif _inside(path, MODELS):
        if not place.option:
            where = "; the InferenceService does" if found.service is None else ""
            draft.warnings.append(f"pvc, host_path, cloud: nothing says where the model is{where}")
    else:
        draft.warnings.append(
            f"models[{name}]: {path} is part of the image. Copy it to a store, and name that"
        )


def _of_uri(draft: Draft, found: Documents, place: Place, inner: str, name: str) -> None:
    """Set the store of a URI of KServe."""
    blob = _BLOB.fullmatch(place.uri)
    uri = f"az://{blob.group(2)}" if blob else place.uri
    scheme, _mark, rest = uri.partition("://")
    rest = rest.strip("/")
    if scheme == "pvc":
        claim, _slash, sub = rest.partition("/")
        _volume(draft, {"persistentVolumeClaim": {"claimName": claim}}, _join(sub, inner), name)
    elif scheme == "oci":
        _volume(draft, {"image": {"reference": rest}}, _join("models", inner), name)
    elif scheme in BUCKETS:
        bucket(draft, found, f"{scheme}://{_join(rest, inner)}", name, place.option)
    else:
        why = "a server reads its models from a volume, an image or a bucket (s3, gs, az)"
        draft.drop(place.option, place.uri, why)
        draft.warnings.append(
            f"models[{name}]: KServe fetches {place.uri} at each start. Copy it onto a volume with"
            " openvino.edge.model_repository, and name that in pvc or host_path"
        )
        _directory(draft, _join(rest, inner), name)


def _of_mount(draft: Draft, place: Place, mount: Object, path: str, name: str) -> None:
    """Set the store of a volume that the container mounts."""
    volume = place.volumes.get(str(mount.get("name"))) or {}
    inner = posixpath.relpath(path, str(mount["mountPath"]))
    sub = _join(str(mount.get("subPath") or ""), "" if inner == "." else inner)
    if not any(kind in volume for kind in _STORES):
        draft.warnings.append(
            f"models[{name}]: {path} is on the volume {mount.get('name')}, which is neither a"
            " claim, a host path nor an image. Copy the model to one, and name that"
        )
        return
    _taken(place, mount)
    _volume(draft, volume, sub, name)


def _taken(place: Place, mount: Object) -> None:
    place.mounts.remove(mount)
    place.taken.append(str(mount["name"]))


def _volume(draft: Draft, volume: Mapping[str, Any], sub: str, name: str) -> None:
    """Set the store whose directory has a model: C(sub) on a volume."""
    if "image" in volume:
        _image(draft, volume["image"], sub, name)
        return
    whole = f"{_WORLD}/{sub}".rstrip("/")
    odd = misread(whole, name)
    if odd and odd.meant != _WORLD:
        draft.warnings.append(
            f"models[{name}]: {sub} is {odd.what}, and OVMS looks for versions in it;"
            f" its directory is {odd.meant[len(_WORLD) + 1 :]}"
        )
        whole = odd.meant
    if "hostPath" in volume:
        draft.given[_HOST_PATH] = str(volume["hostPath"].get("path") or "/")
    else:
        draft.given[_VOLUME_CLAIM] = str(volume["persistentVolumeClaim"].get("claimName") or "")
    places.store(draft, whole, name)


def _image(draft: Draft, image: Mapping[str, Any], sub: str, name: str) -> None:
    draft.put("image_volume.reference", str(image.get("reference") or ""))
    if image.get("pullPolicy"):
        draft.put("image_volume.pull_policy", image["pullPolicy"])
    above, last = posixpath.split(sub)
    draft.put("image_volume.path", above)
    if not last:
        draft.warnings.append(
            f"image_volume: the versions of {name} lie in the root of the image. Build one that has"
            f" them in a directory {name}"
        )
    _directory(draft, sub, name)


def _directory(draft: Draft, path: str, name: str) -> None:
    last = posixpath.basename(path)
    if last and last != name:
        draft.model["directory"] = last


def whole(draft: Draft, place: Place) -> str:
    """Set the store for a configuration file of one's own, whose paths begin with C(/models).

    Returns the directory in which the server has the volume today, empty if it has none.
    """
    mount = next((item for item in place.mounts if _is_store(place, item)), None)
    if mount is not None:
        _taken(place, mount)
        sub = str(mount.get("subPath") or "").strip("/")
        _root(draft, place.volumes[str(mount["name"])], sub)
        return str(mount["mountPath"])
    if place.uri.startswith("pvc://"):
        claim, _slash, sub = place.uri[len("pvc://") :].strip("/").partition("/")
        _root(draft, {"persistentVolumeClaim": {"claimName": claim}}, sub)
        return MODELS
    if place.uri:
        draft.drop(place.option, place.uri, "KServe copies it to /mnt/models, model_server not")
    draft.warnings.append("pvc, host_path, cloud: no storage is given; name one")
    return ""


def _is_store(place: Place, mount: Object) -> bool:
    """Tell whether a mount is at the place of models, and of a volume that is a store here."""
    volume = place.volumes.get(str(mount.get("name"))) or {}
    fits = any(kind in volume for kind in _STORES)
    return fits and str(mount.get("mountPath")).rstrip("/") in (_WORLD, MODELS)


def _root(draft: Draft, volume: Mapping[str, Any], sub: str) -> None:
    """Set a store whose directory C(models) is a directory of a volume."""
    if "image" in volume:
        draft.put("image_volume.reference", str(volume["image"].get("reference") or ""))
        if volume["image"].get("pullPolicy"):
            draft.put("image_volume.pull_policy", volume["image"]["pullPolicy"])
        draft.put("image_volume.path", sub)
        return
    host = "hostPath" in volume
    if host:
        sub = _join(str(volume["hostPath"].get("path") or "/"), sub)
    else:
        draft.put("pvc.claim_name", str(volume["persistentVolumeClaim"].get("claimName") or ""))
    above, last = posixpath.split(sub)
    fits = last == "models" and (above != "/" or not host)
    root = above if fits else sub
    if host or root:
        draft.put("host_path.path" if host else "pvc.sub_path", root)
    if not fits:
        places.move(draft, "" if host and root == "/" else root, host=host)


def _inside(path: str, directory: str) -> bool:
    directory = directory.rstrip("/")
    return path.rstrip("/") == directory or path.startswith(f"{directory}/")


def _join(*parts: str) -> str:
    made = "/".join(part.strip("/") for part in parts if part.strip("/"))
    return f"/{made}" if parts[0].startswith("/") else made
