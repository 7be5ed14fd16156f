# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of an object a person cares about: the basis of C(changed) and of diffs; pure."""

from __future__ import annotations

import copy
import hashlib
from typing import Any, Dict, Mapping, Optional, Sequence

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]

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


# What stands for a value of which not even a digest may be seen. It is no base64.
HIDDEN, HIDDEN_CHANGED = "(hidden)", "(hidden, changed)"


def hide_secrets(obj: Mapping[str, Any]) -> Dict[str, Any]:
    """Return a Secret with its values replaced by a short digest, other kinds as they are."""
    shown = dict(obj)
    if shown.get("kind") == "Secret":
        for field in ("data", "stringData"):
            if isinstance(shown.get(field), dict):
                shown[field] = {key: _hidden(value) for key, value in shown[field].items()}
    return shown


def _hidden(value: Any) -> str:
    if str(value) in (HIDDEN, HIDDEN_CHANGED):
        return str(value)
    return f"(hidden, sha256 {hashlib.sha256(str(value).encode()).hexdigest()[:8]})"


def to_yaml(objects: Sequence[Optional[Mapping[str, Any]]]) -> str:
    """Return the objects that are there as one YAML text with C(---) between them."""
    shown = [hide_secrets(obj) for obj in objects if obj is not None]
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
