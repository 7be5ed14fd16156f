# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real play: one task asks many hosts, each with the options that a task on it would have.

Needs no cluster; `make matrix` runs it on every supported ansible-core.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest

from .playkit import HERE, run_play

# A secret that is also a word of an error: who masks it shows that it knows the secret.
WORD = "connections"


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> "dict[str, Any]":
    folder = tmp_path_factory.mktemp("answers")
    models = [{"name": "ocr", "versions": [2]}]
    hosts: dict[str, Any] = {
        "one": {"address": "127.0.0.1"},
        "two": {"address": "127.0.0.2", "secret": WORD},
        "late": {"address": "127.0.0.1", "patience": "soon"},
        "bare": {"address": "127.0.0.1", "replicas": "{{ there_is_no_such_variable }}"},
        "odd": {"address": "127.0.0.1", "models": "ocr"},
    }
    common = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "answers": str(folder),
        "models": models,
        "patience": "5",
        "replicas": 1,
        "secret": "nothing-to-see",
    }
    inventory = {"all": {"hosts": hosts, "vars": common}}
    return run_play(HERE / "fleet.yml", folder, inventory)


def test_each_host_has_its_own_options_and_the_defaults_of_the_play(
    answers: "dict[str, Any]",
) -> None:
    for host, address in (("one", "127.0.0.1"), ("two", "127.0.0.2")):
        mine = answers[host]["mine"]
        assert mine["error"]["kind"] == "unreachable" and mine["available"] is False
        assert f"https://{address}:1" in mine["msg"]


def test_the_secrets_of_a_host_are_masked_in_its_own_result_only(
    answers: "dict[str, Any]",
) -> None:
    assert WORD in answers["one"]["mine"]["msg"]
    assert WORD not in answers["two"]["mine"]["msg"]
    assert WORD not in answers["one"]["bad"]["two"]


@pytest.mark.parametrize(
    ("host", "words"),
    [("late", "wait_timeout"), ("bare", "there_is_no_such_variable"), ("odd", "wanted_models")],
)
def test_options_that_are_no_good_are_told_of_their_host(
    answers: "dict[str, Any]", host: str, words: str
) -> None:
    mine = answers[host]["mine"]
    assert (mine["failed"], mine["error"]["kind"]) == (True, "input")
    assert mine["error"]["option"] == "asked" and words in mine["msg"]


def test_all_is_told_of_all(answers: "dict[str, Any]") -> None:
    one = answers["one"]
    assert one["counts"] == {"asked": 6, "available": 0, "bad": 6}
    assert "there is no such host" in one["bad"]["nobody"]
    assert set(one["bad"]) == {"one", "two", "late", "bare", "odd", "nobody"}
    assert "one: host: https://127.0.0.1:1: " in answers["output"], "a line tells of it at once"
