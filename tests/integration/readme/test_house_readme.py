# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The README does what it says, command by command, from an installed tarball.

Only names are replaced (namespace, account, tarball), and the images: the tests have a stand-in for
OVMS. The environment holds what the README tells people to install and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import yaml
from userkit import FIVE_MINUTES, User, below, publish, start


def test_the_five_minutes(make_user: Callable[[], User]) -> None:
    user = make_user()
    look_and_run, ask_and_remove = start(user)
    publish(user.home, 1)
    first = user.sh(look_and_run)
    print(first.text)
    for site in user.sites:
        assert re.search(rf"{site} +\S+ +ocr_detection +1 +AVAILABLE", first.text), first.text
        assert first.changed[site] > 0
    again = user.sh(look_and_run)
    assert set(again.changed.values()) == {0}, again.text

    publish(user.home, 2)
    inventory = (user.home / "fleet.yml").read_text()
    (user.home / "fleet.yml").write_text(inventory.replace("versions: [1]", "versions: [2]"))
    user.sh(look_and_run)
    (play,) = below("README.md", "Single tasks")
    user.write("check.yml", play.text)
    assert user.sh("ansible-playbook check.yml -i fleet.yml").changed == {"shop-north": 0}

    removed = user.sh(ask_and_remove)
    assert set(removed.failed.values()) == {0}
    for site, cluster in user.sites.items():
        namespace = user.swaps["edge-models"]
        assert cluster.apps.list_namespaced_deployment(namespace).items == [], site


def test_the_inventory_is_short() -> None:
    inventory = below("README.md", FIVE_MINUTES)[2]
    assert inventory.language == "yaml" and len(inventory.text.splitlines()) <= 14
    assert set(yaml.safe_load(inventory.text)["all"]["hosts"]) == {"shop-north", "shop-south"}
