# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuses options that a C(ModelServer) does not support, or that crash its servers. Pure.

The chart that the operator works with: openvinotoolkit/operator, helm-charts/ovms/templates.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from ....errors import InputError
from ....store import HostPathStore, PvcStore
from ...chart.places import GCP_SECRET
from ...chart.table import FIELDS
from ...config.generation import KSERVE_ONLY
from ...config.models import ModelSpec
from ...spec.backend import MODEL_SERVER
from ...spec.cloud import GS, CloudStore
from ...spec.egress import password_of
from ...spec.server import ServerSpec
from ..unsupported import check_name, refuse_others, unsayable

CRASH_FLAG = "--sequence_cleaner_poll_wait_minutes"
# The operator makes a Helm release of that name (helm.sh/helm/v3, pkg/chartutil/validate_name.go).
LONGEST_NAME = 53
# The annotation that is C(deployment_parameters.openshift_service_mesh).
MESH = ("sidecar.istio.io/inject", "true")
# Arguments that the chart has a value for; with True, one that takes a value.
FLAGS: Dict[str, bool] = {
    "--grpc_workers": True,
    "--rest_workers": True,
    "--metrics_enable": False,
    "--metrics_list": True,
    "--sequence_cleaner_poll_wait_minutes": True,
}
# Options about the run, or that are converted to fields of a ModelServer.
_OURS = (
    "backend",
    "name",
    "namespace",
    "state",
    "create_namespace",
    "namespace_labels",
    "platform",
    "ovms_version",
    "config_map",
    "models",
    "pipelines",
    "custom_node_libraries",
    "grpc_workers",
    "rest_workers",
    "fit_cpu_limit",
    "reach",
    # The chart has no field for a preStop pause.
    "drain_seconds",
)
SAID = frozenset(
    (
        *_OURS,
        *(
            name.replace("[]", "").partition(".")[0]
            for field in FIELDS
            if field.path
            for name in field.option.split(", ")
            if name
        ),
    )
)
_HINTS = {
    "node_selector": "Use affinity.nodeAffinity",
    "env": "Put the variables into a ConfigMap or Secret and name it in env_from",
    "adopt": "Remove the other one first",
    "device": "Name the resource in resources.limits",
}


def check(params: Mapping[str, Any], spec: ServerSpec) -> None:
    """Refuse options that are unsupported, or would crash the server.

    Raises:
        InputError: names the option and the way out.
    """
    subject = subject_of(spec)
    refuse_others(params, SAID, subject, _HINTS)
    check_name(spec, LONGEST_NAME, "the operator", subject)
    for option, hint in _parts(params, spec):
        raise unsayable(option, subject, hint)
    _check_release(spec, subject)
    _check_store(spec, subject)
    _check_own_config(spec, subject)
    flags_of(spec)


def single(spec: ServerSpec) -> Optional[ModelSpec]:
    """Return the model of a server that the chart can run without a configuration file.

    A graph is excluded, since the chart always sets a target device, with which OVMS exits.
    Settings that only a file can express are excluded, too.
    """
    if len(spec.models) != 1 or spec.config.pipelines or spec.config.libraries or spec.config.own:
        return None
    model = spec.models[0]
    by_input = any(isinstance(value, Mapping) for value in (model.shape, model.layout))
    if model.is_graph or by_input or model.allow_cache is not None:
        return None
    return model


def subject_of(spec: ServerSpec) -> str:
    """Return the name of the resource for messages."""
    return f"{MODEL_SERVER[1]} {spec.namespace}/{spec.name}"


def _parts(params: Mapping[str, Any], spec: ServerSpec) -> Iterator[Tuple[str, Optional[str]]]:
    """Yield the unsupported parts of options, each with a hint if there is one."""
    others = {key: text for key, text in spec.annotations.items() if (key, text) != MESH}
    if others:
        yield f"annotations.{sorted(others)[0]}", None
    for name in sorted(spec.placement.affinity):
        if name not in ("nodeAffinity", "podAffinity", "podAntiAffinity"):
            yield f"affinity.{name}", None
    if isinstance(spec.store, HostPathStore) and spec.store.node_selector:
        yield "host_path.node_selector", "Use host_path.nodes or affinity.nodeAffinity"
    if isinstance(spec.store, PvcStore) and spec.store.local:
        yield "pvc.local", "Make the volume with model_repository, and name the claim alone"
    yield from _resource_parts(spec)
    yield from _env_parts(params)
    yield from _proxy_parts(spec)


def _resource_parts(spec: ServerSpec) -> Iterator[Tuple[str, Optional[str]]]:
    for group, amounts in sorted(spec.resources.items()):
        if group not in ("limits", "requests"):
            yield f"resources.{group}", None
            continue
        others = [name for name in sorted(amounts) if name not in ("cpu", "memory")]
        devices = [name for name in others if "/" in name]
        for name in others:
            if name not in devices[:1]:
                yield f"resources.{group}.{name}", None


def _env_parts(params: Mapping[str, Any]) -> Iterator[Tuple[str, Optional[str]]]:
    seen: List[str] = []
    for index, item in enumerate(params.get("env_from") or ()):
        kind = "config_map" if item.get("config_map") else "secret"
        if item.get("prefix"):
            yield f"env_from[{index}].prefix", None
        if item.get("optional"):
            yield f"env_from[{index}].optional", None
        if kind in seen:
            yield f"env_from[{index}].{kind}", "Put all variables into one"
        seen.append(kind)


def _proxy_parts(spec: ServerSpec) -> Iterator[Tuple[str, Optional[str]]]:
    proxies = spec.outgoing.proxies
    if proxies.from_cluster:
        yield "proxies.from_cluster", "Give proxies.http_proxy and proxies.https_proxy"
    if proxies.bypass:
        yield "proxies.no_proxy", None
    for name, url in (("http_proxy", proxies.http), ("https_proxy", proxies.https)):
        if password_of(url):
            yield f"proxies.{name}", "A ModelServer would show its password to every reader"


def _check_release(spec: ServerSpec, subject: str) -> None:
    if spec.generation.before(KSERVE_ONLY):
        return
    if spec.generation.known:
        raise InputError(
            f"{spec.generation} ends with exit code 64 on {CRASH_FLAG}, which the operator always"
            " sets",
            option="image",
            subject=subject,
            hint="Use OVMS 2026.2 or earlier, or backend: manifests",
        )
    raise InputError(
        f"the operator always sets {CRASH_FLAG}, on which OVMS 2026.3 and later end with exit code"
        f" 64, and {spec.generation.source}",
        option="ovms_version",
        subject=subject,
        hint="Tell the release in ovms_version, or use backend: manifests",
    )


def _check_store(spec: ServerSpec, subject: str) -> None:
    store = spec.store
    if not isinstance(store, CloudStore):
        return
    if store.credentials:
        raise InputError(
            "a ModelServer would show them to everyone who may read it",
            option=f"cloud.{store.kind}",
            subject=subject,
            hint="Put them into a Secret and name it in secret_name, or use backend: manifests",
        )
    if store.kind == GS and store.secret_name not in ("", GCP_SECRET):
        raise InputError(
            f"the operator mounts the Secret '{GCP_SECRET}', whatever name it is given",
            option="cloud.gs.secret_name",
            subject=subject,
            hint=f"Name the Secret {GCP_SECRET}, or use backend: manifests",
        )
    if store.kind != GS and store.secret_name and _secret_of(spec):
        raise unsayable("env_from", subject, f"Put the variables into {store.secret_name} as well")


def _secret_of(spec: ServerSpec) -> bool:
    return any("secretRef" in item for item in spec.running.pod.env_from)


def _check_own_config(spec: ServerSpec, subject: str) -> None:
    """Refuse a user's own file whose paths differ there, and changes that no server notices."""
    if spec.config.own and isinstance(spec.store, PvcStore):
        raise InputError(
            "the operator shows the server the whole volume, so the paths of a configuration of"
            " your own would point elsewhere",
            option="config_map" if spec.config.config_map else "config_path",
            subject=subject,
            hint="Use models, or host_path, or backend: manifests",
        )
    if spec.poll_seconds == 0 and not single(spec) and not spec.config.config_path:
        raise InputError(
            "nobody would tell the servers of a new configuration",
            option="file_system_poll_wait_seconds",
            subject=subject,
            hint="Set it to 1 or more, or use backend: manifests",
        )


def flags_of(spec: ServerSpec) -> Dict[str, str]:
    """Return the arguments that have a value in the chart, by flag.

    Raises:
        InputError: an argument has no value in the chart.
    """
    found: Dict[str, str] = {}
    words = [*spec.running.cpu.arguments, *spec.extra_args]
    while words:
        flag, equals, value = words.pop(0).partition("=")
        if flag not in FLAGS:
            hint = f"Of all arguments it knows {', '.join(sorted(FLAGS))}"
            raise unsayable(f"extra_args.{flag}", subject_of(spec), hint)
        if FLAGS[flag] and not equals:
            value = words.pop(0) if words else ""
        found[flag] = value
    return found


def settled(spec: ServerSpec) -> ServerSpec:
    """Return the spec as the operator's servers see it, with their model paths and proxies.

    The chart mounts the whole claim at C(/models), and has no value for no_proxy.
    """
    proxies = replace(spec.outgoing.proxies, complete=False)
    spec = replace(spec, outgoing=replace(spec.outgoing, proxies=proxies))
    if not isinstance(spec.store, PvcStore):
        return spec
    root = "/".join(part for part in ("/models", spec.store.sub_path, "models") if part)
    libraries = tuple(
        (name, f"{root}/{path[len('/models/') :]}" if path.startswith("/models/") else path)
        for name, path in spec.config.libraries
    )
    return replace(
        spec,
        models=tuple(replace(model, root=root) for model in spec.models),
        config=replace(spec.config, libraries=libraries),
    )
