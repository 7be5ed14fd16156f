# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Local repositories, and the real agent as a process on loopback."""

from __future__ import annotations

import atexit
import functools
import hashlib
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.layout import scan
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.manifest import (
    HashCache,
    Manifest,
    build,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.archive import (
    ARCHIVE,
    archive,
)

TOKEN = "a-token-for-tests"


def write_files(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def manifests_of(root: Path) -> list[Manifest]:
    return [build(version, HashCache()) for version in scan(str(root)).versions]


@pytest.fixture(autouse=True)
def no_hash_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test leaves hashes in the cache of who runs it."""
    monkeypatch.setenv("EDGE_HASH_CACHE", "off")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A small sound repository."""
    return write_files(
        tmp_path / "src",
        {
            "ocr/1/model.xml": b"<net/>",
            "ocr/1/model.bin": os.urandom(3_000_000),
            "det/3/det.onnx": b"onnx" * 1000,
            "det/3/labels/en.txt": b"a b c",
        },
    )


def record(number: int, data: bytes, start: int = 0, end: bool = True) -> bytes:
    """Return a file as it is packed, whole or from an offset on, with or without its end."""
    step = 256 << 10
    pieces = [data[place : place + step] for place in range(start, len(data), step)]
    literals = b"".join(b"D" + len(piece).to_bytes(4, "big") + piece for piece in pieces)
    head = b"F" + number.to_bytes(4, "big") + start.to_bytes(8, "big")
    return head + literals + (b"E" if end else b"")


@dataclass
class AgentProcess:
    """A running agent and one way to talk to it."""

    process: subprocess.Popen[str]
    port: int
    root: Path

    def call(
        self, path: str, body: Any = None, *, method: str = "POST", token: str = TOKEN
    ) -> tuple[int, dict[str, Any]]:
        """Return status and answer of one request."""
        data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, data, {"X-Edge-Token": token})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def ok(self, path: str, body: Any = None, **kwargs: Any) -> dict[str, Any]:
        """Return the answer of a request that has to succeed."""
        status, answer = self.call(path, body, **kwargs)
        assert status == 200, answer
        return answer

    def lock(self, owner: str = "me") -> None:
        """Become the writer."""
        self.ok("/v1/lock", {"owner": owner, "note": "test"})

    def put(self, digest: str, pack: bytes) -> tuple[int, dict[str, Any]]:
        """Send a pack; return status and answer."""
        return self.call(f"/v1/pack/{digest}", pack, method="PUT")

    def stage(self, manifest: Manifest, reuse: Any = None) -> dict[str, Any]:
        """Begin or go on with a version; return the answer."""
        return self.ok("/v1/stage", {"manifest": manifest.as_dict(), "reuse": reuse or {}})

    def upload(self, root: Path, manifest: Manifest) -> None:
        """Stage a version and send its files."""
        self.stage(manifest)
        top = root / manifest.model / str(manifest.version)
        files = [(top / entry.path).read_bytes() for entry in manifest.files]
        body = b"".join(record(number, data) for number, data in enumerate(files))
        status, answer = self.put(manifest.digest, body)
        assert status == 200, answer

    def end(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.wait()


@functools.lru_cache(maxsize=1)
def agent_archive() -> Path:
    """Return the program as it runs in the helper pod, in a folder that every user may read."""
    folder = Path(tempfile.mkdtemp(prefix="edge-agent-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    path = folder / ARCHIVE
    path.write_bytes(archive())
    return path


def start_agent(root: Path, prefix: tuple[str, ...] = (), **env: str) -> AgentProcess:
    environment = {
        "PATH": os.environ["PATH"],
        "EDGE_ROOT": str(root),
        "EDGE_PORT": "0",
        "EDGE_BIND": "127.0.0.1",
        "EDGE_TOKEN_SHA256": hashlib.sha256(TOKEN.encode()).hexdigest(),
        "EDGE_PEER_SHA256": hashlib.sha256(TOKEN.encode()).hexdigest(),
        "EDGE_LEASE": "3",  # seconds; 20 in the field
        **env,
    }
    process = subprocess.Popen(
        [*prefix, sys.executable, "-B", str(agent_archive())],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "serves on port" in line
    return AgentProcess(process, int(line.split()[-1]), root)


@pytest.fixture
def make_agent(tmp_path: Path) -> Iterator[Any]:
    """``make_agent(root=None, **env)``; all end with the test."""
    started: list[AgentProcess] = []

    def make(root: Path | None = None, prefix: tuple[str, ...] = (), **env: str) -> AgentProcess:
        store = root or tmp_path / "store"
        store.mkdir(exist_ok=True)
        started.append(start_agent(store, prefix, **env))
        return started[-1]

    yield make
    for item in started:
        item.end()


def wait_for(condition: Any, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)
