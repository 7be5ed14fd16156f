"""`make fleet-kills`: SIGKILL of the controller at random moments of a rollout, again and again.

The clusters are none. Their job leaves marks on the disk as a copy does: ten blocks, of which the
ones that arrived are not sent again, then one publication. After each kill the same command runs
once more, until the rollout has ended. The end has to be that of a rollout nobody disturbed, no
cluster may begin before the wave before its own is through, and none may be published twice. All of
it is done with tasks for each cluster, and with one task for each batch (`edge_one_task`).
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Sequence

import wavekit

BLOCKS = 10
# A rollout that has not ended after so many kills gets to its end undisturbed.
KILLS_EACH = 12
# Of what an undisturbed run prints and notes, so much may pass before the next kill.
NEXT = 0.35
# What a job notes counts so much more than what is printed, so that many a kill meets a copy.
NOTED = 10
ROUNDS_MOST = 60
COPY = """
import os, sys, time
folder, cluster, wave, count = sys.argv[1:]
path = os.path.join(folder, cluster)
note = os.path.join(folder, "events")

def tell(kind):
    with open(note, "a") as events:
        print(kind, cluster, wave, file=events)

tell("begin")
if not os.path.exists(path + ".published"):
    done = os.path.getsize(path) if os.path.exists(path) else 0
    with open(path, "a") as blocks:
        for _ in range(done, int(count)):
            blocks.write(".")
            blocks.flush()
            tell("block")
            time.sleep(0.01)
    os.rename(path, path + ".published")
# Also by the run after one that was killed between the renaming and this.
if f"publish {cluster} {wave}" not in open(note).read().splitlines():
    tell("publish")
"""


@dataclass
class Rollout:
    """One rollout that is killed until it has ended.

    Attributes:
        folder: for everything of it.
        hosts: what each cluster does, see C(wavekit.run).
        given: variables of the inventory.
        kills: how often it was killed so far.
        faults: what was not as it should be.
    """

    folder: Path
    hosts: dict[str, str]
    given: dict[str, Any]
    kills: int = 0
    faults: list[str] = field(default_factory=list)

    def undisturbed(self) -> int:
        """Run it to its end and return how many bytes it printed and noted."""
        self._run(None)
        (log,) = self.folder.glob("run-*.log")
        return _told(log, self.store / "events", 0)

    def disturbed(self, chance: random.Random, told: int, most: int = KILLS_EACH) -> None:
        """Kill it when it has told a random part of what it tells, until it ends before that.

        What it prints, and its jobs note, tells how far it is on a machine of any speed.
        """
        for _ in range(ROUNDS_MOST):
            wanted = self.kills < most
            killed = self._run(int(chance.uniform(0.0, NEXT) * told) if wanted else None)
            self.kills += killed
            if not killed:
                return
        self.faults.append(f"it has not ended after {ROUNDS_MOST} runs")

    def _run(self, told: int | None) -> bool:
        """Run the command, until it has told so many bytes; return whether it was killed."""
        log, events = self.folder / f"run-{time.monotonic_ns()}.log", self.store / "events"
        before = _size(events)
        with log.open("w") as output:
            process = wavekit.start(
                self.folder, plays(self.folder), self.hosts, output, **self.given
            )
            while process.poll() is None:
                if told is not None and _told(log, events, before) >= told:
                    break
                time.sleep(0.01)
            killed = process.poll() is None
            if killed:
                kill_all(f"{wavekit.MARK}={self.folder}".encode())
            process.wait()
        ended = self._has_ended()
        if not killed and not ended:
            self.faults.append(f"a run ended before the rollout: {log.read_text()[-3000:]}")
        return killed and not ended

    def _has_ended(self) -> bool:
        """Return whether a run was killed only after it had written the end of the rollout."""
        if not (self.folder / "journal.sqlite").exists():
            return False
        with sqlite3.connect(self.folder / "journal.sqlite") as store:
            found = list(store.execute("SELECT ended FROM rollouts ORDER BY number DESC LIMIT 1"))
        return bool(found and found[0][0])

    # -- what came of it ----------------------------------------------------------------------

    def end(self) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], list[str]]:
        """Return rollouts and clusters of the journal, and what lies on the disk."""
        with sqlite3.connect(self.folder / "journal.sqlite") as store:
            rollouts = list(store.execute("SELECT verdict, stopped FROM rollouts ORDER BY number"))
            clusters = list(
                store.execute("SELECT cluster, wave, state, phase FROM clusters ORDER BY cluster")
            )
        return rollouts, clusters, sorted(path.name for path in self.store.iterdir())

    @property
    def store(self) -> Path:
        """Return where the clusters' marks are."""
        return self.folder / "store"

    def events(self) -> list[list[str]]:
        """Return what the jobs did, in order."""
        return [line.split() for line in (self.store / "events").read_text().splitlines()]

    def judge(self, calm: Rollout) -> None:
        """Compare it with one that nobody disturbed."""
        if self.end() != calm.end():
            self.faults.append(f"it ended otherwise: {self.end()} and not {calm.end()}")
        published: set[str] = set()
        waves = {cluster: wave for cluster, wave, *_ in calm.end()[1]}
        for kind, cluster, _wave in self.events():
            before = {name for name, wave in waves.items() if wave < waves[cluster]}
            served = {name for name in before if not self.hosts[name]}
            if kind == "begin" and not served <= published:
                late = sorted(served - published)
                self.faults.append(f"{cluster} began before its wave: {late}")
            if kind == "publish":
                if cluster in published:
                    self.faults.append(f"{cluster} was published twice")
                published.add(cluster)
        if self.blocks > 1.05 * calm.blocks + self.kills:
            self.faults.append(f"{self.blocks} blocks were sent, and {calm.blocks} without kills")

    @property
    def blocks(self) -> int:
        """Return how many blocks were sent."""
        return sum(1 for kind, *_ in self.events() if kind == "block")

    @property
    def turns(self) -> int:
        """Return how many turns of clusters were begun."""
        return sum(1 for kind, *_ in self.events() if kind == "begin")


def kill_all(mark: bytes) -> None:
    """SIGKILL every process that has a variable in its environment, as a lost machine would.

    Ansible's workers have sessions of their own, and outlive the program that started them.
    """
    while found := [
        pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if has(pid, mark)
    ]:
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.005)


def has(pid: int, mark: bytes) -> bool:
    """Return whether a process lives and has a variable in its environment."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        return mark in environment.split(b"\0") and " Z " not in _stat(pid)
    except OSError:
        return False


def _stat(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _told(log: Path, events: Path, before: int) -> int:
    """Return how much a run has printed and noted, of which there was some before."""
    return _size(log) + NOTED * (_size(events) - before)


def plays(folder: Path) -> list[wavekit.Play]:
    """Return the plays, in which the one task of a batch knows the modules of the job."""
    made = wavekit.ours(job(folder))
    for task in (task for play in made for task in play["tasks"]):
        for item in task.get("block", ()):
            if "openvino.edge.rollout_turns" in item:
                item["turns_of_none"] = item.pop("openvino.edge.rollout_turns")
    return made


def job(folder: Path) -> wavekit.Tasks:
    """Return the job's tasks: fail where the inventory says so, else copy and publish."""
    program = folder / "copy.py"
    program.write_text(COPY)
    return [
        {
            "name": "Fail where the test says so",
            "ansible.builtin.fail": {"msg": "the model does not load"},
            "when": "how | default('') == 'fail'",
        },
        {
            "name": "Copy and publish",
            "ansible.builtin.command": {
                "argv": [
                    sys.executable,
                    str(program),
                    str(folder / "store"),
                    "{{ inventory_hostname }}",
                    "{{ __edge_batch.wave }}",
                    str(BLOCKS),
                ]
            },
        },
    ]


def kinds(count: int) -> list[tuple[str, dict[str, str], dict[str, Any]]]:
    """Return the rollouts to try: one that goes through, one whose budget is spent, in each way."""
    names = [f"c{number:03}" for number in range(1, count + 1)]
    waves = [1, "20%", {"name": "rest", "rest": True, "batch": max(2, count // 4)}]
    good = dict.fromkeys(names, "")
    # The second batch of the last wave has one failure more than may be.
    bad = {name: "fail" if name in names[-2:] else "" for name in names}
    ends: list[tuple[str, dict[str, str], dict[str, Any]]] = [
        ("all is well", good, {"edge_waves": waves}),
        ("the budget is spent", bad, {"edge_waves": waves, "edge_max_failures": 0}),
    ]
    ways: list[tuple[str, dict[str, Any]]] = [("", {}), (", one task", {"edge_one_task": True})]
    return [
        (name + way, hosts, {**given, **more}) for way, more in ways for name, hosts, given in ends
    ]


def tried(folder: Path, count: int, kills: int, seed: int) -> list[tuple[str, Rollout, Rollout]]:
    """Kill rollouts of each kind until it was often enough; return each beside its calm one."""
    found = []
    chance = random.Random(seed)
    tries = kinds(count)
    for name, hosts, given in tries:
        calm = Rollout(_place(folder), hosts, given)
        told = calm.undisturbed()
        left = max(1, kills // len(tries))
        while left > 0:
            rollout = Rollout(_place(folder), hosts, given)
            rollout.disturbed(chance, told, min(left, KILLS_EACH))
            rollout.judge(calm)
            found.append((name, rollout, calm))
            left -= max(1, rollout.kills)
            words = "; ".join(rollout.faults) or "as without a kill"
            print(
                f"{name}: {rollout.kills} kills, {rollout.turns} turns for {len(calm.end()[1])}"
                f" clusters, blocks {rollout.blocks / calm.blocks:.2f}x, {words}",
                flush=True,
            )
    return found


def _place(folder: Path) -> Path:
    place = Path(tempfile.mkdtemp(dir=folder))
    (place / "store").mkdir()
    return place


def main(arguments: Sequence[str]) -> int:
    """Do it, and end with one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clusters", type=int, default=50)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}: the same moments again with --seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="edge-kills-") as folder:
        found = tried(Path(folder), options.clusters, options.kills, options.seed)
        kills = sum(rollout.kills for _name, rollout, _calm in found)
        bad = [rollout for _name, rollout, _calm in found if rollout.faults]
        most = max(rollout.blocks / calm.blocks for _name, rollout, calm in found)
    print(
        f"fleet-kills: {options.clusters} clusters that are none, {len(found)} rollouts,"
        f" {kills} kills, blocks at most {most:.2f}x, {len(bad)} ended otherwise"
    )
    return 1 if bad or not kills else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
