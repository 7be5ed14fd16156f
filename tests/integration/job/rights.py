# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped rights, one by one, and an account that has some of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from accounts import GROUP, Restricted
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Access
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime

RBAC = Path(__file__).resolve().parents[3] / "roles" / "preflight" / "files" / "rbac.yml"

OPTIONS = ("exec-transport", "pull-credentials", "helper-guard", "quick-reload")


@dataclass(frozen=True, order=True)
class Right:
    """One verb on one resource, as a rule of a role has it."""

    group: str
    resource: str
    verb: str

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}" + (f".{self.group}" if self.group else "")

    def covers(self, access: Access) -> bool:
        """Tell whether this is the right that a module asks for."""
        resource = "/".join(part for part in (access.resource, access.subresource) if part)
        return (self.group, self.resource, self.verb) == (access.group, resource, access.verb)


def shipped(role: str) -> list[Right]:
    """Return the rights of a shipped role, by the last part of its name."""
    documents = list(yaml.safe_load_all(RBAC.read_text()))
    roles = [item for document in documents for item in document.get("items", [document])]
    (found,) = [item for item in roles if item["metadata"]["name"] == f"openvino-edge-{role}"]
    return [
        Right(group, resource, verb)
        for rule in found["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


def here_shipped() -> list[Right]:
    """Return the rights in the namespace: those of every job, then those of single options."""
    return [*shipped("deployer"), *options_shipped()]


def options_shipped() -> list[Right]:
    """Return the rights of single options of the job."""
    return [right for role in OPTIONS for right in shipped(role)]


def rules(rights: Iterable[Right]) -> list[dict[str, Any]]:
    """Return the rules of a role."""
    return [
        {"apiGroups": [right.group], "resources": [right.resource], "verbs": [right.verb]}
        for right in rights
    ]


@dataclass
class Account:
    """An account of its own in one namespace: first with all shipped rights, then with fewer.

    Everything made here is named after the namespace; cluster-wide objects go with ``remove``.
    ``known`` is an account that has rights in another namespace already; by default a new one is
    made, which nobody else knows.
    """

    cluster: Any
    namespace: str
    known: Restricted | None = None
    name: str = field(default_factory=lambda: f"edge-test-{uuid.uuid4().hex[:6]}")
    account: Restricted = field(init=False)

    def __post_init__(self) -> None:
        """Make the account, if none is given."""
        self.account = self.known or self.cluster.new_account()

    @property
    def auth(self) -> dict[str, Any]:
        """Return the authentication options of the modules."""
        return self.account.auth

    def bind(self) -> None:
        """Bind exactly what is shipped, and wait until it works."""
        subjects = self.account.subjects
        meta, rbac = {"metadata": {"name": self.name}}, self.cluster.rbac
        here = {"roleRef": {"apiGroup": GROUP, "kind": "Role", "name": self.name}}
        wide = {"roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": self.name}}
        rbac.create_namespaced_role(self.namespace, {**meta, "rules": rules(shipped("deployer"))})
        rbac.create_namespaced_role_binding(self.namespace, {**meta, **here, "subjects": subjects})
        rbac.create_cluster_role({**meta, "rules": rules(shipped("cluster-reader"))})
        rbac.create_cluster_role_binding({**meta, **wide, "subjects": subjects})
        self.without()
        for right in (*here_shipped(), *shipped("cluster-reader")):
            self.wait(right, allowed=True)

    def have(self, rights: Iterable[Right], wide: Iterable[Right]) -> None:
        """Replace the rights in the namespace and in the cluster."""
        meta, rbac = {"metadata": {"name": self.name}}, self.cluster.rbac
        rbac.replace_namespaced_role(self.name, self.namespace, {**meta, "rules": rules(rights)})
        rbac.replace_cluster_role(self.name, {**meta, "rules": rules(wide)})

    def without(self, *lost: Right) -> None:
        """Take rights away from the shipped ones."""
        self.have(
            [right for right in here_shipped() if right not in lost],
            [right for right in shipped("cluster-reader") if right not in lost],
        )
        for right in lost:
            self.wait(right, allowed=False)

    def whole(self, *back: Right) -> None:
        """Give back all shipped rights; wait for those that were away."""
        self.without()
        for right in back:
            self.wait(right, allowed=True)

    def wait(self, right: Right, *, allowed: bool) -> None:
        """Wait until the account has, or has no longer, a right."""
        wide = right.resource in ("nodes", "namespaces", "storageclasses", "persistentvolumes")
        place = "" if wide else self.namespace
        self.account.until(right.verb, right.group, right.resource, place, allowed=allowed)

    def remove(self) -> None:
        """Remove what is not in the namespace, which goes as a whole."""
        self.cluster.rbac.delete_cluster_role_binding(self.name)
        self.cluster.rbac.delete_cluster_role(self.name)


def run_module(module: Any, options: dict[str, Any], **given: Any) -> dict[str, Any]:
    """Run the entry point of a module in this process, its options checked as Ansible does."""
    known = {key: value for key, value in {**options, **given}.items() if value is not None}
    fitting = {key: value for key, value in known.items() if key in module.ARGUMENT_SPEC}
    rules_ = getattr(module, "SPEC_RULES", {})
    checked = ArgumentSpecValidator(dict(module.ARGUMENT_SPEC), **rules_).validate(fitting)
    assert not checked.error_messages, checked.error_messages
    result: dict[str, Any] = module.run(checked.validated_parameters, Runtime(diff=True))
    return result


def access_of(module: Any, options: dict[str, Any], **given: Any) -> list[Access]:
    """Return the rights that a module says it needs for these options."""
    known = {key: value for key, value in {**options, **given}.items() if value is not None}
    fitting = {key: value for key, value in known.items() if key in module.ARGUMENT_SPEC}
    rules_ = getattr(module, "SPEC_RULES", {})
    checked = ArgumentSpecValidator(dict(module.ARGUMENT_SPEC), **rules_).validate(fitting)
    assert not checked.error_messages, checked.error_messages
    wanted: list[Access] = module.required_access(checked.validated_parameters)
    return wanted
