# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user and group ids that the helper of a claim runs as.

On Kubernetes that is the user of the server's image. OpenShift gives each namespace users of its
own and refuses others; its servers run as the first of them, and so does the helper. Its files are
readable for all, so a server under another user reads them as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Optional

from ...kube.client import KubeClient
from ...kube.health import openshift

# User "ovms" of the OVMS images (openvinotoolkit/model_server, Dockerfile.ubuntu).
DEFAULT_ID = 5000


@dataclass(frozen=True)
class Ids:
    """The ids of one helper; None leaves an id to the cluster."""

    user: Optional[int] = None
    group: Optional[int] = None
    fs_group: Optional[int] = None


def namespace_ids(
    client: KubeClient,
    namespace: Optional[Mapping[str, Any]],
    uid: Optional[int],
    gid: Optional[int],
) -> Optional[Ids]:
    """Return the ids that OpenShift assigns to the namespace, or None on other clusters.

    They are read from the namespace's annotations; if the account may not read the namespace,
    discovery tells whether the cluster is OpenShift.

    Args:
        client: of the cluster.
        namespace: as it was read; None when it may not be.
        uid: what the task gave.
        gid: what the task gave.
    """
    if uid is not None and gid is not None:
        return None
    if namespace is None:
        return Ids(uid, gid, gid) if client.serves(openshift.API_VERSION) else None
    users, groups = openshift.uid_range(namespace), openshift.group_range(namespace)
    if users is None or groups is None:
        return None
    user = users.start if uid is None else uid
    return Ids(user, gid, groups.start if gid is None else gid)
