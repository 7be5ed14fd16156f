# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that something else in the cluster serves."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ForbiddenError,
    InputError,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.checks import taken
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)

from ..conftest import make_spec

HOST, GRPC_HOST = "ocr.example.org", "ocr-grpc.example.org"
BOTH: dict[str, Any] = {"rest": {"host": HOST}, "grpc": {"host": GRPC_HOST}}
TLS: dict[str, Any] = {"tls": {"secret_name": "site"}}
ASKED = {**BOTH, **TLS, "controller": "contour", "client_auth": {"secret_name": "clients"}}
ROUTES = {"controller": "openshift", "rest": BOTH["rest"], **TLS}


class Lists:
    """A cluster that lists objects; C(own) is the only namespace that the account may see."""

    def __init__(self, *items: dict[str, Any], own: str = "") -> None:
        self._items, self._own = items, own

    def list(self, _version: str, kind: str, namespace: str | None = None) -> tuple[Any, str]:
        if self._own and namespace != self._own:
            raise ForbiddenError("cannot list at the cluster scope")
        found = [item for item in self._items if item["kind"] == kind]
        return [item for item in found if namespace in (None, item["metadata"]["namespace"])], ""


def item(kind: str, spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"kind": kind, "spec": spec, "metadata": {"name": "a", "namespace": "shop", **metadata}}


def ingress(host: str, path: str = "/v2", class_name: str = "", **metadata: Any) -> dict[str, Any]:
    rules = [{"host": host, "http": {"paths": [{"path": path, "pathType": "Prefix"}]}}]
    named = {"ingressClassName": class_name} if class_name else {}
    return item("Ingress", {"rules": rules, **named}, **metadata)


def route(host: str, path: str = "", **metadata: Any) -> dict[str, Any]:
    return item("Route", {"host": host, **({"path": path} if path else {})}, **metadata)


def proxy(host: str) -> dict[str, Any]:
    return item("HTTPProxy", {"virtualhost": {"fqdn": host}})


def check(expose: dict[str, Any], *items: dict[str, Any], own: str = "") -> None:
    client: Any = Lists(*items, own=own)
    taken.check(client, make_spec(expose=expose))


@pytest.mark.parametrize(
    ("expose", "other", "message"),
    [
        (
            BOTH,
            ingress(HOST),
            f"^expose.rest.host: Ingress shop/a: /v2 of {HOST} is served by another Ingress",
        ),
        (BOTH, ingress(HOST, "/v2/"), "Ingress shop/a"),
        (
            BOTH,
            ingress(GRPC_HOST, "/inference.GRPCInferenceService"),
            "^expose.grpc.host: Ingress shop/a: /inf",
        ),
        ({**BOTH, "class_name": "x"}, ingress(HOST, class_name="x"), "is served by another"),
        ({**BOTH, "class_name": "x"}, ingress(HOST), "Choose another host, or take it away from"),
        ({**BOTH, "rest": {"host": HOST, "paths": ["/"]}}, ingress(HOST, "/"), "^expose.rest.host"),
        (ASKED, proxy(GRPC_HOST), f"^expose.grpc.host: HTTPProxy shop/a: {GRPC_HOST} is served"),
        (ASKED, ingress(HOST, "/other"), f"^expose.rest.host: Ingress shop/a: {HOST} is served"),
        (ROUTES, route(HOST, "/v1"), f"^expose.rest.host: Route shop/a: /v1 of {HOST} is served"),
        (
            {"controller": "openshift", "grpc": BOTH["grpc"], **TLS},
            route(GRPC_HOST),
            f"^expose.grpc.host: Route shop/a: / of {GRPC_HOST} is served",
        ),
        (BOTH, ingress(HOST, labels={"openvino.edge/server": "ocr"}), "Ingress shop/a"),
        (
            BOTH,
            ingress(HOST, namespace="edge", labels={"openvino.edge/server": "other"}),
            "Ingress edge/a",
        ),
    ],
)
def test_a_host_of_another_is_refused(
    expose: dict[str, Any], other: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        check(expose, other)


@pytest.mark.parametrize(
    ("expose", "other"),
    [
        (BOTH, ingress("other.example.org")),
        (BOTH, ingress(HOST, "/app")),
        (BOTH, ingress(HOST, "/")),
        ({**BOTH, "class_name": "x"}, ingress(HOST, class_name="y")),
        (
            {**BOTH, "class_name": "x"},
            ingress(HOST, annotations={"kubernetes.io/ingress.class": "y"}),
        ),
        (BOTH, ingress(HOST, annotations={"nginx.ingress.kubernetes.io/canary": "true"})),
        (BOTH, item("Ingress", {"defaultBackend": {}})),
        (BOTH, proxy(HOST)),
        (ASKED, item("HTTPProxy", {"routes": []})),
        # As KServe has it, whose Route is for all paths.
        (ROUTES, route(HOST)),
    ],
)
def test_what_is_no_conflict(expose: dict[str, Any], other: dict[str, Any]) -> None:
    check(expose, other)


def test_its_own_objects_and_those_that_may_not_be_seen() -> None:
    for expose in (BOTH, ASKED, ROUTES):
        check(expose, *render_objects(make_spec(expose=expose)))
    check(BOTH, ingress(HOST), own="edge")
    with pytest.raises(InputError, match="Ingress edge/a"):
        check(BOTH, ingress(HOST, namespace="edge"), own="edge")
