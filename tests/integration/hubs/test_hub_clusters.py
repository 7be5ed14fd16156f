# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of the lab is the hub of both: its objects become hosts that tasks reach.

What must never happen: a credential in the inventory or in the output, a cluster that the hub has
not accepted, and a task that goes to another cluster because the hub knows no address.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from accounts import GROUP, Restricted
from hubkit import CLUSTER, LABEL, MANAGED, Hub, address, embedded, served

ROOT = Path(__file__).parents[3]
PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.include_vars: "{{ defaults }}"
    - name: Ask the cluster with what roles ask it with
      openvino.edge.release_info:
        namespace: "{{ spaces[edge_cluster.source] }}"
        name: nobody
      module_defaults:
        openvino.edge.release_info: "{{ verify_auth }}"
      register: asked
    - name: Have the arguments of a role checked
      block:
        - ansible.builtin.include_role:
            name: openvino.edge.verify
          vars:
            edge_namespace: "{{ spaces[edge_cluster.source] }}"
            edge_models: []
      rescue:
        - ansible.builtin.debug:
            msg: there is no server
"""


@pytest.fixture
def hub(shop: Any, make_namespace: Callable[..., str]) -> Iterator[Hub]:
    with served(shop, MANAGED, CLUSTER):
        made = Hub(shop, make_namespace(shop))
        try:
            yield made
        finally:
            made.forget()


def viewer(cluster: Any, namespace: str) -> Restricted:
    """Return an account that may look at one namespace."""
    account: Restricted = cluster.new_account()
    role = {"apiGroup": GROUP, "kind": "ClusterRole", "name": "view"}
    body = {"metadata": {"name": "viewer"}, "roleRef": role, "subjects": account.subjects}
    cluster.rbac.create_namespaced_role_binding(namespace, body)
    account.until("list", "", "configmaps", namespace)
    return account


def token(account: Restricted) -> str:
    config = yaml.safe_load(account.kubeconfig.read_text())
    return str(config["users"][0]["user"]["token"])


class User:
    """Runs Ansible's programs in a folder, with the hub in the environment."""

    def __init__(self, folder: Path, hub: Hub) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "EDGE_HUB_KUBECONFIG": str(hub.cluster.kubeconfig),
            # Where a task without an address of its own would go.
            "KUBECONFIG": str(hub.cluster.kubeconfig),
            "ANSIBLE_NOCOLOR": "1",
        }
        source = {"label_selector": f"{LABEL}={hub.namespace}", "service_account": "edge"}
        config = {
            "plugin": "openvino.edge.clusters",
            "open_cluster_management": source,
            "cluster_api": {"namespace": hub.namespace},
            "group_by_labels": ["region"],
            "groups": {"offline": "edge_cluster.available is not true"},
        }
        (folder / "clusters.yml").write_text(yaml.safe_dump(config))
        (folder / "play.yml").write_text(PLAY)

    def run(self, program: str, *options: str) -> "subprocess.CompletedProcess[str]":
        """Run a program on the inventory."""
        command = [str(Path(sys.executable).parent / program), "-i"]
        return subprocess.run(
            [*command, str(self.folder / "clusters.yml"), *options],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


def test_clusters_of_hubs(
    hub: Hub, factory: Any, make_namespace: Callable[..., str], tmp_path: Path
) -> None:
    there, here = make_namespace(factory), hub.namespace
    server, ca = address(hub.cluster.kubeconfig)
    way = [{"url": server, "caBundle": ca}]
    seen, inside = viewer(hub.cluster, here), viewer(factory, there)
    hub.managed(here, hubAcceptsClient=True, managedClusterClientConfigs=way)
    secret = {"metadata": {"name": "edge"}, "stringData": {"token": token(seen), "ca.crt": "x"}}
    hub.cluster.core.create_namespaced_secret(here, secret)
    hub.managed(f"{here}-stranger", hubAcceptsClient=False, managedClusterClientConfigs=way)
    hub.managed(f"{here}-nowhere", available="Unknown", hubAcceptsClient=True)
    hub.cluster_api("works", embedded(inside.kubeconfig))
    user = User(tmp_path, hub)

    listed = user.run("ansible-inventory", "--list")
    assert listed.returncode == 0, listed.stderr
    found = json.loads(listed.stdout)
    assert set(found["edge_clusters"]["hosts"]) == {here, f"{here}-nowhere", "works"}
    assert found["region_south"]["hosts"] == ["works"]
    assert found["edge_broken"]["hosts"] == found["offline"]["hosts"] == [f"{here}-nowhere"]
    assert f"{here}-stranger" in "".join(listed.stderr.split())
    assert found["_meta"]["hostvars"][here]["edge_cluster"]["server"] == server
    assert str(hub.cluster.kubeconfig) not in listed.stdout, "it may lie elsewhere for a job"

    spaces = json.dumps({"spaces": {"open_cluster_management": here, "cluster_api": there}})
    defaults = f"defaults={ROOT}/roles/verify/defaults/main.yml"
    play = (str(tmp_path / "play.yml"), "-e", spaces, "-e", defaults, "-vvv")
    done = user.run("ansible-playbook", *play)
    assert done.returncode == 2, done.stdout
    recap = done.stdout.rpartition("PLAY RECAP")[2]
    states = {line.split()[0]: line for line in recap.splitlines() if " ok=" in line}
    assert "failed=0" in states[here] and "failed=0" in states["works"], done.stdout
    assert "failed=1" in states[f"{here}-nowhere"]
    assert "the hub knows no address of this cluster" in " ".join(done.stdout.split())
    for account in (seen, inside):
        assert token(account) not in listed.stdout + listed.stderr + done.stdout + done.stderr
