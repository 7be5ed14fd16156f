# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds and masks the secrets in a task's options, for messages and results. Pure.

C(no_log) hides a whole option. Where only a part is secret (the login in a URL, the token in a
kubeconfig), this module knows the part: C(secrets) are texts to mask wherever they come up, and
C(shown) is a copy of the options for the result, in which they are not.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Set
from urllib.parse import parse_qsl, unquote, urlsplit

HIDDEN = "********"
SECRET_WORD = re.compile(
    r"(secret|passw|token|key|credential|assertion|jwt|signature|\bsig\b)", re.IGNORECASE
)
# Of a kubeconfig's user and of the config of its auth-provider.
_SECRET_KEYS = (
    "token",
    "password",
    "client-key-data",
    "id-token",
    "refresh-token",
    "access-token",
    "client-secret",
)
# A URL, or a proxy without a scheme, as a whole option; not an image with tag and digest.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S*|[^\s/@:]+:[^\s@]+@[^\s/@:]+:\d{1,5}")
_SHORT = 8  # characters of a user without a password: C(git) is none, an access token is longer


def without_login(url: str) -> str:
    """Return a URL without its login; of a text that is no URL, the part after the last C(@)."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url.rpartition("@")[2]
    host, slash, path = rest.partition("/")
    if "@" not in host and "@" in path and not _is_place(host):
        return f"{scheme}://{rest.rpartition('@')[2]}"  # a slash in a password
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _is_place(host: str) -> bool:
    name, mark, port = host.rpartition(":")
    return not mark or port.isdigit() or name.startswith("[") or host.endswith("]")


def secrets(params: Mapping[str, Any]) -> Set[str]:
    """Return the texts in a task's options that are masked wherever they come up."""
    found = {text for url in _texts(params) if _URL.fullmatch(url) for text in _of_url(url)}
    config = params.get("kubeconfig")
    return found | (set(_of_kubeconfig(config)) if isinstance(config, (dict, list)) else set())


def shown(params: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the options as a result may show them."""
    copy: Dict[str, Any] = {name: _shown(value) for name, value in params.items()}
    config = copy.get("kubeconfig")
    if isinstance(config, (dict, list)):
        copy["kubeconfig"] = _masked(config)
    elif isinstance(config, str) and is_content(config):
        copy["kubeconfig"] = HIDDEN
    return copy


def is_content(kubeconfig: str) -> bool:
    """Return whether a text is a kubeconfig where the path of one is wanted."""
    return "\n" in kubeconfig.strip() or kubeconfig.lstrip().startswith("{")


def argument_secrets(arguments: Sequence[str]) -> List[str]:
    """Return the arguments of a program that follow a name like C(--client-secret)."""
    found, before = [], ""
    for argument in arguments:
        name, mark, value = argument.partition("=")
        if mark and SECRET_WORD.search(name):
            found.append(value)
        elif before.startswith("-") and SECRET_WORD.search(before):
            found.append(argument)
        before = "" if mark else argument
    return [value for value in found if value]


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from _texts(value)
    elif isinstance(node, (list, tuple)):
        for item in node:
            yield from _texts(item)


def _of_url(url: str) -> Iterator[str]:
    """Yield the password (the user, where there is none) and signatures, as written and decoded."""
    rest = url.partition("://")[2] or url
    found = []
    if without_login(url) != url:
        user, dummy, password = rest[: rest.rindex("@")].partition(":")
        found.append(password or (user if len(user) >= _SHORT else ""))
    try:
        pairs = parse_qsl(urlsplit(url).query)
    except ValueError:
        pairs = []
    found += [value for name, value in pairs if SECRET_WORD.search(name)]
    for text in found:
        yield from (part for part in (text, unquote(text)) if part)


def _shown(node: Any) -> Any:
    if isinstance(node, str):
        return _shown_url(node) if _URL.fullmatch(node) else node
    if isinstance(node, Mapping):
        return {name: _shown(value) for name, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [_shown(item) for item in node]
    return node


def _shown_url(url: str) -> str:
    """Return a URL without its login, query and fragment; the last two may be signatures."""
    place = re.match(r"[^?#]*", without_login(url))
    shortened = place.group() if place else ""
    return shortened if shortened == without_login(url) else f"{shortened}?{HIDDEN}"


def _of_kubeconfig(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _of_kubeconfig(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in _SECRET_KEYS and isinstance(value, str) and value:
                yield value
            elif key == "exec" and isinstance(value, dict):
                yield from _of_plugin(value)
            else:
                yield from _of_kubeconfig(value)


def _of_plugin(program: Mapping[str, Any]) -> Iterator[str]:
    """Yield the values that are named as secret; others, such as a region, stay readable."""
    arguments, variables = program.get("args"), program.get("env")
    if isinstance(arguments, list):
        yield from argument_secrets([item for item in arguments if isinstance(item, str)])
    for item in variables if isinstance(variables, list) else ():
        if isinstance(item, dict) and SECRET_WORD.search(str(item.get("name"))):
            value = item.get("value")
            if isinstance(value, str) and value:
                yield value


def _masked(node: Any) -> Any:
    """Return a kubeconfig without secrets; of a plugin and a provider, without any value."""
    if isinstance(node, list):
        return [_masked(item) for item in node]
    if not isinstance(node, dict):
        return node
    copy: Dict[Any, Any] = {}
    for key, value in node.items():
        if key in _SECRET_KEYS and value or key in ("args", "env", "config", "extension") and value:
            copy[key] = HIDDEN
        else:
            copy[key] = _masked(value)
    return copy
