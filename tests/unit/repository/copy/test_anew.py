# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other bytes under a version number that a server has loaded, against real agents on loopback."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ForbiddenError,
    GateError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Response
from ansible_collections.openvino.edge.plugins.module_utils.repository import entry, info
from ansible_collections.openvino.edge.plugins.module_utils.repository.copy import anew
from ansible_collections.openvino.edge.plugins.module_utils.repository.usage import holders
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime

from ...fakes.cluster import HelperCluster
from ..conftest import write_files
from ..test_entry import Near, connect, published, run

GONE = [{"name": "det", "versions": [3]}]


class Server:
    """A server of det, on a node, that does what OVMS 2026.3.0 was seen doing.

    It looks at its files when it is told to, as with polling off or far apart.

    Attributes:
        loaded: the bytes of each version that it has loaded.
        ended: versions that it has retired.
        looks: how often it was told to look.
        stubborn: it never lets go of anything.
        silent: it does not answer.
    """

    def __init__(self, near: Near, node: str) -> None:
        self.folder = near.folder / node / "models" / "det"
        self.loaded: dict[int, bytes] = {}
        self.ended: set[int] = set()
        self.looks = 0
        self.stubborn = self.silent = False

    def look(self) -> int:
        """Load what is new and retire what is gone; return the status of the answer."""
        self.looks += 1
        if not self.folder.is_dir():
            return 400  # and nothing else happens
        there = {int(path.name) for path in self.folder.iterdir()}
        if not self.stubborn:
            for version in set(self.loaded) - there:
                del self.loaded[version]
                self.ended.add(version)
        for version in there - set(self.loaded):
            self.loaded[version] = (self.folder / str(version) / "det.onnx").read_bytes()
            self.ended.discard(version)
        return 200

    def answer(self, method: str, path: str) -> Response:
        """Answer a request."""
        if self.silent:
            raise UnreachableError("no answer")
        if method == "POST":
            assert path == "/v1/config/reload"
            return Response(self.look(), {}, b'{"error": "Reloading failed"}')
        states = {**dict.fromkeys(self.ended, "END"), **dict.fromkeys(self.loaded, "AVAILABLE")}
        rows = [
            {"version": str(version), "state": state, "status": {"error_code": "OK"}}
            for version, state in states.items()
        ]
        return Response(200, {}, json.dumps({"x": {"model_version_status": rows}}).encode())


class Site:
    """A cluster with two nodes, a server on each, and what warnings were given."""

    def __init__(self, near: Near, source: Path) -> None:
        self.near, self.source = near, source
        self.cluster = HelperCluster()
        self.servers = {f"web-{node}": Server(near, node) for node in near.nodes}
        self.told: list[str] = []
        self.cluster.on_proxy = lambda namespace, pod, port, method, path, **given: self.servers[
            pod
        ].answer(method, path)

    def start(self) -> None:
        """Start the servers on what is published."""
        for node in self.near.nodes:
            self.cluster.add("Pod", f"web-{node}", **pod_on(node))
            assert self.servers[f"web-{node}"].look() == 200

    def serving(self) -> set[bytes]:
        """Return what the servers compute with as det/3."""
        return {server.loaded[3] for server in self.servers.values()}

    def publish_anew(self, data: bytes = b"other" * 999, **options: Any) -> dict[str, Any]:
        """Remove det/3, and publish other bytes in its place."""
        run(entry, state="absent", models=GONE, force=True)
        write_files(self.source, {"det/3/det.onnx": data})
        return run(entry, src=str(self.source), **options)

    @property
    def looks(self) -> int:
        return sum(server.looks for server in self.servers.values())


def pod_on(node: str) -> dict[str, Any]:
    args = ["--model_path", "/models/det", "--model_name", "x", "--rest_port", "8081"]
    container = {
        "name": "c",
        "args": args,
        "volumeMounts": [{"name": "m", "mountPath": "/models"}],
    }
    volume = {"name": "m", "hostPath": {"path": "/data/models"}}
    return {
        "metadata": {"namespace": "ns"},
        "spec": {"nodeName": node, "volumes": [volume], "containers": [container]},
        "status": {"containerStatuses": [{"name": "c", "state": {"running": {}}}]},
    }


@pytest.fixture
def site(tmp_path: Path, monkeypatch: Any, source: Path) -> Any:
    near = Near(tmp_path / "nodes")
    for name in ("n1", "n2"):
        near.add(name)
    made = Site(near, source)
    find = holders.find_holders
    connect(near, monkeypatch)
    monkeypatch.setattr(holders, "find_holders", find)
    for module in (entry, info):
        monkeypatch.setattr(module.KubeClient, "from_params", lambda params: made.cluster)
    monkeypatch.setattr(Runtime, "warn", lambda _self, text: made.told.append(text))
    monkeypatch.setattr(anew, "PAUSE", 0.01)
    run(entry, src=str(source))
    made.start()
    yield made
    near.end()


def test_31_other_bytes_under_a_number_that_runs_are_loaded(site: Site) -> None:
    before = site.serving()
    run(entry, state="absent", models=GONE, force=True)
    for server in site.servers.values():
        server.look()
    assert site.serving() == before, "without the model's directory a server keeps what it has"
    write_files(site.source, {"det/3/det.onnx": b"other" * 999})
    looks = site.looks
    dry = run(entry, src=str(site.source), check_mode=True)
    assert site.looks == looks
    real = run(entry, src=str(site.source))
    assert site.serving() == {b"other" * 999}
    for result in (dry, real):
        assert [item["versions_loaded_anew"] for item in result["targets"]] == [
            [{"model": "det", "version": 3, "pods": [f"pod ns/web-{node}"]}]
            for node in site.near.nodes
        ]
    again = run(entry, src=str(site.source))
    assert not again["changed"] and again["targets"][0]["versions_loaded_anew"] == []
    assert site.told == []


def test_31_a_new_number_is_no_reason_to_tell_a_server_anything(site: Site) -> None:
    looks = site.looks
    write_files(site.source, {"det/4/det.onnx": b"new"})
    done = run(entry, src=str(site.source))
    assert done["targets"][0]["versions_published"] == ["det/4"] and site.looks == looks
    assert done["targets"][0]["versions_loaded_anew"] == [] and site.told == []


def test_31_a_number_that_a_server_goes_on_with_is_not_published(
    site: Site, monkeypatch: Any
) -> None:
    monkeypatch.setattr(anew, "PATIENCE", 0.1)
    site.servers["web-n1"].stubborn = True
    with pytest.raises(GateError) as caught:
        site.publish_anew()
    text = str(caught.value)
    assert "pod ns/web-n1 has det/3 loaded with other bytes" in text and "new version" in text
    assert "kubectl delete pod -n ns web-n1" in text
    assert not [name for name in published(site.near, "n1") if name.startswith("det/3")]
    assert site.servers["web-n2"].loaded[3] == b"other" * 999, "that one lets go of it"
    site.cluster.delete("v1", "Pod", "web-n1", "ns")
    done = run(entry, src=str(site.source))
    assert done["targets"][0]["versions_published"] == ["det/3"] and done["bytes_sent"] == 0
    assert "det/3/det.onnx" in published(site.near, "n1")


def test_31_a_server_that_ends_meanwhile_is_not_waited_for(site: Site, monkeypatch: Any) -> None:
    server = site.servers["web-n1"]
    server.stubborn = True
    answer = server.answer

    def and_end(method: str, path: str) -> Response:
        if method == "POST":
            server.silent = True
            site.cluster.delete("v1", "Pod", "web-n1", "ns")
        return answer(method, path)

    monkeypatch.setattr(server, "answer", and_end)
    site.publish_anew()
    assert "det/3/det.onnx" in published(site.near, "n1")


def test_31_without_the_right_to_tell_servers_nothing_is_sent(site: Site) -> None:
    site.cluster.refuse = ("create pods/proxy",)
    run(entry, state="absent", models=GONE, force=True)
    before = published(site.near, "n1")
    write_files(site.source, {"det/3/det.onnx": b"other" * 999})
    for check_mode in (True, False):
        with pytest.raises(ForbiddenError) as caught:
            run(entry, src=str(site.source), check_mode=check_mode)
        for part in ("det/3", "pod ns/web-n1", "new version number", "create pods/proxy"):
            assert part in str(caught.value)
    assert published(site.near, "n1") == before
    assert not list((site.near.folder / "n1/.edge/staging").iterdir())


def test_31_a_server_that_says_nothing_is_named(site: Site) -> None:
    site.servers["web-n1"].silent = True
    site.publish_anew()
    (text,) = site.told
    assert text.startswith("det/3: ") and "pod ns/web-n1 may go on" in text and "n2" not in text


def test_31_who_may_not_look_is_told(site: Site) -> None:
    site.cluster.unreadable = ("Pod",)
    site.publish_anew()
    (text,) = site.told
    assert text.startswith("nobody could look which servers have loaded det/3")


def test_31_repaired_bytes_are_loaded(site: Site) -> None:
    path = site.near.folder / "n1/models/det/3/det.onnx"
    good = path.read_bytes()
    path.unlink()
    path.write_bytes(b"odd")
    server = site.servers["web-n1"]
    server.loaded[3] = b"odd"
    dry = run(entry, src=str(site.source), repair=True, check_mode=True)
    done = run(entry, src=str(site.source), repair=True)
    assert site.serving() == {good} and path.read_bytes() == good
    wanted = [{"model": "det", "version": 3, "pods": ["pod ns/web-n1"]}]
    for result in (dry, done):
        found = [item["versions_loaded_anew"] for item in result["targets"]]
        assert found == [wanted, []]
    assert done["targets"][0]["versions_repaired"][0]["load_again"] == []
    assert [text for text in site.told if "load it again" in text] == []
    assert not (site.near.folder / "n1/.edge/aside").exists()


def test_31_a_repair_that_a_server_does_not_take_is_not_forgotten(
    site: Site, monkeypatch: Any
) -> None:
    monkeypatch.setattr(anew, "PATIENCE", 0.1)
    path = site.near.folder / "n1/models/det/3/det.onnx"
    good = path.read_bytes()
    path.unlink()
    path.write_bytes(b"odd")
    server = site.servers["web-n1"]
    server.loaded[3], server.stubborn = b"odd", True
    with pytest.raises(GateError, match="pod ns/web-n1 has det/3 loaded"):
        run(entry, src=str(site.source), repair=True)
    assert path.read_bytes() == good, "the version is in its place"
    with pytest.raises(GateError, match="pod ns/web-n1 has det/3 loaded"):
        run(entry, src=str(site.source))
    server.stubborn = False
    healed = run(entry, src=str(site.source))
    assert healed["changed"] and site.serving() == {good}
    assert healed["targets"][0]["versions_loaded_anew"][0]["pods"] == ["pod ns/web-n1"]
    assert not run(entry, src=str(site.source))["changed"]


def swap(site: Site, node: str, data: bytes) -> None:
    """Put other bytes in the place of det/3 by hand, and want them."""
    path = site.near.folder / node / "models/det/3/det.onnx"
    path.unlink()
    path.write_bytes(data)
    write_files(site.source, {"det/3/det.onnx": data})


def test_31_bytes_that_were_swapped_by_hand_are_loaded(site: Site) -> None:
    for node in site.near.nodes:
        swap(site, node, b"by hand" * 99)
    before = site.serving()
    dry = run(entry, src=str(site.source), check_mode=True)
    assert dry["changed"] and site.serving() == before
    done = run(entry, src=str(site.source))
    assert done["changed"] and done["bytes_sent"] == 0 and site.serving() == {b"by hand" * 99}
    assert dry["targets"][0]["versions_loaded_anew"] == [
        {"model": "det", "version": 3, "pods": ["pod ns/web-n1"]}
    ]
    assert not run(entry, src=str(site.source))["changed"]


def test_31_a_store_that_was_set_back_is_loaded(site: Site, tmp_path: Path) -> None:
    for node in site.near.nodes:
        site.cluster.add("Node", node, metadata={"uid": f"uid-{node}"})
    run(entry, src=str(site.source), compare="record")
    good = site.serving()
    snapshot = tmp_path / "snapshot"
    for node in site.near.nodes:
        shutil.copytree(site.near.folder / node, snapshot / node)
    old = (site.source / "det/3/det.onnx").read_bytes()
    site.publish_anew(compare="record")
    assert site.serving() != good
    for node in site.near.nodes:
        for name in ("models", ".edge"):
            shutil.rmtree(site.near.folder / node / name)
            shutil.copytree(snapshot / node / name, site.near.folder / node / name)
    write_files(site.source, {"det/3/det.onnx": old})
    done = run(entry, src=str(site.source), compare="record")
    assert done["changed"] and done["bytes_sent"] == 0 and site.serving() == good
    assert not run(entry, src=str(site.source))["changed"]


def test_31_a_store_that_was_copied_by_hand_disturbs_nobody(site: Site) -> None:
    for node in site.near.nodes:
        shutil.rmtree(site.near.folder / node / ".edge")
    looks = site.looks
    run(entry, src=str(site.source))
    assert site.looks == looks and site.told == []
