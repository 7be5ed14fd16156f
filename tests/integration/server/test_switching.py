# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a Deployment to a DaemonSet and back on two nodes, with an eye on who takes requests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import WaitError
from kubernetes import client as k8s
from serving import Server

ON_NODES: dict[str, Any] = {"workload": "DaemonSet"}


@pytest.fixture
def server(nodes_server: Server) -> Server:
    """A server on a directory of both nodes, not yet deployed."""
    return nodes_server


class Watcher:
    """Counts the pods to which the Service sends requests, at each change of that."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._stop = threading.Event()
        self.counts: list[int] = []

    def look(self) -> None:
        """Count until told to stop."""
        slices = k8s.DiscoveryV1Api(self._server.cluster.api)
        selector = f"kubernetes.io/service-name={self._server.name}"
        while not self._stop.is_set():
            found = slices.list_namespaced_endpoint_slice(
                self._server.namespace, label_selector=selector
            )
            ready = {
                end.target_ref.uid
                for item in found.items
                for end in item.endpoints or ()
                if end.conditions.ready
            }
            if not self.counts or self.counts[-1] != len(ready):
                self.counts.append(len(ready))
            self._stop.wait(0.05)


@contextmanager
def watching(server: Server) -> Iterator[list[int]]:
    """Count meanwhile."""
    watcher = Watcher(server)
    thread = threading.Thread(target=watcher.look)
    thread.start()
    try:
        yield watcher.counts
    finally:
        watcher._stop.set()
        thread.join()


def test_somebody_serves_all_the_time(server: Server) -> None:
    server.run(replicas=2)
    server.until({"adder:1": "AVAILABLE"})
    with watching(server) as counts:
        there = server.run(**ON_NODES)
    assert min(counts) == 2, counts
    assert there["reload"] == "rolling_restart"
    assert there["replicas"] == {"wanted": 2, "ready": 2}
    assert [name for name in server.made() if "DaemonSet" in name or "Deployment" in name] == [
        "DaemonSet/ocr"
    ]
    assert not server.run(**ON_NODES)["changed"]
    with watching(server) as counts:
        back = server.run(replicas=2)
    assert min(counts) == 2, counts
    assert back["replicas"] == {"wanted": 2, "ready": 2}
    assert "DaemonSet/ocr" not in server.made()
    assert not server.run(replicas=2)["changed"]


def test_a_new_kind_that_does_not_start_leaves_the_old_one_serving(server: Server) -> None:
    server.run(replicas=2)
    with watching(server) as counts, pytest.raises(WaitError, match="no-such-image"):
        server.run(image="localhost/no-such-image:1", **ON_NODES)
    assert counts == [2]
    assert "DaemonSet/ocr" not in server.made(), "it is removed again"
    with watching(server) as counts, pytest.raises(WaitError, match="no-such-image"):
        server.run(image="localhost/no-such-image:1", on_failure="keep", **ON_NODES)
    assert counts == [2]
    assert {"DaemonSet/ocr", "Deployment/ocr"} <= set(server.made())
    # Mended, and given up: either way one of both is left.
    with watching(server) as counts:
        server.run(**ON_NODES)
    assert min(counts) == 2
    assert "Deployment/ocr" not in server.made()
    with pytest.raises(WaitError, match="no-such-image"):
        server.run(replicas=2, image="localhost/no-such-image:1", on_failure="keep")
    assert not server.run(**ON_NODES)["replicas"]["ready"] < 2
    assert "Deployment/ocr" not in server.made()


def test_without_room_for_both_the_old_ones_end_first(server: Server) -> None:
    """Each pod asks for more than half of a node."""
    (first, *_rest) = server.cluster.core.list_node().items
    cores = int(first.status.allocatable["cpu"])
    most: dict[str, Any] = {"resources": {"requests": {"cpu": f"{cores * 600}m"}}}
    server.run(replicas=2, **most)
    with watching(server) as counts:
        there = server.run(**ON_NODES, **most)
    assert min(counts) < 2, "the watcher sees a gap where there has to be one"
    assert there["replicas"] == {"wanted": 2, "ready": 2}
    assert any("no room beside the old pods" in line for line in server.said)
    assert "Deployment/ocr" not in server.made()
