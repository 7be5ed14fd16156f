# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lint beside models: pipelines, libraries, graphs, metrics, paths; each finding with its path."""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.server.config.findings import (
    ERROR,
    NOTE,
    WARNING,
    Context,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.config.generation import (
    Generation,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.config.lint import lint_config
from ansible_collections.openvino.edge.plugins.module_utils.server.render.config import (
    render_config,
)

from ..conftest import make_spec
from .test_kinds import OCR

sys.path.append(str(Path(__file__).resolve().parents[3] / "testbed" / "standin"))

from ovms_standin import knobs
from ovms_standin.config_schema import Validator, models_schema

NEW, OLD = Generation((2026, 3)), Generation((2024, 5))
VALIDATOR = Validator(models_schema(knobs.Generation.KSERVE))


def broken(path: str, value: Any) -> dict[str, Any]:
    """Return the OCR configuration with one value replaced; None takes it away."""
    config = copy.deepcopy(render_config(make_spec(**OCR)))
    *parents, last = path.strip("/").split("/")
    place: Any = config
    for key in parents:
        place = place[int(key) if isinstance(place, list) else key]
    if value is None:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return config


PIPE = "/pipeline_config_list/0"
CUT, READ = f"{PIPE}/nodes/1", f"{PIPE}/nodes/2"
SOURCE = {"node_name": "request", "data_item": "image"}


@pytest.mark.parametrize(
    ("path", "value", "where", "words"),
    [
        ("/pipeline_config_list", {}, "/pipeline_config_list", "a list"),
        (PIPE, [], PIPE, "an object"),
        (f"{PIPE}/inputs", None, f"{PIPE}/inputs", "missing"),
        (f"{PIPE}/extra", 1, f"{PIPE}/extra", "no such key"),
        (f"{PIPE}/outputs", [{"t": {"node_name": "x"}}], f"{PIPE}/outputs", "data_item"),
        (f"{PIPE}/demultiply_count", -2, f"{PIPE}/demultiply_count", "-1"),
        (f"{READ}/type", "DL", f"{READ}/type", "custom"),
        (f"{READ}/model_name", None, f"{READ}/model_name", "needs it"),
        (f"{CUT}/model_name", "detection", f"{CUT}/model_name", "has none"),
        (f"{CUT}/params", {"a": 1}, f"{CUT}/params", "texts"),
        (f"{READ}/version", 0, f"{READ}/version", "from 1"),
        (f"{CUT}/outputs", [{"data_item": "a"}], f"{CUT}/outputs", "alias"),
        # What no schema sees: the pipeline would never become available.
        (f"{READ}/version", 2, f"{READ}/version", "only 3"),
        (f"{READ}/model_name", "x", f"{READ}/model_name", "no model 'x'"),
        (f"{CUT}/library_name", "x", f"{CUT}/library_name", "no custom node library 'x'"),
        (f"{CUT}/name", "request", f"{CUT}/name", "reserved"),
        (f"{READ}/gather_from_node", "detect", f"{READ}/gather_from_node", "demultiply_count"),
        (
            f"{READ}/inputs/0/x/data_item",
            "gone",
            f"{READ}/inputs/0/x/data_item",
            "no output 'gone'. It has cuts",
        ),
        (f"{READ}/inputs/0/x/node_name", "gone", f"{READ}/inputs/0/x/node_name", "no node 'gone'"),
        (
            f"{PIPE}/outputs/0/texts/node_name",
            "nobody",
            f"{PIPE}/outputs/0/texts/node_name",
            "no node 'nobody'",
        ),
        (
            f"{PIPE}/nodes/0/inputs/0/x",
            {"node_name": "read", "data_item": "texts"},
            f"{PIPE}/nodes",
            "wait for each other",
        ),
        (
            "/custom_node_library_config_list/0",
            {"name": "cutter"},
            "/custom_node_library_config_list/0/base_path",
            "missing",
        ),
    ],
)
def test_pipelines(path: str, value: Any, where: str, words: str) -> None:
    findings = [item for item in lint_config(broken(path, value)) if item.level == ERROR]
    found = {finding.path: str(finding) for finding in findings}
    assert where in found
    assert words in found[where]


def test_whatever_the_schema_refuses_of_a_pipeline_we_refuse() -> None:
    """Every value of the OCR configuration replaced by something of another type, one at a time."""
    seen = 0

    def walk(node: Any, path: str) -> None:
        nonlocal seen
        items = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in items:
            where = f"{path}/{key}"
            for other in (None, 7.5, "x", [], {}, [1], {"x": 1}):
                config = (
                    broken(where, other) if not (other is None and isinstance(node, list)) else {}
                )
                if VALIDATOR.first_violation(config) is None:
                    continue
                seen += 1
                assert any(item.level == ERROR for item in lint_config(config)), (where, other)
            if isinstance(value, (dict, list)):
                walk(value, where)

    walk(render_config(make_spec(**OCR)), "")
    assert seen > 200


def lint(document: dict[str, Any], **known: Any) -> list[tuple[str, str]]:
    context = Context(**known)
    whole = {"model_config_list": [], **document}
    return [(item.level, item.path) for item in lint_config(whole, context)]


def metrics(**keys: Any) -> dict[str, Any]:
    return {"monitoring": {"metrics": {"enable": True, **keys}}}


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"monitoring": {}}, "/monitoring"),
        ({"monitoring": {"metrics": []}}, "/monitoring/metrics"),
        ({"monitoring": {"metrics": {}}}, "/monitoring/metrics/enable"),
        (metrics(more=1), "/monitoring/metrics/more"),
        (metrics(metrics_list="x"), "/monitoring/metrics/metrics_list"),
        (metrics(metrics_list=["ovms_streams", "x"]), "/monitoring/metrics/metrics_list/1"),
        (metrics(metrics_list=["ovms_streams"] * 2), "/monitoring/metrics/metrics_list/1"),
        # Documented, but not in the list of names that the server takes.
        (
            metrics(metrics_list=["ovms_graph_request_latency_us"]),
            "/monitoring/metrics/metrics_list/0",
        ),
        ({"mediapipe_config_list": {}}, "/mediapipe_config_list"),
        ({"mediapipe_config_list": [1]}, "/mediapipe_config_list/0"),
        ({"mediapipe_config_list": [{"name": "g", "x": 1}]}, "/mediapipe_config_list/0/x"),
        (
            {"mediapipe_config_list": [{"name": "g"}, {"name": "g"}]},
            "/mediapipe_config_list/1/name",
        ),
        ({"custom_loader_config_list": [{"x": {}}]}, "/custom_loader_config_list/0"),
        (
            {"custom_loader_config_list": [{"config": {"loader_name": "l"}}]},
            "/custom_loader_config_list/0/config/library_path",
        ),
    ],
)
def test_sections(document: dict[str, Any], path: str) -> None:
    assert lint(document) == [(ERROR, path)]


def test_a_later_release_may_know_more_metrics() -> None:
    document = metrics(metrics_list=["ovms_new"])
    later = Generation((2027, 0))
    assert lint(document, generation=later) == [(WARNING, "/monitoring/metrics/metrics_list/0")]


def graph(**keys: Any) -> dict[str, Any]:
    entry = {"name": "g", "base_path": "/models/g", "graph_path": "graph.pbtxt", **keys}
    return {"model_config_list": [{"config": entry}]}


def test_graphs() -> None:
    place = "/model_config_list/0/config"
    assert lint(graph(subconfig="s.json"), generation=NEW) == []
    assert lint(graph(nireq=1), generation=NEW) == [(WARNING, f"{place}/nireq")]
    assert lint(graph(), generation=OLD) == [(ERROR, f"{place}/graph_path")]
    assert lint(graph()) == [(ERROR, f"{place}/graph_path")]


def model(path: str, **keys: Any) -> dict[str, Any]:
    return {"model_config_list": [{"config": {"name": "m", "base_path": path, **keys}}]}


@pytest.mark.parametrize(
    ("path", "directory", "level", "words"),
    [
        ("/models/m", "/config", None, ""),
        ("s3://bucket/m", "/config", None, ""),
        ("m", "", NOTE, "begins at the directory of the configuration file"),
        ("m", "/config", ERROR, "reads /config/m, which is not in the store. Write /models/m"),
        ("m", "/models/site", NOTE, "the server reads /models/site/m"),
        ("/opt/ml/m", "/config", WARNING, "outside of /models"),
    ],
)
def test_paths(path: str, directory: str, level: str | None, words: str) -> None:
    root = "/models" if directory else ""
    findings = lint_config(model(path), Context(config_dir=directory, models_path=root))
    assert [item.level for item in findings] == ([level] if level else [])
    assert all(words in str(item) for item in findings)


def test_the_device_that_a_release_takes_by_itself() -> None:
    """Before 2026.3 it is the CPU, so its keys are known."""
    document = model("/models/m", plugin_config={"NUM_STREMS": 1})
    place = "/model_config_list/0/config/plugin_config/NUM_STREMS"
    assert lint(document, generation=Generation((2026, 2))) == [(ERROR, place)]
    assert lint(document, generation=NEW) == []
    without = {"model_config_list": [{"config": {"name": "m"}}]}
    assert lint(without, generation=OLD) == [(ERROR, "/model_config_list/0/config/base_path")]
