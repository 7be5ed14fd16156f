# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the versions that are in use by workloads that mount the store, releases or replicas.

A version is *in use* if

- the template or a pod of a workload that mounts the store asks for it, whoever owns it,
- a release record pins it that is the newest of its server, or the one to go back to, or
- a running server reports it as loaded.

A workload or a release record that cannot be understood counts as using every version.
"""

from __future__ import annotations

from typing import Callable, Dict, Iterable, List, Sequence

from ...kube.client import Access, KubeClient
from ...store import Store
from ..content.state import Key, RawVersion
from .references import EVERY_MODEL
from .survey import WORKLOADS, Survey, Use


def usage_access(store: Store) -> List[Access]:
    """Return the rights to find out who uses a version."""
    namespace = store.namespace
    plurals = [kind.lower() + "s" for _version, kind in WORKLOADS]
    return [
        *(Access("list", "apps", plural, namespace=namespace) for plural in plurals),
        Access("list", "", "pods", namespace=namespace),
        Access("get", "", "configmaps", namespace=namespace),
        Access("list", "", "configmaps", namespace=namespace),
        Access("get", "", "pods", "proxy", namespace=namespace),
    ]


def versions_in_use(
    client: KubeClient, store: Store, there: Iterable[RawVersion]
) -> Dict[Key, str]:
    """Return the workloads and servers that use versions on the store; see C(find_users).

    Releases are left out: who removes a version by name gives up the way back to it.
    """
    keys = [raw.key for raw in there]
    if not keys:
        return {}
    survey = Survey(client, store, lambda text: None)
    return users_of([*survey.workloads(), *survey.pods()], keys)


def kept_by_releases(client: KubeClient, store: Store, keys: Sequence[Key]) -> Dict[Key, str]:
    """Return the release record of each version that one needs, in words."""
    return users_of(Survey(client, store, lambda text: None).releases(), keys) if keys else {}


def find_users(
    client: KubeClient,
    store: Store,
    keys: Sequence[Key],
    warn: Callable[[str], None] = lambda text: None,
) -> Dict[Key, str]:
    """Return the users of each version that is in use, in words.

    Args:
        client: of the cluster.
        store: where the versions lie.
        keys: all versions that are there, or will be: a policy such as C(latest) needs them all.
        warn: called with the objects that could not be read.

    Raises:
        ForbiddenError: a right of C(usage_access) is missing.
    """
    if not keys:
        return {}
    return users_of(_uses(client, store, warn), keys)


def find_loaders(
    client: KubeClient, store: Store, there: Sequence[Key], keys: Sequence[Key]
) -> Dict[Key, List[Use]]:
    """Return all pods that may have loaded some versions; see C(find_users)."""
    found: Dict[Key, List[Use]] = {key: [] for key in keys}
    for use in Survey(client, store, lambda text: None).pods():
        for key in users_of([use], there):
            if key in found:
                found[key].append(use)
    return found


def _uses(client: KubeClient, store: Store, warn: Callable[[str], None]) -> List[Use]:
    survey = Survey(client, store, warn)
    return [*survey.releases(), *survey.workloads(), *survey.pods()]


def users_of(uses: Iterable[Use], keys: Iterable[Key]) -> Dict[Key, str]:
    """Return the user of each version; a known use is preferred to an assumed one."""
    versions: Dict[str, List[int]] = {}
    for model, version in keys:
        versions.setdefault(model, []).append(version)
    used: Dict[Key, str] = {}
    for use in sorted(uses, key=lambda item: bool(item.fault)):
        for key in _keys_of(use, versions):
            used.setdefault(key, str(use))
    return used


def _keys_of(use: Use, versions: Dict[str, List[int]]) -> Iterable[Key]:
    if use.fault:
        return [(model, version) for model, held in versions.items() for version in held]
    found: List[Key] = []
    for reference in use.references:
        for model in versions if reference.model == EVERY_MODEL else [reference.model]:
            chosen = reference.policy.choose(versions.get(model, ()))
            found += [(model, version) for version in sorted(chosen)]
    return found
