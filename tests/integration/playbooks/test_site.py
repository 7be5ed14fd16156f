# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole job by its playbooks, from a raw clone, under exactly the rights that are shipped."""

from __future__ import annotations

import contextlib
import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from fleetkit import Fleet
from kubernetes.client.exceptions import ApiException


def test_the_whole_job_twice_and_back_with_the_shipped_rights(
    fleet: Fleet, shop: Any, factory: Any, rights: Callable[..., None]
) -> None:
    rights(shop, fleet.namespaces["shop"])
    rights(factory, fleet.namespaces["factory"])
    first = fleet.play("site.yml")
    assert first.code == 0, first.text
    assert first.changed == {"factory": 2, "shop": 2}
    assert first.text.count("AVAILABLE") >= 3 + 2, first.text
    second = fleet.play("site.yml")
    assert (second.code, second.changed) == (0, {"factory": 0, "shop": 0}), second.text
    again = fleet.play("verify.yml")
    assert again.code == 0 and again.text.count("AVAILABLE") >= 3 + 2, again.text
    predicted = fleet.play("teardown.yml", "--check")
    assert (predicted.code, predicted.changed) == (0, {"factory": 2, "shop": 2}), predicted.text
    back = fleet.play("teardown.yml")
    assert (back.code, back.changed) == (0, {"factory": 2, "shop": 2}), back.text
    nothing = fleet.play("teardown.yml")
    assert (nothing.code, nothing.changed) == (0, {"factory": 0, "shop": 0}), nothing.text


@pytest.mark.whole
def test_from_nothing_and_back_to_nothing(fleet: Fleet, shop: Any, factory: Any) -> None:
    """An administrator's account makes namespace and claim, and takes them away again."""
    clusters = {"factory": factory, "shop": shop}
    names = {host: f"edge-test-{uuid.uuid4().hex[:8]}" for host in clusters}
    inventory = json.loads(fleet.inventory.read_text())
    for host, cluster in clusters.items():
        inventory["clusters"]["hosts"][host].update(
            edge_create=True,
            edge_namespace=names[host],
            edge_kubeconfig=str(cluster.kubeconfig),
            edge_namespace_labels={
                "pod-security.kubernetes.io/enforce": "privileged"
                if host == "factory"
                else "restricted"
            },
        )
    fleet.inventory.write_text(json.dumps(inventory))
    steps = (
        (("site.yml", "--check"), 3),
        (("site.yml",), 3),
        (("site.yml",), 0),
        (("site.yml", "--check", "--diff"), 0),
        (("teardown.yml", "--check"), 3),
        (("teardown.yml",), 3),
        (("teardown.yml",), 0),
    )
    for arguments, changed in steps:
        done = fleet.play(*arguments)
        assert done.code == 0, done.text
        assert done.changed == {"factory": changed, "shop": changed}, (arguments, done.text)
    for host, cluster in clusters.items():
        assert names[host] not in [
            item.metadata.name for item in cluster.core.list_namespace().items
        ]


def test_case_34_a_teardown_leaves_the_work_of_others(
    fleet: Fleet, shop: Any, make_pvc: Callable[..., Any]
) -> None:
    """The namespace of the fleet was made by somebody else; a second one by the job."""
    own = f"edge-test-{uuid.uuid4().hex[:8]}"
    theirs = fleet.namespaces["shop"]
    shop.core.create_namespaced_secret(theirs, {"metadata": {"name": "password"}})
    shop.core.create_namespaced_config_map(theirs, {"metadata": {"name": "recipes"}})
    make_pvc(shop, theirs, "archive")
    inventory = json.loads(fleet.inventory.read_text())
    hosts = inventory["clusters"]["hosts"]
    hosts.pop("factory")
    grown = {"preflight_claim_size": "1Gi"}  # a claim that is not bound cannot grow
    hosts["shop"].update(edge_create=True, edge_kubeconfig=str(shop.kubeconfig), **grown)
    hosts["own"] = {**hosts["shop"], "edge_namespace": own}
    fleet.inventory.write_text(json.dumps(inventory))
    try:
        there = fleet.play("site.yml")
        assert there.code == 0, there.text
        shop.core.create_namespaced_secret(own, {"metadata": {"name": "late"}})
        back = fleet.play("teardown.yml")
        assert back.code == 0, back.text
        text = " ".join(back.text.split())
        assert f"Namespace {theirs} stays: it was not created by this collection" in text
        assert f"PersistentVolumeClaim {theirs}/models stays: it was not created" in text
        assert f"Namespace {own} stays: it holds Secret late" in text
        claims = shop.core.list_namespaced_persistent_volume_claim(theirs).items
        assert {claim.metadata.name for claim in claims} == {"archive", "models"}
        assert shop.core.read_namespaced_secret("password", theirs)
        assert shop.core.read_namespaced_config_map("recipes", theirs)
        again = fleet.play("teardown.yml")
        assert (again.code, again.changed) == (0, {"own": 0, "shop": 0}), again.text
        shop.core.delete_namespaced_secret("late", own)
        assert fleet.play("teardown.yml").changed == {"own": 1, "shop": 0}
        assert own not in [item.metadata.name for item in shop.core.list_namespace().items]
    finally:
        with contextlib.suppress(ApiException):
            shop.core.delete_namespace(own)


@pytest.mark.parametrize("right", ["pods/proxy", "deployments", "jobs"])
def test_a_missing_right_is_named_before_anything_is_changed(
    fleet: Fleet, shop: Any, rights: Callable[..., None], right: str
) -> None:
    rights(shop, fleet.namespaces["shop"], without=right)
    result = fleet.play("site.yml", "--limit", "shop")
    assert result.code != 0
    assert result.changed == {"shop": 0}
    assert re.search(rf"no right to \w+ {right}", result.text), result.text


def test_one_cluster_that_does_not_answer_leaves_the_other_alone(
    fleet: Fleet, shop: Any, rights: Callable[..., None]
) -> None:
    rights(shop, fleet.namespaces["shop"])
    lost = {"host": "https://127.0.0.1:1", "ca_cert": None}
    inventory = json.loads(fleet.inventory.read_text())
    inventory["clusters"]["hosts"]["factory"]["edge_auth"] = {"host": lost["host"]}
    fleet.inventory.write_text(json.dumps(inventory))
    result = fleet.play("site.yml")
    assert result.failed == {"factory": 1, "shop": 0}, result.text
    assert result.changed == {"factory": 0, "shop": 2}
    assert re.search(r"factory +FAILED", result.text) and re.search(r"shop +AVAIL", result.text)
