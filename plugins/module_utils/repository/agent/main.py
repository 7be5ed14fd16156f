# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script that runs in the helper pod, beside the volume: a tiny HTTP/1.1 server.

It needs Python 3.8 or newer and its standard library, nothing else, and is shipped with the
other files of this package. File names come only from a checked manifest; bytes name a file by
its number in it.

A command (POST) is a task: its answer comes within seconds, either the result or C(202) with the
name of the task, whose result is asked for with C(/v1/task). So no request is silent for long,
and a connection that breaks loses no result.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import select
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Callable, Dict, List, Tuple

from . import body as bodies
from . import commands, tasks
from . import files as fs
from . import store as stores
from .callers import HEAD_BYTES, Head, Presence, Strangers

# Seconds without a byte before a connection counts as dead; longer than the 90 s after which an
# API server closes an idle connection to a pod, so that we never close one it is about to use.
SOCKET_TIMEOUT = 100.0
JSON_TYPE = "application/json"
COMMAND_LIMIT = 256 << 20  # bytes of JSON; a manifest takes some 150 a file
LOCK_BEAT = 5.0  # seconds between signs of life
PATIENCE = 8.0  # seconds before a command that is not done answers 202
LOOK = 0.2  # seconds between two looks at the connection of a request that waits

Json = Dict[str, Any]
Refused = fs.Refused


def say(line: str) -> None:
    """Write one line to the pod's log, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Agent(ThreadingHTTPServer):
    """The server; ends itself when no request has come for C(idle) seconds.

    Args:
        address: to listen on.
        store: the file system side.
        token: sha256 of the controller's secret.
        idle: seconds without a request.
        lost: the same after one that was cut in the middle.
        peer: sha256 of the secret of other helpers of the site, C("") for none.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        address: Tuple[str, int],
        store: stores.Store,
        token: str,
        idle: float,
        lost: float = 10.0,
        peer: str = "",
    ) -> None:
        super().__init__(address, Handler)
        self.store, self.token, self.peer = store, token, peer
        self.idle, self.lost = idle, min(lost, idle)
        self.strangers = Strangers()
        self.tasks = tasks.Tasks()
        self.presence = Presence(store, lambda: self.tasks.running > 0)
        self.commands = commands.Commands(store, self.presence.deserted, self.presence.rest)

    def server_bind(self) -> None:
        """Bind without HTTPServer's reverse DNS look-up, which can hang in a pod."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def listen_on_loopback(self) -> None:
        """Accept connections of the pod's own network too: a port-forward comes from there.

        Not on all addresses: a pod may have networks besides that of the cluster.
        """
        host = "::1" if self.address_family == socket.AF_INET6 else "127.0.0.1"
        listener = socket.socket(self.address_family, socket.SOCK_STREAM)
        try:
            listener.bind((host, self.server_address[1]))
            listener.listen(self.request_queue_size)
        except OSError as error:  # no such address, or it is the one that the server has
            listener.close()
            say("agent does not serve on %s: %s" % (host, error))
            return
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                request, client_address = listener.accept()
            except OSError:  # out of descriptors, or the client is gone already
                time.sleep(0.1)
                continue
            try:
                self.process_request(request, client_address)
            except Exception:  # as BaseServer does: one connection must not end the server
                self.shutdown_request(request)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Accept a connection; it counts as unauthenticated until it sends a token."""
        self.strangers.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """End a connection."""
        self.strangers.drop(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Write nothing to the log about a broken connection."""

    def watch(self) -> None:
        """Send heartbeats while requests come; end the process when it has been idle too long."""
        beaten = 0.0
        while True:
            time.sleep(min(1.0, self.idle / 4))
            self.presence.mark()
            self.strangers.hurry()
            now, quiet = time.monotonic(), self.presence.quiet()
            working = self.presence.active or self.tasks.running
            if now - beaten >= LOCK_BEAT and (working or self.presence.last > beaten):
                if self.presence.cut is None or working:
                    self.store.locked.beat()
                beaten = now
            limit = self.presence.pause or (self.idle if self.presence.cut is None else self.lost)
            if quiet > limit and not self.tasks.running and not self.presence.peers:
                self.leave("no request for %.0f s" % quiet)

    def leave(self, why: str) -> None:
        """Release the lock and end the process."""
        try:
            self.store.unlock()
        finally:
            say("agent ends: " + why)
            os._exit(0)


class Handler(BaseHTTPRequestHandler):
    """POST for commands with JSON, PUT for packs of files, GET for peers."""

    protocol_version = "HTTP/1.1"
    timeout = SOCKET_TIMEOUT
    disable_nagle_algorithm = True
    rbufsize = bodies.BUFFER
    wbufsize = -1
    server: Agent
    body: bodies.Body

    def parse_request(self) -> bool:
        """Read the head of a request, but not more of it than a controller sends."""
        stream = self.rfile
        self.rfile = Head(stream)  # type: ignore[assignment]
        try:
            return super().parse_request()
        finally:
            self.rfile = stream

    def do_POST(self) -> None:
        """Run a command."""
        self._serve(self._command)

    def do_PUT(self) -> None:
        """Take a pack."""
        self._serve(self._pack)

    def _serve(self, work: Callable[[], Tuple[int, tasks.Result]]) -> None:
        self.gone = False
        try:
            self._authenticate()
        except Refused as refused:
            self._refuse(refused)
            return
        self.server.presence.enter()
        result: tasks.Result = {}
        try:
            status, result = self._outcome(work)
            if not self.gone:
                self._answer(status, result)
        except OSError:  # the controller is gone
            self.gone = True
        finally:
            self.close_connection = self.close_connection or self.gone
            self.server.presence.leave(self.gone)
        if isinstance(result, dict) and result.get("bye"):
            self.server.leave("told to")

    def _refuse(self, refused: Refused) -> None:
        """Refuse an unauthenticated request and close the connection without reading its body."""
        self.close_connection = True
        self.body.ended = True
        self._answer(refused.status, refused.body)
        try:  # read what is in flight, so that the answer is not lost in a TCP reset
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(1.0)
            self.connection.recv(HEAD_BYTES)
        except OSError:
            pass

    @staticmethod
    def _outcome(work: Callable[[], Tuple[int, tasks.Result]]) -> Tuple[int, tasks.Result]:
        found: List[Tuple[int, tasks.Result]] = []

        def keep() -> tasks.Result:
            found.append(work())
            return {}

        refused = tasks.outcome(keep)
        return found[0] if found else refused

    def _authenticate(self) -> None:
        length = self.headers.get("Content-Length") or ""
        chunked = (self.headers.get("Transfer-Encoding") or "").lower() == "chunked"
        self.body = bodies.Body(self.rfile, int(length) if length.isdigit() else None, chunked)
        given = self.headers.get("X-Edge-Token", "").encode("utf-8", "replace")
        if not hmac.compare_digest(hashlib.sha256(given).hexdigest(), self.server.token):
            raise Refused(401, "wrong token")
        self.server.strangers.drop(self.connection)
        if not chunked and not length.isdigit():
            raise Refused(411, "Content-Length is needed")

    def _command(self) -> Tuple[int, tasks.Result]:
        try:
            request = json.loads(self.body.read_all(COMMAND_LIMIT) or b"{}")
        except bodies.Cut:
            self.gone = True
            return 400, {"error": "the body is cut short"}
        if not isinstance(request, dict):
            raise Refused(400, "not an object")
        name = self.path[len("/v1/") :] if self.path.startswith("/v1/") else ""
        if name == "task":
            task = self.server.tasks.get(str(request["id"]))
        else:
            identity = self.headers.get("X-Edge-Request") or None
            if identity is not None and not fs.OWNER.fullmatch(identity):
                raise Refused(400, "bad X-Edge-Request")
            work = self.server.commands.work(name, request)
            task = self.server.tasks.start(identity, work)
        return self._wait_for(task)

    def _pack(self) -> Tuple[int, tasks.Result]:
        found = re.fullmatch(r"/v1/pack/(sha256:[0-9a-f]{64})", self.path)
        if not found:
            raise Refused(404, "no such place")
        digest, unpack = found.group(1), self.server.commands.unpack

        def work(task: tasks.Task) -> tasks.Result:
            result = unpack(digest, self._read_into, self._hang_up)
            if self.gone:
                raise Refused(400, "the body is cut short")
            return result

        return self._wait_for(self.server.tasks.start(None, work))

    def _wait_for(self, task: tasks.Task) -> Tuple[int, tasks.Result]:
        """Wait for a task while its body comes, then up to PATIENCE if the client is there."""
        end = 0.0
        while not task.done.wait(LOOK):
            if not self.body.ended:
                continue
            end = end or time.monotonic() + PATIENCE
            if self._has_hung_up():
                self.gone = True
                break
            if time.monotonic() > end:
                break
        return task.answer()

    def _read_into(self, view: memoryview) -> int:
        try:
            return self.body.read_into(view)
        except bodies.Cut:
            self.gone = True
            return 0

    def _has_hung_up(self) -> bool:
        """Return whether the other side closed the connection while it waits for an answer."""
        try:
            readable, _writable, _odd = select.select([self.connection], [], [], 0)
            return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)
        except (OSError, ValueError):
            return True

    def _hang_up(self) -> None:
        """Shut the connection down from another thread; a blocked read then returns end of file."""
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _answer(self, status: int, result: tasks.Result) -> None:
        binary = isinstance(result, bytes)
        data = result if isinstance(result, bytes) else json.dumps(result).encode()
        if not self.body.ended:
            self.close_connection = True
        self.send_response_only(status)
        self.send_header("Content-Type", "application/octet-stream" if binary else JSON_TYPE)
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()
        if not self.body.ended:
            self._drain()

    def _drain(self) -> None:
        """Read some of the remaining body, so that the answer is not lost in a TCP reset."""
        self.connection.settimeout(5.0)
        end = time.monotonic() + 10.0
        view = memoryview(bytearray(fs.BLOCK))
        try:
            while time.monotonic() < end and self.body.read_into(view):
                pass
        except (bodies.Cut, Refused):
            pass

    # -- peers --------------------------------------------------------------------------------

    def do_GET(self) -> None:
        """Give a verified file to another helper of the site."""
        self.body = bodies.Body(self.rfile, None)
        self.server.presence.serve(1)
        try:
            status, result = self._outcome(self._give)
            if status:
                self._answer(status, result)
        except OSError:  # the peer is gone
            self.close_connection = True
        finally:
            self.server.presence.serve(-1)

    def _give(self) -> Tuple[int, tasks.Result]:
        given = self.headers.get("X-Edge-Peer", "").encode("utf-8", "replace")
        right = self.server.peer
        if not right or not hmac.compare_digest(hashlib.sha256(given).hexdigest(), right):
            self.close_connection = True
            raise Refused(401, "wrong secret")
        self.server.strangers.drop(self.connection)
        found = re.fullmatch(r"/v1/content/(sha256:[0-9a-f]{64})/([0-9]{1,9})", self.path)
        if not found:
            raise Refused(404, "no such place")
        path = self.server.store.content(found.group(1), int(found.group(2)))
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            self._give_file(descriptor)
        finally:
            os.close(descriptor)
        return 0, {}

    def _give_file(self, descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        span = re.fullmatch(r"bytes=([0-9]{1,19})-([0-9]{0,19})", self.headers.get("Range", ""))
        start = int(span.group(1)) if span else 0
        last = min(int(span.group(2) or size), size - 1) if span else size - 1
        if span and (start >= size or last < start):
            raise Refused(416, "the file is not that long", size=size)
        self.send_response_only(206 if span else 200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(last + 1 - start))
        if span:
            self.send_header("Content-Range", f"bytes {start}-{last}/{size}")
        self.end_headers()
        self.wfile.flush()
        with open(descriptor, "rb", closefd=False) as stream:
            sent = self.connection.sendfile(stream, start, last + 1 - start)
        if sent != last + 1 - start:
            raise OSError("the file is shorter than it was")

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
    agent = Agent(
        address,
        store,
        env["EDGE_TOKEN_SHA256"],
        float(env.get("EDGE_IDLE", "60")),
        float(env.get("EDGE_LOST", "10")),
        env.get("EDGE_PEER_SHA256", ""),
    )
    signal.signal(signal.SIGTERM, lambda number, frame: agent.leave("terminated"))
    threading.Thread(target=agent.watch, daemon=True).start()
    say("agent serves on port %d" % agent.server_address[1])
    if address[0]:
        agent.listen_on_loopback()
    agent.serve_forever(poll_interval=5.0)


if __name__ == "__main__":
    main()
