# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On which port the gate asks when nobody names one."""

from __future__ import annotations

from typing import Any, Dict, Sequence

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.verify.ports import DEFAULT, told

from ..fakes.cluster import Cluster


def workload(kind: str, *args: str) -> Dict[str, Any]:
    spec = {"template": {"spec": {"containers": [{"name": "ovms", "args": list(args)}]}}}
    return {"kind": kind, "metadata": {"name": "ocr", "namespace": "edge"}, "spec": spec}


@pytest.mark.parametrize("kind", ["Deployment", "DaemonSet"])
@pytest.mark.parametrize("args", [("--rest_port", "8000"), ("--rest_port=8000",)])
def test_the_port_is_the_one_that_the_server_was_told(kind: str, args: Sequence[str]) -> None:
    cluster: Any = Cluster()
    cluster.add(workload(kind, *args))
    port, deployment = told(cluster, "edge", "ocr")
    assert (port, deployment is None) == (8000, kind == "DaemonSet")
    assert told(cluster, "edge", "other") == (DEFAULT, None)


def test_what_may_not_be_read_has_the_usual_port() -> None:
    cluster: Any = Cluster(unreadable=("DaemonSet",))
    cluster.add(workload("DaemonSet", "--rest_port", "8000"))
    assert told(cluster, "edge", "ocr") == (DEFAULT, None)
