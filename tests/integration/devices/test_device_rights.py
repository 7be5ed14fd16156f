# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role device_plugins with exactly the rights of rbac-devices.yml, and without each of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.errors import ForbiddenError
from ansible_collections.openvino.edge.plugins.module_utils.objects import entry as objects
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from definitions import Kind, forget, serve
from devicekit import play_role
from grants import Grants, Right, shipped
from kubernetes.client.exceptions import ApiException

OPERATOR = [
    Kind("deviceplugin.intel.com", "v1", f"{name}DevicePlugin", f"{name.lower()}deviceplugins")
    for name in ("Gpu", "Npu")
]


@pytest.fixture
def grants(shop: Any) -> Iterator[Grants]:
    made = Grants(shop, f"edge-test-{uuid.uuid4().hex[:8]}")
    yield made
    made.remove()
    try:
        shop.core.delete_namespace(made.namespace)
    except ApiException as error:
        assert error.status == 404


@pytest.fixture
def operator(shop: Any) -> Iterator[None]:
    serve(shop, *OPERATOR)
    yield
    forget(shop, *OPERATOR)


def play(grants: Grants, work: Path, *options: str, **variables: Any) -> str:
    """Run the role as the restricted user, without waiting for devices that nobody has."""
    wanted = {
        "device_plugins_namespace": grants.namespace,
        "device_plugins_gpu_selector": {"no-such-node": "true"},
        "device_plugins_wait": False,
    }
    return play_role(grants.account, work, *options, **{**wanted, **variables})[1]


def done(text: str) -> None:
    assert "failed=0" in text, text


def bring(grants: Grants, definition: dict[str, Any], state: str = "present") -> None:
    """Run the module that the role uses for its objects."""
    given = {**grants.account.auth, "definitions": [definition], "state": state}
    checked = ArgumentSpecValidator(dict(objects.ARGUMENT_SPEC)).validate(given)
    assert not checked.error_messages
    objects.run(checked.validated_parameters, Runtime())


def each_is_needed(grants: Grants, role: str, plural: str, definition: dict[str, Any]) -> None:
    """Make and remove an object without each right on its kind: each lack is named."""
    for right in shipped(role):
        if right.resource != plural:
            continue
        state = "absent" if right.verb == "delete" else "present"
        if state == "absent":
            bring(grants, definition)
        named = rf'{right.verb} resource "{plural}"'
        with grants.lost(role, right, wide=True), pytest.raises(ForbiddenError, match=named):
            bring(grants, definition, state)
        if state == "absent":
            bring(grants, definition, state)


@pytest.mark.whole
def test_daemon_sets(grants: Grants, tmp_path: Path) -> None:
    role = "device-plugins"
    grants.give(role, wide=True)
    labels = {"pod-security.kubernetes.io/enforce": "privileged"}
    meta = {"name": grants.namespace, "labels": labels}
    each_is_needed(
        grants, role, "namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}
    )
    done(play(grants, tmp_path))
    assert "changed: [localhost] =>" not in play(grants, tmp_path)
    metadata = {"name": "plugin", "namespace": grants.namespace}
    named = {"app": "plugin"}
    pod = {
        "metadata": {"labels": named},
        "spec": {"containers": [{"name": "plugin", "image": "x"}], "nodeSelector": {"no": "node"}},
    }
    spec = {"selector": {"matchLabels": named}, "template": pod}
    kind = {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": metadata, "spec": spec}
    each_is_needed(grants, role, "daemonsets", kind)
    waits = {"device_plugins_wait": True, "device_plugins_wait_timeout": 1}
    for verb in ("list", "watch"):
        with grants.lost(role, Right("", "nodes", verb), wide=True):
            text = play(grants, tmp_path, **waits)
            assert "failed=1" in text and f'{verb} resource "nodes"' in text, text
    assert "no node has the labels" in play(grants, tmp_path, **waits)
    done(play(grants, tmp_path, device_plugins_state="absent"))


@pytest.mark.whole
@pytest.mark.usefixtures("operator")
def test_custom_resources(grants: Grants, tmp_path: Path) -> None:
    role = "device-operator"
    both = {"device_plugins_method": "operator", "device_plugins_types": ["gpu", "npu"]}
    grants.give(role, wide=True)
    for kind in OPERATOR:
        definition = {
            "apiVersion": f"{kind.group}/{kind.version}",
            "kind": kind.kind,
            "metadata": {"name": grants.namespace},
            "spec": {"image": "docker.io/intel/plugin:0.36.0", "sharedDevNum": 1},
        }
        each_is_needed(grants, role, kind.plural, definition)
    done(play(grants, tmp_path, **both))
    assert "changed: [localhost] =>" not in play(grants, tmp_path, **both)
    done(play(grants, tmp_path, **both, device_plugins_state="absent"))
