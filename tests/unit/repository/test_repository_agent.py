# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent, run for real on loopback."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.repository.manifest import Manifest

from .conftest import TOKEN, AgentProcess, manifests_of, wait_for


def by_model(root: Path) -> dict[str, Manifest]:
    return {item.model: item for item in manifests_of(root)}


def published(root: Path) -> list[str]:
    models = root / "models"
    return sorted(str(path.relative_to(models)) for path in models.rglob("*") if path.is_file())


def test_publish_makes_complete_readable_versions(make_agent: Any, source: Path) -> None:
    agent = make_agent()
    os.chmod(source / "ocr/1/model.bin", 0o600)
    agent.lock()
    for manifest in manifests_of(source):
        agent.upload(source, manifest)
        agent.ok("/v1/publish", {"digest": manifest.digest})
    assert published(agent.root) == [
        "det/3/det.onnx",
        "det/3/labels/en.txt",
        "ocr/1/model.bin",
        "ocr/1/model.xml",
    ]
    target = agent.root / "models/ocr/1"
    assert (target / "model.bin").read_bytes() == (source / "ocr/1/model.bin").read_bytes()
    for path in [agent.root / "models", *(agent.root / "models").rglob("*")]:
        wanted = 0o755 if path.is_dir() else 0o644
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
        if os.geteuid() == 0:
            assert (path.stat().st_uid, path.stat().st_gid) == (5000, 5000), path


def test_inventory_tells_stamps_and_record(make_agent: Any, source: Path) -> None:
    agent = make_agent()
    agent.lock()
    manifest = by_model(source)["ocr"]
    agent.upload(source, manifest)
    agent.ok("/v1/publish", {"digest": manifest.digest})
    (agent.root / "models/ocr/2.tmp").mkdir()
    found = agent.ok("/v1/inventory")
    assert found["strays"] == ["ocr/2.tmp"]
    (version,) = found["versions"]
    assert (version["model"], version["version"]) == ("ocr", 1)
    assert version["record"]["manifest"] == manifest.as_dict()
    assert {item[0]: item[1:4] for item in version["files"]} == version["record"]["stamps"]
    hashes = agent.ok("/v1/hashes", {"model": "ocr", "version": 1})["files"]
    assert hashes == {entry.path: entry.sha256 for entry in manifest.files}


@pytest.mark.parametrize("path", ["/v1/facts", "/v1/lock", "/v1/bye", "/nothing"])
def test_wrong_token_is_refused(make_agent: Any, path: str) -> None:
    agent = make_agent()
    assert agent.call(path, token="guess")[0] == 401
    assert agent.call(path, token="")[0] == 401
    assert agent.process.poll() is None


def test_flipped_byte_is_refused_and_leaves_nothing(make_agent: Any, source: Path) -> None:
    agent = make_agent()
    agent.lock()
    manifest = by_model(source)["ocr"]
    agent.ok("/v1/stage", manifest.as_dict())
    data = bytearray((source / "ocr/1/model.bin").read_bytes())
    data[1_234_567] ^= 1
    number = [entry.path for entry in manifest.files].index("model.bin")
    status, answer = agent.call(f"/v1/file/{manifest.digest}/{number}", bytes(data), method="PUT")
    assert status == 422 and "sha256" in answer["error"]
    assert agent.call("/v1/publish", {"digest": manifest.digest})[0] == 409
    assert published(agent.root) == []


def test_truncated_put_leaves_nothing(make_agent: Any, source: Path) -> None:
    agent = make_agent()
    agent.lock()
    manifest = by_model(source)["ocr"]
    agent.ok("/v1/stage", manifest.as_dict())
    number = [entry.path for entry in manifest.files].index("model.bin")
    size = manifest.files[number].size
    head = f"PUT /v1/file/{manifest.digest}/{number} HTTP/1.1\r\nX-Edge-Token: {TOKEN}\r\n"
    with socket.create_connection(("127.0.0.1", agent.port)) as connection:
        connection.sendall(f"{head}Content-Length: {size}\r\n\r\n".encode() + b"x" * 1_000_000)
    staging = agent.root / ".edge/staging"
    wait_for(lambda: not list(staging.rglob("part-*")))
    assert agent.call("/v1/publish", {"digest": manifest.digest})[0] == 409
    assert published(agent.root) == []


def test_wrong_length_and_unknown_file_are_refused(make_agent: Any, source: Path) -> None:
    agent = make_agent()
    agent.lock()
    manifest = by_model(source)["ocr"]
    agent.ok("/v1/stage", manifest.as_dict())
    assert agent.call(f"/v1/file/{manifest.digest}/0", b"short", method="PUT")[0] == 400
    assert agent.call(f"/v1/file/{manifest.digest}/99", b"x", method="PUT")[0] == 404
    assert agent.call("/v1/file/../../etc/passwd", b"x", method="PUT")[0] == 404


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a//b", "a/../../b", "", ".", "a\0b"])
def test_traversal_in_a_manifest_is_refused(make_agent: Any, source: Path, name: str) -> None:
    from ansible_collections.openvino.edge.plugins.module_utils.repository.manifest import FileEntry

    agent = make_agent()
    agent.lock()
    manifest = Manifest("ocr", 7, (FileEntry(name, 1, "0" * 64),))
    status, answer = agent.call("/v1/stage", manifest.as_dict())
    assert status == 400 and "bad file name" in answer["error"]


@pytest.mark.parametrize(
    ("model", "version"), [("../x", 1), ("", 1), ("a/b", 1), ("a", 0), ("a", "1/../2"), ("a", -1)]
)
def test_traversal_in_names_is_refused(make_agent: Any, model: str, version: Any) -> None:
    agent = make_agent()
    agent.lock()
    for command in ("hashes", "remove"):
        status, answer = agent.call(f"/v1/{command}", {"model": model, "version": version})
        assert status == 400 and "bad model" in answer["error"]


def test_changed_staging_is_refused(make_agent: Any, source: Path) -> None:
    agent = make_agent()
    agent.lock()
    manifest = by_model(source)["ocr"]
    agent.upload(source, manifest)
    (victim,) = (agent.root / ".edge/staging").rglob("model.xml")
    victim.write_bytes(b"<NET/>")
    status, answer = agent.call("/v1/publish", {"digest": manifest.digest})
    assert status == 409 and "changed after" in answer["error"]
    assert published(agent.root) == []


def test_a_published_version_is_never_replaced(make_agent: Any, source: Path) -> None:
    agent = make_agent()
    agent.lock()
    manifest = by_model(source)["ocr"]
    agent.upload(source, manifest)
    agent.ok("/v1/publish", {"digest": manifest.digest})
    assert agent.call("/v1/stage", manifest.as_dict())[0] == 409


def test_two_writers_one_wins(make_agent: Any, source: Path) -> None:
    first, second = make_agent(), make_agent()
    first.lock("one")
    status, answer = second.call("/v1/lock", {"owner": "two", "note": ""})
    assert status == 423 and answer["holder"]["id"] == "one"
    manifest = by_model(source)["ocr"]
    assert second.call("/v1/stage", manifest.as_dict())[0] == 423
    first.upload(source, manifest)
    first.ok("/v1/publish", {"digest": manifest.digest})
    first.ok("/v1/unlock")
    second.lock("two")


def test_a_dead_writer_is_followed_and_fenced_off(make_agent: Any, source: Path) -> None:
    first, second = make_agent(), make_agent()
    manifest = by_model(source)["ocr"]
    first.lock("one")
    first.upload(source, manifest)
    old = os.stat(first.root / ".edge/locks/store/owner").st_mtime - 60
    os.utime(first.root / ".edge/locks/store/owner", (old, old))
    second.lock("two")
    assert not list((first.root / ".edge/staging").iterdir())
    assert first.call("/v1/publish", {"digest": manifest.digest})[0] == 423
    assert published(first.root) == []


def test_killed_mid_upload_leaves_nothing_under_models(make_agent: Any, source: Path) -> None:
    agent: AgentProcess = make_agent()
    agent.lock()
    manifest = by_model(source)["ocr"]
    agent.ok("/v1/stage", manifest.as_dict())
    number = [entry.path for entry in manifest.files].index("model.bin")
    size = manifest.files[number].size
    head = f"PUT /v1/file/{manifest.digest}/{number} HTTP/1.1\r\nX-Edge-Token: {TOKEN}\r\n"
    with socket.create_connection(("127.0.0.1", agent.port)) as connection:
        connection.sendall(f"{head}Content-Length: {size}\r\n\r\n".encode() + b"x" * 1_000_000)
        wait_for(lambda: list((agent.root / ".edge/staging").rglob("part-*")))
        agent.end()
    assert published(agent.root) == []
    owner = agent.root / ".edge/locks/store/owner"
    os.utime(owner, (1, 1))
    again = make_agent()
    again.lock("next")
    again.upload(source, manifest)
    again.ok("/v1/publish", {"digest": manifest.digest})
    assert len(published(agent.root)) == 2


def test_ends_itself_when_idle_and_unlocks(make_agent: Any, source: Path) -> None:
    agent = make_agent(EDGE_IDLE="1")
    agent.lock()
    assert agent.process.wait(timeout=30) == 0
    assert not (agent.root / ".edge/locks/store").exists()


def test_bye_ends_it(make_agent: Any) -> None:
    agent = make_agent()
    assert agent.ok("/v1/bye") == {"bye": True}
    assert agent.process.wait(timeout=5) == 0


def test_remove_takes_version_record_and_empty_model(make_agent: Any, source: Path) -> None:
    agent = make_agent()
    agent.lock()
    manifest = by_model(source)["ocr"]
    agent.upload(source, manifest)
    agent.ok("/v1/publish", {"digest": manifest.digest})
    assert agent.ok("/v1/remove", {"model": "ocr", "version": 1}) == {"removed": True}
    assert agent.ok("/v1/remove", {"model": "ocr", "version": 1}) == {"removed": False}
    assert not (agent.root / "models/ocr").exists()
    assert not list((agent.root / ".edge/manifests").iterdir())
    assert not list((agent.root / ".edge/trash").iterdir())


def test_a_reader_changes_nothing(make_agent: Any) -> None:
    agent = make_agent(EDGE_READ_ONLY="1")
    assert agent.call("/v1/lock", {"owner": "me", "note": ""})[0] == 405
    assert agent.ok("/v1/facts")["free_bytes"] > 0
    assert agent.ok("/v1/inventory") == {"versions": [], "strays": []}
    assert list(agent.root.iterdir()) == []


def test_links_on_the_store_are_not_followed(make_agent: Any, tmp_path: Path) -> None:
    agent = make_agent()
    outside = tmp_path / "outside"
    (outside / "1").mkdir(parents=True)
    (outside / "1/secret").write_text("secret")
    models = agent.root / "models"
    models.mkdir()
    (models / "ocr").symlink_to(outside)
    (models / "det/1").mkdir(parents=True)
    (models / "det/1/file").symlink_to(outside / "1/secret")
    found = agent.ok("/v1/inventory")
    assert found["strays"] == ["ocr"]
    assert agent.ok("/v1/hashes", {"model": "det", "version": 1})["files"] == {"file": ""}
    agent.lock()
    assert agent.ok("/v1/remove", {"model": "ocr", "version": 1}) == {"removed": False}
    assert (outside / "1/secret").exists()
