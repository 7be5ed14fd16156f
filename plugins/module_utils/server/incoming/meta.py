# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns labels and annotations of KServe's resources into options, or says what they did. Pure.

Sources: kserve/kserve v0.20.0, pkg/constants; opendatahub-io/odh-model-controller,
controllers/constants.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping
from urllib.parse import urlsplit

from ...errors import InputError
from .. import values
from ..chart.rules import Draft, as_bool
from .documents import Documents
from .scale import KNATIVE, MODE

_AUTH = ("security.opendatahub.io/enable-auth", "security.openshift.io/enable-authentication")
_VISIBILITY = ("networking.kserve.io/visibility", "networking.knative.dev/visibility")
# Whose labels and annotations are for KServe, Knative and the dashboard alone.
_THEIRS = (
    *("serving.kserve.io/", "networking.kserve.io/", "internal.serving.kserve.io/"),
    *("prometheus.kserve.io/", "opendatahub.io/", "security.opendatahub.io/"),
    *("networking.knative.dev/", "autoscaling.knative.dev/", "serving.knative.dev/"),
    *("serving.knative.openshift.io/", "modelmesh-enabled", "openshift.io/display-name"),
    *("openshift.io/description", "enable-route"),
)
_OWN = ("openvino.edge/", "app.kubernetes.io/")
# By it OpenShift chooses the constraint of a pod (render/scc.py).
_SCC = "openshift.io/required-scc"
_KUBECTL = "kubectl.kubernetes.io/last-applied-configuration"

Texts = Mapping[str, Any]


def metadata(draft: Draft, found: Documents, pod: Dict[str, Any], annotations: Texts) -> None:
    """Set labels and annotations; those that told KServe something are dropped with the reason.

    Args:
        draft: what is known.
        found: the documents.
        pod: C(labels) and C(annotations) of the pods are taken out.
        annotations: of the service, as far as nobody has read them yet.
    """
    labels = found.metadata.get("labels") or {} if found.service is not None else {}
    made: Dict[str, Dict[str, str]] = {"labels": {}, "annotations": {}}
    checks: Dict[str, Callable[[Texts, str], Dict[str, str]]] = {
        "labels": values.labels,
        "annotations": values.annotation_texts,
    }
    sources = (
        ("labels", "metadata.labels", labels),
        ("annotations", "metadata.annotations", annotations),
        ("labels", "spec.predictor.labels", pod.pop("labels", None) or {}),
        ("annotations", "spec.predictor.annotations", pod.pop("annotations", None) or {}),
    )
    for option, where, texts in sources:
        for key, value in texts.items():
            why = _why(str(key), value)
            if found.own and (key.startswith(_OWN) or key == MODE):
                continue
            if key == _SCC and option == "annotations":
                draft.put("scc.name", str(value))
                continue
            if why:
                draft.drop(f"{where}.{key}", value, why)
                continue
            try:
                made[option].update(checks[option]({key: value}, option))
            except InputError as error:
                draft.drop(f"{where}.{key}", value, error.message)
    for option, texts_made in made.items():
        if texts_made:
            draft.put(option, texts_made)
    if not found.own and found.service is not None:
        _clients(draft, found, {**labels, **annotations})


def _why(key: str, value: Any) -> str:
    """Return why a label or annotation has no place here, empty if it may stay."""
    if key == _KUBECTL:
        return "kubectl's copy of the resource"
    if key == MODE:
        if str(value) in KNATIVE:
            return "Knative's pods start with requests; those of a Deployment always run"
        return "it is a Deployment in any case; with backend=kserve too"
    if key in _AUTH:
        return "the proxy in front of the server asks for the token, not OVMS"
    if key in _VISIBILITY:
        return "the option expose says it"
    return "only KServe, Knative or the dashboard reads it" if key.startswith(_THEIRS) else ""


def _clients(draft: Draft, found: Documents, texts: Texts) -> None:
    """Tell what changes for clients: the address, the token, the host name."""
    name = found.metadata.get("name")
    draft.warnings.append(
        f"name: clients reach KServe's server at {name}-predictor, port 80, or at its URL; this one"
        f" is {name}, with rest_port and grpc_port. With Knative there is a Service {name} already:"
        " then choose another name"
    )
    if any(as_bool(texts.get(key)) for key in _AUTH):
        draft.warnings.append(
            "network_policy: KServe's server asks for a token, and OVMS does not. Name in"
            " network_policy who may reach it"
        )
    if str(texts.get(_VISIBILITY[0])) == "exposed":
        _expose(draft, str(((found.service or {}).get("status") or {}).get("url") or ""))


def _expose(draft: Draft, url: str) -> None:
    """Set the Route that Open Data Hub makes, where the resource tells its host."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host or host.endswith((".svc", ".svc.cluster.local", ".local")):
        draft.warnings.append(
            "expose: the server has a Route, whose host the resource does not tell. Give"
            " controller: openshift and rest.host"
        )
        return
    draft.put("expose.controller", "openshift")
    draft.put("expose.rest", {"host": host})
    if parts.scheme == "https":
        draft.put("expose.tls", {"default_certificate": True})
    draft.warnings.append(
        f"expose: a router admits the second Route to {host} only when that of the InferenceService"
        " is gone"
    )
