# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks whether clients of given hosts will accept a certificate and its key. Pure.

Only the C(cryptography) package reads certificates; it is imported when there is one to check, and
ansible-core needs it as well. Who trusts the issuer is not known here.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, List, Mapping, Sequence

from ...errors import InputError, UnsupportedError
from ...moments import moment
from ..spec.exposure.options import split

SOON = timedelta(days=14)


def check(
    certificate: str,
    key: str,
    hosts: Mapping[str, str],
    now: datetime,
    *,
    option: str,
    subject: str = "",
) -> List[str]:
    """Return warnings about a certificate that works.

    Args:
        certificate: one or more in PEM form; the first one is the server's.
        key: its private key in PEM form.
        hosts: each host by the option that names it.
        now: with a time zone.
        option: that names or holds the certificate.
        subject: the Secret that holds it, if any.

    Raises:
        InputError: it does not work; never with a part of the key.
        UnsupportedError: there is no C(cryptography) package.
    """
    found = parsed(certificate, option, subject)
    public = found.public_key()
    if _public_bytes(public) != _public_bytes(_private(key, option, subject).public_key()):
        raise InputError(
            f"the key is not that of the first certificate ({_name(found)})",
            option=option,
            subject=subject or None,
            hint="Put the server's own certificate first, then those of its issuers",
        )
    names = _names(found)
    for where, host in hosts.items():
        if not any(matches(host, name) for name in names):
            has = f"it is for {', '.join(names)}" if names else "it has no alternative names"
            raise InputError(
                f"the certificate does not cover {host} of {where}: {has}",
                option=option,
                subject=subject or None,
                hint="Clients compare the host with the subject alternative names only",
            )
    warnings = check_times(found, now, option, subject)
    _check_chain([parsed(item, option, subject) for item in split(certificate)], option, subject)
    for issuer in split(certificate)[1:]:
        found = parsed(issuer, option, subject)
        what = f" of the issuer '{found.subject.rfc4514_string()}'"
        warnings += check_times(found, now, option, subject, what)
    return warnings


def _check_chain(chain: Sequence[Any], option: str, subject: str) -> None:
    """Refuse a chain in which a certificate is not followed by that of its issuer (RFC 5246)."""
    for index, (item, follower) in enumerate(zip(chain, chain[1:])):
        if issued_by(item, follower):
            continue
        issuer = item.issuer.rfc4514_string()
        out_of_order = any(issued_by(item, other) for other in chain[index + 2 :])
        raise InputError(
            f"certificate {index + 2} of the chain is that of '{follower.subject.rfc4514_string()}'"
            f", and the one before it was issued by '{issuer}'"
            + ("" if out_of_order else ", which is missing"),
            option=option,
            subject=subject or None,
            hint="Put each certificate before that of its issuer",
        )


def issued_by(item: Any, issuer: Any) -> bool:
    """Tell whether a certificate was issued by another; packages before 40 compare names only."""
    from cryptography.exceptions import InvalidSignature

    if item.issuer != issuer.subject:
        return False
    if not hasattr(item, "verify_directly_issued_by"):
        return True
    try:
        item.verify_directly_issued_by(issuer)
    except (InvalidSignature, TypeError, ValueError):
        return False
    return True


def check_times(found: Any, now: datetime, option: str, subject: str, what: str = "") -> List[str]:
    """Return a warning if a certificate expires soon; C(what) tells it from others.

    Raises:
        InputError: it is not valid now.
    """
    begin, end = moment(found, "not_valid_before"), moment(found, "not_valid_after")
    named = f"the certificate{what}"
    for wrong, text in (
        (now < begin, f"{named} is valid from {begin:%Y-%m-%d %H:%M} UTC on"),
        (now >= end, f"{named} expired on {end:%Y-%m-%d %H:%M} UTC"),
    ):
        if wrong:
            hint = "Give a certificate that is valid now, or set the clock right"
            raise InputError(text, option=option, subject=subject or None, hint=hint)
    if end - now < SOON:
        return [f"{option}: {named} expires on {end:%Y-%m-%d %H:%M} UTC."]
    return []


def matches(host: str, name: str) -> bool:
    """Tell whether a name of a certificate covers a host (RFC 6125: C(*) is one whole label)."""
    host, name = host.lower(), name.lower()
    if name.startswith("*."):
        first, _dot, rest = host.partition(".")
        return bool(first) and rest == name[2:]
    return host == name


def parsed(text: str, option: str, subject: str) -> Any:
    """Return the first certificate of a text in PEM form.

    Raises:
        InputError: there is none.
        UnsupportedError: there is no C(cryptography) package.
    """
    try:
        from cryptography import x509
    except ImportError as error:
        raise UnsupportedError(
            f"the Python package cryptography is missing ({error})", option=option
        ) from error
    try:
        return x509.load_pem_x509_certificate(text.encode("utf-8"))
    except ValueError as error:
        raise InputError(
            "it is no certificate in PEM form",
            option=option,
            subject=subject or None,
            hint="It has to begin with -----BEGIN CERTIFICATE-----",
        ) from error


def _private(text: str, option: str, subject: str) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(text.encode("utf-8"), None)
    except TypeError as error:
        why = "the key is encrypted"
        hint = "Give it without a passphrase; openssl pkey -in KEY writes it so"
        raise InputError(why, option=option, subject=subject or None, hint=hint) from error
    except (ValueError, UnsupportedAlgorithm):
        # The error text of the package may contain a part of the key.
        why, hint = "the key is no private key in PEM form", "Give the key that openssl wrote"
        raise InputError(why, option=option, subject=subject or None, hint=hint) from None


def _public_bytes(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    found: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return found


def _names(found: Any) -> List[str]:
    from cryptography import x509

    try:
        extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return list(extension.value.get_values_for_type(x509.DNSName))


def _name(found: Any) -> str:
    return ", ".join(_names(found)) or str(found.subject.rfc4514_string()) or "without a name"
