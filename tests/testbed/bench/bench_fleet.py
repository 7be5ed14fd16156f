# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it costs to ask a fleet of simulated clusters, and to roll out: `make bench-fleet`.

Each job runs on two numbers of clusters, which gives a slope: what one more cluster costs. Where a
thousand would take too long, they are the larger run and its slope. Nothing asserts a time.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, Sequence

import yaml

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "fleet")]

import measure  # noqa: E402
import peers  # noqa: E402
from rollouts import Rollouts  # noqa: E402
from show import ROOT  # noqa: E402
from simulated import MODEL, Simulation, simulated  # noqa: E402
from sites import Sites, sites  # noqa: E402

FLEET, ROLE, STOCK, EMPTY = "fleet_status", "role verify", "stock tasks", "nothing"
SITE, LOOK, ROLLOUT = "site, no change", "site, looked first", "rollout"
TOGETHER, SAME_TOGETHER = "rollout, one task", "no change, one task"
ASKED = (EMPTY, FLEET, ROLE, STOCK)
WORKED = (ROLLOUT, SITE, LOOK, TOGETHER, SAME_TOGETHER)
# Most clusters of the jobs that have tasks for each cluster: more would take many minutes.
MOST = {ROLE: 100, STOCK: 50}
THOUSAND = 1000
FORKS = 10

Play = dict[str, Any]


def plays(pems: Mapping[str, str]) -> dict[str, Path | list[Play]]:
    """Return the jobs: the playbook of ours, and plays that do the same in other ways."""
    about = {"hosts": "all", "gather_facts": False, "strategy": "linear"}
    return {
        EMPTY: [{**about, "tasks": [{"ansible.builtin.meta": "noop"}]}],
        FLEET: ROOT / "playbooks" / "verify.yml",
        ROLE: [{**about, "roles": ["openvino.edge.verify"]}],
        STOCK: [{**about, "tasks": stock_tasks(pems)}],
    }


def stock_tasks(pems: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the same job in tasks of others: Deployment, pods, and what each pod says."""
    login = {"kubeconfig": "{{ edge_kubeconfig }}", "namespace": "{{ edge_namespace }}"}
    states = f"answer.json.{MODEL}.model_version_status"
    return [
        {
            "kubernetes.core.k8s_info": {
                **login,
                "api_version": "apps/v1",
                "kind": "Deployment",
                "name": "ovms",
            },
            "register": "deployment",
        },
        {
            "kubernetes.core.k8s_info": {
                **login,
                "kind": "Pod",
                "label_selectors": ["openvino.edge/server=ovms"],
            },
            "register": "pods",
        },
        {
            "ansible.builtin.uri": {
                "url": "{{ server }}/api/v1/namespaces/{{ edge_namespace }}/pods/"
                "{{ item.metadata.name }}:8081/proxy/v1/config",
                "ca_path": pems["ca"],
                "client_cert": pems["cert"],
                "client_key": pems["key"],
                "return_content": True,
            },
            "loop": "{{ pods.resources }}",
            "loop_control": {"label": "{{ item.metadata.name }}"},
            "vars": {"server": pems["server"]},
            "register": "answer",
            "failed_when": f"{states} | map(attribute='state') | list != ['AVAILABLE']",
        },
    ]


def pems(kubeconfig: Path, folder: Path) -> dict[str, str]:
    """Write the certificates of a kubeconfig to files, for modules that do not read it."""
    content = yaml.safe_load(kubeconfig.read_text())
    cluster, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
    found = {"server": str(cluster["server"])}
    for name, text in (
        ("ca", cluster["certificate-authority-data"]),
        ("cert", user["client-certificate-data"]),
        ("key", user["client-key-data"]),
    ):
        path = folder / f"{name}.pem"
        path.write_bytes(base64.b64decode(text))
        found[name] = str(path)
    return found


@dataclass(frozen=True)
class Slope:
    """One job on two numbers of clusters."""

    few: int
    many: int
    at_few: measure.Sample
    at_many: measure.Sample

    def each(self, figure: str) -> float:
        """Return what one more cluster costs."""
        rise = getattr(self.at_many, figure) - getattr(self.at_few, figure)
        return float(rise / (self.many - self.few))

    def at(self, count: int, figure: str) -> float:
        """Return what so many cost: as measured, or the larger run and its slope."""
        return float(getattr(self.at_many, figure) + self.each(figure) * (count - self.many))


def sizes(job: str, clusters: int, few: int | None = None) -> tuple[int, int]:
    """Return the two numbers of clusters for a job; the smaller one is a fifth, if not given."""
    many = min(clusters, MOST.get(job, clusters))
    return min(few, many - 1) if few else max(1, many // 5), many


def measured(
    work: Path, name: str, playbook: Path, hosts: Path, forks: int = FORKS
) -> measure.Sample:
    """Measure one run of a playbook, and say what it took."""
    settings = work / "ansible.cfg"
    settings.write_text("[defaults]\n")
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": f"{ROOT / 'collections'}:{peers.kubernetes_core()}",
        "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",
        "ANSIBLE_CONFIG": str(settings),
        "ANSIBLE_FORKS": str(forks),
        "ANSIBLE_INVENTORY_ENABLED": "yaml",
    }
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    command = [program, "-i", str(hosts), str(playbook)]
    sample = measure.run(command, environment, work / f"{name}.log", tree=True)
    sys.stderr.write(
        f"{name}: {sample.wall:.1f} s wall, {sample.cpu:.1f} s CPU, {sample.rss:.0f} MiB,"
        f" {sample.main:.0f} MiB in the main process\n"
    )
    return sample


class Works:
    """Rolls out on simulated clusters whose pods do their work."""

    def __init__(self, simulation: Sites, work: Path, forks: int) -> None:
        self._samples: dict[str, measure.Sample] = {}
        self._rollouts = Rollouts(simulation, self._play)
        self._work, self._forks = work, forks
        self._rollouts.install()

    def slopes(
        self, chosen: Sequence[str], counts: tuple[int, int], rounds: int
    ) -> dict[str, Slope]:
        """Measure rollouts and runs that change nothing on both numbers of clusters, in turns."""
        few, many = counts
        steps = {
            ROLLOUT: self._rollouts.next,
            SITE: self._rollouts.again,
            LOOK: self._rollouts.looked_first,
            TOGETHER: self._rollouts.next_together,
            SAME_TOGETHER: self._rollouts.again_together,
        }
        steps = {job: step for job, step in steps.items() if job in chosen}
        runs: dict[str, list[measure.Sample]] = {}
        for _ in range(rounds):
            for count in (few, many):
                for job, step in steps.items():
                    name = f"{job.replace(', ', '-').replace(' ', '-')}-{count}"
                    step(count, name)
                    runs.setdefault(f"{job} {count}", []).append(self._samples[name])
        return {
            job: Slope(
                few,
                many,
                measure.median(runs[f"{job} {few}"]),
                measure.median(runs[f"{job} {many}"]),
            )
            for job in steps
        }

    def _play(self, name: str, playbook: Path, hosts: Path) -> None:
        self._samples[name] = measured(self._work, name, playbook, hosts, self._forks)


class Bench:
    """Runs the jobs that ask on a simulation."""

    def __init__(self, simulation: Simulation, work: Path) -> None:
        self._simulation = simulation
        self._work = work
        self._plays = plays(pems(simulation.kubeconfig(), work))

    def run(self, job: str, count: int) -> measure.Sample:
        """Measure one run of a job on so many clusters."""
        name = f"{job.replace(' ', '-')}-{count}"
        found = self._plays[job]
        playbook = found if isinstance(found, Path) else self._work / f"{name}.yml"
        if not isinstance(found, Path):
            playbook.write_text(json.dumps(found))
        hosts = self._simulation.inventory(self._simulation.hosts(count), name)
        return measured(self._work, name, playbook, hosts)

    def slope(self, job: str, clusters: int, rounds: int) -> Slope:
        """Measure a job on both numbers of clusters, the median of each."""
        few, many = sizes(job, clusters)
        self.run(job, 1)  # so that files are in memory for the first run, too
        runs = [(self.run(job, few), self.run(job, many)) for _ in range(rounds)]
        return Slope(
            few, many, measure.median([a for a, _ in runs]), measure.median([b for _, b in runs])
        )


def report(slopes: Mapping[str, Slope]) -> str:
    """Return the tables."""
    rows = [
        [
            job,
            str(count),
            f"{sample.wall:.1f} s",
            f"{sample.cpu:.1f} s",
            f"{sample.rss:.0f} MiB",
            f"{sample.main:.0f} MiB",
        ]
        for job, slope in slopes.items()
        for count, sample in ((slope.few, slope.at_few), (slope.many, slope.at_many))
    ]
    header = ["job", "clusters", "wall", "CPU of the controller", "its memory", "main process"]
    made = measure.table("As measured", header, rows)
    each = [
        [
            job,
            f"{1000 * slope.each('wall'):.0f} ms",
            f"{1000 * slope.each('cpu'):.0f} ms",
            f"{1024 * slope.each('rss'):.0f} KiB",
            f"{1024 * slope.each('main'):.0f} KiB",
            *(
                f"{'about ' * (slope.many != THOUSAND)}{slope.at(THOUSAND, figure):.0f} {unit}"
                for figure, unit in (("wall", "s"), ("cpu", "s"), ("main", "MiB"))
            ),
        ]
        for job, slope in slopes.items()
    ]
    header = ["job", "wall", "CPU", "memory", "main process"]
    header += ["1,000: wall", "1,000: CPU", "1,000: main process"]
    return f"{made}\n{measure.table('Each further cluster, and a thousand', header, each)}"


def machine(forks: int) -> str:
    """Return one line on the machine and how busy it is: figures mean nothing without it."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return (
        f"Machine: {os.cpu_count()} cores, {pages / 2**30:.0f} GiB; load average "
        f"{os.getloadavg()[0]:.1f} before the first run. The API server runs on it, too. "
        f"{forks} forks. One OVMS stand-in answers for all clusters."
    )


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clusters", type=int, default=100, help="simulated clusters")
    parser.add_argument("--rounds", type=int, default=1, help="runs of each job and size")
    parser.add_argument("--few", type=int, help="clusters of the smaller run of a rollout")
    parser.add_argument("--forks", type=int, default=FORKS, help="of rollouts")
    parser.add_argument("--only", choices=[*ASKED, *WORKED], action="append")
    return parser.parse_args(given)


def all_slopes(work: Path, options: argparse.Namespace) -> dict[str, Slope]:
    """Make the simulated clusters that the chosen jobs need, and measure."""
    chosen = options.only or [*ASKED, *WORKED]
    slopes: dict[str, Slope] = {}
    if set(chosen) & set(ASKED):
        with simulated(work, options.clusters) as simulation:
            bench = Bench(simulation, work)
            for job in chosen:
                if job in ASKED:
                    slopes[job] = bench.slope(job, options.clusters, options.rounds)
    if set(chosen) & set(WORKED):
        work.chmod(0o711)  # helpers run as other users
        with sites(work / "sites", options.clusters) as found:
            counts = sizes(ROLLOUT, options.clusters, options.few)
            works = Works(found, work, options.forks)
            slopes.update(works.slopes(chosen, counts, options.rounds))
    return slopes


def main() -> int:
    """Make the clusters, run the jobs, and print the tables; exit code 1 when a job failed."""
    options = arguments()
    told = machine(options.forks)
    with tempfile.TemporaryDirectory(prefix="edge-bench-fleet-") as folder:
        work = Path(folder)
        try:
            slopes = all_slopes(work, options)
        except measure.BenchError as error:
            sys.stderr.write(f"bench-fleet: {error}\n")
            return 1
    print(f"{told}\n\n{report(slopes)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
