# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubeconfig files and contexts become clusters; broken ones stay, and are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.inventory.entry import (
    gather,
    restored,
)
from ansible_collections.openvino.edge.plugins.module_utils.inventory.options import parse

from .samples import kubeconfig


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_folder_has_one_cluster_for_each_file(tmp_path: Path) -> None:
    for name in ("oslo.yaml", "bergen.kubeconfig", "tromso", "v1.2.yml"):
        write(tmp_path / "sites" / name, kubeconfig("main"))
    for name in ("README.md", ".hidden.yaml", "ca.pem"):
        write(tmp_path / "sites" / name, "no kubeconfig")
    found = gather(parse({"kubeconfigs": "sites"}, str(tmp_path)))
    assert [one.name for one in found.records] == ["bergen", "oslo", "tromso", "v1.2"]
    oslo = found.records[1]
    assert oslo.connection == {"edge_kubeconfig": str(tmp_path / "sites" / "oslo.yaml")}
    assert oslo.facts["folder"] == "sites" and oslo.facts["context"] == "main"
    assert not found.warnings


def test_a_pattern_goes_through_folders_and_takes_no_file_twice(tmp_path: Path) -> None:
    write(tmp_path / "north" / "oslo.yaml", kubeconfig("main"))
    write(tmp_path / "south" / "rome.txt", kubeconfig("main"))
    patterns = ["**/*.yaml", "north/oslo.yaml", "south/*"]
    found = gather(parse({"kubeconfigs": patterns}, str(tmp_path)))
    assert {one.name: one.facts["folder"] for one in found.records} == {
        "oslo": "north",
        "rome.txt": "south",
    }


def test_every_context_of_a_file_is_a_cluster(tmp_path: Path) -> None:
    path = write(tmp_path / "all.yaml", kubeconfig("oslo", "bergen"))
    options = {"kubeconfigs": ["all.yaml"], "every_context": True}
    found = gather(parse(options, str(tmp_path)))
    assert {one.name: one.connection for one in found.records} == {
        "oslo": {"edge_kubeconfig": str(path), "edge_context": "oslo"},
        "bergen": {"edge_kubeconfig": str(path), "edge_context": "bergen"},
    }


def test_contexts_are_chosen_by_patterns(tmp_path: Path) -> None:
    write(tmp_path / "config", kubeconfig("edge-oslo", "edge-rome", "office"))
    options = {"kubeconfig": "config", "contexts": ["edge-*"]}
    found = gather(parse(options, str(tmp_path)))
    assert [one.name for one in found.records] == ["edge-oslo", "edge-rome"]


def test_without_a_file_contexts_are_those_of_kubectl(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write(tmp_path / "one", kubeconfig("oslo"))
    second = write(tmp_path / "two", kubeconfig("rome"))
    monkeypatch.setenv("KUBECONFIG", f"{first}:{second}")
    found = gather(parse({"contexts": ["*"]}, "/"))
    assert [one.name for one in found.records] == ["oslo", "rome"]
    assert found.records[1].connection["edge_kubeconfig"] == f"{first}:{second}"


@pytest.mark.parametrize(
    ("options", "option", "said"),
    [
        ({"kubeconfigs": ["sites"]}, "kubeconfigs", "no such file"),
        ({"kubeconfigs": ["*.json"]}, "kubeconfigs", "no such file"),
        ({"kubeconfig": "gone", "contexts": ["*"]}, "kubeconfig", "no such file"),
        ({"kubeconfig": "config", "contexts": ["oslo", "x*"]}, "contexts", "there: oslo"),
    ],
)
def test_what_matches_nothing_is_an_error(
    tmp_path: Path, options: Any, option: str, said: str
) -> None:
    write(tmp_path / "config", kubeconfig("oslo"))
    with pytest.raises(InputError) as caught:
        gather(parse(options, str(tmp_path)))
    assert caught.value.option == option and said in str(caught.value)


BROKEN = {
    "yaml.yaml": "a: [",
    "empty.yaml": "",
    "other.yaml": {"kind": "Pod", "apiVersion": "v1"},
    "context.yaml": {**kubeconfig("main"), "current-context": "gone"},
    "cluster.yaml": {**kubeconfig("main"), "clusters": []},
}


def test_broken_clusters_stay_and_are_told(tmp_path: Path) -> None:
    for name, content in BROKEN.items():
        write(tmp_path / "sites" / name, content)
    write(tmp_path / "sites" / "oslo.yaml", kubeconfig("main"))
    found = gather(parse({"kubeconfigs": ["sites"]}, str(tmp_path)))
    assert {one.name for one in found.records if one.broken} == {name[:-5] for name in BROKEN}
    assert len(found.records) == 6 and len(found.warnings) == 5
    for name in BROKEN:
        assert any(str(tmp_path / "sites" / name) in text for text in found.warnings)
    assert restored(json.loads(json.dumps(found.as_json()))) == found


def test_broken_clusters_are_an_error_where_that_is_wanted(tmp_path: Path) -> None:
    for name, content in BROKEN.items():
        write(tmp_path / "sites" / name, content)
    options = {"kubeconfigs": ["sites"], "on_broken": "fail"}
    with pytest.raises(InputError) as caught:
        gather(parse(options, str(tmp_path)))
    assert caught.value.option == "on_broken"
    for name in BROKEN:
        assert name in str(caught.value)


def test_one_broken_context_leaves_the_others(tmp_path: Path) -> None:
    config = kubeconfig("oslo", "rome")
    config["contexts"][1]["context"] = {"cluster": "gone", "user": "u"}
    write(tmp_path / "config", config)
    found = gather(parse({"kubeconfig": "config", "contexts": ["*"]}, str(tmp_path)))
    assert [(one.name, bool(one.broken)) for one in found.records] == [
        ("oslo", False),
        ("rome", True),
    ]


def test_no_credential_gets_into_a_record(tmp_path: Path) -> None:
    write(tmp_path / "oslo.yaml", kubeconfig("main", server="https://me:s3cret@127.0.0.1:1"))
    found = gather(parse({"kubeconfigs": ["oslo.yaml"]}, str(tmp_path)))
    text = json.dumps(found.as_json())
    assert "of-a-kubeconfig" not in text and "s3cret" not in text
    assert "https://127.0.0.1:1" in text
