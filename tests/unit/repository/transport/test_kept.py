# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Helpers that stay for the next task of a run: who finds them, and that none is left."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Response
from ansible_collections.openvino.edge.plugins.module_utils.repository.options.helper import (
    HelperOptions,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.options.pull import (
    SecretMount,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.base import (
    Channel,
    Target,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.choose import (
    Opener,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import HostPathStore, PvcStore

from ...fakes.cluster import HelperCluster

PVC = Target(PvcStore("ns", "claim", "a/b"))
HOST = Target(HostPathStore("ns", "/data"), "n1", (("kubernetes.io/hostname", "n1"),))
STAYS = HelperOptions(agent_image="python@sha256:1", exec_image="ovms", idle=60)
GOES = replace(STAYS, idle=0)
FACTS = {
    "free_bytes": 1,
    "total_bytes": 1,
    "free_inodes": 1,
    "total_inodes": 1,
    "block_bytes": 1,
    "writable": True,
    "uid": 0,
    "root_mode": "0755",
}


class Run:
    """The tasks of one run of Ansible, and the cluster with its helpers.

    Attributes:
        asked: pod, token and command of each request.
        refuses: commands that the helpers refuse.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700)
        self.asked: list[tuple[str, str, str]] = []
        self.refuses: dict[str, int] = {}
        self.failed = False
        self.cluster = HelperCluster(on_proxy=self._answer)

    def _answer(self, namespace: str, pod: str, *args: Any, **more: Any) -> Response:
        command = str(args[2]).rpartition("/")[2]
        self.asked.append((pod, more["headers"]["X-Edge-Token"], command))
        return Response(self.refuses.get(command, 200), {}, json.dumps(FACTS).encode())

    def task(self, options: HelperOptions = STAYS, target: Target = PVC) -> Channel:
        """Open what a task does; the caller closes it."""
        said: Callable[[str], None] = lambda text: None  # noqa: E731
        stopped, folder = (lambda: self.failed), str(self.folder)
        opener = Opener(self.cluster, "agent", options, said, stopped, folder)  # type: ignore[arg-type]
        return opener.open(target)

    def jobs(self) -> int:
        """Return how many helpers were started so far."""
        return sum(item["kind"] == "Job" for item in self.cluster.made)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


@pytest.mark.parametrize("target", [PVC, HOST], ids=["claim", "host path"])
def test_three_tasks_have_one_helper_and_the_last_one_ends_it(run: Run, target: Target) -> None:
    run.task(target=target).close()
    assert len(run.cluster.left()) == 3 and len(list(run.folder.iterdir())) == 1
    run.task(replace(STAYS, read_only=True), target).close()  # an audit, by the helper of a copy
    channel = run.task(GOES, target)
    assert run.jobs() == 1 and list(run.folder.iterdir()) == [], "taken, so nobody else's"
    channel.close()
    assert run.cluster.left() == []
    assert len({(pod, token) for pod, token, _command in run.asked}) == 1
    assert [command for _pod, _token, command in run.asked].count("stay") == 2


def test_what_tells_of_it_is_for_its_owner_only(run: Run) -> None:
    run.task().close()
    (path,) = run.folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert run.asked[0][1] in path.read_text() and run.asked[0][1] not in str(run.cluster.made)


OTHERS = {
    "image": replace(STAYS, agent_image="other@sha256:2"),
    "user": replace(STAYS, uid=7),
    "networks": replace(STAYS, allow_from=("10.0.0.0/8",)),
    "resources": replace(STAYS, resources={"limits": {"memory": "2Gi"}}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_one_of_another_form_goes_before_the_new_one_comes(run: Run, name: str) -> None:
    run.task().close()
    run.task(OTHERS[name]).close()
    assert run.jobs() == 2
    assert sum(kind == "Job" for kind, _name in run.cluster.objects) == 1


def test_a_reader_is_none_for_a_writer(run: Run) -> None:
    run.task(replace(STAYS, read_only=True)).close()
    run.task().close()
    assert run.jobs() == 2


@pytest.mark.parametrize("other", [Target(PvcStore("ns", "claim", "c")), HOST])
def test_another_store_has_another_helper(run: Run, other: Target) -> None:
    run.task().close()
    run.task(target=other).close()
    assert run.jobs() == 2


def test_two_tasks_at_once_have_one_each(run: Run) -> None:
    first, second = run.task(), run.task()
    first.close()
    second.close()
    assert run.jobs() == 2
    assert sum(kind == "Job" for kind, _name in run.cluster.objects) == 1, "one stays, not two"


def test_one_that_has_ended_meanwhile_is_replaced(run: Run) -> None:
    run.task().close()
    for key in [key for key in run.cluster.objects if key[0] == "Pod"]:
        run.cluster.objects[key]["status"] = {"phase": "Succeeded"}
    run.task(GOES).close()
    assert run.jobs() == 2 and run.cluster.left() == []


@pytest.mark.parametrize("why", ["refused", "failed", "no folder", "another run", "damaged"])
def test_who_cannot_leave_it_removes_it(run: Run, why: str) -> None:
    channel = run.task()
    if why == "refused":
        run.refuses["stay"] = 409
    elif why == "failed":
        run.failed = True
    elif why == "no folder":
        os.rmdir(run.folder)
    channel.close()
    if why in ("refused", "failed", "no folder"):
        assert run.cluster.left() == []
        return
    if why == "another run":
        os.rename(run.folder, f"{run.folder}-other")
    else:
        next(run.folder.iterdir()).write_text("{}")
    run.task(GOES).close()
    assert run.jobs() == 2


def test_nobody_keeps_one_with_credentials_or_of_a_volume_for_one_pod(run: Run) -> None:
    run.task(target=replace(PVC, lone=True)).close()
    run.task(replace(STAYS, secret=SecretMount("", {"key": "value"}))).close()
    assert run.jobs() == 2 and run.cluster.left() == []
