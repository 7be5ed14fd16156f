# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps the volumes and buckets of the chart's server to a store with the same paths. Pure."""

from __future__ import annotations

import posixpath
from typing import Dict, List, Tuple

from .rules import Draft
from .table import BY_PATH

MODELS, REPOSITORY = "models_settings", "models_repository"
CLOUDS = {"s3": "s3", "gs": "gs", "az": "azure", "azfs": "azure"}
# The name that the chart mounts whatever gcp_creds_secret_name says (templates/deployment.yaml).
GCP_SECRET = "gcpcreds"
_GCP_FILE = "/secret/gcp-creds.json"
_VARIABLES = {
    "cloud.s3.access_key_id": "AWS_ACCESS_KEY_ID",
    "cloud.s3.secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "cloud.s3.region": "AWS_REGION",
    "cloud.s3.endpoint": "S3_ENDPOINT",
    "cloud.azure.connection_string": "AZURE_STORAGE_CONNECTION_STRING",
}
_WORLD = "/models"


def store(draft: Draft, path: str, name: str) -> None:
    """Set the store whose directory C(models) has the directory of a model.

    Args:
        draft: what is known.
        path: of the model, as the chart's server sees it.
        name: of the model.
    """
    inner = posixpath.relpath(path or _WORLD, _WORLD)
    if inner.startswith(".."):
        draft.warnings.append(
            f"models[{name}]: {path} is not below /models, where the chart mounts a volume: it is"
            " part of the image. Copy it to the store"
        )
        inner = name
    inner = "" if inner == "." else inner
    parent, directory = posixpath.split(inner)
    host, claim = _given(draft)
    if host:
        whole = posixpath.join(host, inner) if inner else host
        above, directory = posixpath.split(whole)
        root, last = posixpath.split(above)
        fits = last == "models" and root != "/"
        place = root if fits else posixpath.join(host, parent) if parent else host
        draft.put("host_path.path", place)
        _drop_claim(draft, claim)
    elif claim:
        root, last = posixpath.split(parent)
        fits = last == "models" and bool(inner)
        place = root if fits else parent
        draft.put("pvc.claim_name", claim)
        if place:
            draft.put("pvc.sub_path", place)
    else:
        _no_storage(draft)
        fits, place = True, ""
    root_of_volume = not inner and not fits
    if directory and directory != name and not root_of_volume:
        draft.model["directory"] = directory
    if root_of_volume:
        draft.warnings.append(
            f"{'host_path' if host else 'pvc'}: the versions of {name} lie in the root of the"
            f" volume. Move them into its directory models/{name} (a rename, no copy)"
        )
    elif not fits:
        move(draft, place, host=bool(host))


def whole_store(draft: Draft) -> None:
    """Set the store for a user's own configuration file, whose paths are below C(/models)."""
    host, claim = _given(draft)
    if host:
        root, last = posixpath.split(host)
        fits = last == "models" and root != "/"
        draft.put("host_path.path", root if fits else host)
        _drop_claim(draft, claim)
        if not fits:
            move(draft, host, host=True)
    elif claim:
        draft.put("pvc.claim_name", claim)
        move(draft, "", host=False)


def _given(draft: Draft) -> Tuple[str, str]:
    host = str(draft.given.get(f"{REPOSITORY}.models_host_path", "")).rstrip("/")
    return host, str(draft.given.get(f"{REPOSITORY}.models_volume_claim", ""))


def _drop_claim(draft: Draft, claim: str) -> None:
    if claim:
        path = f"{REPOSITORY}.models_volume_claim"
        draft.drop(path, claim, "the chart prefers the host path")


def _no_storage(draft: Draft) -> None:
    draft.warnings.append("pvc, host_path, cloud: no storage is given; name one")


def move(draft: Draft, place: str, *, host: bool) -> None:
    """Add a warning that the models have to go into a directory C(models) of the store."""
    where = f"the directory '{place}'" if place else "the volume"
    draft.warnings.append(
        f"{'host_path' if host else 'pvc'}: the models lie in {where} itself. Move them into"
        " its directory 'models' (a rename, no copy), which is what the server sees as /models."
    )


def cloud(draft: Draft, path: str, name: str) -> None:
    """Set the bucket that has the directory of a model."""
    scheme, _mark, rest = path.partition("://")
    kind = CLOUDS.get(scheme)
    if kind is None:
        draft.drop(f"{MODELS}.model_path", path, "OVMS knows no such store")
        return
    parent, directory = posixpath.split(rest.rstrip("/"))
    if parent:
        if directory != name:
            draft.model["directory"] = directory
    else:
        parent = directory
        draft.warnings.append(
            f"cloud.{kind}.uri: the versions of {name} lie in the root of {directory}. Move them"
            f" into {scheme}://{directory}/{name}"
        )
    draft.put(f"cloud.{kind}.uri", f"{scheme}://{parent}")
    for key, value in _keys(draft):
        if BY_PATH[key].option.startswith(f"cloud.{kind}."):
            _as_option(draft, key, value)
        else:
            draft.drop(key, value, f"the model is in a store of {kind}")
    for place in ("models_host_path", "models_volume_claim"):
        key = f"{REPOSITORY}.{place}"
        if key in draft.given:
            draft.drop(key, draft.given[key], "the model is read from the cloud")
    _warn_endpoint(draft)


def no_cloud(draft: Draft) -> None:
    """Drop the keys of buckets where the one model is on a volume."""
    for key, value in _keys(draft):
        draft.drop(key, value, "the only model is on a volume, and nothing else reads a bucket")


def own_cloud(draft: Draft) -> None:
    """Keep the bucket credentials that paths in a user's own configuration file may need.

    The chart sets the variables whatever is served. Without a volume the bucket is the store;
    beside one, or beside another bucket, they stay variables.
    """
    kinds: Dict[str, List[str]] = {}
    for key, _value in _keys(draft):
        kinds.setdefault(BY_PATH[key].option.split(".")[1], []).append(key)
    free = not any(_given(draft))
    if free and not kinds:
        _no_storage(draft)
    for kind, keys in kinds.items():
        for key in keys:
            (_as_option if free else _as_variable)(draft, key, draft.given[key])
        if free and kind == "s3" and not {"region", "endpoint"} & set(draft.options["cloud"][kind]):
            draft.warnings.append("cloud.s3.region: name the region of the bucket, or an endpoint")
        free = False
    _warn_endpoint(draft)


def _keys(draft: Draft) -> List[Tuple[str, object]]:
    return [
        (key, value)
        for key, value in draft.given.items()
        if key in BY_PATH and BY_PATH[key].option.startswith("cloud.")
    ]


def _as_option(draft: Draft, key: str, value: object) -> None:
    option = BY_PATH[key].option
    if option != "cloud.gs.secret_name":
        draft.put(option, str(value))
        return
    draft.put(option, GCP_SECRET)
    if value != GCP_SECRET:
        draft.warnings.append(f"{option}: the chart was given '{value}' and mounts '{GCP_SECRET}'")


def _as_variable(draft: Draft, key: str, value: object) -> None:
    option = BY_PATH[key].option
    env = draft.options.setdefault("env", {})
    if option == "cloud.gs.secret_name":
        env["GOOGLE_APPLICATION_CREDENTIALS"] = _GCP_FILE
        volume = {"name": GCP_SECRET, "secret": {"secretName": GCP_SECRET}}
        mount = {"name": GCP_SECRET, "mountPath": posixpath.dirname(_GCP_FILE), "readOnly": True}
        draft.options.setdefault("extra_volumes", []).append(volume)
        draft.options.setdefault("extra_volume_mounts", []).append(mount)
        return
    env[_VARIABLES[option]] = str(value)
    if key.rpartition(".")[2] in ("aws_secret_access_key", "azure_storage_connection_string"):
        draft.warnings.append(
            f"env.{_VARIABLES[option]}: it is readable in the Deployment. Put it into a Secret, and"
            " name that in env_from"
        )


def _warn_endpoint(draft: Draft) -> None:
    endpoint = str(draft.given.get(f"{REPOSITORY}.s3_compat_api_endpoint", ""))
    if endpoint.startswith("https:"):
        draft.warnings.append("cloud.s3.endpoint: OVMS speaks plain HTTP to it; https is refused")
