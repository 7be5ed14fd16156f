# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates and clients for the tests of the Kubernetes client."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_NOW = datetime.datetime.now(datetime.timezone.utc)
_DAY = datetime.timedelta(days=1)


@dataclass
class Authority:
    """A certificate authority with a server certificate for 127.0.0.1."""

    folder: Path
    name: str
    address: str = "127.0.0.1"
    expired: bool = False

    @property
    def ca(self) -> str:
        """Path of the CA certificate."""
        return str(self.folder / f"{self.name}-ca.pem")

    @property
    def cert(self) -> str:
        """Path of the server certificate."""
        return str(self.folder / f"{self.name}.pem")

    @property
    def key(self) -> str:
        """Path of its key."""
        return str(self.folder / f"{self.name}.key")

    def server(self) -> ssl.SSLContext:
        """Return the TLS settings of a server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key)
        return context

    def make(self) -> Authority:
        """Write the files."""
        ca_key, key = (
            ec.generate_private_key(ec.SECP256R1()),
            ec.generate_private_key(ec.SECP256R1()),
        )
        issuer = _name(self.name + "-ca")
        ca = _builder(issuer, issuer, ca_key, False).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(self.address))])
        leaf = _builder(_name(self.name), issuer, key, self.expired).add_extension(names, False)
        _write(self.ca, ca.sign(ca_key, hashes.SHA256()))
        _write(self.cert, leaf.sign(ca_key, hashes.SHA256()))
        Path(self.key).write_bytes(_key_pem(key))
        return self


@dataclass
class Chain:
    """A server's certificate below an intermediate authority below a root; paths of PEM files."""

    folder: Path

    def path(self, name: str) -> str:
        """Path of C(root), C(middle), C(leaf), C(key) or C(chain) (leaf and middle)."""
        return str(self.folder / f"{name}.pem")

    def server(self, certificates: str) -> ssl.SSLContext:
        """Return the TLS settings of a server that sends C(leaf) or C(chain)."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path(certificates), self.path("key"))
        return context

    def make(self, named: bool = True) -> Chain:
        """Write the files; without C(named) the certificate has only a common name."""
        keys = {
            name: ec.generate_private_key(ec.SECP256R1()) for name in ("root", "middle", "leaf")
        }
        root, middle, leaf = _name("chain-root"), _name("chain-middle"), _name("127.0.0.1")
        is_ca = x509.BasicConstraints(ca=True, path_length=None)
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        last = _builder(leaf, middle, keys["leaf"], False)
        if named:
            last = last.add_extension(x509.SubjectAlternativeName([address]), False)
        made = {
            "root": _builder(root, root, keys["root"], False)
            .add_extension(is_ca, True)
            .sign(keys["root"], hashes.SHA256()),
            "middle": _builder(middle, root, keys["middle"], False)
            .add_extension(is_ca, True)
            .sign(keys["root"], hashes.SHA256()),
            "leaf": last.sign(keys["middle"], hashes.SHA256()),
        }
        for name, certificate in made.items():
            _write(self.path(name), certificate)
        pieces = [Path(self.path(name)).read_bytes() for name in ("leaf", "middle")]
        Path(self.path("chain")).write_bytes(b"".join(pieces))
        Path(self.path("key")).write_bytes(_key_pem(keys["leaf"]))
        return self


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, expired: bool
) -> x509.CertificateBuilder:
    # The issuer's key signs; only its public key differs between CA and leaf.
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOW - 3 * _DAY)
        .not_valid_after(_NOW - _DAY if expired else _NOW + _DAY)
    )


def _write(path: str, certificate: x509.Certificate) -> None:
    Path(path).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"), "good").make()


@pytest.fixture(scope="session")
def other_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"), "other").make()


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return Chain(tmp_path_factory.mktemp("chain")).make()


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No proxy, kubeconfig or home of the machine reaches a test."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
