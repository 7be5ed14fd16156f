# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failure of the API server is turned into."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ApiError,
    AuthError,
    ConflictError,
    EdgeError,
    ForbiddenError,
    GoneError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.health.api_errors import (
    api_error,
    parse_status,
)


def error(code: int, message: str = "", reason: str = "", **more: Any) -> EdgeError:
    status = {"kind": "Status", "apiVersion": "v1", "message": message, "reason": reason, **more}
    return api_error(code, json.dumps(status).encode(), "apply Pod a/b")


def token(expires: float) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": expires}).encode()).decode()
    return f"Bearer e30.{claims.rstrip('=')}.c2ln"


@pytest.mark.parametrize(
    ("authorization", "source", "option", "text"),
    [
        (None, "options", "api_key", "wants credentials"),
        ("Basic dTpw", "options", "username", "does not accept username and password"),
        ("Bearer opaque", "/config", "kubeconfig", "expired, revoked or wrong"),
        (token(1_600_000_000), "options", "api_key", "expired at 2020-09-13 12:26:40 UTC"),
        (token(4_102_444_800), "options", "api_key", "expired, revoked or wrong"),
    ],
)
def test_unauthorized(authorization: str | None, source: str, option: str, text: str) -> None:
    found = api_error(401, b"Unauthorized", "x", authorization=authorization, source=source)
    assert isinstance(found, AuthError)
    assert found.option == option
    assert text in str(found)
    if authorization:
        assert authorization.split()[1] not in str(found)


def test_missing_right() -> None:
    message = 'pods is forbidden: User "u" cannot list resource "pods" in API group "" in ...'
    found = error(403, message, "Forbidden")
    assert isinstance(found, ForbiddenError)
    assert "Give this account the right" in str(found)


@pytest.mark.parametrize(
    ("message", "texts"),
    [
        (
            'pods "x" is forbidden: violates PodSecurity "baseline:latest": hostPath volumes '
            '(volume "models")',
            ["pod-security.kubernetes.io/enforce=privileged", "or use a pvc", "hostPath volumes"],
        ),
        (
            'pods "x" is forbidden: violates PodSecurity "restricted:v1.36": runAsNonRoot != true',
            ["pod-security.kubernetes.io/enforce", "(restricted)", "runAsNonRoot"],
        ),
        (
            'pods "x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1',
            ["exceeded quota: q", "Raise the ResourceQuota"],
        ),
        ('pods "x" is forbidden: failed quota: q: must specify limits.cpu', ["set resources"]),
        (
            'pods "x" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi',
            ["LimitRange"],
        ),
        (
            'configmaps "x" is forbidden: unable to create new content in namespace a because it '
            "is being terminated",
            ["Wait until the namespace is gone"],
        ),
        (
            'pods "x" is forbidden: unable to validate against any security context constraint: '
            '[provider "restricted-v2": .spec.securityContext.fsGroup: Invalid value: []int64{1}]',
            ["fsGroup", "Leave out user and group ids"],
        ),
        ('admission webhook "w" denied the request: no', ["ask its administrator"]),
    ],
)
def test_admission(message: str, texts: list[str]) -> None:
    found = error(403, message, "Forbidden")
    assert isinstance(found, ForbiddenError)
    for text in texts:
        assert text in str(found)


@pytest.mark.parametrize(
    ("code", "message", "reason", "kind", "hint"),
    [
        (409, 'pods "b" already exists', "AlreadyExists", ConflictError, "there already"),
        (409, "the object has been modified", "Conflict", ConflictError, "at the same time"),
        (409, 'conflict with "kubectl"', "Conflict", ConflictError, "Another field manager"),
        (410, "too old resource version", "Expired", GoneError, None),
        (404, 'namespaces "a" not found', "NotFound", ApiError, "Create the namespace first"),
        (404, "the server could not find the requested resource", "NotFound", ApiError, "serve"),
        (413, "too large", "RequestEntityTooLarge", ApiError, "larger"),
        (422, "spec.selector: Invalid value: field is immutable", "Invalid", ApiError, "delete it"),
        (500, "boom", "InternalError", ApiError, None),
    ],
)
def test_others(
    code: int, message: str, reason: str, kind: type[ApiError], hint: str | None
) -> None:
    found = error(code, message, reason)
    assert type(found) is kind
    assert isinstance(found, ApiError)
    assert (found.status, found.reason, found.subject) == (code, reason, "apply Pod a/b")
    assert hint in (found.hint or "") if hint else found.hint is None


def test_causes() -> None:
    causes = [{"field": "spec.replicas", "message": "must be positive"}]
    found = error(422, "is invalid", "Invalid", details={"causes": causes})
    assert found.details == {"causes": ["spec.replicas: must be positive"]}


def test_answer_of_something_else() -> None:
    found = api_error(502, b"<html>Bad\nGateway</html>", "x")
    assert "HTTP 502: <html>Bad Gateway</html>" in str(found)


@pytest.mark.parametrize("body", [b"", b"text", b"{", b'{"kind": "Pod"}', b"[]"])
def test_not_a_status(body: bytes) -> None:
    assert parse_status(body) is None
