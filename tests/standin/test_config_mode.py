# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""config.json: what a change, a mistake and a bad entry do."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import write_config, write_ir
from ovms_standin.knobs import Defect, Generation
from ovms_standin.manager import ModelManager, ReloadError
from ovms_standin.metrics import Metrics
from shared_library import NODE_SYMBOLS, shared_library

MakeManager = Callable[..., ModelManager]
OK = ("AVAILABLE", "OK")
ENDED = ("END", "OK")
FAILED = ("LOADING", "UNKNOWN")


def shown(manager: ModelManager) -> dict[str, dict[int, tuple[str, str]]]:
    """name -> version -> (state, error code)."""
    return {
        name: {v: (s.state.name, s.error.name) for v, s in versions}
        for name, versions in manager.statuses().items()
    }


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """Models a, b, c with version 1."""
    for name, factor in (("a", 2.0), ("b", 3.0), ("c", 4.0)):
        write_ir(tmp_path / name / "1", factor)
    return tmp_path


def entry(name: str, **more: Any) -> dict[str, Any]:
    """A `config` object with a relative base path."""
    return {"name": name, "base_path": name, **more}


def started(make: MakeManager, config: Path, **knobs: Any) -> ModelManager:
    """A manager after its first pass."""
    manager = make(config=config, **knobs)
    assert manager.start().ok
    return manager


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
    write_config(config, entry("a", shape="1,10"), entry("b"))
    manager.poll()
    assert shown(manager) == {"a": {1: FAILED}, "b": {1: OK}}


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
        entry("b", plugin_config={"CPU_THROUGHPUT_STREAMS": "1"}),
        entry("c", plugin_config={"NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": 1}),
    )
    manager = started(make_manager, config)
    assert shown(manager) == {"a": {1: OK}, "b": {1: OK}, "c": {1: OK}}
    assert "CPU_THROUGHPUT_STREAMS plugin config key is deprecated" in log.getvalue()


def test_an_unavailable_device_is_a_failed_load(models: Path, make_manager: MakeManager) -> None:
    config = write_config(models / "config.json", entry("a", target_device="GPU"), entry("b"))
    manager = started(make_manager, config)
    assert shown(manager) == {"a": {1: FAILED}, "b": {1: OK}}


@pytest.mark.parametrize(("defects", "factor"), [(frozenset(Defect), 2.0), (frozenset(), 3.0)])
def test_a_new_base_path_with_the_same_version_keeps_the_old_bytes(
    models: Path, make_manager: MakeManager, defects: frozenset[Defect], factor: float
) -> None:
    import numpy as np

    config = write_config(models / "config.json", entry("a"))
    manager = started(make_manager, config, defects=defects)
    write_config(config, {"name": "a", "base_path": "b"})
    manager.poll()
    assert shown(manager) == {"a": {1: OK}}
    model = manager.instance("a", 1).loaded_now()
    result = model.infer({"input": np.ones((1, 10), np.float32)})
    assert float(result["output"][0, 0]) == factor


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


def pipeline(model: str) -> dict[str, Any]:
    """A pipeline of one node."""
    return {
        "name": "p",
        "inputs": ["x"],
        "nodes": [
            {
                "name": "n",
                "type": "DL model",
                "model_name": model,
                "inputs": [{"input": {"node_name": "request", "data_item": "x"}}],
                "outputs": [{"data_item": "output", "alias": "y"}],
            }
        ],
        "outputs": [{"y": {"node_name": "n", "data_item": "y"}}],
    }


def test_a_pipeline_follows_its_models(models: Path, make_manager: MakeManager) -> None:
    config = write_config(
        models / "config.json", entry("late"), pipeline_config_list=[pipeline("late")]
    )
    manager = started(make_manager, config, generation=Generation.TFS)
    assert shown(manager)["p"] == {1: ("LOADING", "FAILED_PRECONDITION")}
    write_ir(models / "late" / "1")
    manager.poll()
    assert shown(manager)["p"] == {1: OK}
    write_config(config, entry("a"))
    manager.poll()
    assert shown(manager) == {"a": {1: OK}, "late": {1: ENDED}, "p": {1: ENDED}}


def cutting(path: str) -> dict[str, Any]:
    """The sections of a pipeline with a custom node beside its model."""
    cut = {
        "name": "c",
        "type": "custom",
        "library_name": "cut",
        "inputs": [{"all": {"node_name": "n", "data_item": "y"}}],
        "outputs": [{"data_item": "one", "alias": "one"}],
    }
    whole = pipeline("a")
    whole = {
        **whole,
        "nodes": [*whole["nodes"], cut],
        "outputs": [{"y": {"node_name": "c", "data_item": "one"}}],
    }
    libraries = [{"name": "cut", "base_path": path}]
    return {"pipeline_config_list": [whole], "custom_node_library_config_list": libraries}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"no library", "failed to open base_path"),
        (shared_library(NODE_SYMBOLS[:-1]), "undefined symbol: release"),
        (None, "failed to open base_path"),
    ],
)
def test_a_pipeline_needs_a_library_that_opens_and_has_its_functions(
    models: Path, make_manager: MakeManager, log: io.StringIO, content: bytes | None, line: str
) -> None:
    if content is not None:
        (models / "lib.so").write_bytes(content)
    config = write_config(models / "config.json", entry("a"), **cutting("lib.so"))
    manager = started(make_manager, config)
    assert shown(manager)["p"] == {1: ("LOADING", "FAILED_PRECONDITION")}
    assert line in log.getvalue()


def test_a_library_is_opened_once_by_name_and_path(
    models: Path, make_manager: MakeManager, log: io.StringIO
) -> None:
    for name in ("lib.so", "other.so"):
        (models / name).write_bytes(shared_library(mark=name.encode()))
    config = write_config(models / "config.json", entry("a"), **cutting("lib.so"))
    manager = started(make_manager, config)
    assert shown(manager)["p"] == {1: OK}
    (models / "lib.so").unlink()
    write_config(config, entry("a"), entry("b"), **cutting("lib.so"))
    manager.poll()
    assert shown(manager)["p"] == {1: OK}
    write_config(config, entry("a"), **cutting("other.so"))
    manager.poll()
    assert shown(manager)["p"] == {1: OK}
    assert log.getvalue().count("Successfully loaded custom node library") == 2
