# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What both transports promise, against the real agent and the real script."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    BusyError,
    EdgeError,
    InputError,
    TransferError,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.layout import scan
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.manifest import (
    Manifest,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.state import (
    believe,
    from_hashes,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.delta.pack import FileJob
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport import base
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.base import (
    DONE,
    Channel,
    Flow,
    Have,
    Interrupted,
)

from ..conftest import manifests_of, write_files
from ..near import V4, V5, NearClient, channel_of


@pytest.fixture(params=["agent", "exec", "exec-v4"])
def client(request: Any, tmp_path: Path, make_agent: Any) -> Any:
    root, run = tmp_path / "store", tmp_path / "run"
    run.mkdir()
    transport = request.param.partition("-")[0]
    port = make_agent(root).port if transport == "agent" else 0
    root.mkdir(exist_ok=True)
    near = NearClient(root, run, port, V4 if request.param.endswith("v4") else V5)
    near.transport = transport  # type: ignore[attr-defined]
    return near


@pytest.fixture
def channel(client: Any) -> Channel:
    return channel_of(client.transport, client)


def put(channel: Channel, source: Path, manifest: Manifest) -> list[int]:
    """Stage, send and publish a version; returns the steps in which its files were read."""
    read: list[int] = []
    versions = {(item.model, item.version): item for item in scan(str(source)).versions}
    files = versions[(manifest.model, manifest.version)].files
    sources = {item.path: item.source for item in files}
    staged = channel.stage(manifest, {})
    jobs = [
        FileJob(number, sources[entry.path], entry, staged.get(number, Have()).have)
        for number, entry in enumerate(manifest.files)
        if not staged.get(number, Have()).done
    ]
    sent: list[int] = []
    flow = Flow(sent.append, read.append, compress=False)
    expected = channel.body_bytes(jobs, False)
    answer = channel.send(manifest, jobs, flow) if jobs else {}
    bad = [manifest.files[number].path for number, outcome in answer.items() if outcome != DONE]
    if bad:
        raise TransferError(f"{bad[0]}: sha256 is wrong")
    assert sum(sent) == (expected if jobs else 0)
    channel.publish(manifest)
    return read


def published(client: NearClient) -> list[str]:
    models = client.root / "models"
    return sorted(str(path.relative_to(models)) for path in models.rglob("*") if path.is_file())


def test_publish_makes_what_the_manifest_says(
    channel: Channel, client: NearClient, source: Path
) -> None:
    write_files(source, {"ocr/1/sub dir/ü *.txt": b"", "ocr/1/ end ": b"1", "ocr/1/-n": b"2"})
    write_files(source, {"ocr/1/back\\slash": b"3", "ocr/1/*?[x]": b"4"})
    os.chmod(source / "ocr/1/model.bin", 0o600)
    channel.lock("me", "test")
    for manifest in manifests_of(source):
        assert sum(put(channel, source, manifest)) == manifest.size
    for path in source.rglob("*"):
        if path.is_file():
            target = client.root / "models" / path.relative_to(source)
            assert target.read_bytes() == path.read_bytes()
    for path in [client.root / "models", *(client.root / "models").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644), path
        if os.geteuid() == 0:
            assert (path.stat().st_uid, path.stat().st_gid) == (5000, 5000)
    known = {key: believe(raw) for key, raw in channel.inventory().by_key().items()}
    for manifest in manifests_of(source):
        found = known[(manifest.model, manifest.version)]
        assert found is not None and found.sealed and found.manifest == manifest
        raw = found.raw
        read = from_hashes(raw, channel.hashes(raw.model, raw.version, raw.size))
        assert read.manifest == manifest and read.checked == "hash"
    channel.close()
    assert not list((client.root / ".edge/staging").iterdir())
    assert not list((client.root / ".edge/locks").iterdir())


def test_facts(channel: Channel, client: NearClient) -> None:
    facts = channel.facts()
    real = os.statvfs(client.root)
    assert facts.total_bytes == real.f_blocks * real.f_frsize
    assert abs(facts.free_bytes - real.f_bavail * real.f_frsize) < 1 << 30
    assert (facts.writable, facts.uid) == (True, os.geteuid())


def test_an_empty_store(channel: Channel) -> None:
    assert channel.inventory().versions == ()
    channel.lock("me", "test")
    assert channel.remove("ocr", 1) is False


def test_flipped_byte_on_the_way(channel: Channel, client: Any, source: Path) -> None:
    channel.lock("me", "test")
    client.damage = lambda data: bytes(data).replace(b"<net/>", b"<nit/>")
    manifest = next(item for item in manifests_of(source) if item.model == "ocr")
    with pytest.raises(TransferError, match="model.xml: sha256 is"):
        put(channel, source, manifest)
    assert published(client) == []


def test_flipped_byte_in_a_big_file(channel: Channel, client: Any, source: Path) -> None:
    channel.lock("me", "test")
    seen = [0]

    def damage(data: bytes) -> bytes:
        seen[0] += len(data)
        if len(data) < 10_000 or seen[0] < 2_000_000 or seen[0] > 2_300_000:
            return data
        return bytes(data[:-1]) + bytes([data[-1] ^ 1])

    client.damage = damage
    manifest = next(item for item in manifests_of(source) if item.model == "ocr")
    with pytest.raises(TransferError, match="model.bin: sha256 is"):
        put(channel, source, manifest)
    assert published(client) == []
    client.damage = lambda data: data
    put(channel, source, manifest)
    for path in ("ocr/1/model.bin", "ocr/1/model.xml"):
        assert (client.root / "models" / path).read_bytes() == (source / path).read_bytes()


def test_a_source_that_changes_is_noticed(
    channel: Channel, client: NearClient, source: Path
) -> None:
    channel.lock("me", "test")
    manifest = next(item for item in manifests_of(source) if item.model == "ocr")
    (source / "ocr/1/model.xml").write_bytes(b"<nxt/>")
    with pytest.raises(EdgeError, match="sha256 is"):
        put(channel, source, manifest)
    (source / "ocr/1/model.xml").write_bytes(b"<longer/>")
    with pytest.raises(InputError, match="changed while it was sent"):
        put(channel, source, manifest)
    assert published(client) == []


def test_two_writers(channel: Channel, client: Any, source: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(base, "LOCK_WAIT", 0.0)  # ask once: a second time may be after the lease
    lock = client.root / ".edge/locks/store"
    lock.mkdir(parents=True)
    (lock / "owner").write_text(json.dumps({"id": "other", "note": "ann@laptop"}))
    with pytest.raises(BusyError, match="ann@laptop"):
        channel.lock("me", "test")
    manifest = manifests_of(source)[0]
    with pytest.raises(BusyError):
        put(channel, source, manifest)
    monkeypatch.setattr(base, "LOCK_WAIT", 20.0)
    channel.lock("me", "test")  # nothing of it changed for a whole lease
    put(channel, source, manifest)
    (lock / "owner").write_text(json.dumps({"id": "other", "note": "ann@laptop"}))
    with pytest.raises(BusyError):
        channel.remove(manifest.model, manifest.version)
    assert published(client)


def test_a_version_is_never_replaced(channel: Channel, client: NearClient, source: Path) -> None:
    channel.lock("me", "test")
    manifest = next(item for item in manifests_of(source) if item.model == "ocr")
    write_files(client.root, {"models/ocr/1/old": b"old"})
    with pytest.raises(TransferError, match="exists"):
        put(channel, source, manifest)
    assert published(client) == ["ocr/1/old"]


def test_seal_records_what_is_there(channel: Channel, client: NearClient, source: Path) -> None:
    channel.lock("me", "test")
    manifest = next(item for item in manifests_of(source) if item.model == "det")
    put(channel, source, manifest)
    os.utime(client.root / "models/det/3/det.onnx", (1, 1))
    assert believe(channel.inventory().versions[0]) is None
    channel.seal(manifest, manifest.size)
    known = believe(channel.inventory().versions[0])
    assert known is not None and known.manifest == manifest
    (client.root / "models/det/3/det.onnx").write_bytes(b"onno" * 1000)
    with pytest.raises(TransferError):
        channel.seal(manifest, manifest.size)


def test_remove(channel: Channel, client: NearClient, source: Path) -> None:
    channel.lock("me", "test")
    for manifest in manifests_of(source):
        put(channel, source, manifest)
    write_files(client.root, {"models/ocr/2/x.onnx": b""})
    assert channel.remove("ocr", 1) is True
    assert channel.remove("ocr", 1) is False
    assert published(client) == ["det/3/det.onnx", "det/3/labels/en.txt", "ocr/2/x.onnx"]
    assert channel.remove("ocr", 2) and not (client.root / "models/ocr").exists()
    assert sorted(path.name for path in (client.root / ".edge/manifests").iterdir()) == ["det"]


def test_31_servers_find_the_directory_of_a_model_without_the_version(
    channel: Channel, client: NearClient, source: Path
) -> None:
    channel.lock("me", "test")
    manifest = next(item for item in manifests_of(source) if item.model == "ocr")
    channel.set_aside("ocr", 1)
    assert (client.root / "models/ocr").is_dir() and published(client) == []
    put(channel, source, manifest)
    if channel.transport == "exec":
        with pytest.raises(TransferError, match="exists"):
            channel.set_aside("ocr", 1)
        return
    channel.set_aside("ocr", 1)
    assert published(client) == []
    channel.put_back()
    assert published(client) == ["ocr/1/model.bin", "ocr/1/model.xml"]
    known = believe(channel.inventory().versions[0])
    assert known is not None and known.manifest == manifest


def test_strays_and_links(channel: Channel, client: NearClient, tmp_path: Path) -> None:
    write_files(client.root, {"models/m/2.tmp/a": b"", "models/m/file": b"", "models/m/7/a": b"x"})
    (client.root / "models/link").symlink_to(tmp_path)
    (client.root / "models/m/8").symlink_to("7")
    (client.root / "models/m/7/link").symlink_to("/etc/passwd")
    (client.root / "models/m/7/dirs").symlink_to("/etc")
    found = channel.inventory()
    assert sorted(found.strays) == ["link", "m/2.tmp", "m/8"]
    (version,) = found.versions
    assert {item.path for item in version.files} == {"a", "link", "dirs"}
    hashes = channel.hashes("m", 7, 1)
    assert (hashes["link"], hashes["dirs"]) == ("", "") and len(hashes["a"]) == 64


def test_a_thousand_files(channel: Channel, client: NearClient, tmp_path: Path) -> None:
    files = {f"many/1/part/{number:04d}.txt": b"%d" % number for number in range(1000)}
    source = write_files(tmp_path / "many", {**files, "many/1/a.onnx": b"x"})
    channel.lock("me", "test")
    (manifest,) = manifests_of(source)
    put(channel, source, manifest)
    known = believe(channel.inventory().versions[0])
    assert known is not None and known.manifest == manifest


def test_a_cut_connection(channel: Channel, client: Any, source: Path) -> None:
    channel.lock("me", "test")
    manifest = next(item for item in manifests_of(source) if item.model == "ocr")
    client.broken_puts = 1
    with pytest.raises(Interrupted):
        put(channel, source, manifest)
    assert published(client) == []
    put(channel, source, manifest)
    assert len(published(client)) == 2


@pytest.mark.parametrize("transport", ["agent", "exec"])
def test_a_full_disk(transport: str, tmp_path: Path, source: Path, make_agent: Any) -> None:
    """A tmpfs of 2 MiB in a mount namespace of its own, which ends with its process."""
    if os.geteuid() != 0:
        pytest.skip("needs a mount namespace")
    root, run = tmp_path / "store", tmp_path / "run"
    run.mkdir()
    root.mkdir()
    line = f'mount -t tmpfs -o size=2m none "{root}" && echo mounted && exec sleep 100'
    space = subprocess.Popen(["unshare", "-m", "bash", "-c", line], stdout=subprocess.PIPE)
    try:
        assert space.stdout is not None and space.stdout.readline() == b"mounted\n"
        prefix = ("nsenter", "-m", "-t", str(space.pid))
        port = make_agent(root, prefix=prefix).port if transport == "agent" else 0
        channel = channel_of(transport, NearClient(root, run, port, prefix=prefix))
        channel.lock("me", "test")
        manifest = next(item for item in manifests_of(source) if item.model == "ocr")
        with pytest.raises(TransferError, match="the store is full"):
            put(channel, source, manifest)
        assert channel.inventory().versions == ()
    finally:
        space.kill()
        space.wait()
        if space.stdout is not None:
            space.stdout.close()


def test_the_script_uses_only_bash_and_coreutils() -> None:
    """With nothing but coreutils in PATH everything above still has its commands."""
    from ansible_collections.openvino.edge.plugins.module_utils.repository.transport import (
        exec_script,
    )

    done = subprocess.run(["bash", "-n"], input=exec_script.SCRIPT, text=True, check=False)
    assert done.returncode == 0
    foreign = r"\b(tar|find|xargs|python3?|perl|awk|sed|grep|flock|curl|rsync)\b"
    code = [line for line in exec_script.SCRIPT.splitlines() if not line.lstrip().startswith("#")]
    assert not [line for line in code if re.search(foreign, line)]
    # Before bash 5.1 these need a file in /tmp, which a helper's read-only root does not have.
    assert not [line for line in code if "<<" in line.replace("<<=", "")]


def test_a_lock_is_waited_for_until_its_holder_shows_life_twice(monkeypatch: Any) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    dead, live, late = base.LockPatience(), base.LockPatience(), base.LockPatience()
    assert [dead.ends(beat) for beat in (1, 1, 2, 2, 2)] == [False] * 5
    assert [live.ends(beat) for beat in (1, 1, 2, 2, 3)] == [False] * 4 + [True]
    now[0] = base.LOCK_WAIT + 1
    assert late.ends(1) and dead.ends(2)


def test_answer_time_grows_with_the_size() -> None:
    assert base.answer_seconds(0) < base.answer_seconds(1 << 30) < 1000
