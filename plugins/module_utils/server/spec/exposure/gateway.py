# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option C(expose.gateway): the Gateway (Gateway API) whose listeners let clients in. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional

from ....errors import InputError
from ... import values
from .choice import AUTO

GATEWAY = "gateway"
OPTION = "expose.gateway"

GATEWAY_ARGUMENT_SPEC: Dict[str, Any] = {
    "type": "dict",
    "options": {
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str"},
        "listener": {"type": "str"},
    },
}


@dataclass(frozen=True)
class GatewaySpec:
    """A Gateway, which somebody else has made.

    Attributes:
        name: of the Gateway.
        namespace: of the Gateway.
        listener: name of the listener for all interfaces that name none; empty: the cluster tells.
    """

    name: str
    namespace: str
    listener: str = ""

    @property
    def subject(self) -> str:
        """Return kind, namespace and name, for errors."""
        return f"Gateway {self.namespace}/{self.name}"


def gateway_from_params(
    given: Optional[Mapping[str, Any]], controller: str, namespace: str
) -> Optional[GatewaySpec]:
    """Return the checked option, None for every other controller; C(auto) may have one.

    Args:
        given: the suboptions.
        controller: C(expose.controller).
        namespace: of the server, where the Gateway is unless another one is given.

    Raises:
        InputError: there is no Gateway for this controller, or one for another controller.
    """
    if controller != GATEWAY and (controller != AUTO or given is None):
        if given is not None:
            raise InputError(
                f"{controller} has no Gateway",
                option=OPTION,
                hint="Set expose.controller to gateway, or leave it out",
            )
        return None
    if given is None:
        raise InputError(
            "routes of the Gateway API need a Gateway, and none is named",
            option=OPTION,
            hint="Set gateway.name, and gateway.namespace where it is in another one",
        )
    place = str(given.get("namespace") or namespace)
    listener = str(given.get("listener") or "")
    return GatewaySpec(
        name=values.subdomain(str(given["name"]), f"{OPTION}.name"),
        namespace=values.subdomain(place, f"{OPTION}.namespace"),
        listener=values.subdomain(listener, f"{OPTION}.listener") if listener else "",
    )
