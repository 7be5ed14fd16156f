# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads claims and refuses those that cannot be written, with the reason and a hint."""

from __future__ import annotations

import time
from typing import Any, List, Mapping, Optional

from ...errors import ApiError, ForbiddenError, InputError
from ...kube.client import KubeClient
from ...kube.planned import is_planned
from ...store import AGENT_LABEL, PvcStore
from ..content.units import parse_amount

BIND_SECONDS = 15.0  # for a claim whose class binds at once
BIND_PAUSE = 0.5
OPTION = "pvc.claim_name"
Object = Mapping[str, Any]


class NoStore(InputError):
    """The namespace or the claim is not there."""


def modes_of(claim: Object) -> List[str]:
    """Return the access modes: of the volume when the claim has one, else those asked for."""
    spec, status = claim.get("spec") or {}, claim.get("status") or {}
    return list(status.get("accessModes") or spec.get("accessModes") or ())


def phase_of(claim: Object) -> str:
    """Return C(Pending), C(Bound) or C(Lost)."""
    return str((claim.get("status") or {}).get("phase") or "Pending")


def capacity_of(claim: Object) -> Optional[int]:
    """Return the bytes that a claim asks for, C(None) if nobody can tell."""
    resources = (claim.get("spec") or {}).get("resources") or {}
    return parse_amount(str((resources.get("requests") or {}).get("storage") or ""))


def check_modes(store: PvcStore, claim: Object) -> None:
    """Refuse a claim that can only be read, or is no file system.

    Raises:
        InputError: see above.
    """
    modes = modes_of(claim)
    if modes and not any(mode.startswith("ReadWrite") for mode in modes):
        raise InputError(
            f"{store} has only the access mode {', '.join(modes)}, so nothing can be written to it",
            option=OPTION,
            hint="Write through a claim with ReadWriteOnce or ReadWriteMany over the same data",
        )
    if (claim.get("spec") or {}).get("volumeMode") == "Block":
        raise InputError(
            f"{store} is a block device, not a file system",
            option=OPTION,
            hint="Use a claim with volumeMode Filesystem",
        )


def read_claim(client: KubeClient, store: PvcStore) -> Object:
    """Return the claim, bound or waiting for its first pod; in check mode also a planned one.

    Raises:
        NoStore: it is not there.
        InputError: it is on its way out, or has no volume and will get none.
    """
    end = time.monotonic() + BIND_SECONDS
    while True:
        claim = client.get("v1", "PersistentVolumeClaim", store.claim_name, store.namespace)
        if claim is None:
            raise NoStore(f"{store} does not exist", option=OPTION, hint="Create it first")
        if is_planned(claim):
            return claim
        if claim["metadata"].get("deletionTimestamp"):
            raise _going(client, store)
        phase = phase_of(claim)
        if phase == "Bound" or (phase == "Pending" and _waits_for_pod(client, store, claim)):
            return claim
        if phase == "Lost" or time.monotonic() > end:
            raise _not_bound(client, store, claim)
        time.sleep(BIND_PAUSE)


def _going(client: KubeClient, store: PvcStore) -> InputError:
    users = ", ".join(str(pod["metadata"]["name"]) for pod in pods_of(client, store))
    text = f", and goes when these pods end: {users}" if users else ""
    return InputError(
        f"{store} is being deleted{text}",
        option=OPTION,
        hint="Run again when it is gone and a new one is there, or name another claim",
    )


def _waits_for_pod(client: KubeClient, store: PvcStore, claim: Object) -> bool:
    """Return whether the claim binds only when its first pod is scheduled (WaitForFirstConsumer).

    Raises:
        InputError: the StorageClass does not exist.
    """
    spec = claim.get("spec") or {}
    name = spec.get("storageClassName")
    if not name or spec.get("volumeName"):
        return False
    try:
        found = client.get("storage.k8s.io/v1", "StorageClass", name)
    except ForbiddenError:
        return True  # left to the scheduler
    if found is None:
        raise InputError(
            f"{store} waits for a volume of the StorageClass {name}, which does not exist",
            option=OPTION,
            hint="Create the class or a volume of it, or a claim of a class that exists",
        )
    return found.get("volumeBindingMode") == "WaitForFirstConsumer"


def _not_bound(client: KubeClient, store: PvcStore, claim: Object) -> InputError:
    spec, phase = claim.get("spec") or {}, phase_of(claim)
    volume, name = spec.get("volumeName"), spec.get("storageClassName")
    if phase == "Lost":
        text = f"{store} has lost its volume {volume} (phase Lost, not Bound)"
        hint = "Restore the PersistentVolume, or delete the claim and create it again"
        return InputError(text, option=OPTION, hint=hint)
    if volume:
        text = f"{store} is {phase}, not Bound: {_volume_state(client, str(volume), store)}"
        return InputError(text, option=OPTION, hint="Free the volume, or name another one in it")
    where = f"its StorageClass {name}" if name else "that it names no StorageClass"
    last = _last_event(client, store)
    return InputError(
        f"{store} is {phase}, not Bound" + (f" ({last})" if last else ""),
        option=OPTION,
        hint=f"No volume fits it: look at {where}, its size and access modes",
    )


def _volume_state(client: KubeClient, name: str, store: PvcStore) -> str:
    """Return why the claim does not bind to the volume that it names."""
    try:
        volume = client.get("v1", "PersistentVolume", name)
    except ForbiddenError:
        return f"it waits for the PersistentVolume {name}"
    if volume is None:
        return f"the PersistentVolume {name} does not exist"
    claim = (volume.get("spec") or {}).get("claimRef") or {}
    other = f"{claim.get('namespace')}/{claim.get('name')}"
    phase = (volume.get("status") or {}).get("phase")
    if claim and other != f"{store.namespace}/{store.claim_name}":
        return f"the PersistentVolume {name} belongs to the claim {other}"
    if phase == "Released":
        return f"the PersistentVolume {name} still belongs to a deleted claim (phase Released)"
    return f"the PersistentVolume {name} does not fit (class, size or access modes differ)"


def _last_event(client: KubeClient, store: PvcStore) -> str:
    field = f"involvedObject.name={store.claim_name}"
    try:
        events, _version = client.list("v1", "Event", store.namespace, field_selector=field)
    except (ForbiddenError, ApiError):
        return ""
    texts = [
        str(event.get("message") or "")
        for event in events
        if event.get("type") == "Warning"
        and (event.get("involvedObject") or {}).get("kind") == "PersistentVolumeClaim"
    ]
    return texts[-1].rstrip(".") if texts else ""


def read_volume(client: KubeClient, claim: Object) -> Optional[Object]:
    """Return the claim's volume, C(None) when the account may not see it."""
    name = (claim.get("spec") or {}).get("volumeName")
    try:
        return client.get("v1", "PersistentVolume", str(name)) if name else None
    except (ForbiddenError, ApiError):
        return None


def check_volume(store: PvcStore, volume: Optional[Object]) -> None:
    """Refuse a volume that is mounted read-only wherever it is mounted.

    Raises:
        InputError: names the volume and the field.
    """
    spec = (volume or {}).get("spec") or {}
    fields = [
        f"{key}.readOnly"
        for key, value in spec.items()
        if isinstance(value, dict) and value.get("readOnly")
    ]
    if "ro" in (spec.get("mountOptions") or ()):
        fields.append("mountOptions: ro")
    if volume is not None and fields:
        raise InputError(
            f"PersistentVolume {volume['metadata']['name']} of {store} is always mounted read-only"
            f" ({fields[0]})",
            option=OPTION,
            hint="Write through a volume over the same data that may be written",
        )


def claims_in(pod_spec: Object) -> List[str]:
    """Return the names of the claims that a pod mounts; C("") for other volumes."""
    volumes = pod_spec.get("volumes") or ()
    return [
        str((item.get("persistentVolumeClaim") or {}).get("claimName") or "") for item in volumes
    ]


def pods_of(client: KubeClient, store: PvcStore) -> List[Object]:
    """Return the pods, other than helpers, that use the claim and have not ended."""
    pods, _version = client.list("v1", "Pod", store.namespace)
    return [
        pod
        for pod in pods
        if store.claim_name in claims_in(pod.get("spec") or {})
        and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
        and AGENT_LABEL not in (pod["metadata"].get("labels") or {})
    ]
