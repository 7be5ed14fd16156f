# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fake devices on a node of the lab, the image of the fake plugin, and plays of the role."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
TESTBED = ROOT / "tests" / "testbed"
LAB = TESTBED / "lab" / "lab"
sys.path += [str(TESTBED / "images"), str(TESTBED / "lab")]
sys.path.append(str(HERE.parent / "server"))

from edge_images.cache import image_directory  # noqa: E402
from edge_images.images import INTERPRETER, Builder  # noqa: E402
from oci import LayerFile, write_image, write_layer  # noqa: E402
from serving import Server  # noqa: E402

IMAGE = "localhost/edge-fake-device-plugin:1"
# Where the devices of a node are made up; each machine of the lab has its own /var/lib.
FAKE_ROOT = "/var/lib/openvino-edge-fake"
RENDER_GROUP = 992
I915, XE, NPU = "gpu.intel.com/i915", "gpu.intel.com/xe", "npu.intel.com/accel"


def lab(*words: str) -> str:
    """Run the lab's command."""
    done = subprocess.run([LAB, *words], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"lab {' '.join(words)}: {done.stderr}"
    return done.stdout


def load_image(cluster: str) -> None:
    """Load the image of the fake plugin: the layers of the stand-in, and one file."""
    builder = Builder(image_directory())
    with tempfile.TemporaryDirectory() as scratch:
        layer = Path(scratch) / "layer.tar"
        write_layer(layer, [LayerFile("/fake_plugin.py", HERE / "fake_plugin.py")])
        layers = [builder.base_layer(), builder.packages_layer(), builder.program_layer(), layer]
        config = {
            "Entrypoint": [f"/{INTERPRETER}", "/fake_plugin.py"],
            "Env": ["PYTHONDONTWRITEBYTECODE=1"],
        }
        tar = Path(scratch) / "image.tar"
        write_image(tar, IMAGE, layers, config)
        lab("load-image", str(tar), "--cluster", cluster)


@dataclass(frozen=True)
class Node:
    """A machine of the lab with made-up devices."""

    name: str

    def sh(self, line: str) -> str:
        """Run a shell line on it."""
        return lab("exec", self.name, "--", "sh", "-c", line)

    def cards(self, count: int, driver: str = "i915") -> None:
        """Make the files that a driver makes for so many cards; their nodes are /dev/null's."""
        lines = [f"mkdir -p {FAKE_ROOT}/dev/dri {FAKE_ROOT}/sys/class/drm"]
        for number in range(count):
            device = f"{FAKE_ROOT}/sys/class/drm/card{number}/device"
            lines += [f"mkdir -p {device}", f"ln -sfn ../../../../{driver} {device}/driver"]
            for name in (f"card{number}", f"renderD{128 + number}"):
                path = f"{FAKE_ROOT}/dev/dri/{name}"
                lines.append(f"test -e {path} || mknod -m 660 {path} c 1 3")
                lines.append(f"chown 0:{RENDER_GROUP} {path}")
        self.sh(" && ".join(lines))

    def accelerators(self, count: int) -> None:
        """Make the files that the driver of NPUs makes for so many of them."""
        lines = [f"mkdir -p {FAKE_ROOT}/dev/accel {FAKE_ROOT}/sys/class/accel"]
        for number in range(count):
            path = f"{FAKE_ROOT}/dev/accel/accel{number}"
            lines.append(f"mkdir -p {FAKE_ROOT}/sys/class/accel/accel{number}")
            lines.append(f"test -e {path} || mknod -m 660 {path} c 1 3")
            lines.append(f"chown 0:{RENDER_GROUP} {path}")
        self.sh(" && ".join(lines))

    def unhealthy(self, *cards: str) -> None:
        """Say which cards are broken."""
        self.sh(f"echo {' '.join(cards)} > {FAKE_ROOT}/dev/dri/unhealthy")

    def clear(self) -> None:
        """Remove what was made."""
        self.sh(f"rm -rf {FAKE_ROOT}")


def forget(cluster: Any, node: str, resource: str) -> None:
    """Remove a resource from a node's status; a kubelet does so only when it starts anew."""
    escaped = resource.replace("/", "~1")
    status = cluster.core.read_node(node).status
    patch = [
        {"op": "remove", "path": f"/status/{part}/{escaped}"}
        for part, found in (("capacity", status.capacity), ("allocatable", status.allocatable))
        if resource in found
    ]
    if patch:
        cluster.core.patch_node_status(node, patch)


def inside(server: Any, line: str) -> str:
    """Run a shell line in the server's container."""
    (pod,) = [pod for pod in server.pods() if pod.status.phase == "Running"]
    name = pod.metadata.name
    answer: str = server.cluster.run_in_pod(server.namespace, name, "sh", "-c", line)
    return answer


def run_play(play: dict[str, Any], work: Path) -> str:
    """Run a play as it is written, on this machine; return what it printed."""
    own = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    done = _played({**play, "hosts": "localhost", "vars": {**play.get("vars", {}), **own}}, work)
    assert done.returncode == 0, done.stdout
    return done.stdout


def _played(play: dict[str, Any], work: Path, *options: str) -> subprocess.CompletedProcess[str]:
    playbook = work / "play.yml"
    playbook.write_text(json.dumps([play]), encoding="utf-8")
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", str(playbook)]
    return subprocess.run(
        [*command, *options],
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
            "ANSIBLE_NOCOLOR": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


def play_role(
    cluster: Any, work: Path, *options: str, role: str = "device_plugins", **variables: Any
) -> tuple[dict[str, Any], str]:
    """Run a role in a play; return the result of its last task, and what was printed."""
    answer = work / "result.json"
    answer.unlink(missing_ok=True)
    result = f"{{{{ {role}_result | default({{}}) | to_json }}}}"
    copy = {"content": result, "dest": str(answer), "mode": "0600"}
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "roles": [{"role": f"openvino.edge.{role}"}],
        "post_tasks": [{"ansible.builtin.copy": copy, "check_mode": False, "diff": False}],
        "vars": {
            "ansible_python_interpreter": sys.executable,
            f"{role}_auth": cluster.auth,
            **variables,
        },
    }
    text = _played(play, work, *options).stdout
    found = json.loads(answer.read_text(encoding="utf-8")) if answer.exists() else {}
    return found, text


@contextmanager
def bare_servers(
    cluster: Any, namespace: str, make_pvc: Any, image: str
) -> Iterator[Callable[..., Server]]:
    """Give C(make(name, **options)): a server without models on a claim; removed afterwards."""
    servers: list[Server] = []

    def make(name: str, **options: Any) -> Server:
        make_pvc(cluster, namespace, name)
        usual = {
            **cluster.auth,
            "namespace": namespace,
            "name": name,
            "image": image,
            "models": [],
            "pvc": {"claim_name": name},
            "wait_timeout": 60,
        }
        servers.append(Server(cluster, {**usual, **options}))
        return servers[-1]

    yield make
    for server in servers:
        server.run(state="absent")
