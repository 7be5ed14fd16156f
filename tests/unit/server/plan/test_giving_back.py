# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Case 68: whose the fields of an object are after it was given back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.server.plan.adoption import (
    ADOPTED_ANNOTATION,
    return_of,
    returned_fields,
    take_patch,
)

from .test_adoption import deployment

NOTE = ADOPTED_ANNOTATION


def entry(manager: str, operation: str, *names: str, **more: Any) -> dict[str, Any]:
    """Return one entry of managedFields that owns some fields of the spec."""
    fields: dict[str, Any] = {"f:spec": {f"f:{name}": {} for name in names}}
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "apps/v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        **more,
    }


HELM = entry("helm", "Apply", "template", "replicas", time="2026-11-01T00:00:00Z")
SCALER = entry("kubectl", "Update", "replicas", subresource="scale")
STATUS = entry("kube-controller-manager", "Update", "status", subresource="status")
CONTROLLER = entry("kube-controller-manager", "Update", "annotations")


def taken(*fields: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return an object that was taken over from whoever had C(fields), as it is now."""
    before = deployment(managedFields=list(fields))
    note = {**json.loads(take_patch(before, "openvino.edge")["metadata"]["annotations"][NOTE])}
    for key, value in changes.items():
        note.pop(key) if value is None else note.update({key: value})
    now = deployment(annotations={NOTE: json.dumps(note)})
    now["metadata"]["managedFields"] = [
        entry("openvino.edge", "Apply", "template", "strategy", "replicas"),
        entry("openvino.edge", "Update", "template"),
        entry("openvino.edge-replicas", "Apply", "replicas"),
        STATUS,
        CONTROLLER,
    ]
    return now


def test_case_68_fields_go_back_exactly_to_whom_they_belonged() -> None:
    now = taken(HELM, SCALER, STATUS)
    back = returned_fields(now, return_of(now).record, "openvino.edge")
    assert back == [STATUS, CONTROLLER, HELM]


def test_case_68_helm_meets_no_field_of_another_and_none_too_many() -> None:
    """What it owns and does not send is removed by its next upgrade: the strategy was not its."""
    now = taken(HELM)
    back = returned_fields(now, return_of(now).record, "openvino.edge")
    owners = {item["manager"]: item["fieldsV1"]["f:spec"] for item in back if item != STATUS}
    assert set(owners) == {"helm", "kube-controller-manager"}
    assert set(owners["helm"]) == {"f:template", "f:replicas"}


def test_case_68_a_record_without_fields_gives_all_to_the_first_manager() -> None:
    now = taken(HELM, entry("kubectl-edit", "Update", "paused"), fields=None)
    back = returned_fields(now, return_of(now).record, "openvino.edge")
    managers = {(item["manager"], item["operation"]) for item in back}
    assert managers == {("helm", "Apply"), ("kube-controller-manager", "Update")}
    (helm,) = [item for item in back if item["manager"] == "helm"]
    assert set(helm["fieldsV1"]["f:spec"]) == {"f:template", "f:strategy", "f:replicas"}


@pytest.mark.parametrize(("before", "operation"), [(None, "remove"), (True, "add")])
def test_case_68_an_account_mounts_its_token_as_before(before: bool | None, operation: str) -> None:
    was = {"automountServiceAccountToken": before} if before is not None else {}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "ocr"}, **was}
    patch = take_patch({**account, "metadata": {"name": "ocr", "resourceVersion": "1"}}, "x")
    now = {**account, "metadata": patch["metadata"], "automountServiceAccountToken": False}
    (done,) = [step for step in return_of(now).patch if "automount" in step["path"]]
    assert (done["op"], done.get("value")) == (operation, before)
