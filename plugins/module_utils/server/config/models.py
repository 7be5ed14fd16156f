# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The models and MediaPipe graphs of a server: option specs and checked values. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from ...errors import InputError
from ...store import SERVING_MOUNT_PATH, directory_of
from .. import values
from . import shapes
from .generation import STATEFUL_KEYS
from .lint_pipelines import MAX_VERSION

DEFAULT_DEVICE = "CPU"

MODEL_OPTIONS: Dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "directory": {"type": "str"},
    "versions": {"type": "list", "elements": "int"},
    "version_policy": {
        "type": "dict",
        "options": {
            "all": {"type": "bool", "default": False},
            "latest": {"type": "int"},
            "specific": {"type": "list", "elements": "int"},
        },
    },
    "target_device": {"type": "str"},
    "nireq": {"type": "int"},
    "batch_size": {"type": "str"},
    "shape": {"type": "raw"},
    "layout": {"type": "raw"},
    "plugin_config": {"type": "dict", "default": {}},
    "allow_cache": {"type": "bool"},
    "graph_path": {"type": "str"},
    "subconfig": {"type": "str"},
    "stateful": {"type": "bool"},
    "idle_sequence_cleanup": {"type": "bool"},
    "low_latency_transformation": {"type": "bool"},
    "max_sequence_number": {"type": "int"},
}

_DIRECTORY = re.compile(r"[^/\x00-\x1f\x7f]+")
# Options of models only; for the models of a graph they are set in its subconfig.
_NOT_FOR_GRAPHS = (
    "target_device",
    "nireq",
    "batch_size",
    "shape",
    "layout",
    "plugin_config",
    "allow_cache",
    "version_policy",
    *STATEFUL_KEYS,
)


@dataclass(frozen=True)
class ModelSpec:
    """One model or graph of the server's configuration file.

    Attributes:
        name: served name.
        directory: below the store's C(models); empty: it is called like the model, and where that
            name has a slash like C(directory_of) makes of it.
        versions: pinned versions, ascending; empty: C(latest) or all. Of a graph at most one.
        latest: how many of the newest versions, if none is pinned; 0 is all of them.
        target_device: OpenVINO device; always written, since the default of OVMS changed.
        batch_size: C("auto"), a number, or None: as in the model.
        shape: OVMS text form, one for all inputs or by input name; None: as in the model.
        layout: OVMS text form, one for all inputs or by name; None: as in the model.
        plugin_config: OpenVINO properties.
        allow_cache: whether a compiled model may be cached; None: as the server likes.
        stateful: keys for stateful models, gone with OVMS 2026.3.
        graph_path: file of a MediaPipe graph, in its directory; empty: this is a model.
        subconfig: file with the configuration of a graph's models, in its directory.
        root: what has the directory of the model in it, as the server sees it.
    """

    name: str
    versions: Tuple[int, ...] = ()
    latest: int = 0
    target_device: str = DEFAULT_DEVICE
    nireq: Optional[int] = None
    batch_size: Optional[str] = None
    shape: shapes.ShapeOption = None
    layout: shapes.ShapeOption = None
    plugin_config: Mapping[str, Any] = field(default_factory=dict)
    allow_cache: Optional[bool] = None
    stateful: Mapping[str, Any] = field(default_factory=dict)
    graph_path: str = ""
    subconfig: str = ""
    root: str = SERVING_MOUNT_PATH
    directory: str = ""

    @property
    def is_graph(self) -> bool:
        """Tell whether this is a MediaPipe graph."""
        return bool(self.graph_path)

    @property
    def base_path(self) -> str:
        """Return the directory of the model as the server sees it.

        OVMS has no versions of graphs, so the path of a graph includes its version directory. A new
        version changes the configuration file, and so OVMS loads the graph again.
        """
        path = f"{self.root}/{self.directory or directory_of(self.name)}"
        return f"{path}/{self.versions[0]}" if self.is_graph and self.versions else path

    @property
    def reported(self) -> Tuple[int, ...]:
        """Return the versions that a server must report; empty: any will do."""
        return () if self.is_graph else self.versions


def models_from_items(
    items: Sequence[Mapping[str, Any]], root: str = SERVING_MOUNT_PATH
) -> Tuple[ModelSpec, ...]:
    """Return the models by name; C(root) has their directories in it.

    Raises:
        InputError: the first invalid value.
    """
    models = [
        replace(
            _model(item, f"models[{index}]"),
            root=root,
            directory=_directory(item, f"models[{index}].directory"),
        )
        for index, item in enumerate(items)
    ]
    seen: Dict[str, int] = {}
    for index, model in enumerate(models):
        if model.name in seen:
            raise InputError(
                f"'{model.name}' is models[{seen[model.name]}] as well",
                option=f"models[{index}].name",
                hint="Put all versions of one model into one entry",
            )
        seen[model.name] = index
    _check_made_directories(models)
    return tuple(sorted(models, key=lambda model: model.name))


def _check_made_directories(models: Sequence[ModelSpec]) -> None:
    """Refuse two models with the same default directory, unless C(directory) is set explicitly."""
    seen: Dict[str, str] = {}
    for index, model in enumerate(models):
        if model.directory:
            continue
        directory = directory_of(model.name)
        other = seen.setdefault(directory, model.name)
        if other != model.name:
            raise InputError(
                f"'{model.name}' and '{other}' would both be in the directory {directory}",
                option=f"models[{index}].name",
                hint="Give one of them another directory",
            )


def _directory(item: Mapping[str, Any], option: str) -> str:
    name = str(item.get("directory") or "")
    if name and not _fits(name):
        raise InputError(
            f"'{name}' cannot be a directory of models",
            option=option,
            hint="Directories of models lie side by side on a store: it has no '/', no control"
            " characters, and neither '.' nor a space in front. model_repository's models.path"
            " copies one from further down",
        )
    return name


def _model(item: Mapping[str, Any], option: str) -> ModelSpec:
    name = _model_name(item["name"], f"{option}.name")
    if item.get("graph_path"):
        return _graph(item, name, option)
    if item.get("subconfig"):
        hint = "Give graph_path as well, for example graph.pbtxt"
        raise InputError("only a graph has one", option=f"{option}.subconfig", hint=hint)
    nireq = item.get("nireq")
    versions, latest = _policy(item, option)
    return ModelSpec(
        name=name,
        versions=versions,
        latest=latest,
        target_device=item.get("target_device") or DEFAULT_DEVICE,
        nireq=None if nireq is None else values.integer(nireq, f"{option}.nireq", 0, 100000),
        batch_size=shapes.batch_size(item.get("batch_size"), f"{option}.batch_size"),
        shape=shapes.shape(item.get("shape"), f"{option}.shape"),
        layout=shapes.layout(item.get("layout"), f"{option}.layout"),
        plugin_config=dict(item.get("plugin_config") or {}),
        allow_cache=item.get("allow_cache"),
        stateful={key: item[key] for key in STATEFUL_KEYS if item.get(key) is not None},
    )


def _graph(item: Mapping[str, Any], name: str, option: str) -> ModelSpec:
    for key in _NOT_FOR_GRAPHS:
        if item.get(key) not in (None, {}):
            raise InputError(
                "the server takes no such setting for a graph",
                option=f"{option}.{key}",
                hint="Put it into the graph's subconfig.json",
            )
    versions: Tuple[int, ...] = ()
    if item.get("versions"):
        versions = _versions(item["versions"], f"{option}.versions")
    if len(versions) > 1:
        raise InputError(
            "a graph has one version at a time",
            option=f"{option}.versions",
            hint="Name one, or leave it out: then the graph is in the directory itself",
        )
    return ModelSpec(
        name=name,
        versions=versions,
        graph_path=relative_path(item["graph_path"], f"{option}.graph_path"),
        subconfig=relative_path(item.get("subconfig") or "", f"{option}.subconfig"),
    )


def relative_path(value: str, option: str) -> str:
    """Return a path below a directory, without detours; empty stays empty.

    Raises:
        InputError: it is absolute or leads out of the directory.
    """
    parts = [part for part in value.split("/") if part not in ("", ".")]
    if value.startswith("/") or ".." in parts:
        raise InputError(
            f"'{value}' is not a path below its directory",
            option=option,
            hint="Write it relative, without '..'",
        )
    return "/".join(parts)


def _policy(item: Mapping[str, Any], option: str) -> Tuple[Tuple[int, ...], int]:
    """Return the pinned versions, and how many of the newest where none is pinned."""
    policy = {key: value for key, value in (item.get("version_policy") or {}).items() if value}
    if not policy:
        return _versions(item.get("versions") or (), f"{option}.versions"), 0
    where = f"{option}.version_policy"
    if item.get("versions"):
        raise InputError("versions are given as well", option=where, hint="Give one of both")
    if len(policy) > 1:
        raise InputError(
            "exactly one of all, latest and specific is needed", option=where, hint="Give one"
        )
    if "specific" in policy:
        return _versions(policy["specific"], f"{where}.specific"), 0
    if "latest" in policy:
        return (), values.integer(policy["latest"], f"{where}.latest", 1, 2**31 - 1)
    return (), 0


def _model_name(name: str, option: str) -> str:
    if not all(map(_fits, name.split("/"))):
        raise InputError(
            f"'{name}' cannot be the name of a model",
            option=option,
            hint="A name, or each part of one like ORG/MODEL, has no control characters, and"
            " neither '.' nor a space in front",
        )
    return name


def _fits(name: str) -> bool:
    """Tell whether a directory may be called so."""
    whole = _DIRECTORY.fullmatch(name) is not None
    return whole and not name.startswith(".") and name == name.strip()


def _versions(items: Sequence[int], option: str) -> Tuple[int, ...]:
    if not items:
        raise InputError(
            "no version is given",
            option=option,
            hint="Name the versions to serve, set version_policy, or leave the model out",
        )
    for index, item in enumerate(items):
        values.integer(item, f"{option}[{index}]", 1, MAX_VERSION)
    return tuple(sorted(set(items)))
