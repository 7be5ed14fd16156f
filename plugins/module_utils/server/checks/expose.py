# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the objects that C(expose) needs: certificate, Secret, IngressClass and Gateway."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Mapping

from ...errors import InputError, UnsupportedError
from ...kube.client import KubeClient
from ...store import SERVER_LABEL
from ..render import kinds
from ..render.exposure.objects import CERT_KEY, PRIVATE_KEY, TLS_TYPE
from ..spec.exposure.options import OPENSHIFT, TlsSpec, leaf_of
from ..spec.server import ServerSpec
from . import certificates, classes, client_auth, gateway, secrets, taken

Warn = secrets.Warn
_OWN_TLS = "expose.grpc.tls"


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
        classes.check(client, expose, warn)
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
