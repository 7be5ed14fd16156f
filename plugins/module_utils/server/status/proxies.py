# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until Contour has accepted the HTTPProxies of a server, or reports what it has against one.

Contour writes a condition C(Valid) with the generation that it has seen. It looks again by itself
when a Secret or another HTTPProxy changes, so nothing has to be touched. Source: projectcontour/
contour, apis/projectcontour/v1/detailedconditions.go and internal/status/proxystatus.go.
"""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from ...errors import WaitError
from ...kube.client import KubeClient
from ...runtime import Runtime
from ..render import kinds
from ..render.identity import Object, owner_selector
from ..spec.server import ServerSpec

PAUSE = 0.5  # seconds between two polls
# Seconds for Contour to see the Secrets that were sent just before; until then it misses them.
REFUSED_GRACE = 10.0
# Seconds without a word after which a warning says that no Contour reads the HTTPProxy.
SILENT_GRACE = 15.0
_VALID = "Valid"


class Verdict(NamedTuple):
    """What Contour says about the present generation of an HTTPProxy."""

    valid: bool
    message: str


def verdict(proxy: Mapping[str, Any]) -> Optional[Verdict]:
    """Return Contour's verdict, None as long as it has not seen the present generation."""
    generation = int(proxy["metadata"].get("generation") or 0)
    for condition in (proxy.get("status") or {}).get("conditions") or ():
        if condition.get("type") != _VALID:
            continue
        if int(condition.get("observedGeneration") or 0) < generation:
            return None
        told = [
            f"{item.get('reason')}: {item.get('message')}" for item in condition.get("errors") or ()
        ]
        text = "; ".join(told) or str(condition.get("message") or "no reason given")
        return Verdict(condition.get("status") == "True", text.strip())
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
    begun = time.monotonic()
    patience = 0.0 if timeout is None else timeout
    refused: Dict[str, float] = {}
    while True:
        now = time.monotonic()
        found = {_subject(item): verdict(item) for item in _read(client, spec)}
        for subject, word in found.items():
            if word is None or word.valid:
                continue
            if timeout is None:
                runtime.warn(f"{subject}: Contour refuses it: {word.message}.")
            elif now - refused.setdefault(subject, now) >= min(REFUSED_GRACE, patience):
                raise WaitError(
                    f"Contour refuses it: {word.message}",
                    subject=subject,
                    hint="Correct what it names; nobody is served at this host until then",
                    details={"reason": "NotValid"},
                )
        silent = [subject for subject, word in found.items() if word is None]
        settled = all(word is not None and word.valid for word in found.values())
        if settled or timeout is None or (now - begun >= min(SILENT_GRACE, patience) and silent):
            break
        runtime.progress(f"{spec.name}: waits for Contour to accept its HTTPProxies")
        time.sleep(PAUSE)
    _warn_silent(silent, runtime)


def _warn_silent(silent: Sequence[str], runtime: Runtime) -> None:
    for subject in silent:
        runtime.warn(
            f"{subject}: no Contour has said that it accepts it. Clients get no answer as long as"
            " none does; see expose.class_name."
        )


def _read(client: KubeClient, spec: ServerSpec) -> List[Object]:
    selector = owner_selector(spec.name)
    return client.list(*kinds.HTTP_PROXY, spec.namespace, label_selector=selector)[0]


def _subject(proxy: Object) -> str:
    metadata = proxy["metadata"]
    return f"HTTPProxy {metadata['namespace']}/{metadata['name']}"
