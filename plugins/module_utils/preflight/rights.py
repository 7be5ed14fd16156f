# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collects the rights of the whole job: those of each module, and of the checks. Pure."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Tuple

from ..kube.rights import carried
from ..kube.types import AUTO, Access
from ..repository import entry as repository
from ..server import entry as server
from ..verify import entry as verify

Params = Mapping[str, Any]
Area = Tuple[Mapping[str, Any], Callable[[Params], List[Access]]]

AREAS: Tuple[Area, ...] = (
    (repository.ARGUMENT_SPEC, repository.required_access),
    (server.ARGUMENT_SPEC, server.required_access),
    (verify.ARGUMENT_SPEC, verify.required_access),
)

# A placeholder: rights do not depend on the models, but the option must not be empty.
SAMPLE: Dict[str, Any] = {"models": [{"name": "model", "versions": [1]}], "src": "models"}


def job_access(params: Params) -> List[Access]:
    """Return the rights of model_repository, model_server and model_status, each once.

    Args:
        params: C(namespace), C(name), C(pvc), C(host_path) and so on as the modules have them.
            Nothing is copied to what a server reads itself, a bucket or an image. Without a
            C(pod_carrier) they are those of the proxy, with which every task begins.
    """
    wanted: Dict[Access, None] = {}
    copied = params.get("pvc") or params.get("host_path")
    for spec, required in AREAS if copied else AREAS[1:]:
        wanted.update(dict.fromkeys(required(fill(spec, {**SAMPLE, **params}))))
    return carried(list(wanted), params.get("pod_carrier") or AUTO)


def check_access(params: Params) -> List[Access]:
    """Return the rights that the checks themselves use."""
    namespace = params["namespace"]
    wanted = [Access("get", "", "namespaces", name=namespace)]
    if params.get("pvc"):
        claim = params["pvc"]["claim_name"]
        wanted.append(Access("get", "", "persistentvolumeclaims", namespace=namespace, name=claim))
        wanted.append(Access("get", "storage.k8s.io", "storageclasses"))
        wanted.append(Access("get", "", "persistentvolumes"))
    if params.get("pvc") or params.get("host_path"):
        plurals = ("resourcequotas", "limitranges")
        wanted += [Access("list", "", plural, namespace=namespace) for plural in plurals]
    for options in (params.get("cloud") or {}).values():
        if (options or {}).get("secret_name"):
            name = options["secret_name"]
            wanted.append(Access("get", "", "secrets", namespace=namespace, name=name))
    wanted.append(Access("list", "", "nodes"))
    return wanted


def fill(spec: Mapping[str, Any], given: Params) -> Dict[str, Any]:
    """Return the parameters a module would get: the given ones that it knows, and its defaults."""
    filled: Dict[str, Any] = {}
    for name, option in spec.items():
        value = given.get(name)
        if value is None:
            value = option.get("default")
        filled[name] = _fill_nested(option, value)
    return filled


def _fill_nested(option: Mapping[str, Any], value: Any) -> Any:
    nested = option.get("options")
    if not nested or value is None:
        return value
    if isinstance(value, (list, tuple)):
        return [fill(nested, item) for item in value]
    return fill(nested, value)
