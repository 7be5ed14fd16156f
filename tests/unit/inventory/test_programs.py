# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin and the lookup in Ansible's own programs, with a hub on loopback.

Needs no cluster; `make matrix` runs it on every supported ansible-core.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ..fakes.loopback import Received, Server, answer, api, status_object
from . import samples

ROOT = Path(__file__).resolve().parents[3]
SECRET = "a-token-that-only-the-hub-has"
MANAGED = "/apis/cluster.open-cluster-management.io/v1"
CAPI = "/apis/cluster.x-k8s.io"


def ansible(program: str, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a program of Ansible; a source that cannot be parsed fails."""
    dropped = ("K8S_AUTH_", "EDGE_HUB_", "KUBECONFIG", "ANSIBLE_INVENTORY")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(dropped)},
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_CONFIG": str(folder / "none.cfg"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
        "ANSIBLE_NOCOLOR": "1",
        "NO_PROXY": "127.0.0.1",
    }
    return subprocess.run(
        [str(Path(sys.executable).parent / program), *arguments],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def inventory(folder: Path, config: Any, name: str = "clusters.yml") -> Path:
    """Write an inventory file."""
    path = folder / name
    path.write_text(yaml.safe_dump({"plugin": "openvino.edge.clusters", **config}))
    return path


def listed(folder: Path, config: Any) -> Any:
    """Return what ansible-inventory --list writes."""
    path = inventory(folder, config)
    done = ansible("ansible-inventory", folder, "-i", str(path), "--list")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(folder: Path, config: Any, name: str = "clusters.yml") -> str:
    """Return the error of an inventory, in one line."""
    path = inventory(folder, config, name)
    done = ansible("ansible-inventory", folder, "-i", str(path), "--list")
    assert done.returncode != 0
    return " ".join(done.stderr.split())


OBJECTS = {
    MANAGED: {"resources": [{"name": "managedclusters", "kind": "ManagedCluster"}]},
    f"{MANAGED}/managedclusters": {
        "items": [
            samples.managed(
                "oslo",
                metadata={"labels": {"region": "north"}},
                spec={"taints": [{"key": "k", "value": "{{ 6 * 7 }}", "effect": "NoSelect"}]},
            ),
            samples.managed("rome", metadata={"labels": {"region": "south"}}),
            samples.managed("nowhere", spec={"managedClusterClientConfigs": []}),
        ]
    },
    "/api/v1/namespaces/oslo/secrets/edge": samples.secret("oslo", "edge", token=SECRET),
    CAPI: {"preferredVersion": {"groupVersion": "cluster.x-k8s.io/v1beta2"}},
    f"{CAPI}/v1beta2": {"resources": [{"name": "clusters", "kind": "Cluster", "namespaced": True}]},
    f"{CAPI}/v1beta2/namespaces/fleet/clusters": {"items": [samples.cluster("bergen")]},
    "/api/v1/namespaces/fleet/secrets/bergen-kubeconfig": samples.secret(
        "fleet", "bergen-kubeconfig", value=yaml.safe_dump(samples.kubeconfig("m", token=SECRET))
    ),
}


@pytest.fixture
def hub() -> Iterator[Server]:
    """A server with the objects of a hub."""

    def answers(request: Received) -> bytes:
        path = request.target.partition("?")[0]
        if path not in OBJECTS:
            return status_object(404, "NotFound", f"no {path}")
        return answer(200, OBJECTS[path])

    with api(answers) as server:
        yield server


def of_hub(hub: Server, **more: Any) -> dict[str, Any]:
    managed = {"hub": {"host": hub.url}, "service_account": "edge"}
    return {"open_cluster_management": managed, "group_by_labels": ["region"], **more}


def test_files_with_the_options_of_every_inventory(tmp_path: Path) -> None:
    for name in ("north/oslo", "south/rome"):
        path = tmp_path / "sites" / f"{name}.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(samples.kubeconfig("main")))
    (tmp_path / "sites" / "south" / "bad.yaml").write_text("a: [")
    config = {
        "kubeconfigs": ["sites/**/*.yaml"],
        "keyed_groups": [{"key": "edge_cluster.folder", "separator": ""}],
        "compose": {"edge_name": "'ovms-' ~ inventory_hostname"},
        "groups": {"broken_too": "'edge_broken' in group_names"},
    }
    found = listed(tmp_path, config)
    assert found["north"]["hosts"] == ["oslo"]
    assert sorted(found["south"]["hosts"]) == ["bad", "rome"]
    assert sorted(found["edge_clusters"]["hosts"]) == ["bad", "oslo", "rome"]
    assert found["edge_broken"]["hosts"] == found["broken_too"]["hosts"] == ["bad"]
    oslo = found["_meta"]["hostvars"]["oslo"]
    assert oslo["ansible_connection"] == "local"
    assert oslo["edge_kubeconfig"] == str(tmp_path / "sites" / "north" / "oslo.yaml")
    assert "ovms-oslo" in str(oslo["edge_name"])
    limited = ansible(
        "ansible", tmp_path, "-i", "clusters.yml", "all", "--list-hosts", "-l", "north"
    )
    assert limited.stdout.split() == ["hosts", "(1):", "oslo"]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"kubeconfgs": ["sites"]}, "does not know kubeconfgs"),
        ({}, "no source of clusters is named"),
        ({"kubeconfigs": ["gone"]}, "gone: there is no such file"),
        ({"kubeconfigs": ["a"], "on_broken": "leave"}, "on_broken"),
        ({"kubeconfigs": ["a"], "strict": True, "compose": {"x": "gone.y"}}, "set x for host a"),
    ],
)
def test_errors_are_told(tmp_path: Path, config: Any, said: str) -> None:
    (tmp_path / "a").write_text(json.dumps(samples.kubeconfig("main")))
    assert said in refused(tmp_path, config)


def test_files_of_another_name_are_not_taken(tmp_path: Path) -> None:
    assert "could not be verified by inventory plugin" in refused(
        tmp_path, {"contexts": ["*"]}, "hosts.yml"
    )


def test_a_hub_is_asked_once_while_the_cache_is_fresh(tmp_path: Path, hub: Server) -> None:
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile"}
    config = of_hub(hub, **cache, cache_connection=str(tmp_path / "kept"))
    first = listed(tmp_path, config)
    assert first["region_north"]["hosts"] == ["oslo"]
    asked = len(hub.requests)
    assert listed(tmp_path, config) == first
    assert len(hub.requests) == asked
    listed(tmp_path, {**config, "group_by_labels": []})
    assert len(hub.requests) > asked
    asked = len(hub.requests)
    listed(tmp_path, config)
    assert len(hub.requests) == asked
    assert played(tmp_path, config, "--list-hosts", "--flush-cache").returncode == 0
    assert len(hub.requests) > asked
    kept = "".join(path.read_text() for path in (tmp_path / "kept").iterdir())
    assert "oslo" in kept and SECRET not in kept


def test_a_hub_that_says_no_is_an_error_that_names_it(tmp_path: Path) -> None:
    with api(lambda request: status_object(403, "Forbidden", "not you")) as server:
        assert "not you" in refused(tmp_path, of_hub(server))


PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.copy:
        content: "{{ {'way': edge_kubeconfig, 'known': edge_cluster} | to_json }}"
        dest: "{{ playbook_dir }}/{{ inventory_hostname }}.json"
        mode: "0600"
"""


def played(folder: Path, config: Any, *options: str) -> "subprocess.CompletedProcess[str]":
    (folder / "play.yml").write_text(PLAY)
    path = inventory(folder, config)
    return ansible("ansible-playbook", folder, "-i", str(path), "play.yml", *options)


def test_logins_are_taken_from_the_hub_by_each_task(tmp_path: Path, hub: Server) -> None:
    both = of_hub(hub, cluster_api={"hub": {"host": hub.url}, "namespace": "fleet"})
    assert SECRET not in json.dumps(listed(tmp_path, both))
    done = played(tmp_path, both, "-l", "oslo,bergen")
    assert done.returncode == 0, done.stdout
    oslo = json.loads((tmp_path / "oslo.json").read_text())
    bergen = json.loads((tmp_path / "bergen.json").read_text())
    assert oslo["way"]["users"][0]["user"] == {"token": SECRET}
    assert oslo["way"]["clusters"][0]["cluster"]["server"] == "https://oslo.example.com"
    assert bergen["way"] == samples.kubeconfig("m", token=SECRET)
    assert oslo["known"]["taints"][0]["value"] == "{{ 6 * 7 }}"


def test_compose_tells_another_way(tmp_path: Path, hub: Server) -> None:
    compose = {"edge_kubeconfig": "'/sites/' ~ inventory_hostname"}
    found = listed(tmp_path, of_hub(hub, compose=compose))
    for host in ("rome", "nowhere"):
        assert f"/sites/{host}" in str(found["_meta"]["hostvars"][host]["edge_kubeconfig"])
    assert "edge_broken" not in found
    assert listed(tmp_path, of_hub(hub))["edge_broken"]["hosts"] == ["nowhere"]


def test_a_login_that_the_hub_has_not_fails_the_task_of_its_host_alone(
    tmp_path: Path, hub: Server
) -> None:
    done = played(tmp_path, of_hub(hub))
    assert done.returncode == 2
    assert "Secret rome/edge of the hub" in " ".join(done.stdout.split())
    assert (tmp_path / "oslo.json").exists() and not (tmp_path / "rome.json").exists()
