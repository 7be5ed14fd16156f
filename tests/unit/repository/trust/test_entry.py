# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures, archives and the record in whole runs, against agents on loopback."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    InputError,
    TransferError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.repository import entry
from ansible_collections.openvino.edge.plugins.module_utils.repository.copy.record import (
    record_name,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.source import archive
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.http import (
    AgentChannel,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import HostPathStore
from cryptography.hazmat.primitives.asymmetric import ec

from ...fakes.cluster import HelperCluster
from ..conftest import write_files
from ..test_entry import Near, connect, published, run
from .test_trust import Signer, make_signer

RECORD = ("ConfigMap", record_name(HostPathStore("ns", "/data")))


@pytest.fixture
def near(tmp_path: Path, monkeypatch: Any) -> Any:
    made = Near(tmp_path / "nodes")
    for name in ("n1", "n2"):
        made.add(name)
    connect(made, monkeypatch)
    yield made
    made.end()


@pytest.fixture
def cluster(near: Near, monkeypatch: Any) -> HelperCluster:
    found = HelperCluster()
    for name in near.nodes:
        found.add("Node", name, metadata={"uid": f"u-{name}"}, status={})
    monkeypatch.setattr(KubeClient, "from_params", lambda params: found)
    return found


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return make_signer(tmp_path / "keys", ec.SECP256R1())


def signature(signer: Signer, root: Path, counter: int | None = None) -> dict[str, Any]:
    """Sign the repository as it is now."""
    if counter is not None:
        (root / "edge-release.json").write_text(json.dumps({"counter": counter}))
    options = signer.sign(root)
    return {"bundle": options.bundle, "public_key": options.public_key}


def marks(near: Near, node: str) -> list[str]:
    return [path.read_text() for path in (near.folder / node / ".edge/trust").glob("*")]


def test_a_signed_release_is_published_and_its_counter_kept(
    near: Near, source: Path, signer: Signer
) -> None:
    given = signature(signer, source, 5)
    assert run(entry, src=str(source), signature=given)["changed"]
    assert len(published(near, "n1")) == 4
    assert marks(near, "n1") == marks(near, "n2") == ['{"counter": 5}\n']
    assert not run(entry, src=str(source), signature=given)["changed"]


def test_a_newer_counter_alone_is_kept_too(near: Near, source: Path, signer: Signer) -> None:
    run(entry, src=str(source), signature=signature(signer, source, 5))
    given = signature(signer, source, 6)
    dry = run(entry, check_mode=True, src=str(source), signature=given)
    assert not dry["changed"] and marks(near, "n1") == ['{"counter": 5}\n']
    again = run(entry, src=str(source), signature=given)
    assert not again["changed"] and again["bytes_sent"] == 0
    assert marks(near, "n1") == marks(near, "n2") == ['{"counter": 6}\n']
    assert not (near.folder / "n1/.edge/locks/store").exists()


def test_a_tampered_file_is_refused_before_a_helper_starts(
    near: Near, source: Path, signer: Signer
) -> None:
    given = signature(signer, source)
    path = source / "ocr/1/model.bin"
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"changed: ocr/1/model\.bin"):
        run(entry, src=str(source), signature=given)
    assert near.channels == []


@pytest.mark.parametrize("counter", [4, None])
def test_an_older_release_is_refused_unless_it_is_allowed(
    near: Near, source: Path, signer: Signer, counter: int | None
) -> None:
    run(entry, src=str(source), signature=signature(signer, source, 5))
    (source / "edge-release.json").unlink()
    write_files(source, {"ocr/2/model.onnx": b"older"})
    given = signature(signer, source, counter)
    with pytest.raises(InputError, match="older than what is there") as caught:
        run(entry, src=str(source), signature=given)
    assert caught.value.details["accepted"] == 5 and caught.value.details["counter"] == counter
    assert "ocr/2/model.onnx" not in published(near, "n1")
    assert run(entry, src=str(source), signature={**given, "allow_older": True})["changed"]
    assert marks(near, "n1") == ['{"counter": 5}\n']


@pytest.mark.parametrize("at", ["publish", "stage", "seal"])
def test_case_39_the_counter_rises_before_anything_is_visible(
    near: Near, source: Path, signer: Signer, monkeypatch: Any, at: str
) -> None:
    old = signature(signer, source, 5)
    if at == "seal":
        run(entry, src=str(source), signature=old)
    killed = TransferError("killed here")

    def kill(*_args: Any) -> None:
        raise killed

    new = signature(signer, source, 6)
    step = "trust" if at == "seal" else at
    with monkeypatch.context() as patch:
        patch.setattr(AgentChannel, step, kill)
        with pytest.raises(TransferError, match="killed here"):
            run(entry, src=str(source), signature=new)
    if at == "publish":
        assert published(near, "n1") == []
        assert marks(near, "n1") == marks(near, "n2") == ['{"counter": 6}\n']
        with pytest.raises(InputError, match="older than what is there"):
            run(entry, src=str(source), signature=signature(signer, source, 5))
    new = signature(signer, source, 6)
    run(entry, src=str(source), signature=new)
    assert len(published(near, "n1")) == 4
    assert marks(near, "n1") == ['{"counter": 6}\n']


def test_an_archive_is_published_and_then_not_opened_again(
    near: Near, source: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("EDGE_HASH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "release.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(source, "release")
    os.utime(path, (1, 1))
    monkeypatch.setattr(
        "ansible_collections.openvino.edge.plugins.module_utils.repository.source.listings.is_racy",
        lambda newest, now: False,
    )
    dry = run(entry, check_mode=True, src=str(path), peers=False)
    first = run(entry, src=str(path), peers=False)
    assert first["bytes_sent"] == dry["bytes_planned"] > 3_000_000
    assert published(near, "n1") == sorted(
        str(item.relative_to(source)) for item in source.rglob("*") if item.is_file()
    )
    assert not run(entry, src=str(source))["changed"]  # the directory holds the same
    monkeypatch.setattr(archive, "Forward", None)
    assert not run(entry, src=str(path))["changed"]


def test_a_signed_archive_is_verified_too(
    near: Near, source: Path, tmp_path: Path, signer: Signer
) -> None:
    given = signature(signer, source, 3)
    path = tmp_path / "release.tar"
    with tarfile.open(path, "w") as tar:
        tar.add(source, "release")
    assert run(entry, src=str(path), signature=given)["changed"]
    assert marks(near, "n2") == ['{"counter": 3}\n']
    (source / "det/3/labels/en.txt").write_text("other")
    with tarfile.open(path, "w") as tar:
        tar.add(source, "release")
    with pytest.raises(InputError, match="changed: det/3/labels/en.txt"):
        run(entry, src=str(path), signature=given)


def test_with_a_record_an_unchanged_run_starts_nothing(
    near: Near, cluster: HelperCluster, source: Path
) -> None:
    first = run(entry, src=str(source), compare="record")
    assert first["changed"] and RECORD in cluster.objects
    started = len(near.channels)
    cluster.calls.clear()
    again = run(entry, src=str(source), compare="record")
    assert not again["changed"] and again["transport"] == "none"
    assert again["bytes_total"] == again["bytes_reused"] == first["bytes_total"]
    assert [item["versions_kept"] for item in again["targets"]] == [["det/3", "ocr/1"]] * 2
    assert len(near.channels) == started
    assert cluster.calls == ["get ConfigMap", "list Node"]


def test_the_record_follows_what_is_done(near: Near, cluster: HelperCluster, source: Path) -> None:
    run(entry, src=str(source), compare="record")
    started = len(near.channels)
    gone = run(entry, state="absent", models=[{"name": "ocr"}])
    assert gone["changed"]
    body = json.loads(cluster.objects[RECORD]["data"]["n1"])
    assert list(body["versions"]) == ["det/3"]
    back = run(entry, src=str(source), compare="record")
    assert back["changed"] and len(near.channels) == started + 4
    run(entry, state="absent", models=[{"name": "ocr"}, {"name": "det"}])
    assert RECORD not in cluster.objects


def test_a_new_version_is_no_unchanged_run(
    near: Near, cluster: HelperCluster, source: Path
) -> None:
    run(entry, src=str(source), compare="record")
    write_files(source, {"ocr/2/model.onnx": b"new"})
    assert run(entry, src=str(source), compare="record")["changed"]
    assert run(entry, src=str(source), compare="record")["transport"] == "none"


def test_hash_reads_what_stamps_believe(near: Near, cluster: HelperCluster, source: Path) -> None:
    run(entry, src=str(source))
    assert RECORD not in cluster.objects
    path = near.folder / "n2/models/det/3/det.onnx"
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[7] ^= 1
    with open(path, "r+b") as stream:
        stream.write(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert not run(entry, src=str(source), compare="stamps")["changed"]
    with pytest.raises(InputError, match=r"n2.*det/3"):
        run(entry, src=str(source), compare="hash")
