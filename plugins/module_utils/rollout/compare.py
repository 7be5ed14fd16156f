# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows releases, and compares two of them. Pure."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

from ..releases import Release


def summary_of(release: Release) -> Dict[str, Any]:
    """Return the line of a list: what, when, by whom, and how it went."""
    return {
        "number": release.number,
        "server": release.server,
        "when": release.when,
        "run": release.run,
        "verdict": release.verdict,
        "reason": release.reason,
        "restores": release.restores,
        "image": release.image,
        "models": [
            {
                "name": item.name,
                "directory": item.directory,
                "versions": list(item.versions),
                "digests": dict(item.digests),
            }
            for item in release.models
        ],
    }


def details_of(release: Release) -> Dict[str, Any]:
    """Return all that a record holds."""
    return {
        **summary_of(release),
        "digest": release.digest,
        "store": release.store,
        "options": dict(release.options),
        "withheld": list(release.withheld),
        "own_config": release.own_config,
    }


def differences(before: Release, after: Release) -> List[Dict[str, Any]]:
    """Return what the options of two releases differ in: C(path), C(before), C(after).

    A value that is not there is None. An option whose value is secret is only known to be given.
    """
    return list(_differing(_shown(before), _shown(after), ""))


def _shown(release: Release) -> Dict[str, Any]:
    return {**release.options, **({"withheld": list(release.withheld)} if release.withheld else {})}


def _differing(before: Any, after: Any, path: str) -> Iterator[Dict[str, Any]]:
    if before == after:
        return
    one, other = _parts(before), _parts(after)
    if one is None or other is None:
        yield {"path": path, "before": before, "after": after}
        return
    for name in [*one, *(name for name in other if name not in one)]:
        inner = f"{path}{name}" if name.startswith("[") else f"{path}.{name}".lstrip(".")
        yield from _differing(one.get(name), other.get(name), inner)
    if _are_named(before) and set(one) == set(other) and list(one) != list(other):
        yield {"path": f"{path} (order)", "before": list(one), "after": list(other)}


def _parts(value: Any) -> Optional[Dict[str, Any]]:
    """Return the parts of a value by name, items of a list by their C(name); None: it has none."""
    if isinstance(value, Mapping):
        return {str(name): item for name, item in value.items()}
    if _are_named(value):
        return {f"[{item['name']}]": item for item in value}
    return None


def _are_named(value: Any) -> bool:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        return False
    names = [item.get("name") for item in value if isinstance(item, Mapping)]
    return len(set(names)) == len(value) and None not in names
