# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes and requests to a pod through the kubelet: ours beside ``kubectl port-forward``.

Both ends of the stream are the same: a pod that takes bytes into memory, a model server, the helper
of a copy. CPU is that of this process and of kubectl; the API server, the kubelet and the container
runtime work on the same cores.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure
import requests
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.preflight.rights import fill
from ansible_collections.openvino.edge.plugins.module_utils.repository import entry as repository
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from bench_clients import busy
from bench_copy import MIB, model
from cluster import AGENT_IMAGE, Cluster, claim, pod, receiver
from ground import SERVER, Ground
from inside_sink import PORT as SINK_PORT
from kubernetes import config as k8s_config
from port_forward import PortForward, carried_by_kubectl

SINK = "sink"
BLOCK = 256 << 10  # bytes that the peer's client reads and sends at once, as ours does
REST_PORT = 8081
GETS = 200
CONFIG = "/v1/config"
OURS = "portforward"
KUBECTL = "kubectl port-forward"
SPDY = f"{KUBECTL}, no WebSocket"

Runs = dict[str, Callable[[int], measure.Sample]]


@dataclass
class Ways:
    """All ways to the sink and to the server, open and used before anything is measured.

    Attributes:
        cluster: where they lead.
        server: the pod of the model server.
        own: our clients by C(pod_carrier).
        peers: kubectl's processes to the sink by name.
        asked: kubectl's process to the server.
        source: the file that is sent.
        digest: its sha256.
    """

    cluster: Cluster
    server: str
    own: Mapping[str, KubeClient]
    peers: Mapping[str, PortForward]
    asked: PortForward
    source: Path
    digest: str

    # -- bytes ------------------------------------------------------------------------------------

    def up_ours(self, carrier: str) -> measure.Sample:
        """Measure an upload by the function that a copy sends its packs with."""

        def once() -> int:
            with self.source.open("rb") as file:
                answer = self.own[carrier].pod_proxy(
                    self.cluster.namespace, SINK, SINK_PORT, "PUT", "/", body=file, timeout=60
                )
            return answer.status

        return self._sent(once, alone)

    def up_kubectl(self, name: str) -> measure.Sample:
        """Measure the same upload by Python's own HTTP client to the port that kubectl opened."""
        forward = self.peers[name]

        def once() -> int:
            with self.source.open("rb") as file:
                client = http.client.HTTPConnection("127.0.0.1", forward.port, blocksize=BLOCK)
                length = {"Content-Length": str(self.source.stat().st_size)}
                client.request("PUT", "/", body=file, headers=length)
                status = client.getresponse().status
                client.close()
            return status

        return self._sent(once, forward.cpu)

    def down_ours(self, carrier: str) -> measure.Sample:
        """Measure reading the same bytes back."""

        def once() -> bytes:
            answer = self.own[carrier].pod_proxy(
                self.cluster.namespace, SINK, SINK_PORT, "GET", "/", timeout=60
            )
            return answer.body

        return self._got(once, alone)

    def down_kubectl(self, name: str) -> measure.Sample:
        """Measure reading the same bytes back by Python's own HTTP client."""
        forward = self.peers[name]

        def once() -> bytes:
            client = http.client.HTTPConnection("127.0.0.1", forward.port)
            client.request("GET", "/")
            body = client.getresponse().read()
            client.close()
            return body

        return self._got(once, forward.cpu)

    def _sent(self, once: Callable[[], int], beside: Callable[[], float]) -> measure.Sample:
        status, sample = measured(once, beside)
        if status != 200 or self._kept() != self.digest:
            raise measure.BenchError("the sink has other bytes than were sent")
        return sample

    def _got(self, once: Callable[[], bytes], beside: Callable[[], float]) -> measure.Sample:
        body, sample = measured(once, beside)
        if hashlib.sha256(body).hexdigest() != self.digest:
            raise measure.BenchError("other bytes came back than were sent")
        return sample

    def _kept(self) -> str:
        """Return the sha256 of what the sink has."""
        own = self.own["proxy"]
        answer = own.pod_proxy(self.cluster.namespace, SINK, SINK_PORT, "GET", "/sha256")
        return answer.body.decode()

    # -- small requests ---------------------------------------------------------------------------

    def ask_ours(self, carrier: str) -> measure.Sample:
        """Measure questions to the server over a client that is there."""
        return measured(lambda: self._questions(self.own[carrier]), alone)[1]

    def ask_ours_anew(self) -> measure.Sample:
        """Measure the same with a client that knows nothing, from its kubeconfig on."""

        def once() -> None:
            given = {"kubeconfig": self.cluster.config, "pod_carrier": "portforward"}
            with KubeClient.from_params(given) as client:
                self._questions(client)

        return measured(once, alone)[1]

    def ask_kubectl(self) -> measure.Sample:
        """Measure the same questions over one connection to the port that kubectl opened."""
        return measured(lambda: _plain(self.asked.port), self.asked.cpu)[1]

    def ask_kubectl_with_requests(self) -> measure.Sample:
        """Measure the same with the package C(requests)."""

        def once() -> None:
            with requests.Session() as session:
                session.trust_env = False
                for _number in range(GETS):
                    _check(session.get(f"http://127.0.0.1:{self.asked.port}{CONFIG}").content)

        return measured(once, self.asked.cpu)[1]

    def ask_kubectl_anew(self) -> measure.Sample:
        """Measure the same with the start of kubectl."""
        forwards: list[PortForward] = []

        def once() -> None:
            forwards.append(PortForward(self.cluster, self.server, REST_PORT))
            _plain(forwards[0].port)

        try:
            return measured(once, lambda: sum(item.cpu() for item in forwards))[1]
        finally:
            for item in forwards:
                item.close()

    def _questions(self, client: KubeClient) -> None:
        for _number in range(GETS):
            answer = client.pod_proxy(self.cluster.namespace, self.server, REST_PORT, "GET", CONFIG)
            _check(answer.body)


def measured(once: Callable[[], Any], beside: Callable[[], float]) -> tuple[Any, measure.Sample]:
    """Measure a function of this process, and return what it returns, too.

    Args:
        once: the function.
        beside: tells how much CPU other processes have used for it so far.
    """
    other, own, start = beside(), time.process_time(), time.perf_counter()
    value = once()
    wall = time.perf_counter() - start
    cpu = time.process_time() - own + beside() - other
    return value, measure.Sample(wall, cpu, 0.0)


def alone() -> float:
    """Return the CPU of other processes where there are none."""
    return 0.0


def _plain(port: int) -> None:
    client = http.client.HTTPConnection("127.0.0.1", port)
    for _number in range(GETS):
        client.request("GET", CONFIG)
        _check(client.getresponse().read())
    client.close()


def _check(body: bytes) -> None:
    if b"AVAILABLE" not in body:
        raise measure.BenchError(f"not what a server says that serves: {body[:200]!r}")


# -- copies ---------------------------------------------------------------------------------------


class Copy:
    """Whole tasks that copy a model which the volume has not seen, in this process."""

    def __init__(self, cluster: Cluster, size: int) -> None:
        self.cluster, self.size = cluster, size
        self.counter = 0

    def ours(self, carrier: str) -> measure.Sample:
        """Measure C(model_repository) with a carrier."""
        return self._copied(carrier, alone)

    def kubectl(self) -> measure.Sample:
        """Measure the same task whose requests to the helper go through C(kubectl port-forward)."""
        with carried_by_kubectl(self.cluster) as carried:
            return self._copied("proxy", carried.cpu)

    def _copied(self, carrier: str, beside: Callable[[], float]) -> measure.Sample:
        self.counter += 1
        name = f"forward{self.counter}"
        src = model(self.cluster.work / name, name, self.size)
        given = {
            "kubeconfig": self.cluster.config,
            "namespace": self.cluster.namespace,
            "src": str(src),
            "pvc": {"claim_name": "models"},
            "agent_image": AGENT_IMAGE,
            "transport": "agent",
            "pod_carrier": carrier,
        }
        params = fill(repository.ARGUMENT_SPEC, given)
        result, sample = measured(lambda: repository.run(params, Runtime()), beside)
        if not result["changed"]:
            raise measure.BenchError(f"nothing was copied: {result}")
        self._clean(src / name / "1" / "model.onnx", f"/data/models/{name}")
        return sample

    def _clean(self, source: Path, remote: str) -> None:
        """Compare what is on the volume, then remove both ends."""
        read = "hashlib.file_digest(open(sys.argv[1], 'rb'), 'sha256')"
        code = f"import hashlib, sys; print({read}.hexdigest())"
        path = f"{remote}/1/{source.name}"
        inside = ["exec", "receiver", "--"]
        if self.cluster.kubectl(*inside, "python3", "-c", code, path).strip() != _sha256(source):
            raise measure.BenchError(f"{path} has other bytes than {source}")
        self.cluster.kubectl(*inside, "rm", "-rf", remote)
        source.unlink()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# -- all of it ------------------------------------------------------------------------------------


@contextmanager
def ways(work: Path, size: int) -> Iterator[Ways]:
    """Give a namespace with a sink and a server, and all ways to them; it goes afterwards."""
    cluster = Cluster("edge-bench-forward", work)
    cluster.remove_namespace()
    cluster.make_namespace()
    with ExitStack() as stack:
        stack.callback(cluster.remove_namespace)
        script = Path(__file__).with_name("inside_sink.py").read_text()
        sink = pod(SINK, AGENT_IMAGE, ["python3", "-B", "-c", script], {})
        probe = {"tcpSocket": {"port": SINK_PORT}, "periodSeconds": 1}
        sink["spec"]["containers"][0]["readinessProbe"] = probe
        cluster.apply(claim("models", "8Gi"), receiver("receiver", "models"), sink)
        api = k8s_config.new_client_from_config(cluster.config)
        ground = Ground(cluster.config, cluster.namespace, api)
        ground.copy(work / "served")
        ground.serve()
        for name in ("receiver", SINK):
            cluster.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=120s")
        chosen = [
            "-l",
            f"openvino.edge/server={SERVER}",
            "-o",
            "jsonpath={.items[0].metadata.name}",
        ]
        server = cluster.kubectl("get", "pods", *chosen).strip()
        source = work / "bytes"
        with source.open("wb") as out:
            for _number in range(size):
                out.write(os.urandom(MIB))
        own = {}
        for carrier in ("portforward", "proxy"):
            client = KubeClient.from_params({"kubeconfig": cluster.config, "pod_carrier": carrier})
            stack.callback(client.close)
            own[carrier] = client
        forwards = {
            KUBECTL: PortForward(cluster, SINK, SINK_PORT),
            SPDY: PortForward(cluster, SINK, SINK_PORT, tunnel=False),
        }
        asked = PortForward(cluster, server, REST_PORT)
        for item in (*forwards.values(), asked):
            stack.callback(item.close)
        yield Ways(cluster, server, own, forwards, asked, source, _sha256(source))


def bench(work: Path, rounds: int, size: int) -> str:
    """Run all candidates and return the tables."""
    lines = [f"## Through the kubelet\n\n{busy()}\n"]
    with ways(work, size) as there:
        there.up_ours(OURS)  # the sink's memory is there from then on
        for title, runs in candidates(there, Copy(there.cluster, size), size).items():
            lines.append(report(title, measure.interleaved(runs, rounds)))
    return "\n".join(lines)


def candidates(there: Ways, copy: Copy, size: int) -> dict[str, Runs]:
    """Return what is measured, by the titles of the tables; the first one of each is ours."""

    def each(ours: Callable[[str], measure.Sample], theirs: Runs) -> Runs:
        return {OURS: lambda n: ours(OURS), **theirs, "proxy": lambda n: ours("proxy")}

    def peers(once: Callable[[str], measure.Sample]) -> Runs:
        return {name: lambda n, name=name: once(name) for name in there.peers}  # type: ignore[misc]

    warm: Runs = {
        KUBECTL: lambda n: there.ask_kubectl(),
        f"{KUBECTL}, requests": lambda n: there.ask_kubectl_with_requests(),
    }
    return {
        f"{size} MiB to a pod": each(there.up_ours, peers(there.up_kubectl)),
        f"{size} MiB from a pod": each(there.down_ours, peers(there.down_kubectl)),
        f"{GETS} times {CONFIG} of a server": each(there.ask_ours, warm),
        f"The same {GETS}, from the kubeconfig on": {
            OURS: lambda n: there.ask_ours_anew(),
            KUBECTL: lambda n: there.ask_kubectl_anew(),
        },
        f"First copy of {size} MiB, the whole task": each(
            copy.ours, {KUBECTL: lambda n: copy.kubectl()}
        ),
    }


def report(title: str, samples: Mapping[str, list[measure.Sample]]) -> str:
    """Return a table of medians, and of the quickest, with the ratio of each to ours."""
    ours = measure.median(samples[OURS])
    least = min(sample.wall for sample in samples[OURS])
    rows = []
    for name, values in samples.items():
        middle, quickest = measure.median(values), min(sample.wall for sample in values)
        ratios = (quickest / least, middle.wall / ours.wall, middle.cpu / max(ours.cpu, 1e-9))
        figures = [f"{quickest:.3f}", f"{middle.wall:.3f}", f"{middle.cpu:.3f}"]
        rows.append([name, *figures, *(f"{ratio:.2f}x" for ratio in ratios)])
    head = ["by", "wall s, quickest", "wall s, median", "CPU s, median"]
    head += ["quickest / ours", "median / ours", "CPU / ours"]
    return measure.table(f"{title}, {len(samples[OURS])} rounds", head, rows)
