# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts a C(config.json) to options of C(model_server) that serve the same models. Pure.

Each path becomes one directory, since on a store all models lie side by side; rendering puts
C(/models) in front of it again. The module accepts all returned options; settings without an option
are listed in C(left_out).
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ...errors import InputError
from ...store import directory_of
from ...verify.marker import without_marker
from .generation import STATEFUL_KEYS
from .models import models_from_items
from .places import (
    Place,
    clean,
    directories,
    in_store,
    is_remote,
    misread,
    of_the_image,
    without_version,
)

GRAPH_FILE = "graph.pbtxt"
_SAME = (
    "target_device",
    "nireq",
    "shape",
    "layout",
    "plugin_config",
    "allow_cache",
    *STATEFUL_KEYS,
)
_OF_GRAPHS = ("name", "base_path", "graph_path", "subconfig")
_MOST_VERSIONS = 2**31 - 1

Config = Mapping[str, Any]
Options = Dict[str, Any]


@dataclass
class Draft:
    """The options found so far.

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

    def leave(self, text: str) -> None:
        """Add a setting that has no option."""
        self.left_out.append(text)


@dataclass(frozen=True)
class _Served:
    """A model or graph of the configuration, and the directory that it lies in."""

    entry: Config
    path: str
    graph: str = ""
    subconfig: str = ""
    version: int = 0


def options_of(config: Config, graphs: Optional[Mapping[str, int]] = None) -> Draft:
    """Return the options.

    Args:
        config: it has passed the lint.
        graphs: names in C(model_config_list) that are graphs, as their files tell, with the version
            directory in which the graph is; 0 for none.
    """
    draft, config = Draft(), without_marker(config)
    served = [_served(item["config"], graphs or {}, draft) for item in config["model_config_list"]]
    for item in config.get("mediapipe_config_list") or ():
        served.append(_graph({"graph_path": GRAPH_FILE, **item}, 0, draft))
    tops = {posixpath.dirname(item.path) for item in served}
    libraries = [
        (item, clean(str(item["base_path"])))
        for item in config.get("custom_node_library_config_list") or ()
    ]
    places = [Place(item.path, str(item.entry["name"])) for item in served]
    places += [
        Place(without_version(posixpath.dirname(path))[0])
        for _item, path in libraries
        if in_store(path, tops) and posixpath.dirname(path) not in ("", *tops)
    ]
    found = directories(places)
    draft.options["models"] = [made for item in served for made in _model(item, found, draft)]
    sections = {
        "custom_node_libraries": [
            made for item, path in libraries for made in _library(item, path, tops, found, draft)
        ],
        "pipelines": [_pipeline(item) for item in config.get("pipeline_config_list") or ()],
    }
    draft.options.update({key: items for key, items in sections.items() if items})
    if "monitoring" in config:
        draft.options["monitoring"] = _monitoring(config["monitoring"]["metrics"], draft)
    if config.get("custom_loader_config_list"):
        draft.leave("/custom_loader_config_list: custom loaders have no option")
    return draft


def _served(entry: Config, graphs: Mapping[str, int], draft: Draft) -> _Served:
    name = str(entry["name"])
    if "graph_path" in entry:
        return _graph(entry, 0, draft)
    if name in graphs:
        draft.note(f"models[{name}] is a graph: {GRAPH_FILE} is in its directory")
        return _graph({"graph_path": GRAPH_FILE, **entry}, graphs[name], draft)
    path = clean(str(entry.get("base_path") or name))
    found = misread(path, name)
    if found:
        draft.note(
            f"models[{name}]: {path} is {found.what}, and the server would find no version there;"
            f" its directory is {found.meant}"
        )
    return _Served(entry, found.meant if found else path)


def _graph(entry: Config, version: int, draft: Draft) -> _Served:
    """Return a graph: its directory holds the graph's file, and the subconfig if there is one."""
    name = str(entry["name"])
    for key in entry:
        if key not in _OF_GRAPHS:
            draft.leave(f"models[{name}].{key}: of a graph the server does not read it")
    base = clean(str(entry.get("base_path") or name))
    base = posixpath.join(base, str(version)) if version else base
    graph = clean(posixpath.join(base, str(entry["graph_path"])))
    directory = base if _below(graph, base) else posixpath.dirname(graph)
    subconfig = ""
    if entry.get("subconfig"):
        place = clean(posixpath.join(base, str(entry["subconfig"])))
        subconfig = _below(place, directory)
        if not subconfig:
            draft.leave(
                f"models[{name}].subconfig: {place} is not in the directory of the graph,"
                f" {directory}; move it there and set subconfig"
            )
    above, last = posixpath.split(directory)
    file = _below(graph, directory)
    if last.isdecimal() and int(last) and above not in ("", "/"):
        return _Served(entry, above, file, subconfig, int(last))
    return _Served(entry, directory, file, subconfig)


def _below(path: str, directory: str) -> str:
    """Return a path from a directory on, empty if it is not in it."""
    if directory == ".":
        return "" if path.startswith(("/", "../")) else path
    start = directory.rstrip("/") + "/"
    return path[len(start) :] if path.startswith(start) else ""


def _model(item: _Served, found: Mapping[str, str], draft: Draft) -> List[Options]:
    """Return a list with the option of a model, empty if the module would refuse it."""
    entry, name = item.entry, str(item.entry["name"])
    model: Options = {"name": name}
    directory = found[item.path]
    if directory != directory_of(name):
        model["directory"] = directory
    if item.graph:
        model["graph_path"] = item.graph
        model.update({"subconfig": item.subconfig} if item.subconfig else {})
        model.update({"versions": [item.version]} if item.version else {})
    else:
        model.update({key: entry[key] for key in _SAME if key in entry})
        model.update({"batch_size": str(entry["batch_size"])} if "batch_size" in entry else {})
        model.update(_versions(entry.get("model_version_policy")))
        if "custom_loader_options" in entry:
            draft.leave(f"models[{name}].custom_loader_options: they have no option")
    try:
        models_from_items([model])
    except InputError as error:
        draft.leave(f"models[{name}]: {error.message}")
        return []
    _note_files(item, directory, draft)
    return [model]


def _note_files(item: _Served, directory: str, draft: Draft) -> None:
    """Say what has to be done so that the files are in the directory."""
    name, path = str(item.entry["name"]), item.path
    if is_remote(path):
        draft.note(f"models[{name}] is read from {path}: set cloud, or copy it")
    elif path in (".", "/"):
        what = item.graph or "its files"
        draft.note(
            f"models[{name}] lies beside the configuration: move {what} and what belongs to it into"
            f" a directory of its own, {directory}"
        )
    elif posixpath.basename(path) != directory and directory != directory_of(name):
        draft.note(
            f"copy {path} as {directory}: models: [{{name: {directory}, path: ...}}] of"
            " model_repository, with the path from src on"
        )


def _versions(policy: Any) -> Options:
    """Return the policy; without one OVMS serves the latest version."""
    ((kind, fields),) = (policy or {"latest": {}}).items()
    if kind == "specific":
        return {"versions": sorted(set(fields["versions"]))}
    if kind == "all":
        return {"version_policy": {"all": True}}
    return {"version_policy": {"latest": min(int(fields.get("num_versions", 1)), _MOST_VERSIONS)}}


def _library(
    entry: Config, path: str, tops: Any, found: Mapping[str, str], draft: Draft
) -> List[Options]:
    """Return a library; one that lies beside the models is part of the store."""
    name, file = str(entry["name"]), posixpath.basename(path)
    if is_remote(path) or file in ("", ".", ".."):
        draft.leave(f"custom_node_libraries[{name}]: '{entry['base_path']}' is not a file")
        return []
    if not in_store(path, tops):
        if not of_the_image(path):
            draft.note(f"custom_node_libraries[{name}]: {path} is taken for a file of the image")
        return [{"name": name, "base_path": path}]
    directory, number = without_version(posixpath.dirname(path))
    place: Optional[str] = found.get(directory)
    if place is None or posixpath.dirname(path) in ("", *tops):
        place = _unused("lib", found)
        number = 1
        draft.note(f"{file} lies beside the models: move it into a directory of its own, {place}")
    draft.note(f"copy the directory {place} too: models: [{{name: {place}, versions: [{number}]}}]")
    return [{"name": name, "base_path": f"{place}/{number}/{file}"}]


def _unused(name: str, found: Mapping[str, str]) -> str:
    while name in found.values():
        name += "s"
    return name


def _pipeline(entry: Config) -> Options:
    nodes = [
        {key: value for key, value in node.items() if key != "type"} for node in entry["nodes"]
    ]
    return {**entry, "nodes": nodes}


def _monitoring(metrics: Config, draft: Draft) -> Options:
    made = dict(metrics)
    if not made["enable"] and made.pop("metrics_list", None):
        draft.leave("monitoring.metrics_list: it does nothing without enable")
    return made


def plain_entries(config: Config) -> List[Tuple[str, str]]:
    """Return name and path of each model entry that may be a graph, depending on its files."""
    found = []
    for item in config.get("model_config_list") or ():
        entry = item.get("config") if isinstance(item, Mapping) else None
        if isinstance(entry, Mapping) and "graph_path" not in entry:
            name = str(entry.get("name") or "")
            found.append((name, str(entry.get("base_path") or name)))
    return found
