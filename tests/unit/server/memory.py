# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster in memory: enough of a KubeClient to see which requests are made, in which order."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, List

from ansible_collections.openvino.edge.plugins.module_utils.errors import ApiError, ForbiddenError
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Access, Response

Key = tuple[str, str]
WRITES = ("apply", "patch", "delete")


@dataclass
class MemoryCluster:
    """Holds objects; ``calls`` has one word pair per request, dry runs are marked."""

    objects: dict[Key, dict[str, Any]] = field(default_factory=dict)
    forbidden: list[str] = field(default_factory=list)
    unreadable: tuple[str, ...] = ()
    calls: list[str] = field(default_factory=list)
    server: str = "https://memory"
    reports: Callable[[str], dict[str, Any]] = lambda pod: {}
    served: tuple[str, ...] = ()
    usable: tuple[str, ...] = ()
    endpoint: Any = field(default_factory=lambda: SimpleNamespace(host="memory"))

    def add(self, item: dict[str, Any]) -> None:
        """Put an object there, as someone else would."""
        self.objects[item["kind"], item["metadata"]["name"]] = item

    def writes(self) -> list[str]:
        """Return the requests that change something."""
        return [call for call in self.calls if call.split()[0] in WRITES]

    def serves(self, api_version: str) -> bool:
        """See KubeClient."""
        self.calls.append(f"find {api_version}")
        return api_version in self.served

    def create(self, item: dict[str, Any]) -> dict[str, Any]:
        """See KubeClient; the only thing made is a question about constraints."""
        self.calls.append(f"create {item['kind']}")
        if item["kind"] in self.unreadable:
            raise ForbiddenError(f"may not create {item['kind']}")
        name = item["spec"]["resourceAttributes"]["name"]
        return {**item, "status": {"allowed": name in self.usable}}

    def get(
        self, api_version: str, kind: str, name: str, namespace: str | None = None
    ) -> dict[str, Any] | None:
        """See KubeClient."""
        self.calls.append(f"get {kind}")
        if kind in self.unreadable:
            raise ForbiddenError(f"may not get {kind}")
        return copy.deepcopy(self.objects.get((kind, name)))

    def list(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> tuple[list[dict[str, Any]], str]:
        """See KubeClient."""
        self.calls.append(f"list {kind}")
        if kind in self.unreadable:
            raise ForbiddenError(f"may not list {kind}")
        wanted = dict(pair.split("=") for pair in (label_selector or "").split(",") if pair)
        named = (field_selector or "").partition("metadata.name=")[2]
        found = [
            copy.deepcopy(item)
            for (known, name), item in self.objects.items()
            if known == kind
            and named in ("", name)
            and wanted.items() <= (item["metadata"].get("labels") or {}).items()
        ]
        return found, "1"

    def apply(self, item: dict[str, Any], *, dry_run: bool = False, **_: Any) -> dict[str, Any]:
        """See KubeClient; the whole object is ours."""
        kind, name = item["kind"], item["metadata"]["name"]
        self.calls.append(f"{'dry-apply' if dry_run else 'apply'} {kind}")
        if "reject" in (item["metadata"].get("annotations") or {}):
            raise ApiError("rejected", status=422, reason="Invalid")
        stored = copy.deepcopy(item)
        stored["metadata"]["uid"] = f"uid-{name}"
        if kind == "Deployment":
            self._roll_out(stored)
        if not dry_run:
            self.objects[kind, name] = stored
        return stored

    def _roll_out(self, deployment: dict[str, Any]) -> None:
        """The controllers of this cluster need no time."""
        count = deployment["spec"].get("replicas", 1)
        deployment["metadata"]["generation"] = 1
        names = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        deployment["status"] = {"observedGeneration": 1, **dict.fromkeys(names, count)}
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        metadata = {"namespace": deployment["metadata"]["namespace"], "labels": labels}
        for index in range(count):
            name = f"{deployment['metadata']['name']}-{index}"
            self.add(
                {
                    "kind": "Pod",
                    "metadata": {**metadata, "name": name, "uid": name},
                    "status": {"conditions": [{"type": "Ready", "status": "True"}]},
                }
            )

    def patch(
        self, api_version: str, kind: str, name: str, namespace: str, body: Any, **_: Any
    ) -> dict[str, Any]:
        """See KubeClient."""
        self.calls.append(f"patch {kind} {json.dumps(body, sort_keys=True)}")
        return {}

    def delete(
        self, api_version: str, kind: str, name: str, namespace: str, **options: Any
    ) -> bool:
        """See KubeClient."""
        dry = options.get("dry_run")
        self.calls.append(f"{'dry-delete' if dry else 'delete'} {kind}")
        there = (kind, name) in self.objects
        if not dry:
            self.objects.pop((kind, name), None)
        return there

    def denied(self, wanted: List[Access]) -> List[Access]:
        """See KubeClient."""
        self.calls.append("denied")
        return [access for access in wanted if str(access) in self.forbidden]

    def pod_proxy(
        self, namespace: str, pod: str, port: int, method: str, path: str, **_: Any
    ) -> Response:
        """Answer for a pod with what ``reports`` says of it: {model: {version: state}}."""
        self.calls.append(f"proxy {method} {path}")
        body = {
            model: {
                "model_version_status": [
                    {"version": str(version), "state": state, "status": {"error_code": "OK"}}
                    for version, state in versions.items()
                ]
            }
            for model, versions in self.reports(pod).items()
        }
        return Response(200, {}, json.dumps(body).encode())
