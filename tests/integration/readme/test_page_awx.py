# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/awx.md: each command is run; AWX is a stand-in, its jobs are run by ansible-runner."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from userkit import ROOT, User, below, publish, seen, start

TESTS = ROOT / "tests"
sys.path[:0] = [str(TESTS / name) for name in ("integration/awx", "testbed/awx", "testbed")]

from awx_jobs import prepare, run, update_inventory  # noqa: E402
from awx_standin import serve  # noqa: E402
from awxkit import TOKEN, awx_awx  # noqa: E402

PAGE = "docs/awx.md"
NAME = "OpenVINO edge"


def write_repository(user: User) -> Path:
    """Follow the page up to the repository of the fleet, with the images of the lab."""
    commands, clusters, wanted = below(PAGE, "The repository of the fleet")
    user.sh(commands.text)
    user.write("fleet/clusters.yml", clusters.text)
    images = (user.home / "group_vars" / "all.yml").read_text()
    user.write("fleet/group_vars/edge_clusters.yml", wanted.text + images)
    publish(user.home / "fleet", 1)
    return user.home / "fleet"


@pytest.mark.whole
def test_an_hour(make_user: Callable[[], User], tmp_path: Path) -> None:
    user = make_user()
    if len(user.sites) < 2:
        pytest.skip("needs two clusters")
    start(user)
    fleet = write_repository(user)
    (merge,) = below(PAGE, "One kubeconfig for all clusters")
    account = user.swaps["WHO=edge-deployer"].partition("=")[2]
    user.sh(merge.text, {r"edge\(-deployer\)\?": rf"\(edge\|{account}\)"})

    variables, tell = below(PAGE, "Tell AWX")
    user.write("awx.yml", variables.text)
    (user.home / "awx.token").write_text(TOKEN)
    theirs = f"{awx_awx()}/ansible_collections/awx ~/.ansible/collections/ansible_collections"
    with serve(TOKEN) as (url, store):
        swaps = {
            "ansible-galaxy collection install awx.awx": f"cp -r {theirs}",
            "https://awx.example.com": url,
        }
        told = user.sh(tell.text, swaps)
    assert told.changed["localhost"] > 0

    env = user.environment()
    inventory = update_inventory(store, NAME, fleet, tmp_path / "update", env)
    canary, rest = below(PAGE, "The first rollout")
    first = prepare(store, f"{NAME} canary", fleet, tmp_path / "1", inventory)
    assert run(first, env) == 0, first.stdout()
    seen(canary, first.stdout())
    assert "shop-south" not in first.stdout().partition("PLAY RECAP")[2]
    second = prepare(store, f"{NAME} site", fleet, tmp_path / "2", inventory)
    assert run(second, env) == 0, second.stdout()
    seen(rest, second.stdout())
