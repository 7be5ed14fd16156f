# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns options of model_server into what a record holds of them, and back. Pure.

A ConfigMap may be read by more people than a Secret. So a record has no option that holds a secret,
only its path, and who goes back to such a release gives these options again.
"""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from ..errors import InputError
from ..kube.auth.options import AUTH_ARGUMENT_SPEC, WAIT_ARGUMENT_SPEC
from ..kube.planned import PLANNED_ARGUMENT_SPEC
from ..secrecy import SECRET_WORD, argument_secrets, secrets
from ..server.entry import ARGUMENT_SPEC
from ..server.spec.argument_spec import CHANGE_ARGUMENT_SPEC
from .options import RELEASE_ARGUMENT_SPEC

Path = Tuple[str, ...]
# They say where the server is and what is done with it, not what it is.
_NOT_CONTENT = (
    *AUTH_ARGUMENT_SPEC,
    *WAIT_ARGUMENT_SPEC,
    *RELEASE_ARGUMENT_SPEC,
    *PLANNED_ARGUMENT_SPEC,
    *CHANGE_ARGUMENT_SPEC,
    "name",
    "namespace",
    "state",
    "create_namespace",
    "namespace_labels",
)
CONTENT_SPEC: Dict[str, Any] = {
    name: rule for name, rule in ARGUMENT_SPEC.items() if name not in _NOT_CONTENT
}
# The values of these are whatever a user likes; their names tell which are secret.
_FREE_VALUES = "env"
_ARGUMENTS = "extra_args"


def recorded(params: Mapping[str, Any]) -> Tuple[Dict[str, Any], Tuple[str, ...]]:
    """Return the options that a record holds, and the dotted paths of those that it must not."""
    hidden = _Hidden(secrets({name: params.get(name) for name in CONTENT_SPEC}))
    options = {
        name: hidden.kept(params[name], rule, (name,))
        for name, rule in CONTENT_SPEC.items()
        if params.get(name) is not None
    }
    kept = {name: value for name, value in options.items() if value is not _SECRET}
    return json.loads(json.dumps(kept)), tuple(sorted(map(".".join, hidden.paths)))


def secret_parts(options: Mapping[str, Any]) -> Dict[str, Any]:
    """Return those parts of options that a record would leave out, each in its place."""
    parts: Dict[str, Any] = {}
    for path in recorded(options)[1]:
        _put(parts, path, _found(options, path))
    return parts


_SECRET = object()


class _Hidden:
    """Leaves the secret parts out of options.

    Args:
        texts: what is secret wherever it comes up, such as the login of a URL.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = tuple(texts)
        self.paths: List[Path] = []

    def kept(self, value: Any, rule: Mapping[str, Any], path: Path) -> Any:
        """Return the value without its secret parts, C(_SECRET) if all of it is one."""
        if value is not None and (rule.get("no_log") is True or self._is_secret(value, path)):
            self.paths.append(path)
            return _SECRET
        if not isinstance(value, Mapping):
            return copy.deepcopy(value)
        rules = rule.get("options") or {}
        parts = {
            str(name): self.kept(item, rules.get(name) or {}, (*path, str(name)))
            for name, item in value.items()
            if item is not None or not rules
        }
        return {name: item for name, item in parts.items() if item is not _SECRET}

    def _is_secret(self, value: Any, path: Path) -> bool:
        if isinstance(value, Mapping):
            return False
        if path[:1] == (_FREE_VALUES,) and len(path) == 2 and SECRET_WORD.search(path[1]):
            return True
        if path == (_ARGUMENTS,) and argument_secrets([str(item) for item in value]):
            return True
        return any(text in leaf for leaf in _leaves(value) for text in self._texts)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)


def digest_of(options: Mapping[str, Any], withheld: Sequence[str]) -> str:
    """Return the digest by which two releases are known to be the same server.

    An option that is not there counts with its default, so that a record that was written before
    the collection had this option still is the same server.
    """
    whole = {**options, **_completed(options, CONTENT_SPEC)}
    text = json.dumps([whole, sorted(withheld)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def restored(
    options: Mapping[str, Any], withheld: Sequence[str], given: Mapping[str, Any]
) -> Dict[str, Any]:
    """Return complete options of model_server from those of a record.

    Options that came after the record was written have their defaults. Of C(given) only the parts
    that the record had to leave out are taken.

    Raises:
        InputError: such a part is not given, or the record has an option that is not known here.
    """
    unknown = sorted(set(options) - set(CONTENT_SPEC))
    if unknown:
        raise InputError(
            f"the record has options that this release of the collection does not know:"
            f" {', '.join(unknown)}",
            hint="Go back with the release of the collection that wrote the record",
        )
    values: Dict[str, Any] = copy.deepcopy(dict(options))
    missing = []
    for path in withheld:
        found = _found(given, path)
        if found is None:
            missing.append(path)
        else:
            _put(values, path, found)
    if missing:
        raise InputError(
            f"the record does not hold what is secret: {', '.join(missing)}",
            option="options",
            hint="Give these options again, as model_server had them",
        )
    return _completed(values, CONTENT_SPEC)


def _found(given: Mapping[str, Any], path: str) -> Optional[Any]:
    node: Any = given
    rest = path
    while rest:
        if not isinstance(node, Mapping):
            return None
        # A name of a free-form option may have dots itself.
        if rest in node:
            return node[rest]
        name, _dot, rest = rest.partition(".")
        node = node.get(name)
    return node


def _put(values: Dict[str, Any], path: str, value: Any) -> None:
    names = path.split(".")
    if names[0] == _FREE_VALUES:
        names = [names[0], ".".join(names[1:])]
    node = values
    for name in names[:-1]:
        node = node.setdefault(name, {})
    node[names[-1]] = copy.deepcopy(value)


def _completed(values: Mapping[str, Any], spec: Mapping[str, Any]) -> Dict[str, Any]:
    """Return values for all options of a spec: the given ones, else the defaults."""
    return {name: _value(values.get(name), rule) for name, rule in spec.items()}


def _value(value: Any, rule: Mapping[str, Any]) -> Any:
    if value is None:
        return copy.deepcopy(rule.get("default"))
    options = rule.get("options")
    if not options:
        return copy.deepcopy(value)
    if isinstance(value, Mapping):
        return _completed(value, options)
    return [_completed(item, options) for item in value]
