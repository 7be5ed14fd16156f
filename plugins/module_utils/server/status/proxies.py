# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until Contour has accepted the HTTPProxies of a server, or reports what it has against one.

Contour writes a condition C(Valid) with the generation that it has seen. It looks again by itself
when a Secret or another HTTPProxy changes, so nothing has to be touched. Source: projectcontour/
contour, apis/projectcontour/v1/detailedconditions.go and internal/status/proxystatus.go.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from ...kube.client import KubeClient
from ...runtime import Runtime
from ..render import kinds
from ..render.identity import Object, owner_selector
from ..spec.server import ServerSpec
from .accepted import Verdict, generation_of, is_current, until_accepted

_VALID = "Valid"


def verdict(proxy: Mapping[str, Any]) -> Optional[Verdict]:
    """Return Contour's verdict, None as long as it has not seen the present generation."""
    for condition in (proxy.get("status") or {}).get("conditions") or ():
        if condition.get("type") != _VALID:
            continue
        if not is_current(condition, generation_of(proxy)):
            return None
        told = [
            f"{item.get('reason')}: {item.get('message')}" for item in condition.get("errors") or ()
        ]
        text = "; ".join(told) or str(condition.get("message") or "no reason given")
        return Verdict(
            condition.get("status") == "True",
            f"Contour refuses it: {text.strip()}",
            "Correct what it names; nobody is served at this host until then",
            "NotValid",
        )
    return None


def see_accepted(
    client: KubeClient, spec: ServerSpec, runtime: Runtime, timeout: Optional[float]
) -> None:
    """Wait until Contour has accepted every HTTPProxy of a server.

    Args:
        client: of the cluster.
        spec: the server.
        runtime: progress and warnings.
        timeout: seconds; None looks once, and warns.

    Raises:
        WaitError: Contour refuses one, with what it says.
    """
    waits = f"{spec.name}: waits for Contour to accept its HTTPProxies"
    for subject in until_accepted(lambda: _look(client, spec), runtime, timeout, waits):
        runtime.warn(
            f"{subject}: no Contour has said that it accepts it. Clients get no answer as long as"
            " none does; see expose.class_name."
        )


def _look(client: KubeClient, spec: ServerSpec) -> Dict[str, Optional[Verdict]]:
    selector = owner_selector(spec.name)
    items = client.list(*kinds.HTTP_PROXY, spec.namespace, label_selector=selector)[0]
    return {_subject(item): verdict(item) for item in items}


def _subject(proxy: Object) -> str:
    metadata = proxy["metadata"]
    return f"HTTPProxy {metadata['namespace']}/{metadata['name']}"
