# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options for the helper pod and the node on which it runs. Pure."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Tuple

from ...errors import InputError
from ..content.users import DEFAULT_ID
from .pull import SecretMount

PLACEMENT_ARGUMENT_SPEC: Dict[str, Any] = {"node_selector": {"type": "dict", "default": {}}}
GUARD_ARGUMENT_SPEC: Dict[str, Any] = {
    "helper_resources": {
        "type": "dict",
        "default": {},
        "options": {
            "requests": {"type": "dict", "default": {}},
            "limits": {"type": "dict", "default": {}},
        },
    },
    "helper_allow_from": {"type": "list", "elements": "str", "default": []},
    "helper_idle": {"type": "int", "default": 0},
}
# Default requests and limits of a helper. There is no CPU limit: it would slow every copy.
RESOURCES: Mapping[str, Mapping[str, str]] = {
    "requests": {"cpu": "50m", "memory": "64Mi"},
    "limits": {"memory": "1Gi"},
}
_QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti|e[0-9]+)?")


@dataclass(frozen=True)
class HelperOptions:
    """The options of helper pods.

    Attributes:
        agent_image: has Python 3.8 or newer.
        exec_image: has bash and coreutils, like the model server's own image.
        image_pull_policy: of both.
        image_pull_secrets: names of Secrets in the namespace.
        uid: owner of the published files, and user of the pod of a volume, if the task says.
        gid: group of the same.
        tolerations: of the pod, as Kubernetes spells them.
        wait_timeout: seconds until the pod has to run.
        read_only: mount the store read-only, make nothing.
        secret: credentials for what the helper fetches.
        node_selector: labels that the node of the pod must have; sorted pairs.
        resources: requests and limits of the pod.
        idle: seconds for which a helper stays for the next task of the run; 0: it goes at once.
        allow_from: networks that may connect to the helper; an empty list allows all networks.
    """

    agent_image: str
    exec_image: str
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: Tuple[str, ...] = ()
    uid: Optional[int] = None
    gid: Optional[int] = None
    tolerations: Tuple[Mapping[str, Any], ...] = ()
    wait_timeout: float = 120.0
    read_only: bool = False
    node_selector: Tuple[Tuple[str, str], ...] = ()
    secret: Optional[SecretMount] = None
    resources: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: RESOURCES)
    allow_from: Tuple[str, ...] = ()
    idle: int = 0

    @property
    def owner(self) -> Tuple[int, int]:
        """User and group of the published files where the cluster does not decide."""
        return (
            DEFAULT_ID if self.uid is None else self.uid,
            DEFAULT_ID if self.gid is None else self.gid,
        )


def node_selector_pairs(params: Mapping[str, Any]) -> Tuple[Tuple[str, str], ...]:
    """Return the option C(node_selector) as sorted pairs."""
    pairs = (params.get("node_selector") or {}).items()
    return tuple(sorted((str(key), str(value)) for key, value in pairs))


def resources_from_params(params: Mapping[str, Any]) -> Dict[str, Dict[str, str]]:
    """Return requests and limits of the helper: the defaults, and over them what is given.

    Raises:
        InputError: a value that is no quantity.
    """
    given = params.get("helper_resources") or {}
    found: Dict[str, Dict[str, str]] = {}
    for kind, defaults in RESOURCES.items():
        values = {str(key): str(value) for key, value in (given.get(kind) or {}).items()}
        for key, value in values.items():
            if not _QUANTITY.fullmatch(value):
                raise InputError(
                    f"{value!r} is not a quantity",
                    option=f"helper_resources.{kind}.{key}",
                    hint="Like 500m of cpu, or 256Mi of memory",
                )
        found[kind] = {**defaults, **values}
    return found


def networks_from_params(params: Mapping[str, Any]) -> Tuple[str, ...]:
    """Return the option C(helper_allow_from) as networks.

    Raises:
        InputError: a value that is no network.
    """
    found = []
    for text in params.get("helper_allow_from") or ():
        try:
            found.append(str(ipaddress.ip_network(str(text), strict=False)))
        except ValueError as error:
            raise InputError(
                f"{text!r} is not a network: {error}",
                option="helper_allow_from",
                hint="Like 10.0.0.10/32, an address of the API server",
            ) from None
    return tuple(found)
