# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the HTTPProxy by which Contour checks client certificates. Pure.

Envoy verifies chain, times, usage and revocation in the handshake (C(clientValidation)). Contour
has no list of subjects. But Envoy writes the names of the verified certificate into the header
C(x-forwarded-client-cert), in the place of whatever a client sent there, before it chooses a route
(Contour sets C(SANITIZE_SET), internal/envoy/v3/listener.go). So a route with a condition on that
header is for the named clients, and a second one answers 403 to the rest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ...spec.exposure.client_auth import ClientAuth, Subjects
from ...spec.exposure.options import PROXY_FIELDS

HEADER = "x-forwarded-client-cert"
# How long an answer may take, as Contour writes that nothing cuts it off.
UNLIMITED = "infinity"
# Envoy prints the subject as RFC 2253 has it: special characters have a backslash before them, so a
# quote, a comma or a plus without one ends a value. RE2 has no lookahead, so "every attribute but
# CN" is spelled out.
_VALUE = r'(?:[^"\\,+]|\\.)*'
_NOT_CN = r'(?:[^C"\\,+=][^"\\,+=]*|C|C[^N"\\,+=][^"\\,+=]*|CN[^"\\,+=]+)'
_OTHER = f"{_NOT_CN}={_VALUE}"
_ANY_SUBJECT = r';Subject="(?:[^"\\]|\\.)*"'
# The server's own name may come first; the digest of the client's certificate always does then.
_HEAD = r'(?:By=[^;"]*;)*Hash=[0-9a-f]{64}'


@dataclass(frozen=True)
class Proxied:
    """What one HTTPProxy is made of.

    Attributes:
        paths: of the Service, each with all below it.
        port: of the Service, a number.
        grpc: the Service speaks HTTP/2 without TLS.
        certificate: Secret of the server's certificate.
        ca: Secret with the CA certificates of clients.
        crl: Secret with the revocation lists, empty without.
        annotations: that an HTTPProxy has a field for.
    """

    host: str
    paths: Sequence[str]
    service: str
    port: int
    grpc: bool
    class_name: str
    certificate: str
    ca: str
    crl: str
    annotations: Tuple[Tuple[str, str], ...] = ()


def spec_of(proxied: Proxied, auth: ClientAuth) -> Dict[str, Any]:
    """Return the C(spec) of an HTTPProxy."""
    fields: Dict[str, Dict[str, str]] = {"timeoutPolicy": {"response": UNLIMITED}, "tls": {}}
    for key, text in proxied.annotations:
        if key in PROXY_FIELDS:
            group, name = PROXY_FIELDS[key]
            fields[group][name] = text
    made: Dict[str, Any] = {
        "virtualhost": {
            "fqdn": proxied.host,
            "tls": {
                "secretName": proxied.certificate,
                "clientValidation": _validation(proxied, auth),
                **fields["tls"],
            },
        },
        "routes": _routes(proxied, auth.subjects, fields["timeoutPolicy"]),
    }
    if proxied.class_name:
        made["ingressClassName"] = proxied.class_name
    return made


def _validation(proxied: Proxied, auth: ClientAuth) -> Dict[str, Any]:
    found: Dict[str, Any] = {"caSecret": proxied.ca}
    if proxied.crl:
        found["crlSecret"] = proxied.crl
        found["crlOnlyVerifyLeafCert"] = auth.crl_leaf_only
    if auth.subjects is not None:
        found["forwardClientCertificate"] = {
            "subject": bool(auth.subjects.common_names),
            "uri": bool(auth.subjects.uris),
            "dns": bool(auth.subjects.dns_names),
        }
    return found


def _routes(
    proxied: Proxied, subjects: Optional[Subjects], timeouts: Dict[str, str]
) -> List[Dict[str, Any]]:
    service: Dict[str, Any] = {"name": proxied.service, "port": proxied.port}
    if proxied.grpc:
        service["protocol"] = "h2c"
    allowed: Dict[str, Any] = {"services": [service]}
    if timeouts:
        allowed["timeoutPolicy"] = timeouts
    found: List[Dict[str, Any]] = []
    for path in _conditions(proxied.paths):
        if subjects is None:
            found.append({"conditions": [path], **allowed})
            continue
        named = {"header": {"name": HEADER, "regex": pattern(subjects)}}
        refused = {"statusCode": 403, "body": "client certificate not allowed\n"}
        found.append({"conditions": [path, named], **allowed})
        found.append({"conditions": [path], "directResponsePolicy": refused})
    return found


def _conditions(paths: Sequence[str]) -> List[Dict[str, str]]:
    """Return what matches paths and all below: a prefix alone would match C(/v2x) for C(/v2)."""
    found: List[Dict[str, str]] = []
    for path in paths:
        if path != "/":
            found.append({"exact": path.rstrip("/")})
        found.append({"prefix": f"{path.rstrip('/')}/"})
    return found


def pattern(subjects: Subjects) -> str:
    """Return the regular expression that the whole header of an allowed client matches.

    A certificate passes with exactly one common name, which is listed; or if it has alternative
    names of the listed kinds, and all of them are listed. (Envoy writes alternative names one after
    the other without escaping, so an unlisted one beside a listed one could be a part of the same
    name.)
    """
    branches = []
    if subjects.common_names:
        names = _alternatives(subjects.common_names)
        subject = f';Subject="(?:{_OTHER}[,+])*CN={names}(?:[,+]{_OTHER})*"'
        branches.append(f"{subject}(?:;.*)?")
    named = _alternative_names(subjects)
    if named:
        before = f"(?:{_ANY_SUBJECT})?" if subjects.common_names else ""
        branches.append(f"{before}{named}")
    return f"{_HEAD}(?:{'|'.join(branches)})"


def _alternative_names(subjects: Subjects) -> str:
    uris = f"(?:;URI={_alternatives(subjects.uris)})" if subjects.uris else ""
    dns = f"(?:;DNS={_alternatives(subjects.dns_names)})" if subjects.dns_names else ""
    if uris and dns:  # Without a URI Envoy writes an empty one.
        return f"(?:{uris}+{dns}*|(?:;URI=)?{dns}+)"
    return f"{uris or dns}+" if uris or dns else ""


def _alternatives(names: Sequence[str]) -> str:
    return f"(?:{'|'.join(map(re.escape, names))})"
