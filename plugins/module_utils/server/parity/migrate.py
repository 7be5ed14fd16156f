# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a values file, a C(ModelServer) or an C(Ovms) to options of C(model_server). Pure."""

from __future__ import annotations

import posixpath
from typing import Any, Dict, Iterator, Mapping, Tuple

from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.server.parity import rules
from ansible_collections.openvino.edge.plugins.module_utils.server.parity.rules import Draft
from ansible_collections.openvino.edge.plugins.module_utils.server.parity.table import (
    BY_OLD_NAME,
    BY_PATH,
    Field,
)

MODELS, REPOSITORY = "models_settings", "models_repository"
CLOUDS = {"s3": "s3", "gs": "gs", "az": "azure", "azfs": "azure"}
# The chart's own values, which hold where none is given.
CHART_PLUGIN_CONFIG = {"PERFORMANCE_HINT": "LATENCY"}
# The name that the chart mounts whatever gcp_creds_secret_name says (templates/deployment.yaml).
GCP_SECRET = "gcpcreds"
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
        raise InputError("a dictionary is needed: a values file, a ModelServer or an Ovms")
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
    """Yield each value with its path; what the table knows as one value is not taken apart."""
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
    """Tell whether a chart of 2021, which has no switch, serves from a configuration."""
    names = ("config_configmap_name", "config_path")
    return any(f"{MODELS}.{name}" in draft.given for name in names) and (
        f"{MODELS}.model_name" not in draft.given
    )


def _name(draft: Draft, release: str) -> None:
    """Name the server as the chart names its objects (templates/_helpers.tpl)."""
    given = draft.given
    if "fullnameOverride" in given:
        draft.put("name", str(given["fullnameOverride"]))
    elif release:
        part = str(given.get("nameOverride", "ovms"))
        draft.put("name", release if part in release else f"{release}-{part}")
    else:
        draft.warnings.append("name: give it; the chart names objects after the release")
    if "image_name" not in given:
        draft.warnings.append("image: none is given, and the chart's own tag moves; name a release")


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
    scheme = path.partition("://")[0] if "://" in path else ""
    parent, directory = posixpath.split(path.rstrip("/"))
    if directory and directory != name:
        draft.model["directory"] = directory
    draft.put("models", [{"name": name, **draft.model}])
    if scheme:
        _cloud(draft, scheme, parent)
    else:
        _store(draft, parent)
        _no_cloud(draft)


def _own(draft: Draft) -> None:
    given = draft.given
    config_map = given.get(f"{MODELS}.config_configmap_name")
    path = str(given.get(f"{MODELS}.config_path", ""))
    for key, value in draft.given.items():
        known = BY_PATH.get(key)
        if known and known.option.startswith("models[]") or key == f"{MODELS}.model_path":
            draft.drop(key, value, "the configuration file says it")
    if config_map and path in ("", "/config/config.json"):
        draft.put("config_map", str(config_map))
    elif path.startswith("/models/"):
        draft.put("config_path", path)
        draft.warnings.append(
            f"config_path: {path} has to be in the directory models of the store, where paths"
            " below /models in it point, too"
        )
    elif path:
        draft.drop(f"{MODELS}.config_path", path, "only /models of a store holds a configuration")
    _store(draft, "/models")
    _no_cloud(draft)


def _store(draft: Draft, parent: str) -> None:
    """Set the store whose directory C(models) is what the chart shows the server at C(parent)."""
    given = draft.given
    host = str(given.get(f"{REPOSITORY}.models_host_path", "")).rstrip("/")
    claim = str(given.get(f"{REPOSITORY}.models_volume_claim", ""))
    inner = posixpath.relpath(parent or "/models", "/models")
    inner = "" if inner == "." or inner.startswith("..") else inner
    if host:
        place = posixpath.join(host, inner) if inner else host
        root, last = posixpath.split(place)
        fits = last == "models" and root != "/"
        draft.put("host_path.path", root if fits else place)
        if claim:
            draft.drop(
                f"{REPOSITORY}.models_volume_claim", claim, "the chart prefers the host path"
            )
    elif claim:
        root, last = posixpath.split(inner)
        fits = last == "models"
        draft.put("pvc.claim_name", claim)
        place = root if fits else inner
        if place:
            draft.put("pvc.sub_path", place)
    else:
        draft.warnings.append("pvc, host_path, cloud: no storage is given; name one")
        return
    if not fits:
        where = f"the directory '{place}'" if place else "the volume"
        draft.warnings.append(
            f"{'host_path' if host else 'pvc'}: the models lie in {where} itself. Move them into"
            " its directory 'models' (a rename, no copy), which is what the server sees as /models."
        )


def _cloud(draft: Draft, scheme: str, parent: str) -> None:
    kind = CLOUDS.get(scheme)
    if kind is None:
        draft.drop(
            f"{MODELS}.model_path", draft.given[f"{MODELS}.model_path"], "OVMS knows no such store"
        )
        return
    draft.put(f"cloud.{kind}.uri", parent)
    for key, value in draft.given.items():
        known = BY_PATH.get(key)
        if known is None or not known.option.startswith("cloud."):
            continue
        if not known.option.startswith(f"cloud.{kind}."):
            draft.drop(key, value, f"the model is in a store of {kind}")
        elif known.option == "cloud.gs.secret_name":
            draft.put(known.option, GCP_SECRET)
            if value != GCP_SECRET:
                draft.warnings.append(
                    f"cloud.gs.secret_name: the chart was given '{value}' and mounts '{GCP_SECRET}'"
                )
        else:
            draft.put(known.option, str(value))
    for name in ("models_host_path", "models_volume_claim"):
        key = f"{REPOSITORY}.{name}"
        if key in draft.given:
            draft.drop(key, draft.given[key], "the model is read from the cloud")
    endpoint = str(draft.given.get(f"{REPOSITORY}.s3_compat_api_endpoint", ""))
    if endpoint.startswith("https:"):
        draft.warnings.append("cloud.s3.endpoint: OVMS speaks plain HTTP to it; https is refused")


def _no_cloud(draft: Draft) -> None:
    for key, value in draft.given.items():
        known = BY_PATH.get(key)
        if known is not None and known.option.startswith("cloud."):
            draft.drop(key, value, "the model is not read from the cloud")
