# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side (a network of its own, counted) and the pods that the peers copy into."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Sequence

import measure
import yaml
from cluster import AGENT_IMAGE, Cluster, claim, pod
from edge_faults.netlab import ControllerNet
from edge_faults.netlab import run as run_tool
from oci import LayerFile, write_image, write_layer
from peers import cache, kubernetes_core

RSYNC_IMAGE = "localhost/edge-rsync:1"
RSYNC_PORT, SINK_PORT = 8730, 8099
PROGRAMS = {"rsync": "rsync", "curl": "curl", "tc": "iproute2"}
RSYNC_CONFIG = """use chroot = no
max connections = 0
log file = /dev/stdout
[data]
path = /data
read only = no
"""
# The floor: what the way through the API server costs when nothing is done but writing the bytes.
SINK = """
import http.server, os
class Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_PUT(self):
        left = int(self.headers["Content-Length"])
        with open("/data/" + os.path.basename(self.path), "wb", buffering=0) as out:
            while left:
                block = self.rfile.read(min(left, 1 << 18))
                out.write(block)
                left -= len(block)
            os.fdatasync(out.fileno())
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()
http.server.ThreadingHTTPServer(("", 8099), Sink).serve_forever()
"""


@dataclass(frozen=True)
class Wired(measure.Sample):
    """A sample with the bytes that the controller's network card sent and received."""

    wire: int = field(default=0, kw_only=True)

    @classmethod
    def of(cls, sample: measure.Sample, wire: int) -> Wired:
        """Return a sample with its bytes."""
        return cls(sample.wall, sample.cpu, sample.rss, wire=wire)


class Link(ControllerNet):
    """The controller's link to the cluster: as fast as it goes, unless a rate is set."""

    def shape(self, rate: str) -> None:
        """Limit both directions, or none for an empty C(rate)."""
        inside, outside = self.inside(), [*("tc", "qdisc")]
        for prefix, device in ((inside, "eth0"), ([], self.link)):
            command = [*prefix, *outside]
            old = [*command, "delete", "dev", device, "root"]
            subprocess.run(old, capture_output=True, check=False)
            if rate:
                shaper = ["replace", "dev", device, "root", "tbf", "rate", rate]
                run_tool([*command, *shaper, "burst", "32k", "latency", "50ms"])


class Site(Cluster):
    """A namespace of the cluster C(factory), worked on from a network of its own."""

    def __init__(self, namespace: str, work: Path, link: Link) -> None:
        super().__init__(namespace, work, "factory")
        self.link = link
        self.credentials = credentials(Path(self.config), work)

    def measured(self, command: Sequence[str], log: Path) -> Wired:
        """Measure one command inside the controller's network."""
        before = self.link.sent() + self.link.received()
        sample = measure.run(self.link.inside(*command), self.env, log)
        return Wired.of(sample, self.link.sent() + self.link.received() - before)

    def node_of(self, pod: str) -> str:
        """Return the address of the node on which a pod runs."""
        return self.kubectl("get", "pod", pod, "-o", "jsonpath={.status.hostIP}").strip()

    def port_of(self, service: str) -> int:
        """Return the NodePort of a Service."""
        path = "jsonpath={.spec.ports[0].nodePort}"
        return int(self.kubectl("get", "service", service, "-o", path))

    def wait_for(self, *pods: str) -> None:
        """Wait until pods are Ready."""
        names = [f"pod/{name}" for name in pods]
        self.kubectl("wait", "--for=condition=Ready", *names, "--timeout=180s")

    def make_claims(self) -> None:
        """Make both volumes and the pods of the peers, all on one node."""
        volumes = {"data": {"persistentVolumeClaim": {"claimName": "peers"}}}
        both = {**volumes, "models": {"persistentVolumeClaim": {"claimName": "models"}}}
        self.apply(
            claim("models", "64Gi"),
            claim("peers", "64Gi"),
            pod("peer", AGENT_IMAGE, ["sleep", "86400"], both),
        )
        self.wait_for("peer")
        sink = ["python3", "-c", SINK]
        self.apply(
            pod("rsyncd", RSYNC_IMAGE, None, volumes),
            pod("sink", AGENT_IMAGE, sink, volumes),
            node_port("rsyncd"),
        )
        self.wait_for("rsyncd", "sink")

    def shell(self, line: str, name: str = "peer") -> str:
        """Run a line in a pod, outside the measurement."""
        return self.kubectl("exec", name, "--", "sh", "-c", line)


def node_port(name: str) -> dict[str, Any]:
    """Return a Service that makes a pod's rsync daemon reachable from outside."""
    spec = {"type": "NodePort", "selector": {"app": name}, "ports": [{"port": RSYNC_PORT}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def credentials(config: Path, work: Path) -> list[str]:
    """Return the options that let curl in, and the server's URL last."""
    content = yaml.safe_load(config.read_text())
    server, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
    options = []
    for option, source, key in (
        ("--cacert", server, "certificate-authority"),
        ("--cert", user, "client-certificate"),
        ("--key", user, "client-key"),
    ):
        path = work / f"{key}.pem"
        inline = source.get(f"{key}-data")
        data = base64.b64decode(inline) if inline else Path(source[key]).read_bytes()
        path.touch(mode=0o600)
        path.write_bytes(data)
        options += [option, str(path)]
    return [*options, str(server["server"])]


def install_programs() -> None:
    """Install the Debian packages of the programs that are missing, as the lab does."""
    missing = [package for program, package in PROGRAMS.items() if not shutil.which(program)]
    if missing:
        print(f"installing {' '.join(missing)}", flush=True)
        done = subprocess.run(
            ["apt-get", "install", "-y", "--no-install-recommends", *missing],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise measure.BenchError(f"apt-get install {' '.join(missing)}: {done.stderr.strip()}")


def rsync_image() -> Path:
    """Return the image of this host's rsync with its libraries; made once."""
    program = shutil.which("rsync")
    if program is None:
        raise measure.BenchError("rsync is not installed")
    version = run_tool([program, "--version"]).split()[2]
    recipe = hashlib.sha256(RSYNC_CONFIG.encode()).hexdigest()[:8]
    target = cache() / "bench" / f"rsync-{version}-{recipe}.image.tar"
    if target.exists():
        return target
    listed = run_tool(["ldd", program])
    libraries = sorted(set(re.findall(r"(/\S+) \(0x", listed)))
    loader = next(path for path in libraries if "/ld-" in path)
    files = [LayerFile(f"rsync/{Path(path).name}", Path(path), 0o755) for path in libraries]
    files.append(LayerFile("rsync/rsync", Path(program), 0o755))
    files.append(LayerFile("rsync/rsyncd.conf", RSYNC_CONFIG.encode()))
    command = [f"/rsync/{Path(loader).name}", "--library-path", "/rsync", "/rsync/rsync"]
    command += ["--daemon", "--no-detach", "--config=/rsync/rsyncd.conf", f"--port={RSYNC_PORT}"]
    with tempfile.TemporaryDirectory() as folder:
        layer = Path(folder) / "layer.tar"
        write_layer(layer, files)
        write_image(target, RSYNC_IMAGE, [layer], {"Entrypoint": command})
    return target


def load(lab: Path, image: Path) -> None:
    """Load an image into the nodes of the cluster."""
    run_tool([str(lab), "load-image", "--cluster", "factory", str(image)])


def versions_of(site: Site) -> str:
    """Return one line with the versions of what was measured."""
    server = json.loads(site.kubectl("get", "--raw", "/version"))["gitVersion"]
    modules = (Path(__file__).parent / "kubectl" / "go.mod").read_text()
    client = re.search(r"k8s.io/kubectl v0\.(\S+)", modules)
    rsync = run_tool(["rsync", "--version"]).split()[2]
    shown = f"kubectl 1.{client.group(1)}, " if client else ""
    manifest = kubernetes_core() / "ansible_collections/kubernetes/core/MANIFEST.json"
    core = json.loads(manifest.read_text())["collection_info"]["version"]
    return f"Kubernetes {server}, {shown}kubernetes.core {core}, rsync {rsync}"
