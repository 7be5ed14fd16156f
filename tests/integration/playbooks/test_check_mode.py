# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole job in check mode on clusters on which nothing is: what it says is what a run does."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from accounts import Restricted
from fleetkit import ROOT, TINY, Fleet
from kubernetes.client.exceptions import ApiException

LEVEL = "pod-security.kubernetes.io/enforce"
ABOVE = "/var/lib/openvino-edge"
VARIABLES = ("preflight_created", "model_repository_result", "model_server_result")
FAILED = re.compile(r"^fatal: \[(\w+)\]: FAILED!(.*?)(?=^\S)", re.M | re.S)
Hosts = dict[str, dict[str, Any]]


@pytest.fixture
def fleet(
    tmp_path: Path, shop: Any, factory: Any, agent_image: str, server_image: str
) -> Iterator[Callable[[Hosts], Fleet]]:
    """``fleet(hosts)``: each host is a namespace that is not there yet, and all goes at the end."""
    tag = uuid.uuid4().hex[:6]
    version = tmp_path / "models" / f"tiny-{tag}" / "1"
    version.mkdir(parents=True)
    # No other file has these bytes, so none on a node can stand for them.
    (version / "model.xml").write_text(f"{TINY}<!-- {secrets.token_hex(4000)} -->\n")
    (version / "model.bin").write_bytes(b"")
    common = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "edge_create": True,
        "edge_src": str(tmp_path / "models"),
        "edge_models": [{"name": f"tiny-{tag}", "versions": [1]}],
        "edge_image": server_image,
        "edge_agent_image": agent_image,
        "edge_store": {"pvc": {"claim_name": "models"}},
        "edge_kubeconfig": str(shop.kubeconfig),
    }
    namespaces: dict[str, str] = {}

    def make(hosts: Hosts) -> Fleet:
        for name, given in hosts.items():
            namespaces[name] = f"edge-test-{uuid.uuid4().hex[:8]}"
            given["edge_namespace"] = namespaces[name]
        inventory = tmp_path / "inventory.json"
        inventory.write_text(json.dumps({"clusters": {"hosts": hosts, "vars": common}}))
        return Fleet(inventory, namespaces)

    yield make
    for cluster in (shop, factory):
        for name in namespaces.values():
            with contextlib.suppress(ApiException):
                cluster.core.delete_namespace(name)
        for volume in cluster.core.list_persistent_volume().items:
            held = volume.spec.claim_ref
            if held is not None and held.namespace in namespaces.values():
                with contextlib.suppress(ApiException):
                    cluster.core.delete_persistent_volume(volume.metadata.name)


@pytest.fixture
def folder(factory: Any, make_namespace: Callable[..., str]) -> Iterator[tuple[str, str]]:
    """A path on the nodes of ``factory``, and a namespace whose pods may make and remove it."""
    maker, name = make_namespace(factory, "privileged"), f"edge-test-{uuid.uuid4().hex[:8]}"
    yield f"{ABOVE}/{name}", maker
    for node in factory.nodes():
        volume = {"hostPath": {"path": ABOVE}}
        with factory.visitor(maker, volume, node=node, uid=0, read_only=False) as visitor:
            assert visitor.sh(f"rm -rf /store/{name}; ls -d /store/{name} 2>/dev/null") == ""


def play(fleet: Fleet, *options: str, code: int = 0) -> tuple[str, dict[str, dict[str, Any]]]:
    """Run the job; return what it printed, and by host what the roles registered."""
    results = fleet.inventory.parent / "results"
    results.mkdir(exist_ok=True)
    told = "{{ dict(names | zip(names | map('extract', vars))) | to_json }}"
    copy = {"content": told, "dest": f"{results}/{{{{ inventory_hostname }}}}.json"}
    keep = {"ansible.builtin.copy": copy, "check_mode": False, "diff": False}
    book = fleet.inventory.parent / "play.yml"
    book.write_text(
        yaml.safe_dump(
            [
                {"ansible.builtin.import_playbook": str(ROOT / "site.yml")},
                {
                    "hosts": "all",
                    "gather_facts": False,
                    "vars": {"names": list(VARIABLES)},
                    "tasks": [keep],
                },
            ]
        )
    )
    done = fleet.play(str(book), *options)
    assert done.code == code, done.text
    return done.text, {
        path.stem: json.loads(path.read_text()) for path in sorted(results.glob("*.json"))
    }


def there(cluster: Any, namespace: str) -> set[tuple[str, str]]:
    """Return kind and name of a server's objects in a namespace, as another client sees them."""
    label = {"label_selector": "openvino.edge/server"}
    lists = {
        "Deployment": cluster.apps.list_namespaced_deployment,
        "Service": cluster.core.list_namespaced_service,
        "ServiceAccount": cluster.core.list_namespaced_service_account,
        "ConfigMap": cluster.core.list_namespaced_config_map,
    }
    return {
        (kind, item.metadata.name)
        for kind, ask in lists.items()
        for item in ask(namespace, **label).items
    }


def made(fleet: Fleet, *clusters: Any) -> list[str]:
    """Return the namespaces of a fleet that are there, and the volumes for claims in them."""
    names = set(fleet.namespaces.values())
    found = [item.metadata.name for one in clusters for item in one.core.list_namespace().items] + [
        item.spec.claim_ref.namespace
        for one in clusters
        for item in one.core.list_persistent_volume().items
        if item.spec.claim_ref is not None
    ]
    return [name for name in found if name in names]


def agree(site: Fleet, clusters: dict[str, Any]) -> str:
    """Predict, run, and predict again, and compare all of it; return the first prediction."""
    count = len(clusters)
    text, told = play(site, "--check", "--diff")
    assert made(site, *clusters.values()) == [], "check mode changes nothing"
    assert text.count("WOULD CHANGE") == count and "kind: Deployment" in text

    after, done = play(site)
    assert after.count(" AVAILABLE ") >= count, after
    assert set(told) == set(done) == set(clusters)
    for host, first in told.items():
        real = done[host]
        for name in ("preflight_created", "model_server_result"):
            assert first[name]["objects"] == real[name]["objects"], (host, name)
        copied, sent = (item["model_repository_result"] for item in (first, real))
        assert copied["bytes_planned"] == sent["bytes_sent"] > 2000, host
        assert copied["volumes_made"] == sent["volumes_made"], host
        for ours, theirs in zip(copied["targets"], sent["targets"], strict=True):
            assert ours["versions_published"] == theirs["versions_published"] != [], host
        objects = {(item["kind"], item["name"]) for item in first["model_server_result"]["objects"]}
        assert objects <= there(clusters[host], site.namespaces[host]), host
    total = sum(item["model_repository_result"]["bytes_sent"] for item in done.values())
    counts = f"{count} clusters: {count} would change, 0 would not, 0 would fail"
    assert f"{counts}; {total} B" in text, text

    again, _told = play(site, "--check", "--diff")
    counts = f"{count} clusters: 0 would change, {count} would not, 0 would fail"
    assert f"{counts}; 0 B to send" in again, again
    return text


def test_what_is_told_is_what_happens(fleet: Callable[[Hosts], Fleet], shop: Any) -> None:
    site = fleet({"claim": {"edge_namespace_labels": {LEVEL: "restricted"}}})
    agree(site, {"claim": shop})


@pytest.mark.whole
def test_directories_of_nodes(
    fleet: Callable[[Hosts], Fleet], factory: Any, folder: tuple[str, str]
) -> None:
    """Host paths, and a local volume over them whose claim is made by the copy."""
    nodes, (path, maker) = factory.nodes(), folder
    local = {"path": f"{path}/local", "nodes": nodes, "create_directory_in": maker}
    common = {"edge_kubeconfig": str(factory.kubeconfig), "edge_replicas": len(nodes)}
    site = fleet(
        {
            "paths": {
                **common,
                "edge_namespace_labels": {LEVEL: "privileged"},
                "edge_store": {"host_path": {"path": f"{path}/paths", "nodes": nodes}},
            },
            "local": {
                **common,
                "edge_namespace_labels": {LEVEL: "restricted"},
                "edge_store": {"pvc": {"claim_name": "models", "local": local}},
            },
        }
    )
    text = agree(site, {"paths": factory, "local": factory})
    assert "cannot be looked at before there is a namespace" in " ".join(text.split())


def test_what_a_run_would_refuse_is_refused(
    fleet: Callable[[Hosts], Fleet],
    shop: Any,
    factory: Any,
    account: Callable[[Any], Restricted],
) -> None:
    paths = {"path": f"{ABOVE}/models", "nodes": ["nobody"]}
    models = [{"name": "tiny", "versions": [1]}]
    told = {
        "small": "the claim is too small: the files need",
        "class": "would wait for nobody, which is not known",
        "level": "enforces the level restricted, which refuses hostPath volumes",
        "node": "there is no node nobody",
        "device": "no node has 1 example.com/nobody",
        "field": "pod_overrides: apply Deployment",
        "account": "service_account: ServiceAccount",
        "nobody": "2 things are missing",
        "rights": 'cannot get resource "namespaces"',
    }
    site = fleet(
        {
            "small": {"preflight_claim_size": "2Ki"},
            "class": {"preflight_claim_storage_class": "nobody"},
            "level": {
                "edge_kubeconfig": str(factory.kubeconfig),
                "edge_namespace_labels": {LEVEL: "restricted"},
                "edge_store": {"host_path": {**paths, "nodes": factory.nodes()}},
            },
            "node": {
                "edge_namespace_labels": {LEVEL: "privileged"},
                "edge_store": {"host_path": paths},
            },
            "device": {
                "edge_models": [{**models[0], "target_device": "GPU"}],
                "edge_server_options": {"device": {"resource": "example.com/nobody"}},
            },
            "field": {
                "edge_server_options": {
                    "pod_overrides": {"spec": {"dnsPolicy": "Somehow"}},
                }
            },
            "account": {"edge_server_options": {"service_account": "nobody"}},
            "nobody": {"edge_create": False},
            "rights": {"edge_kubeconfig": str(account(shop).kubeconfig)},
            "fine": {},
        }
    )
    done = site.play("site.yml", "--check")
    assert done.failed == {**dict.fromkeys(told, 1), "fine": 0}, done.text
    reasons = {host: " ".join(text.split()) for host, text in FAILED.findall(done.text)}
    assert [host for host, part in told.items() if part not in reasons[host]] == [], reasons
    assert "10 clusters: 1 would change, 0 would not, 9 would fail" in done.text
    assert made(site, shop, factory) == []
