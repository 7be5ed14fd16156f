# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/which-way-in.md: each example is run, and what it says is printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inside import Inside
from userkit import User, below, publish, start

PAGE = "docs/which-way-in.md"
NAMESPACE = "edge-models"


@pytest.mark.whole
def test_three_replicas_behind_one_name(
    make_user: Callable[[], User], only_lab: None, shop: Any, tmp_path_factory: Any
) -> None:
    user = make_user()
    start(user)
    publish(user.home, 1)
    settings = user.home / "group_vars" / "all.yml"
    settings.write_text(settings.read_text() + "edge_server_options: {drain_seconds: 0}\n")
    options, run, play, look, table = below(PAGE, "Three replicas behind one name")
    user.write("balanced.yml", options.text)
    assert set(user.sh(run.text).failed.values()) == {0}
    user.write("ways.yml", play.text)
    told = user.sh(look.text).text
    namespace = user.swaps[NAMESPACE]
    for line in table.text.replace(NAMESPACE, namespace).strip().splitlines():
        assert " ".join(line.split()) in " ".join(told.split()), told
    assert f"dns:///ovms-headless.{namespace}.svc:8080" in told

    (program,) = below(PAGE, "A client that balances itself")
    (node,) = shop.nodes()
    pods = shop.core.list_namespaced_pod(namespace, label_selector="openvino.edge/server=ovms")
    names = [pod.metadata.name for pod in pods.items]
    home: Path = tmp_path_factory.mktemp("inside")
    inside = Inside(node, home)
    inside.prepare(shop.run_in_pod(namespace, names[0], "cat", "/etc/resolv.conf"), {})
    (said,) = inside.python([program.text.replace(NAMESPACE, namespace)])
    assert said.split() == ["[1,", "4]"] * 30
