# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache of compiled models in the pod: volume, mount, variables and arguments. Pure."""

from __future__ import annotations

import posixpath
from typing import List, Optional

from ...store import PvcStore
from ..spec.cache import (
    CACHE_DIRECTORY,
    CACHE_FLAG,
    CACHE_MOUNT,
    CACHE_VOLUME,
    NODE_VARIABLE,
    CacheSpec,
    Part,
)


def volumes(cache: Optional[CacheSpec]) -> List[Part]:
    """Return the volume; one on the claim is part of the volume with the models."""
    if cache is None or cache.persistent:
        return []
    return [{"name": CACHE_VOLUME, "emptyDir": {"sizeLimit": cache.size}}]


def mounts(cache: Optional[CacheSpec], server: str, source: object) -> List[Part]:
    """Return the mount. On a claim each node has its own: what is compiled fits its hardware."""
    if cache is None:
        return []
    if not cache.persistent or not isinstance(source, PvcStore):
        return [{"name": CACHE_VOLUME, "mountPath": CACHE_MOUNT}]
    place = posixpath.join(source.sub_path, CACHE_DIRECTORY, server, f"$({NODE_VARIABLE})")
    name = source.serving_volume()["name"]
    return [{"name": name, "mountPath": CACHE_MOUNT, "subPathExpr": place}]


def environment(cache: Optional[CacheSpec]) -> List[Part]:
    """Return the variable that the mount on a claim needs."""
    if cache is None or not cache.persistent:
        return []
    return [{"name": NODE_VARIABLE, "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]


def arguments(cache: Optional[CacheSpec]) -> List[str]:
    """Return the flags for the server."""
    return [] if cache is None else [CACHE_FLAG, CACHE_MOUNT]
