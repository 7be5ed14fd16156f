# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a helper: a Job with one pod that mounts the store, and a ConfigMap it owns.

The pod of a volume passes the restricted Pod Security Standard. The one of a host path has to be
root to write there, with the three capabilities that giving files to the server's user takes. A
helper ends itself (idle, deadline) and the Job controller then removes it, so a controller that
was killed leaves nothing behind.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ...store import AGENT_LABEL, MANAGED_BY, MANAGED_BY_LABEL, NAME_LABEL, PvcStore
from ..agent.shared import SECRETS
from ..content.users import Ids
from ..options.helper import HelperOptions
from ..options.pull import SecretMount, secret_keys
from .base import Target

STORE_MOUNT = "/store"
SCRIPT_MOUNT = "/edge"
RUN_MOUNT = "/edge-run"
CONTAINER = "helper"
HELPER_NAME = "model-repository-helper"  # its app.kubernetes.io/name
IDLE_SECONDS = 60  # without a request; the controller counts as gone then
DEADLINE_SECONDS = 24 * 3600  # of one helper, whatever happens
# A helper that ended by itself stays this long, so that the controller can read why.
FINISHED_SECONDS = 20
HOSTNAME_LABEL = "kubernetes.io/hostname"


Object = Dict[str, Any]


@dataclass(frozen=True)
class Program:
    """The program of the helper: image, command, environment, and the files it needs."""

    image: str
    command: Tuple[str, ...]
    env: Mapping[str, str]
    files: Mapping[str, str]
    archives: Mapping[str, bytes] = field(default_factory=dict)


def labels(helper_id: str) -> Dict[str, str]:
    """Return the labels of every object of one helper."""
    return {
        MANAGED_BY_LABEL: MANAGED_BY,
        NAME_LABEL: HELPER_NAME,
        AGENT_LABEL: helper_id,
    }


def object_name(helper_id: str) -> str:
    """Return the name of the Job and the ConfigMap of one helper."""
    return f"edge-agent-{helper_id}"


def store_root(target: Target) -> str:
    """Return the root of the store as the helper sees it."""
    sub_path = target.store.sub_path if isinstance(target.store, PvcStore) else ""
    return f"{STORE_MOUNT}/{sub_path}" if sub_path else STORE_MOUNT


def render_job(helper_id: str, target: Target, options: HelperOptions, program: Program) -> Object:
    """Return the Job."""
    meta = {
        "name": object_name(helper_id),
        "namespace": target.store.namespace,
        "labels": labels(helper_id),
    }
    spec = {
        "backoffLimit": 0,
        "activeDeadlineSeconds": DEADLINE_SECONDS,
        "ttlSecondsAfterFinished": FINISHED_SECONDS,
        "template": {
            "metadata": {"labels": labels(helper_id)},
            "spec": _pod_spec(helper_id, target, options, program),
        },
    }
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec}


def render_config_map(helper_id: str, job: Mapping[str, Any], program: Program) -> Object:
    """Return the ConfigMap with the script; it goes when the Job goes."""
    owner = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": job["metadata"]["name"],
        "uid": job["metadata"]["uid"],
    }
    binary = {
        name: base64.b64encode(data).decode("ascii") for name, data in program.archives.items()
    }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": object_name(helper_id),
            "namespace": job["metadata"]["namespace"],
            "labels": labels(helper_id),
            "ownerReferences": [owner],
        },
        "data": dict(program.files),
        **({"binaryData": binary} if binary else {}),
        "immutable": True,
    }


def render_secret(helper_id: str, job: Mapping[str, Any], secret: SecretMount) -> Object:
    """Return the Secret with given credentials; it goes when the Job goes."""
    made = render_config_map(helper_id, job, Program("", (), {}, {}))
    encoded = {
        name: base64.b64encode(value.encode()).decode() for name, value in secret.data.items()
    }
    return {**made, "kind": "Secret", "type": "Opaque", "data": encoded}


def render_network_policy(
    helper_id: str, job: Mapping[str, Any], allow_from: Sequence[str]
) -> Object:
    """Return what lets only some networks, and other helpers of the namespace, reach this one."""
    made = render_config_map(helper_id, job, Program("", (), {}, {}))
    peers: List[Object] = [{"ipBlock": {"cidr": network}} for network in allow_from]
    helpers = {MANAGED_BY_LABEL: MANAGED_BY, NAME_LABEL: HELPER_NAME}
    peers.append({"podSelector": {"matchLabels": helpers}})
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": made["metadata"],
        "spec": {
            "podSelector": {"matchLabels": {AGENT_LABEL: helper_id}},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": peers}],
        },
    }


def _secret_volume(helper_id: str, secret: SecretMount) -> Object:
    """Return the volume with the credentials: of an existing Secret only the keys that are read.

    A missing key or Secret does not keep the pod from starting; the helper then says so.
    """
    sources: List[Object] = []
    if secret.name:
        items = [{"key": name, "path": name} for name in secret_keys()]
        sources.append({"secret": {"name": secret.name, "optional": True, "items": items}})
    if secret.data:
        sources.append({"secret": {"name": object_name(helper_id)}})
    return {"name": "secret", "projected": {"defaultMode": 0o444, "sources": sources}}


def _pod_spec(helper_id: str, target: Target, options: HelperOptions, program: Program) -> Object:
    store = target.store
    spec: Object = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 2,
        "securityContext": _pod_security(target, options),
        "containers": [_container(target, options, program)],
        "volumes": [
            store.root_volume("store", read_only=options.read_only),
            {"name": "script", "configMap": {"name": object_name(helper_id), "defaultMode": 0o444}},
            {"name": "run", "emptyDir": {"sizeLimit": "16Mi"}},
        ],
    }
    if options.secret is not None:
        spec["volumes"].append(_secret_volume(helper_id, options.secret))
        mount = {"name": "secret", "mountPath": SECRETS, "readOnly": True}
        spec["containers"][0]["volumeMounts"].append(mount)
    spec.update(_placement(target, options))
    if options.image_pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in options.image_pull_secrets]
    return spec


def _placement(target: Target, options: HelperOptions) -> Object:
    """Return the scheduling fields: what the task says, and where the store is."""
    fields: Object = {}
    selector = {**dict(options.node_selector), **dict(target.node_selector)}
    if selector:
        fields["nodeSelector"] = selector
    tolerations = [dict(item) for item in options.tolerations]
    tolerations += [dict(item) for item in target.tolerations if dict(item) not in tolerations]
    if tolerations:
        fields["tolerations"] = tolerations
    if target.affinity:
        fields["affinity"] = dict(target.affinity)
    return fields


def _container(target: Target, options: HelperOptions, program: Program) -> Object:
    env: List[Object] = [{"name": key, "value": value} for key, value in program.env.items()]
    env.append({"name": "EDGE_BIND", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}})
    return {
        "name": CONTAINER,
        "image": program.image,
        "imagePullPolicy": options.image_pull_policy,
        "command": list(program.command),
        "env": env,
        "resources": {kind: dict(values) for kind, values in options.resources.items()},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": _capabilities(target, options),
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "store", "mountPath": STORE_MOUNT, "readOnly": options.read_only},
            {"name": "script", "mountPath": SCRIPT_MOUNT, "readOnly": True},
            {"name": "run", "mountPath": RUN_MOUNT},
        ],
    }


def _pod_security(target: Target, options: HelperOptions) -> Object:
    context: Object = {"seccompProfile": {"type": "RuntimeDefault"}}
    if not isinstance(target.store, PvcStore):
        return {**context, "runAsUser": 0, "runAsGroup": 0}
    uid, gid = options.owner
    ids = target.ids or Ids(uid, gid, gid or None)
    numbers = {"runAsUser": ids.user, "runAsGroup": ids.group, "fsGroup": ids.fs_group}
    context.update({key: value for key, value in numbers.items() if value is not None})
    context["runAsNonRoot"] = ids.user != 0
    if ids.fs_group:
        context["fsGroupChangePolicy"] = "OnRootMismatch"
    return context


def _capabilities(target: Target, options: HelperOptions) -> Object:
    if isinstance(target.store, PvcStore):
        return {"drop": ["ALL"]}
    needed = ["DAC_OVERRIDE"] if options.read_only else ["CHOWN", "DAC_OVERRIDE", "FOWNER"]
    return {"drop": ["ALL"], "add": needed}


def hostname_selector(node: Optional[Mapping[str, Any]]) -> Tuple[Tuple[str, str], ...]:
    """Return the selector for one node; never C(nodeName), which would go past the scheduler."""
    meta = (node or {}).get("metadata") or {}
    hostname = (meta.get("labels") or {}).get(HOSTNAME_LABEL) or meta.get("name")
    return ((HOSTNAME_LABEL, str(hostname)),) if hostname else ()
