# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts without rights of their own, each for one test (or one fixture) of one worker.

An account that two share has what either of them binds: a right that one has taken away may still
be there. So whoever takes a right away does it with an account that nobody else knows, and sees by
an access review *under that account* that it is gone before the test goes on.
"""

from __future__ import annotations

import contextlib
import copy
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client as k8s
from kubernetes import config as k8s_config
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

HOME = "default"
GROUP = "rbac.authorization.k8s.io"
LIFETIME = 4 * 3600
PATIENCE = 30.0
# To connect and to answer. A cluster that was taken down with its network says nothing at all: TCP
# itself would go on for a quarter of an hour.
GONE_SECONDS = (5, 10)
_MADE: list[Callable[[], None]] = []


@dataclass
class Restricted:
    """One account: ``user`` is its name for bindings, ``kubeconfig`` logs in as it."""

    user: str
    kubeconfig: Path
    _api: Any = field(default=None, repr=False)

    @property
    def auth(self) -> dict[str, Any]:
        """Return the authentication options of the modules."""
        return {"kubeconfig": str(self.kubeconfig)}

    @property
    def subjects(self) -> list[dict[str, str]]:
        """Return the account as a binding has it."""
        return [{"kind": "User", "name": self.user, "apiGroup": GROUP}]

    def may(
        self, verb: str, group: str, resource: str, namespace: str = "", name: str = ""
    ) -> bool:
        """Ask the API server, as this account; ``resource`` may have a subresource."""
        if self._api is None:
            self._api = k8s_config.new_client_from_config(str(self.kubeconfig))
        plural, _mark, subresource = resource.partition("/")
        asked = {"verb": verb, "group": group, "resource": plural, "subresource": subresource}
        asked |= {"namespace": namespace, "name": name}
        body = {"spec": {"resourceAttributes": asked}}
        review = k8s.AuthorizationV1Api(self._api).create_self_subject_access_review(body)
        return bool(review.status.allowed)

    def until(
        self,
        verb: str,
        group: str,
        resource: str,
        namespace: str = "",
        name: str = "",
        *,
        allowed: bool = True,
    ) -> None:
        """Wait until the API server's authorizer has seen that a right came, or went."""
        end = time.monotonic() + PATIENCE
        while self.may(verb, group, resource, namespace, name) is not allowed:
            right = f"{verb} {resource}.{group} in {namespace or 'the cluster'}"
            word = "is not there" if allowed else "is still there"
            assert time.monotonic() < end, f"{right} {word} for {self.user}"
            time.sleep(0.05)

    def until_rules(self, namespace: str, rules: Iterable[dict[str, Any]]) -> None:
        """Wait until all that rules of a role allow is there."""
        for rule in rules:
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    for verb in rule["verbs"]:
                        for name in rule.get("resourceNames", [""]):
                            self.until(verb, group, resource, namespace, name)


def new_account(core: Any, admin: Path) -> Restricted:
    """Make an account with an administrator's kubeconfig; ``remove_accounts`` takes it away."""
    name = f"edge-test-{uuid.uuid4().hex[:8]}"
    core.create_namespaced_service_account(HOME, {"metadata": {"name": name}})

    def remove() -> None:
        # Some clusters live only as long as one test; another may have the address by now.
        with contextlib.suppress(ApiException, HTTPError, OSError):
            core.delete_namespaced_service_account(name, HOME, _request_timeout=GONE_SECONDS)

    _MADE.append(remove)
    wanted = {"spec": {"expirationSeconds": LIFETIME}}
    answer = core.create_namespaced_service_account_token(name, HOME, wanted)
    folder = Path(tempfile.mkdtemp(prefix="edge-test-account-"))
    _MADE.append(lambda: _forget(folder))
    path = folder / "kubeconfig.yml"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(_as_account(admin, answer.status.token)), encoding="utf-8")
    return Restricted(f"system:serviceaccount:{HOME}:{name}", path)


def remove_accounts() -> None:
    """Remove all accounts that this process has made."""
    while _MADE:
        _MADE.pop()()


def _as_account(admin: Path, token: str) -> dict[str, Any]:
    """Return an administrator's kubeconfig with another login; its paths stay right."""
    config: dict[str, Any] = copy.deepcopy(yaml.safe_load(admin.read_text(encoding="utf-8")))
    for entry in config["clusters"]:
        file = entry["cluster"].get("certificate-authority")
        if file:
            entry["cluster"]["certificate-authority"] = str(admin.parent / file)
    config["users"] = [{"name": "account", "user": {"token": token}}]
    for entry in config["contexts"]:
        entry["context"]["user"] = "account"
    return config


def _forget(folder: Path) -> None:
    with contextlib.suppress(OSError):
        (folder / "kubeconfig.yml").unlink()
        folder.rmdir()
