# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.device_info."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ..entry import merge_specs
from ..errors import ForbiddenError, InputError, WaitError
from ..kube.auth.options import AUTH_ARGUMENT_SPEC, WAIT_ARGUMENT_SPEC
from ..kube.client import KubeClient
from ..kube.follow import Source
from ..kube.health.devices import (
    KNOWN_RESOURCES,
    device_labels,
    is_open,
    is_ready,
    name_of,
    offer_of,
)
from ..kube.types import Access
from ..kube.wait import wait_for
from ..runtime import Params, Result, Runtime
from .readiness import Wanted, chosen, judge

ARGUMENT_SPEC: Dict[str, Any] = merge_specs(
    AUTH_ARGUMENT_SPEC,
    WAIT_ARGUMENT_SPEC,
    {
        "wait": {"type": "bool", "default": False},
        "resources": {"type": "list", "elements": "str", "default": list(KNOWN_RESOURCES)},
        "node_selector": {"type": "dict", "default": {}},
        "nodes": {"type": "list", "elements": "str", "default": []},
        "count": {"type": "int", "default": 1},
        "plugin": {
            "type": "dict",
            "options": {
                "namespace": {"type": "str", "required": True},
                "labels": {"type": "dict", "required": True},
            },
        },
    },
)
SPEC_RULES: Dict[str, Any] = {}

Object = Dict[str, Any]


def required_access(params: Params) -> List[Access]:
    """Return the rights that C(run) needs; the right to list pods is optional."""
    verbs = ("list", "watch") if params["wait"] else ("list",)
    return [Access(verb, "", "nodes") for verb in verbs]


def run(params: Params, runtime: Runtime) -> Result:
    """Return the devices of each node, after waiting for them if that is asked for.

    Raises:
        InputError: a node that the cluster does not have.
        WaitError: a node does not offer what is wanted in time; C(details.nodes) tells all.
    """
    wanted = wanted_from(params)
    begun = time.monotonic()
    with KubeClient.from_params(params) as client:
        nodes = client.list("v1", "Node")[0]
        refuse_unknown(wanted, nodes)
        if params["wait"]:
            try:
                nodes = _wait(client, wanted, float(params["wait_timeout"]), runtime)
            except WaitError as error:
                found = client.list("v1", "Node")[0]
                error.details["nodes"] = describe(wanted, found, _pods(client))
                raise
        rows = describe(wanted, nodes, _pods(client))
    return {
        "changed": False,
        "nodes": rows,
        "offered": totals(rows, wanted.resources),
        "seconds": round(time.monotonic() - begun, 3),
    }


def wanted_from(params: Params) -> Wanted:
    """Return what is looked for.

    Raises:
        InputError: no resource is given, or the count is invalid.
    """
    if not params["resources"]:
        raise InputError("no resource is named", option="resources")
    if params["count"] < 1:
        raise InputError(f"{params['count']} is less than 1", option="count")
    plugin = params.get("plugin") or {}
    return Wanted(
        tuple(params["resources"]),
        int(params["count"]),
        _texts(params["node_selector"]),
        tuple(params["nodes"]),
        plugin.get("namespace"),
        _texts(plugin.get("labels") or {}),
    )


def _texts(labels: Mapping[str, Any]) -> Dict[str, str]:
    """Labels are text, also when YAML has read C(true) as something else."""
    return {
        str(key): str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in labels.items()
    }


def refuse_unknown(wanted: Wanted, nodes: Sequence[Object]) -> None:
    """Refuse names of nodes that are not there.

    Raises:
        InputError: names the nodes that are.
    """
    names = sorted(map(name_of, nodes))
    for node in wanted.nodes:
        if node not in names:
            raise InputError(
                "the cluster has no such node",
                option="nodes",
                subject=f"Node {node}",
                hint=f"Its nodes are {', '.join(names)}",
            )


def _wait(client: KubeClient, wanted: Wanted, timeout: float, runtime: Runtime) -> List[Object]:
    """Return the nodes once each chosen one offers enough."""
    sources = [Source("v1", "Node")]
    if wanted.plugin_namespace:
        place = wanted.plugin_namespace
        labels = ",".join(f"{key}={value}" for key, value in sorted(wanted.plugin_labels.items()))
        sources.append(Source("v1", "Pod", place, labels, optional=True))
        sources.append(Source("v1", "Event", place, optional=True))
    nodes: List[Object] = wait_for(
        client,
        sources,
        lambda snapshot: judge(wanted, snapshot),
        timeout,
        what=f"devices of {client.server}",
        progress=runtime.progress,
    )
    return nodes


def _pods(client: KubeClient) -> Optional[List[Object]]:
    """Return all pods, None when the account may not see them."""
    try:
        return client.list("v1", "Pod")[0]
    except ForbiddenError:
        return None


def describe(
    wanted: Wanted, nodes: Sequence[Object], pods: Optional[Sequence[Object]]
) -> List[Dict[str, Any]]:
    """Return the chosen nodes as a result shows them, by name."""
    rows = []
    for node in sorted(chosen(wanted, nodes), key=name_of):
        offers = [offer_of(node, resource, pods) for resource in wanted.resources]
        rows.append(
            {
                "name": name_of(node),
                "ready": is_ready(node),
                "schedulable": is_open(node),
                "labels": device_labels(node),
                "resources": {item.resource: item.as_dict() for item in offers if item.known},
                "holders": [
                    {
                        "namespace": holder.namespace,
                        "pod": holder.pod,
                        "resource": item.resource,
                        "count": holder.amount,
                    }
                    for item in offers
                    for holder in item.holders or ()
                ],
            }
        )
    return rows


def totals(rows: Sequence[Mapping[str, Any]], resources: Sequence[str]) -> Dict[str, int]:
    """Return how many healthy devices all nodes together offer."""
    return {
        resource: sum(row["resources"].get(resource, {}).get("allocatable", 0) for row in rows)
        for resource in resources
    }
