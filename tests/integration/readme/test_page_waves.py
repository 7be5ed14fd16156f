# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/waves.md: each command is run, and what it says is printed."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Callable

import pytest
from userkit import ROOT, User, below, publish, seen, start

sys.path.append(str(ROOT / "tests" / "testbed" / "standin"))

from harness import write_heavy  # noqa: E402

PAGE = "docs/waves.md"


def wants(user: User, version: int) -> None:
    inventory = (user.home / "fleet.yml").read_text()
    (user.home / "fleet.yml").write_text(
        re.sub(r"versions: \[\d+\]", f"versions: [{version}]", inventory)
    )


def slow_version(user: User) -> None:
    """Follow the section on a version that answers too slowly."""
    objective, command, table = below(PAGE, "A version that answers too slowly")
    write_heavy(user.home / "models" / "ocr_detection" / "4", size=1500, products=24)
    (user.home / "host_vars").mkdir()
    user.write("host_vars/shop-north.yml", objective.text)
    wants(user, 4)
    slow = user.sh(command.text, code=2)
    seen(table, slow.text)
    assert set(slow.changed) == {"shop-north"}
    (user.home / "host_vars" / "shop-north.yml").unlink()


@pytest.mark.whole
def test_waves(make_user: Callable[[], User]) -> None:
    user = make_user()
    if len(user.sites) < 2:
        pytest.skip("needs two clusters")
    start(user)
    for version in (1, 2, 3):
        directory = publish(user.home, version)
    (directory / "model.xml").write_text("<net")
    waves, command, table = below(PAGE, "Your first canary")
    settings = (user.home / "group_vars" / "all.yml").read_text()
    (user.home / "group_vars" / "all.yml").write_text(settings + waves.text)
    wants(user, 1)
    first = user.sh(command.text)
    seen(table, first.text)

    wants(user, 3)
    broken, table = below(PAGE, "A model that does not load")
    stopped = user.sh(broken.text, code=2)
    seen(table, stopped.text)
    assert set(stopped.changed) == {"shop-north"}

    slow_version(user)

    wants(user, 2)
    later, table = below(PAGE, "A site says not now")
    hold = "kubectl -n edge-models create configmap openvino-edge-hold"
    hold += " --from-literal=reason='inventory day'"
    assert hold in (ROOT / PAGE).read_text()
    user.sh(hold, site="shop-north")
    seen(table, user.sh(later.text).text)
    user.sh("kubectl -n edge-models delete configmap openvino-edge-hold", site="shop-north")

    # The kill itself is in playbooks/test_waves.py; here a journal is left as one leaves it.
    again, table = below(PAGE, "The controller was killed")
    user.sh(again.text)
    (journal,) = (user.home / ".local" / "state" / "openvino-edge").glob("*.sqlite")
    with sqlite3.connect(journal) as store:
        store.execute(
            "UPDATE rollouts SET ended = '' WHERE number = (SELECT max(number) FROM rollouts)"
        )
    done = user.sh(again.text)
    seen(table, done.text)
    assert set(done.changed.values()) == {0}

    hub, command, table = below(PAGE, "Many controllers, one hub")
    namespace = user.swaps["edge-models"]
    cluster = user.sites["shop-north"]
    (user.home / "hub.kubeconfig").write_text(cluster.kubeconfig.read_text())
    settings = (user.home / "group_vars" / "all.yml").read_text()
    given = hub.text.replace("edge-rollouts", namespace)
    (user.home / "group_vars" / "all.yml").write_text(settings + given)
    seen(table, user.sh(command.text).text)
    slices, table = below(PAGE, "One budget over slices")
    seen(table, user.sh(slices.text).text)
    heads = cluster.core.list_namespaced_config_map(
        namespace, label_selector="openvino.edge/fleet"
    ).items
    assert [head.data["verdict"] for head in heads] == ["done", "done"]
