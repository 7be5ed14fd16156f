# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.objects."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.openvino.edge.plugins.module_utils.entry import merge_specs
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError, WaitError
from ansible_collections.openvino.edge.plugins.module_utils.kube.apply import (
    Change,
    apply_objects,
    delete_objects,
    render_diff,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.args import (
    AUTH_ARGUMENT_SPEC,
    WAIT_ARGUMENT_SPEC,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Params, Result, Runtime

ARGUMENT_SPEC: Dict[str, Any] = merge_specs(
    AUTH_ARGUMENT_SPEC,
    WAIT_ARGUMENT_SPEC,
    {
        "definitions": {"type": "list", "elements": "dict", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    },
)
SPEC_RULES: Dict[str, Any] = {}

LOOK_AGAIN = 0.5
"""Seconds between two looks at an object that is being deleted."""


def run(params: Params, runtime: Runtime) -> Result:
    """Apply or delete the objects, in their order or, to delete, from the last to the first.

    Raises:
        InputError: an object without apiVersion, kind or name.
        WaitError: an object is still there after C(wait_timeout) seconds.
    """
    definitions: Sequence[Mapping[str, Any]] = params["definitions"]
    for position, definition in enumerate(definitions):
        check_definition(definition, f"definitions[{position}]")
    with KubeClient.from_params(params) as client:
        if params["state"] == "present":
            changes = apply_objects(client, definitions, check_mode=runtime.check_mode)
        else:
            backwards = list(reversed(definitions))
            changes = delete_objects(client, backwards, check_mode=runtime.check_mode)
            if params["wait"] and not runtime.check_mode:
                _wait_gone(client, backwards, params["wait_timeout"])
    return _result(changes, runtime)


def check_definition(definition: Mapping[str, Any], option: str) -> None:
    """Refuse what no API server could take.

    Raises:
        InputError: names the field that is missing.
    """
    metadata = definition.get("metadata")
    fields = {
        "apiVersion": definition.get("apiVersion"),
        "kind": definition.get("kind"),
        "metadata.name": metadata.get("name") if isinstance(metadata, Mapping) else None,
    }
    for field, value in fields.items():
        if not isinstance(value, str) or not value:
            raise InputError(f"{field} is missing or no text", option=option)


def _wait_gone(
    client: KubeClient, definitions: Sequence[Mapping[str, Any]], timeout: float
) -> None:
    end = time.monotonic() + timeout
    for item in definitions:
        name, namespace = item["metadata"]["name"], item["metadata"].get("namespace")
        while client.get(item["apiVersion"], item["kind"], name, namespace) is not None:
            if time.monotonic() > end:
                raise WaitError(
                    f"it is still there after {timeout:g} s",
                    subject=f"{item['kind']} {name}",
                    hint="Look at its finalizers and at what is left inside",
                    details={"changed": True},
                )
            time.sleep(LOOK_AGAIN)


def _result(changes: Sequence[Change], runtime: Runtime) -> Result:
    rows: List[Dict[str, Any]] = [
        {
            "kind": change.kind,
            "name": change.name,
            "namespace": change.namespace,
            "action": change.action,
        }
        for change in changes
    ]
    result: Result = {"changed": any(change.changed for change in changes), "objects": rows}
    if runtime.diff:
        result["diff"] = render_diff(changes)
    return result
