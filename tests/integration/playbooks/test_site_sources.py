# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole job where servers read their models themselves: nothing is copied, no claim needed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from accounts import Restricted
from fleetkit import ROOT, TINY, Fleet
from stores import fill_bucket, host_address, load_models_image
from web.object_store import object_store

KEYS = ("edge-access-key", "edge-hidden-site-key")
GIVEN = {"access_key_id": KEYS[0], "secret_access_key": KEYS[1]}
HIDDEN = (KEYS[1], base64.b64encode(KEYS[1].encode()).decode())
FILES = {1: {"model.xml": TINY.encode(), "model.bin": b""}}
LOGIN = {"AWS_ACCESS_KEY_ID": KEYS[0], "AWS_SECRET_ACCESS_KEY": KEYS[1]}


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The options of an S3 server with one model, without credentials."""
    directory = tmp_path_factory.mktemp("buckets")
    fill_bucket(directory / "models" / "site" / "tiny", FILES)
    with object_store(directory, host_address("shop"), KEYS) as endpoint:
        yield {"uri": "s3://models/site", "endpoint": endpoint}


@pytest.fixture
def site(
    tmp_path: Path,
    shop: Any,
    make_namespace: Callable[..., str],
    server_image: str,
    account: Callable[..., Restricted],
) -> Callable[..., Fleet]:
    """``site(host=store, ...)``: each host of the inventory is a namespace of one cluster."""

    def make(**stores: dict[str, Any]) -> Fleet:
        namespaces = {name: make_namespace(shop, "restricted") for name in stores}
        hosts = {
            name: {"edge_namespace": namespaces[name], "edge_store": store}
            for name, store in stores.items()
        }
        common = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "edge_kubeconfig": str(account(shop).kubeconfig),
            "edge_models": [{"name": "tiny", "versions": [1]}],
            "edge_image": server_image,
        }
        inventory = tmp_path / "inventory.json"
        inventory.write_text(json.dumps({"clusters": {"hosts": hosts, "vars": common}}))
        return Fleet(inventory, namespaces)

    return make


def documented(s3: dict[str, Any]) -> dict[str, Any]:
    """Return the store in the inventory of docs/cloud.md, with the address of the tests' server."""
    text = (ROOT / "docs" / "cloud.md").read_text().split("## The whole job")[1]
    inventory = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])
    store: dict[str, Any] = inventory["clusters"]["hosts"]["shop"]["edge_store"]
    store["cloud"]["s3"].update(s3)
    return store


def objects(cluster: Any, namespace: str) -> set[str]:
    """Return what is in a namespace and was not put there by the cluster or by the tests."""
    core = cluster.core
    claims = core.list_namespaced_persistent_volume_claim(namespace).items
    found = {f"claim {item.metadata.name}" for item in claims}
    found |= {f"pod {item.metadata.name}" for item in core.list_namespaced_pod(namespace).items}
    for item in cluster.apps.list_namespaced_deployment(namespace).items:
        found.add(f"deployment {item.metadata.name}")
    for item in core.list_namespaced_secret(namespace).items:
        found.add(f"secret {item.metadata.name}")
    return found


def test_the_whole_job_twice_and_back_with_the_shipped_rights(
    site: Any, s3: dict[str, Any], shop: Any, rights: Any, tmp_path: Path
) -> None:
    image = load_models_image(tmp_path, "shop", "localhost/edge-site-models:1", {"tiny": FILES})
    volume = {"reference": image, "pull_policy": "Never"}
    fleet = site(
        given={"cloud": {"s3": {**s3, **GIVEN}}},
        named=documented(s3),
        image={"image_volume": volume},
    )
    for namespace in fleet.namespaces.values():
        rights(shop, namespace, "credentials")
    login = {"metadata": {"name": "s3-login"}, "stringData": LOGIN}
    shop.core.create_namespaced_secret(fleet.namespaces["named"], login)
    none, one = dict.fromkeys(fleet.namespaces, 0), dict.fromkeys(fleet.namespaces, 1)

    predicted = fleet.play("site.yml", "--check", "--diff")
    assert (predicted.code, predicted.changed) == (0, one), predicted.text
    first = fleet.play("site.yml", "-vvv", "--diff")
    assert (first.code, first.changed) == (0, one), first.text
    assert first.text.count("AVAILABLE") >= 3, first.text
    assert [word for word in HIDDEN if word in first.text + predicted.text] == []
    second = fleet.play("site.yml")
    assert (second.code, second.changed) == (0, none), second.text
    for name, namespace in fleet.namespaces.items():
        made = {item.rpartition("-")[0] or item for item in objects(shop, namespace)}
        assert not any("claim" in item or "openvino-edge" in item for item in made), (name, made)

    back = fleet.play("teardown.yml")
    assert (back.code, back.changed) == (0, one), back.text
    assert fleet.play("teardown.yml").changed == none
    shop.wait_until(lambda: objects(shop, fleet.namespaces["given"]) == set(), "nothing is left")


def test_bad_hosts_fail_before_anything_is_changed(
    site: Any, s3: dict[str, Any], shop: Any, rights: Any
) -> None:
    named = {"cloud": {"s3": {**s3, "secret_name": "s3-login"}}}
    tls = {**s3, **GIVEN, "endpoint": s3["endpoint"].replace("http:", "https:")}
    fleet = site(
        absent=named,
        half=named,
        both={"pvc": {"claim_name": "models"}, "cloud": {"s3": {**s3, **GIVEN}}},
        tls={"cloud": {"s3": tls}},
        proxied={"cloud": {"s3": {**s3, **GIVEN}}},
        gone={"image_volume": {"reference": "localhost/no such"}},
    )
    inventory = json.loads(fleet.inventory.read_text())
    own_proxy = {"https_proxy": "http://proxy.corp:3128", "no_proxy": [host_address("shop")]}
    options = {"edge_server_options": {"proxies": own_proxy}}
    inventory["clusters"]["hosts"]["proxied"].update(options)
    fleet.inventory.write_text(json.dumps(inventory))
    for namespace in fleet.namespaces.values():
        rights(shop, namespace, "credentials")
    half = {"metadata": {"name": "s3-login"}, "stringData": {"AWS_ACCESS_KEY_ID": KEYS[0]}}
    shop.core.create_namespaced_secret(fleet.namespaces["half"], half)

    result = fleet.play("site.yml")
    assert result.code != 0
    assert result.failed == dict.fromkeys(fleet.namespaces, 1), result.text
    assert result.changed == dict.fromkeys(fleet.namespaces, 0)
    names = fleet.namespaces
    for told in (
        f"Secret {names['absent']}/s3-login: it does not exist",
        f"Secret {names['half']}/s3-login: it has no key AWS_SECRET_ACCESS_KEY",
        "parameters are mutually exclusive: pvc|host_path|cloud|image_volume",
        "cloud.s3.endpoint: OVMS speaks plain HTTP",
        "proxies.https_proxy",
        "image_volume.reference",
    ):
        assert told in result.text, (told, result.text)
    assert [word for word in HIDDEN if word in result.text] == []
    for name, namespace in names.items():
        assert objects(shop, namespace) <= {"secret s3-login"}, name
