# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes into and out of real pods: proxy, exec, log."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient

MIB = 1024 * 1024
SIZE = 100 * MIB


def blocks(count: int = 100) -> Iterator[bytes]:
    """Blocks of 1 MiB that all differ."""
    for number in range(count):
        yield number.to_bytes(4, "big") * (MIB // 4)


def digest(count: int = 100) -> str:
    whole = hashlib.sha256()
    for block in blocks(count):
        whole.update(block)
    return whole.hexdigest()


def test_get_and_headers(client: KubeClient, namespace: str, pod: str) -> None:
    response = client.pod_proxy(
        namespace, pod, 8081, "GET", "/a?b=c", headers={"X-Edge-Token": "t"}
    )
    assert response.status == 200
    assert json.loads(response.body) == {"path": "/a?b=c", "token": "t"}


def test_put_from_blocks(client: KubeClient, namespace: str, pod: str) -> None:
    response = client.pod_proxy(namespace, pod, 8081, "PUT", "/f", body=blocks(), length=SIZE)
    assert response.status == 201
    assert json.loads(response.body) == {"size": SIZE, "sha256": digest()}


def test_put_of_a_file_in_constant_memory(
    shop: Any, namespace: str, pod: str, tmp_path: Path
) -> None:
    """In a process of its own, whose peak can be read: 100 MiB cost no more than 1 MiB."""
    path = tmp_path / "file"
    with path.open("wb") as file:
        for block in blocks():
            file.write(block)
    script = textwrap.dedent(
        """
        import json, resource, sys
        from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
        kubeconfig, namespace, pod, path = sys.argv[1:]
        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with KubeClient.from_params({"kubeconfig": kubeconfig}) as client:
            client.pod_proxy(namespace, pod, 8081, "PUT", "/f", body=bytes(1 << 20))
            before = peak()
            with open(path, "rb") as file:
                answer = client.pod_proxy(namespace, pod, 8081, "PUT", "/f", body=file)
            print(json.dumps([json.loads(answer.body), peak() - before]))
        """
    )
    command = [sys.executable, "-c", script, str(shop.kubeconfig), namespace, pod, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    answer, grown = json.loads(done.stdout)
    assert answer == {"size": SIZE, "sha256": digest()}
    assert grown < 8 * 1024, f"{grown} KiB"


def test_refusal_ends_the_upload(client: KubeClient, namespace: str, pod: str) -> None:
    sent = []

    def counted() -> Iterator[bytes]:
        for block in blocks():
            sent.append(1)
            yield block

    response = client.pod_proxy(namespace, pod, 8081, "PUT", "/refuse", body=counted(), length=SIZE)
    assert (response.status, json.loads(response.body)) == (507, {"error": "no space"})
    assert len(sent) < 90


def test_parallel_uploads(client: KubeClient, namespace: str, pod: str) -> None:
    answers: list[Any] = []

    def put() -> None:
        response = client.pod_proxy(
            namespace, pod, 8081, "PUT", "/f", body=blocks(10), length=10 * MIB
        )
        answers.append(json.loads(response.body)["sha256"])

    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [digest(10)] * 4


def test_nobody_listens(client: KubeClient, namespace: str, pod: str) -> None:
    with pytest.raises(UnreachableError, match="API server cannot reach the pod"):
        client.pod_proxy(namespace, pod, 9, "GET", "/")
    with pytest.raises(ApiError, match='pods "gone" not found'):
        client.pod_proxy(namespace, "gone", 8081, "GET", "/")


def test_exec_with_100_mib_of_stdin_and_an_exit_code(
    client: KubeClient, namespace: str, pod: str
) -> None:
    argv = ["sh", "-c", "cat > /tmp/f; sha256sum < /tmp/f; echo words >&2; exit 7"]
    result = client.exec(namespace, pod, "main", argv, stdin=blocks(), timeout=60)
    assert result.protocol == "v5.channel.k8s.io"
    assert result.rc == 7
    assert result.stdout.split()[0].decode() == digest()
    assert result.stderr == b"words\n"


def test_exec_both_ways_at_once(client: KubeClient, namespace: str, pod: str) -> None:
    result = client.exec(namespace, pod, None, ["cat"], stdin=blocks(32), timeout=60)
    assert result.rc == 0
    assert hashlib.sha256(result.stdout).hexdigest() == digest(32)


def test_exec_of_a_command_that_fails_early(client: KubeClient, namespace: str, pod: str) -> None:
    argv = ["sh", "-c", "head -c 5 | wc -c; cat > /dev/null; exit 3"]
    result = client.exec(namespace, pod, None, argv, stdin=blocks(), timeout=60)
    assert (result.rc, result.stdout.strip()) == (3, b"5")


def test_exec_of_a_command_that_never_reads(client: KubeClient, namespace: str, pod: str) -> None:
    with pytest.raises(UnreachableError, match="took no input for 3 s"):
        client.exec(namespace, pod, None, ["sleep", "10"], stdin=blocks(), timeout=3)


def test_exec_stream(client: KubeClient, namespace: str, pod: str) -> None:
    with client.exec_stream(namespace, pod, None, ["sh", "-c", "read a; echo got $a"]) as stream:
        stream.write(b"one\n")
        stream.close_stdin()
        assert stream.wait().stdout == b"got one\n"


def test_exec_that_is_silent_for_a_while(client: KubeClient, namespace: str, pod: str) -> None:
    started = time.monotonic()
    result = client.exec(namespace, pod, None, ["sh", "-c", "sleep 7; echo done"], timeout=20)
    assert result.stdout == b"done\n"
    assert time.monotonic() - started < 10
    with pytest.raises(UnreachableError, match="nothing came from the command within 1 s"):
        client.exec(namespace, pod, None, ["sleep", "5"], timeout=1)


def test_exec_failures(client: KubeClient, namespace: str, pod: str) -> None:
    with pytest.raises(ApiError, match="no such file"):
        client.exec(namespace, pod, None, ["/no/such/program"])
    with pytest.raises(ApiError, match="container nope is not valid"):
        client.exec(namespace, pod, "nope", ["true"])
    with pytest.raises(ApiError, match='pods "gone" not found'):
        client.exec(namespace, "gone", None, ["true"])


def test_log(client: KubeClient, namespace: str, pod: str) -> None:
    assert "receiver is up" in client.pod_log(namespace, pod)
    with pytest.raises(ApiError, match="previous terminated container"):
        client.pod_log(namespace, pod, "main", previous=True)
