# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pod template of a model server. Pure.

It passes the Pod Security Standard C(restricted) unless the store is a host path or the server is
asked to run as root (k8s.io/pod-security-admission, policy/check_*.go).
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from ...verify.marker import marker_items
from ..spec.device import template_name, with_claim
from ..spec.overrides import overridden
from ..spec.process import entries
from ..spec.running import CONTAINER
from ..spec.server import ServerSpec
from . import cache, companions, egress, lifecycle, store
from .config import (
    CONFIG_FILE,
    CONFIG_HASH_ANNOTATION,
    CONFIG_MOUNT,
    METRICS_HASH_ANNOTATION,
    config_file,
    config_map_name,
    is_marked,
)
from .placement import placement
from .security import pod_security

Template = Dict[str, Any]


def pod_template(
    spec: ServerSpec,
    labels: Mapping[str, str],
    config_hash: str,
    metrics_hash: str = "",
    *,
    sleeps: bool = False,
) -> Template:
    """Return the template.

    Args:
        spec: the server.
        labels: labels of the pods.
        config_hash: content of the configuration; only used where a change needs a restart.
        metrics_hash: what it says of metrics, which servers read at their start only.
        sleeps: the kubelet itself can pause before the server is told to end.
    """
    metadata: Dict[str, Any] = {"labels": dict(labels)}
    annotations = {**spec.annotations, **companions.pod_annotations(spec)}
    if needs_restart_on_config(spec):
        annotations[CONFIG_HASH_ANNOTATION] = config_hash
    if metrics_hash:
        annotations[METRICS_HASH_ANNOTATION] = metrics_hash
    if annotations:
        metadata["annotations"] = annotations
    template = {"metadata": metadata, "spec": _pod_spec(spec, labels, sleeps)}
    return overridden(template, spec.running.overrides) if spec.running.overrides else template


def needs_restart_on_config(spec: ServerSpec) -> bool:
    """Tell whether a new configuration needs new pods, since servers do not poll it.

    With polling off, a server that was unreachable at the moment of the change would never reload,
    so the pods are replaced instead.
    """
    return spec.poll_seconds == 0


def _pod_spec(spec: ServerSpec, labels: Mapping[str, str], sleeps: bool) -> Dict[str, Any]:
    pod: Dict[str, Any] = {
        "serviceAccountName": companions.account_name(spec),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": lifecycle.grace_seconds(spec),
        "securityContext": pod_security(spec.security),
        "containers": [{**_container(spec), **lifecycle.hooks(spec, sleeps=sleeps)}],
        "volumes": _volumes(spec),
    }
    if spec.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in spec.image_pull_secrets]
    if spec.running.pod.priority_class:
        pod["priorityClassName"] = spec.running.pod.priority_class
    pod.update(placement(spec, labels))
    device = spec.device
    if device is not None and device.claim is not None:
        name = template_name(spec.name, device.claim, device.count)
        return with_claim(pod, name)
    return pod


def _container(spec: ServerSpec) -> Dict[str, Any]:
    container: Dict[str, Any] = {
        "name": CONTAINER,
        "image": spec.image,
        "imagePullPolicy": spec.image_pull_policy,
        "args": arguments(spec),
        "ports": [
            {"name": "grpc", "containerPort": spec.grpc_port, "protocol": "TCP"},
            {"name": "rest", "containerPort": spec.rest_port, "protocol": "TCP"},
        ],
        "volumeMounts": [
            *store.mounts(spec.store),
            *_config_mount(spec),
            {"name": "tmp", "mountPath": "/tmp"},
            *spec.running.pod.mounts,
            *egress.mounts(spec.outgoing),
            *cache.mounts(spec.cache, spec.name, spec.store),
        ],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    env = egress.container_env(spec.name, spec.env, spec.outgoing)
    env += entries(spec.env_sources)
    env += store.environment(spec.name, spec.store) + cache.environment(spec.cache)
    if env:
        container["env"] = env
    if spec.running.pod.env_from:
        container["envFrom"] = [dict(item) for item in spec.running.pod.env_from]
    if spec.resources:
        container["resources"] = {key: dict(value) for key, value in spec.resources.items()}
    container.update(spec.running.probes.render())
    return container


def arguments(spec: ServerSpec) -> List[str]:
    """Return the command line of the server: only flags that every OVMS release knows."""
    return [
        "--config_path",
        config_file(spec),
        "--port",
        str(spec.grpc_port),
        "--rest_port",
        str(spec.rest_port),
        "--log_level",
        spec.log_level,
        "--file_system_poll_wait_seconds",
        str(spec.poll_seconds),
        *spec.running.cpu.arguments,
        *cache.arguments(spec.cache),
        *spec.extra_args,
    ]


def _volumes(spec: ServerSpec) -> List[Dict[str, Any]]:
    return [
        *store.volumes(spec.name, spec.store),
        *_config_volume(spec),
        {"name": "tmp", "emptyDir": {"sizeLimit": spec.tmp_size}},
        *map(dict, spec.running.pod.volumes),
        *egress.volumes(spec.name, spec.outgoing),
        *cache.volumes(spec.cache),
    ]


def _config_mount(spec: ServerSpec) -> List[Dict[str, Any]]:
    """The directory is mounted, not the file: a file (subPath) would never be refreshed."""
    if spec.config.config_path:
        return []
    return [{"name": "config", "mountPath": CONFIG_MOUNT, "readOnly": True}]


def _config_volume(spec: ServerSpec) -> List[Dict[str, Any]]:
    if spec.config.config_path:
        return []
    source: Dict[str, Any] = {"name": config_map_name(spec)}
    if is_marked(spec):
        source["items"] = marker_items(CONFIG_FILE)
    return [{"name": "config", "configMap": source}]
