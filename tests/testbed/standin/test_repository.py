# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Version names, formats, policies: what OVMS sees in a directory."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from harness import write_ir
from ovms_standin.policy import AllVersions, LatestVersions, SpecificVersions, parse_policy
from ovms_standin.repository import (
    find_model_files,
    is_path_escaped,
    read_available_versions,
    stoll,
)
from ovms_standin.status import StatusError
from ovms_standin.versions import drop_failed


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *[("2", 2), ("2.tmp", 2), ("2-partial", 2), ("2_staging", 2), (" 2", 2)],
        *[("+2", 2), ("002", 2), ("0", 0), ("-1", -1), ("20240101", 20240101)],
    ],
)
def test_stoll_takes_the_number_in_front(text: str, number: int) -> None:
    assert stoll(text) == number


@pytest.mark.parametrize("text", [".2", "tmp2", "lost+found", "v1", "", "+"])
def test_stoll_refuses_names_without_a_number_in_front(text: str) -> None:
    with pytest.raises(ValueError):
        stoll(text)


def test_stoll_is_64_bits() -> None:
    with pytest.raises(OverflowError):
        stoll("9" * 20)


def test_versions_come_in_text_order_with_a_warning_for_each_odd_name(
    tmp_path: Path, log: io.StringIO
) -> None:
    for name in ("9", "10", "lost+found", "0", "2.tmp"):
        (tmp_path / name).mkdir()
    (tmp_path / "3").write_text("a file is no version")
    assert read_available_versions(str(tmp_path), single_files=True) == [10, 2, 9]
    text = log.getvalue()
    assert "Expected version directory name to be in number format. Got: lost+found" in text
    assert "Expected version directory name to be a number greater than 0. Got: 0" in text


def test_a_missing_base_path_is_an_error_and_an_empty_one_a_warning(
    tmp_path: Path, log: io.StringIO
) -> None:
    with pytest.raises(StatusError):
        read_available_versions(str(tmp_path / "absent"), single_files=True)
    assert f"Directory does not exist: {tmp_path}/absent" in log.getvalue()
    assert read_available_versions(str(tmp_path), single_files=True) == []
    assert f"No version found for model in path: {tmp_path}" in log.getvalue()


def test_a_linked_version_directory_is_followed(tmp_path: Path, log: io.StringIO) -> None:
    write_ir(tmp_path / "else")
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "4").symlink_to(tmp_path / "else")
    assert read_available_versions(str(tmp_path / "m"), single_files=True) == [4]


def test_a_model_file_in_place_of_the_directory_is_version_1_from_2026_3(
    tmp_path: Path, log: io.StringIO
) -> None:
    file = write_ir(tmp_path) / "model.xml"
    assert read_available_versions(str(file), single_files=True) == [1]
    with pytest.raises(StatusError):
        read_available_versions(str(file), single_files=False)


@pytest.mark.parametrize("path", ["/a/../b", "../a", "/a/.."])
def test_paths_with_parent_parts_are_refused(path: str) -> None:
    assert is_path_escaped(path)
    assert not is_path_escaped("/a/b..c/d")


@pytest.mark.parametrize(
    ("names", "main"),
    [
        (["m.xml", "m.bin", "m.onnx"], "m.xml"),
        (["m.xml", "m.onnx"], "m.onnx"),
        (["m.xml"], None),
        (["m.bin"], None),
        (["i.pdmodel", "i.pdiparams"], "i.pdmodel"),
        (["frozen.pb"], "frozen.pb"),
        (["m.tflite"], "m.tflite"),
        (["readme.txt"], None),
    ],
)
def test_formats_in_the_order_ovms_tries_them(
    tmp_path: Path, names: list[str], main: str | None
) -> None:
    for name in names:
        (tmp_path / name).touch()
    found = find_model_files(tmp_path)
    assert (found.main.name if found else None) == main


def test_a_saved_model_is_its_directory(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").touch()
    found = find_model_files(tmp_path)
    assert found is not None
    assert found.main == tmp_path


def test_policies() -> None:
    assert parse_policy(None) == LatestVersions(1)
    assert parse_policy({"all": {}}) == AllVersions()
    assert parse_policy({"latest": {"num_versions": 2}}).choose([10, 8, 9]) == [9, 10]
    assert parse_policy({"specific": {"versions": [1, 7]}}) == SpecificVersions((1, 7))
    assert SpecificVersions((1, 7)).choose([1, 2]) == [1]
    assert parse_policy({"latest": {"num_versions": 0}}).choose([8, 9]) == []


@pytest.mark.parametrize(
    "value",
    [
        *["latest", {}, {"all": {}, "latest": {}}, {"newest": {}}, {"latest": []}],
        *[{"latest": {}}, {"specific": {}}, {"specific": {"versions": ["1"]}}],
    ],
)
def test_bad_policies_are_refused(value: object) -> None:
    with pytest.raises(StatusError):
        parse_policy(value)


@pytest.mark.parametrize(
    ("available", "failed", "left"),
    [
        ([1, 2], 2, [1]),
        ([10, 9], 10, [10, 9]),
        ([10, 8, 9], 10, [10, 8, 9]),
        ([100, 99], 100, [100, 99]),
        ([20240101, 20240102], 20240102, [20240101]),
    ],
)
def test_the_failed_version_is_not_found_across_a_digit_boundary(
    available: list[int], failed: int, left: list[int]
) -> None:
    by_order, by_value = list(available), list(available)
    drop_failed(by_order, [failed], by_text_order=True)
    drop_failed(by_value, [failed], by_text_order=False)
    assert by_order == left
    assert by_value == [version for version in available if version != failed]
