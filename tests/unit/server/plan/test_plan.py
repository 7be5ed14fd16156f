# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent, left alone and removed; and what changes mean for running servers."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.kube.apply import Change
from ansible_collections.openvino.edge.plugins.module_utils.server.config.render import config_text
from ansible_collections.openvino.edge.plugins.module_utils.server.plan.changes import (
    consequence,
    real,
    versions_differ,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.plan.diff import (
    by_key,
    covers,
    make_plan,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.config import (
    render_config,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)

from ..conftest import MakeSpec


def as_stored(item: dict[str, Any]) -> dict[str, Any]:
    """Return the object with what an API server adds."""
    stored = copy.deepcopy(item)
    stored["metadata"].update({"uid": "u", "resourceVersion": "7", "managedFields": []})
    stored["status"] = {"replicas": 1}
    if item["kind"] == "Deployment":
        container = stored["spec"]["template"]["spec"]["containers"][0]
        container["terminationMessagePath"] = "/dev/termination-log"
        container["resources"] = {"limits": {"cpu": "1"}}
        stored["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "3"
    return stored


@pytest.fixture
def wanted(spec: MakeSpec) -> list[dict[str, Any]]:
    return render_objects(spec(resources={"limits": {"cpu": "1000m"}}))


def test_everything_is_sent_to_an_empty_cluster(wanted: list[dict[str, Any]]) -> None:
    plan = make_plan(wanted, {})
    assert plan.send == wanted
    assert not plan.same and not plan.stale and not plan.empty


def test_nothing_is_sent_twice(wanted: list[dict[str, Any]]) -> None:
    plan = make_plan(wanted, by_key(map(as_stored, wanted)))
    assert plan.empty
    assert plan.same == wanted


def test_what_someone_changed_is_sent_again(wanted: list[dict[str, Any]]) -> None:
    live = by_key(map(as_stored, wanted))
    live["Service", "ocr"]["spec"]["type"] = "NodePort"
    live["Deployment", "ocr"]["spec"]["template"]["spec"]["containers"].append({"name": "sidecar"})
    del live["ConfigMap", "ocr-config"]["data"]["config.json"]
    plan = make_plan(wanted, live)
    assert [item["kind"] for item in plan.send] == ["ConfigMap", "Service"]


def test_a_field_that_is_no_longer_wanted_is_sent(spec: MakeSpec) -> None:
    before = render_objects(spec(node_selector={"disk": "fast"}))
    after = render_objects(spec())
    plan = make_plan(after, by_key(map(as_stored, before)))
    assert [item["kind"] for item in plan.send] == ["Deployment"]


def test_what_is_no_longer_wanted_is_stale(wanted: list[dict[str, Any]]) -> None:
    live = by_key(map(as_stored, wanted))
    extra = {"kind": "ConfigMap", "metadata": {"name": "old"}}
    live["ConfigMap", "old"] = extra
    assert make_plan(wanted, live).stale == [extra]


@pytest.mark.parametrize(
    ("live", "want", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"b": 2}, {"a": 1}, False),
        ([1, 2], [1], False),
        ([{"name": "x", "v": 1}, {"name": "y"}], [{"name": "x"}], True),
        ([{"name": "y"}], [{"name": "x"}], False),
        ("1Gi", "1024Mi", True),
        ("500m", "0.5", True),
        ("a", "b", False),
        (None, {}, False),
        (None, [], False),
        (1, 1, True),
    ],
)
def test_covers(live: Any, want: Any, expected: bool) -> None:
    assert covers(live, want) is expected


def change(kind: str, action: str, before: Any = None, after: Any = None) -> Change:
    return Change(kind, "ocr", "edge", action, before, after)


def template(image: str, replicas: int = 1) -> dict[str, Any]:
    return {"metadata": {}, "spec": {"replicas": replicas, "template": {"image": image}}}


def data(text: str) -> dict[str, Any]:
    return {"metadata": {}, "data": {"config.json": text}}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([], "none"),
        (
            [change("ConfigMap", "created", None, data("x")), change("Deployment", "created")],
            "none",
        ),
        ([change("ConfigMap", "updated", data("x"), data("y"))], "config_reload"),
        ([change("Deployment", "updated", template("a"), template("b"))], "rolling_restart"),
        ([change("Deployment", "updated", template("a"), template("a", 2))], "none"),
        (
            [
                change("ConfigMap", "updated", data("x"), data("y")),
                change("Deployment", "updated", template("a"), template("a", 2)),
            ],
            "config_reload",
        ),
        (
            [
                change("ConfigMap", "updated", data("x"), data("y")),
                change("Deployment", "updated", template("a"), template("b")),
            ],
            "rolling_restart",
        ),
        ([change("Service", "updated", {}, {"spec": {}})], "none"),
        ([change("Deployment", "unchanged"), change("ConfigMap", "unchanged")], "none"),
    ],
)
def test_consequence(changes: list[Change], expected: str) -> None:
    assert consequence(changes) == expected


def test_book_keeping_alone_is_no_change() -> None:
    def item(digest: str, **annotations: str) -> dict[str, Any]:
        return {
            "metadata": {"annotations": {"openvino.edge/input-hash": digest, **annotations}},
            "data": {},
        }

    assert real(change("ConfigMap", "updated", item("1"), item("2"))).action == "unchanged"
    kept = real(change("ConfigMap", "updated", item("1"), item("2", note="x")))
    assert kept.action == "updated"
    assert kept.before == {"metadata": {}, "data": {}}
    assert kept.after == {"metadata": {"annotations": {"note": "x"}}, "data": {}}


def test_versions_differ(spec: MakeSpec) -> None:
    def text(**model: Any) -> dict[str, Any]:
        entry = {"name": "m", "versions": [1], **model}
        return data(config_text(render_config(spec(models=[entry]))))

    def differ(before: Any, after: Any) -> bool:
        return versions_differ([change("ConfigMap", "updated", before, after)])

    assert differ(text(), text(versions=[2]))
    assert not differ(text(), text(nireq=4))
    assert differ(data("not json"), text())
    assert not versions_differ([])
