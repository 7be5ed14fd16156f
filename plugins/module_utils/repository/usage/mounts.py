# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the part of a store that each container of a pod mounts. Pure.

Locations are absolute paths: on the node for a host path, from the root of the volume for a claim.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Tuple

from ...store import MODELS_DIR, PvcStore, Store

Object = Mapping[str, Any]
CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")


@dataclass(frozen=True)
class Mount:
    """One mount of a container.

    Attributes:
        path: where the container sees it.
        volume: the pod's volume.
        sub_path: what of the volume is mounted.
        location: the place on the volume or node, if the volume is the one the store lies on;
            else C(None).
        certain: C(False) when the place depends on variables of the container.
    """

    path: str
    volume: Object
    sub_path: str = ""
    location: Optional[str] = None
    certain: bool = True


@dataclass(frozen=True)
class View:
    """All mounts of one container, and the location of the store's models."""

    models: str
    root: str
    mounts: Tuple[Mount, ...]

    @property
    def sees_models(self) -> bool:
        """Whether the container can read anything below C(models/)."""
        return any(self._shows(mount) for mount in self.mounts)

    @property
    def only_from_above(self) -> bool:
        """Whether it sees the store only through hostPath mounts of directories above the store."""
        shown = [mount for mount in self.mounts if self._shows(mount)]
        return bool(shown) and all(
            mount.certain
            and mount.volume.get("hostPath")
            and _is_below(self.root, str(mount.location))
            for mount in shown
        )

    def _shows(self, mount: Mount) -> bool:
        if mount.location is None:
            return False
        return not mount.certain or _related(mount.location, self.models)

    def mount_of(self, path: str) -> Tuple[Optional[Mount], str]:
        """Return the mount that a path of the container lies on, and the rest of the path."""
        clean = posixpath.normpath(path)
        best: Optional[Mount] = None
        for mount in self.mounts:
            if _within(clean, mount.path) and (best is None or len(mount.path) > len(best.path)):
                best = mount
        return best, _relative(clean, best.path) if best else clean

    def place(self, path: str) -> Optional[str]:
        """Return where a path of the container is below C(models/); C(None): elsewhere.

        C("") is C(models/) itself, or a directory above it.
        """
        clean = posixpath.normpath(path)
        mount, rest = self.mount_of(clean)
        if mount is not None and mount.location is not None:
            place = posixpath.join(mount.location, rest) if rest else mount.location
            if _within(place, self.models):
                return _relative(place, self.models)
            if _within(self.models, place):
                return ""
        below = [item for item in self.mounts if self._shows(item) and _within(item.path, clean)]
        return "" if below else None


@dataclass(frozen=True)
class Ground:
    """The location of a store, to recognise other volumes that lead to the same directory.

    Attributes:
        root: the location of the store's root.
        claim: namespace and name of the claim whose volume the locations belong to; C(None): they
            are paths of nodes.
        node_path: tells, by namespace and name, where on its nodes the volume of a claim lies;
            C(None) for a volume that is no directory of a node.
    """

    root: str
    claim: Optional[Tuple[str, str]] = None
    node_path: Callable[[str, str], Optional[str]] = lambda namespace, name: None

    def place(self, volume: Object, namespace: str) -> Optional[str]:
        """Return the location of a volume's root, C(None) when the store cannot be on it."""
        name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if self.claim is not None:
            return "/" if (namespace, name) == self.claim else None
        path = self.node_path(namespace, str(name)) if name else None
        path = path or (volume.get("hostPath") or {}).get("path")
        if not path:
            return None
        clean = "/" + posixpath.normpath(str(path)).strip("/")
        return clean if _related(clean, self.root) else None


def ground_of(store: Store, node_path: Callable[[str, str], Optional[str]]) -> Ground:
    """Return the location of a store; a claim of a local or hostPath volume is its directory."""
    if not isinstance(store, PvcStore):
        return Ground(store.path, None, node_path)
    above = node_path(store.namespace, store.claim_name)
    root = posixpath.normpath(posixpath.join(above or "/", store.sub_path))
    claim = None if above else (store.namespace, store.claim_name)
    return Ground(root, claim, node_path)


def views(pod_spec: Object, namespace: str, ground: Ground) -> Iterator[Tuple[Object, View]]:
    """Yield the containers that see models of the store, and what they see."""
    places: Dict[str, Tuple[Object, Optional[str]]] = {
        str(volume.get("name")): (volume, ground.place(volume, namespace))
        for volume in pod_spec.get("volumes") or ()
    }
    if not any(place is not None for _volume, place in places.values()):
        return
    models = posixpath.join(ground.root, MODELS_DIR)
    for name in CONTAINER_LISTS:
        for container in pod_spec.get(name) or ():
            mounts = [
                _mount(item, *places[str(item.get("name"))])
                for item in container.get("volumeMounts") or ()
                if str(item.get("name")) in places
            ]
            view = View(models, ground.root, tuple(mounts))
            if view.sees_models:
                yield container, view


def _mount(item: Object, volume: Object, place: Optional[str]) -> Mount:
    path = posixpath.normpath(str(item.get("mountPath") or "/"))
    sub_path, uncertain = str(item.get("subPath") or ""), bool(item.get("subPathExpr"))
    location = None
    if place is not None:
        location = posixpath.normpath(posixpath.join(place, sub_path.lstrip("/")))
    return Mount(path, volume, sub_path, location, not uncertain)


def _related(one: str, other: str) -> bool:
    return _within(one, other) or _within(other, one)


def _is_below(path: str, above: str) -> bool:
    return path != above and _within(path, above)


def _within(path: str, above: str) -> bool:
    return path == above or path.startswith(above.rstrip("/") + "/")


def _relative(path: str, above: str) -> str:
    return path[len(above.rstrip("/")) :].strip("/")
