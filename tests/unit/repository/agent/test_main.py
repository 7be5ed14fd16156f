# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent, run for real on loopback."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.manifest import (
    Manifest,
)

from ..conftest import TOKEN, AgentProcess, manifests_of, record, wait_for


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


def number_of(manifest: Manifest, path: str) -> int:
    return [entry.path for entry in manifest.files].index(path)


def staged(agent: AgentProcess, manifest: Manifest) -> dict[str, dict[str, Any]]:
    files = agent.ok("/v1/staged", {"digest": manifest.digest})["files"]
    return {manifest.files[int(number)].path: state for number, state in files.items()}


def send_some(agent: AgentProcess, manifest: Manifest, path: str, data: bytes) -> None:
    """Send the beginning of a file, then cut the connection."""
    size = manifest.files[number_of(manifest, path)].size
    head = f"PUT /v1/pack/{manifest.digest} HTTP/1.1\r\nX-Edge-Token: {TOKEN}\r\n"
    body = record(number_of(manifest, path), data, end=False)
    with socket.create_connection(("127.0.0.1", agent.port)) as connection:
        connection.sendall(f"{head}Content-Length: {size + 100}\r\n\r\n".encode() + body)
        part = f"part-{number_of(manifest, path)}"
        staging = agent.root / ".edge/staging"
        wait_for(lambda: sum(item.stat().st_size for item in staging.rglob(part)) == len(data))


def test_flipped_byte_is_refused_and_kept_for_repair(make_agent: Any, source: Path) -> None:
    agent = make_agent()
    agent.lock()
    manifest = by_model(source)["ocr"]
    agent.stage(manifest)
    right = (source / "ocr/1/model.bin").read_bytes()
    data = bytearray(right)
    data[1_234_567] ^= 1
    number = number_of(manifest, "model.bin")
    status, answer = agent.put(manifest.digest, record(number, bytes(data)))
    assert status == 200
    assert answer["files"][str(number)] == {
        "bad": True,
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    assert staged(agent, manifest)["model.bin"] == {"done": False, "have": 0, "bad": True}
    assert agent.call("/v1/publish", {"digest": manifest.digest})[0] == 409
    assert published(agent.root) == []
    copies = b"B\x00\x09" + b'{"bad":%d}' % number
    copies += b"C" + (0).to_bytes(8, "big") + (1_234_567).to_bytes(8, "big")
    copies += b"D" + (1).to_bytes(4, "big") + right[1_234_567:1_234_568]
    rest = len(right) - 1_234_568
    copies += b"C" + (1_234_568).to_bytes(8, "big") + rest.to_bytes(8, "big") + b"E"
    head = b"F" + number.to_bytes(4, "big") + bytes(8)
    status, answer = agent.put(manifest.digest, head + copies)
    assert (status, answer["files"][str(number)]) == (200, {"done": True})


def test_what_came_before_a_cut_stays(make_agent: Any, source: Path) -> None:
    agent = make_agent()
    agent.lock()
    manifest = by_model(source)["ocr"]
    agent.stage(manifest)
    data = (source / "ocr/1/model.bin").read_bytes()
    send_some(agent, manifest, "model.bin", data[:1_000_000])
    assert agent.call("/v1/publish", {"digest": manifest.digest})[0] == 409
    assert published(agent.root) == []
    agent.end()
    again = make_agent()
    assert staged(again, manifest)["model.bin"] == {"done": False, "have": 1_000_000}
    again.lock("me")
    assert again.stage(manifest)["files"] == {
        "0": {"done": False, "have": 1_000_000},
        "1": {"done": False, "have": 0},
    }
    status, answer = again.put(manifest.digest, record(0, data, 1_000_000))
    assert (status, answer) == (200, {"files": {"0": {"done": True}}})
    assert again.put(manifest.digest, record(1, b"<net/>"))[0] == 200
    again.ok("/v1/publish", {"digest": manifest.digest})
    assert (again.root / "models/ocr/1/model.bin").read_bytes() == data


def test_verified_files_are_believed_by_their_stamps(make_agent: Any, source: Path) -> None:
    """Another helper does not read them again; one that changed is not believed."""
    agent = make_agent()
    agent.lock()
    manifest = by_model(source)["ocr"]
    agent.stage(manifest)
    data = (source / "ocr/1/model.bin").read_bytes()
    assert agent.put(manifest.digest, record(0, data))[0] == 200
    agent.end()
    (done,) = (agent.root / ".edge/staging").rglob("done")
    (file,) = (agent.root / ".edge/staging").rglob("model.bin")
    number, *stamp = done.read_text().split()
    info = file.stat()
    assert (number, stamp) == ("0", [str(info.st_size), str(info.st_mtime_ns), str(info.st_ino)])
    again = make_agent()
    assert staged(again, manifest)["model.bin"]["done"]
    file.write_bytes(b"x" * len(data))
    assert not staged(again, manifest)["model.bin"]["done"]
    file.write_bytes(data)  # another stamp, but the right bytes: read, then believed
    assert staged(again, manifest)["model.bin"]["done"]
    again.lock("me")
    file.write_bytes(b"y" * len(data))
    assert again.stage(manifest)["files"]["0"] == {"done": False, "have": 0, "bad": True}


def test_chunks_and_lengths_carry_the_same(make_agent: Any, source: Path) -> None:
    agent = make_agent()
    agent.lock()
    manifest = by_model(source)["ocr"]
    agent.stage(manifest)
    body = record(0, (source / "ocr/1/model.bin").read_bytes()) + record(1, b"<net/>")
    connection = http.client.HTTPConnection("127.0.0.1", agent.port, timeout=30)
    pieces = (body[place : place + 32_768] for place in range(0, len(body), 32_768))
    path = f"/v1/pack/{manifest.digest}"
    headers = {"X-Edge-Token": TOKEN}
    connection.request("PUT", path, pieces, headers, encode_chunked=True)
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["files"].keys()) == (200, {"0", "1"})
    connection.request("POST", "/v1/publish", json.dumps({"digest": manifest.digest}), headers)
    assert connection.getresponse().status == 200  # the same connection goes on
    connection.close()


@pytest.mark.parametrize("chunk", [b"zz\r\n", b"-1\r\n", b"\r\n", b"0x5\r\nhello\r\n"])
def test_a_chunk_that_is_none_is_refused(make_agent: Any, source: Path, chunk: bytes) -> None:
    agent = make_agent()
    agent.lock()
    manifest = by_model(source)["ocr"]
    agent.stage(manifest)
    head = f"PUT /v1/pack/{manifest.digest} HTTP/1.1\r\nX-Edge-Token: {TOKEN}\r\n"
    with socket.create_connection(("127.0.0.1", agent.port)) as connection:
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunk)
        assert connection.recv(1000).startswith(b"HTTP/1.1 400")


def test_unknown_files_and_nonsense_are_refused(make_agent: Any, source: Path) -> None:
    agent = make_agent()
    agent.lock()
    manifest = by_model(source)["ocr"]
    assert agent.put(manifest.digest, record(0, b"x"))[0] == 404
    agent.stage(manifest)
    assert agent.put(manifest.digest, record(99, b"x"))[0] == 400
    assert agent.put(manifest.digest, record(1, b"far too long"))[0] == 400
    assert agent.put(manifest.digest, record(1, b"<net/>", 3))[0] == 400
    assert agent.put(manifest.digest, b"nonsense")[0] == 400
    assert agent.call("/v1/pack/../../etc/passwd", b"x", method="PUT")[0] == 404
    assert not list((agent.root / ".edge/staging").rglob("model.*"))


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a//b", "a/../../b", "", ".", "a\0b"])
def test_traversal_in_a_manifest_is_refused(make_agent: Any, source: Path, name: str) -> None:
    from ansible_collections.openvino.edge.plugins.module_utils.repository.content.manifest import (
        FileEntry,
    )

    agent = make_agent()
    agent.lock()
    manifest = Manifest("ocr", 7, (FileEntry(name, 1, "0" * 64),))
    status, answer = agent.call("/v1/stage", {"manifest": manifest.as_dict()})
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
    before = (agent.root / "models/ocr/1/model.bin").stat()
    agent.upload(source, manifest)
    assert agent.call("/v1/publish", {"digest": manifest.digest})[0] == 409
    name = {"digest": manifest.digest, "model": "ocr", "version": 1}
    assert agent.ok("/v1/publish", name)["already"]  # the answer to the first one got lost
    assert (agent.root / "models/ocr/1/model.bin").stat() == before
    (agent.root / "models/ocr/1/model.xml").write_bytes(b"<NET/>")
    agent.upload(source, manifest)
    assert agent.call("/v1/publish", name)[0] == 409


def test_two_writers_one_wins(make_agent: Any, source: Path) -> None:
    first, second = make_agent(), make_agent()
    first.lock("one")
    status, answer = second.call("/v1/lock", {"owner": "two", "note": ""})
    assert status == 423 and answer["holder"]["id"] == "one"
    manifest = by_model(source)["ocr"]
    assert second.call("/v1/stage", {"manifest": manifest.as_dict()})[0] == 423
    first.upload(source, manifest)
    first.ok("/v1/publish", {"digest": manifest.digest})
    first.ok("/v1/unlock")
    second.lock("two")


def test_a_dead_writer_is_followed_and_fenced_off(make_agent: Any, source: Path) -> None:
    first, second = make_agent(), make_agent()
    manifest = by_model(source)["ocr"]
    first.lock("one")
    first.upload(source, manifest)
    os.kill(first.process.pid, signal.SIGSTOP)
    wait_for(lambda: second.call("/v1/lock", {"owner": "two", "note": ""})[0] == 200)
    os.kill(first.process.pid, signal.SIGCONT)
    status, answer = first.call("/v1/publish", {"digest": manifest.digest})
    assert status == 423 and answer["holder"]["id"] == "two"
    second.ok("/v1/unlock")
    status, answer = first.call("/v1/publish", {"digest": manifest.digest})
    assert status == 423 and answer["holder"]["id"] == "two"
    assert published(first.root) == []
    third = make_agent()
    third.lock("three")
    third.ok("/v1/publish", {"digest": manifest.digest})  # all of it is staged
    assert len(published(first.root)) == 2


def test_a_writer_that_was_cut_off_is_followed_soon(make_agent: Any, source: Path) -> None:
    first, second = make_agent(), make_agent()
    manifest = by_model(source)["ocr"]
    first.lock("one")
    first.stage(manifest)
    data = (source / "ocr/1/model.bin").read_bytes()
    send_some(first, manifest, "model.bin", data[:500_000])
    lost = first.root / ".edge/locks/store/lost-one"
    wait_for(lost.exists)
    status, answer = second.call("/v1/lock", {"owner": "two", "note": "bob"})
    assert status == 423 and answer["lost"]
    wait_for(lambda: second.call("/v1/lock", {"owner": "two", "note": "bob"})[0] == 200, 5)
    assert second.stage(manifest)["files"]["0"]["have"] == 500_000
    status, answer = first.call("/v1/stage", {"manifest": manifest.as_dict()})
    assert (status, answer["holder"]["note"]) == (423, "bob")
    assert first.put(manifest.digest, record(0, data))[0] == 423


def test_a_writer_that_comes_back_goes_on(make_agent: Any, source: Path) -> None:
    first, second = make_agent(), make_agent()
    manifest = by_model(source)["ocr"]
    first.lock("one")
    first.stage(manifest)
    data = (source / "ocr/1/model.bin").read_bytes()
    send_some(first, manifest, "model.bin", data[:500_000])
    lost = first.root / ".edge/locks/store/lost-one"
    wait_for(lost.exists)
    assert first.put(manifest.digest, record(0, data, 500_000))[0] == 200
    assert not lost.exists()
    time.sleep(2.5)
    assert second.call("/v1/lock", {"owner": "two", "note": "bob"})[0] == 423


def test_another_helper_of_the_same_writer_takes_over_at_once(make_agent: Any) -> None:
    """The old one may still live, cut off: it must neither write nor give the lock away."""
    first, second = make_agent(), make_agent()
    first.lock("one")
    second.lock("one")
    assert first.call("/v1/remove", {"model": "ocr", "version": 1})[0] == 423
    first.ok("/v1/unlock")
    first.ok("/v1/bye")
    assert second.ok("/v1/remove", {"model": "ocr", "version": 1}) == {"removed": False}


def test_an_orphaned_helper_ends_soon(make_agent: Any, source: Path) -> None:
    agent = make_agent(EDGE_LOST="1")
    agent.lock()
    manifest = by_model(source)["ocr"]
    agent.stage(manifest)
    send_some(agent, manifest, "model.bin", b"x" * 1000)
    assert agent.process.wait(timeout=10) == 0
    assert not (agent.root / ".edge/locks/store").exists()


def test_a_cut_command_runs_once_and_keeps_its_result(make_agent: Any, source: Path) -> None:
    agent = make_agent()
    agent.lock()
    manifest = by_model(source)["ocr"]
    agent.upload(source, manifest)
    headers = {"X-Edge-Token": TOKEN, "X-Edge-Request": "request-1"}
    answers = []
    for _try in range(2):
        connection = http.client.HTTPConnection("127.0.0.1", agent.port, timeout=30)
        body = json.dumps({"digest": manifest.digest})
        connection.request("POST", "/v1/publish", body, headers)
        answer = connection.getresponse()
        answers.append((answer.status, answer.read()))
        connection.close()
    assert answers[0] == answers[1] and answers[0][0] == 200
    assert agent.call("/v1/publish", {"digest": manifest.digest})[0] == 404
    assert agent.call("/v1/task", {"id": "request-1"})[0] == 200
    assert agent.call("/v1/task", {"id": "request-2"})[0] == 404


def test_ends_itself_when_idle_and_unlocks(make_agent: Any, source: Path) -> None:
    agent = make_agent(EDGE_IDLE="1")
    agent.lock()
    assert agent.process.wait(timeout=30) == 0
    assert not (agent.root / ".edge/locks/store").exists()


def test_stays_for_the_next_task_but_not_for_ever(make_agent: Any) -> None:
    agent = make_agent(EDGE_IDLE="1")
    agent.lock()
    assert agent.call("/v1/stay", {"seconds": 60})[0] == 409, "not while it holds the lock"
    agent.ok("/v1/unlock")
    agent.ok("/v1/stay", {"seconds": 60})
    with pytest.raises(subprocess.TimeoutExpired):
        agent.process.wait(timeout=3)
    agent.ok("/v1/facts")  # the next task is there, and is gone
    assert agent.process.wait(timeout=30) == 0
    agent = make_agent(EDGE_IDLE="60")
    agent.ok("/v1/stay", {"seconds": 1})
    assert agent.process.wait(timeout=30) == 0


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
    found = agent.ok("/v1/inventory")
    assert found == {"versions": [], "strays": [], "odd": [], "blocked": []}
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


def test_a_port_forward_comes_from_loopback(make_agent: Any) -> None:
    """The kubelet connects to localhost, wherever else the helper listens."""
    agent = make_agent(EDGE_BIND="127.0.0.2")
    for host in ("127.0.0.1", "127.0.0.2"):
        wait_for(lambda host=host: not socket.socket().connect_ex((host, agent.port)))
        connection = http.client.HTTPConnection(host, agent.port, timeout=10)
        connection.request("POST", "/v1/facts", b"{}", {"X-Edge-Token": TOKEN})
        assert connection.getresponse().status == 200
        connection.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.3", agent.port), 5)
