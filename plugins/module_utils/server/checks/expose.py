# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the objects that C(expose) needs: certificate, Secret and IngressClass."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Dict, Iterable, Mapping, Optional

from ...errors import InputError, UnsupportedError
from ...kube.client import KubeClient
from ...store import SERVER_LABEL
from ..discover import live
from ..render import kinds
from ..render.exposure.objects import CERT_KEY, PRIVATE_KEY, TLS_TYPE
from ..spec.exposure.options import (
    CONTOUR,
    HAPROXY,
    NGINX,
    OPENSHIFT,
    OTHER,
    TRAEFIK,
    ExposeSpec,
    TlsSpec,
    leaf_of,
)
from ..spec.server import ServerSpec
from . import certificates, client_auth, gateway, secrets, taken

Warn = secrets.Warn
_DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
_OWN_TLS = "expose.grpc.tls"
_OF_TRAEFIK = "traefik.io/ingress-controller"
# The names of controllers in IngressClass objects (from the documentation of each).
_CONTROLLERS: Dict[str, str] = {
    "k8s.io/ingress-nginx": NGINX,
    _OF_TRAEFIK: TRAEFIK,
    "haproxy.org/ingress-controller": HAPROXY,
    "projectcontour.io/": CONTOUR,
    "openshift.io/ingress-to-route": OTHER,
}


def check_given(spec: ServerSpec, warn: Warn) -> None:
    """Refuse what contradicts other options, and a given certificate that clients would refuse.

    No request is sent to the cluster.

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
    for option, (tls, hosts) in expose.certificates.items():
        if tls.certificate:
            where = f"{option}.certificate"
            _judge(hosts, tls.certificate, tls.key, warn, option=where)
    client_auth.check_given(expose, warn)


def check(client: KubeClient, spec: ServerSpec, warn: Warn) -> None:
    """Check the Secret, and the IngressClass or the Gateway, on the cluster.

    Raises:
        InputError: something else has the host, also on the Gateway; the Secret is missing, of the
            wrong type, or does not work; there is no such class, or it is another controller's.
    """
    expose = spec.running.expose
    if expose is None:
        return
    taken.check(client, spec)
    leaves = {
        option: _leaf(client, spec, option, tls, hosts, warn)
        for option, (tls, hosts) in expose.certificates.items()
    }
    client_auth.check(client, spec.namespace, expose, warn)
    if expose.gateway is not None:
        gateway.check_hosts(client, spec, warn)
    elif expose.controller != OPENSHIFT:
        _check_class(client, expose, warn)
    elif expose.grpc is not None:
        _check_alone(client, spec, leaves, warn)


def _leaf(
    client: KubeClient,
    spec: ServerSpec,
    option: str,
    tls: TlsSpec,
    hosts: Mapping[str, str],
    warn: Warn,
) -> str:
    """Return the server's certificate, empty where it is not known; one in a Secret is judged."""
    if not tls.secret_name:
        return leaf_of(tls.certificate)
    option = f"{option}.secret_name"
    return leaf_of(_check_secret(client, spec.namespace, tls.secret_name, option, hosts, warn))


def _check_alone(
    client: KubeClient, spec: ServerSpec, leaves: Mapping[str, str], warn: Warn
) -> None:
    """Refuse a certificate for gRPC that other Routes use: the router would not offer HTTP/2.

    Raises:
        InputError: those of REST have it.
    """
    own = leaves.get(_OWN_TLS) or leaves.get("expose.tls") or ""
    if _OWN_TLS in leaves and own and own == leaves.get("expose.tls"):
        raise InputError(
            "it is the certificate that REST has, and the router offers HTTP/2, which gRPC needs,"
            " only for one that no other Route uses",
            option=_OWN_TLS,
            hint="Have it issued once more for gRPC: a copy with its own serial number is enough",
        )
    expose = spec.running.expose
    tls = expose.tls_of("grpc") if expose is not None and expose.grpc is not None else None
    secret = tls.secret_name if tls is not None else ""
    for route in client.list(*kinds.ROUTE, spec.namespace)[0]:
        metadata = route["metadata"]
        if (metadata.get("labels") or {}).get(SERVER_LABEL) == spec.name:
            continue
        other = (route.get("spec") or {}).get("tls") or {}
        named = str((other.get("externalCertificate") or {}).get("name") or "")
        shown = leaf_of(str(other.get("certificate") or ""))
        if (secret and named == secret) or (own and shown == own):
            warn(
                f"expose.grpc: Route {spec.namespace}/{metadata['name']} has the same certificate."
                " The router offers HTTP/2, which gRPC needs, only for one that no other Route"
                " uses: give each its own."
            )


def _judge(
    hosts: Mapping[str, str],
    certificate: str,
    key: str,
    warn: Warn,
    *,
    option: str,
    subject: str = "",
) -> None:
    now = datetime.now(timezone.utc)
    try:
        texts = certificates.check(certificate, key, hosts, now, option=option, subject=subject)
    except UnsupportedError as error:
        texts = [f"{option}: the certificate was not checked: {error.message}."]
    for text in texts:
        warn(text)


def _check_secret(
    client: KubeClient,
    namespace: str,
    name: str,
    option: str,
    hosts: Mapping[str, str],
    warn: Warn,
) -> str:
    """Return the certificate of a Secret that works, empty where it may not be read."""
    hint = f"kubectl create secret tls {name} --cert=FILE --key=FILE -n {namespace}"
    secret = secrets.read_secret(client, namespace, name, option, hint, warn)
    if secret is None:
        return ""
    kind = str(secret.item.get("type") or "Opaque")
    if kind != TLS_TYPE:
        raise secret.error(f"its type is {kind}, and has to be {TLS_TYPE}")
    certificate, key = secret.text(CERT_KEY), secret.text(PRIVATE_KEY)
    _judge(hosts, certificate, key, warn, option=option, subject=secret.subject)
    return certificate


def _check_class(client: KubeClient, expose: ExposeSpec, warn: Warn) -> None:
    """Compare the class with what the cluster has, where the account may see it."""
    if expose.proxied and not expose.class_name:  # An HTTPProxy has no default class.
        return
    classes = live.list_if_allowed(client, "networking.k8s.io/v1", "IngressClass")
    if classes is None:
        _warn_unasked(expose, "the account may not list IngressClasses", warn)
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
            _warn_unasked(expose, "no IngressClass is known", warn)
            return
    _check_controller(expose, found or {}, warn)
    _warn_of_traefik(expose, classes, warn)


def _is_default(item: Mapping[str, Any]) -> bool:
    return (item["metadata"].get("annotations") or {}).get(_DEFAULT_CLASS) == "true"


def _check_controller(expose: ExposeSpec, found: Mapping[str, Any], warn: Warn) -> None:
    """Refuse or warn if the IngressClass is of another controller than C(expose.controller)."""
    text = str((found.get("spec") or {}).get("controller") or "")
    known = next((kind for prefix, kind in _CONTROLLERS.items() if text.startswith(prefix)), None)
    if known == expose.controller or not (expose.grpc or expose.client_auth):
        return
    name = f"IngressClass {found['metadata']['name']}"
    if known is None:
        _warn_unasked(expose, f"{name} is of {text}", warn)
        return
    if expose.controller == OTHER:
        warn(
            f"expose.controller: {name} is of {text}. Set {known}, or give the annotations that "
            "make it speak HTTP/2 with the server."
        )
        return
    would = "speak HTTP/1 with the server" if expose.client_auth is None else "ask no client"
    raise InputError(
        f"it is {expose.controller}, and the class is of {text}, which would {would}",
        option="expose.controller",
        subject=name,
        hint=f"Set {known}, or another class_name",
    )


def _warn_of_traefik(expose: ExposeSpec, classes: Iterable[Mapping[str, Any]], warn: Warn) -> None:
    """Warn where the class may be served by Traefik, which takes over those of ingress-nginx.

    Its provider for them asks no client until 3.6, and from 3.7 on reads the CA and no revocation
    list (traefik, pkg/provider/kubernetes/ingress-nginx).
    """
    if expose.controller != NGINX:
        return
    for item in classes:
        text = str((item.get("spec") or {}).get("controller") or "")
        if text.startswith(_OF_TRAEFIK):
            name = item["metadata"]["name"]
            why = f"the cluster has Traefik (IngressClass {name}), which can serve nginx's, too"
            _warn_unasked(expose, why, warn)
            return


def _warn_unasked(expose: ExposeSpec, why: str, warn: Warn) -> None:
    """Warn that annotations may ask nobody: a controller that does not read them lets all in."""
    if expose.client_auth is not None and not expose.proxied:
        warn(
            f"expose.client_auth: {why}, so it was not checked that {expose.controller} serves the"
            " Ingress. Another controller asks no client for a certificate, or looks nothing up in"
            " a revocation list: try it without one, and with a revoked one."
        )
