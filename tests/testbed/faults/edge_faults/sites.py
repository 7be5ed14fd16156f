# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One store of a test: namespace, claim, servers that read it, watcher, controller network.

``Site`` is what a trial works on. The volume is looked at and tampered with from this host,
through the root of the node's own mount namespace; the cluster through ``kubectl``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping

from edge_lab import cluster as lab_clusters
from edge_lab import machine
from edge_lab.plan import Cluster, Machine
from mounted import Mounted
from odd import Ways

from edge_faults import objects
from edge_faults.models import MODEL, Files, Maker, Shape, describe
from edge_faults.netlab import ControllerNet, die_with_parent
from edge_faults.watcher import hash_fault

HERE = Path(__file__).resolve().parent
KEEP = 2  # versions that stay when a new one has been published
START_SECONDS = 120.0


class SiteError(Exception):
    """The test itself could not go on."""


@dataclass
class Kube:
    """kubectl as the cluster's administrator, from this host."""

    program: Path
    config: Path
    namespace: str

    def __call__(self, *args: str, stdin: str | None = None, timeout: float = 150) -> str:
        """Run kubectl and return what it printed; SiteError with its words when it fails."""
        argv = [str(self.program), "--kubeconfig", str(self.config), "-n", self.namespace, *args]
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=timeout)
        if done.returncode:
            raise SiteError(f"kubectl {' '.join(args)}: {done.stderr.strip()}")
        return done.stdout

    def apply(self, *items: Mapping[str, Any]) -> None:
        """Apply objects."""
        for item in items:
            self("apply", "--server-side", "-f", "-", stdin=json.dumps(item))

    def items(self, kind: str, selector: str = "") -> list[dict[str, Any]]:
        """Return the objects of a kind."""
        words = ["get", kind, "-o", "json"] + (["-l", selector] if selector else [])
        found: list[dict[str, Any]] = json.loads(self(*words))["items"]
        return found

    def raw(self, path: str) -> Any:
        """Return what the API server answers to a GET, as JSON."""
        return json.loads(self("get", "--raw", path, timeout=15))


@dataclass
class Target:
    """One version to be copied: its source, its files, its name."""

    version: int
    source: Path
    files: Files
    model: str = MODEL

    @property
    def name(self) -> str:
        """The version as the watcher knows it."""
        return f"{self.model}/{self.version}"

    @property
    def tree(self) -> Path:
        """The local directory of the version."""
        return self.source / self.model / str(self.version)


@dataclass
class Site:
    """A store with everything around it.

    Args:
        name: makes the namespace, and the labels of its models.
        cluster: the lab cluster.
        node: the node the volume is on.
        maker: writes models.
        kubectl: the program.
        net: the controller's network.
        disk: size in MiB of a file system of its own, None for a directory of the node's disk.
        inodes: of that file system, None for the usual number.
        everywhere: a directory on every node of the cluster instead of a claim.
        ways: of a file system of the tests (tests/testbed/volumes/odd.py) instead of a disk.
        shared: a directory of one node as a volume that several pods may use at once.
    """

    name: str
    cluster: Cluster
    node: Machine
    maker: Maker
    kubectl: Path
    net: ControllerNet
    disk: int | None = None
    inodes: int | None = None
    everywhere: bool = False
    ways: Ways | None = None
    shared: bool = False
    odd: Mounted | None = None
    version: int = 0
    blamed: set[str] = field(default_factory=set)
    kept: list[Target] = field(default_factory=list)
    baselines: dict[Any, int] = field(default_factory=dict)
    watched: dict[int, tuple[int, int, float]] = field(default_factory=dict)
    _inner: str = ""
    _served: bool = False
    _watchers: list[subprocess.Popen[str]] = field(default_factory=list, repr=False)

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return f"edge-faults-{self.name}"

    @property
    def kube(self) -> Kube:
        """kubectl in its namespace."""
        return Kube(self.kubectl, lab_clusters.kubeconfig_path(self.cluster), self.namespace)

    @property
    def store(self) -> dict[str, Any]:
        """The options of our modules that name the store."""
        if self.everywhere:
            return {"host_path": {"path": self._inner}}
        return {"pvc": {"claim_name": "models"}}

    @property
    def nodes(self) -> list[Machine]:
        """The nodes that hold the store; what strikes the disk strikes the first."""
        return self.cluster.nodes if self.everywhere else [self.node]

    @property
    def roots(self) -> list[Path]:
        """The store on each node as this host sees it, through the node's own mounts."""
        pids = [machine.init_pid(node) for node in self.nodes]
        return [Path(f"/proc/{pid}/root{self._inner}") for pid in pids]

    @property
    def root(self) -> Path:
        """The store on the first node."""
        return self.roots[0]

    @property
    def models(self) -> Path:
        """The directory that servers see."""
        return self.root / "models"

    # -- life ---------------------------------------------------------------------------------

    def up(self) -> None:
        """Make everything but the servers, which need a first version."""
        self.kube("delete", "namespace", self.namespace, "--ignore-not-found", "--wait=true")
        level = "privileged" if self.everywhere else "restricted"
        self.kube.apply(objects.namespace(self.namespace, level))
        if self.everywhere:
            self._inner = f"/var/lib/openvino-edge/disks/{self.name}"
        elif self.ways is not None:
            self._odd_disk(self.ways)
        elif self.disk:
            self._own_disk()
        elif self.shared:
            inner = f"/var/lib/openvino-edge/disks/{self.name}"
            self.in_node("sh", "-c", f"mkdir -p {inner}; chown 5000:5000 {inner}")
            self._claim_directory(inner)
        else:
            self.kube.apply(objects.claim("standard", "8Gi"))
        if not self.everywhere:
            self._bind()
        for root in self.roots:
            (root / "models").mkdir(exist_ok=True, parents=True)
            for path in (root, root / "models"):
                shutil.chown(path, 5000, 5000)
        self.watch()

    def _bind(self) -> None:
        """Start the pod that the peers copy into; the claim follows it to its node."""
        self.kube.apply(objects.receiver(self.node.name))
        self.kube("wait", "--for=condition=Ready", "pod/receiver", "--timeout=120s")
        volume = json.loads(self.kube("get", "pvc", "models", "-o", "json"))
        name = volume["spec"]["volumeName"]
        spec = json.loads(self.kube("get", "pv", name, "-o", "json"))["spec"]
        self._inner = spec["local"]["path"]

    def _own_disk(self) -> None:
        """Give the node a file system of its own, and the claim that volume."""
        inner = f"/var/lib/openvino-edge/disks/{self.name}"
        image = f"/var/lib/openvino-edge/disks/{self.name}.img"
        count = ["-N", str(self.inodes)] if self.inodes else []
        self.in_node("sh", "-c", f"umount {inner} 2>/dev/null; mkdir -p {inner}")
        self.in_node("truncate", "-s", f"{self.disk}M", image)
        self.in_node("mkfs.ext4", "-q", "-F", "-m", "0", *count, image)
        self.in_node("mount", "-o", "loop", image, inner)
        self.in_node("sh", "-c", f"rmdir {inner}/lost+found; chown 5000:5000 {inner}")
        self._claim_directory(inner)

    def _odd_disk(self, ways: Ways) -> None:
        """Give the node a file system of the tests, and the claim that volume."""
        inner = f"/var/lib/openvino-edge/disks/{self.name}"
        self.in_node("mkdir", "-p", inner)
        folder = self.maker.folder / f"{self.name}-odd"
        folder.mkdir()
        pid = machine.init_pid(self.node)
        if pid is None:
            raise SiteError(f"{self.node.name} is down")
        self.odd = Mounted(folder, (pid, inner))
        self.odd.start(ways)
        self._claim_directory(inner)

    def _claim_directory(self, inner: str) -> None:
        """Make a volume of a directory of the node, and a claim of it."""
        self._inner = inner
        volume = f"edge-faults-{self.name}"
        size = f"{self.disk or 1024}Mi"
        access = "ReadWriteMany" if self.shared else "ReadWriteOnce"
        self.kube("delete", "pv", volume, "--ignore-not-found")
        self.kube.apply(
            objects.local_volume(volume, inner, self.node.name, size),
            objects.claim("manual-local", size, volume, access),
        )

    def stop(self) -> None:
        """End what runs on this host; the rest goes with the cluster, or with C(down)."""
        for watcher in self._watchers:
            watcher.kill()
            watcher.wait()
        self._watchers.clear()
        if self.odd is not None:
            self.odd.stop()
        self.net.down()

    def down(self) -> None:
        """Remove everything, as far as it can be, from a cluster that stays."""
        self.stop()
        try:
            self.kube("delete", "namespace", self.namespace, "--ignore-not-found", "--wait=true")
            if self.everywhere:
                for root in self.roots:
                    shutil.rmtree(root, ignore_errors=True)
            if self.ways is not None or self.shared:
                self.kube("delete", "pv", f"edge-faults-{self.name}", "--ignore-not-found")
            elif self.disk:
                self.kube("delete", "pv", f"edge-faults-{self.name}", "--ignore-not-found")
                self.in_node("umount", self._inner)
                self.in_node("rm", "-f", f"{self._inner}.img")
        except (SiteError, RuntimeError, subprocess.TimeoutExpired) as error:
            sys.stderr.write(f"{self.name}: not all could be removed: {error}\n")

    def in_node(self, *argv: str) -> str:
        """Run a command inside the node's machine."""
        done = subprocess.run(
            machine.enter(self.node, argv), capture_output=True, text=True, timeout=60
        )
        if done.returncode:
            raise SiteError(f"{self.node.name}: {' '.join(argv)}: {done.stderr.strip()}")
        return done.stdout

    def receiver(self) -> None:
        """Bring the pod that the peers copy into back, unless it runs."""
        pods = [pod for pod in self.kube.items("pods") if pod["metadata"]["name"] == "receiver"]
        phase = pods[0]["status"].get("phase") if pods else None
        if phase != "Running" or pods[0]["metadata"].get("deletionTimestamp"):
            self.kube("delete", "pod", "receiver", "--ignore-not-found", "--wait=true")
            self.kube.apply(objects.receiver(self.node.name))
        self.kube("wait", "--for=condition=Ready", "pod/receiver", "--timeout=120s")

    # -- versions -----------------------------------------------------------------------------

    def new_target(self, shape: Shape) -> Target:
        """Make the next version and tell the watcher of it; old ones leave the store whole."""
        self.version += 1
        before = self.kept[-1].tree if self.kept else None
        source = self.maker.make(self.name, self.version, shape, before)
        target = Target(self.version, source, {})
        target.files = describe(target.tree)
        self.expect(target)
        return target

    def new_form(self, target: Target, shape: Shape) -> Target:
        """Make other bytes for a version that was made before; the store may get either."""
        source = self.maker.make(f"{self.name}-other", target.version, shape)
        other = Target(target.version, source, {})
        other.files = describe(other.tree)
        self.expect(target, other)
        return other

    def expect(self, *forms: Target) -> None:
        """Tell the watcher what a version must consist of: one of these forms."""
        self._say({"expect": {forms[0].name: [form.files for form in forms]}})

    def settle(self, target: Target) -> None:
        """A trial is over: keep this version and the one before, take others out of sight."""
        if self.fault(target):
            self.retire(target)
        else:
            self.kept.append(target)
        while len(self.kept) > KEEP:
            self.retire(self.kept.pop(0))

    def retire(self, target: Target) -> None:
        """Take a version away as an administrator would: by a rename, then unlinking."""
        for root in self.roots:
            trash = root / f".gone-{target.version}"
            try:
                (root / "models" / target.name).rename(trash)
            except FileNotFoundError:
                pass
            time.sleep(0.05)
            shutil.rmtree(trash, ignore_errors=True)
            (root / f".edge/manifests/{target.name}.json").unlink(missing_ok=True)
        shutil.rmtree(target.source, ignore_errors=True)

    def fault(self, target: Target) -> str:
        """Return what is wrong with a version on the store, read now; C("") when it is right."""
        found = (_fault(root / "models" / target.name, target) for root in self.roots)
        return next((words for words in found if words), "")

    # -- servers and watcher ------------------------------------------------------------------

    @property
    def served(self) -> bool:
        """Whether the servers were started."""
        return self._served

    def serve(self) -> None:
        """Start both servers over the store and wait until they run."""
        store = objects.CLAIM
        if self.everywhere:
            store = {"hostPath": {"path": self._inner}}
        self.kube.apply(objects.server_config(), *objects.servers(self.node.name, store))
        for name in objects.SERVERS:
            self.kube("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=120s")
        self._served = True

    def recover(self) -> None:
        """After a trial that fell short: end helpers and locks, so that the next starts afresh."""
        self.net.kill_all()
        self.kube("delete", "jobs", "-l", "openvino.edge/agent", "--wait=true")
        for name in ("locks", "staging"):
            for root in self.roots:
                shutil.rmtree(root / ".edge" / name, ignore_errors=True)

    def revive(self) -> None:
        """Replace servers that were struck, so that they do not wait for their next restart."""
        self.kube("delete", "pod", *objects.SERVERS, "--ignore-not-found", "--wait=true")
        self.serve()

    def watch(self) -> None:
        """Start a watcher on each node's directory."""
        for root in self.roots:
            argv = [sys.executable, str(HERE / "watcher.py"), str(root / "models")]
            pipe = subprocess.PIPE
            self._watchers.append(
                subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True, preexec_fn=_urgent)
            )

    def _say(self, request: Mapping[str, Any]) -> None:
        for watcher in self._watchers:
            if watcher.stdin is None:
                raise SiteError("no watcher")
            watcher.stdin.write(json.dumps(request) + "\n")
            watcher.stdin.flush()

    def seen(self) -> dict[str, list[str]]:
        """Return what the watchers have seen so far, by version."""
        self._say({"report": True})
        faults: dict[str, list[str]] = {}
        for watcher in self._watchers:
            line = watcher.stdout.readline() if watcher.stdout else ""
            if not line:
                raise SiteError("the watcher has ended")
            found = json.loads(line)
            self.watched[watcher.pid] = (found["listings"], found["late"], found["worst_gap"])
            for name, words in found["faults"].items():
                faults.setdefault(name, []).extend(words)
        return faults


def _urgent() -> None:
    """In the watcher: run before what it watches."""
    die_with_parent()
    os.nice(-10)


def _fault(path: Path, target: Target) -> str:
    """Return what is wrong with one copy of a version."""
    if not path.is_dir():
        return f"{target.name} is not there"
    found = describe(path)
    if set(found) != set(target.files):
        odd = sorted(set(found) ^ set(target.files))
        return f"{target.name}: {odd[0]} ({len(odd)} files too many or too few)"
    return hash_fault(target.name, str(path), target.files)
