# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a C(config.json) to options of C(model_server) that serve the same from a store. Pure.

Only the last directory of a path is kept: on a store all models lie side by side, and what the
server sees as C(/models) is written in front of it again.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Tuple

from ansible_collections.openvino.edge.plugins.module_utils.server.generation import STATEFUL_KEYS

GRAPH_FILE = "graph.pbtxt"
_SAME = (
    "target_device",
    "nireq",
    "shape",
    "layout",
    "plugin_config",
    "allow_cache",
    "graph_path",
    "subconfig",
    *STATEFUL_KEYS,
)
_REMOTE = re.compile(r"[a-z0-9]+://")
# A library that lies in no version becomes one of this, as its directory is published.
_FIRST = 1

Config = Mapping[str, Any]
Options = Dict[str, Any]


@dataclass
class Draft:
    """Options as far as they are known.

    Attributes:
        options: of C(model_server).
        left_out: what has no option, and why.
        notes: what has to be done to the files.
    """

    options: Options = field(default_factory=dict)
    left_out: List[str] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Add a note once."""
        if text not in self.notes:
            self.notes.append(text)


def options_of(config: Config) -> Draft:
    """Return the options; C(config) has passed the lint."""
    draft = Draft()
    entries = [item["config"] for item in config.get("model_config_list") or ()]
    graphs = [{"graph_path": GRAPH_FILE, **item} for item in _graphs(config)]
    models = [_model(item, draft) for item in (*entries, *graphs)]
    draft.options["models"] = models
    tops = {posixpath.dirname(_clean(item)) for item in (*entries, *graphs)}
    libraries = config.get("custom_node_library_config_list") or ()
    sections = {
        "custom_node_libraries": [_library(item, tops, draft) for item in libraries],
        "pipelines": [_pipeline(item) for item in config.get("pipeline_config_list") or ()],
    }
    draft.options.update({key: items for key, items in sections.items() if items})
    if "monitoring" in config:
        draft.options["monitoring"] = dict(config["monitoring"]["metrics"])
    if config.get("custom_loader_config_list"):
        draft.left_out.append("/custom_loader_config_list: custom loaders have no option")
    return draft


def _graphs(config: Config) -> List[Config]:
    return list(config.get("mediapipe_config_list") or ())


def _clean(entry: Config) -> str:
    return posixpath.normpath(str(entry.get("base_path") or entry["name"]))


def _model(entry: Config, draft: Draft) -> Options:
    name = str(entry["name"])
    model: Options = {"name": name, **{key: entry[key] for key in _SAME if key in entry}}
    path = _clean(entry)
    graph = bool(entry.get("graph_path"))
    if graph and posixpath.basename(path).isdecimal():
        model["versions"] = [int(posixpath.basename(path))]
        path = posixpath.dirname(path)
    directory = posixpath.basename(path)
    if directory != name:
        model["directory"] = directory
    if _REMOTE.match(str(entry.get("base_path") or "")):
        draft.note(f"models[{name}] is read from {entry['base_path']}: set cloud, or copy it")
    if "batch_size" in entry:
        model["batch_size"] = str(entry["batch_size"])
    if "custom_loader_options" in entry:
        draft.left_out.append(f"models[{name}].custom_loader_options: they have no option")
    if not graph:
        model.update(_versions(entry.get("model_version_policy")))
    return model


def _versions(policy: Any) -> Options:
    """Return the policy; without one OVMS serves the latest version."""
    ((kind, fields),) = (policy or {"latest": {}}).items()
    if kind == "specific":
        return {"versions": sorted(fields["versions"])}
    if kind == "all":
        return {"version_policy": {"all": True}}
    return {"version_policy": {"latest": int(fields.get("num_versions", 1))}}


def _library(entry: Config, tops: Any, draft: Draft) -> Options:
    """Return a library; one that lies beside the models is part of the store."""
    path = posixpath.normpath(str(entry["base_path"]))
    directory, file = posixpath.split(path)
    directory, number = _without_version(directory)
    if posixpath.isabs(path) and posixpath.dirname(directory) not in tops:
        return {"name": entry["name"], "base_path": path}
    name = posixpath.basename(directory)
    if not name:
        draft.note(f"{file} lies beside the models: move it into a directory of its own, lib")
        name = "lib"
    draft.note(f"copy the directory {name} too: models: [{{name: {name}, versions: [{number}]}}]")
    return {"name": entry["name"], "base_path": f"{name}/{number}/{file}"}


def _without_version(directory: str) -> Tuple[str, int]:
    above, last = posixpath.split(directory)
    return (above, int(last)) if last.isdecimal() and int(last) else (directory, _FIRST)


def _pipeline(entry: Config) -> Options:
    nodes = [
        {key: value for key, value in node.items() if key != "type"} for node in entry["nodes"]
    ]
    return {**entry, "nodes": nodes}
