# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads one context of a kubeconfig, by the rules of C(kubectl).

Certificates, tokens, passwords and exec plugins are taken from here. Only contexts whose user has
an C(auth-provider) are handed to the C(kubernetes) package (C(plugins)).
"""

from __future__ import annotations

import base64
import binascii
import sys
from dataclasses import dataclass, field
from typing import Any, Callable, List, Mapping, Optional, Tuple

from ...errors import InputError
from ..wire.endpoint import Pem
from . import config_files
from .config_context import check_cluster, check_user, impersonation, select
from .exec_plugin import ExecPlugin, cluster_info, program
from .proxies import basic
from .tls import read_pem

Refresh = Callable[[], Optional[str]]


@dataclass
class Loaded:
    """The settings of a context; options for the server's certificate are already applied."""

    source: str
    host: str
    verify: bool = True
    authority: Optional[Pem] = None
    certificate: Optional[Pem] = None
    key: Optional[Pem] = None
    server_name: Optional[str] = None
    proxy: Optional[str] = None
    authorization: Optional[str] = None
    refresh: Optional[Refresh] = None
    plugin: Optional[ExecPlugin] = None
    impersonation: List[Tuple[str, str]] = field(default_factory=list)


def load(
    source: Any,
    context: Optional[str],
    given: Mapping[str, Any],
    environ: Mapping[str, str],
    scratch: str,
) -> Loaded:
    """Load a context; no program runs and nothing connects.

    Args:
        source: a path (C(~) is expanded; several, divided by C(:), are merged) or a dictionary.
        context: its name; None takes the current one.
        given: the options, which win.
        environ: environment of an exec plugin.
        scratch: directory for the C(kubernetes) package; the caller deletes it.

    Raises:
        InputError: missing file, not YAML, unknown context, missing cluster or user.
        UnsupportedError: an auth-provider is named, and the C(kubernetes) package not installed.
    """
    label, paths, config = config_files.read(source)
    name, cluster, user = select(label, config, context)
    subject = f"{label}, context {name}"
    check_cluster(subject, cluster, given)
    check_user(subject, user)
    loaded = Loaded(
        source=subject,
        host=cluster["server"],
        verify=_verifies(cluster, given),
        server_name=cluster.get("tls-server-name"),
        proxy=cluster.get("proxy-url"),
        impersonation=impersonation(user),
    )
    if given.get("ca_cert"):
        loaded.authority = read_pem(given["ca_cert"], "ca_cert") if loaded.verify else None
    elif given.get("validate_certs") is not False:
        loaded.authority = _pem(subject, cluster, "certificate-authority")
    _log_in(loaded, user, cluster, given, environ)
    if _is_plain(given.get("host") or loaded.host):
        # As in kubectl, credentials of a kubeconfig are never sent over plain HTTP.
        loaded.authorization = loaded.refresh = loaded.plugin = None
    elif _is_provider(user, loaded, given):
        _ask_provider(loaded, source if paths is None else paths, label, name, scratch)
    return loaded


def _is_plain(server: str) -> bool:
    return server.lower().startswith("http:")


def _verifies(cluster: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    if given.get("validate_certs") is not None:
        return bool(given["validate_certs"])
    return bool(given.get("ca_cert")) or not cluster.get("insecure-skip-tls-verify")


def _log_in(
    loaded: Loaded,
    user: Mapping[str, Any],
    cluster: Mapping[str, Any],
    given: Mapping[str, Any],
    environ: Mapping[str, str],
) -> None:
    """Take certificate, token or password; an exec plugin only where there is none of them."""
    subject = loaded.source
    loaded.certificate = _pem(subject, user, "client-certificate")
    loaded.key = _pem(subject, user, "client-key") if loaded.certificate else None
    loaded.authorization, loaded.refresh = _authorization(subject, user)
    known = loaded.authorization or loaded.certificate or _identified(given)
    if not user.get("exec"):
        return
    # Task options override the kubeconfig, also in the cluster info that the plugin gets.
    proxy = given.get("proxy")
    told = cluster_info(
        given.get("host") or loaded.host,
        {**cluster, "proxy-url": loaded.proxy if proxy is None else proxy},
        loaded.authority.data if loaded.authority else None,
        loaded.verify,
    )
    wanted = program(subject, user["exec"], told)
    loaded.plugin = None if known else ExecPlugin(wanted, environ)


def _identified(given: Mapping[str, Any]) -> bool:
    return any(given.get(name) for name in ("api_key", "username", "client_cert"))


def _is_provider(user: Mapping[str, Any], loaded: Loaded, given: Mapping[str, Any]) -> bool:
    known = loaded.authorization or given.get("api_key") or given.get("username")
    return bool(user.get("auth-provider")) and not known


def _ask_provider(loaded: Loaded, source: Any, label: str, name: str, scratch: str) -> None:
    # Imported only here: see the docstring there.
    from . import plugins

    loaded.authorization, loaded.refresh = plugins.load(source, label, name, scratch)


def forget(scratch: str) -> None:
    """Make the loader of the package forget files that were deleted with their directory."""
    plugins = sys.modules.get(f"{__package__}.plugins")
    if plugins is not None:
        plugins.forget(scratch)


def _pem(subject: str, body: Mapping[str, Any], key: str) -> Optional[Pem]:
    """Return what is given inline, else the content of the file that is named."""
    inline, path = body.get(f"{key}-data"), body.get(key)
    if inline:
        return Pem(_decoded(subject, f"{key}-data", inline), "kubeconfig", subject)
    if not path:
        return None
    try:
        with open(path, "rb") as file:
            return Pem(file.read(), "kubeconfig", subject)
    except OSError as error:
        message = f"{key} cannot be read: {path}: {error.strerror}"
        if isinstance(error, FileNotFoundError):
            message = f"File does not exist: {path}"
        raise InputError(message, option="kubeconfig", subject=subject) from error


def _decoded(subject: str, key: str, text: str) -> bytes:
    """Decode base64 as Go does: line breaks do not count, anything else does."""
    try:
        return base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        raise InputError(
            f"{key} is not base64",
            option="kubeconfig",
            subject=subject,
            hint=f"Fetch the kubeconfig again, or name a PEM file with {key[: -len('-data')]}",
        ) from None


def _authorization(
    subject: str, user: Mapping[str, Any]
) -> Tuple[Optional[str], Optional[Refresh]]:
    """Return the Authorization header and its refresh function; as in kubectl tokenFile wins."""
    path, token = user.get("tokenFile"), (user.get("token") or "").strip()
    if path:

        def read() -> str:
            try:
                with open(path, encoding="utf-8") as file:
                    text = file.read().strip()
            except (OSError, UnicodeDecodeError):
                text = ""
            if text or token:
                return f"Bearer {text or token}"
            raise InputError(
                f"the token file {path} cannot be read",
                option="kubeconfig",
                subject=subject,
                hint="Put a token there that the task's user can read, or set api_key",
            )

        return read(), read
    if token:
        return f"Bearer {token}", None
    if user.get("username"):
        return basic(f"{user['username']}:{user.get('password') or ''}"), None
    return None, None
