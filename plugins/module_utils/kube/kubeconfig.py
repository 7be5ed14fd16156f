# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads one context of a kubeconfig, by the rules of C(kubectl).

Certificates, tokens and passwords are taken from here; contexts whose user has an exec plugin or
an identity provider are handed to the C(kubernetes) package (kubeconfig_plugins).
"""

from __future__ import annotations

import base64
import binascii
import os
import sys
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

try:
    import yaml

    YAML_ERROR = ""
except ImportError as _error:
    YAML_ERROR = str(_error)

from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    InputError,
    UnsupportedError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.proxies import basic

DEFAULT_PATH = "~/.kube/config"
_SECTIONS = ("clusters", "contexts", "users")
# The keys that hold paths; relative ones start at the folder of their file.
_PATHS = {
    "cluster": ("certificate-authority",),
    "user": ("client-certificate", "client-key", "tokenFile"),
}
_PLUGINS = ("exec", "auth-provider")


@dataclass
class Loaded:
    """What a context says; files may lie in the directory given for temporary files."""

    source: str
    host: str
    ca_cert: Optional[str]
    client_cert: Optional[str]
    client_key: Optional[str]
    verify: bool
    server_name: Optional[str]
    proxy: Optional[str]
    authorization: Optional[str]
    refresh: Optional[Callable[[], Optional[str]]]


def default_source(environ: Mapping[str, str]) -> Optional[str]:
    """Return the kubeconfig kubectl would take, None when there is none."""
    if environ.get("KUBECONFIG"):
        return environ["KUBECONFIG"]
    return DEFAULT_PATH if os.path.exists(os.path.expanduser(DEFAULT_PATH)) else None


def load(source: Any, context: Optional[str], scratch: str) -> Loaded:
    """Load a context.

    Args:
        source: a path (C(~) is expanded; several, divided by C(:), are merged) or a dictionary.
        context: its name; None takes the current one.
        scratch: directory for certificates that are given inline; the caller deletes it.

    Raises:
        InputError: missing file, not YAML, unknown context, missing cluster or user.
        AuthError: the exec plugin gave no credentials.
        UnsupportedError: a plugin is named and the C(kubernetes) package is not installed.
    """
    label, paths, config = _read(source)
    name, cluster, user = select(label, config, context)
    if any(user.get(key) for key in _PLUGINS):
        return _from_plugins(
            source if paths is None else paths, label, name, cluster, user, scratch
        )
    return _plain_context(f"{label}, context {name}", cluster, user, scratch)


def forget(scratch: str) -> None:
    """Make the plugins' loader forget files that were deleted with their directory."""
    plugins = sys.modules.get(f"{__name__}_plugins")
    if plugins is not None:
        plugins.forget(scratch)


def _from_plugins(
    source: Any,
    label: str,
    name: str,
    cluster: Mapping[str, Any],
    user: Mapping[str, Any],
    scratch: str,
) -> Loaded:
    # Imported only here: see the docstring there.
    from ansible_collections.openvino.edge.plugins.module_utils.kube import kubeconfig_plugins

    target, renew = kubeconfig_plugins.load(source, label, name, user, scratch)
    return Loaded(
        source=f"{label}, context {name}",
        ca_cert=getattr(target, "ssl_ca_cert", None),
        client_cert=getattr(target, "cert_file", None),
        client_key=getattr(target, "key_file", None),
        authorization=target.authorization(),
        refresh=renew if target.api_key else None,
        **_server(cluster),
    )


def _plain_context(
    subject: str, cluster: Mapping[str, Any], user: Mapping[str, Any], scratch: str
) -> Loaded:
    authorization, refresh = _authorization(subject, user)

    def file(body: Mapping[str, Any], key: str) -> Optional[str]:
        return _file(subject, body, key, scratch)

    return Loaded(
        source=subject,
        ca_cert=file(cluster, "certificate-authority"),
        client_cert=file(user, "client-certificate"),
        client_key=file(user, "client-key"),
        authorization=authorization,
        refresh=refresh,
        **_server(cluster),
    )


def _server(cluster: Mapping[str, Any]) -> Dict[str, Any]:
    return {
        "host": str(cluster["server"]),
        "verify": not cluster.get("insecure-skip-tls-verify"),
        "server_name": cluster.get("tls-server-name"),
        "proxy": cluster.get("proxy-url"),
    }


def _file(subject: str, body: Mapping[str, Any], key: str, scratch: str) -> Optional[str]:
    """Return a path: that of inline data written to C(scratch), else the one that is named."""
    inline = body.get(f"{key}-data")
    if inline:
        path = os.path.join(scratch, key)
        try:
            data = base64.b64decode(str(inline), validate=True)
        except (binascii.Error, ValueError):
            raise InputError(
                f"{key}-data is not base64",
                option="kubeconfig",
                subject=subject,
                hint=f"Fetch the kubeconfig again, or name a PEM file with {key}",
            ) from None
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(data)
        return path
    path = body.get(key) or ""
    if path and not os.path.exists(path):
        raise InputError(f"File does not exist: {path}", option="kubeconfig", subject=subject)
    return path or None


def _authorization(
    subject: str, user: Mapping[str, Any]
) -> Tuple[Optional[str], Optional[Callable[[], Optional[str]]]]:
    """Return the header and what reads it anew; as in kubectl a token file goes before a token."""
    path = user.get("tokenFile")
    if path:

        def read() -> str:
            try:
                with open(path, encoding="utf-8") as file:
                    return "Bearer " + file.read().strip()
            except (OSError, UnicodeDecodeError):
                raise InputError(
                    f"the token file {path} cannot be read",
                    option="kubeconfig",
                    subject=subject,
                    hint="Put a token there that the task's user can read, or set api_key",
                ) from None

        return read(), read
    if user.get("token"):
        return f"Bearer {str(user['token']).strip()}", None
    if user.get("username"):
        return basic(f"{user['username']}:{user.get('password') or ''}"), None
    return None, None


def _read(source: Any) -> Tuple[str, Optional[str], Dict[str, Any]]:
    """Return a name for messages, the existing paths (None for a dictionary), and the content."""
    if isinstance(source, dict):
        return "the given dictionary", None, _anchored(source, os.getcwd())
    if not isinstance(source, str):
        raise InputError("must be a path or a dictionary", option="kubeconfig")
    if YAML_ERROR:
        raise UnsupportedError(
            f"the Python package PyYAML cannot be imported ({YAML_ERROR})",
            hint="Install it for the Python that runs Ansible: pip install PyYAML",
        )
    existing = _existing(source)
    merged: Dict[str, Any] = {}
    for path in existing.split(os.pathsep):
        _merge(merged, _anchored(_parse(path), os.path.dirname(os.path.abspath(path))))
    return existing, existing, merged


def _parse(path: str) -> Dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        with open(path, encoding="utf-8") as file:
            content = yaml.load(file, Loader=loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise InputError(f"is not YAML{where}", option="kubeconfig", subject=path) from None
    except OSError as error:
        raise InputError(
            str(error.strerror),
            option="kubeconfig",
            subject=path,
            hint="Give the path of a kubeconfig file that the task's user can read",
        ) from None
    if content is None:
        raise InputError("the file is empty", option="kubeconfig", subject=path)
    if not isinstance(content, dict) or not _has_sections(content):
        raise _not_a_kubeconfig(path)
    return content


def _has_sections(config: Mapping[str, Any]) -> bool:
    return all(isinstance(config.get(section) or [], list) for section in _SECTIONS)


def _anchored(config: Mapping[str, Any], folder: str) -> Dict[str, Any]:
    """Return a copy in which paths no longer depend on where the file lies."""
    copy = dict(config)
    for section in ("clusters", "users"):
        items = copy.get(section)
        if isinstance(items, list):
            copy[section] = [_anchored_item(item, section[:-1], folder) for item in items]
    return copy


def _anchored_item(item: Any, key: str, folder: str) -> Any:
    body = item.get(key) if isinstance(item, dict) else None
    if not isinstance(body, dict):
        return item
    named = {name: os.path.join(folder, str(body[name])) for name in _PATHS[key] if body.get(name)}
    return {**item, key: {**body, **named}}


def _merge(merged: Dict[str, Any], config: Mapping[str, Any]) -> None:
    """Add a file to those before it: the first to name something wins, as in kubectl."""
    for section in _SECTIONS:
        known = merged.setdefault(section, [])
        names = set(_by_name(known))
        known += [
            item for name, item in _by_name(config.get(section) or []).items() if name not in names
        ]
    if config.get("current-context") and not merged.get("current-context"):
        merged["current-context"] = config["current-context"]


def _existing(source: str) -> str:
    """Return the paths that exist; kubectl too allows that some of several do not."""
    paths = [os.path.expanduser(path) for path in source.split(os.pathsep) if path]
    found = [path for path in paths if os.path.exists(path)]
    if not found:
        raise InputError(
            "there is no such file",
            option="kubeconfig",
            subject=source,
            hint="Give the path on the machine that runs the task",
        )
    return os.pathsep.join(found)


def _not_a_kubeconfig(label: str) -> InputError:
    return InputError("is not a kubeconfig", option="kubeconfig", subject=label)


def select(
    label: str, config: Mapping[str, Any], context: Optional[str]
) -> Tuple[str, Dict[str, Any], Dict[str, Any]]:
    """Return the context's name, its cluster and its user, checked to be there.

    Raises:
        InputError: names what is missing and what there is.
    """
    if not _has_sections(config):
        raise _not_a_kubeconfig(label)
    named = {section: _by_name(config.get(section) or []) for section in _SECTIONS}
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
    chosen = _body(named["contexts"][name], "context")
    cluster = _referred(label, name, named["clusters"], chosen.get("cluster"), "cluster")
    if not cluster.get("server"):
        raise InputError(
            f"cluster {chosen.get('cluster')!r} has no server", option="kubeconfig", subject=label
        )
    user_name = chosen.get("user")
    user = _referred(label, name, named["users"], user_name, "user") if user_name else {}
    return str(name), cluster, user


def _referred(
    label: str, context: str, items: Mapping[str, Any], name: Any, word: str
) -> Dict[str, Any]:
    if name not in items:
        raise InputError(
            f"context {context!r} names {word} {name!r}, which is not there",
            option="kubeconfig",
            subject=label,
        )
    return _body(items[name], word)


def _by_name(items: List[Any]) -> Dict[str, Any]:
    return {str(item["name"]): item for item in items if isinstance(item, dict) and "name" in item}


def _body(item: Mapping[str, Any], key: str) -> Dict[str, Any]:
    body = item.get(key)
    return body if isinstance(body, dict) else {}
