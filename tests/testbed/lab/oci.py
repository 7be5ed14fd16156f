# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write container images as OCI layout tars, with the standard library only.

The formats are those of https://github.com/opencontainers/image-spec (image-layout.md,
manifest.md, config.md, version 1.1). The same input gives the same bytes, so a tar's digest can
be used as a cache key.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import platform
import re
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Union

CHUNK = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
#: A name with a registry host and a tag, the only form containerd and the kubelet both take
#: as it stands ("ovms:1" would become "docker.io/library/ovms:1").
REFERENCE = re.compile(
    r"(localhost|[a-z0-9.-]*[.:][a-z0-9.:-]*)(/[a-z0-9]+([._-]+[a-z0-9]+)*)+"
    r":[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
)
#: Go's names for the machines Python names otherwise.
GO_ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Descriptor:
    """What one blob of the image is: media type, "sha256:..." digest, size in bytes."""

    media_type: str
    digest: str
    size: int

    def as_dict(self) -> dict[str, Any]:
        """The descriptor in the words of the image specification."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


@dataclass(frozen=True)
class LayerFile:
    """One regular file for `write_layer`: its path in the image, its bytes or source, its mode."""

    path: str
    content: Union[bytes, Path]
    mode: int = 0o644


def _hash_stream(stream: BinaryIO) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    for chunk in iter(lambda: stream.read(CHUNK), b""):
        digest.update(chunk)
        size += len(chunk)
    return "sha256:" + digest.hexdigest(), size


def describe_layer(path: Path) -> tuple[Descriptor, str]:
    """The descriptor of a rootfs tar (plain or gzip) and its diff id (digest of the plain tar)."""
    with path.open("rb") as stream:
        packed = stream.read(2) == GZIP_MAGIC
        stream.seek(0)
        digest, size = _hash_stream(stream)
    if not packed:
        return Descriptor(LAYER_TYPE, digest, size), digest
    with gzip.open(path, "rb") as plain:
        diff_id, _ = _hash_stream(plain)  # type: ignore[arg-type]
    return Descriptor(LAYER_TYPE + "+gzip", digest, size), diff_id


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _blob(media_type: str, data: bytes) -> Descriptor:
    return Descriptor(media_type, "sha256:" + hashlib.sha256(data).hexdigest(), len(data))


def image_config(config: Mapping[str, Any], diff_ids: Sequence[str]) -> dict[str, Any]:
    """The image configuration: `config` holds User, Entrypoint, Cmd, Env, WorkingDir, Labels..."""
    machine = platform.machine()
    return {
        "architecture": GO_ARCHITECTURE.get(machine, machine),
        "os": "linux",
        "config": dict(config),
        "rootfs": {"type": "layers", "diff_ids": list(diff_ids)},
    }


def image_index(reference: str, manifest: Descriptor) -> dict[str, Any]:
    """index.json with the one manifest, named so that containerd imports it as `reference`."""
    names = {
        "io.containerd.image.name": reference,
        "org.opencontainers.image.ref.name": reference.rsplit(":", 1)[1],
    }
    return {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{**manifest.as_dict(), "annotations": names}],
    }


def _entry(name: str, size: int, mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, mode
    return info


def _blob_name(descriptor: Descriptor) -> str:
    return "blobs/" + descriptor.digest.replace(":", "/")


def _write_blobs(
    archive: tarfile.TarFile,
    layers: Iterable[tuple[Descriptor, Path]],
    documents: Iterable[tuple[str, bytes]],
) -> None:
    written = set()
    for descriptor, path in layers:
        if descriptor.digest not in written:
            with path.open("rb") as stream:
                archive.addfile(_entry(_blob_name(descriptor), descriptor.size), stream)
        written.add(descriptor.digest)
    for name, data in documents:
        archive.addfile(_entry(name, len(data)), io.BytesIO(data))


def write_image(
    tar_path: Path, reference: str, layers: Sequence[Path], config: Mapping[str, Any]
) -> str:
    """Write an OCI layout tar of one image and return the digest of its manifest.

    `layers` are rootfs tars, lowest first, plain or gzip; they are streamed, never held in
    memory. `config` is the "config" object of the image configuration. The file appears under
    `tar_path` only when it is complete.

    Raises ValueError for a reference without registry host or tag, OSError as it comes.
    """
    if not REFERENCE.fullmatch(reference):
        raise ValueError(f"image reference {reference!r}: want HOST/NAME:TAG, all lower case")
    described = [describe_layer(layer) for layer in layers]
    config_data = _json(image_config(config, [diff_id for _, diff_id in described]))
    config_blob = _blob(CONFIG_TYPE, config_data)
    manifest_data = _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": config_blob.as_dict(),
            "layers": [descriptor.as_dict() for descriptor, _ in described],
        }
    )
    manifest = _blob(MANIFEST_TYPE, manifest_data)
    tar_path.parent.mkdir(parents=True, exist_ok=True)
    partial = tar_path.with_name(tar_path.name + ".partial")
    with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as archive:
        _write_blobs(
            archive,
            [(descriptor, path) for (descriptor, _), path in zip(described, layers)],
            [
                (_blob_name(config_blob), config_data),
                (_blob_name(manifest), manifest_data),
                ("index.json", _json(image_index(reference, manifest))),
                ("oci-layout", _json({"imageLayoutVersion": "1.0.0"})),
            ],
        )
    partial.replace(tar_path)
    return manifest.digest


def write_layer(tar_path: Path, files: Iterable[LayerFile]) -> None:
    """Write a rootfs tar of regular files owned by root, dated 0, with their parent directories."""
    made: set[str] = set()
    with tarfile.open(tar_path, "w", format=tarfile.PAX_FORMAT) as archive:
        for item in files:
            for parent in reversed(Path(item.path.lstrip("/")).parents[:-1]):
                if str(parent) not in made:
                    made.add(str(parent))
                    info = _entry(str(parent), 0, 0o755)
                    info.type = tarfile.DIRTYPE
                    archive.addfile(info)
            data = item.content if isinstance(item.content, bytes) else item.content.read_bytes()
            archive.addfile(_entry(item.path.lstrip("/"), len(data), item.mode), io.BytesIO(data))


def image_digests(tar_path: Path) -> dict[str, str]:
    """The names an OCI layout tar imports under, each with the digest of its manifest.

    Raises ValueError when the file is no OCI layout tar or an image in it has no name.
    """
    try:
        with tarfile.open(tar_path, "r:*") as archive:
            member = archive.extractfile("index.json")
            index = json.load(member) if member else {}
    except (tarfile.TarError, KeyError, json.JSONDecodeError) as error:
        raise ValueError(f"{tar_path} is not an OCI layout tar: {error}") from error
    found = {
        manifest.get("annotations", {}).get("io.containerd.image.name"): manifest["digest"]
        for manifest in index.get("manifests", [])
    }
    if not found or None in found:
        raise ValueError(f"{tar_path} holds an image without io.containerd.image.name")
    return found


def image_references(tar_path: Path) -> list[str]:
    """The names an OCI layout tar imports under. Raises ValueError as `image_digests`."""
    return list(image_digests(tar_path))
