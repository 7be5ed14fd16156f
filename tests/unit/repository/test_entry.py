# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole task against real agents on loopback, with the cluster left out."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any, cast

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    EdgeError,
    InputError,
    TransferError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository import entry, info
from ansible_collections.openvino.edge.plugins.module_utils.repository.copy import task
from ansible_collections.openvino.edge.plugins.module_utils.repository.copy.targets import Fleet
from ansible_collections.openvino.edge.plugins.module_utils.repository.progress import Meter
from ansible_collections.openvino.edge.plugins.module_utils.repository.target import checks
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport import base
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.base import (
    Channel,
    HelperGone,
    Target,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.usage import holders, in_use
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.store import HostPathStore
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import AgentProcess, start_agent, write_files
from .near import NearClient, channel_of

STORE = {"namespace": "ns", "host_path": {"path": "/data"}}


class Near:
    """Nodes that are directories of this machine, each with an agent of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.nodes: dict[str, AgentProcess] = {}
        self.channels: list[Channel] = []
        self.damaged: set[str] = set()

    def add(self, name: str) -> None:
        """Start a node."""
        root = self.folder / name
        root.mkdir(parents=True)
        self.nodes[name] = start_agent(root)

    def targets(self, *_args: Any, **_kwargs: Any) -> list[Target]:
        """Stand for find_targets."""
        return [Target(HostPathStore("ns", "/data"), name) for name in self.nodes]

    def open(self, target: Target) -> Channel:
        """Stand for Opener.open."""
        node = self.nodes[str(target.node)]
        client = NearClient(node.root, self.folder, node.port)
        if target.node in self.damaged:
            client.damage = lambda data: bytes(len(data))
        channel = channel_of("agent", client)
        channel.target = target
        self.channels.append(channel)
        return channel

    def end(self) -> None:
        """Kill the agents."""
        for node in self.nodes.values():
            node.end()


class NoClient:
    """Stands for KubeClient where nothing is asked of it."""

    carrier = ""

    def __enter__(self) -> NoClient:
        return self

    def __exit__(self, *_args: Any) -> None:
        pass

    def get(self, *_args: Any) -> None:
        """There is no record."""


@pytest.fixture
def near(tmp_path: Path, monkeypatch: Any) -> Any:
    made = Near(tmp_path / "nodes")
    for name in ("n1", "n2"):
        made.add(name)
    connect(made, monkeypatch)
    yield made
    made.end()


def connect(near: Near, monkeypatch: Any) -> None:
    """Put a near fleet where the cluster would be."""
    for module in (entry, info):
        monkeypatch.setattr(module.KubeClient, "from_params", lambda params: NoClient())
    for module in (task, info):
        monkeypatch.setattr(module, "Opener", lambda *args: near)
    monkeypatch.setattr(checks, "choose_transport", lambda *args: "agent")
    monkeypatch.setattr(checks, "find_targets", near.targets)
    monkeypatch.setattr(in_use, "versions_in_use", lambda *args: {})
    monkeypatch.setattr(holders, "find_holders", lambda *args: [])
    monkeypatch.setattr(in_use, "kept_by_releases", lambda *args: {})


def run(
    module: Any, *, check_mode: bool = False, warnings: list[str] | None = None, **options: Any
) -> dict[str, Any]:
    runtime = Runtime(check_mode=check_mode, diff=True)
    runtime.warnings = runtime.warnings if warnings is None else warnings
    checked = ArgumentSpecValidator(dict(module.ARGUMENT_SPEC), **module.SPEC_RULES).validate(
        {**STORE, **options}
    )
    assert not checked.error_messages
    result: dict[str, Any] = module.run(checked.validated_parameters, runtime)
    return result


def published(near: Near, node: str) -> list[str]:
    models = near.folder / node / "models"
    return sorted(str(path.relative_to(models)) for path in models.rglob("*") if path.is_file())


def test_present_again_and_absent(near: Near, source: Path) -> None:
    size = sum(path.stat().st_size for path in source.rglob("*") if path.is_file())
    dry = run(entry, check_mode=True, src=str(source))
    assert published(near, "n1") == [] and dry["changed"] and dry["bytes_sent"] == 0
    first = run(entry, src=str(source))
    assert first["bytes_total"] == 2 * size
    assert first["bytes_sent"] == first["bytes_planned"] == dry["bytes_planned"] > 3_000_000
    assert published(near, "n1") == published(near, "n2") != []
    assert first["diff"] == dry["diff"] and first["targets"][1]["node"] == "n2"
    again = run(entry, src=str(source), parallel=1)
    assert not again["changed"] and again["bytes_reused"] == 2 * size
    assert again["diff"] == {"before": "", "after": ""}
    assert run(info, verify=True)["sound"]
    gone = run(entry, state="absent", models=[{"name": "ocr"}])
    assert gone["changed"] and "ocr" in gone["diff"]["before"]
    assert not run(entry, state="absent", models=[{"name": "ocr"}])["changed"]


def test_absent_needs_names(near: Near) -> None:
    with pytest.raises(InputError, match="needs the models"):
        run(entry, state="absent")
    assert near.channels == []


@pytest.mark.parametrize(
    ("option", "value"),
    [("uid", -1), ("gid", 2**31), ("wait_timeout", 0), ("parallel", 0), ("agent_image", " ")],
)
def test_bad_options_come_before_any_contact(
    near: Near, source: Path, option: str, value: Any
) -> None:
    with pytest.raises(InputError) as caught:
        run(entry, src=str(source), **{option: value})
    assert caught.value.option == option and near.channels == []


def test_a_conflict_on_one_node_stops_all_before_the_first_byte(near: Near, source: Path) -> None:
    write_files(near.folder / "n2", {"models/ocr/1/model.xml": b"<old/>"})
    with pytest.raises(InputError, match="node n2.*ocr/1"):
        run(entry, src=str(source))
    assert published(near, "n1") == []


def test_nodes_that_share_a_directory_are_told_apart(
    near: Near, source: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(base, "LIVE_BEATS", 0)
    near.nodes["n2"].end()
    near.nodes["n2"] = start_agent(near.nodes["n1"].root)
    with pytest.raises(InputError, match="several of the nodes see the same directory") as caught:
        run(entry, src=str(source))
    assert caught.value.option == "host_path"
    assert published(near, "n1") == []
    assert not (near.folder / "n1/.edge/locks/store").exists()


def test_one_node_that_fails_keeps_all_as_they_are(near: Near, source: Path) -> None:
    near.damaged.add("n1")
    with pytest.raises(TransferError, match="node n1") as caught:
        run(entry, src=str(source), peers=False)
    details = caught.value.details
    assert details["changed"] is False
    assert [item["published"] for item in details["targets"]] == [[], []]
    assert published(near, "n1") == published(near, "n2") == []
    near.damaged.clear()
    again = run(entry, src=str(source), peers=False)
    assert again["targets"][1]["bytes_sent"] == 0, "what the other node had got is used"
    assert again["targets"][1]["bytes_resumed"] == 3_004_011
    assert published(near, "n1") == published(near, "n2") != []


def test_a_touched_version_is_sealed_without_a_change(near: Near, source: Path) -> None:
    run(entry, src=str(source))
    (near.folder / "n1/models/det/3/det.onnx").touch()
    before = {item["node"]: item["versions"] for item in run(info)["targets"]}
    assert [item["checked"] for item in before["n1"]] == ["none", "stamps"]
    assert not run(entry, src=str(source))["changed"]
    after = {item["node"]: item["versions"] for item in run(info)["targets"]}
    assert [item["checked"] for item in after["n1"]] == ["stamps", "stamps"]


def test_info_sees_damage_and_modes(near: Near, source: Path) -> None:
    run(entry, src=str(source))
    path = near.folder / "n1/models/det/3/det.onnx"
    stamp = path.stat()
    path.write_bytes(b"ONNX" * 1000)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    path.chmod(0o600)
    cheap, sure = run(info), run(info, verify=True)
    assert "mode 0600" in cheap["targets"][0]["versions"][0]["problems"][0]
    problems = sure["targets"][0]["versions"][0]["problems"]
    assert any("changed det.onnx" in problem for problem in problems)
    assert not sure["sound"] and sure["targets"][1]["sound"]


FILES = st.dictionaries(
    st.sampled_from(["a.onnx", "b.txt", "c/d.txt"]), st.binary(max_size=40), min_size=1
).map(lambda files: {**files, "a.onnx": files.get("a.onnx", b"")})
REPOSITORIES = st.dictionaries(
    st.sampled_from(["m/1", "m/2", "n/1"]), FILES, min_size=1, max_size=3
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(REPOSITORIES, REPOSITORIES)
def test_what_check_mode_predicts_is_what_is_sent(
    tmp_path_factory: Any, old: dict[str, Any], new: dict[str, Any]
) -> None:
    """For any two repositories: predicted bytes are sent bytes, and a second run sends none."""
    folder = tmp_path_factory.mktemp("pair")
    near = Near(folder / "nodes")
    near.add("n1")
    try:
        with pytest.MonkeyPatch.context() as patch:
            connect(near, patch)
            compare(folder, old, new)
    finally:
        near.end()


def compare(folder: Path, old: dict[str, Any], new: dict[str, Any]) -> None:
    sources = []
    for name, versions in (("old", old), ("new", new)):
        files = {
            f"{key}/{path}": data for key, all_ in versions.items() for path, data in all_.items()
        }
        sources.append(str(write_files(folder / name, files)))
    run(entry, src=sources[0])
    clash = any(key in old and old[key] != files for key, files in new.items())
    if clash:
        with pytest.raises(InputError, match="other bytes"):
            run(entry, check_mode=True, src=sources[1])
        with pytest.raises(InputError, match="other bytes"):
            run(entry, src=sources[1])
        return
    dry = run(entry, check_mode=True, src=sources[1])
    real = run(entry, src=sources[1])
    again = run(entry, src=sources[1])
    assert (dry["changed"], dry["bytes_planned"]) == (real["changed"], real["bytes_sent"])
    assert dry["diff"] == real["diff"]
    assert (again["changed"], again["bytes_sent"], again["files_sent"]) == (False, 0, 0)


class Stub:
    """A channel that counts."""

    def __init__(self) -> None:
        self.looks = 0
        self.closed = 0

    def ping(self) -> None:
        """Count a look."""
        self.looks += 1
        raise UnreachableError("gone for now")

    def close(self) -> None:
        """Count."""
        self.closed += 1


def test_the_fleet_closes_what_it_opened_and_keeps_waiting_helpers_alive(monkeypatch: Any) -> None:
    from ansible_collections.openvino.edge.plugins.module_utils.repository.copy import (
        targets as module,
    )

    monkeypatch.setattr(module, "KEEP_SECONDS", 0.01)
    stubs = {name: Stub() for name in ("n1", "n2", "n3")}
    targets = [Target(HostPathStore("ns", "/data"), name) for name in stubs]

    def open_one(target: Target) -> Any:
        if target.node == "n3":
            raise UnreachableError("n3 does not answer")
        return stubs[str(target.node)]

    def slow(work: Any) -> None:
        if work.target.node == "n1":
            seen.wait(5)

    seen = threading.Event()
    with (
        pytest.raises(EdgeError, match="n3"),
        Fleet(targets, open_one, 3, threading.Event()) as fleet,
    ):
        try:
            fleet.open()
        finally:
            threading.Timer(0.2, seen.set).start()
            fleet.each(slow, fleet.works[:1])
    assert [stub.closed for stub in stubs.values()] == [1, 1, 0]
    assert stubs["n2"].looks > 1


def test_an_interrupt_closes_everything() -> None:
    stub, stop = Stub(), threading.Event()
    target = Target(HostPathStore("ns", "/data"), "n1")

    def open_one(_target: Target) -> Channel:
        return cast(Channel, stub)

    with pytest.raises(KeyboardInterrupt), Fleet([target], open_one, 1, stop) as fleet:
        fleet.open()
        raise KeyboardInterrupt
    assert stub.closed == 1 and stop.is_set()


def test_jobs_nobody_watches_are_quiet(monkeypatch: Any) -> None:
    monkeypatch.setenv("CI", "true")
    lines: list[str] = []
    now = [0.0]
    meter = Meter(lines.append, "sending", 100 << 20, lambda: now[0])
    for _step in range(1500):
        now[0] += 0.1
        meter.advance(1 << 16)
    assert len(lines) == 2


def test_progress_is_sparse(monkeypatch: Any) -> None:
    monkeypatch.delenv("CI", raising=False)
    lines: list[str] = []
    now = [0.0]
    meter = Meter(lines.append, "sending", 100 << 20, lambda: now[0])
    for _step in range(1600):
        now[0] += 0.01
        meter.advance(1 << 16)
    assert 5 <= len(lines) <= 11 and lines[0].startswith("sending: 1")
    quiet: list[str] = []
    meter = Meter(quiet.append, "sending", 1 << 20, lambda: now[0])
    for _step in range(16):
        now[0] += 100
        meter.advance(1 << 16)
    assert quiet == []


def test_a_helper_that_vanishes_before_anything_was_done_is_replaced(
    near: Near, source: Path, monkeypatch: Any
) -> None:
    real, opened = near.open, list[str]()

    def open_one(target: Target) -> Channel:
        channel = real(target)
        opened.append(str(target.node))
        if opened == ["n1"] or opened == ["n2"]:

            def gone() -> Any:
                raise HelperGone("the helper is gone (evicted)")

            monkeypatch.setattr(channel, "inventory", gone)
        return channel

    monkeypatch.setattr(near, "open", open_one)
    assert run(entry, src=str(source))["changed"]
    assert sorted(opened) in (["n1", "n1", "n2"], ["n1", "n2", "n2"])
