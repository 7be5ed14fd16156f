# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks OpenShift's SecurityContextConstraints, and renders the collection's own one."""

from __future__ import annotations

from typing import List, Optional

from ...errors import ForbiddenError, InputError
from ...kube.client import KubeClient
from ...kube.health import openshift
from ...kube.types import Access
from ...store import MANAGED_BY, MANAGED_BY_LABEL
from ..discover import live
from ..plan.diff import covers
from ..render import companions, scc
from ..render.identity import Object
from ..spec.server import ServerSpec


def wants_own(spec: ServerSpec) -> bool:
    """Tell whether the constraint of the collection is to be made."""
    return spec.security.scc is not None and spec.security.scc.create


def access(spec: ServerSpec) -> List[Access]:
    """Return the rights to make it."""
    if not wants_own(spec):
        return []
    kinds = ((scc.GROUP, scc.RESOURCE), ("rbac.authorization.k8s.io", "clusterroles"))
    wanted = [
        Access(verb, group, resource, name=None if verb == "create" else scc.OWN)
        for group, resource in kinds
        for verb in ("get", "create", "patch")
    ]
    # A user can only create a role with rights that the user has.
    return [*wanted, Access("use", scc.GROUP, scc.RESOURCE, name=scc.OWN)]


def to_send(client: KubeClient, spec: ServerSpec) -> List[Object]:
    """Return the constraint and its role if they are asked for and missing or different."""
    if not wants_own(spec):
        return []
    wanted = scc.own_objects({MANAGED_BY_LABEL: MANAGED_BY})
    return [
        item
        for item in wanted
        if not covers(client.get(item["apiVersion"], item["kind"], scc.OWN) or {}, item)
    ]


def check(client: KubeClient, spec: ServerSpec, namespace: live.Known) -> None:
    """Refuse pods that no constraint would admit.

    Raises:
        InputError: the constraint does not exist, does not admit them, or may not be used by the
            service account.
    """
    security = spec.security
    if not security.openshift:
        return
    host_path = companions.host_path(spec)
    uids = None if security.scc is not None else openshift.uid_range(namespace.item)
    name = scc.pick(security, host_path=host_path, uids=uids)
    if name == scc.DEFAULT or wants_own(spec):
        return
    subject = f"{scc.KIND} {name}"
    found = live.get_if_allowed(client, scc.API_VERSION, scc.KIND, name)
    option = "scc.name" if security.scc is not None and security.scc.name else "scc"
    if found.readable and found.item is None:
        hint = "Name one that exists with scc.name"
        if name == scc.OWN:
            option = "host_path"
            hint = "Set scc.create and scc.bind once (an administrator's act), or use pvc"
        message = "the cluster has no constraint of this name"
        raise InputError(message, option=option, subject=subject, hint=hint)
    reasons = scc.refusals(found.item or {}, security, host_path=host_path) if found.item else []
    if reasons:
        hint = "Name another one with scc.name, or change the option"
        raise InputError("; ".join(reasons), option=option, subject=subject, hint=hint)
    bound = security.scc is not None and security.scc.bind
    account = companions.account_name(spec)
    if not bound and _may_use(client, spec.namespace, account, name) is False:
        message, hint = scc.missing_right(name, spec.namespace, account)
        raise InputError(message, option=option, subject=subject, hint=hint)


def _may_use(client: KubeClient, namespace: str, account: str, constraint: str) -> Optional[bool]:
    """Return whether a service account may use a constraint; None without the right to check it."""
    try:
        answer = client.create(scc.review(namespace, account, constraint))
    except ForbiddenError:
        return None
    return bool((answer.get("status") or {}).get("allowed"))
