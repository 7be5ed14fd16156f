# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables from Secrets, ConfigMaps and the pod."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.server.checks import cloud
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)

from ..conftest import MakeSpec, make_spec

KEY = {"name": "hub", "key": "token"}
SOURCES: dict[str, Any] = {
    "TOKEN": {"secretKeyRef": KEY},
    "SITE": {"configMapKeyRef": {**KEY, "optional": True}},
    "NODE": {"fieldRef": {"fieldPath": "spec.nodeName"}},
    "CORES": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1"}},
}


def environment(**options: Any) -> list[dict[str, Any]]:
    objects = render_objects(make_spec(**options))
    (found,) = [item for item in objects if item["kind"] == "Deployment"]
    return list(found["spec"]["template"]["spec"]["containers"][0].get("env", []))


def test_sources_stand_beside_values(spec: MakeSpec) -> None:
    made = environment(env={**SOURCES, "PLAIN": 5})
    assert {item["name"]: item.get("valueFrom") for item in made} == {**SOURCES, "PLAIN": None}
    wrapped = {key: {"valueFrom": value} for key, value in SOURCES.items()}
    assert environment(env={**wrapped, "PLAIN": 5}) == made
    assert environment() == []


@pytest.mark.parametrize(
    ("value", "option"),
    [
        ({}, "env.X"),
        ({"secretKeyRef": KEY, "fieldRef": {"fieldPath": "spec.nodeName"}}, "env.X"),
        ({"fileKeyRef": {}}, "env.X"),
        ({"valueFrom": "secret"}, "env.X"),
        ({"secretKeyRef": "hub"}, "env.X.secretKeyRef"),
        ({"secretKeyRef": {"name": "hub"}}, "env.X.secretKeyRef.key"),
        ({"configMapKeyRef": {**KEY, "namespace": "other"}}, "env.X.configMapKeyRef.namespace"),
        ({"fieldRef": {}}, "env.X.fieldRef.fieldPath"),
        (["a"], "env.X"),
    ],
)
def test_what_is_no_source(value: Any, option: str) -> None:
    with pytest.raises(InputError) as caught:
        make_spec(env={"X": value})
    assert caught.value.option == option


def test_names_are_checked_and_set_once() -> None:
    with pytest.raises(InputError, match="not a name of an environment variable"):
        make_spec(env={"1X": SOURCES["TOKEN"]})
    proxies = {"https_proxy": "http://proxy:3128"}
    with pytest.raises(InputError, match=r"env\.https_proxy: set by proxies"):
        make_spec(env={"https_proxy": SOURCES["TOKEN"]}, proxies=proxies)


def test_a_bucket_s_variables_come_from_its_own_options() -> None:
    bucket = {
        "uri": "s3://bucket/models",
        "region": "r",
        "access_key_id": "a",
        "secret_access_key": "b",
    }
    made = make_spec(
        pvc=None, cloud={"s3": bucket}, env={"AWS_SECRET_ACCESS_KEY": SOURCES["TOKEN"]}
    )
    with pytest.raises(InputError, match="env.AWS_SECRET_ACCESS_KEY"):
        cloud.check(made, lambda text: None)
