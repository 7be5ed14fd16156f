# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fake cluster that counts requests and merges patches."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.openvino.edge.plugins.module_utils.errors import ApiError, ConflictError

from .fake_cluster import FakeCluster


@dataclass
class Cluster(FakeCluster):
    """A C(FakeCluster) with the requests that were made; C(broken) is raised by each."""

    requests: list[str] = field(default_factory=list)
    broken: Exception | None = None

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_args: Any) -> None:
        pass

    def _note(self, what: str) -> None:
        self.requests.append(what)
        if self.broken:
            raise self.broken

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Any:
        """Return an object of its own or None."""
        self._note(f"get {kind}")
        return copy.deepcopy(super().get(api_version, kind, name, namespace))

    def list(self, api_version: str, kind: str, *args: Any, **kwargs: Any) -> Any:
        """Return the objects of a kind."""
        self._note(f"list {kind}")
        return super().list(api_version, kind, *args, **kwargs)

    def create(self, obj: Any, *, dry_run: bool = False, brief: bool = False) -> Any:
        """Create an object that is not there yet."""
        self._note("create")
        if (obj["kind"], obj["metadata"]["name"]) in self.objects:
            raise ConflictError("it exists", status=409)
        return super().create(obj, dry_run=dry_run)

    def patch(
        self, api_version: str, kind: str, name: str, namespace: str | None, body: Any
    ) -> Any:
        """Merge C(data) into an object; None takes a key away."""
        self._note("patch")
        found = self.objects.get((kind, name))
        if found is None:
            raise ApiError("not found", status=404)
        for key, value in body["data"].items():
            found["data"].pop(key, None)
            if value is not None:
                found["data"][key] = value
        return found
