# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks a cluster before the job starts. Pure: objects in, findings out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence

from ..kube.planned import is_planned
from ..repository.target.nodes import fits_terms, terms_text
from ..server.spec.sources import Source
from ..store import HostPathStore, PvcStore

OK = "ok"
NOTE = "note"
PROBLEM = "problem"

ENFORCE_LABEL = "pod-security.kubernetes.io/enforce"
"""Pod Security Admission; levels C(baseline) and C(restricted) refuse hostPath volumes
(kubernetes.io/docs/concepts/security/pod-security-standards)."""

OLDEST_MINOR = 22
"""Kubernetes 1.22: the first with server-side apply as a stable feature."""

HALF_CLOSE_MINOR = 30
"""Kubernetes 1.30: exec over WebSocket can close standard input (v5.channel.k8s.io)."""

Object = Mapping[str, Any]


@dataclass(frozen=True)
class CheckResult:
    """One finding; C(level) is C(ok), C(note) or C(problem)."""

    check: str
    level: str
    message: str
    hint: str = ""

    def as_dict(self) -> Dict[str, str]:
        """Return plain data without empty fields."""
        return {key: value for key, value in vars(self).items() if value}


def check_version(version: Object) -> CheckResult:
    """Judge the answer of C(GET /version)."""
    name = str(version.get("gitVersion", "unknown"))
    digits = re.match(r"\d+", str(version.get("minor", "")))
    minor = int(digits.group()) if digits else 0
    if minor and minor < OLDEST_MINOR:
        return CheckResult(
            "version", PROBLEM, f"Kubernetes {name} has no stable server-side apply", "Use 1.22+"
        )
    if minor and minor < HALF_CLOSE_MINOR:
        return CheckResult(
            "version", NOTE, f"Kubernetes {name}: the exec transport uses bounded lengths"
        )
    return CheckResult("version", OK, f"Kubernetes {name}")


def check_rights(denied: Sequence[object], asked: int) -> List[CheckResult]:
    """Name each missing right."""
    if not denied:
        return [CheckResult("rights", OK, f"all {asked} rights are there")]
    hint = "Ask the administrator to bind the roles in roles/preflight/files/rbac.yml"
    return [CheckResult("rights", PROBLEM, f"no right to {access}", hint) for access in denied]


def check_namespace(
    name: str, namespace: Optional[Object], store: Optional[Source], will_create: bool
) -> List[CheckResult]:
    """Is the namespace there, and does it admit what the store needs?"""
    if namespace is None:
        if will_create:
            return [CheckResult("namespace", NOTE, f"namespace {name} will be created")]
        hint = "Create it, or let the preflight role do so with preflight_create"
        return [CheckResult("namespace", PROBLEM, f"there is no namespace {name}", hint)]
    if (namespace.get("status") or {}).get("phase") == "Terminating":
        return [CheckResult("namespace", PROBLEM, f"namespace {name} is being deleted")]
    level = (namespace["metadata"].get("labels") or {}).get(ENFORCE_LABEL, "")
    if isinstance(store, HostPathStore) and level in ("baseline", "restricted"):
        hint = f"Label it {ENFORCE_LABEL}=privileged, or use a store of type pvc"
        message = f"namespace {name} enforces the level {level}, which refuses hostPath volumes"
        return [CheckResult("namespace", PROBLEM, message, hint)]
    shown = f" (Pod Security: {level})" if level else ""
    if is_planned(namespace):
        return [CheckResult("namespace", NOTE, f"namespace {name}{shown} will be created")]
    return [CheckResult("namespace", OK, f"namespace {name}{shown}")]


def check_claim(
    store: PvcStore, claim: Optional[Object], storage_class: Optional[Object]
) -> List[CheckResult]:
    """Is the claim there, bound or about to be, and writable?"""
    if claim is None and store.local:
        nodes = _list(store.local.nodes)
        message = f"{store} will be made from {store.local.path} on {nodes} (pvc.local)"
        return [CheckResult("store", NOTE, message)]
    if claim is None:
        hint = "Create it, or let the preflight role do so with preflight_create"
        return [CheckResult("store", PROBLEM, f"there is no {store}", hint)]
    if is_planned(claim):
        return [_check_planned(store, claim, storage_class), *_check_modes(store, claim)]
    return [_check_phase(store, claim, storage_class), *_check_modes(store, claim)]


def _check_planned(store: PvcStore, claim: Object, storage_class: Optional[Object]) -> CheckResult:
    """Judge a claim that a run would make, with its class, or the cluster's default one."""
    wanted = claim["spec"].get("storageClassName") or "the default class"
    if storage_class is None:
        message = f"{store} would wait for {wanted}, which is not known"
        return CheckResult(
            "store", PROBLEM, message, "Name a class with preflight_claim_storage_class"
        )
    return CheckResult("store", NOTE, f"{store} will be created, of {wanted}")


def _check_phase(store: PvcStore, claim: Object, storage_class: Optional[Object]) -> CheckResult:
    phase = (claim.get("status") or {}).get("phase", "")
    if phase == "Bound":
        return CheckResult("store", OK, f"{store} is bound")
    binding = (storage_class or {}).get("volumeBindingMode", "")
    if phase == "Pending" and binding == "WaitForFirstConsumer":
        return CheckResult("store", OK, f"{store} will be bound with its first pod")
    wanted = claim["spec"].get("storageClassName") or "the default class"
    if phase == "Pending" and storage_class is None:
        message = f"{store} waits for {wanted}, which is not known"
        return CheckResult("store", PROBLEM, message, "See the claim's events")
    hint = f"See the claim's events; its storage class is {wanted}"
    return CheckResult("store", PROBLEM, f"{store} is not bound ({phase or 'new'})", hint)


def check_volume(
    store: PvcStore, volume: Optional[Object], nodes: Iterable[Object]
) -> List[CheckResult]:
    """Is a node there, and ready, that has the volume? Volumes of all nodes say nothing."""
    affinity = ((volume or {}).get("spec") or {}).get("nodeAffinity") or {}
    terms = (affinity.get("required") or {}).get("nodeSelectorTerms")
    if not terms:
        return []
    near = [node for node in nodes if fits_terms(node, terms)]
    if not near:
        message = f"{store} is only on nodes with {terms_text(terms)}, and there is none"
        return [
            CheckResult("store", PROBLEM, message, "Bring that node back, or name another claim")
        ]
    found = [_check_node(node) for node in near]
    return [] if not all(found) else [item for items in found for item in items]


def _check_modes(store: PvcStore, claim: Object) -> List[CheckResult]:
    modes = claim["spec"].get("accessModes") or []
    if modes and not set(modes) & {"ReadWriteOnce", "ReadWriteMany"}:
        hint = "Use a claim with ReadWriteMany, or ReadWriteOnce for one node"
        message = f"{store} cannot be written beside a server ({', '.join(modes)})"
        return [CheckResult("store", PROBLEM, message, hint)]
    if "ReadWriteMany" not in modes:
        return [CheckResult("store", NOTE, f"{store} binds all pods to one node (ReadWriteOnce)")]
    return []


def check_nodes(store: HostPathStore, nodes: Iterable[Object]) -> List[CheckResult]:
    """Are the nodes of the store there, and do they take pods?"""
    known = list(nodes)
    by_name = {node["metadata"]["name"]: node for node in known}
    results = [
        CheckResult("nodes", PROBLEM, f"there is no node {name}", f"Known: {_list(by_name)}")
        for name in store.nodes
        if name not in by_name
    ]
    chosen = chosen_nodes(store, known)
    if not chosen and not results:
        pairs = ", ".join(f"{key}={value}" for key, value in store.node_selector)
        what = f"no node has the labels {pairs}" if pairs else "the cluster has no node"
        results.append(CheckResult("nodes", PROBLEM, what, f"Known: {_list(by_name)}"))
    problems = [problem for node in chosen for problem in _check_node(node)]
    if not results and not problems:
        names = _list(node["metadata"]["name"] for node in chosen)
        return [CheckResult("nodes", OK, f"nodes {names}")]
    return results + problems


def chosen_nodes(store: HostPathStore, nodes: Iterable[Object]) -> List[Object]:
    """Return the nodes whose directory is part of the store."""
    return [node for node in nodes if _is_chosen(store, node)]


def _is_chosen(store: HostPathStore, node: Object) -> bool:
    labels = node["metadata"].get("labels") or {}
    if store.nodes and node["metadata"]["name"] not in store.nodes:
        return False
    if not store.nodes and not store.node_selector and node["spec"].get("unschedulable"):
        return False
    return all(labels.get(key) == value for key, value in store.node_selector)


def _check_node(node: Object) -> List[CheckResult]:
    name = node["metadata"]["name"]
    if node["spec"].get("unschedulable"):
        return [CheckResult("nodes", PROBLEM, f"node {name} is cordoned", "Uncordon it")]
    conditions = (node.get("status") or {}).get("conditions") or []
    ready = [item for item in conditions if item.get("type") == "Ready"]
    if not ready or ready[0].get("status") != "True":
        why = ready[0].get("message", "") if ready else "no status yet"
        return [CheckResult("nodes", PROBLEM, f"node {name} is not Ready", why)]
    pressure = [
        item["type"]
        for item in conditions
        if item.get("type") == "DiskPressure" and item.get("status") == "True"
    ]
    return [CheckResult("nodes", PROBLEM, f"node {name} has {what}") for what in pressure]


def check_images(images: Sequence[str], nodes: Iterable[Object]) -> List[CheckResult]:
    """Tell which images a node would still have to pull.

    Only a note: a kubelet lists at most 50 images (nodeStatusMaxImages), and pulling may work.
    """
    results = []
    for node in nodes:
        listed = (node.get("status") or {}).get("images") or []
        known = {name for item in listed for name in item.get("names") or []}
        absent = [image for image in images if image not in known]
        if absent:
            name = node["metadata"]["name"]
            results.append(CheckResult("images", NOTE, f"node {name} would pull {_list(absent)}"))
    return results


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
