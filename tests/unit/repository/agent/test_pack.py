# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller encodes, the helper unpacks: whole files, deltas, resumed and broken ones."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import random
from pathlib import Path
from typing import Any, Sequence

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import (
    blocks,
    pack,
    shared,
    verify,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import (
    files as agent_files,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.manifest import (
    FileEntry,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.delta import compress
from ansible_collections.openvino.edge.plugins.module_utils.repository.delta.pack import (
    FileJob,
    encode,
    exact_length,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.delta.signature import (
    parse_signature,
)

BLOCK = 4096


class Stage:
    """A stage in a directory; old files lie beside it."""

    def __init__(self, root: Path, entries: list[FileEntry]) -> None:
        self.root = root
        self.directory = str(root / "stage")
        Path(self.directory).mkdir(exist_ok=True)
        self.files: Sequence[dict[str, Any]] = [entry.as_dict() for entry in entries]
        self.claims = pack.Claims()
        self.done: set[int] = set()

    def is_done(self, number: int) -> bool:
        return number in self.done

    def basis_path(self, basis: dict[str, Any]) -> str:
        return str(self.root / "old" / basis["path"])

    def mark_done(self, numbers: Any) -> None:
        self.done.update(numbers)


def write(root: Path, name: str, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        (root / name / path).parent.mkdir(parents=True, exist_ok=True)
        (root / name / path).write_bytes(data)


def jobs_of(root: Path, files: dict[str, bytes], old: dict[str, bytes]) -> list[FileJob]:
    write(root, "src", files)
    write(root, "old", old)
    jobs = []
    for number, (path, data) in enumerate(sorted(files.items())):
        entry = FileEntry(path, len(data), hashlib.sha256(data).hexdigest())
        job = FileJob(number, str(root / "src" / path), entry)
        if path in old:
            wire = blocks.signature_bytes(str(root / "old" / path), BLOCK)
            job.signature = parse_signature(wire)
            job.basis = {"model": "m", "version": 1, "path": path}
        jobs.append(job)
    return jobs


def unpack(stage: Stage, body: bytes) -> dict[str, Any]:
    stream = io.BytesIO(body)
    answer: dict[str, Any] = pack.Unpacker(stage).run(lambda view: stream.readinto(view[:70_001]))[
        "files"
    ]
    return answer


def some_files(seed: int) -> tuple[dict[str, bytes], dict[str, bytes]]:
    source = random.Random(seed)
    weights = source.randbytes(source.randint(0, 900_000))
    cut = source.randint(0, len(weights))
    files = {
        "a/deep/w.bin": weights[:cut] + source.randbytes(source.randint(0, 50_000)) + weights[cut:],
        "empty": b"",
        "m.xml": b"<layer/>" * source.randint(0, 9000),
        "sparse.bin": bytes(source.randint(0, 600_000)) + source.randbytes(5),
        "text.bin": b"abc" * source.randint(0, 9000),
    }
    return files, {"a/deep/w.bin": weights, "sparse.bin": bytes(300_000)}


@pytest.mark.parametrize("seed", range(12))
def test_what_is_encoded_arrives_and_its_length_is_known(tmp_path: Path, seed: int) -> None:
    files, old = some_files(seed)
    jobs = jobs_of(tmp_path, files, old)
    compress = bool(seed % 3)
    predicted = exact_length(jobs, compress=compress)
    body = b"".join(encode(jobs, compress=compress))
    assert predicted == len(body)
    fresh = b"".join(encode(jobs_of(tmp_path, files, old), compress=compress))
    assert fresh == body
    stage = Stage(tmp_path, [job.entry for job in jobs])
    assert unpack(stage, body) == {str(job.number): {"done": True} for job in jobs}
    assert stage.done == {job.number for job in jobs}
    for path, data in files.items():
        assert (tmp_path / "stage/tree" / path).read_bytes() == data
    assert sorted(path.name for path in (tmp_path / "stage").iterdir()) == ["tree"]


@pytest.mark.parametrize("seed", range(12))
def test_a_broken_stream_keeps_what_came_and_is_continued(tmp_path: Path, seed: int) -> None:
    files, old = some_files(seed)
    jobs = jobs_of(tmp_path, files, old)
    body = b"".join(encode(jobs, compress=True))
    stage = Stage(tmp_path, [job.entry for job in jobs])
    cut = random.Random(seed).randrange(1, len(body))
    with pytest.raises(agent_files.Refused, match="cut short"):
        unpack(stage, body[:cut])
    rest = [job for job in jobs_of(tmp_path, files, old) if job.number not in stage.done]
    for job in rest:
        part = Path(pack.part_path(stage.directory, job.number))
        job.start = part.stat().st_size if part.exists() else 0
    again = b"".join(encode(rest, compress=True))
    assert exact_length(rest, compress=True) == len(again)
    unpack(stage, again)
    for path, data in files.items():
        assert (tmp_path / "stage/tree" / path).read_bytes() == data


def test_a_small_file_replaces_what_is_in_its_place_and_never_writes_to_it(tmp_path: Path) -> None:
    """That may be another name of a published file."""
    files = {"sub/labels.txt": b"new labels\n" * 9}
    (job,) = jobs_of(tmp_path, files, {})
    stage = Stage(tmp_path, [job.entry])
    write(tmp_path, "published", {"labels.txt": b"old"})
    (tmp_path / "stage/tree/sub").mkdir(parents=True)
    (tmp_path / "stage/tree/sub/labels.txt").hardlink_to(tmp_path / "published/labels.txt")
    assert unpack(stage, b"".join(encode([job], compress=True))) == {"0": {"done": True}}
    assert (tmp_path / "stage/tree/sub/labels.txt").read_bytes() == files["sub/labels.txt"]
    assert (tmp_path / "published/labels.txt").read_bytes() == b"old"


def test_a_small_file_that_is_cut_goes_on_where_it_was_cut(tmp_path: Path) -> None:
    data = random.Random(3).randbytes(90_000)
    (job,) = jobs_of(tmp_path, {"w.bin": data}, {})
    stage = Stage(tmp_path, [job.entry])
    with pytest.raises(agent_files.Refused, match="cut short"):
        unpack(stage, b"".join(encode([job], compress=False))[:50_000])
    part = Path(pack.part_path(stage.directory, 0))
    kept = part.read_bytes()
    assert len(kept) > 40_000 and data.startswith(kept)
    job.start = len(kept)
    assert unpack(stage, b"".join(encode([job], compress=False))) == {"0": {"done": True}}
    assert (tmp_path / "stage/tree/w.bin").read_bytes() == data
    assert not part.exists()


def test_a_stream_that_lost_a_small_file_leaves_it_alone(tmp_path: Path) -> None:
    """Its successor has begun with the file: the old stream neither writes nor judges it."""
    entry = FileEntry("w", 3, hashlib.sha256(b"new").hexdigest())
    stage = Stage(tmp_path, [entry])
    first = verify.Whole(stage, 0)
    first.write(memoryview(b"old"))
    second = verify.Whole(stage, 0)
    second.write(memoryview(b"new"))
    second.finish()
    with pytest.raises(agent_files.Refused, match="another connection"):
        first.finish()
    first.close()
    assert sorted(path.name for path in (tmp_path / "stage").rglob("*")) == ["tree", "w"]
    assert (tmp_path / "stage/tree/w").read_bytes() == b"new"


def test_wrong_small_files_are_told_from_right_ones(tmp_path: Path) -> None:
    """More than the disk is asked for at once; the wrong ones are put aside, nothing else is."""
    source = random.Random(4)
    files = {f"{number % 9}/{number:04}": source.randbytes(50) for number in range(300)}
    jobs = jobs_of(tmp_path, files, {})
    body = bytearray(b"".join(encode(jobs, compress=False)))
    wrong = {7, 130, 299}
    for number in wrong:
        body[number * (len(body) // 300) + 30] ^= 1
    stage = Stage(tmp_path, [job.entry for job in jobs])
    answer = unpack(stage, bytes(body))
    assert {int(number) for number, item in answer.items() if item.get("bad")} == wrong
    assert stage.done == set(range(300)) - wrong
    kept = {path.name for path in (tmp_path / "stage").glob("bad-*")}
    assert kept == {f"bad-{number}" for number in wrong}
    again = b"".join(encode([jobs[number] for number in wrong], compress=False))
    assert all(item == {"done": True} for item in unpack(stage, again).values())
    assert sorted(path.name for path in (tmp_path / "stage").iterdir()) == ["tree"]


def test_small_files_of_one_suffix_share_a_probe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And are compressed, or not, by what it says; a tiny one speaks for nobody else."""
    probes: list[int] = []
    real = compress.gains

    def gains(sample: bytes) -> bool:
        probes.append(len(sample))
        return real(sample)

    monkeypatch.setattr(compress, "gains", gains)
    source = random.Random(5)
    files = {f"{number:04}.dat": source.randbytes(3000) for number in range(500)}
    files |= {f"{number:04}.flat": bytes([number % 250]) * 3000 for number in range(500)}
    files["0000.tiny"] = b"x"
    jobs = jobs_of(tmp_path, files, {})
    body = b"".join(encode(jobs, compress=True))
    assert len(probes) == 3
    assert 1_500_000 < len(body) < 1_550_000
    assert exact_length(jobs, compress=True) == len(body)


def test_wrong_bytes_are_put_aside_and_repaired_from_there(tmp_path: Path) -> None:
    right = random.Random(1).randbytes(6_000_000)
    files = {"w.bin": right}
    (job,) = jobs_of(tmp_path, files, {})
    body = bytearray(b"".join(encode([job], compress=False)))
    body[3_000_000] ^= 1
    stage = Stage(tmp_path, [job.entry])
    assert unpack(stage, bytes(body))["0"]["bad"]
    assert not stage.done and not (tmp_path / "stage/tree").exists()
    bad = pack.bad_path(stage.directory, 0)
    job.signature = parse_signature(blocks.signature_bytes(bad, BLOCK))
    job.basis = {"bad": 0}
    repair = b"".join(encode([job], compress=False))
    assert len(repair) < 2 * BLOCK
    assert unpack(stage, repair) == {"0": {"done": True}}
    assert (tmp_path / "stage/tree/w.bin").read_bytes() == right
    assert not Path(bad).exists()


FILE = b"F" + shared.FILE.pack(0, 0)


@pytest.mark.parametrize(
    "body",
    [
        b"D" + shared.DATA.pack(1) + b"x",
        b"F" + shared.FILE.pack(7, 0),
        b"F" + shared.FILE.pack(0, 1),
        FILE + FILE,
        FILE + b"?",
        FILE + b"E",
        FILE + b"D" + shared.DATA.pack(0),
        FILE + b"D" + shared.DATA.pack(11) + b"x" * 11,
        FILE + b"D" + shared.DATA.pack(1 << 31),
        FILE + b"Z" + shared.ZIPPED.pack(5, 3) + b"abc",
        FILE + b"C" + shared.COPY.pack(0, 5),
        FILE + b"B" + shared.BASIS.pack(2) + b"[]",
        FILE + b"B" + shared.BASIS.pack(10) + b'{"bad":-1}',
        FILE + b"B" + shared.BASIS.pack(13) + b'{"path": "o"}' + b"C" + shared.COPY.pack(2, 9),
    ],
)
def test_nonsense_is_refused(tmp_path: Path, body: bytes) -> None:
    write(tmp_path, "old", {"o": b"0123456789"})
    stage = Stage(tmp_path, [FileEntry("o", 10, "0" * 64)])
    with pytest.raises(agent_files.Refused) as refused:
        unpack(stage, body)
    assert refused.value.status == 400


def test_a_window_is_hashed_only_after_its_flush(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []
    hashed: list[tuple[int, int]] = []
    flush, read_back = os.fdatasync, verify.read_back

    def noted(descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        flush(descriptor)
        flushed.append(size)

    def checked(descriptor: int, start: int, stop: int, digest: Any) -> int:
        assert max(flushed) >= stop
        hashed.append((start, stop))
        return read_back(descriptor, start, stop, digest)

    monkeypatch.setattr(verify, "WINDOW", 1 << 20)
    monkeypatch.setattr(os, "fdatasync", noted)
    monkeypatch.setattr(verify, "read_back", checked)
    data = random.Random(2).randbytes((6 << 20) + 17)
    jobs = jobs_of(tmp_path, {"w.bin": data}, {})
    stage = Stage(tmp_path, [job.entry for job in jobs])
    assert unpack(stage, b"".join(encode(jobs, compress=False))) == {"0": {"done": True}}
    assert len(hashed) >= 6 and hashed[0][0] == 0 and hashed[-1][1] == len(data)
    assert all(before[1] == after[0] for before, after in zip(hashed, hashed[1:]))


def test_a_flush_that_fails_ends_the_stream_and_no_file_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)
    jobs = jobs_of(tmp_path, {"w.bin": bytes(6 << 20)}, {})
    stage = Stage(tmp_path, [job.entry for job in jobs])
    with pytest.raises(OSError, match="Input/output error"):
        unpack(stage, b"".join(encode(jobs, compress=False)))
    assert not stage.done and not (tmp_path / "stage/tree/w.bin").exists()


@pytest.mark.parametrize("seed", range(4))
def test_an_old_file_here_makes_a_pack_that_arrives(tmp_path: Path, seed: int) -> None:
    files, old = some_files(seed)
    jobs = jobs_of(tmp_path, files, old)
    for job in jobs:
        if job.is_delta:
            job.signature, job.old = None, str(tmp_path / "old" / job.entry.path)
    predicted = exact_length(jobs, compress=False)
    body = b"".join(encode(jobs, compress=False))
    stage = Stage(tmp_path, [job.entry for job in jobs])
    assert predicted == len(body)
    assert unpack(stage, body) == {str(job.number): {"done": True} for job in jobs}
