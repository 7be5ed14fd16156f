# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs Contour on the node of a cluster of the lab, with the kinds that it reads."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from definitions import alone

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "testbed")]

from web.ingress_controller import Controller, controller, programs  # noqa: E402

__all__ = ["Controller", "run_contour"]


@contextmanager
def run_contour(
    shop: Any, edge_class: str, work: Path, more: Sequence[Any] = (), gateway: str = ""
) -> Iterator[Controller]:
    """Run the controller on the node of the cluster, with its kinds and C(more)."""
    if os.environ.get("EDGE_KUBECONFIG"):
        pytest.skip("the controller runs on a node of the lab")
    (node,) = shop.core.list_node().items
    (address,) = [item.address for item in node.status.addresses if item.type == "InternalIP"]
    bodies = [item for item in yaml.safe_load_all((programs() / "crds.yaml").read_text()) if item]
    with alone(shop, *bodies, *more):
        where = (shop.kubeconfig, node.metadata.name, address, edge_class, work, gateway)
        with controller(*where) as made:
            yield made
