#!/usr/bin/env python3
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A FAKE DRA driver: no hardware, but the kubelet's real API for dynamic resource allocation (v1).

It runs on a node, beside the kubelet. Who starts it publishes the ResourceSlice. Each device that
the scheduler gave to a claim becomes a device node and a variable of the container, by the
container device interface (CDI): a description where the containerd of the lab looks for them.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import stat
import threading
from collections.abc import Callable
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from fake_plugin import message_classes
from kubernetes import client as k8s
from kubernetes import config as k8s_config

PLUGINS = Path("/var/lib/kubelet/plugins")
REGISTRY = Path("/var/lib/kubelet/plugins_registry")
CDI = Path("/var/lib/edge-lab/cdi")
DEVICES = Path("/var/lib/openvino-edge-fake-dra")
# k8s.io/kubelet pkg/apis/pluginregistration/v1/api.proto and pkg/apis/dra/v1/api.proto; a map is
# on the wire a repeated message of key and value.
MESSAGES: dict[str, list[tuple[str, int, str]]] = {
    "InfoRequest": [],
    "PluginInfo": [
        ("type", 1, "string"),
        ("name", 2, "string"),
        ("endpoint", 3, "string"),
        ("supported_versions", 4, "*string"),
    ],
    "RegistrationStatus": [("plugin_registered", 1, "bool"), ("error", 2, "string")],
    "RegistrationStatusResponse": [],
    "Claim": [("namespace", 1, "string"), ("uid", 2, "string"), ("name", 3, "string")],
    "Request": [("claims", 1, "*Claim")],
    "Device": [
        ("request_names", 1, "*string"),
        ("pool_name", 2, "string"),
        ("device_name", 3, "string"),
        ("cdi_device_ids", 4, "*string"),
    ],
    "Prepared": [("devices", 1, "*Device"), ("error", 2, "string")],
    "PreparedEntry": [("key", 1, "string"), ("value", 2, "Prepared")],
    "PrepareResponse": [("claims", 1, "*PreparedEntry")],
    "Unprepared": [("error", 1, "string")],
    "UnpreparedEntry": [("key", 1, "string"), ("value", 2, "Unprepared")],
    "UnprepareResponse": [("claims", 1, "*UnpreparedEntry")],
}
PB = message_classes(MESSAGES, "fakedra")
Method = Callable[[Any, Any], Any]


class Driver:
    """The services of one driver; it asks the API server which devices a claim was given."""

    def __init__(self, name: str, kubeconfig: str) -> None:
        self.name, self.kind = name, f"{name}/card"
        api = k8s_config.new_client_from_config(kubeconfig)
        self.claims = k8s.CustomObjectsApi(api)

    def info(self, _request: Any, _context: Any) -> Any:
        """Tell the kubelet who this is."""
        return PB["PluginInfo"](
            type="DRAPlugin",
            name=self.name,
            endpoint=str(PLUGINS / self.name / "dra.sock"),
            supported_versions=["v1.DRAPlugin"],
        )

    def registered(self, request: Any, _context: Any) -> Any:
        """Hear whether the kubelet took it."""
        print("registered:", request.plugin_registered, request.error, flush=True)
        return PB["RegistrationStatusResponse"]()

    def prepare(self, request: Any, _context: Any) -> Any:
        """Make the devices of claims ready."""
        answer = PB["PrepareResponse"]()
        for claim in request.claims:
            found = self.claims.get_namespaced_custom_object(
                "resource.k8s.io", "v1", claim.namespace, "resourceclaims", claim.name
            )
            assert found["metadata"]["uid"] == claim.uid
            entry = answer.claims.add(key=claim.uid)
            for item in found["status"]["allocation"]["devices"]["results"]:
                if item["driver"] == self.name:
                    entry.value.devices.add(
                        request_names=[item["request"]],
                        pool_name=item["pool"],
                        device_name=item["device"],
                        cdi_device_ids=[f"{self.kind}={item['device']}"],
                    )
            names = [device.device_name for device in entry.value.devices]
            print("prepare:", claim.namespace, claim.name, names, flush=True)
        return answer

    def unprepare(self, request: Any, _context: Any) -> Any:
        """Take back the devices of claims."""
        answer = PB["UnprepareResponse"]()
        for claim in request.claims:
            answer.claims.add(key=claim.uid).value.error = ""
            print("unprepare:", claim.namespace, claim.name, flush=True)
        return answer

    def describe(self, devices: list[str], group: int) -> Path:
        """Write what containerd gives a container of each device; return the file."""
        described = []
        for number, name in enumerate(devices):
            path, inside = DEVICES / name, f"/dev/dri/renderD{128 + number}"
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                os.mknod(path, stat.S_IFCHR | 0o660, os.makedev(1, 3))  # /dev/null's
            path.chmod(0o660)
            os.chown(path, 0, group)
            node = {"path": inside, "hostPath": str(path), "permissions": "rw"}
            edits = {"env": [f"EDGE_FAKE_{name.upper()}=given"], "deviceNodes": [node]}
            described.append({"name": name, "containerEdits": edits})
        CDI.mkdir(parents=True, exist_ok=True)
        file = CDI / f"{self.name}.json"
        text = {"cdiVersion": "0.6.0", "kind": self.kind, "devices": described}
        file.write_text(json.dumps(text), encoding="utf-8")
        return file


def serve(socket: Path, service: str, methods: dict[str, tuple[Method, str]]) -> grpc.Server:
    """Serve the methods of a service on a socket, each with the message that it takes."""
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            function, PB[request].FromString, lambda message: message.SerializeToString()
        )
        for name, (function, request) in methods.items()
    }
    socket.parent.mkdir(parents=True, exist_ok=True)
    socket.unlink(missing_ok=True)
    server = grpc.server(futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    server.add_insecure_port(f"unix://{socket}")
    server.start()
    return server


def main() -> None:
    """Serve until a signal ends it; leave nothing behind."""
    parser = argparse.ArgumentParser(description="fake DRA driver")
    parser.add_argument("--name", required=True)
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--group", type=int, default=0)
    parser.add_argument("devices", nargs="+")
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    driver = Driver(options.name, options.kubeconfig)
    described = driver.describe(options.devices, options.group)
    place, registry = PLUGINS / options.name, REGISTRY / f"{options.name}-reg.sock"
    servers = [
        serve(
            place / "dra.sock",
            "k8s.io.kubelet.pkg.apis.dra.v1.DRAPlugin",
            {
                "NodePrepareResources": (driver.prepare, "Request"),
                "NodeUnprepareResources": (driver.unprepare, "Request"),
            },
        ),
        serve(
            registry,
            "pluginregistration.Registration",
            {
                "GetInfo": (driver.info, "InfoRequest"),
                "NotifyRegistrationStatus": (driver.registered, "RegistrationStatus"),
            },
        ),
    ]
    stop.wait()
    registry.unlink(missing_ok=True)
    for server in servers:
        server.stop(1).wait()
    for path in (described, place / "dra.sock", *(DEVICES / name for name in options.devices)):
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
