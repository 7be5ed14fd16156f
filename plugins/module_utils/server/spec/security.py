# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options for user ids, security profiles, constraints and the network policy of the pods. Pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from ...errors import InputError
from .. import values

# User "ovms" of the OVMS images (openvinotoolkit/model_server, Dockerfile.ubuntu).
DEFAULT_UID = 5000
AUTO, KUBERNETES, OPENSHIFT = "auto", "kubernetes", "openshift"
PROFILE_TYPES = ("RuntimeDefault", "Localhost", "Unconfined")
_MAX_ID = 2**31 - 1

PROFILE_OPTIONS: Dict[str, Any] = {
    "type": {"type": "str", "choices": list(PROFILE_TYPES), "default": "RuntimeDefault"},
    "localhost_profile": {"type": "str"},
}
SE_LINUX_OPTIONS: Dict[str, Any] = {
    name: {"type": "str"} for name in ("level", "role", "type", "user")
}
NETWORK_POLICY_OPTIONS: Dict[str, Any] = {
    "namespaces": {"type": "list", "elements": "str", "default": []},
    "addresses": {"type": "list", "elements": "str", "default": []},
    "peers": {"type": "list", "elements": "dict", "default": []},
}
SCC_OPTIONS: Dict[str, Any] = {
    "name": {"type": "str"},
    "create": {"type": "bool", "default": False},
    "bind": {"type": "bool", "default": False},
    "cluster_role": {"type": "str"},
}
SECURITY_ARGUMENT_SPEC: Dict[str, Any] = {
    "platform": {
        "type": "str",
        "choices": [AUTO, KUBERNETES, OPENSHIFT],
        "default": AUTO,
    },
    "run_as_user": {"type": "int"},
    "run_as_group": {"type": "int"},
    "fs_group": {"type": "int"},
    "supplemental_groups": {"type": "list", "elements": "int", "default": []},
    "se_linux_options": {"type": "dict", "options": SE_LINUX_OPTIONS},
    "seccomp_profile": {"type": "dict", "options": PROFILE_OPTIONS},
    "app_armor_profile": {"type": "dict", "options": PROFILE_OPTIONS},
    "service_account": {"type": "str"},
    "network_policy": {"type": "dict", "options": NETWORK_POLICY_OPTIONS},
    "scc": {"type": "dict", "options": SCC_OPTIONS},
}


@dataclass(frozen=True)
class Profile:
    """A seccomp or AppArmor profile."""

    type: str = "RuntimeDefault"
    localhost: str = ""

    def render(self) -> Dict[str, str]:
        """Return it as the pod's security context has it."""
        local = {"localhostProfile": self.localhost} if self.localhost else {}
        return {"type": self.type, **local}


@dataclass(frozen=True)
class NetworkPolicySpec:
    """The callers that the network policy admits; empty admits none."""

    namespaces: Tuple[str, ...] = ()
    addresses: Tuple[str, ...] = ()
    peers: Tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class SccSpec:
    """The SecurityContextConstraints of OpenShift to use.

    Attributes:
        name: empty to choose the strictest one that admits the pods.
        create: make the one of the collection.
        bind: let the service account of the server use it, by a RoleBinding.
        cluster_role: the role with the right to use it; empty for OpenShift's own one.
    """

    name: str = ""
    create: bool = False
    bind: bool = False
    cluster_role: str = ""


@dataclass(frozen=True)
class SecuritySpec:
    """The user ids, profiles, account and policies of the pods.

    Attributes:
        run_as_user, run_as_group, fs_group: None leaves the choice to the platform.
        chosen: names of the ids that the task gave.
        platform: auto, kubernetes or openshift.
        service_account: an existing one; empty for one of ours.
    """

    run_as_user: Optional[int] = DEFAULT_UID
    run_as_group: Optional[int] = DEFAULT_UID
    fs_group: Optional[int] = DEFAULT_UID
    supplemental_groups: Tuple[int, ...] = ()
    chosen: Tuple[str, ...] = ()
    platform: str = AUTO
    se_linux: Mapping[str, str] = field(default_factory=dict)
    seccomp: Profile = Profile()
    app_armor: Optional[Profile] = None
    service_account: str = ""
    network_policy: Optional[NetworkPolicySpec] = None
    scc: Optional[SccSpec] = None

    @property
    def root(self) -> bool:
        """Tell whether the server is asked to run as root."""
        return self.run_as_user == 0

    @property
    def openshift(self) -> bool:
        """Tell whether the cluster is known to be OpenShift."""
        return self.platform == OPENSHIFT


def security_from_params(params: Mapping[str, Any]) -> SecuritySpec:
    """Return the checked security options.

    Raises:
        InputError: names the option and the way out.
    """
    names = ("run_as_user", "run_as_group", "fs_group")
    ids = {name: _id(params.get(name), name) for name in names}
    account = params.get("service_account") or ""
    return SecuritySpec(
        **ids,
        chosen=tuple(name for name in names if params.get(name) is not None),
        supplemental_groups=_groups(params["supplemental_groups"]),
        platform=params.get("platform") or AUTO,
        se_linux=_se_linux(params.get("se_linux_options")),
        seccomp=_profile(params.get("seccomp_profile"), "seccomp_profile") or Profile(),
        app_armor=_profile(params.get("app_armor_profile"), "app_armor_profile"),
        service_account=values.subdomain(account, "service_account") if account else "",
        network_policy=_network_policy(params.get("network_policy")),
        scc=_scc(params.get("scc"), params.get("platform") or AUTO),
    )


def _id(value: Optional[int], option: str) -> Optional[int]:
    return DEFAULT_UID if value is None else values.optional_id(value, option)


def _groups(items: Sequence[Any]) -> Tuple[int, ...]:
    return tuple(
        values.integer(item, f"supplemental_groups[{index}]", 0, _MAX_ID)
        for index, item in enumerate(items)
    )


def _se_linux(options: Optional[Mapping[str, Any]]) -> Dict[str, str]:
    return {key: str(value) for key, value in sorted((options or {}).items()) if value}


def _profile(options: Optional[Mapping[str, Any]], option: str) -> Optional[Profile]:
    if not options:
        return None
    local = options.get("localhost_profile") or ""
    if bool(local) != (options["type"] == "Localhost"):
        raise InputError(
            "it belongs to type=Localhost, and to no other",
            option=f"{option}.localhost_profile",
            hint="Name the profile on the nodes together with type=Localhost",
        )
    return Profile(options["type"], local)


def _network_policy(options: Optional[Mapping[str, Any]]) -> Optional[NetworkPolicySpec]:
    if options is None:
        return None
    option = "network_policy"
    return NetworkPolicySpec(
        namespaces=tuple(
            values.subdomain(name, f"{option}.namespaces[{index}]")
            for index, name in enumerate(options.get("namespaces") or ())
        ),
        addresses=tuple(
            _network(item, f"{option}.addresses[{index}]")
            for index, item in enumerate(options.get("addresses") or ())
        ),
        peers=tuple(
            _peer(item, f"{option}.peers[{index}]")
            for index, item in enumerate(options.get("peers") or ())
        ),
    )


def _network(text: str, option: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        hint = "Write 10.0.0.7, or a network like 10.0.0.0/24 without bits behind its prefix"
        raise InputError(
            f"'{text}' is not an address or a network", option=option, hint=hint
        ) from None


def _peer(item: Mapping[str, Any], option: str) -> Mapping[str, Any]:
    """Return a checked peer; an empty one, such as after a typing error, would admit everybody."""
    known = ("podSelector", "namespaceSelector", "ipBlock")
    if not item or any(key not in known for key in item):
        raise InputError(
            f"a peer has one or more of {', '.join(known)}",
            option=option,
            hint="See NetworkPolicyPeer in the API of Kubernetes",
        )
    return item


def _scc(options: Optional[Mapping[str, Any]], platform: str) -> Optional[SccSpec]:
    if options is None:
        return None
    if platform == KUBERNETES:
        raise InputError("there are none with platform=kubernetes", option="scc")
    name = options.get("name") or ""
    if options.get("create") and name:
        raise InputError(
            "create makes the one of the collection, under its own name",
            option="scc.name",
            hint="Leave out scc.name, or scc.create",
        )
    return SccSpec(
        name=values.subdomain(name, "scc.name") if name else "",
        create=bool(options.get("create")),
        bind=bool(options.get("bind")),
        cluster_role=options.get("cluster_role") or "",
    )
