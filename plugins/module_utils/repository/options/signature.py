# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option C(signature)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional

from ...errors import InputError

SIGNATURE_ARGUMENT_SPEC: Dict[str, Any] = {
    "signature": {
        "type": "dict",
        "options": {
            "bundle": {"type": "path", "required": True},
            "public_key": {"type": "path", "required": True, "no_log": False},
            "allow_older": {"type": "bool", "default": False},
        },
    },
}


@dataclass(frozen=True)
class SignatureOptions:
    """Files on the controller: C(bundle) (sigstore JSON) and C(public_key) (PEM)."""

    bundle: str
    public_key: str
    allow_older: bool = False


def signature_from_params(params: Mapping[str, Any]) -> Optional[SignatureOptions]:
    """Return the typed option, C(None) when nothing is to be verified.

    Raises:
        InputError: half of it is given.
    """
    given = params.get("signature")
    if not given:
        return None
    for name in ("bundle", "public_key"):
        if not str(given.get(name) or "").strip():
            raise InputError("a path is needed", option=f"signature.{name}")
    return SignatureOptions(given["bundle"], given["public_key"], bool(given.get("allow_older")))
