# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for the kubelet of one node, on which the pods of many simulated clusters run.

It runs in the network of the control plane, so that the API server reaches the addresses that it
gives to pods. A volume is a directory. A pod of a helper is a process that runs the real program of
the agent, as the user of its security context. A pod of a server is an OVMS stand-in, all of which
share this process and its one port: which one is asked is told by the address of the connection.
Its files are polled when the pod is touched or asked to reload, and not each second. Models with
the same bytes are compiled once.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import json
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timezone
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "standin")]

import helper  # noqa: E402
from ansible_collections.openvino.edge.plugins.module_utils.errors import (  # noqa: E402
    EdgeError,
    GoneError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import (  # noqa: E402
    KubeClient,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport import (  # noqa: E402
    archive,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import (  # noqa: E402
    AGENT_LABEL,
)
from ovms_standin import logs, rest_server  # noqa: E402
from ovms_standin.knobs import Knobs  # noqa: E402
from ovms_standin.manager import ModelManager, Settings  # noqa: E402
from ovms_standin.metrics import Metrics  # noqa: E402
from ovms_standin.model import LoadedModel, ReadModel, Runtime  # noqa: E402
from ovms_standin.model_config import ModelConfig  # noqa: E402
from ovms_standin.routes import Reply, Request, Routes  # noqa: E402

NODE = "simulated"
# Addresses of pods; they are local ones in the network of the control plane.
PODS = ipaddress.ip_network("10.128.0.0/14")
REST_PORT = 8081
THREADS = 8
# A node's controller takes it for lost after 40 s without a new lease.
BEAT = 10.0
# A ConfigMap may come later than the pod that mounts it.
FILES_SECONDS = 20.0
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
Object = dict[str, Any]


class OneCompiler(Runtime):
    """A runtime that compiles models with the same bytes and settings once."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[str, LoadedModel] = {}
        self._lock = threading.Lock()

    def compile(self, read: ReadModel, config: ModelConfig) -> LoadedModel:
        """Compile, unless that was done before."""
        settings = (config.device, config.shapes, config.layouts, config.batch_size, config.nireq)
        key = f"{read.digest} {settings} {sorted(config.plugin_config.items())}"
        with self._lock:
            if key not in self._known:
                self._known[key] = super().compile(read, config)
            return self._known[key]


@dataclass
class Server:
    """One OVMS stand-in: its manager and routes, and where the files of its pod are."""

    manager: ModelManager
    routes: Routes
    ready: bool = False


@dataclass
class Pod:
    """What runs for one pod.

    Attributes:
        home: directory with its log and its volumes of configuration.
        address: of the pod.
        path: of the pod in the API.
        mark: its annotations when its files were last written.
        told: whether its end was told.
    """

    home: Path
    address: str
    path: str
    mark: str = ""
    told: bool = False
    server: Server | None = None
    process: ForkServerProcess | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Kubelet:
    """Runs the pods of one node.

    Args:
        kubeconfig: of the administrator.
        folder: for volumes (C(volumes/NAME)) and pods.
    """

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        self._client = KubeClient.from_params({"kubeconfig": str(kubeconfig)})
        self._folder = folder
        self._pods: dict[str, Pod] = {}
        self._servers: dict[str, Server] = {}
        self._ended: set[str] = set()
        self._addresses = PODS.hosts()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(THREADS)
        self._runtime = OneCompiler()
        self._forks = multiprocessing.get_context("forkserver")
        self._forks.set_forkserver_preload(["helper"])
        self._program = hashlib.sha256(archive.archive()).hexdigest()

    def run(self) -> None:
        """Make the node, and run what is bound to it until the process is ended."""
        self._make_node()
        threading.Thread(target=self._beat, daemon=True).start()
        rest = rest_server.RestServer(["0.0.0.0"], REST_PORT, _nobody, {})
        for server in rest._servers:
            handler: Any = server.RequestHandlerClass
            handler._handle = _by_address(self._servers)
            _take_all_methods(handler)
        rest.start()
        print("ready", flush=True)
        while True:
            with contextlib.suppress(GoneError):
                self._follow()

    def _make_node(self) -> None:
        condition = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
        room = {"cpu": "100k", "memory": "100Ti", "pods": "100k", "ephemeral-storage": "100Ti"}
        labels = {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux"}
        self._send("POST", "/api/v1/nodes", {"metadata": {"name": NODE, "labels": labels}})
        status = {"conditions": [condition], "capacity": room, "allocatable": room}
        self._send("PATCH", f"/api/v1/nodes/{NODE}/status", {"status": status})
        spec = {"holderIdentity": NODE, "leaseDurationSeconds": 40}
        self._send("POST", LEASES, {"metadata": {"name": NODE}, "spec": spec})

    def _beat(self) -> None:
        while True:
            now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            with contextlib.suppress(EdgeError):
                self._send("PATCH", f"{LEASES}/{NODE}", {"spec": {"renewTime": now}})
                self._tell_ended()
            time.sleep(BEAT)

    def _tell_ended(self) -> None:
        """Write the status of helpers that have ended by themselves, as idle ones do."""
        for pod in list(self._pods.values()):
            if pod.process is not None and pod.process.exitcode is not None and not pod.told:
                pod.told = True
                self._send("PATCH", f"{pod.path}/status", {"status": {"phase": "Succeeded"}})

    def _send(self, method: str, path: str, body: Object) -> Object:
        headers = {"Content-Type": "application/merge-patch+json"} if method == "PATCH" else {}
        return self._client.request_json(
            method, path, body=body, headers=headers, what=f"{method} {path}"
        )

    def _follow(self) -> None:
        """List the pods of the node and follow their changes."""
        bound = f"spec.nodeName={NODE}"
        items, version = self._client.list("v1", "Pod", field_selector=bound)
        for item in items:
            self._pool.submit(self._guarded, item)
        for event in self._client.watch(
            "v1", "Pod", field_selector=bound, resource_version=version, timeout=3600.0
        ):
            work = self._forget if event.type == "DELETED" else self._guarded
            self._pool.submit(work, event.object)

    def _guarded(self, pod: Object) -> None:
        meta = pod["metadata"]
        try:
            self._see(pod)
        except Exception as error:  # the log of this process says it, and the pod stays as it is
            print(f"{meta['namespace']}/{meta['name']}: {error!r}", file=sys.stderr, flush=True)

    def _see(self, found: Object) -> None:
        """Do what one state of a pod asks for."""
        if found["metadata"].get("deletionTimestamp"):
            self._end(found)
            return
        # States come in any order here: an older one must not start what has ended.
        done = (found.get("status") or {}).get("phase") in ("Succeeded", "Failed")
        if done or found["metadata"]["uid"] in self._ended:
            return
        pod = self._known(found)
        with pod.lock:
            mark = json.dumps(found["metadata"].get("annotations") or {}, sort_keys=True)
            if pod.process is None and pod.server is None:
                pod.mark = mark
                self._start(found, pod)
            elif pod.server is not None and pod.mark != mark:
                pod.mark = mark
                self._write_files(found, pod)
                pod.server.manager.poll()

    def _known(self, found: Object) -> Pod:
        uid = found["metadata"]["uid"]
        with self._lock:
            if uid not in self._pods:
                home = self._folder / "pods" / uid
                home.mkdir(parents=True)
                self._pods[uid] = Pod(home, str(next(self._addresses)), _path(found))
            return self._pods[uid]

    def _start(self, found: Object, pod: Pod) -> None:
        if AGENT_LABEL in found["metadata"]["labels"]:
            self._start_helper(found, pod)
        else:
            self._start_server(found, pod)
        self._tell(found, pod)

    def _tell(self, found: Object, pod: Pod) -> None:
        """Write the status of a pod that runs."""
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        kinds = ("Initialized", "PodScheduled", "ContainersReady", "Ready")
        conditions = [{"type": kind, "status": "True", "lastTransitionTime": now} for kind in kinds]
        containers = [
            {
                "name": item["name"],
                "image": item["image"],
                "imageID": item["image"],
                "ready": True,
                "started": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": now}},
            }
            for item in found["spec"]["containers"]
        ]
        status = {
            "phase": "Running",
            "podIP": pod.address,
            "podIPs": [{"ip": pod.address}],
            "startTime": now,
            "conditions": conditions,
            "containerStatuses": containers,
        }
        self._send("PATCH", f"{_path(found)}/status", {"status": status})

    # -- helpers --------------------------------------------------------------------------------

    def _start_helper(self, found: Object, pod: Pod) -> None:
        """Start the agent, if its program is the one of this checkout."""
        (container,) = found["spec"]["containers"]
        self._write_files(found, pod)
        program = self._places(found, pod)["/edge"] / archive.ARCHIVE
        sent = hashlib.sha256(program.read_bytes()).hexdigest()
        if not sent == self._program == container["command"][-1]:
            raise ValueError("this is another program than the one of this checkout")
        environment = {item["name"]: item["value"] for item in container["env"] if "value" in item}
        environment["EDGE_BIND"] = pod.address
        store = self._places(found, pod)["/store"]
        environment["EDGE_ROOT"] = str(store) + environment["EDGE_ROOT"].removeprefix("/store")
        context = found["spec"]["securityContext"]
        pod.process = self._forks.Process(
            target=helper.run,
            args=(environment, context["runAsUser"], context["runAsGroup"], pod.home / "log"),
            daemon=True,
        )
        pod.process.start()

    # -- servers --------------------------------------------------------------------------------

    def _start_server(self, found: Object, pod: Pod) -> None:
        words = found["spec"]["containers"][0].get("args") or []
        path = words[words.index("--config_path") + 1]
        self._write_files(found, pod)
        places = self._places(found, pod)
        manager = ModelManager(
            Settings(config_path=_on_host(path, places), poll_seconds=0), Knobs(), Metrics()
        )
        manager._runtime = self._runtime
        server = Server(manager, Routes(manager, lambda: server.ready))
        pod.server = server
        self._servers[pod.address] = server
        manager.start()
        server.ready = True

    # -- files ----------------------------------------------------------------------------------

    def _places(self, found: Object, pod: Pod) -> dict[str, Path]:
        """Return the directories of a pod's volumes by where its container sees them."""
        kinds = {item["name"]: item for item in found["spec"]["volumes"]}
        namespace = found["metadata"]["namespace"]
        places = {}
        for mount in found["spec"]["containers"][0].get("volumeMounts") or ():
            volume = kinds[mount["name"]]
            place = pod.home / "volumes" / mount["name"]
            if "persistentVolumeClaim" in volume:
                place = self._folder / "volumes" / namespace
            places[mount["mountPath"]] = place / mount.get("subPath", "")
        return places

    def _write_files(self, found: Object, pod: Pod) -> None:
        """Write the files of the ConfigMaps that a pod mounts; paths in them become ours."""
        places = self._places(found, pod)
        for volume in found["spec"]["volumes"]:
            if "configMap" not in volume:
                continue
            home = pod.home / "volumes" / volume["name"]
            contents = self._files_of(found["metadata"]["namespace"], volume["configMap"]["name"])
            items = volume["configMap"].get("items") or [
                {"key": key, "path": key} for key in contents
            ]
            for item in items:
                if item["key"] in contents:
                    target = home / item["path"]
                    target.parent.mkdir(parents=True, exist_ok=True)
                    partial = target.with_name(f"{target.name}.partial")
                    partial.write_bytes(_mapped(contents[item["key"]], target, places))
                    partial.rename(target)

    def _files_of(self, namespace: str, name: str) -> dict[str, bytes]:
        from base64 import b64decode

        end = time.monotonic() + FILES_SECONDS
        while True:
            found = self._client.get("v1", "ConfigMap", name, namespace)
            if found is not None:
                texts = {key: text.encode() for key, text in (found.get("data") or {}).items()}
                binary = found.get("binaryData") or {}
                return {**texts, **{key: b64decode(text) for key, text in binary.items()}}
            if time.monotonic() > end:
                raise ValueError(f"there is no ConfigMap {namespace}/{name}")
            time.sleep(0.05)

    # -- the end --------------------------------------------------------------------------------

    def _end(self, found: Object) -> None:
        """End what runs for a pod, and say that it is gone."""
        self._forget(found)
        meta = found["metadata"]
        with contextlib.suppress(EdgeError):
            self._client.delete(
                "v1", "Pod", meta["name"], meta["namespace"], uid=meta["uid"], grace_period=0
            )

    def _forget(self, found: Object) -> None:
        with self._lock:
            self._ended.add(found["metadata"]["uid"])
            pod = self._pods.pop(found["metadata"]["uid"], None)
        if pod is None:
            return
        with pod.lock:
            if pod.process is not None:
                pod.process.terminate()
                pod.process.join(10)
            if pod.server is not None:
                self._servers.pop(pod.address, None)
                pod.server.manager.stop()
            shutil.rmtree(pod.home, ignore_errors=True)


def _path(pod: Object) -> str:
    meta = pod["metadata"]
    return f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"


def _on_host(path: str, places: Mapping[str, Path]) -> str:
    """Return where a path of a container is on this machine; other paths stay."""
    for point, place in sorted(places.items(), reverse=True):
        if path == point or path.startswith(point + "/"):
            return str(place) + path.removeprefix(point)
    return path


def _mapped(content: bytes, target: Path, places: Mapping[str, Path]) -> bytes:
    """Return a file with the paths of models as they are on this machine, if it is config.json."""
    if target.suffix != ".json":
        return content
    document = json.loads(content)
    for item in document.get("model_config_list") or ():
        item["config"]["base_path"] = _on_host(item["config"]["base_path"], places)
    return json.dumps(document).encode()


def _nobody(request: Request) -> Reply:
    return Reply(404)


def _by_address(servers: Mapping[str, Server]) -> Any:
    """Return a request handler that answers for the server whose address was connected to."""

    def handle(self: Any) -> None:
        body = self._decoded(self._body())
        headers = {key.lower(): value for key, value in self.headers.items()}
        request = Request(self.command, self.path, headers, body)
        server = servers.get(self.connection.getsockname()[0])
        self._send(server.routes.answer(request) if server else _nobody(request))

    return handle


def _take_all_methods(handler: Any) -> None:
    for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        setattr(handler, f"do_{name}", handler._handle)


def main(kubeconfig: str, folder: str) -> None:
    """Run until the process is ended."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    logs.configure("ERROR", None)
    os.umask(0o022)
    # The API server keeps connections to the servers that it has asked open.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    Kubelet(Path(kubeconfig), Path(folder)).run()
