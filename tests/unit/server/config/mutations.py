# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations that are right, and what a tired person makes of them. Seeded, so repeatable."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

SOURCE = {"node_name": "request", "data_item": "image"}
WHOLE: dict[str, Any] = {
    "model_config_list": [
        {
            "config": {
                "name": "detect",
                "base_path": "/models/detect",
                "batch_size": "auto",
                "nireq": 2,
                "target_device": "CPU",
                "allow_cache": True,
                "plugin_config": {"NUM_STREAMS": 2, "PERFORMANCE_HINT": "LATENCY"},
                "model_version_policy": {"specific": {"versions": [10, 11]}},
            }
        },
        {
            "config": {
                "name": "read",
                "base_path": "/models/read",
                "shape": {"x": "(1,3,-1,200:500)"},
                "layout": "NHWC:NCHW",
                "model_version_policy": {"latest": {"num_versions": 2}},
                "custom_loader_options": {"loader_name": "sealed", "key": "k"},
            }
        },
        {"config": {"name": "all", "base_path": "/models/a", "model_version_policy": {"all": {}}}},
    ],
    "custom_loader_config_list": [
        {"config": {"loader_name": "sealed", "library_path": "/lib/sealed.so"}}
    ],
    "custom_node_library_config_list": [{"name": "cut", "base_path": "/lib/cut.so"}],
    "pipeline_config_list": [
        {
            "name": "text",
            "inputs": ["image"],
            "nodes": [
                {
                    "name": "one",
                    "model_name": "detect",
                    "type": "DL model",
                    "version": 10,
                    "inputs": [{"x": SOURCE}],
                    "outputs": [{"data_item": "y", "alias": "boxes"}],
                },
                {
                    "name": "two",
                    "library_name": "cut",
                    "type": "custom",
                    "params": {"threshold": "0.5"},
                    "demultiply_count": 0,
                    "inputs": [
                        {"a": {"node_name": "one", "data_item": "boxes"}},
                        {"b": SOURCE},
                    ],
                    "outputs": [{"data_item": "c", "alias": "cuts"}],
                },
                {
                    "name": "three",
                    "model_name": "read",
                    "type": "DL model",
                    "gather_from_node": "two",
                    "inputs": [{"x": {"node_name": "two", "data_item": "cuts"}}],
                    "outputs": [{"data_item": "y", "alias": "words"}],
                },
            ],
            "outputs": [{"words": {"node_name": "three", "data_item": "words"}}],
        }
    ],
    "monitoring": {"metrics": {"enable": True, "metrics_list": ["ovms_streams"]}},
}
GRAPHS = [{"name": "chat", "base_path": "/models/chat", "graph_path": "graph.pbtxt"}]
# Every key that any part of a configuration has, and some that none has.
KEYS = (
    *("name", "base_path", "batch_size", "nireq", "target_device", "allow_cache", "plugin_config"),
    *("shape", "layout", "stateful", "idle_sequence_cleanup", "low_latency_transformation"),
    *("max_sequence_number", "graph_path", "subconfig", "model_version_policy", "loader_name"),
    *("custom_loader_options", "library_path", "loader_config_file", "type", "version", "params"),
    *("model_name", "library_name", "demultiply_count", "gather_from_node", "inputs", "outputs"),
    *("nodes", "node_name", "data_item", "alias", "enable", "metrics", "metrics_list", "config"),
    *("all", "latest", "specific", "versions", "num_versions", "mediapipe_config_list", "mean"),
    *("pipeline_config_list", "monitoring", "custom_loader_config_list", "$schema", "comment"),
    *("custom_node_library_config_list", "version_policy", "additionalProperties"),
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    7,
    10001,
    2**64,
    0.5,
    1.0,
    "",
    "auto",
    "CPU",
    "-1",
    "1:8",
    "graph.pbtxt",
    "DL model",
    "custom",
    "detect",
    [],
    [1],
    [0],
    ["image"],
    [{}],
    [None],
    {},
    {"all": {}},
    {"latest": {"num_versions": 1}},
    {"specific": {"versions": [1]}},
    {"all": {}, "latest": {"num_versions": 1}},
    {"x": "(1,3)"},
    {"x": [1, 3]},
    {"NUM_STREAMS": True},
    {"loader_name": "sealed"},
    {"left": SOURCE, "right": SOURCE},
    [{"left": SOURCE, "right": SOURCE}],
)


def places(node: Any) -> Iterator[Any]:
    """Yield every object and list that has something in it."""
    if isinstance(node, (dict, list)):
        yield node
        for item in list(node.values()) if isinstance(node, dict) else node:
            yield from places(item)


def mutated(seed: int) -> Any:
    """Return a configuration with none to three faults, the same one for the same number."""
    chance = random.Random(seed)
    config = copy.deepcopy(WHOLE)
    if chance.random() < 0.5:
        config["mediapipe_config_list"] = copy.deepcopy(GRAPHS)
    if chance.random() < 0.3:
        config["model_config_list"].append({"config": copy.deepcopy(GRAPHS[0]) | {"name": "new"}})
    for name in chance.sample(sorted(set(config) - {"model_config_list"}), chance.randint(0, 3)):
        del config[name]
    for _round in range(chance.choice((0, 1, 1, 1, 2, 3))):
        _one(config, chance)
    return config


def _one(config: dict[str, Any], chance: random.Random) -> None:
    place = chance.choice(list(places(config)))
    value = copy.deepcopy(chance.choice(VALUES))
    if isinstance(place, dict):
        key = chance.choice(sorted(place)) if place else ""
        what = chance.choice(("replace", "remove", "add", "rename"))
        if what == "replace" and place:
            place[key] = value
        elif what == "remove" and place:
            del place[key]
        elif what == "rename" and place:
            place[chance.choice(KEYS)] = place.pop(key)
        else:
            place[chance.choice(KEYS)] = value
        return
    if place and chance.random() < 0.5:
        place[chance.randrange(len(place))] = value
    elif place and chance.random() < 0.5:
        place.append(copy.deepcopy(chance.choice(place)))
    else:
        place.append(value)
