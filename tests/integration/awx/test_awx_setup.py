# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""openvino.edge.awx with the real awx.awx 24.6.1, against the stand-in for AWX's API.

No AWX has been asked here: how one answers is what tests/testbed/awx knows of it.
"""

from __future__ import annotations

import json

import pytest
from awxkit import MARKER, Awx

WANTED = {
    "awx_setup_project_url": "https://git.example.com/fleet.git",
    "awx_setup_image": "registry.example.com/edge-ee:1",
    "awx_setup_logins": ["kubeconfig", "hub", "token"],
    "awx_setup_secrets": {name: f"{MARKER}-{name}" for name in ("kubeconfig", "hub", "token")},
    "awx_setup_more_credentials": ["vault of the fleet"],
    "awx_setup_notifications": ["mail"],
}
NAME = "OpenVINO edge"
JOBS = {"canary", "site", "verify", "audit", "repair", "rollback", "teardown"}


def prepare(awx: Awx) -> None:
    """Make what has to be there: a credential and a notification of the user's own."""
    organization = awx.store.add("organizations", {"name": NAME})["id"]
    kind = awx.store.add("credential_types", {"name": "Vault", "kind": "vault"})["id"]
    awx.store.rows["credential_types"][kind]["inputs"] = {"fields": []}
    given = {"name": "vault of the fleet", "organization": organization, "credential_type": kind}
    awx.store.add("credentials", given)
    mail = {"name": "mail", "organization": organization, "notification_type": "email"}
    awx.store.add("notification_templates", mail)


def check_objects(awx: Awx) -> None:
    """Compare what AWX has with what is wanted."""
    store = awx.store
    assert store.named("projects", NAME)["scm_url"] == WANTED["awx_setup_project_url"]
    source = store.named("inventory_sources", NAME)
    assert (source["source_path"], source["update_on_launch"]) == ("clusters.yml", True)
    hub = store.named("credentials", f"{NAME} hub")
    assert source["credential"] == hub["id"]
    assert hub["inputs"] == {"content": f"{MARKER}-hub"}
    kind = store.named("credential_types", f"{NAME} kubeconfig")
    assert kind["injectors"] == {
        "file": {"template": "{{ content }}"},
        "env": {
            "KUBECONFIG": "{{ tower.filename }}",
            "K8S_AUTH_KUBECONFIG": "{{ tower.filename }}",
        },
    }
    names = {row["name"].removeprefix(f"{NAME} ") for row in store.rows["job_templates"].values()}
    assert names == JOBS
    logins = [f"{NAME} {name}" for name in ("hub", "kubeconfig", "token")]
    for name in JOBS:
        linked = store.linked("job_templates", f"{NAME} {name}", "credentials")
        assert linked == [*logins, "vault of the fleet"]
    canary = store.named("job_templates", f"{NAME} canary")
    assert (canary["playbook"], canary["limit"]) == ("site.yml", "canary")
    assert not canary["ask_limit_on_launch"]
    waves = json.loads(canary["extra_vars"])["edge_waves"]
    assert waves == [{"name": "canary", "rest": True, "max_failures": 0}]
    repair = store.named("job_templates", f"{NAME} repair")
    assert json.loads(repair["extra_vars"]) == {"edge_repair": True}
    asked = store.surveys[store.named("job_templates", f"{NAME} rollback")["id"]]["spec"]
    assert [(one["variable"], one["default"]) for one in asked] == [("edge_release", "last_good")]
    assert store.linked("organizations", NAME, "notification_templates_error") == ["mail"]
    schedule = store.named("schedules", f"{NAME} nightly audit")
    audit = store.named("job_templates", f"{NAME} audit")
    assert schedule["unified_job_template"] == audit["id"]


def check_workflow_and_teams(awx: Awx) -> None:
    """Compare the workflow and the rights with what is wanted."""
    store = awx.store
    table = "workflow_job_template_nodes"
    assert store.linked(table, "canary", "success_nodes") == ["approval"]
    assert store.linked(table, "approval", "success_nodes") == ["site"]
    assert store.linked(table, "site", "success_nodes") == []
    approval = store.named(table, "approval")["unified_job_template"]
    assert store.rows["workflow_approval_templates"][approval]["timeout"] == 0
    whole = store.named(table, "site")["unified_job_template"]
    assert store.rows["job_templates"][whole]["name"] == f"{NAME} site"
    survey = store.surveys[store.named("workflow_job_templates", f"{NAME} rollout")["id"]]
    assert len(survey["spec"]) == 5
    operators, viewers = store.may("edge operators"), store.may("edge viewers")
    assert viewers == {("read_role", f"{NAME} {name}") for name in JOBS | {"rollout"}}
    launched = {("execute_role", f"{NAME} {name}") for name in JOBS - {"teardown"} | {"rollout"}}
    assert operators == viewers | launched | {("approval_role", f"{NAME} rollout")}


@pytest.mark.whole
def test_twice_changed_once_and_removed(awx: Awx) -> None:
    prepare(awx)
    first = awx.play(WANTED, "-vvv")
    assert first.code == 0 and first.changed > 0, first.text
    assert MARKER not in first.text
    check_objects(awx)
    check_workflow_and_teams(awx)

    second = awx.play(WANTED, "-vvv")
    assert (second.code, second.changed, second.requests) == (0, 0, []), second.text
    assert MARKER not in second.text

    branch = {**WANTED, "awx_setup_project_branch": "v2"}
    predicted = awx.play(branch, "--check")
    assert (predicted.code, predicted.changed, predicted.requests) == (0, 1, []), predicted.text
    changed = awx.play(branch)
    assert (changed.code, changed.changed) == (0, 1), changed.text
    ((method, path, _body),) = changed.requests
    assert (method, path.split("/")[3]) == ("PATCH", "projects")

    gone = {**branch, "awx_setup_state": "absent"}
    removed = awx.play(gone)
    assert removed.code == 0 and removed.changed > 0, removed.text
    left = {table: {row["name"] for row in rows.values()} for table, rows in awx.store.rows.items()}
    assert {table: names for table, names in left.items() if names} == {
        "organizations": {NAME},
        "teams": {"edge operators", "edge viewers"},
        "credential_types": {"Vault"},
        "credentials": {"vault of the fleet"},
        "notification_templates": {"mail"},
    }
    again = awx.play(gone)
    assert (again.code, again.changed, again.requests) == (0, 0, []), again.text


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "awx_setup_project_url: no repository is named"),
        ({"awx_setup_logins": []}, "awx_setup_logins: jobs would get no credential"),
        ({"awx_setup_secrets": {"hub": MARKER}}, "awx_setup_secrets: there is content for hub"),
        ({"awx_setup_logins": ["password"]}, "awx_setup_logins"),
        ({"awx_setup_teams": [{"name": "a", "may": ["fly"]}]}, "may"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_made(
    awx: Awx, variables: dict[str, object], words: str
) -> None:
    url = {"awx_setup_project_url": "https://git.example.com/fleet.git"} if variables else {}
    done = awx.play({**url, **variables}, "-vvv")
    assert done.code == 2 and done.requests == [], done.text
    assert words in done.text and MARKER not in done.text, done.text
