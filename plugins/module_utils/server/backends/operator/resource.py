# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders a spec as a C(ModelServer): the reverse of C(chart.migrate), by the same table. Pure."""

from __future__ import annotations

import copy
import json
from typing import Any, Callable, Dict, List, Mapping, Optional

from ....errors import InputError
from ....store import HostPathStore, PvcStore, own_nodes
from ...chart.table import FIELDS
from ...config.options import ConfigSpec
from ...config.render import render
from ...render.placement import HOSTNAME, on_nodes
from ...spec.backend import MODEL_SERVER
from ...spec.cloud import GS, CloudStore
from ...spec.server import ServerSpec
from ..names import made_by
from .lint import MESH, flags_of, single, subject_of

Value = Callable[[ServerSpec], Any]
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
# What the chart puts between single quotes of YAML; the rest is between double quotes.
_SINGLE = ("plugin_config", "batch_size", "layout", "shape", "model_version_policy", "metrics_list")
_DOUBLE = ("model_name", "model_path", "target_device", "config_path", "models_host_path")


def model_server(
    spec: ServerSpec,
    metadata: Mapping[str, Any],
    config_map: str,
    strategy: Mapping[str, Any],
) -> Dict[str, Any]:
    """Return the resource.

    Args:
        spec: the server, checked by C(operator_lint).
        metadata: of the resource.
        config_map: name of the ConfigMap with the configuration.
        strategy: how old pods make room for new ones.

    Raises:
        InputError: a text that would break the operator's templates.
    """
    body: Dict[str, Any] = {}
    made = {
        **{path: value(spec) for path, value in VALUES.items()},
        f"{_DP}.update_strategy": dict(strategy),
        f"{_MS}.config_configmap_name": None if single(spec) else _config_map(spec, config_map),
    }
    for field in FIELDS:
        value = made.get(field.path)
        if value is not None:
            _check_text(spec, field.path, field.option, value)
            _put(body, field.path, value)
    return {
        "apiVersion": MODEL_SERVER[0],
        "kind": MODEL_SERVER[1],
        "metadata": dict(metadata),
        "spec": body,
    }


def _config_map(spec: ServerSpec, name: str) -> Optional[str]:
    return None if spec.config.config_path else name


def _put(body: Dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        body = body.setdefault(parent, {})
    body[last] = value


def _check_text(spec: ServerSpec, path: str, option: str, value: Any) -> None:
    name = path.rpartition(".")[2]
    bad = {"'": name in _SINGLE, '"': name in _DOUBLE, "\\": name in _DOUBLE}
    for sign, counts in bad.items():
        if counts and sign in str(value):
            raise InputError(
                f"the operator's templates break at a {sign} in it",
                option=option,
                subject=subject_of(spec),
                hint="Write it without, or use backend: manifests",
            )


def _entry(key: str) -> Value:
    """Return a value of the one model, as it would be in a configuration file."""

    def value(spec: ServerSpec) -> Any:
        model = single(spec)
        if model is None:
            return None
        found = render([model], ConfigSpec(), spec.generation)["model_config_list"][0]["config"]
        return found.get(key)

    return value


def _json(key: str) -> Value:
    def value(spec: ServerSpec) -> Optional[str]:
        # If there are no properties, the chart sets its defaults.
        found = _entry(key)(spec) or {}
        return None if single(spec) is None else json.dumps(found, sort_keys=True)

    return value


def _text(key: str) -> Value:
    def value(spec: ServerSpec) -> Optional[str]:
        found = _entry(key)(spec)
        return None if found is None else str(found)

    return value


def _amount(group: str, name: str) -> Value:
    return lambda spec: spec.resources.get(group, {}).get(name)


def _device(group: str, amount: bool) -> Value:
    def value(spec: ServerSpec) -> Optional[str]:
        for name, number in spec.resources.get(group, {}).items():
            if "/" in name:
                return number if amount else name
        return None

    return value


def _flag(name: str) -> Value:
    def value(spec: ServerSpec) -> Optional[int]:
        found = flags_of(spec).get(f"--{name}")
        return int(found) if found else None

    return value


def _metrics_enable(spec: ServerSpec) -> Optional[bool]:
    if "--metrics_enable" in flags_of(spec):
        return True
    monitoring = spec.config.monitoring if single(spec) else None
    return bool(monitoring["enable"]) if monitoring else None


def _metrics_list(spec: ServerSpec) -> Optional[str]:
    given = flags_of(spec).get("--metrics_list")
    monitoring = spec.config.monitoring if single(spec) else None
    return given or ",".join((monitoring or {}).get("metrics_list") or ()) or None


def _env_from(reference: str) -> Value:
    def value(spec: ServerSpec) -> Optional[str]:
        names = [item[reference]["name"] for item in spec.running.pod.env_from if reference in item]
        store = spec.store
        if reference == "secretRef" and isinstance(store, CloudStore) and store.kind != GS:
            names += [store.secret_name] if store.secret_name else []
        return names[0] if names else None

    return value


def _affinity(kind: str) -> Value:
    def value(spec: ServerSpec) -> Any:
        affinity = copy.deepcopy(dict(spec.placement.affinity))
        nodes = own_nodes(spec.store)
        if nodes:
            affinity = on_nodes(affinity, nodes)
        if spec.replicas > 1 and isinstance(spec.store, HostPathStore):
            affinity = _apart(spec, affinity)
        return affinity.get(kind)

    return value


def _apart(spec: ServerSpec, affinity: Dict[str, Any]) -> Dict[str, Any]:
    """Return anti-affinity: each node has its own directory, so each runs one replica at most."""
    anti = dict(affinity.get("podAntiAffinity") or {})
    labels = dict(made_by(spec.backend, spec.name).labels)
    terms: List[Any] = list(anti.get(_REQUIRED) or ())
    term = {"topologyKey": HOSTNAME, "labelSelector": {"matchLabels": labels}}
    terms += [] if term in terms else [term]
    return {**affinity, "podAntiAffinity": {**anti, _REQUIRED: terms}}


def _host_path(spec: ServerSpec) -> Optional[str]:
    if not isinstance(spec.store, HostPathStore):
        return None
    return str(spec.store.serving_volume()["hostPath"]["path"])


def _claim(spec: ServerSpec) -> Optional[str]:
    return spec.store.claim_name if isinstance(spec.store, PvcStore) else None


def _chosen(name: str) -> Value:
    def value(spec: ServerSpec) -> Optional[str]:
        return str(getattr(spec.security, name)) if name in spec.security.chosen else None

    return value


def _cloud(name: str) -> Value:
    def value(spec: ServerSpec) -> Optional[str]:
        store = spec.store
        return (getattr(store, name) or None) if isinstance(store, CloudStore) else None

    return value


def _gcp(spec: ServerSpec) -> Optional[str]:
    store = spec.store
    of_google = isinstance(store, CloudStore) and store.kind == GS
    return _cloud("secret_name")(spec) if of_google else None


def _endpoint(spec: ServerSpec) -> Optional[str]:
    found = _cloud("endpoint")(spec)
    return f"http://{found}" if found else None


def _stateful(key: str, default: bool) -> Value:
    """Return a setting of a stateful model: without one the chart would set its own default."""

    def value(spec: ServerSpec) -> Any:
        return _entry(key)(spec) if _entry(key)(spec) is not None else _default(spec, default)

    return value


def _cleaner(spec: ServerSpec) -> Any:
    given = _flag("sequence_cleaner_poll_wait_minutes")(spec)
    return given if given is not None else _default(spec, 5)


def _default(spec: ServerSpec, value: Any) -> Any:
    """Return OVMS's own default for a stateful model, None for another model."""
    return value if _entry("stateful")(spec) else None


_DP, _SP, _SS = "deployment_parameters", "service_parameters", "server_settings"
_MS, _MR = "models_settings", "models_repository"
# One entry for each field of the table that has an option, apart from those that need more than
# the spec (model_server), and those that hold secrets or are no field of the resource (LEFT_OUT).
VALUES: Dict[str, Value] = {
    "image_name": lambda spec: spec.image,
    f"{_DP}.replicas": lambda spec: spec.replicas,
    f"{_DP}.openshift_service_mesh": lambda spec: MESH in spec.annotations.items() or None,
    f"{_DP}.node_affinity": _affinity("nodeAffinity"),
    f"{_DP}.pod_affinity": _affinity("podAffinity"),
    f"{_DP}.pod_antiaffinity": _affinity("podAntiAffinity"),
    f"{_DP}.extra_envs_secret": _env_from("secretRef"),
    f"{_DP}.extra_envs_configmap": _env_from("configMapRef"),
    **{
        f"{_DP}.resources.{group}.{name}": value
        for group in ("limits", "requests")
        for name, value in (
            ("cpu", _amount(group, "cpu")),
            ("memory", _amount(group, "memory")),
            ("xpu_device", _device(group, amount=False)),
            ("xpu_device_quantity", _device(group, amount=True)),
        )
    },
    f"{_SP}.grpc_port": lambda spec: spec.grpc_port,
    f"{_SP}.rest_port": lambda spec: spec.rest_port,
    f"{_SP}.service_type": lambda spec: spec.service_type,
    f"{_MS}.single_model_mode": lambda spec: single(spec) is not None,
    f"{_MS}.config_path": lambda spec: spec.config.config_path or None,
    f"{_MS}.model_name": _entry("name"),
    f"{_MS}.model_path": _entry("base_path"),
    f"{_MS}.target_device": _entry("target_device"),
    f"{_MS}.nireq": _entry("nireq"),
    f"{_MS}.plugin_config": _json("plugin_config"),
    f"{_MS}.batch_size": _text("batch_size"),
    f"{_MS}.shape": _text("shape"),
    f"{_MS}.layout": _text("layout"),
    f"{_MS}.model_version_policy": _json("model_version_policy"),
    f"{_MS}.is_stateful": _entry("stateful"),
    f"{_MS}.idle_sequence_cleanup": _stateful("idle_sequence_cleanup", True),
    f"{_MS}.low_latency_transformation": _stateful("low_latency_transformation", False),
    f"{_MS}.max_sequence_number": _entry("max_sequence_number"),
    f"{_SS}.file_system_poll_wait_seconds": lambda spec: spec.poll_seconds,
    f"{_SS}.log_level": lambda spec: spec.log_level,
    f"{_SS}.grpc_workers": _flag("grpc_workers"),
    f"{_SS}.rest_workers": _flag("rest_workers"),
    f"{_SS}.sequence_cleaner_poll_wait_minutes": _cleaner,
    "monitoring.metrics_enable": _metrics_enable,
    "monitoring.metrics_list": _metrics_list,
    f"{_MR}.models_host_path": _host_path,
    f"{_MR}.models_volume_claim": _claim,
    f"{_MR}.runAsUser": _chosen("run_as_user"),
    f"{_MR}.runAsGroup": _chosen("run_as_group"),
    f"{_MR}.aws_region": _cloud("region"),
    f"{_MR}.s3_compat_api_endpoint": _endpoint,
    f"{_MR}.gcp_creds_secret_name": _gcp,
    f"{_MR}.http_proxy": lambda spec: spec.outgoing.proxies.http or None,
    f"{_MR}.https_proxy": lambda spec: spec.outgoing.proxies.https or None,
}
LEFT_OUT: Dict[str, str] = {
    f"{_MR}.aws_access_key_id": "a secret",
    f"{_MR}.aws_secret_access_key": "a secret",
    f"{_MR}.azure_storage_connection_string": "a secret",
    f"{_MR}.no_proxy": "of the chart alone",
    "nameOverride": "the name is the server's",
    "fullnameOverride": "the name is the server's",
}
