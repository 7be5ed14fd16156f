# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares C(expose.client_auth) with the client certificates that a Gateway asks for.

A Gateway asks all clients of a port or none, for a certificate of one of its CAs. So the option is
accepted where the Gateway does just what it says, and refused everywhere else. Sources:
sigs.k8s.io/gateway-api 1.6, apis/v1/gateway_types.go (FrontendTLSConfig) and pkg/features; Envoy
Gateway 1.9, internal/gatewayapi/clienttrafficpolicy.go.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, FrozenSet, Mapping, Optional

from ...errors import ApiError, ForbiddenError, InputError
from ...kube.client import KubeClient
from ..discover import live
from ..render import kinds
from ..render.exposure.objects import CA_KEY
from ..spec.exposure.client_auth import OPTION, ClientAuth
from ..spec.exposure.options import split
from ..spec.server import ServerSpec
from .gateway_class import CLIENT_CERTIFICATES, ENVOY_GATEWAY, GatewayClass, reads_frontend
from .listeners import HTTPS, selects
from .secrets import Warn

# A client without a certificate that is valid gets no connection; it is the default.
_STRICT = "AllowValidOnly"
_WAY_OUT = (
    "Have spec.tls.frontend of the Gateway ask for certificates of this CA, or set"
    " expose.controller: contour"
)
_POLICY: kinds.Kind = ("gateway.envoyproxy.io/v1alpha1", "ClientTrafficPolicy")
_SAME = "Give the same certificates here and in the Gateway, or leave client_auth out"
Object = Mapping[str, Any]


def asked_for(gateway: Object, listener: Object) -> Optional[Object]:
    """Return what a Gateway validates of the clients of a listener, None if nothing.

    What it says of a port takes the place of its default, also where that is nothing.
    """
    frontend = ((gateway.get("spec") or {}).get("tls") or {}).get("frontend") or {}
    if listener.get("protocol") != HTTPS:
        return None
    for item in frontend.get("perPort") or ():
        if item.get("port") == listener.get("port"):
            return (item.get("tls") or {}).get("validation") or None
    return (frontend.get("default") or {}).get("validation") or None


def is_asked(gateway: Object, listener: Object) -> bool:
    """Tell whether each client of a listener has to show a certificate."""
    found = asked_for(gateway, listener)
    return found is not None and _mode(found) == _STRICT


def _mode(validation: Object) -> str:
    return str(validation.get("mode") or _STRICT)


def check(
    client: KubeClient, spec: ServerSpec, auth: ClientAuth, gateway: Object, listener: Object
) -> None:
    """Refuse the option unless the Gateway admits just the clients that it names.

    Costs a request for each object with a CA.

    Raises:
        InputError: the Gateway asks nobody, takes clients without a certificate, or has other CAs.
        ForbiddenError: the account may not get an object with a CA.
    """
    place = f"{gateway['metadata']['namespace']}/{gateway['metadata']['name']}"
    subject = f"Gateway {place}"
    port, found = f"port {listener.get('port')}", asked_for(gateway, listener)
    if found is None:
        raise _refused(f"it asks no client of {port} for a certificate", subject, _WAY_OUT)
    if _mode(found) != _STRICT:
        raise _refused(
            f"it lets clients of {port} in without a valid certificate, too (mode {_mode(found)})",
            subject,
            f"Have the mode set to {_STRICT} in spec.tls.frontend of the Gateway",
        )
    ours = _ours(client, spec.namespace, auth)
    theirs: FrozenSet[str] = frozenset()
    names = []
    for ref in found.get("caCertificateRefs") or ():
        kind, name = str(ref.get("kind")), str(ref.get("name"))
        where = str(ref.get("namespace") or gateway["metadata"]["namespace"])
        if ref.get("group") or kind not in ("ConfigMap", "Secret"):
            raise _refused(
                f"its CA is in {kind} {name}, which cannot be compared",
                subject,
                "Have it put into a ConfigMap, or leave client_auth out",
            )
        theirs |= _certificates(client, kind, where, name)
        names.append(f"{kind} {where}/{name}")
    told = ", ".join(names)
    if theirs - ours:
        raise _refused(
            f"it admits clients of other CAs as well, which are in {told}", subject, _SAME
        )
    if ours - theirs:
        raise _refused(
            f"it refuses clients of a CA that is asked for: not all of them are in {told}",
            subject,
            _SAME,
        )


def _refused(message: str, subject: str, hint: str) -> InputError:
    return InputError(message, option=OPTION, subject=subject, hint=hint)


def _ours(client: KubeClient, namespace: str, auth: ClientAuth) -> FrozenSet[str]:
    if auth.secret_name:
        return _certificates(client, "Secret", namespace, auth.secret_name)
    return _split(auth.ca)


def _split(text: str) -> FrozenSet[str]:
    """Return the certificates of a text, each without line breaks."""
    return frozenset("".join(item.split()) for item in split(text))


def _certificates(client: KubeClient, kind: str, namespace: str, name: str) -> FrozenSet[str]:
    subject = f"{kind} {namespace}/{name}"
    try:
        item = client.get("v1", kind, name, namespace)
    except ForbiddenError as error:
        grant = error.hint or "Grant it"
        error.option = OPTION
        error.hint = (
            f"{grant}, so that its CA can be compared, or leave client_auth out: whom the Gateway"
            " asks for a certificate is told in any case"
        )
        raise
    text = str(((item or {}).get("data") or {}).get(CA_KEY) or "")
    if kind == "Secret":
        try:
            text = base64.b64decode(text, validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            text = ""
    found = _split(text)
    if not found:
        what = "it does not exist" if item is None else f"its key {CA_KEY} has no certificate"
        raise _refused(what, subject, f"Put the CA's certificate into its key {CA_KEY}")
    return found


def check_class(gateway: Object, served: GatewayClass, warn: Warn) -> None:
    """Refuse a controller that does not read what its Gateway says about client certificates.

    Such a Gateway asks nobody, and looks as if it did.

    Args:
        gateway: the object.
        served: its class.
        warn: is told where nothing says what the controller does.

    Raises:
        InputError: the controller does not have the feature.
    """
    reads = reads_frontend(gateway, served)
    if reads:
        return
    if reads is None:
        silent, hidden = f"{served.subject} lists no features", "the account may not get "
        warn(f"{OPTION}: {silent if served.readable else hidden + served.subject}{_UNKNOWN}")
        return
    raise _refused(
        f"{served.controller} checks no client certificates on a Gateway, so everybody would be let"
        f" in (status.supportedFeatures has no {CLIENT_CERTIFICATES})",
        served.subject,
        "Use a Gateway of another class, or a newer release of its controller, or set"
        " expose.controller: contour",
    )


_UNKNOWN = (
    ", so it was not checked that its controller reads spec.tls.frontend of the Gateway. One that"
    " does not asks no client for a certificate: try it without one."
)


def check_policies(client: KubeClient, gateway: Object, served: GatewayClass, warn: Warn) -> None:
    """Refuse a Gateway for which a policy of Envoy Gateway's own says whom to ask.

    CA and mode of a ClientTrafficPolicy take the place of those of the Gateway, and they may let
    everybody in. Costs a request, with Envoy Gateway alone.

    Args:
        client: of the cluster.
        gateway: the object.
        served: its class.
        warn: is told where the account may not see policies.

    Raises:
        InputError: names the policy.
    """
    if served.controller != ENVOY_GATEWAY:
        return
    namespace = str(gateway["metadata"]["namespace"])
    try:
        policies = client.list(*_POLICY, namespace)[0]
    except ForbiddenError:
        warn(
            f"{OPTION}: the account may not list clienttrafficpolicies.gateway.envoyproxy.io in"
            f" namespace {namespace}, so it was not checked that none lets clients in without a"
            " certificate: try it without one."
        )
        return
    except ApiError as error:
        live.refuse_unserved(error, _POLICY[1], needed=False)
        return
    for policy in policies:
        spec = policy.get("spec") or {}
        if (spec.get("tls") or {}).get("clientValidation") and _is_for(spec, gateway):
            raise _refused(
                "its CA and its mode take the place of those of the Gateway, and are not compared",
                f"{_POLICY[1]} {namespace}/{policy['metadata']['name']}",
                "Have its tls.clientValidation taken out, or leave client_auth out",
            )


def _is_for(spec: Object, gateway: Object) -> bool:
    """Tell whether a policy is about a Gateway of its namespace, or about a listener of that."""
    metadata = gateway["metadata"]
    named = [*(spec.get("targetRefs") or ()), spec.get("targetRef") or {}]
    if any((item.get("kind"), item.get("name")) == ("Gateway", metadata["name"]) for item in named):
        return True
    return any(
        item.get("kind") == "Gateway" and selects(item, metadata.get("labels") or {})
        for item in spec.get("targetSelectors") or ()
    )
