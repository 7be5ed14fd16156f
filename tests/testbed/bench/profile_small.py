# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the time of many small files goes: wall and CPU of each phase, on both ends.

Needs no cluster: the real helper is a process on loopback, so Ansible, the API server and the
start of a pod are not in it. The store is made anew in C(--directory), which should be on a disk.

    tools/run python tests/testbed/bench/profile_small.py --rounds 3
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, TypeVar

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "tests"))

from ansible_collections.openvino.edge.plugins.module_utils.repository.content.manifest import (  # noqa: E402
    HashCache,
    build,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.state import (  # noqa: E402
    believe,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.delta.pack import (  # noqa: E402
    FileJob,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.source.opening import (  # noqa: E402
    DirectorySource,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.base import (  # noqa: E402
    Flow,
)
from measure import table  # noqa: E402
from repository_data import Job, small_files  # noqa: E402
from unit.repository.conftest import AgentProcess, start_agent  # noqa: E402
from unit.repository.near import NearClient, channel_of  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")
Row = tuple[float, float, float]  # wall, CPU of the controller, CPU of the helper
T = TypeVar("T")


class Profile:
    """The phases of one round."""

    def __init__(self, agent: AgentProcess) -> None:
        self._agent = agent
        self.rows: dict[str, Row] = {}

    def _now(self) -> Row:
        text = Path(f"/proc/{self._agent.process.pid}/stat").read_text()
        fields = text.rpartition(")")[2].split()
        helper = (int(fields[11]) + int(fields[12])) / TICK
        return time.perf_counter(), time.process_time(), helper

    def phase(self, name: str, work: Callable[[], T]) -> T:
        """Measure one phase; return what it returns."""
        before = self._now()
        result = work()
        after = self._now()
        self.rows[name] = (after[0] - before[0], after[1] - before[1], after[2] - before[2])
        return result


def one_round(source: Path, store: Path) -> dict[str, Row]:
    """Copy the files into an empty store, then look at them as an unchanged run and an audit do."""
    agent = start_agent(store, EDGE_IDLE="600")
    profile = Profile(agent)
    phase = profile.phase
    channel = channel_of("agent", NearClient(store, store, agent.port))
    try:
        local = phase("walk", lambda: DirectorySource(str(source), ()))
        version = local.repository.versions[0]
        manifest = phase("hash, manifest", lambda: build(version, HashCache()))
        channel.lock("profile", "profile")
        phase("stage", lambda: channel.stage(manifest, {}))
        paths = {item.path: item.source for item in version.files}
        jobs = [
            FileJob(number, paths[entry.path], entry) for number, entry in enumerate(manifest.files)
        ]
        phase("send, flush, read back", lambda: channel.send(manifest, jobs, Flow()))
        phase("publish", lambda: channel.publish(manifest))
        (raw,) = phase("listing", channel.inventory).versions
        phase("record", lambda: believe(raw))
        hashes = phase("hashes for an audit", lambda: channel.hashes(raw.model, 1, raw.size))
        assert hashes == {entry.path: entry.sha256 for entry in manifest.files}
        return profile.rows
    finally:
        channel.close()
        agent.end()


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--directory", default="/var/tmp", help="on the disk to measure")
    options = parser.parse_args()
    top = Path(tempfile.mkdtemp(prefix="edge-small-", dir=options.directory))
    try:
        small_files(Job(top / "src", "small", 1), options.files)
        os.sync()
        rounds: list[dict[str, Row]] = []
        for number in range(options.rounds):  # no round begins with files that were just deleted
            store = top / f"store{number}"
            store.mkdir()
            rounds.append(one_round(top / "src", store))
    finally:
        shutil.rmtree(top)
    figures = [
        [name, *(f"{statistics.median(item[name][at] for item in rounds):.2f}" for at in range(3))]
        for name in rounds[0]
    ]
    header = ["phase", "wall s", "CPU s, controller", "CPU s, helper"]
    print(table(f"{options.files:,} small files, medians of {options.rounds}", header, figures))


if __name__ == "__main__":
    main()
