# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sigstore bundle with a DSSE envelope, and the public key that has to have signed it.

Formats: sigstore bundle v0.3 (https://docs.sigstore.dev/about/bundle/), DSSE v1
(https://github.com/secure-systems-lab/dsse/blob/v1.0.0/protocol.md). C(cryptography) is imported
on use: it costs 50 ms, and only tasks with a signature need it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any, Callable, Dict, Mapping

from ...errors import InputError, UnsupportedError

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
MAX_BUNDLE = 64 << 20  # bytes; a resource takes some 200, so 300,000 files
BUNDLE = "signature.bundle"
KEY = "signature.public_key"
SIGN_HINT = "Sign the repository with a key: model_signing sign key SRC --private_key KEY"


class PublicKey:
    """An elliptic curve key from a PEM file.

    Attributes:
        path: where it was read.
        key_id: sha256 of its DER form (SubjectPublicKeyInfo), in hex.
        hint: what the signer writes into the bundle: sha256 of its PEM form, in hex.
    """

    def __init__(self, path: str) -> None:
        crypto = _Crypto()
        self.path = path
        self._key = crypto.load(_read(path, KEY))
        forms = crypto.serialization
        spki = forms.PublicFormat.SubjectPublicKeyInfo
        der = self._key.public_bytes(forms.Encoding.DER, spki)
        pem = self._key.public_bytes(forms.Encoding.PEM, spki)
        self.key_id = hashlib.sha256(der).hexdigest()
        self.hint = hashlib.sha256(pem).hexdigest()
        self._crypto = crypto

    def signed(self, message: bytes, signature: bytes) -> bool:
        """Return whether this key signed a message."""
        return self._crypto.verify(self._key, signature, message)


class _Crypto:
    """The few parts of the C(cryptography) package that are used.

    Raises:
        UnsupportedError: it is not installed.
    """

    def __init__(self) -> None:
        try:
            from cryptography import exceptions
            from cryptography.hazmat.primitives import hashes, serialization
            from cryptography.hazmat.primitives.asymmetric import ec
        except ImportError as error:
            raise UnsupportedError(
                f"the Python package cryptography is missing ({error})",
                option="signature",
                hint="Install it for the Python that runs Ansible; ansible-core needs it as well",
            ) from error
        self.exceptions, self.serialization, self.ec = exceptions, serialization, ec
        # The hash belongs to the curve, as the sigstore bundle format says.
        self.hash_of: Dict[str, Callable[[], Any]] = {
            "secp256r1": hashes.SHA256,
            "secp384r1": hashes.SHA384,
            "secp521r1": hashes.SHA512,
        }

    def load(self, data: bytes) -> Any:
        """Return the key of a PEM file."""
        try:
            key = self.serialization.load_pem_public_key(data)
        except ValueError as error:
            text = "it is a private key" if b"PRIVATE KEY" in data else "it is no PEM public key"
            raise InputError(
                text, option=KEY, hint="openssl ec -in KEY -pubout writes the public key"
            ) from error
        except self.exceptions.UnsupportedAlgorithm as error:
            raise InputError(f"the key cannot be used ({error})", option=KEY) from error
        curve = getattr(getattr(key, "curve", None), "name", type(key).__name__)
        if curve not in self.hash_of:
            raise InputError(
                f"a key of the kind {curve} cannot be used",
                option=KEY,
                hint="Use an elliptic curve key: openssl ecparam -name prime256v1 -genkey",
            )
        return key

    def verify(self, key: Any, signature: bytes, message: bytes) -> bool:
        """Return whether an ECDSA signature fits."""
        try:
            key.verify(signature, message, self.ec.ECDSA(self.hash_of[key.curve.name]()))
        except self.exceptions.InvalidSignature:
            return False
        return True


def pae(payload: bytes) -> bytes:
    """Return what is signed: DSSE's pre-authentication encoding."""
    head = f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(payload)} "
    return head.encode("ascii") + payload


def verified_statement(path: str, key: PublicKey) -> Mapping[str, Any]:
    """Return the statement inside a bundle, once its signature was found right.

    Raises:
        InputError: not a bundle, signed by another key, or changed after it was signed.
        UnsupportedError: signed in a way that needs more than a key.
    """
    bundle = _json_object(_read(path, BUNDLE), path)
    payload, signature = _envelope(bundle, path)
    _check_key(bundle, key, path)
    if not key.signed(pae(payload), signature):
        raise InputError(
            f"the signature is not right for the key {key.path}",
            option=BUNDLE,
            subject=path,
            hint="The bundle was changed, or another key signed it. Nothing of it can be trusted",
        )
    return _json_object(payload, path)


def _envelope(bundle: Mapping[str, Any], path: str) -> "tuple[bytes, bytes]":
    kind = bundle.get("mediaType")
    if kind != BUNDLE_TYPE:
        raise _not_a_bundle(path, f"mediaType is {kind!r}, not {BUNDLE_TYPE!r}")
    envelope = bundle.get("dsseEnvelope")
    if not isinstance(envelope, dict):
        raise _not_a_bundle(path, "it has no dsseEnvelope")
    if envelope.get("payloadType") != PAYLOAD_TYPE:
        raise _not_a_bundle(path, f"payloadType is {envelope.get('payloadType')!r}")
    signatures = envelope.get("signatures")
    if not isinstance(signatures, list) or len(signatures) != 1:
        raise _not_a_bundle(path, "it has not exactly one signature")
    try:
        payload = base64.b64decode(envelope["payload"], validate=True)
        return payload, base64.b64decode(signatures[0]["sig"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise _not_a_bundle(path, f"it cannot be decoded ({error})") from error


def _check_key(bundle: Mapping[str, Any], key: PublicKey, path: str) -> None:
    material = bundle.get("verificationMaterial")
    material = material if isinstance(material, dict) else {}
    if "publicKey" not in material:
        raise UnsupportedError(
            "it is signed with a certificate or without a key, not with a key",
            option=BUNDLE,
            subject=path,
            hint=SIGN_HINT,
        )
    hint = (material["publicKey"] or {}).get("hint")
    if hint and hint != key.hint:
        raise InputError(
            f"another key signed it: its hint is {hint[:16]}, that of {key.path} {key.hint[:16]}",
            option=KEY,
            subject=path,
            hint="Give the public half of the key that signed",
        )


def _read(path: str, option: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            data = stream.read(MAX_BUNDLE + 1)
    except OSError as error:
        raise InputError(
            f"it cannot be read ({error.strerror or error})", option=option, subject=path
        ) from error
    if len(data) > MAX_BUNDLE:
        raise InputError(f"it is larger than {MAX_BUNDLE} bytes", option=option, subject=path)
    return data


def _json_object(data: bytes, path: str) -> Mapping[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _not_a_bundle(path, f"it is no JSON ({error})") from error
    if not isinstance(value, dict):
        raise _not_a_bundle(path, "it is no JSON object")
    return value


def _not_a_bundle(path: str, why: str) -> InputError:
    return InputError(
        f"not a signature of OpenSSF Model Signing: {why}",
        option=BUNDLE,
        subject=path,
        hint=SIGN_HINT,
    )
