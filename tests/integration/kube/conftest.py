# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of ours and a pod to talk to, in a namespace of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.kube.client import KubeClient
from ansible_collections.openvino.edge.plugins.module_utils.kube.wait import wait_pods_ready

# Receives PUT and tells what came; GET tells who asked. /refuse answers before it reads the body,
# and then reads on for a moment: closed at once, the API server's proxy would see a broken pipe.
RECEIVER = r"""
import hashlib, http.server, json, time
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self): self.reply(200, {"path": self.path, "token": self.headers["X-Edge-Token"]})
    def do_PUT(self):
        if self.path == "/refuse":
            self.close_connection = True
            self.reply(507, {"error": "no space"})
            return time.sleep(1)
        left, digest = int(self.headers["Content-Length"]), hashlib.sha256()
        size = left
        while left:
            block = self.rfile.read(min(left, 1 << 18))
            if not block: return
            digest.update(block); left -= len(block)
        self.reply(201, {"size": size, "sha256": digest.hexdigest()})
    def reply(self, code, value):
        body = json.dumps(value).encode()
        self.send_response(code); self.send_header("Content-Length", str(len(body)))
        self.end_headers(); self.wfile.write(body)
    def log_message(self, *a): pass
print("receiver is up", flush=True)
http.server.ThreadingHTTPServer(("", 8081), H).serve_forever()
"""


def restricted_pod(image: str, *argv: str, **more: Any) -> dict[str, Any]:
    """A pod that the restricted Pod Security level lets in, with room in /tmp."""
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(argv),
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    context = {
        "runAsNonRoot": True,
        "runAsUser": 5000,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return {
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
        "securityContext": context,
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
        **more,
    }


@pytest.fixture
def client(shop: Any) -> Iterator[KubeClient]:
    with KubeClient.from_params(shop.auth) as made:
        yield made


@pytest.fixture
def namespace(shop: Any, make_namespace: Callable[..., str]) -> str:
    return make_namespace(shop)


@pytest.fixture
def pod_spec() -> Callable[..., dict[str, Any]]:
    return restricted_pod


@pytest.fixture
def pod(client: KubeClient, namespace: str, agent_image: str) -> str:
    """A running pod with a shell, Python, and the receiver on port 8081."""
    spec = restricted_pod(agent_image, "python3", "-c", RECEIVER)
    spec["containers"][0]["readinessProbe"] = {
        "httpGet": {"path": "/", "port": 8081},
        "periodSeconds": 1,
    }
    meta = {"name": "receiver", "namespace": namespace, "labels": {"app": "receiver"}}
    client.apply({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    wait_pods_ready(client, namespace, "app=receiver", 60)
    return "receiver"
