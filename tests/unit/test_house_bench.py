# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's own arithmetic: what changes in the data, tables, and the picture."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

TESTBED = Path(__file__).resolve().parents[1] / "testbed"
sys.path[:0] = [str(TESTBED / name) for name in ("bench", "lab", "faults", "fleet")]

import bench_fleet  # noqa: E402
import bench_forward  # noqa: E402
import bench_helm  # noqa: E402
import measure  # noqa: E402
import repository_data as data  # noqa: E402
from measure import Sample  # noqa: E402
from repository_plot import svg  # noqa: E402
from repository_report import Medians, tables  # noqa: E402
from repository_rounds import BIG, COLD, SAME, Results, Sizes  # noqa: E402
from repository_runs import (  # noqa: E402
    EMPTY,
    FLOOR,
    K8S_CP,
    OURS,
    RECORD,
    RSYNC,
    RSYNC_FLUSHED,
)
from repository_site import Wired  # noqa: E402
from simulated import copied  # noqa: E402


def samples(*walls: float, cpu: float = 1.0, rss: float = 60.0) -> list[Wired]:
    return [Wired(wall, cpu, rss, wire=1 << 20) for wall in walls]


def results() -> Results:
    tensors = {OURS: samples(2.0), K8S_CP: samples(42.0), RSYNC: samples(0.9)}
    tensors[RSYNC_FLUSHED] = samples(1.1)
    return {
        BIG: {OURS: samples(9.0, rss=95.0)},
        "": {EMPTY: samples(1.0, cpu=0.8)},
        COLD: {OURS: samples(2.5, 2.3, 9.0), FLOOR: samples(1.0)},
        SAME: {OURS: samples(3.0), RECORD: samples(1.1), K8S_CP: samples(21.0)},
        "1 % changed, 40 tensors": tensors,
    }


def test_plays_are_told_without_an_empty_play() -> None:
    medians = Medians.of(results())
    assert medians.net(COLD, OURS).wall == 1.5 and medians.net(COLD, FLOOR).wall == 1.0
    assert medians.net(COLD, OURS).cpu == pytest.approx(0.2)
    assert medians.net("", EMPTY).wall == 1.0


def test_bytes_on_the_wire_reach_the_table() -> None:
    told = Wired.of(Sample(2.0, 1.0, 60.0, 50.0), 3 << 20)
    assert (told.wall, told.wire) == (2.0, 3 << 20)
    medians = Medians.of({**results(), COLD: {OURS: [told], FLOOR: [told]}})
    assert medians.net(COLD, OURS).wire == medians.net(COLD, FLOOR).wire == 3 << 20


def test_aims_are_judged() -> None:
    lines = [line for line in tables(results(), Sizes()).splitlines() if line.startswith("| ")]
    met = {line.split(" | ")[0][2:]: "| yes |" in line for line in lines if " at " in line}
    assert met == {
        "first copy, ours / floor": False,
        "first copy, CPU of the controller per GiB": True,
        f"no change, k8s_cp / {OURS}": False,
        f"no change, k8s_cp / {RECORD}": True,
        "40 tensors, k8s_cp / ours": True,
        "40 tensors, rsync / ours": False,
        "40 tensors, rsync --fsync / ours": True,
        "memory, 4096 MiB against 1024 MiB": True,
    }


def test_the_picture_holds_every_value() -> None:
    bars = {"first": {"ours": 0.02, "a & b": 30.0}, "second": {"ours": 1.0}}
    root = ElementTree.fromstring(svg("Title <1>", "s", bars))
    texts = [item.text for item in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"Title <1>", "first", "second", "ours", "a & b", "0.02", "30", "1.00"} <= set(texts)
    widths = [
        float(item.get("width", "0")) for item in root.iter("{http://www.w3.org/2000/svg}rect")
    ]
    assert max(widths[-3:]) == widths[-2] > widths[-1] > widths[-3] >= 1


def differing(one: bytes, other: bytes) -> list[int]:
    return [index for index, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]]


@pytest.mark.parametrize(
    ("change", "places"), [(data.one_region, 1), (data.tensors, 40), (data.spots, 1000)]
)
def test_changes_touch_one_percent_in_as_many_places(
    change: object, places: int, tmp_path: Path
) -> None:
    first = data.Job(tmp_path, "m", 1)
    data.one_file(first, 1)
    second = first.next()
    change(second)  # type: ignore[operator]
    found = differing(data.weights(first).read_bytes(), data.weights(second).read_bytes())
    assert 0.008 < len(found) / data.MIB <= 0.011
    # A random byte may be the one that was there; gaps between places are far larger.
    jumps = sum(1 for one, other in zip(found, found[1:], strict=False) if other - one > 100)
    assert jumps + 1 == places


def test_an_insertion_moves_the_rest(tmp_path: Path) -> None:
    first = data.Job(tmp_path, "m", 1)
    data.one_file(first, 1)
    data.insertion(first.next())
    old, new = (data.weights(job).read_bytes() for job in (first, first.next()))
    more, cut = len(new) - len(old), len(old) // 3 + 13
    assert 0.009 < more / len(old) < 0.011
    assert new[:cut] == old[:cut] and new[cut + more :] == old[cut:]


def test_a_new_part_leaves_95_percent(tmp_path: Path) -> None:
    first = data.Job(tmp_path, "m", 1)
    data.parts(first, 1)
    second = first.next()
    data.new_part(second)
    files = sorted(first.path.rglob("*.data"))
    same = [
        item
        for item in files
        if item.read_bytes() == (second.path / item.relative_to(first.path)).read_bytes()
    ]
    assert len(files) == 20 and len(same) == 19


def test_peers_are_told_as_multiples_of_ours() -> None:
    ours = [Sample(wall, 0.5, 0.0) for wall in (1.0, 9.0, 0.8)]
    peer = [Sample(wall, 0.25, 0.0) for wall in (3.0, 1.6, 1.5)]
    told = bench_forward.report("t", {bench_forward.OURS: ours, bench_forward.KUBECTL: peer})
    assert "### t, 3 rounds" in told
    assert "| portforward | 0.800 | 1.000 | 0.500 | 1.00x | 1.00x | 1.00x |" in told
    assert "| kubectl port-forward | 1.500 | 1.600 | 0.250 | 1.88x | 1.60x | 0.50x |" in told


def test_helm_is_compared_as_a_command_and_as_a_task() -> None:
    seconds = {"empty play": 1.0, bench_helm.OURS: 2.0, bench_helm.BARE: 3.0, bench_helm.PLAY: 5.0}
    runs = {
        name if name == "empty play" else f"{name}, {what}": [Sample(value, value, 50.0)]
        for name, value in seconds.items()
        for what in ("first run", "re-run")
    }
    text = bench_helm.report(runs)
    assert "| re-run: Helm's command / our whole play | 1.50x | 1.50x |" in text
    assert "| re-run: Helm's command / ours net of an empty play | 3.00x | 3.00x |" in text
    assert "both net of an empty play | 4.00x | 4.00x |" in text


def test_what_makes_two_servers_the_same() -> None:
    ours = {"selector": {"a": "b"}, "template": [{"metadata": {"labels": {}}, "args": ["x"]}]}
    same = bench_helm.without_own(ours)
    assert same == {"template": [{"metadata": {}, "args": ["x"]}]}


def test_a_thousand_clusters_by_their_slope() -> None:
    few, many = Sample(20.0, 10.0, 100.0, 50.0), Sample(60.0, 50.0, 104.0, 58.0)
    slope = bench_fleet.Slope(10, 50, few, many)
    assert (slope.each("wall"), slope.each("cpu"), slope.each("rss")) == (1.0, 1.0, 0.1)
    assert (slope.at(50, "cpu"), slope.at(1000, "cpu")) == (50.0, 1000.0)
    text = bench_fleet.report({"some job": slope})
    assert "| some job | 10 | 20.0 s | 10.0 s | 100 MiB | 50 MiB |" in text
    told = "| some job | 1000 ms | 1000 ms | 102 KiB | 205 KiB | about 1010 s | about 1000 s |"
    assert f"{told} about 248 MiB |" in text


def test_slow_jobs_run_on_fewer_clusters() -> None:
    assert bench_fleet.sizes(bench_fleet.FLEET, 1000) == (200, 1000)
    assert bench_fleet.sizes(bench_fleet.STOCK, 1000) == (10, 50)
    assert bench_fleet.sizes(bench_fleet.STOCK, 20) == (4, 20)
    assert bench_fleet.sizes(bench_fleet.ROLLOUT, 1000, 20) == (20, 1000)
    assert bench_fleet.sizes(bench_fleet.ROLLOUT, 20, 20) == (19, 20)


def test_a_copy_has_nothing_that_the_api_server_gives() -> None:
    original: dict[str, Any] = {
        "kind": "Pod",
        "metadata": {"name": "a", "uid": "1", "resourceVersion": "2", "labels": {"b": "c"}},
        "spec": {"nodeName": "real", "containers": []},
        "status": {"podIP": "10.0.0.1"},
    }
    made = copied(original, nodeName="simulated")
    assert made == {
        "kind": "Pod",
        "metadata": {"name": "a", "labels": {"b": "c"}},
        "spec": {"nodeName": "simulated", "containers": []},
    }
    assert original["spec"]["nodeName"] == "real"


def test_the_memory_of_a_command_counts_its_children(tmp_path: Path) -> None:
    held = "import time; held = bytearray(b'x') * (64 << 20); time.sleep(1.5)"
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {held!r}])"
    whole = measure.run([sys.executable, "-c", script], {}, tmp_path / "log", tree=True)
    assert whole.rss > 64
    assert 0 < whole.main < 64, "the command itself has nothing of it"
