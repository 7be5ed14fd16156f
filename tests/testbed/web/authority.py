# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An authority that signs certificates for tests; clients trust it and no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

PEM = serialization.Encoding.PEM


OID = x509.NameOID
CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


@dataclass(frozen=True)
class Client:
    """What a client's certificate says; the days count from now.

    Attributes:
        subject: attributes of the distinguished name, in the order of the certificate.
        usage: extended key usage.
    """

    subject: tuple[tuple[x509.ObjectIdentifier, str], ...]
    dns: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    since: float = -5
    days: float = 30
    usage: x509.ObjectIdentifier = CLIENT


@dataclass(frozen=True)
class Pair:
    """A certificate (or a chain) and its key, in PEM form."""

    certificate: str
    key: str

    @property
    def serial(self) -> int:
        """The number by which it is revoked."""
        return x509.load_pem_x509_certificate(self.certificate.encode()).serial_number

    def sign(self, client: Client) -> Pair:
        """Sign another certificate with this one, as if it were that of an authority."""
        own = x509.load_pem_x509_certificate(self.certificate.encode())
        key = serialization.load_pem_private_key(self.key.encode(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        made = _client(client, own.subject, key)
        return Pair(made.certificate + self.certificate, made.key)


class Authority:
    """C(certificate) is its own, in PEM form."""

    def __init__(self, name: str = "Edge test authority", *, since: float = -5) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        builder = _builder(self._name, self._name, self._key, 30, since)
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(constraints, critical=True)
        builder = builder.add_extension(usage, critical=True)
        mark = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        builder = builder.add_extension(mark, critical=False)
        self.certificate = builder.sign(self._key, hashes.SHA256()).public_bytes(PEM).decode()

    def issue(self, *names: str, days: int = 30) -> tuple[str, str]:
        """Return a certificate for the names and its key, both in PEM form."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(names[0]), self._name, key, days)
        alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(alternative, critical=False)
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        made = builder.add_extension(signer, critical=False).sign(self._key, hashes.SHA256())
        form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return made.public_bytes(PEM).decode(), key.private_bytes(PEM, form, plain).decode()

    def client(self, client: Client) -> Pair:
        """Return a certificate for a client."""
        return _client(client, self._name, self._key)

    def revoke(self, serials: Sequence[int], *, days: float = 30, since: float = -1) -> str:
        """Return a revocation list in PEM form."""
        now = datetime.now(timezone.utc)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self._name)
        builder = builder.last_update(now + timedelta(days=since))
        builder = builder.next_update(now + timedelta(days=days))
        for serial in serials:
            revoked = x509.RevokedCertificateBuilder().serial_number(serial)
            builder = builder.add_revoked_certificate(revoked.revocation_date(now).build())
        return builder.sign(self._key, hashes.SHA256()).public_bytes(PEM).decode()


def self_signed(client: Client) -> Pair:
    """Return a certificate that a client has signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _client(client, x509.Name([x509.NameAttribute(*item) for item in client.subject]), key)


def _client(client: Client, issuer: x509.Name, signer: ec.EllipticCurvePrivateKey) -> Pair:
    subject = x509.Name([x509.NameAttribute(*item) for item in client.subject])
    key = signer if issuer == subject else ec.generate_private_key(ec.SECP256R1())
    builder = _builder(subject, issuer, key, client.days, client.since)
    names = [*map(x509.DNSName, client.dns), *map(x509.UniformResourceIdentifier, client.uris)]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    builder = builder.add_extension(x509.ExtendedKeyUsage([client.usage]), critical=False)
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    made = builder.sign(signer, hashes.SHA256()).public_bytes(PEM).decode()
    return Pair(made, key.private_bytes(PEM, form, plain).decode())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    days: float,
    since: float = -5,
) -> x509.CertificateBuilder:
    now = datetime.now(timezone.utc)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    return builder.not_valid_before(now + timedelta(days=since)).not_valid_after(
        now + timedelta(days=days)
    )
