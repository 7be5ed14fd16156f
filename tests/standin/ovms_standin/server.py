# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process: modules in OVMS's order, signals, exit codes (src/server.cpp)."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

from ovms_standin import cli, logs
from ovms_standin.cloud_http import ClientCrash
from ovms_standin.definitions import graph_file
from ovms_standin.knobs import VERSIONS, Generation, Knobs, read_knobs
from ovms_standin.logs import MANAGER, SERVING
from ovms_standin.manager import ModelManager, Settings
from ovms_standin.metrics import Metrics
from ovms_standin.rest_server import RestServer
from ovms_standin.routes import SERVER_NAME, Routes
from ovms_standin.status import StatusError

if TYPE_CHECKING:
    from ovms_standin.grpc_server import GrpcServer

EX_OK, EX_FAILURE = 0, 1
_DEFAULT_CACHE = "/opt/cache"  # used when it exists (src/modelmanager.cpp)
#: What single-model mode may say besides the model when that is a graph (2025.1 and later).
_GRAPH_OPTIONS = {"batch_size", "shape", "layout", "nireq", "target_device", "model_version_policy"}


class StartError(Exception):
    """A module could not start; it has said why in the log."""


class Server:
    """All modules of one process."""

    def __init__(self, options: cli.Options, knobs: Knobs) -> None:
        self._options = options
        self._knobs = knobs
        self._ready = threading.Event()
        self.metrics = Metrics()
        self.manager = ModelManager(self._settings(), knobs, self.metrics)
        self._rest: RestServer | None = None
        self._grpc: GrpcServer | None = None

    def _settings(self) -> Settings:
        options = self._options
        config_path = options.text("config_path")
        cache = options.text("cache_dir")
        if not cache and os.path.isdir(_DEFAULT_CACHE):
            cache = _DEFAULT_CACHE
        return Settings(
            config_path=config_path,
            single_model={} if config_path else cli.single_model_entry(options),
            poll_seconds=options.number("file_system_poll_wait_seconds", 1),
            cache_dir=cache,
        )

    def is_ready(self) -> bool:
        """Whether the first pass over the models has ended; never false again after that."""
        return self._ready.is_set()

    def start(self) -> None:
        """Start gRPC, REST, then the models. Raises StartError."""
        SERVING.info("server.cpp", f"{SERVER_NAME} {VERSIONS[self._knobs.generation]}")
        SERVING.info("server.cpp", f"OpenVINO backend {_backend_version()}")
        self._configure_metrics()
        self._start_grpc()
        self._start_rest()
        devices = ", ".join(self.manager.runtime().devices())
        MANAGER.info("modelmanager.cpp", f"Available devices for Open VINO: {devices}")
        SERVING.info("servablemanagermodule.cpp", "ServableManagerModule starting")
        status = self.manager.start()
        if not status.ok:
            SERVING.error(
                "servablemanagermodule.cpp",
                f"ovms::ModelManager::Start() Error: {status.text()}",
            )
            raise StartError
        self._ready.set()
        SERVING.info("servablemanagermodule.cpp", "ServableManagerModule started")

    def _configure_metrics(self) -> None:
        names = [name for name in self._options.text("metrics_list").split(",") if name.strip()]
        try:
            enabled = self._options.flag("metrics_enable")
            self.metrics.configure(enabled, [name.strip() for name in names])
        except StatusError as error:
            raise StartError from error

    def _addresses(self, option: str) -> list[str]:
        return self._options.text(option, "0.0.0.0").split(",")

    def _start_grpc(self) -> None:
        port = self._options.number("port")
        if not port:
            return
        from ovms_standin.grpc_kserve import KServeCalls
        from ovms_standin.grpc_server import GrpcServer

        SERVING.info("grpcservermodule.cpp", "GRPCServerModule starting")
        services = [KServeCalls(self.manager, self.is_ready).service()]
        if self._knobs.generation is Generation.TFS:
            from ovms_standin.grpc_tfs import TfsCalls

            services += TfsCalls(self.manager).services()
        try:
            server = GrpcServer(self._addresses("grpc_bind_address"), port, services)
        except RuntimeError as error:
            SERVING.error("grpcservermodule.cpp", f"Failed to start gRPC server: {error}")
            raise StartError from error
        server.start()
        self._grpc = server
        SERVING.info("grpcservermodule.cpp", "GRPCServerModule started")
        SERVING.info("grpcservermodule.cpp", f"Started gRPC server on port {port}")

    def _start_rest(self) -> None:
        port = self._options.number("rest_port")
        if not port:
            return
        SERVING.info("httpservermodule.cpp", "HTTPServerModule starting")
        workers = self._options.number("rest_workers", max(2, cli.core_count()))
        SERVING.info("httpservermodule.cpp", f"Will start {workers} REST workers")
        addresses = self._addresses("rest_bind_address")
        routes = Routes(self.manager, self.is_ready)
        try:
            self._rest = RestServer(addresses, port, routes.answer)
        except OSError as error:
            SERVING.error(
                "httpservermodule.cpp", f"Failed to start REST server at {addresses[0]}:{port}"
            )
            raise StartError from error
        self._rest.start()
        SERVING.info("httpservermodule.cpp", "HTTPServerModule started")
        SERVING.info("httpservermodule.cpp", f"Started REST server at {addresses[0]}:{port}")

    def stop(self) -> None:
        """Stop everything that was started, in the opposite order."""
        SERVING.info("server.cpp", "Shutting down")
        if self._rest is not None:
            self._rest.stop()
            SERVING.info("httpservermodule.cpp", "HTTPServerModule shutdown")
        if self._grpc is not None:
            self._grpc.stop()
            SERVING.info("grpcservermodule.cpp", "GRPCServerModule shutdown")
        self.manager.stop()
        SERVING.info("servablemanagermodule.cpp", "ServableManagerModule shutdown")


def _backend_version() -> str:
    """From the package's metadata: importing the runtime can wait until REST is up."""
    return version("openvino")


def _check_graph_options(options: cli.Options) -> None:
    path = options.text("model_path")
    given = sorted(_GRAPH_OPTIONS & set(options.values))
    if path and given and graph_file(path, "") is not None:
        raise cli.UsageError(
            "Starting mediapipe graph with unsupported model settings: "
            f"{', '.join(given)}. The settings should be set in subconfig.json file."
        )


def _print_help() -> None:
    print(f"{SERVER_NAME} stand-in, for tests. Options are those of ovms:")
    print("  --config_path FILE | --model_name NAME --model_path DIR")
    print("  --port N  --rest_port N  --log_level L  --file_system_poll_wait_seconds N  ...")


def _prepare(argv: Sequence[str], knobs: Knobs) -> cli.Options | None:
    """The checked options, or None when there is nothing to serve. Raises UsageError, OSError."""
    options = cli.parse(argv, knobs.generation)
    if options.flag("help") or not argv:
        _print_help()
        return None
    if options.flag("version"):
        print(f"{SERVER_NAME} {VERSIONS[knobs.generation]}")
        print(f"OpenVINO backend {_backend_version()}")
        return None
    cli.validate(options)
    _check_graph_options(options)
    logs.configure(options.text("log_level", "INFO"), options.text("log_path") or None)
    return options


def main(argv: Sequence[str]) -> int:
    """Run until a signal; the process's exit code."""
    # Importing openvino forks; gRPC would write about that to stderr.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
    try:
        knobs = read_knobs(os.environ)
        options = _prepare(argv, knobs)
    except (cli.UsageError, ValueError) as error:
        print(error, file=sys.stderr)
        return cli.EX_USAGE
    except OSError as error:
        print(f"log_path: {error}", file=sys.stderr)
        return EX_FAILURE
    return EX_OK if options is None else _serve(Server(options, knobs))


def _serve(server: Server) -> int:
    ended = threading.Event()

    def end(*_: object) -> None:
        ended.set()
        server.manager.interrupt()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    try:
        server.start()
    except StartError:
        server.stop()
        return EX_FAILURE
    except ClientCrash as error:
        print(error, file=sys.stderr)
        server.stop()
        return EX_FAILURE
    ended.wait()
    server.stop()
    return EX_OK
