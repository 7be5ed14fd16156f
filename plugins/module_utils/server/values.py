# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of single option values; each returns the clean value or raises C(InputError)."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from ..errors import InputError

# Names of Services are DNS-1035 labels (k8s.io/apimachinery pkg/util/validation/validation.go).
_DNS_1035 = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_LABEL_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
# Kubernetes quantities (k8s.io/apimachinery pkg/api/resource/quantity.go).
_QUANTITY = re.compile(
    r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][0-9]+)?"
)
_SUFFIXES: Dict[str, Decimal] = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{letter: Decimal(1000) ** (power + 1) for power, letter in enumerate("kMGTPE")},
    **{f"{letter}i": Decimal(1024) ** (power + 1) for power, letter in enumerate("KMGTPE")},
}
# The model server's S3 client ends the process on a proxy URL without a port
# (openvinotoolkit/model_server, src/filesystem/s3filesystem.cpp).
_PROXY_URL = re.compile(r"https?://([^:@/\s]{1,128}:[^@/\s]{1,256}@)?[^:/@\s]{1,255}:[0-9]{1,5}/?")
# References as the runtimes read them (github.com/distribution/reference, regexp.go). Any other one
# ends as InvalidImageName, when old pods may have ended for the new one already.
_HOST = (
    r"(?:[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)*)"
)
_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?:(?:{_HOST}|\[[a-fA-F0-9:]+\])(?::[0-9]+)?/)?{_PART}(?:/{_PART})*"
    r"(?::\w[\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?",
    re.ASCII,
)
RESERVED_LABEL_PREFIXES = ("app.kubernetes.io/", "openvino.edge/")


def dns_1035(value: str, option: str) -> str:
    """Return C(value) when a Service may have that name."""
    if not _DNS_1035.fullmatch(value):
        raise InputError(
            f"'{value}' is not a name that a Service can have",
            option=option,
            hint="Use lower-case letters, digits and '-', a letter first, at most 63 characters",
        )
    return value


def subdomain(value: str, option: str) -> str:
    """Return C(value) when a Kubernetes object may have that name."""
    if len(value) > 253 or not _DNS_SUBDOMAIN.fullmatch(value):
        raise InputError(f"'{value}' is not a name of a Kubernetes object", option=option)
    return value


def integer(value: Any, option: str, low: int, high: int) -> int:
    """Return an integer in C(low..high)."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InputError(f"{value} is not in {low}..{high}", option=option)
    return value


def optional_id(value: int, option: str) -> Optional[int]:
    """Return a uid or gid, or None for -1: the platform chooses (OpenShift's ranges)."""
    return None if value == -1 else integer(value, option, 0, 2**31 - 1)


def image(value: str, option: str = "image") -> str:
    """Return an image reference that a runtime can read."""
    if not _IMAGE.fullmatch(value):
        raise InputError(
            f"'{value}' is not an image reference",
            option=option,
            hint="Write REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:DIGEST, without a scheme,"
            " NAME in lower case",
        )
    return value


def parse_quantity(text: str) -> Optional[Decimal]:
    """Return the amount of a Kubernetes quantity ("500m", "1Gi"), or None when it is not one."""
    match = _QUANTITY.fullmatch(text)
    if not match:
        return None
    number, suffix = match.group(1), match.group(2) or ""
    try:
        if suffix[:1] in ("e", "E") and len(suffix) > 1 and suffix[1:].isdigit():
            return Decimal(f"{number}e{suffix[1:]}")
        return Decimal(number) * _SUFFIXES[suffix]
    except (InvalidOperation, KeyError):
        return None


def quantity(value: Any, option: str) -> str:
    """Return a quantity as text."""
    text = str(value)
    if isinstance(value, bool) or parse_quantity(text) is None:
        raise InputError(
            f"'{value}' is not a quantity", option=option, hint='Write it like "500m", "2" or "4Gi"'
        )
    return text


def resources(value: Mapping[str, Any]) -> Dict[str, Dict[str, str]]:
    """Return requests and limits with every amount as text."""
    clean: Dict[str, Dict[str, str]] = {}
    for group, amounts in value.items():
        option = f"resources.{group}"
        if group not in ("requests", "limits"):
            raise InputError("unknown key", option=option, hint="Use requests and limits")
        if not isinstance(amounts, Mapping):
            raise InputError("a mapping of resource to amount is needed", option=option)
        clean[group] = {str(k): quantity(v, f"{option}.{k}") for k, v in amounts.items()}
    _requests_within_limits(clean)
    return {group: amounts for group, amounts in clean.items() if amounts}


def _requests_within_limits(clean: Mapping[str, Mapping[str, str]]) -> None:
    limits = clean.get("limits", {})
    for name, asked in clean.get("requests", {}).items():
        limit = limits.get(name)
        if limit is not None and (parse_quantity(asked) or 0) > (parse_quantity(limit) or 0):
            raise InputError(
                f"{asked} is more than the limit {limit}", option=f"resources.requests.{name}"
            )


def text_value(value: Any) -> str:
    """Return a scalar as YAML users mean it: true, not True."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def env(value: Mapping[str, Any]) -> Dict[str, str]:
    """Return environment variables as text; names must be legal."""
    clean: Dict[str, str] = {}
    for key, item in value.items():
        option = f"env.{key}"
        if not _ENV_NAME.fullmatch(str(key)):
            raise InputError("not a name of an environment variable", option=option)
        if isinstance(item, (Mapping, list)):
            raise InputError("the value must be text or a number", option=option)
        clean[str(key)] = text_value(item)
    return clean


def is_proxy_url(text: str) -> bool:
    """Tell whether the server's S3 client understands the URL of a proxy."""
    return bool(_PROXY_URL.fullmatch(text))


def labels(value: Mapping[str, Any], option: str) -> Dict[str, str]:
    """Return labels as text, checked as the API server checks them; our own are reserved."""
    clean = {str(key): text_value(item) for key, item in value.items()}
    for key, item in clean.items():
        _qualified_name(key, option)
        if not _LABEL_VALUE.fullmatch(item):
            raise InputError(f"'{item}' is not a value of a label", option=f"{option}.{key}")
        if key.startswith(RESERVED_LABEL_PREFIXES):
            raise InputError("this label is set by the collection", option=f"{option}.{key}")
    return clean


def annotation_texts(value: Mapping[str, Any], option: str) -> Dict[str, str]:
    """Return annotations as text; keys are checked, our own are reserved."""
    clean = {str(key): text_value(item) for key, item in value.items()}
    for key in clean:
        _qualified_name(key, option)
        if key.startswith("openvino.edge/"):
            raise InputError("this annotation is set by the collection", option=f"{option}.{key}")
    return clean


def selector(value: Mapping[str, Any], option: str) -> Tuple[Tuple[str, str], ...]:
    """Return a node selector as sorted pairs."""
    clean = {str(key): text_value(item) for key, item in value.items()}
    for key in clean:
        _qualified_name(key, option)
    return tuple(sorted(clean.items()))


def _qualified_name(key: str, option: str) -> None:
    prefix, slash, name = key.rpartition("/")
    if (slash and not _DNS_SUBDOMAIN.fullmatch(prefix)) or not _LABEL_NAME.fullmatch(name):
        raise InputError(f"'{key}' is not a key of a label or annotation", option=option)


def mappings(value: Sequence[Any], option: str) -> Tuple[Mapping[str, Any], ...]:
    """Return a list of mappings as a tuple."""
    for index, item in enumerate(value):
        if not isinstance(item, Mapping):
            raise InputError("a mapping is needed", option=f"{option}[{index}]")
    return tuple(value)
