# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for the metrics server: CPU and memory of pods, as the kubelets measure them.

It answers C(metrics.k8s.io) through the aggregation layer of the API server, so that the
controller of autoscalers sees what it would see of the real one. The numbers are real: each
kubelet's C(/metrics/resource), two readings for a rate.
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import json
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from kubernetes import client as k8s

GROUP, VERSION = "metrics.k8s.io", "v1beta1"
NAME = "edge-test-metrics"
NAMESPACE = "kube-system"
READING_SECONDS = 3.0
_LINE = re.compile(r"(container_\w+)\{([^}]*)\} (\S+) (\d+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_PODS = re.compile(rf"/apis/{GROUP}/{VERSION}/namespaces/([^/]+)/pods")

Key = tuple[str, str, str]
Reading = tuple[float, float]


class Usage:
    """What containers use, from the last two readings that differ."""

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster
        self._cpu: dict[Key, list[Reading]] = {}
        self._memory: dict[Key, float] = {}

    def read(self) -> None:
        """Ask every kubelet."""
        for node in self._cluster.nodes():
            text = self._cluster.core.connect_get_node_proxy_with_path(
                node, "metrics/resource", _preload_content=False
            ).data.decode()
            for name, labels, value, stamp in _LINE.findall(text):
                found = dict(_LABEL.findall(labels))
                key = (found["namespace"], found["pod"], found["container"])
                if name == "container_cpu_usage_seconds_total":
                    readings = self._cpu.setdefault(key, [])
                    if not readings or readings[-1][0] < int(stamp) / 1000:
                        readings.append((int(stamp) / 1000, float(value)))
                        del readings[:-2]
                elif name == "container_memory_working_set_bytes":
                    self._memory[key] = float(value)

    def of_pod(self, pod: Any) -> dict[str, Any] | None:
        """Return an item of a list of pod metrics; None as long as there is no rate."""
        containers, stamp, window = [], 0.0, 0.0
        for container in pod.spec.containers:
            key = (pod.metadata.namespace, pod.metadata.name, container.name)
            readings = self._cpu.get(key, [])
            if len(readings) < 2:
                return None
            (first, before), (stamp, after) = readings
            window = stamp - first
            nanocores = max(0, round((after - before) / window * 1e9))
            usage = {"cpu": f"{nanocores}n", "memory": f"{round(self._memory.get(key, 0))}"}
            containers.append({"name": container.name, "usage": usage})
        when = datetime.datetime.fromtimestamp(stamp, datetime.timezone.utc)
        return {
            "metadata": {
                "name": pod.metadata.name,
                "namespace": pod.metadata.namespace,
                "labels": pod.metadata.labels,
            },
            "timestamp": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "window": f"{window:.3f}s",
            "containers": containers,
        }


def _certificate(directory: Path, address: str) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(hours=1))
    builder = builder.not_valid_after(now + datetime.timedelta(hours=4))
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    made = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    chain = directory / "metrics.pem"
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    chain.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context


def _answer(cluster: Any, usage: Usage, path: str) -> tuple[int, dict[str, Any]]:
    url = urlsplit(path)
    if url.path == f"/apis/{GROUP}/{VERSION}":
        resource = {"name": "pods", "singularName": "", "namespaced": True, "kind": "PodMetrics"}
        listed = {"kind": "APIResourceList", "apiVersion": "v1"}
        entries = [{**resource, "verbs": ["get", "list"]}]
        return 200, {**listed, "groupVersion": f"{GROUP}/{VERSION}", "resources": entries}
    match = _PODS.fullmatch(url.path)
    if not match:
        return 404, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404}
    selector = parse_qs(url.query).get("labelSelector", [""])[0]
    pods = cluster.core.list_namespaced_pod(match[1], label_selector=selector).items
    items = [item for item in map(usage.of_pod, pods) if item]
    kind = {"kind": "PodMetricsList", "apiVersion": f"{GROUP}/{VERSION}"}
    return 200, {**kind, "metadata": {}, "items": items}


def _handler(cluster: Any, usage: Usage) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers as long as the tests run."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, document = _answer(cluster, usage, self.path)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    return Handler


def _objects(address: str, port: int) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return a Service without pods, its endpoints, and what leads there."""
    metadata = {"name": NAME, "namespace": NAMESPACE}
    service = {"metadata": metadata, "spec": {"ports": [{"name": "https", "port": 443}]}}
    ends = {
        "metadata": metadata,
        "subsets": [{"addresses": [{"ip": address}], "ports": [{"name": "https", "port": port}]}],
    }
    api = {
        "metadata": {"name": f"{VERSION}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "version": VERSION,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": {"name": NAME, "namespace": NAMESPACE, "port": 443},
        },
    }
    return service, ends, api


def _remove(cluster: Any) -> None:
    """Take it away, also what a run that was killed has left: namespaces wait for such an API."""
    services = k8s.ApiregistrationV1Api(cluster.api)
    for remove, names in (
        (services.delete_api_service, (f"{VERSION}.{GROUP}",)),
        (cluster.core.delete_namespaced_service, (NAME, NAMESPACE)),
        (cluster.core.delete_namespaced_endpoints, (NAME, NAMESPACE)),
    ):
        with contextlib.suppress(k8s.ApiException):
            remove(*names)


@contextmanager
def resource_metrics(cluster: Any, address: str, directory: Path) -> Iterator[Usage]:
    """Serve the metrics of a cluster's pods at an address that its API server reaches."""
    usage, stop = Usage(cluster), threading.Event()

    def reading() -> None:
        while not stop.is_set():
            with contextlib.suppress(Exception):  # the next reading comes soon
                usage.read()
            stop.wait(READING_SECONDS)

    server = ThreadingHTTPServer((address, 0), _handler(cluster, usage))
    # Each connection shakes hands in its own thread, so a slow one holds up nobody.
    server.socket = _certificate(directory, address).wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    threads = [threading.Thread(target=reading), threading.Thread(target=server.serve_forever)]
    for thread in threads:
        thread.start()
    _remove(cluster)
    service, ends, api = _objects(address, int(server.server_address[1]))
    try:
        cluster.core.create_namespaced_service(NAMESPACE, service)
        cluster.core.create_namespaced_endpoints(NAMESPACE, ends)
        k8s.ApiregistrationV1Api(cluster.api).create_api_service(api)
        yield usage
    finally:
        _remove(cluster)
        stop.set()
        server.shutdown()
        server.server_close()
        for thread in threads:
            thread.join()
