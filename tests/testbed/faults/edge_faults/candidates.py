# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What copies: the module (as a module process or in a play), and the peers.

Every run is a process tree inside the controller's network namespace; ``Run.kill`` ends all of it
at once with SIGKILL, as a lost machine would.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping

from edge_lab import cluster as lab_clusters

from edge_faults import objects
from edge_faults.models import MODEL
from edge_faults.netlab import die_with_parent
from edge_faults.sites import Site, SiteError, Target

ROOT = Path(__file__).resolve().parents[4]
#: Longest time of one run; a controller that hangs longer has not finished.
RUN_SECONDS = 240.0
MODULES = "ansible_collections.openvino.edge.plugins.modules"


def collections() -> str:
    """Return the collections path with the code under test (C(EDGE_FAULTS_COLLECTIONS))."""
    return os.environ.get("EDGE_FAULTS_COLLECTIONS") or str(ROOT / "collections")


@dataclass
class Run:
    """One started controller; C(answer) reads its result when it has ended."""

    site: Site
    process: subprocess.Popen[bytes]
    log: Path
    answer: Path
    started: float = field(default_factory=time.monotonic)

    def ended(self) -> bool:
        """Whether it has ended by itself."""
        return self.process.poll() is not None

    def kill(self) -> None:
        """SIGKILL everything on the controller's machine."""
        self.site.net.kill_all()
        self.process.wait(30)

    def wait(self, seconds: float = RUN_SECONDS) -> Outcome:
        """Wait for the end; a run that hangs is killed and has failed."""
        try:
            self.process.wait(max(1.0, self.started + seconds - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.end()
            return Outcome(False, f"no end after {seconds:g} s", {}, hung=True)
        return self.outcome()

    def end(self) -> None:
        """End this run only: another controller may be at work in the same namespace."""
        for pid in family(self.process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(30)

    def outcome(self) -> Outcome:
        """Return what the ended run said."""
        result: dict[str, Any] = {}
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        if self.answer.exists():
            try:
                result = json.loads(self.answer.read_text())
            except ValueError:
                pass
        success = self.process.returncode == 0 and not result.get("failed")
        message = str(result.get("msg") or text[-2000:])
        return Outcome(success, "" if success else message, result)


@dataclass
class Outcome:
    """What a run said of itself."""

    success: bool
    message: str
    result: dict[str, Any]
    hung: bool = False

    def count(self, name: str) -> int:
        """Return a figure of the result, 0 where there is none."""
        value = self.result.get(name)
        return value if isinstance(value, int) else 0


def family(pid: int) -> list[int]:
    """Return a process and all below it."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(words[1]), []).append(int(path.parent.name))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found


@dataclass
class Candidate:
    """A way of copying; C(name) is the column of the table."""

    name: str = ""
    ours: bool = False
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, site: Site, target: Target, **options: Any) -> Run:
        """Start to copy a target."""
        raise NotImplementedError

    def copy(self, site: Site, target: Target, **options: Any) -> Outcome:
        """Copy to the end."""
        return self.start(site, target, **options).wait()

    def refresh(self, site: Site) -> None:
        """Make what the next run needs, as its user would."""

    def _launch(self, site: Site, argv: list[str], stdin: str, answer: Path | None = None) -> Run:
        work = site.maker.folder / site.name
        work.mkdir(parents=True, exist_ok=True)
        stamp = time.monotonic_ns()
        log = work / f"run-{stamp}.log"
        given = work / f"run-{stamp}.in"
        given.write_text(stdin)
        out = answer is None
        answer = answer or work / f"run-{stamp}.json"
        with log.open("wb") as words, answer.open("wb") as result, given.open("rb") as feed:
            process = subprocess.Popen(
                site.net.inside(*argv),
                env=self._environment(site),
                stdin=feed,
                stdout=result if out else words,
                stderr=words,
                cwd=work,
                preexec_fn=die_with_parent,
                start_new_session=True,
            )
        return Run(site, process, log, answer)

    def _environment(self, site: Site) -> dict[str, str]:
        config = str(lab_clusters.kubeconfig_path(site.cluster))
        settings = site.maker.folder / "ansible.cfg"
        settings.write_text("[defaults]\n")
        return {
            **os.environ,
            "KUBECONFIG": config,
            "K8S_AUTH_KUBECONFIG": config,
            "PYTHONPATH": collections(),
            "ANSIBLE_COLLECTIONS_PATH": collections(),
            "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",
            "ANSIBLE_CONFIG": str(settings),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            **self.environment,
        }

    def _play(self, site: Site, task: Mapping[str, Any]) -> Run:
        """Start a play of one task on the implicit local host."""
        work = site.maker.folder / site.name
        work.mkdir(parents=True, exist_ok=True)
        answer = work / f"play-{time.monotonic_ns()}.json"
        keep = {"content": "{{ result | to_json }}", "dest": str(answer), "mode": "0600"}
        block = [{**task, "register": "result", "ignore_errors": True}]
        tasks = [*block, {"ansible.builtin.copy": keep}]
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "connection": "local",
            "vars": {"ansible_python_interpreter": sys.executable},
            "tasks": tasks,
        }
        book = answer.with_suffix(".yml")
        book.write_text(json.dumps([play]))
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        run = self._launch(site, [program, str(book)], "", answer)
        answer.unlink()
        return run


@dataclass
class Ours(Candidate):
    """C(openvino.edge.model_repository): the module's process, or a play with the worker's one."""

    name: str = "model_repository"
    ours: bool = True
    transport: str = "agent"
    play: bool = False

    def start(self, site: Site, target: Target, **options: Any) -> Run:
        """Start the module."""
        args = {**self.arguments(site), "src": str(target.source), **options}
        if self.play:
            return self._play(site, {"openvino.edge.model_repository": args})
        return self.module(site, "model_repository", args)

    def arguments(self, site: Site) -> dict[str, Any]:
        """Return the options of the store."""
        return {
            "kubeconfig": str(lab_clusters.kubeconfig_path(site.cluster)),
            "namespace": site.namespace,
            **site.store,
            "transport": self.transport,
            "agent_image": objects.AGENT_IMAGE,
            "exec_image": objects.SERVER_IMAGE,
        }

    def module(self, site: Site, name: str, args: Mapping[str, Any]) -> Run:
        """Start a module file as Ansible does on a host."""
        task = json.dumps({"ANSIBLE_MODULE_ARGS": dict(args)})
        return self._launch(site, [sys.executable, "-m", f"{MODULES}.{name}"], task)

    def audit(self, site: Site) -> Outcome:
        """Read everything on the store again and compare."""
        args = {**self.arguments(site), "verify": True}
        return self.module(site, "model_repository_info", args).wait()


@dataclass
class KubectlCp(Candidate):
    """C(kubectl cp) straight into the final directory, as its users do."""

    name: str = "kubectl cp"

    def start(self, site: Site, target: Target, **options: Any) -> Run:
        """Start the copy."""
        # Into the directory above: a second copy of a directory onto itself would be nested.
        remote = f"{site.namespace}/receiver:/store/models/{MODEL}"
        (site.models / MODEL).mkdir(exist_ok=True)
        os.chown(site.models / MODEL, 5000, 5000)
        argv = [str(site.kubectl), "cp", "--no-preserve", str(target.tree), remote]
        return self._launch(site, argv, "")

    def refresh(self, site: Site) -> None:
        """Bring the pod back that it copies into."""
        site.receiver()


@dataclass
class K8sCp(Candidate):
    """C(kubernetes.core.k8s_cp) straight into the final directory."""

    name: str = "k8s_cp"
    path: str = ""

    def start(self, site: Site, target: Target, **options: Any) -> Run:
        """Start the play."""
        (site.models / MODEL).mkdir(exist_ok=True)
        os.chown(site.models / MODEL, 5000, 5000)
        self.environment["ANSIBLE_COLLECTIONS_PATH"] = f"{collections()}:{self.path}"
        task = {
            "kubernetes.core.k8s_cp": {
                "namespace": site.namespace,
                "pod": "receiver",
                "local_path": str(target.tree),
                "remote_path": f"/store/models/{MODEL}",
                "no_preserve": True,
            }
        }
        return self._play(site, task)

    def refresh(self, site: Site) -> None:
        """Bring the pod back that it copies into."""
        site.receiver()


def helper_pods(site: Site) -> list[str]:
    """Return the names of the helper pods of our own, running or not."""
    try:
        pods = site.kube.items("pods", "openvino.edge/agent")
    except SiteError:
        return []
    return [str(pod["metadata"]["name"]) for pod in pods]
