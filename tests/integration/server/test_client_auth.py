# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may call: real clients with good and bad certificates, through a real controller (Contour).

C(make mtls-cases) prints the table of the cases.
"""

from __future__ import annotations

import json
import os
import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError, WaitError
from callers import HANDSHAKE, SERVED, Caller, grpc_word
from kubernetes import client as k8s
from readers import read_all
from serving import ALL_OBJECTS, COLLECTIONS, Server

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "testbed")]

from web.authority import OID, SERVER, Authority, Client, Pair, self_signed  # noqa: E402
from web.ingress_controller import Controller  # noqa: E402

HOST, GRPC_HOST = "ocr.example.org", "grpc.ocr.example.org"
READER, DNS, URI = "reader", "reader.example.org", "spiffe://edge.example.org/ns/shop/sa/reader"
SUBJECTS = {"common_names": [READER, "Till 7"], "dns_names": [DNS], "uris": [URI]}
FORBIDDEN = {"rest": "403", "grpc": "PERMISSION_DENIED"}
FORGED = {"x-forwarded-client-cert": f'Hash={"0" * 64};Subject="CN={READER}"'}


def named(*attributes: tuple[Any, str] | str, **more: Any) -> Client:
    """Return a client; a plain text is a common name."""
    pairs = [(OID.COMMON_NAME, item) if isinstance(item, str) else item for item in attributes]
    return Client(tuple(pairs), **more)


@dataclass(frozen=True)
class Case:
    """One client, and how it has to fare: C(served), C(handshake), or C(forbidden) by both."""

    name: str
    pair: Pair | None
    wanted: str
    how: dict[str, Any] = field(default_factory=dict)

    def expected(self, side: str) -> str:
        """Return the word for one interface."""
        return FORBIDDEN[side] if self.wanted == "forbidden" else self.wanted


def cases(ca: Authority, revoked: Pair) -> list[Case]:
    """Return the table."""
    other, twin = Authority("Another authority"), Authority()
    organization = (OID.ORGANIZATION_NAME, "Shop, Ltd.")
    intermediate = ca.client(named(READER))

    def of(*attributes: Any, **more: Any) -> Pair:
        return ca.client(named(*attributes, **more))

    return [
        Case("allowed common name", of(READER), SERVED),
        Case("allowed common name with a space", of("Till 7"), SERVED),
        Case("allowed common name beside other attributes", of(organization, READER), SERVED),
        Case("allowed DNS name", of("x", dns=(DNS,)), SERVED),
        Case("allowed URI", of("x", uris=(URI,)), SERVED),
        Case("allowed URI and DNS name", of("x", uris=(URI,), dns=(DNS,)), SERVED),
        Case("no certificate", None, HANDSHAKE),
        Case("wrong CA", other.client(named(READER)), HANDSHAKE),
        Case("wrong CA with the name of the right one", twin.client(named(READER)), HANDSHAKE),
        Case("self-signed with the allowed name", self_signed(named(READER)), HANDSHAKE),
        Case("signed by a client's certificate", intermediate.sign(named(READER)), HANDSHAKE),
        Case("expired", of(READER, days=-1), HANDSHAKE),
        Case("not yet valid", of(READER, since=1), HANDSHAKE),
        Case("revoked", revoked, HANDSHAKE),
        Case("wrong key usage (a server's)", of(READER, usage=SERVER), HANDSHAKE),
        Case("right CA, wrong subject", of("writer"), "forbidden"),
        Case("right CA, no name at all", of(), "forbidden"),
        Case("allowed name as a prefix", of("reader2"), "forbidden"),
        Case("allowed name as a suffix", of("xreader"), "forbidden"),
        Case("allowed name in other case", of("Reader"), "forbidden"),
        Case("allowed name and a space", of("reader "), "forbidden"),
        Case("allowed name in another attribute", of((OID.ORGANIZATION_NAME, READER)), "forbidden"),
        Case(
            "allowed name written into another attribute",
            of((OID.ORGANIZATION_NAME, "x,CN=reader"), "writer"),
            "forbidden",
        ),
        Case(
            "a quote that would end the subject",
            of((OID.ORGANIZATION_NAME, 'x";Subject="CN=reader'), "writer"),
            "forbidden",
        ),
        Case("two common names, one of them allowed", of(READER, "writer"), "forbidden"),
        Case("allowed DNS name as the common name", of(DNS), "forbidden"),
        Case("allowed common name as a DNS name", of("x", dns=(READER,)), "forbidden"),
        Case("name below the allowed DNS name", of("x", dns=(f"a.{DNS}",)), "forbidden"),
        Case("allowed DNS name in other case", of("x", dns=(DNS.upper(),)), "forbidden"),
        Case("pattern that covers the DNS name", of("x", dns=("*.example.org",)), "forbidden"),
        Case("allowed DNS name beside another", of("x", dns=(DNS, "w.example.org")), "forbidden"),
        Case("DNS name that spells two", of("x", dns=(f"w;DNS={DNS}",)), "forbidden"),
        Case("path below the allowed URI", of("x", uris=(f"{URI}/x",)), "forbidden"),
        Case("URI that spells a DNS name", of("x", uris=(f"w:x;DNS={DNS}",)), "forbidden"),
        Case("wrong subject, header forged", of("writer"), "forbidden", {"headers": FORGED}),
        Case("no certificate, header forged", None, HANDSHAKE, {"headers": FORGED}),
    ]


@dataclass
class Guarded:
    """A server, its clients' CA, and a way to ask it."""

    server: Server
    caller: Caller
    ca: Authority
    expose: dict[str, Any]

    def run(self, **auth: Any) -> dict[str, Any]:
        """Deploy with this C(client_auth)."""
        return self.server.run(expose={**self.expose, "client_auth": auth})

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for the controller."""
        self.server.cluster.wait_until(condition, what, 60)

    def until_served(self, pair: Pair) -> None:
        """Wait until a client is served by REST and by gRPC."""
        self.until(lambda: self.both(pair) == (SERVED, SERVED), "an allowed client is served")

    def both(self, pair: Pair) -> tuple[str, str]:
        """Ask by REST and by gRPC."""
        return self.caller.rest(pair), self.caller.grpc(pair)


@pytest.fixture
def guarded(
    shop: Any, place: str, make_server: Any, contour: Controller, edge_class: str
) -> Iterator[Guarded]:
    """A server with TLS, not yet deployed."""
    trusted = Authority("Authority of the server")
    certificate, key = trusted.issue(HOST, GRPC_HOST)
    expose = {
        "controller": "contour",
        "class_name": edge_class,
        "rest": {"host": HOST},
        "grpc": {"host": GRPC_HOST},
        "tls": {"certificate": certificate, "key": key},
    }
    server = make_server(shop, place)
    caller = Caller(contour, trusted.certificate, HOST, GRPC_HOST)
    yield Guarded(server, caller, Authority("Authority of the clients"), expose)
    server.run(state="absent", models=None)


def asked(caller: Caller, case: Case) -> dict[str, str]:
    """Return how a client fares, by interface."""
    return {"rest": caller.rest(case.pair, **case.how), "grpc": caller.grpc(case.pair, **case.how)}


@pytest.mark.whole
def test_table(guarded: Guarded, capsys: pytest.CaptureFixture[str]) -> None:
    """Each client fares as it has to, by REST and by gRPC."""
    ca, revoked = guarded.ca, guarded.ca.client(named(READER))
    result = guarded.run(ca=ca.certificate, crl=ca.revoke([revoked.serial]), subjects=SUBJECTS)
    assert result["exposed"] == {"rest": f"https://{HOST}", "grpc": f"{GRPC_HOST}:443"}
    good = ca.client(named(READER))
    guarded.until_served(good)
    rows, failing = [], 0
    for case in cases(ca, revoked):
        found = asked(guarded.caller, case)
        right = all(word == case.expected(side) for side, word in found.items())
        failing += not right
        mark = "" if right else f"  WRONG: {case.wanted}"
        rows.append(f"{case.name:<46} {found['rest']:<10} {found['grpc']:<18}{mark}")
    with capsys.disabled():
        print(f"\n{'client':<46} {'REST':<10} gRPC", *rows, sep="\n")
        print(f"cases {len(rows)}, failing {failing}")
    assert guarded.both(good) == (SERVED, SERVED)
    assert failing == 0


def changes(result: dict[str, Any]) -> dict[str, str]:
    """Return what a run has done, by kind and name."""
    return {
        f"{item['kind']}/{item['name']}": item["action"]
        for item in result["objects"]
        if item["action"] != "unchanged"
    }


@contextmanager
def undisturbed(caller: Caller, pair: Pair) -> Iterator[list[str]]:
    """Ask all the time, on connections that stay open; yield what was not served."""
    ended, wrong = threading.Event(), []

    def ask() -> None:
        with caller.triton(pair) as client:
            opened = caller.open(caller.context(pair))
            while not ended.wait(0.05):
                try:
                    if opened.closing:
                        opened.secured.close()
                        opened = caller.open(caller.context(pair))
                    words = (opened.ask(), grpc_word(client, {}))
                except OSError as error:
                    words = (repr(error), "")
                if words != (SERVED, SERVED):
                    wrong.append(str(words))
            opened.secured.close()

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield wrong
    finally:
        ended.set()
        thread.join()


def resumed(caller: Caller, context: ssl.SSLContext, session: ssl.SSLSession) -> str:
    """Ask with the session of an earlier connection."""
    try:
        with caller.open(context, session) as opened:
            return opened.ask()
    except (ConnectionError, ssl.SSLError):
        return HANDSHAKE


@pytest.mark.whole
def test_one_client_is_revoked_and_the_others_go_on(guarded: Guarded) -> None:
    ca, caller = guarded.ca, guarded.caller
    stays, leaves, till = (ca.client(named(name)) for name in (READER, READER, "Till 7"))
    plain = guarded.server.run(expose=guarded.expose)
    assert changes(plain)["Ingress/ocr-rest"] == "created"
    auth: dict[str, Any] = {"ca": ca.certificate, "crl": ca.revoke([]), "subjects": SUBJECTS}
    asked = {**guarded.expose, "client_auth": auth}
    predicted = guarded.server.run(expose=asked, check=True, diff=True)
    done = guarded.run(**auth)
    assert (
        changes(predicted)
        == changes(done)
        == {
            "Secret/ocr-client-ca": "created",
            **{f"HTTPProxy/ocr-{side}": "created" for side in ("rest", "grpc")},
            **{f"Ingress/ocr-{side}": "deleted" for side in ("rest", "grpc")},
        }
    )
    assert not guarded.run(**auth)["changed"]
    guarded.until(lambda: caller.rest(None) == HANDSHAKE, "nobody comes in without a certificate")
    for pair in (stays, leaves, till):
        guarded.until_served(pair)
    assert caller.rest(stays, path="/metrics") == "404"

    old = caller.context(leaves)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with caller.open(old) as first:
        session = first.secured.session
        assert first.ask() == SERVED
    assert session is not None and resumed(caller, old, session) == SERVED
    kept, older = (caller.open(caller.context(pair)) for pair in (till, leaves))
    assert kept.ask() == SERVED and older.ask() == SERVED

    with undisturbed(caller, stays) as wrong:
        auth["crl"] = ca.revoke([leaves.serial])
        assert changes(guarded.run(**auth)) == {"Secret/ocr-client-ca": "updated"}
        both = (HANDSHAKE, HANDSHAKE)
        guarded.until(lambda: guarded.both(leaves) == both, "the revoked client is refused")
        assert resumed(caller, old, session) == HANDSHAKE, "a session is not older than its end"
        assert older.ask() == SERVED, "as the page says: it is drained, not cut"
        auth["subjects"] = {"common_names": [READER]}
        guarded.run(**auth)
        forbidden = (FORBIDDEN["rest"], FORBIDDEN["grpc"])
        guarded.until(lambda: guarded.both(till) == forbidden, "a name that is gone is refused")
        assert kept.closing or kept.ask() == "403", "an open connection is asked again"
        assert guarded.both(stays) == (SERVED, SERVED)
    assert wrong == []
    kept.secured.close()
    older.secured.close()

    back = guarded.server.run(expose=guarded.expose)
    assert changes(back)["HTTPProxy/ocr-rest"] == "deleted"
    guarded.until(lambda: caller.rest(None) == SERVED, "everybody is served again")
    guarded.server.run()
    assert guarded.server.made() == ALL_OBJECTS


def plays_of_the_docs() -> list[dict[str, Any]]:
    """Return the plays of the page as they are written."""
    text = (TESTS.parent / "docs" / "who-may-call.md").read_text(encoding="utf-8")
    shown = [part.split("```")[0] for part in text.split("```yaml\n")[1:]]
    return [yaml.safe_load(part)[0] for part in shown if part.startswith("- hosts:")]


def run_play(folder: Path, play: dict[str, Any], *more: str) -> str:
    """Run a play; return what it printed, at its most talkative."""
    (folder / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "hosts", "-vvvv", "--diff", *more]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)}
    done = subprocess.run(
        [*command, "play.yml"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.whole
def test_the_page_from_keys_to_calls(guarded: Guarded, tmp_path: Path) -> None:
    """As written, with the names of this lab put in: certificates, server, one client less."""
    serve, issue = plays_of_the_docs()
    where = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts = {
        name: {"client_certificates_path": f"{tmp_path}/{name}"} for name in ("reader", "writer")
    }
    inventory = {"all": {"hosts": {"localhost": {}}, "vars": where}, "clients": {"hosts": hosts}}
    (tmp_path / "hosts").write_text(json.dumps(inventory), encoding="utf-8")
    variables = issue["roles"][0]["vars"]
    del variables["client_certificates_path"]
    variables["client_certificates_authority_path"] = f"{tmp_path}/clients"
    predicted = run_play(tmp_path, issue, "--check")
    assert not (tmp_path / "clients").exists() and "issue a certificate to reader" in predicted
    printed = run_play(tmp_path, issue)
    again = run_play(tmp_path, issue)
    assert again.count("changed=0") == 2, again
    pairs = {
        name: Pair((folder / "client.pem").read_text(), (folder / "client.key").read_text())
        for name in hosts
        for folder in [tmp_path / name]
    }
    for pair in pairs.values():
        for line in pair.key.splitlines()[1:-1]:
            assert line not in printed, "a key has left its host"

    (task,) = serve["tasks"]
    options = task["openvino.edge.model_server"]
    expose = options["expose"]
    expose.update({key: guarded.expose[key] for key in ("class_name", "rest", "grpc", "tls")})
    expose["client_auth"]["subjects"]["common_names"].append("writer")
    server = guarded.server
    options.update(server.cluster.auth, namespace=server.namespace, image=server.options["image"])
    options["models"][0]["name"] = "adder"
    serve["hosts"] = "localhost"
    printed = run_play(tmp_path, serve)
    assert "PRIVATE KEY" not in printed
    for pair in pairs.values():
        guarded.until_served(pair)

    revoke = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {**variables, "client_certificates_revoke": ["writer"]},
        "tasks": [
            {
                "ansible.builtin.import_role": {
                    "name": "openvino.edge.client_certificates",
                    "tasks_from": "authority",
                }
            }
        ],
    }
    assert re.search(r"state\W+revoked", run_play(tmp_path, revoke))
    run_play(tmp_path, serve)
    both = (HANDSHAKE, HANDSHAKE)
    guarded.until(lambda: guarded.both(pairs["writer"]) == both, "the revoked one is refused")
    assert guarded.both(pairs["reader"]) == (SERVED, SERVED)


@pytest.mark.whole
def test_a_list_that_is_over_refuses_everybody(guarded: Guarded) -> None:
    """Why such a list is refused before it gets there, and one that soon ends is warned about."""
    ca = guarded.ca
    guarded.server.run()
    guarded.run(ca=ca.certificate, crl=ca.revoke([], days=40 / 86400))
    assert any("after that every client is refused" in text for text in guarded.server.warnings)
    good = ca.client(named(READER))
    guarded.until_served(good)
    guarded.until(lambda: guarded.both(good) == (HANDSHAKE, HANDSHAKE), "the list is over")


@pytest.mark.whole
def test_what_contour_says_is_told(guarded: Guarded) -> None:
    """A host that another HTTPProxy has: both are refused, and nobody is served."""
    ca = guarded.ca
    kind = ("projectcontour.io", "v1", guarded.server.namespace, "httpproxies")
    api = k8s.CustomObjectsApi(guarded.server.cluster.api)
    service = {"name": "ocr", "port": 8081}
    body = {
        "apiVersion": "projectcontour.io/v1",
        "kind": "HTTPProxy",
        "metadata": {"name": "older"},
        "spec": {
            "ingressClassName": guarded.expose["class_name"],
            "virtualhost": {"fqdn": HOST},
            "routes": [{"services": [service]}],
        },
    }
    api.create_namespaced_custom_object(*kind, body)
    said = r"HTTPProxy .*/ocr-rest: Contour refuses it: DuplicateVhost: .*older"
    with pytest.raises(WaitError, match=said) as caught:
        guarded.run(ca=ca.certificate)
    assert caught.value.details["changed"] is True
    api.delete_namespaced_custom_object(*kind, "older")
    assert not guarded.run(ca=ca.certificate)["changed"]
    good = ca.client(named("anybody of this CA"))
    guarded.until_served(good)


@pytest.mark.whole
def test_secrets_are_judged_before_anything_is_changed(guarded: Guarded) -> None:
    server, ca, other = guarded.server, guarded.ca, Authority("Another authority")
    core = server.cluster.core
    guarded.server.run()

    def put(**texts: str) -> None:
        names = {item.metadata.name for item in core.list_namespaced_secret(server.namespace).items}
        if "clients" in names:
            core.delete_namespaced_secret("clients", server.namespace)
        body = {"metadata": {"name": "clients"}, "stringData": texts}
        core.create_namespaced_secret(server.namespace, body)

    def refused(message: str, **auth: Any) -> None:
        with pytest.raises(InputError, match=message):
            guarded.run(**auth)

    named_secret = {"secret_name": "clients", "crl_secret_name": "clients"}
    refused("Secret .*/clients: it does not exist. kubectl create secret generic", **named_secret)
    put(**{"ca.crt": ca.certificate})
    refused(r"its key crl\.pem is empty", **named_secret)
    for text, message in (
        ("nothing", "it is no revocation list in PEM form"),
        (other.revoke([]), "is not signed by any of the CAs"),
        (ca.revoke([], days=-0.5), "was to be replaced by .* refuse every client"),
    ):
        put(**{"ca.crt": ca.certificate, "crl.pem": text})
        refused(message, **named_secret)
    refused("ca: it is no certificate in PEM form", ca="nothing")
    assert server.made() == ALL_OBJECTS
    where = (server.cluster, "projectcontour.io/v1", "HTTPProxy", server.namespace)
    assert read_all(*where) == {}
    put(**{"ca.crt": ca.certificate, "crl.pem": ca.revoke([])})
    guarded.run(**named_secret)
    good = ca.client(named(READER))
    guarded.until_served(good)
    core.delete_namespaced_secret("clients", server.namespace)
