# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real plays: inside the worker and as a module, and a controller that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
CONNECTIONS = ROOT / "tests/unit/worker/connection_plugins"
VOLUME = {"persistentVolumeClaim": {"claimName": "models"}}


@pytest.fixture
def inventory(
    shop: Any, make_namespace: Any, make_pvc: Any, source: Path, images: Any, tmp_path: Path
) -> dict[str, Any]:
    """Two hosts: C(worker) and C(module), each with a directory of its own in one claim."""
    namespace = make_namespace(shop, "restricted")
    make_pvc(shop, namespace, "models", "2Gi")
    common = {
        "ansible_python_interpreter": sys.executable,
        "kubeconfig": str(shop.kubeconfig),
        "namespace": namespace,
        "src": str(source),
        "answers": str(tmp_path),
        **images,
    }
    hosts = {
        name: {
            **common,
            "ansible_connection": connection,
            "pvc": {"claim_name": "models", "sub_path": name},
        }
        for name, connection in (("worker", "local"), ("module", "elsewhere"))
    }
    return {"all": {"hosts": hosts}}


def play(
    tmp_path: Path, inventory: dict[str, Any], *arguments: str, book: str = "play.yml"
) -> subprocess.Popen[str]:
    """Start a play of this folder."""
    hosts = tmp_path / "hosts.json"
    hosts.write_text(json.dumps(inventory))
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_CONNECTION_PLUGINS": str(CONNECTIONS),
        "ANSIBLE_INVENTORY_ENABLED": "yaml",
        "ANSIBLE_LOCAL_TEMP": str(tmp_path / "tmp"),
        "ANSIBLE_REMOTE_TEMP": str(tmp_path / "remote"),
    }
    executable = Path(sys.executable).parent / "ansible-playbook"
    return subprocess.Popen(
        [str(executable), "-i", str(hosts), str(HERE / book), *arguments],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def kill_all(process: subprocess.Popen[str]) -> None:
    """Kill a play and its workers, which lead sessions of their own.

    Each is stopped before its children are looked for, so that none is born meanwhile.
    """
    family = [process.pid]
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
        family += children(pid)
    for pid in family:
        os.kill(pid, signal.SIGKILL)


def children(parent: int) -> list[int]:
    """Return the processes that a process has started."""
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(path.parent.name))
    return found


def comparable(result: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a result without what may differ between two runs."""
    text = json.dumps(result).replace(f"models/{name}", "models/HOST")
    cleaned: dict[str, Any] = json.loads(text)
    for key in ("seconds", "invocation", "ansible_facts", "exception"):
        cleaned.pop(key, None)
    for target in cleaned.get("targets", ()):
        target.pop("free_bytes", None)
    return cleaned


@pytest.mark.whole
def test_worker_and_module_give_the_same(tmp_path: Path, inventory: dict[str, Any]) -> None:
    process = play(tmp_path, inventory)
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 0, output
    answers = {
        name: json.loads((tmp_path / f"{name}.json").read_text()) for name in ("worker", "module")
    }
    for step in answers["worker"]:
        worker, module = (comparable(answers[name][step], name) for name in ("worker", "module"))
        assert worker == module, step
    worker = answers["worker"]
    assert worker["predicted"]["changed"] and worker["copied"]["changed"]
    assert worker["predicted"]["bytes_planned"] == worker["copied"]["bytes_sent"] > 0
    assert worker["predicted"]["diff"] == worker["copied"]["diff"]
    assert not worker["again"]["changed"] and worker["again"]["bytes_sent"] == 0
    assert not worker["kept"]["changed"] and worker["kept"]["bytes_sent"] == 0
    assert "TARGET  PATH  FINDING" in output
    assert worker["found"]["sound"] and not worker["found"]["changed"]
    assert worker["refused"]["failed"] and "does not exist" in worker["refused"]["msg"]
    assert worker["removed"]["changed"]
    assert "worker: models: published ocr/1" in output, "progress shows at once in the worker"


def test_a_killed_controller(
    tmp_path: Path, inventory: dict[str, Any], shop: Any, source: Path
) -> None:
    """SIGKILL in the middle of a file: nothing partial, the next run works, no helper stays."""
    namespace = inventory["all"]["hosts"]["worker"]["namespace"]
    (source / "ocr/2").mkdir()
    (source / "ocr/2/a.onnx").write_bytes(os.urandom(1 << 20) * 500)
    del inventory["all"]["hosts"]["module"]
    # The visitor is a user of the store that nobody understands.
    inventory["all"]["hosts"]["worker"]["force"] = True
    inventory["all"]["hosts"]["worker"]["bandwidth_limit"] = "50M"
    with shop.visitor(namespace, VOLUME) as visitor:
        process = play(tmp_path, inventory)
        part = "find /store/worker/.edge/staging -name 'part-*' -size +1M 2>/dev/null"
        end = time.monotonic() + 90
        while time.monotonic() < end and not visitor.sh(part):
            assert process.poll() is None
        assert visitor.sh(part), "the big file is on its way"
        kill_all(process)
        process.communicate(timeout=30)
        assert "a.onnx" not in visitor.sh("find /store/worker/models")
        assert "ocr/2" not in visitor.sh("ls -d /store/worker/models/*/*")
        process = play(tmp_path, inventory)
        output = process.communicate(timeout=300)[0]
        assert process.returncode == 0, output
        copied = json.loads((tmp_path / "worker.json").read_text())["copied"]
        assert "ocr/2" in copied["targets"][0]["versions_published"]

    wait_until_no_helper(shop, namespace)


def wait_until_no_helper(shop: Any, namespace: str) -> None:
    """Wait until the helpers of a namespace are gone, with all that belongs to them."""

    def no_helper() -> bool:
        selector = "openvino.edge/agent"
        pods = shop.core.list_namespaced_pod(namespace, label_selector=selector).items
        maps = shop.core.list_namespaced_config_map(namespace, label_selector=selector).items
        return not pods and not maps

    shop.wait_until(no_helper, "helpers that nobody needs have ended themselves", 120)


@pytest.mark.parametrize(
    ("idle", "last", "pods"), [(0, 0, 3), (60, 0, 1), (60, 3, 1)], ids=["off", "on", "left behind"]
)
def test_tasks_of_a_run_share_a_helper(
    tmp_path: Path, inventory: dict[str, Any], shop: Any, idle: int, last: int, pods: int
) -> None:
    """As many pods as said, and none that stays: the last task ends it, or it ends itself."""
    namespace = inventory["all"]["hosts"]["worker"]["namespace"]
    del inventory["all"]["hosts"]["module"]
    inventory["all"]["hosts"]["worker"].update(idle=idle, last=last)
    process = play(tmp_path, inventory, book="kept.yml")
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 0, output
    events = shop.core.list_namespaced_event(
        namespace, field_selector="involvedObject.kind=Job,reason=SuccessfulCreate"
    ).items
    assert len({event.involved_object.uid for event in events}) == pods
    assert not list((tmp_path / "tmp").glob("*/edge-helper-*")), "gone with the run"
    wait_until_no_helper(shop, namespace)
