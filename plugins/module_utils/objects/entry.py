# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.objects."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping, Sequence

from ..entry import merge_specs
from ..errors import ForbiddenError, InputError, WaitError
from ..kube.apply import CREATED, Change, apply_objects, render_diff
from ..kube.auth.options import AUTH_ARGUMENT_SPEC, WAIT_ARGUMENT_SPEC
from ..kube.client import KubeClient
from ..kube.ownership import HOLDERS, NAMESPACE
from ..kube.planned import as_defined
from ..kube.types import Access
from ..runtime import Params, Result, Runtime
from .removal import remove

ARGUMENT_SPEC: Dict[str, Any] = merge_specs(
    AUTH_ARGUMENT_SPEC,
    WAIT_ARGUMENT_SPEC,
    {
        "definitions": {"type": "list", "elements": "dict", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "force": {"type": "bool", "default": False},
        "keep_foreign": {"type": "bool", "default": False},
    },
)
SPEC_RULES: Dict[str, Any] = {}

LOOK_AGAIN = 0.5
"""Seconds between two looks at an object that is being deleted."""


def run(params: Params, runtime: Runtime) -> Result:
    """Apply the objects in their order, or delete them in the reverse order.

    Raises:
        InputError: an object has no apiVersion, kind or name, or it holds other people's data.
        ForbiddenError: the account may not create it; in check mode also in a new namespace.
        WaitError: an object is still there after C(wait_timeout) seconds.
    """
    definitions: Sequence[Mapping[str, Any]] = params["definitions"]
    for position, definition in enumerate(definitions):
        check_definition(definition, f"definitions[{position}]")
    with KubeClient.from_params(params) as client:
        if params["state"] == "present":
            changes = apply_objects(client, definitions, check_mode=runtime.check_mode)
            if runtime.check_mode:
                _check_rights(client, definitions, changes)
        else:
            changes, gone = remove(
                client,
                list(reversed(definitions)),
                runtime,
                force=params["force"],
                keep_foreign=params["keep_foreign"],
            )
            if params["wait"] and not runtime.check_mode:
                _wait_gone(client, gone, params["wait_timeout"])
    return _result(changes, runtime)


def check_definition(definition: Mapping[str, Any], option: str) -> None:
    """Refuse an object without the fields that every API server requires.

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


def _check_rights(
    client: KubeClient, definitions: Sequence[Mapping[str, Any]], changes: Sequence[Change]
) -> None:
    """Refuse objects in new namespaces that a run could not create: no dry run can tell that.

    Raises:
        ForbiddenError: names every missing right.
    """
    new = {item.name for item in changes if item.kind == NAMESPACE and item.action == CREATED}
    wanted: List[Access] = []
    for item in definitions:
        namespace = item["metadata"].get("namespace")
        if namespace in new:
            kind = client.resource(item["apiVersion"], item["kind"])
            wanted += [
                Access(verb, kind.group, kind.plural, namespace=namespace)
                for verb in ("get", "create", "patch")
            ]
    missing = client.denied(wanted)
    if missing:
        names = [str(access) for access in missing]
        raise ForbiddenError(
            "the account may not: " + "; ".join(names),
            subject=client.server,
            hint="Grant these rights, or let an administrator run this task once",
            details={"missing": names},
        )


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
    if runtime.check_mode:
        result["planned_objects"] = [
            as_defined(change.after)
            for change in changes
            if change.after and change.action == CREATED and change.kind in HOLDERS
        ]
    if runtime.diff:
        result["diff"] = render_diff(changes)
    return result
