# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.preflight_info."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, Optional, Sequence

from ansible_collections.openvino.edge.plugins.module_utils.entry import merge_specs
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    EdgeError,
    ForbiddenError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.args import AUTH_ARGUMENT_SPEC
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Access
from ansible_collections.openvino.edge.plugins.module_utils.preflight import checks, sources
from ansible_collections.openvino.edge.plugins.module_utils.preflight.checks import CheckResult
from ansible_collections.openvino.edge.plugins.module_utils.preflight.rights import (
    check_access,
    job_access,
)
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Params, Result, Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.cloud_options import CloudStore
from ansible_collections.openvino.edge.plugins.module_utils.server.image_volume import (
    ImageVolumeStore,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.sources import (
    SOURCE_ARGUMENT_SPEC,
    SOURCES,
    Source,
    source_from_params,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import HostPathStore, PvcStore

ARGUMENT_SPEC: Dict[str, Any] = merge_specs(
    AUTH_ARGUMENT_SPEC,
    SOURCE_ARGUMENT_SPEC,
    {
        "name": {"type": "str", "default": "ovms"},
        "create_namespace": {"type": "bool", "default": False},
        "images": {"type": "list", "elements": "str", "default": []},
    },
)
SPEC_RULES: Dict[str, Any] = {"mutually_exclusive": [SOURCES], "required_one_of": [SOURCES]}

Json = Dict[str, Any]


class PreflightError(EdgeError):
    """The cluster is not ready for the job; all that is missing is in one message."""

    kind = "preflight"


def required_access(params: Params) -> List[Access]:
    """Return the rights that C(run) uses itself."""
    return check_access(params)


def run(params: Params, runtime: Runtime) -> Result:
    """Check the cluster and return the findings.

    Raises:
        InputError: an option that no cluster could take.
        UnreachableError, AuthError: the API server does not answer, or not to us.
        PreflightError: names everything that is missing.
    """
    begun = time.monotonic()
    store = source_from_params(params)
    with KubeClient.from_params(params) as client:
        version = client.version()
        results = [checks.check_version(version)]
        results += _check_rights(client, params)
        for check in (_check_namespace, _check_store, _check_volume, _check_images):
            results += _guarded(check, client, params, store)
        server = client.server
    result: Result = {
        "changed": False,
        "server": server,
        "version": version.get("gitVersion", ""),
        "findings": [item.as_dict() for item in results],
        "seconds": round(time.monotonic() - begun, 3),
    }
    problems = [item for item in results if item.level == checks.PROBLEM]
    if problems:
        raise _not_ready(server, problems, result)
    return result


Check = Callable[[KubeClient, Params, Source], List[CheckResult]]


def _guarded(check: Check, client: KubeClient, params: Params, store: Source) -> List[CheckResult]:
    """Run a check that may not be allowed to look; the rights are judged elsewhere."""
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
    claim = client.get("v1", "PersistentVolumeClaim", store.claim_name, store.namespace)
    return checks.check_claim(store, claim, _storage_class(client, claim))


def _check_volume(client: KubeClient, params: Params, store: Source) -> List[CheckResult]:
    """Look for the node of a bound claim's volume; without the right only the scheduler can."""
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
    """Return the class that a claim waits for; a bound one needs no look."""
    if claim is None or (claim.get("status") or {}).get("phase") == "Bound":
        return None
    name = claim["spec"].get("storageClassName")
    return client.get("storage.k8s.io/v1", "StorageClass", name) if name else None


def _check_images(client: KubeClient, params: Params, store: Source) -> List[CheckResult]:
    images = list(params["images"])
    if isinstance(store, ImageVolumeStore):
        images.append(store.reference)
    if not images:
        return []
    nodes = client.list("v1", "Node")[0]
    chosen = checks.chosen_nodes(store, nodes) if isinstance(store, HostPathStore) else nodes
    return checks.check_images(images, chosen)


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
