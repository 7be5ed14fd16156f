# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/audit.md: each command is run, and what it says is printed."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from userkit import User, below, publish, seen, start

PAGE = "docs/audit.md"


def drift_apart(user: User) -> None:
    """Do on the first site what the page shows: edit a ConfigMap, delete a Service, flip a bit."""
    cluster, namespace = user.sites["shop-north"], user.swaps["edge-models"]
    found = cluster.core.read_namespaced_config_map("ovms-config", namespace)
    config = json.loads(found.data["config.json"])
    config["model_config_list"][0]["config"]["nireq"] = 8
    changed = {"data": {"config.json": json.dumps(config)}}
    cluster.core.patch_namespaced_config_map("ovms-config", namespace, changed)
    cluster.core.delete_namespaced_service("ovms", namespace)
    volume = {"persistentVolumeClaim": {"claimName": "models"}}
    with cluster.visitor(namespace, volume, read_only=False) as visitor:
        visitor.sh("sed -i s/tiny/Tiny/ /store/models/ocr_detection/1/model.xml")


@pytest.mark.whole
def test_look_and_repair(make_user: Callable[[], User]) -> None:
    user = make_user()
    look_and_run, _ask = start(user)
    publish(user.home, 1)
    user.sh(look_and_run)
    look, shown = below(PAGE, "Look")
    repair, sound = below(PAGE, "Repair")
    assert set(user.sh(look.text).changed.values()) == {0}

    drift_apart(user)
    found = user.sh(look.text, code=2)
    seen(shown, found.text)
    assert found.failed == {site: int(site == "shop-north") for site in user.sites}
    mended = user.sh(repair.text)
    seen(sound, mended.text)
    assert mended.changed == {site: 2 if site == "shop-north" else 0 for site in user.sites}
    user.sh(look.text)
