# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What KServe makes of an C(InferenceService) in the mode C(Standard). A stand-in.

Written from kserve/kserve v0.20.0: pkg/controller/v1beta1/inferenceservice (utils, components,
reconcilers) and pkg/webhook/admission/pod. The agent that a real cluster's webhook adds to each pod
is added to the Deployment's template here, since a stand-in has no webhook.
"""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]
CONTAINER = "kserve-container"
AGENT = "agent"
AGENT_ANNOTATION = "internal.serving.kserve.io/agent"
AGENT_PORT = 9081
MULTI_MODEL_VARIABLE = "MULTI_MODEL_SERVER"
# Of the ConfigMap inferenceservice-config: what a container gets that names none.
DEFAULTS = {"limits": {"cpu": "1", "memory": "2Gi"}, "requests": {"cpu": "1", "memory": "2Gi"}}


def counts_as_multi_model(predictor: Object) -> bool:
    """Tell whether models are to come by an agent (utils.go, IsMMSPredictor)."""
    if predictor.get("containers"):
        variables = predictor["containers"][0].get("env") or []
        named = {one["name"]: one.get("value") for one in variables}
        return named.get(MULTI_MODEL_VARIABLE) == "true"
    model = predictor.get("model") or {}
    storage = model.get("storageUri") or model.get("storage") or predictor.get("storageUris")
    return not storage and (model.get("modelFormat") or {}).get("name") != "huggingface"


def standard(
    item: Object, runtime: Object | None = None, *, image: str = "", defaults: Any = None
) -> list[Object]:
    """Return the Deployment and the Service.

    Args:
        item: the service.
        runtime: what C(predictor.model.runtime) names.
        image: of the agent.
        defaults: requests and limits of a container that names none.
    """
    metadata, predictor = item["metadata"], dict(item["spec"]["predictor"])
    name, full = metadata["name"], f"{metadata['name']}-predictor"
    agent = counts_as_multi_model(predictor)
    containers = _containers(predictor, runtime)
    assert containers[0]["name"] == CONTAINER, "KServe finds no container of its name"
    first = containers[0]
    first["resources"] = _with_defaults(first.get("resources") or {}, defaults or DEFAULTS)
    for container in containers:
        own = {"name": "INFERENCE_SERVICE_NAME", "value": name}
        container["env"] = [*container.get("env", []), own]
    app = f"isvc.{full}"
    mark = {"serving.kserve.io/inferenceservice": name, "component": "predictor"}
    labels = {**(metadata.get("labels") or {}), **predictor.pop("labels", {}), **mark}
    annotations = {**(metadata.get("annotations") or {}), **predictor.pop("annotations", {})}
    if agent:
        annotations[AGENT_ANNOTATION] = "true"
        containers.append(_agent(first, image))
    count = predictor.pop("minReplicas", 1)
    predictor.pop("maxReplicas", None)
    strategy = predictor.pop("deploymentStrategy", {"type": "RollingUpdate"})
    for other in ("model", "containers"):
        predictor.pop(other, None)
    template = {
        "metadata": {"labels": {**labels, "app": app}, "annotations": annotations},
        "spec": {**predictor, "containers": containers},
    }
    deployment = {
        "replicas": count,
        "selector": {"matchLabels": {"app": app}},
        "strategy": strategy,
        "template": template,
    }
    service = {"selector": {"app": app}, "ports": _ports(first["ports"])}
    made = (("apps/v1", "Deployment", deployment), ("v1", "Service", service))
    return [
        {
            "apiVersion": version,
            "kind": kind,
            "metadata": {"name": full, "labels": dict(labels), "annotations": dict(annotations)},
            "spec": body,
        }
        for version, kind, body in made
    ]


def _containers(predictor: Object, runtime: Object | None) -> list[Object]:
    if "model" not in predictor:
        return [dict(one) for one in predictor["containers"]]
    assert runtime is not None, "KServe asks for the runtime that a model names"
    containers = [dict(one) for one in runtime["spec"]["containers"]]
    containers[0]["resources"] = predictor["model"].get("resources") or {}
    return containers


def _with_defaults(given: Object, defaults: Object) -> Object:
    return {
        **given,
        **{group: {**amounts, **(given.get(group) or {})} for group, amounts in defaults.items()},
    }


def _ports(ports: list[Object]) -> list[Object]:
    first, *others = ports
    found = [{"name": first["name"], "port": 80, "targetPort": first["containerPort"]}]
    return found + [{"name": one["name"], "port": one["containerPort"]} for one in others]


def _agent(server: Object, image: str) -> Object:
    """Return the container that pulls models; it asks for the server's readiness by a URL.

    A port that is a name makes no URL, so it never gets ready.
    """
    probe = server.get("readinessProbe") or {}
    ready = isinstance((probe.get("httpGet") or {}).get("port"), int)
    asleep = ["python3", "-c", "import time; time.sleep(1e6)"]
    return {
        "name": AGENT,
        "image": image or "kserve/agent:v0.20.0",
        "command": ["python3", "-m", "http.server", str(AGENT_PORT)] if ready else asleep,
        "ports": [{"containerPort": AGENT_PORT}],
        "readinessProbe": {"httpGet": {"path": "/", "port": AGENT_PORT}},
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
    }
