# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks the objects that this collection created, so that only those are deleted later.

A namespace or a claim may hold other people's data, so this collection deletes only those it
created. The mark is an annotation with the object's own uid, so it is not valid on a copy, such as
one restored from a backup.
"""

from __future__ import annotations

from typing import Any, Mapping, Protocol

CREATED_ANNOTATION = "openvino.edge/created-uid"
NAMESPACE, CLAIM = "Namespace", "PersistentVolumeClaim"
HOLDERS = (NAMESPACE, CLAIM)


class Patcher(Protocol):
    """The client method that C(mark) needs."""

    def patch(
        self, api_version: str, kind: str, name: str, namespace: Any, body: Any
    ) -> Mapping[str, Any]:
        """See C(KubeClient.patch)."""


def was_created(answer: Mapping[str, Any], manager: str) -> bool:
    """Tell whether an apply request created the object, judged by the answer's managedFields.

    An object that already existed, even for a moment, has managedFields of its creator. One that
    was applied with its name alone, as a namespace without labels, has none: nobody owns a field.
    """
    entries = answer["metadata"].get("managedFields") or ()
    return all(
        (entry.get("manager"), entry.get("operation")) == (manager, "Apply") for entry in entries
    )


def mark(client: Patcher, item: Mapping[str, Any]) -> None:
    """Annotate an object that was just created as created by this collection.

    The annotation is not part of the applied configuration, so a later apply does not remove it.
    """
    metadata = item["metadata"]
    uid = metadata["uid"]
    # If the object was replaced meanwhile, its uid differs and the API server refuses the patch.
    body = {"metadata": {"uid": uid, "annotations": {CREATED_ANNOTATION: uid}}}
    place = (item["apiVersion"], item["kind"], metadata["name"], metadata.get("namespace"))
    client.patch(*place, body)


def is_own(item: Mapping[str, Any]) -> bool:
    """Tell whether this collection has created an object, whatever else it is used for."""
    metadata = item["metadata"]
    uid = metadata.get("uid")
    return bool(uid) and (metadata.get("annotations") or {}).get(CREATED_ANNOTATION) == uid
