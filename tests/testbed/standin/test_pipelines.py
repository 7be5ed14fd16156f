# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pipelines: their models, their libraries of custom nodes."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import entry, shown, started, write_config, write_ir
from ovms_standin.knobs import Generation
from ovms_standin.manager import ModelManager
from shared_library import NODE_SYMBOLS, shared_library

MakeManager = Callable[..., ModelManager]
OK = ("AVAILABLE", "OK")
ENDED = ("END", "OK")


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


CUTTER: dict[str, Any] = {"inputs": ["all"], "outputs": ["one"]}


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
        (shared_library(failing=True, **CUTTER), "Initialization of library with base path: "),
        (shared_library(inputs=["other"], outputs=["one"]), "Node: c has no input with name: all"),
        (shared_library(inputs=["all"]), "Missing output: one of dependency node: c"),
        (
            shared_library(inputs=["all", "more"], outputs=["one"]),
            "Node: c has inputs:: more,  not connected to any source",
        ),
        (shared_library(inputs=[]), "Custom node library has produced corrupted number of outputs"),
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
        (models / name).write_bytes(shared_library(mark=name.encode(), **CUTTER))
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
