# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lint of the pipelines (DAGs) of a C(config.json): keys, and whether the nodes fit together. Pure.

Rules from openvinotoolkit/model_server: src/schema.cpp (keys), src/dags/pipelinedefinition.cpp and
pipeline_factory.cpp (what a definition has to have to become available).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from .findings import ERROR, WARNING, Finding, closed, text_fault

MODEL_NODE = "DL model"
CUSTOM_NODE = "custom"
# What a client sends, and what it gets; both are nodes of each pipeline.
REQUEST, RESPONSE = "request", "response"
_MOST = 10000
MAX_VERSION = 2**63 - 1

Source = Tuple[str, str, str]


@dataclass(frozen=True)
class Servables:
    """The models and libraries of the configuration that nodes may use.

    Attributes:
        models: pinned versions by model; empty: the server chooses.
        libraries: names of custom node libraries.
        graphs: there are graphs, whose own files may bring models.
    """

    models: Mapping[str, Sequence[int]] = field(default_factory=dict)
    libraries: Tuple[str, ...] = ()
    graphs: bool = False


def lint_pipelines(items: Any, servables: Servables) -> Iterator[Finding]:
    """Return what is wrong with C(pipeline_config_list)."""
    if not isinstance(items, list):
        yield Finding(ERROR, "/pipeline_config_list", "a list is needed", option="pipelines")
        return
    for index, item in enumerate(items):
        path = f"/pipeline_config_list/{index}"
        if not isinstance(item, Mapping):
            yield Finding(ERROR, path, "an object is needed", option="pipelines")
            continue
        name = item.get("name")
        model = name if isinstance(name, str) else ""
        for finding in _pipeline(item, path, servables):
            yield replace(finding, model=model, option="pipelines")


def _pipeline(item: Mapping[str, Any], path: str, servables: Servables) -> Iterator[Finding]:
    checks: Dict[str, Callable[[Any], Optional[str]]] = {
        "name": text_fault,
        "inputs": _names_fault,
        "outputs": _sources_fault,
        "nodes": _list_fault,
        "demultiply_count": _demultiply_fault,
    }
    broken = list(closed(item, path, checks, ("name", "inputs", "outputs", "nodes")))
    yield from broken
    nodes = item.get("nodes")
    if not isinstance(nodes, list):
        return
    for index, node in enumerate(nodes):
        found = list(_node(node, f"{path}/nodes/{index}"))
        broken += found
        yield from (replace(one, key=_dotted(index, one.key)) for one in found)
    if not broken:
        yield from _fit(item, path, servables)


def _dotted(index: int, key: str) -> str:
    return f"nodes[{index}].{key}" if key else f"nodes[{index}]"


def _node(node: Any, path: str) -> Iterator[Finding]:
    if not isinstance(node, Mapping):
        yield Finding(ERROR, path, "an object is needed")
        return
    checks: Dict[str, Callable[[Any], Optional[str]]] = {
        "name": text_fault,
        "type": _type_fault,
        "model_name": text_fault,
        "library_name": text_fault,
        "version": _version_fault,
        "inputs": _sources_fault,
        "outputs": _aliases_fault,
        "params": _params_fault,
        "demultiply_count": _demultiply_fault,
        "gather_from_node": text_fault,
    }
    yield from closed(node, path, checks, ("name", "type", "inputs", "outputs"))
    needed, other = "model_name", "library_name"
    if _type_fault(node.get("type")):
        return
    if node["type"] == CUSTOM_NODE:
        needed, other = other, needed
    if needed not in node:
        message = f"a node of type {node['type']} needs it"
        yield Finding(ERROR, f"{path}/{needed}", message, key=needed)
    if other in node:
        message = f"a node of type {node['type']} has none"
        yield Finding(ERROR, f"{path}/{other}", message, key=other)


def _fit(item: Mapping[str, Any], path: str, servables: Servables) -> Iterator[Finding]:
    """Check what nodes say of each other, of models and of libraries."""
    offered: Dict[str, Set[str]] = {REQUEST: set(item["inputs"])}
    for index, node in enumerate(item["nodes"]):
        where, name = f"{path}/nodes/{index}", node["name"]
        if name in offered or name == RESPONSE:
            taken = "reserved" if name in (REQUEST, RESPONSE) else "that of another node"
            message = f"the name '{name}' is {taken}"
            yield Finding(ERROR, f"{where}/name", message, key=_dotted(index, "name"))
        offered.setdefault(name, set()).update(alias["alias"] for alias in node["outputs"])
    for index, node in enumerate(item["nodes"]):
        where = f"{path}/nodes/{index}"
        for one in (*_served(node, where, servables), *_gathered(node, where, item["nodes"])):
            yield replace(one, key=_dotted(index, one.key))
        for source in _sources(node["inputs"], f"{where}/inputs"):
            yield from _reference(source, offered, _dotted(index, "inputs"))
    for source in _sources(item["outputs"], f"{path}/outputs"):
        yield from _reference(source, offered, "outputs")
    yield from _cycle(item["nodes"], path)


def _served(node: Mapping[str, Any], path: str, servables: Servables) -> Iterator[Finding]:
    if node["type"] == CUSTOM_NODE:
        library = node["library_name"]
        if library not in servables.libraries:
            message = f"there is no custom node library '{library}'"
            yield Finding(ERROR, f"{path}/library_name", message, key="library_name")
        return
    model, version = node["model_name"], node.get("version")
    if model not in servables.models:
        message = f"there is no model '{model}'"
        hint = "Unless the subconfig of a graph has it" if servables.graphs else ""
        level = WARNING if servables.graphs else ERROR
        yield Finding(level, f"{path}/model_name", message, hint, key="model_name")
        return
    pinned = servables.models[model]
    if version and pinned and version not in pinned:
        served = ", ".join(map(str, pinned))
        message = f"version {version} of {model} is not served (only {served})"
        yield Finding(ERROR, f"{path}/version", message, key="version")


def _gathered(
    node: Mapping[str, Any], path: str, nodes: Sequence[Mapping[str, Any]]
) -> Iterator[Finding]:
    gather = node.get("gather_from_node")
    if gather is None or gather == REQUEST:
        return
    source = [other for other in nodes if other["name"] == gather]
    if not source or "demultiply_count" not in source[0]:
        message = f"there is no node '{gather}' with a demultiply_count"
        yield Finding(ERROR, f"{path}/gather_from_node", message, key="gather_from_node")


def _sources(items: Sequence[Mapping[str, Any]], path: str) -> List[Source]:
    return [
        (f"{path}/{index}/{label}", str(source["node_name"]), str(source["data_item"]))
        for index, item in enumerate(items)
        for label, source in item.items()
    ]


def _reference(source: Source, offered: Mapping[str, Set[str]], key: str) -> Iterator[Finding]:
    path, node, item = source
    if node not in offered:
        yield Finding(ERROR, f"{path}/node_name", f"there is no node '{node}'", key=key)
    elif item not in offered[node]:
        there = ", ".join(sorted(offered[node])) or "nothing"
        message = f"the node '{node}' has no output '{item}'"
        yield Finding(ERROR, f"{path}/data_item", message, f"It has {there}", key=key)


def _cycle(nodes: Sequence[Mapping[str, Any]], path: str) -> Iterator[Finding]:
    """Find nodes that wait for each other: take away, in turn, what waits for nothing."""
    names = {node["name"] for node in nodes}
    waits = {
        node["name"]: {name for _path, name, _item in _sources(node["inputs"], "")} & names
        for node in nodes
    }
    while waits:
        free = [name for name, others in waits.items() if not others & set(waits)]
        if not free:
            message = f"the nodes {', '.join(sorted(waits))} wait for each other"
            yield Finding(ERROR, f"{path}/nodes", message, key="nodes")
            return
        for name in free:
            del waits[name]


def _list_fault(value: Any) -> Optional[str]:
    return None if isinstance(value, list) else "a list is needed"


def _names_fault(value: Any) -> Optional[str]:
    good = isinstance(value, list) and all(isinstance(name, str) for name in value)
    return None if good else "a list of names is needed"


def _sources_fault(value: Any) -> Optional[str]:
    wanted = ("node_name", "data_item")
    if not isinstance(value, list):
        return "a list is needed"
    for item in value:
        if not isinstance(item, Mapping):
            return "a list of {NAME: {node_name, data_item}} is needed"
        if len(item) != 1:
            return f"each object of the list has one name, here are {len(item)}"
        if not all(_texts(source, wanted) for source in item.values()):
            return "each name needs node_name and data_item, and no more"
    return None


def _aliases_fault(value: Any) -> Optional[str]:
    good = isinstance(value, list)
    good = good and all(_texts(item, ("data_item", "alias")) for item in value)
    return None if good else "a list of {data_item, alias} is needed"


def _texts(item: Any, keys: Sequence[str]) -> bool:
    if not isinstance(item, Mapping) or set(item) != set(keys):
        return False
    return all(isinstance(value, str) for value in item.values())


def _params_fault(value: Any) -> Optional[str]:
    good = isinstance(value, Mapping) and all(isinstance(text, str) for text in value.values())
    return None if good else "an object of texts is needed"


def _type_fault(value: Any) -> Optional[str]:
    return (
        None if value in (MODEL_NODE, CUSTOM_NODE) else f"{MODEL_NODE} or {CUSTOM_NODE} is needed"
    )


def _version_fault(value: Any) -> Optional[str]:
    good = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_VERSION
    return None if good else "a number from 1 is needed"


def _demultiply_fault(value: Any) -> Optional[str]:
    good = isinstance(value, int) and not isinstance(value, bool) and -1 <= value <= _MOST
    return None if good else f"a number from -1 to {_MOST} is needed"
