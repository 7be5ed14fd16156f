# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes of whole files: names, contexts, encodings, YAML, several files, types of every field."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from kubectlkit import Stage
from shapes import Content, Json, Shape, b64, config

NOBODY = "kubectl asks at the terminal for a user; we go as nobody"
LOCALHOST = "kubectl then asks http://localhost:8080; we say what is missing"


def _text(made: Json) -> str:
    return yaml.safe_dump(made)


def _with(made: Json, section: str, *more: Any) -> Json:
    return {**made, section: [*made[section], *more]}


def _changed(made: Json, change: Callable[[Json], Any]) -> Json:
    change(made)
    return made


def files() -> Iterator[Shape]:
    """Yield shapes of whole files."""
    yield from _names()
    yield from _encodings()
    yield from _several()


def _names() -> Iterator[Shape]:
    def named(name: str, make: Callable[[Stage], Content], differs: str = "") -> Shape:
        return Shape(f"names: {name}", lambda s, p: make(s), differs)

    def context(**fields: Any) -> list[Json]:
        return [{"name": "one", "context": {"cluster": "c", "user": "u", **fields}}]

    for section in ("clusters", "users", "contexts"):
        yield named(f"{section} twice", _doubled(section))
    yield named("two users", lambda s: _with(config(s), "users", {"name": "v", "user": {}}))
    yield named("user that is not there", lambda s: config(s, contexts=context(user="x")))
    yield named("cluster that is not there", lambda s: config(s, contexts=context(cluster="x")))
    yield named("context that is not there", lambda s: config(s, **{"current-context": "x"}))
    yield named("no context", lambda s: config(s, **{"current-context": ""}), LOCALHOST)
    yield named("no contexts", lambda s: config(s, contexts=None))
    yield named("namespace", lambda s: config(s, contexts=context(namespace="shop")))
    yield named("names with strange characters", _strange)
    yield named("an entry without a name", lambda s: _with(config(s), "users", {"user": {}}))
    yield named("an entry that is null", lambda s: _with(config(s), "users", None))
    yield named(
        "a user that is null",
        lambda s: config(s, users=[{"name": "u", "user": None}]),
        NOBODY,
    )
    yield named("another kind", lambda s: config(s, kind="Secret"))
    yield named("another apiVersion", lambda s: config(s, apiVersion="v2"))
    yield named("no kind", lambda s: config(s, kind=""))
    yield named("no apiVersion", lambda s: config(s, apiVersion=""))
    yield named("preferences", lambda s: config(s, preferences={"colors": True}))
    yield named("extensions", lambda s: config(s, extensions=[{"name": "a", "extension": {}}]))


def _strange(stage: Stage) -> Json:
    name = "arn:aws:eks:eu-1:1:cluster/\u00e4 b"
    made = config(stage, **{"current-context": name})
    made["contexts"][0]["name"] = name
    return made


def _encodings() -> Iterator[Shape]:
    def coded(name: str, make: Callable[[Stage], bytes], differs: str = "") -> Shape:
        return Shape(f"file: {name}", lambda s, p: make(s), differs)

    yield coded("JSON", lambda s: json.dumps(config(s)).encode())
    yield coded("JSON with tabs", lambda s: json.dumps(config(s), indent="\t").encode())
    yield coded("UTF-8 with a mark", lambda s: _text(config(s)).encode("utf-8-sig"))
    yield coded("UTF-16", lambda s: _text(config(s)).encode("utf-16"))
    yield coded("Latin-1", lambda s: (_text(config(s)) + "# \u00e4\n").encode("latin-1"))
    yield coded("CRLF", lambda s: _text(config(s)).replace("\n", "\r\n").encode())
    yield coded("comments", lambda s: b"# a\n" + _text(config(s)).encode() + b"# b\n")
    yield coded("two documents", lambda s: _text(config(s)).encode() + b"---\nkind: Other\n")
    yield coded("a mark of the beginning", lambda s: b"---\n" + _text(config(s)).encode())
    yield coded("anchors", _anchors)
    yield coded("a key twice", lambda s: _text(config(s)).encode() + b"current-context: x\n")
    yield coded("a block of base64", _block)
    yield coded("empty", lambda s: b"", LOCALHOST)
    yield coded("comments alone", lambda s: b"# nothing\n")
    yield coded("a list", lambda s: b"- a\n")
    yield coded("a word", lambda s: b"hello\n")
    yield coded("no YAML", lambda s: b"a: b: c\n")
    yield coded("a tab", lambda s: b"clusters:\n\t- a\n")
    numbers = ("12", "1.5", "1e3", "0x1f", "0o17", "017", "08", "0b1", "1_000", ".inf")
    for word in ("yes", "on", "y", *numbers):
        yield coded(f"token {word}", _token(word))
    for word in ("null", "~", "Null"):
        yield coded(f"token {word}", _token(word), NOBODY)
    for word in ("2026-01-02", "2026-01-02T03:04:05Z", "12:30:45", "=", "<<", "1e3x", "0b12"):
        yield coded(f"token {word}", _token(word))


def _token(word: str) -> Callable[[Stage], bytes]:
    def make(stage: Stage) -> bytes:
        return _text(config(stage, {"token": "WORD"})).replace("WORD", word).encode()

    return make


def _doubled(section: str) -> Callable[[Stage], Content]:
    def make(stage: Stage) -> Content:
        made = config(stage)
        return _with(made, section, made[section][0])

    return make


def _anchors(stage: Stage) -> bytes:
    text = _text(config(stage, {"token": "WORD"}))
    return ("x-token: &t hello\n" + text.replace("WORD", "*t")).encode()


def _block(stage: Stage) -> bytes:
    made = config(stage, cluster={"certificate-authority": None, "certificate-authority-data": "X"})
    data = b64(stage.pki.pem("root"))
    lines = [data[at : at + 64] for at in range(0, len(data), 64)]
    block = "|\n" + "".join(f"      {line}\n" for line in lines)
    return (
        _text(made)
        .replace("certificate-authority-data: X\n", f"certificate-authority-data: {block}")
        .encode()
    )


def _several() -> Iterator[Shape]:
    def several(name: str, make: Callable[[Stage], Content], differs: str = "") -> Shape:
        return Shape(f"several: {name}", lambda s, p: make(s), differs)

    def only(made: Json, *sections: str) -> Json:
        kept = ("apiVersion", "kind", *sections)
        return {key: value for key, value in made.items() if key in kept}

    second = {"token": "second"}
    yield several("one for all", lambda s: [config(s), config(s, second)])
    yield several("the first names the context", lambda s: [config(s), config(s, **_two())])
    yield several(
        "parts",
        lambda s: [
            only(config(s), "current-context"),
            only(config(s), "clusters"),
            only(config(s), "users", "contexts"),
        ],
    )
    yield several("one is not there", lambda s: [None, config(s)])
    yield several("one is empty", lambda s: [b"", config(s)])
    yield several("one has comments alone", lambda s: [b"# nothing\n", config(s)])
    yield several("one is no YAML", lambda s: [config(s), b"a: b: c\n"])
    yield several("one has a wrong type", lambda s: [config(s), config(s, {"token": 5})])
    yield several("none is there", lambda s: [None, None], LOCALHOST)
    yield several(
        "an entry is not merged with its namesake",
        lambda s: [config(s, {"as": "alice", "token": "t"}), config(s, {"as-groups": ["g"]})],
    )


def _two() -> Json:
    return {"current-context": "two"}


# Values that no field of text takes, and so on; a field is a path below the kubeconfig.
_TEXTS = (
    "current-context",
    "clusters.0.name",
    "clusters.0.cluster.server",
    "clusters.0.cluster.tls-server-name",
    "clusters.0.cluster.certificate-authority",
    "clusters.0.cluster.certificate-authority-data",
    "clusters.0.cluster.proxy-url",
    "contexts.0.context.cluster",
    "contexts.0.context.user",
    "contexts.0.context.namespace",
    "users.0.user.token",
    "users.0.user.tokenFile",
    "users.0.user.username",
    "users.0.user.password",
    "users.0.user.as",
    "users.0.user.as-uid",
    "users.0.user.client-certificate",
    "users.0.user.client-key-data",
    "users.0.user.exec.command",
    "users.0.user.exec.apiVersion",
    "users.0.user.exec.installHint",
    "users.0.user.exec.interactiveMode",
    "users.0.user.exec.args.0",
    "users.0.user.exec.env.0.value",
    "users.0.user.auth-provider.name",
    "users.0.user.auth-provider.config.k",
    "users.0.user.as-groups.0",
    "users.0.user.as-user-extra.k.0",
)
_FLAGS = (
    "clusters.0.cluster.insecure-skip-tls-verify",
    "clusters.0.cluster.disable-compression",
    "users.0.user.exec.provideClusterInfo",
    "preferences.colors",
)
_LISTS = (
    "clusters",
    "users",
    "contexts",
    "extensions",
    "clusters.0.cluster.extensions",
    "users.0.user.exec.args",
    "users.0.user.exec.env",
    "users.0.user.as-groups",
    "users.0.user.as-user-extra.k",
)
_MAPPINGS = (
    "clusters.0",
    "clusters.0.cluster",
    "users.0.user",
    "users.0.user.exec",
    "users.0.user.auth-provider",
    "users.0.user.auth-provider.config",
    "users.0.user.as-user-extra",
    "contexts.0.context",
    "preferences",
)


def types() -> Iterator[Shape]:
    """Yield every field with values of other types, in an entry that is not used."""
    groups: tuple[tuple[tuple[str, ...], tuple[Any, ...]], ...] = (
        (_TEXTS, (5, True, {})),
        (_FLAGS, ("true", 1)),
        (_LISTS, ("text", {"a": "b"})),
        (_MAPPINGS, ("text", [1])),
    )
    for places, values in groups:
        # One wrong value for each field, in turn: each shape is a run of kubectl.
        for place, value in zip(places, itertools.cycle(values)):
            yield _typed(place, value)


def _typed(place: str, value: Any) -> Shape:
    def make(stage: Stage, _: Path) -> Content:
        # The file beside the one that is used: its types count as well.
        return [config(stage), _set({}, place.split("."), value)]

    return Shape(f"type: {place} is {json.dumps(value)}", make)


def _set(node: Any, keys: list[str], value: Any) -> Any:
    """Return C(node) with a value set below it; numbers are places in a list."""
    if not keys:
        return copy.deepcopy(value)
    first, rest = keys[0], keys[1:]
    if first.isdigit():
        return [_set({}, rest, value)]
    return {**node, first: _set(node.get(first, {}), rest, value)}
