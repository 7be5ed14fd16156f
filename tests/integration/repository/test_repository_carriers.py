# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy where the API server has no route to the helper: the same agent, through the kubelet."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError
from cuts import cut_off, sever_helpers

VOLUME = {"persistentVolumeClaim": {"claimName": "models"}}


@pytest.fixture
def store(shop: Any, make_namespace: Any, make_pvc: Any) -> dict[str, Any]:
    namespace = make_namespace(shop, "restricted")
    make_pvc(shop, namespace, "models", "1Gi")
    return {"namespace": namespace, "pvc": {"claim_name": "models"}, "transport": "agent"}


def published(shop: Any, store: dict[str, Any]) -> set[str]:
    with shop.visitor(store["namespace"], VOLUME) as visitor:
        line = "cd /store/models && find . -type f | xargs -d '\\n' sha256sum"
        return set(str(visitor.sh(line)).splitlines())


@pytest.mark.parametrize("verdict", ["drop", "reject"])
def test_copy_change_look_and_remove_without_a_route(
    verdict: str,
    shop: Any,
    store: dict[str, Any],
    source: Path,
    copy: Any,
    listing: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with cut_off(shop, verdict) as cut:
        helpers = sever_helpers(cut, monkeypatch)
        first = copy(shop, src=str(source), **store)
        assert first["changed"] and first["carrier"] == "portforward"
        assert first["transport"] == "agent" and first["files_sent"] == 5

        # A delta and a file that is linked: the whole protocol, uploads of unknown length included.
        large = source / "ocr/1/model.bin"
        data = bytearray(large.read_bytes())
        data[1_000_000:1_001_000] = os.urandom(1000)
        (source / "ocr/2").mkdir()
        (source / "ocr/2/model.bin").write_bytes(data)
        (source / "ocr/2/model.xml").write_bytes(b"<net/>")
        second = copy(shop, src=str(source), **store)
        assert second["changed"] and second["carrier"] == "portforward"
        assert 0 < second["bytes_sent"] < len(data) / 2 and second["bytes_linked"] > 0

        found = listing(shop, verify=True, **store)
        assert found["sound"] and found["carrier"] == "portforward"
        seen = published(shop, store)
        assert len(seen) == 7
        gone = copy(shop, state="absent", models=[{"name": "ocr", "versions": [1]}], **store)
        assert gone["changed"] and gone["carrier"] == "portforward"
        assert {line for line in seen if "./ocr/1/" not in line} == published(shop, store)
        assert len(helpers) >= 4 and cut.packets() > 0


def test_told_to_take_the_proxy_it_fails_and_changes_nothing(
    shop: Any,
    store: dict[str, Any],
    source: Path,
    copy: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with cut_off(shop, "reject") as cut:
        sever_helpers(cut, monkeypatch)
        with pytest.raises(EdgeError, match="API server cannot reach the pod"):
            copy(shop, src=str(source), pod_carrier="proxy", **store)
    with shop.visitor(store["namespace"], VOLUME) as visitor:
        assert "ocr" not in visitor.sh("find /store")
