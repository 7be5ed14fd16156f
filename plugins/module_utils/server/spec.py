# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From options to one frozen, checked description of a model server. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.server import shapes, values
from ansible_collections.openvino.edge.plugins.module_utils.server.arguments import extra_args
from ansible_collections.openvino.edge.plugins.module_utils.server.cpu import CpuFit, fitted
from ansible_collections.openvino.edge.plugins.module_utils.server.running import (
    RunningSpec,
    running_from_params,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.sources import (
    Source,
    default_tmp_size,
    models_root,
    source_from_params,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import (
    SERVING_MOUNT_PATH,
    HostPathStore,
    own_nodes,
)

_MODEL_NAME = re.compile(r"[^/\x00-\x1f\x7f]+")
_MAX_VERSION = 2**63 - 1
# Below are privileged ports: a process without capabilities may not be able to listen there.
_FIRST_PORT, _LAST_PORT = 1024, 65535


@dataclass(frozen=True)
class ModelSpec:
    """One model of the server's configuration file.

    Attributes:
        name: served name, and the directory below the store's C(models).
        versions: pinned versions, ascending.
        target_device: OpenVINO device; always written, since the default of OVMS changed.
        batch_size: C("auto"), a number, or None: as in the model.
        shape: OVMS text form, one for all inputs or by input name; None: as in the model.
        layout: OVMS text form, one for all inputs or by name; None: as in the model.
        plugin_config: OpenVINO properties.
        root: what has the directory of the model in it, as the server sees it.
    """

    name: str
    versions: Tuple[int, ...]
    target_device: str = "CPU"
    nireq: Optional[int] = None
    batch_size: Optional[str] = None
    shape: shapes.ShapeOption = None
    layout: shapes.ShapeOption = None
    plugin_config: Mapping[str, Any] = field(default_factory=dict)
    root: str = SERVING_MOUNT_PATH

    @property
    def base_path(self) -> str:
        """Return the directory of the model as the server sees it."""
        return f"{self.root}/{self.name}"


@dataclass(frozen=True)
class SecuritySpec:
    """Who the server runs as; None leaves the choice to the platform."""

    run_as_user: Optional[int] = 5000
    run_as_group: Optional[int] = 5000
    fs_group: Optional[int] = 5000
    supplemental_groups: Tuple[int, ...] = ()

    @property
    def root(self) -> bool:
        """Tell whether the server is asked to run as root."""
        return self.run_as_user == 0


@dataclass(frozen=True)
class PlacementSpec:
    """Where the pods may run."""

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
    rest_port: int = 8081
    grpc_port: int = 8080
    service_type: str = "ClusterIP"
    security: SecuritySpec = SecuritySpec()
    placement: PlacementSpec = PlacementSpec()
    tmp_size: str = "256Mi"
    resources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    log_level: str = "INFO"
    poll_seconds: int = 1
    extra_args: Tuple[str, ...] = ()
    startup_timeout: int = 600
    running: RunningSpec = RunningSpec()
    adopt: bool = False

    @property
    def namespace(self) -> str:
        """Return the namespace of every object."""
        return self.store.namespace

    def wanted(self) -> Dict[str, Tuple[int, ...]]:
        """Return the pinned versions by model name."""
        return {model.name: model.versions for model in self.models}


def spec_from_params(params: Mapping[str, Any]) -> ServerSpec:
    """Return the checked description of the server that the options ask for.

    Raises:
        InputError: the first option that cannot be, with the way out.
    """
    store = source_from_params(params)
    proxies = values.proxies(params.get("proxies"))
    poll = params["file_system_poll_wait_seconds"]
    replicas = _replicas(params, store)
    running = running_from_params(params, replicas)
    return ServerSpec(
        name=values.dns_1035(params["name"], "name"),
        store=store,
        models=_fitted(_models(params.get("models") or (), models_root(store)), running.cpu),
        image=values.image(params["image"]),
        replicas=replicas,
        create_namespace=bool(params["create_namespace"]),
        namespace_labels=_namespace_labels(params),
        image_pull_policy=params["image_pull_policy"],
        image_pull_secrets=_names(params["image_pull_secrets"], "image_pull_secrets"),
        strategy=params["strategy"],
        service_type=params["service_type"],
        security=_security(params),
        placement=_placement(params, store),
        tmp_size=values.quantity(params["tmp_size"] or default_tmp_size(store), "tmp_size"),
        resources=values.resources(params["resources"]),
        env={**values.env(params["env"], proxies), **proxies},
        labels=values.labels(params["labels"], "labels"),
        annotations=values.annotation_texts(params["annotations"], "annotations"),
        log_level=params["log_level"],
        poll_seconds=values.integer(poll, "file_system_poll_wait_seconds", 0, 86400),
        extra_args=extra_args(params["extra_args"]),
        startup_timeout=values.integer(params["startup_timeout"], "startup_timeout", 10, 86400),
        running=running,
        adopt=bool(params["adopt"]),
        **_ports(params),
    )


def _models(items: Sequence[Mapping[str, Any]], root: str) -> Tuple[ModelSpec, ...]:
    models = [_model(item, f"models[{index}]", root) for index, item in enumerate(items)]
    seen: Dict[str, int] = {}
    for index, model in enumerate(models):
        if model.name in seen:
            raise InputError(
                f"'{model.name}' is models[{seen[model.name]}] as well",
                option=f"models[{index}].name",
                hint="Put all versions of one model into one entry",
            )
        seen[model.name] = index
    return tuple(sorted(models, key=lambda model: model.name))


def _model(item: Mapping[str, Any], option: str, root: str) -> ModelSpec:
    nireq = item.get("nireq")
    return ModelSpec(
        name=_model_name(item["name"], f"{option}.name"),
        versions=_versions(item["versions"], f"{option}.versions"),
        target_device=item.get("target_device") or "CPU",
        nireq=None if nireq is None else values.integer(nireq, f"{option}.nireq", 0, 2**31 - 1),
        batch_size=shapes.batch_size(item.get("batch_size"), f"{option}.batch_size"),
        shape=shapes.shape(item.get("shape"), f"{option}.shape"),
        layout=shapes.layout(item.get("layout"), f"{option}.layout"),
        plugin_config=dict(item.get("plugin_config") or {}),
        root=root,
    )


def _model_name(name: str, option: str) -> str:
    if not _MODEL_NAME.fullmatch(name) or name.startswith(".") or name != name.strip():
        raise InputError(
            f"'{name}' cannot be a directory of models",
            option=option,
            hint="A name has no '/', no control characters, and neither '.' nor a space in front",
        )
    return name


def _versions(items: Sequence[int], option: str) -> Tuple[int, ...]:
    if not items:
        raise InputError(
            "no version is given",
            option=option,
            hint="Name the versions to serve, or leave the model out",
        )
    for index, item in enumerate(items):
        values.integer(item, f"{option}[{index}]", 1, _MAX_VERSION)
    return tuple(sorted(set(items)))


def _fitted(models: Tuple[ModelSpec, ...], fit: CpuFit) -> Tuple[ModelSpec, ...]:
    return tuple(
        replace(model, plugin_config=fitted(model.plugin_config, model.target_device, fit))
        for model in models
    )


def _replicas(params: Mapping[str, Any], store: Source) -> int:
    value = params.get("replicas")
    if value is None and params.get("autoscaling"):
        return int(params["autoscaling"]["min_replicas"])
    if value is None:
        return max(1, len(own_nodes(store)))
    return values.integer(value, "replicas", 0, 1000)


def _security(params: Mapping[str, Any]) -> SecuritySpec:
    groups = params["supplemental_groups"]
    limit = 2**31 - 1
    return SecuritySpec(
        run_as_user=values.optional_id(params["run_as_user"], "run_as_user"),
        run_as_group=values.optional_id(params["run_as_group"], "run_as_group"),
        fs_group=values.optional_id(params["fs_group"], "fs_group"),
        supplemental_groups=tuple(
            values.integer(group, f"supplemental_groups[{index}]", 0, limit)
            for index, group in enumerate(groups)
        ),
    )


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


def _ports(params: Mapping[str, Any]) -> Dict[str, int]:
    ports = {
        name: values.integer(params[name], name, _FIRST_PORT, _LAST_PORT)
        for name in ("rest_port", "grpc_port")
    }
    if ports["rest_port"] == ports["grpc_port"]:
        raise InputError("the same port as rest_port", option="grpc_port")
    return ports


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
