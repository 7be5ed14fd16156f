# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the model versions that an OVMS command line or configuration asks for. Pure.

Options, the configuration's keys and the version policies are those of openvinotoolkit/model_server
(src/cli_parser.cpp, src/schema.cpp, src/model_version_policy.cpp). What does not fit them is
reported as C(Unclear), and its user counts as using every version.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from dataclasses import dataclass
from typing import Any, Callable, Dict, FrozenSet, Iterable, List, Mapping, Optional, Set, Tuple

EVERY_MODEL = ""
LATEST_BY_DEFAULT = 1
SHELLS = ("sh", "bash", "ash", "dash")
_SCRIPT_SIGNS = re.compile(r"[$`;|&<>()\n]")
_VARIABLE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")

Object = Mapping[str, Any]


class Unclear(Exception):
    """The versions that a workload uses cannot be determined."""


@dataclass(frozen=True)
class Policy:
    """The version policy of a model: C(all), C(latest) or C(specific)."""

    kind: str = "all"
    count: int = 0
    versions: FrozenSet[int] = frozenset()

    def choose(self, available: Iterable[int]) -> Set[int]:
        """Return the versions among those that are there."""
        there = set(available)
        if self.kind == "specific":
            return there & self.versions
        if self.kind == "latest":
            return set(sorted(there, reverse=True)[: self.count])
        return there


@dataclass(frozen=True)
class Reference:
    """A use of versions of one model, or with C(EVERY_MODEL) of all; C(name) as the server says."""

    model: str
    policy: Policy
    name: str = ""


@dataclass(frozen=True)
class Demand:
    """The versions that one server asks for.

    Attributes:
        references: models of the store.
        elsewhere: names it serves that are no models of the store: other volumes, pipelines.
    """

    references: Tuple[Reference, ...] = ()
    elsewhere: FrozenSet[str] = frozenset()


Place = Callable[[str], Optional[str]]


@dataclass(frozen=True)
class CommandLine:
    """The options of a server that say what it serves."""

    options: Mapping[str, str]

    @property
    def config_path(self) -> Optional[str]:
        """The file with the configuration, in config mode."""
        return self.options.get("config_path")

    @property
    def rest_port(self) -> Optional[int]:
        """The port of the status interface, C(None) without one."""
        text = self.options.get("rest_port", "0")
        return int(text) if text.isdecimal() and int(text) else None

    @property
    def serves(self) -> bool:
        """Whether it is the command line of a model server."""
        return bool(self.config_path or self.options.get("model_path"))


def command_line(container: Object) -> CommandLine:
    """Return the options of a container's command.

    Raises:
        Unclear: it is a script, or depends on variables from elsewhere.
    """
    words = [*_words(container.get("command")), *_words(container.get("args"))]
    if words and posixpath.basename(words[0]) in SHELLS:
        words = _script_words(words)
    values = {
        str(item.get("name")): str(item["value"])
        for item in container.get("env") or ()
        if item.get("value") is not None
    }
    options: Dict[str, str] = {}
    for name, value in _pairs([_expanded(word, values) for word in words]):
        if name in options and options[name] != value:
            raise Unclear(f"--{name} is given twice")
        options[name] = value
    return CommandLine(options)


def _words(value: Any) -> List[str]:
    return [str(item) for item in value or ()]


def _script_words(words: List[str]) -> List[str]:
    if len(words) < 3 or words[1] not in ("-c", "-ec", "-lc") or _SCRIPT_SIGNS.search(words[2]):
        raise Unclear("it is started by a shell script")
    try:
        return shlex.split(words[2]) + words[3:]
    except ValueError:
        raise Unclear("it is started by a shell script") from None


def _expanded(word: str, values: Mapping[str, str]) -> str:
    """Expand variables as the kubelet does; unknown ones are left unchanged."""
    return _VARIABLE.sub(lambda match: values.get(match.group(1), match.group(0)), word)


def _pairs(words: List[str]) -> Iterable[Tuple[str, str]]:
    """Yield the options, C(--name value) and C(--name=value)."""
    for index, word in enumerate(words):
        if not word.startswith("--"):
            continue
        name, equals, value = word[2:].partition("=")
        following = words[index + 1] if index + 1 < len(words) else ""
        yield name, value if equals else ("" if following.startswith("--") else following)


def single_model(line: CommandLine, place: Place) -> Demand:
    """Return what C(--model_path) asks for.

    Raises:
        Unclear: the policy is none.
    """
    path = line.options.get("model_path", "")
    if _VARIABLE.search(path):
        raise Unclear(f"--model_path depends on a variable: {path}")
    entry = {"name": line.options.get("model_name", ""), "base_path": path}
    text = line.options.get("model_version_policy")
    if text:
        entry["model_version_policy"] = _json(text, "--model_version_policy")
    return _demand_of([_reference(entry, "/", place)], [])


def configuration(text: str, path: str, place: Place) -> Demand:
    """Return what a C(config.json) asks for.

    Args:
        text: the file.
        path: where the server sees it; relative paths in it begin in its directory.
        place: tells where a path lies below C(models/).

    Raises:
        Unclear: it is no configuration of OVMS, or has a policy that is none.
    """
    config = _json(text, path)
    if not isinstance(config, dict) or "model_config_list" not in config:
        raise Unclear(f"{path} is no configuration of a model server")
    folder = posixpath.dirname(path)
    found = [_reference(entry, folder, place) for entry in _entries(config, "model_config_list")]
    graphs = _list(config.get("mediapipe_config_list"))
    for graph in graphs:
        _check_graph(graph, folder, place)
    found += [_library(entry, folder, place) for entry in _libraries(config)]
    pipelines = [*graphs, *_list(config.get("pipeline_config_list"))]
    return _demand_of(found, [str(item.get("name") or "") for item in pipelines])


def _demand_of(found: List[Tuple[str, Optional[Reference]]], others: List[str]) -> Demand:
    elsewhere = [name for name, reference in found if reference is None]
    references = tuple(reference for _name, reference in found if reference is not None)
    return Demand(references, frozenset([*elsewhere, *others]) - {""})


def _entries(config: Object, key: str) -> List[Object]:
    items = [item.get("config") for item in _list(config.get(key))]
    if not all(isinstance(item, dict) for item in items):
        raise Unclear(f"an entry of {key} cannot be read")
    return [item for item in items if item]


def _libraries(config: Object) -> List[Object]:
    """Return the entries with a library path: custom nodes and custom loaders."""
    loaders = _entries(config, "custom_loader_config_list")
    nodes = _list(config.get("custom_node_library_config_list"))
    return [*nodes, *({"base_path": item.get("library_path")} for item in loaders)]


def _library(entry: Object, folder: str, place: Place) -> Tuple[str, Optional[Reference]]:
    """Return the use of a library; it has no name, since no server reports it as loaded."""
    return _reference({"base_path": entry.get("base_path")}, folder, place)


def _list(value: Any) -> List[Object]:
    items: List[Any] = value if isinstance(value, list) else [value] if value else []
    if not all(isinstance(item, dict) for item in items) or isinstance(value, dict):
        raise Unclear("the configuration cannot be read")
    return items


def _check_graph(graph: Object, folder: str, place: Place) -> None:
    """Refuse a MediaPipe graph that lies on the store: its files may name any model there."""
    for key in ("base_path", "graph_path", "subconfig"):
        if graph.get(key) and place(posixpath.join(folder, str(graph[key]))) is not None:
            raise Unclear(f"the MediaPipe graph {graph.get('name')} lies on the store")


def _reference(entry: Object, folder: str, place: Place) -> Tuple[str, Optional[Reference]]:
    """Return an entry's name, and its use of the store."""
    name, path = str(entry.get("name") or ""), str(entry.get("base_path") or "")
    where = None if "://" in path else place(posixpath.join(folder, path))
    if where is None:
        return name, None
    model, _slash, rest = where.partition("/")
    version = rest.partition("/")[0]
    if model == EVERY_MODEL:
        return name, Reference(EVERY_MODEL, Policy(), name)
    if version:
        return name, Reference(model, _one(version), name)
    return name, Reference(model, policy_of(entry.get("model_version_policy"), name), name)


def _one(version: str) -> Policy:
    """Return the policy for a path inside a version; any other directory means all versions."""
    if version.isdecimal() and not version.startswith("0"):
        return Policy("specific", versions=frozenset([int(version)]))
    return Policy()


def policy_of(value: Any, name: str = "") -> Policy:
    """Return a version policy; without one it is the latest version.

    Raises:
        Unclear: it is none that OVMS knows.
    """
    if value is None:
        return Policy("latest", LATEST_BY_DEFAULT)
    try:
        ((kind, fields),) = value.items()
        if kind == "all":
            return Policy()
        if kind == "latest":
            return Policy("latest", max(1, int(fields.get("num_versions", LATEST_BY_DEFAULT))))
        if kind == "specific":
            versions = frozenset(int(item) for item in fields["versions"])
            return Policy("specific", versions=versions)
    except (AttributeError, KeyError, TypeError, ValueError):
        pass
    raise Unclear(f"the version policy of model {name} cannot be read")


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise Unclear(f"{what} is no JSON") from None


def release(text: str) -> List[Reference]:
    """Return the versions that a release record pins.

    C(models) is a mapping of names to mappings or lists of versions, or a list of C(name) and
    C(versions).

    Raises:
        Unclear: it has another form.
    """
    record = _json(text, "the record")
    try:
        models = record["models"]
        if isinstance(models, dict):
            pairs = [(str(name), [int(item) for item in held]) for name, held in models.items()]
        else:
            pairs = [(str(item["name"]), [int(v) for v in item["versions"]]) for item in models]
    except (KeyError, TypeError, ValueError):
        raise Unclear("it is no record of models and versions") from None
    return [Reference(name, Policy("specific", versions=frozenset(held))) for name, held in pairs]


def loaded(body: bytes) -> List[Tuple[str, int]]:
    """Return names and versions that a server's answer to C(GET /v1/config) says it holds.

    Raises:
        Unclear: it is no such answer.
    """
    try:
        document = json.loads(body.decode("utf-8"))
        return [
            (str(name), int(item["version"]))
            for name, entry in document.items()
            for item in entry["model_version_status"]
            if item["state"] != "END"
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Unclear("the answer to GET /v1/config is no model status") from None
