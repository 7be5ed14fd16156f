# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How one server is reached, as its options or its objects on the cluster tell it. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional

from ..config.generation import KSERVE_ONLY, Release, release_of
from ..config.render import served_names
from ..render.config import ENTRIES_ANNOTATION
from ..render.exposure.note import Note, note_of, read
from ..render.identity import Object
from ..render.kinds import recorded
from ..render.service import headless_name
from ..spec.running import CONTAINER
from ..spec.server import ServerSpec

_PORTS = ("rest", "grpc")


@dataclass(frozen=True)
class Reached:
    """How one server is reached.

    Attributes:
        service: name of its Service.
        namespace: of that.
        ports: of the Service, by interface.
        pod_ports: on which the pods listen, by interface.
        headless: name of the Service without an address; empty without.
        many: there can be more than one replica.
        model: a name that the server serves, for the calls; empty if it is not known.
        note: the rest.
        old: the server has the TensorFlow Serving API.
    """

    service: str
    namespace: str
    ports: Mapping[str, int]
    pod_ports: Mapping[str, int]
    headless: str = ""
    many: bool = False
    model: str = ""
    note: Note = Note()
    old: bool = False


def from_spec(
    spec: ServerSpec,
    service: str,
    ports: Mapping[str, int],
    pod_ports: Mapping[str, int],
    config: Optional[Mapping[str, Any]],
) -> Reached:
    """Return what the options tell.

    Args:
        spec: the server.
        service: name of its Service.
        ports: of that.
        pod_ports: of the pods.
        config: the configuration file; C(None) where there is none.
    """
    note, scaling = note_of(spec), spec.running.scaling
    if spec.config.own and config:  # Of a file that is not ours only the models are noted.
        config = {"model_config_list": config.get("model_config_list") or []}
    return Reached(
        service=service,
        namespace=spec.namespace,
        ports=ports,
        pod_ports=pod_ports,
        headless=headless_name(service) if spec.running.service.headless else "",
        many=scaling.per_node or scaling.autoscaling is not None or spec.replicas > 1,
        model=_model(config),
        note=note,
        old=_is_old(note.release or release_of(spec.image)),
    )


def from_objects(
    service: Object,
    headless: Optional[Object],
    workload: Optional[Object],
    config: Optional[Mapping[str, Any]],
) -> Reached:
    """Return what the objects of a server tell; a missing workload counts as one replica."""
    spec, note = service["spec"], read(service)
    if config is None:
        config = _noted(workload)
    ports = {item["name"]: int(item["port"]) for item in spec.get("ports") or ()}
    container = _container(workload)
    own = {
        str(item["name"]): int(item["containerPort"])
        for item in container.get("ports") or ()
        if item.get("name")
    }
    return Reached(
        service=service["metadata"]["name"],
        namespace=service["metadata"]["namespace"],
        ports={name: ports[name] for name in _PORTS if name in ports},
        pod_ports={name: own.get(name, ports[name]) for name in _PORTS if name in ports},
        headless="" if headless is None else headless["metadata"]["name"],
        many=_is_many(service, workload),
        model=_model(config),
        note=note,
        old=_is_old(note.release or release_of(str(container.get("image") or ""))),
    )


def _noted(workload: Optional[Object]) -> Optional[Dict[str, Any]]:
    """Return the models of a configuration that is not ours, as its workload notes them."""
    annotations = {} if workload is None else workload["metadata"].get("annotations") or {}
    try:
        found = json.loads(annotations.get(ENTRIES_ANNOTATION) or "{}")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _container(workload: Optional[Object]) -> Dict[str, Any]:
    if workload is None:
        return {}
    containers = workload["spec"]["template"]["spec"]["containers"]
    named = [item for item in containers if item.get("name") == CONTAINER]
    found: Dict[str, Any] = (named or containers)[0]
    return found


def _is_many(service: Object, workload: Optional[Object]) -> bool:
    if workload is None:
        return False
    if workload["kind"] == "DaemonSet" or "HorizontalPodAutoscaler" in recorded([service]):
        return True
    return int(workload["spec"].get("replicas", 1)) > 1


def _is_old(release: Optional[Release]) -> bool:
    return release is not None and release < KSERVE_ONLY


def _model(config: Optional[Mapping[str, Any]]) -> str:
    """Return the first name that a configuration serves; empty if that cannot be read."""
    try:
        return next(iter(served_names(config or {})), "")
    except (KeyError, TypeError, AttributeError):
        return ""
