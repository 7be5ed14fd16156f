#!/usr/bin/env python3
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A FAKE device plugin: no hardware, but the kubelet's real device-plugin API (v1beta1).

It looks for cards below PREFIX/sys/class/drm (else PREFIX/sys/class/accel), as Intel's plugins do,
and takes those of their options that the tests use. A test makes these files. A card named in the
file PREFIX/dev/dri/unhealthy (dev/accel) is reported Unhealthy; with a file
PREFIX/dev/dri/refuse, containers get nothing. It needs Python 3.11, grpcio and
protobuf.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SOCKETS = Path("/var/lib/kubelet/device-plugins")
API = "v1beta1"
# The messages of k8s.io/kubelet pkg/apis/deviceplugin/v1beta1/api.proto that are used here:
# field, number, type; "*" in front: repeated.
MESSAGES: dict[str, list[tuple[str, int, str]]] = {
    "Empty": [],
    "DevicePluginOptions": [("pre_start_required", 1, "bool")],
    "RegisterRequest": [
        ("version", 1, "string"),
        ("endpoint", 2, "string"),
        ("resource_name", 3, "string"),
        ("options", 4, "DevicePluginOptions"),
    ],
    "Device": [("ID", 1, "string"), ("health", 2, "string")],
    "ListAndWatchResponse": [("devices", 1, "*Device")],
    "ContainerAllocateRequest": [("devices_ids", 1, "*string")],
    "AllocateRequest": [("container_requests", 1, "*ContainerAllocateRequest")],
    "DeviceSpec": [
        ("container_path", 1, "string"),
        ("host_path", 2, "string"),
        ("permissions", 3, "string"),
    ],
    "ContainerAllocateResponse": [("devices", 3, "*DeviceSpec")],
    "AllocateResponse": [("container_responses", 1, "*ContainerAllocateResponse")],
}


def message_classes(
    messages: dict[str, list[tuple[str, int, str]]] = MESSAGES, package: str = API
) -> dict[str, Any]:
    """Return the classes of messages that are written down like MESSAGES."""
    field = descriptor_pb2.FieldDescriptorProto
    scalars = {"string": field.TYPE_STRING, "bool": field.TYPE_BOOL}
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{package}.proto", package=package, syntax="proto3"
    )
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for label, number, kind in fields:
            plain = kind.lstrip("*")
            made = message.field.add(name=label, number=number)
            made.label = field.LABEL_REPEATED if kind[0] == "*" else field.LABEL_OPTIONAL
            made.type = scalars.get(plain, field.TYPE_MESSAGE)
            if plain not in scalars:
                made.type_name = f".{package}.{plain}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = {name: pool.FindMessageTypeByName(f"{package}.{name}") for name in messages}
    return {name: message_factory.GetMessageClass(item) for name, item in found.items()}


PB = message_classes()


class Cards:
    """The cards of one machine; ``resource`` is what they are offered as."""

    def __init__(self, prefix: str, shares: int) -> None:
        self.prefix, self.shares = prefix, shares
        self.accel = Path(f"{prefix}/sys/class/accel").is_dir()
        stem = "accel" if self.accel else "card"
        self.sys = Path(f"{prefix}/sys/class/{'accel' if self.accel else 'drm'}")
        self.pattern = re.compile(rf"{stem}\d+")
        self.note = Path(f"{prefix}/dev/{'accel' if self.accel else 'dri'}/unhealthy")

    def names(self) -> list[str]:
        """Return the cards that are there."""
        return sorted(path.name for path in self.sys.iterdir() if self.pattern.fullmatch(path.name))

    @property
    def resource(self) -> str:
        """By the driver of the first card; an unknown driver counts as i915."""
        if self.accel:
            return "npu.intel.com/accel"
        drivers = [os.readlink(self.sys / name / "device/driver") for name in self.names()]
        xe = bool(drivers) and Path(drivers[0]).name == "xe"
        return "gpu.intel.com/xe" if xe else "gpu.intel.com/i915"

    def devices(self) -> list[Any]:
        """Each card, as often as it is shared."""
        bad = self.note.read_text().split() if self.note.exists() else []
        return [
            PB["Device"](ID=f"{name}-{share}", health="Unhealthy" if name in bad else "Healthy")
            for name in self.names()
            for share in range(self.shares)
        ]

    def nodes(self, ident: str) -> list[Any]:
        """The device nodes of one device."""
        name = ident.rpartition("-")[0]
        number = int(name.lstrip("acelrd"))
        paths = [f"/dev/accel/{name}"] if self.accel else []
        if not self.accel:
            paths = [f"/dev/dri/{name}", f"/dev/dri/renderD{128 + number}"]
        return [
            PB["DeviceSpec"](container_path=path, host_path=self.prefix + path, permissions="rw")
            for path in paths
        ]


class Plugin:
    """The service ``v1beta1.DevicePlugin``."""

    def __init__(self, cards: Cards) -> None:
        self.cards, self.stop = cards, threading.Event()

    def options(self, _request: Any, _context: Any) -> Any:
        """Answer that the kubelet need not ask again before a container starts."""
        return PB["DevicePluginOptions"]()

    def list_and_watch(self, _request: Any, context: Any) -> Iterator[Any]:
        """Tell all devices, again after each change."""
        last = None
        while not self.stop.is_set() and context.is_active():
            current = PB["ListAndWatchResponse"](devices=self.cards.devices())
            if current != last:
                last = current
                print("devices:", [(item.ID, item.health) for item in current.devices], flush=True)
                yield current
            self.stop.wait(0.3)

    def allocate(self, request: Any, context: Any) -> Any:
        """Say which device nodes a container gets; refuse what is not healthy."""
        healthy = {item.ID for item in self.cards.devices() if item.health == "Healthy"}
        if self.cards.note.with_name("refuse").exists():
            context.abort(grpc.StatusCode.INTERNAL, "told to refuse")
        answer = PB["AllocateResponse"]()
        for wanted in request.container_requests:
            given = answer.container_responses.add()
            print("allocate:", list(wanted.devices_ids), flush=True)
            for ident in wanted.devices_ids:
                if ident not in healthy:
                    text = f"no healthy device {ident}"
                    context.abort(grpc.StatusCode.INVALID_ARGUMENT, text)
                for node in self.cards.nodes(ident):
                    if node not in given.devices:
                        given.devices.append(node)
        return answer

    def handler(self) -> Any:
        """Return what gRPC serves."""

        def unary(function: Any, request: str) -> Any:
            return grpc.unary_unary_rpc_method_handler(
                function, PB[request].FromString, lambda message: message.SerializeToString()
            )

        methods = {
            "GetDevicePluginOptions": unary(self.options, "Empty"),
            "Allocate": unary(self.allocate, "AllocateRequest"),
            "ListAndWatch": grpc.unary_stream_rpc_method_handler(
                self.list_and_watch,
                PB["Empty"].FromString,
                lambda message: message.SerializeToString(),
            ),
        }
        return grpc.method_handlers_generic_handler(f"{API}.DevicePlugin", methods)


def register(endpoint: str, resource: str) -> None:
    """Tell the kubelet that the plugin is there."""
    request = PB["RegisterRequest"](
        version=API,
        endpoint=endpoint,
        resource_name=resource,
        options=PB["DevicePluginOptions"](),
    )
    with grpc.insecure_channel(f"unix://{SOCKETS}/kubelet.sock") as channel:
        call = channel.unary_unary(
            f"/{API}.Registration/Register",
            lambda message: message.SerializeToString(),
            PB["Empty"].FromString,
        )
        call(request, timeout=10, wait_for_ready=True)


def main() -> None:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser(description="fake device plugin", prefix_chars="-")
    parser.add_argument("-prefix", default="")
    parser.add_argument("-shared-dev-num", type=int, default=1)
    parser.add_argument("-v", default="")
    options = parser.parse_args()
    plugin = Plugin(Cards(options.prefix, options.shared_dev_num))
    signal.signal(signal.SIGTERM, lambda *_: plugin.stop.set())
    resource = plugin.cards.resource
    socket = SOCKETS / f"fake-{resource.replace('/', '-')}.sock"
    # The kubelet empties the directory when it starts: serve again, register again.
    while not plugin.stop.is_set():
        socket.unlink(missing_ok=True)
        server = grpc.server(futures.ThreadPoolExecutor(8))
        server.add_generic_rpc_handlers((plugin.handler(),))
        server.add_insecure_port(f"unix://{socket}")
        server.start()
        register(socket.name, resource)
        print("registered", resource, flush=True)
        while socket.exists() and not plugin.stop.is_set():
            time.sleep(0.3)
        server.stop(1).wait()


if __name__ == "__main__":
    main()
