# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others than this collection have set in an object."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.kube.fields import set_by_others

OVMS = 'k:{"name":"ovms"}'


def pod(container: dict[str, Any], **more: Any) -> dict[str, Any]:
    spec = {"f:containers": {OVMS: {".": {}, "f:name": {}, **container}}}
    return {"f:spec": {"f:template": {"f:spec": spec, **more}}}


def entry(manager: str, fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"manager": manager, "operation": "Update", "fieldsV1": fields, **more}


def found(*entries: dict[str, Any]) -> dict[str, list[str]]:
    ours = entry("openvino.edge", pod({"f:image": {}, "f:env": {'k:{"name":"A"}': {".": {}}}}))
    return set_by_others({"metadata": {"managedFields": [ours, *entries]}}, "openvino.edge")


def test_nothing_is_set_by_others() -> None:
    assert found() == {}
    assert set_by_others({"metadata": {}}, "openvino.edge") == {}


def test_a_variable_that_was_added_is_one_field() -> None:
    added: dict[str, Any] = {'k:{"name":"SITE"}': {".": {}, "f:name": {}, "f:value": {}}}
    told = found(entry("kubectl-set", pod({"f:env": added})))
    assert told == {"kubectl-set": ["spec.template.spec.containers.ovms.env.SITE"]}


def test_a_container_or_a_port_that_was_added_is_one_field() -> None:
    ports: dict[str, Any] = {
        'k:{"containerPort":1,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}
    }
    told = found(entry("kubectl-edit", pod({"f:ports": ports})))
    assert told == {"kubectl-edit": ["spec.template.spec.containers.ovms.ports.1,TCP"]}


def test_what_is_ours_as_well_is_not_set_by_others() -> None:
    assert found(entry("helm", pod({"f:image": {}}))) == {}


def test_our_other_managers_are_ours() -> None:
    assert found(entry("openvino.edge-replicas", {"f:spec": {"f:replicas": {}}})) == {}


@pytest.mark.parametrize("part", ["status", "scale"])
def test_what_controllers_report_is_no_change(part: str) -> None:
    assert found(entry("kube-controller-manager", {"f:x": {}}, subresource=part)) == {}


def test_an_annotation_is_told_but_for_notes_of_tools() -> None:
    notes: dict[str, Any] = {
        "f:kubectl.kubernetes.io/restartedAt": {},
        "f:sidecar.istio.io/inject": {},
    }
    told = found(entry("kubectl", {"f:metadata": {"f:annotations": {".": {}, **notes}}}))
    assert told == {"kubectl": ["metadata.annotations.sidecar.istio.io/inject"]}
