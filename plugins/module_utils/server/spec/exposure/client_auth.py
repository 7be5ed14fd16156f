# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option C(expose.client_auth): which clients may call, by their certificates. Pure.

What a controller can check differs. Whoever cannot check what is asked is refused with the way out,
so that an option never means less than it says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, Mapping, Optional, Pattern, Sequence, Tuple

from ....errors import InputError
from ... import values

OPTION = "expose.client_auth"
# Contour reads the option from an HTTPProxy, ingress-nginx from annotations of an Ingress; with a
# Gateway it is compared with what that asks for already.
CONTOUR, NGINX, GATEWAY = "contour", "nginx", "gateway"
# Why each of the others cannot, and what does instead. Sources: HAProxy kubernetes-ingress 3.2
# documentation/annotations.md (client-ca: ConfigMap only), OpenShift's IngressController
# (spec.clientTLS is the router's, a Route has no such field), Traefik TLSOption (two routers with
# one host and different options get the default ones, which ask for no certificate).
_CANNOT = {
    "haproxy": "it asks all its clients or none (client-ca in its ConfigMap), never those of one"
    " Ingress",
    "openshift": "a Route cannot ask its clients; only a whole IngressController can"
    " (spec.clientTLS)",
    "traefik": "it reads no revocation list and compares no subject, and goes back to no client"
    " certificates where another router has the host",
    "other": "what serves the Ingress is not known",
}
_WAY_OUT = (
    "Use contour, or nginx where a CA and a revocation list are enough, or a Gateway that asks for"
    " certificates of the CA"
)
# The kinds of names in a certificate, and what may stand in one. Semicolons, quotes and commas are
# left out: Envoy writes names one after the other, and these separate them.
_NAMES: Dict[str, Tuple[Pattern[str], str]] = {
    "common_names": (
        re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._@:/=-]*[A-Za-z0-9._@:/=-])?"),
        "letters, digits, spaces and . _ @ : / = -",
    ),
    "dns_names": (re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?"), "a DNS name"),
    "uris": (re.compile(r"[a-z][a-z0-9+.-]*:[A-Za-z0-9._~:/?@%&+-]+"), "a URI"),
}

CLIENT_AUTH_ARGUMENT_SPEC: Dict[str, Any] = {
    "type": "dict",
    "mutually_exclusive": [("ca", "secret_name"), ("crl", "crl_secret_name")],
    "options": {
        "ca": {"type": "str"},
        "secret_name": {"type": "str", "no_log": False},
        "crl": {"type": "str"},
        "crl_secret_name": {"type": "str", "no_log": False},
        "crl_leaf_only": {"type": "bool", "default": False},
        "subjects": {
            "type": "dict",
            "options": {name: {"type": "list", "elements": "str"} for name in _NAMES},
        },
        "verify_depth": {"type": "int"},
    },
}


@dataclass(frozen=True)
class Subjects:
    """The names of clients that may call; a client needs one kind, compared letter by letter."""

    common_names: Tuple[str, ...] = ()
    dns_names: Tuple[str, ...] = ()
    uris: Tuple[str, ...] = ()


@dataclass(frozen=True)
class ClientAuth:
    """Which client certificates are accepted.

    Attributes:
        ca: given CA certificates in PEM form.
        secret_name: existing Secret with C(ca.crt), in the place of C(ca).
        crl: given revocation lists in PEM form.
        crl_secret_name: existing Secret with the revocation lists.
        crl_leaf_only: only the client's own certificate is looked up in the lists.
        subjects: None admits every client of the CA.
        verify_depth: number of certificates between that of the client and the CA's.
    """

    ca: str = ""
    secret_name: str = ""
    crl: str = ""
    crl_secret_name: str = ""
    crl_leaf_only: bool = False
    subjects: Optional[Subjects] = None
    verify_depth: Optional[int] = None


def client_auth_from_params(
    given: Optional[Mapping[str, Any]], controller: str
) -> Optional[ClientAuth]:
    """Return the checked option, None when nobody is asked.

    Args:
        given: the suboptions.
        controller: the one that has to check certificates.

    Raises:
        InputError: the first invalid suboption, or one that the controller cannot check.
    """
    if given is None:
        return None
    if controller in _CANNOT:
        raise InputError(
            f"{controller} cannot check it: {_CANNOT[controller]}", option=OPTION, hint=_WAY_OUT
        )
    names = {key: str(given.get(key) or "") for key in ("secret_name", "crl_secret_name")}
    for key, name in names.items():
        if name:
            values.subdomain(name, f"{OPTION}.{key}")
    made = ClientAuth(
        ca=str(given.get("ca") or ""),
        secret_name=names["secret_name"],
        crl=_crl(given),
        crl_secret_name=names["crl_secret_name"],
        crl_leaf_only=bool(given.get("crl_leaf_only")),
        subjects=_subjects(given.get("subjects")),
        verify_depth=given.get("verify_depth"),
    )
    _check(made)
    if controller in _CHECKS:
        _CHECKS[controller](made)
    return made


def _crl(given: Mapping[str, Any]) -> str:
    """Return the given lists; an empty text is a mistake, and must not mean that none is wanted."""
    text = given.get("crl")
    if text is not None and not str(text).strip():
        raise InputError(
            "it is empty",
            option=f"{OPTION}.crl",
            hint="A list that revokes nothing is a signed list, too; leave the option out to look"
            " nothing up",
        )
    return str(text or "")


def _subjects(given: Optional[Mapping[str, Any]]) -> Optional[Subjects]:
    if given is None:
        return None
    found = {
        name: _named(given.get(name) or (), f"{OPTION}.subjects.{name}", *rule)
        for name, rule in _NAMES.items()
    }
    if not any(found.values()):
        raise InputError(
            "it names nobody",
            option=f"{OPTION}.subjects",
            hint="Name at least one client, or leave it out to admit every client of the CA",
        )
    return Subjects(**found)


def _named(
    given: Sequence[str], option: str, pattern: Pattern[str], allowed: str
) -> Tuple[str, ...]:
    for index, name in enumerate(given):
        if not pattern.fullmatch(name):
            raise InputError(
                f"'{name}' cannot be compared; it may have {allowed}",
                option=f"{option}[{index}]",
                hint="Names are compared letter by letter, there are no patterns",
            )
    return tuple(dict.fromkeys(given))


def _check(auth: ClientAuth) -> None:
    if not (auth.ca or auth.secret_name):
        what = "subjects are compared" if auth.subjects is not None else "certificates are checked"
        raise InputError(
            f"{what} only where a CA says who signs them",
            option=OPTION,
            hint="Set ca, or secret_name of a Secret with ca.crt",
        )
    if auth.crl_leaf_only and not (auth.crl or auth.crl_secret_name):
        raise InputError(
            "there is no revocation list", option=f"{OPTION}.crl_leaf_only", hint="Set crl as well"
        )
    if auth.verify_depth is not None and auth.verify_depth < 1:
        raise InputError(
            f"{auth.verify_depth} is less than 1",
            option=f"{OPTION}.verify_depth",
            hint="1 admits clients of the CA itself",
        )


def _check_nginx(auth: ClientAuth) -> None:
    """Refuse what ingress-nginx cannot check.

    Sources: ingress-nginx docs/user-guide/nginx-configuration/annotations.md and
    internal/ingress/annotations/authtls. C(auth-tls-match-cn) has to begin with C(CN=) and is
    searched for anywhere in the distinguished name, so it also admits C(reader) inside of
    C(reader2), or in another attribute. Lists are C(ca.crl) in the Secret of the CA.
    """
    if auth.subjects is not None:
        raise InputError(
            "nginx looks for a subject anywhere in the distinguished name"
            " (auth-tls-match-cn), so other clients would match, too",
            option=f"{OPTION}.subjects",
            hint="Use contour, or give these clients a CA of their own and leave subjects out",
        )
    if auth.crl_leaf_only:
        raise InputError(
            "nginx looks up every certificate of a chain",
            option=f"{OPTION}.crl_leaf_only",
            hint="Leave it out, and give a list of each CA",
        )
    kept = auth.secret_name if auth.secret_name else None
    if auth.crl_secret_name and auth.crl_secret_name != kept:
        raise InputError(
            "nginx reads revocation lists from the Secret of the CA only (key ca.crl)",
            option=f"{OPTION}.crl_secret_name",
            hint="Put both into one Secret and name that as secret_name, too",
        )
    if auth.crl and auth.secret_name:
        raise InputError(
            "nginx reads revocation lists from the Secret of the CA only (key ca.crl)",
            option=f"{OPTION}.crl",
            hint=f"Put the list into Secret {auth.secret_name} and set crl_secret_name, or give the"
            " CA as ca",
        )


def _check_contour(auth: ClientAuth) -> None:
    if auth.verify_depth is not None:
        raise InputError(
            "an HTTPProxy has no limit for it",
            option=f"{OPTION}.verify_depth",
            hint="Leave it out; a CA with a path length of 0 signs no further CAs",
        )


def _check_gateway(auth: ClientAuth) -> None:
    """Refuse what a Gateway cannot check.

    It has CA certificates and a mode, and nothing more (sigs.k8s.io/gateway-api 1.6,
    apis/v1/gateway_types.go, FrontendTLSValidation).
    """
    refused = {
        "crl": bool(auth.crl),
        "crl_secret_name": bool(auth.crl_secret_name),
        "subjects": auth.subjects is not None,
        "verify_depth": auth.verify_depth is not None,
    }
    what = {
        "subjects": "compares no names",
        "verify_depth": "has no limit for the length of chains",
    }
    for name, given in refused.items():
        if given:
            raise InputError(
                f"a Gateway {what.get(name, 'reads no revocation list')}: spec.tls.frontend has"
                " CA certificates only",
                option=f"{OPTION}.{name}",
                hint="Use contour, or leave it out and have a CA of its own sign just the clients"
                " that may call",
            )


_CHECKS: Dict[str, Callable[[ClientAuth], None]] = {
    NGINX: _check_nginx,
    CONTOUR: _check_contour,
    GATEWAY: _check_gateway,
}
