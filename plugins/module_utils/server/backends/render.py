# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a server whose pods a controller makes. Pure."""

from __future__ import annotations

from typing import List

from ansible_collections.openvino.edge.plugins.module_utils.server import kinds, scaling
from ansible_collections.openvino.edge.plugins.module_utils.server.backend_options import (
    BACKEND_KEY,
    OPERATOR,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backends import (
    kserve,
    modelserver,
    operator_lint,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.names import (
    made_by,
    record_name,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.objects import (
    ClusterFacts,
    Object,
    companions,
    holds_device,
    metadata_of,
    noted,
    rollout_strategy,
    template_of,
    text_of_config,
    with_input_hash,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.spec import ServerSpec
from ansible_collections.openvino.edge.plugins.module_utils.server.template import config_map_name


def render_objects(spec: ServerSpec, facts: ClusterFacts) -> List[Object]:
    """Return the objects in the order in which they have to be applied.

    Before any of the kinds that not every server has goes the record: a ConfigMap that tells a
    later run which of them were made.
    """
    name = record_name(spec.backend, spec.name)
    record = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata_of(spec, name),
        "data": {BACKEND_KEY: spec.backend},
    }
    make = _operator if spec.backend == OPERATOR else _kserve
    objects = kinds.with_record([record, *make(spec, facts)], ("ConfigMap", name))
    return [with_input_hash(item) for item in objects]


def _operator(spec: ServerSpec, facts: ClusterFacts) -> List[Object]:
    text = text_of_config(spec, facts)
    strategy = rollout_strategy(spec, facts, device=takes_device(spec))
    metadata = metadata_of(spec, spec.name)
    resource = modelserver.model_server(spec, metadata, config_map_name(spec), strategy)
    config = [] if operator_lint.single(spec) else companions(spec, facts, text, {})
    config = [item for item in config if item["kind"] == "ConfigMap"]
    return [*config, noted(resource, spec, text)]


def takes_device(spec: ServerSpec) -> bool:
    """Tell whether each pod takes a device of a plugin."""
    return any("/" in name for name in spec.resources.get("limits", {}))


def _kserve(spec: ServerSpec, facts: ClusterFacts) -> List[Object]:
    text = text_of_config(spec, facts)
    labels = dict(made_by(spec.backend, spec.name).labels)
    template = template_of(spec, facts, text, kserve.pod_labels(spec))
    strategy = rollout_strategy(spec, facts, device=holds_device(template))
    metadata = metadata_of(spec, spec.name)
    runtime, service = kserve.resources(spec, metadata, template, strategy)
    objects = [*companions(spec, facts, text, labels), noted(runtime, spec, text), service]
    budget = spec.running.scaling.budget
    if budget:
        objects.append(scaling.disruption_budget(metadata, budget, labels))
    return objects
