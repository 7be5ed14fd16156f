# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads kubeconfig files as kubectl does: YAML, paths beside their file, several files as one."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ...errors import InputError, UnsupportedError
from ...secrecy import is_content
from .config_schema import check_config
from .config_yaml import YAML_ERROR, load_yaml

DEFAULT_PATH = "~/.kube/config"
SECTIONS = ("clusters", "contexts", "users")
# The keys that hold paths; relative ones start at the folder of their file.
_PATHS = {
    "cluster": ("certificate-authority",),
    "user": ("client-certificate", "client-key", "tokenFile"),
}


def default_source(environ: Mapping[str, str]) -> Optional[str]:
    """Return the kubeconfig kubectl would take, None when there is none."""
    if environ.get("KUBECONFIG"):
        return environ["KUBECONFIG"]
    return DEFAULT_PATH if os.path.exists(os.path.expanduser(DEFAULT_PATH)) else None


def read(source: Any) -> Tuple[str, Optional[str], Dict[str, Any]]:
    """Return a name for messages, the existing paths (None for a dictionary), and the content.

    Raises:
        InputError: missing file, not YAML, not a kubeconfig.
        UnsupportedError: PyYAML is not installed.
    """
    if isinstance(source, dict):
        check_config("the given dictionary", source)
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
    contents = [(path, _parse(path)) for path in existing.split(os.pathsep)]
    if not any(content for dummy, content in contents):
        raise InputError("the file is empty", option="kubeconfig", subject=existing)
    for path, content in contents:
        _merge(merged, _anchored(content, os.path.dirname(os.path.abspath(path))))
    return existing, existing, merged


def _parse(path: str) -> Dict[str, Any]:
    try:
        with open(path, "rb") as file:
            content = load_yaml(file.read())
    except ValueError as error:
        raise InputError(f"is not YAML{error}", option="kubeconfig", subject=path) from None
    except OSError as error:
        raise InputError(
            str(error.strerror),
            option="kubeconfig",
            subject=path,
            hint="Give the path of a kubeconfig file that the task's user can read",
        ) from None
    if content is None:
        return {}
    check_config(path, content)
    return dict(content)


def _anchored(config: Mapping[str, Any], folder: str) -> Dict[str, Any]:
    """Return a copy in which relative paths are made absolute, from the folder of the file."""
    copy = dict(config)
    for section in ("clusters", "users"):
        items = copy.get(section) or []
        copy[section] = [_anchored_item(item, section[:-1], folder) for item in items if item]
    return copy


def _anchored_item(item: Mapping[str, Any], key: str, folder: str) -> Dict[str, Any]:
    body = item.get(key) or {}
    named: Dict[str, Any] = {
        name: os.path.join(folder, body[name]) for name in _PATHS[key] if body.get(name)
    }
    program = body.get("exec") or {}
    if os.sep in (program.get("command") or ""):
        named["exec"] = {**program, "command": os.path.join(folder, program["command"])}
    return {**item, key: {**body, **named}}


def _merge(merged: Dict[str, Any], config: Mapping[str, Any]) -> None:
    """Merge a file into the files before it; the first that names an entry wins, as in kubectl."""
    for section in SECTIONS:
        known = merged.setdefault(section, [])
        names = set(by_name(known))
        known += [
            item for name, item in by_name(config.get(section) or []).items() if name not in names
        ]
    if config.get("current-context") and not merged.get("current-context"):
        merged["current-context"] = config["current-context"]


def by_name(items: List[Any]) -> Dict[str, Any]:
    """Return the entries of a section by their names."""
    return {item.get("name") or "": item for item in items if item}


def _existing(source: str) -> str:
    """Return the paths that exist; kubectl too allows that some of several do not."""
    if is_content(source):
        raise InputError(
            "this is the content of a kubeconfig, not its path",
            option="kubeconfig",
            hint="Give the path, or the content as a dictionary: ... | from_yaml",
        )
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
