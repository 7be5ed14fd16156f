# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated archives: whatever their members are called, nothing lands outside."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.layout import (
    Selection,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.manifest import (
    Manifest,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.source.opening import opened
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .test_opening import add_file, add_link


def manifests(source: Any) -> list[Manifest]:
    return list(source.manifests())


NAMES = st.text("abc./_-é", min_size=1, max_size=6)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    members=st.lists(
        st.tuples(
            st.sampled_from(["file", "link", "hard", "dir"]),
            st.lists(NAMES | st.sampled_from(["1", "2", "..", "m"]), min_size=1, max_size=4),
            st.lists(NAMES | st.sampled_from(["1", "..", "m", "/"]), min_size=1, max_size=4),
        ),
        max_size=6,
    )
)
def test_nothing_is_ever_written_outside(members: list[tuple[str, list[str], list[str]]]) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for kind, name, target in members:
            path, to = "/".join(name), "/".join(target)
            if kind == "file":
                add_file(tar, path, b"x" * len(to))
            elif kind == "dir":
                member = tarfile.TarInfo(path)
                member.type = tarfile.DIRTYPE
                tar.addfile(member)
            else:
                add_link(tar, path, to, tarfile.SYMTYPE if kind == "link" else tarfile.LNKTYPE)
        add_file(tar, "ocr/1/m.onnx", b"onnx")
    with tempfile.TemporaryDirectory() as folder:
        path_of = Path(folder) / "outer" / "a.tar"
        path_of.parent.mkdir()
        path_of.write_bytes(out.getvalue())
        before = tempfile.tempdir
        tempfile.tempdir = str(path_of.parent)
        try:
            with opened(str(path_of), [Selection("ocr")]) as source:
                found = manifests(source)
                source.make_ready([("ocr", item.version) for item in found])
                for version in source.repository.versions:
                    for item in version.files:
                        place = os.path.realpath(item.source)
                        assert place == os.path.abspath(item.source)
                        assert place.startswith(os.path.join(str(path_of.parent), "openvino-edge-"))
                        data = Path(place).read_bytes()
                        entry = next(
                            entry
                            for manifest in found
                            if manifest.version == version.version
                            for entry in manifest.files
                            if entry.path == item.path
                        )
                        assert hashlib.sha256(data).hexdigest() == entry.sha256
        except InputError:
            pass
        finally:
            tempfile.tempdir = before
        assert sorted(os.listdir(folder)) == ["outer"]
        assert sorted(os.listdir(path_of.parent)) == ["a.tar"]
