# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuses a host of C(expose) that something else in the cluster already serves.

A path of a host can lead to one Service. Which of two Ingresses with the same host and path is
served is up to the controller, a router does not admit the younger of two Routes, and Contour
serves neither of two HTTPProxies with one host (site/content/docs/config/fundamentals.md). Other
paths of the host may be somebody else's.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ...errors import ForbiddenError, InputError
from ...kube.client import KubeClient
from ...store import SERVER_LABEL
from ..render.exposure.objects import GRPC_PATHS
from ..render.identity import Object
from ..render.kinds import HTTP_PROXY, INGRESS, ROUTE, Kind
from ..spec.exposure.options import OPENSHIFT, ExposeSpec
from ..spec.exposure.reach import INGRESS as BY_INGRESS
from ..spec.exposure.reach import way_of
from ..spec.server import ServerSpec

# Host and path of one rule; None is the whole host.
Claim = Tuple[str, Optional[str]]
_OLD_CLASS = "kubernetes.io/ingress.class"
# Annotation of an Ingress that shares the host of another one on purpose.
_CANARY = "nginx.ingress.kubernetes.io/canary"


def check(client: KubeClient, spec: ServerSpec) -> None:
    """Compare hosts and paths with those of others, in all namespaces that the account may see.

    Raises:
        InputError: names the object that has the host.
    """
    expose = spec.running.expose
    if expose is None:
        return
    wanted = list(_wanted(expose))
    for kind in _kinds(expose):
        for item in _listed(client, kind, spec.namespace):
            if _is_ours(item, spec) or _stands_aside(item, expose):
                continue
            claims = list(_CLAIMS[kind](item))
            for option, claim in wanted:
                if any(_overlap(claim, other) for other in claims):
                    raise _taken(option, claim, kind, item)


def _kinds(expose: ExposeSpec) -> Sequence[Kind]:
    if expose.controller == OPENSHIFT:
        return (ROUTE,)
    if way_of(expose) != BY_INGRESS:
        return ()
    return (INGRESS, HTTP_PROXY) if expose.proxied else (INGRESS,)


def _wanted(expose: ExposeSpec) -> Iterator[Tuple[str, Claim]]:
    for name, side in expose.sides.items():
        paths: Sequence[Optional[str]] = side.paths if name == "rest" else GRPC_PATHS
        if expose.proxied:
            paths = (None,)
        elif expose.controller == OPENSHIFT and name == "grpc":
            paths = ("/",)
        for path in paths:
            yield f"expose.{name}.host", (side.host, path)


def _listed(client: KubeClient, kind: Kind, namespace: str) -> List[Any]:
    try:
        return client.list(*kind)[0]
    except ForbiddenError:
        return client.list(*kind, namespace)[0]


def _is_ours(item: Object, spec: ServerSpec) -> bool:
    metadata = item["metadata"]
    label = (metadata.get("labels") or {}).get(SERVER_LABEL)
    return bool(metadata.get("namespace") == spec.namespace and label == spec.name)


def _stands_aside(item: Object, expose: ExposeSpec) -> bool:
    """Tell whether another controller serves an object, or it shares the host on purpose."""
    annotations = item["metadata"].get("annotations") or {}
    if annotations.get(_CANARY) == "true":
        return True
    named = (item.get("spec") or {}).get("ingressClassName") or annotations.get(_OLD_CLASS)
    return bool(named and expose.class_name and named != expose.class_name)


def _of_ingress(item: Object) -> Iterator[Claim]:
    for rule in (item.get("spec") or {}).get("rules") or ():
        for path in (rule.get("http") or {}).get("paths") or ():
            yield str(rule.get("host") or ""), str(path.get("path") or "/")


def _of_proxy(item: Object) -> Iterator[Claim]:
    host = ((item.get("spec") or {}).get("virtualhost") or {}).get("fqdn")
    if host:
        yield str(host), None


def _of_route(item: Object) -> Iterator[Claim]:
    spec: Mapping[str, Any] = item.get("spec") or {}
    yield str(spec.get("host") or ""), str(spec.get("path") or "/")


_CLAIMS: Dict[Kind, Callable[[Object], Iterator[Claim]]] = {
    INGRESS: _of_ingress,
    HTTP_PROXY: _of_proxy,
    ROUTE: _of_route,
}


def _overlap(one: Claim, other: Claim) -> bool:
    if one[0] != other[0]:
        return False
    paths = [None if path is None else path.rstrip("/") for _host, path in (one, other)]
    return None in paths or paths[0] == paths[1]


def _taken(option: str, claim: Claim, kind: Kind, item: Object) -> InputError:
    host, path = claim
    metadata = item["metadata"]
    what = f"{path} of {host}" if path is not None else host
    return InputError(
        f"{what} is served by another {kind[1]}",
        option=option,
        subject=f"{kind[1]} {metadata.get('namespace')}/{metadata['name']}",
        hint="Choose another host, or take it away from there",
    )
