# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lints a C(config.json): finds entries that OVMS refuses or that harm other models. Pure.

Rules from openvinotoolkit/model_server: src/schema.cpp (keys and types), src/modelmanager.cpp (what
one bad entry does to the others), src/modelconfig.cpp (policies).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from . import shapes
from .findings import (
    ERROR,
    NOTE,
    NOTHING_KNOWN,
    WARNING,
    Context,
    Finding,
    beside_config,
    worst_first,
)
from .generation import (
    BOOLEAN_PROPERTIES,
    GRAPHS_AMONG_MODELS,
    KSERVE_ONLY,
    STATEFUL_KEYS,
    key_fault,
)
from .lint_pipelines import MAX_VERSION, Servables, lint_pipelines
from .lint_sections import lint_sections, path_findings
from .places import clean, misread
from .properties import judge_key
from .targets import judge_target

_CASCADE = (
    "The server would retire this model and every model listed after it, and load none of them at"
    " its next start"
)
_ALL_GONE = (
    "With a plugin_config the server would retire this model and every model listed after it, and"
    " load none of them at its next start"
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


# The keys that OVMS reads in a graph's entry; all others belong in the graph's subconfig.
_GRAPH_KEYS = ("name", "base_path", "graph_path", "subconfig")


def lint_config(config: Any, context: Context = NOTHING_KNOWN) -> List[Finding]:
    """Return all findings: entries that OVMS refuses or that harm other models; errors first."""
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
    """Return the models and libraries that pipelines can use; pipelines cannot use graphs."""
    models: Dict[str, Sequence[int]] = {}
    for name, entry in _named_entries(config, "model_config_list"):
        policy = entry.get("model_version_policy")
        good = isinstance(policy, Mapping) and not _policy_fault(policy)
        models[name] = (policy or {}).get("specific", {}).get("versions", ()) if good else ()
    libraries = [name for name, _item in _named_entries(config, "custom_node_library_config_list")]
    graphs = bool(config.get("mediapipe_config_list")) or any(
        "graph_path" in entry for _name, entry in _named_entries(config, "model_config_list")
    )
    return Servables(models, tuple(libraries), graphs)


def _named_entries(config: Mapping[str, Any], key: str) -> Iterator[Tuple[str, Mapping[str, Any]]]:
    items = config.get(key)
    for item in items if isinstance(items, list) else ():
        entry = item.get("config", item) if isinstance(item, Mapping) else None
        if isinstance(entry, Mapping) and isinstance(entry.get("name"), str):
            yield entry["name"], entry


def _names(config: Mapping[str, Any]) -> Iterator[Finding]:
    """Find names used twice: models, graphs and pipelines share one namespace."""
    seen: Dict[str, str] = {}
    for key, option, tail in (
        ("model_config_list", "models", "/config/name"),
        ("mediapipe_config_list", "models", "/name"),
        ("pipeline_config_list", "pipelines", "/name"),
    ):
        items = config.get(key)
        for index, item in enumerate(items if isinstance(items, list) else ()):
            entry = (
                item.get("config")
                if key == "model_config_list" and isinstance(item, Mapping)
                else item
            )
            name = entry.get("name") if isinstance(entry, Mapping) else None
            if not isinstance(name, str):
                continue
            path = f"/{key}/{index}"
            if name in seen:
                yield _duplicate(name, f"{path}{tail}", seen[name], option)
            seen.setdefault(name, path)


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
        if not isinstance(item, Mapping) or "config" not in item:
            yield Finding(ERROR, path, 'an object with the one key "config" is needed')
            continue
        yield from beside_config(item, path, context)
        if not isinstance(item["config"], Mapping):
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
    if "base_path" not in entry and not context.generation.since(GRAPHS_AMONG_MODELS):
        known = context.generation.known
        message = f"{context.generation} needs it" if known else "OVMS 2025.0 and earlier need it"
        level = ERROR if known else WARNING
        yield Finding(level, f"{path}/base_path", message, model=model, key="base_path")
    for key, value in entry.items():
        check = _KEY_CHECKS.get(key)
        if check is None:
            message, hint = _unknown_key(key)
            yield Finding(ERROR, f"{path}/{key}", message, hint, model, key)
            continue
        level, fault, hint = _judge(entry, key, check(value), context)
        if fault:
            yield Finding(level, f"{path}/{key}", fault, hint, model, key)
    yield from _misread(entry, path, model)
    yield from _target(entry, path, model, context)
    yield from _stateful(entry, path, model)
    yield from path_findings(entry.get("base_path"), f"{path}/base_path", context, model)
    yield from _plugin_config(entry, path, model, context)
    yield from _versions(entry, path, model)
    if entry.get("batch_size") and entry.get("shape"):
        hint = "The server takes shape and ignores batch_size"
        where = f"{path}/batch_size"
        yield Finding(WARNING, where, "given together with shape", hint, model, "batch_size")


def _judge(
    entry: Mapping[str, Any], key: str, fault: Optional[str], context: Context
) -> Tuple[str, Optional[str], str]:
    """Return what is wrong with a known key, and the way out: generation, value, then graph."""
    foreign = key_fault(key, context.generation)
    if foreign:
        return (ERROR, *foreign)
    if fault is None and "graph_path" in entry and key not in _GRAPH_KEYS:
        hint = "Put it into the graph's subconfig"
        return WARNING, "of a graph the server does not read it", hint
    return ERROR, fault, ""


def _misread(entry: Mapping[str, Any], path: str, model: str) -> Iterator[Finding]:
    """Find the most common mistake: a base_path that leads into a version, or to a file."""
    base = entry.get("base_path")
    if not isinstance(base, str) or not base or "graph_path" in entry:
        return
    found = misread(clean(base), model)
    if found:
        message = f"{base} looks like {found.what}, and the server looks for versions below it"
        hint = f"Write {found.meant}"
        yield Finding(WARNING, f"{path}/base_path", message, hint, model, "base_path")


def _target(entry: Mapping[str, Any], path: str, model: str, context: Context) -> Iterator[Finding]:
    target = entry.get("target_device")
    if not isinstance(target, str) or "graph_path" in entry:
        return
    verdict = judge_target(target, context.generation)
    if verdict:
        harm = _ALL_GONE if entry.get("plugin_config") else "The model would not be served"
        hint = _sentences([verdict.hint, harm])
        level = ERROR if verdict.sure else WARNING
        yield Finding(level, f"{path}/target_device", verdict.message, hint, model, "target_device")


def _stateful(entry: Mapping[str, Any], path: str, model: str) -> Iterator[Finding]:
    """Find settings that a server takes for stateful models only (src/modelconfig.cpp)."""
    for key in STATEFUL_KEYS[1:]:
        if key in entry and entry.get("stateful") is not True:
            message, hint = "only a stateful model has it", "Set stateful, or leave it out"
            yield Finding(ERROR, f"{path}/{key}", message, hint, model, key)
    if entry.get("stateful") is True and entry.get("max_sequence_number") == 0:
        message, hint = "with 0 the server refuses every sequence", "Leave it out, or raise it"
        where = f"{path}/max_sequence_number"
        yield Finding(WARNING, where, message, hint, model, "max_sequence_number")


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
        elif isinstance(value, bool) and not context.generation.since(BOOLEAN_PROPERTIES):
            yield _boolean_property(
                value, where, Finding(ERROR, "", "", "", model, dotted), context
            )
        if not isinstance(device, str):
            continue
        verdict = judge_key(key, device, value, context.generation)
        if verdict:
            hints = [verdict.hint, "" if verdict.harmless else _CASCADE]
            level = ERROR if verdict.sure else WARNING
            yield Finding(level, where, verdict.message, _sentences(hints), model, dotted)


def _boolean_property(value: bool, path: str, about: Finding, context: Context) -> Finding:
    known = context.generation.known
    who = str(context.generation) if known else "OVMS 2023.2 and earlier"
    message = f"{who} {'takes' if known else 'take'} texts and numbers here, and no boolean"
    hint = f'Write "{"YES" if value else "NO"}", which each release takes'
    level = ERROR if known else WARNING
    return replace(about, level=level, path=path, message=message, hint=hint)


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


def _count(most: int) -> Callable[[Any], Optional[str]]:
    """Return the check of a whole number."""

    def check(value: Any) -> Optional[str]:
        good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most
        return None if good else f"a number from 0 to {most} is needed"

    return check


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
        good = list(body) == ["versions"] and isinstance(versions, list)
        if good and not versions:
            return "no version is named, so the server would serve none"
        good = good and all(_is_version(item) for item in versions or ())
        return None if good else "specific needs versions, a list of numbers from 1"
    return "one of all, latest and specific is needed"


def _is_version(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_VERSION


def _base_path(value: Any) -> Optional[str]:
    if not isinstance(value, str):
        return "text is needed"
    return "the server refuses paths with '/../'" if "/../" in value else None


def _loader_options(value: Any) -> Optional[str]:
    good = isinstance(value, Mapping) and isinstance(value.get("loader_name"), str)
    return None if good else "an object with loader_name, a text, is needed"


_KEY_CHECKS: Dict[str, Callable[[Any], Optional[str]]] = {
    "name": _string,
    "base_path": _base_path,
    "graph_path": _string,
    "subconfig": _string,
    "batch_size": shapes.batch_size_fault,
    "shape": _named(shapes.shape_fault),
    "layout": _named(shapes.layout_fault),
    # More of them end the load of the model (src/modelinstance.cpp).
    "nireq": _count(100000),
    "target_device": _string,
    "allow_cache": _boolean,
    "plugin_config": _object,
    "model_version_policy": _policy_fault,
    "custom_loader_options": _loader_options,
    "stateful": _boolean,
    "idle_sequence_cleanup": _boolean,
    "low_latency_transformation": _boolean,
    "max_sequence_number": _count(2**32 - 1),
}
