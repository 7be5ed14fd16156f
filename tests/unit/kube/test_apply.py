# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What applying and deleting objects reports, over an API server in a dictionary."""

from __future__ import annotations

import copy
import itertools
from typing import Any, Dict, List, Optional, Tuple

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import ApiError
from ansible_collections.openvino.edge.plugins.module_utils.kube import kinds
from ansible_collections.openvino.edge.plugins.module_utils.kube.apply import (
    Ref,
    apply_objects,
    delete_objects,
    render_diff,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.diffs import clean

Key = Tuple[str, Optional[str], str]


class Store:
    """Keeps objects; adds what a server adds, and refuses objects without a namespace."""

    def __init__(self, *objects: Dict[str, Any]) -> None:
        self.objects: Dict[Key, Dict[str, Any]] = {}
        self.calls: List[str] = []
        self.refuse = ""
        self._versions = itertools.count(1)
        for obj in objects:
            self.objects[self._key(obj)] = self._served(obj)

    @staticmethod
    def _key(obj: Dict[str, Any]) -> Key:
        return obj["kind"], obj["metadata"].get("namespace"), obj["metadata"]["name"]

    def _served(self, obj: Dict[str, Any]) -> Dict[str, Any]:
        served = copy.deepcopy(obj)
        version = str(next(self._versions))
        meta = {"uid": version, "resourceVersion": version, "managedFields": [{"time": version}]}
        served["metadata"].update(meta, creationTimestamp=version, generation=int(version))
        served["status"] = {"seen": version}
        return served

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
        if not dry_run:
            self.objects[self._key(obj)] = served
        return served

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
        self, api_version: str, kind: str, name: str, namespace: Any, *, dry_run: bool
    ) -> bool:
        self.calls.append(f"{'dry ' if dry_run else ''}delete {kind} {name}")
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
    changes = apply_objects(api, [config()], check_mode=True, new_namespaces=["n"])
    assert actions(changes) == ["created ConfigMap n/a"]
    with pytest.raises(ApiError, match="not found"):
        apply_objects(api, [config()], check_mode=True)


def test_new_namespace_that_is_there_after_all() -> None:
    api = store(NAMESPACE, config(x="1"))
    changes = apply_objects(api, [config(x="1")], check_mode=True, new_namespaces=["n"])
    assert actions(changes) == ["unchanged ConfigMap n/a"]


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


def test_diff_shows_that_a_secret_changes_but_not_its_value() -> None:
    secret = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "s", "namespace": "n"}}
    api = store(NAMESPACE, {**secret, "data": {"key": "b2xk"}})
    changes = apply_objects(api, [{**secret, "data": {"key": "bmV3"}}], check_mode=True)
    diff = render_diff(changes)
    assert diff["before"] != diff["after"]
    assert "b2xk" not in diff["before"]
    assert "bmV3" not in diff["after"]


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
