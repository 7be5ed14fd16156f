# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins for the OpenVINO operator and for KServe, and the definitions of their resources.

They make what those controllers make: a Deployment and a Service with their names, labels, ports
and arguments, owned by the resource, and its status. What they do beyond that is not here.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client as k8s

Object = dict[str, Any]
# Group, version, plural and kind.
MODEL_SERVERS = ("intel.com", "v1alpha1", "modelservers", "ModelServer")
RUNTIMES = ("serving.kserve.io", "v1alpha1", "servingruntimes", "ServingRuntime")
SERVICES = ("serving.kserve.io", "v1beta1", "inferenceservices", "InferenceService")
_FREE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def _own_definition(group: str, version: str, plural: str, kind: str) -> Object:
    """Return a small definition; like the real one it has no field for a Secret with variables."""
    fields: Object = {"spec": _FREE, "status": _FREE}
    if kind == "ModelServer":
        names = ("node_affinity", "pod_affinity", "pod_antiaffinity", "update_strategy")
        known: Object = dict.fromkeys((*names, "resources"), _FREE)
        known |= {"replicas": {"type": "integer"}, "openshift_service_mesh": {"type": "boolean"}}
        deployment = {"type": "object", "properties": known}
        fields["spec"] = {**_FREE, "properties": {"deployment_parameters": deployment}}
    schema = {"type": "object", "properties": fields}
    served = {"name": version, "served": True, "storage": True, "subresources": {"status": {}}}
    names_ = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": names_,
            "scope": "Namespaced",
            "versions": [{**served, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def _definition(group: str, version: str, plural: str, kind: str) -> Object:
    """Return the real definition where it is at hand, else a small one."""
    path = Path(os.environ.get("EDGE_CRDS", "/nowhere")) / f"{group}_{plural}.yaml"
    if path.exists():
        # One of them has 39000 lines, on which the loader in Python takes a minute.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        found: Object = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
        return found
    return _own_definition(group, version, plural, kind)


@contextmanager
def definitions(cluster: Any) -> Iterator[None]:
    """Make the kinds of the operator and of KServe known to a cluster."""
    api = k8s.ApiextensionsV1Api(cluster.api)
    custom = k8s.CustomObjectsApi(cluster.api)
    # The definition of an InferenceService is large: its answer is not made into objects.
    raw = {"_preload_content": False}
    names = []

    def served(group: str, version: str, plural: str) -> bool:
        try:
            custom.list_cluster_custom_object(group, version, plural)
        except k8s.ApiException as error:
            if error.status != 404:
                raise
            return False
        return True

    def there(name: str) -> bool:
        found = api.list_custom_resource_definition(field_selector=f"metadata.name={name}", **raw)
        return bool(json.loads(found.data)["items"])

    kinds = (MODEL_SERVERS, RUNTIMES, SERVICES)
    try:
        for kind in kinds:
            body = _definition(*kind)
            names.append(body["metadata"]["name"])
            api.create_custom_resource_definition(body, **raw)
        for kind in kinds:
            what = f"{kind[2]} are served"
            cluster.wait_until(lambda kind=kind: served(*kind[:3]), what, 30)
        yield
    finally:
        for name in names:
            api.delete_custom_resource_definition(name, **raw)
        for name in names:
            cluster.wait_until(lambda name=name: not there(name), f"{name} is gone", 60)


class Controller:
    """Looks at the resources of one namespace twice a second and makes what they ask for."""

    def __init__(
        self, cluster: Any, namespace: str, kind: tuple[str, ...], make: Callable[..., list[Object]]
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._kind = kind
        self._make = make
        self._stop = threading.Event()
        self._seen: dict[str, int] = {}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.failures: list[str] = []

    def __enter__(self) -> Controller:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        assert self.failures == []

    def _run(self) -> None:
        custom = k8s.CustomObjectsApi(self._cluster.api)
        while not self._stop.wait(0.5):
            listed = custom.list_namespaced_custom_object(
                self._kind[0], self._kind[1], self._namespace, self._kind[2]
            )
            for item in listed["items"]:
                try:
                    self._reconcile(custom, item)
                except Exception as error:
                    if getattr(error, "status", None) == 404:
                        continue  # the resource was deleted meanwhile
                    self.failures.append(repr(error))
                    return

    def _reconcile(self, custom: Any, item: Object) -> None:
        metadata = item["metadata"]
        if self._seen.get(metadata["uid"]) == metadata["generation"]:
            return
        for made in self._make(custom, item):
            owner = {
                "apiVersion": item["apiVersion"],
                "kind": item["kind"],
                "name": metadata["name"],
                "uid": metadata["uid"],
                "controller": True,
            }
            made["metadata"]["ownerReferences"] = [owner]
            self._put(made)
        status = {"conditions": [{"type": "Deployed", "status": "True", "reason": "Done"}]}
        custom.patch_namespaced_custom_object_status(
            *self._kind[:2],
            self._namespace,
            self._kind[2],
            metadata["name"],
            {"status": status},
        )
        self._seen[metadata["uid"]] = metadata["generation"]

    def _put(self, made: Object) -> None:
        apps, core = self._cluster.apps, self._cluster.core
        deployment = made["kind"] == "Deployment"
        noun = "deployment" if deployment else "service"
        api = apps if deployment else core
        name = made["metadata"]["name"]
        try:
            getattr(api, f"create_namespaced_{noun}")(self._namespace, made)
        except k8s.ApiException as error:
            if error.status != 409:
                raise
            getattr(api, f"patch_namespaced_{noun}")(name, self._namespace, made)


def operator(cluster: Any, namespace: str) -> Controller:
    """Return a stand-in for the OpenVINO operator."""
    return Controller(cluster, namespace, MODEL_SERVERS, lambda _custom, item: _chart(item))


def _chart(item: Object) -> list[Object]:
    """Return what the operator's chart renders for a resource."""
    name, spec = item["metadata"]["name"], item["spec"]
    full = name if "ovms" in name else f"{name}-ovms"
    labels = {"heritage": "Helm", "release": name, "chart": "ovms-4.0.0", "app": full}
    chosen = {"release": name, "app": full}
    store = spec["models_repository"]
    volumes = [
        {"name": "models", "persistentVolumeClaim": {"claimName": store["models_volume_claim"]}}
    ]
    mounts = [{"name": "models", "mountPath": "/models", "readOnly": True}]
    config_map = spec["models_settings"].get("config_configmap_name")
    if config_map:
        volumes.append({"name": "config", "configMap": {"name": config_map}})
        mounts.append({"name": "config", "mountPath": "/config", "readOnly": True})
    container = {
        "name": "ovms",
        "image": spec["image_name"],
        "ports": [{"containerPort": 8080, "name": "grpc"}, {"containerPort": 8081, "name": "rest"}],
        "readinessProbe": {
            "periodSeconds": 1,
            "httpGet": {"path": "/v2/health/ready", "port": "rest"},
        },
        "args": _arguments(spec),
        "volumeMounts": mounts,
    }
    parameters, service = spec["deployment_parameters"], spec["service_parameters"]
    pod = {"terminationGracePeriodSeconds": 2, "containers": [container], "volumes": volumes}
    deployment = {
        "replicas": parameters.get("replicas", 1),
        "selector": {"matchLabels": chosen},
        "strategy": parameters["update_strategy"],
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    ports = [
        {"name": "grpc", "port": service["grpc_port"], "targetPort": 8080},
        {"name": "rest", "port": service["rest_port"], "targetPort": 8081},
    ]
    return [
        _object("apps/v1", "Deployment", full, labels, deployment),
        _object("v1", "Service", full, labels, {"selector": {"app": full}, "ports": ports}),
    ]


def _arguments(spec: Object) -> list[str]:
    models, server = spec["models_settings"], spec["server_settings"]
    if models["single_model_mode"]:
        names = ["model_path", "model_name", "target_device", "nireq", "plugin_config"]
        names += ["batch_size", "layout", "shape", "model_version_policy"]
        args = [
            part for name in names if models.get(name) for part in (f"--{name}", str(models[name]))
        ]
    else:
        args = ["--config_path", models.get("config_path") or "/config/config.json"]
    poll, scan = "file_system_poll_wait_seconds", "sequence_cleaner_poll_wait_minutes"
    return [
        *args,
        "--log_level",
        server["log_level"],
        f"--{poll}",
        str(server[poll]),
        f"--{scan}",
        str(server.get(scan, 0)),
        *(["--grpc_workers", str(server["grpc_workers"])] if server.get("grpc_workers") else []),
        "--port",
        "8080",
        "--rest_port",
        "8081",
    ]


def kserve(cluster: Any, namespace: str) -> Controller:
    """Return a stand-in for KServe in the mode Standard."""
    return Controller(cluster, namespace, SERVICES, _predictor)


def _predictor(custom: Any, item: Object) -> list[Object]:
    """Return what KServe makes of a service and its runtime."""
    metadata, predictor = item["metadata"], dict(item["spec"]["predictor"])
    name, full = metadata["name"], f"{metadata['name']}-predictor"
    model = predictor.pop("model")
    where = (*RUNTIMES[:2], metadata["namespace"], RUNTIMES[2], model["runtime"])
    runtime = custom.get_namespaced_custom_object(*where)
    containers = [dict(one) for one in runtime["spec"]["containers"]]
    assert containers[0]["name"] == "kserve-container"
    containers[0]["resources"] = model.get("resources") or {"requests": {"cpu": "10m"}}
    labels = {
        **metadata["labels"],
        **predictor.pop("labels"),
        "serving.kserve.io/inferenceservice": name,
        "component": "predictor",
        "app": f"isvc.{full}",
    }
    annotations = {**metadata["annotations"], **predictor.pop("annotations")}
    count = predictor.pop("minReplicas")
    predictor.pop("maxReplicas")
    deployment = {
        "replicas": count,
        "selector": {"matchLabels": {"app": f"isvc.{full}"}},
        "strategy": predictor.pop("deploymentStrategy"),
        "template": {
            "metadata": {"labels": labels, "annotations": annotations},
            "spec": {**predictor, "containers": containers},
        },
    }
    first, *others = containers[0]["ports"]
    ports = [{"name": first["name"], "port": 80, "targetPort": first["containerPort"]}]
    ports += [{"name": one["name"], "port": one["containerPort"]} for one in others]
    service = {"selector": {"app": f"isvc.{full}"}, "ports": ports}
    return [
        _object("apps/v1", "Deployment", full, labels, deployment),
        _object("v1", "Service", full, labels, service),
    ]


def _object(version: str, kind: str, name: str, labels: Object, spec: Object) -> Object:
    metadata = {"name": name, "labels": dict(labels)}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}
