# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lint of a C(config.json): what OVMS would refuse, or be harmed by, with the path to it. Pure.

Rules from openvinotoolkit/model_server: src/schema.cpp (keys and types), src/modelmanager.cpp (what
one bad entry does to the others), src/modelconfig.cpp (policies).
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.openvino.edge.plugins.module_utils.server import shapes
from ansible_collections.openvino.edge.plugins.module_utils.server.devices import judge_key
from ansible_collections.openvino.edge.plugins.module_utils.server.findings import (
    ERROR,
    NOTE,
    NOTHING_KNOWN,
    WARNING,
    Context,
    Finding,
    worst_first,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.generation import (
    GRAPHS_AMONG_MODELS,
    KSERVE_ONLY,
    key_fault,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.lint_pipelines import (
    Servables,
    lint_pipelines,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.lint_sections import (
    lint_sections,
    path_findings,
)

_CASCADE = (
    "The server would retire this model and every model listed after it, and load none of them at"
    " its next start"
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


# All that OVMS takes from the entry of a graph; the rest belongs into the graph's subconfig.
_GRAPH_KEYS = ("name", "base_path", "graph_path", "subconfig", "plugin_config")


def lint_config(config: Any, context: Context = NOTHING_KNOWN) -> List[Finding]:
    """Return everything that OVMS would refuse or be harmed by; errors first."""
    if not isinstance(config, Mapping):
        return [Finding(ERROR, "/", "a JSON object is needed")]
    findings = list(_top_level(config))
    models = config.get("model_config_list")
    if isinstance(models, list):
        findings += _models(models, context)
    findings += lint_sections(config, context)
    if "pipeline_config_list" in config:
        findings += lint_pipelines(config["pipeline_config_list"], _servables(config))
    findings += _names(config)
    return worst_first(findings)


def _servables(config: Mapping[str, Any]) -> Servables:
    """Return what pipelines can use; a graph is no model for them."""
    models: Dict[str, Sequence[int]] = {}
    for name, entry in _named_entries(config, "model_config_list"):
        policy = entry.get("model_version_policy")
        good = isinstance(policy, Mapping) and not _policy_fault(policy)
        models[name] = (policy or {}).get("specific", {}).get("versions", ()) if good else ()
    libraries = [name for name, _item in _named_entries(config, "custom_node_library_config_list")]
    return Servables(models, tuple(libraries))


def _named_entries(config: Mapping[str, Any], key: str) -> Iterator[Tuple[str, Mapping[str, Any]]]:
    items = config.get(key)
    for item in items if isinstance(items, list) else ():
        entry = item.get("config", item) if isinstance(item, Mapping) else None
        if isinstance(entry, Mapping) and isinstance(entry.get("name"), str):
            yield entry["name"], entry


def _names(config: Mapping[str, Any]) -> Iterator[Finding]:
    """Find names that models, graphs and pipelines share: they are one space."""
    seen: Dict[str, str] = {}
    for key, option, tail in (
        ("model_config_list", "models", "/config/name"),
        ("mediapipe_config_list", "models", "/name"),
        ("pipeline_config_list", "pipelines", "/name"),
    ):
        items = config.get(key)
        for index, item in enumerate(items if isinstance(items, list) else ()):
            entry = item.get("config") if key == "model_config_list" and _wrapped(item) else item
            name = entry.get("name") if isinstance(entry, Mapping) else None
            if not isinstance(name, str):
                continue
            path = f"/{key}/{index}"
            if name in seen:
                yield _duplicate(name, f"{path}{tail}", seen[name], option)
            seen.setdefault(name, path)


def _wrapped(item: Any) -> bool:
    return isinstance(item, Mapping) and list(item) == ["config"]


def _top_level(config: Mapping[str, Any]) -> Iterator[Finding]:
    for key in config:
        if key not in _TOP_LEVEL:
            yield Finding(ERROR, f"/{key}", "the server knows no such key")
    if not isinstance(config.get("model_config_list"), list):
        hint = "It may be an empty list"
        yield Finding(ERROR, "/model_config_list", "a list is needed", hint)


def _models(items: Sequence[Any], context: Context) -> Iterator[Finding]:
    for index, item in enumerate(items):
        path = f"/model_config_list/{index}"
        if not _wrapped(item):
            yield Finding(ERROR, path, 'an object with the one key "config" is needed')
        elif not isinstance(item["config"], Mapping):
            yield Finding(ERROR, f"{path}/config", "an object is needed")
        else:
            yield from _entry(item["config"], f"{path}/config", context)


def _duplicate(name: str, path: str, first: str, option: str) -> Finding:
    message = f"the name '{name}' is taken by {first}"
    hint = "The server would keep the first one and answer every reload with an error"
    return Finding(ERROR, path, message, hint, name, "name", option)


def _entry(entry: Mapping[str, Any], path: str, context: Context) -> Iterator[Finding]:
    name = entry.get("name")
    model = name if isinstance(name, str) else ""
    if not model:
        yield Finding(ERROR, f"{path}/name", "a name is needed", key="name")
    if "base_path" not in entry and context.generation.before(GRAPHS_AMONG_MODELS):
        message = f"{context.generation} needs it"
        yield Finding(ERROR, f"{path}/base_path", message, model=model, key="base_path")
    for key, value in entry.items():
        check = _KEY_CHECKS.get(key)
        if check is None:
            message, hint = _unknown_key(key)
            yield Finding(ERROR, f"{path}/{key}", message, hint, model, key)
            continue
        fault, hint = _judge(entry, key, check(value), context)
        if fault:
            yield Finding(ERROR, f"{path}/{key}", fault, hint, model, key)
    yield from path_findings(entry.get("base_path"), f"{path}/base_path", context, model)
    yield from _plugin_config(entry, path, model, context)
    yield from _versions(entry, path, model)
    if entry.get("batch_size") and entry.get("shape"):
        hint = "The server takes shape and ignores batch_size"
        where = f"{path}/batch_size"
        yield Finding(WARNING, where, "given together with shape", hint, model, "batch_size")


def _judge(
    entry: Mapping[str, Any], key: str, fault: Optional[str], context: Context
) -> Tuple[Optional[str], str]:
    """Return what is wrong with a known key, and the way out: generation, graph, then value."""
    foreign = key_fault(key, context.generation)
    if foreign:
        return foreign
    if "graph_path" in entry and key not in _GRAPH_KEYS:
        return "the server takes no such setting for a graph", "Put it into the graph's subconfig"
    return fault, ""


def _unknown_key(key: str) -> Tuple[str, str]:
    if key in _COMMAND_LINE_ONLY:
        return ("OVMS takes this on the command line only", "Leave it out")
    if key == "version":
        return ("the server knows no such key", "Use model_version_policy")
    return ("the server knows no such key", "")


def _plugin_config(
    entry: Mapping[str, Any], path: str, model: str, context: Context
) -> Iterator[Finding]:
    options = entry.get("plugin_config")
    if not isinstance(options, Mapping) or "graph_path" in entry:
        return
    # Later releases choose the device themselves, so its keys are not known.
    default = "CPU" if context.generation.before(KSERVE_ONLY) else None
    device = entry.get("target_device", default)
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
    if "specific" not in policy:
        yield Finding(
            NOTE,
            f"{path}/model_version_policy",
            "the server chooses the versions",
            "If a version fails to load whose number has one digit more than the one before (9 and"
            " 10), the one before is retired with it. Number versions with a constant count of"
            " digits",
            model,
            "version_policy",
        )
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
    "stateful": _boolean,
    "idle_sequence_cleanup": _boolean,
    "low_latency_transformation": _boolean,
    "max_sequence_number": _count,
}
