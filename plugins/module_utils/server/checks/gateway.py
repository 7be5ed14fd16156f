# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the cluster for the Gateway of C(expose.gateway), and for other routes with its hosts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional

from ...errors import ApiError, ForbiddenError, InputError
from ...kube.client import KubeClient
from ...store import SERVER_LABEL
from ..discover import live
from ..render import kinds
from ..spec.exposure.client_auth import OPTION as CLIENT_AUTH
from ..spec.exposure.gateway import OPTION, GatewaySpec
from ..spec.exposure.options import ExposeSpec, Side
from ..spec.server import ServerSpec
from . import frontend, gateway_class, listeners
from .secrets import Warn

# The label that every namespace has (Kubernetes: well-known labels).
_NAME_LABEL = "kubernetes.io/metadata.name"
Object = Mapping[str, Any]


def resolved(client: KubeClient, spec: ServerSpec, warn: Warn) -> ServerSpec:
    """Return the spec with the listener of each interface, and what it and its controller do.

    Costs one request for the Gateway, one for its class, and one for the namespace where labels
    decide; with C(expose.client_auth) one for each object with a CA, and one for policies.

    Raises:
        InputError: there is no such Gateway, none of its listeners lets the clients in, or it does
            not check client certificates as C(expose.client_auth) says.
        ForbiddenError: the account may not get the Gateway, and no listener is named or clients
            are to be asked.
    """
    expose = spec.running.expose
    if expose is None or expose.gateway is None:
        return spec
    found = _read(client, expose, expose.gateway, warn)
    if found is None:
        return spec
    labels = _labels(client, spec, warn) if listeners.needs_labels(found) else {}
    served = gateway_class.read(client, found)
    sides: Dict[str, Side] = {}
    for name, side in expose.sides.items():
        listener = side.listener or expose.gateway.listener
        asked = listeners.Asked(
            side=name,
            kind=kinds.ROUTE_OF[name][1],
            host=side.host,
            secured=expose.tls_of(name) is not None,
            namespace=spec.namespace,
            labels=labels,
            listener=listener,
            option=_option_of(name, side, expose.gateway),
        )
        chosen = listeners.choose(found, asked, expose.gateway.subject)
        if expose.client_auth is not None:
            frontend.check(client, spec, expose.client_auth, found, chosen)
        sides[name] = replace(
            side,
            listener=str(chosen["name"]),
            port=int(chosen.get("port") or 0),
            asks=frontend.is_asked(found, chosen),
            unlimited=bool(served.has(gateway_class.REQUEST_TIMEOUT)),
        )
    if expose.client_auth is not None:
        # In each run: with a Gateway that asks already, the option alone changes no object.
        frontend.check_class(found, served, warn)
        frontend.check_policies(client, found, served, warn)
    exposed = replace(expose, rest=sides.get("rest"), grpc=sides.get("grpc"))
    return replace(spec, running=replace(spec.running, expose=exposed))


def _option_of(name: str, side: Side, gateway: GatewaySpec) -> str:
    """Return the option that names the listener of an interface, or else the Gateway."""
    if side.listener:
        return f"expose.{name}.listener"
    return f"{OPTION}.listener" if gateway.listener else f"{OPTION}.name"


def _read(
    client: KubeClient, expose: ExposeSpec, gateway: GatewaySpec, warn: Warn
) -> Optional[Object]:
    """Return the Gateway, None with a warning where it may not be read and need not be."""
    try:
        found = client.get(*kinds.GATEWAY, gateway.name, gateway.namespace)
    except ForbiddenError as error:
        if expose.client_auth is not None:
            error.hint = (
                f"{error.hint or 'Grant it'}: what it asks clients for has to be compared with"
                f" {CLIENT_AUTH}"
            )
            raise
        if not expose.listeners_named:
            error.hint = f"{error.hint or 'Grant it'}, or name the listener in {OPTION}.listener"
            raise
        warn(
            f"{OPTION}: the account may not get {gateway.subject}, so its listeners were not"
            " checked, the port for clients is taken for the usual one, and whether they need a"
            " certificate is not known."
        )
        return None
    except ApiError as error:
        live.refuse_unserved(error, kinds.GATEWAY[1], needed=True)
        raise
    if found is None:
        raise InputError(
            "the cluster has no such Gateway",
            option=f"{OPTION}.name",
            subject=gateway.subject,
            hint=_others(client, gateway),
        )
    return found


def _others(client: KubeClient, gateway: GatewaySpec) -> str:
    """Return which Gateways there are instead, where the account may list them."""
    items = live.list_if_allowed(client, *kinds.GATEWAY)
    metadata = [item["metadata"] for item in items or ()]
    names = sorted(f"{item['namespace']}/{item['name']}" for item in metadata)
    if not names:
        return f"Make it in namespace {gateway.namespace}, or name another one and its namespace"
    return f"It has {', '.join(names)}; a Gateway is made by whoever runs the controller"


def _labels(client: KubeClient, spec: ServerSpec, warn: Warn) -> Optional[Mapping[str, str]]:
    """Return the labels that the namespace has, or will have after this run."""
    known = live.get_if_allowed(client, "v1", "Namespace", spec.namespace)
    if not known.readable:
        warn(
            f"{OPTION}: the account may not get Namespace {spec.namespace}, so it was not checked"
            " that the Gateway's selector admits it."
        )
        return None
    there = ((known.item or {}).get("metadata") or {}).get("labels") or {}
    wanted = spec.namespace_labels if spec.create_namespace else {}
    return {_NAME_LABEL: spec.namespace, **there, **wanted}


def check_hosts(client: KubeClient, spec: ServerSpec, warn: Warn) -> None:
    """Refuse a host that a route of somebody else has on the same listener.

    Of two HTTPRoutes with one host and path a Gateway serves the older one, and of an HTTPRoute
    and a GRPCRoute whose hosts overlap only the older one. Where the account may not list routes of
    all namespaces, those of the server's own are looked at. A host that the server has already is
    only warned about.

    Raises:
        InputError: names the other route.
    """
    expose = spec.running.expose
    if expose is None or expose.gateway is None:
        return
    routes = [
        item for kind in kinds.ROUTE_OF.values() for item in _routes(client, kind, spec.namespace)
    ]
    ours = [item for item in routes if _is_ours(item, spec)]
    for name, side in expose.sides.items():
        kind = kinds.ROUTE_OF[name][1]
        for other in routes:
            if _is_ours(other, spec) or not _holds(other, kind, side, expose.gateway):
                continue
            metadata = other["metadata"]
            subject = f"{other['kind']} {metadata['namespace']}/{metadata['name']}"
            option = f"expose.{name}.host"
            message = f"it has {side.host} on listener {side.listener} of {expose.gateway.subject}"
            if any(_holds(item, kind, side, expose.gateway) for item in ours):
                warn(f"{option}: {subject}: {message}, too. Of the two the older one is served.")
                continue
            raise InputError(
                f"{message} already",
                option=option,
                subject=subject,
                hint="Choose another host, or take it out of that route",
            )


def _routes(client: KubeClient, kind: kinds.Kind, namespace: str) -> List[Dict[str, Any]]:
    """Return the routes of a kind of all namespaces, or of one if the account may see no more."""
    try:
        found = live.list_if_allowed(client, *kind)
        return client.list(*kind, namespace)[0] if found is None else found
    except ApiError as error:
        live.refuse_unserved(error, kind[1], needed=False)
        return []


def _is_ours(route: Object, spec: ServerSpec) -> bool:
    metadata = route["metadata"]
    labels = metadata.get("labels") or {}
    return metadata["namespace"] == spec.namespace and labels.get(SERVER_LABEL) == spec.name


def _holds(route: Object, kind: str, side: Side, gateway: GatewaySpec) -> bool:
    """Tell whether a route keeps a host from a route of C(kind) on the listener of an interface.

    A route of the same kind does so with the very host: a pattern is less exact, and so comes
    second. One of the other kind does so with every hostname that covers the host.
    """
    hostnames = [str(item) for item in (route.get("spec") or {}).get("hostnames") or ("",)]
    if route["kind"] == kind:
        has = side.host in map(str.lower, hostnames)
    else:
        has = any(listeners.covers(item, side.host) for item in hostnames)
    return has and any(
        _is_listener(parent, route["metadata"]["namespace"], side, gateway)
        for parent in (route.get("spec") or {}).get("parentRefs") or ()
        if parent not in _refused(route)
    )


def _is_listener(parent: Object, namespace: str, side: Side, gateway: GatewaySpec) -> bool:
    """Tell whether a parent of a route in C(namespace) takes in the listener of an interface."""
    return (
        parent.get("kind", kinds.GATEWAY[1]) == kinds.GATEWAY[1]
        and parent.get("name") == gateway.name
        and parent.get("namespace", namespace) == gateway.namespace
        and parent.get("sectionName") in (None, side.listener)
        and parent.get("port") in (None, side.port or parent.get("port"))
    )


def _refused(route: Object) -> List[Any]:
    """Return the parents that do not accept a route: there it keeps nobody away."""
    return [
        item.get("parentRef")
        for item in (route.get("status") or {}).get("parents") or ()
        if any(
            condition.get("type") == "Accepted" and condition.get("status") == "False"
            for condition in item.get("conditions") or ()
        )
    ]
