# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated pages: a kind of error, a finding or a variable that is not on its page fails."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import steps  # noqa: E402
import troubleshooting  # noqa: E402
import troubleshooting_rows as rows  # noqa: E402
import variables  # noqa: E402
from ansible_collections.openvino.edge.plugins.module_utils import errors  # noqa: E402

TOOLS = [troubleshooting, variables]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.__name__)
def test_the_tree_as_it_is_passes(tool: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert tool.main(["--check"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.__name__)
def test_an_old_page_fails_and_is_left_alone(
    tool: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = tmp_path / tool.PAGE.name
    page.write_text(f"# By hand\n\n{tool.MARK}\n\nold\n", encoding="utf-8")
    monkeypatch.setattr(tool, "PAGE", page)
    assert tool.main(["--check"]) == 1
    assert "is not up to date: run make pages" in capsys.readouterr().out
    assert page.read_text("utf-8").endswith("old\n")
    assert tool.main([]) == 0 and tool.main(["--check"]) == 0
    assert page.read_text("utf-8").startswith("# By hand\n")


def test_every_kind_of_error_is_found() -> None:
    classes = [one for one in vars(errors).values() if isinstance(one, type)]
    kinds = {one.kind for one in classes if issubclass(one, errors.EdgeError)}
    assert kinds <= set(troubleshooting.family())
    assert {"preflight", "store_missing"} <= set(troubleshooting.family())


def test_a_kind_without_an_entry_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(rows.KINDS, "gate")
    assert "kind gate: no entry in KINDS" in troubleshooting.incomplete()


def test_a_new_class_is_a_new_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = ast.parse('class New(WaitError):\n    """It is new."""\n    kind = "new"\n')
    nodes = (*troubleshooting.nodes(), *ast.walk(tree))
    monkeypatch.setattr(troubleshooting, "nodes", lambda: nodes)
    assert troubleshooting.incomplete() == ["kind new: no entry in KINDS"]


def test_a_message_or_a_code_that_is_gone_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    case = rows.Case("words that no error has", "")
    monkeypatch.setitem(rows.KINDS, "busy", rows.Kind("", (case,)))
    monkeypatch.setitem(rows.CODES, "gone_code", ("", ""))
    assert troubleshooting.incomplete() == [
        "code gone_code: no finding has it",
        "kind busy: no message says 'words that no error has'",
    ]


def test_ready_but_serves_nothing_comes_first() -> None:
    headings = [
        line for line in troubleshooting.PAGE.read_text("utf-8").splitlines() if line[:3] == "## "
    ]
    assert headings[0] == "## Ready but serves nothing"


def test_variables_have_type_meaning_and_default() -> None:
    found = {one.name: one for one in variables.variables()}
    assert found["edge_namespace"].default == "**required**"
    assert (found["edge_create"].kind, found["edge_create"].default) == ("bool", "`false`")
    assert found["edge_src"].meaning and found["edge_hosts"].readers == [
        "playbook:audit",
        "playbook:experiments",
        "playbook:rollback",
        "playbook:site",
        "playbook:teardown",
        "playbook:verify",
    ]


def test_a_variable_that_no_argument_spec_tells_of_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(variables.PARTS, "edge_kubeconfig")
    assert variables.check() == ["edge_kubeconfig: no argument spec tells its meaning"]


@pytest.mark.parametrize("name", ["troubleshooting", "variables"])
def test_lint_runs_the_checks(name: str) -> None:
    step = steps.STEPS[name]
    assert step.argv[1:] == (f"tools/{name}.py", "--check")
    assert step in steps.LINT
