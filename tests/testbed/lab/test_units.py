# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the lab that need no root and no cluster."""

from __future__ import annotations

import gzip
import hashlib
import ipaddress
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import oci
import pytest
from edge_lab import build, cgroups, components, config, images, pki, plan, processes, status
from edge_lab.errors import LabError
from edge_lab.plan import Cluster

FACTORY = Cluster("factory", 1, 2)
CLUSTERS = [Cluster(f"c{index}", index, plan.MAX_NODES) for index in range(1, 32)]


# Names and addresses


def test_no_network_of_any_two_clusters_overlaps() -> None:
    networks = [
        ipaddress.IPv4Network(network)
        for item in CLUSTERS
        for network in (item.network, item.services, *(node.pods for node in item.nodes))
    ]
    assert len(set(networks)) == len(networks)
    ordered = sorted(networks)
    assert not any(one.overlaps(two) for one, two in zip(ordered, ordered[1:]))


def test_pods_of_all_nodes_are_in_the_pod_network() -> None:
    for item in CLUSTERS:
        whole = ipaddress.IPv4Network(item.pods)
        assert all(ipaddress.IPv4Network(node.pods).subnet_of(whole) for node in item.nodes)


def test_link_names_fit_the_kernel() -> None:
    names = [name for item in CLUSTERS for name in (item.bridge, *(m.link for m in item.machines))]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= 15


@pytest.mark.parametrize("name", ["", "Factory", "1st", "a-b", "a" * 17, "../x", "a b"])
def test_bad_cluster_names_are_refused(name: str) -> None:
    with pytest.raises(LabError, match="cluster name"):
        plan.check_name(name)


def test_index_is_fixed_for_defaults_and_lowest_free_for_others() -> None:
    assert plan.choose_index("shop", []) == 2
    assert plan.choose_index("other", []) == 3
    assert plan.choose_index("other", [3, 5]) == 4
    with pytest.raises(LabError, match="all 31"):
        plan.choose_index("other", range(1, 32))


@pytest.mark.parametrize("nodes", [0, 9, -1])
def test_number_of_nodes_is_checked(nodes: int) -> None:
    with pytest.raises(LabError, match="1 to 8"):
        plan.choose_size("other", nodes)


def test_a_cluster_owns_its_machines_groups_and_no_others() -> None:
    assert all(plan.owns("factory", machine.cgroup) for machine in FACTORY.machines)
    for other in ("edge-factory2-1", "edge-fact-1", "edge-factory-1x", "factory-1", "edge-factory"):
        assert not plan.owns("factory", other)


# Records of processes


@pytest.mark.parametrize("text", ["", "12", "12 x", "a 12", "1 2 3", "12 -5"])
def test_unfinished_records_are_no_records(text: str) -> None:
    assert processes.parse_record(text) is None


def test_record_survives_its_file(tmp_path: Path) -> None:
    record = processes.Record(12, 345)
    (tmp_path / "x.pid").write_text(record.text())
    assert processes.read_record(tmp_path / "x.pid") == record
    assert processes.read_record(tmp_path / "none.pid") is None


def test_stat_is_read_past_a_name_with_spaces_and_brackets() -> None:
    line = "7 (a b) c) R 1 " + " ".join(str(number) for number in range(5, 53))
    assert processes.stat_fields(line)[:2] == ["R", "1"]
    assert processes.stat_fields(line)[19] == "22"


def test_start_time_tells_processes_apart() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert processes.alive(child.pid)
        own, start = processes.start_time(os.getpid()), processes.start_time(child.pid)
        assert own is not None
        assert start is not None
        assert start >= own
        assert processes.memory_kib(child.pid) > 0
        # Not in a pid namespace of its own, so never mistaken for a machine's process.
        record = processes.Record(child.pid, start)
        assert processes.find(record, [child.pid]) is None
        assert processes.find_init([child.pid]) is None
        child.kill()
    assert not processes.alive(child.pid)
    assert processes.start_time(child.pid) is None
    assert processes.memory_kib(child.pid) == 0


# Cgroups


def test_v1_hierarchies_skip_links_and_plain_directories(tmp_path: Path) -> None:
    for name in ("pids", "cpu,cpuacct"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cgroup.procs").touch()
    (tmp_path / "cpu").symlink_to("cpu,cpuacct")
    (tmp_path / "empty").mkdir()
    found = [path.name for path in cgroups.hierarchies(tmp_path)]
    assert found == ["cpu,cpuacct", "pids"]
    assert cgroups.tracking(tmp_path) == tmp_path / "pids"


def test_v2_is_one_hierarchy(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    assert cgroups.hierarchies(tmp_path) == [tmp_path]
    assert cgroups.tracking(tmp_path) == tmp_path


# Configuration


def test_kubelet_runs_below_its_machines_group() -> None:
    rendered = json.loads(config.kubelet(FACTORY, FACTORY.nodes[1]))
    assert rendered["cgroupRoot"] == "/edge-factory-2"
    assert rendered["clusterDNS"] == ["10.215.8.10"]
    assert rendered["failCgroupV1"] is False


def test_nodes_give_addresses_from_their_own_range() -> None:
    ranges = [
        json.loads(config.cni(node))["plugins"][0]["ipam"]["ranges"] for node in FACTORY.nodes
    ]
    assert ranges == [[[{"subnet": "10.214.8.0/24"}]], [[{"subnet": "10.214.9.0/24"}]]]


def test_containerd_takes_the_sandbox_image_from_here() -> None:
    text = config.containerd()
    assert "sandbox = 'localhost/edge-pause:1'" in text
    assert "restrict_oom_score_adj = true" in text


def test_every_component_is_named_once_and_has_a_known_version() -> None:
    found = list(components.all_of(FACTORY))
    assert len({(item.machine.name, item.name) for item in found}) == len(found) == 12
    assert {item.version for item in found} <= set(status.versions())
    assert "?" not in status.versions().values()


def test_only_the_authorities_sign_themselves() -> None:
    requests = {item["name"]: item for item in pki.requests(FACTORY)}
    assert [name for name, item in requests.items() if not item["ca"]] == [
        "ca",
        "front-proxy-ca",
        "sa",
    ]
    assert requests["restricted"]["groups"] == []
    assert requests["factory-1"]["cn"] == "system:node:factory-1"
    assert "10.213.1.10" in requests["apiserver"]["hosts"]


def test_table_aligns_columns() -> None:
    assert status.table([("a", "bb"), ("ccc", "d")]) == "a    bb\nccc  d"


# Programs and images


def test_fingerprint_follows_sources_and_locks(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "main.go").write_text("package main")
    first = build.fingerprint(tmp_path)
    (tmp_path / "m" / "notes.txt").write_text("no source")
    assert build.fingerprint(tmp_path) == first
    (tmp_path / "m" / "go.sum").write_text("lock")
    assert build.fingerprint(tmp_path) != first


def _layer(folder: Path) -> Path:
    path = folder / "layer.tar"
    oci.write_layer(path, [oci.LayerFile("/usr/bin/x", b"program", 0o755)])
    return path


def test_image_tar_is_a_whole_oci_layout(tmp_path: Path) -> None:
    tar = tmp_path / "image.tar"
    digest = oci.write_image(tar, "localhost/x:1", [_layer(tmp_path)], {"User": "5000:5000"})
    assert oci.image_digests(tar) == {"localhost/x:1": digest}
    with tarfile.open(tar) as archive:
        names = archive.getnames()
        files = {name: archive.extractfile(name) for name in names}
        blobs = {name: file.read() for name, file in files.items() if file}
    assert json.loads(blobs["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    manifest = json.loads(blobs["blobs/" + digest.replace(":", "/")])
    for part in (manifest["config"], *manifest["layers"]):
        blob = blobs["blobs/" + part["digest"].replace(":", "/")]
        assert len(blob) == part["size"]
        assert "sha256:" + hashlib.sha256(blob).hexdigest() == part["digest"]


def test_same_input_gives_the_same_image(tmp_path: Path) -> None:
    layer = _layer(tmp_path)
    for name in ("a", "b"):
        oci.write_image(tmp_path / name, "localhost/x:1", [layer], {"Env": ["A=1"]})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_gzip_layer_keeps_the_plain_tars_id(tmp_path: Path) -> None:
    plain = _layer(tmp_path)
    packed = tmp_path / "layer.tar.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    descriptor, diff_id = oci.describe_layer(packed)
    assert descriptor.media_type.endswith("+gzip")
    assert diff_id == oci.describe_layer(plain)[0].digest != descriptor.digest


@pytest.mark.parametrize("name", ["x:1", "localhost/x", "localhost/X:1", "localhost/x:a b", ""])
def test_references_that_a_node_would_rename_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="want HOST/NAME:TAG"):
        oci.write_image(tmp_path / "i", name, [], {})
    assert not (tmp_path / "i").exists()


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("text")
    with pytest.raises(ValueError, match="not an OCI layout tar"):
        oci.image_digests(tmp_path / "x")
    with pytest.raises(ValueError, match="not an OCI layout tar"):
        oci.image_digests(_layer(tmp_path))


def test_image_listing_is_parsed() -> None:
    text = "REF TYPE DIGEST SIZE PLATFORMS LABELS\nlocalhost/x:1 type sha256:ab 1 KiB linux -\n"
    assert images.parse_listing(text) == {"localhost/x:1": "sha256:ab"}
    assert images.parse_listing("") == {}
