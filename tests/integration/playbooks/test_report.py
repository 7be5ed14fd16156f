# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of real runs: a cluster that serves, one that is not there, a broken model."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fleetkit import ROOT, TINY, Fleet
from jsonschema import Draft202012Validator

SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text())


@pytest.fixture
def model() -> str:
    """A name that no other test has."""
    return f"tiny-{uuid.uuid4().hex[:6]}"


@pytest.fixture
def fleet(
    tmp_path: Path,
    shop: Any,
    make_namespace: Callable[..., str],
    make_pvc: Callable[..., Any],
    agent_image: str,
    server_image: str,
    model: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Fleet:
    """A namespace on one cluster, and one that nobody answers for; the callback writes a report."""
    write(tmp_path, model, 1, TINY)
    namespace = make_namespace(shop)
    make_pvc(shop, namespace)
    common = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "edge_namespace": namespace,
        "edge_kubeconfig": str(shop.kubeconfig),
        "edge_store": {"pvc": {"claim_name": "models"}},
        "edge_src": str(tmp_path / "models"),
        "edge_models": [{"name": model, "versions": [1]}],
        "edge_image": server_image,
        "edge_agent_image": agent_image,
    }
    hosts: dict[str, Any] = {"shop": {}, "gone": {"edge_auth": {"host": "https://127.0.0.1:1"}}}
    inventory = tmp_path / "inventory.json"
    inventory.write_text(json.dumps({"clusters": {"hosts": hosts, "vars": common}}))
    monkeypatch.setenv("ANSIBLE_CALLBACKS_ENABLED", "openvino.edge.rollout")
    monkeypatch.setenv("EDGE_REPORT_DIR", str(tmp_path / "report"))
    return Fleet(inventory, {"shop": namespace})


def write(folder: Path, model: str, version: int, text: str) -> None:
    """Write a version of the model."""
    place = folder / "models" / model / str(version)
    place.mkdir(parents=True)
    (place / "model.xml").write_text(text)
    (place / "model.bin").write_bytes(b"")


def report(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the report, and its clusters by name."""
    found = json.loads((folder / "report" / "report.json").read_text())
    Draft202012Validator(SCHEMA).validate(found)
    return found, {cluster["name"]: cluster for cluster in found["clusters"]}


def test_what_was_done_and_why_not(fleet: Fleet, tmp_path: Path, model: str) -> None:
    done = fleet.play("site.yml")
    made, clusters = report(tmp_path)
    shop, gone = clusters["shop"], clusters["gone"]
    assert (shop["state"], gone["state"], made["verdict"]) == ("done", "failed", "failed"), (
        done.text
    )
    assert made["complete"] and "openvino.edge.rollout:" not in done.text
    phases = [span["phase"] for span in shop["phases"]]
    assert phases[-4:] == ["check", "copy", "deploy", "gate"]
    assert 0 < shop["bytes"]["sent"] <= shop["bytes"]["total"] == len(TINY)
    assert set(shop["models"][model]) == {"1"}
    assert shop["release"]["verdict"] == "good"
    assert [(row["state"], row["ok"]) for row in shop["replicas"]] == [("AVAILABLE", True)]
    assert gone["phase"] == "begin" and gone["failures"][0]["kind"] == "unreachable"
    assert "rollout: gone: FAILED in begin" in done.text

    write(tmp_path, model, 2, "<net this is no model")
    wanted = json.dumps({"edge_models": [{"name": model, "versions": [2]}]})
    broken = fleet.play("site.yml", "-l", "shop", "-e", wanted)
    made, clusters = report(tmp_path)
    assert broken.code != 0 and set(clusters) == {"shop"}, broken.text
    shop = clusters["shop"]
    assert (made["verdict"], shop["state"]) == ("failed", "failed")
    told = json.dumps(shop["failures"])
    assert shop["reason"] and model in told and "log" in told, told
    assert model in (tmp_path / "report" / "report.html").read_text()

    again = fleet.play("verify.yml", "-l", "shop")
    made, clusters = report(tmp_path)
    assert (again.code, made["verdict"], made["playbook"]) == (0, "done", "verify.yml"), again.text
    assert [span["phase"] for span in clusters["shop"]["phases"]] == ["gate"]
