# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a user's own configuration to options, and back to one that serves the same."""

from __future__ import annotations

import posixpath
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server import config_entry
from ansible_collections.openvino.edge.plugins.module_utils.server.config.to_options import (
    options_of,
)
from hypothesis import given
from hypothesis import strategies as st

from ..conftest import make_spec
from .test_render import MODEST

# In the form of OVMS's own OCR demo: other names than directories, a library beside the models.
OCR: dict[str, Any] = {
    "model_config_list": [
        {"config": {"name": "text-recognition", "base_path": "/OCR/crnn_tf", "nireq": 2}},
        {"config": {"name": "text-detection", "base_path": "/OCR/east_fp32/", "shape": "(1,3)"}},
    ],
    "custom_node_library_config_list": [
        {"name": "east_ocr", "base_path": "/OCR/lib/libcustom_node_east_ocr.so"},
        {"name": "blur", "base_path": "/ovms/lib/custom_nodes/libcustom_node_blur.so"},
    ],
    "pipeline_config_list": [
        {
            "name": "detect_text",
            "inputs": ["image"],
            "nodes": [
                {
                    "name": "find",
                    "model_name": "text-detection",
                    "type": "DL model",
                    "inputs": [{"x": {"node_name": "request", "data_item": "image"}}],
                    "outputs": [{"data_item": "y", "alias": "map"}],
                },
                {
                    "name": "cut",
                    "library_name": "east_ocr",
                    "type": "custom",
                    "params": {"confidence": "0.9"},
                    "demultiply_count": 0,
                    "inputs": [{"map": {"node_name": "find", "data_item": "map"}}],
                    "outputs": [{"data_item": "lines", "alias": "lines"}],
                },
            ],
            "outputs": [{"lines": {"node_name": "cut", "data_item": "lines"}}],
        }
    ],
    "monitoring": {"metrics": {"enable": True, "metrics_list": ["ovms_streams"]}},
}


def run(**options: Any) -> dict[str, Any]:
    rules = ArgumentSpecValidator(dict(config_entry.ARGUMENT_SPEC), **config_entry.SPEC_RULES)
    checked = rules.validate(options)
    assert not checked.error_messages, checked.error_messages
    return config_entry.run(checked.validated_parameters, Runtime())


def again(options: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the configuration that the options render, as a server would get it."""
    make_spec(**options)
    made = run(**options, **more)
    assert made["valid"], made["findings"]
    found: dict[str, Any] = made["config"]
    return found


def models(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["config"]["name"]: item["config"] for item in config["model_config_list"]}


def test_an_ocr_setup_gets_paths_of_the_store() -> None:
    found = run(config=OCR, ovms_version="2024.5")
    assert found["left_out"] == []
    assert found["notes"] == ["copy the directory lib too: models: [{name: lib, versions: [1]}]"]
    config = again(found["options"], ovms_version="2024.5")
    assert models(config)["text-recognition"] == {
        "name": "text-recognition",
        "base_path": "/models/crnn_tf",
        "nireq": 2,
        "target_device": "CPU",
        "model_version_policy": {"latest": {"num_versions": 1}},
    }
    assert models(config)["text-detection"]["base_path"] == "/models/east_fp32"
    libraries = config["custom_node_library_config_list"]
    assert {item["name"]: item["base_path"] for item in libraries} == {
        "east_ocr": "/models/lib/1/libcustom_node_east_ocr.so",
        "blur": "/ovms/lib/custom_nodes/libcustom_node_blur.so",
    }
    for key in ("pipeline_config_list", "monitoring"):
        assert config[key] == OCR[key]


@pytest.mark.parametrize(
    ("base_path", "top", "expected"),
    [
        ("lib/lib.so", "m", "lib/1/lib.so"),
        ("lib/3/lib.so", "m", "lib/3/lib.so"),
        ("lib.so", "m", "lib/1/lib.so"),
        ("/a/b/lib.so", "/a/m", "b/1/lib.so"),
        ("/a/b/12/lib.so", "/a/m", "b/12/lib.so"),
        ("/x/b/lib.so", "/a/m", "/x/b/lib.so"),
    ],
)
def test_where_a_library_comes_to_lie(base_path: str, top: str, expected: str) -> None:
    config = {
        "model_config_list": [{"config": {"name": "m", "base_path": top}}],
        "custom_node_library_config_list": [{"name": "l", "base_path": base_path}],
    }
    (library,) = options_of(config).options["custom_node_libraries"]
    assert library["base_path"] == expected
    notes = " ".join(options_of(config).notes)
    assert ("taken for a file of the image" in notes) is expected.startswith("/")
    assert ("copy the directory" in notes) is not expected.startswith("/")


def test_graphs_in_both_lists_and_what_has_no_option() -> None:
    config: dict[str, Any] = {
        "model_config_list": [
            {"config": {"name": "g", "base_path": "/srv/chat/2", "graph_path": "graph.pbtxt"}},
            {"config": {"name": "s", "base_path": "s3://bucket/det", "target_device": "GPU"}},
            {
                "config": {
                    "name": "l",
                    "base_path": "l",
                    "custom_loader_options": {"loader_name": "x"},
                }
            },
        ],
        "mediapipe_config_list": [{"name": "old", "base_path": "old", "subconfig": "s.json"}],
        "custom_loader_config_list": [{"config": {"loader_name": "x", "library_path": "/x.so"}}],
    }
    draft = options_of(config)
    by_name = {model["name"]: model for model in draft.options["models"]}
    assert by_name["g"] == {
        "name": "g",
        "directory": "chat",
        "versions": [2],
        "graph_path": "graph.pbtxt",
    }
    assert by_name["old"] == {"name": "old", "graph_path": "graph.pbtxt", "subconfig": "s.json"}
    assert [text.split(":")[0] for text in draft.left_out] == [
        "models[l].custom_loader_options",
        "/custom_loader_config_list",
    ]
    assert "set cloud" in draft.notes[0]
    make_spec(**draft.options)


def test_nothing_is_made_of_a_configuration_with_errors() -> None:
    assert "options" not in run(config={"model_config_list": [{"config": {"name": "m", "x": 1}}]})
    assert "options" not in run(models=[{"name": "m", "versions": [1]}])


NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,9}", fullmatch=True)
POLICIES = st.one_of(
    st.just({"all": {}}),
    st.builds(lambda n: {"latest": {"num_versions": n}}, st.integers(1, 9)),
    st.builds(
        lambda found: {"specific": {"versions": sorted(found)}},
        st.sets(st.integers(1, 99), min_size=1, max_size=3),
    ),
)
ENTRIES = st.fixed_dictionaries(
    {
        "base_path": st.builds(lambda *parts: "/" + posixpath.join(*parts), NAMES, NAMES),
        "target_device": st.sampled_from(["CPU", "AUTO", "GPU.0"]),
        "model_version_policy": POLICIES,
    },
    optional={
        "nireq": st.integers(1, 99),
        "batch_size": st.one_of(st.just("auto"), st.integers(1, 64)),
        "layout": st.just("NHWC:NCHW"),
        "plugin_config": st.just({"PERFORMANCE_HINT": "LATENCY"}),
        "allow_cache": st.booleans(),
    },
)


@MODEST
@given(st.dictionaries(NAMES, ENTRIES, min_size=1, max_size=4))
def test_the_same_is_served_from_other_paths(entries: dict[str, dict[str, Any]]) -> None:
    config = {
        "model_config_list": [{"config": {"name": name, **entries[name]}} for name in entries]
    }
    found = models(again(options_of(config).options, ovms_version="2026.2"))
    there: dict[str, str] = {}
    for name, entry in entries.items():
        made = found[name]["base_path"]
        assert found[name] == {**entry, "name": name, "base_path": made}
        assert there.setdefault(made, entry["base_path"]) == entry["base_path"]
        if sum(posixpath.basename(item["base_path"]) == made[8:] for item in entries.values()) == 1:
            assert posixpath.basename(entry["base_path"]) == made[8:]
