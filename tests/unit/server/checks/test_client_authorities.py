# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CA certificates, revocation lists and chains that work, and those that shut everybody out."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import lru_cache

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.server.checks import (
    certificates,
    client_authorities,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NOW = datetime(2026, 12, 1, tzinfo=timezone.utc)
PEM = serialization.Encoding.PEM
HOST = "ocr.example.org"
PLACE = client_authorities.Place("expose.client_auth.ca")


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


@lru_cache
def key_of(owner: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(owner: str) -> str:
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key_of(owner).private_bytes(PEM, form, plain).decode()


@lru_cache
def cert(
    subject: str, issuer: str, *, ca: bool = True, days: int = 90, since: int = -1, signer: str = ""
) -> str:
    """Return a certificate of one name, issued by another; the days count from NOW."""
    builder = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer))
    builder = builder.public_key(key_of(subject).public_key()).serial_number(7)
    builder = builder.not_valid_before(NOW + timedelta(days=since))
    builder = builder.not_valid_after(NOW + timedelta(days=days))
    constraints = x509.BasicConstraints(ca=ca, path_length=None)
    builder = builder.add_extension(constraints, critical=True)
    alternative = x509.SubjectAlternativeName([x509.DNSName(HOST)])
    builder = builder.add_extension(alternative, critical=False)
    made = builder.sign(key_of(signer or issuer), hashes.SHA256())
    return made.public_bytes(PEM).decode()


@lru_cache
def crl(issuer: str, *, days: int = 30, since: int = -1, signer: str = "") -> str:
    """Return an empty revocation list."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(name(issuer))
    builder = builder.last_update(NOW + timedelta(days=since))
    builder = builder.next_update(NOW + timedelta(days=days))
    made = builder.sign(key_of(signer or issuer), hashes.SHA256())
    return made.public_bytes(PEM).decode()


ROOT, SUB = cert("root", "root"), cert("sub", "root")


def test_authorities_that_work() -> None:
    assert client_authorities.check_authorities(ROOT, NOW, PLACE) == []
    assert client_authorities.check_authorities(SUB + ROOT, NOW, PLACE) == []
    (warning,) = client_authorities.check_authorities(cert("root", "root", days=13), NOW, PLACE)
    assert "the certificate of the CA 'CN=root' expires on 2026-12-14" in warning


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing", "it is no certificate in PEM form"),
        (ROOT + key_pem("root"), r"it holds a private key, .* Take the key out"),
        (cert("leaf", "root", ca=False), "the certificate of 'CN=leaf' is not that of a CA"),
        (ROOT + cert("root", "root", days=0), "of the CA 'CN=root' expired on 2026-12-01 00:00"),
        (cert("root", "root", since=1), "of the CA 'CN=root' is valid from 2026-12-02"),
        (SUB, "the issuer 'CN=root' of the CA 'CN=sub' is missing"),
        (cert("sub", "root", signer="x") + ROOT, "the issuer 'CN=root' .* of that name did not"),
    ],
)
def test_authorities_that_do_not(text: str, message: str) -> None:
    with pytest.raises(InputError, match=rf"^expose\.client_auth\.ca: .*{message}") as caught:
        client_authorities.check_authorities(text, NOW, PLACE)
    assert "PRIVATE" not in str(caught.value)


def lists(text: str, authorities: str = ROOT, *, leaf_only: bool = False) -> list[str]:
    return client_authorities.check_lists(text, authorities, NOW, PLACE, leaf_only=leaf_only)


def test_lists_that_work() -> None:
    assert lists(crl("root")) == []
    assert lists(crl("root") + crl("sub"), SUB + ROOT) == []
    assert lists(crl("sub"), SUB + ROOT, leaf_only=True) == []
    assert lists(crl("sub"), "") == [], "the CA could not be read"
    (warning,) = lists(crl("root", days=13))
    assert "has to be replaced by 2026-12-14 00:00 UTC; after that every client" in warning


@pytest.mark.parametrize(
    ("text", "authorities", "message"),
    [
        ("", ROOT, "it is no revocation list in PEM form"),
        (ROOT, ROOT, "it is no revocation list in PEM form"),
        (crl("root").replace("M", "A"), ROOT, "it is no revocation list in PEM form"),
        (crl("other"), ROOT, "the list of 'CN=other' is not signed by any of the CAs"),
        (crl("root", signer="other"), ROOT, "the list of 'CN=root' is not signed by any"),
        (crl("root", days=0), ROOT, "was to be replaced by 2026-12-01 00:00 UTC"),
        (crl("root", since=1), ROOT, "the list of 'CN=root' is valid from 2026-12-02"),
        (crl("root"), SUB + ROOT, "there is no list of the CA 'CN=sub'"),
    ],
)
def test_lists_that_do_not(text: str, authorities: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        lists(text, authorities)


def chain(*certificates_: str, key: str = "leaf") -> list[str]:
    text = "".join(certificates_)
    hosts = {"expose.rest.host": HOST}
    return certificates.check(text, key_pem(key), hosts, NOW, option="expose.tls.certificate")


LEAF = cert("leaf", "sub", ca=False)


def test_chains_that_work() -> None:
    for text in ([LEAF], [LEAF, SUB], [LEAF, SUB, ROOT]):
        assert chain(*text) == []
    (warning,) = chain(LEAF, cert("sub", "root", days=2))
    assert "the certificate of the issuer 'CN=sub' expires on 2026-12-03" in warning


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([LEAF, ROOT, SUB], "certificate 2 of the chain .* 'CN=root', .* issued by 'CN=sub'. Put"),
        ([LEAF, ROOT], "certificate 2 .* issued by 'CN=sub', which is missing"),
        ([LEAF, SUB, cert("other", "other")], "certificate 3 .* issued by 'CN=root', which is mis"),
        ([LEAF, cert("sub", "root", signer="x", days=0)], "issuer 'CN=sub' expired on 2026-12-01"),
        ([SUB, LEAF], "the key is not that of the first certificate"),
    ],
)
def test_chains_that_do_not(texts: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        chain(*texts)
