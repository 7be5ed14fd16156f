# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds that not every server has: noted on the Service, found again, removed before the note."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import ForbiddenError
from ansible_collections.openvino.edge.plugins.module_utils.server.discover.live import read_objects
from ansible_collections.openvino.edge.plugins.module_utils.server.render import kinds
from ansible_collections.openvino.edge.plugins.module_utils.server.render.identity import (
    owner_labels,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)

from ...fakes.cluster import ServingCluster
from ..conftest import MakeSpec


def thing(kind: str, **annotations: str) -> dict[str, Any]:
    metadata = {"name": "ocr", "namespace": "edge", "labels": owner_labels("ocr")}
    return {"kind": kind, "metadata": {**metadata, "annotations": annotations}}


def test_a_plain_server_has_no_note(spec: MakeSpec) -> None:
    plain = render_objects(spec())
    assert kinds.with_record(plain) is plain
    assert kinds.recorded(plain) == set()


def test_the_note_is_sent_first_and_removed_last() -> None:
    made = [thing(kind) for kind in ("Deployment", "Service", "PodDisruptionBudget")]
    sent = kinds.with_record(made)
    assert [item["kind"] for item in sent] == ["Service", "Deployment", "PodDisruptionBudget"]
    assert kinds.recorded(sent) == {"PodDisruptionBudget"}
    gone = [item["kind"] for item in kinds.for_removal(made)]
    assert gone == ["PodDisruptionBudget", "Deployment", "Service"]


def test_only_what_was_made_or_is_wanted_is_looked_for() -> None:
    cluster = ServingCluster()
    cluster.add(thing("Service", **{kinds.KINDS_ANNOTATION: "Secret,Odd"}))
    cluster.add(thing("Secret"))
    wanted = [("policy/v1", "PodDisruptionBudget")]
    found = read_objects(cluster, "edge", "ocr", wanted)  # type: ignore[arg-type]
    assert ("Secret", "ocr") in found
    assert cluster.calls[4:] == ["list Secret", "list PodDisruptionBudget"]
    cluster.unreadable = ("Secret",)
    with pytest.raises(ForbiddenError):
        read_objects(cluster, "edge", "ocr")  # type: ignore[arg-type]


def test_without_the_note_all_are_looked_for_where_allowed() -> None:
    cluster = ServingCluster(unreadable=("Secret",))
    cluster.add(thing("Deployment"))
    cluster.add(thing("NetworkPolicy"))
    found = read_objects(cluster, "edge", "ocr")  # type: ignore[arg-type]
    assert set(found) == {("Deployment", "ocr"), ("NetworkPolicy", "ocr")}
    assert len(cluster.calls) == len(kinds.ALWAYS) + len(kinds.SOMETIMES)


def test_every_kind_has_a_place_in_each_order() -> None:
    known = [thing(kind) for _version, kind in (*kinds.ALWAYS, *kinds.SOMETIMES)]
    assert len(kinds.with_record(known)) == len(kinds.for_removal(known)) == len(known)
    assert kinds.resource(("apps/v1", "DaemonSet")) == ("apps", "daemonsets")
    assert all(kinds.resource(kind)[1] for kind in kinds.SOMETIMES)
