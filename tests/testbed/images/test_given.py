# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives of images that people give: what is taken, and one clear error for all others."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
for place in (HERE, HERE.parent / "lab"):
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))

import oci  # noqa: E402
from edge_images import given  # noqa: E402
from edge_images.tar_archive import Archive, GivenError  # noqa: E402

LAYER = b"bytes of a layer " * 100
# The entrypoints of OVMS's own images: up to 2026.2, and since 2026.3.
OLD = ["/ovms/bin/ovms"]
NEW = ["bash", "-c", 'source /ovms/setup; exec /ovms/bin/ovms "$@"', "--"]
OTHER = {"amd64": "arm64", "arm64": "amd64"}


def sha(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def config(entrypoint: list[str] | None = None, **changes: Any) -> bytes:
    made = oci.image_config({"Entrypoint": entrypoint or NEW}, [sha(LAYER)])
    return json.dumps({**made, **changes}).encode()


def pack(path: Path, files: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def image_blobs(configuration: bytes) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The blobs of one image, and the descriptor of its manifest."""
    parts = [
        oci.Descriptor(oci.CONFIG_TYPE, sha(configuration), len(configuration)),
        oci.Descriptor(oci.LAYER_TYPE, sha(LAYER), len(LAYER)),
    ]
    manifest = json.dumps(
        {"schemaVersion": 2, "config": parts[0].as_dict(), "layers": [parts[1].as_dict()]}
    ).encode()
    blobs = {f"blobs/sha256/{sha(data)[7:]}": data for data in (configuration, LAYER, manifest)}
    return blobs, oci.Descriptor(oci.MANIFEST_TYPE, sha(manifest), len(manifest)).as_dict()


def layout(path: Path, *tops: dict[str, Any], **blobs: bytes) -> Path:
    index = json.dumps({"schemaVersion": 2, "manifests": tops}).encode()
    return pack(path, {"oci-layout": b"{}", "index.json": index, **blobs})


def named(top: dict[str, Any], name: str, **more: Any) -> dict[str, Any]:
    return {**top, "annotations": {"io.containerd.image.name": name}, **more}


def oci_archive(path: Path, name: str, configuration: bytes | None = None) -> Path:
    blobs, top = image_blobs(configuration or config())
    return layout(path, named(top, name), **blobs)


def docker_archive(path: Path, *names: str, configuration: bytes | None = None) -> Path:
    configuration = configuration or config()
    entry = {"Config": "c.json", "RepoTags": list(names) or None, "Layers": ["l/layer.tar"]}
    text = json.dumps([entry]).encode()
    return pack(path, {"c.json": configuration, "l/layer.tar": LAYER, "manifest.json": text})


REAL = "docker.io/openvino/model_server:2026.3.1"


@pytest.mark.parametrize("write", [oci_archive, docker_archive])
@pytest.mark.parametrize("entrypoint", [OLD, NEW])
def test_both_forms_become_what_the_nodes_import(
    write: Any, entrypoint: list[str], tmp_path: Path
) -> None:
    path = write(tmp_path / "a.tar", REAL, configuration=config(entrypoint))
    made = given.make(path, tmp_path / "cache")
    assert made.reference == "localhost/ovms-given:2026.3.1"
    assert oci.REFERENCE.fullmatch(made.reference)
    assert oci.image_references(made.tar) == [made.reference]
    # As one that a registry or another tool wrote: read again, the same image.
    with Archive(made.tar) as archive:
        again = given.read_image(archive)
        (index,) = archive.json("index.json")["manifests"]
        assert index["digest"] == sha(again.manifest)
        assert [archive.read(blob) for blob in again.blobs] == [config(entrypoint), LAYER]


def test_what_was_made_is_kept_until_the_file_changes(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = given.make(oci_archive(tmp_path / "a.tar", REAL), cache)
    stamp = first.tar.stat().st_mtime_ns
    assert given.make(tmp_path / "a.tar", cache) == first
    assert first.tar.stat().st_mtime_ns == stamp
    other = given.make(oci_archive(tmp_path / "a.tar", "reg.example/ovms:2026.4.0"), cache)
    assert other.reference.endswith(":2026.4.0")
    assert sorted(path.name for path in cache.glob("*.tar")) == [other.tar.name]


@pytest.mark.parametrize(
    ("names", "release", "tag"),
    [
        (["openvino/model_server:2026.3-gpu"], None, "2026.3-gpu"),
        (["openvino/model_server:latest", "mine/ovms:v2025.4.1"], None, "2025.4.1"),
        (["openvino/model_server:latest"], "2026.3", "2026.3"),
        ([], "2026.3.0", "2026.3.0"),
    ],
)
def test_the_tag_tells_the_release(
    names: list[str], release: str | None, tag: str, tmp_path: Path
) -> None:
    path = docker_archive(tmp_path / "a.tar", *names)
    assert given.make(path, tmp_path, release).reference == f"localhost/ovms-given:{tag}"


def test_the_stand_in_under_another_name_is_called_what_it_is(tmp_path: Path) -> None:
    labels = {"org.opencontainers.image.description": "stand-in for OVMS, tests only"}
    made = oci.image_config({"Entrypoint": OLD, "Labels": labels}, [sha(LAYER)])
    path = docker_archive(tmp_path / "a.tar", REAL, configuration=json.dumps(made).encode())
    assert given.make(path, tmp_path).reference == "localhost/ovms-given:2026.3.1-standin"


def test_an_image_of_several_platforms_gives_that_of_the_nodes(tmp_path: Path) -> None:
    """As newer `docker save` writes it: an index, with notes on how the image was built."""
    here, there = given._machine(), OTHER[given._machine()]
    blobs, top = image_blobs(config())
    others, foreign = image_blobs(config(architecture=there))
    note = {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    inner = json.dumps(
        {
            "manifests": [
                {**foreign, "platform": {"os": "linux", "architecture": there}},
                {**top, "platform": {"os": "linux", "architecture": here}},
                {**top, **note, "platform": {"os": "unknown", "architecture": "unknown"}},
            ]
        }
    ).encode()
    kind = "application/vnd.oci.image.index.v1+json"
    index = named({"mediaType": kind, "digest": sha(inner), "size": len(inner)}, REAL)
    blobs = {**others, **blobs, f"blobs/sha256/{sha(inner)[7:]}": inner}
    path = layout(tmp_path / "a.tar", index, **blobs)
    made = given.make(path, tmp_path)
    assert list(oci.image_digests(made.tar).values()) == [top["digest"]]
    lacking = {name: data for name, data in blobs.items() if sha(data) != foreign["digest"]}
    made = given.make(layout(tmp_path / "b.tar", index, **lacking), tmp_path)
    assert list(oci.image_digests(made.tar).values()) == [top["digest"]]


def two_images(path: Path) -> Path:
    blobs, top = image_blobs(config())
    more, second = image_blobs(config(OLD))
    tops = (named(top, "reg.example/a:2026.3"), named(second, "reg.example/b:2026.3"))
    return layout(path, *tops, **{**blobs, **more})


def two_in_docker(path: Path) -> Path:
    entry = {"Config": "c.json", "RepoTags": ["a:1"], "Layers": []}
    second = {**entry, "RepoTags": ["b:2"]}
    return pack(path, {"manifest.json": json.dumps([entry, second]).encode(), "c.json": b"{}"})


def without(path: Path, wanted: bytes, instead: bytes | None) -> Path:
    """An OCI archive that lacks a blob, or has other bytes in its place."""
    blobs, top = image_blobs(config())
    name = f"blobs/sha256/{sha(wanted)[7:]}"
    blobs.pop(name)
    return layout(path, named(top, REAL), **blobs, **({name: instead} if instead else {}))


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def other_layer(path: Path) -> Path:
    other = json.dumps(oci.image_config({"Entrypoint": OLD}, [sha(b"other")])).encode()
    return docker_archive(path, REAL, configuration=other)


BAD: list[tuple[str, Any, str]] = [
    ("missing", lambda path: path, "there is no such file"),
    ("directory", lambda path: path.parent, "it is a directory: pack it first"),
    ("text", lambda path: written(path, b"no tar at all\n" * 99), "it is no tar file"),
    ("empty", lambda path: written(path, b""), "it is no tar file"),
    ("gzip", lambda path: written(path, b"\x1f\x8b" + bytes(99)), "compressed.*gunzip a.tar"),
    ("zstd", lambda path: written(path, b"\x28\xb5\x2f\xfd" + bytes(99)), "compressed.*unzstd"),
    ("other tar", lambda path: pack(path, {"notes": b"x"}), "neither index.json nor manifest"),
    ("lost layer", lambda path: without(path, LAYER, None), "it lacks blobs/sha256/"),
    ("other layer", lambda path: without(path, LAYER, LAYER[1:]), "not those of its digest"),
    ("damaged layer", other_layer, "its layers are not those that its configuration names"),
    ("two", two_images, r"2 images \(reg.example/a:2026.3, reg.example/b:2026.3\): save one"),
    ("two of docker", two_in_docker, r"2 images \(a:1, b:2\): save one alone"),
    ("no list", lambda path: pack(path, {"manifest.json": b"{}"}), "not a list of images"),
    ("bad list", lambda path: pack(path, {"index.json": b"[]"}), "not a JSON object"),
    ("no JSON", lambda path: pack(path, {"index.json": b"{"}), "index.json in it is not JSON"),
    ("odd list", lambda path: layout(path, {"digest": 5}), "lists are not those of an image"),
    ("no images", lambda path: layout(path), "it lacks the manifest"),
    ("other machine", lambda path: oci_archive(path, REAL, config(architecture="s390x")),
     "the image is for linux/s390x, and the nodes are linux/"),
    ("Windows", lambda path: oci_archive(path, REAL, config(os="windows")), "is for windows/"),
    ("not OVMS", lambda path: oci_archive(path, "reg.example/nginx:2026.3", config(["/nginx"])),
     r"it is no image of OVMS: its entrypoint \(/nginx\) does not run /ovms/bin/ovms"),
    ("latest", lambda path: oci_archive(path, "openvino/model_server:latest"),
     "called openvino/model_server:latest, which tells no release.*EDGE_OVMS_RELEASE=2026.3"),
    ("no name", docker_archive, "the image has no name, which tells no release"),
]  # fmt: skip


@pytest.mark.parametrize(("write", "words"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_a_bad_archive_gets_one_error(
    write: Any,
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EDGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("EDGE_OVMS_RELEASE", raising=False)
    path = write(tmp_path / "a.tar")
    with pytest.raises(GivenError, match=words):
        given.make(path, tmp_path / "cache" / "given")
    assert given.main([str(path)]) == 1
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1
    assert shown.err.startswith(f"EDGE_OVMS_IMAGE={path}: ")
    assert shown.err.endswith(
        ". docs/real-server.md tells how to save an image of OVMS as an archive\n"
    )
    assert not list((tmp_path / "cache" / "given").glob("*.tar"))


@pytest.mark.parametrize("write", [oci_archive, docker_archive])
def test_a_file_that_was_cut_short_is_never_taken(write: Any, tmp_path: Path) -> None:
    data = write(tmp_path / "a.tar", REAL).read_bytes()
    for length in range(100, len(data.rstrip(bytes(1))), 300):
        (tmp_path / "a.tar").write_bytes(data[:length])
        with pytest.raises(GivenError, match="cut short|no image|lacks"):
            given.make(tmp_path / "a.tar", tmp_path / "cache")


def test_a_release_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(GivenError, match="EDGE_OVMS_RELEASE=newest is not a release"):
        given.make(oci_archive(tmp_path / "a.tar", REAL), tmp_path, "newest")


def test_the_command_prints_the_name_or_the_tar(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGE_CACHE", str(tmp_path / "cache"))
    path = oci_archive(tmp_path / "a.tar", "openvino/model_server:latest")
    monkeypatch.setenv("EDGE_OVMS_RELEASE", "2026.3")
    assert given.main([str(path)]) == given.main(["--tar", str(path)]) == 0
    name, tar = capsys.readouterr().out.splitlines()
    assert name == "localhost/ovms-given:2026.3"
    assert Path(tar).parent == tmp_path / "cache" / "given" and Path(tar).is_file()
