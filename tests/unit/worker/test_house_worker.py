# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real play: the action inside the worker and the module beside it give the same answer.

Needs no cluster; `make matrix` runs it on every supported ansible-core.
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from .playkit import HERE, run_play

SECRET = "a-token-that-nobody-may-see"


@pytest.fixture(scope="module")
def closed_port() -> Iterator[int]:
    """A port that is taken but not listened on: connections to it are refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory, closed_port: int) -> "dict[str, Any]":
    folder = tmp_path_factory.mktemp("answers")
    local = {"ansible_python_interpreter": sys.executable}
    inventory = {
        "all": {
            "hosts": {
                "worker": {**local, "ansible_connection": "local"},
                "module": {**local, "ansible_connection": "elsewhere"},
            },
            "vars": {"closed_port": closed_port, "secret": SECRET, "answers": str(folder)},
        }
    }
    return run_play(HERE / "play.yml", folder, inventory)


@pytest.mark.parametrize("host", ["worker", "module"])
def test_unreachable_server_is_named(answers: "dict[str, Any]", host: str) -> None:
    nobody = answers[host]["nobody"]
    assert nobody["failed"] is True
    assert nobody["changed"] is False
    assert nobody["error"]["kind"] == "unreachable"
    assert "127.0.0.1" in nobody["msg"]


def test_both_ways_give_the_same_error(answers: "dict[str, Any]") -> None:
    worker, module = answers["worker"]["nobody"], answers["module"]["nobody"]
    assert (worker["msg"], worker["error"]) == (module["msg"], module["error"])


@pytest.mark.parametrize("host", ["worker", "module"])
def test_unknown_option_is_refused(answers: "dict[str, Any]", host: str) -> None:
    unknown = answers[host]["unknown"]
    assert unknown["failed"] is True
    assert "no_such_option" in unknown["msg"]


def test_secrets_are_not_shown(answers: "dict[str, Any]") -> None:
    shown = json.dumps([answers["worker"], answers["module"]])
    assert SECRET not in shown
