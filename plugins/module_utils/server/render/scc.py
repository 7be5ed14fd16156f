# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses the SecurityContextConstraints that admits the pods, and renders our own one. Pure.

Those of OpenShift: openshift/cluster-kube-apiserver-operator, bindata/bootkube/scc-manifests.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Tuple

from ...errors import InputError
from ..spec.security import SecuritySpec

GROUP = "security.openshift.io"
API_VERSION = f"{GROUP}/v1"
KIND = "SecurityContextConstraints"
RESOURCE = "securitycontextconstraints"
OWN = "openvino-edge-host-path"
DEFAULT, NON_ROOT = "restricted-v2", "nonroot-v2"
REQUIRED_ANNOTATION = "openshift.io/required-scc"
# OpenShift has a ClusterRole of this name for each constraint of its own.
ROLE_PREFIX = "system:openshift:scc:"

Part = Dict[str, Any]


def pick(security: SecuritySpec, *, host_path: bool, uids: Optional[range] = None) -> str:
    """Return the name of the strictest constraint that admits the pods.

    Args:
        security: of the server.
        host_path: the pods mount a directory of the node.
        uids: what the namespace lets its pods run as; None when that is not known.
    """
    if security.scc is not None and security.scc.name:
        return security.scc.name
    if host_path or (security.scc is not None and security.scc.create):
        return OWN
    if security.root:
        raise InputError(
            "no constraint that lets a server run as root is chosen by itself",
            option="run_as_user",
            hint="Leave it out: OpenShift chooses a user; or name a constraint with scc.name",
        )
    for uid in (security.run_as_user, security.fs_group):
        if uid is not None and (uids is None or uid not in uids):
            return NON_ROOT
    return DEFAULT


def role_name(security: SecuritySpec, constraint: str) -> str:
    """Return the ClusterRole with the right to use a constraint."""
    if security.scc is not None and security.scc.cluster_role:
        return security.scc.cluster_role
    return constraint if constraint == OWN else f"{ROLE_PREFIX}{constraint}"


def own_objects(labels: Mapping[str, str]) -> List[Part]:
    """Return the constraint of the collection and the role to use it.

    It is C(restricted-v2) with host paths and with any user but root. One for the whole cluster:
    it is not removed with a server. Constraints cannot limit which directory is mounted.
    """
    metadata = {"name": OWN, "labels": dict(labels)}
    constraint: Part = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": metadata,
        "allowHostDirVolumePlugin": True,
        "allowHostIPC": False,
        "allowHostNetwork": False,
        "allowHostPID": False,
        "allowHostPorts": False,
        "allowPrivilegedContainer": False,
        "allowPrivilegeEscalation": False,
        "defaultAllowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "allowedCapabilities": [],
        "defaultAddCapabilities": [],
        "priority": 0,
        "requiredDropCapabilities": ["ALL"],
        "runAsUser": {"type": "MustRunAsNonRoot"},
        "seLinuxContext": {"type": "MustRunAs"},
        "fsGroup": {"type": "RunAsAny"},
        "supplementalGroups": {"type": "RunAsAny"},
        "seccompProfiles": ["runtime/default"],
        "volumes": [
            "configMap",
            "downwardAPI",
            "emptyDir",
            "hostPath",
            "persistentVolumeClaim",
            "projected",
            "secret",
        ],
    }
    rule = {
        "apiGroups": [GROUP],
        "resources": [RESOURCE],
        "resourceNames": [OWN],
        "verbs": ["use"],
    }
    kind = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
    return [constraint, {**kind, "metadata": dict(metadata), "rules": [rule]}]


def binding(metadata: Mapping[str, Any], account: str, role: str) -> Part:
    """Return the RoleBinding that lets the server's service account use a constraint."""
    namespace = metadata["namespace"]
    subject = {"kind": "ServiceAccount", "name": account, "namespace": namespace}
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": dict(metadata),
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [subject],
    }


def review(namespace: str, account: str, constraint: str) -> Part:
    """Return the access review for a service account's right to use a constraint."""
    groups = [
        "system:serviceaccounts",
        f"system:serviceaccounts:{namespace}",
        "system:authenticated",
    ]
    attributes = {
        "group": GROUP,
        "resource": RESOURCE,
        "name": constraint,
        "namespace": namespace,
        "verb": "use",
    }
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "LocalSubjectAccessReview",
        "metadata": {"namespace": namespace},
        "spec": {
            "user": f"system:serviceaccount:{namespace}:{account}",
            "groups": groups,
            "resourceAttributes": attributes,
        },
    }


def refusals(
    constraint: Mapping[str, Any], security: SecuritySpec, *, host_path: bool
) -> List[str]:
    """Return the reasons why a constraint would refuse the pods; empty if none is known."""
    found = []
    if host_path and not constraint.get("allowHostDirVolumePlugin"):
        found.append("it does not admit host_path")
    rule = constraint.get("runAsUser") or {}
    uid, kind = security.run_as_user, rule.get("type")
    if uid is None and kind in ("MustRunAsNonRoot", "RunAsAny"):
        found.append("it chooses no user, so run_as_user is needed")
    if security.root and kind == "MustRunAsNonRoot":
        found.append("it does not admit root")
    if uid is not None and kind == "MustRunAs" and rule.get("uid") not in (None, uid):
        found.append(f"it admits user {rule['uid']} only, run_as_user is {uid}")
    first, last = rule.get("uidRangeMin", 0), rule.get("uidRangeMax", 2**31 - 1)
    if uid is not None and kind == "MustRunAsRange" and not first <= uid <= last:
        found.append(f"it admits users {first} to {last}, run_as_user is {uid}")
    return found


def missing_right(constraint: str, namespace: str, account: str) -> Tuple[str, str]:
    """Return what is wrong and the way out where an account may not use a constraint."""
    message = f"the ServiceAccount {namespace}/{account} may not use it"
    hint = (
        "Set scc.bind (your account needs the right itself), or run: oc adm policy"
        f" add-scc-to-user {constraint} -z {account} -n {namespace}"
    )
    return message, hint
