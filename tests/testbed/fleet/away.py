# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make fleet-away`: a real API server stands still, or is killed, in the middle of a rollout.

Three sites share a lab cluster of their own, C(away), which is up meanwhile; no other cluster is
touched. Each rollout brings the next version of a model to all of them. At a random moment of it
the process of the API server is stopped (SIGSTOP) for eight seconds, or killed and started again.
The rollout has to end as one that nobody disturbed: with status 0, each site done, one release
more, nobody's pods left, and nothing to change for the same command once more.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubernetes import client as k8s
from kubernetes import config as k8s_config
from show import GOOD, Show
from simulated import lab

sys.path.append(str(Path(__file__).resolve().parents[1] / "lab"))

from edge_lab import cluster as lab_clusters  # noqa: E402
from edge_lab import machine  # noqa: E402

CLUSTER = "away"
SITES = ("canary", "north", "south")
IMAGES = ("edge-python-3.11.tar", "ovms-standin-2026.3.tar")
WAVES: list[Any] = [{"name": "first", "clusters": ["canary"]}, {"name": "rest", "rest": True}]
WAYS: dict[str, dict[str, Any]] = {"tasks": {}, "one task": {"edge_one_task": True}}
STILL = 8.0  # seconds
PAUSES = (0.5, 5.0)  # seconds from the end of an API server until it is started again
MORE = 4 << 20  # bytes of a version beside its model, so that many a moment meets a copy
GONE_SECONDS = 60.0  # in which the pods of copies have ended
CHANGED = re.compile(r"^\S+ +: ok=\d+ +changed=(\d+) ", re.M)


def stand_still(_chance: random.Random) -> str:
    """Stop the API server's process for a while; return what was done."""
    server = _server()
    os.kill(server, signal.SIGSTOP)
    try:
        time.sleep(STILL)
    finally:
        os.kill(server, signal.SIGCONT)
    return f"stood still for {STILL:g} s"


def kill(chance: random.Random) -> str:
    """Kill the API server and start it again, and what has ended for lack of it."""
    pause = chance.uniform(*PAUSES)
    os.kill(_server(), signal.SIGKILL)
    time.sleep(pause)
    lab("up", CLUSTER)
    return f"was killed, and started again {pause:.1f} s later"


STRIKES: tuple[Callable[[random.Random], str], ...] = (stand_still, kill)


def _server() -> int:
    """Return the process of the API server of the cluster that is here for this."""
    found = machine.component_pid(lab_clusters.get(CLUSTER).control, "kube-apiserver")
    if found is None:
        raise RuntimeError("the API server does not run")
    return found


@dataclass
class Away(Show):
    """The three sites.

    Attributes:
        more: variables of the next rollout.
        version: the newest one.
    """

    more: dict[str, Any] = field(default_factory=dict)
    version: int = 0

    @property
    def core(self) -> k8s.CoreV1Api:
        """Return a client of the cluster."""
        return k8s.CoreV1Api(k8s_config.new_client_from_config(lab("kubeconfig", CLUSTER)))

    def next(self) -> None:
        """Write the next version; it is the only one, so that its files alone are copied."""
        self.version += 1
        directory = self.folder / f"models-{self.version}" / "tiny" / str(self.version)
        (directory / "extra").mkdir(parents=True)
        (directory / "model.xml").write_text(GOOD)
        (directory / "model.bin").write_bytes(b"")
        (directory / "extra" / "table.dat").write_bytes(os.urandom(MORE))

    def inventory(self, version: int) -> Path:
        """Write the inventory that wants one version of the model."""
        hosts = {site: {"edge_namespace": f"{self.namespace}-{site}"} for site in SITES}
        common = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "edge_kubeconfig": lab("kubeconfig", CLUSTER),
            "edge_store": {"pvc": {"claim_name": "models"}},
            "edge_namespace_labels": {"pod-security.kubernetes.io/enforce": "restricted"},
            "edge_create": True,
            "preflight_claim_size": "256Mi",
            "edge_src": str(self.folder / f"models-{version}"),
            "edge_models": [{"name": "tiny", "versions": [version]}],
            "edge_image": "localhost/ovms-standin:2026.3",
            "edge_agent_image": "localhost/edge-python:3.11",
            "edge_waves": WAVES,
            "edge_fleet": "away",
            "edge_journal": str(self.folder / "journal.sqlite"),
            **self.more,
        }
        written = self.folder / "hosts.json"
        written.write_text(json.dumps({"sites": {"hosts": hosts, "vars": common}}, indent=1))
        return written

    def rollout(self, strike: Callable[[], str] | None, after: float) -> Told:
        """Roll the newest version out, and strike so many seconds after the canary has begun."""
        process = self.start("site.yml", self.version)
        told = Told()
        with ThreadPoolExecutor(1) as pool:
            watch = pool.submit(self._strike, process, strike, after)
            told.text = process.communicate()[0]
            told.code = process.returncode
            told.struck, since = watch.result()
        told.seconds = time.monotonic() - since if since else 0.0
        return told

    def _strike(
        self,
        process: "subprocess.Popen[str]",
        strike: Callable[[], str] | None,
        after: float,
    ) -> tuple[str, float]:
        """Strike at the moment, unless all is over; return what was done, and since when."""
        while process.poll() is None and self.state("canary") != "begun":
            time.sleep(0.02)
        since = time.monotonic()
        if strike is None:
            return "", since
        time.sleep(after)
        return (strike() if process.poll() is None else ""), since

    def faults(self, told: Told, before: dict[str, list[tuple[int, str]]]) -> list[str]:
        """Return what is not as after a rollout that nobody has disturbed."""
        if told.code:
            return [f"status {told.code}: {told.text[-3000:]}"]
        found = [f"{site} is {self.state(site)}" for site in SITES if self.state(site) != "done"]
        wanted = {site: [*releases, (self.version, "good")] for site, releases in before.items()}
        if self.releases() != wanted:
            found.append(f"releases {self.releases()} and not {wanted}")
        end = time.monotonic() + GONE_SECONDS
        while self.helpers() and time.monotonic() < end:
            time.sleep(0.5)
        found += [f"{name} is left" for name in self.helpers()]
        again = self.rollout(None, 0.0)
        changes = [int(count) for count in CHANGED.findall(again.text)]
        # Sites whose turns are gone through in one task have none of their own in the recap.
        if again.code or any(changes) or not changes:
            found.append(f"once more: status {again.code}, {changes} changes: {again.text[-2000:]}")
        return found

    def releases(self) -> dict[str, list[tuple[int, str]]]:
        """Return version and verdict of each release of each site, the oldest first."""
        core, found = self.core, {}
        for site in SITES:
            listed = core.list_namespaced_config_map(
                f"{self.namespace}-{site}", label_selector="openvino.edge/release-of=ovms"
            )
            records = [json.loads(item.data["release.json"]) for item in listed.items]
            records.sort(key=lambda record: int(record["number"]))
            found[site] = [(item["models"][0]["versions"][0], item["verdict"]) for item in records]
        return found

    def helpers(self) -> list[str]:
        """Return the pods of copies that are there."""
        core = self.core
        return [
            f"{site}/{item.metadata.name}"
            for site in SITES
            for item in core.list_namespaced_pod(f"{self.namespace}-{site}").items
            if not item.metadata.name.startswith("ovms")
        ]


@dataclass
class Told:
    """What a rollout has said, and how long it took from the canary's beginning."""

    code: int = 0
    text: str = ""
    struck: str = ""
    seconds: float = 0.0


def acts(show: Away, ways: Sequence[str], trials: int, chance: random.Random) -> tuple[int, int]:
    """Disturb rollouts of each way by each strike; return how many, and how many ended badly."""
    count = bad = 0
    show.next()
    first = show.rollout(None, 0.0)
    if first.code:
        raise RuntimeError(f"no fleet to begin with: {first.text[-3000:]}")
    for way in ways:
        show.more = WAYS[way]
        show.next()
        calm = show.rollout(None, 0.0)
        print(f"{way}: nobody disturbs it, {calm.seconds:.1f} s", flush=True)
        for strike in STRIKES * trials:
            before = show.releases()
            show.next()
            after = chance.uniform(0.0, 0.7) * calm.seconds
            told = show.rollout(lambda strike=strike: strike(chance), after)  # type: ignore[misc]
            faults = show.faults(told, before)
            count += bool(told.struck)
            if not told.struck:  # the machine has become quicker since
                calm.seconds = min(calm.seconds, told.seconds)
            bad += bool(faults)
            words = "; ".join(faults) or "ended as without it"
            what = told.struck or "was not struck: it was over"
            print(f"{way}: after {after:.1f} s the API server {what}; {words}", flush=True)
    return count, bad


def main(arguments: Sequence[str]) -> int:
    """Do it, and end with one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=3, help="of each way and strike")
    parser.add_argument("--only", choices=sorted(WAYS), action="append")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}: the same moments again with --seed {options.seed}", flush=True)
    cache = Path(os.environ.get("EDGE_CACHE") or Path.home() / ".cache" / "openvino-edge")
    images = [str(cache / "images" / name) for name in IMAGES]
    with tempfile.TemporaryDirectory(prefix="edge-away-") as folder:
        try:
            lab("down", CLUSTER)
            lab("up", CLUSTER)
            lab("load-image", *images, "--cluster", CLUSTER)
            show = Away(Path(folder), "away")
            count, bad = acts(
                show, options.only or list(WAYS), options.trials, random.Random(options.seed)
            )
        finally:
            lab("down", CLUSTER)
    print(f"fleet-away: {len(SITES)} sites, {count} rollouts disturbed, {bad} ended otherwise")
    return 1 if bad or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
