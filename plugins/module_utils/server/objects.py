# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a spec to Kubernetes objects. Pure: no socket, no clock."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ansible_collections.openvino.edge.plugins.module_utils.server import (
    cloud,
    device_claims,
    exposing,
    guard,
    kinds,
    scaling,
    scraping,
    services,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.adoption import Kept
from ansible_collections.openvino.edge.plugins.module_utils.server.backend_options import MANIFESTS
from ansible_collections.openvino.edge.plugins.module_utils.server.cloud_options import CloudStore
from ansible_collections.openvino.edge.plugins.module_utils.server.config import (
    config_hash,
    config_text,
    metrics_hash,
    render_config,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.sources import held_by_one_node
from ansible_collections.openvino.edge.plugins.module_utils.server.spec import ServerSpec
from ansible_collections.openvino.edge.plugins.module_utils.server.template import (
    CONFIG_FILE,
    CONFIG_HASH_ANNOTATION,
    config_map_name,
    pod_template,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import (
    INSTANCE_LABEL,
    MANAGED_BY,
    MANAGED_BY_LABEL,
    NAME_LABEL,
    SERVER_LABEL,
    HostPathStore,
)

APP_NAME = "ovms"
INPUT_HASH_ANNOTATION = "openvino.edge/input-hash"
MANY_NODES = ("ReadWriteMany", "ReadOnlyMany")

Object = Dict[str, Any]


@dataclass(frozen=True)
class ClusterFacts:
    """What rendering has to know of the cluster.

    Attributes:
        access_modes: of the store's claim; None: unknown, or not a claim.
        salt: key of the mark for given credentials.
        credentials: mark of an existing Secret with credentials.
        kept: what adopted objects keep.
        own_config: text of the configuration that the user brings; None: ours, or not read.
    """

    access_modes: Optional[Tuple[str, ...]] = None
    salt: str = field(default="", repr=False)
    credentials: str = ""
    kept: Kept = Kept()
    own_config: Optional[str] = None


def owner_labels(name: str) -> Dict[str, str]:
    """Return the labels by which the objects of one server are found again."""
    return {MANAGED_BY_LABEL: MANAGED_BY, SERVER_LABEL: name}


def owner_selector(name: Optional[str] = None) -> str:
    """Return the label selector of one server's objects, or of all servers'."""
    server = f"{SERVER_LABEL}={name}" if name else SERVER_LABEL
    return f"{MANAGED_BY_LABEL}={MANAGED_BY},{server}"


def object_labels(spec: ServerSpec) -> Dict[str, str]:
    """Return the labels of every object and pod."""
    return {
        **spec.labels,
        NAME_LABEL: APP_NAME,
        INSTANCE_LABEL: spec.name,
        **owner_labels(spec.name),
    }


def render_objects(spec: ServerSpec, facts: ClusterFacts = ClusterFacts()) -> List[Object]:
    """Return the objects in the order in which they have to be applied.

    Each carries a hash of itself, so that an unchanged run sees at once that nothing has to be
    sent. The namespace is not among them: it is not ours to remove.
    """
    if spec.backend != MANIFESTS:
        from ansible_collections.openvino.edge.plugins.module_utils.server.backends import render

        return render.render_objects(spec, facts)
    text = text_of_config(spec, facts)
    template = template_of(spec, facts, text, facts.kept.pod_labels(object_labels(spec)))
    reached = _services(spec, facts)
    objects = [
        *companions(spec, facts, text, pod_selector(spec.name)),
        noted(_workload(spec, facts, template), spec, text),
        *reached,
        *_exposed(spec, reached[0]),
        *_optional(spec, facts),
    ]
    return [with_input_hash(item) for item in kinds.with_record(objects)]


def companions(
    spec: ServerSpec, facts: ClusterFacts, text: str, selector: Mapping[str, str]
) -> List[Object]:
    """Return what pods stand on: account, network policy, Secrets, claims and the configuration.

    C(text) is the configuration, C(selector) the labels of the pods.
    """
    return [
        *([] if spec.security.service_account else [_service_account(spec)]),
        *guard.objects(spec, lambda name: metadata_of(spec, name), selector),
        *_secrets(spec, facts),
        *_claim_template(spec),
        *([] if spec.config.own else [_config_map(spec, text)]),
    ]


def text_of_config(spec: ServerSpec, facts: ClusterFacts = ClusterFacts()) -> str:
    """Return the configuration file's text, empty where a file on the store is used."""
    return facts.own_config or "" if spec.config.own else config_text(render_config(spec))


def render_namespace(spec: ServerSpec) -> Object:
    """Return the namespace; labels are all that is set."""
    metadata: Dict[str, Any] = {"name": spec.namespace}
    if spec.namespace_labels:
        metadata["labels"] = dict(spec.namespace_labels)
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def with_input_hash(item: Object) -> Object:
    """Return the object with the hash of its content among its annotations."""
    text = json.dumps(item, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()[:32]
    metadata = dict(item["metadata"])
    metadata["annotations"] = {**metadata.get("annotations", {}), INPUT_HASH_ANNOTATION: digest}
    return {**item, "metadata": metadata}


def metadata_of(spec: ServerSpec, name: str) -> Dict[str, Any]:
    """Return the metadata of one of the server's objects."""
    metadata: Dict[str, Any] = {
        "name": name,
        "namespace": spec.namespace,
        "labels": object_labels(spec),
    }
    if spec.annotations:
        metadata["annotations"] = dict(spec.annotations)
    return metadata


def _service_account(spec: ServerSpec) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata_of(spec, spec.name),
        "automountServiceAccountToken": False,
    }


def _secrets(spec: ServerSpec, facts: ClusterFacts) -> List[Object]:
    if not isinstance(spec.store, CloudStore) or not spec.store.credentials:
        return []
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata_of(spec, cloud.own_secret_name(spec.name)),
            "type": "Opaque",
            "data": cloud.secret_data(spec.store.credentials, facts.salt),
        }
    ]


def _config_map(spec: ServerSpec, text: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata_of(spec, config_map_name(spec)),
        "data": {CONFIG_FILE: text},
    }


def noted(workload: Object, spec: ServerSpec, text: str) -> Object:
    """Note the hash of a user's own configuration: the next run sees by it that it was edited."""
    if not spec.config.config_map:
        return workload
    metadata = dict(workload["metadata"])
    mark = {CONFIG_HASH_ANNOTATION: config_hash(text)}
    metadata["annotations"] = {**metadata.get("annotations", {}), **mark}
    return {**workload, "metadata": metadata}


def _workload(spec: ServerSpec, facts: ClusterFacts, template: Object) -> Object:
    metadata, selector, running = (
        metadata_of(spec, spec.name),
        pod_selector(spec.name),
        spec.running,
    )
    if running.scaling.per_node:
        return scaling.daemon_set(metadata, running.scaling, selector, template)
    # With an autoscaler the number is not ours: a field that is not sent is left alone.
    count = {} if running.scaling.autoscaling else {"replicas": spec.replicas}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {
            **count,
            # A model that loads slowly is not a failed rollout: the startup probe decides.
            "progressDeadlineSeconds": running.probes.startup_seconds(spec.startup_timeout) + 120,
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": dict(facts.kept.selector) or selector},
            "strategy": rollout_strategy(spec, facts, device=holds_device(template)),
            "template": template,
        },
    }


def _optional(spec: ServerSpec, facts: ClusterFacts) -> List[Object]:
    """Return the objects that not every server has."""
    metadata, running = metadata_of(spec, spec.name), spec.running
    labels = facts.kept.pod_labels(object_labels(spec))
    selector = {key: labels[key] for key in pod_selector(spec.name)}
    objects: List[Object] = []
    if running.scaling.budget:
        objects.append(scaling.disruption_budget(metadata, running.scaling.budget, selector))
    if running.scaling.autoscaling:
        objects.append(scaling.autoscaler(metadata, running.scaling.autoscaling))
    if running.monitor:
        objects.append(scraping.service_monitor(metadata, running.monitor, selector))
    return objects


def _claim_template(spec: ServerSpec) -> List[Object]:
    device = spec.device
    if device is None or device.claim is None or device.claim.template_name:
        return []
    name = device_claims.template_name(spec.name, device.claim, device.count)
    return [
        {
            "apiVersion": device_claims.API,
            "kind": "ResourceClaimTemplate",
            "metadata": metadata_of(spec, name),
            "spec": device_claims.template_spec(device.claim, device.count),
        }
    ]


def template_of(
    spec: ServerSpec, facts: ClusterFacts, text: str, labels: Mapping[str, str]
) -> Dict[str, Any]:
    """Return the pods' template; other credentials are another template, so pods are replaced."""
    template = pod_template(spec, labels, config_hash(text), metrics_hash(text))
    mark = facts.credentials
    if isinstance(spec.store, CloudStore) and spec.store.credentials:
        mark = cloud.mark_of_given(spec.store.credentials, facts.salt)
    if mark:
        annotations = template["metadata"].setdefault("annotations", {})
        annotations[cloud.CREDENTIALS_ANNOTATION] = mark
    return template


def pod_selector(name: str) -> Dict[str, str]:
    """Return the labels that choose the pods of one server, and never change."""
    return {NAME_LABEL: APP_NAME, SERVER_LABEL: name}


def pod_selector_text(name: str) -> str:
    """Return the label of the pods of one server in the form of a query, adopted ones included."""
    return f"{SERVER_LABEL}={name}"


def rollout_strategy(
    spec: ServerSpec, facts: ClusterFacts, *, device: bool = False
) -> Dict[str, Any]:
    """Return how old pods make room for new ones; C(device): each pod holds one.

    C(auto): a claim that one node at a time can use is released before the new pod asks for it
    (C(Recreate)); a claim for many nodes, an image and a bucket allow one pod more during the
    change; on host paths, and where the claim cannot be read, no pod more than wanted ever runs,
    since an edge node has no room for it and each node takes one replica. The same goes for pods
    that hold a device. C(rolling_update) is what the user wants instead.
    """
    if spec.strategy == "Recreate":
        return {"type": "Recreate"}
    shared = any(mode in MANY_NODES for mode in facts.access_modes or ())
    shared = shared or not held_by_one_node(spec.store)
    asked = spec.running.scaling.surge is not None or spec.running.scaling.unavailable is not None
    alone = not isinstance(spec.store, HostPathStore) and not shared
    if spec.strategy == "auto" and alone and not asked:
        return {"type": "Recreate"}
    rolling = spec.strategy == "RollingUpdate" and not isinstance(spec.store, HostPathStore)
    # A device is free only when the old pod has gone: a pod more would wait for ever.
    more = (shared or rolling) and not device
    usual: Tuple[scaling.Amount, scaling.Amount] = (1, 0) if more else (0, 1)
    surge, unavailable = scaling.update_limits(spec.running.scaling, usual)
    limits = {"maxSurge": surge, "maxUnavailable": unavailable}
    return {"type": "RollingUpdate", "rollingUpdate": limits}


def holds_device(template: Mapping[str, Any]) -> bool:
    """Tell whether a pod takes a device: one of a plugin (C(gpu.intel.com/i915)), or by a claim."""
    pod = template["spec"]
    resources = [container.get("resources") or {} for container in pod["containers"]]
    names = [name for item in resources for name in (item.get("limits") or {})]
    return bool(pod.get("resourceClaims")) or any("/" in name for name in names)


def _services(spec: ServerSpec, facts: ClusterFacts) -> List[Object]:
    options, node_ports = spec.running.service, dict(spec.running.service.node_ports)
    service: Object = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": services.with_extras(metadata_of(spec, spec.name), options),
        "spec": {
            "type": spec.service_type,
            "selector": dict(facts.kept.service or facts.kept.selector) or pod_selector(spec.name),
            "ports": [
                {
                    "name": name,
                    "port": port,
                    "targetPort": name,
                    "protocol": "TCP",
                    **({"nodePort": node_ports[name]} if name in node_ports else {}),
                }
                for name, port in (("grpc", spec.grpc_port), ("rest", spec.rest_port))
            ],
            **dict(options.fields),
        },
    }
    return [service, services.headless_service(service)] if options.headless else [service]


def _exposed(spec: ServerSpec, service: Object) -> List[Object]:
    expose = spec.running.expose
    if expose is None:
        return []
    return exposing.objects(expose, lambda name: metadata_of(spec, name), service)


def endpoints(name: str, namespace: str, ports: Mapping[str, int]) -> Dict[str, str]:
    """Return C(HOST:PORT) of each interface inside the cluster."""
    return {key: f"{name}.{namespace}.svc:{port}" for key, port in ports.items()}
