# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps each path of a C(config.json) to one directory of a store. Pure.

On a store all models lie side by side, in directories of one level.
"""

from __future__ import annotations

import posixpath
import re
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from ...store import directory_of

VERSION = re.compile(r"[1-9][0-9]{0,18}")
MODEL_FILES = (".xml", ".bin", ".onnx", ".pdmodel", ".pb", ".tflite", ".pbtxt")
_REMOTE = re.compile(r"[a-z0-9]+://")
_UNFIT = re.compile(r"[^A-Za-z0-9_.+@=-]")
# Directories of libraries in an image; no store is mounted there.
_OF_THE_IMAGE = ("/ovms", "/usr", "/lib", "/lib64", "/opt/intel")


def is_remote(path: str) -> bool:
    """Tell whether a path is a URI of a bucket."""
    return _REMOTE.match(path) is not None


def clean(path: str) -> str:
    """Return a path without detours; C(s3://) keeps both slashes."""
    scheme, mark, rest = path.partition("://")
    if mark and is_remote(path):
        return scheme + mark + posixpath.normpath(rest)
    return posixpath.normpath(path)


def ends_with(path: str, name: str) -> bool:
    """Tell whether the last directories of a path are the name of the model."""
    return path == name or path.endswith(f"/{name}")


class Misread(NamedTuple):
    """A base_path that is not the directory of a model: what it is, and the one meant."""

    what: str
    meant: str


def misread(path: str, name: str) -> Optional[Misread]:
    """Return what a base_path is if not a model's directory: a version of it, or a file."""
    last = posixpath.basename(path)
    if ends_with(path, name):
        return None
    if last.endswith(MODEL_FILES):
        above = posixpath.dirname(path)
        found = misread(above, name)
        return Misread("a file of the model", found.meant if found else above)
    if VERSION.fullmatch(last) and posixpath.dirname(path) not in ("", "/"):
        return Misread("a version of the model", posixpath.dirname(path))
    return None


class Place(NamedTuple):
    """The path of a model or library, and the served name of a model."""

    path: str
    name: str = ""


def directories(places: Sequence[Place]) -> Dict[str, str]:
    """Return a directory of the store for each path; no two paths have the same one.

    The name is the last directory of the path if it is unique, else as many of the last directories
    as needed. A model whose path ends with its name gets its default directory.
    """
    made: Dict[str, str] = {}
    for place in places:
        if place.name and ends_with(place.path, place.name):
            made.setdefault(place.path, directory_of(place.name))
    others = [place for place in places if place.path not in made]
    taken = {directory.casefold() for directory in made.values()}
    for place in others:
        if place.path not in made:
            rivals = [other.path for other in others if other.path != place.path]
            made[place.path] = _free(place, rivals, taken)
            taken.add(made[place.path].casefold())
    return made


def _free(place: Place, rivals: Iterable[str], taken: Iterable[str]) -> str:
    """Return the shortest tail of a path that no other path has and that is not taken."""
    parts = _parts(place.path)
    if not parts:
        parts = [directory_of(place.name) or "models"]
    others = [[part.casefold() for part in _parts(path)] for path in rivals]
    used = set(taken)
    for length in range(1, len(parts) + 1):
        tail = parts[-length:]
        directory = "-".join(tail)
        alone = all(other[-length:] != [part.casefold() for part in tail] for other in others)
        if alone and directory.casefold() not in used:
            return directory
    directory = "-".join(parts)
    number = 2
    while f"{directory}-{number}".casefold() in used:
        number += 1
    return directory if directory.casefold() not in used else f"{directory}-{number}"


def _parts(path: str) -> List[str]:
    tail = path.partition("://")[2] if is_remote(path) else path
    found = [_UNFIT.sub("-", part).lstrip(".-") for part in tail.split("/")]
    return [part for part in found if part]


def of_the_image(path: str) -> bool:
    """Tell whether a path is in a directory of the image's own libraries."""
    return any(path.startswith(f"{place}/") for place in _OF_THE_IMAGE)


def in_store(path: str, tops: Iterable[str]) -> bool:
    """Tell whether a library lies beside the models or below them, not in the image."""
    if not posixpath.isabs(path):
        return True
    if of_the_image(path):
        return False
    directory = posixpath.dirname(path)
    return any(
        directory == top or (path.startswith(f"{top}/") if top != "/" else True) for top in tops
    )


def without_version(directory: str) -> Tuple[str, int]:
    """Return a directory and the version that it is; the first, if it is none."""
    above, last = posixpath.split(directory)
    return (above, int(last)) if VERSION.fullmatch(last) else (directory, 1)
