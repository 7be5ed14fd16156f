# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The authority of clients and their keys, on real files; openssl has the last word."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.pki import authority, client
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime

Object = dict[str, Any]


def call(area: Any, given: Object, runtime: Runtime) -> Object:
    checked = ArgumentSpecValidator(dict(area.ARGUMENT_SPEC)).validate(given)
    assert not checked.error_messages, checked.error_messages
    found: Object = area.run(checked.validated_parameters, runtime)
    return found


class Place:
    """A directory for the authority, and one for each client."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / "authority"
        self.warnings: list[str] = []

    def sign(self, *names: str, check: bool = False, **options: Any) -> Object:
        """Run the authority for clients that have made their keys."""
        certificates = [
            {"common_name": name, "request": self.client(name)["request"], **more}
            for name, more in [(name, options.pop(name, {})) for name in names]
        ]
        given = {"path": str(self.path), "certificates": certificates, **options}
        runtime = Runtime(check_mode=check, diff=True)
        result = call(authority, given, runtime)
        self.warnings += runtime.warnings
        return result

    def client(self, name: str, *, check: bool = False, **options: Any) -> Object:
        given = {"path": str(self.root / name), "common_name": name, **options}
        return call(client, given, Runtime(check_mode=check, diff=True))

    def verify(self, result: Object, certificate: str, days: int = 0) -> str:
        """Let openssl judge a certificate of a client with the revocation list, days from now."""
        for name, text in (("ca", result["ca"]), ("crl", result["crl"]), ("one", certificate)):
            (self.root / name).write_text(text)
        command = [
            "openssl",
            "verify",
            "-CAfile",
            "ca",
            "-CRLfile",
            "crl",
            "-crl_check",
            "-x509_strict",
        ]
        done = subprocess.run(
            [
                *command,
                "-attime",
                str(int(time.time()) + days * 86400 + 1),
                "-purpose",
                "sslclient",
                "one",
            ],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )
        return "OK" if done.returncode == 0 else done.stderr

    def files(self) -> dict[str, bytes]:
        found = (item for item in self.root.rglob("*") if item.is_file())
        return {str(item.relative_to(self.root)): item.read_bytes() for item in found}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> list[timedelta]:
    """How far the clock of the authority is ahead."""
    ahead = [timedelta(0)]

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(timezone.utc) + ahead[0]

    monkeypatch.setattr(authority, "datetime", Clock)
    return ahead


def one(result: Object, index: int = 0) -> str:
    text: str = result["certificates"][index]["certificate"]
    return text


def test_a_client_from_its_key_to_the_end(place: Place) -> None:
    first = place.sign("reader", reader={"dns_names": ["a.org"], "uris": ["spiffe://a/b"]})
    assert first["changed"] and place.verify(first, one(first)) == "OK"
    shown = subprocess.run(
        ["openssl", "x509", "-in", "one", "-noout", "-text"],
        cwd=place.root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for text in ("CN=reader", "CN = reader"):
        shown = shown.replace(text, "CN=reader")
    assert "CN=reader" in shown and "DNS:a.org, URI:spiffe://a/b" in shown
    assert "TLS Web Client Authentication" in shown and "CA:FALSE" in shown
    kept = place.client("reader", certificate=one(first))
    assert kept["changed"] and kept["days_left"] in (89, 90)
    assert not place.client("reader", certificate=one(first))["changed"]
    again = place.sign("reader", reader={"dns_names": ["a.org"], "uris": ["spiffe://a/b"]})
    assert not again["changed"] and again["certificates"] == first["certificates"]
    assert again["crl"] == first["crl"] and again["ca"] == first["ca"]

    gone = place.sign(revoke=["reader"])
    assert gone["changed"] and "certificate revoked" in place.verify(gone, one(first))
    assert not place.sign(revoke=["reader"])["changed"] and not place.sign()["changed"]
    back = place.sign("reader")
    assert place.verify(back, one(back)) == "OK", "with a new certificate it may come back"
    assert "certificate revoked" in place.verify(back, one(first))


def test_no_key_is_shown_or_readable_and_nothing_else_lies_around(place: Place) -> None:
    results = [place.sign("reader"), place.client("reader"), place.sign("reader", "writer")]
    assert "PRIVATE KEY" not in json.dumps(results)
    modes = {
        str(path.relative_to(place.root)): stat.S_IMODE(path.stat().st_mode)
        for path in place.root.rglob("*")
        if path.suffix == ".key" or path.name == "revoked.json" or path.is_dir()
    }
    assert {mode for name, mode in modes.items() if name.endswith(".key")} == {0o600}
    assert {modes[name] for name in ("authority", "reader", "writer")} == {0o700}
    keys = [name for name, body in place.files().items() if b"PRIVATE KEY" in body]
    assert sorted(keys) == ["authority/ca.key", "reader/client.key", "writer/client.key"]
    assert not [name for name in place.files() if Path(name).name.startswith(".")]


def test_check_mode_signs_and_writes_nothing(place: Place) -> None:
    predicted = place.sign("reader", check=True)
    assert predicted["changed"] and one(predicted) == ""
    assert not place.path.exists()
    assert place.client("other", check=True)["request"] == ""
    assert not (place.root / "other").exists()
    real = place.sign("reader")
    assert predicted["actions"] == real["actions"]
    before = place.files()
    later = place.sign("writer", check=True, revoke=["reader"])
    del before["reader/client.key"], before["authority/ca.key"]
    assert later["changed"] and one(later) == "", "what is not kept could never be revoked"
    assert "revoked" in later["diff"]["after"] and "issue a" in later["diff"]["after"]
    after = place.files()
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {
        "authority/ca.key",
        "reader/client.key",
        "writer/client.key",
    }


def test_everything_is_renewed_before_it_ends(place: Place, today: list[timedelta]) -> None:
    first = place.sign("reader", days=200)
    today[0] = timedelta(days=44)
    assert not place.sign("reader", days=200)["changed"]
    today[0] = timedelta(days=46)
    crl = place.sign("reader", days=200)
    assert crl["actions"] == ["sign the revocation list, with 0 certificates"]
    today[0] = timedelta(days=61)
    client_too = place.sign("reader", days=200)
    assert client_too["actions"][0] == "issue a certificate to reader"
    assert one(client_too) != one(first)
    today[0] = timedelta(days=171)
    long: Object = {"reader": {"days": 300}}
    kept = place.sign("reader", days=200, renew_before_days=10, **long)
    assert kept["ca"] == first["ca"]
    authority_too = place.sign("reader", days=200, **long)
    assert authority_too["actions"][0].startswith("renew the authority")
    assert authority_too["ca"] != first["ca"]
    assert place.verify(authority_too, one(authority_too), 172) == "OK", "by its old key"


def test_a_new_key_or_name_means_a_new_certificate(place: Place) -> None:
    first = place.sign("reader")
    (place.root / "reader" / "client.key").unlink()
    second = place.sign("reader")
    assert one(second) != one(first)
    with pytest.raises(InputError, match="it is the certificate of another key than the one on"):
        place.client("reader", certificate=one(first))
    third = place.sign("reader", reader={"dns_names": ["a.org"]})
    assert one(third) != one(second)
    gone = place.sign(revoke=[first["certificates"][0]["serial"]])
    assert "certificate revoked" in place.verify(gone, one(first))
    assert place.verify(gone, one(third)) == "OK", "one certificate, by its number"


def test_the_report_begins_with_what_ends_first(place: Place, today: list[timedelta]) -> None:
    place.sign("reader", "writer", reader={"days": 60}, writer={"days": 40})
    today[0] = timedelta(hours=1)
    report = place.sign(revoke=["writer"])["report"]
    assert [(row["common_name"], row["state"], row["days_left"]) for row in report] == [
        ("writer", "revoked", 39),
        ("reader", "valid", 59),
        ("Clients of openvino.edge", "valid", 3649),
    ]


def test_a_killed_run_is_made_good(place: Place) -> None:
    place.sign("reader")
    (place.path / "crl.pem").unlink()
    (place.path / "ca.pem").unlink()
    done = place.sign("reader")
    assert place.verify(done, one(done)) == "OK"
    revoked = place.sign(revoke=["reader"])
    (place.path / "crl.pem").write_text(done["crl"])  # Killed before the list was written.
    good = place.sign()
    assert good["changed"] and "certificate revoked" in place.verify(good, one(done))
    assert revoked["report"] == good["report"]


def test_an_encrypted_key(place: Place) -> None:
    first = place.sign("reader", passphrase="open sesame")
    assert b"ENCRYPTED" in (place.path / "ca.key").read_bytes()
    assert not place.sign("reader", passphrase="open sesame")["changed"]
    others: list[tuple[Object, str]] = [
        ({}, "is encrypted"),
        ({"passphrase": "other words"}, "passphrase is an"),
    ]
    for wrong, message in others:
        with pytest.raises(InputError, match=message) as caught:
            place.sign("reader", **wrong)
        assert "sesame" not in str(caught.value) and "other words" not in str(caught.value)
    assert first["ca"] == place.sign(passphrase="open sesame")["ca"]


def test_a_key_that_others_may_read_is_warned_about(place: Place) -> None:
    place.sign()
    os.chmod(place.path / "ca.key", 0o640)
    place.sign()
    assert any(
        "others than its owner may read the authority's key" in text for text in place.warnings
    )


def damaged(place: Place, name: str, text: str | None) -> None:
    if text is None:
        (place.path / name).unlink()
    else:
        (place.path / name).write_text(text)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("ca.key", None, r"without its key \(ca\.key\)"),
        ("ca.key", "nothing", "it is no private key in PEM form"),
        ("ca.pem", "nothing", "it is no certificate in PEM form"),
        ("ca.pem", "other", r"ca\.key is the key of another certificate"),
        ("revoked.json", "{", "it is damaged, and says who is revoked"),
        ("revoked.json", "[]", "it is damaged, and says who is revoked"),
    ],
)
def test_damaged_files_are_told_and_left(
    place: Place, tmp_path: Path, name: str, text: str | None, message: str
) -> None:
    place.sign("reader")
    place.sign(revoke=["reader"])
    if text == "other":
        other = Place(tmp_path / "elsewhere")
        other.root.mkdir()
        text = other.sign()["ca"]
    damaged(place, name, text)
    before = place.files()
    with pytest.raises(InputError, match=message):
        place.sign()
    assert place.files() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"revoke": ["nobody"]},
            r"revoke\[0\]: no certificate was issued to 'nobody'. It has read",
        ),
        ({"revoke": ["reader"], "names": ["reader"]}, r"revoke\[0\]: 'reader' is in certificates"),
        (
            {"names": ["reader", "reader"]},
            r"certificates\[1\]\.common_name: 'reader' is there twice",
        ),
        (
            {"names": ["x"], "x": {"days": 30}},
            r"certificates\[0\]\.days: 30 days are not more than",
        ),
        ({"names": ["x"], "x": {"dns_names": ["a;b"]}}, r"dns_names: 'a;b' is no name"),
        ({"names": ["x"], "x": {"request": "nothing"}}, r"\.request: it is no request in PEM form"),
        ({"days": 30}, "days: 30 days are not more than the 30"),
        ({"crl_days": 0}, "crl_days: 0 is less than 1"),
        ({"names": ["x"], "x": {"common_name": "y" * 65}}, "has 65 characters"),
    ],
)
def test_bad_options(place: Place, options: Object, message: str) -> None:
    place.sign("reader")
    names = options.pop("names", [])
    for name in names:
        place.client(name)
    before = place.files()
    with pytest.raises(InputError, match=message):
        place.sign(*names, **options)
    assert place.files() == before


def test_nobody_to_revoke_makes_no_authority(place: Place) -> None:
    with pytest.raises(InputError, match="It has issued none yet"):
        place.sign(revoke=["nobody"])
    assert not place.path.exists()


def test_a_certificate_of_another_key_makes_no_directory(place: Place) -> None:
    place.client("reader")
    given = place.sign("reader")["certificates"][0]["certificate"]
    with pytest.raises(InputError, match="of another key"):
        place.client("writer", certificate=given)
    assert not (place.root / "writer").exists()


def test_a_request_of_somebody_elses_key_is_refused(place: Place) -> None:
    request = place.client("reader")["request"].splitlines()
    request[-2] = request[-2][::-1]
    with pytest.raises(InputError, match="not signed with its own key|no request in PEM form"):
        place.sign("reader", reader={"request": "\n".join(request) + "\n"})
    assert not place.path.exists()


@pytest.mark.parametrize(
    ("path", "message"), [("x/y", "is relative"), ("/dev/null/x", "is no dir")]
)
def test_bad_directories(path: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call(authority, {"path": path}, Runtime())
