# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the inventory plugin as frozen values; bad ones end here. Pure."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, Mapping, Optional, Pattern, Tuple

from ..errors import InputError

# What may stand in an inventory file about a hub: nothing that is a secret by itself.
HUB_KEYS = ("kubeconfig", "context", "host", "ca_cert", "validate_certs", "proxy", "no_proxy")
_PATHS = ("kubeconfig", "ca_cert")
SOURCES = ("kubeconfigs", "contexts", "open_cluster_management", "cluster_api")


@dataclass(frozen=True)
class Files:
    """Kubeconfig files: absolute paths and patterns, and whether each context is a cluster."""

    patterns: Tuple[str, ...]
    every_context: bool = False


@dataclass(frozen=True)
class Contexts:
    """Contexts of one kubeconfig (None: the one kubectl would take) that match a pattern."""

    patterns: Tuple[str, ...]
    kubeconfig: Optional[str] = None


@dataclass(frozen=True)
class HubSource:
    """Objects of a hub.

    Attributes:
        option: the option that asks for it, C(open_cluster_management) or C(cluster_api).
        hub: how the hub is reached, with absolute paths; empty for environment and kubectl's own.
        label_selector: of the objects.
        namespace: of the objects; None for all.
        service_account: Secret of each cluster's namespace that has a token for it.
        qualified_names: whether hosts are named NAMESPACE.NAME.
        own_kubeconfig: whether C(compose) tells how hosts are reached.
    """

    option: str
    hub: Dict[str, Any] = field(default_factory=dict)
    label_selector: Optional[str] = None
    namespace: Optional[str] = None
    service_account: Optional[str] = None
    qualified_names: bool = False
    own_kubeconfig: bool = False


@dataclass(frozen=True)
class Sources:
    """Everything that one inventory file asks for."""

    files: Optional[Files] = None
    contexts: Optional[Contexts] = None
    hubs: Tuple[HubSource, ...] = ()
    rename: Tuple[Tuple[Pattern[str], str], ...] = ()
    fail_broken: bool = False
    group_by_labels: Tuple[Tuple[str, str], ...] = ()


def parse(options: Mapping[str, Any], folder: str) -> Sources:
    """Return the sources that an inventory file names.

    Args:
        options: those of the plugin, and whether C(compose) has an C(own_kubeconfig).
        folder: where relative paths begin, the folder of the inventory file.

    Raises:
        InputError: an option is of another type or contradicts another, or no source is named.
    """
    if options.get("kubeconfig") and options.get("contexts") is None:
        raise InputError(
            "it needs contexts",
            option="kubeconfig",
            hint="Add contexts, such as ['*'], or name the file in kubeconfigs for one host",
        )
    if not any(options.get(name) not in (None, False) for name in SOURCES):
        raise InputError(
            "no source of clusters is named",
            hint=f"Set one or more of: {', '.join(SOURCES)}",
        )
    return Sources(
        files=_files(options, folder),
        contexts=_contexts(options, folder),
        hubs=tuple(
            _hub(name, options[name], folder, bool(options.get("own_kubeconfig")))
            for name in SOURCES[2:]
            if options.get(name) not in (None, False)
        ),
        rename=tuple(_rules(options.get("rename") or [])),
        fail_broken=options.get("on_broken") == "fail",
        group_by_labels=tuple(_label_groups(options.get("group_by_labels") or []).items()),
    )


def _files(options: Mapping[str, Any], folder: str) -> Optional[Files]:
    if options.get("kubeconfigs") is None:
        return None
    patterns = _texts("kubeconfigs", options["kubeconfigs"])
    absolute = tuple(_absolute(pattern, folder) for pattern in patterns)
    return Files(absolute, bool(options.get("every_context")))


def _contexts(options: Mapping[str, Any], folder: str) -> Optional[Contexts]:
    if options.get("contexts") is None:
        return None
    path = options.get("kubeconfig")
    patterns = _texts("contexts", options["contexts"])
    return Contexts(patterns, _absolute(path, folder) if path else None)


def _texts(option: str, value: Any) -> Tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, str) and item for item in items):
        raise InputError("has to be a list of texts with at least one", option=option)
    return tuple(items)


def _absolute(path: str, folder: str) -> str:
    return os.path.abspath(os.path.join(folder, os.path.expanduser(path)))


def _hub(option: str, value: Any, folder: str, own_kubeconfig: bool) -> HubSource:
    known = {
        "open_cluster_management": ("hub", "label_selector", "service_account"),
        "cluster_api": ("hub", "label_selector", "namespace", "qualified_names"),
    }[option]
    given = {} if value is True else value
    if not isinstance(given, dict):
        raise InputError("has to be true or a mapping", option=option)
    _no_others(option, given, known)
    for name in ("label_selector", "service_account", "namespace"):
        if given.get(name) is not None and not (isinstance(given[name], str) and given[name]):
            raise InputError("has to be text", option=f"{option}.{name}")
    if not isinstance(given.get("qualified_names", False), bool):
        raise InputError("has to be true or false", option=f"{option}.qualified_names")
    return HubSource(
        option=option,
        hub=hub_options(f"{option}.hub", given.get("hub"), folder),
        own_kubeconfig=own_kubeconfig,
        **{name: given[name] for name in known[1:] if given.get(name) is not None},
    )


def hub_options(option: str, given: Any, folder: str, own: Tuple[str, ...] = ()) -> Dict[str, Any]:
    """Return how a hub is reached, with absolute paths.

    Args:
        option: for messages.
        given: its value.
        folder: where relative paths begin.
        own: keys that the option has besides, which the caller has taken out.

    Raises:
        InputError: it is no mapping, has other keys, or values of another type.
    """
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise InputError("has to be a mapping", option=option)
    _no_others(option, given, (*HUB_KEYS, *own))
    for name in HUB_KEYS:
        wanted = bool if name == "validate_certs" else str
        if given.get(name) is not None and not isinstance(given[name], wanted):
            word = "true or false" if wanted is bool else "text"
            raise InputError(f"has to be {word}", option=f"{option}.{name}")
    values = {name: value for name, value in given.items() if value is not None}
    return {
        name: os.pathsep.join(_absolute(part, folder) for part in value.split(os.pathsep))
        if name in _PATHS
        else value
        for name, value in values.items()
    }


def _no_others(option: str, given: Mapping[str, Any], known: Tuple[str, ...]) -> None:
    others = sorted(str(name) for name in set(given) - set(known))
    if not others:
        return
    secret = {"api_key", "username", "password", "client_key", "client_cert"} & set(others)
    hint = f"There are: {', '.join(known)}"
    if secret:
        hint += ". Credentials of a hub come from its kubeconfig, or from EDGE_HUB_API_KEY"
    raise InputError(f"does not know {', '.join(others)}", option=option, hint=hint)


def _rules(rules: Any) -> Iterator[Tuple[Pattern[str], str]]:
    if not isinstance(rules, list):
        raise InputError("has to be a list", option="rename")
    for rule in rules:
        if not isinstance(rule, dict) or set(rule) != {"pattern", "replace"}:
            raise InputError("each rule has pattern and replace, nothing else", option="rename")
        try:
            yield re.compile(str(rule["pattern"])), str(rule["replace"])
        except re.error as error:
            raise InputError(
                f"is not a regular expression ({error})",
                option="rename",
                subject=str(rule["pattern"]),
            ) from None


def _label_groups(value: Any) -> Dict[str, str]:
    """Return the prefix of the groups of each label: the label's name, unless one is given."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list) and all(isinstance(item, str) and item for item in value):
        return {key: key for key in value}
    if isinstance(value, dict) and all(isinstance(item, str) for item in value.values()):
        return {str(key): prefix for key, prefix in value.items()}
    raise InputError(
        "has to be a list of labels, or a mapping of labels to prefixes", option="group_by_labels"
    )
