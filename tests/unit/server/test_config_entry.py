# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""openvino.edge.model_config: renders as model_server does, lints what is there, writes a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.config.render import config_text
from ansible_collections.openvino.edge.plugins.module_utils.server.config_entry import (
    ARGUMENT_SPEC,
    SPEC_RULES,
    run,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.config import (
    render_config,
)

from .config.test_kinds import OCR
from .conftest import MakeSpec


def call(*, check: bool = False, **task: Any) -> dict[str, Any]:
    checked = ArgumentSpecValidator(dict(ARGUMENT_SPEC), **SPEC_RULES).validate(task)
    assert not checked.error_messages, checked.error_messages
    return run(checked.validated_parameters, Runtime(check_mode=check, diff=True))


def test_it_renders_what_model_server_does(spec: MakeSpec) -> None:
    done = call(**OCR, ovms_version="2026.3")
    assert done["config"] == render_config(spec(**OCR))
    assert (done["valid"], done["findings"], done["release"]) == (True, [], "2026.3")


def test_it_lints_a_file_that_is_there(tmp_path: Path) -> None:
    old = {"model_config_list": [{"config": {"name": "m", "base_path": "m", "mean": "1"}}]}
    src = tmp_path / "config.json"
    src.write_text(json.dumps(old))
    done = call(src=str(src), config_dir="/models/site")
    assert done["config"] == old and not done["valid"] and done["release"] is None
    assert [item["level"] for item in done["findings"]] == ["error", "note"]
    assert done["findings"][0]["path"] == "/model_config_list/0/config/mean"
    assert "/models/site/m" in done["findings"][1]["message"]
    src.write_text("{'a': 1}")
    with pytest.raises(InputError, match="not JSON.*line 1"):
        call(src=str(src))
    with pytest.raises(InputError, match="no such file"):
        call(src=str(tmp_path / "gone"))


def test_it_writes_only_what_is_good_and_only_if_it_differs(tmp_path: Path) -> None:
    dest = tmp_path / "config.json"
    with pytest.raises(InputError, match="/model_config_list"):
        call(config={}, dest=str(dest))
    assert list(tmp_path.iterdir()) == []
    predicted = call(**OCR, dest=str(dest), check=True)
    assert predicted["changed"] and predicted["diff"]["before"] == ""
    assert not dest.exists()
    assert call(**OCR, dest=str(dest))["changed"]
    assert dest.read_text() == config_text(predicted["config"]) == predicted["diff"]["after"]
    again = call(**OCR, dest=str(dest))
    assert not again["changed"] and "diff" not in again
    dest.chmod(0o600)
    assert call(models=[], dest=str(dest))["changed"]
    assert dest.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
    with pytest.raises(InputError, match="cannot be written"):
        call(models=[], dest=str(tmp_path / "no" / "config.json"))


@pytest.mark.parametrize("task", [{}, {"models": [], "config": {}}, {"src": "x", "monitoring": {}}])
def test_one_source(task: dict[str, Any]) -> None:
    assert ArgumentSpecValidator(dict(ARGUMENT_SPEC), **SPEC_RULES).validate(task).error_messages
