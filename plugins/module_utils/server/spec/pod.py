# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Further pod options: volumes, environment from objects, spread, priority, grace period. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ...errors import InputError
from .. import values

# OVMS drains gRPC for up to 5 s after SIGTERM (openvinotoolkit/model_server,
# src/grpcservermodule.cpp); the rest is for slow disks.
TERMINATION_GRACE_SECONDS = 30
# OVMS closes its sockets within 0.2 s of SIGTERM, and every kube-proxy and router has to hear first
# that the pod is leaving: seconds that it goes on serving meanwhile.
DRAIN_SECONDS = 5
POD_ARGUMENT_SPEC: Dict[str, Any] = {
    "drain_seconds": {"type": "int", "default": DRAIN_SECONDS},
    "termination_grace_period_seconds": {"type": "int", "default": TERMINATION_GRACE_SECONDS},
    "extra_volumes": {"type": "list", "elements": "dict", "default": []},
    "extra_volume_mounts": {"type": "list", "elements": "dict", "default": []},
    "env_from": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "config_map": {"type": "str"},
            "secret": {"type": "str", "no_log": False},
            "prefix": {"type": "str", "default": ""},
            "optional": {"type": "bool", "default": False},
        },
        "mutually_exclusive": [("config_map", "secret")],
        "required_one_of": [("config_map", "secret")],
    },
    "topology_spread_constraints": {"type": "list", "elements": "dict", "default": []},
    "priority_class": {"type": "str"},
}
# Volumes and mounts that the collection makes itself.
OWN_VOLUMES = ("models", "config", "tmp")
OWN_MOUNTS = ("/models", "/config", "/tmp")

Objects = Tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class PodExtras:
    """Fields of the pod beyond those that every server has, in the form of Kubernetes."""

    grace_seconds: int = TERMINATION_GRACE_SECONDS
    drain_seconds: int = DRAIN_SECONDS
    volumes: Objects = ()
    mounts: Objects = ()
    env_from: Objects = ()
    spread: Objects = ()
    priority_class: str = ""

    @property
    def host_path(self) -> bool:
        """Tell whether a volume is a directory of the node."""
        return any("hostPath" in volume for volume in self.volumes)


def pod_extras_from_params(params: Mapping[str, Any]) -> PodExtras:
    """Return the checked fields.

    Raises:
        InputError: a name or path that is taken, a mount without its volume.
    """
    grace = params["termination_grace_period_seconds"]
    volumes = _volumes(params["extra_volumes"])
    return PodExtras(
        grace_seconds=values.integer(grace, "termination_grace_period_seconds", 1, 86400),
        drain_seconds=values.integer(params["drain_seconds"], "drain_seconds", 0, 3600),
        volumes=volumes,
        mounts=_mounts(params["extra_volume_mounts"], [str(item["name"]) for item in volumes]),
        env_from=tuple(
            _env_from(item, f"env_from[{index}]") for index, item in enumerate(params["env_from"])
        ),
        spread=_spread(params["topology_spread_constraints"]),
        priority_class=_name(params.get("priority_class"), "priority_class"),
    )


def _name(value: Any, option: str) -> str:
    return values.subdomain(str(value), option) if value else ""


def _volumes(items: Sequence[Mapping[str, Any]]) -> Objects:
    seen = dict.fromkeys(OWN_VOLUMES, "the collection")
    for index, item in enumerate(values.mappings(items, "extra_volumes")):
        option = f"extra_volumes[{index}]"
        name = str(item.get("name") or "")
        if not name or len(item) != 2:
            hint = "Write it as in a Pod: a name, and the source by its type"
            raise InputError("a volume has a name and one source", option=option, hint=hint)
        if name in seen:
            hint = "Choose another name"
            raise InputError(f"'{name}' is a volume of {seen[name]}", option=option, hint=hint)
        seen[name] = option
    return tuple(items)


def _mounts(items: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Objects:
    paths = dict.fromkeys(OWN_MOUNTS, "the collection")
    for index, item in enumerate(values.mappings(items, "extra_volume_mounts")):
        option = f"extra_volume_mounts[{index}]"
        path = "/" + str(item.get("mountPath") or "").strip("/")
        if item.get("name") not in (*names, *OWN_VOLUMES):
            known = ", ".join((*names, *OWN_VOLUMES))
            hint = f"Name one of extra_volumes, or {known}" if names else f"Name one of {known}"
            raise InputError(f"there is no volume '{item.get('name')}'", option=option, hint=hint)
        if not str(item.get("mountPath") or "").startswith("/"):
            raise InputError("mountPath has to be an absolute path", option=option)
        if path in paths:
            raise InputError(f"{path} is mounted by {paths[path]}", option=option)
        paths[path] = option
    return tuple(items)


def _env_from(item: Mapping[str, Any], option: str) -> Dict[str, Any]:
    kind = "config_map" if item.get("config_map") else "secret"
    name = values.subdomain(str(item.get(kind) or ""), f"{option}.{kind}")
    source: Dict[str, Any] = {"name": name}
    if item.get("optional"):
        source["optional"] = True
    rendered: Dict[str, Any] = {"configMapRef" if kind == "config_map" else "secretRef": source}
    if item.get("prefix"):
        rendered["prefix"] = item["prefix"]
    return rendered


def _spread(items: Sequence[Mapping[str, Any]]) -> Objects:
    for index, item in enumerate(values.mappings(items, "topology_spread_constraints")):
        lacking = [
            key for key in ("maxSkew", "topologyKey", "whenUnsatisfiable") if key not in item
        ]
        if lacking:
            option = f"topology_spread_constraints[{index}]"
            raise InputError(f"{', '.join(lacking)} is needed", option=option)
    return tuple(items)


def spread_constraints(extras: PodExtras, selector: Mapping[str, str]) -> List[Dict[str, Any]]:
    """Return the constraints; one without a selector counts the pods of this server."""
    default = {"labelSelector": {"matchLabels": dict(selector)}}
    return [{**default, **item} for item in extras.spread]
