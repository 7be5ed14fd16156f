# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed releases, archives and the record on a real volume."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path
from typing import Any

import model_signing
import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.repository.copy.record import (
    RECORD_NAME,
)
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

Json = dict[str, Any]
VOLUME = {"persistentVolumeClaim": {"claimName": "models"}}


@pytest.fixture
def store(shop: Any, make_namespace: Any, make_pvc: Any) -> Json:
    """The store options of a fresh claim."""
    namespace = make_namespace(shop, "restricted")
    make_pvc(shop, namespace, "models", "1Gi")
    return {"namespace": namespace, "pvc": {"claim_name": "models"}}


@pytest.fixture(autouse=True)
def private_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_HASH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A private key; its public half lies beside it."""
    made = ec.generate_private_key(ec.SECP256R1())
    path = tmp_path / "key.pem"
    path.write_bytes(
        made.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    path.with_suffix(".pub").write_bytes(
        made.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return path


def sign(key: Path, root: Path, counter: int) -> Json:
    """Sign a repository with the real package; return the option."""
    (root / "edge-release.json").write_text(json.dumps({"counter": counter}))
    bundle = root.parent / "model.sig"
    signing = model_signing.signing.Config().use_elliptic_key_signer(private_key=str(key))
    signing.sign(root, bundle)
    return {"bundle": str(bundle), "public_key": str(key.with_suffix(".pub"))}


def helpers_so_far(shop: Any, namespace: str) -> set[str]:
    """Names of the pods that were ever made, by their events and by what is there."""
    events = shop.core.list_namespaced_event(namespace).items
    named = {item.involved_object.name for item in events if item.involved_object.kind == "Pod"}
    there = {item.metadata.name for item in shop.core.list_namespaced_pod(namespace).items}
    return named | there


@pytest.mark.parametrize("transport", ["agent", "exec"])
def test_only_signed_and_not_older_files_go_out(
    shop: Any, store: Json, source: Path, copy: Any, key: Path, transport: str
) -> None:
    store = {**store, "transport": transport}
    old = sign(key, source, 6)
    first = copy(shop, src=str(source), signature=sign(key, source, 7), **store)
    assert first["changed"]
    with shop.visitor(store["namespace"], VOLUME) as visitor:
        (mark,) = visitor.sh("cat /store/.edge/trust/*").splitlines()
        assert json.loads(mark) == {"counter": 7}

    before = helpers_so_far(shop, store["namespace"])
    (source / "ocr/1/model.xml").write_bytes(b"<nut/>")
    with pytest.raises(InputError, match=r"changed: ocr/1/model\.xml"):
        copy(shop, src=str(source), signature=old, **store)
    assert helpers_so_far(shop, store["namespace"]) == before

    (source / "ocr/1").rename(source / "ocr/2")
    older = sign(key, source, 6)
    with pytest.raises(InputError, match="the counter 6, the store has accepted 7"):
        copy(shop, src=str(source), signature=older, **store)
    allowed = {**older, "allow_older": True}
    assert copy(shop, src=str(source), signature=allowed, **store)["changed"]
    with shop.visitor(store["namespace"], VOLUME) as visitor:
        assert json.loads(visitor.sh("cat /store/.edge/trust/*")) == {"counter": 7}
        assert "model.bin" in visitor.sh("ls /store/models/ocr/2")


def test_an_unchanged_run_by_the_record_starts_no_pod(
    shop: Any, store: Json, source: Path, copy: Any
) -> None:
    namespace = store["namespace"]
    assert copy(shop, src=str(source), compare="record", **store)["changed"]
    records = shop.core.list_namespaced_config_map(
        namespace, label_selector=f"app.kubernetes.io/name={RECORD_NAME}"
    ).items
    assert len(records) == 1
    before = helpers_so_far(shop, namespace)
    again = copy(shop, src=str(source), compare="record", **store)
    assert not again["changed"] and again["transport"] == "none"
    assert again["bytes_reused"] == again["bytes_total"] > 2_000_000
    assert helpers_so_far(shop, namespace) == before

    looked = copy(shop, src=str(source), compare="stamps", **store)
    assert not looked["changed"] and looked["transport"] == "agent"
    assert helpers_so_far(shop, namespace) > before

    models = [{"name": "ocr"}]
    assert copy(shop, state="absent", models=models, **store)["changed"]
    back = copy(shop, src=str(source), compare="record", **store)
    assert back["changed"] and back["transport"] == "agent"

    everything = [{"name": "ocr"}, {"name": "det"}]
    assert copy(shop, state="absent", models=everything, **store)["changed"]
    left = shop.core.list_namespaced_config_map(
        namespace, label_selector=f"app.kubernetes.io/name={RECORD_NAME}"
    ).items
    assert left == []


def test_hash_finds_what_stamps_cannot(shop: Any, store: Json, source: Path, copy: Any) -> None:
    copy(shop, src=str(source), **store)
    with shop.visitor(store["namespace"], VOLUME, read_only=False) as visitor:
        said = visitor.sh(
            "cd /store/models/det/3 && when=$(stat -c %y det.onnx) && chmod u+w det.onnx &&"
            " printf edge | dd of=det.onnx bs=1 seek=9 conv=notrunc status=none &&"
            ' touch -d "$when" det.onnx && echo done'
        )
        assert said == "done\n"
    assert not copy(shop, src=str(source), compare="stamps", **store)["changed"]
    with pytest.raises(InputError, match="det/3"):
        copy(shop, src=str(source), compare="hash", **store)


def test_an_archive_goes_out_like_a_directory(
    shop: Any, store: Json, source: Path, copy: Any, tmp_path: Path
) -> None:
    path = tmp_path / "release.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(source, "release-1")
    os.utime(path, (1, 1))
    first = copy(shop, src=str(path), **store)
    assert first["changed"] and first["bytes_total"] > 2_000_000
    again = copy(shop, src=str(source), **store)
    assert not again["changed"] and again["models"] == first["models"]
