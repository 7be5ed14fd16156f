# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials for a cloud store on the cluster."""

from __future__ import annotations

from dataclasses import replace

from ...errors import ForbiddenError
from ...kube.client import KubeClient
from ...runtime import Runtime
from ..render import cloud
from ..render.facts import ClusterFacts
from ..spec.cloud import CloudStore
from ..spec.server import ServerSpec


def look(
    facts: ClusterFacts, client: KubeClient, spec: ServerSpec, runtime: Runtime
) -> ClusterFacts:
    """Return the facts with a mark of the credentials; a new mark replaces the pods.

    Raises:
        ForbiddenError: a Secret of ours cannot be read.
        InputError: an existing Secret is missing or lacks a key.
    """
    store = spec.store
    if not isinstance(store, CloudStore) or store.anonymous:
        return facts
    if store.credentials:
        own = client.get("v1", "Secret", cloud.own_secret_name(spec.name), store.namespace)
        return replace(facts, salt=cloud.salt_of(own) or cloud.new_salt())
    try:
        secret = client.get("v1", "Secret", store.secret_name, store.namespace)
    except ForbiddenError:
        runtime.warn(
            f"cloud.{store.kind}.secret_name: the account may not get Secret {store.namespace}/"
            f"{store.secret_name}, so its keys are not checked, and pods are not replaced when it"
            " changes"
        )
        return facts
    cloud.check_existing(store, secret)
    return replace(facts, credentials=cloud.mark_of_existing(secret or {}))
