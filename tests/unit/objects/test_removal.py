# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Case 34: no namespace and no claim goes with the work of others in it."""

from __future__ import annotations

import copy
from typing import Any, Dict, List, Optional, Tuple

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    ForbiddenError,
    InputError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.apply import Change
from ansible_collections.openvino.edge.plugins.module_utils.kube.ownership import CREATED_ANNOTATION
from ansible_collections.openvino.edge.plugins.module_utils.objects.removal import remove
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime

Item = Dict[str, Any]
GROUPS = {
    "v1": {
        "pods": "Pod",
        "secrets": "Secret",
        "configmaps": "ConfigMap",
        "persistentvolumeclaims": "PersistentVolumeClaim",
        "serviceaccounts": "ServiceAccount",
        "events": "Event",
    },
    "apps/v1": {"deployments": "Deployment", "replicasets": "ReplicaSet"},
    "example.com/v1": {"recipes": "Recipe"},
    "rbac.authorization.k8s.io/v1": {"rolebindings": "RoleBinding"},
}


class Cluster:
    """A namespace ``edge``, asked for by path as discovery and lists do."""

    def __init__(self) -> None:
        self.objects: Dict[Tuple[str, str], Item] = {}
        self.deleted: List[Tuple[str, str, Any]] = []
        self.closed: Dict[str, int] = {}

    def add(self, kind: str, name: str, *, ours: bool = False, **fields: Any) -> Item:
        metadata = {"name": name, "uid": f"uid-{name}", **fields.pop("metadata", {})}
        if kind != "Namespace":
            metadata["namespace"] = "edge"
        if ours:
            metadata["annotations"] = {CREATED_ANNOTATION: metadata["uid"]}
        item: Item = {"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields}
        self.objects[kind, name] = item
        return item

    def get(
        self, api_version: str, kind: str, name: str, namespace: Optional[str] = None
    ) -> Optional[Item]:
        return copy.deepcopy(self.objects.get((kind, name)))

    def list(self, api_version: str, kind: str, namespace: str) -> Tuple[List[Item], str]:
        if kind.lower() + "s" in self.closed:
            raise ForbiddenError(f"may not list {kind}")
        return [item for key, item in self.objects.items() if key[0] == kind], "1"

    def delete(
        self, api_version: str, kind: str, name: str, namespace: Any, *, uid: Any, dry_run: bool
    ) -> bool:
        if not dry_run:
            self.deleted.append((kind, name, uid))
            del self.objects[kind, name]
        return True

    def request_json(self, method: str, path: str, **given: Any) -> Item:
        if path == "/apis":
            groups = [name for name in GROUPS if "/" in name]
            return {"groups": [{"preferredVersion": {"groupVersion": one}} for one in groups]}
        version = path.split("/namespaces/")[0].partition("/api")[2].lstrip("s").lstrip("/")
        if "/namespaces/" not in path:
            self._answer(version)
            verbs = ["create", "delete", "get", "list"]
            kinds = {**GROUPS[version], "pods/log": "Pod"}
            more = [{"name": "reviews", "kind": "Review", "namespaced": True, "verbs": ["create"]}]
            return {
                "resources": more
                + [
                    {"name": plural, "kind": kind, "namespaced": True, "verbs": verbs}
                    for plural, kind in kinds.items()
                ]
            }
        assert "PartialObjectMetadataList" in given["headers"]["Accept"]
        plural = path.rsplit("/", 1)[1]
        self._answer(plural)
        kind = GROUPS[version][plural]
        return {"items": [item for key, item in self.objects.items() if key[0] == kind]}

    def _answer(self, what: str) -> None:
        status = self.closed.get(what)
        if status == 403:
            raise ForbiddenError(f"may not list {what}")
        if status:
            raise ApiError("no", status=status)


def definition(kind: str, name: str) -> Item:
    metadata = {"name": name, **({} if kind == "Namespace" else {"namespace": "edge"})}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}


CLAIM, NAMESPACE = definition("PersistentVolumeClaim", "models"), definition("Namespace", "edge")
BOTH = [CLAIM, NAMESPACE]


@pytest.fixture
def cluster() -> Cluster:
    """What the collection made, and what every namespace is given."""
    made = Cluster()
    made.add("Namespace", "edge", ours=True)
    made.add("PersistentVolumeClaim", "models", ours=True)
    made.add("ConfigMap", "kube-root-ca.crt")
    made.add("ServiceAccount", "default")
    made.add("RoleBinding", "edge")
    made.add("Recipe", "from-all-over", metadata={"labels": {"olm.copiedFrom": "operators"}})
    made.add("Event", "something")
    owners = {"ownerReferences": [{"kind": "Deployment", "name": "x"}]}
    made.add("ReplicaSet", "x-1", metadata=owners)
    notes = {"kubernetes.io/service-account.name": "default"}
    made.add("Secret", "default-token-abcde", metadata={"annotations": notes})
    made.add("Pod", "old", metadata={"deletionTimestamp": "now"}, spec=using("models"))
    return made


def using(claim: str) -> Item:
    return {"volumes": [{"emptyDir": {}}, {"persistentVolumeClaim": {"claimName": claim}}]}


def run(
    cluster: Any, definitions: List[Item], *, check: bool = False, **given: bool
) -> Tuple[List[Change], List[str]]:
    runtime = Runtime(check_mode=check)
    options = {"force": False, "keep_foreign": True, **given}
    changes, _gone = remove(cluster, definitions, runtime, **options)
    return changes, runtime.warnings


def gone(cluster: Cluster) -> List[str]:
    return [kind for kind, _name, _uid in cluster.deleted]


def test_case_34_what_we_made_goes_with_its_uid(cluster: Cluster) -> None:
    changes, warnings = run(cluster, BOTH)
    assert [change.action for change in changes] == ["deleted", "deleted"] and warnings == []
    assert cluster.deleted == [
        ("PersistentVolumeClaim", "models", "uid-models"),
        ("Namespace", "edge", "uid-edge"),
    ]
    changes, warnings = run(cluster, BOTH)
    assert [change.action for change in changes] == ["unchanged", "unchanged"] and warnings == []


@pytest.mark.parametrize("order", [BOTH, BOTH[::-1]])
def test_case_34_the_order_does_not_matter_to_what_is_left(
    cluster: Cluster, order: List[Item]
) -> None:
    assert run(cluster, order)[1] == []
    assert len(cluster.deleted) == 2


@pytest.mark.parametrize("kind", ["Namespace", "PersistentVolumeClaim"])
@pytest.mark.parametrize("mark", [None, "uid-of-a-copy"])
def test_case_34_what_others_made_stays_and_so_does_what_holds_it(
    cluster: Cluster, kind: str, mark: Optional[str]
) -> None:
    name = "edge" if kind == "Namespace" else "models"
    metadata = cluster.objects[kind, name]["metadata"]
    metadata["annotations"] = {CREATED_ANNOTATION: mark} if mark else {}
    changes, warnings = run(cluster, BOTH)
    assert "was not created by this collection" in warnings[0]
    if kind == "Namespace":
        assert gone(cluster) == ["PersistentVolumeClaim"]
        assert warnings[0].startswith("Namespace edge stays: ")
    else:
        assert gone(cluster) == []
        assert warnings[0].startswith("PersistentVolumeClaim edge/models stays: ")
        assert "Namespace edge stays: it holds PersistentVolumeClaim models" in warnings[1]
    assert [change.action for change in changes].count("unchanged") == len(warnings)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("Secret", "password"), ("ConfigMap", "recipes"), ("Deployment", "hmi"), ("Recipe", "cake")],
)
def test_case_34_a_namespace_with_something_of_others_stays(
    cluster: Cluster, kind: str, name: str
) -> None:
    cluster.add(kind, name)
    warnings = run(cluster, BOTH)[1]
    assert warnings == [f"Namespace edge stays: it holds {kind} {name}"]
    assert gone(cluster) == ["PersistentVolumeClaim"]


def test_case_34_so_does_a_second_server_and_another_claim_of_ours(cluster: Cluster) -> None:
    labels = {"app.kubernetes.io/managed-by": "openvino.edge", "openvino.edge/server": "other"}
    cluster.add("Deployment", "other", metadata={"labels": labels})
    cluster.add("PersistentVolumeClaim", "more", ours=True)
    warnings = run(cluster, BOTH)[1]
    assert warnings == [
        "Namespace edge stays: it holds Deployment other, PersistentVolumeClaim more"
    ]


def test_case_34_only_a_few_are_named(cluster: Cluster) -> None:
    for number in range(9):
        cluster.add("Secret", f"s{number}")
    assert run(cluster, BOTH)[1][0].endswith("Secret s3, Secret s4 and 4 more")


def test_case_34_a_claim_in_use_stays(cluster: Cluster) -> None:
    cluster.add("Pod", "reader", spec=using("models"))
    cluster.add("Pod", "elsewhere", spec=using("other"))
    warnings = run(cluster, [CLAIM])[1]
    assert warnings == [
        "PersistentVolumeClaim edge/models stays: it is used by Pod reader",
    ]
    assert cluster.deleted == []


@pytest.mark.parametrize(
    ("closed", "told"),
    [
        ({"secrets": 403}, "what it holds of secrets cannot be seen"),
        ({"recipes": 500}, "what it holds of recipes cannot be seen"),
        ({"example.com/v1": 503}, "what it holds of example.com/v1 cannot be seen"),
    ],
)
def test_case_34_what_cannot_be_seen_counts_as_held(
    cluster: Cluster, closed: Dict[str, int], told: str
) -> None:
    cluster.closed = closed
    assert run(cluster, BOTH)[1] == [f"Namespace edge stays: {told}"]


def test_case_34_nor_who_uses_a_claim(cluster: Cluster) -> None:
    cluster.closed = {"pods": 403}
    assert "who uses it cannot be seen" in run(cluster, [CLAIM])[1][0]


def test_case_34_without_keep_foreign_it_is_an_error_before_anything_is_deleted(
    cluster: Cluster,
) -> None:
    cluster.add("Secret", "password")
    with pytest.raises(InputError, match="definitions: Namespace edge: it holds .*force: true"):
        run(cluster, BOTH, keep_foreign=False)
    assert cluster.deleted == []


def test_case_34_a_stated_force_deletes_all(cluster: Cluster) -> None:
    cluster.add("Secret", "password")
    for kind, name in (("Namespace", "edge"), ("PersistentVolumeClaim", "models")):
        cluster.objects[kind, name]["metadata"].pop("annotations")
    assert run(cluster, BOTH, force=True)[1] == []
    assert len(cluster.deleted) == 2


def test_case_34_check_mode_takes_servers_of_ours_for_gone(cluster: Cluster) -> None:
    labels = {"app.kubernetes.io/managed-by": "openvino.edge", "openvino.edge/server": "ovms"}
    cluster.add("Deployment", "ovms", metadata={"labels": labels})
    cluster.add("Pod", "ovms-1", metadata={"labels": labels}, spec=using("models"))
    changes, warnings = run(cluster, BOTH, check=True)
    assert warnings == [] and cluster.deleted == []
    assert [change.action for change in changes] == ["deleted", "deleted"]
    assert len(run(cluster, BOTH)[1]) == 2


def test_case_34_the_claim_of_a_local_volume_is_ours(cluster: Cluster) -> None:
    labels = {"app.kubernetes.io/managed-by": "openvino.edge"}
    spec = {"volumeName": "openvino-edge-edge-models-12345678"}
    cluster.add("PersistentVolumeClaim", "models", metadata={"labels": labels}, spec=spec)
    assert run(cluster, BOTH)[1] == []
    cluster.add("PersistentVolumeClaim", "models", spec=spec)
    assert "not created by this collection" in run(cluster, [CLAIM])[1][0]


def test_other_kinds_are_asked_nothing(cluster: Cluster) -> None:
    cluster.add("Secret", "password")
    changes, warnings = run(cluster, [definition("Secret", "password")], keep_foreign=False)
    assert [change.action for change in changes] == ["deleted"] and warnings == []
