# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of two hubs on a cluster, and objects of them; gone afterwards, if they were not there.

No controller of either hub runs: the tests write what those write.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException


class Kind(NamedTuple):
    """A kind of a hub."""

    group: str
    version: str
    kind: str
    plural: str
    scope: str

    @property
    def name(self) -> str:
        """The name of its definition."""
        return f"{self.plural}.{self.group}"


MANAGED = Kind(
    "cluster.open-cluster-management.io", "v1", "ManagedCluster", "managedclusters", "Cluster"
)
CLUSTER = Kind("cluster.x-k8s.io", "v1beta2", "Cluster", "clusters", "Namespaced")
LABEL = "openvino.edge/test"


def definition(kind: Kind) -> dict[str, Any]:
    """Return the real definition where the folder EDGE_CRDS has it, else one that takes all."""
    path = Path(os.environ.get("EDGE_CRDS", "/")) / f"{kind.group}_{kind.plural}.yaml"
    if path.is_file():
        real: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        return real
    free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": kind.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": free},
        "subresources": {"status": {}},
    }
    names = {"kind": kind.kind, "listKind": f"{kind.kind}List", "plural": kind.plural}
    names["singular"] = kind.kind.lower()
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.name},
        "spec": {
            "group": kind.group,
            "names": names,
            "scope": kind.scope,
            "versions": [version],
        },
    }


@contextmanager
def served(cluster: Any, *kinds: Kind) -> Iterator[None]:
    """Have a cluster serve kinds; those that it served before stay."""
    api = k8s.ApiextensionsV1Api(cluster.api)
    made = []
    try:
        for kind in kinds:
            try:
                api.create_custom_resource_definition(definition(kind))
                made.append(kind.name)
            except ApiException as error:
                if error.status != 409:
                    raise

        def established(kind: Kind) -> bool:
            status = api.read_custom_resource_definition(kind.name).status
            conditions = (status.conditions if status else None) or ()
            return any(one.type == "Established" and one.status == "True" for one in conditions)

        names = [kind.name for kind in kinds]
        cluster.wait_until(lambda: all(map(established, kinds)), f"{names} are served", 30)
        yield
    finally:
        for name in made:
            api.delete_custom_resource_definition(name)


def address(kubeconfig: Path) -> tuple[str, str]:
    """Return the server and the authority (base64) of a kubeconfig."""
    config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    cluster = config["clusters"][0]["cluster"]
    ca = cluster.get("certificate-authority-data")
    if not ca:
        path = kubeconfig.parent / cluster["certificate-authority"]
        ca = base64.b64encode(path.read_bytes()).decode()
    return cluster["server"], ca


def embedded(kubeconfig: Path) -> str:
    """Return the content of a kubeconfig, with the authority in itself."""
    config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    server, ca = address(kubeconfig)
    config["clusters"][0]["cluster"] = {"server": server, "certificate-authority-data": ca}
    return str(yaml.safe_dump(config))


def said(kind: str, status: str) -> dict[str, Any]:
    """Return a patch of a status that has one condition."""
    condition = {
        "type": kind,
        "status": status,
        "reason": "Test",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    return {"status": {"conditions": [condition]}}


@dataclass
class Hub:
    """A cluster that serves the kinds, and the objects of one test on it."""

    cluster: Any
    namespace: str
    made: list[str] = field(default_factory=list)

    @property
    def objects(self) -> Any:
        """Custom resources."""
        return k8s.CustomObjectsApi(self.cluster.api)

    def managed(self, name: str, available: str = "True", **spec: Any) -> None:
        """Make a ManagedCluster that carries the label of the test."""
        labels = {LABEL: self.namespace, "region": "north"}
        body = {
            "apiVersion": f"{MANAGED.group}/{MANAGED.version}",
            "kind": MANAGED.kind,
            "metadata": {"name": name, "labels": labels},
            "spec": spec,
        }
        where = (MANAGED.group, MANAGED.version, MANAGED.plural)
        self.objects.create_cluster_custom_object(*where, body)
        self.made.append(name)
        status = said("ManagedClusterConditionAvailable", available)
        self.objects.patch_cluster_custom_object_status(*where, name, status)

    def cluster_api(self, name: str, kubeconfig: str) -> None:
        """Make a Cluster of Cluster API, with the Secret of its kubeconfig."""
        body = {
            "apiVersion": f"{CLUSTER.group}/{CLUSTER.version}",
            "kind": CLUSTER.kind,
            "metadata": {"name": name, "labels": {"region": "south"}},
            "spec": {},
        }
        where = (CLUSTER.group, CLUSTER.version, self.namespace, CLUSTER.plural)
        self.objects.create_namespaced_custom_object(*where, body)
        status = said("Available", "True")
        self.objects.patch_namespaced_custom_object_status(*where, name, status)
        secret = {
            "metadata": {"name": f"{name}-kubeconfig"},
            "type": "cluster.x-k8s.io/secret",
            "stringData": {"value": kubeconfig},
        }
        self.cluster.core.create_namespaced_secret(self.namespace, secret)

    def forget(self) -> None:
        """Remove what no namespace takes away."""
        for name in self.made:
            self.objects.delete_cluster_custom_object(
                MANAGED.group, MANAGED.version, MANAGED.plural, name
            )
