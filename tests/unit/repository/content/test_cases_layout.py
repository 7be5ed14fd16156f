# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases from the field: layouts that servers load are copied, and others can be chosen."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.layout import (
    Repository,
    scan,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.options.selection import (
    selection_from_params,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.source.pull_listing import (
    Remote,
    chosen,
)

from ..conftest import write_files

SAVED = {"m/1/saved_model.pb": b"graph"}
WHOLE = {**SAVED, "m/1/variables/variables.index": b"i"}
IR = {"a.xml": b"<net/>", "a.bin": b"weights"}


def below(path: str, files: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{path}/{name}": content for name, content in files.items()}


def found(repository: Repository) -> dict[tuple[str, int], list[str]]:
    return {
        (item.model, item.version): [file.path for file in item.files]
        for item in repository.versions
    }


def test_case_07_a_frozen_saved_model_is_copied_and_warned_about(tmp_path: Path) -> None:
    write_files(tmp_path, SAVED)
    repository = scan(str(tmp_path))
    assert found(repository) == {("m", 1): ["saved_model.pb"]}
    assert repository.doubts == [
        "m/1 has saved_model.pb without variables/: right for a frozen graph only"
    ]


def test_case_07_a_whole_saved_model_is_no_doubt(tmp_path: Path) -> None:
    write_files(tmp_path, WHOLE)
    assert scan(str(tmp_path)).doubts == []


@pytest.mark.parametrize(
    "beside",
    [
        ["fingerprint.pb"],
        ["keras_metadata.pb"],
        ["fingerprint.pb", "keras_metadata.pb", "assets/vocab.txt"],
    ],
)
def test_case_12_what_tensorflow_writes_beside_a_model_is_left_out(
    tmp_path: Path, beside: list[str]
) -> None:
    write_files(tmp_path, {**WHOLE, **{f"m/1/{name}": b"x" for name in beside}})
    repository = scan(str(tmp_path))
    kept = {"saved_model.pb", "variables/variables.index"}
    assert set(found(repository)["m", 1]) == kept | {n for n in beside if n.endswith(".txt")}
    assert repository.ignored == [f"m/1/{name}" for name in beside if name.endswith(".pb")]


def test_case_12_two_real_models_are_refused_as_before(tmp_path: Path) -> None:
    write_files(tmp_path, {**WHOLE, "m/1/other.pb": b"x", "m/1/fingerprint.pb": b"x"})
    with pytest.raises(InputError, match=r"two models in a version: m/1 holds other\.pb and saved"):
        scan(str(tmp_path))


def test_case_12_a_file_of_that_name_alone_is_a_model(tmp_path: Path) -> None:
    write_files(tmp_path, {"m/1/fingerprint.pb": b"x"})
    assert found(scan(str(tmp_path))) == {("m", 1): ["fingerprint.pb"]}


def test_case_03_a_folder_as_hugging_face_has_it(tmp_path: Path) -> None:
    write_files(tmp_path, below("org/chat", {"graph.pbtxt": b"node", **IR}))
    (one,) = selection_from_params([{"name": "org/chat", "versions": [2]}])
    assert set(found(scan(str(tmp_path), [one]))) == {("org--chat", 2)}


def test_case_03_a_folder_that_has_its_flat_name_already(tmp_path: Path) -> None:
    write_files(tmp_path, below("org--chat/1", IR))
    selection = selection_from_params([{"name": "org/chat"}])
    assert set(found(scan(str(tmp_path), selection))) == {("org--chat", 1)}


def test_case_03_precisions_as_open_model_zoo_has_them(tmp_path: Path) -> None:
    for model in ("shelf", "queue"):
        write_files(tmp_path, below(f"intel/{model}/FP16-INT8/1", IR))
    selection = selection_from_params(
        [{"name": name, "path": f"intel/{name}/FP16-INT8"} for name in ("shelf", "queue")]
    )
    assert set(found(scan(str(tmp_path), selection))) == {("shelf", 1), ("queue", 1)}


def test_case_03_the_path_may_be_below_a_directory_of_the_same_name(tmp_path: Path) -> None:
    write_files(tmp_path, below("shelf/FP16-INT8/1", IR))
    selection = selection_from_params([{"name": "shelf", "path": "shelf/FP16-INT8"}])
    assert set(found(scan(str(tmp_path), selection))) == {("shelf", 1)}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (below("org/chat", IR), "choose it with models: [{name: org/chat, versions: [1]}]"),
        (below("org/chat/1", IR), "choose it with models: [{name: org/chat}]"),
    ],
)
def test_case_03_the_error_says_how(tmp_path: Path, files: dict[str, bytes], words: str) -> None:
    write_files(tmp_path, files)
    with pytest.raises(InputError) as caught:
        scan(str(tmp_path))
    assert words in str(caught.value)


@pytest.mark.parametrize("path", ["/intel/shelf", "../shelf", "a/../../b", "."])
def test_case_03_a_path_that_leaves_the_repository(path: str) -> None:
    with pytest.raises(InputError) as caught:
        selection_from_params([{"name": "shelf", "path": path}])
    assert caught.value.option == "models.path" and caught.value.hint


@pytest.mark.parametrize("name", ["/chat", "org//chat", "org/", "org/../chat", "org/.chat"])
def test_case_03_names_that_cannot_be(name: str) -> None:
    with pytest.raises(InputError) as caught:
        selection_from_params([{"name": name}])
    assert caught.value.option == "models.name" and caught.value.hint


def test_case_03_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    write_files(tmp_path, below("m/1", IR))
    selection = selection_from_params([{"name": "org/chat", "versions": [1]}])
    with pytest.raises(InputError, match="not in the model repository: org/chat/1"):
        scan(str(tmp_path), selection)


def test_case_03_two_names_for_one_directory_are_refused() -> None:
    with pytest.raises(InputError, match="named twice"):
        selection_from_params([{"name": "org/chat"}, {"name": "org--chat"}])


def test_case_03_a_source_that_is_pulled_is_chosen_the_same_way() -> None:
    files = {f"org/chat/3/{name}": Remote("0" * 64, 1, "") for name in IR}
    versions, _repository = chosen(
        files, selection_from_params([{"name": "org/chat"}]), "pull.url", "here"
    )
    ((model, version, names),) = [(item.model, item.version, set(item.files)) for item in versions]
    assert (model, version, names) == ("org--chat", 3, set(IR))
