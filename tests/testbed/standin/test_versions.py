# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions that come, fail and go: what a rollout of one model meets."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import as_server_user, eventually, write_config, write_ir, write_onnx
from ovms_standin import instance
from ovms_standin.instance import State
from ovms_standin.knobs import Defect
from ovms_standin.manager import ModelManager
from ovms_standin.status import MODEL_VERSION_NOT_LOADED_YET, StatusError

MakeManager = Callable[..., ModelManager]
OK = ("AVAILABLE", "OK")
FAILED = ("LOADING", "UNKNOWN")
ENDED = ("END", "OK")
STUCK = ("LOADING", "OK")
X = np.ones((1, 10), np.float32)


def shown(manager: ModelManager, name: str = "m") -> dict[int, tuple[str, str]]:
    """version -> (state, error code)."""
    return {v: (s.state.name, s.error.name) for v, s in manager.statuses()[name]}


def answer(manager: ModelManager, version: int | None = None) -> float:
    """What the model makes of 1."""
    with manager.instance("m", version).use() as model:
        return float(model.infer({"input": X})["output"][0, 0])


@pytest.fixture
def serving(repository: Path, make_manager: MakeManager) -> Callable[..., ModelManager]:
    """A manager that serves `m` in single-model mode."""

    def start(**changes: Any) -> ModelManager:
        policy = changes.pop("policy", None)
        model = {"name": "m", "base_path": str(repository / "m")}
        if policy:
            model["model_version_policy"] = policy
        manager = make_manager(model=model, **changes)
        assert manager.start().ok
        return manager

    return start


Serving = Callable[..., ModelManager]


def test_a_new_version_takes_over_and_the_old_one_ends(
    repository: Path, serving: Serving, log: io.StringIO
) -> None:
    manager = serving()
    assert (shown(manager), answer(manager)) == ({1: OK}, 2.0)
    write_ir(repository / "m" / "2", 3.0)
    manager.poll()
    assert (shown(manager), answer(manager)) == ({1: ENDED, 2: OK}, 3.0)
    assert "Will unload model: m; version: 1 ..." in log.getvalue()
    assert "Updated default version for model: m, to: 2" in log.getvalue()


def test_both_states_show_while_the_new_version_loads(repository: Path, serving: Serving) -> None:
    manager = serving(load_seconds={"m:2": 30})
    write_ir(repository / "m" / "2", 3.0)
    answers: list[float] = []
    threads = [
        threading.Thread(target=manager.poll),
        threading.Thread(target=lambda: answers.append(answer(manager, 2))),
    ]
    threads[0].start()
    eventually(lambda: shown(manager) == {1: OK, 2: ("LOADING", "OK")})
    assert answer(manager) == 2.0
    threads[1].start()  # waits for the load
    manager.interrupt()  # ends the thirty seconds
    for thread in threads:
        thread.join()
    assert answers == [3.0]
    assert shown(manager) == {1: ENDED, 2: OK}


def test_onnx_is_served_too(repository: Path, serving: Serving) -> None:
    write_onnx(repository / "m" / "2" / "any.onnx", 5.0)
    assert answer(serving()) == 5.0


def _xml_only(whole: Path, target: Path) -> None:
    shutil.copy(whole / "model.xml", target)


def _weights_only(whole: Path, target: Path) -> None:
    shutil.copy(whole / "model.bin", target)


def _short_weights(whole: Path, target: Path) -> None:
    shutil.copy(whole / "model.xml", target)
    (target / "model.bin").write_bytes((whole / "model.bin").read_bytes()[:-4])


def _short_xml(whole: Path, target: Path) -> None:
    shutil.copy(whole / "model.bin", target)
    (target / "model.xml").write_bytes((whole / "model.xml").read_bytes()[:-100])


def _other_stem(whole: Path, target: Path) -> None:
    shutil.copy(whole / "model.xml", target)
    shutil.copy(whole / "model.bin", target / "weights.bin")


def _nothing(whole: Path, target: Path) -> None:
    pass


@pytest.mark.parametrize(
    "part", [_nothing, _xml_only, _weights_only, _short_weights, _short_xml, _other_stem]
)
def test_a_partial_copy_fails_each_poll_and_the_old_version_stays(
    repository: Path,
    tmp_path: Path,
    serving: Serving,
    log: io.StringIO,
    part: Callable[[Path, Path], None],
) -> None:
    manager = serving()
    whole, target = write_ir(tmp_path / "whole", 3.0), repository / "m" / "2"
    target.mkdir()
    part(whole, target)
    for _ in range(2):
        before = log.getvalue().count("Error occurred while loading model: m; version: 2; error: ")
        manager.poll()
        after = log.getvalue().count("Error occurred while loading model: m; version: 2; error: ")
        assert after > before
        assert shown(manager) == {1: OK, 2: FAILED}
        assert answer(manager) == 2.0
    shutil.copytree(whole, target, dirs_exist_ok=True)
    manager.poll()
    assert (shown(manager), answer(manager)) == ({1: ENDED, 2: OK}, 3.0)


def test_weights_are_mapped(repository: Path, serving: Serving) -> None:
    manager = serving()
    weights = repository / "m" / "1" / "model.bin"
    loaded = manager.instance("m", 1).loaded_now().digest
    with weights.open("r+b") as stream:
        stream.write(np.full(10, 7.0, np.float32).tobytes())
    manager.poll()
    assert (shown(manager), answer(manager)) == ({1: OK}, 7.0)
    # The digest tells which bytes were there at the load.
    assert manager.instance("m", 1).loaded_now().digest == loaded


def test_weights_of_the_right_size_and_wrong_content_are_served_for_good(
    repository: Path, tmp_path: Path, serving: Serving
) -> None:
    manager = serving()
    right = write_ir(tmp_path / "whole", 3.0) / "model.bin"
    weights = write_ir(repository / "m" / "2", 3.0) / "model.bin"
    weights.write_bytes(bytes(weights.stat().st_size))
    manager.poll()
    right.replace(weights)
    manager.poll()
    assert (shown(manager), answer(manager)) == ({1: ENDED, 2: OK}, 0.0)


def test_a_failed_version_that_goes_away_ends(repository: Path, serving: Serving) -> None:
    manager = serving()
    (repository / "m" / "2").mkdir()
    manager.poll()
    (repository / "m" / "2").rmdir()
    manager.poll()
    assert shown(manager) == {1: OK, 2: ENDED}


def test_an_inference_waits_for_a_load_only_so_long(
    repository: Path, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = serving()
    (repository / "m" / "2").mkdir()
    manager.poll()
    monkeypatch.setattr(instance, "WAIT_FOR_LOADED_SECONDS", 0.1)
    with pytest.raises(StatusError) as caught:
        answer(manager, 2)
    assert caught.value.status.code is MODEL_VERSION_NOT_LOADED_YET


def test_an_empty_version_directory_is_named_in_the_log(
    repository: Path, serving: Serving, log: io.StringIO
) -> None:
    manager = serving()
    (repository / "m" / "2").mkdir()
    manager.poll()
    path = repository / "m" / "2"
    assert (
        "Error loading model: no valid model file found for model: m, version: 2, "
        f"path: {path}" in log.getvalue()
    )
    assert "version: 2; error: File not found or cannot open" in log.getvalue()


def test_staging_beside_the_versions_counts_as_the_version(
    repository: Path, serving: Serving, log: io.StringIO
) -> None:
    manager = serving()
    write_ir(repository / "m" / "2.tmp", 3.0)
    manager.poll()
    assert shown(manager) == {1: OK, 2: FAILED}
    assert f"Missing model directory {repository}/m/2" in log.getvalue()


@pytest.mark.parametrize(("old", "new"), [(9, 10), (99, 100)])
def test_a_failing_version_with_one_digit_more_takes_the_old_one_down(
    tmp_path: Path, make_manager: MakeManager, old: int, new: int
) -> None:
    write_ir(tmp_path / "m" / str(old), 2.0)
    manager = make_manager(model={"name": "m", "base_path": str(tmp_path / "m")})
    assert manager.start().ok
    (tmp_path / "m" / str(new)).mkdir()
    manager.poll()
    assert shown(manager) == {old: ENDED, new: FAILED}
    write_ir(tmp_path / "m" / str(new), 3.0)
    manager.poll()
    assert (shown(manager), answer(manager)) == ({old: ENDED, new: OK}, 3.0)


def test_the_digit_boundary_can_be_made_harmless(tmp_path: Path, make_manager: MakeManager) -> None:
    write_ir(tmp_path / "m" / "9", 2.0)
    manager = make_manager(
        model={"name": "m", "base_path": str(tmp_path / "m")},
        defects=frozenset(Defect) - {Defect.DIGIT_BOUNDARY},
    )
    assert manager.start().ok
    (tmp_path / "m" / "10").mkdir()
    manager.poll()
    assert shown(manager) == {9: OK, 10: FAILED}


@pytest.mark.parametrize(("old", "new"), [(9, 10), (1, 3)])
def test_a_pinned_version_that_fails_takes_the_old_one_down(
    tmp_path: Path, make_manager: MakeManager, old: int, new: int
) -> None:
    write_ir(tmp_path / "m" / str(old), 2.0)
    (tmp_path / "m" / str(new)).mkdir()

    def pinned(*versions: int) -> dict[str, Any]:
        policy = {"specific": {"versions": list(versions)}}
        return {"name": "m", "base_path": "m", "model_version_policy": policy}

    config = write_config(tmp_path / "config.json", pinned(old))
    manager = make_manager(config=config)
    assert manager.start().ok
    assert shown(manager) == {old: OK}
    write_config(config, pinned(new))
    manager.poll()
    assert shown(manager) == {old: ENDED, new: FAILED}
    write_config(config, pinned(old, new))
    manager.poll()
    assert (shown(manager), answer(manager)) == ({old: OK, new: FAILED}, 2.0)


@pytest.mark.parametrize("name", ["002", "10.tmp"])
def test_a_name_that_sorts_otherwise_takes_the_good_version_down(
    tmp_path: Path, make_manager: MakeManager, name: str
) -> None:
    good = 1 if name == "002" else 9
    write_ir(tmp_path / "m" / str(good), 2.0)
    manager = make_manager(model={"name": "m", "base_path": str(tmp_path / "m")})
    assert manager.start().ok
    write_ir(tmp_path / "m" / name, 3.0)
    manager.poll()
    assert shown(manager) == {good: ENDED, int(name[:3].rstrip(".")): FAILED}


def test_equal_digit_counts_fall_back(tmp_path: Path, make_manager: MakeManager) -> None:
    write_ir(tmp_path / "m" / "20240101", 2.0)
    (tmp_path / "m" / "20240102").mkdir()
    manager = make_manager(model={"name": "m", "base_path": str(tmp_path / "m")})
    assert manager.start().ok
    assert shown(manager) == {20240101: OK, 20240102: FAILED}


def test_a_deleted_version_ends_and_a_new_one_of_the_number_is_read_again(
    repository: Path, serving: Serving
) -> None:
    manager = serving()
    shutil.rmtree(repository / "m" / "1")
    manager.poll()
    assert shown(manager) == {1: ENDED}
    write_ir(repository / "m" / "1", 7.0)
    manager.poll()
    assert (shown(manager), answer(manager)) == ({1: OK}, 7.0)


def test_a_base_path_that_goes_away_keeps_what_is_loaded(
    repository: Path, serving: Serving, log: io.StringIO
) -> None:
    manager = serving()
    shutil.rmtree(repository / "m")
    manager.poll()
    assert (shown(manager), answer(manager)) == ({1: OK}, 2.0)
    assert "Directory does not exist" in log.getvalue()


def test_files_replaced_by_a_rename_are_not_read_again(
    repository: Path, tmp_path: Path, serving: Serving
) -> None:
    manager = serving()
    before = manager.instance("m", 1).loaded_now().digest
    for path in write_ir(tmp_path / "other", 9.0).iterdir():
        path.replace(repository / "m" / "1" / path.name)
    manager.poll()
    manager.reload_config()
    assert answer(manager) == 2.0
    assert manager.instance("m", 1).loaded_now().digest == before


def test_the_reload_call_checks_versions_in_single_model_mode_too(
    repository: Path, serving: Serving
) -> None:
    manager = serving()
    write_ir(repository / "m" / "2", 3.0)
    manager.reload_config()
    assert shown(manager) == {1: ENDED, 2: OK}


def test_a_load_can_be_made_to_fail(repository: Path, serving: Serving) -> None:
    manager = serving(fail={"m:2": "CANNOT_COMPILE_MODEL_INTO_TARGET_DEVICE"})
    write_ir(repository / "m" / "2", 3.0)
    manager.poll()
    assert shown(manager) == {1: OK, 2: FAILED}


@pytest.mark.parametrize(
    ("policy", "available"),
    [
        ({"all": {}}, [1, 2, 3]),
        ({"latest": {"num_versions": 2}}, [2, 3]),
        ({"specific": {"versions": [1, 3, 8]}}, [1, 3]),
    ],
)
def test_policies_choose(
    repository: Path, serving: Serving, policy: dict[str, Any], available: list[int]
) -> None:
    for version in (2, 3):
        write_ir(repository / "m" / str(version), float(version))
    manager = serving(policy=policy)
    assert manager.models["m"].available() == available
    assert manager.models["m"].default_version == 3


def test_a_running_inference_holds_back_the_end(repository: Path, serving: Serving) -> None:
    manager = serving()
    write_ir(repository / "m" / "2", 3.0)
    poll = threading.Thread(target=manager.poll)
    old = manager.instance("m", 1)
    with old.use() as model:
        poll.start()
        eventually(lambda: old.status.state is State.UNLOADING)
        assert float(model.infer({"input": X})["output"][0, 0]) == 2.0
    poll.join()
    assert old.status.state is State.END


@pytest.fixture
def open_repository() -> Iterator[Path]:
    """As `repository`, below directories that every user may enter."""
    root = Path(tempfile.mkdtemp())
    root.chmod(0o755)
    for path in (root / "m", write_ir(root / "m" / "1", 2.0)):
        path.chmod(0o755)
    yield root
    for path in root.rglob("*"):
        path.chmod(0o755)
    shutil.rmtree(root)


def _serve(make_manager: MakeManager, root: Path, **knobs: Any) -> ModelManager:
    manager = make_manager(model={"name": "m", "base_path": str(root / "m")}, **knobs)
    assert manager.start().ok
    return manager


def test_an_unlistable_version_is_stuck_and_the_old_one_ends(
    open_repository: Path, make_manager: MakeManager, log: io.StringIO
) -> None:
    manager = _serve(make_manager, open_repository)
    directory = write_ir(open_repository / "m" / "2", 3.0)
    directory.chmod(0o000 if os.geteuid() else 0o700)
    with as_server_user():
        manager.poll()
    assert shown(manager) == {1: ENDED, 2: STUCK}
    assert "Exception occurred while loading model: filesystem error: " in log.getvalue()
    assert f"Permission denied [{directory}];" in log.getvalue()
    directory.chmod(0o755)
    manager.poll()
    manager.reload_config()  # says that all is well
    assert shown(manager) == {1: ENDED, 2: STUCK}  # never tried again
    away = directory.rename(open_repository / "m" / "away")
    manager.poll()
    assert shown(manager) == {1: OK, 2: ENDED}
    away.rename(directory)
    manager.poll()
    assert (shown(manager), answer(manager)) == ({1: ENDED, 2: OK}, 3.0)


def test_a_newer_version_helps_over_a_stuck_one(
    open_repository: Path, make_manager: MakeManager
) -> None:
    manager = _serve(make_manager, open_repository)
    directory = write_ir(open_repository / "m" / "2", 3.0)
    directory.chmod(0o000 if os.geteuid() else 0o700)
    with as_server_user():
        manager.poll()
    assert shown(manager) == {1: ENDED, 2: STUCK}
    write_ir(open_repository / "m" / "3", 4.0)
    manager.poll()
    assert (shown(manager), answer(manager)) == ({1: ENDED, 2: ENDED, 3: OK}, 4.0)


def test_the_stuck_version_can_be_made_an_ordinary_failure(
    open_repository: Path, make_manager: MakeManager
) -> None:
    defects = frozenset(Defect) - {Defect.STUCK_LOADING}
    manager = _serve(make_manager, open_repository, defects=defects)
    directory = write_ir(open_repository / "m" / "2", 3.0)
    directory.chmod(0o000 if os.geteuid() else 0o700)
    with as_server_user():
        manager.poll()
    assert shown(manager) == {1: OK, 2: FAILED}
    directory.chmod(0o755)
    manager.poll()
    assert shown(manager) == {1: ENDED, 2: OK}


def test_an_unreadable_file_is_tried_again(
    open_repository: Path, make_manager: MakeManager
) -> None:
    manager = _serve(make_manager, open_repository)
    directory = write_ir(open_repository / "m" / "2", 3.0)
    directory.chmod(0o755)
    weights = directory / "model.bin"
    weights.chmod(0o000 if os.geteuid() else 0o600)
    with as_server_user():
        manager.poll()
    assert shown(manager) == {1: OK, 2: FAILED}
    weights.chmod(0o644)
    manager.poll()
    assert shown(manager) == {1: ENDED, 2: OK}


def test_an_unlistable_base_path_keeps_what_is_loaded(
    open_repository: Path, make_manager: MakeManager, log: io.StringIO
) -> None:
    manager = _serve(make_manager, open_repository)
    base = open_repository / "m"
    base.chmod(0o000 if os.geteuid() else 0o700)
    with as_server_user():
        manager.poll()
    assert shown(manager) == {1: OK}
    assert f"Couldn't list directories in path: {base}" in log.getvalue()
