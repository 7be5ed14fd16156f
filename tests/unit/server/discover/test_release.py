# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The release as running servers tell it: when they are asked, and what follows from it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ForbiddenError,
    InputError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Response
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server import entry
from ansible_collections.openvino.edge.plugins.module_utils.server.discover import platform
from ansible_collections.openvino.edge.plugins.module_utils.server.discover import (
    release as probing,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.config import (
    render_config,
)

from ..conftest import make_params, make_spec

IMAGE = "registry.example/ovms:latest"
STATEFUL = [{"name": "m", "versions": [1], "stateful": True}]
GRAPH = [{"name": "g", "versions": [1], "graph_path": "graph.pbtxt"}]


@dataclass
class Pods:
    """A cluster with pods, by name: version that is told (or an error) and id of the image."""

    told: dict[str, Any]
    ids: dict[str, str] = field(default_factory=dict)
    image: str = IMAGE
    unreadable: bool = False
    asked: list[str] = field(default_factory=list)
    port: int = 8081

    def list(self, *args: Any, **kwargs: Any) -> tuple[list[dict[str, Any]], str]:
        """Return the pods; all are ready."""
        if self.unreadable:
            raise ForbiddenError("may not list pods")
        ready = [{"type": "Ready", "status": "True"}]
        return [
            {
                "kind": "Pod",
                "metadata": {"name": name},
                "spec": {"containers": [self.container()]},
                "status": {
                    "phase": "Running",
                    "conditions": ready,
                    "containerStatuses": [{"name": "ovms", "imageID": self.ids.get(name, name)}],
                },
            }
            for name in self.told
        ], "1"

    def container(self) -> dict[str, Any]:
        """Return the server's container; it names its ports unless they are the usual ones."""
        named = [{"name": "grpc", "containerPort": 9000}, {"name": "rest", "containerPort": 8000}]
        ports = {"ports": named} if self.port == 8000 else {}
        return {"name": "ovms", "image": self.image, **ports}

    def pod_proxy(self, namespace: str, pod: str, port: int, *args: Any, **_: Any) -> Response:
        """Answer for a server."""
        assert (namespace, port, args) == ("edge", self.port, ("GET", "/v2"))
        self.asked.append(pod)
        told = self.told[pod]
        if isinstance(told, Exception):
            raise told
        body = told if isinstance(told, bytes) else json.dumps({"version": told}).encode()
        return Response(404 if told == b"" else 200, {}, body)


def release(cluster: Pods, **options: Any) -> Any:
    spec = make_spec(image=IMAGE, **options)
    return probing.probed(cluster, spec, Runtime()).generation.release  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"a": "2026.2.1.abc123"}, (2026, 2)),
        ({"a": "2025.4"}, (2025, 4)),
        ({"a": "2026.2.1", "b": "2026.2.0"}, (2026, 2)),
        ({"a": "2026.2.1", "b": "2026.3"}, None),
        ({"a": "2026.2.1", "b": UnreachableError("gone")}, None),
        ({"a": UnreachableError("gone")}, None),
        ({"a": "2021.4"}, None),
        ({"a": "20263"}, None),
        ({"a": "dev"}, None),
        ({"a": b"no json"}, None),
        ({"a": b"[]"}, None),
        ({"a": b""}, None),
        ({}, None),
    ],
)
def test_what_servers_tell_if_they_agree(told: dict[str, Any], expected: Any) -> None:
    assert release(Pods(told)) == expected


def test_case_26_a_server_that_keeps_its_port_is_asked_there() -> None:
    assert release(Pods({"a": "2026.2"}, port=8000)) == (2026, 2)


def test_one_is_asked_for_each_image_and_only_of_the_image_that_is_wanted() -> None:
    same = Pods({"a": "2026.2", "b": "2026.3"}, ids={"a": "sha256:1", "b": "sha256:1"})
    assert release(same) == (2026, 2) and same.asked == ["a"]
    other = Pods({"a": "2026.2"}, image="registry.example/ovms:other")
    assert release(other) is None and other.asked == []
    assert release(Pods({"a": "2026.2"}, unreadable=True)) is None


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({"models": STATEFUL}, True),
        ({"models": GRAPH}, True),
        ({"models": None, "config_map": "own"}, True),
        ({}, False),
        ({"models": STATEFUL, "ovms_version": "2026.2"}, False),
        ({"models": GRAPH, "image": "registry.example/ovms:2026.2"}, False),
        ({"models": None, "config_path": "config.json"}, False),
    ],
)
def test_nobody_is_asked_where_it_does_not_matter(options: dict[str, Any], asked: bool) -> None:
    assert probing.matters(make_spec(**{"image": IMAGE, **options})) is asked


def test_what_is_written_does_not_depend_on_it() -> None:
    spec = make_spec(image=IMAGE, models=GRAPH)
    cluster = Pods({"a": "2026.3"})
    known = probing.probed(cluster, spec, Runtime())  # type: ignore[arg-type]
    assert known.generation.release == (2026, 3)
    assert render_config(known) == render_config(spec)
    given = make_spec(image=IMAGE, models=GRAPH, ovms_version="2026.3")
    assert render_config(given) != render_config(spec)


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ({"a": "2026.2.1"}, None),
        ({"a": "2026.3"}, "OVMS 2026.3 does not know it"),
        ({}, "no server that runs it does"),
    ],
)
def test_what_is_refused_depends_on_it(
    told: dict[str, Any], error: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Reached(Exception):
        """The configuration passed."""

    class Client(Pods):
        def __enter__(self) -> Pods:
            return self

        def __exit__(self, *args: Any) -> None:
            pass

    def settled(client: Any, spec: Any) -> Any:
        raise Reached

    monkeypatch.setattr(KubeClient, "from_params", lambda params: Client(told))
    monkeypatch.setattr(platform, "resolved", settled)
    params = make_params(image=IMAGE, models=STATEFUL)
    if error is None:
        with pytest.raises(Reached):
            entry.run(params, Runtime())
    else:
        with pytest.raises(InputError, match=error):
            entry.run(params, Runtime())
