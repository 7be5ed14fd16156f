# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The peer of ``pod_carrier: portforward``: ``kubectl port-forward``, alone or below a task."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import measure
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Response
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire.endpoint import Endpoint
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire.http import (
    Request,
    Transport,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.wire.upload import Upload
from cluster import Cluster

LISTENS = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")
TICKS = os.sysconf("SC_CLK_TCK")


class PortForward:
    """A running C(kubectl port-forward) to one port of a pod.

    Attributes:
        port: where it listens on the loopback address.
    """

    def __init__(self, cluster: Cluster, pod: str, port: int, *, tunnel: bool = True) -> None:
        """Start it; C(tunnel) is SPDY inside of a WebSocket, as it does by itself."""
        command = [cluster.kubectl_path, "-n", cluster.namespace, "port-forward"]
        command += ["--address", "127.0.0.1", f"pod/{pod}", f":{port}"]
        env = {**cluster.env, "KUBECTL_PORT_FORWARD_WEBSOCKETS": str(tunnel).lower()}
        self._log = cluster.work / f"port-forward-{time.monotonic_ns()}.log"
        with self._log.open("wb") as out:
            self._process = subprocess.Popen(
                command, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        self.port = self._listens()

    def _listens(self) -> int:
        """Wait until it listens, and return where."""
        end = time.monotonic() + 60
        while time.monotonic() < end and self._process.poll() is None:
            found = LISTENS.search(self._log.read_text())
            if found:
                return int(found.group(1))
            time.sleep(0.002)
        self.close()
        raise measure.BenchError(f"kubectl port-forward: {self._log.read_text()}")

    def cpu(self) -> float:
        """Return the seconds of CPU that it has used so far."""
        words = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / TICKS

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


class Carried:
    """Brings what a task sends to pods there by C(kubectl port-forward).

    A task that waits until a pod listens asks it by the proxy, since kubectl ends with the first
    connection that is refused.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._forwards: list[PortForward] = []
        self._ways: dict[tuple[str, int], Transport] = {}

    def cpu(self) -> float:
        """Return the seconds of CPU of all its processes."""
        return sum(forward.cpu() for forward in self._forwards)

    def close(self) -> None:
        """End all of them."""
        for way in self._ways.values():
            way.close()
        for forward in self._forwards:
            forward.close()

    def ask(
        self,
        pod: str,
        port: int,
        method: str,
        path: str,
        body: Any,
        length: int | None,
        headers: Mapping[str, str] | None,
        timeout: float,
    ) -> Response:
        """Send a request, as C(KubeClient.pod_proxy) does."""
        way = self._ways.get((pod, port))
        if way is None:
            forward = PortForward(self._cluster, pod, port)
            self._forwards.append(forward)
            way = Transport(Endpoint("kubectl port-forward", "127.0.0.1", forward.port))
            self._ways[pod, port] = way
        upload = None if body is None else Upload(body, length)
        told = {"Accept": "*/*", **(headers or {})}
        return way.request(Request(method, path, headers=told, upload=upload), timeout)


@contextmanager
def carried_by_kubectl(cluster: Cluster) -> Iterator[Carried]:
    """Have every task of this process reach pods by C(kubectl port-forward) for a while."""
    plain = KubeClient.pod_proxy

    def pod_proxy(
        client: KubeClient,
        namespace: str,
        pod: str,
        port: int,
        method: str,
        path: str,
        *,
        body: Any = None,
        length: int | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        starting: bool = False,
    ) -> Response:
        if starting:
            return plain(
                client,
                namespace,
                pod,
                port,
                method,
                path,
                body=body,
                length=length,
                headers=headers,
                timeout=timeout,
                starting=True,
            )
        return carried.ask(pod, port, method, path, body, length, headers, timeout)

    carried = Carried(cluster)
    with ExitStack() as stack:
        stack.callback(carried.close)
        stack.enter_context(mock.patch.object(KubeClient, "pod_proxy", pod_proxy))
        yield carried
