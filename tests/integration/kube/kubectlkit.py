# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubectl and our client on the same kubeconfig, against loopback servers that note who asks.

No cluster is needed: three servers (one sends its whole chain, one only its own certificate, one
speaks plain HTTP) and a proxy write down what a request brought. Two clients agree when both
bring the same, or when both refuse.
"""

from __future__ import annotations

import contextlib
import datetime
import http.server
import ipaddress
import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LAB = Path(__file__).resolve().parents[2] / "testbed" / "lab" / "lab"
REFUSED = "refused"
BUILD_SECONDS = 1800
RUN_SECONDS = 60
# What a request may bring besides its path.
_HEADERS = ("authorization", "impersonate-")
_NOW = datetime.datetime.now(datetime.timezone.utc)
_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Seen:
    """One request as a server saw it."""

    server: str
    path: str
    headers: tuple[tuple[str, str], ...]
    certificate: str
    name: str
    proxied: bool = False


Answer = Seen | str


class Pki:
    """Certificates of the servers and of two clients, below intermediate authorities."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        for name, issuer in (("root", "root"), ("middle", "root"), ("other", "other")):
            self._make(name, issuer, authority=True)
        self._make("leaf", "middle", names=["127.0.0.1", "edge.example"])
        self._make("alice", "root")
        self._make("bob", "root")
        pieces = [self.pem("leaf"), self.pem("middle")]
        (folder / "chain.crt").write_bytes(b"".join(pieces))

    def path(self, name: str, suffix: str = "crt") -> str:
        """Path of a certificate, or of its key with C(key)."""
        return str(self.folder / f"{name}.{suffix}")

    def pem(self, name: str, suffix: str = "crt") -> bytes:
        """Content of a certificate or key."""
        return Path(self.path(name, suffix)).read_bytes()

    def _make(
        self, name: str, issuer: str, *, authority: bool = False, names: list[str] | None = None
    ) -> None:
        key = self.keys.setdefault(name, ec.generate_private_key(ec.SECP256R1()))
        built = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_NOW - _DAY)
            .not_valid_after(_NOW + _DAY)
        )
        if authority:
            built = built.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        if names:
            built = built.add_extension(
                x509.SubjectAlternativeName([_general(item) for item in names]), False
            )
        signed = built.sign(self.keys[issuer], hashes.SHA256())
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        Path(self.path(name)).write_bytes(signed.public_bytes(encoding))
        Path(self.path(name, "key")).write_bytes(
            key.private_bytes(encoding, form, serialization.NoEncryption())
        )

    def server(self, sent: str) -> ssl.SSLContext:
        """Settings of a server that sends C(leaf) or C(chain) and takes client certificates."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path(sent), self.path("leaf", "key"))
        context.load_verify_locations(self.path("root"))
        context.verify_mode = ssl.CERT_OPTIONAL
        return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(text: str) -> x509.GeneralName:
    with contextlib.suppress(ValueError):
        return x509.IPAddress(ipaddress.ip_address(text))
    return x509.DNSName(text)


class Recorder:
    """A server that notes each request and answers like an API server's C(/version)."""

    def __init__(self, name: str, context: ssl.SSLContext | None, seen: list[Seen]) -> None:
        self.name, self.seen = name, seen
        self._names: dict[int, str] = {}
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                recorder.note(self)
                body = b'{"gitVersion": "v1.36.0"}'
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        if context:
            context.sni_callback = self._hear
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_address[1]
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _hear(self, sock: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        self._names[id(sock)] = name or ""

    def note(self, request: http.server.BaseHTTPRequestHandler) -> None:
        """Write down what a request brought."""
        sock = request.connection
        subject, name = "", ""
        if isinstance(sock, ssl.SSLSocket):
            given: Any = sock.getpeercert() or {}
            pairs = [pair for part in given.get("subject", ()) for pair in part]
            subject = ",".join(str(value) for _, value in pairs)
            name = self._names.pop(id(sock), "")
        headers = sorted(
            (key.lower(), value)
            for key, value in request.headers.items()
            if key.lower().startswith(_HEADERS)
        )
        self.seen.append(Seen(self.name, request.path, tuple(headers), subject, name))

    def close(self) -> None:
        """Stop it."""
        self._server.shutdown()
        self._server.server_close()


class Tunnels:
    """A proxy for CONNECT; C(targets) is what it was asked for."""

    def __init__(self) -> None:
        self.targets: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
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
                back = threading.Thread(target=_pump, args=(upstream, sock), daemon=True)
                back.start()
                _pump(sock, upstream)
                back.join()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for sock in (source, sink):
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


@dataclass
class Stage:
    """Servers, certificates and folders for one kubeconfig after the other."""

    folder: Path
    kubectl: Path
    seen: list[Seen] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.folder / "pki").mkdir()
        self.pki = Pki(self.folder / "pki")
        self.chain = Recorder("chain", self.pki.server("chain"), self.seen)
        self.leaf = Recorder("leaf", self.pki.server("leaf"), self.seen)
        self.plain = Recorder("plain", None, self.seen)
        self.proxy = Tunnels()

    def close(self) -> None:
        """Stop the servers."""
        for server in (self.chain, self.leaf, self.plain, self.proxy):
            server.close()

    def ask_kubectl(self, place: Path, paths: str) -> tuple[Answer, str]:
        """Return what kubectl brought, and what it printed when it refused."""
        environ = {**environment(place), "KUBECONFIG": paths, "KUBERC": "off"}

        def ask() -> str:
            done = subprocess.run(
                [self.kubectl, "get", "--raw", "/version"],
                env=environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=RUN_SECONDS,
                check=False,
            )
            return done.stderr or "refused" if done.returncode else ""

        return self._noted(ask)

    def ask_ours(self, place: Path, paths: str, **params: Any) -> tuple[Answer, str]:
        """Return what our client brought, and what it said when it refused."""

        def ask() -> str:
            environ = {**environment(place), "KUBECONFIG": paths}
            try:
                with (
                    mock.patch.dict(os.environ, environ, clear=True),
                    KubeClient.from_params(params) as client,
                ):
                    client.version()
            except EdgeError as error:
                return str(error)
            return ""

        return self._noted(ask)

    def _noted(self, ask: Callable[[], str]) -> tuple[Answer, str]:
        self.seen.clear()
        self.proxy.targets.clear()
        text = ask()
        if not self.seen:
            return REFUSED, text
        first = self.seen[0]
        proxied = bool(self.proxy.targets)
        return Seen(**{**vars(first), "proxied": proxied}), text


def environment(place: Path) -> dict[str, str]:
    """Return the environment of both: a home of its own, and no proxy."""
    return {"PATH": os.environ["PATH"], "HOME": str(place), "TMPDIR": str(place)}


def find_kubectl() -> Path:
    """Return the lab's kubectl; it is built where it is not there yet."""
    done = subprocess.run(
        [str(LAB), "build"], capture_output=True, text=True, timeout=BUILD_SECONDS, check=True
    )
    return Path(done.stdout.strip().splitlines()[-1]) / "kubectl"


@contextlib.contextmanager
def stage(folder: Path, kubectl: Path) -> Iterator[Stage]:
    """A stage that is taken down at the end."""
    made = Stage(folder, kubectl)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)
