# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mirrors of registries: the files are parsed as their readers parse them."""

from __future__ import annotations

import base64
import re
from typing import Any, Dict, List
from urllib.parse import urlsplit

import pytest
import tomllib
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.openvino.edge.plugins.filter.registry_mirrors import registry_mirrors
from ansible_collections.openvino.edge.plugins.module_utils.airgap.mirrors import rendered
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from hypothesis import given
from hypothesis import strategies as st

PEM = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
HUB = {"source": "docker.io", "mirrors": ["https://registry.example:5000/hub"]}
LOGIN = {"username": "edge", "password": 'p:"#\\ä'}
BASIC = "Basic " + base64.b64encode('edge:p:"#\\ä'.encode()).decode()


def contents(document: Any, platform: str) -> Dict[str, Any]:
    """Return the files by path, parsed."""
    files = {}
    for item in rendered(document, platform):
        assert item["mode"] == ("0600" if "password" in str(document) and _holds(item) else "0644")
        text = item["content"]
        if item["path"].endswith(".toml"):
            files[item["path"]] = tomllib.loads(text)
        else:
            files[item["path"]] = yaml.safe_load(text) if item["path"].endswith("yaml") else text
    return files


def _holds(item: Dict[str, Any]) -> bool:
    return not str(item["path"]).endswith("-ca.pem")


def test_containerd() -> None:
    files = contents([{**HUB, **LOGIN, "ca": f"\n{PEM}"}], "containerd")
    folder = "/etc/containerd/certs.d/docker.io"
    assert files[f"{folder}/mirror-ca.pem"] == PEM
    assert files[f"{folder}/hosts.toml"] == {
        "host": {
            "https://registry.example:5000/v2/hub": {
                "capabilities": ["pull", "resolve"],
                "override_path": True,
                "ca": f"{folder}/mirror-ca.pem",
                "header": {"Authorization": BASIC},
            }
        }
    }


def test_containerd_without_the_source() -> None:
    rule = {"source": "*", "mirrors": ["a.example", "http://b.example/x"], "skip_verify": True}
    document = [{**rule, **LOGIN, "ask_source": False}]
    (found,) = contents(document, "containerd").items()
    assert found[0] == "/etc/containerd/certs.d/_default/hosts.toml"
    assert found[1] == {
        "server": "http://b.example/v2/x",
        "capabilities": ["pull", "resolve"],
        "override_path": True,
        "header": {"Authorization": BASIC},
        "host": {
            "https://a.example": {
                "capabilities": ["pull", "resolve"],
                "skip_verify": True,
                "header": {"Authorization": BASIC},
            }
        },
    }


@pytest.mark.parametrize("platform", ["k3s", "rke2"])
def test_k3s_and_rke2(platform: str) -> None:
    quay = {"source": "quay.io", "mirrors": ["http://10.0.0.1:5000", "registry.example:5000"]}
    document = [{**HUB, **LOGIN, "ca": PEM}, {**quay, **LOGIN, "ca": PEM}]
    files = contents(document, platform)
    folder = f"/etc/rancher/{platform}"
    trust = {"auth": LOGIN, "tls": {"ca_file": f"{folder}/registry.example_5000-ca.pem"}}
    assert files[f"{folder}/registry.example_5000-ca.pem"] == PEM
    assert files[f"{folder}/registries.yaml"] == {
        "mirrors": {
            "docker.io": {
                "endpoint": ["https://registry.example:5000"],
                "rewrite": {"^(.*)$": "hub/$1"},
            },
            "quay.io": {"endpoint": ["http://10.0.0.1:5000", "https://registry.example:5000"]},
        },
        "configs": {
            "registry.example:5000": trust,
            "10.0.0.1:5000": {"auth": LOGIN, "tls": {"ca_file": f"{folder}/10.0.0.1_5000-ca.pem"}},
        },
    }


def test_openshift() -> None:
    digests, tags = rendered([HUB, {**HUB, "source": "quay.io", "ask_source": False}], "openshift")
    assert digests == {
        "apiVersion": "config.openshift.io/v1",
        "kind": "ImageDigestMirrorSet",
        "metadata": {"name": "openvino-edge"},
        "spec": {
            "imageDigestMirrors": [
                {"source": "docker.io", "mirrors": ["registry.example:5000/hub"]},
                {
                    "source": "quay.io",
                    "mirrors": ["registry.example:5000/hub"],
                    "mirrorSourcePolicy": "NeverContactSource",
                },
            ]
        },
    }
    assert tags["kind"] == "ImageTagMirrorSet"
    assert tags["spec"]["imageTagMirrors"] == digests["spec"]["imageDigestMirrors"]


@pytest.mark.parametrize(
    ("change", "platform", "told"),
    [
        ({"source": "docker.io/library"}, "containerd", "host of a registry"),
        ({"source": "docker.io", "mirrors": []}, "k3s", "at least one"),
        ({"mirrors": "registry.example"}, "k3s", "in a list"),
        ({"mirrors": ["https://edge:hidden@registry.example"]}, "k3s", "not a mirror"),
        ({"mirrors": ["registry.example/v2/hub"]}, "containerd", "/v2 is added"),
        ({"mirrors": ["registry.example/Hub"]}, "containerd", "not a mirror"),
        ({"mirror": ["registry.example"]}, "containerd", "nobody knows 'mirror'"),
        ({"ca": "/etc/ssl/ca.pem"}, "containerd", "no certificate in PEM"),
        ({"username": "edge"}, "containerd", "both or none"),
        ({"username": "e:x", "password": "hidden"}, "containerd", "colon"),
        ({"skip_verify": "yes"}, "containerd", "true or false"),
        ({"ask_source": False}, "k3s", "--disable-default-registry-endpoint"),
        ({"mirrors": ["a.example/x", "b.example"]}, "rke2", "one path"),
        ({"source": "*"}, "openshift", "Name each registry"),
        ({"ca": PEM}, "openshift", "additionalTrustedCA"),
        (LOGIN, "openshift", "pull-secret"),
        ({"skip_verify": True}, "openshift", "insecureRegistries"),
        ({"mirrors": ["http://registry.example"]}, "openshift", "insecureRegistries"),
        ({}, "docker", "'docker' is not known"),
    ],
)
def test_refused(change: Dict[str, Any], platform: str, told: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        registry_mirrors([{**HUB, **change}], platform)
    assert told in str(caught.value) and "hidden" not in str(caught.value)


def test_sources_and_hosts_say_one_thing() -> None:
    with pytest.raises(InputError, match="docker.io is there twice"):
        rendered([HUB, HUB], "containerd")
    other = {**HUB, "source": "quay.io", "skip_verify": True}
    with pytest.raises(InputError, match="different things"):
        rendered([HUB, other], "k3s")
    no_lists: List[Any] = [None, [], "docker.io", {"source": "docker.io"}]
    for wrong in no_lists:
        with pytest.raises(InputError, match="list of sources"):
            rendered(wrong, "k3s")


HOST = st.from_regex(r"[a-z]{1,5}(\.[a-z]{1,4})?(:[1-9][0-9]{1,3})?", fullmatch=True)
PATH = st.from_regex(r"(/[a-u][a-z0-9._-]{0,4}){0,2}", fullmatch=True)
URL = st.builds("{}://{}{}".format, st.sampled_from(["http", "https"]), HOST, PATH)
RULE = st.fixed_dictionaries(
    {"source": HOST, "mirrors": st.lists(URL, min_size=1, max_size=3, unique=True)},
    optional={
        "ca": st.just(PEM),
        "skip_verify": st.booleans(),
        "ask_source": st.booleans(),
        "username": st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1),
    },
)


def asked(hosts: Dict[str, Any], source: str, name: str) -> List[str]:
    """Return the URLs that containerd asks for an image, in its order."""
    found = [_manifests(url, table, name) for url, table in hosts.get("host", {}).items()]
    return [*found, _manifests(hosts.get("server") or f"https://{source}", hosts, name)]


def _manifests(url: str, table: Dict[str, Any], name: str) -> str:
    parts = urlsplit(url)
    root = parts.path if table.get("override_path") else f"{parts.path}/v2"
    return f"{parts.scheme}://{parts.netloc}{root}/{name}/manifests"


@given(rule=RULE)
def test_containerd_asks_the_mirrors_in_their_order(rule: Dict[str, Any]) -> None:
    if "username" in rule:
        rule = {**rule, "username": rule["username"].replace(":", ""), "password": "x"}
        if not rule["username"]:
            return
    files = {item["path"]: item["content"] for item in rendered([rule], "containerd")}
    (text,) = (text for path, text in files.items() if path.endswith("hosts.toml"))
    hosts = tomllib.loads(text)
    # The order counts, and containerd takes it from the text.
    assert re.findall(r'^\[host\."(.*)"\]$', text, re.M) == list(hosts.get("host", {}))
    wanted = []
    for url in rule["mirrors"]:
        parts = urlsplit(url)
        wanted.append(f"{parts.scheme}://{parts.netloc}/v2{parts.path}/a/b/manifests")
    if rule.get("ask_source", True):
        wanted.append(f"https://{rule['source']}/v2/a/b/manifests")
    assert asked(hosts, rule["source"], "a/b") == wanted
    assert ("Authorization" in text) == ("username" in rule)
    assert all(path in files for path in re.findall(r'^ca = "(.*)"$', text, re.M))
