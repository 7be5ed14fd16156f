# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the time of big files goes: wall and CPU of each phase, on both ends.

Needs no cluster: the real helper is a process on loopback, so Ansible, TLS, the API server and the
start of a pod are not in it. The store is made anew in C(--directory), which should be on a disk.

    tools/run python tests/testbed/bench/profile_copy.py --mib 512
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "tests"))

from ansible_collections.openvino.edge.plugins.module_utils.repository.content.manifest import (  # noqa: E402
    HashCache,
    build,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.delta.pack import (  # noqa: E402
    FileJob,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.plan.origins import (  # noqa: E402
    LINKED,
    SENT,
    Library,
    origins_of,
    reuse_of,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.source.opening import (  # noqa: E402
    DirectorySource,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.base import (  # noqa: E402
    Channel,
    Flow,
)
from measure import table  # noqa: E402
from profile_small import Profile, Row  # noqa: E402
from repository_data import CHANGES, Job, new_part, one_file, parts  # noqa: E402
from unit.repository.conftest import start_agent  # noqa: E402
from unit.repository.near import NearClient, channel_of  # noqa: E402


def one_copy(profile: Profile, channel: Channel, job: Job, name: str) -> None:
    """Copy one version as a task does, with the version before it as basis."""
    source = DirectorySource(str(job.repository), ())
    versions = {item.version: item for item in source.repository.versions}
    version = versions[job.version]
    manifest = profile.phase(f"{name}: hash", lambda: build(version, HashCache()))
    inventory = channel.inventory().versions
    library = Library.of(inventory, recorded_ones=True)
    origins = origins_of(manifest, {}, library, deltas=True, twins=True)
    reuse = reuse_of(origins, LINKED)
    profile.phase(f"{name}: stage, links", lambda: channel.stage(manifest, reuse))
    new = {item.path: item.source for item in version.files}
    old = {item.path: item.source for item in versions[job.basis].files} if job.basis else {}
    jobs = [
        FileJob(
            item.number,
            new[item.entry.path],
            item.entry,
            old=old[item.entry.path] if item.basis else None,
            basis=item.basis,
        )
        for item in origins
        if item.kind == SENT
    ]
    profile.phase(f"{name}: send", lambda: channel.send(manifest, jobs, Flow()))
    profile.phase(f"{name}: publish", lambda: channel.publish(manifest))


def one_round(top: Path, mib: int, only: str) -> dict[str, Row]:
    """Do each situation once, into an empty store."""
    store = top / "store"
    store.mkdir()
    agent = start_agent(store, EDGE_IDLE="600")
    profile = Profile(agent)
    channel = channel_of("agent", NearClient(store, store, agent.port))
    try:
        channel.lock("profile", "profile")
        job = Job(top / "src", "one", 1)
        one_file(job, mib)
        one_copy(profile, channel, job, "first copy")
        for name, change in CHANGES.items():
            if only in name:
                job = job.next()
                change(job)
                one_copy(profile, channel, job, name)
        if only in "95 % unchanged":
            shutil.rmtree(top / "src")
            job = Job(top / "src", "parts", 1)
            parts(job, mib)
            one_copy(profile, channel, job, "20 files")
            job = job.next()
            new_part(job)
            one_copy(profile, channel, job, "95 % unchanged")
        return profile.rows
    finally:
        channel.close()
        agent.end()


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", default="", help="part of the name of a situation")
    parser.add_argument("--directory", default="/var/tmp", help="on the disk to measure")
    options = parser.parse_args()
    rounds: list[dict[str, Row]] = []
    for _number in range(options.rounds):
        top = Path(tempfile.mkdtemp(prefix="edge-copy-", dir=options.directory))
        try:
            rounds.append(one_round(top, options.mib, options.only))
        finally:
            shutil.rmtree(top)
    figures = [
        [name, *(f"{statistics.median(item[name][at] for item in rounds):.2f}" for at in range(3))]
        for name in rounds[0]
    ]
    header = ["phase", "wall s", "CPU s, controller", "CPU s, helper"]
    print(table(f"{options.mib} MiB, medians of {options.rounds}", header, figures))


if __name__ == "__main__":
    main()
