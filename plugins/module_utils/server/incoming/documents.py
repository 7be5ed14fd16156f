# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sorts the documents that are given: which is the service, which its runtime. Pure.

Kinds and fields: kserve/kserve v0.20.0, pkg/apis/serving/v1beta1 and v1alpha1.
"""

from __future__ import annotations

import base64
import binascii
import copy
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ...errors import InputError
from ...store import MANAGED_BY, MANAGED_BY_LABEL
from ..chart.rules import Draft

SERVICE = "InferenceService"
RUNTIMES = ("ServingRuntime", "ClusterServingRuntime")
# What is read beside them where it is given.
_BESIDE = ("ConfigMap", "Secret", "ServiceAccount")
# Of this collection's own objects: those that are read, and what makes the others.
_OWN_BESIDE = ("NetworkPolicy", "PodDisruptionBudget")
_MADE_BY = {
    "ResourceClaimTemplate": "device",
    "RoleBinding": "scc",
    "ServiceMonitor": "service_monitor",
}

_OTHERS = {
    "InferenceGraph": "it is KServe's router in front of several services, not a server of models",
    "TrainedModel": "KServe's agent puts it into a server at run time; name it in models",
}

Object = Dict[str, Any]


@dataclass
class Documents:
    """The documents by what they are.

    Attributes:
        service: the InferenceService; None: a runtime alone is given.
        runtime: the ServingRuntime that it uses; None: it is not given.
        beside: ConfigMaps, Secrets and ServiceAccounts by kind and name.
        read: kind and name of those that something was taken from.
    """

    service: Optional[Object] = None
    runtime: Optional[Object] = None
    beside: Dict[str, Dict[str, Object]] = field(default_factory=dict)
    read: Set[Tuple[str, str]] = field(default_factory=set)

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Return the metadata of the service, of the runtime where there is none."""
        return (self.service or self.runtime or {}).get("metadata") or {}

    @property
    def own(self) -> bool:
        """Tell whether this collection has made the service."""
        return self.service is not None and is_own(self.service)

    def one(self, kind: str, name: str) -> Optional[Object]:
        """Return a document beside them, None when it is not given."""
        found = self.beside.get(kind, {}).get(name)
        if found is not None:
            self.read.add((kind, name))
        return found

    def name_unread(self, draft: Draft) -> None:
        """Drop the documents that nothing was taken from; their values are not shown."""
        for kind, items in self.beside.items():
            for name, item in items.items():
                if (kind, name) not in self.read and not is_own(item):
                    why = "nothing is taken from it, and it stays as it is"
                    draft.drop(f"{kind}/{name}", kind, why)


def is_own(item: Mapping[str, Any]) -> bool:
    """Tell whether this collection has made an object."""
    labels = (item.get("metadata") or {}).get("labels") or {}
    return bool(labels.get(MANAGED_BY_LABEL) == MANAGED_BY)


def flat(document: Any) -> List[Any]:
    """Return the single documents of a document, a list, a C(List) or a C(Template)."""
    if isinstance(document, Mapping):
        inner = document.get("objects" if document.get("kind") == "Template" else "items")
        listed = str(document.get("kind")).endswith("List") or document.get("kind") == "Template"
        return flat(inner) if listed and isinstance(inner, Sequence) else [document]
    if isinstance(document, (list, tuple)):
        return [one for item in document if item is not None for one in flat(item)]
    return [document]


def is_kserve(items: Sequence[Any]) -> bool:
    """Tell whether an InferenceService or a runtime is among the documents."""
    return any(_kind(item) in (SERVICE, *RUNTIMES) for item in items)


def sort(items: Sequence[Any], draft: Draft) -> Documents:
    """Return the documents by what they are; those that are not read are dropped.

    Raises:
        InputError: more than one service, or several runtimes without one.
    """
    services = [item for item in items if _kind(item) == SERVICE]
    runtimes = [item for item in items if _kind(item) in RUNTIMES]
    for one in (*services, *runtimes):
        _checked(one)
    if len(services) > 1 or (not services and len(runtimes) > 1):
        names = ", ".join(_name(item) for item in services or runtimes)
        raise InputError(f"one server at a time is converted, and these are several: {names}")
    found = Documents(service=copy.deepcopy(services[0]) if services else None)
    runtime = _runtime_of(found, runtimes)
    found.runtime = copy.deepcopy(runtime)
    for item in items:
        kind = _kind(item)
        if kind in _BESIDE or (kind in _OWN_BESIDE and is_own(item)):
            found.beside.setdefault(kind, {})[_name(item)] = item
        elif kind in RUNTIMES and item is not runtime:
            draft.drop(f"{kind}/{_name(item)}", kind, "the InferenceService uses another runtime")
        elif kind not in (SERVICE, *RUNTIMES):
            why = _OTHERS.get(kind, "it is no part of a server of KServe, and stays as it is")
            if isinstance(item, Mapping) and is_own(item) and kind in _MADE_BY:
                why = f"the option {_MADE_BY[kind]} makes it; give that again"
            draft.drop(f"{kind or 'document'}/{_name(item)}", kind, why)
    return found


def _runtime_of(found: Documents, runtimes: Sequence[Object]) -> Optional[Object]:
    """Return the runtime that the service names, or the only one that there is."""
    if found.service is None:
        return runtimes[0]
    model = found.service["spec"]["predictor"].get("model") or {}
    if not model:
        return None
    named = model.get("runtime")
    fit = [item for item in runtimes if named in (None, "", _name(item))]
    return fit[0] if len(fit) == 1 else None


def _checked(item: Mapping[str, Any]) -> None:
    """Refuse a resource without the fields that KServe itself requires."""
    kind, spec = item["kind"], item.get("spec")
    where = f"{kind} {_name(item)}"
    if not isinstance(spec, Mapping):
        raise InputError("it has no spec", subject=where)
    if kind == SERVICE and not isinstance(spec.get("predictor"), Mapping):
        raise InputError("its spec has no predictor", subject=where)
    if kind in RUNTIMES:
        if spec.get("multiModel"):
            raise InputError(
                "multiModel is true: ModelMesh puts models into such a server at run time",
                subject=where,
                hint="List the models in the option models",
            )
        if not spec.get("containers"):
            raise InputError("it has no containers", subject=where)


def named(items: Sequence[Any]) -> str:
    """Return kind and name of the service among documents, else of the runtime, for messages."""
    kinds = (SERVICE, *RUNTIMES)
    fit = [item for item in items if _kind(item) in kinds]
    chosen: Any = min(fit, key=lambda item: kinds.index(_kind(item)), default={})
    return f"{_kind(chosen)} {_name(chosen)}"


def _kind(item: Any) -> str:
    return str(item.get("kind") or "") if isinstance(item, Mapping) else ""


def _name(item: Any) -> str:
    metadata = item.get("metadata") if isinstance(item, Mapping) else None
    return str(metadata.get("name") or "?") if isinstance(metadata, Mapping) else "?"


def secret_texts(secret: Mapping[str, Any]) -> Dict[str, str]:
    """Return the values of a Secret; what is not base64 or not text is left out."""
    found: Dict[str, str] = {}
    for key, value in (secret.get("data") or {}).items():
        try:
            found[key] = base64.b64decode(str(value), validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            continue
    found.update({key: str(value) for key, value in (secret.get("stringData") or {}).items()})
    return found
