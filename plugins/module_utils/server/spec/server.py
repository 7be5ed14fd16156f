# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts the options to one frozen, checked description of a model server. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from ...errors import InputError
from ...store import SERVING_MOUNT_PATH, HostPathStore, own_nodes
from .. import values
from ..config.generation import UNKNOWN, Generation, generation_of
from ..config.models import ModelSpec, models_from_items
from ..config.options import ConfigSpec, config_from_params
from .backend import MANIFESTS
from .cache import CacheSpec, cache_from_params
from .cpu import CpuFit, fitted
from .device import DeviceRequest, device_from_params
from .egress import OutgoingSpec, outgoing_from_params
from .process import extra_args, references_of, texts_of
from .running import RunningSpec, running_from_params
from .security import SecuritySpec, security_from_params
from .sources import Source, default_tmp_size, models_root, source_from_params

# Below are privileged ports: a process without capabilities may not be able to listen there.
_FIRST_PORT, _LAST_PORT = 1024, 65535
# The default ports; an adopted server keeps its own.
DEFAULT_PORTS = {"rest": 8081, "grpc": 8080}


@dataclass(frozen=True)
class PlacementSpec:
    """The placement options of the pods."""

    node_selector: Tuple[Tuple[str, str], ...] = ()
    tolerations: Tuple[Mapping[str, Any], ...] = ()
    affinity: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ServerSpec:
    """One model server on one cluster; every value is checked."""

    name: str
    store: Source
    models: Tuple[ModelSpec, ...]
    image: str
    replicas: int = 1
    create_namespace: bool = False
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: Tuple[str, ...] = ()
    strategy: str = "auto"
    rest_port: int = DEFAULT_PORTS["rest"]
    grpc_port: int = DEFAULT_PORTS["grpc"]
    given_ports: Tuple[str, ...] = ()
    service_type: str = "ClusterIP"
    security: SecuritySpec = SecuritySpec()
    outgoing: OutgoingSpec = OutgoingSpec()
    placement: PlacementSpec = PlacementSpec()
    tmp_size: str = "256Mi"
    resources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    env_sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    log_level: str = "INFO"
    poll_seconds: int = 1
    extra_args: Tuple[str, ...] = ()
    startup_timeout: int = 600
    running: RunningSpec = RunningSpec()
    adopt: bool = False
    config: ConfigSpec = ConfigSpec()
    generation: Generation = UNKNOWN
    device: Optional[DeviceRequest] = None
    cache: Optional[CacheSpec] = None
    backend: str = MANIFESTS

    @property
    def namespace(self) -> str:
        """Return the namespace of every object."""
        return self.store.namespace

    def wanted(self) -> Dict[str, Tuple[int, ...]]:
        """Return the versions that a server must report, by name; empty: any will do."""
        names = {str(pipeline["name"]): () for pipeline in self.config.pipelines}
        return {**{model.name: model.reported for model in self.models}, **names}


def spec_from_params(params: Mapping[str, Any]) -> ServerSpec:
    """Return the checked description of the server that the options ask for.

    Raises:
        InputError: the first invalid option, with a hint.
    """
    store = source_from_params(params)
    outgoing = outgoing_from_params(params)
    poll = params["file_system_poll_wait_seconds"]
    generation = generation_of(params.get("ovms_version"), params["image"])
    replicas = _replicas(params, store)
    running = running_from_params(params, replicas)
    spec = ServerSpec(
        name=values.dns_1035(params["name"], "name"),
        store=store,
        models=_fitted(
            models_from_items(params.get("models") or (), models_root(store)), running.cpu
        ),
        image=values.image(params["image"]),
        replicas=replicas,
        create_namespace=bool(params["create_namespace"]),
        namespace_labels=_namespace_labels(params),
        image_pull_policy=params["image_pull_policy"],
        image_pull_secrets=_names(params["image_pull_secrets"], "image_pull_secrets"),
        strategy=params["strategy"],
        service_type=params["service_type"],
        security=security_from_params(params),
        outgoing=outgoing,
        placement=_placement(params, store),
        tmp_size=values.quantity(params["tmp_size"] or default_tmp_size(store), "tmp_size"),
        resources=values.resources(params["resources"]),
        env={**values.env(texts_of(params["env"])), **outgoing.proxies.variables()},
        env_sources=references_of(params["env"]),
        labels=values.labels(params["labels"], "labels"),
        annotations=values.annotation_texts(params["annotations"], "annotations"),
        log_level=params["log_level"],
        poll_seconds=values.integer(poll, "file_system_poll_wait_seconds", 0, 86400),
        extra_args=extra_args(params["extra_args"], generation),
        startup_timeout=values.integer(params["startup_timeout"], "startup_timeout", 10, 86400),
        running=running,
        adopt=bool(params["adopt"]),
        config=config_from_params(params),
        generation=generation,
        device=device_from_params(params),
        cache=cache_from_params(params, store),
        backend=params["backend"],
        **_ports(params),
    )
    return _check_mounted(spec)


def _check_mounted(spec: ServerSpec) -> ServerSpec:
    """Refuse files on a store without a volume: from a bucket, OVMS reads models only.

    Raises:
        InputError: names the option.
    """
    if models_root(spec.store) == SERVING_MOUNT_PATH:
        return spec
    files = {f"models[{model.name}].graph_path": model.is_graph for model in spec.models}
    files["config_path"] = bool(spec.config.config_path)
    for name, path in spec.config.libraries:
        option = f"custom_node_libraries[{name}].base_path"
        files[option] = path.startswith(f"{SERVING_MOUNT_PATH}/")
    for option, found in files.items():
        if found:
            raise InputError(
                "it is a file, and of cloud the server reads models only",
                option=option,
                hint="Use a file of the image, config_map, or another store",
            )
    return spec


def _fitted(models: Tuple[ModelSpec, ...], fit: CpuFit) -> Tuple[ModelSpec, ...]:
    """Return the models with the number of threads for the CPU limit; graphs have none."""
    return tuple(
        model
        if model.is_graph
        else replace(model, plugin_config=fitted(model.plugin_config, model.target_device, fit))
        for model in models
    )


def _replicas(params: Mapping[str, Any], store: Source) -> int:
    value = params.get("replicas")
    if value is None and params.get("autoscaling"):
        return int(params["autoscaling"]["min_replicas"])
    if value is None:
        return max(1, len(own_nodes(store)))
    return values.integer(value, "replicas", 0, 1000)


def _placement(params: Mapping[str, Any], store: Source) -> PlacementSpec:
    node_selector = dict(values.selector(params["node_selector"], "node_selector"))
    if isinstance(store, HostPathStore):
        for key, item in store.node_selector:
            if node_selector.get(key, item) != item:
                raise InputError(
                    f"{key}={node_selector[key]} contradicts host_path.node_selector ({item})",
                    option="node_selector",
                )
            node_selector[key] = item
    return PlacementSpec(
        node_selector=tuple(sorted(node_selector.items())),
        tolerations=values.mappings(params["tolerations"], "tolerations"),
        affinity=params["affinity"],
    )


def _ports(params: Mapping[str, Any]) -> Dict[str, Any]:
    given = {name: params.get(f"{name}_port") for name in DEFAULT_PORTS}
    ports = {
        name: values.integer(
            default if given[name] is None else given[name],
            f"{name}_port",
            _FIRST_PORT,
            _LAST_PORT,
        )
        for name, default in DEFAULT_PORTS.items()
    }
    names = tuple(name for name, port in given.items() if port is not None)
    return {**checked_ports(ports), "given_ports": names}


def checked_ports(ports: Mapping[str, int]) -> Dict[str, Any]:
    """Return the fields of the ports by C(rest) and C(grpc).

    Raises:
        InputError: they are one.
    """
    if ports["rest"] == ports["grpc"]:
        raise InputError("the same port as rest_port", option="grpc_port")
    return {"rest_port": ports["rest"], "grpc_port": ports["grpc"]}


def _namespace_labels(params: Mapping[str, Any]) -> Dict[str, str]:
    labels = values.labels(params["namespace_labels"], "namespace_labels")
    if labels and not params["create_namespace"]:
        raise InputError(
            "labels of a namespace are only set together with create_namespace",
            option="namespace_labels",
            hint="Set create_namespace, or label the namespace yourself",
        )
    return labels


def _names(items: Sequence[str], option: str) -> Tuple[str, ...]:
    return tuple(values.subdomain(item, f"{option}[{index}]") for index, item in enumerate(items))
