# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script that runs in the helper pod, beside the volume: a tiny HTTP/1.1 server.

It needs Python 3.8 or newer and its standard library, nothing else, and is shipped with
C(agent_store.py) and C(agent_files.py) beside it. File names come only from a checked manifest;
a PUT names a file by its number in it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Callable, Dict, Tuple

try:  # in the collection
    from ansible_collections.openvino.edge.plugins.module_utils.repository import agent_files as fs
    from ansible_collections.openvino.edge.plugins.module_utils.repository import (
        agent_store as stores,
    )
except ImportError:  # in the helper pod, where the files lie side by side
    import agent_files as fs  # type: ignore[import-not-found,no-redef]
    import agent_store as stores  # type: ignore[import-not-found,no-redef]

# Seconds without a byte before a connection counts as dead; longer than the 90 s after which an
# API server closes an idle connection to a pod, so that we never close one it is about to use.
SOCKET_TIMEOUT = 100.0
COMMAND_LIMIT = 256 << 20  # bytes of JSON; a manifest takes some 150 a file
LOCK_BEAT = 5.0  # seconds between signs of life

Json = Dict[str, Any]
Refused = fs.Refused


def say(line: str) -> None:
    """Write one line to the pod's log, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Agent(ThreadingHTTPServer):
    """The server; ends itself when no request has come for C(idle) seconds."""

    daemon_threads = True
    request_queue_size = 32

    def __init__(
        self, address: Tuple[str, int], store: stores.Store, token: str, idle: float
    ) -> None:
        super().__init__(address, Handler)
        self.store, self.token, self.idle = store, token, idle
        self.guard = threading.Lock()  # one command at a time; PUTs run beside each other
        self.counter = threading.Lock()
        self.active = 0
        self.last = time.monotonic()

    def server_bind(self) -> None:
        """Bind without HTTPServer's reverse DNS look-up, which can hang in a pod."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def enter(self, step: int) -> None:
        """Count a request in (1) or out (-1)."""
        with self.counter:
            self.active += step
            self.last = time.monotonic()

    def watch(self) -> None:
        """Beat for every request that came; stop when none has come for long."""
        beaten = 0.0
        while True:
            time.sleep(min(LOCK_BEAT, self.idle / 4))
            quiet = time.monotonic() - self.last
            if self.active or self.last > beaten:
                beaten = time.monotonic()
                self.store.beat()
            elif quiet > self.idle:
                self.leave("no request for %.0f s" % quiet)

    def leave(self, why: str) -> None:
        """Let the lock go and end the process."""
        try:
            self.store.unlock()
        finally:
            say("agent ends: " + why)
            os._exit(0)


class Handler(BaseHTTPRequestHandler):
    """POST for commands with JSON, PUT for the bytes of one file."""

    protocol_version = "HTTP/1.1"
    timeout = SOCKET_TIMEOUT
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Agent

    def do_POST(self) -> None:
        """Run a command."""
        self._serve(self._command)

    def do_PUT(self) -> None:
        """Take a file."""
        self._serve(self._put)

    def _serve(self, work: Callable[[], Json]) -> None:
        self.unread = 0
        try:
            self._authenticate()
        except Refused as refused:
            self._answer(refused.status, refused.body)
            return
        self.server.enter(1)
        try:
            status, body = self._outcome(work)
            self._answer(status, body)
        except OSError:  # the controller is gone
            self.close_connection = True
        finally:
            self.server.enter(-1)
        if body.get("bye"):
            self.server.leave("told to")

    @staticmethod
    def _outcome(work: Callable[[], Json]) -> Tuple[int, Json]:
        try:
            return 200, work()
        except Refused as error:
            refused = error
        except OSError as error:
            refused = fs.os_refused(error)
        except (ValueError, KeyError, TypeError) as error:
            refused = fs.bad_request(error)
        return refused.status, refused.body

    def _authenticate(self) -> None:
        length = self.headers.get("Content-Length") or ""
        self.unread = int(length) if length.isdigit() else 0
        given = self.headers.get("X-Edge-Token", "").encode("utf-8", "replace")
        if not hmac.compare_digest(hashlib.sha256(given).hexdigest(), self.server.token):
            raise Refused(401, "wrong token")
        if not length.isdigit():
            raise Refused(411, "Content-Length is needed")

    def _command(self) -> Json:
        request = json.loads(self._read_all() or b"{}")
        store = self.server.store
        commands: Dict[str, Callable[[], Json]] = {
            "/v1/facts": store.facts,
            "/v1/inventory": store.inventory,
            "/v1/hashes": lambda: store.hashes(request["model"], request["version"]),
            "/v1/lock": lambda: store.lock(request["owner"], request["note"]),
            "/v1/unlock": store.unlock,
            "/v1/stage": lambda: store.stage(request),
            "/v1/publish": lambda: store.publish(request["digest"]),
            "/v1/seal": lambda: store.seal(request),
            "/v1/remove": lambda: store.remove(request["model"], request["version"]),
            "/v1/bye": lambda: {"bye": True},
        }
        command = commands.get(self.path)
        if command is None:
            raise Refused(404, "no such command")
        with self.server.guard:
            return command()

    def _put(self) -> Json:
        found = re.fullmatch(r"/v1/file/(sha256:[0-9a-f]{64})/([0-9]{1,9})", self.path)
        if not found:
            raise Refused(404, "no such file")
        return self.server.store.receive(
            found.group(1), int(found.group(2)), self.unread, self._read_into
        )

    def _read_into(self, view: memoryview) -> int:
        """Read a part of the body; 0 at its end, whether announced or not."""
        count: int = self.rfile.readinto1(view[: self.unread])
        self.unread -= count
        return count

    def _read_all(self) -> bytes:
        if self.unread > COMMAND_LIMIT:
            raise Refused(413, "the command is too long")
        data = bytearray(self.unread)
        while self.unread:
            if not self._read_into(memoryview(data)[len(data) - self.unread :]):
                raise Refused(400, "the body is cut short")
        return bytes(data)

    def _answer(self, status: int, body: Json) -> None:
        data = json.dumps(body).encode()
        if self.unread:
            self.close_connection = True
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()
        if self.unread:
            self._drain()

    def _drain(self) -> None:
        """Take some of what is still coming, so that our answer is not lost in a reset."""
        self.connection.settimeout(5.0)
        end = time.monotonic() + 10.0
        view = memoryview(bytearray(fs.BLOCK))
        while self.unread and time.monotonic() < end and self._read_into(view):
            pass

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing per request."""


def main() -> None:
    """Read the environment, serve until told to stop, idle or killed."""
    env = os.environ
    store = stores.Store(
        env["EDGE_ROOT"],
        int(env.get("EDGE_UID", "5000")),
        int(env.get("EDGE_GID", "5000")),
        env.get("EDGE_READ_ONLY") == "1",
    )
    address = (env.get("EDGE_BIND", ""), int(env["EDGE_PORT"]))
    Agent.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    os.umask(0o022)
    agent = Agent(address, store, env["EDGE_TOKEN_SHA256"], float(env.get("EDGE_IDLE", "60")))
    signal.signal(signal.SIGTERM, lambda number, frame: agent.leave("terminated"))
    threading.Thread(target=agent.watch, daemon=True).start()
    say("agent serves on port %d" % agent.server_address[1])
    agent.serve_forever(poll_interval=5.0)


if __name__ == "__main__":
    main()
