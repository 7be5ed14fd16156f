# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rolls objects back to their former state after a change whose pods do not serve."""

from __future__ import annotations

import copy
from typing import Any, Dict, List, Mapping, Sequence

from ...errors import EdgeError
from ...kube.client import KubeClient
from ..plan.diff import Key, key_of
from ..render.identity import INPUT_HASH_ANNOTATION, Object
from ..spec.backend import CONTROLLED

JSON_PATCH = "application/json-patch+json"
# Kinds that decide which pods run, and with which configuration.
KINDS = ("ConfigMap", "Deployment", "DaemonSet", *CONTROLLED)
_PARTS = ("spec", "data", "binaryData")
# An annotation that the controller itself maintains.
_OF_CONTROLLERS = ("deployment.kubernetes.io/",)


def undo(client: KubeClient, sent: Sequence[Object], before: Mapping[Key, Object]) -> List[str]:
    """Restore the former objects; return those that were restored.

    An object that was changed by others since it was sent is not touched. Neither is a new object:
    it replaced nothing that served.
    """
    done: List[str] = []
    for item in reversed(sent):
        old = before.get(key_of(item))
        if old is None or item["kind"] not in KINDS:
            continue
        try:
            if _put_back(client, item, old):
                done.append(f"{item['kind']} {item['metadata']['name']}")
        except EdgeError:
            continue  # the error of the failed change is reported, not this one
    return done


def _put_back(client: KubeClient, item: Object, old: Object) -> bool:
    metadata = item["metadata"]
    place = (item["apiVersion"], item["kind"], metadata["name"], metadata["namespace"])
    live = client.get(*place)
    if live is None or input_hash(live) != input_hash(item):
        return False
    client.patch(*place, restore_patch(live, old), content_type=JSON_PATCH)
    fields = old["metadata"].get("managedFields")
    if fields:
        # Field owners are restored too, so that later runs can remove the fields.
        client.patch(*place, {"metadata": {"managedFields": copy.deepcopy(fields)}})
    return True


def input_hash(item: Mapping[str, Any]) -> Any:
    """Return the input hash, by which an object is known to be unchanged since it was sent."""
    return (item["metadata"].get("annotations") or {}).get(INPUT_HASH_ANNOTATION)


def restore_patch(live: Mapping[str, Any], old: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Return the JSON patch from one state of an object to an earlier one."""
    version = live["metadata"].get("resourceVersion")
    patch: List[Dict[str, Any]] = []
    if version:
        patch.append({"op": "test", "path": "/metadata/resourceVersion", "value": version})
    metadata = {"labels": old["metadata"].get("labels"), "annotations": _annotations(live, old)}
    pairs = [(f"/metadata/{key}", live["metadata"].get(key), metadata[key]) for key in metadata]
    pairs += [(f"/{part}", live.get(part), old.get(part)) for part in _PARTS]
    for path, now, then in pairs:
        if now == then:
            continue
        if then is None:
            patch.append({"op": "remove", "path": path})
        else:
            operation = "add" if now is None else "replace"
            patch.append({"op": operation, "path": path, "value": copy.deepcopy(then)})
    return patch


def _annotations(live: Mapping[str, Any], old: Mapping[str, Any]) -> Dict[str, Any]:
    now = live["metadata"].get("annotations") or {}
    kept = {key: value for key, value in now.items() if key.startswith(_OF_CONTROLLERS)}
    then = old["metadata"].get("annotations") or {}
    return {**{key: value for key, value in then.items() if key not in kept}, **kept}
