# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans: pure functions of what is wanted and what is there."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.layout import (
    Selection,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.manifest import (
    FileEntry,
    Manifest,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.state import (
    RawFile,
    RawVersion,
    RemoteVersion,
    believe,
    from_hashes,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.units import (
    format_bytes,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.plan.steps import (
    plan_absent,
    plan_present,
)
from hypothesis import given
from hypothesis import strategies as st

Content = dict[str, bytes]


def manifest_of(model: str, version: int, content: Content) -> Manifest:
    entries = [
        FileEntry(path, len(data), hashlib.sha256(data).hexdigest())
        for path, data in content.items()
    ]
    return Manifest(model, version, tuple(entries))


def raw_of(model: str, version: int, content: Content, record: Any = None) -> RawVersion:
    files = tuple(
        RawFile(path, (len(data), 7, number), 0o644, 5000, 5000)
        for number, (path, data) in enumerate(sorted(content.items()))
    )
    return RawVersion(model, version, files, record)


def recorded(model: str, version: int, content: Content) -> RawVersion:
    raw = raw_of(model, version, content)
    stamps = {item.path: list(item.stamp) for item in raw.files}
    manifest = manifest_of(model, version, content).as_dict()
    return RawVersion(model, version, raw.files, {"manifest": manifest, "stamps": stamps})


def remote_of(model: str, version: int, content: Content) -> RemoteVersion:
    known = believe(recorded(model, version, content))
    assert known is not None
    return known


def test_publish_keep_and_seal() -> None:
    content = {"a.onnx": b"12345"}
    wanted = [manifest_of("m", version, content) for version in (1, 2, 3)]
    touched = from_hashes(raw_of("m", 3, content), {"a.onnx": hashlib.sha256(b"12345").hexdigest()})
    plan = plan_present("t", wanted, {("m", 2): remote_of("m", 2, content), ("m", 3): touched})
    assert [step.action for step in plan.steps] == ["publish", "keep", "seal"]
    assert (plan.bytes_to_send, plan.bytes_reused, plan.changes) == (5, 10, True)


def test_an_empty_directory_is_published_into() -> None:
    there = {("m", 1): remote_of("m", 1, {})}
    plan = plan_present("t", [manifest_of("m", 1, {"a.onnx": b"1"})], there)
    assert [step.action for step in plan.steps] == ["publish"]


def test_other_bytes_name_model_version_and_files() -> None:
    there = {("m", 4): remote_of("m", 4, {"a.xml": b"1", "b.bin": b"2", "old": b""})}
    with pytest.raises(InputError) as caught:
        plan_present(
            "node n1", [manifest_of("m", 4, {"a.xml": b"9", "b.bin": b"2", "new": b""})], there
        )
    text = str(caught.value)
    for part in ("node n1", "m/4", "changed a.xml", "missing there new", "only there old"):
        assert part in text
    assert "b.bin" not in text


CONTENTS = st.dictionaries(st.sampled_from("abcd"), st.binary(max_size=3), min_size=1, max_size=3)
REPOSITORIES = st.dictionaries(
    st.tuples(st.sampled_from(["m", "n"]), st.integers(1, 3)), CONTENTS, max_size=4
)


@given(REPOSITORIES, REPOSITORIES)
def test_the_plan_leads_to_what_is_wanted(
    local: dict[Any, Content], there: dict[Any, Content]
) -> None:
    wanted = [manifest_of(model, version, data) for (model, version), data in local.items()]
    remote = {(name, n): remote_of(name, n, data) for (name, n), data in there.items()}
    clash = [key for key in local if key in there and local[key] != there[key]]
    if clash:
        with pytest.raises(InputError):
            plan_present("t", wanted, remote)
        return
    plan = plan_present("t", wanted, remote)
    assert {step.key for step in plan.of("publish")} == set(local) - set(there)
    assert plan.bytes_to_send + plan.bytes_reused == sum(item.size for item in wanted)
    after = {**remote, **{step.key: remote_of(*step.key, local[step.key]) for step in plan.steps}}
    again = plan_present("t", wanted, after)
    assert not again.changes and again.bytes_to_send == 0


@given(REPOSITORIES, st.sets(st.integers(1, 3)), st.booleans())
def test_absent_takes_exactly_what_is_named(
    there: dict[Any, Content], versions: set[int], force: bool
) -> None:
    raws = [recorded(name, number, data) for (name, number), data in there.items()]
    named = {key for key in there if key[0] == "m" and (not versions or key[1] in versions)}
    used = {("m", 2): "Deployment x"}
    selection = [Selection("m", tuple(sorted(versions)))]
    if named & set(used) and not force:
        with pytest.raises(InputError, match="in use: m/2 by Deployment x"):
            plan_absent("t", selection, raws, used, force=force)
    else:
        plan = plan_absent("t", selection, raws, used, force=force)
        assert {step.key for step in plan.of("remove")} == named


def test_records_are_believed_only_while_they_fit() -> None:
    good = recorded("m", 1, {"a": b"1", "b": b"22"})
    assert believe(good) is not None
    record = json.loads(json.dumps(good.record))
    assert believe(RawVersion("m", 1, good.files, record)) is not None
    for stamp in ([1, 8, 0], [2, 7, 0], [1, 7, 5]):
        other = json.loads(json.dumps(record))
        other["stamps"]["a"] = stamp
        assert believe(RawVersion("m", 1, good.files, other)) is None
    assert believe(RawVersion("m", 1, good.files[:1], record)) is None
    assert believe(RawVersion("m", 2, good.files, record)) is None
    for broken in (None, {}, {"manifest": 1}, {"manifest": record["manifest"], "stamps": 3}):
        assert believe(RawVersion("m", 1, good.files, broken)) is None


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (300 << 20, "300.0 MiB")]
)
def test_sizes_for_people(count: int, text: str) -> None:
    assert format_bytes(count) == text
