# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases from the field: what a release of OVMS says of a configuration, the lint says before it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.server.config.findings import (
    ERROR,
    WARNING,
    Context,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.config.generation import (
    UNKNOWN,
    Generation,
    generation_of,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.config.lint import lint_config
from ansible_collections.openvino.edge.plugins.module_utils.server.config.properties import (
    judge_key,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.config import (
    render_config,
)

from ..conftest import make_spec

NEWEST = Generation((2026, 3))


def entry(**keys: Any) -> dict[str, Any]:
    return {"model_config_list": [{"config": {"name": "m", "base_path": "/models/m", **keys}}]}


def said(config: Any, generation: Generation = NEWEST) -> list[tuple[str, str, str]]:
    found = lint_config(config, Context(generation))
    return [(item.level, item.path, f"{item.message}. {item.hint}") for item in found]


def pipeline(inputs: list[Any], outputs: list[Any]) -> dict[str, Any]:
    node = {
        "name": "n",
        "model_name": "m",
        "type": "DL model",
        "inputs": inputs,
        "outputs": [{"data_item": "s", "alias": "s"}],
    }
    made = {"name": "sum", "inputs": ["a", "b"], "nodes": [node], "outputs": outputs}
    return {**entry(), "pipeline_config_list": [made]}


LEFT = {"left": {"node_name": "request", "data_item": "a"}}
RIGHT = {"right": {"node_name": "request", "data_item": "b"}}
OUT = {"out": {"node_name": "n", "data_item": "s"}}
NODE = "/pipeline_config_list/0"


@pytest.mark.parametrize(
    ("inputs", "outputs", "path"),
    [
        ([{**LEFT, **RIGHT}], [OUT], f"{NODE}/nodes/0/inputs"),
        ([LEFT, RIGHT, {}], [OUT], f"{NODE}/nodes/0/inputs"),
        ([LEFT, RIGHT], [{**OUT, "more": OUT["out"]}], f"{NODE}/outputs"),
        ([LEFT, RIGHT], [{}], f"{NODE}/outputs"),
    ],
)
def test_case_20_two_inputs_in_one_object(inputs: list[Any], outputs: list[Any], path: str) -> None:
    ((level, where, text),) = said(pipeline(inputs, outputs))
    assert (level, where) == (ERROR, path)
    assert "each object of the list has one name" in text
    assert said(pipeline([LEFT, RIGHT], [OUT])) == []


@pytest.mark.parametrize("options", [{}, {"loader_name": 1}, {"key": "x"}, "x", []])
def test_case_20_options_of_a_loader_without_its_name(options: Any) -> None:
    ((level, path, text),) = said(entry(custom_loader_options=options))
    assert (level, path) == (ERROR, "/model_config_list/0/config/custom_loader_options")
    assert "loader_name" in text


@pytest.mark.parametrize(
    ("version", "among"), [("2024.5", False), ("2025.0", False), ("2025.1", True), ("2026.3", True)]
)
def test_case_21_graphs_are_among_the_models_from_2025_1(version: str, among: bool) -> None:
    spec = make_spec(models=[{"name": "g", "graph_path": "graph.pbtxt"}], ovms_version=version)
    made = render_config(spec)
    assert bool(made["model_config_list"]) is among
    assert ("mediapipe_config_list" in made) is not among
    config = entry(graph_path="graph.pbtxt")
    levels = [level for level, _path, _text in said(config, generation_of(version, ""))]
    assert levels == ([] if among else [ERROR])


@pytest.mark.parametrize("size", ["-1", "1:8", "4:4", " 1 : 8 ", "auto", "0", "16", 0, 16])
def test_case_23_batch_sizes_that_the_server_takes(size: Any) -> None:
    assert said(entry(batch_size=size)) == []


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (-1, "as a text, '-1' may be less"),
        ("8:1", "the server would ignore it"),
        ("few", "the server would ignore it"),
        ("-2", "the server would ignore it"),
        ("-1:4", "the server would ignore it"),
    ],
)
def test_case_23_batch_sizes_that_it_does_not_take(size: Any, words: str) -> None:
    ((level, _path, text),) = said(entry(batch_size=size))
    assert level == ERROR and words in text


@pytest.mark.parametrize(
    ("given", "written"), [("-1", "-1"), ("1:8", "1:8"), ("16", 16), ("auto", "auto")]
)
def test_case_23_the_option_takes_them_too(given: str, written: Any) -> None:
    made = render_config(make_spec(models=[{"name": "m", "versions": [1], "batch_size": given}]))
    assert made["model_config_list"][0]["config"]["batch_size"] == written


@pytest.mark.parametrize(
    "target",
    ["CPU", "GPU", "GPU.1", "NPU", "AUTO", "AUTO:GPU,CPU", "AUTO:-CPU", "HETERO:GPU,CPU"]
    + ["MULTI:GPU.0,CPU", "BATCH:GPU(4)", ""],
)
def test_target_devices_that_there_are(target: str) -> None:
    assert said(entry(target_device=target)) == []


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("{target_device}", "is not the name of a device"),
        ("gpu", "Write GPU"),
        ("AUTO:gpu,CPU", "Write GPU"),
        ("MYRIAD", "gone since OpenVINO 2023.0"),
        ("HDDL", "gone since OpenVINO"),
        ("HETERO:MYRIAD,CPU", "MYRIAD is gone"),
        ("HETERO", "HETERO needs a list"),
        ("CPU:GPU", "CPU takes no list"),
        ("CPU,GPU", "is not the name of a device"),
    ],
)
def test_target_devices_that_there_are_not(target: str, words: str) -> None:
    ((level, path, text),) = said(entry(target_device=target))
    assert (level, path) == (ERROR, "/model_config_list/0/config/target_device")
    assert words in text and "The model would not be served" in text
    found = [
        text for level, _path, text in said(entry(target_device=target, plugin_config={"X": 1}))
    ]
    assert any("every model listed after it" in text for text in found)


def test_a_target_device_that_we_do_not_know_is_a_doubt() -> None:
    ((level, _path, _text),) = said(entry(target_device="NVIDIA"))
    assert level == WARNING
    assert said(entry(target_device="MYRIAD"), Generation((2022, 3))) == []


def test_case_13_the_device_of_a_graph_is_not_read() -> None:
    """It is a warning: the server takes the file."""
    ((level, path, text),) = said(entry(graph_path="graph.pbtxt", target_device="GPU"))
    assert (level, path) == (WARNING, "/model_config_list/0/config/target_device")
    assert "does not read it" in text


@pytest.mark.parametrize(
    ("key", "device", "taken", "refused"),
    [
        ("AFFINITY", "CPU", "2024.5", "2025.0"),
        ("CACHE_DIR", "CPU", "2022.3", "2023.0"),
        ("ENABLE_CPU_PINNING", "CPU", "2023.0", "2022.3"),
        ("LOG_LEVEL", "CPU", "2024.0", "2023.3"),
        ("TBB_PARTITIONER", "CPU", "2026.0", "2025.4"),
        ("ENABLE_CPU_RESERVATION", "AUTO:CPU", "2025.1", "2025.0"),
        ("SCHEDULE_POLICY", "MULTI:CPU,GPU", "2023.3", "2023.2"),
        ("AUTO_BATCH_TIMEOUT", "BATCH:CPU", "2024.4", "2024.3"),
        ("AUTO_BATCH_TIMEOUT", "BATCH:CPU", "2023.0", "2023.1"),
        ("ENABLE_MMAP", "CPU", "2025.0", "2024.5"),
    ],
)
def test_case_85_keys_by_device_and_release(
    key: str, device: str, taken: str, refused: str
) -> None:
    config = entry(target_device=device, plugin_config={key: "1"})
    assert said(config, generation_of(taken, "")) == []
    ((level, _path, text),) = said(config, generation_of(refused, ""))
    assert level == ERROR
    assert "every model listed after it" in text and f"this is OVMS {refused}" in text
    ((level, _path, text),) = said(config, UNKNOWN)
    assert level == WARNING and "ovms_version" in text


def test_case_85_a_key_that_the_server_translates_in_time() -> None:
    old, new = Generation((2024, 5)), Generation((2025, 0))
    for generation, harmless in ((old, True), (new, False)):
        verdict = judge_key("CPU_BIND_THREAD", "CPU", "YES", generation)
        assert verdict is not None and verdict.harmless is harmless


@pytest.mark.parametrize(
    ("version", "level"), [("2023.2", ERROR), ("2023.3", None), (None, WARNING)]
)
def test_booleans_of_plugin_config(version: str | None, level: str | None) -> None:
    generation = generation_of(version, "") if version else UNKNOWN
    config = entry(target_device="GPU", plugin_config={"GPU_X": False})
    found = said(config, generation)
    assert [item[0] for item in found] == ([level] if level else [])
    assert all('"NO"' in item[2] for item in found)


@pytest.mark.parametrize(
    ("version", "written"), [("2023.2", "NO"), ("2026.3", False), (None, "NO")]
)
def test_booleans_are_written_as_the_release_takes_them(version: str | None, written: Any) -> None:
    model = {"name": "m", "versions": [1], "plugin_config": {"PERF_COUNT": False}}
    made = render_config(make_spec(models=[model], ovms_version=version))
    assert made["model_config_list"][0]["config"]["plugin_config"] == {"PERF_COUNT": written}


def test_case_66_settings_of_stateful_models_alone() -> None:
    old = Generation((2026, 2))
    ((level, _path, text),) = said(entry(low_latency_transformation=True), old)
    assert level == ERROR and "only a stateful model has it" in text
    ((level, _path, text),) = said(entry(stateful=True, max_sequence_number=0), old)
    assert level == WARNING and "refuses every sequence" in text
    assert said(entry(stateful=True, max_sequence_number=500), old) == []


def test_keys_beside_config_are_ignored_before_2024_0() -> None:
    config = {"model_config_list": [{**entry()["model_config_list"][0], "comment": "x"}]}
    ((level, _path, text),) = said(config, Generation((2023, 3)))
    assert level == WARNING and "ignores what is beside config: comment" in text
    assert [item[0] for item in said(config, Generation((2024, 0)))] == [ERROR]


def test_an_empty_list_of_graphs_is_a_key_that_the_oldest_release_does_not_know() -> None:
    config = {**entry(), "mediapipe_config_list": []}
    assert [item[0] for item in said(config, Generation((2022, 3)))] == [ERROR]
    assert said(config, Generation((2023, 0))) == []
