# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/day-2.md and docs/troubleshooting.md: each command is run, and what they say is printed.

What the pages cannot do, the tests do: end a site, let a token expire, fill a disk, empty a node.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from storekit import Disk, Folder
from userkit import User, below, publish, seen, start

PAGE = "docs/day-2.md"
MIB = 1 << 20
ABOVE = "/var/lib/openvino-edge"


@pytest.fixture
def user(make_user: Callable[[], User]) -> User:
    """Somebody who has done what the README says, with version 1 on all sites."""
    someone = make_user()
    look_and_run, _ask_and_remove = start(someone)
    publish(someone.home, 1)
    someone.sh(look_and_run)
    return someone


def wants(user: User, version: int) -> None:
    """Write another version into the inventory."""
    inventory = (user.home / "fleet.yml").read_text()
    changed = re.sub(r"versions: \[\d+\]", f"versions: [{version}]", inventory)
    (user.home / "fleet.yml").write_text(changed)


def pods(user: User) -> dict[str, str]:
    """Return the replicas of all sites with their uids."""
    namespace, selector = user.swaps["edge-models"], "openvino.edge/server=ovms"
    return {
        pod.metadata.name: pod.metadata.uid
        for cluster in user.sites.values()
        for pod in cluster.core.list_namespaced_pod(namespace, label_selector=selector).items
    }


@pytest.mark.whole
def test_version_2_and_back(user: User) -> None:
    before = pods(user)
    commands, table = below(PAGE, "Version 2")
    publish(user.home, 2).rename(user.home / "new-files")
    wants(user, 2)
    done = user.sh(commands.text)
    seen(table, done.text)
    assert "running servers load the new configuration without a restart" in done.text
    assert pods(user) == before, "no pod is replaced"

    commands, table = below(PAGE, "Back to version 1")
    wants(user, 1)
    done = user.sh(commands.text)
    seen(table, done.text)
    assert re.search(r"shop-north +AVAILABLE +\S+ \S+ +0 B", done.text), "something was sent"
    assert pods(user) == before


@pytest.mark.whole
def test_one_site_down(user: User) -> None:
    if "shop-south" not in user.sites:
        pytest.skip("needs two clusters")
    down, table, again = below(PAGE, "One site down")
    kubeconfig = user.home / ".kube" / "shop-south"
    kept = kubeconfig.read_text()
    kubeconfig.write_text(re.sub(r"server: .*", "server: https://127.0.0.1:1", kept))
    done = user.sh(down.text, code=2)
    seen(table, done.text)
    assert done.failed == {"shop-north": 0, "shop-south": 1}
    kubeconfig.write_text(kept)
    assert set(user.sh(again.text).changed.values()) == {0}


@pytest.mark.whole
def test_token_expired(user: User) -> None:
    command, table, renew = below(PAGE, "Token expired")
    kubeconfig = user.home / ".kube" / "shop-north"
    claims = base64.urlsafe_b64encode(json.dumps({"exp": 1_600_000_000}).encode()).decode()
    token = f"e30.{claims.rstrip('=')}.c2ln"
    kubeconfig.write_text(re.sub(r"token: .*", f"token: {token}", kubeconfig.read_text()))
    seen(table, user.sh(command.text, code=2).text)
    user.sh(renew.text, site="shop-north")
    assert user.sh(command.text).changed == {"shop-north": 0}


@pytest.mark.whole
def test_disk_full(make_user: Callable[[], User], small_disk: Disk) -> None:
    user = make_user()
    look_and_run, _ask = start(user, {"spec: {access": f"spec: {{{small_disk.claim}, access"})
    for version in (1, 2):
        publish(user.home, version, 5 * MIB)
        wants(user, version)
        user.sh(look_and_run)
    publish(user.home, 3, 9 * MIB)
    wants(user, 3)
    full, message, play, free = below(PAGE, "Disk full")
    done = user.sh(full.text, code=2)
    seen(message, done.text)
    assert done.changed == {"shop-north": 0}, "nothing is sent"
    user.write("free.yml", play.text)
    freed = user.sh(free.text)
    assert freed.changed["shop-north"] > 0
    assert re.search(r"shop-north +\S+ +ocr_detection +3 +AVAILABLE", freed.text), freed.text


@pytest.mark.whole
def test_node_replaced(user: User, node_folder: Folder) -> None:
    inventory = (user.home / "fleet.yml").read_text()
    store = json.dumps({"host_path": {"path": node_folder.path, "nodes": node_folder.nodes}})
    south = re.search(r"shop-south: \{(.*)\}", inventory)
    assert south
    changed = f"shop-south: {{{south[1]}, edge_store: {store}, edge_name: nodes}}"
    (user.home / "fleet.yml").write_text(inventory.replace(south[0], changed))
    verify, table, again = below(PAGE, "Node replaced")
    user.sh(again.text)
    node_folder.replace_last_node(user.swaps["edge-models"], "nodes")
    seen(table, user.sh(verify.text, code=2).text)
    done = user.sh(again.text)
    assert done.failed == {"shop-south": 0}
    row = re.search(r"shop-south +AVAILABLE +\S+ \S+ +(\d+) B +468 B", done.text)
    # An empty file is asked of no node: its frame is all that is sent.
    assert row and int(row[1]) < 64, done.text


def test_ready_but_serves_nothing(make_user: Callable[[], User]) -> None:
    """The command and the play of docs/troubleshooting.md, on a first model that does not load."""
    user = make_user()
    start(user)
    broken = publish(user.home, 1)
    (broken / "model.xml").write_text("<net this is no model")
    user.sh("ansible-playbook openvino.edge.site -i fleet.yml", code=2)
    (verify,) = below("docs/troubleshooting.md", "Ready but serves nothing")
    done = user.sh(verify.text, code=2)
    assert "cannot be loaded (LOADING" in done.text
    (play,) = below("docs/troubleshooting.md", "Troubleshooting")
    user.write("ask.yml", play.text.replace("hosts: clusters", "hosts: all"))
    told = user.sh("ansible-playbook ask.yml -i fleet.yml")
    assert re.search(r"gate: .*cannot be loaded", told.text), told.text


@pytest.fixture
def small_disk(only_lab: None, shop: Any) -> Iterator[Disk]:
    """A volume of 16 MiB on the node of the cluster shop."""
    with Disk(shop, f"{ABOVE}/small-{uuid.uuid4().hex[:6]}", "16m") as disk:
        yield disk


@pytest.fixture
def node_folder(only_lab: None, factory: Any) -> Iterator[Folder]:
    """A directory on both nodes of the cluster factory that nobody else uses."""
    with Folder(factory, f"{ABOVE}/day-2-{uuid.uuid4().hex[:6]}") as folder:
        yield folder
