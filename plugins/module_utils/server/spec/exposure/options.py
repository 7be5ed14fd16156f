# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option C(expose): how clients outside of the cluster reach a server by a host name. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ....errors import InputError
from ... import values
from .choice import AUTO, Choice
from .client_auth import (
    CLIENT_AUTH_ARGUMENT_SPEC,
    ClientAuth,
    client_auth_from_params,
)
from .client_auth import OPTION as CLIENT_AUTH
from .gateway import (
    GATEWAY,
    GATEWAY_ARGUMENT_SPEC,
    GatewaySpec,
    gateway_from_params,
)
from .gateway import OPTION as GATEWAY_OPTION
from .hosts import REST_PATHS, host_name, rest_paths

CONTOUR, HAPROXY, NGINX, OPENSHIFT, TRAEFIK, OTHER = (
    "contour",
    "haproxy",
    "nginx",
    "openshift",
    "traefik",
    "other",
)
CONTROLLERS = (AUTO, CONTOUR, GATEWAY, HAPROXY, NGINX, OPENSHIFT, OTHER, TRAEFIK)
# The second Service's name is this much longer, and it is a DNS label.
_LONGEST_NAME = 63 - len("-grpc")
# Controllers that accept HTTP/2 from clients over TLS only: ingress-nginx docs/examples/grpc;
# OpenShift's router needs ALPN and a certificate of the route's own.
_TLS_FOR_GRPC = {
    NGINX: "nginx speaks HTTP/2, which gRPC needs, with clients only over TLS",
    OPENSHIFT: "the router speaks HTTP/2, which gRPC needs, with clients only over TLS",
}
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.S)
_AUTH_TLS = "nginx.ingress.kubernetes.io/auth-tls-"
# Annotations of an Ingress that an HTTPProxy has a field for, with the field.
PROXY_FIELDS = {
    "projectcontour.io/response-timeout": ("timeoutPolicy", "response"),
    "projectcontour.io/tls-minimum-protocol-version": ("tls", "minimumProtocolVersion"),
    "projectcontour.io/tls-maximum-protocol-version": ("tls", "maximumProtocolVersion"),
}
_TLS_SOURCES = ("secret_name", "certificate", "issuer", "cluster_issuer", "default_certificate")
_OWN_SOURCES = _TLS_SOURCES[:2]
_OWN = "expose.grpc.tls"

EXPOSE_ARGUMENT_SPEC: Dict[str, Any] = {
    "expose": {
        "type": "dict",
        "required_one_of": [("rest", "grpc")],
        "options": {
            "controller": {"type": "str", "choices": list(CONTROLLERS), "default": OTHER},
            "class_name": {"type": "str"},
            "annotations": {"type": "dict", "default": {}},
            "client_auth": CLIENT_AUTH_ARGUMENT_SPEC,
            "gateway": GATEWAY_ARGUMENT_SPEC,
            "rest": {
                "type": "dict",
                "options": {
                    "host": {"type": "str", "required": True},
                    "listener": {"type": "str"},
                    "paths": {"type": "list", "elements": "str", "default": list(REST_PATHS)},
                    "annotations": {"type": "dict", "default": {}},
                },
            },
            "grpc": {
                "type": "dict",
                "options": {
                    "host": {"type": "str", "required": True},
                    "listener": {"type": "str"},
                    "annotations": {"type": "dict", "default": {}},
                    "service_annotations": {"type": "dict", "default": {}},
                    "tls": {
                        "type": "dict",
                        "mutually_exclusive": [_OWN_SOURCES],
                        "required_one_of": [_OWN_SOURCES],
                        "required_together": [("certificate", "key")],
                        "options": {
                            "secret_name": {"type": "str", "no_log": False},
                            "certificate": {"type": "str"},
                            "key": {"type": "str", "no_log": True},
                        },
                    },
                },
            },
            "tls": {
                "type": "dict",
                "mutually_exclusive": [_TLS_SOURCES],
                "required_one_of": [_TLS_SOURCES],
                "required_together": [("certificate", "key")],
                "options": {
                    "secret_name": {"type": "str", "no_log": False},
                    "certificate": {"type": "str"},
                    "key": {"type": "str", "no_log": True},
                    "issuer": {"type": "str"},
                    "cluster_issuer": {"type": "str"},
                    "default_certificate": {"type": "bool"},
                },
            },
        },
    },
}


@dataclass(frozen=True)
class TlsSpec:
    """The source of the certificate; without any, the controller's default certificate is used.

    Attributes:
        secret_name: existing Secret.
        certificate: given chain in PEM form, the server's own first.
        key: its private key.
        issuer: annotation and name of the issuer that cert-manager asks.
    """

    secret_name: str = ""
    certificate: str = ""
    key: str = field(default="", repr=False)
    issuer: Optional[Tuple[str, str]] = None


@dataclass(frozen=True)
class Side:
    """One interface: host, paths, annotations of its Ingress or Route and of its Service.

    Attributes:
        tls: a certificate of its own, in the place of that of both.
        listener: of the Gateway; once the cluster was asked, the one that lets clients in.
        port: of that listener; 0 where it is the usual one, or not known.
        asks: that listener asks every client for a certificate.
        unlimited: its controller lifts its limit of time for answers where a route asks for that.
    """

    host: str
    paths: Tuple[str, ...] = ()
    annotations: Tuple[Tuple[str, str], ...] = ()
    service_annotations: Tuple[Tuple[str, str], ...] = ()
    tls: Optional[TlsSpec] = None
    listener: str = ""
    port: int = 0
    asks: bool = False
    unlimited: bool = False


@dataclass(frozen=True)
class ExposeSpec:
    """The exposed interfaces and the kind of controller; without C(tls), in plain text.

    Attributes:
        client_auth: which clients may call; None: everybody who reaches the controller.
        gateway: whose listeners let clients in; None for controllers of Ingresses and Routes.
        given: the option itself where the controller is left to the cluster.
        chosen: what the cluster was found to offer; None where the option names the controller.
    """

    controller: str = OTHER
    class_name: str = ""
    rest: Optional[Side] = None
    grpc: Optional[Side] = None
    tls: Optional[TlsSpec] = None
    client_auth: Optional[ClientAuth] = None
    gateway: Optional[GatewaySpec] = None
    given: Mapping[str, Any] = field(default_factory=dict, repr=False)
    chosen: Optional[Choice] = None

    @property
    def proxied(self) -> bool:
        """Tell whether HTTPProxies take the place of the Ingresses: only they ask clients."""
        return self.controller == CONTOUR and self.client_auth is not None

    @property
    def listeners_named(self) -> bool:
        """Tell whether the options say which listener of the Gateway each interface has."""
        common = self.gateway.listener if self.gateway is not None else ""
        return all(side.listener or common for side in self.sides.values())

    @property
    def needs_gateway(self) -> bool:
        """Tell whether the Gateway has to be read: it tells listeners, and what clients show."""
        return self.client_auth is not None or not self.listeners_named

    @property
    def sides(self) -> Dict[str, Side]:
        """Return the exposed interfaces by name."""
        both = {"rest": self.rest, "grpc": self.grpc}
        return {name: side for name, side in both.items() if side is not None}

    @property
    def asked(self) -> Tuple[str, ...]:
        """Return the interfaces whose clients have to show a certificate."""
        everybody = self.client_auth is not None
        return tuple(name for name, side in self.sides.items() if everybody or side.asks)

    def tls_of(self, name: str) -> Optional[TlsSpec]:
        """Return where the certificate of one interface comes from."""
        return self.sides[name].tls or self.tls

    @property
    def certificates(self) -> Dict[str, Tuple[TlsSpec, Dict[str, str]]]:
        """Return each source by its option, with the hosts it is for by the options of those."""
        found: Dict[str, Tuple[TlsSpec, Dict[str, str]]] = {}
        for name, side in self.sides.items():
            tls = self.tls_of(name)
            if tls is not None:
                option = "expose.tls" if side.tls is None else f"expose.{name}.tls"
                found.setdefault(option, (tls, {}))[1][f"expose.{name}.host"] = side.host
        return found

    def addresses(self) -> Dict[str, str]:
        """Return the addresses for clients: a URL for REST, C(HOST:PORT) for gRPC."""
        found: Dict[str, str] = {}
        for name, side in self.sides.items():
            scheme, usual = ("https", 443) if self.tls_of(name) else ("http", 80)
            port = side.port or usual
            if name == "grpc":
                found[name] = f"{side.host}:{port}"
            else:
                found[name] = f"{scheme}://{side.host}" + (f":{port}" if port != usual else "")
        return found


def expose_from_params(params: Mapping[str, Any]) -> Optional[ExposeSpec]:
    """Return the checked option, None when nothing is exposed.

    Raises:
        InputError: the first invalid suboption, with a hint.
    """
    given = params.get("expose")
    if not given:
        return None
    common = values.annotation_texts(given["annotations"], "expose.annotations")
    class_name = str(given.get("class_name") or "")
    if class_name:
        values.subdomain(class_name, "expose.class_name")
    spec = ExposeSpec(
        controller=given["controller"],
        class_name=class_name,
        rest=_side(given.get("rest"), "rest", common),
        grpc=_side(given.get("grpc"), "grpc", common),
        tls=_tls(given.get("tls"), "expose.tls"),
        client_auth=client_auth_from_params(given.get("client_auth"), given["controller"]),
        gateway=gateway_from_params(given.get("gateway"), given["controller"], params["namespace"]),
        given=given if given["controller"] == AUTO else {},
    )
    if spec.grpc is not None:
        if len(params["name"]) > _LONGEST_NAME:
            message = f"with expose.grpc it can have {_LONGEST_NAME} characters"
            raise InputError(message, option="name")
        _check_grpc(spec)
    if spec.controller == OPENSHIFT:
        _check_openshift(spec)
    if spec.controller != AUTO:
        _check_gateway(spec)
    if spec.client_auth is not None:
        _check_asked(spec)
    return spec


def decided(spec: ExposeSpec, choice: Choice, name: str, namespace: str) -> ExposeSpec:
    """Return the option with what a cluster offers in the place of C(auto).

    Args:
        spec: with C(given).
        choice: what the cluster offers.
        name: of the server.
        namespace: of the server.

    Raises:
        InputError: the controller cannot do what the other suboptions ask for.
    """
    params = {"expose": choice.asked(spec.given), "name": name, "namespace": namespace}
    found = expose_from_params(params)
    return replace(found or spec, chosen=choice)


def _check_asked(spec: ExposeSpec) -> None:
    """Refuse what would leave a way in that asks nobody, or that the controller would not read."""
    for name, side in spec.sides.items():
        if spec.tls_of(name) is None:
            raise InputError(
                f"{name} has no TLS, and clients show certificates only there",
                option=CLIENT_AUTH,
                hint="Set expose.tls",
            )
        for key in dict(side.annotations):
            _check_annotation(spec, name, key)
    if spec.proxied:
        _check_proxied(spec)


def _check_annotation(spec: ExposeSpec, name: str, key: str) -> None:
    option = f"expose.{name}.annotations"
    if key.startswith(_AUTH_TLS):
        raise InputError(
            f"{key} is set by {CLIENT_AUTH}", option=option, hint=f"Leave it out, or {CLIENT_AUTH}"
        )
    ours = key.startswith(("projectcontour.io/", "ingress.kubernetes.io/"))
    if spec.proxied and ours and key not in (*PROXY_FIELDS, "projectcontour.io/ingress.class"):
        raise InputError(
            f"an HTTPProxy, which checks client certificates, has no {key}",
            option=option,
            hint=f"Use {', '.join(PROXY_FIELDS)}, or leave it out",
        )


def _check_proxied(spec: ExposeSpec) -> None:
    """Refuse what an HTTPProxy cannot do and an Ingress can."""
    for option, (tls, _hosts) in spec.certificates.items():
        if tls.issuer is not None:
            raise InputError(
                "cert-manager itself makes no certificate for an HTTPProxy, which checks client"
                " certificates",
                option=f"{option}.{tls.issuer[0]}",
                hint="Have it write a Secret (a Certificate object), and name that as secret_name",
            )
        if not (tls.secret_name or tls.certificate):
            raise InputError(
                "an HTTPProxy, which checks client certificates, needs a certificate of its own",
                option=f"{option}.default_certificate",
                hint="Set secret_name, or certificate and key",
            )
    if spec.rest is not None and spec.grpc is not None and spec.rest.host == spec.grpc.host:
        raise InputError(
            "an HTTPProxy, which checks client certificates, has a host for itself",
            option="expose.grpc.host",
            hint="Give gRPC a host of its own",
        )


def _side(
    given: Optional[Mapping[str, Any]], name: str, common: Mapping[str, str]
) -> Optional[Side]:
    if given is None:
        return None
    option = f"expose.{name}"
    own = values.annotation_texts(given["annotations"], f"{option}.annotations")
    service = values.annotation_texts(
        given.get("service_annotations") or {}, f"{option}.service_annotations"
    )
    listener = str(given.get("listener") or "")
    return Side(
        host=host_name(given["host"], f"{option}.host"),
        paths=rest_paths(given["paths"]) if name == "rest" else (),
        annotations=tuple(sorted({**common, **own}.items())),
        service_annotations=tuple(sorted(service.items())),
        tls=_tls(given.get("tls"), f"{option}.tls"),
        listener=values.subdomain(listener, f"{option}.listener") if listener else "",
    )


def _check_gateway(spec: ExposeSpec) -> None:
    """Refuse what is the Gateway's, and listeners where there is none."""
    if spec.gateway is None:
        for name, side in spec.sides.items():
            if side.listener:
                raise InputError(
                    f"{spec.controller} has no listeners",
                    option=f"expose.{name}.listener",
                    hint="Set expose.controller to gateway, or leave it out",
                )
        return
    if spec.class_name:
        raise InputError(
            "a Gateway has its class itself",
            option="expose.class_name",
            hint=f"Leave it out; {GATEWAY_OPTION} says which Gateway",
        )
    for option, (tls, _hosts) in spec.certificates.items():
        if tls != TlsSpec():
            raise InputError(
                "the certificate is that of the Gateway's listener, and a route has none",
                option=option,
                hint="Let spec.listeners[].tls.certificateRefs of the Gateway name it, and set"
                " expose.tls.default_certificate: true here",
            )
    if spec.rest is None or spec.grpc is None or spec.rest.host != spec.grpc.host:
        return
    named = {side.listener or spec.gateway.listener for side in (spec.rest, spec.grpc)}
    if len(named) == 1 or "" in named:
        raise InputError(
            "a listener gives a host either to HTTPRoutes, as REST has, or to GRPCRoutes",
            option="expose.grpc.host",
            hint="Give gRPC a host of its own, or name a listener for each of the two",
        )


def _tls(given: Optional[Mapping[str, Any]], option: str) -> Optional[TlsSpec]:
    if given is None:
        return None
    names = {key: str(given.get(key) or "") for key in ("secret_name", "issuer", "cluster_issuer")}
    for key, name in names.items():
        if name:
            values.subdomain(name, f"{option}.{key}")
    issuer = next(((key, names[key]) for key in ("issuer", "cluster_issuer") if names[key]), None)
    certificate = str(given.get("certificate") or "")
    if not (names["secret_name"] or certificate or issuer or given.get("default_certificate")):
        raise InputError(
            "it names no certificate",
            option=option,
            hint=f"Set one of {', '.join(_TLS_SOURCES)}, or leave tls out",
        )
    return TlsSpec(names["secret_name"], certificate, str(given.get("key") or ""), issuer)


def _check_grpc(spec: ExposeSpec) -> None:
    why = _TLS_FOR_GRPC.get(spec.controller)
    if why is not None and spec.tls_of("grpc") is None:
        raise InputError(why, option="expose.grpc", hint="Set expose.tls")


def _check_openshift(spec: ExposeSpec) -> None:
    if spec.class_name:
        raise InputError(
            "a Route has no class",
            option="expose.class_name",
            hint="Leave it out; routers choose Routes by their labels",
        )
    if spec.tls is not None and spec.tls.issuer is not None:
        raise InputError(
            "cert-manager itself makes no certificate for a Route",
            option=f"expose.tls.{spec.tls.issuer[0]}",
            hint="Have it write a Secret (a Certificate object), and name that as secret_name",
        )
    if spec.grpc is not None:
        _check_alpn(spec, spec.grpc)


def _check_alpn(spec: ExposeSpec, grpc: Side) -> None:
    """Refuse a Route for gRPC to which OpenShift's router would not offer HTTP/2.

    It does so by the certificate: only for one that no other Route uses (openshift/router,
    pkg/router/template/template_helper.go, generateHAProxyCertConfigMap).
    """
    tls = spec.tls_of("grpc")
    if tls is not None and not (tls.secret_name or tls.certificate):
        raise InputError(
            "the router speaks HTTP/2, which gRPC needs, only where the Route has a certificate of "
            "its own",
            option="expose.tls.default_certificate",
            hint=f"Set secret_name, or certificate and key; {_OWN} has it for gRPC alone",
        )
    if spec.rest is None:
        return
    if spec.rest.host == grpc.host:
        raise InputError(
            "the router chooses the certificate by the host, and with it HTTP/2, which gRPC needs",
            option="expose.grpc.host",
            hint="Give gRPC a host of its own",
        )
    shared = grpc.tls is None or (spec.tls is not None and same_source(grpc.tls, spec.tls))
    if shared and spec.tls is not None:
        raise InputError(
            "the router offers HTTP/2, which gRPC needs, only for a certificate that no other Route"
            " uses, and those of REST use this one",
            option=_OWN,
            hint="Give gRPC a certificate of its own there; for the same names it has to be issued"
            " once more",
        )


def same_source(one: TlsSpec, other: TlsSpec) -> bool:
    """Tell whether two options name the same Secret or hold the same certificate."""
    if one.secret_name or other.secret_name:
        return one.secret_name == other.secret_name
    return bool(one.certificate) and leaf_of(one.certificate) == leaf_of(other.certificate)


def split(chain: str) -> List[str]:
    """Return the certificates of a chain in PEM form."""
    return [f"{text}\n" for text in _PEM.findall(chain)]


def leaf_of(chain: str) -> str:
    """Return the first certificate of a chain, the server's own, without line breaks."""
    return "".join((split(chain) or [chain])[0].split())
