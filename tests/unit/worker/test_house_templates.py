# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates that are compiled once for all workers; `make matrix` runs it on every ansible-core."""

from __future__ import annotations

import os
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.openvino.edge.plugins.plugin_utils import per_host, templates
from jinja2 import Environment

try:
    from ansible.template import trust_as_template as trusted
except ImportError:  # before ansible-core 2.19 every text is one
    trusted = str


def code(text: str) -> CodeType:
    return compile(text, "<template>", "exec")


def in_a_child(work: Any) -> None:
    """Do something in a process that is forked from this one."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


def test_what_one_child_keeps_another_one_finds() -> None:
    shared = templates.SharedCode(1 << 20)
    key = b"k" * 16
    in_a_child(lambda: shared.put(key, code("found = 7")))

    def look() -> None:
        names: dict[str, Any] = {}
        kept = shared.get(key)
        assert kept is not None
        exec(kept, names)
        assert names["found"] == 7

    in_a_child(look)
    look()
    assert shared.get(b"x" * 16) is None


def test_full_memory_and_a_lock_that_is_held_keep_nothing_and_nobody() -> None:
    small = templates.SharedCode(64)
    in_a_child(lambda: small.put(b"k" * 16, code("found = 7")))
    assert small.get(b"k" * 16) is None
    held = templates.SharedCode(1 << 20)
    held._lock.acquire()
    in_a_child(lambda: held.put(b"k" * 16, code("found = 7")))
    assert held.get(b"k" * 16) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ a + 1 }}", 4),
        ("{{ [a, b] | map('string') | join('-') }}", "3-x"),
        ("{% if b == 'x' %}yes{% endif %}", "yes"),
        (r"{{ b | regex_replace('(x)', '\1\1') }}", "xx"),
    ],
)
def test_a_template_has_the_same_value_each_time(text: str, value: Any) -> None:
    templates.share_compiled()
    for _ in range(3):
        # An environment of its own each time, as each worker has.
        templar = Templar(loader=DataLoader(), variables={"a": 3, "b": "x"})
        assert templar.template(trusted(text)) in (value, str(value))


def test_a_template_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    templates.share_compiled()
    text = trusted(f"{{{{ a }}}} of {os.getpid()} {os.urandom(8).hex()}")
    made: list[str] = []
    original = Environment._generate

    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        made.append("one")
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Environment, "_generate", counted)
    for number in range(3):
        templar = Templar(loader=DataLoader(), variables={"a": number})
        assert templar.template(text).startswith(f"{number} of ")
    assert len(made) == 1


def test_only_rollouts_share_and_nobody_who_does_not_want_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = (Path(templates.__file__).parents[1] / "action" / "rollout_cluster.py").read_text()
    assert "share_compiled()" in text
    users = [
        path.name
        for path in Path(templates.__file__).parents[1].rglob("*.py")
        if "share_compiled" in path.read_text() and path.name != "templates.py"
    ]
    assert users == ["rollout_cluster.py"]
    original = getattr(Environment.compile, "__wrapped__", Environment.compile)
    monkeypatch.setattr(Environment, "compile", original)
    monkeypatch.setenv(templates.SWITCH, "0")
    assert templates.share_compiled() is False and Environment.compile is original


def test_environments_with_other_settings_share_nothing() -> None:
    plain, other = Environment(), Environment(variable_start_string="<<")
    assert templates._key(plain, "{{ a }}") != templates._key(other, "{{ a }}")
    assert templates._key(plain, "{{ a }}") == templates._key(Environment(), "{{ a }}")
    assert templates._key(plain, "a\\b") is None, "Ansible doubles some backslashes"


def test_one_task_compiles_each_condition_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """For all hosts, each with its own variables; a text with a backslash is compiled each time."""
    compiled: list[Any] = []
    original = Environment.compile_expression

    def count(self: Environment, source: Any, *args: Any) -> Any:
        compiled.append(str(source))
        return original(self, source, *args)

    monkeypatch.setattr(Environment, "compile", Environment.compile)
    monkeypatch.setattr(Environment, "compile_expression", count)
    per_host.compile_once()
    environment = Environment()
    found = [environment.compile_expression("x + 1")(x=number) for number in (1, 2)]
    assert found == [2, 3] and compiled == ["x + 1"]
    for _round in range(2):
        assert environment.compile_expression(r"'a\\b'")() == "a\\b"
    assert len(compiled) == 3
