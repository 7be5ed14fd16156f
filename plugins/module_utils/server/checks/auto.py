# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what C(expose.controller=auto) stands for, by what the cluster offers.

A cluster with one way in is not asked twice which it is; of several nobody here knows the right
one, so that they are named and the task ends. What the server has already is kept as long as it
works, whatever comes to it on the cluster.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from ...errors import ApiError, ForbiddenError, InputError
from ...kube.client import KubeClient
from ..backends.select import select
from ..discover import live
from ..render import kinds
from ..render.exposure import note
from ..spec.exposure import reach as reaching
from ..spec.exposure.choice import AUTO, Choice, choice_of
from ..spec.exposure.gateway import GATEWAY
from ..spec.exposure.options import CONTOUR, OPENSHIFT, OTHER, ExposeSpec, decided
from ..spec.server import ServerSpec
from . import classes, gateway

OPTION = "expose.controller"
# What OpenShift calls the class by which it makes Routes of Ingresses: no way in of its own.
_OF_ROUTES = "openshift.io/ingress-to-route"
_KEPT = "the server has it already"


@dataclass
class Found:
    """What a cluster offers.

    Attributes:
        fitting: specs for which all of the options can be had, by what the cluster offers.
        reasons: why others do not fit, by what they are.
        unseen: the rights that are missing to know all.
    """

    fitting: List[Tuple[Choice, ServerSpec]] = field(default_factory=list)
    reasons: Dict[str, str] = field(default_factory=dict)
    unseen: List[str] = field(default_factory=list)


def resolved(client: KubeClient, spec: ServerSpec) -> ServerSpec:
    """Return the spec with the controller that the cluster has.

    Costs, with C(auto) alone, a request for the Service, one for each kind that may be offered, and
    those for each Gateway; see C(gateway.resolved).

    Raises:
        InputError: there is none, or more than one.
        ForbiddenError: the account may not see what there is.
    """
    expose = spec.running.expose
    if expose is None or expose.controller != AUTO:
        return spec
    noted = _noted(client, spec)
    kept = choice_of(noted.chosen)
    found = _look(client, spec, expose, kept)
    for choice, fitted in found.fitting:
        if choice.told == kept.told:
            return _told(fitted, choice, f"{_KEPT}, and {choice.why}")
    if found.unseen:
        if kept.controller and str(kept) not in found.reasons:
            return _told(_fitted(spec, expose, kept), kept, _KEPT)
        raise ForbiddenError(
            "the account may not " + " nor ".join(found.unseen) + ", so what the cluster offers is"
            " not known",
            option=OPTION,
            subject=client.server,
            hint="Grant it (openvino-edge-options-reader in the role preflight has it), or name the"
            " controller",
        )
    # A server that was told its controller before stays with the same kind of way.
    same = [item for item in found.fitting if _way(item[1]) == noted.way]
    left = same if noted.way and len(same) == 1 else found.fitting
    if len(left) == 1:
        choice, fitted = left[0]
        return _told(fitted, choice, choice.why)
    raise _several(found) if left else _none(found)


def left_open(spec: ServerSpec) -> ServerSpec:
    """Return the spec without what only the cluster can tell: the kinds of a way in by C(auto)."""
    expose = spec.running.expose
    if expose is None or expose.controller != AUTO:
        return spec
    return replace(spec, running=replace(spec.running, expose=None))


def told(expose: Optional[ExposeSpec]) -> Dict[str, Optional[str]]:
    """Return by what clients come in, and why, for the result; empty where nothing is exposed."""
    if expose is None:
        return {}
    chosen, parent = expose.chosen, expose.gateway
    return {
        "controller": expose.controller,
        "class_name": expose.class_name or None,
        "gateway": f"{parent.namespace}/{parent.name}" if parent is not None else None,
        "why": chosen.why if chosen is not None else f"{OPTION} says so",
    }


def _noted(client: KubeClient, spec: ServerSpec) -> note.Note:
    name = select(spec.backend).names(spec).service
    service = client.get("v1", "Service", name, spec.namespace)
    return note.read(service) if service is not None else note.NOTHING


def _told(spec: ServerSpec, choice: Choice, why: str) -> ServerSpec:
    expose = spec.running.expose
    made = replace(expose or ExposeSpec(), chosen=replace(choice, why=why))
    return replace(spec, running=replace(spec.running, expose=made))


def _way(spec: ServerSpec) -> str:
    return reaching.way_of(spec.running.expose) if spec.running.expose is not None else ""


def _fitted(spec: ServerSpec, expose: ExposeSpec, choice: Choice) -> ServerSpec:
    """Return the spec with one offer.

    Raises:
        InputError: its controller cannot do what the options ask for.
    """
    made = decided(expose, choice, spec.name, spec.namespace)
    running = spec.running
    reaching.reach_from_params({"reach": running.reach}, running.service, made)
    return replace(spec, running=replace(running, expose=made))


def _look(client: KubeClient, spec: ServerSpec, expose: ExposeSpec, kept: Choice) -> Found:
    """Compare each offer of the cluster with the options."""
    found = Found()
    for choice in _offers(client, spec, expose, kept, found):
        try:
            fitted = _fitted(spec, expose, choice)
            # Warnings are for the one that is chosen, which is looked at once more.
            gateway.resolved(client, fitted, _silent)
        except (InputError, ForbiddenError) as error:
            found.reasons[str(choice)] = error.message
        else:
            found.fitting.append((choice, fitted))
    return found


def _silent(_text: str) -> None:
    """Say nothing."""


def _offers(
    client: KubeClient, spec: ServerSpec, expose: ExposeSpec, kept: Choice, found: Found
) -> Iterator[Choice]:
    """Yield what there is of the ways that the options leave open."""
    listener = any(side.listener for side in expose.sides.values())
    ways = {reaching.INGRESS, reaching.ROUTE, GATEWAY}
    if expose.gateway is not None or listener:
        ways = {GATEWAY}
    elif expose.class_name:
        ways = {reaching.INGRESS}
    elif spec.running.reach in ways:
        ways = {spec.running.reach}
    routes = reaching.ROUTE in ways and client.serves(kinds.ROUTE[0])
    if routes:
        yield Choice(OPENSHIFT, why="the cluster serves Routes")
    if reaching.INGRESS in ways:
        yield from _ingresses(client, expose, kept, found, routes=routes)
    if GATEWAY in ways:
        yield from _gateways(client, spec, expose, found)


def _ingresses(
    client: KubeClient, expose: ExposeSpec, kept: Choice, found: Found, *, routes: bool
) -> Iterator[Choice]:
    """Yield the named class; else the default one and the kept one, or all where none is."""
    there = live.list_if_allowed(client, *kinds.INGRESS_CLASS)
    if there is None:
        found.unseen.append("list ingressclasses.networking.k8s.io")
        return
    if expose.class_name:
        named = [item for item in there if item["metadata"]["name"] == expose.class_name]
        if not named:
            names = ", ".join(sorted(str(item["metadata"]["name"]) for item in there))
            found.reasons[f"IngressClass {expose.class_name}"] = (
                f"the cluster has no such class (it has {names or 'none'})"
            )
        yield from (_of_class(item, "it is named") for item in named)
        return
    usable = [item for item in there if not (routes and classes.text_of(item) == _OF_ROUTES)]
    default = [item for item in usable if classes.is_default(item)]
    for item in usable:
        if item in default:
            yield _of_class(item, "it is the cluster's default")
        elif not default or item["metadata"]["name"] == kept.class_name:
            yield _of_class(item, "the cluster has it")
    # Contour serves Ingresses without a class, too, and often comes without an IngressClass.
    with_class = any(classes.kind_of(item) == CONTOUR for item in there)
    bare = kept.told == Choice(CONTOUR).told
    if (bare or not (default or with_class)) and client.serves(kinds.HTTP_PROXY[0]):
        yield Choice(CONTOUR, why="the cluster serves HTTPProxies, which are Contour's")


def _of_class(item: Mapping[str, Any], what: str) -> Choice:
    name, text = str(item["metadata"]["name"]), classes.text_of(item)
    known = classes.kind_of(item) or OTHER
    why = f"IngressClass {name} is of {text}, and {what}"
    if known == OTHER:
        why += "; no annotations are known for it"
    return Choice(known, class_name=name, why=why)


def _gateways(
    client: KubeClient, spec: ServerSpec, expose: ExposeSpec, found: Found
) -> Iterator[Choice]:
    """Yield the named Gateway, or all that there are."""
    named = expose.gateway
    if named is not None:
        place = (named.namespace, named.name)
        yield Choice(GATEWAY, gateway=place, why=f"{named.subject} is named")
        return
    wanted = [kinds.GATEWAY, *(kinds.ROUTE_OF[name] for name in expose.sides)]
    missing = [kind for kind in wanted if not _is_served(client, kind, spec.namespace)]
    if missing:
        names = ", ".join(kind for _version, kind in missing)
        found.reasons["Gateway API"] = f"the cluster has no {names} in v1"
        return
    there = live.list_if_allowed(client, *kinds.GATEWAY)
    if there is None:
        found.unseen.append("list gateways.gateway.networking.k8s.io")
        return
    for item in there:
        metadata = item["metadata"]
        place = (str(metadata["namespace"]), str(metadata["name"]))
        yield Choice(
            GATEWAY, gateway=place, why=f"Gateway {'/'.join(place)} lets clients of the hosts in"
        )


def _is_served(client: KubeClient, kind: kinds.Kind, namespace: str) -> bool:
    try:
        client.list(*kind, namespace)
    except ForbiddenError:
        return True
    except ApiError as error:
        live.refuse_unserved(error, kind[1], needed=False)
        return False
    return True


def _none(found: Found) -> InputError:
    told = "; ".join(f"{name}: {why}" for name, why in found.reasons.items())
    return InputError(
        f"the cluster offers no way in that fits: {told or 'no IngressClass, Route or Gateway'}",
        option=OPTION,
        hint="Have a controller installed, change what does not fit, or name the controller",
    )


def _several(found: Found) -> InputError:
    told = "; ".join(f"{choice} ({choice.why})" for choice, _spec in found.fitting)
    return InputError(
        f"the cluster offers more than one way in: {told}",
        option=OPTION,
        hint="Set one of them",
    )
