# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The surveys of AWX ask for what playbooks and roles take: same types, choices and defaults."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.fleet import plan

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "testbed" / "awx")]

import awx_role  # noqa: E402
import awx_standin  # noqa: E402
import variables  # noqa: E402


def load(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text())


OWN = awx_role.role_variables()
SPEC = load("roles/awx_setup/meta/argument_specs.yml")["argument_specs"]["main"]["options"]
QUESTIONS: List[Dict[str, Any]] = OWN["__awx_setup_questions"]
TEMPLATES: List[Dict[str, Any]] = OWN["__awx_setup_templates"]
OF_PLAYBOOKS = {one.name: one for one in variables.variables()}
# A default there would be launched by a slip: everything is removed.
NEVER = ["edge_hosts"]


def declared(variable: str) -> Dict[str, Any]:
    """Return type, choices and default of a variable, as its playbook or role declares them."""
    if variable.startswith("edge_"):
        told = OF_PLAYBOOKS[variable]
        default = told.default.strip("`")
        option = plan.ARGUMENT_SPEC.get(variable.partition("_")[2], {})
        found = {"type": told.kind, "choices": option.get("choices"), "default": default}
    else:
        role = variable.partition("_")[0]
        specs = load(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]
        found = dict(specs["main"]["options"][variable])
    if found["type"] == "bool":
        found |= {"choices": ["true", "false"], "default": str(found["default"]).lower()}
    return found


def survey(template: Dict[str, Any]) -> List[str]:
    """Return the variables that a template asks for; some say where they are listed."""
    asked = template["survey"]
    names: List[str] = OWN[asked.strip("{} ")] if isinstance(asked, str) else asked
    return names


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: str(one["variable"]))
def test_a_question_is_what_its_variable_is(question: Dict[str, Any]) -> None:
    spec = declared(question["variable"])
    kinds = {"int": "integer", "str": "text", "raw": "text"}
    wanted = "multiplechoice" if spec.get("choices") else kinds[spec["type"]]
    assert question["type"] == wanted
    assert question.get("choices") == spec.get("choices")
    if "default" in question:
        assert question["default"] == spec["default"]
        validator = ArgumentSpecValidator({"it": {"type": spec["type"]}})
        for answer in question.get("choices", [question["default"]]):
            assert not validator.validate({"it": answer}).error_messages


def test_only_what_is_always_answered_has_a_default() -> None:
    """AWX sends the default of a question that nobody answered, and it hides the inventory."""
    for question in QUESTIONS:
        has_default = "default" in question
        assert has_default == (question["required"] and question["variable"] not in NEVER)


def test_awx_takes_the_surveys() -> None:
    for template in TEMPLATES:
        asked = [one for one in QUESTIONS if one["variable"] in survey(template)]
        assert len(asked) == len(survey(template))
        awx_standin.check_survey({"name": "", "description": "", "spec": asked})
    assert {one["variable"] for one in QUESTIONS} == {
        name for template in TEMPLATES for name in survey(template)
    }


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: str(one["name"]))
def test_a_playbook_takes_what_its_survey_asks_for(template: Dict[str, Any]) -> None:
    assert (ROOT / template["playbook"]).exists()
    text = (ROOT / "playbooks" / template["playbook"]).read_text()
    roles = [path for path in (ROOT / "roles").iterdir() if f"openvino.edge.{path.name}" in text]
    taken = text + "".join((path / "defaults" / "main.yml").read_text() for path in roles)
    for name in [*survey(template), *template.get("extra_vars", {})]:
        assert name in taken, name


def test_the_choices_of_the_role_are_what_it_has() -> None:
    schedules = SPEC["awx_setup_schedules"]["options"]["template"]["choices"]
    assert set(schedules) < {template["name"] for template in TEMPLATES}
    assert SPEC["awx_setup_teams"]["options"]["may"]["choices"] == list(OWN["__awx_setup_rights"])
    assert SPEC["awx_setup_logins"]["choices"] == list(OWN["__awx_setup_login_types"])


def test_a_credential_is_secret_and_no_extra_variable() -> None:
    for kind in OWN["__awx_setup_login_types"].values():
        assert all(item["secret"] for item in kind["inputs"]["fields"])
        assert set(kind["injectors"]) <= {"file", "env"}
