# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an adopted object keeps, whose its fields are, and how it goes back."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.apply.adopt import Adoption
from ansible_collections.openvino.edge.plugins.module_utils.server.plan.adoption import (
    ADOPTED_ANNOTATION,
    check_adoptable,
    hand_over,
    kept_of,
    return_of,
    take_patch,
    without_record,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.facts import (
    ClusterFacts,
    Kept,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)
from hypothesis import given
from hypothesis import strategies as st

from ...fakes.cluster import ServingCluster
from ..conftest import MakeSpec, make_spec

LABELS = {"app": "ocr", "release": "ocr"}
NONE: dict[str, Any] = {}
FIELDS = st.recursive(
    st.just(NONE),
    lambda inner: st.dictionaries(
        st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', "."]), inner, max_size=3
    ),
    max_leaves=8,
)


def deployment(**metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "ocr",
            "namespace": "edge",
            "resourceVersion": "7",
            "labels": {"app.kubernetes.io/managed-by": "Helm"},
            **metadata,
        },
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": dict(LABELS)},
            "template": {"metadata": {"labels": dict(LABELS)}, "spec": {"containers": []}},
        },
        "status": {"replicas": 1},
    }


def test_selectors_are_kept_and_pods_carry_both(spec: MakeSpec) -> None:
    service = {"spec": {"selector": {"app": "ocr", "track": "stable"}}}
    kept = kept_of(deployment(), service)
    rendered = {item["kind"]: item for item in render_objects(spec(), ClusterFacts(kept=kept))}
    workload = rendered["Deployment"]["spec"]
    assert workload["selector"] == {"matchLabels": LABELS}
    labels = workload["template"]["metadata"]["labels"]
    assert {**LABELS, "track": "stable"}.items() <= labels.items()
    assert labels["openvino.edge/server"] == "ocr"
    assert rendered["Service"]["spec"]["selector"] == service["spec"]["selector"]


def test_a_service_that_never_found_the_pods_takes_the_selector_of_the_deployment() -> None:
    kept = kept_of(deployment(), {"spec": {"selector": {"app": "other"}}})
    assert kept == Kept(LABELS, {}, labels=LABELS)


def test_nothing_is_kept_of_objects_of_our_own() -> None:
    assert kept_of(None, None) == Kept()


def test_a_selector_with_expressions_is_refused() -> None:
    item = deployment()
    item["spec"]["selector"]["matchExpressions"] = [{"key": "app", "operator": "Exists"}]
    with pytest.raises(InputError, match="matchExpressions"):
        kept_of(item, None)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"ownerReferences": [{"kind": "ModelServer", "name": "m"}]}, "ModelServer m owns it"),
        ({"labels": {"openvino.edge/server": "other"}}, "belongs to the server other"),
        ({"annotations": {"big": "x" * 210_000}}, "more than an annotation can hold"),
    ],
)
def test_what_would_be_put_back_or_lost_is_refused(change: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError) as refused:
        check_adoptable(deployment(**change), "ocr")
    assert text in str(refused.value) and refused.value.option == "adopt"


def test_other_kinds_are_not_adopted() -> None:
    secret = {"kind": "Secret", "metadata": {"name": "ocr", "namespace": "edge"}}
    with pytest.raises(InputError, match="not adopted"):
        check_adoptable(secret, "ocr")


@pytest.mark.parametrize(
    ("marks", "word"),
    [
        ({"meta.helm.sh/release-name": "ocr"}, "owner=helm,name=ocr"),
        ({"argocd.argoproj.io/tracking-id": "x"}, "Argo CD"),
    ],
)
def test_tools_that_may_undo_it_are_warned_about(marks: dict[str, str], word: str) -> None:
    (warning,) = check_adoptable(deployment(annotations=marks), "ocr")
    assert word in warning


def entry(manager: str, fields: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": "Update", "fieldsV1": fields, **more}


def test_fields_change_hands_but_metadata_and_those_of_controllers_do_not() -> None:
    content: dict[str, Any] = {"f:metadata": {"f:labels": {}}, "f:spec": {"f:replicas": {}}}
    status = entry("kube-controller-manager", {"f:status": {}}, subresource="status")
    scale = entry("hpa", {"f:spec": {"f:replicas": {}}}, subresource="scale")
    edited = entry("kubectl-edit", {"f:spec": {"f:template": {}}})
    item = deployment(managedFields=[entry("helm", content), status, scale, edited])
    fields = hand_over(item, "openvino.edge", "Apply")
    assert fields[:3] == [entry("helm", {"f:metadata": {"f:labels": {}}}), status, scale]
    assert fields[3]["manager"] == "openvino.edge" and fields[3]["operation"] == "Apply"
    assert fields[3]["fieldsV1"] == {"f:spec": {"f:replicas": {}, "f:template": {}}}


def paths(fields: dict[str, Any], prefix: str = "") -> set[str]:
    found = {prefix} if prefix else set()
    return found.union(*(paths(value, f"{prefix}/{key}") for key, value in fields.items()))


@given(st.lists(FIELDS, max_size=4))
def test_no_field_is_lost_on_the_way(trees: list[dict[str, Any]]) -> None:
    entries = [entry(f"m{index}", {"f:spec": tree}) for index, tree in enumerate(trees)]
    item = deployment(managedFields=entries)
    before = copy.deepcopy(item)
    after = hand_over(item, "openvino.edge", "Apply")
    assert item == before
    everything = set().union(*(paths(one["fieldsV1"]) for one in entries))
    assert set().union(*(paths(one["fieldsV1"]) for one in after)) == everything


def test_the_record_is_what_was_there_first() -> None:
    item = deployment(managedFields=[entry("helm", {"f:spec": {}})])
    first = take_patch(item, "openvino.edge")["metadata"]["annotations"][ADOPTED_ANNOTATION]
    cut_off = deployment(annotations={ADOPTED_ANNOTATION: first})
    cut_off["spec"]["replicas"] = 9
    again = take_patch(cut_off, "openvino.edge")["metadata"]["annotations"][ADOPTED_ANNOTATION]
    assert again == first
    back = return_of(cut_off)
    spec = next(step["value"] for step in back.patch if step["path"] == "/spec")
    assert spec == item["spec"] and back.record == json.loads(first)
    assert json.loads(first)["labels"] == item["metadata"]["labels"]


def test_a_diff_shows_neither_the_record_nor_secrets() -> None:
    item = deployment(annotations={ADOPTED_ANNOTATION: "{}"})
    variables = [{"name": "AWS_ACCESS_KEY_ID", "value": "AK"}, {"name": "LEVEL", "value": "1"}]
    item["spec"]["template"]["spec"]["containers"] = [{"env": variables}]
    shown = without_record(item)
    assert shown is not None and "annotations" not in shown["metadata"]
    values = [one["value"] for one in shown["spec"]["template"]["spec"]["containers"][0]["env"]]
    assert values == ["(hidden)", "1"]
    assert variables[0]["value"] == "AK"


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        ({}, "claim may be for one node"),
        ({"resources": {"limits": {"gpu.intel.com/i915": 1}}}, "hold the devices"),
        ({"strategy": "RollingUpdate"}, None),
    ],
)
def test_a_gap_is_announced(options: dict[str, Any], warned: str | None) -> None:
    live = deployment()
    claim = {"persistentVolumeClaim": {"claimName": "models"}}
    live["spec"]["template"]["spec"]["volumes"] = [claim]
    cluster, runtime = ServingCluster(), Runtime()
    cluster.add(live)
    wanted = render_objects(make_spec(adopt=True, **options))
    adoption = Adoption(cluster, make_spec(adopt=True, **options), runtime)  # type: ignore[arg-type]
    adoption.look(wanted, {})
    adoption.send(wanted, check_mode=False)
    assert bool(runtime.warnings) == bool(warned)
    assert not warned or warned in runtime.warnings[0]


def test_a_second_try_after_a_failed_one_spares_the_old_pods_too() -> None:
    spec = make_spec(adopt=True, pvc=None, host_path={"path": "/srv/models"})
    live = deployment(annotations={ADOPTED_ANNOTATION: "{}"})
    gentle = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    live["spec"]["strategy"] = gentle
    cluster = ServingCluster()
    cluster.add(live)
    adoption = Adoption(cluster, spec, Runtime())  # type: ignore[arg-type]
    wanted = [item for item in render_objects(spec) if item["kind"] == "Deployment"]
    adoption.look(wanted, {("Deployment", "ocr"): live})
    changes = adoption.send(wanted, check_mode=False)
    assert cluster.objects["Deployment", "ocr"]["spec"]["strategy"] == gentle
    adoption.finish(changes)
    settled = cluster.objects["Deployment", "ocr"]["spec"]["strategy"]["rollingUpdate"]
    assert settled == {"maxSurge": 0, "maxUnavailable": 1}
