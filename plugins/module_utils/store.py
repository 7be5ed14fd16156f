# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store: where a model repository lives on a cluster, and how pods see it.

Layout on the root of a store::

    <root>/models/<model>/<version>/...    what the model server sees, read-only, at /models
    <root>/.edge/{staging,manifests,locks} ours, on the same filesystem, never mounted into a server
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple, Union

from .errors import InputError

MODELS_DIR = "models"
WORK_DIR = ".edge"
SERVING_MOUNT_PATH = "/models"

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "openvino.edge"
NAME_LABEL = "app.kubernetes.io/name"
INSTANCE_LABEL = "app.kubernetes.io/instance"
SERVER_LABEL = "openvino.edge/server"
AGENT_LABEL = "openvino.edge/agent"
PROXY_ANNOTATION = "openvino.edge/proxy"
"""Annotation of pods whose proxy URL has a login and is in a Secret: that URL without the login."""


def directory_of(name: str) -> str:
    """Return the directory on a store of a model that is served as C(ORG/MODEL): C(ORG--MODEL).

    Directories of models lie side by side, as one level. Hugging Face's tools write them so, too.
    """
    return name.replace("/", "--")


LOCAL_OPTIONS: Dict[str, Any] = {
    "path": {"type": "str", "required": True},
    "nodes": {"type": "list", "elements": "str", "required": True},
    "capacity": {"type": "str", "default": "10Gi"},
    "storage_class": {"type": "str", "default": ""},
    "create_directory_in": {"type": "str"},
}

STORE_ARGUMENT_SPEC: Dict[str, Any] = {
    "namespace": {"type": "str", "required": True},
    "pvc": {
        "type": "dict",
        "options": {
            "claim_name": {"type": "str", "required": True},
            "sub_path": {"type": "str", "default": ""},
            "local": {"type": "dict", "options": LOCAL_OPTIONS},
        },
    },
    "host_path": {
        "type": "dict",
        "options": {
            "path": {"type": "str", "required": True},
            "node_selector": {"type": "dict", "default": {}},
            "nodes": {"type": "list", "elements": "str", "default": []},
        },
    },
}

STORE_RULES: Dict[str, Any] = {
    "mutually_exclusive": [("pvc", "host_path")],
    "required_one_of": [("pvc", "host_path")],
}

# Names of namespaces are DNS labels, names of claims and nodes DNS subdomains
# (k8s.io/apimachinery pkg/util/validation/validation.go).
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
# Amounts of storage (k8s.io/apimachinery pkg/api/resource/quantity.go), without sign and exponent.
_QUANTITY = re.compile(r"\d+(\.\d+)?([KMGTPE]i|[kMGTPE])?")


@dataclass(frozen=True)
class LocalVolume:
    """A directory on nodes that is to become a volume of type C(local).

    Attributes:
        path: absolute path on the nodes.
        nodes: names of the nodes, sorted; each has a directory of its own at C(path).
        capacity: what the volume says it holds; nothing enforces it.
        storage_class: of volume and claim; C("") is none.
        create_directory_in: namespace that admits hostPath volumes, for the pod that makes a
            missing directory; C("") leaves that to the administrator.
    """

    path: str
    nodes: Tuple[str, ...]
    capacity: str = "10Gi"
    storage_class: str = ""
    create_directory_in: str = ""


@dataclass(frozen=True)
class PvcStore:
    """One volume behind a PersistentVolumeClaim.

    Attributes:
        namespace: namespace of the claim and of every pod that uses it.
        claim_name: name of the PersistentVolumeClaim.
        sub_path: directory inside the volume that is the root of the store; C("") is the volume.
        local: how to make volume and claim where there are none.
    """

    namespace: str
    claim_name: str
    sub_path: str = ""
    local: Optional[LocalVolume] = None

    def root_volume(self, name: str = "store", *, read_only: bool = False) -> Dict[str, Any]:
        """Return the pod volume for a helper pod."""
        claim: Dict[str, Any] = {"claimName": self.claim_name}
        if read_only:
            claim["readOnly"] = True
        return {"name": name, "persistentVolumeClaim": claim}

    def serving_volume(self, name: str = "models") -> Dict[str, Any]:
        """Return the pod volume for a model server."""
        return {"name": name, "persistentVolumeClaim": {"claimName": self.claim_name}}

    def serving_mount(self, name: str = "models") -> Dict[str, Any]:
        """Return the mount that shows C(<root>/models), and nothing of ours, at /models."""
        sub_path = posixpath.join(self.sub_path, MODELS_DIR)
        return {
            "name": name,
            "mountPath": SERVING_MOUNT_PATH,
            "subPath": sub_path,
            "readOnly": True,
        }

    def __str__(self) -> str:
        tail = f"/{self.sub_path}" if self.sub_path else ""
        return f"PersistentVolumeClaim {self.namespace}/{self.claim_name}{tail}"


@dataclass(frozen=True)
class HostPathStore:
    """One directory, the same path on each chosen node.

    Attributes:
        namespace: namespace of the pods that use it; must admit hostPath volumes.
        path: absolute path on the node, the root of the store.
        node_selector: labels that a node must have; sorted pairs.
        nodes: names of nodes. Without names and selector every node that takes pods is meant.
    """

    namespace: str
    path: str
    node_selector: Tuple[Tuple[str, str], ...] = ()
    nodes: Tuple[str, ...] = ()

    def root_volume(self, name: str = "store", *, read_only: bool = False) -> Dict[str, Any]:
        """Return the pod volume for a helper pod.

        The kubelet creates a missing directory, but not for a reader, which must change nothing.
        """
        kind = "Directory" if read_only else "DirectoryOrCreate"
        return {"name": name, "hostPath": {"path": self.path, "type": kind}}

    def serving_volume(self, name: str = "models") -> Dict[str, Any]:
        """Return the pod volume for a model server: C(<path>/models) must exist."""
        path = posixpath.join(self.path, MODELS_DIR)
        return {"name": name, "hostPath": {"path": path, "type": "Directory"}}

    def serving_mount(self, name: str = "models") -> Dict[str, Any]:
        """Return the mount that shows C(<root>/models), and nothing of ours, at /models."""
        return {"name": name, "mountPath": SERVING_MOUNT_PATH, "readOnly": True}

    def __str__(self) -> str:
        return f"host path {self.path}"


Store = Union[PvcStore, HostPathStore]


def own_nodes(store: object) -> Tuple[str, ...]:
    """Return the nodes that are named as having a directory of their own each."""
    if isinstance(store, HostPathStore):
        return store.nodes
    return store.local.nodes if isinstance(store, PvcStore) and store.local else ()


def store_from_params(params: Mapping[str, Any]) -> Store:
    """Return the typed store of the options C(namespace), C(pvc) and C(host_path).

    Raises:
        InputError: a value is invalid on every cluster; no request was sent.
    """
    namespace = checked_namespace(params)
    pvc, host_path = params.get("pvc"), params.get("host_path")
    if pvc and host_path:
        raise InputError("pvc and host_path exclude each other", option="pvc")
    if pvc:
        return _pvc_store(namespace, pvc)
    if host_path:
        return _host_path_store(namespace, host_path)
    raise InputError("one of pvc and host_path is needed", option="pvc")


def checked_namespace(params: Mapping[str, Any]) -> str:
    """Return the option C(namespace).

    Raises:
        InputError: no namespace can have that name.
    """
    namespace = str(params.get("namespace") or "")
    if not _DNS_LABEL.fullmatch(namespace):
        raise InputError(
            f"'{namespace}' is not a name of a namespace",
            option="namespace",
            hint="Use lower-case letters, digits and '-', at most 63 characters",
        )
    return namespace


def _pvc_store(namespace: str, options: Mapping[str, Any]) -> PvcStore:
    claim_name = str(options.get("claim_name") or "")
    if not _DNS_SUBDOMAIN.fullmatch(claim_name) or len(claim_name) > 253:
        raise InputError(
            f"'{claim_name}' is not a name of a PersistentVolumeClaim", option="pvc.claim_name"
        )
    sub_path = str(options.get("sub_path") or "")
    if sub_path.startswith("/") or ".." in sub_path.split("/"):
        raise InputError(
            f"'{sub_path}' leaves the volume",
            option="pvc.sub_path",
            hint="Give a path relative to the root of the volume, without '..'",
        )
    clean = posixpath.normpath(sub_path) if sub_path else ""
    local = options.get("local")
    return PvcStore(
        namespace, claim_name, "" if clean == "." else clean, _local(local) if local else None
    )


def _local(options: Mapping[str, Any]) -> LocalVolume:
    nodes = _node_names(options, "pvc.local.nodes")
    if not nodes:
        raise InputError("a node is needed", option="pvc.local.nodes")
    capacity = str(options.get("capacity") or "10Gi")
    if not _QUANTITY.fullmatch(capacity) or not capacity.strip("0.KMGTPEik"):
        raise InputError(
            f"'{capacity}' is not an amount of storage",
            option="pvc.local.capacity",
            hint="Write it like 20Gi",
        )
    names = {key: str(options.get(key) or "") for key in ("storage_class", "create_directory_in")}
    for key, value in names.items():
        if value and not _DNS_SUBDOMAIN.fullmatch(value):
            raise InputError(f"'{value}' is not a name", option=f"pvc.local.{key}")
    path = _node_path(options, "pvc.local.path")
    return LocalVolume(path, tuple(sorted(nodes)), capacity, **names)


def _host_path_store(namespace: str, options: Mapping[str, Any]) -> HostPathStore:
    clean = _node_path(options, "host_path.path")
    selector = options.get("node_selector") or {}
    nodes = _node_names(options, "host_path.nodes")
    pairs = tuple(sorted((str(key), str(value)) for key, value in selector.items()))
    return HostPathStore(namespace, clean, pairs, nodes)


def _node_path(options: Mapping[str, Any], option: str) -> str:
    path = str(options.get("path") or "")
    if not path.startswith("/") or ".." in path.split("/"):
        raise InputError(
            f"'{path}' is not an absolute path without '..'",
            option=option,
            hint="Give the directory as the node sees it, like /var/lib/openvino-edge/models",
        )
    clean = "/" + posixpath.normpath(path).strip("/")
    if clean == "/":
        raise InputError("the root of the node cannot be a store", option=option)
    return clean


def _node_names(options: Mapping[str, Any], option: str) -> Tuple[str, ...]:
    nodes = tuple(dict.fromkeys(str(node) for node in options.get("nodes") or ()))
    for node in nodes:
        if not _DNS_SUBDOMAIN.fullmatch(node):
            raise InputError(f"'{node}' is not a name of a node", option=option)
    return nodes
