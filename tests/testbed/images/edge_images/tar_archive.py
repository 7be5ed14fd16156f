# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image archives as tar files: looking up blobs, and writing an OCI layout of some of them."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lab"))

from oci import CHUNK, GZIP_MAGIC, LAYER_TYPE, Descriptor  # noqa: E402

#: First bytes of compressed files that people give: gzip, zstd, xz, bzip2.
_COMPRESSED = {
    GZIP_MAGIC: "gunzip",
    b"\x28\xb5\x2f\xfd": "unzstd",
    b"\xfd7zXZ": "unxz",
    b"BZh": "bunzip2",
}
_DAMAGED = "it was cut short or damaged"


class GivenError(Exception):
    """An archive that cannot be used; the text says what to do."""


@dataclass(frozen=True)
class Blob:
    """A file of an archive, and what it is in an image."""

    member: str
    descriptor: Descriptor


class Archive:
    """A tar file with an image; a context manager."""

    def __init__(self, path: Path) -> None:
        """Open a tar and read its list of files.

        Raises:
            GivenError: the file is compressed, no tar, or cut short.
        """
        with path.open("rb") as stream:
            head = stream.read(8)
        for magic, command in _COMPRESSED.items():
            if head.startswith(magic):
                raise GivenError(f"it is compressed: unpack it first ({command} {path.name})")
        try:
            self._tar = tarfile.open(path, "r:")  # noqa: SIM115 (closed by __exit__)
            self._members = {item.name.removeprefix("./"): item for item in self._tar}
        except (tarfile.TarError, OSError, EOFError) as error:
            raise GivenError(f"it is no tar file, or was cut short ({error})") from error

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._tar.close()

    def has(self, name: str) -> bool:
        """Whether a file of that name is there."""
        return name in self._members

    def has_blob(self, digest: str) -> bool:
        """Whether an OCI layout has a blob."""
        return self.has(_blob_path(digest))

    def stream(self, name: str) -> IO[bytes]:
        """Open a file; links lead to what they name. Raises GivenError where there is none."""
        try:
            found = self._tar.extractfile(self._members[name])
        except (KeyError, tarfile.TarError) as error:
            raise GivenError(f"it lacks {name}: {_DAMAGED}") from error
        if found is None:
            raise GivenError(f"{name} in it is not a file")
        return found

    def json(self, name: str) -> dict[str, Any]:
        """Parse a JSON object. Raises GivenError for anything else."""
        found = self._parsed(name)
        if not isinstance(found, dict):
            raise GivenError(f"{name} in it is not a JSON object")
        return found

    def json_list(self, name: str) -> list[dict[str, Any]]:
        """Parse a JSON list of objects. Raises GivenError for anything else."""
        found = self._parsed(name)
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise GivenError(f"{name} in it is not a list of images")
        return found

    def _parsed(self, name: str) -> Any:
        try:
            return json.load(self.stream(name))
        except ValueError as error:
            raise GivenError(f"{name} in it is not JSON: {_DAMAGED}") from error

    def blob(self, digest: str, media_type: str) -> Blob:
        """Find a blob of an OCI layout. Raises GivenError unless its bytes have that digest."""
        return self._described(_blob_path(digest), media_type, digest)

    def file(self, name: str, media_type: str) -> Blob:
        """Describe a file of a Docker archive; a packed layer is called so."""
        if media_type == LAYER_TYPE and self.stream(name).read(2) == GZIP_MAGIC:
            media_type += "+gzip"
        return self._described(name, media_type, None)

    def _described(self, name: str, media_type: str, wanted: str | None) -> Blob:
        digest, size = hashlib.sha256(), 0
        try:
            with self.stream(name) as stream:
                while chunk := stream.read(CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
        except tarfile.TarError as error:
            raise GivenError(f"{name} in it ends early: {_DAMAGED}") from error
        found = "sha256:" + digest.hexdigest()
        if wanted not in (None, found):
            raise GivenError(f"the bytes of {name} are not those of its digest: {_DAMAGED}")
        return Blob(name, Descriptor(media_type, found, size))

    def read(self, blob: Blob) -> bytes:
        """All bytes of a small blob."""
        with self.stream(blob.member) as stream:
            return stream.read()

    @staticmethod
    def digest_of(data: bytes) -> str:
        """The digest of bytes, as images write it."""
        return "sha256:" + hashlib.sha256(data).hexdigest()


def _blob_path(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def write_layout(
    target: Path,
    archive: Archive,
    blobs: Sequence[Blob],
    index: Mapping[str, Any],
    manifest: Descriptor,
    data: bytes,
) -> None:
    """Write an OCI layout tar: the index, the manifest's bytes, and blobs out of an archive.

    The file appears under its name only when it is complete.
    """
    partial = target.with_name(target.name + ".partial")
    with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as out:
        for digest, blob in {item.descriptor.digest: item for item in blobs}.items():
            entry = tarfile.TarInfo(_blob_path(digest))
            entry.size = blob.descriptor.size
            with archive.stream(blob.member) as stream:
                out.addfile(entry, stream)
        layout = {"imageLayoutVersion": "1.0.0"}
        for name, content in {
            _blob_path(manifest.digest): data,
            "index.json": json.dumps(index).encode(),
            "oci-layout": json.dumps(layout).encode(),
        }.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            out.addfile(entry, io.BytesIO(content))
    partial.replace(target)
