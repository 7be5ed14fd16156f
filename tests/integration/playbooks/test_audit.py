# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit by its playbook: it names what has drifted, changes nothing, and repairs when asked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from fleetkit import TINY, Fleet
from kubernetes import client as k8s

AUDIT = ("audit.yml", "--limit", "shop")


@dataclass
class Site:
    """One cluster of the fleet, looked at and damaged by another client."""

    cluster: Any
    namespace: str
    model: str

    @property
    def file(self) -> str:
        """Return the path of the one file of the model that holds anything."""
        return f"/store/models/{self.model}/1/model.xml"

    def shell(self, line: str, *, read_only: bool = True) -> str:
        """Run a shell line in a pod that sees the store."""
        volume = {"persistentVolumeClaim": {"claimName": "models"}}
        with self.cluster.visitor(self.namespace, volume, read_only=read_only) as visitor:
            return str(visitor.sh(line))

    def objects(self) -> dict[str, str]:
        """Return the versions of all objects that somebody could have changed, but pods' states."""
        core, apps, batch = self.cluster.core, self.cluster.apps, k8s.BatchV1Api(self.cluster.api)
        lists = {
            "ConfigMap": core.list_namespaced_config_map,
            "Deployment": apps.list_namespaced_deployment,
            "Job": batch.list_namespaced_job,
            "PersistentVolumeClaim": core.list_namespaced_persistent_volume_claim,
            "ReplicaSet": apps.list_namespaced_replica_set,
            "Role": self.cluster.rbac.list_namespaced_role,
            "Secret": core.list_namespaced_secret,
            "Service": core.list_namespaced_service,
            "ServiceAccount": core.list_namespaced_service_account,
        }
        return {
            f"{kind}/{item.metadata.name}": item.metadata.resource_version
            for kind, listing in lists.items()
            for item in listing(self.namespace).items
        }

    def state(self) -> tuple[dict[str, str], set[str], str]:
        """Return all objects, the containers, and all files of the store with their stamps."""
        pods = self.cluster.core.list_namespaced_pod(
            self.namespace, label_selector="openvino.edge/server"
        )
        containers = {item.status.container_statuses[0].container_id for item in pods.items}
        stamps = "find /store -mindepth 1 -exec stat -c '%n %i %Y %Z %s %a %u' {} + | sort"
        return self.objects(), containers, self.shell(stamps)

    def damage(self) -> None:
        """Change a byte of a model, keeping its time; a field of a Deployment; delete a Service."""
        flip = f"printf T | dd of={self.file} bs=1 seek={TINY.index('tiny')} conv=notrunc"
        line = f"touch -r {self.file} /tmp/r && {flip} 2>&1 && touch -r /tmp/r {self.file}"
        self.shell(line, read_only=False)
        assert 'name="Tiny"' in self.shell(f"cat {self.file}")
        note = {"metadata": {"annotations": {"example.com/by-hand": "yes"}}}
        changed = {**note, "spec": {"revisionHistoryLimit": 7}}
        self.cluster.apps.patch_namespaced_deployment("ovms", self.namespace, changed)
        self.cluster.core.delete_namespaced_service("ovms", self.namespace)


@pytest.fixture
def site(fleet: Fleet, shop: Any, rights: Callable[..., None]) -> Site:
    """The cluster with one volume, on which the main job was run with the shipped rights."""
    rights(shop, fleet.namespaces["shop"])
    done = fleet.play("site.yml", "--limit", "shop")
    assert done.code == 0, done.text
    inventory = json.loads(fleet.inventory.read_text())
    (model,) = inventory["clusters"]["vars"]["edge_models"]
    return Site(shop, fleet.namespaces["shop"], model["name"])


@pytest.mark.whole
def test_drift_is_named_and_repaired(fleet: Fleet, site: Site) -> None:
    whole = site.state()
    sound = fleet.play(*AUDIT)
    assert (sound.code, sound.changed) == (0, {"shop": 0}), sound.text
    assert re.search(r"shop +SOUND +0 +0 +0 +0", sound.text), sound.text
    assert site.state() == whole

    site.damage()
    damaged = site.state()
    assert damaged != whole
    for more in ((), ("--check", "--diff", "-e", "edge_repair=true")):
        drifted = fleet.play(*AUDIT, *more)
        assert (drifted.code, drifted.changed) == (2, {"shop": 0}), drifted.text
        assert drifted.failed == {"shop": 1}
        assert re.search(r"shop +DRIFTED +2 +1 +0 +1", drifted.text), drifted.text
        assert "Deployment/ovms changed (spec.revisionHistoryLimit 7 instead of 3)" in drifted.text
        assert "Service/ovms missing" in drifted.text
        assert re.search(rf"models:{site.model}/1/model.xml changed \(sha256", drifted.text)
        assert "has set metadata.annotations.example.com/by-hand" in drifted.text
        assert site.state() == damaged

    repaired = fleet.play(*AUDIT, "-e", "edge_repair=true")
    assert (repaired.code, repaired.changed) == (0, {"shop": 2}), repaired.text
    # What nobody wanted otherwise stays as it is.
    assert re.search(r"shop +SOUND +0 +0 +0 +1", repaired.text), repaired.text
    assert site.shell(f"cat {site.file}").strip() == TINY.strip()
    assert "Service/ovms" in site.objects()
    again = fleet.play(*AUDIT, "-e", "edge_repair=true")
    assert (again.code, again.changed) == (0, {"shop": 0}), again.text


@pytest.mark.whole
def test_what_a_replica_does_not_serve_is_named(fleet: Fleet, site: Site) -> None:
    """Everything is as it was deployed, and another version is wanted."""
    inventory = json.loads(fleet.inventory.read_text())
    inventory["clusters"]["vars"]["edge_models"][0]["versions"] = [2]
    fleet.inventory.write_text(json.dumps(inventory))
    found = fleet.play(*AUDIT)
    assert found.code == 2
    assert "ConfigMap/ovms-config changed" in found.text
    assert re.search(rf"models:{site.model}/2 version missing", found.text), found.text
    assert re.search(rf"{site.model} 2 ", found.text), found.text
    # The version is nowhere, so the repair ends, and the report comes all the same.
    ended = fleet.play(*AUDIT, "-e", "edge_repair=true")
    assert ended.code == 2
    assert re.search(r"The repair ended with: \w+", ended.text), ended.text
    assert re.search(r"shop +DRIFTED", ended.text), ended.text


def test_a_cluster_that_does_not_answer_is_not_sound(fleet: Fleet) -> None:
    inventory = json.loads(fleet.inventory.read_text())
    inventory["clusters"]["hosts"]["shop"]["edge_auth"] = {"host": "https://127.0.0.1:1"}
    fleet.inventory.write_text(json.dumps(inventory))
    found = fleet.play(*AUDIT)
    assert (found.code, found.failed) == (2, {"shop": 1}), found.text
    assert re.search(r"shop +NOT SEEN +- +- +- +-", found.text), found.text
    assert "objects could not be looked at" in found.text
