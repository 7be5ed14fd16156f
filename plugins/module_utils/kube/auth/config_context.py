# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Selects a context of a kubeconfig and validates its cluster and user as kubectl does. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Tuple

from ...errors import InputError
from .config_files import SECTIONS, by_name

_CERTIFICATES = ("client-certificate", "client-key")


def select(
    label: str, config: Mapping[str, Any], context: Optional[str]
) -> Tuple[str, Dict[str, Any], Dict[str, Any]]:
    """Return the context's name, its cluster and its user, after checking that all three exist.

    Raises:
        InputError: names what is missing and what there is.
    """
    named = {section: by_name(config.get(section) or []) for section in SECTIONS}
    name = context or config.get("current-context")
    known = ", ".join(sorted(named["contexts"])) or "none"
    if not name:
        raise InputError(
            "the kubeconfig has no current context",
            option="context",
            subject=label,
            hint=f"Choose one of: {known}",
        )
    if name not in named["contexts"]:
        raise InputError(
            f"there is no context {name!r}",
            option="context",
            subject=label,
            hint=f"Contexts there: {known}",
        )
    chosen = named["contexts"][name].get("context") or {}
    cluster = _referred(label, name, named["clusters"], chosen.get("cluster"), "cluster")
    if not cluster.get("server"):
        raise InputError(
            f"cluster {chosen.get('cluster')!r} has no server", option="kubeconfig", subject=label
        )
    user_name = chosen.get("user")
    user = _referred(label, name, named["users"], user_name, "user") if user_name else {}
    return str(name), cluster, user


def _referred(
    label: str, context: str, items: Mapping[str, Any], name: Optional[str], word: str
) -> Dict[str, Any]:
    if (name or "") not in items:
        raise InputError(
            f"context {context!r} names {word} {name!r}, which is not there",
            option="kubeconfig",
            subject=label,
        )
    return items[name or ""].get(word) or {}


def check_cluster(subject: str, cluster: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse a cluster with two contradicting settings, unless a task option overrides them.

    Raises:
        InputError: names both.
    """
    if given.get("ca_cert") or given.get("validate_certs") is not None:
        return
    _not_twice(subject, cluster, "certificate-authority")
    named = cluster.get("certificate-authority") or cluster.get("certificate-authority-data")
    if named and cluster.get("insecure-skip-tls-verify"):
        raise InputError(
            "names a certificate-authority and says insecure-skip-tls-verify",
            option="kubeconfig",
            subject=subject,
            hint="Remove one of them, or set validate_certs",
        )


def check_user(subject: str, user: Mapping[str, Any]) -> None:
    """Refuse, as kubectl does, two login methods, half a certificate or half an identity.

    Raises:
        InputError: names the fields.
    """
    cert, key = (bool(user.get(name) or user.get(f"{name}-data")) for name in _CERTIFICATES)
    if cert:
        for name in _CERTIFICATES:
            _not_twice(subject, user, name)
    if cert and not key:
        raise _refusal(subject, "has a client-certificate without client-key")
    token = user.get("token") or user.get("tokenFile")
    if token and (user.get("username") or user.get("password")):
        raise _refusal(subject, "has a token and a user name; only one of them can be sent")
    if user.get("password") and not user.get("username") and not (cert or user.get("exec")):
        raise _refusal(subject, "has a password without a user name")
    if user.get("exec") and user.get("auth-provider"):
        raise _refusal(subject, "has an exec plugin and an auth-provider")
    if not user.get("as") and any(
        user.get(key) for key in ("as-uid", "as-groups", "as-user-extra")
    ):
        raise _refusal(subject, "has as-uid, as-groups or as-user-extra without as")


def _not_twice(subject: str, body: Mapping[str, Any], key: str) -> None:
    if body.get(key) and body.get(f"{key}-data"):
        raise _refusal(subject, f"has both {key} and {key}-data")


def _refusal(subject: str, sentence: str) -> InputError:
    return InputError(
        sentence,
        option="kubeconfig",
        subject=subject,
        hint="Remove what is too much; kubectl refuses it as well",
    )


def impersonation(user: Mapping[str, Any]) -> List[Tuple[str, str]]:
    """Return the headers for the identity that a user of a kubeconfig acts as."""
    if not user.get("as"):
        return []
    headers = [("Impersonate-User", user["as"])]
    if user.get("as-uid"):
        headers.append(("Impersonate-Uid", user["as-uid"]))
    headers += [("Impersonate-Group", group or "") for group in user.get("as-groups") or ()]
    for key, values in (user.get("as-user-extra") or {}).items():
        name = f"Impersonate-Extra-{_escaped(str(key))}"
        headers += [(name, value or "") for value in values or ()]
    return headers


def _escaped(key: str) -> str:
    """Percent-encode what a header's name may not hold (RFC 9110 token), and the percent sign."""
    return "".join(
        chr(byte)
        if chr(byte).isalnum() and byte < 128 or chr(byte) in "!#$&'*+-.^_`|~"
        else f"%{byte:02X}"
        for byte in key.encode()
    )
