# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which release a server is, and what is refused because of it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.images import DEFAULT_SERVER_IMAGE
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.config.generation import (
    generation_of,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.config.refuse import check_config
from ansible_collections.openvino.edge.plugins.module_utils.server.render.config import (
    context_of,
    render_config,
)

from ..conftest import MakeSpec
from .ovms_schema import RELEASES


@pytest.mark.parametrize(
    ("given", "image", "release"),
    [
        (None, "docker.io/openvino/model_server:2026.2.1", (2026, 2)),
        (None, "openvino/model_server:2026.3-gpu", (2026, 3)),
        (None, "reg:5000/a/ovms:2025.4.1-site7@sha256:00", (2025, 4)),
        (None, "reg:5000/a/ovms", None),
        (None, "openvino/model_server:latest", None),
        (None, "reg/ovms@sha256:2026", None),
        (None, "reg/ovms:20263", None),
        ("2026.3", "reg/ovms:2025.4", (2026, 3)),
        ("2025.4.1", "reg/ovms@sha256:00", (2025, 4)),
        ("v2024.5", "", (2024, 5)),
    ],
)
def test_given_first_then_the_tag(given: str | None, image: str, release: Any) -> None:
    assert generation_of(given, image).release == release


def test_the_default_image_is_of_the_newest_release_whose_schema_is_known() -> None:
    assert generation_of(None, DEFAULT_SERVER_IMAGE).release == max(RELEASES)


def refused(spec: MakeSpec, **options: Any) -> str:
    made = spec(**options)
    with pytest.raises(InputError) as caught:
        check_config(render_config(made), Runtime(), context_of(made))
    return str(caught.value)


STATEFUL = {"models": [{"name": "m", "versions": [1], "stateful": True}]}
GRAPH = {"models": [{"name": "g", "graph_path": "graph.pbtxt"}]}


def test_what_a_release_does_not_know_is_refused_and_the_release_named(spec: MakeSpec) -> None:
    made = spec(**STATEFUL, ovms_version="2026.2")
    check_config(render_config(made), Runtime(), context_of(made))
    text = refused(spec, **STATEFUL, ovms_version="2026.3")
    assert text.startswith("models[m].stateful: OVMS 2026.3 does not know it")
    text = refused(spec, **STATEFUL, image="reg/ovms@sha256:" + "0" * 64)
    assert "the image does not tell its release" in text and "ovms_version" in text
    assert "OVMS 2022.3 knows no MediaPipe graphs" in refused(spec, **GRAPH, ovms_version="2022.3")


def test_metrics_in_two_places(spec: MakeSpec) -> None:
    text = refused(spec, monitoring={}, extra_args=["--metrics_enable"])
    assert text.startswith("monitoring: metrics are set by --metrics_enable as well")
    text = refused(spec, monitoring={"metrics_list": ["ovms_streams", "ovms_streams"]})
    assert text.startswith("monitoring.metrics_list: ovms_streams is in the list twice")


def test_one_name_for_a_model_and_a_pipeline(spec: MakeSpec) -> None:
    node = {
        "name": "n",
        "model_name": "m",
        "inputs": [{"x": {"node_name": "request", "data_item": "i"}}],
        "outputs": [{"data_item": "y", "alias": "o"}],
    }
    out = [{"z": {"node_name": "n", "data_item": "o"}}]
    pipeline = {"name": "m", "inputs": ["i"], "outputs": out, "nodes": [node]}
    text = refused(spec, models=[{"name": "m", "versions": [1]}], pipelines=[pipeline])
    assert text.startswith("pipelines[m].name: the name 'm' is taken by /model_config_list/0")
