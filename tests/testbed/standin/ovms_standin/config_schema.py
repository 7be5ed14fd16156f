# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schema OVMS checks config.json against (src/schema.cpp), per generation.

Only the JSON-schema words that the schema needs are understood. Definition names follow
upstream's, because they show in the error line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ovms_standin.knobs import Generation

Schema = Mapping[str, Any]

_STRING: Schema = {"type": "string"}
_BOOL: Schema = {"type": "boolean"}
_NAMES: Schema = {"type": "array", "items": _STRING}


def _closed(properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(required),
        "properties": dict(properties),
        "additionalProperties": False,
    }


def _integer(minimum: int, maximum: int | None = None) -> dict[str, Any]:
    limits = {} if maximum is None else {"maximum": maximum}
    return {"type": "integer", "minimum": minimum, **limits}


def _reference(definition: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{definition}"}


def _list_of(definition: str) -> dict[str, Any]:
    return {"type": "array", "items": _reference(definition)}


def _only(key: str, value: Schema) -> dict[str, Any]:
    """An object with that key and no other: what is too much is counted, not named."""
    return {
        "type": "object",
        "required": [key],
        "maxProperties": 1,
        "properties": {key: value},
    }


def _policy(name: str) -> dict[str, Any]:
    """One way to say which versions. Without a type: a text fits all of them, which is refused."""
    return {
        "maxProperties": 1,
        "properties": {name: _reference(f"{name}_version_policy")},
        "required": [name],
        "additionalProperties": False,
    }


_MODEL_KEYS: dict[str, Any] = {
    "name": _STRING,
    "base_path": _STRING,
    "graph_path": _STRING,
    "subconfig": _STRING,
    "batch_size": {"type": ["integer", "string"], "minimum": 0},
    "shape": _reference("layout_shape_def"),
    "layout": _reference("layout_shape_def"),
    "nireq": _integer(0),
    "target_device": _STRING,
    "allow_cache": _BOOL,
    "plugin_config": {
        "type": "object",
        "additionalProperties": {"anyOf": [_STRING, _BOOL, {"type": "number"}]},
    },
    "model_version_policy": _reference("model_version_policy"),
    "custom_loader_options": {
        "type": "object",
        "required": ["loader_name"],
        "properties": {"loader_name": _STRING},
        "minProperties": 1,
    },
}
_STATEFUL_KEYS: dict[str, Any] = {
    "stateful": _BOOL,
    "idle_sequence_cleanup": _BOOL,
    "low_latency_transformation": _BOOL,
    "max_sequence_number": _integer(0),
}
_SOURCE = _closed({"node_name": _STRING, "data_item": _STRING}, "node_name", "data_item")
_NODE_KEYS: dict[str, Any] = {
    "name": _STRING,
    "model_name": _STRING,
    "library_name": _STRING,
    "type": {"type": "string", "enum": ["DL model", "custom"]},
    "version": _integer(1),
    "inputs": _list_of("source_node"),
    "outputs": _list_of("output_alias"),
    "params": {"type": "object", "additionalProperties": _STRING},
    "demultiply_count": _integer(-1, 10000),
    "gather_from_node": _STRING,
}


def _node_config() -> dict[str, Any]:
    node = _closed(_NODE_KEYS, "name", "type", "inputs", "outputs")
    node["oneOf"] = [
        {
            "properties": {"type": {"enum": ["DL model"]}},
            "required": ["model_name"],
            "not": {"required": ["library_name"]},
        },
        {
            "properties": {"type": {"enum": ["custom"]}},
            "required": ["library_name"],
            "not": {"required": ["model_name"]},
        },
    ]
    return node


def _definitions(generation: Generation) -> dict[str, Any]:
    model_keys = dict(_MODEL_KEYS)
    if generation is Generation.TFS:
        model_keys.update(_STATEFUL_KEYS)
    return {
        "model_config": _only("config", _closed(model_keys, "name")),
        "layout_shape_def": {
            "oneOf": [{"type": "object", "additionalProperties": _STRING}, _STRING]
        },
        "all_version_policy": _closed({}),
        "specific_version_policy": _closed(
            {"versions": {"type": "array", "items": _integer(1)}}, "versions"
        ),
        "latest_version_policy": _closed({"num_versions": _integer(1)}, "num_versions"),
        "model_version_policy": {
            "oneOf": [_policy(name) for name in ("all", "specific", "latest")]
        },
        "source_node_names": _SOURCE,
        "source_node": {
            "type": "object",
            "additionalProperties": _reference("source_node_names"),
            "minProperties": 1,
            "maxProperties": 1,
        },
        "output_alias": _closed({"data_item": _STRING, "alias": _STRING}, "data_item", "alias"),
        "node_config": _node_config(),
        "pipeline_config": _closed(
            {
                "name": _STRING,
                "inputs": _NAMES,
                "nodes": _list_of("node_config"),
                "outputs": _list_of("source_node"),
                "demultiply_count": _integer(-1, 10000),
            },
            *("name", "nodes", "inputs", "outputs"),
        ),
        "custom_loader_config": _only(
            "config",
            _closed(
                dict.fromkeys(("loader_name", "library_path", "loader_config_file"), _STRING),
                *("loader_name", "library_path"),
            ),
        ),
        "custom_node_library_config": _closed(
            {"name": _STRING, "base_path": _STRING}, "name", "base_path"
        ),
        "mediapipe_config": _closed(
            dict.fromkeys(("name", "base_path", "graph_path", "subconfig"), _STRING), "name"
        ),
    }


def models_schema(generation: Generation) -> dict[str, Any]:
    """The whole schema of config.json."""
    top = _closed(
        {
            "custom_loader_config_list": _list_of("custom_loader_config"),
            "model_config_list": _list_of("model_config"),
            "pipeline_config_list": _list_of("pipeline_config"),
            "custom_node_library_config_list": _list_of("custom_node_library_config"),
            "mediapipe_config_list": _list_of("mediapipe_config"),
            "monitoring": _closed(
                {"metrics": _closed({"enable": _BOOL, "metrics_list": _NAMES}, "enable")},
                "metrics",
            ),
        },
        "model_config_list",
    )
    top["definitions"] = _definitions(generation)
    return top


@dataclass(frozen=True)
class Violation:
    """The first place where a document breaks the schema."""

    schema_path: str
    keyword: str
    document_path: str

    def text(self) -> str:
        """OVMS's log line."""
        return (
            f"JSON schema parse error:{self.schema_path}. "
            f"Keyword:{self.keyword} Key: {self.document_path}"
        )


_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}


def _is_type(value: Any, names: Any) -> bool:
    wanted = [names] if isinstance(names, str) else names
    return any(
        isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))
        for name in wanted
    )


class Validator:
    """Checks documents against one schema."""

    def __init__(self, schema: Schema) -> None:
        self._root = schema

    def first_violation(self, document: Any) -> Violation | None:
        """The first violation in document order, or None."""
        return next(self._walk(self._root, "#", document, "#"), None)

    def _walk(self, schema: Schema, where: str, value: Any, path: str) -> Iterator[Violation]:
        reference = schema.get("$ref")
        if reference is not None:
            definition = reference.rsplit("/", 1)[1]
            yield from self._walk(self._root["definitions"][definition], reference, value, path)
            return
        keyword = self._simple(schema, value)
        if keyword:
            yield Violation(where, keyword, path)
            return
        if isinstance(value, dict):
            yield from self._members(schema, where, value, path)
        if isinstance(value, list) and "items" in schema:
            for index, item in enumerate(value):
                yield from self._walk(schema["items"], where + "/items", item, f"{path}/{index}")
        yield from self._combined(schema, where, value, path)

    @staticmethod
    def _simple(schema: Schema, value: Any) -> str | None:
        if "type" in schema and not _is_type(value, schema["type"]):
            return "type"
        if "enum" in schema and value not in schema["enum"]:
            return "enum"
        if isinstance(value, int) and not isinstance(value, bool):
            if value < schema.get("minimum", value):
                return "minimum"
            if value > schema.get("maximum", value):
                return "maximum"
        return None

    def _members(
        self, schema: Schema, where: str, value: dict[str, Any], path: str
    ) -> Iterator[Violation]:
        properties = schema.get("properties", {})
        extra = schema.get("additionalProperties", True)
        for key, member in value.items():
            if key in properties:
                at = f"{where}/properties/{key}"
                yield from self._walk(properties[key], at, member, f"{path}/{key}")
            elif extra is False:
                yield Violation(where, "additionalProperties", f"{path}/{key}")
            elif extra is not True:
                at = where + "/additionalProperties"
                yield from self._walk(extra, at, member, f"{path}/{key}")
        if any(key not in value for key in schema.get("required", ())):
            yield Violation(where, "required", path)
        if len(value) < schema.get("minProperties", 0):
            yield Violation(where, "minProperties", path)
        if len(value) > schema.get("maxProperties", len(value)):
            yield Violation(where, "maxProperties", path)

    def _combined(self, schema: Schema, where: str, value: Any, path: str) -> Iterator[Violation]:
        for keyword, wanted in (("oneOf", {1}), ("anyOf", {1, 2, 3})):
            choices = schema.get(keyword, [])
            passed = [s for s in choices if not any(self._walk(s, where, value, path))]
            if choices and len(passed) not in wanted:
                yield Violation(where, keyword, path)
        if "not" in schema and not any(self._walk(schema["not"], where, value, path)):
            yield Violation(where, "not", path)
