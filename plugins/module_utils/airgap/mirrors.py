# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders registry mirrors as configuration of containerd, k3s, RKE2 or OpenShift. Pure.

k3s and RKE2: docs.k3s.io/installation/private-registry. containerd: core/remotes/docker/config
(hosts.toml). OpenShift: config.openshift.io/v1 C(ImageDigestMirrorSet) and C(ImageTagMirrorSet).
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Sequence, Tuple

from ..errors import InputError

try:  # PyYAML is a dependency of Ansible, and the filter runs on the controller.
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]

EVERY = "*"
RANCHER = {"k3s": "/etc/rancher/k3s", "rke2": "/etc/rancher/rke2"}
CERTS = "/etc/containerd/certs.d"

_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?"
_SOURCE = re.compile(_HOST)
_MIRROR = re.compile(rf"(?:(https?)://)?({_HOST})((?:/[a-z0-9][a-z0-9._-]*)*)/?")
_KEYS = frozenset(("source", "mirrors", "ca", "username", "password", "skip_verify", "ask_source"))

Part = Dict[str, Any]


@dataclass(frozen=True)
class Mirror:
    """A mirror of a registry: C(scheme://host/path)."""

    scheme: str
    host: str
    path: str

    @property
    def place(self) -> str:
        """Return host and path."""
        return f"{self.host}/{self.path}" if self.path else self.host


@dataclass(frozen=True)
class Rule:
    """The mirrors of one source.

    Attributes:
        source: host of the registry in the names of images; C(*) is every one.
        mirrors: tried in this order.
        ca: authority that signed the mirrors' certificates (PEM), C("") is the system's.
        login: C(user:password), or C("").
        skip_verify: certificates are not verified.
        ask_source: the source is tried last, for images that no mirror has.
    """

    source: str
    mirrors: Tuple[Mirror, ...]
    ca: str = ""
    login: str = ""
    skip_verify: bool = False
    ask_source: bool = True


def rules_of(document: Any) -> List[Rule]:
    """Return the typed rules of the option tree.

    Raises:
        InputError: names the item and the key; never with a password in it.
    """
    if not isinstance(document, Sequence) or isinstance(document, (str, bytes)) or not document:
        raise InputError("it has to be a list of sources", hint="[{source: ..., mirrors: [...]}]")
    rules = [_rule(item, f"[{number}]") for number, item in enumerate(document)]
    names = [rule.source for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{name} is there twice", option="source", hint="Join both items")
    return rules


def _rule(item: Any, where: str) -> Rule:
    if not isinstance(item, Mapping):
        raise InputError("it is not a dictionary", option=where)
    unknown = sorted(set(map(str, item)) - _KEYS)
    if unknown:
        hint = f"Known are {', '.join(sorted(_KEYS))}"
        raise InputError(f"nobody knows '{unknown[0]}'", option=where, hint=hint)
    source = str(item.get("source") or "")
    if source != EVERY and not _SOURCE.fullmatch(source):
        raise InputError(
            f"'{source}' is not the host of a registry",
            option=f"{where}.source",
            hint="Name what images begin with, like docker.io, or * for every registry",
        )
    given = item.get("mirrors")
    if not isinstance(given, Sequence) or isinstance(given, (str, bytes)) or not given:
        raise InputError("at least one is needed, in a list", option=f"{where}.mirrors")
    return Rule(
        source=source,
        mirrors=tuple(_mirror(str(text), f"{where}.mirrors") for text in given),
        ca=_authority(str(item.get("ca") or ""), f"{where}.ca"),
        login=_login(item, where),
        skip_verify=_flag(item, "skip_verify", where, False),
        ask_source=_flag(item, "ask_source", where, True),
    )


def _mirror(text: str, option: str) -> Mirror:
    match = _MIRROR.fullmatch(text)
    if not match:
        shown = text.rpartition("@")[2]
        raise InputError(
            f"'{shown}' is not a mirror",
            option=option,
            hint="Write [https://]HOST[:PORT][/PATH], with username and password beside it",
        )
    path = match.group(3).strip("/")
    if path.partition("/")[0] == "v2":
        raise InputError("/v2 is added by itself", option=option, hint="Leave it out")
    return Mirror(match.group(1) or "https", match.group(2), path)


def _authority(text: str, option: str) -> str:
    if not text.strip():
        return ""
    if "-----BEGIN CERTIFICATE-----" not in text or "PRIVATE KEY" in text:
        raise InputError(
            "it is no certificate in PEM form",
            option=option,
            hint="Give the text of the file, as from lookup('ansible.builtin.file', ...)",
        )
    return text.strip() + "\n"


def _login(item: Mapping[str, Any], where: str) -> str:
    user, password = str(item.get("username") or ""), str(item.get("password") or "")
    if not user and not password:
        return ""
    if not user or not password:
        raise InputError("both or none are needed", option=f"{where}.username and .password")
    if ":" in user or any(ord(sign) < 32 or ord(sign) == 127 for sign in user + password):
        raise InputError(
            "the name holds a colon, or one of both a control character",
            option=f"{where}.username and .password",
        )
    return f"{user}:{password}"


def _flag(item: Mapping[str, Any], name: str, where: str, default: bool) -> bool:
    value = item.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise InputError("it is true or false", option=f"{where}.{name}")
    return value


def rendered(document: Any, platform: str) -> List[Part]:
    """Return files (C(path), C(content), C(mode)) or, for C(openshift), objects.

    Raises:
        InputError: an item is wrong, or the platform cannot do what it says.
    """
    known: Dict[str, Callable[[List[Rule]], List[Part]]] = {
        "containerd": _containerd,
        "k3s": lambda rules: _rancher(rules, RANCHER["k3s"]),
        "rke2": lambda rules: _rancher(rules, RANCHER["rke2"]),
        "openshift": _openshift,
    }
    if platform not in known:
        hint = f"Known are {', '.join(sorted(known))}"
        raise InputError(f"'{platform}' is not known", option="platform", hint=hint)
    return known[platform](rules_of(document))


def _file(path: str, content: str, secret: bool = False) -> Part:
    return {"path": path, "content": content, "mode": "0600" if secret else "0644"}


def _containerd(rules: List[Rule]) -> List[Part]:
    files: List[Part] = []
    for rule in rules:
        folder = f"{CERTS}/{'_default' if rule.source == EVERY else rule.source}"
        if rule.ca:
            files.append(_file(f"{folder}/mirror-ca.pem", rule.ca))
        authority = f"{folder}/mirror-ca.pem" if rule.ca else ""
        files.append(_file(f"{folder}/hosts.toml", _hosts_toml(rule, authority), bool(rule.login)))
    return files


def _hosts_toml(rule: Rule, authority: str) -> str:
    """Return the text of hosts.toml.

    containerd tries C(server) last; it defaults to the registry itself.
    """
    lines: List[str] = []
    tables = list(rule.mirrors)
    if not rule.ask_source:
        last = tables.pop()
        lines += [f"server = {_text(_url(last))}", *_settings(rule, last, authority)]
        lines += ["", "[header]", *_header(rule)] if rule.login else []
    for mirror in tables:
        table = f"host.{_text(_url(mirror))}"
        lines += ["", f"[{table}]", *_settings(rule, mirror, authority)]
        lines += [f"[{table}.header]", *_header(rule)] if rule.login else []
    return "\n".join(lines).strip() + "\n"


def _url(mirror: Mirror) -> str:
    tail = f"/v2/{mirror.path}" if mirror.path else ""
    return f"{mirror.scheme}://{mirror.host}{tail}"


def _settings(rule: Rule, mirror: Mirror, authority: str) -> List[str]:
    lines = ['capabilities = ["pull", "resolve"]']
    lines += ["override_path = true"] if mirror.path else []
    # Either makes containerd try TLS first where the URL says plain HTTP.
    if mirror.scheme == "https":
        lines += [f"ca = {_text(authority)}"] if authority else []
        lines += ["skip_verify = true"] if rule.skip_verify else []
    return lines


def _header(rule: Rule) -> List[str]:
    token = base64.b64encode(rule.login.encode("utf-8")).decode("ascii")
    return [f"Authorization = {_text('Basic ' + token)}"]


def _text(value: str) -> str:
    """Return a TOML string; JSON's escapes are all known there."""
    return json.dumps(value, ensure_ascii=False)


def _rancher(rules: List[Rule], folder: str) -> List[Part]:
    """Return C(registries.yaml) of k3s or RKE2, and the authorities beside it."""
    mirrors: Dict[str, Part] = {}
    configs: Dict[str, Part] = {}
    files: Dict[str, str] = {}
    for rule in rules:
        _check_rancher(rule)
        entry: Part = {"endpoint": [f"{item.scheme}://{item.host}" for item in rule.mirrors]}
        if rule.mirrors[0].path:
            entry["rewrite"] = {"^(.*)$": f"{rule.mirrors[0].path}/$1"}
        mirrors[rule.source] = entry
        for mirror in rule.mirrors:
            path = f"{folder}/{mirror.host.replace(':', '_')}-ca.pem" if rule.ca else ""
            files.update({path: rule.ca} if path else {})
            _add_config(configs, mirror.host, _rancher_config(rule, path))
    said = {host: config for host, config in configs.items() if config}
    document = {"mirrors": mirrors, **({"configs": said} if said else {})}
    text: str = yaml.safe_dump(document, sort_keys=True, allow_unicode=True)
    secret = any(rule.login for rule in rules)
    found = [_file(path, content) for path, content in sorted(files.items())]
    return [*found, _file(f"{folder}/registries.yaml", text, secret)]


def _check_rancher(rule: Rule) -> None:
    if not rule.ask_source:
        raise InputError(
            "k3s and RKE2 have no such setting for one registry",
            option="ask_source",
            subject=rule.source,
            hint="Leave it out, and start them with --disable-default-registry-endpoint",
        )
    if len({mirror.path for mirror in rule.mirrors}) > 1:
        raise InputError(
            "k3s and RKE2 take one path for all mirrors of a source",
            option="mirrors",
            subject=rule.source,
            hint="Give all of them the same path",
        )


def _rancher_config(rule: Rule, authority: str) -> Part:
    config: Part = {}
    if rule.login:
        user, _colon, password = rule.login.partition(":")
        config["auth"] = {"username": user, "password": password}
    tls = {"ca_file": authority, "insecure_skip_verify": rule.skip_verify}
    given = {key: value for key, value in tls.items() if value}
    return {**config, **({"tls": given} if given else {})}


def _add_config(configs: Dict[str, Part], host: str, config: Part) -> None:
    """Add login and TLS settings of a host; k3s allows only one of each per host."""
    if configs.get(host, config) != config:
        raise InputError(
            "two sources say different things about one mirror",
            option="mirrors",
            subject=host,
            hint="Give it the same ca, login and skip_verify everywhere",
        )
    configs[host] = config


def _openshift(rules: List[Rule]) -> List[Part]:
    """Return both mirror sets: ImageDigestMirrorSet does not apply to images with a tag."""
    entries = [_set_entry(rule) for rule in rules]
    kinds = {"ImageDigestMirrorSet": "imageDigestMirrors", "ImageTagMirrorSet": "imageTagMirrors"}
    return [
        {
            "apiVersion": "config.openshift.io/v1",
            "kind": kind,
            "metadata": {"name": "openvino-edge"},
            "spec": {field: [dict(entry) for entry in entries]},
        }
        for kind, field in kinds.items()
    ]


def _set_entry(rule: Rule) -> Part:
    config = "image.config.openshift.io/cluster"
    refused = {
        "source": (rule.source == EVERY, "Name each registry"),
        "ca": (bool(rule.ca), f"Put it into additionalTrustedCA of {config}"),
        "username": (bool(rule.login), "Put it into the Secret openshift-config/pull-secret"),
        "skip_verify": (rule.skip_verify, f"Put the mirror into insecureRegistries of {config}"),
        "mirrors": (
            any(mirror.scheme == "http" for mirror in rule.mirrors),
            f"Leave http:// out, and put the mirror into insecureRegistries of {config}",
        ),
    }
    for option, (there, hint) in refused.items():
        if there:
            message = "OpenShift's mirror sets have no such setting"
            raise InputError(message, option=option, subject=rule.source, hint=hint)
    entry: Part = {"source": rule.source, "mirrors": [mirror.place for mirror in rule.mirrors]}
    return entry if rule.ask_source else {**entry, "mirrorSourcePolicy": "NeverContactSource"}
