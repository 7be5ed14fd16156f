# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An archive of an OVMS image that somebody gives, made into one that the lab's nodes import.

Both forms of archives are read: an OCI layout (https://github.com/opencontainers/image-spec,
image-layout.md), and what `docker save` writes (manifest.json, its configuration and layers). What
comes out is an OCI layout with the same blobs under a name of the tests' own, so that no test takes
the image for one that a registry has.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_images.cache import image_directory, key_of, locked, remove_others
from edge_images.tar_archive import Archive, Blob, GivenError, write_layout

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lab"))

from oci import (  # noqa: E402
    CONFIG_TYPE,
    GO_ARCHITECTURE,
    LAYER_TYPE,
    MANIFEST_TYPE,
    Descriptor,
    image_index,
)

NAME = "localhost/ovms-given"
#: The program that the arguments go to: its Dockerfiles, alone or at the end of a line for bash.
PROGRAM = "/ovms/bin/ovms"
#: What marks the image of tests/testbed/images as what it is.
STANDIN_LABEL = "stand-in for OVMS"
#: Ends each error: what is wrong with a file does not tell where a good one comes from.
WAY_OUT = "docs/real-server.md tells how to save an image of OVMS as an archive"
#: A tag that tells a release of OVMS, such as 2026.3.1-gpu.
RELEASE_TAG = re.compile(r"v?(20\d\d\.\d{1,2}(?:\.\d+)?(?:[-_.][A-Za-z0-9_.-]{0,80})?)")


@dataclass(frozen=True)
class Image:
    """One image of an archive.

    Attributes:
        names: what the archive calls it; may be empty.
        manifest: the bytes of its OCI manifest.
        media_type: of the manifest.
        config: the image configuration.
        blobs: everything that the manifest names.
    """

    names: tuple[str, ...]
    manifest: bytes
    media_type: str
    config: Mapping[str, Any]
    blobs: tuple[Blob, ...]


def read_image(archive: Archive) -> Image:
    """Return the one image of an archive.

    Raises:
        GivenError: it holds none, several, only parts of one, or one for other machines.
    """
    try:
        if archive.has("index.json"):
            found = _from_layout(archive)
        elif archive.has("manifest.json"):
            found = _from_docker(archive)
        else:
            raise GivenError("it is no image: it has neither index.json nor manifest.json")
    except (AttributeError, KeyError, TypeError) as error:
        raise GivenError(f"its lists are not those of an image ({error!r})") from error
    _check_machine(found.config)
    return found


def _machine() -> str:
    return GO_ARCHITECTURE.get(platform.machine(), platform.machine())


def _check_machine(config: Mapping[str, Any]) -> None:
    there = f"{config.get('os')}/{config.get('architecture')}"
    if there != f"linux/{_machine()}":
        raise GivenError(f"the image is for {there}, and the nodes are linux/{_machine()}")


def _several(names: Sequence[str]) -> GivenError:
    return GivenError(
        f"it holds {len(names)} images ({', '.join(names)}): save one alone, as in"
        " docker save NAME:TAG -o FILE"
    )


# -- OCI layouts ------------------------------------------------------------------------------


def _from_layout(archive: Archive) -> Image:
    tops = [item for item in _listed(archive.json("index.json")) if not _attests(item)]
    called = {(item["digest"], str(item.get("platform"))): _names_of(item) for item in tops}
    digests = {digest for digest, _platform in called}
    platforms = {place for _digest, place in called}
    # The same name for several platforms is one image.
    if len(digests) > 1 and len(platforms) < len(digests):
        raise _several([(names or [digest])[0] for (digest, _), names in called.items()])
    item = _for_this_machine(archive, tops)
    manifest = archive.blob(item["digest"], item.get("mediaType", MANIFEST_TYPE))
    data = archive.read(manifest)
    parsed = _object(data, manifest.member)
    blobs = [
        archive.blob(part["digest"], part.get("mediaType", LAYER_TYPE))
        for part in (parsed["config"], *parsed["layers"])
    ]
    config = _object(archive.read(blobs[0]), "its configuration")
    names = tuple(dict.fromkeys(name for item in tops for name in _names_of(item)))
    return Image(names, data, manifest.descriptor.media_type, config, tuple(blobs))


def _listed(index: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [item for item in index.get("manifests") or () if isinstance(item, dict)]


def _attests(item: Mapping[str, Any]) -> bool:
    """Whether a descriptor is about another one: where it was built, what it was built from."""
    kind = (item.get("annotations") or {}).get("vnd.docker.reference.type")
    return bool(kind) or (item.get("platform") or {}).get("os") == "unknown"


def _names_of(item: Mapping[str, Any]) -> list[str]:
    notes = item.get("annotations") or {}
    keys = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
    return [str(notes[key]) for key in keys if notes.get(key)]


def _leaves(archive: Archive, item: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The manifests of images behind a descriptor: itself, or those of an index."""
    if not archive.has_blob(item["digest"]) or _attests(item):
        return
    media_type = str(item.get("mediaType", ""))
    if media_type.endswith(("image.index.v1+json", "manifest.list.v2+json")):
        for inner in _listed(archive.json(archive.blob(item["digest"], media_type).member)):
            yield from _leaves(archive, inner)
    else:
        yield item


def _for_this_machine(archive: Archive, tops: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The manifest for the nodes; archives of several platforms may hold the blobs of one only."""
    leaves = {leaf["digest"]: leaf for item in tops for leaf in _leaves(archive, item)}
    if not leaves:
        raise GivenError("it lacks the manifest that its index.json names: it was cut short")
    places = {digest: (leaf.get("platform") or {}) for digest, leaf in leaves.items()}
    fitting = [
        leaves[digest]
        for digest, place in places.items()
        if place.get("architecture") == _machine()
    ]
    if len(leaves) > 1 and not fitting:
        there = ", ".join(f"{p.get('os')}/{p.get('architecture')}" for p in places.values())
        raise GivenError(f"the image is for {there}, and the nodes are linux/{_machine()}")
    return (fitting or list(leaves.values()))[0]


# -- what docker save writes ------------------------------------------------------------------


def _from_docker(archive: Archive) -> Image:
    entries = archive.json_list("manifest.json")
    if len(entries) != 1:
        raise _several([" ".join(entry.get("RepoTags") or ()) or "no name" for entry in entries])
    (entry,) = entries
    config = archive.file(str(entry["Config"]), CONFIG_TYPE)
    layers = [archive.file(str(name), LAYER_TYPE) for name in entry["Layers"]]
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": config.descriptor.as_dict(),
        "layers": [layer.descriptor.as_dict() for layer in layers],
    }
    data = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
    parsed = _object(archive.read(config), config.member)
    wanted = list((parsed.get("rootfs") or {}).get("diff_ids") or ())
    plain = [layer.descriptor for layer in layers if layer.descriptor.media_type == LAYER_TYPE]
    if len(wanted) != len(layers) or not {item.digest for item in plain} <= set(wanted):
        raise GivenError("its layers are not those that its configuration names: it is damaged")
    names = tuple(str(name) for name in entry.get("RepoTags") or ())
    return Image(names, data, MANIFEST_TYPE, parsed, (config, *layers))


def _object(data: bytes, what: str) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError as error:
        raise GivenError(f"{what} is not JSON: it is damaged") from error
    if not isinstance(found, dict):
        raise GivenError(f"{what} is not what an image has there")
    return found


# -- which OVMS it is -------------------------------------------------------------------------


def reference_of(image: Image, release: str | None = None) -> str:
    """The name that the image gets in the lab; its tag tells the release.

    `release` (EDGE_OVMS_RELEASE) goes before what the archive calls it. The stand-in, given under
    another name, stays what it is: its tag ends with `-standin`.

    Raises:
        GivenError: it does not run OVMS, or nothing tells its release.
    """
    config = image.config.get("config") or {}
    entrypoint = " ".join(str(word) for word in config.get("Entrypoint") or ())
    if PROGRAM not in entrypoint:
        there = entrypoint or "none"
        raise GivenError(f"it is no image of OVMS: its entrypoint ({there}) does not run {PROGRAM}")
    tag = _release_tag(image.names, release)
    description = str((config.get("Labels") or {}).get("org.opencontainers.image.description"))
    if STANDIN_LABEL in description:
        tag += "-standin"
    return f"{NAME}:{tag}"


def _release_tag(names: Sequence[str], release: str | None) -> str:
    if release:
        match = RELEASE_TAG.fullmatch(release)
        if not match:
            raise GivenError(f"EDGE_OVMS_RELEASE={release} is not a release like 2026.3")
        return match.group(1)
    for name in names:
        match = RELEASE_TAG.fullmatch(name.rpartition("/")[2].rpartition(":")[2])
        if match:
            return match.group(1)
    called = f"it is called {', '.join(names)}" if names else "the image has no name"
    raise GivenError(
        f"{called}, which tells no release of OVMS: set EDGE_OVMS_RELEASE, as in"
        " EDGE_OVMS_RELEASE=2026.3"
    )


# -- the command ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Made:
    """What was made of an archive: the name in the lab, and the tar that nodes import."""

    reference: str
    tar: Path


def make(path: Path, directory: Path, release: str | None = None) -> Made:
    """Read, check and convert an archive; what was made of the same file before is kept.

    Raises:
        GivenError: the archive is not one image of OVMS for these nodes.
        OSError: as it comes.
    """
    if path.is_dir():
        raise GivenError("it is a directory: pack it first (tar -cf FILE -C DIRECTORY .)")
    if not path.is_file():
        raise GivenError("there is no such file")
    status = path.stat()
    key = key_of(str(path), str(status.st_size), str(status.st_mtime_ns), release or "", _recipe())
    tar, note = directory / f"{key}.tar", directory / f"{key}.json"
    with locked(directory):
        if not (tar.is_file() and note.is_file()):
            with Archive(path) as archive:
                image = read_image(archive)
                reference = reference_of(image, release)
                manifest = Descriptor(
                    image.media_type, Archive.digest_of(image.manifest), len(image.manifest)
                )
                index = image_index(reference, manifest)
                write_layout(tar, archive, image.blobs, index, manifest, image.manifest)
            note.write_text(json.dumps({"reference": reference}), encoding="utf-8")
            for kept in (tar, note):
                remove_others(directory, f"*{kept.suffix}", kept)
        return Made(str(json.loads(note.read_text(encoding="utf-8"))["reference"]), tar)


def _recipe() -> bytes:
    here = Path(__file__)
    return here.read_bytes() + here.with_name("tar_archive.py").read_bytes()


def main(arguments: Sequence[str]) -> int:
    """Print the name that a given archive has in the lab, or the tar to import; 1 for a bad one."""
    parser = argparse.ArgumentParser(prog="given", description=__doc__)
    parser.add_argument("--tar", action="store_true", help="print the tar that nodes import")
    parser.add_argument("file", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    try:
        release = os.environ.get("EDGE_OVMS_RELEASE") or None
        made = make(options.file, image_directory().with_name("given"), release)
    except (GivenError, OSError) as error:
        print(f"EDGE_OVMS_IMAGE={options.file}: {error}. {WAY_OUT}", file=sys.stderr)
        return 1
    print(made.tar if options.tar else made.reference)
    return 0
