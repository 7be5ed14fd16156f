# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns the fields of the server's container into options; the rest is overridden. Pure."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ...errors import InputError
from .. import values
from ..chart.rules import Draft
from ..spec.pod import TERMINATION_GRACE_SECONDS
from ..spec.probes import Probes
from ..spec.process import references_of
from .flags import starts_ovms

# Variables that only KServe reads (pkg/constants and pkg/webhook/admission/pod).
_OF_KSERVE = ("MULTI_MODEL_SERVER", "STORAGE_URI")
_PROTOCOL = "PROTOCOL"
# What every container of this collection has anyway (render/pod.py).
_STRICT = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "privileged": False,
}
_PROBES = {
    "startupProbe": "startup",
    "readinessProbe": "readiness",
    "livenessProbe": "liveness",
}
_NUMBERS = {
    "periodSeconds": "period_seconds",
    "timeoutSeconds": "timeout_seconds",
    "failureThreshold": "failure_threshold",
    "initialDelaySeconds": "initial_delay_seconds",
}
_IDS = {"runAsUser": "run_as_user", "runAsGroup": "run_as_group"}
_PROXIES = ("http_proxy", "https_proxy", "no_proxy")
_SLEEP = re.compile(r"[0-9]{1,4}")

Object = Dict[str, Any]


def fields(draft: Draft, container: Object, where: str, *, own: bool) -> Object:
    """Set the options of a container, and return the fields that have none.

    Args:
        draft: what is known.
        container: taken apart; its volume mounts and arguments are read elsewhere.
        where: its path in the resource, with a dot at the end.
        own: this collection has made it.
    """
    container.pop("name", None)
    _image(draft, container, where)
    for key, option in (("imagePullPolicy", "image_pull_policy"), ("resources", "resources")):
        value = container.pop(key, None)
        if value and key == "resources":
            _resources(draft, container, value)
        elif value:
            draft.put(option, value)
    _ports(draft, container, where)
    env = _env(draft, container, where, own=own)
    _env_from(draft, container)
    for key, name in _PROBES.items():
        _probe(draft, container.pop(key, None), f"{where}{key}", name, own=own)
    _security(draft, container)
    if env:
        container["env"] = env
    return {key: value for key, value in container.items() if value not in (None, "", [], {})}


def _image(draft: Draft, container: Object, where: str) -> None:
    image = container.pop("image", None)
    command = container.pop("command", None)
    if command and not starts_ovms({"command": command}):
        why = "the image's own command starts OVMS, with arguments that model_server writes"
        draft.drop(f"{where}command", command, why)
    if not image:
        draft.warnings.append(
            "image: none is given; it is in the ServingRuntime, which can be given too"
        )
        return
    try:
        draft.put("image", values.image(str(image)))
    except InputError as error:
        draft.drop(f"{where}image", image, error.message)
        draft.warnings.append("image: name a release; what is given is filled in by a template")


def _resources(draft: Draft, container: Object, given: Mapping[str, Any]) -> None:
    """Set the amounts; claims, which belong to C(resourceClaims) of the pod, stay with it."""
    for group, amounts in given.items():
        if group == "claims":
            container["resources"] = {"claims": amounts}
        elif amounts:
            made = {str(name): str(amount) for name, amount in amounts.items()}
            draft.put(f"resources.{group}", made)


def _ports(draft: Draft, container: Object, where: str) -> None:
    """Drop ports that are not those of the arguments, on which the server listens."""
    listens = [draft.options.get("grpc_port"), draft.options.get("rest_port")]
    for index, port in enumerate(container.pop("ports", None) or ()):
        if port.get("containerPort") not in listens or port.get("hostPort"):
            why = "the pods have the ports of --port and --rest_port, and no others"
            draft.drop(f"{where}ports[{index}]", port, why)


def _env(draft: Draft, container: Object, where: str, *, own: bool) -> List[Object]:
    """Set C(env) and C(proxies), and return the variables that the option does not take."""
    entries = {str(item.get("name")): item for item in container.pop("env", None) or ()}
    for name in (*_OF_KSERVE, _PROTOCOL):
        item = entries.get(name)
        if item is None or (own and name == _PROTOCOL and item.get("value") != "v2"):
            continue
        del entries[name]
        if not own:
            draft.drop(f"{where}env[{name}]", item.get("value"), "only KServe reads it")
    _proxies(draft, entries)
    others: List[Object] = []
    for name, item in entries.items():
        source: Any = item.get("valueFrom") or str(item.get("value", ""))
        try:
            if isinstance(source, Mapping):
                references_of({name: source})
            else:
                values.env({name: source})
        except InputError:
            others.append(item)
            continue
        draft.options.setdefault("env", {})[name] = source
    return others


def _proxies(draft: Draft, entries: Dict[str, Object]) -> None:
    """Take proxies out of the variables where both cases say the same."""
    for name in _PROXIES:
        lower, upper = entries.get(name, {}), entries.get(name.upper(), {})
        text = lower.get("value")
        if not text or text != upper.get("value"):
            continue
        if name != "no_proxy":
            if not values.is_proxy_url(text):
                continue
            draft.put(f"proxies.{name}", text)
        elif not draft.options.get("proxies"):
            continue
        else:
            draft.put("proxies.no_proxy", [part for part in text.split(",") if part])
        del entries[name], entries[name.upper()]


def _env_from(draft: Draft, container: Object) -> None:
    for item in container.pop("envFrom", None) or ():
        kind = "secret" if "secretRef" in item else "config_map"
        source = item.get("secretRef") or item.get("configMapRef") or {}
        made: Object = {kind: str(source.get("name"))}
        made.update({"prefix": item["prefix"]} if item.get("prefix") else {})
        made.update({"optional": True} if source.get("optional") else {})
        draft.options.setdefault("env_from", []).append(made)


def _probe(
    draft: Draft, given: Optional[Mapping[str, Any]], path: str, name: str, *, own: bool
) -> None:
    """Take the timing of a probe that asks what ours asks; another one is dropped."""
    if given is None:
        if own:
            draft.put(f"probes.{name}.enabled", False)
        return
    usual = getattr(Probes(), name)
    asked = str((given.get("httpGet") or {}).get("path") or "")
    if asked.rstrip("/") != f"/v2/health/{usual.path}":
        draft.drop(path, dict(given), f"the {name} probe asks /v2/health/{usual.path}")
        return
    numbers = usual.render()
    for key, option in _NUMBERS.items():
        if key in given and given[key] != numbers.get(key, 0):
            draft.put(f"probes.{name}.{option}", given[key])
    for key, value in given.items():
        if key not in (*_NUMBERS, "httpGet") and not (key == "successThreshold" and value == 1):
            draft.drop(f"{path}.{key}", value, f"probes.{name} has no such field")


def _security(draft: Draft, container: Object) -> None:
    """Take the ids; what is as strict as ours goes, the rest stays to override it."""
    given = dict(container.pop("securityContext", None) or {})
    for key, option in _IDS.items():
        if key in given:
            draft.put(option, given.pop(key))
    rest = {key: value for key, value in given.items() if _STRICT.get(key) != value}
    if rest.get("seccompProfile") == {"type": "RuntimeDefault"}:
        del rest["seccompProfile"]
    if rest:
        container["securityContext"] = rest


def grace(draft: Draft, container: Object, seconds: Any) -> None:
    """Set the pause before SIGTERM, and the time after it.

    Args:
        draft: what is known.
        container: its hook is taken if it does nothing but wait.
        seconds: C(terminationGracePeriodSeconds), which covers both; None: not given.
    """
    lifecycle = dict(container.get("lifecycle") or {})
    pause = _pause(lifecycle.get("preStop") or {})
    if pause is not None:
        lifecycle.pop("preStop")
        container["lifecycle"] = lifecycle
        draft.put("drain_seconds", pause)
    if seconds is None:
        return
    own = pause or 0
    if "preStop" not in lifecycle and pause is None:
        # Without a hook the server had all of it after SIGTERM; the pause here comes on top.
        own = 0
    rest = max(1, int(seconds) - own)
    if rest != TERMINATION_GRACE_SECONDS:
        draft.put("termination_grace_period_seconds", rest)


def _pause(hook: Mapping[str, Any]) -> Optional[int]:
    if "sleep" in hook:
        return int(hook["sleep"].get("seconds") or 0)
    command: Sequence[Any] = (hook.get("exec") or {}).get("command") or ()
    if len(command) == 2 and command[0] == "sleep" and _SLEEP.fullmatch(str(command[1])):
        return int(command[1])
    return None
