# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of others, as the API server serves them: their own definitions, or ones that take all."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from kubernetes import client as k8s


class Kind(NamedTuple):
    """A kind of the whole cluster."""

    group: str
    version: str
    kind: str
    plural: str

    @property
    def name(self) -> str:
        """The name of its definition."""
        return f"{self.plural}.{self.group}"


def definition(kind: Kind) -> dict[str, Any]:
    """Return the real definition where a folder (EDGE_CRDS) has it, else one that takes all."""
    directory = os.environ.get("EDGE_CRDS")
    if directory:
        path = Path(directory) / f"{kind.group}_{kind.plural}.yaml"
        found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        return found
    free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": kind.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": free},
        **({"subresources": {"status": {}}} if kind.kind == "Proxy" else {}),
    }
    names = {"kind": kind.kind, "listKind": f"{kind.kind}List", "plural": kind.plural}
    names["singular"] = kind.kind.lower()
    spec = {"group": kind.group, "names": names, "scope": "Cluster", "versions": [version]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.name},
        "spec": spec,
    }


def serve(cluster: Any, *kinds: Kind) -> None:
    """Make kinds, and wait until they are served."""
    define(cluster, *map(definition, kinds))


def forget(cluster: Any, *kinds: Kind) -> None:
    """Remove kinds."""
    undefine(cluster, *(kind.name for kind in kinds))


def define(cluster: Any, *bodies: dict[str, Any], seconds: float = 20) -> None:
    """Make kinds from their definitions, and wait until they are served."""
    api = k8s.ApiextensionsV1Api(cluster.api)
    names = [body["metadata"]["name"] for body in bodies]
    for body in bodies:
        api.create_custom_resource_definition(body)

    def served(name: str) -> bool:
        status = api.read_custom_resource_definition(name).status
        conditions = (status.conditions if status else None) or ()
        return any(item.type == "Established" and item.status == "True" for item in conditions)

    cluster.wait_until(lambda: all(map(served, names)), f"{names} are served", seconds)


def undefine(cluster: Any, *names: str, seconds: float = 60) -> None:
    """Remove kinds by the names of their definitions, and wait until they are gone.

    The API server removes their objects first, and until then nobody can make the kind again.
    """
    api = k8s.ApiextensionsV1Api(cluster.api)
    for name in names:
        api.delete_custom_resource_definition(name)
    gone = set(names).isdisjoint
    cluster.wait_until(lambda: gone(defined(cluster)), f"{names} are gone", seconds)


def defined(cluster: Any) -> set[str]:
    """Return the names of all definitions."""
    items = k8s.ApiextensionsV1Api(cluster.api).list_custom_resource_definition().items
    return {str(item.metadata.name) for item in items}


@contextmanager
def alone(cluster: Any, *bodies: dict[str, Any]) -> Iterator[None]:
    """Make kinds of a controller, which are the whole cluster's: one worker at a time has any."""
    names = {body["metadata"]["name"] for body in bodies}
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(cache, "openvino-edge", "ingress")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        define(cluster, *bodies)
        try:
            yield
        finally:
            undefine(cluster, *names, seconds=180)
