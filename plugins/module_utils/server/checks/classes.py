# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IngressClasses: whose they are, and whether they fit C(expose)."""

from __future__ import annotations

from typing import Any, Dict, Iterable, Mapping, Optional

from ...errors import InputError
from ...kube.client import KubeClient
from ..discover import live
from ..render import kinds
from ..spec.exposure.options import (
    CONTOUR,
    HAPROXY,
    NGINX,
    OTHER,
    TRAEFIK,
    ExposeSpec,
)
from .secrets import Warn

_DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
_OF_TRAEFIK = "traefik.io/ingress-controller"
# The names of controllers in IngressClass objects (from the documentation of each).
_CONTROLLERS: Dict[str, str] = {
    "k8s.io/ingress-nginx": NGINX,
    _OF_TRAEFIK: TRAEFIK,
    "haproxy.org/ingress-controller": HAPROXY,
    "projectcontour.io/": CONTOUR,
    "openshift.io/ingress-to-route": OTHER,
}


def check(client: KubeClient, expose: ExposeSpec, warn: Warn) -> None:
    """Compare the class with what the cluster has, where the account may see it.

    Raises:
        InputError: there is no such class, or it is another controller's.
    """
    if expose.proxied and not expose.class_name:  # An HTTPProxy has no default class.
        return
    classes = live.list_if_allowed(client, *kinds.INGRESS_CLASS)
    if classes is None:
        _warn_unasked(expose, "the account may not list IngressClasses", warn)
        return
    by_name = {str(item["metadata"]["name"]): item for item in classes}
    found: Optional[Mapping[str, Any]] = by_name.get(expose.class_name)
    if expose.class_name and found is None:
        has = f"It has {', '.join(sorted(by_name))}" if by_name else "It has none at all"
        if expose.controller in (CONTOUR, OTHER):  # Contour compares the name alone.
            warn(f"expose.class_name: the cluster has no IngressClass {expose.class_name}. {has}.")
            return
        raise InputError(
            "the cluster has no such IngressClass",
            option="expose.class_name",
            subject=f"IngressClass {expose.class_name}",
            hint=has,
        )
    if not expose.class_name:
        found = next((item for item in classes if is_default(item)), None)
        if found is None:
            warn(
                "expose.class_name: it is not set, and no IngressClass is the cluster's default, so"
                " a controller may leave the Ingress alone."
            )
            _warn_unasked(expose, "no IngressClass is known", warn)
            return
    _check_controller(expose, found or {}, warn)
    _warn_of_traefik(expose, classes, warn)


def is_default(item: Mapping[str, Any]) -> bool:
    """Tell whether a class serves the Ingresses that name none."""
    return (item["metadata"].get("annotations") or {}).get(_DEFAULT_CLASS) == "true"


def text_of(item: Mapping[str, Any]) -> str:
    """Return what a class calls its controller."""
    return str((item.get("spec") or {}).get("controller") or "")


def kind_of(item: Mapping[str, Any]) -> Optional[str]:
    """Return the controller of a class as C(expose.controller) names it, None if it is unknown."""
    text = text_of(item)
    return next((kind for prefix, kind in _CONTROLLERS.items() if text.startswith(prefix)), None)


def _check_controller(expose: ExposeSpec, found: Mapping[str, Any], warn: Warn) -> None:
    """Refuse or warn if the IngressClass is of another controller than C(expose.controller)."""
    text, known = text_of(found), kind_of(found)
    if known == expose.controller or not (expose.grpc or expose.client_auth):
        return
    name = f"IngressClass {found['metadata']['name']}"
    if known is None:
        _warn_unasked(expose, f"{name} is of {text}", warn)
        return
    if expose.controller == OTHER:
        warn(
            f"expose.controller: {name} is of {text}. Set {known}, or give the annotations that "
            "make it speak HTTP/2 with the server."
        )
        return
    would = "speak HTTP/1 with the server" if expose.client_auth is None else "ask no client"
    raise InputError(
        f"it is {expose.controller}, and the class is of {text}, which would {would}",
        option="expose.controller",
        subject=name,
        hint=f"Set {known}, or another class_name",
    )


def _warn_of_traefik(expose: ExposeSpec, classes: Iterable[Mapping[str, Any]], warn: Warn) -> None:
    """Warn where the class may be served by Traefik, which takes over those of ingress-nginx.

    Its provider for them asks no client until 3.6, and from 3.7 on reads the CA and no revocation
    list (traefik, pkg/provider/kubernetes/ingress-nginx).
    """
    if expose.controller != NGINX:
        return
    for item in classes:
        if text_of(item).startswith(_OF_TRAEFIK):
            name = item["metadata"]["name"]
            why = f"the cluster has Traefik (IngressClass {name}), which can serve nginx's, too"
            _warn_unasked(expose, why, warn)
            return


def _warn_unasked(expose: ExposeSpec, why: str, warn: Warn) -> None:
    """Warn that annotations may ask nobody: a controller that does not read them lets all in."""
    if expose.client_auth is not None and not expose.proxied:
        warn(
            f"expose.client_auth: {why}, so it was not checked that {expose.controller} serves the"
            " Ingress. Another controller asks no client for a certificate, or looks nothing up in"
            " a revocation list: try it without one, and with a revoked one."
        )
