# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables whose values the kubelet puts in: of Secrets, ConfigMaps and the pod itself. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.server import values

# k8s.io/api core/v1, EnvVarSource: what each kind of source needs, and what it may have.
_SOURCES: Mapping[str, Tuple[Tuple[str, ...], Tuple[str, ...]]] = {
    "secretKeyRef": (("name", "key"), ("optional",)),
    "configMapKeyRef": (("name", "key"), ("optional",)),
    "fieldRef": (("fieldPath",), ("apiVersion",)),
    "resourceFieldRef": (("resource",), ("containerName", "divisor")),
}
_HINT = (
    "Write a text, or one of {secretKeyRef: {name: NAME, key: KEY}}, {configMapKeyRef: {name: NAME,"
    " key: KEY}}, {fieldRef: {fieldPath: PATH}} and {resourceFieldRef: {resource: NAME}}"
)

Part = Dict[str, Any]


def texts_of(given: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the variables of the option C(env) that have a value of their own."""
    return {key: value for key, value in given.items() if not isinstance(value, Mapping)}


def references_of(given: Mapping[str, Any]) -> Dict[str, Part]:
    """Return the others, each as C(valueFrom) wants it.

    Raises:
        InputError: it is no source, or lacks something.
    """
    found = {key: value for key, value in given.items() if isinstance(value, Mapping)}
    values.env(dict.fromkeys(found, ""))
    return {str(key): _source(value, f"env.{key}") for key, value in found.items()}


def _source(value: Mapping[str, Any], option: str) -> Part:
    """Return a source, whether C(valueFrom) is written around it or not."""
    inner = value["valueFrom"] if list(value) == ["valueFrom"] else value
    if not isinstance(inner, Mapping) or len(inner) != 1 or next(iter(inner)) not in _SOURCES:
        raise InputError("it is neither a value nor a source of one", option=option, hint=_HINT)
    ((kind, fields),) = inner.items()
    needed, more = _SOURCES[kind]
    if not isinstance(fields, Mapping):
        raise InputError("a mapping is needed", option=f"{option}.{kind}", hint=_HINT)
    for key in needed:
        if not fields.get(key):
            raise InputError("it is missing", option=f"{option}.{kind}.{key}", hint=_HINT)
    for key in fields:
        if key not in (*needed, *more):
            hint = f"It has {', '.join((*needed, *more))}"
            message = f"a {kind} has no such field"
            raise InputError(message, option=f"{option}.{kind}.{key}", hint=hint)
    return {kind: dict(fields)}


def entries(references: Mapping[str, Mapping[str, Any]]) -> List[Part]:
    """Return C(env) of the container for them, by name."""
    return [{"name": key, "valueFrom": dict(references[key])} for key in sorted(references)]
