# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real API server behind something that answers badly now and then, as the seed says."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml
from fronts import PassingOn, standing

# What a request gets; the last two are carried out first.
FAULTS = ("429", "500", "502", "503", "504", "page", "reset", "lost", "cut")


class Sky:
    """Says what happens to each request, and counts it.

    Attributes:
        share: of the requests that get a fault, 0 to 1.
        faults: which ones there are.
        away: a fault that all requests get until C(clear_at).
        refusal: the status that all requests get, 0 for none.
        slow: seconds for which a request with the fault C(slow) is kept before it is passed on.
    """

    def __init__(self, seed: int, share: float, faults: tuple[str, ...] = FAULTS) -> None:
        self.share, self.faults = share, faults
        self.given: Counter[str] = Counter()
        self.away, self.clear_at, self.refusal, self.slow = "", 0.0, 0, 0.0
        self._random = random.Random(seed)
        self._next: list[str] = []
        self._lock = threading.Lock()
        self._storms: list[tuple[str, str, str, float]] = []

    def storm(self, method: str, part: str, fault: str, seconds: float) -> None:
        """Be away once, from the first request whose path has C(part) in it on."""
        self._storms.append((method, part, fault, seconds))

    def fault(self, method: str, path: str) -> str:
        """Return what this request gets, nothing for a good answer."""
        with self._lock:
            found = self._fault(method, path)
            self.given[found] += 1
        return found

    def wait_until_clear(self) -> None:
        """Answer nothing for as long as it is away, as a process that is stopped."""
        time.sleep(max(0.0, self.clear_at - time.monotonic()))

    def _fault(self, method: str, path: str) -> str:
        for storm in self._storms:
            if storm[0] == method and storm[1] in path:
                self._storms.remove(storm)
                self.away, self.clear_at = storm[2], time.monotonic() + storm[3]
                break
        if self.refusal:
            return str(self.refusal)
        if time.monotonic() < self.clear_at:
            return self.away
        if self._random.random() >= self.share:
            return ""
        # Each kind once before one comes again, so that a short run has seen them all.
        self._next = self._next or self._random.sample(self.faults, len(self.faults))
        return self._next.pop()


class Weather(PassingOn):
    """Passes requests on, or does to them what the sky says."""

    sky: Sky

    def handle_any(self) -> None:
        """Answer one request."""
        body = self.body()
        fault = self.sky.fault(self.command, self.path)
        if not fault:
            with suppress(ConnectionError):
                self.pass_back(self.ask(body))
        elif fault == "page":
            self.send(200, b"<html><body>Maintenance, back soon</body></html>", "text/html")
        elif fault == "reset":
            self.hang_up()
        elif fault == "still":
            self.sky.wait_until_clear()
            self.hang_up()
        elif fault == "slow":
            time.sleep(self.sky.slow)
            with suppress(ConnectionError):
                self.pass_back(self.ask(body))
        elif fault in ("lost", "cut"):
            answer = self.ask(body)
            if fault == "cut" and not self.watching:
                data = answer.read()
                self.send(answer.status, data[: len(data) // 2], "application/json", len(data))
            answer.release_conn()
            self.hang_up()
        elif fault in ("429", "500", "401"):
            self.send(int(fault), status(int(fault)), "application/json")
        else:
            self.send(int(fault), b"no server is available", "text/plain")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

    @property
    def watching(self) -> bool:
        """Whether the answer has no end of its own."""
        return "watch=1" in self.path

    def send(self, code: int, data: bytes, kind: str, length: int | None = None) -> None:
        """Send an answer of our own; C(length) may be more than there is."""
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        if code == 429:
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(data)

    def hang_up(self) -> None:
        """End the connection in the middle."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def status(code: int) -> bytes:
    """Return the object that an API server sends with a failure."""
    reasons = {429: "TooManyRequests", 500: "InternalError", 401: "Unauthorized"}
    text = {429: "too many requests", 500: "etcdserver: leader changed", 401: "Unauthorized"}
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
    return json.dumps({**body, "reason": reasons[code], "message": text[code]}).encode()


@contextmanager
def weather(cluster: Any, sky: Sky, folder: Path) -> Iterator[Path]:
    """Stand before a cluster; gives a kubeconfig that leads through it."""
    with standing(Weather, cluster, admin=True, sky=sky) as url:
        named = {"clusters": ("cluster", {"server": url}), "users": ("user", {"token": "t"})}
        config: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "current-context": "x"}
        for kind, (key, what) in named.items():
            config[kind] = [{"name": "x", key: what}]
        config["contexts"] = [{"name": "x", "context": {"cluster": "x", "user": "x"}}]
        path = folder / "weather.yml"
        path.write_text(yaml.safe_dump(config))
        yield path
