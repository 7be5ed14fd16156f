# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lint of a C(config.json): what OVMS would refuse, or be harmed by, with the path to it. Pure.

Rules from openvinotoolkit/model_server: src/schema.cpp (keys and types), src/modelmanager.cpp (what
one bad entry does to the others), src/modelconfig.cpp (policies).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.openvino.edge.plugins.module_utils.server import shapes
from ansible_collections.openvino.edge.plugins.module_utils.server.devices import judge_key

ERROR = "error"
WARNING = "warning"

_CASCADE = (
    "The server would retire this model and every model listed after it, and load none of them at"
    " its next start"
)
_REMOVED_2026_3 = (
    "stateful",
    "idle_sequence_cleanup",
    "low_latency_transformation",
    "max_sequence_number",
)
_COMMAND_LINE_ONLY = ("mean", "scale", "color_format", "precision")
_TOP_LEVEL = (
    "model_config_list",
    "mediapipe_config_list",
    "pipeline_config_list",
    "custom_node_library_config_list",
    "custom_loader_config_list",
    "monitoring",
)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong (C(error)) or doubtful (C(warning)).

    Attributes:
        path: JSON pointer into the configuration.
        model: name of the model it is about, or empty.
        key: key of the model's entry, dotted, or empty.
    """

    level: str
    path: str
    message: str
    hint: str = ""
    model: str = ""
    key: str = ""

    def __str__(self) -> str:
        text = f"{self.path}: {self.message}"
        return f"{text}. {self.hint}." if self.hint else f"{text}."


def lint_config(config: Any) -> List[Finding]:
    """Return everything that OVMS would refuse or be harmed by; errors first."""
    if not isinstance(config, Mapping):
        return [Finding(ERROR, "/", "a JSON object is needed")]
    findings = list(_top_level(config))
    models = config.get("model_config_list")
    if isinstance(models, list):
        findings += _models(models)
    return sorted(findings, key=lambda finding: finding.level != ERROR)


def _top_level(config: Mapping[str, Any]) -> Iterator[Finding]:
    for key in config:
        if key not in _TOP_LEVEL:
            yield Finding(ERROR, f"/{key}", "the server knows no such key")
    if not isinstance(config.get("model_config_list"), list):
        hint = "It may be an empty list"
        yield Finding(ERROR, "/model_config_list", "a list is needed", hint)


def _models(items: Sequence[Any]) -> Iterator[Finding]:
    seen: Dict[str, int] = {}
    for index, item in enumerate(items):
        path = f"/model_config_list/{index}"
        if not isinstance(item, Mapping) or list(item) != ["config"]:
            yield Finding(ERROR, path, 'an object with the one key "config" is needed')
            continue
        entry = item["config"]
        if not isinstance(entry, Mapping):
            yield Finding(ERROR, f"{path}/config", "an object is needed")
            continue
        yield from _entry(entry, f"{path}/config")
        name = entry.get("name")
        if isinstance(name, str):
            if name in seen:
                yield _duplicate(name, path, seen[name])
            seen.setdefault(name, index)


def _duplicate(name: str, path: str, first: int) -> Finding:
    message = f"the name '{name}' is taken by /model_config_list/{first}"
    hint = "The server would keep the first one and answer every reload with an error"
    return Finding(ERROR, f"{path}/config/name", message, hint, name, "name")


def _entry(entry: Mapping[str, Any], path: str) -> Iterator[Finding]:
    name = entry.get("name")
    model = name if isinstance(name, str) else ""
    if not model:
        yield Finding(ERROR, f"{path}/name", "a name is needed", key="name")
    for key, value in entry.items():
        check = _KEY_CHECKS.get(key)
        if check is None:
            message, hint = _unknown_key(key)
            yield Finding(ERROR, f"{path}/{key}", message, hint, model, key)
            continue
        fault = check(value)
        if fault:
            yield Finding(ERROR, f"{path}/{key}", fault, model=model, key=key)
    yield from _plugin_config(entry, path, model)
    yield from _versions(entry, path, model)
    if entry.get("batch_size") and entry.get("shape"):
        hint = "The server takes shape and ignores batch_size"
        where = f"{path}/batch_size"
        yield Finding(WARNING, where, "given together with shape", hint, model, "batch_size")


def _unknown_key(key: str) -> Tuple[str, str]:
    if key in _REMOVED_2026_3:
        return ("OVMS 2026.3 and later refuse this key", "Leave it out")
    if key in _COMMAND_LINE_ONLY:
        return ("OVMS takes this on the command line only", "Leave it out")
    if key == "version":
        return ("the server knows no such key", "Use model_version_policy")
    return ("the server knows no such key", "")


def _plugin_config(entry: Mapping[str, Any], path: str, model: str) -> Iterator[Finding]:
    options = entry.get("plugin_config")
    if not isinstance(options, Mapping):
        return
    device = entry.get("target_device")
    for key, value in options.items():
        where, dotted = f"{path}/plugin_config/{key}", f"plugin_config.{key}"
        if not isinstance(value, (str, bool, int, float)):
            message = "the value must be text, a number or a boolean"
            yield Finding(ERROR, where, message, model=model, key=dotted)
        if not isinstance(device, str):
            continue
        verdict = judge_key(key, device, value)
        if verdict:
            hints = [verdict.hint, "" if verdict.harmless else _CASCADE]
            level = ERROR if verdict.sure else WARNING
            yield Finding(level, where, verdict.message, _sentences(hints), model, dotted)


def _sentences(texts: Sequence[str]) -> str:
    """Join hints; only one that is a question has its own mark."""
    given = [text for text in texts if text]
    return " ".join(text if text.endswith("?") else f"{text}." for text in given).rstrip(".")


def _versions(entry: Mapping[str, Any], path: str, model: str) -> Iterator[Finding]:
    policy = entry.get("model_version_policy")
    if not isinstance(policy, Mapping) or _policy_fault(policy):
        return
    versions = policy.get("specific", {}).get("versions", [])
    widths = {len(str(version)) for version in versions}
    if len(widths) > 1:
        low, high = min(versions), max(versions)
        yield Finding(
            WARNING,
            f"{path}/model_version_policy",
            f"versions {low} and {high} have different numbers of digits",
            "The server compares version numbers as text when a version fails to load: if"
            f" {high} fails, versions that served well are retired with it. Number versions with"
            " a constant count of digits",
            model,
            "versions",
        )


def _string(value: Any) -> Optional[str]:
    return None if isinstance(value, str) else "text is needed"


def _count(value: Any) -> Optional[str]:
    good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return None if good else "a number from 0 is needed"


def _boolean(value: Any) -> Optional[str]:
    return None if isinstance(value, bool) else "true or false is needed"


def _object(value: Any) -> Optional[str]:
    return None if isinstance(value, Mapping) else "an object is needed"


def _named(fault: Callable[[str], Optional[str]]) -> Callable[[Any], Optional[str]]:
    """Return the check of a value that is text, or an object of texts."""

    def check(value: Any) -> Optional[str]:
        texts = list(value.values()) if isinstance(value, Mapping) else [value]
        for text in texts:
            found = fault(text) if isinstance(text, str) else f"{text!r} is not text"
            if found:
                return found
        return None

    return check


def _policy_fault(policy: Any) -> Optional[str]:
    if not isinstance(policy, Mapping) or len(policy) != 1:
        return "an object with exactly one of all, latest and specific is needed"
    ((name, body),) = policy.items()
    if name == "all" and body == {}:
        return None
    if not isinstance(body, Mapping):
        return f"{name} needs an object"
    if name == "latest":
        number = body.get("num_versions")
        good = list(body) == ["num_versions"] and _is_version(number)
        return None if good else "latest needs num_versions, a number from 1"
    if name == "specific":
        versions = body.get("versions")
        good = list(body) == ["versions"] and isinstance(versions, list) and bool(versions)
        good = good and all(_is_version(item) for item in versions or ())
        return None if good else "specific needs versions, a list of numbers from 1"
    return "one of all, latest and specific is needed"


def _is_version(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _base_path(value: Any) -> Optional[str]:
    if not isinstance(value, str):
        return "text is needed"
    return "the server refuses paths with '/../'" if "/../" in value else None


_KEY_CHECKS: Dict[str, Callable[[Any], Optional[str]]] = {
    "name": _string,
    "base_path": _base_path,
    "graph_path": _string,
    "subconfig": _string,
    "batch_size": shapes.batch_size_fault,
    "shape": _named(shapes.shape_fault),
    "layout": _named(shapes.layout_fault),
    "nireq": _count,
    "target_device": _string,
    "allow_cache": _boolean,
    "plugin_config": _object,
    "model_version_policy": _policy_fault,
    "custom_loader_options": _object,
}
