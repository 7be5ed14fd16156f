# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""config.json as the schema of src/schema.cpp takes or refuses it."""

from __future__ import annotations

from typing import Any

import pytest
from ovms_standin.config_schema import Validator, models_schema
from ovms_standin.knobs import Generation

MODEL = {"name": "m", "base_path": "/models/m"}
NODE = {
    "name": "n",
    "type": "DL model",
    "model_name": "m",
    "inputs": [{"in": {"node_name": "request", "data_item": "x"}}],
    "outputs": [{"data_item": "out", "alias": "y"}],
}
SOURCE = {"node_name": "request", "data_item": "x"}
TWO_INPUTS = {**NODE, "inputs": [{"in": SOURCE, "other": SOURCE}]}
PIPELINE = {
    "name": "p",
    "inputs": ["x"],
    "nodes": [NODE],
    "outputs": [{"y": {"node_name": "n", "data_item": "y"}}],
}


def one(**changes: Any) -> dict[str, Any]:
    """A document with one model, changed."""
    return {"model_config_list": [{"config": {**MODEL, **changes}}]}


def first(document: Any, generation: Generation = Generation.KSERVE) -> str | None:
    """`keyword key` of the first violation."""
    found = Validator(models_schema(generation)).first_violation(document)
    return f"{found.keyword} {found.document_path}" if found else None


@pytest.mark.parametrize(
    "document",
    [
        {"model_config_list": []},
        one(),
        one(batch_size="auto", nireq=0, target_device="CPU", allow_cache=True),
        one(batch_size=16),
        one(shape="(1,3,224,224)", layout={"input": "NHWC:NCHW"}),
        one(plugin_config={"NUM_STREAMS": 2, "PERFORMANCE_HINT": "LATENCY", "X": True}),
        one(model_version_policy={"all": {}}),
        one(model_version_policy={"latest": {"num_versions": 2}}),
        one(model_version_policy={"specific": {"versions": [1, 3]}}),
        one(graph_path="graph.pbtxt", subconfig="subconfig.json"),
        one(custom_loader_options={"loader_name": "l", "anything": "else"}),
        {**one(), "pipeline_config_list": [PIPELINE]},
        {**one(), "mediapipe_config_list": [{"name": "g", "base_path": "g"}]},
        {**one(), "custom_node_library_config_list": [{"name": "l", "base_path": "/l.so"}]},
        {**one(), "monitoring": {"metrics": {"enable": True, "metrics_list": []}}},
        {"model_config_list": [{"config": {"name": "m"}}]},
    ],
)
def test_what_ovms_takes(document: dict[str, Any]) -> None:
    assert first(document) is None


@pytest.mark.parametrize(
    ("document", "violation"),
    [
        ({}, "required #"),
        ([], "type #"),
        ({"model_config_list": {}}, "type #/model_config_list"),
        ({**one(), "$schema": "x"}, "additionalProperties #/$schema"),
        ({"model_config_list": [{}]}, "required #/model_config_list/0"),
        (
            {"model_config_list": [{"config": MODEL, "more": 1}]},
            "maxProperties #/model_config_list/0",
        ),
        ({"model_config_list": [{"config": {}}]}, "required #/model_config_list/0/config"),
        (one(mean="1"), "additionalProperties #/model_config_list/0/config/mean"),
        (one(version=1), "additionalProperties #/model_config_list/0/config/version"),
        (one(stateful=True), "additionalProperties #/model_config_list/0/config/stateful"),
        (one(base_path=None), "type #/model_config_list/0/config/base_path"),
        (one(nireq=-1), "minimum #/model_config_list/0/config/nireq"),
        (one(batch_size=-1), "minimum #/model_config_list/0/config/batch_size"),
        (one(batch_size=1.5), "type #/model_config_list/0/config/batch_size"),
        (one(shape={"x": [1, 3]}), "oneOf #/model_config_list/0/config/shape"),
        (one(layout=3), "oneOf #/model_config_list/0/config/layout"),
        (one(plugin_config="{}"), "type #/model_config_list/0/config/plugin_config"),
        (one(plugin_config={"A": {}}), "anyOf #/model_config_list/0/config/plugin_config/A"),
        (
            one(custom_loader_options={}),
            "required #/model_config_list/0/config/custom_loader_options",
        ),
        (
            one(custom_loader_options={"more": "1"}),
            "required #/model_config_list/0/config/custom_loader_options",
        ),
        (
            one(model_version_policy="latest"),
            "oneOf #/model_config_list/0/config/model_version_policy",
        ),
        (
            one(model_version_policy={"all": {}, "latest": {}}),
            "oneOf #/model_config_list/0/config/model_version_policy",
        ),
        (
            one(model_version_policy={"latest": {"num_versions": 0}}),
            "oneOf #/model_config_list/0/config/model_version_policy",
        ),
        (
            {**one(), "pipeline_config_list": [{**PIPELINE, "nodes": [{**NODE, "type": "x"}]}]},
            "enum #/pipeline_config_list/0/nodes/0/type",
        ),
        (
            {
                **one(),
                "pipeline_config_list": [{**PIPELINE, "nodes": [{**NODE, "library_name": "l"}]}],
            },
            "oneOf #/pipeline_config_list/0/nodes/0",
        ),
        (
            {**one(), "pipeline_config_list": [{**PIPELINE, "demultiply_count": 10001}]},
            "maximum #/pipeline_config_list/0/demultiply_count",
        ),
        (
            {**one(), "pipeline_config_list": [{**PIPELINE, "nodes": [TWO_INPUTS]}]},
            "maxProperties #/pipeline_config_list/0/nodes/0/inputs/0",
        ),
        (
            {**one(), "pipeline_config_list": [{**PIPELINE, "nodes": [{**NODE, "inputs": [{}]}]}]},
            "minProperties #/pipeline_config_list/0/nodes/0/inputs/0",
        ),
        (
            {**one(), "pipeline_config_list": [{**PIPELINE, "outputs": [{}]}]},
            "minProperties #/pipeline_config_list/0/outputs/0",
        ),
        (
            {**one(), "mediapipe_config_list": [{"base_path": "g"}]},
            "required #/mediapipe_config_list/0",
        ),
        ({**one(), "monitoring": {"metrics": {}}}, "required #/monitoring/metrics"),
    ],
)
def test_what_ovms_refuses(document: Any, violation: str) -> None:
    assert first(document) == violation


def test_stateful_keys_belong_to_the_old_generation() -> None:
    document = one(stateful=True, low_latency_transformation=True, max_sequence_number=3)
    assert first(document, Generation.TFS) is None
    assert first(document, Generation.KSERVE) is not None


def test_the_line_names_definition_keyword_and_place() -> None:
    validator = Validator(models_schema(Generation.KSERVE))
    found = validator.first_violation(one(mean="1"))
    assert found is not None
    assert found.text() == (
        "JSON schema parse error:#/definitions/model_config/properties/config. "
        "Keyword:additionalProperties Key: #/model_config_list/0/config/mean"
    )
