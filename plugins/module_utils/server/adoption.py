# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking over objects that Helm, kubectl or an operator made, and giving them back. Pure.

A Deployment's selector cannot be changed, so an adopted one keeps the selector that it has, and so
does its Service: old and new pods carry its labels, and the Service answers during the change.

What the former owner set and we do not want has to go, or an old volume source would stay beside
the new one. Server-side apply removes what its own manager does not set any more, so the former
owner's fields are first handed to our manager (C(metadata.managedFields)), which changes nothing
else; kubectl goes from client-side to server-side apply in the same way
(k8s.io/client-go, util/csaupgrade). Labels and annotations of the former owner stay.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.store import SERVER_LABEL

# What the object was before, as JSON; on the object itself, where the same people may read it.
ADOPTED_ANNOTATION = "openvino.edge/adopted-from"
ADOPTABLE = ("ServiceAccount", "ConfigMap", "Deployment", "Service")
# Controllers add secrets to a ServiceAccount (OpenShift), so its fields stay whose they are.
HANDED_OVER = ("ConfigMap", "Deployment", "Service")
# All annotations of an object may have 256 KiB (k8s.io/apimachinery, api/validation/objectmeta.go).
MAX_RECORD = 200 * 1024
# Given to a Service by the cluster; it takes no other values.
_CLUSTER_FIELDS = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")
# Managers that do not own what a person wrote.
_CONTROLLERS = (
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "openvino.edge-replicas",
)
_GITOPS = (
    ("argocd.argoproj.io/tracking-id", "Argo CD"),
    ("kustomize.toolkit.fluxcd.io/name", "Flux"),
    ("helm.toolkit.fluxcd.io/name", "Flux"),
)
HELM_RELEASE = "meta.helm.sh/release-name"
_SECRET_NAME = re.compile(r"SECRET|TOKEN|PASSWORD|ACCESS_KEY|CONNECTION_STRING|API_KEY|CREDENTIAL")

Object = Dict[str, Any]


@dataclass(frozen=True)
class Kept:
    """What adopted objects keep of their former life; empty for objects of our own making.

    Attributes:
        selector: labels by which the Deployment finds its pods.
        service: labels by which the Service finds them.
    """

    selector: Mapping[str, str] = field(default_factory=dict)
    service: Mapping[str, str] = field(default_factory=dict)

    def pod_labels(self, labels: Mapping[str, str]) -> Dict[str, str]:
        """Return labels for the pods: theirs win where both name a key."""
        return {**labels, **self.service, **self.selector}


def is_adopted(item: Mapping[str, Any]) -> bool:
    """Tell whether an object was taken over."""
    return ADOPTED_ANNOTATION in (item["metadata"].get("annotations") or {})


def kept_of(deployment: Optional[Mapping[str, Any]], service: Optional[Mapping[str, Any]]) -> Kept:
    """Return what adopted objects, or those that are being adopted, keep.

    Raises:
        InputError: a selector that labels alone cannot follow.
    """
    selector: Dict[str, str] = {}
    if deployment is not None:
        found = deployment["spec"].get("selector") or {}
        if found.get("matchExpressions"):
            raise InputError(
                "its selector has matchExpressions and cannot be changed",
                option="adopt",
                subject=f"Deployment {deployment['metadata']['name']}",
                hint="Choose another name, and delete the old Deployment when the new one serves",
            )
        selector = dict(found.get("matchLabels") or {})
    chosen = dict((service or {}).get("spec", {}).get("selector") or {})
    clash = [key for key in chosen if selector.get(key, chosen[key]) != chosen[key]]
    # A Service that never found the Deployment's pods has nothing to keep.
    return Kept(selector, {} if clash else chosen)


def check_adoptable(item: Mapping[str, Any], server: str) -> List[str]:
    """Return warnings about the former owner.

    Raises:
        InputError: someone else would undo the change at once, or after the next restart.
    """
    metadata = item["metadata"]
    subject = f"{item['kind']} {metadata.get('namespace')}/{metadata['name']}"
    if item["kind"] not in ADOPTABLE:
        raise InputError(
            "it exists and belongs to someone else, and its kind is not adopted",
            option="adopt",
            subject=subject,
            hint="Delete it, or choose another name",
        )
    other = (metadata.get("labels") or {}).get(SERVER_LABEL, server)
    if other != server:
        raise InputError(f"it belongs to the server {other}", option="adopt", subject=subject)
    for owner in metadata.get("ownerReferences") or ():
        raise InputError(
            f"{owner['kind']} {owner['name']} owns it and would put it back",
            option="adopt",
            subject=subject,
            hint="Stop its operator, take the finalizers off the owner and delete it with"
            " --cascade=orphan; the page 'Coming from the Helm chart' has the commands",
        )
    record = len(record_of(item))
    if record > MAX_RECORD:
        raise InputError(
            f"what it was before takes {record} bytes, more than an annotation can hold",
            option="adopt",
            subject=subject,
            hint="Delete it, or choose another name",
        )
    return list(_warnings(item, subject))


def _warnings(item: Mapping[str, Any], subject: str) -> Sequence[str]:
    marks = {**(item["metadata"].get("labels") or {})}
    marks.update(item["metadata"].get("annotations") or {})
    found = [
        f"{subject} is kept by {tool}, which will put it back until it is told to let go"
        for key, tool in _GITOPS
        if key in marks
    ]
    if item["kind"] == "Deployment" and HELM_RELEASE in marks:
        release = marks[HELM_RELEASE]
        found.append(
            f"{subject} is still in the Helm release '{release}': 'helm uninstall' would delete"
            " it. When nothing is to go back, remove only the release's record: kubectl -n"
            f" {item['metadata'].get('namespace')} delete secret -l owner=helm,name={release}"
        )
    return found


def record_of(item: Mapping[str, Any]) -> str:
    """Return what has to be put back one day, as canonical JSON."""
    metadata = item["metadata"]
    annotations = dict(metadata.get("annotations") or {})
    if ADOPTED_ANNOTATION in annotations:
        # An earlier run was cut off; what was there first is what counts.
        return str(annotations[ADOPTED_ANNOTATION])
    record = {
        "labels": metadata.get("labels") or {},
        "annotations": annotations,
        "managers": _managers(item),
        "content": content_of(item),
    }
    return json.dumps(record, sort_keys=True, separators=(",", ":"))


def content_of(item: Mapping[str, Any]) -> Dict[str, Any]:
    """Return an object without its names and without what controllers say of it."""
    skip = ("apiVersion", "kind", "metadata", "status")
    return {key: copy.deepcopy(value) for key, value in item.items() if key not in skip}


def _managers(item: Mapping[str, Any]) -> List[Dict[str, str]]:
    return [
        {"manager": str(entry.get("manager")), "operation": str(entry.get("operation"))}
        for entry in item["metadata"].get("managedFields") or ()
        if _is_persons(entry)
    ]


def _is_persons(entry: Mapping[str, Any]) -> bool:
    return not entry.get("subresource") and entry.get("manager") not in _CONTROLLERS


def hand_over(item: Mapping[str, Any], manager: str, operation: str) -> List[Dict[str, Any]]:
    """Return C(managedFields) with the content of an object owned by one manager.

    Ownership of metadata, of what controllers write and of subresources stays as it is.
    """
    kept: List[Dict[str, Any]] = []
    union: Dict[str, Any] = {}
    for entry in item["metadata"].get("managedFields") or ():
        if not _is_persons(entry):
            kept.append(copy.deepcopy(dict(entry)))
            continue
        fields = entry.get("fieldsV1") or {}
        if (entry.get("manager"), entry.get("operation")) == (manager, operation):
            _merge(union, fields)
            continue
        rest = {key: value for key, value in fields.items() if key == "f:metadata"}
        _merge(union, {key: value for key, value in fields.items() if key != "f:metadata"})
        if rest:
            kept.append({**copy.deepcopy(dict(entry)), "fieldsV1": rest})
    ours = {
        "manager": manager,
        "operation": operation,
        "apiVersion": item["apiVersion"],
        "fieldsType": "FieldsV1",
        "fieldsV1": union,
    }
    return [*kept, ours] if union else kept


def _merge(target: Dict[str, Any], source: Mapping[str, Any]) -> None:
    for key, value in source.items():
        _merge(target.setdefault(key, {}), value)


def take_patch(item: Mapping[str, Any], manager: str) -> Dict[str, Any]:
    """Return the merge patch that makes an object ours without changing what it does."""
    metadata: Dict[str, Any] = {
        "annotations": {ADOPTED_ANNOTATION: record_of(item)},
        # The fields are those of this very version; a newer one is read again.
        "resourceVersion": item["metadata"]["resourceVersion"],
    }
    if item["kind"] in HANDED_OVER:
        metadata["managedFields"] = hand_over(item, manager, "Apply")
    return {"metadata": metadata}


def forecast_patch(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Return the JSON patch whose dry run shows, and lets the server check, what comes out."""
    metadata = live["metadata"]
    operations = [
        {
            "op": "add",
            "path": f"/metadata/{part}",
            "value": {**(metadata.get(part) or {}), **(wanted["metadata"].get(part) or {})},
        }
        for part in ("labels", "annotations")
    ]
    content = content_of(wanted)
    if live["kind"] == "Service":
        given = {key: live["spec"][key] for key in _CLUSTER_FIELDS if key in live["spec"]}
        content["spec"] = {**given, **content["spec"]}
    if live["kind"] in HANDED_OVER:
        gone = [key for key in content_of(live) if key not in content]
        operations += [{"op": "remove", "path": f"/{key}"} for key in gone]
    operations += [{"op": "add", "path": f"/{key}", "value": content[key]} for key in content]
    return operations


@dataclass(frozen=True)
class Return:
    """How one object goes back.

    Attributes:
        patch: JSON patch of labels, annotations and content.
        managers: who owned its fields.
    """

    patch: List[Dict[str, Any]]
    managers: Tuple[Tuple[str, str], ...]


def return_of(item: Mapping[str, Any]) -> Return:
    """Return what puts an adopted object back as it was."""
    record = json.loads(item["metadata"]["annotations"][ADOPTED_ANNOTATION])
    content = record["content"]
    revision = "deployment.kubernetes.io/revision"
    annotations = {
        key: value
        for key, value in (item["metadata"].get("annotations") or {}).items()
        if key == revision
    }
    operations: List[Dict[str, Any]] = [
        {"op": "add", "path": "/metadata/labels", "value": record["labels"]},
        {
            "op": "add",
            "path": "/metadata/annotations",
            "value": {**record["annotations"], **annotations},
        },
    ]
    if item["kind"] in HANDED_OVER:
        gone = [key for key in content_of(item) if key not in content]
        operations += [{"op": "remove", "path": f"/{key}"} for key in gone]
        operations += [{"op": "add", "path": f"/{key}", "value": content[key]} for key in content]
    managers = tuple((entry["manager"], entry["operation"]) for entry in record["managers"])
    return Return(operations, managers)


def without_record(item: Optional[Mapping[str, Any]]) -> Optional[Dict[str, Any]]:
    """Return an object as a diff shows it: no record, and no secrets in environment variables."""
    if item is None:
        return None
    shown = copy.deepcopy(dict(item))
    annotations = shown["metadata"].get("annotations")
    if isinstance(annotations, dict):
        annotations.pop(ADOPTED_ANNOTATION, None)
        if not annotations:
            del shown["metadata"]["annotations"]
    template = (shown.get("spec") or {}).get("template") or {}
    for container in (template.get("spec") or {}).get("containers") or ():
        for variable in container.get("env") or ():
            if "value" in variable and _SECRET_NAME.search(str(variable.get("name")).upper()):
                variable["value"] = "(hidden)"
    return shown
