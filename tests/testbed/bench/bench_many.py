# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One model to eight clusters at once: what the controller reads, hashes and sends.

The eight are namespaces of the lab's two clusters, each with a claim of its own: login, API server
and helper are real for each, but four of them share an API server, and all share one machine.
"""

from __future__ import annotations

import functools
import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import measure
from bench_copy import MIB, model
from cluster import AGENT_IMAGE, Cluster, claim, receiver

CLUSTERS = ("factory", "shop")
HOSTS = 8
LIMIT_MIB = 40  # of the run with a limit over all tasks, MiB/s


class Sites:
    """The namespaces, and plays over them.

    Args:
        work: where plays and logs go.
        clusters: one for each namespace.
        size: of the model, in MiB.
    """

    def __init__(self, work: Path, clusters: Sequence[Cluster], size: int) -> None:
        self.work, self.clusters, self.size = work, clusters, size
        self.counter = 0

    def copy(
        self,
        number: int,
        *,
        forks: int = HOSTS,
        own_caches: bool = False,
        hosts: int = HOSTS,
        options: dict[str, str] | None = None,
    ) -> measure.Sample:
        """Measure a play that copies a model nobody has seen to the first C(hosts) namespaces.

        Args:
            number: of the round.
            forks: clusters at a time.
            own_caches: each task has its hashes for itself, as if it were alone.
            hosts: how many clusters.
            options: more options of the module.
        """
        src, name = self._fresh()
        caches = self.work / f"caches-{name}"
        cache = str(caches / ("{{ inventory_hostname }}" if own_caches else "one"))
        task = {
            "openvino.edge.model_repository": {
                "src": str(src),
                "namespace": "{{ namespace }}",
                "kubeconfig": "{{ kubeconfig }}",
                "pvc": {"claim_name": "models"},
                "transport": "agent",
                "agent_image": AGENT_IMAGE,
                **(options or {}),
            },
            "environment": {"EDGE_HASH_CACHE": cache},
        }
        sample = self._play([task], number, forks, hosts)
        self._check(name, hosts)
        return sample

    def nothing(self, number: int) -> measure.Sample:
        """Measure a play over all hosts that does nothing."""
        return self._play([{"ansible.builtin.meta": "noop"}], number, HOSTS, HOSTS)

    def kubectl_cp(self, number: int) -> measure.Sample:
        """Measure eight C(kubectl cp) at once, into pods that run already; nothing is verified."""
        src, name = self._fresh()
        single = [
            shlex.join([one.kubectl_path, "--kubeconfig", one.config, "cp", str(src / name)])
            + f" {one.namespace}/receiver:/data/models/{name} &"
            for one in self.clusters
        ]
        script = "\n".join([*single, "wait"])
        sample = self.clusters[0].measured(["/bin/sh", "-c", script], self.work / f"{name}.log")
        self._check(name, HOSTS)
        return sample

    def _fresh(self) -> tuple[Path, str]:
        self.counter += 1
        name = f"many{self.counter}"
        made = model(self.work / name, name, self.size)
        time.sleep(2.1)  # hashes of a file that was written less than 2 s ago are not kept
        return made, name

    def _play(
        self, tasks: Sequence[dict[str, Any]], number: int, forks: int, hosts: int
    ) -> measure.Sample:
        inventory = {
            f"site{place}": {"namespace": one.namespace, "kubeconfig": one.config}
            for place, one in enumerate(self.clusters[:hosts])
        }
        path = self.work / f"hosts-{self.counter}-{number}.json"
        path.write_text(json.dumps({"all": {"hosts": inventory}}))
        play = {
            "hosts": "all",
            "gather_facts": False,
            "connection": "local",
            "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
            "tasks": list(tasks),
        }
        book = self.work / f"play-{self.counter}-{number}-{forks}.yml"
        book.write_text(json.dumps([play]))
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        command = [program, "-i", str(path), "-f", str(forks), str(book)]
        return self.clusters[0].measured(command, book.with_suffix(".log"))

    def _check(self, name: str, hosts: int) -> None:
        """Check the size on each volume, then remove both ends."""
        for one in self.clusters[:hosts]:
            where = f"/data/models/{name}"
            size = f"-size {self.size * MIB}c"
            find = ["exec", "receiver", "--", "sh", "-c"]
            if "model.onnx" not in one.kubectl(*find, f"find {where} -name model.onnx {size}"):
                raise measure.BenchError(f"{one.namespace}: {where} does not hold {self.size} MiB")
            one.kubectl(*find, f"rm -rf {where}")
        for path in sorted((self.work / name).rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()


@contextmanager
def sites(work: Path, size: int) -> Iterator[Sites]:
    """Give the namespaces with claims and receiving pods; they go afterwards."""
    with ExitStack() as stack:
        made = []
        for place in range(HOSTS):
            folder = work / f"site{place}"
            folder.mkdir()
            one = Cluster(f"edge-bench-many-{place}", folder, CLUSTERS[place % len(CLUSTERS)])
            one.remove_namespace()
            stack.callback(one.remove_namespace)
            one.make_namespace()
            one.apply(claim("models", "4Gi"), receiver("receiver", "models"))
            made.append(one)
        for one in made:
            one.kubectl("wait", "--for=condition=Ready", "pod/receiver", "--timeout=120s")
            one.kubectl("exec", "receiver", "--", "mkdir", "-p", "/data/models")
        yield Sites(work, made, size)


def bench(work: Path, rounds: int, size: int) -> str:
    """Run all candidates and return the tables."""
    limit = {"bandwidth_limit_total": f"{LIMIT_MIB}M"}
    with sites(work, size) as there:
        candidates: dict[str, Callable[[int], measure.Sample]] = {
            "empty play": there.nothing,
            "one cluster": functools.partial(there.copy, hosts=1),
            "eight at once": there.copy,
            "eight at once, hashes of its own each": functools.partial(there.copy, own_caches=True),
            "eight, one after the other": functools.partial(there.copy, forks=1),
            "eight at once, limited": functools.partial(there.copy, options=limit),
            "kubectl cp, eight at once": there.kubectl_cp,
        }
        samples = measure.interleaved(candidates, rounds)
    return report(samples, size)


def report(samples: dict[str, list[measure.Sample]], size: int) -> str:
    """Return the figures, and what they say about one more cluster and about the limit."""
    middle = {name: measure.median(values) for name, values in samples.items()}
    rows = [[name, f"{s.wall:.2f}", f"{s.cpu:.2f}"] for name, s in middle.items()]
    rounds = len(samples["empty play"])
    title = f"{size} MiB to {HOSTS} namespaces with a claim each, medians of {rounds}"
    one, eight, limited = (
        middle[name] for name in ("one cluster", "eight at once", "eight at once, limited")
    )
    further = (eight.cpu - one.cpu) / (HOSTS - 1)
    net = limited.minus(middle["empty play"]).wall
    return (
        measure.table(title, ["command", "wall s", "CPU s"], rows)
        + f"\nCPU of each further cluster: {further:.2f} s."
        + f" {HOSTS} x {size} MiB at {LIMIT_MIB} MiB/s are {HOSTS * size / LIMIT_MIB:.1f} s;"
        + f" it took {net:.1f} s, net of an empty play and with the start of the helpers:"
        + f" {HOSTS * size / net:.1f} MiB/s.\n"
    )
