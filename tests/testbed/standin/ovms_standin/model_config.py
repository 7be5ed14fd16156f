# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One model's settings, from config.json or from the command line (src/modelconfig.cpp)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ovms_standin.logs import SERVING
from ovms_standin.policy import LatestVersions, Policy, parse_policy
from ovms_standin.status import (
    LAYOUT_WRONG_FORMAT,
    PLUGIN_CONFIG_WRONG_FORMAT,
    SHAPE_WRONG_FORMAT,
    Code,
    StatusError,
)

_DIMENSION = re.compile(r"-1|[1-9][0-9]*|[0-9]+:[0-9]+|0")
#: Each of the five letters at most once, "..." at most once (src/layout.cpp).
_LAYOUT = re.compile(r"(?!.*([NCHWD]).*\1)[NCHWD?]*(\.{3})?[NCHWD?]*")
#: Old plugin settings and what OVMS makes of them (src/json_parser.cpp).
_OLD_STREAMS = {"CPU_THROUGHPUT_STREAMS", "GPU_THROUGHPUT_STREAMS"}
_OLD_THREADS = "CPU_THREADS_NUM"

#: Dimensions as text for openvino.PartialShape, keyed by input name ("" = the only input).
Shapes = Mapping[str, str]


@dataclass(frozen=True)
class ModelConfig:
    """What OVMS is told about one model. `base_path` is absolute or as the command line has it."""

    name: str
    base_path: str
    #: As given; OVMS picks the CPU when nothing is said and no GPU is there.
    target_device: str = ""
    batch_size: str = ""
    shapes: Shapes = field(default_factory=dict)
    layouts: Mapping[str, str] = field(default_factory=dict)
    nireq: int = 0
    plugin_config: Mapping[str, Any] = field(default_factory=dict)
    policy: Policy = field(default_factory=LatestVersions)
    graph_path: str = ""
    subconfig: str = ""
    stateful: bool = False
    #: Where the versions of a model in a bucket were downloaded to.
    local_path: str = ""

    @property
    def device(self) -> str:
        """The device that is used."""
        return self.target_device or "CPU"

    def reload_required(self, new: ModelConfig) -> bool:
        """Whether a loaded version must be loaded again under `new` (isReloadRequired)."""
        return any(
            getattr(self, name) != getattr(new, name)
            for name in (
                *("base_path", "target_device", "batch_size", "shapes", "layouts", "nireq"),
                *("plugin_config", "stateful"),
            )
        )


def resolve(path: str, root: Path | None) -> str:
    """A path of config.json: a relative one starts at the file's own directory."""
    if not path or os.path.isabs(path) or root is None or "://" in path:
        return path
    return os.path.join(str(root), path)


def parse_model(
    entry: Mapping[str, Any], root: Path | None, *, command_line: bool = False
) -> ModelConfig:
    """The `config` object of one model. Raises StatusError as OVMS refuses it.

    A shape that cannot be read is refused on the command line only.
    """
    return ModelConfig(
        name=str(entry["name"]),
        base_path=resolve(str(entry.get("base_path", "")), root),
        target_device=str(entry.get("target_device", "")),
        batch_size=_batch_size(entry.get("batch_size", "")),
        shapes=_shapes(entry.get("shape"), strict=command_line),
        layouts=_layouts(entry.get("layout")),
        nireq=int(entry.get("nireq", 0)),
        plugin_config=_plugin_config(entry.get("plugin_config", {})),
        policy=parse_policy(entry.get("model_version_policy")),
        graph_path=str(entry.get("graph_path", "")),
        subconfig=str(entry.get("subconfig", "")),
        stateful=bool(entry.get("stateful", False)),
    )


def _batch_size(value: Any) -> str:
    """`4`, `-1` (any), `1:8` or `auto`; anything else is as good as nothing, with a warning."""
    text = str(value).replace(" ", "")
    if text in ("", "0"):
        return ""
    if text != "auto" and not _DIMENSION.fullmatch(text):
        SERVING.error("shape.cpp", f"Parsing dimension string not a number: {text}")
        SERVING.warning(
            "modelconfig.cpp",
            "Wrong batch size parameter provided. Model batch size will be set to default.",
        )
        return ""
    return text


def _named(value: Any, code: Code) -> dict[str, str]:
    if value is None:
        return {}
    if isinstance(value, str):
        if not value.lstrip().startswith("{"):
            return {"": value}
        value = _json_object(value, code)
    return {str(name): str(text) for name, text in value.items()}


def _json_object(text: str, code: Code) -> Any:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise StatusError(code) from error
    if not isinstance(value, dict):
        raise StatusError(code)
    return value


def _shapes(value: Any, *, strict: bool) -> dict[str, str]:
    """The shapes that can be read; the others are left out, with a warning."""
    found = {}
    for name, text in _named(value, SHAPE_WRONG_FORMAT).items():
        try:
            found[name] = _shape(text)
        except StatusError:
            if strict:
                raise
            SERVING.warning("modelconfig.cpp", f"There was an error parsing shape {name or text}")
    return found


def _shape(text: str) -> str:
    """`(1,3,-1,1:10)` or `auto` in the words of openvino.PartialShape."""
    stripped = text.replace(" ", "")
    if stripped == "auto":
        return "auto"
    if not (stripped[:1] in ("(", "[") and stripped[-1:] in (")", "]")):
        raise StatusError(SHAPE_WRONG_FORMAT)
    dimensions = [part for part in stripped[1:-1].split(",") if part]
    if not all(_DIMENSION.fullmatch(part) for part in dimensions):
        raise StatusError(SHAPE_WRONG_FORMAT)
    return "[" + ",".join(part.replace(":", "..") for part in dimensions) + "]"


def _layouts(value: Any) -> dict[str, str]:
    layouts = _named(value, LAYOUT_WRONG_FORMAT)
    parts = [part for text in layouts.values() for part in text.split(":", 1)]
    if not all(_LAYOUT.fullmatch(part) for part in parts):
        raise StatusError(LAYOUT_WRONG_FORMAT)
    return layouts


def _plugin_config(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise StatusError(PLUGIN_CONFIG_WRONG_FORMAT)
    if any(isinstance(setting, (dict, list)) or setting is None for setting in value.values()):
        raise StatusError(PLUGIN_CONFIG_WRONG_FORMAT)
    return dict(_modern(key, setting) for key, setting in value.items())


def _modern(key: str, setting: Any) -> tuple[str, Any]:
    if key in _OLD_STREAMS:
        auto = str(setting) == key.partition("_")[0] + "_THROUGHPUT_AUTO"
        new = ("PERFORMANCE_HINT", "THROUGHPUT") if auto else ("NUM_STREAMS", setting)
    elif key == _OLD_THREADS and isinstance(setting, str):  # a number stays the old key
        new = ("INFERENCE_NUM_THREADS", setting)
    else:
        return key, setting
    SERVING.warning(
        "json_parser.cpp", f"{key} plugin config key is deprecated. Use {new[0]} instead"
    )
    return new
