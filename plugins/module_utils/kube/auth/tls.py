# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The TLS settings of an endpoint: trusted authorities and the client certificate."""

from __future__ import annotations

import functools
import os
import shutil
import ssl
import tempfile
from dataclasses import dataclass
from typing import Optional

from ...errors import InputError
from ..wire.endpoint import Pem

# What is named as authority is trusted as it stands, as Go does: an intermediate authority or the
# server's own certificate need no issuer beside it. Python has the name since 3.10.
PARTIAL_CHAIN = 0x80000


@dataclass(frozen=True)
class Settings:
    """The settings of a TLS context; C(authority) None trusts the system's authorities."""

    verify: bool = True
    authority: Optional[Pem] = None
    certificate: Optional[Pem] = None
    key: Optional[Pem] = None


def read_pem(path: str, option: str) -> Pem:
    """Return the content of a file that an option names.

    Raises:
        InputError: it cannot be read.
    """
    path = os.path.expanduser(path)
    try:
        with open(path, "rb") as file:
            return Pem(file.read(), option, path)
    except OSError as error:
        what = "CA certificate" if option == "ca_cert" else "client certificate or its key"
        raise InputError(
            f"the {what} cannot be used ({error.strerror or type(error).__name__})",
            option=option,
            subject=path,
        ) from None


def make_context(settings: Settings) -> ssl.SSLContext:
    """Return a TLS context; do not change one that trusts the system and has no certificate.

    Raises:
        InputError: a certificate or a key is not what it should be.
    """
    if settings == Settings():
        return _of_system()
    return _made(settings)


@functools.lru_cache(maxsize=1)
def _of_system() -> ssl.SSLContext:
    """Return the context that trusts the system's authorities: to read them takes 20 ms each time.

    One task may ask a thousand API servers.
    """
    return _made(Settings())


def _made(settings: Settings) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    scratch = tempfile.mkdtemp(prefix="openvino-edge-")
    try:
        if settings.verify:
            _trust(context, settings.authority, scratch)
        else:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if settings.certificate:
            _identify(context, settings.certificate, settings.key, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return context


def _trust(context: ssl.SSLContext, authority: Optional[Pem], scratch: str) -> None:
    """Have a context trust an authority, or the system's.

    Raises:
        InputError: it is not PEM.
    """
    context.hostname_checks_common_name = False  # only alternative names count, as for kubectl
    if authority is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        return
    context.verify_flags |= PARTIAL_CHAIN
    try:
        context.load_verify_locations(cafile=_file(scratch, "ca", authority))
    except (OSError, ssl.SSLError):
        raise InputError(
            "the CA certificate cannot be used (not PEM)",
            option=authority.option,
            subject=authority.subject,
        ) from None


def _identify(context: ssl.SSLContext, certificate: Pem, key: Optional[Pem], scratch: str) -> None:
    try:
        context.load_cert_chain(
            _file(scratch, "cert", certificate),
            _file(scratch, "key", key) if key else None,
            password="",
        )
    except (OSError, ssl.SSLError):
        raise InputError(
            "the client certificate or its key cannot be used (not PEM, or certificate and key do"
            " not belong together)",
            option=certificate.option,
            subject=certificate.subject,
        ) from None


def _file(scratch: str, name: str, pem: Pem) -> str:
    """Write a PEM file for OpenSSL, which reads keys from files only."""
    path = os.path.join(scratch, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(pem.data)
    return path
