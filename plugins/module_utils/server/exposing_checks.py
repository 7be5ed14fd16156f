# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What C(expose) stands on: the certificate, the Secret with it, and the class of Ingresses."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime, timezone
from typing import Any, Callable, Dict, Mapping, Optional

from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ForbiddenError,
    InputError,
    UnsupportedError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.server import certificates, live
from ansible_collections.openvino.edge.plugins.module_utils.server.exposing import (
    CERT_KEY,
    PRIVATE_KEY,
    TLS_TYPE,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.exposing_options import (
    CONTOUR,
    HAPROXY,
    NGINX,
    OPENSHIFT,
    OTHER,
    TRAEFIK,
    ExposeSpec,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.spec import ServerSpec

Warn = Callable[[str], None]
_DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
_SECRET_OPTION = "expose.tls.secret_name"
# How controllers are called in IngressClass objects (the documents of each).
_CONTROLLERS: Dict[str, str] = {
    "k8s.io/ingress-nginx": NGINX,
    "traefik.io/ingress-controller": TRAEFIK,
    "haproxy.org/ingress-controller": HAPROXY,
    "projectcontour.io/": CONTOUR,
    "openshift.io/ingress-to-route": OTHER,
}


def check_given(spec: ServerSpec, warn: Warn) -> None:
    """Refuse what contradicts other options, and a given certificate that clients would refuse.

    No cluster is asked.

    Raises:
        InputError: says what is wrong.
    """
    expose, policy = spec.running.expose, spec.security.network_policy
    if expose is None:
        return
    if policy is not None and not (policy.namespaces or policy.addresses or policy.peers):
        raise InputError(
            "network_policy lets nobody in, so the controller would get no answer",
            option="expose",
            hint="Name the namespace of the controller in network_policy.namespaces",
        )
    if expose.tls is not None and expose.tls.certificate:
        option = "expose.tls.certificate"
        _judge(expose, expose.tls.certificate, expose.tls.key, warn, option=option)


def check(client: KubeClient, spec: ServerSpec, warn: Warn) -> None:
    """Check what the cluster has to have.

    Raises:
        InputError: the Secret is missing, of the wrong type, or does not work; there is no such
            class, or it is another controller's.
    """
    expose = spec.running.expose
    if expose is None:
        return
    if expose.tls is not None and expose.tls.secret_name:
        _check_secret(client, spec, expose, warn)
    if expose.controller != OPENSHIFT:
        _check_class(client, expose, warn)


def _judge(
    expose: ExposeSpec, certificate: str, key: str, warn: Warn, *, option: str, subject: str = ""
) -> None:
    now = datetime.now(timezone.utc)
    try:
        texts = certificates.check(
            certificate, key, expose.hosts, now, option=option, subject=subject
        )
    except UnsupportedError as error:
        texts = [f"{option}: the certificate was not checked: {error.message}."]
    for text in texts:
        warn(text)


def _check_secret(client: KubeClient, spec: ServerSpec, expose: ExposeSpec, warn: Warn) -> None:
    name = expose.tls.secret_name if expose.tls is not None else ""
    subject = f"Secret {spec.namespace}/{name}"
    try:
        secret = client.get("v1", "Secret", name, spec.namespace)
    except ForbiddenError:
        warn(f"{_SECRET_OPTION}: the account may not get {subject}, so it was not checked.")
        return
    hint = f"kubectl create secret tls {name} --cert=FILE --key=FILE -n {spec.namespace}"
    if secret is None:
        raise InputError("it does not exist", option=_SECRET_OPTION, subject=subject, hint=hint)
    kind = str(secret.get("type") or "Opaque")
    if kind != TLS_TYPE:
        message = f"its type is {kind}, and has to be {TLS_TYPE}"
        raise InputError(message, option=_SECRET_OPTION, subject=subject, hint=hint)
    data = secret.get("data") or {}
    texts = {key: _decoded(data, key) for key in (CERT_KEY, PRIVATE_KEY)}
    for key, text in texts.items():
        if not text:
            message = f"its key {key} is empty"
            raise InputError(message, option=_SECRET_OPTION, subject=subject, hint=hint)
    _judge(
        expose, texts[CERT_KEY], texts[PRIVATE_KEY], warn, option=_SECRET_OPTION, subject=subject
    )


def _decoded(data: Mapping[str, Any], key: str) -> str:
    try:
        return base64.b64decode(str(data.get(key) or ""), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return ""


def _check_class(client: KubeClient, expose: ExposeSpec, warn: Warn) -> None:
    """Compare the class with what the cluster has, where the account may see it."""
    classes = live.list_if_allowed(client, "networking.k8s.io/v1", "IngressClass")
    if classes is None:
        return
    by_name = {str(item["metadata"]["name"]): item for item in classes}
    found: Optional[Mapping[str, Any]] = by_name.get(expose.class_name)
    if expose.class_name and found is None:
        has = f"It has {', '.join(sorted(by_name))}" if by_name else "It has none at all"
        if expose.controller in (CONTOUR, OTHER):  # Contour compares the name alone.
            warn(f"expose.class_name: the cluster has no IngressClass {expose.class_name}. {has}.")
            return
        raise InputError(
            "the cluster has no such IngressClass",
            option="expose.class_name",
            subject=f"IngressClass {expose.class_name}",
            hint=has,
        )
    if not expose.class_name:
        found = next((item for item in classes if _is_default(item)), None)
        if found is None:
            warn(
                "expose.class_name: it is not set, and no IngressClass is the cluster's default, so"
                " a controller may leave the Ingress alone."
            )
            return
    _check_controller(expose, found or {}, warn)


def _is_default(item: Mapping[str, Any]) -> bool:
    return (item["metadata"].get("annotations") or {}).get(_DEFAULT_CLASS) == "true"


def _check_controller(expose: ExposeSpec, found: Mapping[str, Any], warn: Warn) -> None:
    """Tell when gRPC is prepared for another controller than the one that will read it."""
    text = str((found.get("spec") or {}).get("controller") or "")
    known = next((kind for prefix, kind in _CONTROLLERS.items() if text.startswith(prefix)), None)
    if expose.grpc is None or known in (None, expose.controller):
        return
    name = f"IngressClass {found['metadata']['name']}"
    if expose.controller == OTHER:
        warn(
            f"expose.controller: {name} is of {text}. Set {known}, or give the annotations that "
            "make it speak HTTP/2 with the server."
        )
        return
    raise InputError(
        f"it is {expose.controller}, and the class is of {text}, which would speak HTTP/1 with the "
        "server",
        option="expose.controller",
        subject=name,
        hint=f"Set {known}, or another class_name",
    )
