# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One command of each candidate, each checked against the bytes that arrived."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Callable

import measure
from cluster import AGENT_IMAGE, SERVER_IMAGE
from repository_data import Job
from repository_site import Site, Wired

OURS, RECORD = "model_repository", "model_repository, compare: record"
KUBECTL, K8S_CP, RSYNC = "kubectl cp", "k8s_cp", "rsync"
RSYNC_FLUSHED = "rsync --fsync"  # what arrived outlives a power cut, as ours does
FLOOR, EMPTY = "curl PUT (floor)", "empty play"
PLAYS = (OURS, RECORD, K8S_CP)  # their net figures are without an empty play
Once = Callable[[Job], Wired]


class Runs:
    """The candidates on the volumes of a site.

    Args:
        site: with its pods up.
        rsync_url: of the daemon's module.
    """

    def __init__(self, site: Site, rsync_url: str) -> None:
        self.site, self.rsync_url = site, rsync_url
        self.checked: set[str] = set()
        self.commands = 0

    def _log(self, name: str) -> Path:
        self.commands += 1
        return self.site.work / f"{self.commands}-{name}.log"

    def empty(self) -> Wired:
        """Measure a play that does nothing."""
        return self.play("ansible.builtin.meta", "noop")

    def play(self, module: str, options: Any) -> Wired:
        """Measure a play of one task."""
        self.commands += 1
        sample = self.site.playbook([{module: options}], self.commands)
        if not isinstance(sample, Wired):
            raise measure.BenchError("the site does not count bytes")
        return sample

    def ours(self, job: Job, **options: Any) -> Wired:
        """Measure C(openvino.edge.model_repository) onto its own claim."""
        return self.play("openvino.edge.model_repository", self.options(job, **options))

    def options(self, job: Job, **options: Any) -> dict[str, Any]:
        """Return the task's options."""
        return {
            "src": str(job.repository),
            "models": [{"name": job.model, "versions": [job.version]}],
            "namespace": self.site.namespace,
            "pvc": {"claim_name": "models"},
            "agent_image": AGENT_IMAGE,
            "exec_image": SERVER_IMAGE,
            "transport": "agent",
            **options,
        }

    def ours_by_record(self, job: Job) -> Wired:
        """Measure the same, believing the record of the last run."""
        return self.ours(job, compare="record")

    def kubectl_cp(self, job: Job, pod: str = "peer", root: str = "/data") -> Wired:
        """Measure C(kubectl cp) of the version's directory."""
        self.site.shell(f"mkdir -p {root}/kubectl/{job.model}", pod)
        target = f"{self.site.namespace}/{pod}:{root}/kubectl/{job.model}"
        command = [self.site.kubectl_path, "cp", str(job.path), target]
        return self.site.measured(command, self._log("kubectl"))

    def k8s_cp(self, job: Job, pod: str = "peer", root: str = "/data") -> Wired:
        """Measure C(kubernetes.core.k8s_cp) of the version's directory."""
        self.site.shell(f"mkdir -p {root}/k8s_cp/{job.model}", pod)
        options = {
            "namespace": self.site.namespace,
            "pod": pod,
            "local_path": str(job.path),
            "remote_path": f"{root}/k8s_cp/{job.model}",
            "no_preserve": True,
        }
        return self.play("kubernetes.core.k8s_cp", options)

    def rsync(
        self,
        job: Job,
        pod: str = "peer",
        root: str = "/data",
        url: str = "",
        *,
        flush: bool = False,
    ) -> Wired:
        """Measure rsync to a daemon in a pod; an older version there is the basis of deltas."""
        folder = f"{'rsync-fsync' if flush else 'rsync'}/{job.model}"
        self.site.shell(f"mkdir -p {root}/{folder}", pod)
        more = [f"--copy-dest=../{job.basis}"] if job.basis else []
        more += ["--fsync"] if flush else []
        target = f"{url or self.rsync_url}/{folder}/{job.version}/"
        command = ["rsync", "-rt", *more, f"{job.path}/", target]
        return self.site.measured(command, self._log("rsync"))

    def rsync_flushed(self, job: Job) -> Wired:
        """Measure rsync when it flushes every file to the disk."""
        return self.rsync(job, flush=True)

    def floor(self, job: Job) -> Wired:
        """Measure curl through the pod proxy into a program that only writes the file."""
        *login, server = self.site.credentials
        url = f"{server}/api/v1/namespaces/{self.site.namespace}/pods/sink:8099/proxy/floor"
        command = ["curl", "-sS", "--fail", "-H", "Expect:", *login]
        command += ["-T", str(job.path / "model.bin"), url]
        return self.site.measured(command, self._log("floor"))

    # -- around the measurement -----------------------------------------------------------------

    def check(self, what: str, job: Job, folder: str) -> None:
        """Compare what arrived with the source: sizes each time, hashes once for each kind.

        Raises:
            BenchError: it differs.
        """
        files = sorted(path for path in job.path.rglob("*") if path.is_file())
        sizes = f"cd {folder} && find . -type f -printf '%s %P\\n' | sort | sha256sum"
        listed = sorted(f"{path.stat().st_size} {path.relative_to(job.path)}\n" for path in files)
        found = self.site.shell(f"export LC_ALL=C; {sizes}").split()[0]
        if found != hashlib.sha256("".join(listed).encode()).hexdigest():
            raise measure.BenchError(f"{what}: sizes in {folder} differ from {job.path}")
        if what in self.checked:
            return
        self.checked.add(what)
        biggest = max(files, key=lambda path: path.stat().st_size)
        name = biggest.relative_to(job.path)
        there = self.site.shell(f"sha256sum '{folder}/{name}'").split()[0]
        with biggest.open("rb") as stream:
            here = hashlib.file_digest(stream, "sha256").hexdigest()
        if there != here:
            raise measure.BenchError(f"{what}: {folder}/{name} differs from {biggest}")

    def remove(self, *folders: str) -> None:
        """Remove directories of the volumes."""
        self.site.shell("rm -rf " + " ".join(folders))
