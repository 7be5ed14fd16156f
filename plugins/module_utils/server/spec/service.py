# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a server's Services. Pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ...errors import InputError
from .. import values

POLICIES = ("Cluster", "Local")
AFFINITIES = ("None", "ClientIP")
SERVICE_ARGUMENT_SPEC: Dict[str, Any] = {
    "service": {
        "type": "dict",
        "options": {
            "annotations": {"type": "dict", "default": {}},
            "labels": {"type": "dict", "default": {}},
            "rest_node_port": {"type": "int"},
            "grpc_node_port": {"type": "int"},
            "address_timeout": {"type": "int", "default": 0},
            "load_balancer_class": {"type": "str"},
            "load_balancer_source_ranges": {"type": "list", "elements": "str", "default": []},
            "external_traffic_policy": {"type": "str", "choices": list(POLICIES)},
            "internal_traffic_policy": {"type": "str", "choices": list(POLICIES)},
            "session_affinity": {"type": "str", "choices": list(AFFINITIES)},
            "headless": {"type": "bool", "default": False},
        },
    },
}
# The label of the second Service, by which scrapers and lists can exclude it.
HEADLESS_LABEL = "openvino.edge/headless"
LOAD_BALANCER = "LoadBalancer"
_OUTSIDE = ("NodePort", LOAD_BALANCER)
# Options of the suboption, the field of the Service, and the types that have the field.
_FIELDS: Tuple[Tuple[str, str, Tuple[str, ...]], ...] = (
    ("load_balancer_class", "loadBalancerClass", (LOAD_BALANCER,)),
    ("load_balancer_source_ranges", "loadBalancerSourceRanges", (LOAD_BALANCER,)),
    ("external_traffic_policy", "externalTrafficPolicy", _OUTSIDE),
    ("internal_traffic_policy", "internalTrafficPolicy", ("ClusterIP", *_OUTSIDE)),
    ("session_affinity", "sessionAffinity", ("ClusterIP", *_OUTSIDE)),
)


@dataclass(frozen=True)
class ServiceOptions:
    """The fields of the Services besides type and ports.

    Attributes:
        annotations: of both Services.
        labels: of both Services.
        node_ports: by the name of the port.
        fields: of the spec, in the form of Kubernetes.
        headless: a second Service whose name gives the addresses of all pods.
        address_timeout: seconds to wait for a load balancer's address; 0: not at all.
    """

    annotations: Tuple[Tuple[str, str], ...] = ()
    labels: Tuple[Tuple[str, str], ...] = ()
    node_ports: Tuple[Tuple[str, int], ...] = ()
    fields: Tuple[Tuple[str, Any], ...] = ()
    headless: bool = False
    address_timeout: int = 0


def service_from_params(params: Mapping[str, Any]) -> ServiceOptions:
    """Return the checked options.

    Raises:
        InputError: a value that cannot be, or one that the type of Service does not have.
    """
    given = params.get("service") or {}
    if not given:
        return ServiceOptions()
    annotations = values.annotation_texts(given["annotations"], "service.annotations")
    labels = values.labels(given["labels"], "service.labels")
    _check_ranges(given["load_balancer_source_ranges"])
    return ServiceOptions(
        annotations=tuple(sorted(annotations.items())),
        labels=tuple(sorted(labels.items())),
        node_ports=_node_ports(given, params["service_type"]),
        fields=_fields(given, params["service_type"]),
        headless=bool(given["headless"]),
        address_timeout=_address_timeout(given, params["service_type"]),
    )


def _address_timeout(given: Mapping[str, Any], service_type: str) -> int:
    option, seconds = "service.address_timeout", given["address_timeout"]
    if seconds:
        _check_type(option, (LOAD_BALANCER,), service_type)
    return values.integer(seconds, option, 0, 86400)


def _check_type(option: str, types: Sequence[str], service_type: str) -> None:
    if service_type not in types:
        raise InputError(
            f"a Service of type {service_type} does not have it",
            option=option,
            hint=f"Set service_type to {' or '.join(types)}, or leave it out",
        )


def _node_ports(given: Mapping[str, Any], service_type: str) -> Tuple[Tuple[str, int], ...]:
    ports: Dict[str, int] = {}
    for name in ("grpc", "rest"):
        option = f"service.{name}_node_port"
        port = given.get(f"{name}_node_port")
        if port is None:
            continue
        _check_type(option, _OUTSIDE, service_type)
        if port in ports.values():
            raise InputError("the same port as grpc_node_port", option=option)
        ports[name] = values.integer(port, option, 1, 65535)
    return tuple(ports.items())


def _fields(given: Mapping[str, Any], service_type: str) -> Tuple[Tuple[str, Any], ...]:
    found: List[Tuple[str, Any]] = []
    for name, field, types in _FIELDS:
        if given.get(name):
            _check_type(f"service.{name}", types, service_type)
            found.append((field, given[name]))
    return tuple(found)


def _check_ranges(ranges: Sequence[str]) -> None:
    for index, text in enumerate(ranges):
        try:
            ipaddress.ip_network(text)
        except ValueError as error:
            option = f"service.load_balancer_source_ranges[{index}]"
            hint = "Write it like 10.0.0.0/8"
            raise InputError(
                f"'{text}' is not a network: {error}", option=option, hint=hint
            ) from error
