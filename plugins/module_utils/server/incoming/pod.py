# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns the fields of the pods into options; the rest is overridden. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ..chart import rules
from ..chart.rules import Draft
from ..spec.pod import OWN_MOUNTS, OWN_VOLUMES
from ..spec.running import CONTAINER
from .storage import Place

_P = "spec.predictor."
_SAME = {
    "nodeSelector": "node_selector",
    "tolerations": "tolerations",
    "affinity": "affinity",
    "priorityClassName": "priority_class",
    "topologySpreadConstraints": "topology_spread_constraints",
}
# Fields of a predictor that have no counterpart, each with the reason.
_GONE = {
    "activeDeadlineSeconds": "pods of a Deployment have none",
    "batcher": "KServe's agent puts requests together; see models[].batch_size",
    "canaryTrafficPercent": "Knative divides the requests; the role rollout goes site by site",
    "containerConcurrency": "Knative limits the requests in front of the pods",
    "logger": "KServe's agent logs the requests",
    "storageContainerName": "it chooses what copies the model into the pods, and nothing does",
    "timeout": "Knative ends requests by it; a timeout belongs to the Ingress or Route",
    "workerSpec": "a server is one pod, and has no workers on other nodes",
}
# What pods of a Deployment, or of this collection, are anyway.
_USUAL: Dict[str, Any] = {
    "automountServiceAccountToken": False,
    "enableServiceLinks": False,
    "restartPolicy": "Always",
}
_IDS = {"runAsUser": "run_as_user", "runAsGroup": "run_as_group", "fsGroup": "fs_group"}
_MORE = {"supplementalGroups": "supplemental_groups", "seLinuxOptions": "se_linux_options"}
_PROFILES = {"seccompProfile": "seccomp_profile", "appArmorProfile": "app_armor_profile"}

Object = Dict[str, Any]


def fields(draft: Draft, pod: Object, name: str, *, own: bool) -> Object:
    """Set the options of the pods, and return the fields that have none.

    Args:
        draft: what is known.
        pod: taken apart; volumes and scaling are read elsewhere.
        name: of the server.
        own: this collection has made it.
    """
    for key, why in _GONE.items():
        value = pod.pop(key, None)
        if value not in (None, [], {}):
            draft.drop(f"{_P}{key}", value, why)
    for key, option in _SAME.items():
        value = pod.pop(key, None)
        if value:
            draft.put(option, value)
    secrets = [str(item.get("name")) for item in pod.pop("imagePullSecrets", None) or ()]
    if secrets:
        draft.put("image_pull_secrets", secrets)
    old = pod.pop("serviceAccount", None)
    account = pod.pop("serviceAccountName", None) or old
    if account and not (own and account == name):
        draft.put("service_account", account)
    strategy = pod.pop("deploymentStrategy", None)
    if strategy:
        rules.update_strategy(draft, f"{_P}deploymentStrategy", "strategy", strategy)
    for key, usual in _USUAL.items():
        if pod.get(key) == usual:
            del pod[key]
    _security(draft, pod, own=own)
    return {key: value for key, value in pod.items() if value not in (None, "", [], {})}


def _security(draft: Draft, pod: Object, *, own: bool) -> None:
    given = dict(pod.pop("securityContext", None) or {})
    _ids(draft, given, own=own)
    for key, option in _PROFILES.items():
        profile = given.pop(key, None)
        if profile and (option != "seccomp_profile" or profile != {"type": "RuntimeDefault"}):
            made = {"type": profile.get("type")}
            if profile.get("localhostProfile"):
                made["localhost_profile"] = profile["localhostProfile"]
            draft.put(option, made)
    for key, option in _MORE.items():
        value = given.pop(key, None)
        if value:
            draft.put(option, value)
    if given.get("fsGroupChangePolicy") == "OnRootMismatch":
        del given["fsGroupChangePolicy"]
    if given.get("runAsNonRoot") == (draft.options.get("run_as_user") != 0):
        del given["runAsNonRoot"]
    if given:
        pod["securityContext"] = given


def _ids(draft: Draft, given: Object, *, own: bool) -> None:
    for key, option in _IDS.items():
        value = given.pop(key, None)
        if value is not None and draft.options.get(option, value) != value:
            path = f"{_P}securityContext.{key}"
            draft.drop(path, value, "the server's container has its own, which wins")
        elif value is not None:
            draft.put(option, value)
        elif own:
            # Ours leaves an id out where the platform is to choose it.
            draft.put(option, -1)


def volumes(draft: Draft, place: Place, sidecars: Sequence[Object], where: str) -> None:
    """Set the volumes and mounts that are not the store; names and places of ours are kept free.

    Args:
        draft: what is known.
        place: the volumes and mounts that are left.
        sidecars: containers that may mount volumes, which get their new names.
        where: the path of the server's container, with a dot at the end.
    """
    names = {name: f"{name}-old" for name in place.volumes if name in OWN_VOLUMES}
    names.update(dict.fromkeys(place.taken, OWN_VOLUMES[0]))
    mounts: List[Object] = []
    for mount in place.mounts:
        path = str(mount.get("mountPath")).rstrip("/")
        if path == "/tmp" and "emptyDir" in (place.volumes.get(str(mount["name"])) or {}):
            _tmp(draft, place, mount, names)
        elif path in OWN_MOUNTS:
            why = f"the server has its own {path} there"
            draft.drop(f"{where}volumeMounts[{path}]", mount, why)
        else:
            mounts.append({**mount, "name": names.get(str(mount["name"]), mount["name"])})
    others = [item for name, item in place.volumes.items() if name not in place.taken]
    if others:
        draft.put(
            "extra_volumes",
            [{**item, "name": names.get(item["name"], item["name"])} for item in others],
        )
    if mounts:
        draft.put("extra_volume_mounts", mounts)
    for item in sidecars:
        for mount in item.get("volumeMounts") or ():
            mount["name"] = names.get(str(mount.get("name")), mount.get("name"))


def _tmp(draft: Draft, place: Place, mount: Mapping[str, Any], names: Dict[str, str]) -> None:
    """Take an empty directory at /tmp, which the server has anyway."""
    name = str(mount["name"])
    size = (place.volumes[name]["emptyDir"] or {}).get("sizeLimit")
    medium = (place.volumes[name]["emptyDir"] or {}).get("medium")
    if size:
        draft.put("tmp_size", str(size))
    if medium:
        draft.drop(f"{_P}volumes[{name}].emptyDir.medium", medium, "/tmp is on the node's disk")
    place.taken.append(name)
    names[name] = "tmp"


def overridden(
    draft: Draft, pod: Object, container: Object, sidecars: Sequence[Mapping[str, Any]]
) -> None:
    """Set C(pod_overrides) of all that no option is for."""
    spec = dict(pod)
    containers = [{"name": CONTAINER, **container}] if container else []
    for index, item in enumerate(sidecars):
        name = str(item.get("name") or f"sidecar-{index}")
        containers.append({**item, "name": f"{name}-sidecar" if name == CONTAINER else name})
    if containers:
        spec["containers"] = containers
    if spec:
        draft.put("pod_overrides", {"spec": spec})
