# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases from the field: what model_config returns as options is true, and is taken back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.server.config.lint import lint_config
from ansible_collections.openvino.edge.plugins.module_utils.server.config.places import (
    Place,
    directories,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.config.to_options import (
    Draft,
    options_of,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.config import (
    render_config,
)
from hypothesis import given
from hypothesis import strategies as st

from ..conftest import make_spec
from .test_render import MODEST
from .test_to_options import again, run


def drafted(*entries: dict[str, Any], **more: Any) -> Draft:
    return options_of({"model_config_list": [{"config": item} for item in entries], **more})


def model(name: str, base_path: str, **keys: Any) -> dict[str, Any]:
    return {"name": name, "base_path": base_path, **keys}


def placed(draft: Draft) -> dict[str, Any]:
    return {item["name"]: item.get("directory") for item in draft.options["models"]}


def test_case_01_two_paths_with_the_same_last_directory() -> None:
    draft = drafted(
        model("shelf", "/models/shelf/FP16-INT8"), model("queue", "/models/queue/FP16-INT8")
    )
    assert placed(draft) == {"shelf": "shelf-FP16-INT8", "queue": "queue-FP16-INT8"}
    assert any("copy /models/shelf/FP16-INT8 as shelf-FP16-INT8" in note for note in draft.notes)


def test_case_01_one_path_under_two_names_stays_one_directory() -> None:
    draft = drafted(model("cpu", "/models/det"), model("gpu", "/models/det/"))
    assert placed(draft) == {"cpu": "det", "gpu": "det"}


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/models/det/1", "det"),
        ("/models/det/model.xml", "det"),
        ("/models/det/3/model.onnx", "det"),
        ("s3://bucket/det/2", "det"),
    ],
)
def test_case_01_a_path_into_a_version_or_to_a_file(path: str, meant: str) -> None:
    config = {"model_config_list": [{"config": model("m", path)}]}
    ((level, text),) = [
        (item.level, f"{item.message} {item.hint}")
        for item in lint_config(config)
        if item.key == "base_path"
    ]
    assert level == "warning" and "looks for versions below it" in text and meant in text
    draft = options_of(config)
    assert placed(draft) == {"m": meant}
    assert any("the server would find no version there" in note for note in draft.notes)


def test_case_01_a_model_that_is_called_like_a_version_is_one() -> None:
    assert placed(drafted(model("7", "/models/7"))) == {"7": None}


@MODEST
@given(
    st.lists(
        st.lists(st.sampled_from(["a", "A", "b", "FP16", "1", "2", "x y", "a-b"]), min_size=1).map(
            lambda parts: "/" + "/".join(parts[:4])
        ),
        min_size=1,
        max_size=8,
    )
)
def test_case_01_different_paths_are_different_directories(paths: list[str]) -> None:
    found = directories([Place(path, f"m{index}") for index, path in enumerate(paths)])
    assert set(found) == set(paths)
    folded = [directory.casefold() for directory in found.values()]
    assert len(set(folded)) == len(folded)


def test_case_03_names_with_a_slash_are_served_under_them() -> None:
    config = {
        "model_config_list": [],
        "mediapipe_config_list": [{"name": "org/chat-int4", "base_path": "org/chat-int4"}],
    }
    found = run(config=config, ovms_version="2026.3")
    assert found["options"]["models"] == [{"name": "org/chat-int4", "graph_path": "graph.pbtxt"}]
    (entry,) = again(found["options"], ovms_version="2026.3")["model_config_list"]
    assert entry["config"]["name"] == "org/chat-int4"
    assert entry["config"]["base_path"] == "/models/org--chat-int4"


def test_case_03_a_classic_model_too() -> None:
    made = render_config(make_spec(models=[{"name": "org/det", "versions": [1]}]))
    assert made["model_config_list"][0]["config"]["base_path"] == "/models/org--det"


@pytest.mark.parametrize(
    ("item", "option"),
    [
        ({"name": "/det"}, "models[0].name"),
        ({"name": "org//det"}, "models[0].name"),
        ({"name": "org/../det"}, "models[0].name"),
        ({"name": "det", "directory": "org/det"}, "models[0].directory"),
    ],
)
def test_case_03_what_is_refused_says_what_and_how(item: dict[str, Any], option: str) -> None:
    with pytest.raises(InputError) as caught:
        make_spec(models=[{**item, "versions": [1]}])
    assert caught.value.option == option and caught.value.hint


def test_case_03_two_names_do_not_become_one_directory() -> None:
    items = [{"name": "a/b", "versions": [1]}, {"name": "a--b", "versions": [1]}]
    with pytest.raises(InputError, match="would both be in the directory a--b"):
        make_spec(models=items)
    made = make_spec(models=[items[0], {**items[1], "directory": "other"}])
    assert len({item.base_path for item in made.models}) == 2


GRAPHS_08 = [
    {"name": "emb", "graph_path": "/models/emb/graph.pbtxt"},
    {"name": "track", "base_path": "./", "graph_path": "track.pbtxt"},
]


def test_case_08_graphs_with_absolute_paths_and_in_the_root() -> None:
    draft = options_of({"model_config_list": [], "mediapipe_config_list": GRAPHS_08})
    assert draft.options["models"] == [
        {"name": "emb", "graph_path": "graph.pbtxt"},
        {"name": "track", "graph_path": "track.pbtxt"},
    ]
    assert draft.left_out == []
    assert any("move track.pbtxt" in note and ", track" in note for note in draft.notes)
    again(draft.options, ovms_version="2026.3")


def test_case_08_subconfig_with_an_absolute_path() -> None:
    graph = {"name": "g", "base_path": "/m/g", "subconfig": "/m/g/sub/s.json"}
    draft = options_of({"model_config_list": [], "mediapipe_config_list": [graph]})
    assert draft.options["models"][0]["subconfig"] == "sub/s.json"
    away = {**graph, "subconfig": "/etc/s.json"}
    draft = options_of({"model_config_list": [], "mediapipe_config_list": [away]})
    assert "subconfig" not in draft.options["models"][0]
    assert any("/etc/s.json is not in the directory of the graph" in one for one in draft.left_out)


@pytest.mark.parametrize(("place", "versions"), [("chat", None), ("chat/1", [1])])
def test_case_13_a_graph_is_found_by_its_file(
    tmp_path: Path, place: str, versions: list[int] | None
) -> None:
    config = {"model_config_list": [{"config": model("chat", "chat", target_device="GPU")}]}
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / "graph.pbtxt").write_text("node", encoding="utf-8")
    source = tmp_path / "config.json"
    source.write_text(json.dumps(config), encoding="utf-8")
    found = run(src=str(source), ovms_version="2026.3")
    (made,) = found["options"]["models"]
    assert (made["graph_path"], made.get("versions")) == ("graph.pbtxt", versions)
    assert "target_device" not in made
    assert any("target_device" in text for text in found["left_out"])
    again(found["options"], ovms_version="2026.3")
    old = run(src=str(source), ovms_version="2025.0")
    assert "graph_path" not in old["options"]["models"][0]


def test_case_24_a_library_beside_the_models_is_copied() -> None:
    draft = drafted(
        model("det", "/models/det"),
        custom_node_library_config_list=[
            {"name": "pre", "base_path": "/models/libpre.so"},
            {"name": "post", "base_path": "/models/nodes/post/2/libpost.so"},
            {"name": "own", "base_path": "/ovms/lib/custom_nodes/libblur.so"},
        ],
    )
    libraries = {item["name"]: item["base_path"] for item in draft.options["custom_node_libraries"]}
    assert libraries == {
        "pre": "lib/1/libpre.so",
        "post": "post/2/libpost.so",
        "own": "/ovms/lib/custom_nodes/libblur.so",
    }
    assert any("libpre.so lies beside the models: move it" in note for note in draft.notes)
    assert any("name: post, versions: [2]" in note for note in draft.notes)


def test_nothing_is_dropped_without_a_word() -> None:
    draft = drafted(
        model("m", "/models/m", custom_loader_options={"loader_name": "l"}),
        {"name": "g", "graph_path": "graph.pbtxt", "nireq": 2, "plugin_config": {"A": "1"}},
        monitoring={"metrics": {"enable": False, "metrics_list": ["ovms_streams"]}},
        custom_loader_config_list=[{"config": {"loader_name": "l", "library_path": "/l.so"}}],
    )
    for words in (
        "custom_loader_options",
        "g].nireq",
        "g].plugin_config",
        "metrics_list",
        "/custom",
    ):
        assert any(words in text for text in draft.left_out), words
    again(draft.options, ovms_version="2026.3")
