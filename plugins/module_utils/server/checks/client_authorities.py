# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks CA certificates and revocation lists by which a controller judges clients. Pure.

A mistake in them does not let a stranger in; it shuts everybody out, and only the next handshake
would tell. RFC 5280 has the rules; OpenSSL and BoringSSL want a valid list of every CA in a chain
as soon as there is any list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, List, Sequence

from ...errors import InputError
from ...moments import moment_or_none
from ..spec.exposure.options import split
from . import certificates
from .certificates import SOON

_CRL = re.compile(r"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", re.S)


@dataclass(frozen=True)
class Place:
    """Where a text stands: the option, and the Secret if it is in one."""

    option: str
    subject: str = ""

    def error(self, message: str, hint: str) -> InputError:
        """Return the error about it."""
        return InputError(message, option=self.option, subject=self.subject or None, hint=hint)


def check_authorities(text: str, now: datetime, place: Place) -> List[str]:
    """Return warnings about CA certificates that work.

    Args:
        text: certificates in PEM form.
        now: with a time zone.
        place: where they stand.

    Raises:
        InputError: no certificate, one of no CA, one that is not valid now, or one whose issuer is
            missing.
        UnsupportedError: there is no C(cryptography) package.
    """
    if "PRIVATE KEY-----" in text:
        raise place.error(
            "it holds a private key, and a controller needs the certificate only",
            "Take the key out, and keep it where the CA is",
        )
    found = _authorities(text, place)
    warnings: List[str] = []
    for item in found:
        _check_usage(item, place)
        what = f" of the CA '{_name(item.subject)}'"
        warnings += certificates.check_times(item, now, place.option, place.subject, what)
        _check_issuer(item, found, place)
    return warnings


def check_lists(
    text: str, authorities: str, now: datetime, place: Place, *, leaf_only: bool
) -> List[str]:
    """Return warnings about revocation lists that work.

    Args:
        text: lists in PEM form.
        authorities: the CA certificates; empty where they are not known.
        now: with a time zone.
        place: where the lists stand.
        leaf_only: whether only the CA that signs clients needs a list.

    Raises:
        InputError: no list, one of another CA, one that is not valid now, or none of a CA.
        UnsupportedError: there is no C(cryptography) package.
    """
    lists = _lists(text, place)
    known = _authorities(authorities, place) if authorities else []
    warnings: List[str] = []
    for item in lists:
        warnings += _check_list(item, known, now, place)
    names = {item.issuer for item in lists}
    for authority in known:
        if authority.subject not in names and not leaf_only:
            raise place.error(
                f"there is no list of the CA '{_name(authority.subject)}', and with a list of one"
                " CA, controllers refuse clients of every CA without",
                "Add the list of each CA, one after the other",
            )
    return warnings


def _authorities(text: str, place: Place) -> List[Any]:
    return [
        certificates.parsed(pem, place.option, place.subject) for pem in (split(text) or [text])
    ]


def _check_usage(item: Any, place: Place) -> None:
    from cryptography import x509

    hint = "Give the certificate of the CA that signs the clients' certificates"
    constraints = _extension(item, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        raise place.error(f"the certificate of '{_name(item.subject)}' is not that of a CA", hint)
    usage = _extension(item, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        raise place.error(f"the CA '{_name(item.subject)}' may not sign certificates", hint)


def _extension(item: Any, kind: Any) -> Any:
    from cryptography import x509

    try:
        return item.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _check_issuer(item: Any, found: Sequence[Any], place: Place) -> None:
    issuers = [other for other in found if other.subject == item.issuer]
    if not any(certificates.issued_by(item, other) for other in issuers):
        missing = "is missing" if not issuers else "of that name did not sign it"
        raise place.error(
            f"the issuer '{_name(item.issuer)}' of the CA '{_name(item.subject)}' {missing}",
            "Add the certificates of all issuers up to the root",
        )


def _lists(text: str, place: Place) -> List[Any]:
    from cryptography import x509

    hint = "It has to begin with -----BEGIN X509 CRL-----; openssl crl -inform DER converts one"
    found = []
    for pem in _CRL.findall(text):
        try:
            found.append(x509.load_pem_x509_crl(pem.encode("utf-8")))
        except ValueError as error:
            raise place.error("it is no revocation list in PEM form", hint) from error
    if not found:
        raise place.error("it is no revocation list in PEM form", hint)
    return found


def _check_list(item: Any, known: Sequence[Any], now: datetime, place: Place) -> List[str]:
    name = _name(item.issuer)
    signers = [authority for authority in known if authority.subject == item.issuer]
    if known and not any(item.is_signature_valid(signer.public_key()) for signer in signers):
        raise place.error(
            f"the list of '{name}' is not signed by any of the CAs",
            "Give the list that the CA of the clients has made",
        )
    begin, end = moment_or_none(item, "last_update"), moment_or_none(item, "next_update")
    if begin is not None and now < begin:
        raise place.error(
            f"the list of '{name}' is valid from {begin:%Y-%m-%d %H:%M} UTC on",
            "Set the clock right, or give a list that is valid now",
        )
    if end is None:
        return []
    if now >= end:
        raise place.error(
            f"the list of '{name}' was to be replaced by {end:%Y-%m-%d %H:%M} UTC, and controllers"
            " refuse every client with a list that is over",
            "Have the CA make a new list",
        )
    if end - now < SOON:
        return [
            f"{place.option}: the list of '{name}' has to be replaced by {end:%Y-%m-%d %H:%M} UTC;"
            " after that every client is refused."
        ]
    return []


def _name(name: Any) -> str:
    return str(name.rfc4514_string())
