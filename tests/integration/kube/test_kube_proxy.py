# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real API server behind a proxy, and behind a connection that is cut.

Run it with several versions of the ``kubernetes`` package: the answers must be the same.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


class Tunnels:
    """A proxy for CONNECT on loopback; ``cut`` ends all open connections."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.targets: list[str] = []
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                head += sock.recv(4096)
            target = head.split()[1].decode()
            self.targets.append(target)
            host, _, port = target.rpartition(":")
            with socket.create_connection((host, int(port))) as upstream:
                sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                self._open.append(sock)
                while True:
                    for source in select.select([sock, upstream], [], [])[0]:
                        data = source.recv(65536)
                        if not data:
                            return
                        (upstream if source is sock else sock).sendall(data)

    def cut(self) -> None:
        """End what is open, without a word."""
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def close(self) -> None:
        """Take no more connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tunnels]:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    tunnels = Tunnels()
    yield tunnels
    tunnels.close()


def target(client: KubeClient) -> str:
    return f"{client.endpoint.host}:{client.endpoint.port}"


def test_everything_goes_through_the_proxy(
    shop: Any, namespace: str, pod: str, proxy: Tunnels
) -> None:
    with KubeClient.from_params({**shop.auth, "proxy": proxy.url}) as client:
        client.version()
        assert client.pod_proxy(namespace, pod, 8081, "GET", "/").status == 200
        result = client.exec(namespace, pod, None, ["cat"], stdin=[b"x" * 1_000_000])
        assert (result.rc, len(result.stdout)) == (0, 1_000_000)
        assert next(client.watch("v1", "Pod", namespace, timeout=5)).type == "ADDED"
        assert set(proxy.targets) == {target(client)}
        assert len(proxy.targets) >= 2


def test_environment(shop: Any, proxy: Tunnels, monkeypatch: pytest.MonkeyPatch) -> None:
    def connections() -> int:
        before = len(proxy.targets)
        with KubeClient.from_params(shop.auth) as client:
            client.version()
        return len(proxy.targets) - before

    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    assert connections() == 0
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    assert connections() == 1
    host = KubeClient.from_params(shop.auth).endpoint.host
    address = socket.gethostbyname(host)
    if host == address:
        monkeypatch.setenv("NO_PROXY", f"{address.rpartition('.')[0]}.0/24")
    else:
        monkeypatch.setenv("NO_PROXY", host)
    assert connections() == 0


def test_watch_goes_on_where_it_was_cut(
    shop: Any, client: KubeClient, namespace: str, proxy: Tunnels
) -> None:
    def config(name: str) -> dict[str, Any]:
        meta = {"name": name, "namespace": namespace}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}

    def changes() -> None:
        time.sleep(0.5)
        client.apply(config("one"))
        time.sleep(0.3)
        proxy.cut()
        client.apply(config("two"))

    with KubeClient.from_params({**shop.auth, "proxy": proxy.url}) as through:
        _, version = through.list("v1", "ConfigMap", namespace)
        thread = threading.Thread(target=changes)
        thread.start()
        names = []
        for event in through.watch(
            "v1", "ConfigMap", namespace, resource_version=version, timeout=20
        ):
            names.append(event.object["metadata"]["name"])
            if "two" in names:
                break
        thread.join()
    assert [name for name in names if name in ("one", "two")] == ["one", "two"]


def test_kept_connection_that_was_cut(shop: Any, proxy: Tunnels) -> None:
    with KubeClient.from_params({**shop.auth, "proxy": proxy.url}) as client:
        for _ in range(3):
            client.version()
            proxy.cut()
    assert len(proxy.targets) == 3
