# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stand-in for AWX knows of each kind of object: its fields, and what they refer to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Table:
    """One collection of AWX's API.

    Attributes:
        type: how objects of it are named in their field C(type).
        required: fields without which none is made.
        refers: fields with the id of another object, and the tables that one is in.
        defaults: what an object has that nobody gave it.
        links: kinds of objects that are associated with one, by the end of the address.
        roles: what teams can be on one.
        survey: whether one has a survey.
    """

    type: str
    required: tuple[str, ...] = ("name",)
    refers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    links: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    survey: bool = False


ORGANIZATION = {"organization": ("organizations",)}
NOTIFIED = (
    "notification_templates_started",
    "notification_templates_success",
    "notification_templates_error",
)
# Whatever can be launched, scheduled, or be a node of a workflow.
UNIFIED = (
    "projects",
    "inventory_sources",
    "job_templates",
    "workflow_job_templates",
    "workflow_approval_templates",
)

TABLES = {
    "organizations": Table(
        "organization",
        links=(*NOTIFIED, "notification_templates_approvals", "galaxy_credentials"),
        roles=("admin", "read", "execute"),
    ),
    "teams": Table("team", ("name", "organization"), ORGANIZATION, roles=("admin", "member")),
    "credential_types": Table(
        "credential_type",
        ("name", "kind"),
        defaults={"managed": False, "inputs": {}, "injectors": {}},
    ),
    "credentials": Table(
        "credential",
        ("name", "credential_type"),
        {**ORGANIZATION, "credential_type": ("credential_types",)},
        {"inputs": {}},
        roles=("admin", "use", "read"),
    ),
    "execution_environments": Table(
        "execution_environment", ("name", "image"), ORGANIZATION, {"credential": None, "pull": ""}
    ),
    "projects": Table(
        "project",
        ("name", "organization"),
        {**ORGANIZATION, "credential": ("credentials",)},
        {"scm_branch": "", "scm_revision": "", "scm_update_on_launch": False, "credential": None},
        NOTIFIED,
        ("admin", "use", "update", "read"),
    ),
    "inventories": Table(
        "inventory",
        ("name", "organization"),
        ORGANIZATION,
        {"kind": "", "host_filter": None, "variables": ""},
        roles=("admin", "use", "adhoc", "update", "read"),
    ),
    "inventory_sources": Table(
        "inventory_source",
        ("name", "inventory", "source"),
        {
            "inventory": ("inventories",),
            "source_project": ("projects",),
            "credential": ("credentials",),
            "execution_environment": ("execution_environments",),
        },
        links=NOTIFIED,
    ),
    "job_templates": Table(
        "job_template",
        ("name", "project", "playbook"),
        {
            "project": ("projects",),
            "inventory": ("inventories",),
            "execution_environment": ("execution_environments",),
        },
        {"extra_vars": "", "limit": "", "survey_enabled": False, "execution_environment": None},
        ("credentials", "labels", "instance_groups", *NOTIFIED),
        ("admin", "execute", "read"),
        survey=True,
    ),
    "workflow_job_templates": Table(
        "workflow_job_template",
        ("name",),
        {**ORGANIZATION, "inventory": ("inventories",)},
        {"extra_vars": "", "survey_enabled": False},
        ("labels", *NOTIFIED, "notification_templates_approvals"),
        ("admin", "execute", "read", "approval"),
        survey=True,
    ),
    "workflow_job_template_nodes": Table(
        "workflow_job_template_node",
        ("identifier", "workflow_job_template"),
        {"workflow_job_template": ("workflow_job_templates",), "unified_job_template": UNIFIED},
        {"unified_job_template": None, "all_parents_must_converge": False},
        ("success_nodes", "failure_nodes", "always_nodes", "credentials", "labels"),
    ),
    "workflow_approval_templates": Table(
        "workflow_approval_template", ("name",), defaults={"description": "", "timeout": 0}
    ),
    "schedules": Table(
        "schedule",
        ("name", "rrule", "unified_job_template"),
        {"unified_job_template": UNIFIED},
        {"enabled": True},
        ("credentials", "labels", "instance_groups"),
    ),
    "notification_templates": Table(
        "notification_template", ("name", "organization", "notification_type"), ORGANIZATION
    ),
}
# With an object go those that refer to it by one of these fields; another field is emptied.
OWNERS = ("organization", "inventory", "workflow_job_template")
