# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files with rights for options ship exactly what the options ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.server.checks import cluster
from ansible_collections.openvino.edge.plugins.module_utils.server.render import kinds, scc

from ..conftest import make_spec

FILES = Path(__file__).parents[4] / "roles" / "preflight" / "files"
# Read where it is allowed; nobody needs it.
WELCOME = ("options-reader", "openshift-reader")
HOSTS = {
    "host_path": {"path": "/srv", "nodes": ["n"]},
    "platform": "openshift",
    "pvc": None,
}


class Right(NamedTuple):
    """One verb on one resource, maybe of one name."""

    group: str
    resource: str
    verb: str
    name: str = ""


def shipped(file: str) -> dict[str, set[Right]]:
    """Return the rights of the roles of a file, by the last part of their names."""
    items = yaml.safe_load((FILES / file).read_text(encoding="utf-8"))["items"]
    return {
        item["metadata"]["name"].removeprefix("openvino-edge-"): {
            Right(group, resource, verb, name)
            for rule in item["rules"]
            for group in rule["apiGroups"]
            for resource in rule["resources"]
            for verb in rule["verbs"]
            for name in rule.get("resourceNames", [""])
        }
        for item in items
    }


def asked(**options: Any) -> set[Right]:
    """Return the rights that options need beyond those of the usual job."""

    def of(**given: Any) -> set[Right]:
        wanted = cluster.access_for(make_spec(**given), wait=True, prune=True)
        return {
            Right(item.group, item.resource, item.verb, (item.name or "") if item.group else "")
            for item in wanted
        }

    return of(**options) - of()


@pytest.mark.parametrize(
    ("options", "file", "roles"),
    [
        ({"network_policy": {}}, "rbac-options.yml", ["network-policy"]),
        ({**HOSTS, "scc": {"create": True}}, "rbac-openshift.yml", ["scc-maker"]),
        ({**HOSTS, "scc": {"bind": True}}, "rbac-openshift.yml", ["scc-binder"]),
        (
            {**HOSTS, "scc": {"create": True, "bind": True}},
            "rbac-openshift.yml",
            ["scc-maker", "scc-binder"],
        ),
    ],
)
def test_a_role_has_what_its_option_needs_and_nothing_else(
    options: dict[str, Any], file: str, roles: list[str]
) -> None:
    rights = set().union(*(shipped(file)[role] for role in roles))
    # Only the API server knows whether a binding is allowed: the right, or all that it would give.
    assert asked(**options) == {right for right in rights if right.verb != "bind"}


def test_every_role_is_for_an_option() -> None:
    known = {"network-policy", "scc-maker", "scc-binder", *WELCOME}
    assert {*shipped("rbac-options.yml"), *shipped("rbac-openshift.yml")} == known


@pytest.mark.parametrize("kind", kinds.SOMETIMES, ids=lambda kind: kind[1])
def test_every_kind_that_a_server_may_have_has_its_rights_in_a_file(kind: kinds.Kind) -> None:
    group, resource = kinds.resource(kind)
    verbs = {
        right.verb
        for path in FILES.glob("rbac*.yml")
        for rights in shipped(path.name).values()
        for right in rights
        if (right.group, right.resource) == (group, resource)
    }
    assert verbs >= {"get", "list", "create", "patch", "delete"}


def test_bindings_are_to_constraints_that_are_chosen() -> None:
    names = {right.name for right in shipped("rbac-openshift.yml")["scc-binder"]} - {""}
    assert names == {scc.OWN, f"{scc.ROLE_PREFIX}{scc.NON_ROOT}"}
