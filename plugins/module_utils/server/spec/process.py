# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options for additional arguments and variables of the OVMS process. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ...errors import InputError
from .. import values
from ..config.generation import KSERVE_ONLY, UNKNOWN, Generation

# Flags that the collection sets from options, with that option; they may not be given twice.
OWN_FLAGS = {
    "--config_path": "models",
    "--port": "grpc_port",
    "--rest_port": "rest_port",
    "--log_level": "log_level",
    "--file_system_poll_wait_seconds": "file_system_poll_wait_seconds",
}
# With --config_path the process ends itself: "Model parameters in CLI are exclusive with the
# config file" (openvinotoolkit/model_server, src/config.cpp).
MODEL_FLAGS = (
    "--model_name",
    "--model_path",
    "--batch_size",
    "--shape",
    "--layout",
    "--nireq",
    "--target_device",
    "--plugin_config",
    "--model_version_policy",
)
# Removed in OVMS 2026.3; later processes end with exit code 64 (src/cli_parser.cpp).
REMOVED_FLAGS = (
    "--stateful",
    "--idle_sequence_cleanup",
    "--low_latency_transformation",
    "--max_sequence_number",
    "--sequence_cleaner_poll_wait_minutes",
)


def extra_args(values: Sequence[str], generation: Generation = UNKNOWN) -> Tuple[str, ...]:
    """Return the arguments, or say which one cannot be used and what to use instead.

    Raises:
        InputError: a flag that we set ourselves, that excludes C(--config_path), or that newer
            OVMS releases refuse.
    """
    for index, value in enumerate(values):
        flag = value.split("=", 1)[0]
        option = f"extra_args[{index}]"
        if flag in OWN_FLAGS:
            hint = f"Use the option {OWN_FLAGS[flag]}"
            raise InputError(f"{flag} is set by the collection", option=option, hint=hint)
        if flag in MODEL_FLAGS:
            raise InputError(
                f"the server refuses {flag} together with a configuration file",
                option=option,
                hint="Use the options of models",
            )
        if flag in REMOVED_FLAGS and not generation.before(KSERVE_ONLY):
            raise InputError(
                f"{flag} was removed in OVMS 2026.3 and ends newer servers with exit code 64",
                option=option,
                hint="Leave it out, or tell an older release in ovms_version",
            )
    return tuple(values)


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
