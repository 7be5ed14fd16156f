# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""config.json: what a change, a mistake and a bad entry do."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import entry, shown, started, write_config, write_ir
from ovms_standin.knobs import Defect
from ovms_standin.manager import ModelManager, ReloadError
from ovms_standin.metrics import Metrics

MakeManager = Callable[..., ModelManager]
OK = ("AVAILABLE", "OK")
ENDED = ("END", "OK")
FAILED = ("LOADING", "UNKNOWN")


def test_relative_base_paths_start_at_the_config_file(
    models: Path, make_manager: MakeManager
) -> None:
    config = write_config(models / "config.json", entry("a"), entry("b"))
    manager = started(make_manager, config)
    assert shown(manager) == {"a": {1: OK}, "b": {1: OK}}


def test_a_changed_file_is_applied_at_the_next_poll(
    models: Path, make_manager: MakeManager
) -> None:
    config = write_config(models / "config.json", entry("a"))
    manager = started(make_manager, config)
    write_config(config, entry("b"))
    manager.poll()
    assert shown(manager) == {"a": {1: ENDED}, "b": {1: OK}}
    write_config(config, entry("a"), entry("b"))
    manager.poll()
    assert shown(manager) == {"a": {1: OK}, "b": {1: OK}}


def test_rolling_back_is_a_change_of_the_pinned_version(
    models: Path, make_manager: MakeManager
) -> None:
    write_ir(models / "a" / "2", 5.0)
    pinned = [{"specific": {"versions": [version]}} for version in (1, 2)]
    config = write_config(models / "config.json", entry("a", model_version_policy=pinned[1]))
    manager = started(make_manager, config)
    assert shown(manager)["a"] == {2: OK}
    write_config(config, entry("a", model_version_policy=pinned[0]))
    manager.reload_config()
    assert shown(manager)["a"] == {1: OK, 2: ENDED}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{", "Configuration file is not a valid JSON file. Error: "),
        ('{"model_config_list": [], "x": 1}', "JSON schema parse error:#"),
    ],
)
def test_a_bad_file_changes_nothing_and_is_reported_once(
    models: Path, make_manager: MakeManager, log: io.StringIO, text: str, line: str
) -> None:
    config = write_config(models / "config.json", entry("a"))
    manager = started(make_manager, config)
    config.write_text(text)
    manager.poll()
    count = log.getvalue().count(line)
    assert count in (1, 3)
    manager.poll()
    assert log.getvalue().count(line) == count
    assert shown(manager) == {"a": {1: OK}}
    with pytest.raises(ReloadError, match="Reloading config file failed") as caught:
        manager.reload_config()
    assert caught.value.status.code.http == 412
    write_config(config, entry("a"), entry("b"))
    manager.poll()
    assert shown(manager) == {"a": {1: OK}, "b": {1: OK}}


def test_a_missing_file_is_ignored_by_polls_and_an_error_for_a_reload(
    models: Path, make_manager: MakeManager, log: io.StringIO
) -> None:
    config = write_config(models / "config.json", entry("a"))
    manager = started(make_manager, config)
    config.unlink()
    manager.poll()
    assert shown(manager) == {"a": {1: OK}}
    assert "Config file not found or cannot open." in log.getvalue()
    with pytest.raises(ReloadError, match="Config file not found or cannot open") as caught:
        manager.reload_config()
    assert caught.value.status.code.http == 500


def test_a_model_that_fails_keeps_config_mode_up(models: Path, make_manager: MakeManager) -> None:
    (models / "b" / "1" / "model.bin").write_bytes(b"")
    config = write_config(models / "config.json", entry("a"), entry("b"), entry("none"))
    manager = started(make_manager, config)
    assert shown(manager) == {"a": {1: OK}, "b": {1: FAILED}, "none": {}}
    write_ir(models / "none" / "1")
    manager.poll()
    assert shown(manager)["none"] == {1: OK}
    with pytest.raises(ReloadError, match="Reloading config file failed"):
        manager.reload_config()
    write_ir(models / "b" / "1")
    manager.reload_config()
    assert shown(manager)["b"] == {1: OK}


def test_a_version_that_fails_later_fails_the_reload_in_other_words(
    models: Path, make_manager: MakeManager
) -> None:
    manager = started(make_manager, write_config(models / "config.json", entry("a")))
    (models / "a" / "2").mkdir()
    with pytest.raises(ReloadError, match="Reloading models versions failed") as caught:
        manager.reload_config()
    assert caught.value.status.code.http == 500


def test_the_first_of_two_models_of_a_name_wins(
    models: Path, make_manager: MakeManager, log: io.StringIO
) -> None:
    second = {"name": "a", "base_path": "b"}
    config = write_config(models / "config.json", entry("a"), second)
    manager = started(make_manager, config)
    assert shown(manager) == {"a": {1: OK}}
    assert "Duplicated model names: a defined in config file" in log.getvalue()
    with pytest.raises(ReloadError, match="Reloading config file failed"):
        manager.reload_config()


def test_an_entry_that_cannot_be_parsed_hurts_only_its_model(
    models: Path, make_manager: MakeManager
) -> None:
    config = write_config(models / "config.json", entry("a"), entry("b"))
    manager = started(make_manager, config)
    write_config(config, entry("a", layout="NZZZ"), entry("b"))
    manager.poll()
    assert shown(manager) == {"a": {1: FAILED}, "b": {1: OK}}
    with pytest.raises(ReloadError) as caught:
        manager.reload_config()
    assert caught.value.status.code.http == 500


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        ({"shape": "(1,x)"}, "There was an error parsing shape (1,x)"),
        ({"shape": "1,10"}, "There was an error parsing shape 1,10"),
        ({"shape": {"input": "(1,x)"}}, "There was an error parsing shape input"),
        ({"batch_size": "x"}, "Wrong batch size parameter provided."),
        ({"batch_size": "0x"}, "Parsing dimension string not a number: 0x"),
    ],
)
def test_a_shape_or_batch_size_that_is_none_is_only_a_warning(
    models: Path,
    make_manager: MakeManager,
    log: io.StringIO,
    setting: dict[str, Any],
    line: str,
) -> None:
    config = write_config(models / "config.json", entry("a", **setting))
    manager = started(make_manager, config)
    manager.reload_config()
    assert shown(manager) == {"a": {1: OK}}
    assert manager.instance("a", 1).loaded_now().inputs[0].shape == (1, 10)
    assert line in log.getvalue()


def test_batch_sizes_as_text_are_served(models: Path, make_manager: MakeManager) -> None:
    config = write_config(
        models / "config.json",
        entry("a", batch_size="-1"),
        entry("b", batch_size="1:8"),
        entry("c", batch_size="3"),
    )
    manager = started(make_manager, config)
    shapes = {name: manager.instance(name, 1).loaded_now().inputs[0].shape for name in "abc"}
    assert shapes == {"a": (-1, 10), "b": (-1, 10), "c": (3, 10)}
    model = manager.instance("b", 1).loaded_now()
    assert model.infer({"input": np.ones((8, 10), np.float32)})["output"].shape == (8, 10)


def test_more_requests_than_there_may_be_fail_the_load(
    models: Path, make_manager: MakeManager, log: io.StringIO
) -> None:
    config = write_config(models / "config.json", entry("a", nireq=100_001), entry("b"))
    manager = started(make_manager, config)
    assert shown(manager) == {"a": {1: FAILED}, "b": {1: OK}}
    assert "error: Nireq parameter too high - Exceeded allowed nireq value" in log.getvalue()
    with pytest.raises(ReloadError) as caught:
        manager.reload_config()
    assert caught.value.status.code.http == 500


def test_a_shape_that_does_not_fit_is_told_without_the_version(
    models: Path, make_manager: MakeManager, log: io.StringIO
) -> None:
    config = write_config(
        models / "config.json", entry("a", shape="(1,99)"), entry("b", shape={"no": "(1,10)"})
    )
    manager = started(make_manager, config)
    assert shown(manager) == {"a": {1: FAILED}, "b": {1: FAILED}}
    text = log.getvalue()
    assert "OV does not support reshaping model: a with provided shape" in text
    assert "Error during loading input tensors" in text
    assert "Config shape - no not found in model" in text
    assert "error: Shape from config not found in model" in text


BAD_PLUGIN = {"plugin_config": {"NO_SUCH_KEY": "1"}}


def test_an_unknown_plugin_key_takes_down_this_model_and_all_after_it(
    models: Path, make_manager: MakeManager, log: io.StringIO
) -> None:
    config = write_config(models / "config.json", entry("a"), entry("b"), entry("c"))
    manager = started(make_manager, config)
    write_config(config, entry("a"), entry("b", **BAD_PLUGIN), entry("c"))
    manager.poll()
    assert shown(manager) == {"a": {1: OK}, "b": {1: ENDED}, "c": {1: ENDED}}
    text = "Plugin config key: NO_SUCH_KEY not found in supported config keys for device: CPU."
    assert text in log.getvalue()
    manager.poll()
    assert shown(manager)["c"] == {1: ENDED}


def test_an_unknown_plugin_key_at_start_leaves_the_rest_unloaded(
    models: Path, make_manager: MakeManager
) -> None:
    config = write_config(models / "config.json", entry("a", **BAD_PLUGIN), entry("b"))
    manager = started(make_manager, config)
    assert shown(manager) == {}


def test_the_cascade_can_be_made_harmless(models: Path, make_manager: MakeManager) -> None:
    config = write_config(models / "config.json", entry("a", **BAD_PLUGIN), entry("b"))
    manager = started(make_manager, config, defects=frozenset())
    assert shown(manager) == {"b": {1: OK}}


def test_a_known_plugin_key_and_an_old_one_are_taken(
    models: Path, make_manager: MakeManager, log: io.StringIO
) -> None:
    config = write_config(
        models / "config.json",
        entry("a", plugin_config={"PERFORMANCE_HINT": "LATENCY"}),
        entry("b", plugin_config={"CPU_THROUGHPUT_STREAMS": "1", "CPU_THREADS_NUM": "1"}),
        entry("c", plugin_config={"NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": 1}),
    )
    manager = started(make_manager, config)
    assert shown(manager) == {"a": {1: OK}, "b": {1: OK}, "c": {1: OK}}
    for old, new in (
        ("CPU_THROUGHPUT_STREAMS", "NUM_STREAMS"),
        ("CPU_THREADS_NUM", "INFERENCE_NUM_THREADS"),
    ):
        assert f"{old} plugin config key is deprecated. Use {new} instead" in log.getvalue()


def test_a_device_that_is_not_there_knows_no_plugin_key(
    models: Path, make_manager: MakeManager, log: io.StringIO
) -> None:
    broken = entry("a", target_device="GPU.7", plugin_config={"PERFORMANCE_HINT": "LATENCY"})
    manager = started(make_manager, write_config(models / "config.json", broken, entry("b")))
    assert shown(manager) == {}
    assert "requesting plugin: GPU.7; key: SUPPORTED_PROPERTIES; value. Error: " in log.getvalue()
    assert "Loading main OVMS config models failed." in log.getvalue()


def test_the_devices_of_a_list_know_their_keys(models: Path, make_manager: MakeManager) -> None:
    listed = entry("a", target_device="MULTI:CPU", plugin_config={"NUM_STREAMS": "1"})
    manager = started(make_manager, write_config(models / "config.json", listed))
    assert shown(manager) == {"a": {1: OK}}


def test_an_unavailable_device_is_a_failed_load(models: Path, make_manager: MakeManager) -> None:
    config = write_config(models / "config.json", entry("a", target_device="GPU"), entry("b"))
    manager = started(make_manager, config)
    assert shown(manager) == {"a": {1: FAILED}, "b": {1: OK}}


@pytest.mark.parametrize(("defects", "factor"), [(frozenset(Defect), 2.0), (frozenset(), 3.0)])
def test_a_new_base_path_with_the_same_version_keeps_the_old_bytes(
    models: Path, make_manager: MakeManager, defects: frozenset[Defect], factor: float
) -> None:
    config = write_config(models / "config.json", entry("a"))
    manager = started(make_manager, config, defects=defects)
    write_config(config, {"name": "a", "base_path": "b"})
    manager.poll()
    assert (shown(manager), answer(manager)) == ({"a": {1: OK}}, factor)
    manager.reload_config()
    assert answer(manager) == factor
    write_config(config, {"name": "a", "base_path": "b", "nireq": 2})
    manager.reload_config()
    assert (shown(manager), answer(manager)) == ({"a": {1: OK}}, factor)
    # A number that was not loaded before is read from where it is; so is one that came back.
    write_ir(models / "c" / "2", 5.0)
    write_config(config, {"name": "a", "base_path": "c"})
    manager.poll()
    assert (shown(manager)["a"], answer(manager)) == ({1: ENDED, 2: OK}, 5.0)
    shutil.rmtree(models / "c" / "2")
    manager.poll()
    assert (shown(manager)["a"], answer(manager)) == ({1: OK, 2: ENDED}, 4.0)


def answer(manager: ModelManager, name: str = "a") -> float:
    """What a model makes of 1."""
    with manager.instance(name, None).use() as model:
        result = model.infer({"input": np.ones((1, 10), np.float32)})
    return float(result["output"][0, 0])


def test_shape_and_batch_size_reshape_the_model(models: Path, make_manager: MakeManager) -> None:
    write_ir(models / "d" / "1", dynamic=True)
    config = write_config(
        models / "config.json",
        entry("a", shape="(4,10)"),
        entry("b", batch_size=8),
        entry("c", shape={"input": "(1,10)"}),
        entry("d"),
        {"name": "bad", "base_path": "a", "shape": {"nope": "(1,10)"}},
    )
    manager = started(make_manager, config)
    shapes = {
        name: manager.instance(name, 1).loaded_now().inputs[0].shape
        for name in ("a", "b", "c", "d")
    }
    assert shapes == {"a": (4, 10), "b": (8, 10), "c": (1, 10), "d": (-1, 10)}
    assert shown(manager)["bad"] == {1: FAILED}


def test_monitoring_is_read_once(models: Path, make_manager: MakeManager) -> None:
    metrics = Metrics()
    monitoring = {"metrics": {"enable": True, "metrics_list": ["ovms_streams"]}}
    config = write_config(models / "config.json", entry("a"), monitoring=monitoring)
    manager = started(make_manager, config, metrics=metrics)
    assert 'ovms_streams{name="a",version="1"}' in metrics.render()
    write_config(config, entry("a"), monitoring={"metrics": {"enable": False}})
    manager.poll()
    assert metrics.enabled


def _graph(directory: Path, text: str = "input_stream: 'x'\n") -> Path:
    directory.mkdir(exist_ok=True)
    (directory / "graph.pbtxt").write_text(text)
    return directory


def test_graphs_show_version_1_and_their_models_own_names(
    models: Path, make_manager: MakeManager
) -> None:
    graph = _graph(models / "g")
    write_ir(graph / "inner" / "1")
    inner = {"model_config_list": [{"config": entry("inner")}]}
    (graph / "subconfig.json").write_text(json.dumps(inner))
    config = write_config(models / "config.json", entry("g"), entry("a"))
    manager = started(make_manager, config)
    assert shown(manager) == {"a": {1: OK}, "g": {1: OK}, "inner": {1: OK}}
    write_config(config, entry("a"))
    manager.poll()
    assert shown(manager) == {"a": {1: OK}, "g": {1: ENDED}, "inner": {1: ENDED}}


def test_a_graph_in_the_old_list_without_its_file_fails(
    models: Path, make_manager: MakeManager, log: io.StringIO
) -> None:
    graphs = [{"name": "g", "base_path": "g"}, {"name": "a", "base_path": "g"}]
    config = write_config(models / "config.json", entry("a"), mediapipe_config_list=graphs)
    manager = started(make_manager, config)
    assert shown(manager) == {"a": {1: OK}, "g": {1: ("LOADING", "FAILED_PRECONDITION")}}
    _graph(models / "g")
    with pytest.raises(ReloadError):  # the name `a` is still taken twice
        manager.reload_config()
    assert shown(manager)["g"] == {1: OK}
    assert "Mediapipe: g state changed to: AVAILABLE" in log.getvalue()
