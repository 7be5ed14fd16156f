# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real receptor mesh, on machines that are network namespaces on the bridge of a lab cluster.

``control`` only knows the address of ``hop``, and so do the nodes that execute: each job and each
of its events crosses the hop. Nodes are told apart as machines are: a host name, processes and
addresses of their own. receptor is a program of whoever runs the tests (``EDGE_RECEPTOR``, else
the one in ``PATH``); receptorctl comes from PyPI, once into the cache.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from awx_jobs import Job, process, runner, transmit
from edge_faults.netlab import ControllerNet, die_with_parent, run
from edge_lab.plan import Cluster
from web.fetched import from_pypi

HERE = Path(__file__).parent
CONTROL, HOP, EXECUTION = "control", "hop", ("exec-1", "exec-2")
WORK = "ansible-runner"
PORT = 27199
# A node whose route is lost is asked for again after some seconds (pkg/netceptor).
JOIN_SECONDS = 60.0


def program() -> str | None:
    """Return the path of receptor, if there is one."""
    return os.environ.get("EDGE_RECEPTOR") or shutil.which("receptor")


def receptorctl(*arguments: str) -> list[str]:
    """Return a command of receptorctl, which is fetched once."""
    text = "import sys; sys.path.insert(0, sys.argv.pop(1))"
    text += "; from receptorctl import run; sys.exit(run())"
    return [sys.executable, "-c", text, str(from_pypi("receptorctl", HERE)), *arguments]


@dataclass
class Node:
    """One machine of the mesh.

    Attributes:
        name: by which receptor and the others know it.
        net: its network.
        folder: what its disk has; it outlives the machine.
    """

    name: str
    net: ControllerNet
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self, config: list[dict[str, Any]], env: dict[str, str]) -> None:
        """Switch the machine on."""
        self.folder.mkdir(exist_ok=True)
        file = self.folder / "receptor.conf"
        file.write_text(json.dumps(config))
        self.net.up()
        # The socket of the one before would be taken for an answer of this one.
        self.socket.unlink(missing_ok=True)
        apart = ["unshare", "--uts", "--pid", "--mount-proc", "--fork", "--kill-child"]
        begin = 'hostname "$0" && exec "$@"'
        receptor = ["sh", "-c", begin, self.name, str(program()), "--config", str(file)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.net.inside(*apart, *receptor),
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )

    def lose(self) -> None:
        """End the machine as a power cut does: nobody is told, not even by a closed connection."""
        subprocess.run(["ip", "link", "delete", self.net.link], capture_output=True, check=False)
        self.net.down()
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    @property
    def socket(self) -> Path:
        """Where receptorctl talks to it."""
        return self.folder / "control.sock"


@dataclass
class Work:
    """A job that a node of the mesh has been given, and the programs that follow it."""

    job: Job
    pipeline: list[subprocess.Popen[bytes]]

    def wait(self, seconds: float) -> tuple[str, int]:
        """Wait until the last event has come; returns status and exit code of the job."""
        end = time.monotonic() + seconds
        for child in self.pipeline:
            child.wait(max(0.1, end - time.monotonic()))
        return self.job.result()

    def give_up(self) -> None:
        """Follow it no more, as AWX does with the job of a node that it hears nothing of."""
        for child in self.pipeline:
            child.kill()
            child.wait()


@dataclass
class Mesh:
    """The machines of a mesh by name.

    Attributes:
        cluster: of the lab; its bridge is the network.
        folder: has a folder for each machine.
        env: of the jobs.
    """

    cluster: Cluster
    folder: Path
    env: dict[str, str]
    nodes: dict[str, Node] = field(default_factory=dict)

    def up(self) -> None:
        """Switch all machines on, and wait until the first knows the last."""
        # Beside the addresses of the cluster's machines, and of other controllers.
        for number, name in enumerate((CONTROL, HOP, *EXECUTION), 31):
            net = ControllerNet(self.cluster, number)
            self.nodes[name] = Node(name, net, self.folder / name)
        for name in self.nodes:
            self.start(name)
        self.until_there(*EXECUTION)

    def start(self, name: str) -> None:
        """Switch a machine on, for the first time or once more."""
        node = self.nodes[name]
        parts: list[dict[str, Any]] = [
            {"node": {"id": name, "datadir": str(node.folder)}},
            {"log-level": {"level": "info"}},
            {"control-service": {"service": "control", "filename": str(node.socket)}},
        ]
        hop = self.nodes[HOP].net.address
        if name == HOP:
            parts.append({"tcp-listener": {"bindaddr": hop, "port": PORT}})
        else:
            parts.append({"tcp-peer": {"address": f"{hop}:{PORT}", "redial": True}})
        if name in EXECUTION:
            command, *params = runner("worker")
            parts.append(
                {
                    "work-command": {
                        "worktype": WORK,
                        "command": command,
                        "params": " ".join(f"'{word}'" for word in params),
                        "allowruntimeparams": True,
                    }
                }
            )
        node.start(parts, self.env)

    def until_there(self, *names: str) -> None:
        """Wait until the controller has heard of nodes and what work they do.

        Raises:
            TimeoutError: one does not come.
        """
        end = time.monotonic() + JOIN_SECONDS
        while not set(names) <= self.workers():
            if time.monotonic() > end:
                raise TimeoutError(f"the controller knows {self.workers()}, not all of {names}")
            time.sleep(0.2)

    def workers(self) -> set[str]:
        """Return the nodes to which the controller has a route, and that take jobs."""
        try:
            status = json.loads(self._ask("status", "--json"))
        except (RuntimeError, ValueError):
            return set()
        routes = status.get("RoutingTable") or {}
        told = status.get("Advertisements") or []
        known = {one["NodeID"] for one in told if one.get("WorkCommands")}
        return {name for name in known if name in routes}

    def routes(self) -> dict[str, str]:
        """Return over which neighbour the controller reaches each node."""
        found: dict[str, str] = json.loads(self._ask("status", "--json"))["RoutingTable"]
        return found

    def _ask(self, *words: str) -> str:
        return run(receptorctl("--socket", str(self.nodes[CONTROL].socket), *words))

    def submit(self, job: Job, name: str, there: Path) -> Work:
        """Give a job to a node.

        Args:
            job: what is run.
            name: of the node.
            there: private data directory of the job on that machine.
        """
        submit = ["--socket", str(self.nodes[CONTROL].socket), "work", "submit", WORK]
        submit += ["--node", name, "--payload", "-", "--follow"]
        submit += ["--param", f"params=--private-data-dir={there}"]
        pipeline: list[subprocess.Popen[bytes]] = []
        with (self.folder / f"job-{job.ident}.log").open("ab") as log:
            for command in (transmit(job), receptorctl(*submit), process(job)):
                before = pipeline[-1].stdout if pipeline else None
                pipeline.append(
                    subprocess.Popen(
                        command,
                        env=self.env,
                        stdin=before or subprocess.DEVNULL,
                        stdout=log if len(pipeline) == 2 else subprocess.PIPE,
                        stderr=log,
                        preexec_fn=die_with_parent,
                    )
                )
                if before is not None:
                    before.close()
        return Work(job, pipeline)

    def lose(self, name: str) -> None:
        """Lose a machine with all that runs on it."""
        self.nodes[name].lose()


@contextmanager
def mesh(cluster: Cluster, folder: Path, env: dict[str, str]) -> Iterator[Mesh]:
    """Give a mesh whose controller knows all nodes; nothing of it is left afterwards."""
    made = Mesh(cluster, folder, env)
    try:
        made.up()
        yield made
    finally:
        for name in made.nodes:
            made.lose(name)
