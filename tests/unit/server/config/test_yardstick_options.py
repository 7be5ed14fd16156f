# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations in the shapes of OVMS's own hundred become options, and those a configuration.

The generator makes the shapes that were seen in demos/ and src/ of openvinotoolkit/model_server:
models in one directory under several names, absolute and relative paths, graphs in both lists with
and without their paths, subconfigs, libraries beside models and in the image, pipelines, loaders.
EDGE_YARDSTICK=N tries N of them.
"""

from __future__ import annotations

import os
import posixpath
import random
from typing import Any

from ansible_collections.openvino.edge.plugins.module_utils.server.config.findings import (
    ERROR,
    Context,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.config.generation import (
    Generation,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.config.lint import lint_config
from ansible_collections.openvino.edge.plugins.module_utils.server.config.to_options import (
    Draft,
    options_of,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.config import (
    context_of,
    render_config,
)

from ..conftest import make_spec

SEEDS = int(os.environ.get("EDGE_YARDSTICK") or 300)
NAMES = ("det", "rec", "dummy", "org/chat", "org/emb-int8", "face detection", "m1", "7", "Über")
TOPS = ("/models", "/models/", "/ovms/src/test", "", "./", "models", "s3://bucket/dir", "/")
TAILS = ("{}", "{}/", "{}/FP16-INT8", "{}/1", "{}/1/model.xml", "dummy", "dummy/", "x/../{}")
SETTINGS: dict[str, tuple[Any, ...]] = {
    "batch_size": (8, "auto", "1:16", "-1", 0),
    "shape": ("auto", "(1,3,200:500,-1)", {"x": "(1,10)"}, {"in put": "auto"}),
    "layout": ("NHWC:NCHW", {"x": "N..."}),
    "nireq": (0, 1, 100),
    "target_device": ("CPU", "GPU", "AUTO:GPU,CPU", ""),
    "plugin_config": ({}, {"NUM_STREAMS": 2}, {"PERFORMANCE_HINT": "THROUGHPUT"}),
    "allow_cache": (True, False),
    "model_version_policy": (
        {"all": {}},
        {"latest": {"num_versions": 2}},
        {"specific": {"versions": [3, 1, 1]}},
    ),
    "custom_loader_options": ({"loader_name": "l", "model_file": "x"},),
}
LIBRARIES = (
    "/models/lib/libx.so",
    "/models/libx.so",
    "lib/libx.so",
    "libx.so",
    "./lib/4/libx.so",
    "/ovms/lib/custom_nodes/libx.so",
    "/ovms/src/test/libx.so",
    "/other/place/libx.so",
)


def path(chance: random.Random, name: str) -> str:
    top, tail = chance.choice(TOPS), chance.choice(TAILS).format(name)
    return posixpath.join(top, tail) if top != "./" else chance.choice((".", "./", f"./{tail}"))


def entry(chance: random.Random, name: str) -> dict[str, Any]:
    made: dict[str, Any] = {"name": name}
    if chance.random() < 0.9:
        made["base_path"] = path(chance, name)
    for key, given in SETTINGS.items():
        if chance.random() < 0.2:
            made[key] = chance.choice(given)
    if made.get("target_device") and "GPU" in made["target_device"]:
        made.pop("plugin_config", None)
    return made


def graph(chance: random.Random, name: str) -> dict[str, Any]:
    made: dict[str, Any] = {"name": name}
    if chance.random() < 0.6:
        made["base_path"] = path(chance, name)
    if chance.random() < 0.6:
        files = ("graph.pbtxt", "g/x.pbtxt", f"/models/{name}/graph.pbtxt", "/models/g/1/a.pbtxt")
        made["graph_path"] = chance.choice(files)
    if chance.random() < 0.4:
        files = ("subconfig.json", f"/models/{name}/s.json", "../s.json", "/models/g/1/s.json")
        made["subconfig"] = chance.choice(files)
    return made


def shaped(seed: int) -> dict[str, Any]:
    """Return a configuration that OVMS takes, the same one for the same number."""
    chance = random.Random(seed)
    names = chance.sample(NAMES, chance.randint(1, len(NAMES)))
    kinds = [chance.choice(("model", "model", "graph", "old")) for _name in names]
    models = [
        {"config": entry(chance, name) if kind == "model" else graph(chance, name)}
        for name, kind in zip(names, kinds, strict=True)
        if kind != "old"
    ]
    for item in models:
        if "graph_path" not in item["config"] and "subconfig" in item["config"]:
            item["config"]["graph_path"] = "graph.pbtxt"
    made: dict[str, Any] = {"model_config_list": models}
    old = [graph(chance, name) for name, kind in zip(names, kinds, strict=True) if kind == "old"]
    if old or chance.random() < 0.1:
        made["mediapipe_config_list"] = old
    used = [name for name, kind in zip(names, kinds, strict=True) if kind == "model"]
    if chance.random() < 0.5:
        made["custom_node_library_config_list"] = [
            {"name": f"lib{index}", "base_path": place}
            for index, place in enumerate(chance.sample(LIBRARIES, chance.randint(1, 4)))
        ]
    if used and chance.random() < 0.4:
        made["pipeline_config_list"] = [pipeline(used[0])]
    if any("custom_loader_options" in item["config"] for item in models):
        made["custom_loader_config_list"] = [
            {"config": {"loader_name": "l", "library_path": "/l.so"}}
        ]
    if chance.random() < 0.3:
        made["monitoring"] = {
            "metrics": {"enable": chance.random() < 0.5, "metrics_list": ["ovms_streams"]}
        }
    return made


def pipeline(model: str) -> dict[str, Any]:
    node = {
        "name": "n",
        "model_name": model,
        "type": "DL model",
        "inputs": [{"x": {"node_name": "request", "data_item": "i"}}],
        "outputs": [{"data_item": "y", "alias": "o"}],
    }
    outputs = [{"z": {"node_name": "n", "data_item": "o"}}]
    return {"name": "pipe", "inputs": ["i"], "nodes": [node], "outputs": outputs}


def place_of(item: dict[str, Any]) -> str:
    """Return where the files of an entry are, in the words of the configuration."""
    base = str(item.get("base_path") or item["name"])
    scheme, mark, rest = base.rpartition("://")
    return scheme + mark + posixpath.normpath(rest)


def silent(config: dict[str, Any], draft: Draft) -> list[str]:
    """Return what is neither among the options nor named."""
    made = {item["name"]: item for item in draft.options["models"]}
    found = []
    entries = [item["config"] for item in config["model_config_list"]]
    for item in (*entries, *config.get("mediapipe_config_list", ())):
        name, words = item["name"], " ".join(draft.left_out)
        if name not in made and f"models[{name}]" not in words:
            found.append(name)
        for key in set(item) - {"name", "base_path", "model_version_policy"}:
            if key not in made.get(name, {}) and f"models[{name}].{key}" not in words:
                found.append(f"{name}.{key}")
    libraries = {item["name"] for item in draft.options.get("custom_node_libraries", ())}
    for item in config.get("custom_node_library_config_list", ()):
        if item["name"] not in libraries and f"[{item['name']}]" not in " ".join(draft.left_out):
            found.append(item["name"])
    return found


def test_shapes_come_back_as_options_that_are_taken() -> None:
    for seed in range(SEEDS):
        config = shaped(seed)
        # What cannot be, no release takes: the generator must not measure that.
        context = Context(Generation((2026, 3)))
        bad = [str(item) for item in lint_config(config, context) if item.level == ERROR]
        assert [text for text in bad if "'/../'" not in text] == [], (seed, bad)
        draft = options_of(config)
        spec = make_spec(**draft.options, ovms_version="2026.3")
        errors = [
            str(item)
            for item in lint_config(render_config(spec), context_of(spec))
            if item.level == ERROR
        ]
        assert errors == [], seed
        assert silent(config, draft) == [], seed


def test_different_base_paths_are_different_directories() -> None:
    together = 0
    for seed in range(SEEDS):
        config = shaped(seed)
        there = {item["name"]: item for item in options_of(config).options["models"]}
        paths: dict[str, str] = {}
        for item in (one["config"] for one in config["model_config_list"]):
            if item["name"] not in there or "graph_path" in item:
                continue
            made = there[item["name"]].get("directory") or item["name"].replace("/", "--")
            place = place_of(item)
            other = paths.setdefault(made, place)
            # A path into a version, or to a file in one, is that of the model above it.
            assert other == place or _same_model(other, place), (seed, made, other, place)
            together += other == place
    assert together


def _same_model(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return long.startswith(f"{short}/") and long[len(short) :] in ("/1", "/1/model.xml")
