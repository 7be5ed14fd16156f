# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole job by its playbooks, from a raw clone, under exactly the rights that are shipped."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client.exceptions import ApiException

ROOT = Path(__file__).parents[3]
RBAC = ROOT / "roles" / "preflight" / "files" / "rbac.yml"
RECAP = re.compile(r"^(\S+) +: ok=\d+ +changed=(\d+) +unreachable=0 +failed=(\d+)", re.M)

# OpenVINO IR, version 11: x -> Result, without weights.
PORT = '<port id="0" precision="FP32" names="x"><dim>1</dim><dim>4</dim></port>'
TINY = f"""<?xml version="1.0"?>
<net name="tiny" version="11"><layers>
<layer id="0" name="x" type="Parameter" version="opset1"><data shape="1,4" element_type="f32"/>
<output>{PORT}</output></layer>
<layer id="1" name="y" type="Result" version="opset1"><input>{PORT}</input></layer>
</layers><edges><edge from-layer="0" from-port="0" to-layer="1" to-port="0"/></edges></net>
"""


@dataclass
class Run:
    """What a playbook did: changed and failed tasks by host, and all it printed."""

    code: int
    changed: dict[str, int]
    failed: dict[str, int]
    text: str


@dataclass
class Fleet:
    """An inventory of two clusters and how to run a playbook on it."""

    inventory: Path
    namespaces: dict[str, str]

    def play(self, playbook: str, *options: str) -> Run:
        command = [str(Path(sys.executable).parent / "ansible-playbook"), playbook]
        done = subprocess.run(
            [*command, "-i", str(self.inventory), *options],
            cwd=ROOT,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        recap = RECAP.findall(done.stdout)
        return Run(
            done.returncode,
            {host: int(changed) for host, changed, _ in recap},
            {host: int(failed) for host, _, failed in recap},
            done.stdout + done.stderr,
        )


@pytest.fixture
def rights(shop: Any, factory: Any) -> Iterator[Callable[..., None]]:
    """``rights(cluster, namespace, without=None)`` binds the shipped roles to edge-deployer."""
    made: list[tuple[Any, str, str]] = []

    def bind(cluster: Any, namespace: str, without: str | None = None) -> None:
        suffix = uuid.uuid4().hex[:6]
        for role in yaml.safe_load(RBAC.read_text())["items"]:
            short = role["metadata"]["name"].removeprefix("openvino-edge-")
            if short == "namespace-admin":
                continue
            name = f"edge-test-{short}-{suffix}"
            rules = [rule for rule in role["rules"] if without not in rule["resources"]]
            cluster.rbac.create_cluster_role({"metadata": {"name": name}, "rules": rules})
            made.append((cluster, "cluster_role", name))
            binding = {
                "metadata": {"name": name},
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole",
                    "name": name,
                },
                "subjects": [
                    {
                        "apiGroup": "rbac.authorization.k8s.io",
                        "kind": "User",
                        "name": os.environ.get("EDGE_RESTRICTED_USER", "edge-deployer"),
                    }
                ],
            }
            if short == "deployer":
                cluster.rbac.create_namespaced_role_binding(namespace, binding)
            else:
                cluster.rbac.create_cluster_role_binding(binding)
                made.append((cluster, "cluster_role_binding", name))
            user = str(binding["subjects"][0]["name"])
            cluster.wait_for_rights(user, namespace if short == "deployer" else None, rules)

    yield bind
    for cluster, kind, name in made:
        try:
            getattr(cluster.rbac, f"delete_{kind}")(name)
        except ApiException as error:
            if error.status != 404:
                raise


@pytest.fixture
def fleet(
    tmp_path: Path,
    shop: Any,
    factory: Any,
    make_namespace: Callable[..., str],
    make_pvc: Callable[..., Any],
    agent_image: str,
    server_image: str,
) -> Fleet:
    """A namespace on each cluster, one model, and an account without any right."""
    model = f"tiny-{uuid.uuid4().hex[:6]}"
    version = tmp_path / "models" / model / "1"
    version.mkdir(parents=True)
    (version / "model.xml").write_text(TINY)
    (version / "model.bin").write_bytes(b"")
    namespaces = {
        "factory": make_namespace(factory, "privileged"),
        "shop": make_namespace(shop),
    }
    make_pvc(shop, namespaces["shop"])
    nodes = factory.nodes()
    stores = {
        "factory": {"host_path": {"path": "/var/lib/openvino-edge/models", "nodes": nodes}},
        "shop": {"pvc": {"claim_name": "models"}},
    }
    kubeconfigs = {"factory": factory.restricted_kubeconfig, "shop": shop.restricted_kubeconfig}
    hosts = {
        name: {
            "edge_namespace": namespaces[name],
            "edge_store": stores[name],
            "edge_kubeconfig": str(kubeconfigs[name]),
            "edge_replicas": len(nodes) if name == "factory" else 1,
        }
        for name in namespaces
    }
    common = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "edge_src": str(tmp_path / "models"),
        "edge_models": [{"name": model, "versions": [1]}],
        "edge_image": server_image,
        "edge_agent_image": agent_image,
    }
    inventory = tmp_path / "inventory.json"
    inventory.write_text(json.dumps({"clusters": {"hosts": hosts, "vars": common}}))
    return Fleet(inventory, namespaces)


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
    assert (again.code, again.changed) == (0, {"factory": 0, "shop": 0}), again.text
    predicted = fleet.play("teardown.yml", "--check")
    assert (predicted.code, predicted.changed) == (0, {"factory": 2, "shop": 2}), predicted.text
    back = fleet.play("teardown.yml")
    assert (back.code, back.changed) == (0, {"factory": 2, "shop": 2}), back.text
    nothing = fleet.play("teardown.yml")
    assert (nothing.code, nothing.changed) == (0, {"factory": 0, "shop": 0}), nothing.text


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
        (("site.yml", "--check"), 1),
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
