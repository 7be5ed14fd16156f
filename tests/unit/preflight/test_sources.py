# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Buckets and images before a job, on plain objects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, Optional

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.preflight import rights, sources
from ansible_collections.openvino.edge.plugins.module_utils.preflight.checks import (
    NOTE,
    OK,
    PROBLEM,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.spec.cloud import CloudStore
from ansible_collections.openvino.edge.plugins.module_utils.server.spec.image_volume import (
    ImageVolumeStore,
)

PUBLIC = CloudStore("edge", "s3", "s3://models/ocr", region="eu-central-1")
NAMED = replace(PUBLIC, secret_name="s3-login")
GIVEN = replace(PUBLIC, credentials={"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "hidden"})
FULL = {"data": {"AWS_ACCESS_KEY_ID": "YQ==", "AWS_SECRET_ACCESS_KEY": "Yg=="}}
HALF = {"data": {"AWS_ACCESS_KEY_ID": "YQ=="}}
IMAGE = ImageVolumeStore("edge", "registry.example/models:1")


@pytest.mark.parametrize(
    ("store", "secret", "level", "told"),
    [
        (PUBLIC, None, NOTE, "has to be public"),
        (GIVEN, None, OK, "given credentials"),
        (NAMED, FULL, OK, "with Secret edge/s3-login"),
        (NAMED, None, PROBLEM, "Secret edge/s3-login: it does not exist"),
        (NAMED, HALF, PROBLEM, "Secret edge/s3-login: it has no key AWS_SECRET_ACCESS_KEY"),
    ],
)
def test_credentials(
    store: CloudStore, secret: Optional[Dict[str, Any]], level: str, told: str
) -> None:
    (found,) = sources.check_cloud(store, secret)
    assert found.level == level and told in found.message
    assert "hidden" not in str(found)
    assert bool(found.hint) == (level == PROBLEM)


def node(runtime: str) -> Dict[str, Any]:
    return {"status": {"nodeInfo": {"containerRuntimeVersion": runtime}}}


@pytest.mark.parametrize(
    ("version", "runtime", "told"),
    [
        ("v1.36.3", "containerd://2.1.4", []),
        ("v1.35.0", "containerd://2.1.4", ["1.35.0"]),
        ("v1.35.0", "containerd://1.7.0", ["1.35.0", "1.7.0"]),
    ],
)
def test_images_as_volumes(version: str, runtime: str, told: "list[str]") -> None:
    found = sources.check_image(IMAGE, {"gitVersion": version}, [node(runtime)])
    assert [item.level for item in found] == ([PROBLEM] * len(told) or [OK])
    assert all(word in item.message for word, item in zip(told, found))


@pytest.mark.parametrize(
    ("store", "secret_rights"),
    [
        ({"image_volume": {"reference": "registry.example/models:1"}}, set()),
        ({"cloud": {"gs": {"uri": "gs://models"}}}, set()),
        ({"cloud": {"gs": {"uri": "gs://models", "secret_name": "login"}}}, {"get"}),
    ],
)
def test_nothing_is_asked_for_copying(store: Dict[str, Any], secret_rights: "set[str]") -> None:
    params = {"namespace": "edge", "name": "ovms", **store}
    wanted = [*rights.job_access(params), *rights.check_access(params)]
    resources = {item.resource for item in wanted}
    assert not resources & {"jobs", "persistentvolumeclaims", "persistentvolumes"}
    assert "deployments" in resources
    assert {item.verb for item in wanted if item.resource == "secrets"} == secret_rights


def test_given_credentials_take_rights_on_secrets() -> None:
    s3 = {"uri": "s3://models", "region": "r", "access_key_id": "a", "secret_access_key": "b"}
    wanted = rights.job_access({"namespace": "edge", "name": "ovms", "cloud": {"s3": s3}})
    verbs = {item.verb for item in wanted if item.resource == "secrets"}
    assert verbs == {"get", "list", "create", "patch", "delete"}
