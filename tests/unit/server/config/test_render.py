# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration file: rendered, canonical, and always good in the eyes of the lint."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.server.config.findings import ERROR
from ansible_collections.openvino.edge.plugins.module_utils.server.config.lint import lint_config
from ansible_collections.openvino.edge.plugins.module_utils.server.config.properties import KNOWN
from ansible_collections.openvino.edge.plugins.module_utils.server.config.render import (
    config_hash,
    config_text,
    pinned_versions,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.config import (
    render_config,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ..conftest import MakeSpec, make_spec

# Keys of a model's entry in every release from v2022.3 on (src/schema.cpp of the tags).
ALWAYS_KNOWN = {
    "name",
    "base_path",
    "batch_size",
    "shape",
    "layout",
    "nireq",
    "target_device",
    "allow_cache",
    "plugin_config",
    "model_version_policy",
}

names = st.from_regex(r"[A-Za-z0-9_\-ä][A-Za-z0-9_.ß \-]{0,8}[A-Za-z0-9]", fullmatch=True)
dimensions = st.one_of(
    st.just("-1"),
    st.integers(1, 2**31 - 1).map(str),
    st.tuples(st.integers(1, 100), st.integers(101, 200)).map(lambda pair: f"{pair[0]}:{pair[1]}"),
)
shapes = st.one_of(
    st.just("auto"),
    st.lists(dimensions, min_size=1, max_size=5),
    st.lists(dimensions, min_size=1, max_size=5).map(lambda dims: "( " + ", ".join(dims) + ")"),
)
layouts = st.sampled_from(["NCHW", "nhwc:nchw", "N...", "N?HW", "NC:CN"])
plugin_configs = st.dictionaries(
    # Those of every release.
    st.sampled_from([key for key, spans in KNOWN["CPU"].items() if spans == ((None, None),)]),
    st.one_of(st.text(max_size=5), st.integers(), st.booleans()),
    max_size=3,
)


# The machine may be busy; what is drawn is small either way.
MODEST = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), values)


models = st.lists(
    st.fixed_dictionaries(
        {
            "name": names,
            "versions": st.lists(st.integers(1, 10**12), min_size=1, max_size=4),
            "nireq": maybe(st.integers(0, 64)),
            "batch_size": maybe(st.sampled_from(["auto", "1", "16", "0"])),
            "shape": maybe(st.one_of(shapes, st.dictionaries(names, shapes, max_size=2))),
            "layout": maybe(st.one_of(layouts, st.dictionaries(names, layouts, max_size=2))),
            "plugin_config": plugin_configs,
        }
    ),
    max_size=4,
    unique_by=lambda model: model["name"],
)


@MODEST
@given(models)
def test_what_is_rendered_passes_the_lint(items: list[dict[str, Any]]) -> None:
    config = render_config(make_spec(models=items))
    errors = [finding for finding in lint_config(config) if finding.level == ERROR]
    assert errors == []
    assert set(config) == {"model_config_list"}
    for item in config["model_config_list"]:
        assert set(item) == {"config"}
        assert set(item["config"]) <= ALWAYS_KNOWN
        assert None not in item["config"].values()


@MODEST
@given(models)
def test_the_text_is_canonical_and_complete(items: list[dict[str, Any]]) -> None:
    config = render_config(make_spec(models=items))
    text = config_text(config)
    assert text.isascii()
    assert json.loads(text) == config
    again = render_config(make_spec(models=list(reversed(items))))
    assert config_text(again) == text
    wanted = {item["name"]: sorted(set(item["versions"])) for item in items}
    assert pinned_versions(json.loads(text)) == wanted


def test_golden(spec: MakeSpec) -> None:
    detection = {
        "name": "detection",
        "versions": [3],
        "target_device": "AUTO:GPU,CPU",
        "nireq": 4,
        "batch_size": "8",
        "layout": {"x": "NHWC:NCHW"},
        "plugin_config": {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 2},
    }
    made = render_config(spec(models=[detection, {"name": "a", "versions": [1]}]))
    assert made == {
        "model_config_list": [
            {
                "config": {
                    "name": "a",
                    "base_path": "/models/a",
                    "target_device": "CPU",
                    "model_version_policy": {"specific": {"versions": [1]}},
                }
            },
            {
                "config": {
                    "name": "detection",
                    "base_path": "/models/detection",
                    "target_device": "AUTO:GPU,CPU",
                    "model_version_policy": {"specific": {"versions": [3]}},
                    "nireq": 4,
                    "batch_size": 8,
                    "layout": {"x": "NHWC:NCHW"},
                    "plugin_config": {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 2},
                }
            },
        ]
    }


def test_no_models_is_a_configuration_too(spec: MakeSpec) -> None:
    assert render_config(spec(models=[])) == {"model_config_list": []}


@pytest.mark.parametrize("other", ["{}\n", "{} \n"])
def test_other_bytes_are_another_hash(other: str) -> None:
    assert config_hash("{ }\n") != config_hash(other)
    assert len(config_hash(other)) == 32
