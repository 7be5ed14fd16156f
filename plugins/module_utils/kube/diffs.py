# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cleans objects of server-set fields, before they are compared for C(changed) and diffs. Pure."""

from __future__ import annotations

import copy
from base64 import b64encode
from typing import Any, Dict, Iterator, Mapping, Optional, Sequence, Tuple

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]

Path = Tuple[str, ...]
Difference = Tuple[Path, Any, Any]

# Set by the server on every object, whatever was asked for.
_SERVER_FIELDS = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)
# Written by controllers some time after the object.
_CONTROLLER_ANNOTATIONS = (
    "deployment.kubernetes.io/revision",
    "kubectl.kubernetes.io/last-applied-configuration",
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
)


def clean(obj: Optional[Mapping[str, Any]]) -> Optional[Dict[str, Any]]:
    """Return a copy without status, managedFields, generation, versions, uid and times."""
    if obj is None:
        return None
    cleaned: Dict[str, Any] = copy.deepcopy(dict(obj))
    cleaned.pop("status", None)
    meta = cleaned.get("metadata")
    if isinstance(meta, dict):
        _clean_metadata(meta)
    template = (cleaned.get("spec") or {}).get("template")
    if isinstance(template, dict) and isinstance(template.get("metadata"), dict):
        template["metadata"].pop("creationTimestamp", None)
    return cleaned


def _clean_metadata(meta: Dict[str, Any]) -> None:
    for field in _SERVER_FIELDS:
        meta.pop(field, None)
    annotations = meta.get("annotations")
    if isinstance(annotations, dict):
        for name in _CONTROLLER_ANNOTATIONS:
            annotations.pop(name, None)
        if not annotations:
            del meta["annotations"]


def has_all(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Tell whether an object has the labels, notes, owners and data that another one asks for."""
    mine, theirs = wanted.get("metadata") or {}, found.get("metadata") or {}
    for name in ("labels", "annotations"):
        if not (mine.get(name) or {}).items() <= (theirs.get(name) or {}).items():
            return False
    owners = [item.get("uid") for item in theirs.get("ownerReferences") or ()]
    if any(item.get("uid") not in owners for item in mine.get("ownerReferences") or ()):
        return False
    return not wanted.get("data") or wanted["data"] == found.get("data")


# Placeholders for the values of a Secret. A digest would let readers confirm guesses of a value,
# and see which sites share a password.
HIDDEN, HIDDEN_CHANGED = "(hidden)", "(hidden, changed)"


def masked(
    secret: Optional[Mapping[str, Any]], earlier: Optional[Mapping[str, Any]]
) -> Optional[Dict[str, Any]]:
    """Return a Secret whose values are replaced by words that say which keys are new or differ.

    Annotations are masked too: the last-applied annotation of other tools holds the values.
    Masking what is masked already changes nothing.
    """
    if secret is None:
        return None
    shown = copy.deepcopy(dict(secret))
    shown.pop("stringData", None)
    shown["data"] = _marks(_values(secret), None if earlier is None else _values(earlier))
    notes = _annotations(secret)
    if notes:
        before = None if earlier is None else _annotations(earlier)
        shown["metadata"]["annotations"] = _marks(notes, before)
    return shown


def _marks(given: Mapping[str, Any], known: Optional[Mapping[str, Any]]) -> Dict[str, str]:
    return {
        key: HIDDEN if known is None or known.get(key) == value else HIDDEN_CHANGED
        for key, value in given.items()
    }


def _annotations(secret: Mapping[str, Any]) -> Mapping[str, Any]:
    return _mapping(_mapping(secret.get("metadata")).get("annotations"))


def _values(secret: Mapping[str, Any]) -> Dict[str, str]:
    """Return what a Secret holds, in base64; C(stringData) wins, as it does on the server."""
    texts = _mapping(secret.get("stringData"))
    encoded = {key: b64encode(str(value).encode()).decode() for key, value in texts.items()}
    return {**{key: str(value) for key, value in _mapping(secret.get("data")).items()}, **encoded}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def shown_pair(
    before: Optional[Mapping[str, Any]], after: Optional[Mapping[str, Any]]
) -> Tuple[Optional[Dict[str, Any]], Optional[Dict[str, Any]]]:
    """Return one object before and after as a diff may show it: a Secret without its values."""
    return _shown(before, None), _shown(after, before)


def _shown(
    item: Optional[Mapping[str, Any]], earlier: Optional[Mapping[str, Any]]
) -> Optional[Dict[str, Any]]:
    if item is not None and item.get("kind") == "Secret":
        return masked(item, earlier)
    return None if item is None else dict(item)


def differences(before: Any, after: Any, path: Path = ()) -> Iterator[Difference]:
    """Yield the paths at which two trees differ, with both values; None is nothing.

    Items of lists go by their name, where they have one.
    """
    if isinstance(before, list) and isinstance(after, list):
        before, after = _named(before), _named(after)
    if before is None and isinstance(after, Mapping):
        before = {}
    if after is None and isinstance(before, Mapping):
        after = {}
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from differences(before.get(key), after.get(key), (*path, str(key)))
    elif before != after:
        yield path, before, after


def _named(items: Sequence[Any]) -> Any:
    if items and all(isinstance(item, Mapping) and "name" in item for item in items):
        return {str(item["name"]): item for item in items}
    return (
        list(items)
        if all(not isinstance(item, Mapping) for item in items)
        else {str(index): item for index, item in enumerate(items)}
    )


def to_yaml(objects: Sequence[Optional[Mapping[str, Any]]]) -> str:
    """Return the objects that are there as one YAML text with C(---) between them, as they are."""
    shown = [dict(obj) for obj in objects if obj is not None]
    if not shown:
        return ""
    text: str = yaml.dump_all(
        shown, Dumper=_dumper(), default_flow_style=False, sort_keys=True, width=120
    )
    return text


def _dumper() -> Any:
    """Return a safe dumper that shows text of several lines (a configuration file) as lines."""

    class Dumper(yaml.SafeDumper):
        """Keeps its representers apart from everyone else's."""

    Dumper.add_representer(str, _represent_text)
    return Dumper


def _represent_text(dumper: Any, value: str) -> Any:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)
