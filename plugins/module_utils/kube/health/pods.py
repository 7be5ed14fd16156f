# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds why a pod does not run, with a hint; pure functions over API objects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Iterable, List, Mapping, Optional, Sequence, Tuple

from .api_errors import constraint_text, pod_security, quota_text

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Trouble:
    """The reason why a pod does not run.

    Attributes:
        reason: one word, Kubernetes' own where there is one.
        message: what is wrong, with the object's name.
        hint: the way out.
        fatal: waiting longer will not help.
        grace: seconds a fatal trouble must last before it counts; it may still pass by itself.
        container: whose log tells more, empty when there is none.
    """

    reason: str
    message: str
    hint: str
    fatal: bool
    grace: float = 0.0
    container: str = ""

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}." if self.hint else f"{self.message}."


# A scheduler decides again when a node or volume appears, a kubelet mounts again every few
# seconds; what is still wrong after this many seconds is reported.
SCHEDULE_GRACE = 15.0
MOUNT_GRACE = 20.0
CREATE_GRACE = 5.0
PULL_GRACE = 10.0
# A device plugin that starts anew is back within seconds, and the pod is made again.
ADMIT_GRACE = 10.0

_IMAGE_FINAL = ("InvalidImageName", "ErrImageNeverPull", "ImageInspectError")
_IMAGE = _IMAGE_FINAL + ("ImagePullBackOff", "ErrImagePull", "RegistryUnavailable")
_CONFIG = ("CreateContainerConfigError",)
_CREATE = ("CreateContainerError", "RunContainerError", "PreCreateHookError", "PostStartHookError")
_MOUNT_EVENTS = ("FailedMount", "FailedAttachVolume", "FailedMapVolume")
_DEVICE_EVENT = "FailedPrepareDynamicResources"
_AFTER_MOUNT = ("Pulling", "Pulled", "Created", "Started", "BackOff")
_SIGNALS = {137: "SIGKILL", 139: "SIGSEGV", 143: "SIGTERM", 134: "SIGABRT", 132: "SIGILL"}


def pod_trouble(pod: Object, events: Sequence[Object] = ()) -> Optional[Trouble]:
    """Return what is wrong with a pod, None when it runs or is on its way.

    Args:
        pod: a Pod.
        events: Events of any objects; those about other objects are ignored.
    """
    own = _events_of(pod, events)
    return (
        _phase_trouble(pod)
        or _unschedulable(pod, own)
        or _container_trouble(pod)
        or _mount_trouble(pod, own)
        or _claim_trouble(pod, own)
        or _sandbox_trouble(pod, own)
    )


def is_ready(pod: Object) -> bool:
    """Return whether a pod has the condition Ready and is not being deleted."""
    if _meta(pod).get("deletionTimestamp"):
        return False
    return _condition(pod, "Ready").get("status") == "True"


def _phase_trouble(pod: Object) -> Optional[Trouble]:
    status = pod.get("status") or {}
    if status.get("phase") != "Failed":
        return None
    reason, text = str(status.get("reason") or ""), str(status.get("message") or "").strip()
    name = _name(pod)
    if reason == "DeadlineExceeded":
        message = f"{name} ran longer than its activeDeadlineSeconds allow"
        return Trouble(reason, message, "Allow more time, or look at what it waits for", True)
    if reason == "Evicted":
        hint = "Free disk or memory on the node, or set resources"
        return Trouble(reason, f"{name} was evicted: {text}", hint, True)
    if reason == "UnexpectedAdmissionError":
        hint = "See to the device plugin of that node: it is gone, or has no such device"
        return Trouble(reason, f"{name} was refused by the node: {text}", hint, True, ADMIT_GRACE)
    if reason:
        return Trouble(reason, f"{name} failed: {text or reason}", "", True)
    return _container_trouble(pod) or Trouble("Failed", f"{name} failed", "Read its log", True)


def _unschedulable(pod: Object, events: Sequence[Object]) -> Optional[Trouble]:
    condition = _condition(pod, "PodScheduled")
    if condition.get("status") != "False" or condition.get("reason") != "Unschedulable":
        return None
    text = str(condition.get("message") or "").rstrip(". ")
    message = f"{_name(pod)} cannot be scheduled: {text}"
    return Trouble("Unschedulable", message, _schedule_hint(text), True, SCHEDULE_GRACE)


_SCHEDULE_HINTS: Tuple[Tuple[str, str], ...] = (
    ("persistentvolumeclaim", "Create the PVC, or correct pvc.claim_name"),
    ("unbound immediate", "The PVC has no volume: check its StorageClass and the provisioner"),
    ("volume node affinity", "The volume lives on another node: drop the node selection"),
    ("didn't find available persistent volumes", "No volume fits the PVC: size, class, node"),
    ("node(s) didn't match", "No node fits node_selector or nodes: check the nodes' labels"),
    ("untolerated taint", "Add a toleration, or free a node"),
    ("cannot allocate all claims", "No free device fits the pod's claim: see to the DRA driver"),
    ("Insufficient", "Lower resources or replicas, or add a node"),
    ("free ports", "Another pod has the host port"),
    ("no nodes available", "The cluster has no node that is ready"),
)


def _schedule_hint(text: str) -> str:
    for needle, hint in _SCHEDULE_HINTS:
        if needle in text:
            return hint
    return "Compare the pod's requests with the nodes"


def _container_trouble(pod: Object) -> Optional[Trouble]:
    status = pod.get("status") or {}
    spec = pod.get("spec") or {}
    never = spec.get("restartPolicy") == "Never"
    volumes = [volume.get("image") or {} for volume in spec.get("volumes") or ()]
    mounted = [str(image["reference"]) for image in volumes if image.get("reference")]
    found: List[Trouble] = []
    for word in ("init container", "container"):
        field = "initContainerStatuses" if word.startswith("init") else "containerStatuses"
        for state in status.get(field) or ():
            trouble = _state_trouble(_name(pod), word, state, never, mounted)
            if trouble:
                found.append(trouble)
    found.sort(key=lambda trouble: not trouble.fatal)
    return found[0] if found else None


def _state_trouble(
    pod: str, word: str, status: Object, never: bool, mounted: Sequence[str]
) -> Optional[Trouble]:
    name = str(status.get("name"))
    where = f"{pod}, {word} {name}"
    state = status.get("state") or {}
    waiting = state.get("waiting") or {}
    reason = str(waiting.get("reason") or "")
    text = str(waiting.get("message") or "")
    if reason in _IMAGE:
        image = str(status.get("image") or "")
        # An image volume that cannot be pulled also blocks its containers; the message names the
        # image.
        named = [reference for reference in mounted if reference in text and image not in text]
        return _image_trouble(where, reason, text, named[0] if named else image)
    if reason in _CONFIG:
        return Trouble(reason, f"{where}: {text}", _config_hint(text), True, CREATE_GRACE)
    if reason in _CREATE:
        hint = "Check the image, its user and the command"
        return Trouble(reason, f"{where} cannot be started: {text}", hint, True, CREATE_GRACE)
    last = state.get("terminated") or (status.get("lastState") or {}).get("terminated") or {}
    if reason == "CrashLoopBackOff":
        return _crash(where, name, last, fatal=True)
    if last and (last.get("exitCode") or 0) != 0 and "running" not in state:
        return _crash(where, name, last, fatal=never)
    return None


def _image_trouble(where: str, reason: str, text: str, image: str) -> Trouble:
    if reason == "ErrImageNeverPull" or "is not present with pull policy of Never" in text:
        hint = "Load the image onto the node, or allow pulling (image_pull_policy)"
    elif reason == "InvalidImageName":
        hint = "Write it as HOST/NAME:TAG or with a digest"
    elif re.search(r"unauthorized|authentication|denied|forbidden|401|403", text, re.I):
        hint = "Give image_pull_secrets with a login for this registry"
    elif re.search(r"not found|manifest unknown|404", text, re.I):
        hint = "Check name and tag, and that the registry the site can reach has it"
    else:
        hint = "Check name, registry and network of the node, or mirror the image"
    # A first ErrImagePull may be a hiccup; the kubelet calls it back-off after the next one.
    grace = PULL_GRACE if reason in ("ErrImagePull", "RegistryUnavailable") else 0.0
    return Trouble(
        reason, f"{where}: image {image} cannot be had: {text or reason}", hint, True, grace
    )


def _config_hint(text: str) -> str:
    if "runAsNonRoot" in text or "run as root" in text or "non-numeric user" in text:
        return "The image runs as root: set a uid (run_as_user)"
    if "configmap" in text or "secret" in text:
        return "Create what is named, or correct its name"
    return "Look at the pod's events"


def _crash(where: str, container: str, last: Object, *, fatal: bool) -> Trouble:
    code = last.get("exitCode")
    signal = _SIGNALS.get(code) if isinstance(code, int) else None
    reason = str(last.get("reason") or "Error")
    if reason == "OOMKilled":
        message = f"{where} was killed for lack of memory (exit code {code})"
        return Trouble(reason, message, "Raise resources.limits.memory", fatal, 0.0, container)
    text = f"{where} ended with exit code {code}" + (f" ({signal})" if signal else "")
    detail = str(last.get("message") or "").strip()
    text += f": {detail.splitlines()[-1]}" if detail else ""
    hint = "Read its last log lines"
    return Trouble("Crash", text, hint, fatal, 0.0, container)


def _mount_trouble(pod: Object, events: Sequence[Object]) -> Optional[Trouble]:
    if _has_started(pod):
        return None
    event = _latest(event for event in events if event.get("reason") in _MOUNT_EVENTS)
    if event is None or _has_passed(event, events):
        return None
    text = str(event.get("message") or "")
    message = f"{_name(pod)} waits for a volume: {text}"
    return Trouble(str(event["reason"]), message, _mount_hint(text), True, MOUNT_GRACE)


def _mount_hint(text: str) -> str:
    if "hostPath type check failed" in text or "no such file or directory" in text:
        return "The directory is missing on that node: create it, or correct the path"
    if "configmap" in text or "secret" in text:
        return "Create what is named, or correct its name"
    if "Multi-Attach" in text:
        return "The volume is in use on another node: same node, or access mode ReadWriteMany"
    return "Check the volume, its driver and the node"


def _claim_trouble(pod: Object, events: Sequence[Object]) -> Optional[Trouble]:
    """Return the trouble of a pod whose devices a DRA driver does not hand out."""
    if _has_started(pod):
        return None
    event = _latest(event for event in events if event.get("reason") == _DEVICE_EVENT)
    if event is None or _has_passed(event, events):
        return None
    message = f"{_name(pod)} waits for its devices: {event.get('message')}"
    return Trouble(_DEVICE_EVENT, message, "See to the DRA driver of that node", True, MOUNT_GRACE)


def _sandbox_trouble(pod: Object, events: Sequence[Object]) -> Optional[Trouble]:
    if _has_started(pod):
        return None
    event = _latest(event for event in events if event.get("reason") == "FailedCreatePodSandBox")
    if event is None or _has_passed(event, events):
        return None
    message = f"{_name(pod)} gets no sandbox: {event.get('message')}"
    return Trouble("FailedCreatePodSandBox", message, "Check the node's network", True, MOUNT_GRACE)


def creation_trouble(owner: Object, events: Sequence[Object] = ()) -> Optional[Trouble]:
    """Return why a ReplicaSet, Job or Deployment gets no pods, None when it does.

    Pods that admission refuses never exist; only conditions and events of their owner tell.
    """
    texts = [
        str(condition.get("message") or "")
        for condition in (owner.get("status") or {}).get("conditions") or ()
        if condition.get("type") in ("ReplicaFailure", "FailureTarget")
        and condition.get("status") == "True"
    ]
    event = _latest(
        event for event in _events_of(owner, events) if event.get("reason") == "FailedCreate"
    )
    if event is not None:
        texts.append(str(event.get("message") or ""))
    return _creation(_name(owner), texts[0]) if texts else None


def _creation(owner: str, text: str) -> Trouble:
    security = pod_security(text)
    if security:
        return Trouble("PodSecurity", f"{owner}: {security[0]}", security[1], True)
    quota = quota_text(text)
    if quota:
        return Trouble("Quota", f"{owner}: {quota[0]}", quota[1], True, CREATE_GRACE)
    constraint = constraint_text(text)
    if constraint:
        message = f"{owner}: {constraint[0]}"
        return Trouble("Constraint", message, constraint[1], True, CREATE_GRACE)
    if "serviceaccount" in text and "not found" in text:
        hint = "Create the ServiceAccount, or correct its name"
        return Trouble("FailedCreate", f"{owner}: {text}", hint, True, CREATE_GRACE)
    return Trouble("FailedCreate", f"{owner} gets no pods: {text}", "", True, CREATE_GRACE)


def deadline_trouble(deployment: Object) -> Optional[Trouble]:
    """Return the trouble of a Deployment whose progressDeadlineSeconds have passed."""
    condition = _condition(deployment, "Progressing")
    if condition.get("reason") != "ProgressDeadlineExceeded":
        return None
    message = f"{_name(deployment)} made no progress: {condition.get('message')}"
    return Trouble("ProgressDeadlineExceeded", message, "Look at its pods", True)


def _events_of(obj: Object, events: Iterable[Object]) -> List[Object]:
    meta, kind = _meta(obj), obj.get("kind")
    found = []
    for event in events:
        about = event.get("involvedObject") or {}
        if about.get("name") != meta.get("name") or (kind and about.get("kind") != kind):
            continue
        if meta.get("uid") and about.get("uid") and about["uid"] != meta["uid"]:
            continue
        found.append(event)
    return found


def _latest(events: Iterable[Object]) -> Optional[Object]:
    return max(events, key=_event_time, default=None)


def _event_time(event: Object) -> str:
    last = (event.get("series") or {}).get("lastObservedTime")
    return str(last or event.get("lastTimestamp") or event.get("eventTime") or "")


def _has_passed(event: Object, events: Iterable[Object]) -> bool:
    """Return whether the pod passed a mount failure: the kubelet pulls only after mounting."""
    further = _latest(other for other in events if other.get("reason") in _AFTER_MOUNT)
    return further is not None and _event_time(further) >= _event_time(event)


def _has_started(pod: Object) -> bool:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return any("running" in (status.get("state") or {}) for status in statuses)


def _condition(obj: Object, kind: str) -> Object:
    for condition in (obj.get("status") or {}).get("conditions") or ():
        if condition.get("type") == kind:
            found: Object = condition
            return found
    return {}


def _meta(obj: Object) -> Object:
    meta: Object = obj.get("metadata") or {}
    return meta


def _name(obj: Object) -> str:
    kind = str(obj.get("kind") or "Pod")
    return f"{kind.lower() if kind == 'Pod' else kind} {_meta(obj).get('name')}"
