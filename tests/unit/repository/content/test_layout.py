# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lint takes and refuses, on real directories."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.formats import (
    version_fault,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.layout import (
    VERSION_NAME,
    Selection,
    scan,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.options.selection import (
    selection_from_params,
)
from hypothesis import given
from hypothesis import strategies as st

from ..conftest import write_files

IR = {"m/1/a.xml": b"<net/>", "m/1/a.bin": b"weights"}


def refused(root: Path, *texts: str) -> InputError:
    with pytest.raises(InputError) as caught:
        scan(str(root))
    for text in texts:
        assert text in str(caught.value), str(caught.value)
    assert caught.value.option == "src"
    return caught.value


def test_missing_and_empty(tmp_path: Path) -> None:
    refused(tmp_path / "none", "does not exist")
    refused(tmp_path, "is empty")
    (tmp_path / "file").write_text("x")
    refused(tmp_path / "file", "not a directory")
    refused(tmp_path, "is empty")


@pytest.mark.parametrize(
    "name", ["0", "v1", "2.tmp", "002", "+2", " 2", "-1", "9" * 20, "2-partial"]
)
def test_version_names_that_the_server_misreads(tmp_path: Path, name: str) -> None:
    write_files(tmp_path, IR)
    (tmp_path / "m" / name).mkdir()
    (tmp_path / "m" / name / "a.onnx").write_bytes(b"x")
    error = refused(tmp_path, "version name", f"m/{name}")
    assert error.hint and "positive number" in error.hint


def test_all_findings_of_a_kind_up_to_a_limit(tmp_path: Path) -> None:
    write_files(tmp_path, {f"m/v{number}/a.onnx": b"x" for number in range(1, 15)})
    write_files(tmp_path, {"n/1/a.xml": b"x"})
    error = refused(tmp_path, "m/v1;", "and 4 more", "also found: xml without bin")
    assert len(error.details["findings"]) == 15


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"m/1/a.xml": b""}, "xml without bin"),
        ({"m/1/a.xml": b"", "m/1/b.bin": b""}, "xml without bin"),
        ({"m/1/a.bin": b""}, "incomplete model"),
        ({"m/1/a.pdmodel": b""}, "incomplete model"),
        ({"m/1/readme.txt": b""}, "no model file"),
        ({"m/1/libcut.so.md": b""}, "no model file"),
        ({"m/1/lib/libcut.so": b""}, "no model file"),
        ({"m/1/a.onnx": b"", "m/1/b.onnx": b""}, "two models in a version"),
        ({"m/1/a.xml": b"", "m/1/a.bin": b"", "m/1/b.onnx": b""}, "two models in a version"),
        ({"m/1/graph.pbtxt": b"", "m/1/a.xml": b""}, "xml without bin"),
        ({"m/file": b""}, "no version"),
        ({"m/graph.pbtxt": b""}, "no version"),
        ({"1/a.onnx": b""}, "no version: 1 is named like a version, so src is a model"),
        ({"m m/1/a.onnx": b""}, "model name"),
        ({"m:1/1/a.onnx": b""}, "model name"),
        ({"M/1/a.onnx": b"", "m/1/a.onnx": b""}, "model name clash"),
        ({"m/1/a\n.onnx": b""}, "file name"),
    ],
)
def test_bad_content(tmp_path: Path, files: dict[str, bytes], kind: str) -> None:
    refused(write_files(tmp_path, files), kind)


@pytest.mark.parametrize(
    "files",
    [
        IR,
        {"m/1/a.onnx": b"", "m/1/a.onnx.data": b""},
        {"m/1/a.onnx": b"", "m/1/labels.xml": b""},
        {"m/1/a.pdmodel": b"", "m/1/a.pdiparams": b""},
        {"m/1/saved_model.pb": b"", "m/1/variables/variables.index": b""},
        {"m/1/frozen.pb": b""},
        {"m/1/a.tflite": b""},
        {
            "m/1/graph.pbtxt": b"",
            "m/1/a.xml": b"",
            "m/1/a.bin": b"",
            "m/1/b.xml": b"",
            "m/1/b.bin": b"",
        },
        {**IR, "m/1/mapping_config.json": b"{}", "m/1/a b/ü.txt": b""},
        {**IR, "m/20260131/a.tflite": b""},
        {"m/1/libcut.so": b""},
        {"m/1/libcut.so.1.2": b"", "m/1/alphabet.txt": b""},
    ],
)
def test_good_content(tmp_path: Path, files: dict[str, bytes]) -> None:
    found = scan(str(write_files(tmp_path, files)))
    paths = {f"m/{item.version}/{file.path}" for item in found.versions for file in item.files}
    assert paths == set(files)


def chosen(root: Path, *versions: int, flat: bool = True) -> list[Any]:
    selection = selection_from_params([{"name": "m", "versions": list(versions)}])
    return scan(str(root), selection, flat=flat).versions


@pytest.mark.parametrize(
    "files",
    [
        {"m/libcut.so": b"", "m/README.md": b""},
        {"m/graph.pbtxt": b"", "m/subconfig.json": b"", "m/reader/1/a.onnx": b""},
        {"m/a.xml": b"", "m/a.bin": b""},
    ],
)
def test_a_directory_of_files_is_the_one_version_that_is_chosen(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    root = write_files(tmp_path, {**files, "m/.hidden": b"", "other/1/a.onnx": b""})
    (version,) = chosen(root, 7)
    assert (version.model, version.version) == ("m", 7)
    assert {f"m/{file.path}" for file in version.files} == set(files)
    for versions, flat in (((), True), ((1, 2), True), ((7,), False)):
        with pytest.raises(InputError, match="no version|version name"):
            chosen(root, *versions, flat=flat)
    assert {item.model for item in scan(str(root), [Selection("other")]).versions} == {"other"}


@pytest.mark.parametrize("name", ["1", "002", "v1", "1.tmp", " 1"])
def test_a_directory_with_something_like_a_version_is_read_by_versions(
    tmp_path: Path, name: str
) -> None:
    root = write_files(tmp_path, {"m/a.onnx": b"", f"m/{name}/b.onnx": b"x"})
    if name != "1":
        with pytest.raises(InputError, match="version name"):
            chosen(root, 1)
        return
    assert [[file.path for file in item.files] for item in chosen(root, 1)] == [["b.onnx"]]


def test_a_directory_of_files_is_checked_like_a_version(tmp_path: Path) -> None:
    root = write_files(tmp_path, {"m/a.xml": b"", "m/notes": b""})
    with pytest.raises(InputError, match=r"xml without bin: m has a\.xml"):
        chosen(root, 1)
    (root / "m/a.xml").unlink()
    with pytest.raises(InputError, match="no model file"):
        chosen(root, 1)
    (root / "m/lib.so").symlink_to("/etc/hostname")
    with pytest.raises(InputError, match="leaves the repository"):
        chosen(root, 1)
    write_files(tmp_path, {"5/a.onnx": b""})
    with pytest.raises(InputError, match="src is a model"):
        scan(str(root), selection_from_params([{"name": "5", "versions": [1]}]))


@pytest.mark.parametrize("directories", [["d" * 250] * 14, ["d"] * 100])
def test_paths_that_no_store_has_a_place_for(tmp_path: Path, directories: list[str]) -> None:
    """Linux takes 4096 bytes, and the names of a stage come before those of the version."""
    write_files(tmp_path, IR)
    assert scan(str(tmp_path)).versions
    write_files(tmp_path, {"/".join(["m/1", *directories, "a.txt"]): b"x"})
    error = refused(tmp_path, "file name", "is too long, or too deep")
    assert error.hint and "3500 bytes" in error.hint


def test_empty_version(tmp_path: Path) -> None:
    write_files(tmp_path, IR)
    (tmp_path / "m/2").mkdir()
    refused(tmp_path, "empty version", "m/2")


def test_junk_is_left_out_with_its_names(tmp_path: Path) -> None:
    junk = [".git/config", "m/.DS_Store", "m/1/.hidden", "m/1/a.bin~", "m/README.md", "config.json"]
    found = scan(str(write_files(tmp_path, {**IR, **dict.fromkeys(junk, b"")})))
    assert [file.path for file in found.versions[0].files] == ["a.bin", "a.xml"]
    assert set(found.ignored) == {".git", *junk[1:]}


def test_links(tmp_path: Path) -> None:
    root = write_files(tmp_path / "src", IR)
    (tmp_path / "outside").write_bytes(b"secret")
    (root / "m/2").symlink_to("1")
    (root / "m/1/again.txt").symlink_to("a.xml")
    versions = scan(str(root)).versions
    assert [item.version for item in versions] == [1, 2]
    assert {file.path: file.size for file in versions[0].files}["again.txt"] == 6
    (root / "m/1/out.txt").symlink_to(tmp_path / "outside")
    refused(root, "symlink", "leaves the repository")
    (root / "m/1/out.txt").unlink()
    (root / "m/1/nowhere").symlink_to("nothing")
    refused(root, "symlink", "leads nowhere")
    (root / "m/1/nowhere").unlink()
    (root / "m/1/loop").symlink_to("..")
    refused(root, "symlink", "directory above")


def test_a_link_as_the_repository_itself(tmp_path: Path) -> None:
    write_files(tmp_path / "real", IR)
    (tmp_path / "link").symlink_to("real")
    assert len(scan(str(tmp_path / "link")).versions) == 1


def test_special_files(tmp_path: Path) -> None:
    root = write_files(tmp_path, IR)
    os.mkfifo(root / "m/1/pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(root / "m/1")
        listener.bind("socket")
        refused(root, "special file", "m/1/pipe", "m/1/socket")


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_unreadable_files(tmp_path: Path) -> None:
    root = write_files(tmp_path / "src", IR)
    for path in [tmp_path, *tmp_path.parents]:
        if path.stat().st_uid == 0 and str(path).startswith("/tmp/"):
            path.chmod(0o755)
    (root / "m/1/a.bin").chmod(0o600)
    script = (
        "import os,sys; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: layout.scan(sys.argv[1])\n"
        "except layout.InputError as error: print(error)\n"
    )
    base = "ansible_collections.openvino.edge.plugins.module_utils.repository.content"
    wrapped = f"from {base} import layout\n"
    done = subprocess.run(
        [sys.executable, "-c", wrapped + script, str(root)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "unreadable: m/1/a.bin" in done.stdout


def test_selection(tmp_path: Path) -> None:
    root = write_files(tmp_path, {**IR, "n/1/a.onnx": b"", "n/2/a.onnx": b"", "bad/v1/a.onnx": b""})
    chosen = selection_from_params([{"name": "n", "versions": [2]}])
    assert [(item.model, item.version) for item in scan(str(root), chosen).versions] == [("n", 2)]
    every: list[int] = []
    wanted = [{"name": "m", "versions": [1, 7]}, {"name": "x", "versions": every}]
    with pytest.raises(InputError, match="not in the model repository: x, m/7"):
        scan(str(root), selection_from_params(wanted))
    refused(root, "bad/v1")


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"name": "n", "versions": [7]}, "not in the model repository: n/7. n has 1, 2"),
        ({"name": "x", "versions": []}, "not in the model repository: x. There are m, n"),
        ({"name": "x", "versions": [3]}, "not in the model repository: x/3. There are m, n"),
    ],
)
def test_what_is_missing_is_told_with_what_is_there(
    wanted: dict[str, Any], words: str, tmp_path: Path
) -> None:
    root = write_files(tmp_path, {**IR, "n/1/a.onnx": b"", "n/2/a.onnx": b"", ".git/1/x": b""})
    with pytest.raises(InputError) as caught:
        scan(str(root), selection_from_params([wanted]))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "models",
    [
        [{"name": ""}],
        [{"name": "../x"}],
        [{"name": "a"}, {"name": "a"}],
        [{"name": "a", "versions": [0]}],
        [{"name": "a", "versions": [2**63]}],
    ],
)
def test_bad_selection(models: list[dict[str, object]]) -> None:
    with pytest.raises(InputError) as caught:
        selection_from_params(models)
    assert caught.value.option and caught.value.option.startswith("models")


@given(st.text(max_size=24))
def test_version_names_read_back_as_they_are_written(name: str) -> None:
    if VERSION_NAME.fullmatch(name):
        assert str(int(name)) == name and int(name) > 0


@given(st.sets(st.sampled_from(["a.xml", "a.bin", "b.xml", "b.onnx", "c.tflite", "x/y.xml", "r"])))
def test_a_version_has_one_model_or_a_fault(names: set[str]) -> None:
    fault = version_fault(names)
    models = [name for name in names if name.endswith((".onnx", ".tflite"))]
    models += [name for name in ("a.xml",) if {"a.xml", "a.bin"} <= names]
    if fault is None:
        assert len(models) == 1
    else:
        assert fault.kind and fault.text
