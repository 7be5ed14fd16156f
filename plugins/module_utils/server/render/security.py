# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security contexts, the Pod Security level they need, and the network policy. Pure.

Levels: k8s.io/pod-security-admission, policy/check_seLinuxOptions.go, check_seccompProfile_*.go and
check_appArmorProfile.go.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ..spec.security import NetworkPolicySpec, SecuritySpec

# SELinux types that the level "baseline" admits.
SE_LINUX_TYPES = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
NAMESPACE_LABEL = "kubernetes.io/metadata.name"

Part = Dict[str, Any]


def pod_security(security: SecuritySpec) -> Part:
    """Return the security context of the pod."""
    context: Part = {
        "runAsNonRoot": not security.root,
        "seccompProfile": security.seccomp.render(),
    }
    ids = {"runAsUser": security.run_as_user, "runAsGroup": security.run_as_group}
    context.update({key: value for key, value in ids.items() if value is not None})
    if security.fs_group is not None:
        # Always would change the owner of every model file at each start of a pod.
        context.update({"fsGroup": security.fs_group, "fsGroupChangePolicy": "OnRootMismatch"})
    if security.supplemental_groups:
        context["supplementalGroups"] = list(security.supplemental_groups)
    if security.se_linux:
        context["seLinuxOptions"] = dict(security.se_linux)
    if security.app_armor is not None:
        context["appArmorProfile"] = security.app_armor.render()
    return context


def needed_level(security: SecuritySpec) -> Tuple[str, List[str]]:
    """Return the strictest Pod Security level that admits this, and the options in its way."""
    se_linux, privileged = security.se_linux, []
    odd = se_linux.get("type", "") not in SE_LINUX_TYPES
    if odd or se_linux.get("user") or se_linux.get("role"):
        privileged.append("se_linux_options")
    if security.seccomp.type == "Unconfined":
        privileged.append("seccomp_profile")
    if security.app_armor is not None and security.app_armor.type == "Unconfined":
        privileged.append("app_armor_profile")
    if privileged:
        return "privileged", privileged
    return ("baseline", ["run_as_user"]) if security.root else ("restricted", [])


def network_policy(
    metadata: Mapping[str, Any],
    selector: Mapping[str, str],
    spec: NetworkPolicySpec,
    ports: Sequence[int],
) -> Part:
    """Return the policy that lets named callers reach the server's ports, and nobody else.

    Without a caller it is closed for all. What the server itself calls is not limited.
    """
    peers: List[Part] = [
        {"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: name}}} for name in spec.namespaces
    ]
    peers += [{"ipBlock": {"cidr": cidr}} for cidr in spec.addresses]
    peers += [dict(peer) for peer in spec.peers]
    rule = {"from": peers, "ports": [{"protocol": "TCP", "port": port} for port in ports]}
    body: Part = {"podSelector": {"matchLabels": dict(selector)}, "policyTypes": ["Ingress"]}
    if peers:
        # A rule with an empty "from" would admit everybody.
        body["ingress"] = [rule]
    kind = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    return {**kind, "metadata": dict(metadata), "spec": body}
