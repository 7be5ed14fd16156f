# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is to pull, from manifests and listings."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.layout import (
    Selection,
    scan,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.manifest import (
    HashCache,
    build,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.source.pull_listing import (
    Remote,
    chosen,
    from_entries,
    read_manifest,
)

HEX = "ab" * 32


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "src"
    for name, data in {
        "ocr/1/model.xml": b"<net/>",
        "ocr/1/model.bin": b"12345",
        "det/3/det.onnx": b"onnx",
        "README.md": b"for people",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def test_lines_of_sha256sum_give_the_manifests_of_the_same_directory(
    tree: Path, tmp_path: Path
) -> None:
    listed = subprocess.run(
        "find . -type f | sort | xargs sha256sum", shell=True, cwd=tree, capture_output=True
    )
    manifest = tmp_path / "SHA256SUMS"
    manifest.write_bytes(b"# made by hand\n\n" + listed.stdout)
    versions, found = chosen(read_manifest(str(manifest)), (), "pull.manifest", "m")
    assert found.ignored == ["README.md"]
    wanted = {(v.model, v.version): build(v, HashCache()) for v in scan(str(tree)).versions}
    for version in versions:
        assert version.manifest() is None  # the sizes are not known yet
        hashes = {path: item.sha256 for path, item in version.files.items()}
        assert hashes == {entry.path: entry.sha256 for entry in wanted[version.key].files}


@pytest.mark.parametrize("form", ["one", "list", "named"])
def test_our_own_json_gives_the_same_manifests(tree: Path, tmp_path: Path, form: str) -> None:
    made = [build(version, HashCache()) for version in scan(str(tree)).versions]
    made = made[:1] if form == "one" else made
    data = [item.as_dict() for item in made]
    path = tmp_path / "m.json"
    path.write_text(json.dumps({"one": data[0], "list": data, "named": {"manifests": data}}[form]))
    versions, _ignored = chosen(read_manifest(str(path)), (), "pull.manifest", "m")
    assert [version.manifest() for version in versions] == made


@pytest.mark.parametrize(
    "text",
    [
        "no hash\n",
        f"{HEX}\n",
        f"\\{HEX}  a\\nb\n",
        f"{HEX}  a/1/x\n{'cd' * 32}  a/1/x\n",
        '{"model": "a"}',
        "[1]",
        '{"manifests": 3}',
        "{",
    ],
)
def test_what_is_no_manifest_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_manifest(str(path))
    assert caught.value.option == "pull.manifest"
    assert caught.value.subject == str(path)


def test_a_manifest_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_manifest(str(tmp_path / "none"))


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "a/../b", "a//b", "a/1/\0", "a/1/" + "x" * 300, ""]
)
def test_paths_that_leave_the_repository_are_refused(name: str) -> None:
    with pytest.raises(InputError):
        chosen({name: Remote(HEX, 1)}, (), "pull.url", "s3://b")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["m/002/a.onnx"], "version name"),
        (["m/1/a.xml"], "xml without bin"),
        (["m/1/a.onnx", "m/1/b.onnx"], "two models"),
        (["m/1/a", "m/1/a/b"], "a directory"),
        (["README"], "empty"),
    ],
)
def test_what_a_server_would_misread_is_refused_as_in_a_directory(
    names: list[str], words: str
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        chosen({name: Remote(HEX, 1) for name in names}, (), "pull.url", "s3://b")
    assert caught.value.option == "pull.url"
    assert "/tmp/" not in str(caught.value)


def test_only_what_is_chosen_is_checked() -> None:
    files = {"m/1/a.onnx": Remote(HEX, 1), "m/2/a.onnx": Remote(HEX, 1), "bad/x/y": Remote()}
    versions, _ignored = chosen(files, [Selection("m", (2,))], "pull.url", "s3://b")
    assert [version.key for version in versions] == [("m", 2)]
    with pytest.raises(InputError, match="not in the model repository: m") as caught:
        chosen(files, [Selection("m", (3,))], "pull.url", "s3://b")
    assert caught.value.option == "models"


def test_a_bucket_is_listed_below_its_prefix() -> None:
    entries = [["p/m/1/a.onnx", 3, "e1"], ["p/", 0, ""], ["p/m/", 0, ""], ["other/x", 1, "e2"]]
    files = from_entries(entries, "p/")
    assert files == {"m/1/a.onnx": Remote("", 3, "e1")}
    (version,), _ignored = chosen(files, (), "pull.url", "s3://b")
    assert version.manifest() is None
    (other,), _ignored = chosen(from_entries([["m/1/a.onnx", 3, "e9"]], ""), (), "u", "s")
    assert version.digest.startswith("sha256:") and version.digest != other.digest
