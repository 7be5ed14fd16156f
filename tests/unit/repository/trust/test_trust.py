# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures: the package model-signing signs, ours verifies; nothing unsigned passes."""

from __future__ import annotations

import base64
import builtins
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import model_signing
import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    EdgeError,
    InputError,
    UnsupportedError,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent import trust
from ansible_collections.openvino.edge.plugins.module_utils.repository.agent.files import Refused
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.layout import (
    Selection,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.options.signature import (
    SignatureOptions,
    signature_from_params,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.source.opening import opened
from ansible_collections.openvino.edge.plugins.module_utils.repository.trust.counter import (
    check_counter,
    raises_counter,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.trust.envelope import pae
from ansible_collections.openvino.edge.plugins.module_utils.repository.trust.signed import (
    SignedSet,
    verify,
)
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ..conftest import manifests_of, write_files

FILES = {
    "ocr/1/model.xml": b"<net/>",
    "ocr/1/model.bin": os.urandom(100_000),
    "det/3/det.onnx": b"onnx" * 1000,
    "det/3/labels/en.txt": b"a b c",
    "edge-release.json": b'{"counter": 7}',
}
KEY = "0123456789abcdef" * 4


@dataclass
class Signer:
    """A key pair in files."""

    private: Path
    public: Path
    key: ec.EllipticCurvePrivateKey

    def sign(self, root: Path, **hashing: Any) -> SignatureOptions:
        """Sign with the real package, as its command line does."""
        bundle = root.parent / f"{root.name}.sig"
        config = model_signing.hashing.Config()
        config.use_file_serialization(hashing_algorithm=hashing.get("algorithm", "sha256"))
        if hashing.get("shards"):
            config.use_shard_serialization(hashing_algorithm="sha256")
        config.set_ignored_paths(paths=hashing.get("ignored", []), ignore_git_paths=True)
        signing = model_signing.signing.Config().use_elliptic_key_signer(
            private_key=str(self.private)
        )
        signing.set_hashing_config(config).sign(root, bundle)
        return SignatureOptions(str(bundle), str(self.public))


def make_signer(folder: Path, curve: ec.EllipticCurve) -> Signer:
    key = ec.generate_private_key(curve)
    folder.mkdir(exist_ok=True)
    private, public = folder / "key.pem", folder / "key.pub"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return Signer(private, public, key)


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return make_signer(tmp_path_factory.mktemp("keys"), ec.SECP256R1())


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGE_HASH_CACHE", "off")
    return write_files(tmp_path / "repo", FILES)


def check(options: SignatureOptions, root: Path, *chosen: Selection) -> SignedSet:
    """Do what a task does before it asks the cluster for anything."""
    signed = verify(options)
    with opened(str(root), chosen) as source:
        signed.take_release(source.release())
        signed.check(source.manifests(), chosen)
    return signed


@pytest.mark.parametrize(
    "curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=["256", "384", "521"]
)
def test_what_the_real_package_signs_is_accepted(
    tmp_path: Path, root: Path, curve: ec.EllipticCurve
) -> None:
    signer = make_signer(tmp_path / "keys", curve)
    signed = check(signer.sign(root), root)
    assert signed.counter == 7
    assert signed.name == "repo"
    assert signed.versions() == [("det", 3), ("ocr", 1)]
    assert signed.files("ocr", 1) == {
        "model.xml": hashlib.sha256(FILES["ocr/1/model.xml"]).hexdigest(),
        "model.bin": hashlib.sha256(FILES["ocr/1/model.bin"]).hexdigest(),
    }
    der = signer.key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert signed.key_id == hashlib.sha256(der).hexdigest()


def test_a_part_of_a_signed_repository_is_accepted(signer: Signer, root: Path) -> None:
    options = signer.sign(root)
    (root / "ocr" / "1" / "model.bin").write_bytes(b"other")
    check(options, root, Selection("det"))
    check(options, root, Selection("det", (3,)))
    with pytest.raises(InputError, match=r"changed: ocr/1/model\.bin"):
        check(options, root, Selection("ocr"))


def test_junk_and_other_files_at_the_top_are_no_concern(signer: Signer, root: Path) -> None:
    write_files(root, {".git/config": b"x", "README.md": b"x", "ocr/1/.part": b"x"})
    options = signer.sign(root)
    (root / "README.md").write_bytes(b"other")
    (root / "ocr" / "1" / ".part").unlink()
    (root / "det" / "3" / "._x").write_bytes(b"y")
    check(options, root)


TAMPERINGS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "changed": (lambda root: (root / "ocr/1/model.bin").write_bytes(b"x"), "changed: ocr/1/model"),
    "added": (lambda root: (root / "ocr/1/new.txt").write_bytes(b"x"), "not signed: ocr/1/new.txt"),
    "removed": (lambda root: (root / "det/3/labels/en.txt").unlink(), "missing: det/3/labels/en"),
    "renamed": (
        lambda root: (root / "det/3/labels/en.txt").rename(root / "det/3/labels/de.txt"),
        "not signed: det/3/labels/de.txt; missing: det/3/labels/en.txt",
    ),
    "other version": (lambda root: (root / "det/3").rename(root / "det/4"), "not signed: det/4"),
    "version gone": (
        lambda root: [(root / "ocr").rename(root.parent / "ocr")],
        "missing: ocr/1",
    ),
    "release": (
        lambda root: (root / "edge-release.json").write_bytes(b'{"counter": 8}'),
        "not the signed one",
    ),
    "no release": (lambda root: (root / "edge-release.json").unlink(), "it is not there"),
}


@pytest.mark.parametrize("name", sorted(TAMPERINGS))
def test_what_differs_from_the_signed_set_is_refused(signer: Signer, root: Path, name: str) -> None:
    change, text = TAMPERINGS[name]
    options = signer.sign(root)
    change(root)
    with pytest.raises(InputError) as caught:
        check(options, root)
    assert text in str(caught.value)
    assert str(caught.value).startswith("signature: ")


def test_what_the_signer_left_out_is_not_published(signer: Signer, root: Path) -> None:
    options = signer.sign(root, ignored=["ocr/1/model.bin"])
    with pytest.raises(InputError) as caught:
        check(options, root)
    assert "not signed: ocr/1/model.bin" in str(caught.value)
    assert "the signer left out: " in str(caught.value)


def test_a_signature_over_another_directory_is_explained(signer: Signer, root: Path) -> None:
    options = signer.sign(root / "ocr")
    with pytest.raises(InputError, match="Sign the directory that src names"):
        check(options, root)


@pytest.mark.parametrize("hashing", [{"algorithm": "blake2"}, {"shards": True}], ids=str)
def test_other_hashes_are_refused_clearly(
    signer: Signer, root: Path, hashing: dict[str, Any]
) -> None:
    with pytest.raises(UnsupportedError, match="only whole files with sha256"):
        verify(signer.sign(root, **hashing))


def test_another_key_is_refused(signer: Signer, root: Path, tmp_path: Path) -> None:
    options = signer.sign(root)
    other = make_signer(tmp_path / "other", ec.SECP256R1())
    with pytest.raises(InputError, match="another key signed it") as caught:
        verify(SignatureOptions(options.bundle, str(other.public)))
    assert caught.value.option == "signature.public_key"


def rewritten(options: SignatureOptions, change: Callable[[dict[str, Any]], Any]) -> None:
    path = Path(options.bundle)
    bundle = json.loads(path.read_text())
    change(bundle)
    path.write_text(json.dumps(bundle))


def test_a_hint_does_not_make_a_key_right(signer: Signer, root: Path, tmp_path: Path) -> None:
    options = signer.sign(root)
    other = make_signer(tmp_path / "other", ec.SECP256R1())
    for hint in (hashlib.sha256(other.public.read_bytes()).hexdigest(), ""):

        def give(bundle: Any, hint: str = hint) -> None:
            bundle["verificationMaterial"]["publicKey"].update(hint=hint)

        rewritten(options, give)
        with pytest.raises(InputError, match="the signature is not right"):
            verify(SignatureOptions(options.bundle, str(other.public)))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.integers(0, 1 << 30), bit=st.integers(0, 7))
def test_no_bit_of_the_statement_can_be_changed(
    signer: Signer, root: Path, at: int, bit: int
) -> None:
    options = signer.sign(root)

    def change(bundle: dict[str, Any]) -> None:
        payload = bytearray(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
        payload[at % len(payload)] ^= 1 << bit
        bundle["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()

    rewritten(options, change)
    with pytest.raises(InputError, match="the signature is not right"):
        verify(options)


def resigned(
    options: SignatureOptions, signer: Signer, change: Callable[[dict[str, Any]], Any]
) -> None:
    """Change the statement and sign it rightly: only its content can be refused."""

    def edit(bundle: dict[str, Any]) -> None:
        envelope = bundle["dsseEnvelope"]
        statement = json.loads(base64.b64decode(envelope["payload"]))
        change(statement)
        payload = json.dumps(statement).encode()
        envelope["payload"] = base64.b64encode(payload).decode()
        signature = signer.key.sign(pae(payload), ec.ECDSA(hashes.SHA256()))
        envelope["signatures"][0]["sig"] = base64.b64encode(signature).decode()

    rewritten(options, edit)


def first_resource(statement: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = statement["predicate"]["resources"][0]
    return found


STATEMENTS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "type": (lambda s: s.update(_type="x"), "_type is 'x'"),
    "predicate type": (lambda s: s.update(predicateType="x"), "predicateType is 'x'"),
    "no subject": (lambda s: s.update(subject=[]), "0 subjects"),
    "digest": (lambda s: first_resource(s).update(digest="0" * 64), "not that of its resources"),
    "order": (lambda s: s["predicate"]["resources"].reverse(), "not that of its resources"),
    "algorithm": (lambda s: first_resource(s).update(algorithm="md5"), "has no sha256"),
    "short digest": (lambda s: first_resource(s).update(digest="00"), "has no sha256"),
    "absolute": (lambda s: first_resource(s).update(name="/etc/x"), "no path below"),
    "above": (lambda s: first_resource(s).update(name="../x"), "no path below"),
    "twice": (
        lambda s: s["predicate"]["resources"].append(dict(first_resource(s))),
        "is there twice",
    ),
    "no predicate": (lambda s: s.pop("predicate"), "not one of Model Signing"),
    "odd": (lambda s: s.update(predicate=[1]), "not one of Model Signing"),
    "odd name": (lambda s: first_resource(s).update(name=5), "not one of Model Signing"),
}


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_a_statement_that_contradicts_itself_is_refused(
    signer: Signer, root: Path, name: str
) -> None:
    change, text = STATEMENTS[name]
    options = signer.sign(root)
    resigned(options, signer, change)
    with pytest.raises(InputError) as caught:
        verify(options)
    assert text in str(caught.value)


BUNDLES: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "media type": (lambda b: b.update(mediaType="x"), "mediaType is 'x'"),
    "no envelope": (lambda b: b.pop("dsseEnvelope"), "no dsseEnvelope"),
    "payload type": (lambda b: b["dsseEnvelope"].update(payloadType="x"), "payloadType is 'x'"),
    "no signature": (lambda b: b["dsseEnvelope"].update(signatures=[]), "exactly one signature"),
    "base64": (lambda b: b["dsseEnvelope"].update(payload="$$"), "cannot be decoded"),
    "bad signature": (
        lambda b: b["dsseEnvelope"]["signatures"][0].update(sig="AAAA"),
        "the signature is not right",
    ),
    "certificate": (
        lambda b: b.update(verificationMaterial={"certificate": {}}),
        "signed with a certificate or without a key",
    ),
}


@pytest.mark.parametrize("name", sorted(BUNDLES))
def test_an_odd_bundle_is_refused(signer: Signer, root: Path, name: str) -> None:
    change, text = BUNDLES[name]
    options = signer.sign(root)
    rewritten(options, change)
    with pytest.raises(EdgeError) as caught:
        verify(options)
    assert text in str(caught.value)
    assert options.bundle in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_bundle_is_refused(signer: Signer, tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "a.sig"
    path.write_bytes(body)
    with pytest.raises(InputError, match="not a signature of OpenSSF Model Signing"):
        verify(SignatureOptions(str(path), str(signer.public)))


def test_files_that_are_not_there_are_named(signer: Signer, tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    with pytest.raises(InputError, match=r"signature\.public_key: .*none: it cannot be read"):
        verify(SignatureOptions(missing, missing))
    with pytest.raises(InputError, match=r"signature\.bundle: .*none: it cannot be read"):
        verify(SignatureOptions(missing, str(signer.public)))


def test_other_kinds_of_keys_are_refused(signer: Signer, root: Path, tmp_path: Path) -> None:
    options = signer.sign(root)
    path = tmp_path / "rsa.pub"
    path.write_bytes(
        rsa.generate_private_key(65537, 2048)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    for key, text in (
        (path, "a key of the kind .* cannot be used"),
        (signer.private, "it is a private key"),
        (root / "README.md", "no PEM public key"),
    ):
        if not key.exists():
            key.write_text("hello")
        with pytest.raises(InputError, match=text) as caught:
            verify(SignatureOptions(options.bundle, str(key)))
        assert caught.value.option == "signature.public_key"


def test_without_cryptography_the_way_out_is_told(
    signer: Signer, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = signer.sign(root)
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("cryptography"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(UnsupportedError, match="package cryptography is missing"):
        verify(options)


def test_the_option_is_all_or_nothing() -> None:
    assert signature_from_params({}) is None
    assert signature_from_params({"signature": None}) is None
    given = {"bundle": "a", "public_key": "b", "allow_older": True}
    assert signature_from_params({"signature": given}) == SignatureOptions("a", "b", True)
    with pytest.raises(InputError, match=r"signature\.public_key"):
        signature_from_params({"signature": {"bundle": "a", "public_key": ""}})


# -- counter ----------------------------------------------------------------------------------


def a_set(counter: int | None) -> SignedSet:
    return SignedSet("a.sig", "repo", KEY, {"m/1/m.onnx": "0" * 64}, counter=counter)


@given(
    mine=st.none() | st.integers(0, 9), theirs=st.none() | st.integers(-1, 9), older=st.booleans()
)
def test_only_a_set_that_is_not_older_passes(
    mine: int | None, theirs: int | None, older: bool
) -> None:
    accepted = {} if theirs is None else {KEY: theirs, "f" * 64: 99}
    fine = older or theirs is None or (theirs >= 0 and mine is not None and mine >= theirs)
    try:
        check_counter(a_set(mine), accepted, older, "somewhere")
    except InputError as error:
        assert not fine
        assert error.details["accepted"] == theirs
        assert error.subject == "somewhere"
    else:
        assert fine
    assert raises_counter(a_set(mine), accepted) == (
        mine is not None and (theirs is None or mine > theirs)
    )


def test_an_older_set_is_refused_with_both_numbers() -> None:
    with pytest.raises(InputError, match=r"the counter 4, the store has accepted 7.*allow_older"):
        check_counter(a_set(4), {KEY: 7}, False, "claim")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"7", b"{}", b'{"counter": true}', b'{"counter": -1}']
)
def test_a_release_file_without_a_counter_is_refused(body: bytes) -> None:
    resources = {"edge-release.json": hashlib.sha256(body).hexdigest()}
    signed = SignedSet("a.sig", "repo", KEY, resources)
    with pytest.raises(InputError, match="counter"):
        signed.take_release(body)


def test_a_release_file_that_is_not_signed_counts_nothing(signer: Signer, root: Path) -> None:
    options = signer.sign(root, ignored=["edge-release.json"])
    assert check(options, root).counter is None


def test_the_mark_on_a_store_only_rises(tmp_path: Path) -> None:
    work = str(tmp_path)
    assert trust.read(work) == {}
    assert trust.write(work, KEY, 5) == 5
    assert trust.write(work, KEY, 3) == 5
    assert trust.write(work, "f" * 64, 1) == 1
    assert trust.read(work) == {KEY: 5, "f" * 64: 1}
    assert sorted(os.listdir(tmp_path / "trust")) == sorted([KEY, "f" * 64])
    (tmp_path / "trust" / KEY).write_text("{")
    (tmp_path / "trust" / "other").write_text("{}")
    assert trust.read(work) == {KEY: -1, "f" * 64: 1}


@pytest.mark.parametrize(("key", "counter"), [("../x", 1), (KEY, -1), (KEY, True), (KEY, 2**63)])
def test_a_mark_that_cannot_be_is_refused(tmp_path: Path, key: str, counter: int) -> None:
    with pytest.raises(Refused):
        trust.write(str(tmp_path), key, counter)
    assert not list(tmp_path.iterdir())


def test_manifests_of_the_signed_files_are_what_is_published(signer: Signer, root: Path) -> None:
    signed = verify(signer.sign(root))
    for manifest in manifests_of(root):
        files = {entry.path: entry.sha256 for entry in manifest.files}
        assert signed.files(manifest.model, manifest.version) == files
