# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server takes from the machine: CPUs, and paths that it may search."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from harness import as_server_user
from ovms_standin import cli, server
from ovms_standin.knobs import Knobs


@pytest.mark.parametrize(
    ("files", "seen"),
    [
        ({"proc/self/cgroup": "0::/\n"}, False),
        ({"proc/self/cgroup": "0::/kubepods.slice/x\n"}, True),
        ({"proc/self/cgroup": "1:cpu:/docker/0a\n"}, True),
        ({".dockerenv": ""}, True),
        ({"run/.containerenv": ""}, True),
        ({}, False),
    ],
)
def test_a_container_is_seen_by_its_marks_only(
    tmp_path: Path, files: dict[str, str], seen: bool
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert cli.in_container(tmp_path) is seen


@pytest.mark.parametrize(("limit", "quota"), [("150000", 2), ("50000", 1), ("max", 0)])
def test_the_quota_is_whole_cpus(tmp_path: Path, limit: str, quota: int) -> None:
    groups = tmp_path / "sys/fs/cgroup"
    groups.mkdir(parents=True)
    assert cli.cpu_quota(tmp_path) == 0
    (groups / "cpu.max").write_text(f"{limit} 100000\n")
    assert cli.cpu_quota(tmp_path) == quota


def test_the_limit_counts_only_where_a_container_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: set(range(8)))
    monkeypatch.setattr(cli, "cpu_quota", lambda: 3)
    monkeypatch.setattr(cli, "in_container", lambda: False)
    assert cli.core_count() == 64
    monkeypatch.setattr(cli, "in_container", lambda: True)
    assert cli.core_count() == 3
    monkeypatch.setattr(cli, "cpu_quota", lambda: 0)
    assert cli.core_count() == 8


def test_a_model_path_that_may_not_be_searched_is_a_wrong_option(tmp_path: Path) -> None:
    model = tmp_path / "m"
    model.mkdir(mode=0o000 if os.geteuid() else 0o700)
    arguments = ["--model_name", "m", "--model_path", str(model), "--rest_port", "1"]
    text = f"filesystem error: status: Permission denied \\[{model}/config.json\\]"
    with as_server_user(), pytest.raises(cli.UsageError, match=text):
        server._prepare(arguments, Knobs())
