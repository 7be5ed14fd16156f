# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process: modules in OVMS's order, signals, exit codes (src/server.cpp)."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, NoReturn

from ovms_standin import cli, logs
from ovms_standin.cloud_http import ClientCrash
from ovms_standin.definitions import graph_file
from ovms_standin.knobs import VERSIONS, Generation, Knobs, read_knobs
from ovms_standin.logs import MANAGER, SERVING
from ovms_standin.manager import ModelManager, Settings
from ovms_standin.metrics import Metrics
from ovms_standin.rest_server import RestServer
from ovms_standin.routes import SERVER_NAME, Routes
from ovms_standin.status import OK, Status, StatusError

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
        self._prepare_cache()
        self._log_machine()
        SERVING.info("capimodule.cpp", "C-APIModule starting")
        SERVING.info("capimodule.cpp", "C-APIModule started")
        self._start_grpc()
        self._start_rest()
        SERVING.info("servablemanagermodule.cpp", "ServableManagerModule starting")
        status = self._configure_metrics()
        status = self.manager.start() if status.ok else status
        if not status.ok:
            MANAGER.error("modelmanager.cpp", "Couldn't start model manager")
            SERVING.error(
                "servablemanagermodule.cpp",
                f"ovms::ModelManager::Start() Error: {status.text()}",
            )
            raise StartError
        self._ready.set()
        SERVING.info("servablemanagermodule.cpp", "ServableManagerModule started")

    def _prepare_cache(self) -> None:
        path = self.manager.settings.cache_dir
        if not path:
            return
        try:
            if not os.path.isdir(path):
                os.makedirs(path)
                MANAGER.warning(
                    "modelmanager.cpp", f"Cache directory {path} did not exist, created"
                )
        except OSError as error:
            SERVING.error(
                "server.cpp",
                "Exception catch: filesystem error: cannot create directories: "
                f"{error.strerror} [{path}] - will now terminate.",
            )
            raise StartError from error
        MANAGER.info("modelmanager.cpp", f"Model cache is enabled: {path}")

    def _log_machine(self) -> None:
        if cli.in_container():
            quota, affinity = cli.cpu_quota(), len(os.sched_getaffinity(0))
            files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            SERVING.info("modelmanager.cpp", "Running inside Docker container")
            SERVING.info(
                "modelmanager.cpp",
                f"cpu quota: {quota}, cpu affinity: {affinity}, max_open_files: {files}",
            )

    def _configure_metrics(self) -> Status:
        names = [name for name in self._options.text("metrics_list").split(",") if name.strip()]
        try:
            enabled = self._options.flag("metrics_enable")
            self.metrics.configure(enabled, [name.strip() for name in names])
        except StatusError as error:
            return error.status
        return OK

    def _addresses(self, option: str) -> list[str]:
        return self._options.text(option, "0.0.0.0").split(",")

    def _start_grpc(self) -> None:
        port = self._options.number("port")
        if not port:
            SERVING.info("grpcservermodule.cpp", "GRPCServerModule starting")
            SERVING.info("grpcservermodule.cpp", "GRPCServerModule started")
            SERVING.info(
                "grpcservermodule.cpp", "Port was not set. GRPC server will not be started."
            )
            return
        from ovms_standin.grpc_kserve import KServeCalls
        from ovms_standin.grpc_server import GrpcServer

        SERVING.info("grpcservermodule.cpp", "GRPCServerModule starting")
        for address in self._addresses("grpc_bind_address"):
            SERVING.info(
                "grpcservermodule.cpp", f"Binding gRPC server to address: {address}:{port}"
            )
        services = [KServeCalls(self.manager, self.is_ready).service()]
        if self._knobs.generation is Generation.TFS:
            from ovms_standin.grpc_tfs import TfsCalls

            services += TfsCalls(self.manager).services()
        try:
            server = GrpcServer(self._addresses("grpc_bind_address"), port, services)
        except RuntimeError as error:
            where = f"{self._addresses('grpc_bind_address')[0]}:{port}"
            SERVING.error(
                "grpcservermodule.cpp",
                f"Failed to start gRPC server - at {where} - port is busy",
            )
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
        workers = max(2, self._options.number("rest_workers", cli.core_count()))
        SERVING.info("httpservermodule.cpp", f"Will start {workers} REST workers")
        addresses = self._addresses("rest_bind_address")
        for address in addresses:
            SERVING.info(
                "drogon_http_server.cpp", f"Binding REST server to address: {address}:{port}"
            )
        routes = Routes(self.manager, self.is_ready)
        try:
            self._rest = RestServer(addresses, port, routes.answer, self._cors())
        except OSError as error:
            SERVING.error(
                "httpservermodule.cpp", f"Failed to start REST server - at {addresses[0]}:{port}"
            )
            raise StartError from error
        self._rest.start()
        SERVING.info("httpservermodule.cpp", "HTTPServerModule started")
        SERVING.info("httpservermodule.cpp", f"Started REST server at {addresses[0]}:{port}")

    def _cors(self) -> dict[str, str]:
        options = self._options
        return {
            "access-control-allow-headers": options.text("allowed_headers", "*"),
            "access-control-allow-methods": options.text("allowed_methods", "*"),
            "access-control-allow-origin": options.text("allowed_origins", "*"),
        }

    def stop(self) -> None:
        """Close all sockets at once, then end the models; the log tells each step."""
        SERVING.info("grpcservermodule.cpp", "GRPCServerModule shutting down")
        if self._grpc is not None:
            self._grpc.close()
            SERVING.info("grpcservermodule.cpp", "Shutdown gRPC server")
        SERVING.info("grpcservermodule.cpp", "GRPCServerModule shutdown")
        if self._rest is not None:
            SERVING.info("httpservermodule.cpp", "HTTPServerModule shutting down")
            self._rest.stop()
            SERVING.info("httpservermodule.cpp", "Shutdown HTTP server")
        SERVING.info("servablemanagermodule.cpp", "ServableManagerModule shutting down")
        self.manager.stop()
        SERVING.info("servablemanagermodule.cpp", "ServableManagerModule shutdown")
        SERVING.info("capimodule.cpp", "C-APIModule shutting down")
        SERVING.info("capimodule.cpp", "C-APIModule shutdown")


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


def _check_model_path(options: cli.Options) -> None:
    """A path that may not be searched is refused with the options, before anything is logged."""
    path = options.text("model_path")
    if not path or "://" in path:
        return
    looked_for = os.path.join(path, "config.json")
    try:
        os.stat(looked_for)
    except PermissionError as error:
        raise cli.UsageError(
            f"error parsing options: filesystem error: status: {error.strerror} [{looked_for}]"
        ) from error
    except OSError:
        return


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
    _check_model_path(options)
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


def run() -> NoReturn:
    """Serve as the command line says, then end the process."""
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # At once: a thread that is still inside the runtime would abort the interpreter's own end.
    os._exit(code)
