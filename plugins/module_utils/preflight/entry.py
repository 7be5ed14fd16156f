# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.preflight_info."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, Optional, Sequence

from ..entry import merge_specs
from ..errors import EdgeError, ForbiddenError
from ..kube.auth.options import AUTH_ARGUMENT_SPEC
from ..kube.client import KubeClient
from ..kube.planned import OPTION, PLANNED_ARGUMENT_SPEC, is_planned
from ..kube.types import Access
from ..repository.options.helper import GUARD_ARGUMENT_SPEC, resources_from_params
from ..repository.target.claims import BIND_PAUSE, BIND_SECONDS, phase_of
from ..repository.target.local_volume import render_claim
from ..runtime import Params, Result, Runtime
from ..server.spec.cloud import CloudStore
from ..server.spec.image_volume import ImageVolumeStore
from ..server.spec.sources import SOURCE_ARGUMENT_SPEC, SOURCES, Source, source_from_params
from ..store import HostPathStore, PvcStore
from . import checks, sources
from .checks import CheckResult
from .quotas import check_quotas
from .rights import check_access, job_access

ARGUMENT_SPEC: Dict[str, Any] = merge_specs(
    AUTH_ARGUMENT_SPEC,
    SOURCE_ARGUMENT_SPEC,
    PLANNED_ARGUMENT_SPEC,
    {
        "name": {"type": "str", "default": "ovms"},
        "create_namespace": {"type": "bool", "default": False},
        "images": {"type": "list", "elements": "str", "default": []},
        "helper_resources": GUARD_ARGUMENT_SPEC["helper_resources"],
    },
)
SPEC_RULES: Dict[str, Any] = {"mutually_exclusive": [SOURCES], "required_one_of": [SOURCES]}

Json = Dict[str, Any]

_DEFAULT_CLASS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)
"""Annotations of a default StorageClass (kubernetes.io/docs/concepts/storage/storage-classes)."""


class PreflightError(EdgeError):
    """The cluster is not ready for the job; all that is missing is in one message."""

    kind = "preflight"


def required_access(params: Params) -> List[Access]:
    """Return the rights that C(run) uses itself."""
    return check_access(params)


def run(params: Params, runtime: Runtime) -> Result:
    """Check the cluster and return the findings.

    Raises:
        InputError: an option is invalid on every cluster.
        UnreachableError, AuthError: the API server does not answer, or rejects the credentials.
        PreflightError: names everything that is missing.
    """
    begun = time.monotonic()
    store = source_from_params(params)
    with KubeClient.from_params(params) as client:
        if runtime.check_mode and params.get(OPTION):
            client.foresee(params)
        version = client.version()
        results = [checks.check_version(version)]
        results += _check_rights(client, params)
        for check in (_check_namespace, _check_store, _check_volume, _check_images, _check_quotas):
            results += _guarded(check, client, params, store)
        server = client.server
        planned = list(params.get(OPTION) or ()) if runtime.check_mode else []
        planned += _made_by_copy(client, store)
    result: Result = {
        "changed": False,
        "server": server,
        "version": version.get("gitVersion", ""),
        "findings": [item.as_dict() for item in results],
        "planned_objects": planned,
        "seconds": round(time.monotonic() - begun, 3),
    }
    problems = [item for item in results if item.level == checks.PROBLEM]
    if problems:
        raise _not_ready(server, problems, result)
    return result


Check = Callable[[KubeClient, Params, Source], List[CheckResult]]


def _guarded(check: Check, client: KubeClient, params: Params, store: Source) -> List[CheckResult]:
    """Run a check, or return a note if a right to read is missing; C(_check_rights) names it."""
    try:
        return check(client, params, store)
    except ForbiddenError as error:
        return [CheckResult("rights", checks.NOTE, f"could not look: {error.message}")]


def _check_rights(client: KubeClient, params: Params) -> List[CheckResult]:
    wanted = job_access(params)
    return checks.check_rights(client.denied(wanted), len(wanted))


def _check_namespace(client: KubeClient, params: Params, store: Source) -> List[CheckResult]:
    name = params["namespace"]
    namespace = client.get("v1", "Namespace", name)
    return checks.check_namespace(name, namespace, store, params["create_namespace"])


def _check_store(client: KubeClient, params: Params, store: Source) -> List[CheckResult]:
    if isinstance(store, HostPathStore):
        return checks.check_nodes(store, client.list("v1", "Node")[0])
    if isinstance(store, CloudStore):
        name = store.secret_name
        secret = client.get("v1", "Secret", name, store.namespace) if name else None
        return sources.check_cloud(store, secret)
    if isinstance(store, ImageVolumeStore):
        return sources.check_image(store, client.version(), client.list("v1", "Node")[0])
    claim = _claim(client, store)
    return checks.check_claim(store, claim, _storage_class(client, claim))


def _claim(client: KubeClient, store: PvcStore) -> Optional[Json]:
    """Return the claim; one that was just made is given time to be bound."""
    end = time.monotonic() + BIND_SECONDS
    while True:
        claim = client.get("v1", "PersistentVolumeClaim", store.claim_name, store.namespace)
        if claim is None or is_planned(claim) or phase_of(claim) != "Pending":
            return claim
        mode = (_storage_class(client, claim) or {}).get("volumeBindingMode")
        if mode != "Immediate" or time.monotonic() > end:
            return claim
        time.sleep(BIND_PAUSE)


def _made_by_copy(client: KubeClient, store: Source) -> List[Json]:
    """Return the claim of C(pvc.local) if model_repository will make it."""
    if not isinstance(store, PvcStore) or store.local is None:
        return []
    try:
        found = client.get("v1", "PersistentVolumeClaim", store.claim_name, store.namespace)
    except ForbiddenError:
        return []
    return [] if found is not None else [render_claim(store, store.local)]


def _check_volume(client: KubeClient, params: Params, store: Source) -> List[CheckResult]:
    """Check the node of a bound claim's volume; without the right to read it, skip the check."""
    if not isinstance(store, PvcStore):
        return []
    claim = client.get("v1", "PersistentVolumeClaim", store.claim_name, store.namespace)
    name = ((claim or {}).get("spec") or {}).get("volumeName")
    try:
        volume = client.get("v1", "PersistentVolume", name) if name else None
        nodes = client.list("v1", "Node")[0] if volume else []
    except ForbiddenError:
        return []
    return checks.check_volume(store, volume, nodes)


def _storage_class(client: KubeClient, claim: Optional[Json]) -> Optional[Json]:
    """Return the StorageClass of an unbound claim; a bound claim needs none."""
    if claim is None or (claim.get("status") or {}).get("phase") == "Bound":
        return None
    name = claim["spec"].get("storageClassName")
    if name is None and is_planned(claim):
        return _default_class(client)
    return client.get("storage.k8s.io/v1", "StorageClass", name) if name else None


def _default_class(client: KubeClient) -> Optional[Json]:
    """Return the class that claims without one get; an empty one where it may not be looked for."""
    try:
        classes = client.list("storage.k8s.io/v1", "StorageClass")[0]
    except ForbiddenError:
        return {}
    for item in classes:
        notes = item["metadata"].get("annotations") or {}
        if any(notes.get(name) == "true" for name in _DEFAULT_CLASS):
            return item
    return None


def _check_images(client: KubeClient, params: Params, store: Source) -> List[CheckResult]:
    images = list(params["images"])
    if isinstance(store, ImageVolumeStore):
        images.append(store.reference)
    if not images:
        return []
    nodes = client.list("v1", "Node")[0]
    chosen = checks.chosen_nodes(store, nodes) if isinstance(store, HostPathStore) else nodes
    return checks.check_images(images, chosen)


def _check_quotas(client: KubeClient, params: Params, store: Source) -> List[CheckResult]:
    """Check whether quotas admit a helper; a task that copies no files starts none."""
    if isinstance(store, (CloudStore, ImageVolumeStore)):
        return []
    found = client.list("v1", "ResourceQuota", params["namespace"])[0]
    ranges = client.list("v1", "LimitRange", params["namespace"])[0] if found else []
    return check_quotas(found, ranges, resources_from_params(params)) if found else []


def _not_ready(server: str, problems: Sequence[CheckResult], result: Result) -> PreflightError:
    if len(problems) == 1:
        only = problems[0]
        return PreflightError(only.message, subject=server, hint=only.hint or None, details=result)
    lines = [f"\n- {item.message}" for item in problems]
    hints = list(dict.fromkeys(item.hint for item in problems if item.hint))
    return PreflightError(
        f"{len(problems)} things are missing:{''.join(lines)}\n",
        subject=server,
        hint=". ".join(hints) or None,
        details=result,
    )
