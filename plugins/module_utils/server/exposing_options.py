# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option C(expose): how clients outside of the cluster reach a server by a host name. Pure."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.server import values

CONTOUR, HAPROXY, NGINX, OPENSHIFT, TRAEFIK, OTHER = (
    "contour",
    "haproxy",
    "nginx",
    "openshift",
    "traefik",
    "other",
)
CONTROLLERS = (CONTOUR, HAPROXY, NGINX, OPENSHIFT, OTHER, TRAEFIK)
# Where OVMS answers (openvinotoolkit/model_server, src/http_rest_api_handler.cpp); the metrics are
# for those inside.
REST_PATHS = ("/v1", "/v2", "/v3")
_SERVED = re.compile(r"/|/(v1|v2|v3|metrics)(/[A-Za-z0-9._~/-]*)?")
_HOST = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*")
# The second Service's name is this much longer, and it is a DNS label.
_LONGEST_NAME = 63 - len("-grpc")
# These speak HTTP/2 with clients only inside of TLS: ingress-nginx docs/examples/grpc; OpenShift's
# router needs ALPN and a certificate of the route's own.
_TLS_FOR_GRPC = {
    NGINX: "nginx speaks HTTP/2, which gRPC needs, with clients only over TLS",
    OPENSHIFT: "the router speaks HTTP/2, which gRPC needs, with clients only over TLS",
}
_TLS_SOURCES = ("secret_name", "certificate", "issuer", "cluster_issuer", "default_certificate")

EXPOSE_ARGUMENT_SPEC: Dict[str, Any] = {
    "expose": {
        "type": "dict",
        "required_one_of": [("rest", "grpc")],
        "options": {
            "controller": {"type": "str", "choices": list(CONTROLLERS), "default": OTHER},
            "class_name": {"type": "str"},
            "annotations": {"type": "dict", "default": {}},
            "rest": {
                "type": "dict",
                "options": {
                    "host": {"type": "str", "required": True},
                    "paths": {"type": "list", "elements": "str", "default": list(REST_PATHS)},
                    "annotations": {"type": "dict", "default": {}},
                },
            },
            "grpc": {
                "type": "dict",
                "options": {
                    "host": {"type": "str", "required": True},
                    "annotations": {"type": "dict", "default": {}},
                    "service_annotations": {"type": "dict", "default": {}},
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
    """Where the certificate comes from; with none of these it is the controller's own.

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
    """One interface: host, paths, annotations of its Ingress or Route and of its Service."""

    host: str
    paths: Tuple[str, ...] = ()
    annotations: Tuple[Tuple[str, str], ...] = ()
    service_annotations: Tuple[Tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ExposeSpec:
    """What is exposed, through what kind of controller; no C(tls): in plain text."""

    controller: str = OTHER
    class_name: str = ""
    rest: Optional[Side] = None
    grpc: Optional[Side] = None
    tls: Optional[TlsSpec] = None

    @property
    def hosts(self) -> Dict[str, str]:
        """Return each host by the option that names it."""
        sides = {"expose.rest.host": self.rest, "expose.grpc.host": self.grpc}
        return {option: side.host for option, side in sides.items() if side is not None}

    def addresses(self) -> Dict[str, str]:
        """Return what clients write: a URL for REST, C(HOST:PORT) for gRPC."""
        found: Dict[str, str] = {}
        if self.rest is not None:
            found["rest"] = f"{'https' if self.tls else 'http'}://{self.rest.host}"
        if self.grpc is not None:
            found["grpc"] = f"{self.grpc.host}:{443 if self.tls else 80}"
        return found


def expose_from_params(params: Mapping[str, Any]) -> Optional[ExposeSpec]:
    """Return the checked option, None when nothing is exposed.

    Raises:
        InputError: the first suboption that cannot be, with the way out.
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
        tls=_tls(given.get("tls")),
    )
    if spec.grpc is not None:
        if len(params["name"]) > _LONGEST_NAME:
            message = f"with expose.grpc it can have {_LONGEST_NAME} characters"
            raise InputError(message, option="name")
        _check_grpc(spec)
    if spec.controller == OPENSHIFT:
        _check_openshift(spec)
    return spec


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
    return Side(
        host=_host(given["host"], f"{option}.host"),
        paths=_paths(given["paths"]) if name == "rest" else (),
        annotations=tuple(sorted({**common, **own}.items())),
        service_annotations=tuple(sorted(service.items())),
    )


def _host(text: str, option: str) -> str:
    """Return a name that an Ingress takes: neither an address nor a pattern."""
    hint = "Write a name like ocr.example.org, and let DNS point it to the controller"
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        if len(text) <= 253 and _HOST.fullmatch(text):
            return text
        raise InputError(f"'{text}' is not a DNS name", option=option, hint=hint) from None
    raise InputError(f"'{text}' is an address, not a DNS name", option=option, hint=hint)


def _paths(given: Sequence[str]) -> Tuple[str, ...]:
    option = "expose.rest.paths"
    if not given:
        raise InputError("it is empty", option=option, hint="Leave it out for all of REST")
    for index, path in enumerate(given):
        if not _SERVED.fullmatch(path) or "//" in path or ".." in path:
            raise InputError(
                f"the server answers nothing at '{path}', and paths are not rewritten",
                option=f"{option}[{index}]",
                hint=f"Use {', '.join(REST_PATHS)}, /metrics, one below them, or / for all",
            )
    return tuple(dict.fromkeys(given))


def _tls(given: Optional[Mapping[str, Any]]) -> Optional[TlsSpec]:
    if given is None:
        return None
    names = {key: str(given.get(key) or "") for key in ("secret_name", "issuer", "cluster_issuer")}
    for key, name in names.items():
        if name:
            values.subdomain(name, f"expose.tls.{key}")
    issuer = next(((key, names[key]) for key in ("issuer", "cluster_issuer") if names[key]), None)
    certificate = str(given.get("certificate") or "")
    if not (names["secret_name"] or certificate or issuer or given.get("default_certificate")):
        raise InputError(
            "it names no certificate",
            option="expose.tls",
            hint=f"Set one of {', '.join(_TLS_SOURCES)}, or leave tls out",
        )
    return TlsSpec(names["secret_name"], certificate, str(given.get("key") or ""), issuer)


def _check_grpc(spec: ExposeSpec) -> None:
    why = _TLS_FOR_GRPC.get(spec.controller)
    if why is not None and spec.tls is None:
        raise InputError(why, option="expose.grpc", hint="Set expose.tls")


def _check_openshift(spec: ExposeSpec) -> None:
    if spec.class_name:
        raise InputError(
            "a Route has no class",
            option="expose.class_name",
            hint="Leave it out; routers choose Routes by their labels",
        )
    if spec.tls is None:
        return
    if spec.tls.issuer is not None:
        raise InputError(
            "cert-manager itself makes no certificate for a Route",
            option=f"expose.tls.{spec.tls.issuer[0]}",
            hint="Have it write a Secret (a Certificate object), and name that as secret_name",
        )
    if spec.grpc is not None and not (spec.tls.secret_name or spec.tls.certificate):
        raise InputError(
            "the router speaks HTTP/2, which gRPC needs, only where the Route has a certificate of "
            "its own",
            option="expose.tls.default_certificate",
            hint="Set secret_name, or certificate and key",
        )
