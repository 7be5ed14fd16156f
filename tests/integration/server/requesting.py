# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients in pods that ask a server over its Service without a pause, and count what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from serving import Server

# Runs in a pod. A new connection for each request, so that each may meet a pod that ends.
CLIENT = """\
import http.client, json, os, sys, threading, time
host, port, expected = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
body = json.dumps({"inputs": [
    {"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}]})
done, failures, lock = [0], [], threading.Lock()
def ask():
    connection = http.client.HTTPConnection(host, port, timeout=10)
    try:
        connection.request("POST", "/v2/models/adder/infer", body, {"Connection": "close"})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            return f"status {answer.status}: {text[:200]!r}"
        data = json.loads(text)["outputs"][0]["data"]
        return "" if data == expected else f"answered {data}"
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()
def work():
    while not os.path.exists("/tmp/stop"):
        said = ask()
        with lock:
            done[0] += 1
            if said:
                failures.append(said)
            elif done[0] % 50 == 0:
                open("/tmp/count", "w").write(str(done[0]))
        time.sleep(0.02)
workers = [threading.Thread(target=work) for _ in range(2)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
with open("/tmp/result.new", "w") as file:
    json.dump({"done": done[0], "failures": failures}, file)
os.rename("/tmp/result.new", "/tmp/result")
"""


@dataclass
class Asked:
    """How many requests were made, and what those got that were not answered rightly."""

    done: int = 0
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{len(self.failures)} of {self.done} failed: {self.failures[:5]}"


@contextmanager
def asking(server: Server, *, expected: list[float]) -> Iterator[Asked]:
    """Ask meanwhile from a pod on each node; the answer is filled in at the end."""
    asked = Asked()
    host = f"{server.name}.{server.namespace}.svc"
    with ExitStack() as stack:
        pods = [
            stack.enter_context(server.cluster.visitor(server.namespace, {"emptyDir": {}}, node=it))
            for it in server.cluster.nodes()
        ]
        command = f"python3 -c '{CLIENT}' {host} 8081 '{json.dumps(expected)}'"
        for pod in pods:
            assert pod.sh(f"{command} > /tmp/said 2>&1 & echo started").strip() == "started"
        _until(server, pods, "/tmp/count", "clients get answers")
        yield asked
        for pod in pods:
            pod.sh("touch /tmp/stop")
        _until(server, pods, "/tmp/result", "clients end")
        for pod in pods:
            found: dict[str, Any] = json.loads(pod.sh("cat /tmp/result"))
            asked.done += found["done"]
            asked.failures += found["failures"]


def _until(server: Server, pods: list[Any], path: str, what: str) -> None:
    def there() -> bool:
        return all(pod.sh(f"test -s {path} && echo yes").strip() == "yes" for pod in pods)

    server.cluster.wait_until(there, what, 30)
