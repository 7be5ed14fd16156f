# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the two repository modules: argument specs and typed values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple

from ...entry import merge_specs
from ...errors import InputError
from ...images import DEFAULT_SERVER_IMAGE
from ...kube.auth.options import AUTH_ARGUMENT_SPEC
from ...kube.planned import PLANNED_ARGUMENT_SPEC
from ...store import STORE_ARGUMENT_SPEC, STORE_RULES, Store, store_from_params
from ..agent.shared import LONGEST_PAUSE
from ..content.layout import Selection
from .argument_spec import (
    AUDIT_ARGUMENT_SPEC,
    COMPARE_ARGUMENT_SPEC,
    PEERS_ARGUMENT_SPEC,
    REPAIR_ARGUMENT_SPEC,
    STAMPS,
    repair_from_params,
)
from .helper import (
    GUARD_ARGUMENT_SPEC,
    PLACEMENT_ARGUMENT_SPEC,
    HelperOptions,
    networks_from_params,
    node_selector_pairs,
    resources_from_params,
)
from .pull import PULL_ARGUMENT_SPEC, PullOptions, pull_from_params
from .rate import parse_rate
from .retention import RETENTION_ARGUMENT_SPEC, Rules, rules_from_params
from .selection import selection_from_params
from .signature import SIGNATURE_ARGUMENT_SPEC, SignatureOptions, signature_from_params

DEFAULT_AGENT_IMAGE = "docker.io/library/python:3.12-slim"
PULL_POLICIES = ("IfNotPresent", "Always", "Never")
TRANSPORTS = ("auto", "agent", "exec")
MAX_ID = 2**31 - 1
RANGES = (
    ("uid", 0, MAX_ID),
    ("gid", 0, MAX_ID),
    ("wait_timeout", 1, 86400),
    ("parallel", 1, 64),
    ("helper_idle", 0, int(LONGEST_PAUSE)),
)

TOLERATION_SPEC: Dict[str, Any] = {
    "key": {"type": "str", "no_log": False},
    "operator": {"type": "str", "choices": ["Equal", "Exists"], "default": "Equal"},
    "value": {"type": "str"},
    "effect": {"type": "str", "choices": ["NoSchedule", "PreferNoSchedule", "NoExecute"]},
}

MODELS_SPEC: Dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "name": {"type": "str", "required": True},
        "versions": {"type": "list", "elements": "int", "default": []},
        "path": {"type": "str"},
    },
}

HELPER_ARGUMENT_SPEC: Dict[str, Any] = {
    **PLACEMENT_ARGUMENT_SPEC,
    **GUARD_ARGUMENT_SPEC,
    "models": MODELS_SPEC,
    "transport": {"type": "str", "choices": list(TRANSPORTS), "default": "auto"},
    "agent_image": {"type": "str", "default": DEFAULT_AGENT_IMAGE},
    "exec_image": {"type": "str", "default": DEFAULT_SERVER_IMAGE},
    "image_pull_policy": {
        "type": "str",
        "choices": list(PULL_POLICIES),
        "default": "IfNotPresent",
    },
    "image_pull_secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "uid": {"type": "int"},
    "gid": {"type": "int"},
    "tolerations": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": TOLERATION_SPEC,
    },
    "wait_timeout": {"type": "int", "default": 120},
    "parallel": {"type": "int", "default": 4},
}

SENDING_ARGUMENT_SPEC: Dict[str, Any] = {
    "delta": {"type": "str", "choices": ["auto", "never"], "default": "auto"},
    "compress": {"type": "str", "choices": ["auto", "never"], "default": "auto"},
    "bandwidth_limit": {"type": "str"},
    "bandwidth_limit_total": {"type": "str"},
}

ARGUMENT_SPEC = merge_specs(
    AUTH_ARGUMENT_SPEC,
    STORE_ARGUMENT_SPEC,
    HELPER_ARGUMENT_SPEC,
    SENDING_ARGUMENT_SPEC,
    SIGNATURE_ARGUMENT_SPEC,
    COMPARE_ARGUMENT_SPEC,
    RETENTION_ARGUMENT_SPEC,
    REPAIR_ARGUMENT_SPEC,
    PEERS_ARGUMENT_SPEC,
    PULL_ARGUMENT_SPEC,
    PLANNED_ARGUMENT_SPEC,
    {
        "src": {"type": "path"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "force": {"type": "bool", "default": False},
    },
)
SPEC_RULES: Dict[str, Any] = {
    **STORE_RULES,
    "mutually_exclusive": [*STORE_RULES["mutually_exclusive"], ("src", "pull")],
    "required_if": [("state", "present", ("src", "pull"), True)],
}

INFO_ARGUMENT_SPEC = merge_specs(
    AUTH_ARGUMENT_SPEC,
    STORE_ARGUMENT_SPEC,
    HELPER_ARGUMENT_SPEC,
    AUDIT_ARGUMENT_SPEC,
)
INFO_SPEC_RULES: Dict[str, Any] = dict(STORE_RULES)


@dataclass(frozen=True)
class Options:
    """All options of a task, checked once; the engine reads no raw parameters after this.

    Attributes:
        store: where the repository lives.
        selection: the chosen models; empty for all.
        transport: C(auto), C(agent) or C(exec).
        helper: how helper pods are made.
        parallel: streams at once.
        delta: whether changed files are built from old ones.
        compress: whether text is compressed on the way.
        bandwidth_limit: bytes per second of all streams; C(None) for no limit.
        bandwidth_limit_total: the same, over all tasks of this controller.
        compare: how the published versions of a store are found out; see C(record).
        pull: where the site fetches the files from; C(None) when the controller has them.
        src: the local repository; empty without one.
        absent: whether the chosen versions are to be removed.
        force: whether versions that are in use may be removed.
        rules: which published versions are removed after a copy.
        repair: whether damaged versions are restored.
        peers: whether nodes of a site give files to each other.
        signature: what the files have to be signed with; C(None): no signature is asked for.
        verify: whether an audit reads every byte.
    """

    store: Store
    selection: Tuple[Selection, ...]
    transport: str
    helper: HelperOptions
    parallel: int
    delta: bool = True
    compress: bool = True
    bandwidth_limit: Optional[int] = None
    bandwidth_limit_total: Optional[int] = None
    compare: str = STAMPS
    pull: Optional[PullOptions] = None
    src: str = ""
    absent: bool = False
    force: bool = False
    rules: Rules = Rules()
    repair: bool = False
    peers: bool = True
    signature: Optional[SignatureOptions] = None
    verify: bool = False


def options_from_params(params: Mapping[str, Any], *, read_only: bool) -> Options:
    """Return typed options; every option is checked, whatever the others are.

    Raises:
        InputError: a value that cannot be, before any cluster is asked.
    """
    for name in ("agent_image", "exec_image"):
        if not str(params.get(name) or "").strip():
            raise InputError("an image name is needed", option=name)
    for name, low, high in RANGES:
        if params[name] is not None and not low <= int(params[name]) <= high:
            raise InputError(f"{params[name]} is not from {low} to {high}", option=name)
    pull = pull_from_params(params)
    total = parse_rate(params.get("bandwidth_limit_total"), "bandwidth_limit_total")
    helper = HelperOptions(
        agent_image=params["agent_image"],
        exec_image=params["exec_image"],
        image_pull_policy=params["image_pull_policy"],
        image_pull_secrets=tuple(params["image_pull_secrets"]),
        uid=params["uid"],
        gid=params["gid"],
        tolerations=tuple(_without_none(item) for item in params["tolerations"]),
        wait_timeout=float(params["wait_timeout"]),
        read_only=read_only,
        node_selector=node_selector_pairs(params),
        resources=resources_from_params(params),
        allow_from=networks_from_params(params),
        idle=params["helper_idle"],
        secret=pull.secret if pull else None,
    )
    selection = tuple(selection_from_params(params["models"]))
    absent = params.get("state") == "absent"
    if absent:
        _require_names(selection)
    return Options(
        store=store_from_params(params),
        selection=selection,
        transport="agent" if pull else params["transport"],
        helper=helper,
        parallel=params["parallel"],
        delta=params.get("delta") != "never" and pull is None,
        compress=params.get("compress") != "never",
        bandwidth_limit=parse_rate(params.get("bandwidth_limit")),
        bandwidth_limit_total=None if pull or absent else total,  # nothing is sent then
        compare=params.get("compare") or STAMPS,
        pull=pull,
        src=str(params.get("src") or ""),
        absent=absent,
        force=bool(params.get("force")),
        rules=rules_from_params(params),
        repair=repair_from_params(params),
        peers=bool(params.get("peers", True)),
        signature=signature_from_params(params),
        verify=bool(params.get("verify")),
    )


def _without_none(item: Mapping[str, Any]) -> Dict[str, Any]:
    return {key: value for key, value in item.items() if value is not None}


def _require_names(selection: Tuple[Selection, ...]) -> None:
    """Refuse C(state=absent) without C(models): a removal has to name each model."""
    if not selection:
        raise InputError(
            "state=absent needs the models to remove",
            option="models",
            hint="Name each model, with versions to keep the others",
        )
