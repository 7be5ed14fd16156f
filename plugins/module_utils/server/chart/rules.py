# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules that convert one value of the chart to an option. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Set

from ...errors import InputError

STATEFUL = "models_settings.is_stateful"
# Values that must not be shown, by the last part of their path.
# The first port that needs no privilege.
FIRST_PORT = 1024
SECRETS = (
    "aws_access_key_id",
    "aws_secret_access_key",
    "azure_storage_connection_string",
)


@dataclass
class Draft:
    """The state of a migration: options found so far, dropped values and warnings.

    Attributes:
        options: for C(model_server).
        model: the one entry of its C(models).
        dropped: what was not taken, and why.
        warnings: values that a person has to check.
        given: all values by their path in chart 4.0.0.
        new: of them those that were given under that path, not by a name of the old charts.
    """

    options: Dict[str, Any] = field(default_factory=dict)
    model: Dict[str, Any] = field(default_factory=dict)
    dropped: List[Dict[str, Any]] = field(default_factory=list)
    warnings: List[str] = field(default_factory=list)
    given: Dict[str, Any] = field(default_factory=dict)
    new: Set[str] = field(default_factory=set)

    def drop(self, path: str, value: Any, why: str) -> None:
        """Note a value that was not taken; a secret is not shown."""
        if path.rpartition(".")[2] in SECRETS:
            value = "(hidden)"
        self.dropped.append({"path": path, "value": value, "why": why})

    def put(self, option: str, value: Any) -> None:
        """Set an option; dots lead into dictionaries."""
        target: Dict[str, Any] = self.options
        *parents, last = option.split(".")
        for parent in parents:
            target = target.setdefault(parent, {})
        target[last] = value


def as_int(path: str, value: Any) -> int:
    """Return a whole number, which the chart also takes as text.

    Raises:
        InputError: it is none.
    """
    try:
        return int(str(value))
    except ValueError as error:
        raise InputError(f"'{value}' is not a whole number", option=path) from error


def as_bool(value: Any) -> bool:
    """Return a truth value as a template of the chart reads it."""
    return value is True or str(value).lower() in ("true", "yes", "1")


def as_object(path: str, value: Any) -> Dict[str, Any]:
    """Return a dictionary that the chart holds as JSON text.

    The old documentation escapes each quote with a backslash for the template's sake.

    Raises:
        InputError: it is no JSON object.
    """
    if isinstance(value, Mapping):
        return dict(value)
    text = str(value)
    for attempt in (text, text.replace('\\"', '"')):
        try:
            found = json.loads(attempt)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    raise InputError("it is not a JSON object", option=path, hint='Write it like {"KEY": "VALUE"}')


def same(draft: Draft, path: str, option: str, value: Any) -> None:
    """Take a value as it is."""
    draft.put(option, value)


def whole(draft: Draft, path: str, option: str, value: Any) -> None:
    """Take a whole number."""
    draft.put(option, as_int(path, value))


def text(draft: Draft, path: str, option: str, value: Any) -> None:
    """Take a value as text."""
    draft.put(option, str(value))


def commas(draft: Draft, path: str, option: str, value: Any) -> None:
    """Take a list that is written with commas."""
    items = value if isinstance(value, list) else str(value).split(",")
    draft.put(option, [str(item).strip() for item in items if str(item).strip()])


def of_model(draft: Draft, path: str, option: str, value: Any) -> None:
    """Take a property of the one model."""
    key = option.rpartition(".")[2]
    if key == "nireq":
        draft.model[key] = as_int(path, value)
    else:
        draft.model[key] = str(value)


def stateful(draft: Draft, path: str, option: str, value: Any) -> None:
    """Take a setting of stateful models; the chart sends it only where the model is one.

    The API server writes such defaults into every resource, and newer servers refuse them.
    """
    if not as_bool(draft.given.get(STATEFUL)):
        draft.drop(path, value, "the model is not stateful, and the chart sends it only then")
        return
    if gone_in(draft) is True:
        draft.drop(path, value, "removed in OVMS 2026.3, and the image is not older")
        return
    key = option.rpartition(".")[2]
    if key != "max_sequence_number":
        draft.model[key] = as_bool(value)
    elif as_int(path, value):
        # 0 means "not set": the chart's template leaves the flag out.
        draft.model[key] = as_int(path, value)


def gone_in(draft: Draft) -> Optional[bool]:
    """Tell whether the image's release has no stateful models any more; None when it is unknown."""
    match = re.search(
        r":v?(20[0-9]{2})[.]([0-9]{1,2})(?![0-9])", str(draft.given.get("image_name"))
    )
    return (int(match.group(1)), int(match.group(2))) >= (2026, 3) if match else None


def cleaner(draft: Draft, path: str, option: str, value: Any) -> None:
    """Take the pause of the cleaner of sequences, which the chart always renders."""
    minutes, gone = as_int(path, value), gone_in(draft)
    if not as_bool(draft.given.get(STATEFUL)):
        if minutes:
            draft.drop(path, value, "the model is not stateful, so there are no sequences to clean")
    elif gone:
        draft.drop(path, value, "removed in OVMS 2026.3, which ends with exit code 64 on it")
    elif gone is None:
        draft.drop(
            path,
            value,
            "OVMS 2026.3 and later end with exit code 64 on it, and the image does not tell its"
            " release; with an older one give ovms_version, and the flag in extra_args",
        )
    else:
        flags = ["--sequence_cleaner_poll_wait_minutes", str(minutes)]
        draft.options.setdefault("extra_args", []).extend(flags)


def port(draft: Draft, path: str, option: str, value: Any) -> None:
    """Take a port of the Service, which is the port of the pods as well."""
    number = as_int(path, value)
    if number < FIRST_PORT:
        draft.drop(path, value, f"it is the port of the pods, too, so {FIRST_PORT} or more")
        draft.warnings.append(
            f"{option}: the chart's Service answers on {number}, and this one will on its default."
            f" Keep a Service of your own for clients of {number}"
        )
        return
    draft.put(option, number)


def plugin_config(draft: Draft, path: str, option: str, value: Any) -> None:
    """Convert OpenVINO properties; old names are dropped: one unknown key unloads models."""
    made: Dict[str, Any] = {}
    for key, item in as_object(path, value).items():
        device, throughput, streams = str(key).partition("_THROUGHPUT_")
        if not throughput or streams != "STREAMS":
            made[key] = item
        elif str(item).endswith("_AUTO"):
            made["PERFORMANCE_HINT"] = "THROUGHPUT"
            draft.warnings.append(f"{path}: {key}={item} is now PERFORMANCE_HINT=THROUGHPUT")
        else:
            made["NUM_STREAMS"] = str(item)
            draft.warnings.append(f"{path}: {device}'s {key} is now NUM_STREAMS")
    draft.model["plugin_config"] = made


def version_policy(draft: Draft, path: str, option: str, value: Any) -> None:
    """Take C({"latest": {"num_versions": 1}}) and its kind."""
    policy = as_object(path, value)
    if "latest" in policy:
        count = (policy["latest"] or {}).get("num_versions", 1)
        draft.model["version_policy"] = {"latest": as_int(path, count)}
    elif "specific" in policy:
        versions = [as_int(path, one) for one in (policy["specific"] or {}).get("versions", [])]
        draft.model["versions"] = versions
    elif "all" in policy:
        draft.model["version_policy"] = {"all": True}
    else:
        raise InputError("it is neither all, latest nor specific", option=path)


def mesh(draft: Draft, path: str, option: str, value: Any) -> None:
    """Ask the service mesh for its sidecar."""
    if as_bool(value):
        draft.options.setdefault("annotations", {})["sidecar.istio.io/inject"] = "true"


def update_strategy(draft: Draft, path: str, option: str, value: Any) -> None:
    """Take a Deployment's strategy."""
    limits = value.get("rollingUpdate") or {}
    draft.put("strategy", str(value.get("type") or "RollingUpdate"))
    for key, name in (("maxSurge", "max_surge"), ("maxUnavailable", "max_unavailable")):
        if key in limits:
            draft.put(f"rolling_update.{name}", str(limits[key]))


def env_from(draft: Draft, path: str, option: str, value: Any) -> None:
    """Take a Secret or ConfigMap whose keys become variables."""
    key = "secret" if path.endswith("secret") else "config_map"
    draft.options.setdefault("env_from", []).append({key: str(value)})


def device(draft: Draft, path: str, option: str, value: Any) -> None:
    """Take a device plugin's resource with its amount."""
    group = "limits" if ".limits." in path else "requests"
    amount = draft.given.get(f"{path}_quantity") or "1"
    draft.options.setdefault("resources", {}).setdefault(group, {})[str(value)] = str(amount)


def resources(draft: Draft, path: str, option: str, value: Any) -> None:
    """Take the free resources of the old chart."""
    for group, amounts in value.items():
        made = draft.options.setdefault("resources", {}).setdefault(group, {})
        made.update({str(name): str(amount) for name, amount in (amounts or {}).items()})


def flag(draft: Draft, path: str, option: str, value: Any) -> None:
    """Take a setting that is an argument of the server."""
    if as_int(path, value):
        name = path.rpartition(".")[2]
        draft.options.setdefault("extra_args", []).extend([f"--{name}", str(as_int(path, value))])


def metrics(draft: Draft, path: str, option: str, value: Any) -> None:
    """Take the metrics; with a configuration of one's own they are arguments."""
    if not as_bool(draft.given.get("monitoring.metrics_enable")):
        if path.endswith("list"):
            draft.drop(path, value, "without metrics_enable the server ends with exit code 64")
        return
    if as_bool(draft.given.get("models_settings.single_model_mode", True)):
        (commas if path.endswith("list") else enable)(draft, path, option, value)
        return
    extra = ["--metrics_enable"] if path.endswith("enable") else ["--metrics_list", str(value)]
    draft.options.setdefault("extra_args", []).extend(extra)


def enable(draft: Draft, path: str, option: str, value: Any) -> None:
    """Set a boolean option to true."""
    draft.put(option, as_bool(value))


def security_context(draft: Draft, path: str, option: str, value: Any) -> None:
    """Convert user and group of the old chart; other fields are set by default, or dropped."""
    known = {"runAsUser": "run_as_user", "runAsGroup": "run_as_group", "fsGroup": "fs_group"}
    for key, item in value.items():
        if key in known:
            draft.put(known[key], as_int(f"{path}.{key}", item))
        else:
            draft.drop(f"{path}.{key}", item, "pods have a strict security context of their own")


def later(draft: Draft, path: str, option: str, value: Any) -> None:
    """Leave a value to the end of the migration, where all values are known."""


def gone(draft: Draft, path: str, option: str, value: Any) -> Optional[None]:
    """Never called: the table's C(note) is the reason why the value is dropped."""
