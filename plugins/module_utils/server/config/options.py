# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a configuration besides its models, and a user's own configuration. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ...errors import InputError
from ...store import SERVING_MOUNT_PATH
from .. import values
from .lint_pipelines import CUSTOM_NODE, MODEL_NODE
from .models import relative_path

NODE_OPTIONS: Dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "type": {"type": "str", "choices": [MODEL_NODE, CUSTOM_NODE]},
    "model_name": {"type": "str"},
    "version": {"type": "int"},
    "library_name": {"type": "str"},
    "params": {"type": "dict", "default": {}},
    "inputs": {"type": "list", "elements": "dict", "required": True},
    "outputs": {"type": "list", "elements": "dict", "required": True},
    "demultiply_count": {"type": "int"},
    "gather_from_node": {"type": "str"},
}
# What model_config takes as well: options from which a configuration is rendered.
RENDER_OPTIONS: Dict[str, Any] = {
    "pipelines": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "inputs": {"type": "list", "elements": "str", "required": True},
            "outputs": {"type": "list", "elements": "dict", "required": True},
            "nodes": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": NODE_OPTIONS,
            },
            "demultiply_count": {"type": "int"},
        },
    },
    "custom_node_libraries": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "base_path": {"type": "str", "required": True},
        },
    },
    "monitoring": {
        "type": "dict",
        "options": {
            "enable": {"type": "bool", "default": True},
            "metrics_list": {"type": "list", "elements": "str", "default": []},
        },
    },
    "ovms_version": {"type": "str"},
}
CONFIG_OPTIONS: Dict[str, Any] = {
    **RENDER_OPTIONS,
    "config_map": {"type": "str"},
    "config_path": {"type": "str"},
}
CONFIG_SOURCES = ("models", "config_map", "config_path")
METRICS_FLAGS = ("--metrics_enable", "--metrics_list")


@dataclass(frozen=True)
class ConfigSpec:
    """The parts of a configuration besides models, or the location of a user's own one.

    Attributes:
        pipelines: entries of C(pipeline_config_list), by name.
        libraries: name and path of custom node libraries, by name.
        monitoring: the C(metrics) section; None: not written.
        config_map: name of the user's own ConfigMap; empty: none.
        config_path: the user's own file on the store, as the server sees it; empty: none.
    """

    pipelines: Tuple[Mapping[str, Any], ...] = ()
    libraries: Tuple[Tuple[str, str], ...] = ()
    monitoring: Optional[Mapping[str, Any]] = None
    config_map: str = ""
    config_path: str = ""

    @property
    def own(self) -> bool:
        """Tell whether the configuration is the user's own file or ConfigMap."""
        return bool(self.config_map or self.config_path)


def config_from_params(params: Mapping[str, Any]) -> ConfigSpec:
    """Return the checked description of all that is not a model.

    Raises:
        InputError: the first invalid value.
    """
    name = params.get("config_map") or ""
    return ConfigSpec(
        pipelines=_pipelines(params.get("pipelines") or ()),
        libraries=_libraries(params.get("custom_node_libraries") or ()),
        monitoring=_monitoring(params.get("monitoring")),
        config_map=values.subdomain(name, "config_map") if name else "",
        config_path=_own_path(params.get("config_path") or ""),
    )


def metrics_flags(args: Sequence[str]) -> Tuple[str, ...]:
    """Return the flags among arguments that set metrics."""
    return tuple(arg.split("=", 1)[0] for arg in args if arg.split("=", 1)[0] in METRICS_FLAGS)


def _pipelines(items: Sequence[Mapping[str, Any]]) -> Tuple[Mapping[str, Any], ...]:
    made = [
        {**_given(item), "nodes": [_node(node) for node in item.get("nodes") or ()]}
        for item in items
    ]
    return tuple(sorted(made, key=lambda item: str(item["name"])))


def _node(node: Mapping[str, Any]) -> Dict[str, Any]:
    made = _given(node)
    params = made.pop("params", None) or {}
    if params:
        made["params"] = {str(key): values.text_value(item) for key, item in params.items()}
    # One that is given, as in a configuration that was pasted, has to fit: the lint sees to that.
    made.setdefault("type", CUSTOM_NODE if made.get("library_name") else MODEL_NODE)
    return made


def _given(item: Mapping[str, Any]) -> Dict[str, Any]:
    return {key: value for key, value in item.items() if value is not None}


def _libraries(items: Sequence[Mapping[str, Any]]) -> Tuple[Tuple[str, str], ...]:
    found: List[Tuple[str, str]] = []
    for index, item in enumerate(items):
        option = f"custom_node_libraries[{index}]"
        if item["name"] in dict(found):
            message = f"'{item['name']}' is there twice"
            raise InputError(message, option=f"{option}.name", hint="Use each name once")
        path = str(item["base_path"])
        if not path.startswith("/"):
            path = _in_store(path, f"{option}.base_path")
        found.append((str(item["name"]), path))
    return tuple(sorted(found))


def _monitoring(value: Optional[Mapping[str, Any]]) -> Optional[Mapping[str, Any]]:
    if value is None:
        return None
    metrics: Dict[str, Any] = {"enable": value.get("enable") is not False}
    names = list(value.get("metrics_list") or ())
    if names and not metrics["enable"]:
        raise InputError(
            "it does nothing without enable",
            option="monitoring.metrics_list",
            hint="Set enable, or leave the list out",
        )
    if names:
        metrics["metrics_list"] = names
    return metrics


def _own_path(value: str) -> str:
    prefix = f"{SERVING_MOUNT_PATH}/"
    if not value:
        return ""
    tail = value[len(prefix) :] if value.startswith(prefix) else value
    return _in_store(tail, "config_path")


def _in_store(path: str, option: str) -> str:
    tail = relative_path(path, option)
    if not tail:
        raise InputError("a file is needed", option=option, hint="Write its path in the store")
    return f"{SERVING_MOUNT_PATH}/{tail}"
