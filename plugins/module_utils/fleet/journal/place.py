# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The namespace of a hub in which rollouts are written, and how long it is asked."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, TypeVar

from ...errors import ApiError, ConflictError, EdgeError, may_pass
from ...kube.client import KubeClient
from .base import HELD, PATIENCE

Found = TypeVar("Found")
Json = Dict[str, Any]


@dataclass(frozen=True)
class Place:
    """A namespace of a hub.

    Attributes:
        client: of the hub. Its connections end with the process of the task.
        namespace: of the hub.
        clock: seconds that only go on.
        sleep: waits for seconds.
    """

    client: KubeClient
    namespace: str
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        """Leave the waiting to C(patiently): a Lease has to be renewed in time."""
        self.client.patience = 0.0

    def get(self, name: str) -> Optional[Json]:
        """Return a ConfigMap; None if it is not there."""
        return self.client.get("v1", "ConfigMap", name, self.namespace)

    def list(self, selector: str) -> List[Json]:
        """Return the ConfigMaps with these labels."""
        return self.client.list("v1", "ConfigMap", self.namespace, label_selector=selector)[0]

    def change(self, name: str, data: Mapping[str, str]) -> None:
        """Write some keys of a ConfigMap."""
        self.client.patch("v1", "ConfigMap", name, self.namespace, {"data": dict(data)})

    def make(self, obj: Mapping[str, Any]) -> bool:
        """Make a ConfigMap; False if another one has its name."""
        try:
            self.client.create(obj)
        except ConflictError as error:
            if error.reason != "AlreadyExists":
                raise
            # It may be ours, when the answer to a first try was lost.
            found = self.get(obj["metadata"]["name"]) or {}
            return bool(found.get("data") == obj["data"])
        return True

    def delete(self, meta: Mapping[str, Any]) -> None:
        """Delete a ConfigMap that was read."""
        name, uid = meta["name"], meta["uid"]
        self.client.delete("v1", "ConfigMap", name, self.namespace, uid=uid)

    def patiently(self, request: Callable[[], Found]) -> Found:
        """Do requests; again, for a while, when the hub did not answer or others were in the way.

        A request that was done and not answered is done twice, with the same end.

        Raises:
            EdgeError: the hub refuses them, or does not answer.
        """
        began, pause = self.clock(), 0.5
        while True:
            try:
                return self.once(request)
            except EdgeError as error:
                if not _may_pass(error) or self.clock() - began + pause > PATIENCE:
                    raise
            self.sleep(pause)
            pause = min(2 * pause, 8)

    def once(self, request: Callable[[], Found]) -> Found:
        """Do requests; an error says that it is about the hub."""
        try:
            return request()
        except EdgeError as error:
            if not _is_held(error):
                error.option = "journal"
                error.subject = f"hub {self.client.server}, {error.subject or self.namespace}"
            raise


def _is_held(error: EdgeError) -> bool:
    """Tell whether an error says that somebody else holds the fleet."""
    return isinstance(error, ApiError) and error.reason == HELD


def _may_pass(error: EdgeError) -> bool:
    """Tell whether a request may go well a little later, also when somebody was in its way."""
    if _is_held(error):
        return False
    return may_pass(error) or (isinstance(error, ApiError) and error.status == 409)
