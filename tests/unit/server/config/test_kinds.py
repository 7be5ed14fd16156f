# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole configuration: graphs, pipelines, libraries, metrics, policies, for each generation."""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.server.config.findings import ERROR
from ansible_collections.openvino.edge.plugins.module_utils.server.config.lint import lint_config
from ansible_collections.openvino.edge.plugins.module_utils.server.config.lint_sections import (
    DEFAULT_METRICS,
    MORE_METRICS,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.config.render import (
    pinned_versions,
    served_names,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.config import (
    context_of,
    render_config,
)
from hypothesis import given
from hypothesis import strategies as st

from ..conftest import MakeSpec, make_spec
from .test_render import MODEST, maybe, models

sys.path.append(str(Path(__file__).resolve().parents[3] / "testbed" / "standin"))

from ovms_standin.config_schema import Validator, models_schema
from ovms_standin.knobs import Generation

# None: a release that nobody knows must get what all take.
RELEASES = ("2026.2", "2026.3", None)
VALIDATORS = {item.value: Validator(models_schema(item)) for item in Generation}

# Two models and a library that the image has: a detector, a cutter and a reader of text.
OCR: dict[str, Any] = {
    "models": [{"name": "detection", "versions": [1]}, {"name": "recognition", "versions": [3]}],
    "custom_node_libraries": [{"name": "cutter", "base_path": "ocr_libs/1/libcut.so"}],
    "pipelines": [
        {
            "name": "read_text",
            "inputs": ["image"],
            "outputs": [{"texts": {"node_name": "read", "data_item": "texts"}}],
            "nodes": [
                {
                    "name": "detect",
                    "model_name": "detection",
                    "inputs": [{"x": {"node_name": "request", "data_item": "image"}}],
                    "outputs": [{"data_item": "boxes", "alias": "boxes"}],
                },
                {
                    "name": "cut",
                    "library_name": "cutter",
                    "params": {"threshold": 0.5, "debug": False},
                    "demultiply_count": -1,
                    "inputs": [
                        {"boxes": {"node_name": "detect", "data_item": "boxes"}},
                        {"image": {"node_name": "request", "data_item": "image"}},
                    ],
                    "outputs": [{"data_item": "images", "alias": "cuts"}],
                },
                {
                    "name": "read",
                    "model_name": "recognition",
                    "version": 3,
                    "gather_from_node": "cut",
                    "inputs": [{"x": {"node_name": "cut", "data_item": "cuts"}}],
                    "outputs": [{"data_item": "y", "alias": "texts"}],
                },
            ],
        }
    ],
}


def takers(release: str | None) -> list[Validator]:
    return [VALIDATORS[release]] if release else list(VALIDATORS.values())


@st.composite
def servers(draw: st.DrawFn) -> dict[str, Any]:
    """Options of a server with a bit of everything, names apart."""
    release = draw(st.sampled_from(RELEASES))
    items = draw(models)
    for item in items:
        policy = draw(
            maybe(
                st.one_of(
                    st.just({"all": True}), st.integers(1, 9).map(lambda count: {"latest": count})
                )
            )
        )
        if policy:
            del item["versions"]
            item["version_policy"] = policy
        item["allow_cache"] = draw(maybe(st.booleans()))
        if release == "2026.2":
            item["stateful"] = draw(maybe(st.booleans()))
            if item["stateful"]:
                item["max_sequence_number"] = draw(maybe(st.integers(0, 100)))
    graph = {"name": "graph!", "graph_path": draw(st.sampled_from(["graph.pbtxt", "a/g.pbtxt"]))}
    graph["subconfig"] = draw(maybe(st.just("subconfig.json")))
    graph["versions"] = draw(maybe(st.just([4])))
    options: dict[str, Any] = {"models": items, "ovms_version": release}
    if draw(st.booleans()):
        items.append(graph)
    if draw(st.booleans()):
        items.append({"name": "net!", "versions": [1]})
        node = {
            "name": "one",
            "model_name": "net!",
            "inputs": [{"x": {"node_name": "request", "data_item": "in"}}],
            "outputs": [{"data_item": "y", "alias": "out"}],
        }
        pipeline = {"name": "pipe!", "inputs": ["in"], "nodes": [node]}
        pipeline["outputs"] = [{"z": {"node_name": "one", "data_item": "out"}}]
        options["pipelines"] = [pipeline]
    names = st.lists(st.sampled_from([*DEFAULT_METRICS, *MORE_METRICS]), unique=True, max_size=3)
    options["monitoring"] = draw(maybe(st.fixed_dictionaries({"metrics_list": names})))
    return options


@MODEST
@given(servers())
def test_whatever_is_asked_for_its_release_takes_it(options: dict[str, Any]) -> None:
    spec = make_spec(**options)
    config = render_config(spec)
    for validator in takers(options["ovms_version"]):
        assert validator.first_violation(config) is None
    findings = lint_config(config, context_of(spec))
    assert [str(finding) for finding in findings if finding.level == ERROR] == []
    assert set(served_names(config)) == set(spec.wanted())


def test_a_release_that_is_not_known_gets_graphs_in_the_list_that_all_know(spec: MakeSpec) -> None:
    graph = {"name": "g", "graph_path": "graph.pbtxt", "versions": [2]}
    entry = {"name": "g", "base_path": "/models/g/2", "graph_path": "graph.pbtxt"}
    assert render_config(spec(models=[graph])) == {
        "model_config_list": [],
        "mediapipe_config_list": [entry],
    }
    new = render_config(spec(models=[graph], ovms_version="2025.1"))
    assert new == {"model_config_list": [{"config": entry}]}
    assert pinned_versions(new) == {"g": []}
    assert spec(models=[graph]).wanted() == {"g": ()}


def test_a_configuration_of_pipelines_can_be_pasted(spec: MakeSpec) -> None:
    config = render_config(spec(**OCR))
    pasted = {**OCR, "pipelines": config["pipeline_config_list"]}
    assert render_config(spec(**pasted)) == config
    wrong = copy.deepcopy(pasted)
    wrong["pipelines"][0]["nodes"][0]["type"] = "custom"
    messages = [finding.message for finding in lint_config(render_config(spec(**wrong)))]
    assert "a node of type custom needs it" in messages


def test_the_ocr_setup(spec: MakeSpec) -> None:
    made = spec(**OCR)
    config = render_config(made)
    library = {"name": "cutter", "base_path": "/models/ocr_libs/1/libcut.so"}
    assert config["custom_node_library_config_list"] == [library]
    nodes = {node["name"]: node for node in config["pipeline_config_list"][0]["nodes"]}
    assert {name: node["type"] for name, node in nodes.items()} == {
        "detect": "DL model",
        "cut": "custom",
        "read": "DL model",
    }
    assert nodes["cut"]["params"] == {"threshold": "0.5", "debug": "false"}
    assert lint_config(config) == []
    for validator in VALIDATORS.values():
        assert validator.first_violation(config) is None
    assert made.wanted() == {"detection": (1,), "recognition": (3,), "read_text": ()}


def test_policies(spec: MakeSpec) -> None:
    def policy(**options: Any) -> Any:
        (entry,) = render_config(spec(models=[{"name": "m", **options}]))["model_config_list"]
        return entry["config"]["model_version_policy"]

    assert policy(version_policy={"all": True}) == {"all": {}}
    assert policy(version_policy={"latest": 2}) == {"latest": {"num_versions": 2}}
    pinned = {"specific": {"versions": [1, 2]}}
    assert policy(version_policy={"specific": [2, 1]}) == policy(versions=[1, 2]) == pinned


def test_metrics(spec: MakeSpec) -> None:
    on = {"monitoring": {"metrics": {"enable": True}}}
    assert render_config(spec(models=[], monitoring={})) == {"model_config_list": [], **on}


def one(**options: Any) -> dict[str, Any]:
    return {"models": [{"name": "m", **options}]}


BUCKET = {
    "pvc": None,
    "cloud": {"s3": {"uri": "s3://models", "region": "eu", "secret_name": "keys"}},
}


@pytest.mark.parametrize(
    ("options", "option", "words"),
    [
        (one(), "models[0].versions", "no version"),
        (one(versions=[1], version_policy={"all": True}), "models[0].version_policy", "one of"),
        (one(version_policy={"all": True, "latest": 1}), "models[0].version_policy", "exactly one"),
        (one(version_policy={"latest": -1}), "models[0].version_policy.latest", "1.."),
        (one(graph_path="g", versions=[1, 2]), "models[0].versions", "one version at a time"),
        (one(graph_path="g", nireq=2), "models[0].nireq", "subconfig"),
        (one(graph_path="g", target_device="CPU"), "models[0].target_device", "for a graph"),
        (one(graph_path="/g"), "models[0].graph_path", "relative"),
        (one(graph_path="../g"), "models[0].graph_path", "relative"),
        (one(versions=[1], subconfig="s"), "models[0].subconfig", "graph_path"),
        (
            {"custom_node_libraries": [{"name": "l", "base_path": "../x.so"}]},
            "custom_node_libraries[0].base_path",
            "relative",
        ),
        (
            {"custom_node_libraries": [{"name": "l", "base_path": "/x.so"}] * 2},
            "custom_node_libraries[1].name",
            "twice",
        ),
        (
            {"monitoring": {"enable": False, "metrics_list": ["ovms_streams"]}},
            "monitoring.metrics_list",
            "enable",
        ),
        ({**BUCKET, **one(graph_path="g")}, "models[m].graph_path", "models only"),
        ({**BUCKET, "models": None, "config_path": "c"}, "config_path", "config_map"),
        (
            {**BUCKET, "custom_node_libraries": [{"name": "l", "base_path": "x.so"}]},
            "custom_node_libraries[l].base_path",
            "of the image",
        ),
        ({"ovms_version": "new"}, "ovms_version", "2026.2"),
        ({"ovms_version": "2021.3"}, "ovms_version", "older"),
        ({"image": "x/ovms:2021.4.2"}, "image", "ovms_version"),
        ({"models": None, "config_map": "A"}, "config_map", "name of"),
        ({"models": None, "config_path": "/etc/config.json"}, "config_path", "relative"),
        ({"models": None, "config_path": "/models/"}, "config_path", "a file"),
    ],
)
def test_bad_input_names_the_option(
    spec: MakeSpec, options: dict[str, Any], option: str, words: str
) -> None:
    with pytest.raises(InputError) as caught:
        spec(**options)
    assert caught.value.option == option
    assert words in str(caught.value)
