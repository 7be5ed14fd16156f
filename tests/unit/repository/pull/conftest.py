# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers on loopback, and a stage that is only a directory."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent.pull import fetch

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "testbed"))

from web.webkit import FileServer, ForwardProxy, running  # noqa: E402


class NearUpload:
    """What the agent gives a fetcher, over a directory of the test."""

    def __init__(self, root: Path, files: dict[str, bytes]) -> None:
        self.root = root
        self.contents = [files[path] for path in sorted(files)]
        self.stopped: BaseException | None = None
        self.finished: list[tuple[int, bool]] = []

    def entry(self, number: int) -> dict[str, Any]:
        """Return a file of the manifest."""
        data = self.contents[number]
        return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "path": "p"}

    def path(self, number: int) -> Path:
        """Return where a part grows."""
        return self.root / f"part-{number}"

    def have(self, number: int) -> int:
        """Return the length of a part."""
        return self.path(number).stat().st_size if self.path(number).exists() else 0

    def part(self, number: int, offset: int) -> int:
        """Open a part, cut to an offset."""
        descriptor = os.open(self.path(number), os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(descriptor, offset)
        return descriptor

    def finish(self, number: int, sha256: str, synced: bool = True) -> dict[str, Any]:
        """Take a part that is complete."""
        self.finished.append((number, synced))
        assert self.have(number) == len(self.contents[number])
        if sha256 != self.entry(number)["sha256"]:
            self.path(number).rename(self.root / f"bad-{number}")
            return {"bad": True, "sha256": sha256}
        assert self.path(number).read_bytes() == self.contents[number]
        self.path(number).rename(self.root / f"done-{number}")
        return {"done": True}

    def check(self) -> None:
        """Raise what the test set."""
        if self.stopped:
            raise self.stopped


@pytest.fixture
def files() -> Iterator[FileServer]:
    """A file server on loopback."""
    with running(FileServer()) as server:
        yield server


@pytest.fixture
def proxy() -> Iterator[ForwardProxy]:
    """A forward proxy on loopback that asks for a login."""
    with running(ForwardProxy(login="someone:proxy-secret")) as server:
        yield server


@pytest.fixture
def upload(files: FileServer, tmp_path: Path) -> NearUpload:
    """A stage for three files that the server has."""
    contents = {
        "/m/1/a.bin": os.urandom(300_000),
        "/m/1/b.txt": b"",
        "/m/1/c ö.bin": os.urandom(70_000),
    }
    files.manners.files.update(contents)
    return NearUpload(tmp_path, contents)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once."""
    monkeypatch.setattr(fetch, "PAUSES", (0.01,) * 4)
