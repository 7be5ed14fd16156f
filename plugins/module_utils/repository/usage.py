# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which published versions anybody uses: who mounts the store, releases, running replicas.

Asked are the objects of every owner, not only those of this collection. What cannot be understood
counts as using every version.
"""

from __future__ import annotations

from typing import Callable, Dict, Iterable, List, Sequence

from ansible_collections.openvino.edge.plugins.module_utils.kube.client import Access, KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.repository.references import (
    EVERY_MODEL,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.state import (
    Key,
    RawVersion,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.survey import (
    WORKLOADS,
    Survey,
    Use,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import Store


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
    """Return, for each version on the store that anybody uses, who does; see C(find_users)."""
    return find_users(client, store, [raw.key for raw in there])


def find_users(
    client: KubeClient,
    store: Store,
    keys: Sequence[Key],
    warn: Callable[[str], None] = lambda text: None,
) -> Dict[Key, str]:
    """Return, for each version that anybody uses, who does, in words.

    Args:
        client: of the cluster.
        store: where the versions lie.
        keys: all versions that are there, or will be: a policy such as C(latest) needs them all.
        warn: is told where nobody could look.

    Raises:
        ForbiddenError: a right of C(usage_access) is missing.
    """
    if not keys:
        return {}
    survey = Survey(client, store, warn)
    return users_of([*survey.releases(), *survey.workloads(), *survey.pods()], keys)


def users_of(uses: Iterable[Use], keys: Iterable[Key]) -> Dict[Key, str]:
    """Return who uses each version; those that are sure come before those that are not."""
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
