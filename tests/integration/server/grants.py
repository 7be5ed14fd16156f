# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives an account of its own what is shipped for an option, and takes single rights away again."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from accounts import GROUP, Restricted

FILES = Path(__file__).resolve().parents[3] / "roles" / "preflight" / "files"


class Right(NamedTuple):
    """One verb on one resource, maybe of one name."""

    group: str
    resource: str
    verb: str
    name: str = ""

    def rule(self) -> dict[str, Any]:
        """Return it as a role has it."""
        named = {"resourceNames": [self.name]} if self.name else {}
        return {
            "apiGroups": [self.group],
            "resources": [self.resource],
            "verbs": [self.verb],
            **named,
        }


def shipped(role: str) -> list[Right]:
    """Return the rights of a role in any of the shipped files."""
    items = [
        item
        for path in FILES.glob("rbac*.yml")
        for item in yaml.safe_load(path.read_text(encoding="utf-8"))["items"]
    ]
    (found,) = [item for item in items if item["metadata"]["name"] == f"openvino-edge-{role}"]
    return [
        Right(group, resource, verb, name)
        for rule in found["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    ]


@dataclass
class Grants:
    """What an account of its own may do in one namespace, and in the cluster.

    ``remove`` takes all back.
    """

    cluster: Any
    namespace: str
    suffix: str = field(default_factory=lambda: uuid.uuid4().hex[:6])
    wide: list[str] = field(default_factory=list)
    account: Restricted = field(init=False)

    def __post_init__(self) -> None:
        """Make the account."""
        self.account = self.cluster.new_account()

    def give(self, role: str, *, wide: bool = False) -> None:
        """Bind a shipped role, and wait until that works."""
        name, rbac = f"edge-test-{role}-{self.suffix}", self.cluster.rbac
        meta = {"metadata": {"name": name}}
        body = {**meta, "rules": [right.rule() for right in shipped(role)]}
        kind = "ClusterRole" if wide else "Role"
        reference = {"roleRef": {"apiGroup": GROUP, "kind": kind, "name": name}}
        binding = {**meta, **reference, "subjects": self.account.subjects}
        if wide:
            rbac.create_cluster_role(body)
            rbac.create_cluster_role_binding(binding)
            self.wide.append(name)
        else:
            rbac.create_namespaced_role(self.namespace, body)
            rbac.create_namespaced_role_binding(self.namespace, binding)
        for right in shipped(role):
            self.wait(right, wide=wide)

    @contextmanager
    def lost(self, role: str, right: Right, *, wide: bool = False) -> Iterator[None]:
        """Take one right away for some time."""
        self._have(role, [item for item in shipped(role) if item != right], wide)
        self.wait(right, allowed=False, wide=wide)
        try:
            yield
        finally:
            self._have(role, shipped(role), wide)
            self.wait(right, wide=wide)

    def _have(self, role: str, rights: list[Right], wide: bool) -> None:
        name, rbac = f"edge-test-{role}-{self.suffix}", self.cluster.rbac
        body = {"metadata": {"name": name}, "rules": [right.rule() for right in rights]}
        if wide:
            rbac.replace_cluster_role(name, body)
        else:
            rbac.replace_namespaced_role(name, self.namespace, body)

    def wait(self, right: Right, *, allowed: bool = True, wide: bool = False) -> None:
        """Wait until the account has, or has no longer, a right."""
        place = "" if wide else self.namespace
        group, resource, verb, name = right
        self.account.until(verb, group, resource, place, name, allowed=allowed)

    def remove(self) -> None:
        """Remove what is not in the namespace."""
        for name in self.wide:
            self.cluster.rbac.delete_cluster_role_binding(name)
            self.cluster.rbac.delete_cluster_role(name)
