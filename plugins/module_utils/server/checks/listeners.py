# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges which listener of a Gateway lets the clients of one interface in. Pure.

Sources: sigs.k8s.io/gateway-api 1.6, apis/v1/gateway_types.go (Listener, AllowedRoutes) and
httproute_types.go (hostnames).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, NamedTuple, Optional, Sequence, Tuple

from ...errors import InputError
from ..render.kinds import GATEWAY_API

GROUP = GATEWAY_API.split("/", maxsplit=1)[0]
HTTP, HTTPS = "HTTP", "HTTPS"
# Conditions that a listener has to have, and one that it must not have, for any of its routes.
_WANTED = {"Accepted": "True", "ResolvedRefs": "True", "Conflicted": "False"}
_WAYS_OUT = {
    "RefNotPermitted": "Let a ReferenceGrant in the namespace of the certificate's Secret (or of"
    " the CA in spec.tls.frontend) admit Gateways of the Gateway's namespace",
    "InvalidCertificateRef": "Correct the Secret that spec.listeners[].tls.certificateRefs of the"
    " Gateway names",
    **dict.fromkeys(
        ("InvalidCACertificateRef", "InvalidCACertificateKind", "NoValidCACertificate"),
        "Correct the ConfigMap that spec.tls.frontend of the Gateway names, with the CA in its key"
        " ca.crt",
    ),
}
_WAY_OUT = "Have it corrected in the Gateway, or name another listener"


@dataclass(frozen=True)
class Asked:
    """What one interface needs of a listener.

    Attributes:
        side: C(rest) or C(grpc).
        kind: of its route.
        host: that clients use.
        secured: clients come over TLS.
        namespace: of the route.
        labels: of that namespace; None where they may not be read.
        listener: the only one that may be used; empty for any.
        option: that names the listener, or else the Gateway.
    """

    side: str
    kind: str
    host: str
    secured: bool
    namespace: str
    labels: Optional[Mapping[str, str]]
    listener: str
    option: str


class Reason(NamedTuple):
    """Why a listener does not let clients in, and the way out.

    Attributes:
        passed: how many questions it has passed before this one.
    """

    message: str
    hint: str
    passed: int = 0


def choose(gateway: Mapping[str, Any], asked: Asked, subject: str) -> Mapping[str, Any]:
    """Return the listener that clients of one interface come in by.

    Of several that fit it is the one with the most exact hostname, since a Gateway gives it the
    requests; and the first one of these.

    Args:
        gateway: the object.
        asked: what the interface needs.
        subject: kind, namespace and name of the Gateway.

    Raises:
        InputError: there is none, with the reason why each does not fit.
    """
    listeners = {str(item["name"]): item for item in _listeners(gateway)}
    if asked.listener and asked.listener not in listeners:
        raise InputError(
            f"it has no listener {asked.listener}",
            option=asked.option,
            subject=subject,
            hint=f"It has {', '.join(listeners) or 'none'}",
        )
    names = [asked.listener] if asked.listener else list(listeners)
    reasons = {name: why_not(gateway, listeners[name], asked) for name in names}
    fitting = [listeners[name] for name, reason in reasons.items() if reason is None]
    if fitting:
        return max(fitting, key=lambda item: _exactness(str(item.get("hostname") or "")))
    told = [f"{name}: {reason.message}" for name, reason in reasons.items() if reason is not None]
    # The listener that is nearest to what is asked for is most likely the one that is meant.
    nearest = max(filter(None, reasons.values()), key=lambda reason: reason.passed, default=None)
    raise InputError(
        f"no listener lets clients of {asked.host} in: {'; '.join(told) or 'it has none'}",
        option=asked.option,
        subject=subject,
        hint=nearest.hint if nearest else "Have one added to the Gateway",
    )


def _listeners(gateway: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = (gateway.get("spec") or {}).get("listeners") or ()
    return found


def why_not(
    gateway: Mapping[str, Any], listener: Mapping[str, Any], asked: Asked
) -> Optional[Reason]:
    """Return why a listener does not let the clients in, None if it does."""
    answers = (
        _other_protocol(listener, asked),
        _other_host(listener, asked),
        _other_namespace(gateway, listener, asked),
        _other_kind(gateway, listener, asked),
        _held_back(gateway, listener),
    )
    for passed, reason in enumerate(answers):
        if reason is not None:
            return reason._replace(passed=passed)
    return None


def _other_protocol(listener: Mapping[str, Any], asked: Asked) -> Optional[Reason]:
    protocol, wanted = str(listener.get("protocol")), HTTPS if asked.secured else HTTP
    if protocol == HTTPS and (listener.get("tls") or {}).get("mode") == "Passthrough":
        return Reason("it passes TLS through, and the server speaks none", _WAY_OUT)
    if protocol == wanted:
        return None
    if protocol == HTTPS:
        return Reason(
            "it speaks HTTPS, and without expose.tls clients come in plain text",
            "Set expose.tls.default_certificate: true; the certificate is the listener's",
        )
    return Reason(
        f"it speaks {protocol}, and {'with' if asked.secured else 'without'} expose.tls clients"
        f" speak {wanted}",
        f"Name a listener whose protocol is {wanted}"
        + (", or leave expose.tls out for plain text" if protocol == HTTP else ""),
    )


def _other_host(listener: Mapping[str, Any], asked: Asked) -> Optional[Reason]:
    hostname = str(listener.get("hostname") or "")
    if covers(hostname, asked.host):
        return None
    return Reason(
        f"its hostname {hostname} does not cover {asked.host} of expose.{asked.side}.host",
        "Choose a host that it covers, or name another listener",
    )


def covers(hostname: str, host: str) -> bool:
    """Tell whether a hostname of the Gateway API covers a host; C(*) is one or more labels."""
    hostname, host = hostname.lower(), host.lower()
    if hostname.startswith("*."):
        return len(host) >= len(hostname) and host.endswith(hostname[1:])
    return hostname in ("", host)


def _exactness(hostname: str) -> Tuple[bool, int]:
    return bool(hostname) and not hostname.startswith("*."), len(hostname)


def _other_namespace(
    gateway: Mapping[str, Any], listener: Mapping[str, Any], asked: Asked
) -> Optional[Reason]:
    allowed = (listener.get("allowedRoutes") or {}).get("namespaces") or {}
    place, admits = str(allowed.get("from") or "Same"), False
    if place == "All":
        admits = True
    elif place == "Same":
        admits = gateway["metadata"]["namespace"] == asked.namespace
    elif place == "Selector":
        admits = asked.labels is None or selects(allowed.get("selector") or {}, asked.labels)
    if admits:
        return None
    return Reason(
        f"it admits no routes of namespace {asked.namespace} (allowedRoutes.namespaces.from:"
        f" {place})",
        "Have the Gateway admit the namespace (from: All, or a Selector that it has the labels of;"
        " a ReferenceGrant does not do that), or name another listener",
    )


def needs_labels(gateway: Mapping[str, Any]) -> bool:
    """Tell whether a listener admits namespaces by their labels."""
    return any(
        ((item.get("allowedRoutes") or {}).get("namespaces") or {}).get("from") == "Selector"
        for item in _listeners(gateway)
    )


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Tell whether a label selector fits (Kubernetes: LabelSelector); an unknown operator never."""
    if any(labels.get(key) != text for key, text in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_meets(item, labels) for item in selector.get("matchExpressions") or ())


def _meets(item: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    have, listed = labels.get(str(item.get("key"))), list(item.get("values") or ())
    verdicts = {
        "In": have in listed,
        "NotIn": have not in listed,
        "Exists": have is not None,
        "DoesNotExist": have is None,
    }
    return verdicts.get(str(item.get("operator")), False)


def _other_kind(
    gateway: Mapping[str, Any], listener: Mapping[str, Any], asked: Asked
) -> Optional[Reason]:
    """Look at the kinds that the listener admits, and at those that its controller serves there."""
    allowed = (listener.get("allowedRoutes") or {}).get("kinds") or ()
    served = status_of(gateway, listener).get("supportedKinds") or ()
    for kinds, what in ((allowed, "allowedRoutes.kinds"), (served, "its status: supportedKinds")):
        names = [str(item.get("kind")) for item in kinds if item.get("group", GROUP) == GROUP]
        if kinds and asked.kind not in names:
            has = ", ".join(names) or "none of the Gateway API"
            return Reason(f"it admits no {asked.kind} ({what}: {has})", _WAY_OUT)
    return None


def status_of(gateway: Mapping[str, Any], listener: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the status of a listener, empty as long as no controller has written one."""
    for item in (gateway.get("status") or {}).get("listeners") or ():
        if item.get("name") == listener.get("name"):
            found: Mapping[str, Any] = item
            return found
    return {}


def _held_back(gateway: Mapping[str, Any], listener: Mapping[str, Any]) -> Optional[Reason]:
    """Return what its controller has against the listener itself."""
    generation = int(gateway["metadata"].get("generation") or 0)
    for condition in status_of(gateway, listener).get("conditions") or ():
        kind, status = str(condition.get("type")), str(condition.get("status"))
        if int(condition.get("observedGeneration") or generation) < generation:
            continue
        if status == "Unknown" or _WANTED.get(kind, status) == status:
            continue
        reason = str(condition.get("reason") or "")
        message = str(condition.get("message") or "").strip().rstrip(".")
        text = ": ".join(filter(None, (f"{kind} is {status}", reason, message)))
        return Reason(f"its controller says that {text}", _WAYS_OUT.get(reason, _WAY_OUT))
    return None
