# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the user and group ranges that OpenShift annotates on each namespace for its pods. Pure.

Its admission refuses others unless a constraint says so (openshift/apiserver-library-go,
pkg/securitycontextconstraints/sccmatching).
"""

from __future__ import annotations

from typing import Any, Mapping, Optional

API_VERSION = "security.openshift.io/v1"
UID_RANGE_ANNOTATION = "openshift.io/sa.scc.uid-range"
GROUPS_ANNOTATION = "openshift.io/sa.scc.supplemental-groups"


def uid_range(namespace: Optional[Mapping[str, Any]]) -> Optional[range]:
    """Return the users of a namespace (C(FIRST/COUNT) or C(FIRST-LAST)), None without any."""
    return _range(_annotation(namespace, UID_RANGE_ANNOTATION))


def group_range(namespace: Optional[Mapping[str, Any]]) -> Optional[range]:
    """Return the groups of a namespace; the first block counts, and users without any."""
    groups = _annotation(namespace, GROUPS_ANNOTATION).partition(",")[0]
    return _range(groups) or uid_range(namespace)


def _annotation(namespace: Optional[Mapping[str, Any]], name: str) -> str:
    metadata = (namespace or {}).get("metadata") or {}
    return str((metadata.get("annotations") or {}).get(name) or "")


def _range(text: str) -> Optional[range]:
    for sign in "/-":
        first, found, second = text.partition(sign)
        if found and first.isdigit() and second.isdigit():
            end = int(first) + int(second) if sign == "/" else int(second) + 1
            return range(int(first), end)
    return None
