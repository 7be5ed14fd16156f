# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of a kubeconfig's fields, as kubectl demands them (C(Config) of client-go, v1). Pure.

kubectl refuses a whole file for one field of another type, also in an entry that is not used. A
token of digits without quotes is the most common one. Messages name the place, never the value.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Tuple

from ...errors import InputError

Fault = Tuple[str, str]
# Yields what is wrong as (place, sentence).
Check = Callable[[str, Any], Iterator[Fault]]


def _text(place: str, value: Any) -> Iterator[Fault]:
    if isinstance(value, (bool, int, float)):
        yield place, "has to be text: put it in quotes"
    elif not isinstance(value, str):
        yield place, "has to be text"


def _flag(place: str, value: Any) -> Iterator[Fault]:
    if not isinstance(value, bool):
        yield place, "has to be true or false, without quotes"


def _number(place: str, value: Any) -> Iterator[Fault]:
    if isinstance(value, bool) or not isinstance(value, int):
        yield place, "has to be a number"


def _anything(place: str, value: Any) -> Iterator[Fault]:
    return iter(())


def _list(check: Check) -> Check:
    def of_list(place: str, value: Any) -> Iterator[Fault]:
        if not isinstance(value, list):
            yield place, "has to be a list"
            return
        for index, item in enumerate(value):
            if item is not None:
                yield from check(f"{place}[{index}]", item)

    return of_list


def _by_name(check: Check) -> Check:
    def of_mapping(place: str, value: Any) -> Iterator[Fault]:
        if not isinstance(value, dict):
            yield place, "has to be a mapping"
            return
        for name, item in value.items():
            if item is not None:
                yield from check(f"{place}.{name}", item)

    return of_mapping


def _fields(known: Mapping[str, Check]) -> Check:
    """Return a check of a mapping whose known fields have types; others are not looked at."""

    def of_fields(place: str, value: Any) -> Iterator[Fault]:
        if not isinstance(value, dict):
            yield place, "has to be a mapping"
            return
        for name, check in known.items():
            if value.get(name) is not None:
                yield from check(f"{place}.{name}".lstrip("."), value[name])

    return of_fields


_EXTENSIONS = _list(_fields({"name": _text, "extension": _anything}))
_CLUSTER = {
    "server": _text,
    "tls-server-name": _text,
    "insecure-skip-tls-verify": _flag,
    "certificate-authority": _text,
    "certificate-authority-data": _text,
    "proxy-url": _text,
    "disable-compression": _flag,
    "extensions": _EXTENSIONS,
}
_EXEC = {
    "command": _text,
    "args": _list(_text),
    "env": _list(_fields({"name": _text, "value": _text})),
    "apiVersion": _text,
    "installHint": _text,
    "provideClusterInfo": _flag,
    "interactiveMode": _text,
}
_USER = {
    "client-certificate": _text,
    "client-certificate-data": _text,
    "client-key": _text,
    "client-key-data": _text,
    "token": _text,
    "tokenFile": _text,
    "as": _text,
    "as-uid": _text,
    "as-groups": _list(_text),
    "as-user-extra": _by_name(_list(_text)),
    "username": _text,
    "password": _text,
    "auth-provider": _fields({"name": _text, "config": _by_name(_text)}),
    "exec": _fields(_EXEC),
    "extensions": _EXTENSIONS,
}
_CONTEXT = {"cluster": _text, "user": _text, "namespace": _text, "extensions": _EXTENSIONS}
_CONFIG = _fields(
    {
        "apiVersion": _text,
        "kind": _text,
        "current-context": _text,
        "preferences": _fields({"colors": _flag, "extensions": _EXTENSIONS}),
        "clusters": _list(_fields({"name": _text, "cluster": _fields(_CLUSTER)})),
        "users": _list(_fields({"name": _text, "user": _fields(_USER)})),
        "contexts": _list(_fields({"name": _text, "context": _fields(_CONTEXT)})),
        "extensions": _EXTENSIONS,
    }
)
_CREDENTIAL = _fields(
    {
        "apiVersion": _text,
        "kind": _text,
        "status": _fields(
            {
                "expirationTimestamp": _text,
                "token": _text,
                "clientCertificateData": _text,
                "clientKeyData": _text,
            }
        ),
    }
)


def check_config(label: str, config: Any) -> None:
    """Check the types of a kubeconfig, the kind that it says it is, and that names are unique.

    Raises:
        InputError: names the field.
    """
    if not isinstance(config, dict):
        raise InputError("is not a kubeconfig", option="kubeconfig", subject=label)
    for place, sentence in _CONFIG("", config):
        raise InputError(f"{place} {sentence}", option="kubeconfig", subject=label)
    for field, wanted in (("apiVersion", "v1"), ("kind", "Config")):
        if (config.get(field) or wanted) != wanted:
            raise InputError(
                f"is not a kubeconfig: its {field} is not {wanted}",
                option="kubeconfig",
                subject=label,
            )
    for section in ("clusters", "users", "contexts"):
        twice = _twice(item.get("name") or "" for item in config.get(section) or () if item)
        if twice is not None:
            raise InputError(
                f"{section} has the name {twice!r} twice",
                option="kubeconfig",
                subject=label,
                hint="Remove one of them: kubectl refuses such a file as well",
            )


def _twice(names: Iterator[str]) -> Optional[str]:
    seen: Dict[str, bool] = {}
    for name in names:
        if name in seen:
            return name
        seen[name] = True
    return None


def credential_fault(credential: Any) -> Optional[str]:
    """Return what is wrong with the types in an C(ExecCredential), None where nothing is."""
    found = _CREDENTIAL("", credential)
    return next((f"{place or 'it'} {sentence}" for place, sentence in found), None)
