# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry of the module C(client_authority): a directory with the authority for clients of a server.

The directory has C(ca.key), C(ca.pem), C(crl.pem), C(revoked.json) (the time by serial number) and
C(issued/SERIAL.pem). A run reads all of it, decides, and writes; a certificate is on the disk
before it is returned, and a revocation before the list that says so. So a killed run is made good
by the next one.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ..errors import InputError
from ..moments import moment
from ..runtime import Runtime
from . import certificates, files
from .certificates import Names

KEY, CERTIFICATE, CRL, REVOKED, ISSUED = "ca.key", "ca.pem", "crl.pem", "revoked.json", "issued"

ARGUMENT_SPEC: Dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "name": {"type": "str", "default": "Clients of openvino.edge"},
    "passphrase": {"type": "str", "no_log": True},
    "days": {"type": "int", "default": 3650},
    "crl_days": {"type": "int", "default": 90},
    "renew_before_days": {"type": "int", "default": 30},
    "certificates": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "common_name": {"type": "str", "required": True},
            "dns_names": {"type": "list", "elements": "str", "default": []},
            "uris": {"type": "list", "elements": "str", "default": []},
            "request": {"type": "str", "required": True},
            "days": {"type": "int", "default": 90},
        },
    },
    "revoke": {"type": "list", "elements": "str", "default": []},
}


@dataclass(frozen=True)
class Wanted:
    """A certificate that a client is to have; C(public) is None in check mode without a key."""

    names: Names
    public: Any
    days: int


@dataclass
class Authority:
    """What the directory holds; C(issued) by serial number."""

    path: Path
    key: Any
    certificate: Any
    crl: Optional[Any] = None
    revoked: Dict[int, datetime] = field(default_factory=dict)
    issued: Dict[int, Any] = field(default_factory=dict)


def run(params: Mapping[str, Any], runtime: Runtime) -> Dict[str, Any]:
    """Make the authority, sign, revoke and renew; return what controllers and clients need.

    Raises:
        InputError: an option or a file is wrong; nothing has been changed.
        UnsupportedError: there is no C(cryptography) package.
    """
    certificates.need_cryptography()
    path = Path(params["path"])
    files.check_directory(path, "path")
    _check_days(params)
    wanted = _wanted(params["certificates"], check_mode=runtime.check_mode)
    if runtime.check_mode:
        return _Run(params, runtime, path, wanted).run()
    if not path.exists():  # What is wrong comes before there is a directory.
        _Run(params, Runtime(check_mode=True), path, wanted).run()
    with files.locked(path):
        return _Run(params, runtime, path, wanted).run()


def _check_days(params: Mapping[str, Any]) -> None:
    before = params["renew_before_days"]
    spans = [("days", params["days"])]
    spans += [
        (f"certificates[{index}].days", item["days"])
        for index, item in enumerate(params["certificates"])
    ]
    for option, days in spans:
        if days <= before:
            raise InputError(
                f"{days} days are not more than the {before} of renew_before_days, so it would be"
                " renewed by every run",
                option=option,
                hint="Give more days, or a smaller renew_before_days",
            )
    for option in ("crl_days", "renew_before_days"):
        if params[option] < 1:
            raise InputError(
                f"{params[option]} is less than 1", option=option, hint="Give 1 or more"
            )


def _wanted(given: Sequence[Mapping[str, Any]], *, check_mode: bool) -> List[Wanted]:
    found, seen = [], set()
    for index, item in enumerate(given):
        option, name = f"certificates[{index}]", str(item["common_name"])
        if not 0 < len(name) <= 64:  # RFC 5280, ub-common-name
            raise InputError(
                f"'{name}' has {len(name)} characters, and a common name has 1 to 64",
                option=f"{option}.common_name",
                hint="Choose another name",
            )
        if name in seen:
            raise InputError(
                f"'{name}' is there twice",
                option=f"{option}.common_name",
                hint="Give each client a name of its own, so that one can be revoked",
            )
        seen.add(name)
        for kind in ("dns_names", "uris"):
            for text in item[kind]:
                if not text.isascii() or not text or re.search(r"[\s;,\"]", text):
                    raise InputError(
                        f"'{text}' is no name for a certificate",
                        option=f"{option}.{kind}",
                        hint="Use ASCII without spaces, commas, semicolons and quotes",
                    )
        public = None
        if item["request"] or not check_mode:
            public = certificates.parsed_request(item["request"], f"{option}.request")
        names = Names(name, tuple(item["dns_names"]), tuple(item["uris"]))
        found.append(Wanted(names, public, int(item["days"])))
    return found


class _Run:
    """One run over the directory: read, decide, write."""

    def __init__(
        self, params: Mapping[str, Any], runtime: Runtime, path: Path, wanted: Sequence[Wanted]
    ) -> None:
        self._params, self._runtime, self._path = params, runtime, path
        self._wanted = wanted
        self._now = datetime.now(timezone.utc).replace(microsecond=0)
        self._before = timedelta(days=params["renew_before_days"])
        self._done: List[str] = []

    def run(self) -> Dict[str, Any]:
        """See C(run)."""
        found = self._read()
        revoke = self._to_revoke(found)
        held = found if found is not None else self._made()
        shown = [] if found is None else _lines(found, self._now)
        authority_renewed = self._renew_authority(held, new=found is None)
        for serial in revoke:
            held.revoked[serial] = self._now
            self._say(f"revoke {_label(held, serial)}")
        if revoke:
            self._save(self._path / REVOKED, _revoked_text(held.revoked), files.SECRET)
        signed = [self._certificate(held, item) for item in self._wanted]
        self._renew_list(held, anew=authority_renewed)
        return self._result(held, signed, shown)

    def _say(self, text: str) -> None:
        self._done.append(text)
        self._runtime.progress(text)

    def _save(self, path: Path, text: str, mode: int) -> None:
        if not self._runtime.check_mode:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            files.write(path, text, mode)

    def _read(self) -> Optional[Authority]:
        """Return what is there, None for an empty directory."""
        key_path, path = self._path / KEY, self._path / CERTIFICATE
        key_text, text = files.read(key_path), files.read(path)
        passphrase = self._params["passphrase"] or ""
        if key_text is None:
            if text is not None:
                raise InputError(
                    f"the authority is there without its key ({KEY})",
                    option="path",
                    subject=str(self._path),
                    hint="Restore the key from a copy, or choose an empty directory",
                )
            return None
        key = certificates.parsed_key(key_text, passphrase, str(key_path))
        if files.is_open(key_path):
            self._runtime.warn(f"{key_path}: others than its owner may read the authority's key.")
        if text is None:  # A run that was killed between the two files.
            return Authority(self._path, key, None)
        own = certificates.parsed_certificate(text, str(path))
        ours = certificates.public_bytes(key.public_key())
        if certificates.public_bytes(own.public_key()) != ours:
            raise InputError(
                f"{KEY} is the key of another certificate",
                option="path",
                subject=str(path),
                hint="Restore both from one copy",
            )
        listed = files.read(self._path / CRL)
        crl = None if listed is None else certificates.parsed_list(listed)
        return Authority(self._path, key, own, crl, self._read_revoked(), self._read_issued())

    def _read_revoked(self) -> Dict[int, datetime]:
        path = self._path / REVOKED
        try:
            found = json.loads(files.read(path) or "{}")
            return {int(serial, 16): datetime.fromisoformat(when) for serial, when in found.items()}
        except (ValueError, TypeError, AttributeError):
            # Never as if nobody were revoked.
            raise InputError(
                "it is damaged, and says who is revoked",
                subject=str(path),
                hint="Restore it from a copy",
            ) from None

    def _read_issued(self) -> Dict[int, Any]:
        found = {}
        for path in sorted((self._path / ISSUED).glob("*.pem")):
            item = certificates.parsed_certificate(files.read(path) or "", str(path))
            found[int(item.serial_number)] = item
        return found

    def _made(self) -> Authority:
        """Return a new authority whose key is on the disk."""
        key = certificates.new_key()
        text = certificates.key_pem(key, self._params["passphrase"] or "")
        self._save(self._path / KEY, text, files.SECRET)
        return Authority(self._path, key, None)

    def _renew_authority(self, held: Authority, *, new: bool) -> bool:
        """Sign the authority's own certificate, with its old key, where it is missing or ends."""
        name, days = str(self._params["name"]), int(self._params["days"])
        if held.certificate is not None:
            kept = certificates.names_of(held.certificate).common_name
            if kept != name:
                self._runtime.warn(f"name: the authority keeps its name '{kept}'.")
            if certificates.left(held.certificate, self._now) > self._before:
                return False
            name = kept
        held.certificate = certificates.new_authority(held.key, name, days, self._now)
        self._save(self._path / CERTIFICATE, certificates.pem(held.certificate), files.SHOWN)
        self._say(f"{'make' if new else 'renew'} the authority '{name}'")
        return True

    def _to_revoke(self, found: Optional[Authority]) -> List[int]:
        """Return the serial numbers to revoke.

        Raises:
            InputError: nobody has such a certificate, or the same run would issue one.
        """
        serials: List[int] = []
        issued = {} if found is None else found.issued
        revoked = {} if found is None else found.revoked
        wanted = {item.names.common_name for item in self._wanted}
        for index, text in enumerate(self._params["revoke"]):
            option = f"revoke[{index}]"
            if text in wanted:
                raise InputError(
                    f"'{text}' is in certificates as well",
                    option=option,
                    hint="Take it out of one of them",
                )
            hits = [
                serial
                for serial, item in issued.items()
                if certificates.names_of(item).common_name == text or f"{serial:x}" == text.lower()
            ]
            if not hits:
                names = sorted(
                    {certificates.names_of(item).common_name for item in issued.values()}
                )
                raise InputError(
                    f"no certificate was issued to '{text}'",
                    option=option,
                    hint=f"It has {', '.join(names)}" if names else "It has issued none yet",
                )
            serials += [serial for serial in hits if serial not in (*revoked, *serials)]
        return serials

    def _certificate(self, held: Authority, wanted: Wanted) -> Optional[Any]:
        """Return the valid certificate of a client, a new one without; None in check mode."""
        name = wanted.names.common_name
        if wanted.public is not None:
            ours = certificates.public_bytes(wanted.public)
            for serial, item in held.issued.items():
                if (
                    serial not in held.revoked
                    and certificates.names_of(item) == wanted.names
                    and certificates.public_bytes(item.public_key()) == ours
                    and certificates.left(item, self._now) > self._before
                ):
                    return item
        self._say(f"issue a certificate to {name}")
        if self._runtime.check_mode:  # What is signed and not kept could never be revoked.
            return None
        args = (held.certificate, held.key, wanted.names, wanted.public, wanted.days, self._now)
        made = certificates.new_certificate(*args)
        if certificates.left(made, self._now) <= self._before:
            self._runtime.warn(f"{name}: its certificate ends with the authority's, soon.")
        path = self._path / ISSUED / f"{made.serial_number:x}.pem"
        self._save(path, certificates.pem(made), files.SHOWN)
        held.issued[int(made.serial_number)] = made
        return made

    def _renew_list(self, held: Authority, *, anew: bool) -> None:
        """Sign the revocation list where it is missing, says something else, or ends."""
        days = int(self._params["crl_days"])
        listed = None if held.crl is None else {item.serial_number for item in held.crl}
        half = timedelta(days=days) / 2
        fresh = (
            held.crl is not None and certificates.left(held.crl, self._now, "next_update") > half
        )
        if listed == set(held.revoked) and fresh and not anew:
            return
        number = 1 if held.crl is None else certificates.number_of(held.crl) + 1
        held.crl = certificates.new_list(
            held.certificate, held.key, held.revoked, number, days, self._now
        )
        self._save(self._path / CRL, certificates.pem(held.crl), files.SHOWN)
        self._say(f"sign the revocation list, with {len(held.revoked)} certificates")

    def _result(
        self, held: Authority, signed: Sequence[Optional[Any]], before: Sequence[str]
    ) -> Dict[str, Any]:
        result: Dict[str, Any] = {
            "changed": bool(self._done),
            "actions": self._done,
            "ca": certificates.pem(held.certificate),
            "crl": certificates.pem(held.crl),
            "certificates": [
                {
                    "common_name": wanted.names.common_name,
                    "certificate": "" if item is None else certificates.pem(item),
                    "serial": "" if item is None else f"{item.serial_number:x}",
                }
                for wanted, item in zip(self._wanted, signed)
            ],
            "report": _report(held, self._now),
        }
        if self._runtime.diff:
            after = _lines(held, self._now)
            if self._runtime.check_mode:
                after += [f"{text}\n" for text in self._done if text.startswith("issue")]
            result["diff"] = {
                "before_header": str(self._path),
                "after_header": str(self._path),
                "before": "".join(before),
                "after": "".join(after),
            }
        return result


def _revoked_text(revoked: Mapping[int, datetime]) -> str:
    made = {f"{serial:x}": when.isoformat() for serial, when in sorted(revoked.items())}
    return json.dumps(made, indent=1) + "\n"


def _label(held: Authority, serial: int) -> str:
    return f"{certificates.names_of(held.issued[serial]).common_name} ({serial:x})"


def _rows(held: Authority) -> List[Tuple[str, str, Any]]:
    """Return kind, state and item of all that expires, the first to end first."""
    found = [("authority", "valid", held.certificate)]
    found += [
        ("client", "revoked" if serial in held.revoked else "valid", item)
        for serial, item in held.issued.items()
    ]
    return sorted(found, key=lambda row: moment(row[2], "not_valid_after"))


def _report(held: Authority, now: datetime) -> List[Dict[str, Any]]:
    """Return what expires when, the first to end first; days are whole ones."""
    return [
        {
            "kind": kind,
            "common_name": certificates.names_of(item).common_name,
            "serial": f"{item.serial_number:x}",
            "expires": moment(item, "not_valid_after").isoformat(),
            "days_left": certificates.left(item, now).days,
            "state": "expired" if certificates.left(item, now) <= timedelta(0) else state,
        }
        for kind, state, item in _rows(held)
    ]


def _lines(held: Authority, now: datetime) -> List[str]:
    if held.certificate is None:
        return []
    return [
        f"{row['kind']} {row['common_name']} {row['serial']}: {row['state']}, until"
        f" {row['expires']}\n"
        for row in _report(held, now)
    ]
