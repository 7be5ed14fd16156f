# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option C(reach): which of the ways to a server its clients are told to use. Pure."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from ....errors import InputError
from ..service import ServiceOptions
from .choice import AUTO as UNDECIDED
from .gateway import GATEWAY
from .options import OPENSHIFT, ExposeSpec

AUTO = "auto"
CLUSTER_IP, HEADLESS = "cluster_ip", "headless"
INGRESS, ROUTE = "ingress", "route"
# The way by a Gateway has the name of its controller.
REACHES = (AUTO, CLUSTER_IP, HEADLESS, INGRESS, GATEWAY, ROUTE)
# Controllers with a way of their own; an HTTPProxy of Contour is an Ingress for clients.
_WAYS = {OPENSHIFT: ROUTE, GATEWAY: GATEWAY}
# What expose.controller has to be for a way from outside.
_MADE_BY = {
    INGRESS: "one that serves Ingresses (contour, haproxy, nginx, traefik, other)",
    GATEWAY: GATEWAY,
    ROUTE: OPENSHIFT,
}
_HINT = "reach: auto chooses among what there is"

REACH_ARGUMENT_SPEC: Dict[str, Any] = {
    "reach": {"type": "str", "choices": list(REACHES), "default": AUTO},
}


def way_of(expose: ExposeSpec) -> str:
    """Return the way that C(expose) makes, by its controller."""
    return _WAYS.get(expose.controller, INGRESS)


def reach_from_params(
    params: Mapping[str, Any], service: ServiceOptions, expose: Optional[ExposeSpec]
) -> str:
    """Return the option.

    Raises:
        InputError: the other options do not make that way; names the ones that would.
    """
    reach = str(params["reach"])
    if reach in (AUTO, CLUSTER_IP) or (reach == HEADLESS and service.headless):
        return reach
    if reach == HEADLESS:
        raise InputError(
            "the server has no headless Service",
            option="reach",
            hint=f"Set service.headless: true; {_HINT}",
        )
    if expose is None:
        raise InputError(
            "the server is not exposed",
            option="reach",
            hint=f"Set expose, with expose.controller: {_MADE_BY[reach]}; {_HINT}",
        )
    made = way_of(expose)
    if reach != made and expose.controller != UNDECIDED:
        raise InputError(
            f"with expose.controller: {expose.controller} the way in is {made}",
            option="reach",
            hint=f"Set reach: {made}, or expose.controller: {_MADE_BY[reach]}; {_HINT}",
        )
    return reach
