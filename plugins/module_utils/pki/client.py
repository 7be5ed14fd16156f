# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry of the module C(client_certificate): key and certificate of a client, on its own host.

The key is made here and never returned. What leaves the host is a request, which an authority
signs.
"""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, Mapping, Optional

from ..errors import InputError
from ..moments import moment
from ..runtime import Runtime
from . import certificates, files

KEY, CERTIFICATE = "client.key", "client.pem"

ARGUMENT_SPEC: Dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "common_name": {"type": "str", "required": True},
    "certificate": {"type": "str"},
}


def run(params: Mapping[str, Any], runtime: Runtime) -> Dict[str, Any]:
    """Make the key if there is none, keep a given certificate beside it; return a request.

    Raises:
        InputError: the certificate is that of another key, or a file is damaged.
        UnsupportedError: there is no C(cryptography) package.
    """
    certificates.need_cryptography()
    path = Path(params["path"])
    files.check_directory(path, "path")
    if not 0 < len(params["common_name"]) <= 64:  # RFC 5280, ub-common-name
        raise InputError(
            "it has to have 1 to 64 characters", option="common_name", hint="Choose another name"
        )
    if runtime.check_mode:
        return _kept(params, runtime, path)
    if not path.exists():  # What is wrong comes before there is a directory.
        _kept(params, Runtime(check_mode=True), path)
    with files.locked(path):
        return _kept(params, runtime, path)


def _kept(params: Mapping[str, Any], runtime: Runtime, path: Path) -> Dict[str, Any]:
    text, shown = files.read(path / KEY), files.read(path / CERTIFICATE)
    key: Optional[Any] = None
    if text is not None:
        key = certificates.parsed_key(text, "", str(path / KEY))
        if files.is_open(path / KEY):
            runtime.warn(f"{path / KEY}: others than its owner may read the key.")
    given = str(params.get("certificate") or "")
    if given:
        _check_pair(given, key)
    done = []
    if key is None:
        done.append(f"make {path / KEY}")
        if not runtime.check_mode:
            key = certificates.new_key()
            files.write(path / KEY, certificates.key_pem(key), files.SECRET)
    if given and given != shown:
        done.append(f"write {path / CERTIFICATE}")
        if not runtime.check_mode:
            files.write(path / CERTIFICATE, given, files.SHOWN)
    result: Dict[str, Any] = {
        "changed": bool(done),
        "actions": done,
        "request": _request(key, params["common_name"]),
        "key_path": str(path / KEY),
        "certificate_path": str(path / CERTIFICATE),
        **_times(given or shown or ""),
    }
    if runtime.diff:
        before, after = shown or "", given or shown or ""
        result["diff"] = {
            "before_header": str(path),
            "after_header": str(path),
            "before": f"{KEY}: {'(hidden)' if text else 'absent'}\n{before}",
            "after": f"{KEY}: (hidden)\n{after}",
        }
    return result


def _request(key: Optional[Any], common_name: str) -> str:
    """Return the request, empty in check mode without a key."""
    if key is None:
        return ""
    return certificates.pem(certificates.new_request(key, common_name))


def _check_pair(text: str, key: Optional[Any]) -> None:
    given = certificates.parsed_certificate(text, "certificate")
    ours = None if key is None else certificates.public_bytes(key.public_key())
    if ours != certificates.public_bytes(given.public_key()):
        raise InputError(
            "it is the certificate of another key than the one on this host",
            option="certificate",
            hint="Have the request of this host signed, and give what comes of it",
        )


def _times(text: str) -> Dict[str, Any]:
    if not text:
        return {"expires": "", "days_left": 0}
    found = certificates.parsed_certificate(text, CERTIFICATE)
    now = datetime.now(timezone.utc)
    return {
        "expires": moment(found, "not_valid_after").isoformat(),
        "days_left": certificates.left(found, now).days,
    }
