# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A patch over the pod template: merged by key, and never so that the pod is another server's."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import ApiError, InputError
from ansible_collections.openvino.edge.plugins.module_utils.server.render.identity import (
    pod_selector,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.spec.overrides import (
    overridden,
    refusal,
)
from hypothesis import given
from hypothesis import strategies as st

from ..conftest import MakeSpec, make_spec

BASE: dict[str, Any] = {
    "metadata": {"labels": {"a": "1"}},
    "spec": {
        "containers": [{"name": "ovms", "env": [{"name": "A", "value": "1"}], "tty": True}],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}],
        "tolerations": [{"key": "a"}],
    },
}
SIDE = {"name": "side", "image": "registry.example/side:1"}


def merged(**spec: Any) -> dict[str, Any]:
    result: dict[str, Any] = overridden(BASE, {"spec": spec})["spec"]
    return result


def test_lists_are_merged_by_their_key_and_others_replaced() -> None:
    env = [{"name": "B", "value": "2"}, {"name": "A", "value": "3"}]
    result = merged(containers=[SIDE, {"name": "ovms", "env": env}], tolerations=[{"key": "b"}])
    ours, side = result["containers"]
    assert (ours["name"], side) == ("ovms", SIDE)
    assert ours["env"] == [{"name": "A", "value": "3"}, {"name": "B", "value": "2"}]
    assert ours["tty"] is True
    assert result["tolerations"] == [{"key": "b"}]


def test_null_delete_and_replace() -> None:
    gone = {"name": "ovms", "tty": None, "env": [{"name": "A", "$patch": "delete"}]}
    assert merged(containers=[gone])["containers"] == [{"name": "ovms", "env": []}]
    assert overridden(BASE, {"metadata": {"labels": {"a": None}}})["metadata"] == {"labels": {}}
    memory = {"name": "tmp", "emptyDir": {"$patch": "replace", "medium": "Memory"}}
    assert merged(volumes=[memory])["volumes"][0]["emptyDir"] == {"medium": "Memory"}
    new = [{"$patch": "replace"}, {"name": "C", "value": "4"}]
    (ours,) = merged(containers=[{"name": "ovms", "env": new}])["containers"]
    assert ours["env"] == [{"name": "C", "value": "4"}]


SCALAR = st.one_of(st.integers(), st.booleans(), st.text(max_size=3))
NAME = st.sampled_from(["ovms", "side", "a", "b"])
MAPPING = st.dictionaries(st.sampled_from(["x", "y", "z"]), SCALAR, max_size=3)
ITEM = st.builds(lambda name, more: {"name": name, **more}, NAME, MAPPING)
PATCH = st.fixed_dictionaries(
    {},
    optional={
        "containers": st.lists(ITEM, max_size=3),
        "volumes": st.lists(ITEM, max_size=3),
        "nodeSelector": MAPPING,
        "tolerations": st.lists(MAPPING, max_size=2),
    },
)


@given(PATCH)
def test_merging_is_idempotent_and_changes_no_argument(spec: dict[str, Any]) -> None:
    patch = {"spec": spec}
    before, patch_before = copy.deepcopy(BASE), copy.deepcopy(patch)
    once = overridden(BASE, patch)
    assert overridden(once, patch) == once
    assert (before, patch_before) == (BASE, patch)
    names = [item["name"] for item in once["spec"]["containers"]]
    assert names[0] == "ovms" and len(set(names)) == len(names)
    for item in spec.get("containers", []):
        assert item["name"] in names


@given(PATCH)
def test_the_selector_always_finds_the_pods(spec: dict[str, Any]) -> None:
    patch = {"metadata": {"labels": {"team": "vision"}}, "spec": {**spec, "volumes": []}}
    (workload,) = [
        item
        for item in render_objects(make_spec(pod_overrides=patch))
        if item["kind"] == "Deployment"
    ]
    labels = workload["spec"]["template"]["metadata"]["labels"]
    assert pod_selector("ocr").items() <= labels.items()
    assert labels["team"] == "vision"
    assert workload["spec"]["selector"]["matchLabels"] == pod_selector("ocr")


def own(**fields: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "ovms", **fields}]}}


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ({"status": {}}, "pod_overrides: 'status' cannot be overridden"),
        ({"metadata": {"name": "x"}}, r"pod_overrides\.metadata: 'name'"),
        ({"metadata": {"labels": {"openvino.edge/server": "x"}}}, "set by the collection"),
        ({"spec": {"containers": [{"image": "x"}]}}, r"containers\[0\]: name is needed"),
        ({"spec": {"volumes": ["x"]}}, r"volumes\[0\]: name is needed"),
        ({"spec": {"volumes": [{"name": "models"}]}}, r"volumes\[models\].*Use pvc"),
        ({"spec": {"$retainKeys": ["x"]}}, "is not known"),
        ({"spec": []}, r"pod_overrides\.spec: a mapping"),
        ({"spec": {"containers": "x"}}, r"pod_overrides\.spec\.containers: a list"),
        (own(**{"$patch": "delete"}), "not taken away"),
        (own(args=["x"]), r"containers\[ovms\]\.args: set from options. Use extra_args"),
        (own(image="x"), "Use image"),
        (own(volumeMounts=[{"mountPath": "/models/", "name": "x"}]), "Use pvc or host_path"),
        ({"spec": {"containers": [{"$patch": "replace"}]}}, "not taken away"),
        ({"spec": {"volumes": None}}, r"spec\.volumes: some of these"),
        ({"spec": None}, r"pod_overrides\.spec: a mapping"),
        ({"metadata": {"labels": None}}, r"metadata\.labels: a mapping"),
        ({"metadata": {"labels": {"app.kubernetes.io/name": None}}}, "set by the collection"),
        (own(volumeMounts=None), r"volumeMounts: some of these"),
    ],
)
def test_refusals(spec: MakeSpec, patch: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        spec(pod_overrides=patch)


def test_the_refusal_of_the_cluster_is_told_of_the_option_only_if_it_is_its() -> None:
    patch = own(securityContext={"privileged": "maybe"})
    field = "spec.template.spec.containers[0].securityContext.privileged"
    error = ApiError("rejected", status=422, details={"causes": [f"{field}: Invalid value"]})
    found = refusal(error, patch)
    assert found is not None and found.option == "pod_overrides"
    assert "securityContext.privileged" in str(found)
    other = "spec.template.spec.affinity.nodeAffinity: Required value"
    assert refusal(ApiError("rejected", status=422, details={"causes": [other]}), patch) is None
    assert refusal(ApiError("rejected", status=422), patch) is None
