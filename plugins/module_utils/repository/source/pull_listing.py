# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists the files to pull, from a manifest file, a signed set, or the listing of a bucket.

All of them become one listing of paths, whose layout is checked by the same rules as a local
repository, on an outline of it made of empty files.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ...errors import InputError
from ..content.layout import (
    LocalVersion,
    Repository,
    Selection,
    is_too_long,
    scan,
)
from ..content.manifest import FileEntry, Manifest, canonical_json
from ..content.state import Key

MAX_MANIFEST = 256 << 20  # bytes; a file takes some 150
LINE = re.compile(r"([0-9a-fA-F]{64}) [ *](.+)")


@dataclass(frozen=True)
class Remote:
    """One file of a source.

    Attributes:
        sha256: in hex, C("") when nobody told.
        size: in bytes, -1 when nobody told.
        etag: what a bucket calls its content.
    """

    sha256: str = ""
    size: int = -1
    etag: str = ""


@dataclass(frozen=True)
class PulledVersion:
    """One version of a source.

    Attributes:
        model: its directory on a store.
        version: its number.
        files: by path.
        place: where it is in the source, which need not have the names of the store.
    """

    model: str
    version: int
    files: Mapping[str, Remote]
    place: str = ""

    @property
    def key(self) -> Key:
        """Model and version."""
        return self.model, self.version

    def manifest(self) -> Optional[Manifest]:
        """Return the manifest, C(None) as long as a hash or a size is missing."""
        if any(not item.sha256 or item.size < 0 for item in self.files.values()):
            return None
        entries = [FileEntry(path, item.size, item.sha256) for path, item in self.files.items()]
        return Manifest(self.model, self.version, tuple(entries))

    @property
    def digest(self) -> str:
        """The digest of a listing of a bucket: of names, sizes and etags."""
        listed = [[path, item.size, item.etag] for path, item in sorted(self.files.items())]
        return "sha256:" + hashlib.sha256(canonical_json(listed)).hexdigest()


def read_manifest(path: str) -> Dict[str, Remote]:
    """Return the files of a manifest file by C(<model>/<version>/<path>).

    Raises:
        InputError: it cannot be read, or is neither JSON manifests nor sha256sum lines.
    """
    try:
        with open(path, encoding="utf-8") as stream:
            text = stream.read(MAX_MANIFEST)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8"
        raise _manifest_error(path, f"it cannot be read ({why})") from error
    if text.lstrip()[:1] in ("{", "["):
        return _from_json(path, text)
    return _from_lines(path, text)


def _from_json(path: str, text: str) -> Dict[str, Remote]:
    try:
        value = json.loads(text)
        items = value if isinstance(value, list) else value.get("manifests", [value])
        manifests = [Manifest.from_dict(item) for item in items]
    except (ValueError, AttributeError, TypeError) as error:
        raise _manifest_error(path, f"it is no JSON manifest ({error})") from error
    found: Dict[str, Remote] = {}
    for manifest in manifests:
        for entry in manifest.files:
            name = f"{manifest.model}/{manifest.version}/{entry.path}"
            found[name] = Remote(entry.sha256, entry.size)
    return found


def _from_lines(path: str, text: str) -> Dict[str, Remote]:
    found: Dict[str, Remote] = {}
    for number, line in enumerate(text.split("\n"), 1):
        line = line.rstrip("\r")
        if not line.strip() or line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        if not match:
            raise _manifest_error(path, f"line {number} is no line of sha256sum")
        name = match.group(2)
        name = name[2:] if name.startswith("./") else name
        if found.setdefault(name, Remote(match.group(1).lower())).sha256 != match.group(1).lower():
            raise _manifest_error(path, f"line {number}: {name} is there twice, with other hashes")
    return found


def _manifest_error(path: str, message: str) -> InputError:
    return InputError(
        message,
        option="pull.manifest",
        subject=path,
        hint="It holds what 'sha256sum' prints for <model>/<version>/<file>, or the JSON of our"
        " manifests",
    )


def from_signed(keys: Iterable[Key], files: Any) -> Dict[str, Remote]:
    """Return the files of a signed set; C(files) is C(SignedSet.files)."""
    return {
        f"{model}/{version}/{path}": Remote(digest)
        for model, version in keys
        for path, digest in files(model, version).items()
    }


def from_entries(entries: Iterable[Sequence[Any]], prefix: str) -> Dict[str, Remote]:
    """Return the files of a bucket; keys that end in a slash stand for directories."""
    found: Dict[str, Remote] = {}
    for key, size, etag in entries:
        name = str(key)
        if name.startswith(prefix) and not name.endswith("/"):
            found[name[len(prefix) :]] = Remote("", int(size), str(etag))
    return found


def chosen(
    files: Mapping[str, Remote], selection: Sequence[Selection], option: str, subject: str
) -> Tuple[List[PulledVersion], Repository]:
    """Return the chosen versions and the scanned repository, checked like a local one.

    Raises:
        InputError: see C(layout.scan); or a path that would leave the repository.
    """
    for name in files:
        if not _is_safe(name):
            raise InputError(f"{ascii(name)} is not a path", option=option, subject=subject)
    with tempfile.TemporaryDirectory(prefix="openvino-edge-") as made:
        top = os.path.realpath(made)
        _draw(top, files)
        try:
            repository = scan(top, selection, flat=False)
        except InputError as error:
            named = error.option if error.option != "src" else option
            raise InputError(
                error.message.replace(top, subject),
                option=named,
                subject=subject,
                hint=error.hint,
                details=error.details,
            ) from error
    versions = [
        PulledVersion(
            item.model,
            item.version,
            {inner.path: files[os.path.relpath(inner.source, top)] for inner in item.files},
            _place(item, top),
        )
        for item in repository.versions
    ]
    return versions, repository


def _place(version: LocalVersion, top: str) -> str:
    """Return the directory of a version, from any of its files."""
    first = version.files[0]
    return os.path.relpath(first.source, top)[: -len(first.path) - 1]


def _is_safe(name: str) -> bool:
    parts = name.split("/")
    fits = not is_too_long(name) and max(map(len, parts)) <= 255
    return fits and "\0" not in name and all(part not in ("", ".", "..") for part in parts)


def _draw(top: str, files: Mapping[str, Remote]) -> None:
    for name in files:
        path = os.path.join(top, name)
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "xb"):
                pass
        except OSError as error:
            raise InputError(
                f"{name} is a file and a directory, or cannot be a name ({error.strerror})",
                option="pull.url",
            ) from error
