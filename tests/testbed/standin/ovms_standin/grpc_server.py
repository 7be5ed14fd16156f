# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gRPC server: plaintext, no health service, no reflection (src/grpcservermodule.cpp)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from ovms_standin.status import StatusError

DRAIN_SECONDS = 5.0  # the deadline of grpcservermodule.cpp on shutdown
THREADS = 8
_CODES = {code.value[0]: code for code in grpc.StatusCode}
#: Messages of any size in both directions; two servers on one port must fail.
_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.so_reuseport", 0),
]

#: A call as a plain function of the request message; raises StatusError.
Call = Callable[[Any], Any]


def _method(call: Call, request_class: Any) -> Any:
    def handle(request: Any, context: Any) -> Any:
        try:
            return call(request)
        except StatusError as error:
            status = error.status
            context.abort(_CODES[status.code.grpc], status.text())

    return grpc.unary_unary_rpc_method_handler(
        handle,
        request_deserializer=request_class.FromString,
        response_serializer=lambda message: message.SerializeToString(),
    )


class Service:
    """One gRPC service: its full name, and for each method its call and request class."""

    def __init__(self, name: str, methods: Mapping[str, tuple[Call, Any]]) -> None:
        self.name = name
        self._methods = methods

    def handler(self) -> Any:
        """What grpc's server takes."""
        table = {name: _method(call, kind) for name, (call, kind) in self._methods.items()}
        return grpc.method_handlers_generic_handler(self.name, table)


class GrpcServer:
    """One server over all bind addresses; methods it does not have are UNIMPLEMENTED."""

    def __init__(self, addresses: Iterable[str], port: int, services: Iterable[Service]) -> None:
        """Raises RuntimeError when an address cannot be bound."""
        self._server = grpc.server(ThreadPoolExecutor(THREADS), options=_OPTIONS)
        self._server.add_generic_rpc_handlers(tuple(service.handler() for service in services))
        for address in addresses:
            host = f"[{address}]" if ":" in address else address
            self._server.add_insecure_port(f"{host}:{port}")

    def start(self) -> None:
        """Serve in the background."""
        self._server.start()

    def close(self) -> None:
        """Listen no more at once; running calls have five seconds, in the background."""
        self._server.stop(DRAIN_SECONDS)
