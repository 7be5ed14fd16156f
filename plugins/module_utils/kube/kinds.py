# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps an apiVersion and a kind to a URL path.

The kinds of this collection are in a table; only others cost a discovery request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple
from urllib.parse import quote

from ..errors import InputError


@dataclass(frozen=True)
class Resource:
    """The URL path of a kind: its C(plural), and whether it is namespaced or cluster-scoped."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def group(self) -> str:
        """The API group, empty for the core group."""
        group, slash, dummy = self.api_version.partition("/")
        return group if slash else ""

    def path(self, namespace: Optional[str] = None, name: Optional[str] = None) -> str:
        """Return the path of one object, or of the collection without C(name).

        Raises:
            InputError: an object of a namespaced kind without a namespace.
        """
        parts = [group_path(self.api_version)]
        if self.namespaced:
            if namespace:
                parts += ["namespaces", quote(namespace, safe="")]
            elif name:
                raise InputError(f"a {self.kind} needs a namespace", option="namespace")
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=":"))
        return "/".join(parts)


def group_path(api_version: str) -> str:
    """Return the path of a group and version: C(/api/v1), C(/apis/apps/v1)."""
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


_CORE = (
    "ConfigMap",
    "Event",
    "LimitRange",
    "PersistentVolumeClaim",
    "Pod",
    "ResourceQuota",
    "Secret",
    "Service",
    "ServiceAccount",
)
_TABLE: Tuple[Tuple[str, str, str, bool], ...] = (
    *(("v1", kind, kind.lower() + "s", True) for kind in _CORE),
    ("v1", "Endpoints", "endpoints", True),
    ("v1", "Namespace", "namespaces", False),
    ("v1", "Node", "nodes", False),
    ("v1", "PersistentVolume", "persistentvolumes", False),
    ("apps/v1", "Deployment", "deployments", True),
    ("apps/v1", "ReplicaSet", "replicasets", True),
    ("apps/v1", "DaemonSet", "daemonsets", True),
    ("apps/v1", "ControllerRevision", "controllerrevisions", True),
    ("apps/v1", "StatefulSet", "statefulsets", True),
    ("batch/v1", "Job", "jobs", True),
    ("batch/v1", "CronJob", "cronjobs", True),
    ("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", True),
    ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", True),
    ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", True),
    ("networking.k8s.io/v1", "Ingress", "ingresses", True),
    ("networking.k8s.io/v1", "IngressClass", "ingressclasses", False),
    ("networking.k8s.io/v1", "ServiceCIDR", "servicecidrs", False),
    ("discovery.k8s.io/v1", "EndpointSlice", "endpointslices", True),
    ("coordination.k8s.io/v1", "Lease", "leases", True),
    ("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", False),
    ("storage.k8s.io/v1", "StorageClass", "storageclasses", False),
    ("rbac.authorization.k8s.io/v1", "Role", "roles", True),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings", True),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", False),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings", False),
    ("authentication.k8s.io/v1", "SelfSubjectReview", "selfsubjectreviews", False),
    ("authorization.k8s.io/v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", False),
    ("authorization.k8s.io/v1", "LocalSubjectAccessReview", "localsubjectaccessreviews", True),
    ("authorization.k8s.io/v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews", False),
    ("resource.k8s.io/v1", "DeviceClass", "deviceclasses", False),
    ("resource.k8s.io/v1", "ResourceClaim", "resourceclaims", True),
    ("resource.k8s.io/v1", "ResourceClaimTemplate", "resourceclaimtemplates", True),
    ("resource.k8s.io/v1", "ResourceSlice", "resourceslices", False),
    ("intel.com/v1alpha1", "ModelServer", "modelservers", True),
    ("serving.kserve.io/v1alpha1", "ServingRuntime", "servingruntimes", True),
    ("serving.kserve.io/v1beta1", "InferenceService", "inferenceservices", True),
    ("config.openshift.io/v1", "Proxy", "proxies", False),
    ("security.openshift.io/v1", "SecurityContextConstraints", "securitycontextconstraints", False),
)

KNOWN: Dict[Tuple[str, str], Resource] = {
    (api_version, kind): Resource(api_version, kind, plural, namespaced)
    for api_version, kind, plural, namespaced in _TABLE
}


def from_discovery(api_version: str, kind: str, listing: Mapping[str, Any]) -> Optional[Resource]:
    """Return the resource of a kind from an C(APIResourceList), None when it is not served."""
    for item in listing.get("resources") or ():
        if item.get("kind") == kind and "/" not in item.get("name", "/"):
            return Resource(api_version, kind, item["name"], bool(item.get("namespaced")))
    return None
