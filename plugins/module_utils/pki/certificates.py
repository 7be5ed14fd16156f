# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys, certificates and revocation lists of an authority for clients. Touches no file.

Keys are P-256, signatures SHA-256: what every TLS library of the last ten years verifies, and small
enough for a handshake per request. The extensions are those of RFC 5280 for an authority that signs
clients only (path length 0, so that a client's certificate can never sign another).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Mapping, Optional, Sequence, Tuple

from ..errors import InputError, UnsupportedError
from ..moments import moment, moment_or_none

# A certificate is valid from this much earlier on, for clients whose clocks are behind.
CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True)
class Names:
    """What a client's certificate says about it."""

    common_name: str
    dns_names: Tuple[str, ...] = ()
    uris: Tuple[str, ...] = ()


def need_cryptography() -> None:
    """Refuse to go on without the package that does the work.

    Raises:
        UnsupportedError: it is missing.
    """
    try:
        import cryptography.x509  # noqa: F401
    except ImportError as error:
        raise UnsupportedError(
            f"the Python package cryptography is missing ({error})",
            hint="Install it for the Python that runs this task on the host",
        ) from error


def new_key() -> Any:
    """Return a private key."""
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: Any, passphrase: str = "") -> str:
    """Return a private key in PEM form, encrypted if there is a passphrase."""
    from cryptography.hazmat.primitives import serialization

    how: Any = serialization.NoEncryption()
    if passphrase:
        how = serialization.BestAvailableEncryption(passphrase.encode("utf-8"))
    form, pem = serialization.PrivateFormat.PKCS8, serialization.Encoding.PEM
    text: bytes = key.private_bytes(pem, form, how)
    return text.decode("ascii")


def parsed_key(text: str, passphrase: str, subject: str) -> Any:
    """Return the private key of a file; C(subject) names the file.

    Raises:
        InputError: it is none, or the passphrase does not fit; never with a part of it.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    given = passphrase.encode("utf-8") if passphrase else None
    try:
        return load_pem_private_key(text.encode("utf-8"), given)
    except TypeError:
        wrong = "is not encrypted, and a passphrase is given" if passphrase else "is encrypted"
        hint = "Leave passphrase out" if passphrase else "Give its passphrase"
        message = f"the key {wrong}"
        raise InputError(message, option="passphrase", subject=subject, hint=hint) from None
    except (ValueError, UnsupportedAlgorithm):
        # The error text of the package may contain a part of the key.
        message = "it is no private key in PEM form, or the passphrase is another one"
        hint = "Restore the file from a copy, or give the passphrase with which it was made"
        raise InputError(message, subject=subject, hint=hint) from None


def parsed_certificate(text: str, subject: str) -> Any:
    """Return the certificate of a file.

    Raises:
        InputError: it is none.
    """
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(text.encode("utf-8"))
    except ValueError:
        raise InputError(
            "it is no certificate in PEM form",
            subject=subject,
            hint="Restore the file from a copy, or remove it",
        ) from None


def parsed_list(text: str) -> Optional[Any]:
    """Return a revocation list; None if it is damaged, since a new one can be signed."""
    from cryptography import x509

    try:
        return x509.load_pem_x509_crl(text.encode("utf-8"))
    except ValueError:
        return None


def pem(item: Any) -> str:
    """Return a certificate, request or list in PEM form."""
    from cryptography.hazmat.primitives.serialization import Encoding

    text: bytes = item.public_bytes(Encoding.PEM)
    return text.decode("ascii")


def public_bytes(key: Any) -> bytes:
    """Return a public key in a form that can be compared."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    found: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return found


def new_request(key: Any, common_name: str) -> Any:
    """Return a request to sign the public half of a key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    builder = x509.CertificateSigningRequestBuilder().subject_name(_name(common_name))
    return builder.sign(key, hashes.SHA256())


def parsed_request(text: str, option: str) -> Any:
    """Return the public key of a request whose sender has the private one.

    Raises:
        InputError: it is no request, or it is not signed with its own key.
    """
    from cryptography import x509

    hint = "Give the request that openvino.edge.client_certificate returns"
    try:
        found = x509.load_pem_x509_csr(text.encode("utf-8"))
    except ValueError:
        raise InputError("it is no request in PEM form", option=option, hint=hint) from None
    if not found.is_signature_valid:
        raise InputError("it is not signed with its own key", option=option, hint=hint)
    return found.public_key()


def new_authority(key: Any, name: str, days: int, now: datetime) -> Any:
    """Return the authority's own certificate."""
    from cryptography import x509

    builder = _builder(_name(name), _name(name), key.public_key(), now, now + timedelta(days=days))
    constraints = x509.BasicConstraints(ca=True, path_length=0)
    builder = builder.add_extension(constraints, critical=True)
    builder = builder.add_extension(_usage(authority=True), critical=True)
    return _signed(builder, key, key.public_key())


def new_certificate(
    authority: Any, key: Any, names: Names, public: Any, days: int, now: datetime
) -> Any:
    """Return a client's certificate; it ends no later than that of the authority."""
    from cryptography import x509

    end = min(now + timedelta(days=days), moment(authority, "not_valid_after"))
    builder = _builder(_name(names.common_name), authority.subject, public, now, end)
    constraints = x509.BasicConstraints(ca=False, path_length=None)
    builder = builder.add_extension(constraints, critical=True)
    builder = builder.add_extension(_usage(authority=False), critical=True)
    purpose = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH])
    builder = builder.add_extension(purpose, critical=False)
    alternative = [
        *map(x509.DNSName, names.dns_names),
        *map(x509.UniformResourceIdentifier, names.uris),
    ]
    if alternative:
        names_extension = x509.SubjectAlternativeName(alternative)
        builder = builder.add_extension(names_extension, critical=False)
    return _signed(builder, key, key.public_key())


def new_list(
    authority: Any, key: Any, revoked: Mapping[int, datetime], number: int, days: int, now: datetime
) -> Any:
    """Return a revocation list; C(revoked) has the time by serial number."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    builder = x509.CertificateRevocationListBuilder().issuer_name(authority.subject)
    builder = builder.last_update(now - CLOCK_SKEW).next_update(now + timedelta(days=days))
    for serial, when in sorted(revoked.items()):
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(when)
        builder = builder.add_revoked_certificate(entry.build())
    builder = builder.add_extension(x509.CRLNumber(number), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    return builder.add_extension(issuer, critical=False).sign(key, hashes.SHA256())


def number_of(found: Any) -> int:
    """Return the number of a revocation list, 0 without one."""
    from cryptography import x509

    try:
        number: int = found.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        return number
    except x509.ExtensionNotFound:
        return 0


def names_of(certificate: Any) -> Names:
    """Return what a certificate says about its owner."""
    from cryptography import x509

    common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    name = str(common[0].value) if common else ""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return Names(name)
    values = extension.value.get_values_for_type
    return Names(name, tuple(values(x509.DNSName)), tuple(values(x509.UniformResourceIdentifier)))


def left(item: Any, now: datetime, name: str = "not_valid_after") -> timedelta:
    """Return how long a certificate or list is still valid; negative when it is over."""
    end = moment_or_none(item, name)
    return timedelta.max if end is None else end - now


def _name(common_name: str) -> Any:
    from cryptography import x509

    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])


def _builder(subject: Any, issuer: Any, public: Any, now: datetime, end: datetime) -> Any:
    from cryptography import x509

    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
    builder = builder.public_key(public).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - CLOCK_SKEW).not_valid_after(end)
    mark = x509.SubjectKeyIdentifier.from_public_key(public)
    return builder.add_extension(mark, critical=False)


def _signed(builder: Any, key: Any, issuer: Any) -> Any:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    mark = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer)
    return builder.add_extension(mark, critical=False).sign(key, hashes.SHA256())


def _usage(*, authority: bool) -> Any:
    from cryptography import x509

    flags: Sequence[str] = (
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        **dict.fromkeys(flags, False),
    )
