# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles say the same thing in their defaults, their argument specs and their READMEs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, List

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.kube.auth.options import (
    AUTH_ARGUMENT_SPEC,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository import entry, info

ROOT = Path(__file__).parents[3]
INFO = "openvino.edge.model_repository_info"
ROLES = [
    "audit",
    "awx_setup",
    "client_certificates",
    "device_plugins",
    "experiments",
    "model_repository",
    "model_server",
    "preflight",
    "verify",
]


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def options(role: str) -> Dict[str, Any]:
    found: Dict[str, Any] = load(ROOT / "roles" / role / "meta" / "argument_specs.yml")
    return dict(found["argument_specs"]["main"]["options"])


def defaults(role: str) -> Dict[str, Any]:
    return dict(load(ROOT / "roles" / role / "defaults" / "main.yml"))


def test_all_roles_are_here() -> None:
    assert sorted(path.name for path in (ROOT / "roles").iterdir()) == ROLES


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_is_declared_with_a_default_and_told(role: str) -> None:
    assert list(options(role)) == list(defaults(role))
    readme = (ROOT / "roles" / role / "README.md").read_text()
    assert re.findall(r"^\| `(\w+)`", readme, re.M) == list(options(role))
    assert all(name.startswith(f"{role}_") for name in options(role))


@pytest.mark.parametrize("role", ROLES)
def test_constant_defaults_are_the_declared_ones(role: str) -> None:
    for name, value in defaults(role).items():
        if not (isinstance(value, str) and "{{" in value):
            assert options(role)[name].get("default") == value, name


@pytest.mark.parametrize("role", ROLES)
def test_a_comment_stands_before_each_default(role: str) -> None:
    lines = (ROOT / "roles" / role / "defaults" / "main.yml").read_text().splitlines()
    for name in defaults(role):
        place = next(i for i, line in enumerate(lines) if line.startswith(f"{name}:"))
        above = lines[place - 1]
        assert above.startswith(("#", f"{role}_claim_")), name


def action_group() -> List[str]:
    found: List[str] = load(ROOT / "meta" / "runtime.yml")["action_groups"]["all"]
    return found


def test_the_action_group_holds_every_module_that_logs_in() -> None:
    paths = sorted((ROOT / "plugins" / "modules").glob("[!_]*.py"))
    actions = sorted(path.stem for path in (ROOT / "plugins" / "action").glob("*.py"))
    # What works on files of a host, maybe as another account, never runs inside the worker.
    on_hosts = [path.stem for path in paths if "openvino.edge.attributes.host" in path.read_text()]
    assert sorted({path.stem for path in paths} - set(on_hosts)) == actions
    assert on_hosts == ["client_authority", "client_certificate"]
    logging_in = [path.stem for path in paths if "  - openvino.edge.auth\n" in path.read_text()]
    assert sorted(action_group()) == logging_in


@pytest.mark.parametrize("name", ["site", "verify", "audit", "teardown"])
def test_the_root_playbooks_import_those_of_the_collection(name: str) -> None:
    (play,) = load(ROOT / f"{name}.yml")
    assert play["ansible.builtin.import_playbook"] == f"openvino.edge.{name}"
    assert (ROOT / "playbooks" / f"{name}.yml").exists()


def test_the_audit_takes_every_option_that_both_modules_of_the_store_have() -> None:
    """An option of the copy that the audit does not know would be an error of the module."""
    role = ROOT / "roles" / "audit"
    given = set(load(role / "vars" / "main.yml")["__audit_helper_options"])
    tasks = load(role / "tasks" / "main.yml")
    own = set(next(task[INFO] for task in tasks if INFO in task))
    both = set(info.ARGUMENT_SPEC) & set(entry.ARGUMENT_SPEC) - set(AUTH_ARGUMENT_SPEC)
    assert given | own - {"verify"} == both
