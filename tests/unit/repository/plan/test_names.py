# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that a store does not keep as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.repository import entry
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import disk
from ansible_collections.openvino.edge.plugins.module_utils.repository.plan import names

from ..conftest import write_files
from ..test_entry import Near, connect, published, run

NFC, NFD = "caf\u00e9.txt", "cafe\u0301.txt"
EXT4 = {"case": True, "forms": True, "reserved": True}
SMB = {"case": False, "forms": True, "reserved": False}
APFS = {"case": False, "forms": False, "reserved": True}


@pytest.mark.parametrize(
    ("keeps", "paths", "there", "said"),
    [
        (EXT4, ["m/1/Labels.txt", "m/1/labels.txt", f"m/1/{NFC}", f"m/1/{NFD}", "m/1/con"], [], ""),
        (SMB, ["m/1/Labels.txt", "m/1/labels.txt"], [], "'m/1/Labels.txt' and 'm/1/labels.txt'"),
        (SMB, ["m/1/\u00df", "m/1/SS"], [], "for one name"),
        (SMB, ["m/1/A/x", "m/1/a/y"], [], "'m/1/A' and 'm/1/a'"),
        (SMB, ["M/1/a", "m/2/a"], [], "'M' and 'm'"),
        (SMB, ["m/2/a"], ["M/1"], "'M' and 'm'"),
        (SMB, ["m/1/a", "m/2/A"], ["m/1"], ""),
        (SMB, ["m/1/con"], [], "Windows reserves, like in 'm/1/con'"),
        (SMB, ["m/1/a:b"], [], "m/1/a:b"),
        (SMB, ["m/1/sub./x"], [], "sub."),
        (SMB, ["m/1/control.txt", "m/1/com"], [], ""),
        (APFS, [f"m/1/{NFC}", f"m/1/{NFD}"], [], "for one name"),
        ({**EXT4, "forms": False}, [f"m/1/{NFC}", f"m/1/{NFD}"], [], "for one name"),
        ({**EXT4, "forms": False}, ["m/1/A", "m/1/a"], [], ""),
        ({}, ["m/1/A", "m/1/a"], [], ""),
    ],
)
def test_case_38_names_that_a_store_does_not_keep(
    keeps: dict[str, bool], paths: list[str], there: list[str], said: str
) -> None:
    if not said:
        names.check("pvc ns/claim", keeps, paths, there)
        return
    with pytest.raises(InputError) as caught:
        names.check("pvc ns/claim", keeps, paths, there)
    assert said in caught.value.message and caught.value.hint and caught.value.option == "src"


def test_case_38_nothing_is_sent_to_a_store_that_folds(
    tmp_path: Path, monkeypatch: Any, source: Path
) -> None:
    near = Near(tmp_path / "nodes")
    near.add("n1")
    connect(near, monkeypatch)
    write_files(source, {"det/3/Labels.txt": b"A", "det/3/labels.txt": b"a"})
    try:
        told = near.open(near.targets()[0]).facts()
        assert told.keeps == EXT4, "this machine's own file system"
        monkeypatch.setattr(type(told), "from_dict", lambda _data: folding(told))
        with pytest.raises(InputError, match="takes 'det/3/Labels.txt' and 'det/3/labels.txt'"):
            run(entry, src=str(source))
        assert published(near, "n1") == []
        assert not (near.folder / "n1/.edge/staging").exists()
    finally:
        near.end()


def folding(facts: Any) -> Any:
    from dataclasses import replace

    return replace(facts, keeps=SMB)


def test_case_38_the_trial_leaves_nothing(tmp_path: Path) -> None:
    _found, extras = disk.probe(str(tmp_path))
    assert {name: extras[name] for name in disk.NAMES} == EXT4
    assert list(tmp_path.iterdir()) == []
