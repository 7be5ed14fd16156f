# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller of a Gateway can do, as its GatewayClass and the Gateway itself tell.

Sources: sigs.k8s.io/gateway-api 1.6, pkg/features and apis/v1/gatewayclass_types.go; Contour 1.33,
internal/dag/gatewayapi_processor.go; Envoy Gateway 1.9, internal/gatewayapi/listener.go and
route.go.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple

from ...errors import ForbiddenError
from ...kube.client import KubeClient
from ..render import kinds

# Names of features as controllers list them in the status of their classes.
CLIENT_CERTIFICATES = "GatewayFrontendClientCertificateValidation"
REQUEST_TIMEOUT = "HTTPRouteRequestTimeout"
_CONTOUR = "projectcontour.io/gateway-controller"
ENVOY_GATEWAY = "gateway.envoyproxy.io/gatewayclass-controller"
# What is known of controllers that list no features. Contour 1.33 knows Gateway API 1.3. Whether
# Envoy Gateway reads client certificates depends on its release, see C(reads_frontend).
_KNOWN: Dict[str, Dict[str, bool]] = {
    _CONTOUR: {CLIENT_CERTIFICATES: False, REQUEST_TIMEOUT: True},
    ENVOY_GATEWAY: {REQUEST_TIMEOUT: True},
}
Object = Mapping[str, Any]


class GatewayClass(NamedTuple):
    """The class of a Gateway.

    Attributes:
        name: of the class.
        controller: who serves it; empty where that is not known.
        features: what its controller lists; empty where it lists nothing.
        readable: the account may get the class.
    """

    name: str
    controller: str = ""
    features: Tuple[str, ...] = ()
    readable: bool = True

    @property
    def subject(self) -> str:
        """Return kind and name, for errors."""
        return f"GatewayClass {self.name}"

    def has(self, feature: str) -> Optional[bool]:
        """Return whether the controller has a feature, None where nothing tells."""
        if self.features:
            return feature in self.features
        return _KNOWN.get(self.controller, {}).get(feature)


def read(client: KubeClient, gateway: Object) -> GatewayClass:
    """Return the class of a Gateway. Costs one request."""
    name = str((gateway.get("spec") or {}).get("gatewayClassName") or "")
    try:
        found = client.get(*kinds.GATEWAY_CLASS, name) or {}
    except ForbiddenError:
        return GatewayClass(name, readable=False)
    listed = (found.get("status") or {}).get("supportedFeatures") or ()
    # They were plain texts until Gateway API 1.2.
    features = (item.get("name") if isinstance(item, dict) else item for item in listed)
    controller = str((found.get("spec") or {}).get("controllerName") or "")
    return GatewayClass(name, controller, tuple(map(str, features)))


def reads_frontend(gateway: Object, served: GatewayClass) -> Optional[bool]:
    """Return whether the controller does what C(spec.tls.frontend) says, None if nothing tells.

    Envoy Gateway lists no features. A release that reads C(spec.tls) of a Gateway says of each one
    that has it whether what that refers to is there; an older one does neither.
    """
    told = served.has(CLIENT_CERTIFICATES)
    if told is not None or served.controller != ENVOY_GATEWAY:
        return told
    generation = int(gateway["metadata"].get("generation") or 0)
    seen = {
        str(item.get("type"))
        for item in (gateway.get("status") or {}).get("conditions") or ()
        if int(item.get("observedGeneration") or 0) >= generation
    }
    if "ResolvedRefs" in seen:
        return True
    return False if "Accepted" in seen else None
