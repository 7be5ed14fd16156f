# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What applying and deleting objects reports, over an API server in a dictionary."""

from __future__ import annotations

import copy
import itertools
from typing import Any, Dict, List, Optional, Tuple

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import ApiError, ForbiddenError
from ansible_collections.openvino.edge.plugins.module_utils.kube import kinds
from ansible_collections.openvino.edge.plugins.module_utils.kube.apply import (
    UPDATED,
    Change,
    Ref,
    apply_objects,
    delete_objects,
    render_diff,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.diffs import clean
from ansible_collections.openvino.edge.plugins.module_utils.kube.ownership import (
    CREATED_ANNOTATION,
    is_own,
)

Key = Tuple[str, Optional[str], str]
BARE = {"apiVersion", "kind", "metadata", "name", "namespace"}


class Store:
    """Keeps objects; adds what a server adds, and refuses objects without a namespace."""

    def __init__(self, *objects: Dict[str, Any]) -> None:
        self.objects: Dict[Key, Dict[str, Any]] = {}
        self.calls: List[str] = []
        self.refuse = ""
        self.manager = "openvino.edge"
        self.lacking: "set[str]" = set()
        self._versions = itertools.count(1)
        for obj in objects:
            self.objects[self._key(obj)] = self._served(obj)

    @staticmethod
    def _key(obj: Dict[str, Any]) -> Key:
        return obj["kind"], obj["metadata"].get("namespace"), obj["metadata"]["name"]

    def _served(self, obj: Dict[str, Any]) -> Dict[str, Any]:
        served = copy.deepcopy(obj)
        version = str(next(self._versions))
        fields = [{"manager": self.manager, "operation": "Apply", "time": version}]
        if self.manager == "openvino.edge" and set(obj) | {*obj["metadata"]} <= BARE:
            fields = []  # who applies a name alone owns no field
        meta = {"uid": version, "resourceVersion": version, "managedFields": fields}
        served["metadata"].update(meta, creationTimestamp=version, generation=int(version))
        served["status"] = {"seen": version}
        return served

    def lacks_namespace(self, name: str | None) -> bool:
        return name in self.lacking

    def resource(self, api_version: str, kind: str) -> kinds.Resource:
        return kinds.KNOWN[api_version, kind]

    def get(self, api_version: str, kind: str, name: str, namespace: Any = None) -> Any:
        self.calls.append(f"get {kind} {name}")
        return copy.deepcopy(self.objects.get((kind, namespace, name)))

    def apply(self, obj: Dict[str, Any], *, dry_run: bool = False) -> Dict[str, Any]:
        self.calls.append(f"{'dry ' if dry_run else ''}apply {obj['kind']}")
        namespace = obj["metadata"].get("namespace")
        if obj["metadata"]["name"] == self.refuse:
            raise ApiError("refused", status=422)
        if namespace and ("Namespace", None, namespace) not in self.objects:
            raise ApiError(f'namespaces "{namespace}" not found', status=404)
        served = self._served(obj)
        before = self.objects.get(self._key(obj))
        if before is not None:
            # What another manager owns stays as it is.
            served["metadata"]["uid"] = before["metadata"]["uid"]
            noted = before["metadata"].get("annotations") or {}
            if CREATED_ANNOTATION in noted:
                mine = served["metadata"].get("annotations") or {}
                kept = {CREATED_ANNOTATION: noted[CREATED_ANNOTATION]}
                served["metadata"]["annotations"] = {**mine, **kept}
        if not dry_run:
            self.objects[self._key(obj)] = served
        return served

    def patch(
        self, api_version: str, kind: str, name: str, namespace: Any, body: Dict[str, Any]
    ) -> None:
        self.calls.append(f"patch {kind} {name}")
        stored = self.objects[kind, namespace, name]["metadata"]
        assert body["metadata"]["uid"] == stored["uid"]
        stored.setdefault("annotations", {}).update(body["metadata"]["annotations"])

    def list(
        self, api_version: str, kind: str, namespace: str, label_selector: str
    ) -> Tuple[List[Dict[str, Any]], str]:
        wanted = dict(pair.split("=") for pair in label_selector.split(","))
        found = [
            obj
            for key, obj in self.objects.items()
            if key[:2] == (kind, namespace)
            and wanted.items() <= (obj["metadata"].get("labels") or {}).items()
        ]
        return copy.deepcopy(found), "1"

    def delete(
        self, api_version: str, kind: str, name: str, namespace: Any, *, uid: Any, dry_run: bool
    ) -> bool:
        self.calls.append(f"{'dry ' if dry_run else ''}delete {kind} {name}")
        found = self.objects.get((kind, namespace, name))
        assert found is None or uid == found["metadata"]["uid"]
        if dry_run:
            return (kind, namespace, name) in self.objects
        return self.objects.pop((kind, namespace, name), None) is not None


def store(*objects: Dict[str, Any]) -> Any:
    return Store(*objects)


def config(name: str = "a", **data: str) -> Dict[str, Any]:
    meta = {"name": name, "namespace": "n"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}
OWNER = {"openvino.edge/server": "ovms"}


def actions(changes: Any) -> List[str]:
    return [str(change) for change in changes]


def test_created_updated_unchanged() -> None:
    api = store()
    objects = [NAMESPACE, config(x="1")]
    first = apply_objects(api, objects, check_mode=False)
    assert actions(first) == ["created Namespace n", "created ConfigMap n/a"]
    second = apply_objects(api, objects, check_mode=False)
    assert actions(second) == ["unchanged Namespace n", "unchanged ConfigMap n/a"]
    assert not any(change.changed for change in second)
    third = apply_objects(api, [NAMESPACE, config(x="2")], check_mode=False)
    assert actions(third)[1] == "updated ConfigMap n/a"
    assert third[1].before == config(x="1")
    assert third[1].after == config(x="2")


def test_one_get_and_one_patch_each() -> None:
    api = store(NAMESPACE)
    apply_objects(api, [config()], check_mode=False)
    assert api.calls == ["get ConfigMap a", "apply ConfigMap"]


def test_check_mode_changes_nothing() -> None:
    api = store(NAMESPACE, config(x="1"))
    before = copy.deepcopy(api.objects)
    changes = apply_objects(api, [config(x="2"), config("b")], check_mode=True)
    assert actions(changes) == ["updated ConfigMap n/a", "created ConfigMap n/b"]
    assert api.objects == before


def test_check_mode_in_a_namespace_that_is_to_be_created() -> None:
    api = store()
    changes = apply_objects(api, [NAMESPACE, config(x="1")], check_mode=True)
    assert actions(changes) == ["created Namespace n", "created ConfigMap n/a"]
    assert changes[1].after == config(x="1")
    assert api.objects == {}
    api.lacking = {"n"}
    changes = apply_objects(api, [config()], check_mode=True)
    assert actions(changes) == ["created ConfigMap n/a"]
    assert api.objects == {}
    api.lacking = set()
    with pytest.raises(ApiError, match="not found"):
        apply_objects(api, [config()], check_mode=True)


class Judge(Store):
    """Refuses every object in the namespace C(default) with one error, which names the object."""

    def __init__(self, make: Any) -> None:
        super().__init__()
        self.make, self.tried = make, [""]

    def apply(self, obj: Dict[str, Any], *, dry_run: bool = False) -> Dict[str, Any]:
        assert dry_run and obj["metadata"]["namespace"] == "default"
        self.tried.append(obj["metadata"]["name"])
        raise self.make(f"ConfigMap {obj['metadata']['name']} is wrong")


@pytest.mark.parametrize(
    ("make", "refuses"),
    [
        (lambda text: ApiError(text, status=422, subject="apply ConfigMap default/x"), True),
        (lambda text: ApiError(f"{text}: not declared in schema", status=500), True),
        (lambda text: ApiError(text, status=404), False),
        (lambda text: ApiError(text, status=500), False),
        (ForbiddenError, False),
    ],
)
def test_fields_in_a_planned_namespace_are_judged_elsewhere(make: Any, refuses: bool) -> None:
    api: Any = Judge(make)
    api.lacking = {"n"}
    if refuses:
        with pytest.raises(ApiError, match="ConfigMap a is wrong") as caught:
            apply_objects(api, [config()], check_mode=True)
        assert caught.value.subject == "apply ConfigMap n/a"
    else:
        (change,) = apply_objects(api, [config()], check_mode=True)
        assert str(change) == "created ConfigMap n/a"
    assert api.tried[-1] not in ("", "a"), "an object of that name may be there"


def test_refusal_tells_what_was_done_before() -> None:
    api = store()
    api.refuse = "b"
    with pytest.raises(ApiError) as caught:
        apply_objects(api, [NAMESPACE, config("a"), config("b")], check_mode=False)
    assert caught.value.details["changed"] is True
    assert caught.value.details["done"] == ["created Namespace n", "created ConfigMap n/a"]
    with pytest.raises(ApiError) as caught:
        apply_objects(api, [NAMESPACE, config("c"), config("b")], check_mode=True)
    assert "changed" not in caught.value.details


def labelled(obj: Dict[str, Any], **meta: Any) -> Dict[str, Any]:
    obj["metadata"].update(labels=dict(OWNER), **meta)
    return obj


@pytest.mark.parametrize("check_mode", [False, True])
def test_what_is_no_longer_wanted_is_pruned(check_mode: bool) -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "n"}}
    api = store(
        NAMESPACE,
        labelled(config("a")),
        labelled(config("old")),
        config("foreign"),
        labelled(config("dependent"), ownerReferences=[{"uid": "1"}]),
        labelled(service),
    )
    changes = apply_objects(api, [config("a")], check_mode=check_mode, owner=OWNER)
    assert actions(changes) == [
        "unchanged ConfigMap n/a",
        "deleted ConfigMap n/old",
        "deleted Service n/s",
    ]
    left = {key[2] for key in api.objects}
    assert left == {"n", "a", "foreign", "dependent"} | ({"old", "s"} if check_mode else set())


def test_no_owner_prunes_nothing() -> None:
    api = store(NAMESPACE, labelled(config("old")))
    assert actions(apply_objects(api, [config("a")], check_mode=False)) == ["created ConfigMap n/a"]


def test_delete() -> None:
    api = store(NAMESPACE, config("a"))
    refs: List[Any] = [Ref("v1", "ConfigMap", "a", "n"), config("gone")]
    for check_mode in (True, False):
        changes = delete_objects(api, refs, check_mode=check_mode)
        assert actions(changes) == ["deleted ConfigMap n/a", "unchanged ConfigMap n/gone"]
    assert actions(delete_objects(api, refs, check_mode=False))[0] == "unchanged ConfigMap n/a"


def test_diff_holds_only_what_changes() -> None:
    api = store(NAMESPACE, config("a", x="1"))
    changes = apply_objects(api, [NAMESPACE, config("a", x="2"), config("b")], check_mode=True)
    diff = render_diff(changes)
    assert diff["before"].count("kind: ConfigMap") == 1
    assert diff["after"].count("kind: ConfigMap") == 2
    assert "x: '1'" in diff["before"]
    assert "x: '2'" in diff["after"]
    for word in ("uid", "status", "managedFields", "Namespace", "generation"):
        assert word not in diff["before"] + diff["after"]
    assert render_diff([]) == {
        "before_header": "",
        "after_header": "",
        "before": "",
        "after": "",
    }


CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "models", "namespace": "n"},
}


def test_case_34_namespace_and_claim_are_marked_when_they_are_created() -> None:
    api = store()
    apply_objects(api, [NAMESPACE, CLAIM, config()], check_mode=False)
    marked = {key[0] for key, item in api.objects.items() if is_own(item)}
    assert marked == {"Namespace", "PersistentVolumeClaim"}


@pytest.mark.parametrize("labels", [{}, {"pod-security.kubernetes.io/enforce": "privileged"}])
def test_case_34_what_was_there_is_never_marked(labels: Dict[str, str]) -> None:
    api = store(NAMESPACE, CLAIM)
    wanted = {**NAMESPACE, "metadata": {"name": "n", "labels": labels}}
    for _run in range(2):
        apply_objects(api, [wanted, CLAIM], check_mode=False)
    assert not any(map(is_own, api.objects.values()))
    assert not any(call.startswith("patch") for call in api.calls)


def test_case_34_nor_what_someone_made_between_two_requests() -> None:
    api = store()
    api.manager = "kubectl-create"
    apply_objects(api, [NAMESPACE], check_mode=False)
    assert not any(map(is_own, api.objects.values()))


def test_case_34_nor_anything_in_check_mode() -> None:
    api = store()
    apply_objects(api, [NAMESPACE, CLAIM], check_mode=True)
    assert not any(call.startswith("patch") for call in api.calls)


def test_case_34_a_copy_of_the_mark_is_none() -> None:
    api = store()
    apply_objects(api, [NAMESPACE], check_mode=False)
    (made,) = api.objects.values()
    made["metadata"]["uid"] = "restored"
    assert not is_own(made)


SECRET = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "s", "namespace": "n"}}


def secret_diff(before: Dict[str, Any], after: Dict[str, Any]) -> Dict[str, str]:
    """Return the diff of a Secret whose fields are merged into the bare one."""
    return render_diff([Change("Secret", "s", "n", UPDATED, {**SECRET, **before}, after)])


@pytest.mark.parametrize("field", ["data", "stringData"])
def test_case_41_a_secret_shows_which_keys_change_and_nothing_of_a_value(field: str) -> None:
    before, after = {"data": {"key": "b2xk", "kept": "eA=="}}, {"data": {"kept": "eA=="}}
    given = {"key": "bmV3"} if field == "data" else {"key": "new"}
    api = store(NAMESPACE, {**SECRET, **before})
    wanted = {**SECRET, **after, field: {**after.get(field, {}), **given}}
    diff = render_diff(apply_objects(api, [wanted], check_mode=True))
    assert "key: (hidden, changed)" in diff["after"]
    assert "kept: (hidden)" in diff["after"]
    assert "key: (hidden)" in diff["before"]
    assert "sha256" not in diff["before"] + diff["after"]
    for value in ("b2xk", "bmV3", "new", "eA=="):
        assert f" {value}\n" not in diff["before"] + diff["after"]


def test_case_41_equal_secrets_of_two_sites_look_like_any_two() -> None:
    texts = {
        secret_diff({"data": {"key": old}}, {**SECRET, "data": {"key": new}})["after"]
        for old, new in (("YQ==", "Yg=="), ("YQ==", "Yw=="), ("ZA==", "ZQ=="))
    }
    assert len(texts) == 1


def test_case_41_annotations_of_a_secret_are_hidden_alike() -> None:
    noted = {"name": "s", "namespace": "n", "annotations": {"tool/last": "p4ssw0rd", "a": "b"}}
    diff = secret_diff({}, {**SECRET, "metadata": noted, "data": {}})
    assert "tool/last: (hidden, changed)" in diff["after"]
    assert "p4ssw0rd" not in diff["after"]


def test_clean() -> None:
    assert clean(None) is None
    obj: Dict[str, Any] = {
        "metadata": {
            "name": "a",
            "uid": "1",
            "annotations": {"deployment.kubernetes.io/revision": "3"},
        },
        "spec": {"template": {"metadata": {"creationTimestamp": None, "labels": {}}}},
        "status": {},
    }
    kept = {"metadata": {"name": "a"}, "spec": {"template": {"metadata": {"labels": {}}}}}
    assert clean(obj) == kept
    assert "uid" in obj["metadata"]
