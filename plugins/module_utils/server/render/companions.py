# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the objects and template parts for the options of security and proxies. Pure."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping

from ...store import HostPathStore
from ..spec import overrides
from ..spec.server import ServerSpec
from . import egress, scc, security

Part = Dict[str, Any]


def account_name(spec: ServerSpec) -> str:
    """Return the name of the pods' ServiceAccount: the given one, else the collection's own."""
    return spec.security.service_account or spec.name


def pod_annotations(spec: ServerSpec) -> Dict[str, str]:
    """Return the annotations of the pods."""
    found = egress.pod_annotations(spec.name, spec.outgoing)
    asked = spec.security.scc
    if asked is not None and (asked.name or asked.create):
        found[scc.REQUIRED_ANNOTATION] = constraint(spec)
    return found


def host_path(spec: ServerSpec) -> bool:
    """Tell whether the pods mount a directory of the node, by whatever option."""
    own = isinstance(spec.store, HostPathStore) or spec.running.pod.host_path
    return own or overrides.host_path(spec.running.overrides)


def constraint(spec: ServerSpec) -> str:
    """Return the constraint that the server is to use."""
    return scc.pick(spec.security, host_path=host_path(spec))


def objects(
    spec: ServerSpec, metadata: Callable[[str], Part], selector: Mapping[str, str]
) -> List[Part]:
    """Return the objects beside the usual ones.

    Args:
        spec: the server.
        metadata: makes the metadata of an object of a name.
        selector: labels of the pods.
    """
    ca, proxies = spec.outgoing.ca, spec.outgoing.proxies
    found: List[Part] = []
    secret = egress.secret(metadata(egress.secret_name(spec.name)), proxies)
    if secret is not None:
        found.append(secret)
    if ca is not None:
        name = egress.ca_config_map_name(spec.name, ca)
        config_map = egress.ca_config_map(metadata(name), ca)
        found += [config_map] if config_map is not None else []
    asked, bound = spec.security.network_policy, spec.security.scc
    if asked is not None:
        ports = (spec.grpc_port, spec.rest_port)
        found.append(security.network_policy(metadata(spec.name), selector, asked, ports))
    if bound is not None and bound.bind:
        role = scc.role_name(spec.security, constraint(spec))
        found.append(scc.binding(metadata(f"{spec.name}-scc"), account_name(spec), role))
    return found
