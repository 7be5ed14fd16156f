# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until an OpenShift router has admitted the Routes of a server, or reports its refusal.

A router checks a Route again when the Route changes, but not when its Role or Secret changes. So a
later run touches a Route that was refused, and waits for the new verdict. Sources:
openshift/router, pkg/router/controller (status.go, route_secret_manager.go, unique_host.go).
"""

from __future__ import annotations

import time
from typing import Any, Collection, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence

from ...errors import WaitError
from ...kube.client import KubeClient
from ...runtime import Runtime
from ..render import kinds
from ..render.identity import Object, owner_selector
from ..spec.server import ServerSpec
from .retry import RETRY_ANNOTATION

PAUSE = 1.0  # seconds between two polls
# Seconds for a router to write its verdict. Until then a verdict may be about the Route before its
# change: a refusal is replaced in this time, and an admission may be outdated.
REFUSED_GRACE = 10.0
STALE = 3.0
# Seconds without a verdict after which a warning says that no router handles the Route.
SILENT_GRACE = 15.0
_HINTS = {
    "ExternalCertificateValidationFailed": "Let the router read the Secret, see"
    " docs/exposing.md#openshift, and run again",
    "ExternalCertificateGetFailed": "Look whether the Secret is there, and run again",
    "HostAlreadyClaimed": "Choose another host, or remove the Route that has it, and run again",
}
_HINT = "Correct what it names, and run again: the router then looks once more"


class Word(NamedTuple):
    """The verdict of one router on a Route."""

    router: str
    admitted: bool
    reason: str
    message: str

    def __str__(self) -> str:
        text = ": ".join(filter(None, (self.reason, self.message))) or "no reason given"
        return f"router '{self.router}' does not admit it: {text}"


def words(route: Mapping[str, Any]) -> List[Word]:
    """Return the verdicts of routers on a Route; one for another host is outdated and left out."""
    host = (route.get("spec") or {}).get("host")
    found = []
    for ingress in (route.get("status") or {}).get("ingress") or ():
        for condition in ingress.get("conditions") or ():
            if condition.get("type") == "Admitted" and ingress.get("host") in (None, host):
                admitted = condition.get("status") == "True"
                reason, message = condition.get("reason") or "", condition.get("message") or ""
                name = str(ingress.get("routerName") or "")
                found.append(Word(name, admitted, str(reason), str(message).strip()))
    return found


def admitted(route: Mapping[str, Any]) -> bool:
    """Tell whether a router has admitted the Route."""
    return any(word.admitted for word in words(route))


def refusal(route: Mapping[str, Any]) -> Optional[Word]:
    """Return the refusal of a Route that no router has admitted."""
    found = words(route)
    return None if admitted(route) or not found else found[0]


def see_admitted(
    client: KubeClient,
    spec: ServerSpec,
    before: Sequence[Object],
    sent: Collection[str],
    runtime: Runtime,
    timeout: Optional[float],
) -> None:
    """Wait until a router has admitted every Route of a server.

    Args:
        client: of the cluster.
        spec: the server.
        before: its Routes as they were before this run.
        sent: names of those that this run has sent.
        runtime: progress and warnings.
        timeout: seconds; None looks once, and warns.

    Raises:
        WaitError: a router refuses a Route, with its reason and message.
    """
    if not sent and all(map(admitted, before)):
        return
    if timeout is None:
        for route, word in _refusals(_read(client, spec)):
            runtime.warn(f"{_subject(route)}: {word}.")
        return
    touched = _touch(client, [route for route in before if _name(route) not in sent], runtime)
    silent = [route for route in before if not words(route)]
    if sent or touched:
        runtime.progress(f"{spec.name}: waits for a router to admit its Routes")
        judged = any(words(route) for route in before if _name(route) in sent)
        silent = _settled(client, spec, timeout, STALE if judged else 0.0)
    for route in silent:
        runtime.warn(
            f"{_subject(route)}: no router has said that it admits it. Clients get no answer as"
            " long as none does; routers choose Routes by labels and namespaces."
        )


def _touch(client: KubeClient, routes: Sequence[Object], runtime: Runtime) -> bool:
    """Touch unchanged Routes that were refused before, so that routers check them again.

    Returns whether there are any.
    """
    refused = [route for route, _word in _refusals(routes)]
    for route in refused:
        runtime.progress(f"{_subject(route)}: makes the router look again")
        mark = {RETRY_ANNOTATION: str(int(time.time()))}
        namespace = route["metadata"]["namespace"]
        client.patch(*kinds.ROUTE, _name(route), namespace, {"metadata": {"annotations": mark}})
    return bool(refused)


def _settled(client: KubeClient, spec: ServerSpec, timeout: float, at_least: float) -> List[Object]:
    """Wait until the Routes are admitted; return those on which no router has given a verdict."""
    begun = time.monotonic()
    refused: Dict[str, float] = {}
    while True:
        now = time.monotonic()
        left = [route for route in _read(client, spec) if not admitted(route)]
        for route, word in _refusals(left):
            since = refused.setdefault(_name(route), now)
            if now - since >= min(REFUSED_GRACE, timeout):
                raise WaitError(
                    str(word),
                    subject=_subject(route),
                    hint=_HINTS.get(word.reason, _HINT),
                    details={"reason": word.reason or "NotAdmitted"},
                )
        silent = [route for route in left if not words(route)]
        patience = min(SILENT_GRACE if left else at_least, timeout)
        if len(silent) == len(left) and now - begun >= patience:
            return silent
        time.sleep(PAUSE)


def _refusals(routes: Sequence[Object]) -> Iterator[Any]:
    for route in routes:
        word = refusal(route)
        if word is not None:
            yield route, word


def _read(client: KubeClient, spec: ServerSpec) -> List[Object]:
    return client.list(*kinds.ROUTE, spec.namespace, label_selector=owner_selector(spec.name))[0]


def _name(route: Object) -> str:
    return str(route["metadata"]["name"])


def _subject(route: Object) -> str:
    return f"Route {route['metadata']['namespace']}/{_name(route)}"
