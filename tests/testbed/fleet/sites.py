# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated clusters that a whole rollout can be run on: copies, servers and reloads included.

They are namespaces of one lab cluster, in which the real controllers and the real scheduler work.
All their pods are on one node, whose kubelet is a stand-in (C(kubelet.py)): it runs the real agent
for each helper, and an OVMS stand-in for each server.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from show import GOOD, ROOT
from simulated import CLUSTER, MODEL, Api, Object, Simulation, lab

HERE = Path(__file__).resolve().parent
# The user of the OVMS image, to whom an administrator gives the volumes.
OWNER = 5000
NODE = "simulated"
PODS = "10.128.0.0/14"
STORAGE = "simulated"


@contextmanager
def sites(folder: Path, count: int, cluster: str = CLUSTER) -> Iterator[Sites]:
    """Give so many clusters on which nothing is yet, in a lab cluster that is up meanwhile."""
    found = Sites(folder, count, cluster)
    try:
        found.up()
        yield found
    finally:
        found.down()


@dataclass
class Sites(Simulation):
    """Simulated clusters whose pods do what pods do."""

    _kubelet: subprocess.Popen[str] | None = None

    def up(self) -> None:
        """Make the node, and a volume for each cluster; the namespaces are the product's."""
        lab("down", self.cluster)
        lab("up", self.cluster)
        self.folder.mkdir(parents=True, exist_ok=True)
        api = Api(self.kubeconfig())
        # Nothing is provisioned here, and it would read each volume again and again: half of all
        # that the API server is asked.
        os.kill(self._pid_of("provisioner"), signal.SIGTERM)
        self.write_models(1)
        self._start_kubelet()
        api.post("/apis/storage.k8s.io/v1/storageclasses", _storage_class())
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda name: self._make_volume(api, name), self.names))

    def down(self) -> None:
        """End the stand-in with all it runs, and the lab cluster."""
        if self._kubelet is not None:
            self._kubelet.terminate()
            self._kubelet.wait()
        lab("down", self.cluster)

    def write_models(self, *versions: int) -> None:
        """Write versions of the small model."""
        for version in versions:
            directory = self.folder / "models" / MODEL / str(version)
            directory.mkdir(parents=True, exist_ok=True)
            (directory / "model.xml").write_text(GOOD.replace("tiny", f"tiny{version}"))
            (directory / "model.bin").write_bytes(b"")

    def variables(self) -> Object:
        """Return the variables that all clusters have in common."""
        claim = {"preflight_claim_storage_class": STORAGE, "preflight_claim_size": "1Gi"}
        return {**super().variables(), **claim}

    def _pid_of(self, component: str) -> int:
        status = json.loads(lab("status", "--json"))
        (cluster,) = (item for item in status if item["name"] == self.cluster)
        (pid,) = (i["pid"] for i in cluster["components"] if i["component"] == component)
        return int(pid)

    def _start_kubelet(self) -> None:
        """Start the stand-in in the network of the control plane, and wait until it is ready."""
        enter = ["nsenter", "-t", str(self._pid_of("kube-apiserver")), "-n"]
        subprocess.run([*enter, "ip", "route", "add", "local", PODS, "dev", "lo"], check=True)
        self.folder.chmod(0o755)
        begin = "import sys; from kubelet import main; main(*sys.argv[1:])"
        arguments = [str(self.kubeconfig()), str(self.folder)]
        log = (self.folder / "kubelet.log").open("w")
        self._kubelet = subprocess.Popen(
            [*enter, sys.executable, "-c", begin, *arguments],
            cwd=HERE,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'collections'}:{HERE}"},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert self._kubelet.stdout is not None
        if self._kubelet.stdout.readline() != "ready\n":
            raise RuntimeError(f"the kubelet's stand-in did not start: {log.name}")

    def _make_volume(self, api: Api, name: str) -> None:
        path = self.folder / "volumes" / name
        path.mkdir(parents=True, exist_ok=True)
        os.chown(path, OWNER, OWNER)
        here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE]}
        volume = {
            "metadata": {"name": name},
            "spec": {
                "capacity": {"storage": "1Gi"},
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": STORAGE,
                "claimRef": {"namespace": name, "name": "models"},
                "hostPath": {"path": str(path)},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
            },
        }
        api.post("/api/v1/persistentvolumes", volume)


def _storage_class() -> Object:
    return {
        "metadata": {"name": STORAGE},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "Immediate",
    }


def main() -> int:
    """Make simulated clusters, write their inventory, and keep them until the input ends."""
    folder, count = Path(sys.argv[1]).resolve(), int(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    with sites(folder, count) as found:
        written = found.inventory(found.hosts())
        print(f"{count} clusters in {time.monotonic() - begun:.0f} s: {written}", flush=True)
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
