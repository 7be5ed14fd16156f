# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads facts for the pod template from the live objects and the cluster."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, List, Mapping, Optional

from ...errors import InputError
from ...kube.client import KubeClient
from ...kube.types import Access
from ...runtime import Runtime
from ..config.render import config_hash
from ..plan.diff import Key
from ..plan.restart import needs_new_pods, parsed
from ..render.config import (
    CONFIG_FILE,
    CONFIG_HASH_ANNOTATION,
    ENTRIES_ANNOTATION,
    START_ANNOTATION,
    config_map_name,
)
from ..render.facts import ClusterFacts
from ..render.identity import Object
from ..render.kinds import WORKLOADS
from ..render.lifecycle import FIRST_WITH_SLEEP, known_to_sleep
from ..spec.backend import KSERVE, MANIFESTS, STANDS_FOR_PODS
from ..spec.server import ServerSpec

_UNCHANGED_PODS = (
    "A running server does not read another directory under a version number that it has loaded,"
    " and the pods of this backend are not replaced for it: publish under a new version number, or"
    " run with state: absent first"
)


def settled(
    client: KubeClient,
    spec: ServerSpec,
    facts: ClusterFacts,
    text: str,
    current: Mapping[Key, Object],
    runtime: Runtime,
) -> ClusterFacts:
    """Return the facts, completed from the live objects; C(text) is the wanted configuration.

    Raises:
        InputError: new pods are needed, and the backend makes none for such a change.
    """
    workload = _workload(spec, current)
    if spec.backend == MANIFESTS and spec.running.pod.drain_seconds:
        known = known_to_sleep(workload)
        facts = replace(facts, sleeps=_can_sleep(client) if known is None else known)
    if workload is None:
        return facts
    return replace(facts, start=_mark(client, spec, text, current, workload, runtime))


def _can_sleep(client: KubeClient) -> bool:
    version = client.version()
    try:
        found = (int(version["major"]), int(str(version["minor"]).rstrip("+")))
    except (KeyError, ValueError):
        return False
    return found >= FIRST_WITH_SLEEP


def _workload(spec: ServerSpec, current: Mapping[Key, Object]) -> Optional[Object]:
    """Return the live workload, or the custom resource of a controller."""
    owner = STANDS_FOR_PODS.get(spec.backend)
    kinds = [owner[1]] if owner else [spec.running.scaling.workload, *WORKLOADS]
    found = [current[kind, spec.name] for kind in kinds if (kind, spec.name) in current]
    return found[0] if found else None


def _mark(
    client: KubeClient,
    spec: ServerSpec,
    text: str,
    current: Mapping[Key, Object],
    workload: Object,
    runtime: Runtime,
) -> str:
    before = _before(spec, current)
    reasons = needs_new_pods(before, parsed(text)) if before else []
    if not reasons and _unprovable(client, spec, text, current):
        reasons = ["config_map"]
    if not reasons:
        return _config_mark(spec, current) or _live_mark(workload)
    what = ", ".join(reasons)
    if spec.backend not in (MANIFESTS, KSERVE):
        if "model_path" in (workload["spec"].get("models_settings") or {}):
            return ""  # an argument of the pods, so the operator replaces them
        raise InputError(
            "the change would not reach running servers",
            option=what,
            subject=f"{workload.get('kind', 'ModelServer')} {spec.namespace}/{spec.name}",
            hint=_UNCHANGED_PODS,
        )
    runtime.progress(f"{spec.name}: new pods, since running ones would not apply {what}")
    return config_hash(text)


def _before(spec: ServerSpec, current: Mapping[Key, Object]) -> Mapping[str, Any]:
    """Return the previously applied configuration; empty where it is not known."""
    if spec.config.config_path:
        return {}
    if spec.config.config_map:
        return parsed(_noted(current, ENTRIES_ANNOTATION))
    item = current.get(("ConfigMap", config_map_name(spec))) or {}
    return parsed(str((item.get("data") or {}).get(CONFIG_FILE) or ""))


def _noted(current: Mapping[Key, Object], name: str) -> str:
    found = [(item["metadata"].get("annotations") or {}).get(name) for item in current.values()]
    return str(next(filter(None, found), ""))


def _unprovable(
    client: KubeClient, spec: ServerSpec, text: str, current: Mapping[Key, Object]
) -> bool:
    """Tell whether a user's own configuration changed, and no right allows reading it in a pod."""
    noted = _noted(current, CONFIG_HASH_ANNOTATION)
    if not spec.config.config_map or not noted or noted == config_hash(text):
        return False
    return bool(client.denied(exec_access(spec.namespace)))


def exec_access(namespace: str) -> List[Access]:
    """Return the right to read a file in a pod, for configurations without a marker."""
    return [Access("create", "", "pods", "exec", namespace=namespace)]


def _config_mark(spec: ServerSpec, current: Mapping[Key, Object]) -> str:
    """Return the mark that came with the live configuration; the pods may not have it yet."""
    if spec.config.own:
        return ""
    item = current.get(("ConfigMap", config_map_name(spec))) or {"metadata": {}}
    return str((item["metadata"].get("annotations") or {}).get(START_ANNOTATION) or "")


def _live_mark(workload: Object) -> str:
    spec = workload["spec"]
    template = spec.get("template") or {}
    metadata = template.get("metadata") or spec.get("predictor") or {}
    return str((metadata.get("annotations") or {}).get(START_ANNOTATION) or "")
