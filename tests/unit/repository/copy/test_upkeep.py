# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repair, retention and the audit, the whole task against real agents on loopback."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    InputError,
    UnsupportedError,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository import entry, info
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.http import (
    AgentChannel,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.usage import holders, in_use
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime

from ...fakes.cluster import HelperCluster
from ..conftest import write_files
from ..test_entry import Near, connect, published, run

ARGS = ["--model_path", "/models/det", "--model_name", "det"]


class Cluster(HelperCluster):
    """One to which servers are added that use the store."""

    def add_server(self, *args: str) -> None:
        """Add a server on the store's directory."""
        volume = {"name": "m", "hostPath": {"path": "/data/models"}}
        mount = {"name": "m", "mountPath": "/models"}
        spec = {
            "volumes": [volume],
            "containers": [{"name": "c", "args": list(args), "volumeMounts": [mount]}],
        }
        self.add(
            "Deployment", "web", metadata={"namespace": "ns"}, spec={"template": {"spec": spec}}
        )
        self.add("Pod", "web-1", metadata={"namespace": "ns"}, spec=spec, status={})


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def near(tmp_path: Path, monkeypatch: Any, cluster: Cluster) -> Any:
    made = Near(tmp_path / "nodes")
    for name in ("n1", "n2"):
        made.add(name)
    places = (
        (in_use, "versions_in_use"),
        (holders, "find_holders"),
        (in_use, "kept_by_releases"),
    )
    real = [(module, name, getattr(module, name)) for module, name in places]
    connect(made, monkeypatch)
    for module, name, function in real:
        monkeypatch.setattr(module, name, function)
    for module in (entry, info):
        monkeypatch.setattr(module.KubeClient, "from_params", lambda params: cluster)
    yield made
    made.end()


def damage(near: Near, node: str = "n1") -> None:
    """Damage every kind of thing in det/3 of a node; the record stays."""
    version = near.folder / node / "models/det/3"
    path = version / "det.onnx"
    stamp = path.stat()
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.unlink()  # other versions may share the inode
    path.write_bytes(data)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    (version / "labels/en.txt").unlink()
    write_files(version, {"extra/deep/x.txt": b"x"})


def tree(near: Near, node: str) -> dict[str, bytes]:
    models = near.folder / node / "models"
    return {name: (models / name).read_bytes() for name in published(near, node)}


def versions(result: dict[str, Any], node: int = 0) -> dict[str, dict[str, Any]]:
    return {
        f"{item['model']}/{item['version']}": item for item in result["targets"][node]["versions"]
    }


def test_the_audit_names_what_is_wrong_on_each_node(near: Near, source: Path) -> None:
    run(entry, src=str(source))
    sound = run(info, verify=True)
    assert sound["sound"] and sound["findings"] == []
    assert (
        sound["summary"][0].startswith("n1: 2 versions, 4 files") and "sound" in sound["summary"][0]
    )
    damage(near)
    (near.folder / "n1/models/ocr/1/model.bin").chmod(0o600)
    (near.folder / "n1/models/ocr/1").chmod(0o700)
    if os.geteuid() == 0:
        os.chown(near.folder / "n1/models/ocr/1/model.xml", 0, 7)
    found = run(info, verify=True)
    assert not found["sound"] and found["targets"][1]["sound"]
    det, ocr = versions(found)["det/3"], versions(found)["ocr/1"]
    assert (det["changed"], det["missing"], det["extra"]) == (
        ["det.onnx"],
        ["labels/en.txt"],
        ["extra/deep/x.txt"],
    )
    assert {item["path"]: item["fault"] for item in ocr["wrong_mode"]} == {
        ".": "mode 0700 instead of 0755",
        "model.bin": "mode 0600 instead of 0644",
    }
    if os.geteuid() == 0:
        assert ocr["wrong_owner"] == [
            {"path": "model.xml", "fault": "owner 0:7 instead of 5000:5000"}
        ]
    assert ocr["changed"] == ocr["missing"] == ocr["extra"] == []
    assert {row["target"] for row in found["findings"]} == {"n1"}
    assert "1 changed" in found["summary"][0] and "1 missing" in found["summary"][0]
    cheap = versions(run(info))["det/3"]
    assert (cheap["missing"], cheap["extra"], cheap["checked"], cheap["record"]) == (
        ["labels/en.txt"],
        ["extra/deep/x.txt"],
        "none",
        "touched",
    )


def test_silent_damage_needs_verify(near: Near, source: Path) -> None:
    run(entry, src=str(source))
    path = near.folder / "n1/models/det/3/det.onnx"
    stamp = path.stat()
    with path.open("r+b") as stream:
        stream.write(b"ONNX")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert run(info)["sound"], "size, time and inode are what they were"
    assert versions(run(info, verify=True))["det/3"]["changed"] == ["det.onnx"]
    assert not run(entry, src=str(source))["changed"]
    repaired = run(entry, src=str(source), repair=True)
    assert repaired["changed"] and repaired["targets"][0]["versions_repaired"][0]["changed"] == [
        "det.onnx"
    ]
    assert run(info, verify=True)["sound"]


def test_what_a_run_changes_while_it_is_read_is_no_damage(
    near: Near, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One version is removed between its listing and its reading, another one is repaired."""
    run(entry, src=str(source))
    damage(near)
    real = AgentChannel.hashes

    def meanwhile(self: AgentChannel, model: str, version: int, size: int) -> Any:
        monkeypatch.setattr(AgentChannel, "hashes", real)
        run(entry, src=str(source), repair=True)
        run(entry, state="absent", models=[{"name": "ocr"}])
        return self.hashes(model, version, size)

    monkeypatch.setattr(AgentChannel, "hashes", meanwhile)
    found = run(info, verify=True, parallel=1)
    assert found["sound"], found["findings"]
    assert list(versions(found)) == ["det/3"]


def test_a_node_that_joined_later_and_other_content_are_found(near: Near, source: Path) -> None:
    run(entry, src=str(source))
    near.add("n3")
    found = run(info)
    assert found["targets"][2]["versions_missing"] == ["det/3", "ocr/1"] and not found["sound"]
    assert [item["versions_missing"] for item in found["targets"][:2]] == [[], []]
    run(entry, src=str(source))
    assert run(info)["sound"]
    write_files(source, {"det/3/det.onnx": b"other" * 999})
    run(entry, state="absent", models=[{"name": "det"}], host_path={"path": "/data"})
    for name in ("n3", "n2"):
        near.nodes.pop(name).end()


def test_without_repair_the_error_says_what_is_damaged(near: Near, source: Path) -> None:
    run(entry, src=str(source))
    before = tree(near, "n1")
    damage(near)
    with pytest.raises(InputError, match="repair: true") as caught:
        run(entry, src=str(source))
    assert caught.value.option == "repair" and "node n1" in str(caught.value)
    for text in (
        "det/3",
        "changed det.onnx",
        "missing labels/en.txt",
        "not published extra/deep/x.txt",
    ):
        assert text in str(caught.value)
    with pytest.raises(InputError):
        run(entry, src=str(source), check_mode=True)
    assert tree(near, "n1") != before


def test_repair_restores_exactly_the_damaged_files(near: Near, source: Path) -> None:
    run(entry, src=str(source))
    before = tree(near, "n1")
    damage(near)
    whole = near.folder / "n1/models/ocr/1/model.bin"
    inode, mode = whole.stat().st_ino, (near.folder / "n1/models/det/3/det.onnx").stat()
    whole.chmod(0o600)
    dry = run(entry, src=str(source), repair=True, peers=False, check_mode=True)
    assert dry["changed"] and tree(near, "n1") != before
    real = run(entry, src=str(source), repair=True, peers=False)
    assert real["changed"] and real["diff"] == dry["diff"]
    assert "damaged: det/3: changed det.onnx" in real["diff"]["before"]
    assert (
        dry["bytes_planned"]
        == real["bytes_sent"]
        == sum(item["bytes_sent"] for item in real["targets"])
    )
    assert 0 < real["bytes_sent"] < 5000, "not the 3 MB that are right"
    names = {item["model"]: item for item in real["targets"][0]["versions_repaired"]}
    assert sorted(names) == ["det", "ocr"] and real["targets"][1]["versions_repaired"] == []
    assert names["ocr"]["wrong_owner_or_mode"] == ["model.bin (mode 0600 instead of 0644)"]
    assert tree(near, "n1") == before and whole.stat().st_ino == inode
    assert (near.folder / "n1/models/det/3/det.onnx").stat().st_ino != mode.st_ino, "never in place"
    assert not (near.folder / "n1/models/det/3/extra").exists()
    assert run(info, verify=True)["sound"]
    again = run(entry, src=str(source), repair=True)
    assert not again["changed"] and again["bytes_sent"] == 0
    assert list((near.folder / "n1/.edge/trash").iterdir()) == []
    assert list((near.folder / "n1/.edge/staging").iterdir()) == []


def test_a_damaged_file_is_the_basis_of_its_repair(near: Near, source: Path) -> None:
    run(entry, src=str(source))
    path = near.folder / "n1/models/ocr/1/model.bin"
    data = bytearray(path.read_bytes())
    data[1_500_000] ^= 0xFF
    path.write_bytes(data)
    dry = run(entry, src=str(source), repair=True, peers=False, check_mode=True)
    real = run(entry, src=str(source), repair=True, peers=False)
    assert dry["bytes_planned"] == real["bytes_sent"] < 200_000
    assert path.read_bytes() == (source / "ocr/1/model.bin").read_bytes()


def test_new_content_under_an_old_number_is_refused_even_with_repair(
    near: Near, source: Path
) -> None:
    run(entry, src=str(source))
    before = tree(near, "n1")
    write_files(source, {"det/3/det.onnx": b"other" * 999})
    for repair in (False, True):
        with pytest.raises(InputError, match="other bytes.*det/3.*published with other content"):
            run(entry, src=str(source), repair=repair)
    (near.folder / "n1/.edge/manifests/det/3.json").write_text("{")
    with pytest.raises(InputError, match="no record tells"):
        run(entry, src=str(source), repair=True)
    assert tree(near, "n1") == before


def test_a_record_that_is_lost_is_a_finding_and_comes_back(near: Near, source: Path) -> None:
    run(entry, src=str(source))
    record = near.folder / "n1/.edge/manifests/det/3.json"
    record.write_text("{")
    assert versions(run(info))["det/3"]["problems"] == ["record unreadable (it is no JSON)"]
    record.unlink()
    found = run(info)
    assert versions(found)["det/3"]["record"] == "missing" and not found["sound"]
    compared = versions(run(info, verify=True, src=str(source)))["det/3"]
    assert compared["sound"] and compared["record"] == "missing"
    assert not run(entry, src=str(source))["changed"]
    assert run(info)["sound"]


def test_the_source_is_what_the_audit_compares_with(near: Near, source: Path) -> None:
    run(entry, src=str(source))
    write_files(source, {"det/3/det.onnx": b"other" * 800, "det/4/det.onnx": b"new"})
    found = run(info, src=str(source), models=[{"name": "det"}])
    assert versions(found)["det/3"]["changed"] == ["det.onnx"]
    assert found["targets"][0]["versions_missing"] == ["det/4"]
    assert found["targets"][0]["versions_extra"] == []
    everything = run(info, src=str(write_files(source.parent / "b", {"det/3/det.onnx": b"1"})))
    assert everything["targets"][0]["versions_extra"] == ["ocr/1"]


def test_repair_of_what_a_fallback_to_exec_found_is_refused(
    near: Near, source: Path, monkeypatch: Any
) -> None:
    run(entry, src=str(source))
    damage(near)
    real = near.open

    def as_exec(target: Any) -> Any:
        channel = real(target)
        monkeypatch.setattr(channel, "transport", "exec")
        return channel

    monkeypatch.setattr(near, "open", as_exec)
    with pytest.raises(UnsupportedError, match="agent transport"):
        run(entry, src=str(source), repair=True)


def test_case_88_a_repair_says_which_servers_must_load_again(
    near: Near, source: Path, cluster: Cluster, monkeypatch: Any
) -> None:
    told: list[str] = []
    monkeypatch.setattr(Runtime, "warn", lambda _self, text: told.append(text))
    run(entry, src=str(source))
    cluster.add_server("--model_path", "/models/det", "--model_name", "x")
    (near.folder / "n1/models/ocr/1/model.xml").write_bytes(b"<odd/>")
    damage(near)
    told.clear()
    repaired = run(entry, src=str(source), repair=True)
    again = {
        item["model"]: item["load_again"] for item in repaired["targets"][0]["versions_repaired"]
    }
    assert again == {"det": ["pod ns/web-1"], "ocr": []}
    (text,) = told
    assert text.startswith("det/3 has other bytes") and text.endswith("pod ns/web-1")
    cluster.unreadable = ("Pod",)
    damage(near)
    told.clear()
    run(entry, src=str(source), repair=True)
    assert "every server that had loaded it has to load it again" in told[-1]


def test_modes_that_are_set_right_are_no_reason_to_load_again(
    near: Near, source: Path, cluster: Cluster, monkeypatch: Any
) -> None:
    told: list[str] = []
    monkeypatch.setattr(Runtime, "warn", lambda _self, text: told.append(text))
    run(entry, src=str(source))
    cluster.add_server("--model_path", "/models/det", "--model_name", "x")
    (near.folder / "n1/models/det/3/det.onnx").chmod(0o600)
    repaired = run(entry, src=str(source), repair=True)
    assert repaired["targets"][0]["versions_repaired"][0]["load_again"] == []
    assert not [text for text in told if "load it again" in text]


def test_retention_runs_after_publishing_on_every_node(
    near: Near, source: Path, cluster: Cluster
) -> None:
    write_files(source, {f"det/{version}/det.onnx": b"v%d" % version for version in (1, 2, 5)})
    run(entry, src=str(source))
    new = write_files(source.parent / "new", {"det/7/det.onnx": b"v7"})
    dry = run(entry, src=str(new), keep_versions=2, check_mode=True)
    real = run(entry, src=str(new), keep_versions=2)
    assert dry["diff"] == real["diff"] and dry["changed"] and real["changed"]
    assert [item["versions_removed"] for item in real["targets"]] == [
        ["det/1", "det/2", "det/3"]
    ] * 2
    left = {name.rsplit("/", 1)[0] for name in published(near, "n1")}
    assert (
        left
        == {"det/5", "det/7", "ocr/1"}
        == {name.rsplit("/", 1)[0] for name in published(near, "n2")}
    )
    assert not run(entry, src=str(new), keep_versions=2)["changed"]
    cluster.add_server("--model_path", "/models/ocr", "--model_name", "x")
    pruned = run(entry, src=str(new), prune=True)
    assert pruned["targets"][0]["versions_removed"] == ["det/5"]
    assert pruned["targets"][0]["versions_in_use"] == [
        {"model": "ocr", "version": 1, "by": "Deployment ns/web"}
    ]
    assert run(entry, src=str(new), prune=True, force=True)["targets"][1]["versions_removed"] == [
        "ocr/1"
    ]


def test_whoever_begins_to_use_a_version_during_the_run_keeps_it(
    near: Near, source: Path, cluster: Cluster, monkeypatch: Any
) -> None:
    run(entry, src=str(source))
    new = write_files(source.parent / "new", {"det/7/det.onnx": b"v7"})
    real = AgentChannel.publish

    def publish(self: Any, manifest: Any) -> None:
        cluster.add_server("--model_path", "/models/ocr", "--model_name", "x")
        real(self, manifest)

    monkeypatch.setattr(AgentChannel, "publish", publish)
    result = run(entry, src=str(new), prune=True)
    for target in result["targets"]:
        assert target["versions_removed"] == ["det/3"]
        assert [item["model"] for item in target["versions_in_use"]] == ["ocr"]


def test_a_user_that_is_not_understood_keeps_all_and_is_named_in_a_warning(
    near: Near, source: Path, cluster: Cluster, monkeypatch: Any
) -> None:
    told: list[str] = []
    monkeypatch.setattr(Runtime, "warn", lambda _self, text: told.append(text))
    run(entry, src=str(source))
    cluster.add_server("sleep", "1")
    new = write_files(source.parent / "new", {"det/7/det.onnx": b"v7"})
    result = run(entry, src=str(new), prune=True)
    assert result["targets"][0]["versions_removed"] == []
    assert [item["version"] for item in result["targets"][0]["versions_in_use"]] == [3, 1]
    assert any(
        "Deployment ns/web (container c), which counts as using every" in text for text in told
    )


def test_a_way_back_survives_retention_and_goes_by_name_with_a_warning(
    near: Near, source: Path, cluster: Cluster, monkeypatch: Any
) -> None:
    told: list[str] = []
    monkeypatch.setattr(Runtime, "warn", lambda _self, text: told.append(text))
    run(entry, src=str(source))
    labels = {"app.kubernetes.io/managed-by": "openvino.edge", "openvino.edge/release": "1"}
    record = {"models": [{"name": "det", "versions": [3]}]}
    where = {"labels": labels, "namespace": "ns"}
    cluster.add("ConfigMap", "web-release-1", metadata=where, data={"x": json.dumps(record)})
    new = write_files(source.parent / "new", {"det/7/det.onnx": b"v7"})
    kept = run(entry, src=str(new), keep_versions=1)["targets"][0]
    assert (kept["versions_removed"], kept["versions_in_use"]) == (
        [],
        [{"model": "det", "version": 3, "by": "release record ns/web-release-1"}],
    )
    gone = run(entry, state="absent", models=[{"name": "det", "versions": [3]}])
    assert gone["targets"][0]["versions_removed"] == ["det/3"]
    assert set(told) == {
        "det/3 goes, and release record ns/web-release-1 can be gone back to only by a copy"
    }


def test_absent_of_a_used_version_needs_force(near: Near, source: Path, cluster: Cluster) -> None:
    run(entry, src=str(source))
    cluster.add_server(*ARGS)
    with pytest.raises(InputError, match="in use: det/3 by Deployment ns/web"):
        run(entry, state="absent", models=[{"name": "det"}])
    more: dict[str, Any] = {"keep_versions": 1, "prune": True, "repair": True}
    gone = run(entry, state="absent", models=[{"name": "ocr"}], **more)
    assert [item["versions_removed"] for item in gone["targets"]] == [["ocr/1"], ["ocr/1"]]
    assert run(entry, state="absent", models=[{"name": "det"}], force=True)["changed"]


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"keep_versions": 0}, "keep_versions"),
        ({"repair": True, "transport": "exec"}, "transport"),
    ],
)
def test_bad_options_come_before_any_contact(
    near: Near, source: Path, options: dict[str, Any], option: str
) -> None:
    with pytest.raises(InputError) as caught:
        run(entry, src=str(source), **options)
    assert caught.value.option == option and near.channels == []
