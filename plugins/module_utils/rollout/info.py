# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry point of openvino.edge.release_info: lists, shows and compares recorded releases."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

from ..entry import merge_specs
from ..errors import InputError
from ..kube.auth.options import AUTH_ARGUMENT_SPEC
from ..kube.client import KubeClient
from ..kube.types import Access
from ..releases import Release, last_good
from ..runtime import Params, Result, Runtime
from ..server.values import dns_1035
from ..store import checked_namespace
from .choose import numbers
from .compare import details_of, differences, summary_of
from .history import History

ARGUMENT_SPEC: Dict[str, Any] = merge_specs(
    AUTH_ARGUMENT_SPEC,
    {
        "namespace": {"type": "str", "required": True},
        "name": {"type": "str", "required": True},
        "number": {"type": "int"},
        "compare": {"type": "list", "elements": "int"},
    },
)
SPEC_RULES: Dict[str, Any] = {"mutually_exclusive": [("number", "compare")]}


def required_access(params: Params) -> List[Access]:
    """Return the rights that C(run) uses."""
    return [Access("list", "", "configmaps", namespace=params["namespace"])]


def run(params: Params, runtime: Runtime) -> Result:
    """Return the recorded releases of one server, newest first.

    Raises:
        InputError: there is no release of that number.
    """
    place, name = checked_namespace(params), dns_1035(params["name"], "name")
    pair = params.get("compare")
    if pair is not None and len(pair) != 2:
        raise InputError(f"{len(pair)} numbers are given", option="compare", hint="Give two")
    with KubeClient.from_params(params) as client:
        history = History(client, place, name)
        releases = history.read()
        for record in history.unreadable:
            runtime.warn(f"ConfigMap {place}/{record} is no release record of this form")
    back = last_good(releases)
    result: Result = {
        "changed": False,
        "releases": [summary_of(item) for item in reversed(releases)],
        "last_good": None if back is None else back.number,
        "release": _shown(releases, params.get("number")),
    }
    if pair is not None:
        before, after = (_found(releases, number, "compare") for number in pair)
        result["differences"] = differences(before, after)
    return result


def _shown(releases: Sequence[Release], number: Optional[int]) -> Optional[Dict[str, Any]]:
    return None if number is None else details_of(_found(releases, number, "number"))


def _found(releases: Sequence[Release], number: int, option: str) -> Release:
    for release in releases:
        if release.number == number:
            return release
    known = numbers(releases) or "none"
    raise InputError(f"there is no release {number}", option=option, hint=f"Recorded are {known}")
