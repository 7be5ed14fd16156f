# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the adoption of objects that Helm, kubectl or an operator created, and its reversal. Pure.

A Deployment's selector cannot be changed, so an adopted one keeps the selector that it has, and so
does its Service: old and new pods carry its labels, and the Service answers during the change.

Unwanted fields of the former owner have to be removed, or an old volume source would stay beside
the new one. Server-side apply removes fields that its own manager no longer sets, so the former
owner's fields are first transferred to our manager (C(metadata.managedFields)), which changes
nothing else; kubectl migrates from client-side to server-side apply in the same way
(k8s.io/client-go, util/csaupgrade). Labels and annotations of the former owner are kept.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ...errors import InputError
from ...store import SERVER_LABEL
from ..render.facts import Kept
from . import ports

# The annotation with the former object as JSON; it is readable for the same users as the object.
ADOPTED_ANNOTATION = "openvino.edge/adopted-from"
ADOPTABLE = ("ServiceAccount", "ConfigMap", "Deployment", "Service")
# On OpenShift controllers add secrets to a ServiceAccount, so its field owners are kept.
HANDED_OVER = ("ConfigMap", "Deployment", "Service")
# The fields that the collection sets on a ServiceAccount, besides labels.
_AUTOMOUNT = "automountServiceAccountToken"
# All annotations of an object may have 256 KiB (k8s.io/apimachinery, api/validation/objectmeta.go).
MAX_RECORD = 200 * 1024
# Fields that the cluster assigns to a Service; they are immutable.
_CLUSTER_FIELDS = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")
# Field managers of controllers: they own no fields that a user wrote.
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
# The container ports that a Service of the collection leads to, with every backend.
_OURS: Dict[str, Any] = {
    "args": ["--port", "1", "--rest_port", "2"],
    "ports": [
        {"name": ports.GRPC, "containerPort": 1},
        {"name": ports.REST, "containerPort": 2},
    ],
}
_SECRET_NAME = re.compile(r"SECRET|TOKEN|PASSWORD|ACCESS_KEY|CONNECTION_STRING|API_KEY|CREDENTIAL")

Object = Dict[str, Any]


def is_adopted(item: Mapping[str, Any]) -> bool:
    """Tell whether an object was taken over."""
    return ADOPTED_ANNOTATION in (item["metadata"].get("annotations") or {})


def kept_of(deployment: Optional[Mapping[str, Any]], service: Optional[Mapping[str, Any]]) -> Kept:
    """Return the ports, labels and selectors that adopted objects keep.

    Raises:
        InputError: a selector uses expressions, which labels cannot satisfy.
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
    # A Service that did not select the Deployment's pods keeps nothing.
    return replace(
        _of_pods(deployment, service), selector=selector, service={} if clash else chosen
    )


def _of_pods(deployment: Optional[Mapping[str, Any]], service: Optional[Mapping[str, Any]]) -> Kept:
    """Return the ports, labels and annotations that the pods had before the adoption."""
    live = ((deployment or {}).get("spec") or {}).get("template") or {}
    container = ports.server_of((live.get("spec") or {}).get("containers") or ())
    numbers, others = ports.service_ports(service, container or _OURS)
    before = _template_before(deployment) if deployment is not None else {}
    metadata = before.get("metadata") or {}
    return Kept(
        labels=dict(metadata.get("labels") or {}),
        annotations=dict(metadata.get("annotations") or {}),
        container=ports.free_ports(ports.container_ports(container)),
        numbers=numbers,
        others=tuple(others),
    )


def _template_before(deployment: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the pod template that the Deployment had before the adoption."""
    notes = deployment["metadata"].get("annotations") or {}
    text = notes.get(ADOPTED_ANNOTATION)
    content = json.loads(text).get("content") or {} if text else deployment
    template: Mapping[str, Any] = (content.get("spec") or {}).get("template") or {}
    return template


def check_adoptable(item: Mapping[str, Any], server: str) -> List[str]:
    """Return warnings about the former owner.

    Raises:
        InputError: another controller would revert the change, at once or after its restart.
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
    """Return the record for giving the object back, as canonical JSON."""
    metadata = item["metadata"]
    annotations = dict(metadata.get("annotations") or {})
    if ADOPTED_ANNOTATION in annotations:
        # An earlier run was interrupted: its record holds the original object.
        return str(annotations[ADOPTED_ANNOTATION])
    record = {
        "labels": metadata.get("labels") or {},
        "annotations": annotations,
        "managers": _managers(item),
        "fields": _persons_fields(item),
        "content": content_of(item),
    }
    return json.dumps(record, sort_keys=True, separators=(",", ":"))


def content_of(item: Mapping[str, Any]) -> Dict[str, Any]:
    """Return an object without its identity, status and fields of controllers."""
    skip = ("apiVersion", "kind", "metadata", "status")
    return {key: copy.deepcopy(value) for key, value in item.items() if key not in skip}


def _managers(item: Mapping[str, Any]) -> List[Dict[str, str]]:
    return [
        {"manager": str(entry.get("manager")), "operation": str(entry.get("operation"))}
        for entry in item["metadata"].get("managedFields") or ()
        if _is_persons(entry)
    ]


def _persons_fields(item: Mapping[str, Any]) -> List[Dict[str, Any]]:
    return [
        copy.deepcopy(dict(entry))
        for entry in item["metadata"].get("managedFields") or ()
        if _is_persons(entry)
    ]


def returned_fields(
    item: Mapping[str, Any], record: Mapping[str, Any], manager: str
) -> List[Dict[str, Any]]:
    """Return the former C(managedFields), with the newer entries of controllers.

    They must be exact: a tool with server-side apply (Helm 4) would get conflicts on a field that
    it does not own, and would remove a field that it owns and does not send. An older record names
    only the managers; then the first of them gets all of our fields.
    """
    now = [copy.deepcopy(dict(entry)) for entry in item["metadata"].get("managedFields") or ()]
    before: Optional[List[Dict[str, Any]]] = record.get("fields")
    if before is not None:
        kept = [entry for entry in now if not _is_persons(entry) and not _is_ours(entry, manager)]
        return [*kept, *copy.deepcopy(before)]
    if not record["managers"]:
        return now
    first = record["managers"][0]
    for entry in now:
        if _is_ours(entry, manager):
            entry.update(manager=first["manager"], operation=first["operation"])
    return _united(now)


def _is_ours(entry: Mapping[str, Any], manager: str) -> bool:
    """Tell whether an entry belongs to a field manager of this collection."""
    name = str(entry.get("manager"))
    return not entry.get("subresource") and (name == manager or name.startswith(f"{manager}-"))


def _united(entries: Sequence[Mapping[str, Any]]) -> List[Dict[str, Any]]:
    """Return the entries with one for each manager, operation and version."""
    united: Dict[Tuple[Any, ...], Dict[str, Any]] = {}
    parts = ("manager", "operation", "apiVersion", "subresource")
    for entry in entries:
        key = tuple(entry.get(part) for part in parts)
        mine = united.setdefault(key, {**entry, "fieldsV1": {}})
        _merge(mine["fieldsV1"], entry.get("fieldsV1") or {})
    return list(united.values())


def _is_persons(entry: Mapping[str, Any]) -> bool:
    return not entry.get("subresource") and entry.get("manager") not in _CONTROLLERS


def hand_over(item: Mapping[str, Any], manager: str, operation: str) -> List[Dict[str, Any]]:
    """Return C(managedFields) with the content of an object owned by one manager.

    Ownership of metadata, of fields that controllers write and of subresources is unchanged.
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
    """Return the merge patch that transfers an object to this collection and keeps its spec."""
    metadata: Dict[str, Any] = {
        "annotations": {ADOPTED_ANNOTATION: record_of(item)},
        # The fields are valid for this resourceVersion only; a conflict makes us read again.
        "resourceVersion": item["metadata"]["resourceVersion"],
    }
    if item["kind"] in HANDED_OVER:
        metadata["managedFields"] = hand_over(item, manager, "Apply")
    return {"metadata": metadata}


def forecast_patch(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Return the JSON patch for a dry run, by which the server validates the adopted object."""
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
    """The patch that gives one object back.

    Attributes:
        patch: JSON patch of labels, annotations and content.
        record: the record made at its adoption.
    """

    patch: List[Dict[str, Any]]
    record: Dict[str, Any]


def return_of(item: Mapping[str, Any]) -> Return:
    """Return the patch that restores an adopted object."""
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
    elif _AUTOMOUNT in content or _AUTOMOUNT in item:
        given = _AUTOMOUNT in content
        value = {"value": content[_AUTOMOUNT]} if given else {}
        operations.append({"op": "add" if given else "remove", "path": f"/{_AUTOMOUNT}", **value})
    return Return(operations, record)


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
