# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a file that a container sees through a ConfigMap."""

from __future__ import annotations

import base64
import binascii
import posixpath
from typing import Any, Callable, Iterator, Mapping, Optional, Tuple

from .mounts import View
from .references import Unclear

Object = Mapping[str, Any]
Read = Callable[[str], Optional[Object]]


class Missing(Unclear):
    """The ConfigMap or the key in it is not there, so no pod can start with it."""


def text_of(view: View, path: str, read: Read) -> str:
    """Return the text of a container's file.

    Args:
        view: the mounts of the container.
        path: of the file, in the container.
        read: returns a ConfigMap by name, C(None) when it is not there.

    Raises:
        Missing: nothing is there.
        Unclear: it does not come from a ConfigMap.
    """
    mount, rest = view.mount_of(path)
    if mount is None:
        raise Unclear(f"its configuration {path} is part of its image")
    inner = posixpath.join(mount.sub_path, rest) if rest else mount.sub_path
    kinds = sorted(set(mount.volume) - {"name"})
    sources = list(_sources(mount.volume))
    if not sources or not mount.certain:
        where = " and ".join(kinds) or "volume"
        raise Unclear(f"its configuration {path} lies in a {where}, which is not read from here")
    for source in sources:
        text = _from_map(source, inner, read)
        if text is not None:
            return text
    names = ", ".join(str(source.get("name")) for source in sources)
    raise Missing(f"its configuration {path} is not in ConfigMap {names}")


def _sources(volume: Object) -> Iterator[Object]:
    """Yield the references to ConfigMaps of a volume."""
    if volume.get("configMap"):
        yield volume["configMap"]
    for source in (volume.get("projected") or {}).get("sources") or ():
        if source.get("configMap"):
            yield source["configMap"]


def _from_map(source: Object, inner: str, read: Read) -> Optional[str]:
    key = _key(source, inner)
    found = read(str(source.get("name"))) if key else None
    if not found:
        return None
    text = (found.get("data") or {}).get(key)
    if text is not None:
        return str(text)
    coded = (found.get("binaryData") or {}).get(key)
    return None if coded is None else _decoded(str(coded), inner)


def _key(source: Object, inner: str) -> Optional[str]:
    items: Tuple[Object, ...] = tuple(source.get("items") or ())
    if not items:
        return inner
    keys = [str(item.get("key")) for item in items if item.get("path") == inner]
    return keys[0] if keys else None


def _decoded(coded: str, inner: str) -> str:
    try:
        return base64.b64decode(coded, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise Unclear(f"{inner} is no text") from None
