# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods end under load, and no request over the Service is refused or cut."""

from __future__ import annotations

from typing import Any

import pytest
from requesting import asking
from serving import Server

# What the model adds to the input of the clients.
ANSWER = [2.0, 3.0, 4.0, 5.0]
# So many were asked meanwhile even on a machine that is busy with much else.
ENOUGH = 50
# The default, as long as the tests of this folder have another.
PAUSE: dict[str, Any] = {"drain_seconds": 5}


@pytest.fixture
def server(nodes_server: Server) -> Server:
    """A server on a directory of both nodes, not yet deployed."""
    return nodes_server


def uids(server: Server) -> set[str]:
    """Return who the pods are that are not about to end."""
    pods = server.pods()
    return {pod.metadata.uid for pod in pods if not pod.metadata.deletion_timestamp}


def delete_one(server: Server) -> None:
    """Delete a replica as a drain of its node does; wait until it is gone and another serves."""
    pod = server.pods()[0]
    server.cluster.core.delete_namespaced_pod(pod.metadata.name, server.namespace)

    def replaced() -> bool:
        pods = server.pods()
        conditions = [item for each in pods for item in each.status.conditions or ()]
        ready = [item for item in conditions if item.type == "Ready" and item.status == "True"]
        return len(pods) == len(ready) == 2 and pod.metadata.uid not in uids(server)

    server.cluster.wait_until(replaced, "another pod has taken its place")


@pytest.mark.whole
def test_no_request_is_lost_while_pods_end(server: Server) -> None:
    """First by a change of the pods, then by the end of one."""
    server.run(replicas=2, **PAUSE)
    before = uids(server)
    with asking(server, expected=ANSWER) as changing:
        changed = server.run(replicas=2, env={"SITE": "north"}, **PAUSE)
    assert changed["reload"] == "rolling_restart"
    assert not before & uids(server)
    assert changing.done > ENOUGH, changing
    assert not changing.failures, str(changing)
    with asking(server, expected=ANSWER) as deleting:
        delete_one(server)
    assert deleting.done > ENOUGH, deleting
    assert not deleting.failures, str(deleting)


@pytest.mark.whole
def test_the_clients_notice_a_pod_that_ends_without_the_pause(server: Server) -> None:
    """The proof that the test above can fail. One end may slip through, five do not."""
    server.run(replicas=2, drain_seconds=0)
    done = 0
    for _ in range(5):
        with asking(server, expected=ANSWER) as deleting:
            delete_one(server)
        if deleting.failures:
            return
        done += deleting.done
    pytest.fail(f"{done} requests, none was refused")
