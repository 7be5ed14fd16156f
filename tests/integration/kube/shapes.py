# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes of kubeconfigs: every field of C(Config) v1, types, names, encodings, several files."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from kubectlkit import Stage

Json = dict[str, Any]
# What a shape writes: the content of one file, or of several.
Content = Json | bytes | list[Json | bytes | None]
Make = Callable[[Stage, Path], Json]
EXEC = "client.authentication.k8s.io/v1"
EXEC_BETA = "client.authentication.k8s.io/v1beta1"
TOKEN = {"token": "t"}


@dataclass(frozen=True)
class Shape:
    """One kubeconfig; C(differs) is the reason why we do not do what kubectl does."""

    name: str
    make: Callable[[Stage, Path], Content]
    differs: str = ""


def b64(data: bytes) -> str:
    """Base64 in one line."""
    return base64.b64encode(data).decode()


def wrapped(data: bytes, end: str = "\n") -> str:
    """Base64 with line breaks, and one at its end."""
    return base64.encodebytes(data).decode().replace("\n", end)


def config(stage: Stage, user: Any = None, cluster: Any = None, **top: Any) -> Json:
    """A kubeconfig for the server that sends its chain; C(None) in a cluster takes a key away."""
    given = {"server": stage.chain.url, "certificate-authority": stage.pki.path("root")}
    merged = {**given, **(cluster or {})}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "clusters": [
            {
                "name": "c",
                "cluster": {key: value for key, value in merged.items() if value is not None},
            }
        ],
        "users": [{"name": "u", "user": {"token": "t"} if user is None else user}],
        "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u"}}],
        **top,
    }


def plugin(place: Path, status: Any, *, version: str = EXEC, **fields: Any) -> Json:
    """A user with an exec plugin that prints C(status) and keeps what it was told."""
    credential = {"apiVersion": version, "kind": "ExecCredential", "status": status}
    return {"exec": {**program(place, json.dumps(credential), version), **fields}}


def program(place: Path, text: str, version: str = EXEC) -> Json:
    """An exec plugin that prints a text."""
    path = place / "plugin.py"
    path.write_text(
        f"#!{sys.executable}\nimport json, os, sys\n"
        f"with open({str(place / 'told')!r}, 'a') as told:\n"
        "    info = json.loads(os.environ['KUBERNETES_EXEC_INFO'])\n"
        "    mine = os.environ.get('MINE')\n"
        "    given = [info, sys.argv[1:], mine, sys.stdin.isatty()]\n"
        "    print(json.dumps(given, sort_keys=True), file=told)\n"
        f"print({text!r})\n"
    )
    path.chmod(0o755)
    return {"apiVersion": version, "command": str(path), "interactiveMode": "Never"}


def _user(name: str, make: Make, differs: str = "") -> Shape:
    return Shape(f"user: {name}", lambda s, p: config(s, make(s, p)), differs)


def _file(place: Path, name: str, text: str) -> str:
    (place / name).write_text(text)
    return str(place / name)


def _tokens() -> Iterator[Shape]:
    yield _user("token", lambda s, p: {"token": "t"})
    yield _user("token with blanks in it", lambda s, p: {"token": "a b"})
    yield _user(
        "token with a line break",
        lambda s, p: {"token": "t\n"},
        "kubectl cannot send it; the line break is no part of a token",
    )
    yield _user("tokenFile", lambda s, p: {"tokenFile": _file(p, "token", "t\n")})
    yield _user("tokenFile beside the kubeconfig", lambda s, p: _beside(p, "tokenFile", b"near"))
    yield _user("tokenFile and token", lambda s, p: {"tokenFile": _file(p, "t", "f"), "token": "t"})
    yield _user("tokenFile that is gone", lambda s, p: {"tokenFile": str(p / "gone")})
    yield _user("tokenFile that is gone, token", lambda s, p: {"tokenFile": "gone", "token": "t"})
    yield _user("tokenFile that is empty", lambda s, p: {"tokenFile": _file(p, "t", " \n")})
    yield _user("password", lambda s, p: {"username": "u", "password": "p:w"})
    yield _user("user name alone", lambda s, p: {"username": "u"})
    yield _user("password alone", lambda s, p: {"password": "p"})
    yield _user("token and user name", lambda s, p: {"token": "t", "username": "u"})
    yield _user(
        "tokenFile and user", lambda s, p: {"tokenFile": _file(p, "t", "f"), "username": "u"}
    )
    yield _user(
        "nothing", lambda s, p: {}, "kubectl asks at the terminal for a user; we go as nobody"
    )


def _certificates() -> Iterator[Shape]:
    alice = ("client-certificate", "client-key")
    yield _user(
        "certificate files",
        lambda s, p: dict(zip(alice, [s.pki.path("alice"), s.pki.path("alice", "key")])),
    )
    yield _user("certificate data", lambda s, p: _pair(s, b64))
    yield _user("certificate data in lines", lambda s, p: _pair(s, wrapped))
    yield _user(
        "certificate data in CRLF lines", lambda s, p: _pair(s, lambda d: wrapped(d, "\r\n"))
    )
    yield _user("certificate and token", lambda s, p: {**_pair(s, b64), "token": "t"})
    yield _user("certificate and password", lambda s, p: {**_pair(s, b64), "username": "u"})
    yield _user("certificate of another key", lambda s, p: _pair(s, b64, key="bob"))
    yield _user("certificate without key", lambda s, p: {alice[0]: s.pki.path("alice")})
    yield _user("key without certificate", lambda s, p: {"token": "t", alice[1]: "gone"})
    yield _user(
        "certificate as file and data",
        lambda s, p: {**_pair(s, b64), alice[0]: s.pki.path("bob")},
    )
    yield _user("key as file and data", lambda s, p: {**_pair(s, b64), alice[1]: s.pki.path("bob")})
    yield _user(
        "certificate file that is gone",
        lambda s, p: {alice[0]: str(p / "gone"), alice[1]: s.pki.path("alice", "key")},
    )
    yield _user("certificate that is no PEM", lambda s, p: _pair(s, lambda d: b64(b"hello")))
    yield _user("certificate with blanks in it", lambda s, p: _pair(s, lambda d: " " + b64(d)))


def _others() -> Iterator[Shape]:
    yield _user("as", lambda s, p: {"token": "t", "as": "alice"})
    yield _user(
        "as with all",
        lambda s, p: {
            "token": "t",
            "as": "alice",
            "as-uid": "42",
            "as-groups": ["a", "b"],
            "as-user-extra": {"Scope": ["x", "z"], "a/b%c": ["z"], "n\u00e4me": ["v"], "none": []},
        },
    )
    yield _user("as-groups without as", lambda s, p: {"token": "t", "as-groups": ["a"]})
    yield _user("as-uid without as", lambda s, p: {"token": "t", "as-uid": "42"})
    yield _user("as-user-extra without as", lambda s, p: {"token": "t", "as-user-extra": {"a": []}})
    yield _user("auth-provider that nobody knows", lambda s, p: {"auth-provider": {"name": "x"}})


def _beside(place: Path, key: str, data: bytes) -> Json:
    (place / "sub").mkdir()
    (place / "sub" / "it").write_bytes(data)
    return {key: "sub/it"}


def _pair(stage: Stage, encode: Callable[[bytes], str], key: str = "alice") -> Json:
    return {
        "client-certificate-data": encode(stage.pki.pem("alice")),
        "client-key-data": encode(stage.pki.pem(key, "key")),
    }


def _run(name: str, make: Make, **cluster: Any) -> Shape:
    return Shape(f"exec: {name}", lambda s, p: config(s, make(s, p), cluster))


def _told() -> Iterator[Shape]:
    yield _run("token", lambda s, p: plugin(p, TOKEN))
    yield _run("v1beta1", lambda s, p: plugin(p, TOKEN, version=EXEC_BETA))
    yield _run(
        "v1beta1 without interactiveMode",
        lambda s, p: plugin(p, TOKEN, version=EXEC_BETA, interactiveMode=None),
    )
    yield _run(
        "args, env",
        lambda s, p: plugin(p, TOKEN, args=["a", ""], env=[{"name": "MINE", "value": "v"}]),
    )
    yield _run(
        "cluster info",
        lambda s, p: plugin(p, TOKEN, provideClusterInfo=True),
        **{
            "tls-server-name": "edge.example",
            "disable-compression": True,
            "extensions": [
                {"name": "client.authentication.k8s.io/exec", "extension": {"audience": ["a"]}}
            ],
        },
    )
    yield Shape(
        "exec: cluster info, insecure",
        lambda s, p: config(
            s,
            plugin(p, TOKEN, provideClusterInfo=True),
            {"certificate-authority": None, "insecure-skip-tls-verify": True},
        ),
    )
    yield Shape(
        "exec: cluster info, proxy",
        lambda s, p: config(
            s,
            plugin(p, TOKEN, version=EXEC_BETA, provideClusterInfo=True),
            {"proxy-url": s.proxy.url},
        ),
    )


def _programs() -> Iterator[Shape]:
    yield _run("IfAvailable", lambda s, p: plugin(p, TOKEN, interactiveMode="IfAvailable"))
    yield _run("Always", lambda s, p: plugin(p, TOKEN, interactiveMode="Always"))
    yield _run("another mode", lambda s, p: plugin(p, TOKEN, interactiveMode="Maybe"))
    yield _run("v1 without interactiveMode", lambda s, p: plugin(p, TOKEN, interactiveMode=None))
    yield _run("v1alpha1", lambda s, p: plugin(p, TOKEN, version=EXEC + "alpha1"))
    yield _run("no apiVersion", lambda s, p: plugin(p, TOKEN, apiVersion=None))
    yield _run("no command", lambda s, p: plugin(p, TOKEN, command=None))
    yield _run("a variable without a name", lambda s, p: plugin(p, TOKEN, env=[{"value": "v"}]))
    yield _run("command that is gone", lambda s, p: plugin(p, TOKEN, command="no-such-program"))
    yield _run(
        "command beside the kubeconfig", lambda s, p: plugin(p, TOKEN, command="./plugin.py")
    )
    yield _run("command that fails", lambda s, p: plugin(p, TOKEN, command="false"))


def _answers() -> Iterator[Shape]:
    yield _run(
        "certificate",
        lambda s, p: plugin(
            p,
            {
                "clientCertificateData": s.pki.pem("alice").decode(),
                "clientKeyData": s.pki.pem("alice", "key").decode(),
            },
        ),
    )
    yield _run("key alone", lambda s, p: plugin(p, {"clientKeyData": "k"}))
    yield _run("no credentials", lambda s, p: plugin(p, {}))
    yield _run("no status", lambda s, p: plugin(p, None))
    yield _run("a number as token", lambda s, p: plugin(p, {"token": 5}))
    yield _run("expired", lambda s, p: plugin(p, {**TOKEN, "expirationTimestamp": "soon"}))
    yield _run("no JSON", lambda s, p: {"exec": program(p, "hello")})
    yield _run("another kind", lambda s, p: {"exec": program(p, '{"kind": "Token"}')})
    yield _run(
        "another version",
        lambda s, p: {
            "exec": program(p, json.dumps({"apiVersion": EXEC_BETA, "kind": "ExecCredential"}))
        },
    )
    yield _run(
        "YAML",
        lambda s, p: {
            "exec": program(p, f"apiVersion: {EXEC}\nkind: ExecCredential\nstatus: {{token: t}}")
        },
    )
    yield _run("and token", lambda s, p: {**plugin(p, {"token": "x"}), "token": "t"})
    yield _run("and certificate", lambda s, p: {**plugin(p, {"token": "x"}), **_pair(s, b64)})
    yield _run("and as", lambda s, p: {**plugin(p, TOKEN), "as": "alice"})
    yield _run(
        "and auth-provider", lambda s, p: {**plugin(p, TOKEN), "auth-provider": {"name": "o"}}
    )


def _trusting(server: str, named: str) -> Make:
    def make(stage: Stage, _: Path) -> Json:
        known = {"chain": stage.chain, "leaf": stage.leaf}
        return {"server": known[server].url, "certificate-authority": stage.pki.path(named)}

    return make


def _clusters() -> Iterator[Shape]:
    def cluster(name: str, make: Callable[[Stage, Path], Json], differs: str = "") -> Shape:
        return Shape(f"cluster: {name}", lambda s, p: config(s, cluster=make(s, p)), differs)

    ca, data = "certificate-authority", "certificate-authority-data"
    insecure = "insecure-skip-tls-verify"
    for server in ("chain", "leaf"):
        for named in ("root", "middle", "leaf", "chain", "other"):
            yield cluster(f"{named} trusted, the server sends {server}", _trusting(server, named))
    yield cluster("CA beside the kubeconfig", lambda s, p: _beside(p, ca, s.pki.pem("root")))
    yield cluster("CA data", lambda s, p: {ca: None, data: b64(s.pki.pem("root"))})
    yield cluster("CA data in lines", lambda s, p: {ca: None, data: wrapped(s.pki.pem("root"))})
    yield cluster(
        "CA data with words around",
        lambda s, p: {ca: None, data: b64(b"Root \xc3\xa4\n" + s.pki.pem("root") + b"end\n")},
    )
    yield cluster("CA data that is no PEM", lambda s, p: {ca: None, data: b64(b"hello")})
    yield cluster("CA data that is no base64", lambda s, p: {ca: None, data: "%"})
    yield cluster("CA data that is empty", lambda s, p: {ca: s.pki.path("root"), data: ""})
    yield cluster("CA as file and data", lambda s, p: {data: b64(s.pki.pem("root"))})
    yield cluster("CA file that is gone", lambda s, p: {ca: str(p / "gone")})
    yield cluster("no CA", lambda s, p: {ca: None})
    yield cluster("insecure", lambda s, p: {ca: None, insecure: True})
    yield cluster("not insecure", lambda s, p: {insecure: False})
    yield cluster("insecure and CA", lambda s, p: {insecure: True})
    yield cluster("insecure and CA data", lambda s, p: {ca: None, insecure: True, data: "Zg=="})
    yield cluster("tls-server-name", lambda s, p: {"tls-server-name": "edge.example"})
    yield cluster("tls-server-name of another", lambda s, p: {"tls-server-name": "other.example"})
    yield cluster("path", lambda s, p: {"server": s.chain.url + "/k8s/clusters/c-1"})
    yield cluster("path and slash", lambda s, p: {"server": s.chain.url + "/k8s/"})
    yield cluster("slash", lambda s, p: {"server": s.chain.url + "/"})
    yield cluster("query", lambda s, p: {"server": s.chain.url + "/k8s?a=b#c"})
    yield cluster("scheme in capitals", lambda s, p: {"server": "HTTPS" + s.chain.url[5:]})
    yield cluster("plain HTTP", lambda s, p: {"server": s.plain.url})
    yield cluster("login", lambda s, p: {"server": s.chain.url.replace("//", "//me:pw%40d@")})
    yield cluster(
        "login without password", lambda s, p: {"server": s.chain.url.replace("//", "//me@")}
    )
    yield cluster("no scheme", lambda s, p: {"server": s.chain.url[8:]})
    yield cluster("another scheme", lambda s, p: {"server": "ftp" + s.chain.url[5:]})
    yield cluster("no URL", lambda s, p: {"server": "https://[::1"})
    yield cluster("no server", lambda s, p: {"server": None})
    yield cluster("empty server", lambda s, p: {"server": ""})
    yield cluster("proxy-url", lambda s, p: {"proxy-url": s.proxy.url})
    yield cluster("proxy-url that is empty", lambda s, p: {"proxy-url": ""})
    yield cluster("proxy-url without scheme", lambda s, p: {"proxy-url": s.proxy.url[7:]})
    yield cluster("proxy-url of another scheme", lambda s, p: {"proxy-url": "ftp://127.0.0.1:1"})
    yield cluster("disable-compression", lambda s, p: {"disable-compression": True})
    yield cluster("unknown field", lambda s, p: {"edge": {"a": [1]}})
    yield cluster("field in capitals", lambda s, p: {"Server": s.leaf.url})
    yield cluster("extensions", lambda s, p: {"extensions": [{"name": "a", "extension": [1]}]})


def shapes() -> list[Shape]:
    """Return all of them, by unique names."""
    from shapes_files import files, types  # those import the helpers from here

    users = (*_tokens(), *_certificates(), *_others())
    plugins = (*_told(), *_programs(), *_answers())
    made = [*users, *plugins, *_clusters(), *files(), *types()]
    if len({shape.name for shape in made}) != len(made):
        raise ValueError("two shapes have one name")
    return made


def write(place: Path, content: Content) -> str:
    """Write the files of a shape and return C(KUBECONFIG); None is a file that is not there."""
    parts = content if isinstance(content, list) else [content]
    paths = []
    for index, part in enumerate(parts):
        path = place / f"config-{index}"
        paths.append(str(path))
        if part is not None:
            text = part if isinstance(part, bytes) else yaml.safe_dump(part).encode()
            path.write_bytes(text)
    return ":".join(paths)
