# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders Ingresses, HTTPProxies, Routes, HTTPRoutes, Services and Secrets for C(expose). Pure.

gRPC gets a Service of its own: some controllers read the protocol of a whole Service
(C(traefik.ingress.kubernetes.io/service.serversscheme)), and REST is not HTTP/2. An Ingress of its
own, too: others read it from the Ingress.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Callable, Dict, List, Mapping, Tuple

from ...spec.exposure.gateway import GatewaySpec
from ...spec.exposure.options import (
    CONTOUR,
    HAPROXY,
    NGINX,
    OPENSHIFT,
    PROXY_FIELDS,
    TRAEFIK,
    ExposeSpec,
    Side,
    TlsSpec,
    split,
)
from . import gateway, httpproxy

Object = Dict[str, Any]
Metadata = Callable[[str], Dict[str, Any]]

# The label of the Service for gRPC, to tell it from the first Service in a list by label.
EXPOSED_LABEL = "openvino.edge/exposed"
TLS_TYPE = "kubernetes.io/tls"
CERT_KEY, PRIVATE_KEY = "tls.crt", "tls.key"
# The keys that controllers read: Contour site/content/docs/config/tls-termination.md, ingress-nginx
# docs/examples/auth/client-certs/README.md.
CA_KEY = "ca.crt"
CRL_KEYS = {CONTOUR: "crl.pem", NGINX: "ca.crl"}
# How a Service says that a port speaks HTTP/2 without TLS (Kubernetes: appProtocol of a port).
# Contour and OpenShift's router read it; the rest have annotations.
H2C = "kubernetes.io/h2c"
# The gRPC services of OVMS (openvinotoolkit/model_server, src/grpcservermodule.cpp); those of
# TensorFlow Serving until 2026.2.
GRPC_PATHS = (
    "/inference.GRPCInferenceService",
    "/tensorflow.serving.ModelService",
    "/tensorflow.serving.PredictionService",
)
_NGINX = "nginx.ingress.kubernetes.io"
_TRAEFIK = "traefik.ingress.kubernetes.io"
# An Ingress's annotations by controller: always; with TLS; for gRPC. Sources: ingress-nginx
# docs/user-guide/nginx-configuration/annotations.md (1 MiB is the default size of a body, less than
# many a picture), traefik docs/reference/routing-configuration/kubernetes/ingress.md, HAProxy
# kubernetes-ingress documentation/annotations.md, Contour site/content/docs/config/annotations.md.
_OF_INGRESS: Dict[str, Tuple[Mapping[str, str], Mapping[str, str], Mapping[str, str]]] = {
    NGINX: (
        {f"{_NGINX}/proxy-body-size": "0"},
        {f"{_NGINX}/force-ssl-redirect": "true"},
        {f"{_NGINX}/backend-protocol": "GRPC"},
    ),
    TRAEFIK: (
        {},
        {f"{_TRAEFIK}/router.entrypoints": "websecure", f"{_TRAEFIK}/router.tls": "true"},
        {},
    ),
    HAPROXY: (
        {},
        # Its own default is the port on which its pod listens; clients are told 443.
        {"haproxy.org/ssl-redirect": "true", "haproxy.org/ssl-redirect-port": "443"},
        {"haproxy.org/server-proto": "h2"},
    ),
    # Envoy cuts off an answer after 15 s, streams as well.
    CONTOUR: (
        {"projectcontour.io/response-timeout": httpproxy.UNLIMITED},
        {"ingress.kubernetes.io/force-ssl-redirect": "true"},
        {},
    ),
}
_OF_SERVICE: Dict[str, Mapping[str, str]] = {
    TRAEFIK: {f"{_TRAEFIK}/service.serversscheme": "h2c"},
    CONTOUR: {"projectcontour.io/upstream-protocol.h2c": "grpc"},
}
_ISSUERS = {
    "issuer": "cert-manager.io/issuer",
    "cluster_issuer": "cert-manager.io/cluster-issuer",
}


def tls_secret_name(server: str, own: str = "") -> str:
    """Return the name of the Secret for a given certificate; C(own) is whose alone it is."""
    return f"{server}-tls-{own}" if own else f"{server}-tls"


def client_ca_name(server: str) -> str:
    """Return the name of the Secret for given CA certificates and revocation lists of clients."""
    return f"{server}-client-ca"


def objects(spec: ExposeSpec, metadata: Metadata, service: Mapping[str, Any]) -> List[Object]:
    """Return the objects that expose a server.

    Args:
        spec: the option.
        metadata: makes the metadata of an object of a name.
        service: the server's first Service.
    """
    server = str(service["metadata"]["name"])
    found: List[Object] = []
    for option, (tls, _hosts) in spec.certificates.items():
        if tls.certificate:
            own = "" if option == "expose.tls" else option.split(".")[1]
            found.append(_given(metadata(tls_secret_name(server, own)), spec, tls))
    if spec.client_auth is not None:
        found += _client_ca(metadata(client_ca_name(server)), spec)
    if spec.grpc is not None:
        found.append(_grpc_service(metadata(f"{server}-grpc"), spec, spec.grpc, service))
    for name, side in (("rest", spec.rest), ("grpc", spec.grpc)):
        if side is not None and spec.controller == OPENSHIFT:
            found += _routes(metadata, server, name, side, spec)
        elif side is not None and spec.gateway is not None:
            found.append(_attached(metadata, service, name, side, spec.gateway))
        elif side is not None and spec.proxied:
            found.append(_proxy(metadata, service, name, side, spec))
        elif side is not None:
            found.append(_ingress(metadata, server, name, side, spec))
    return found


def _given(metadata: Dict[str, Any], spec: ExposeSpec, tls: TlsSpec) -> Object:
    """Return the Secret for a given certificate.

    A Route reads only the leaf certificate from the Secret; the chain is in the Route itself.
    """
    chain = split(tls.certificate)
    shown = chain[0] if spec.controller == OPENSHIFT and chain else tls.certificate
    return _secret(metadata, shown, tls.key)


def _secret(metadata: Dict[str, Any], certificate: str, key: str) -> Object:
    return _encoded(metadata, TLS_TYPE, {CERT_KEY: certificate, PRIVATE_KEY: key})


def _encoded(metadata: Dict[str, Any], kind: str, texts: Mapping[str, str]) -> Object:
    data = {
        name: base64.b64encode(text.encode("utf-8")).decode("ascii") for name, text in texts.items()
    }
    base = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
    return {**base, "type": kind, "data": data}


def _client_ca(metadata: Dict[str, Any], spec: ExposeSpec) -> List[Object]:
    """Return the Secret for given CA certificates and revocation lists, if any is given."""
    auth = spec.client_auth
    if auth is None or spec.controller not in CRL_KEYS:  # A Gateway has its CA itself.
        return []
    texts = {CA_KEY: auth.ca, CRL_KEYS[spec.controller]: auth.crl}
    given = {key: text for key, text in texts.items() if text}
    return [_encoded(metadata, "Opaque", given)] if given else []


def _grpc_service(
    metadata: Dict[str, Any], spec: ExposeSpec, side: Side, first: Mapping[str, Any]
) -> Object:
    ports = [item for item in first["spec"]["ports"] if item["name"] == "grpc"]
    port = {key: ports[0][key] for key in ("name", "port", "targetPort", "protocol")}
    labels = {**metadata["labels"], EXPOSED_LABEL: "grpc"}
    wanted = {**_OF_SERVICE.get(spec.controller, {}), **dict(side.service_annotations)}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _annotated({**metadata, "labels": labels}, wanted),
        "spec": {
            "type": "ClusterIP",
            "selector": first["spec"]["selector"],
            "ports": [{**port, "appProtocol": H2C}],
        },
    }


def _annotated(metadata: Dict[str, Any], wanted: Mapping[str, str]) -> Dict[str, Any]:
    annotations = {**metadata.get("annotations", {}), **wanted}
    return {**metadata, "annotations": annotations} if annotations else metadata


def _service_of(server: str, name: str) -> str:
    return f"{server}-grpc" if name == "grpc" else server


def _ingress(metadata: Metadata, server: str, name: str, side: Side, spec: ExposeSpec) -> Object:
    always, secured, grpc = _OF_INGRESS.get(spec.controller, ({}, {}, {}))
    wanted = dict(always)
    tls = spec.tls_of(name)
    if tls is not None:
        wanted.update(secured)
        if tls.issuer is not None:
            wanted[_ISSUERS[tls.issuer[0]]] = tls.issuer[1]
    if name == "grpc":
        wanted.update(grpc)
    wanted.update(side.annotations)
    wanted.update(_asked(spec, str(metadata(server)["namespace"]), server))
    backend = {"service": {"name": _service_of(server, name), "port": {"name": name}}}
    paths = [
        {"path": path, "pathType": "Prefix", "backend": backend}
        for path in (side.paths if name == "rest" else GRPC_PATHS)
    ]
    made: Dict[str, Any] = {"rules": [{"host": side.host, "http": {"paths": paths}}]}
    if spec.class_name:
        made["ingressClassName"] = spec.class_name
    if tls is not None:
        secret = _secret_of(tls, server, name, own=side.tls is not None)
        made["tls"] = [{"hosts": [side.host], **({"secretName": secret} if secret else {})}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": _annotated(metadata(f"{server}-{name}"), wanted),
        "spec": made,
    }


def _asked(spec: ExposeSpec, namespace: str, server: str) -> Dict[str, str]:
    """Return the annotations by which ingress-nginx asks clients for a certificate."""
    auth = spec.client_auth
    if auth is None:
        return {}
    secret = auth.secret_name or client_ca_name(server)
    found = {
        f"{_NGINX}/auth-tls-secret": f"{namespace}/{secret}",
        f"{_NGINX}/auth-tls-verify-client": "on",
    }
    if auth.verify_depth is not None:
        found[f"{_NGINX}/auth-tls-verify-depth"] = str(auth.verify_depth)
    return found


def _proxy(
    metadata: Metadata, service: Mapping[str, Any], name: str, side: Side, spec: ExposeSpec
) -> Object:
    """Return the HTTPProxy of one interface, in the place of an Ingress."""
    server, auth, tls = str(service["metadata"]["name"]), spec.client_auth, spec.tls_of(name)
    if auth is None or tls is None:
        raise ValueError("an HTTPProxy is made to ask clients, and it asks them over TLS")
    ours = client_ca_name(server)
    proxied = httpproxy.Proxied(
        host=side.host,
        paths=side.paths if name == "rest" else GRPC_PATHS,
        service=_service_of(server, name),
        port=_port_of(service, name),
        grpc=name == "grpc",
        class_name=spec.class_name,
        certificate=_secret_of(tls, server, name, own=side.tls is not None),
        ca=auth.secret_name or ours,
        crl=auth.crl_secret_name or (ours if auth.crl else ""),
        annotations=side.annotations,
    )
    annotations = {key: text for key, text in side.annotations if key not in PROXY_FIELDS}
    return {
        "apiVersion": "projectcontour.io/v1",
        "kind": "HTTPProxy",
        "metadata": _annotated(metadata(f"{server}-{name}"), annotations),
        "spec": httpproxy.spec_of(proxied, auth),
    }


def _attached(
    metadata: Metadata, service: Mapping[str, Any], name: str, side: Side, parent: GatewaySpec
) -> Object:
    """Return the HTTPRoute or GRPCRoute by which a Gateway lets clients in to one interface."""
    server = str(service["metadata"]["name"])
    backend = {"name": _service_of(server, name), "port": _port_of(service, name)}
    base = _annotated(metadata(f"{server}-{name}"), dict(side.annotations))
    made = gateway.grpc_route if name == "grpc" else gateway.http_route
    return made(base, parent, side, backend)


def _port_of(service: Mapping[str, Any], name: str) -> int:
    """Return the number of the port of a Service for one interface."""
    return int(next(item["port"] for item in service["spec"]["ports"] if item["name"] == name))


def _secret_of(tls: TlsSpec, server: str, name: str, *, own: bool) -> str:
    """Return the Secret's name; cert-manager writes one for each Ingress."""
    if tls.issuer is not None:
        return f"{server}-{name}-tls"
    given = tls_secret_name(server, name if own else "")
    return given if tls.certificate else tls.secret_name


def _routes(
    metadata: Metadata, server: str, name: str, side: Side, spec: ExposeSpec
) -> List[Object]:
    """Return the Routes, one for each path; the gRPC host serves only gRPC."""
    found = []
    for path in side.paths if name == "rest" else ("/",):
        base = metadata("-".join(filter(None, (server, name, _suffix(path)))))
        made: Dict[str, Any] = {
            "host": side.host,
            **({"path": path} if path != "/" else {}),
            "to": {"kind": "Service", "name": _service_of(server, name), "weight": 100},
            "port": {"targetPort": name},
            "wildcardPolicy": "None",
        }
        tls = spec.tls_of(name)
        if tls is not None:
            made["tls"] = _route_tls(tls, server, name, own=side.tls is not None)
        found.append(
            {
                "apiVersion": "route.openshift.io/v1",
                "kind": "Route",
                "metadata": _annotated(base, dict(side.annotations)),
                "spec": made,
            }
        )
    return found


def _suffix(path: str) -> str:
    """Return what tells the Routes of several paths apart in their names."""
    first, _slash, more = path.strip("/").partition("/")
    return f"{first}-{hashlib.sha256(more.encode()).hexdigest()[:8]}" if more else first


def _route_tls(tls: TlsSpec, server: str, name: str, *, own: bool) -> Dict[str, Any]:
    secret, chain = _secret_of(tls, server, name, own=own), split(tls.certificate)
    made: Dict[str, Any] = {
        "termination": "edge",
        # gRPC clients do not follow a redirect.
        "insecureEdgeTerminationPolicy": "Redirect" if name == "rest" else "None",
    }
    if secret:
        made["externalCertificate"] = {"name": secret}
    if len(chain) > 1:
        made["caCertificate"] = "".join(chain[1:])
    return made
