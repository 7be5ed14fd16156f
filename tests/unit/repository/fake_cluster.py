# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scripted API server for the repository engine: objects in a dictionary, pods as told."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    ForbiddenError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Access, WatchEvent

Object = dict[str, Any]


def running(image: str) -> Object:
    """Return the status of a pod that runs."""
    state = {"name": "helper", "image": image, "state": {"running": {}}}
    return {"phase": "Running", "containerStatuses": [state]}


def waiting(reason: str) -> Callable[[str], Object]:
    """Return what makes the status of a pod whose container waits."""

    def status(image: str) -> Object:
        state = {"waiting": {"reason": reason, "message": f"{reason} it is"}}
        return {
            "phase": "Pending",
            "containerStatuses": [{"name": "helper", "image": image, "state": state}],
        }

    return status


@dataclass
class FakeCluster:
    """Stands for C(KubeClient).

    Attributes:
        objects: by (kind, name).
        status_of: what a new pod's status is, by a part of its image.
        events: shown for every object.
        refuse: rights the account lacks, as words in C(str(Access)).
        forbidden: kinds that cannot be read.
        served: API groups beside those of Kubernetes; C(asked) has those that were asked for.
    """

    objects: dict[tuple[str, str], Object] = field(default_factory=dict)
    status_of: dict[str, Callable[[str], Object]] = field(default_factory=dict)
    events: list[Object] = field(default_factory=list)
    refuse: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    made: list[Object] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    makes_pods: bool = True
    on_proxy: Callable[..., Any] | None = None
    served: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)

    def add(self, kind: str, name: str, **fields: Any) -> None:
        """Put an object there."""
        meta = {"name": name, **fields.pop("metadata", {})}
        self.objects[(kind, name)] = {"kind": kind, "metadata": meta, **fields}

    def serves(self, api_version: str) -> bool:
        """Return whether the cluster has an API group."""
        self.asked.append(api_version)
        return api_version in self.served

    def create(self, obj: Object, *, dry_run: bool = False, brief: bool = False) -> Object:
        """Create an object; a Job gets a pod."""
        made = copy.deepcopy(obj)
        made["metadata"]["uid"] = f"uid-{len(self.made)}"
        self.made.append(made)
        self.objects[(made["kind"], made["metadata"]["name"])] = made
        if made["kind"] == "Job" and self.makes_pods:
            template = made["spec"]["template"]
            name = made["metadata"]["name"] + "-x"
            image = template["spec"]["containers"][0]["image"]
            status = next(
                (make for part, make in self.status_of.items() if part in image), running
            )(image)
            self.add("Pod", name, metadata=template["metadata"], status=status)
        return made

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Any:
        """Return an object or None."""
        if kind in self.forbidden:
            raise ForbiddenError(f"{kind} is forbidden")
        return self.objects.get((kind, name))

    def list(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> tuple[list[Object], str]:
        """Return the objects of a kind."""
        if kind in self.forbidden:
            raise ForbiddenError(f"{kind} is forbidden")
        if kind == "Event":
            return list(self.events), "1"
        found = [item for (have, _name), item in self.objects.items() if have == kind]
        return [item for item in found if _fits(item, label_selector)], "1"

    def watch(self, api_version: str, kind: str, *_args: Any, **kwargs: Any) -> Iterator[Any]:
        """Yield what is there once."""
        for item in self.list(api_version, kind, None, kwargs.get("label_selector"))[0]:
            yield WatchEvent("ADDED", item)

    def delete(
        self, api_version: str, kind: str, name: str, namespace: str | None = None, **kwargs: Any
    ) -> bool:
        """Delete an object and what it owns."""
        self.deleted.append(f"{kind} {name}")
        self.objects = {
            key: item for key, item in self.objects.items() if not key[1].startswith(name)
        }
        return True

    def denied(self, wanted: Sequence[Access]) -> Sequence[Access]:
        """Return the rights that are lacking."""
        return [item for item in wanted if any(word in str(item) for word in self.refuse)]

    def pod_proxy(self, *args: Any, **kwargs: Any) -> Any:
        """Pass on to C(on_proxy)."""
        if self.on_proxy is None:
            raise UnreachableError("the API server cannot reach the pod: closed")
        return self.on_proxy(*args, **kwargs)

    def exec_stream(self, *args: Any, **kwargs: Any) -> Any:
        """Nothing can be run here."""
        raise ApiError("not here", status=500)

    def left(self) -> Sequence[str]:
        """Return the objects of helpers that are still there."""
        return [name for kind, name in self.objects if re.match("edge-agent-", name)]


def _fits(item: Object, selector: str | None) -> bool:
    labels = item["metadata"].get("labels") or {}
    pairs = [part.partition("=") for part in (selector or "").split(",") if part]
    return all(key in labels and (not sign or labels[key] == value) for key, sign, value in pairs)
