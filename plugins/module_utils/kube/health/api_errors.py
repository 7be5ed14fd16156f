# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts a Kubernetes C(Status) to an error with a hint; pure."""

from __future__ import annotations

import base64
import json
import re
import time
from typing import Any, Dict, List, Optional, Tuple

from ...errors import ApiError, AuthError, ConflictError, EdgeError, ForbiddenError, GoneError

PSS_LABEL = "pod-security.kubernetes.io/enforce"
_LEVEL = re.compile(r'violates PodSecurity "(\w+):[^"]*"')


def parse_status(body: bytes) -> Optional[Dict[str, Any]]:
    """Return the C(Status) object in a body, None when it is something else."""
    if not body.lstrip().startswith(b"{"):
        return None
    try:
        status = json.loads(body)
    except ValueError:
        return None
    is_status = status.get("kind") == "Status" and status.get("apiVersion") == "v1"
    return status if is_status else None


def api_error(
    code: int, body: bytes, what: str, *, authorization: Optional[str] = None, source: str = ""
) -> EdgeError:
    """Return the error for an answer of 400 and more.

    Args:
        code: HTTP status.
        body: as received; a C(Status), or text from something in between.
        what: the request in words, such as C(apply Deployment shop/ovms).
        authorization: only looked into for the expiry of a token, never shown.
        source: where the credentials came from.
    """
    status = parse_status(body)
    if code == 401:
        return _unauthorized(authorization, source)
    if status is None:
        text = body[:200].decode("utf-8", "replace").strip().replace("\n", " ")
        return ApiError(f"HTTP {code}: {text or 'no text'}", status=code, subject=what)
    message = str(status.get("message") or status.get("reason") or f"HTTP {code}").rstrip(".")
    reason = str(status.get("reason") or "")
    if code == 403:
        return forbidden(message, what)
    kwargs: Dict[str, Any] = {"status": code, "reason": reason, "subject": what}
    details = {"causes": _causes(status)} if _causes(status) else None
    if code == 409:
        return ConflictError(message, hint=_conflict_hint(message, reason), **kwargs)
    if code == 410:
        return GoneError(message, **kwargs)
    return ApiError(message, hint=_hint(code, message), details=details, **kwargs)


def _causes(status: Dict[str, Any]) -> List[str]:
    causes = (status.get("details") or {}).get("causes") or ()
    return [
        ": ".join(str(cause[key]) for key in ("field", "message") if cause.get(key))
        for cause in causes
    ]


def _unauthorized(authorization: Optional[str], source: str) -> AuthError:
    option = "api_key" if source == "options" else "kubeconfig"
    if not authorization:
        return AuthError(
            "the API server wants credentials and did not accept ours (401)",
            option=option,
            hint="Set api_key, or client_cert and client_key, or a kubeconfig that has them",
        )
    if authorization.startswith("Basic "):
        return AuthError(
            "the API server does not accept username and password (401)",
            option="username",
            hint="Kubernetes has none of its own since 1.19; use api_key or a certificate",
        )
    expiry = token_expiry(authorization)
    if expiry is not None and expiry < time.time():
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(expiry))
        message = f"the token expired at {when} UTC (401)"
    else:
        message = "the API server does not accept the token: expired, revoked or wrong (401)"
    return AuthError(message, option=option, hint="Log in again or give a new token")


def token_expiry(authorization: str) -> Optional[float]:
    """Return when a bearer token ends (seconds since 1970), None when it does not tell."""
    parts = authorization.partition(" ")[2].split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return float(claims["exp"])
    except (ValueError, KeyError, TypeError):
        return None


def forbidden(message: str, what: str) -> ForbiddenError:
    """Return the error for a 403: a missing right, Pod Security, a quota, a webhook."""
    security = pod_security(message)
    if security:
        return ForbiddenError(security[0], subject=what, hint=security[1])
    quota = quota_text(message)
    if quota:
        return ForbiddenError(quota[0], subject=what, hint=quota[1])
    constraint = constraint_text(message)
    if constraint:
        return ForbiddenError(constraint[0], subject=what, hint=constraint[1])
    if "because it is being terminated" in message:
        hint = "Wait until the namespace is gone, then run again"
    elif "attempting to grant RBAC permissions not currently held" in message:
        hint = (
            "Nobody can give rights that he has not: have the right bind on the role, or its rights"
        )
    elif "cannot" in message and "User " in message:
        hint = "Give this account the right (the preflight role ships the RBAC rules)"
    else:
        hint = "An admission rule of the cluster forbids it; ask its administrator"
    return ForbiddenError(message, subject=what, hint=hint)


def pod_security(message: str) -> Optional[Tuple[str, str]]:
    """Return message and hint when Pod Security admission refused a pod."""
    found = _LEVEL.search(message)
    if not found:
        return None
    reasons = message[found.end() :].lstrip(": ")
    hint = f"Use a namespace whose label {PSS_LABEL} allows it"
    if "hostPath" in message:
        hint = f"For host_path label the namespace {PSS_LABEL}=privileged; or use a pvc"
    return f"Pod Security ({found.group(1)}) forbids the pod: {reasons}", hint


def constraint_text(message: str) -> Optional[Tuple[str, str]]:
    """Return message and hint when no SecurityContextConstraints of OpenShift admitted a pod."""
    at = message.find("unable to validate against any security context constraint")
    if at < 0:
        return None
    hint = (
        "Leave out user and group ids, so that OpenShift chooses them, or have an administrator"
        " let the ServiceAccount use a constraint that admits the pod"
    )
    return message[at:], hint


def quota_text(message: str) -> Optional[Tuple[str, str]]:
    """Return message and hint when a ResourceQuota or LimitRange refused an object."""
    at = message.find("exceeded quota: ")
    if at >= 0:
        return message[at:], "Raise the ResourceQuota, or ask for less (resources, replicas)"
    if "failed quota: " in message:
        at = message.find("failed quota: ")
        return message[at:], "The ResourceQuota wants requests and limits: set resources"
    if re.search(r"(maximum|minimum) \S+ usage per \w+ is", message):
        return message, "The namespace has a LimitRange: change resources"
    return None


def _conflict_hint(message: str, reason: str) -> Optional[str]:
    if reason == "AlreadyExists":
        return "An object of this name is there already"
    if "conflict with" in message or "conflicts with" in message:
        return "Another field manager owns these fields"
    return "Someone else changed the object at the same time; run again"


def _hint(code: int, message: str) -> Optional[str]:
    if code == 404 and message.startswith("namespaces "):
        return "Create the namespace first"
    if code == 404 and "could not find the requested resource" in message:
        return "This cluster does not serve the kind"
    if code == 413:
        return "The object is larger than the API server takes (about 1.5 MiB)"
    if code == 422 and "immutable" in message:
        return "The field cannot change on an existing object: delete it and run again"
    return None
