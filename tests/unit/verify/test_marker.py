# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model whose name says which configuration is loaded, judged by onnx and by OpenVINO."""

from __future__ import annotations

import json

import numpy
import onnx
import openvino
import pytest
from ansible_collections.openvino.edge.plugins.module_utils.verify import marker
from ansible_collections.openvino.edge.plugins.module_utils.verify.status import (
    parse_config_status,
)

NAME = marker.marker_name("one")


def listed(*states: tuple[str, str]) -> bytes:
    return json.dumps(
        {
            name: {"model_version_status": [{"version": "1", "state": state, "status": {}}]}
            for name, state in states
        }
    ).encode()


def test_the_model_is_one_that_copies_a_number() -> None:
    made = marker.marker_model()
    assert len(made) < 100
    onnx.checker.check_model(onnx.load_from_string(made))
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(made), "CPU")
    assert compiled([numpy.array([3.5], numpy.float32)])[0] == [3.5]


def test_another_configuration_has_another_name() -> None:
    assert marker.marker_name("two") != NAME and marker.marker_name("one") == NAME
    assert marker.is_marker(NAME)
    for name in ("edge-config-", f"{NAME}0", "edge-config-0123456789abcdeg", "detection", NAME[1:]):
        assert not marker.is_marker(name)


def test_the_entry_comes_and_goes() -> None:
    plain = {"model_config_list": [{"config": {"name": "ocr", "base_path": "/models/ocr"}}]}
    marked = {"model_config_list": [*plain["model_config_list"], marker.marker_entry(NAME, "/c")]}
    assert marker.marker_of(json.dumps(marked)) == NAME
    assert marker.marker_of(json.dumps(plain)) is None
    assert marker.without_marker(marked) == plain


@pytest.mark.parametrize("text", ["", "INFO", "3", "null", "[]", '{"model_config_list": 1}'])
def test_what_others_have_written_has_no_marker(text: str) -> None:
    """The ConfigMap of an adopted server is put back when its successor does not come up."""
    assert marker.marker_of(text) is None


def test_a_marker_is_no_model_of_a_report() -> None:
    old = marker.marker_name("old")
    body = listed(("ocr", "AVAILABLE"), (old, "END"), (NAME, "AVAILABLE"))
    status = parse_config_status(body)
    assert status.models == ("ocr",) and [item.model for item in status.versions] == ["ocr"]
    assert status.configuration == NAME
    assert parse_config_status(listed((old, "END"))).configuration is None
