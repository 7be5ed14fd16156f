# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders a spec to Kubernetes objects. Pure: no socket, no clock."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from ...verify.marker import marker_data
from ..config.render import config_hash, metrics_hash, noted_entries
from ..spec.cloud import CloudStore
from ..spec.device import CLAIM_API, template_name, template_spec
from ..spec.server import ServerSpec
from . import cloud, kinds, scaling
from . import companions as standing
from . import service as services
from .config import (
    CONFIG_FILE,
    CONFIG_HASH_ANNOTATION,
    ENTRIES_ANNOTATION,
    START_ANNOTATION,
    config_map_name,
    is_marked,
    marked_text,
    render_config,
)
from .exposure import note
from .exposure import objects as exposing
from .facts import NO_FACTS, ClusterFacts
from .identity import Object, metadata_of, object_labels, pod_selector, with_input_hash
from .pod import pod_template
from .strategy import holds_device, rollout_strategy


def render_objects(spec: ServerSpec, facts: ClusterFacts = NO_FACTS) -> List[Object]:
    """Return the objects in the order in which they have to be applied.

    Each carries a hash of itself, so that an unchanged run sees at once that nothing has to be
    sent. The namespace is not among them: it is not ours to remove.
    """
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
    """Return the objects that pods need: account, network policy, Secrets, claims, configuration.

    C(text) is the configuration, C(selector) the labels of the pods.
    """
    return [
        *([] if spec.security.service_account else [_service_account(spec)]),
        *standing.objects(spec, lambda name: metadata_of(spec, name), selector),
        *_secrets(spec, facts),
        *_claim_template(spec),
        *([] if spec.config.own else [_config_map(spec, facts, text)]),
    ]


def text_of_config(spec: ServerSpec, facts: ClusterFacts = NO_FACTS) -> str:
    """Return the configuration file's text, empty where a file on the store is used."""
    return facts.own_config or "" if spec.config.own else marked_text(spec, render_config(spec))


def render_namespace(spec: ServerSpec) -> Object:
    """Return the namespace; labels are all that is set."""
    metadata: Dict[str, Any] = {"name": spec.namespace}
    if spec.namespace_labels:
        metadata["labels"] = dict(spec.namespace_labels)
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


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


def _config_map(spec: ServerSpec, facts: ClusterFacts, text: str) -> Object:
    """Return the configuration, with the mark that the pods get after it.

    If a run ends in between, the next one sees by it that the pods lack their new process.
    """
    metadata = metadata_of(spec, config_map_name(spec))
    if facts.start:
        annotations = {**metadata.get("annotations", {}), START_ANNOTATION: facts.start}
        metadata = {**metadata, "annotations": annotations}
    made = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {CONFIG_FILE: text},
    }
    return {**made, "binaryData": marker_data()} if is_marked(spec) else made


def noted(workload: Object, spec: ServerSpec, text: str) -> Object:
    """Add hash and entries of a user's own configuration, so that the next run detects an edit."""
    if not spec.config.config_map:
        return workload
    metadata = dict(workload["metadata"])
    mark = {CONFIG_HASH_ANNOTATION: config_hash(text), ENTRIES_ANNOTATION: noted_entries(text)}
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
    # With an autoscaler the field is not sent, so that apply does not change its value.
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
        objects.append(services.service_monitor(metadata, running.monitor, selector))
    return objects


def _claim_template(spec: ServerSpec) -> List[Object]:
    device = spec.device
    if device is None or device.claim is None or device.claim.template_name:
        return []
    name = template_name(spec.name, device.claim, device.count)
    return [
        {
            "apiVersion": CLAIM_API,
            "kind": "ResourceClaimTemplate",
            "metadata": metadata_of(spec, name),
            "spec": template_spec(device.claim, device.count),
        }
    ]


def template_of(
    spec: ServerSpec, facts: ClusterFacts, text: str, labels: Mapping[str, str]
) -> Dict[str, Any]:
    """Return the pod template; changed credentials change it, so that the pods are replaced."""
    template = pod_template(
        spec, labels, config_hash(text), metrics_hash(text), sleeps=facts.sleeps
    )
    if facts.kept.annotations:
        own = template["metadata"].get("annotations") or {}
        template["metadata"]["annotations"] = {**facts.kept.annotations, **own}
    mark = facts.credentials
    if isinstance(spec.store, CloudStore) and spec.store.credentials:
        mark = cloud.mark_of_given(spec.store.credentials, facts.salt)
    for name, value in ((cloud.CREDENTIALS_ANNOTATION, mark), (START_ANNOTATION, facts.start)):
        if value:
            template["metadata"].setdefault("annotations", {})[name] = value
    return template


def service_ports(spec: ServerSpec, facts: ClusterFacts = NO_FACTS) -> Dict[str, int]:
    """Return the ports of the Service; an adopted Service keeps its own."""
    own = {"grpc": spec.grpc_port, "rest": spec.rest_port}
    kept = {name: port for name, port in facts.kept.numbers.items() if name not in spec.given_ports}
    return {**own, **kept}


def _services(spec: ServerSpec, facts: ClusterFacts) -> List[Object]:
    options, node_ports = spec.running.service, dict(spec.running.service.node_ports)
    ports = service_ports(spec, facts)
    metadata = services.with_extras(metadata_of(spec, spec.name), options)
    service: Object = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
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
                for name, port in ports.items()
            ]
            + [dict(entry) for entry in facts.kept.others if entry["port"] not in ports.values()],
            **dict(options.fields),
        },
    }
    second = [services.headless_service(service)] if options.headless else []
    told = note.to_annotations(spec)
    if told:
        annotations = {**metadata.get("annotations", {}), **told}
        service = {**service, "metadata": {**metadata, "annotations": annotations}}
    return [service, *second]


def _exposed(spec: ServerSpec, service: Object) -> List[Object]:
    expose = spec.running.expose
    if expose is None:
        return []
    return exposing.objects(expose, lambda name: metadata_of(spec, name), service)
