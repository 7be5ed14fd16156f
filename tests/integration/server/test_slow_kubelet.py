# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real kubelet that is slow to bring a new configuration to one pod.

On the node a read-only mount lies over the directory of the pod's ConfigMap, so the kubelet fails
to write there and tries again, later each time, as one does whose node is short of something. The
container has the directory itself, and sees what is written once the mount is gone. No other pod
is touched.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import WaitError
from serving import Server
from stores import LAB

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("EDGE_KUBECONFIG")), reason="only a node of the lab can be entered"
)
# For how long the kubelet is kept from it after its first attempt.
HELD_SECONDS = 6.0
# What no status of OVMS shows: only the marker tells whether it is loaded.
UNSEEN = [{"name": "adder", "versions": [1], "nireq": 2}]
VERSION_2 = [{"name": "adder", "versions": [2]}]


@pytest.fixture
def server(shop: Any, make_namespace: Any, make_pvc: Any, make_server: Any, fill: Any) -> Server:
    """A server that serves version 1."""
    namespace = make_namespace(shop, "restricted")
    fill(shop, namespace, make_pvc(shop, namespace))
    made: Server = make_server(shop, namespace)
    made.run()
    return made


def on_node(node: str, line: str) -> None:
    command = [str(LAB), "exec", node, "--", "sh", "-c", line]
    subprocess.run(command, capture_output=True, text=True, check=True)


@contextmanager
def held(pod: Any) -> Iterator[None]:
    """Keep the kubelet from writing the pod's ConfigMap."""
    (volume,) = [item.name for item in pod.spec.volumes if item.config_map]
    place = f"/var/lib/kubelet/pods/{pod.metadata.uid}/volumes/kubernetes.io~configmap/{volume}"
    on_node(pod.spec.node_name, f"mount --bind {place} {place}")
    try:
        on_node(pod.spec.node_name, f"mount -o remount,bind,ro {place}")
        yield
    finally:
        on_node(pod.spec.node_name, f"umount {place}")


def has_tried(server: Server, pod: Any) -> bool:
    """Whether the kubelet has said that it could not bring the file."""
    named = f"involvedObject.name={pod.metadata.name},reason=FailedMount"
    found = server.cluster.core.list_namespaced_event(server.namespace, field_selector=named)
    return any("read-only file system" in (event.message or "") for event in found.items)


def markers(server: Server, pod: Any) -> list[str]:
    """The names of the markers that the pod itself reports as loaded."""
    reply = server.cluster.core.connect_get_namespaced_pod_proxy_with_path(
        f"{pod.metadata.name}:8081", server.namespace, "v1/config", _preload_content=False
    )
    return sorted(
        name
        for name, entry in reply.json().items()
        if name.startswith("edge-config-")
        and any(row["state"] == "AVAILABLE" for row in entry["model_version_status"])
    )


@pytest.mark.parametrize("models", [UNSEEN, VERSION_2], ids=["unseen", "seen"])
def test_success_waits_for_a_kubelet_that_is_slow(
    server: Server, models: list[dict[str, Any]]
) -> None:
    (pod,) = server.pods()
    before = markers(server, pod)
    with ThreadPoolExecutor(1) as pool:
        with held(pod):
            running = pool.submit(server.run, models=models)
            server.cluster.wait_until(lambda: has_tried(server, pod), "the kubelet fails", 90)
            time.sleep(HELD_SECONDS)
            assert not running.done(), "success before any pod has the configuration"
            assert markers(server, pod) == before
        assert running.result(timeout=240)["reload"] == "config_reload"
    (same,) = server.pods()
    assert same.metadata.uid == pod.metadata.uid
    assert markers(server, pod) != before
    assert server.states(pod)[f"adder:{models[0]['versions'][0]}"] == "AVAILABLE"
    assert not server.run(models=models)["changed"]


def test_a_kubelet_that_does_not_bring_it_in_time_is_no_success(server: Server) -> None:
    (pod,) = server.pods()
    with held(pod), pytest.raises(WaitError, match=pod.metadata.name):
        server.run(models=UNSEEN, wait_timeout=10)
    assert server.states(pod) == {"adder:1": "AVAILABLE"}
