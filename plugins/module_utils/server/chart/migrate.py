# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts a values file, a C(ModelServer) or an C(Ovms) to options of C(model_server). Pure."""

from __future__ import annotations

import posixpath
from typing import Any, Dict, Iterator, Mapping, Tuple

from ...errors import InputError
from . import places, rules
from .rules import Draft
from .table import BY_OLD_NAME, BY_PATH, Field

MODELS = "models_settings"
# The chart's own values, which hold where none is given.
CHART_PLUGIN_CONFIG = {"PERFORMANCE_HINT": "LATENCY"}
CLEANER = "server_settings.sequence_cleaner_poll_wait_minutes"
CONFIG_FILE = "/config/config.json"
_EMPTY: Tuple[Any, ...] = (None, "", {}, [])


def migrate(document: Mapping[str, Any], release: str = "") -> Dict[str, Any]:
    """Return C(options), C(dropped) with reasons, and C(warnings).

    Args:
        document: values of chart 4.0.0 or of the charts of 2021, a C(ModelServer), or an C(Ovms).
        release: name of the Helm release, for values files.

    Raises:
        InputError: it is none of them, or a value that the chart would not take either.
    """
    if not isinstance(document, Mapping):
        raise InputError(
            "a dictionary is needed: a values file, a ModelServer, an Ovms or a resource of KServe"
        )
    draft = Draft()
    values, release = _values(document, release, draft)
    for path, value in _leaves(values):
        known = BY_PATH.get(path) or BY_OLD_NAME.get(path)
        if value in _EMPTY:
            continue
        if known is None:
            draft.drop(path, value, "no chart knows this value")
        else:
            draft.given[known.key] = value
            if path in BY_PATH:
                draft.new.add(path)
    for key, value in draft.given.items():
        _apply(draft, BY_PATH.get(key) or BY_OLD_NAME[key], value)
    _finish(draft, release)
    return {"options": draft.options, "dropped": draft.dropped, "warnings": draft.warnings}


def _values(
    document: Mapping[str, Any], release: str, draft: Draft
) -> Tuple[Mapping[str, Any], str]:
    kind = document.get("kind")
    if kind is None:
        return document, release
    if kind not in ("ModelServer", "Ovms") or not isinstance(document.get("spec"), Mapping):
        raise InputError(f"a {kind} is neither a ModelServer nor an Ovms with a spec")
    metadata = document.get("metadata") or {}
    if metadata.get("namespace"):
        draft.put("namespace", metadata["namespace"])
    return document["spec"], str(metadata.get("name") or release)


def _leaves(node: Mapping[str, Any], prefix: str = "") -> Iterator[Tuple[str, Any]]:
    """Yield each leaf value with its path; a mapping that is one entry of the table is a leaf."""
    for key, value in node.items():
        path = f"{prefix}{key}"
        below = any(known.startswith(f"{path}.") for known in BY_PATH)
        if isinstance(value, Mapping) and below:
            yield from _leaves(value, f"{path}.")
        else:
            yield path, value


def _apply(draft: Draft, known: Field, value: Any) -> None:
    if not known.option:
        draft.drop(known.key, value, known.note)
    else:
        known.rule(draft, known.key, known.option, value)


def _finish(draft: Draft, release: str) -> None:
    _name(draft, release)
    single = rules.as_bool(draft.given.get(f"{MODELS}.single_model_mode", not _own_config(draft)))
    if single:
        _single_model(draft)
    else:
        _own(draft)


def _own_config(draft: Draft) -> bool:
    """Tell whether values of a 2021 chart, which has no switch, use a configuration file."""
    names = ("config_configmap_name", "config_path")
    return any(f"{MODELS}.{name}" in draft.given for name in names) and (
        f"{MODELS}.model_name" not in draft.given
    )


def _name(draft: Draft, release: str) -> None:
    """Name the server as the chart names its objects (templates/_helpers.tpl)."""
    given = draft.given
    if "fullnameOverride" in given:
        draft.put("name", _cut(str(given["fullnameOverride"])))
    elif release:
        part = str(given.get("nameOverride", "ovms"))
        draft.put("name", _cut(release if part in release else f"{release}-{part}"))
    else:
        draft.warnings.append("name: give it; the chart names objects after the release")
    if "image_name" not in given:
        draft.warnings.append("image: none is given, and the chart's own tag moves; name a release")


def _cut(name: str) -> str:
    """Return a name as the chart cuts it: at 63 characters, and one hyphen at the end."""
    short = name[:63]
    return short[:-1] if short.endswith("-") else short


def _single_model(draft: Draft) -> None:
    given = draft.given
    for name in ("config_configmap_name", "config_path"):
        path = f"{MODELS}.{name}"
        if path in given:
            draft.drop(path, given[path], "the server takes one model or a configuration, not both")
    path = str(given.get(f"{MODELS}.model_path", ""))
    name = str(given.get(f"{MODELS}.model_name", posixpath.basename(path.rstrip("/")) or "resnet"))
    draft.model.setdefault("plugin_config", dict(CHART_PLUGIN_CONFIG))
    if "versions" not in draft.model:
        draft.model.setdefault("version_policy", {"latest": 1})
    _stateful(draft)
    if "://" in path:
        places.cloud(draft, path, name)
    else:
        places.store(draft, path or f"/models/{name}", name)
        places.no_cloud(draft)
    draft.put("models", [{"name": name, **draft.model}])


def _stateful(draft: Draft) -> None:
    """Set the chart's defaults for a stateful model where no value is given."""
    if not draft.model.get("stateful") or rules.STATEFUL not in draft.new:
        return
    draft.model.setdefault("idle_sequence_cleanup", False)
    draft.model.setdefault("low_latency_transformation", True)
    if rules.gone_in(draft) is None:
        draft.warnings.append(
            "models[].stateful: OVMS 2026.3 and later refuse it; tell an older release in"
            " ovms_version"
        )
    if CLEANER not in draft.given:
        rules.cleaner(draft, CLEANER, "extra_args", 0)


def _own(draft: Draft) -> None:
    given = draft.given
    config_map = str(given.get(f"{MODELS}.config_configmap_name", ""))
    path = str(given.get(f"{MODELS}.config_path", ""))
    for key, value in draft.given.items():
        known = BY_PATH.get(key)
        if known and known.option.startswith("models[]") or key == f"{MODELS}.model_path":
            draft.drop(key, value, "the configuration file says it")
    if path.startswith("/models/"):
        draft.put("config_path", path)
        draft.warnings.append(
            f"config_path: {path} has to be in the directory models of the store, where paths"
            " below /models in it point, too"
        )
        if config_map:
            key = f"{MODELS}.config_configmap_name"
            draft.drop(key, config_map, "the server reads the file on the store")
    elif config_map and (not path or path.startswith("/config/")):
        draft.put("config_map", config_map)
        _key_of(draft, config_map, path)
    elif config_map or path:
        for name in ("config_path", "config_configmap_name"):
            if given.get(f"{MODELS}.{name}"):
                why = f"the chart's server reads {path}, and only /models and /config have files"
                draft.drop(f"{MODELS}.{name}", given[f"{MODELS}.{name}"], why)
    else:
        draft.warnings.append("config_map, config_path, models: nothing is served; give one")
    places.whole_store(draft)
    places.own_cloud(draft)


def _key_of(draft: Draft, config_map: str, path: str) -> None:
    """Add a warning about the required key of the ConfigMap."""
    if path and path != CONFIG_FILE:
        key = posixpath.relpath(path, posixpath.dirname(CONFIG_FILE))
        why = "config_map reads the key config.json"
        draft.drop(f"{MODELS}.config_path", path, why)
        draft.warnings.append(
            f"config_map: the configuration is the key {key} of {config_map}; copy it to the key"
            " config.json"
        )
