# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate against a server (the lab's stand-in, or what EDGE_SERVER_IMAGE names) in a cluster."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import GateError, InputError

ROOT = Path(__file__).parents[3]


def wanted(*versions: int, name: str = "tiny") -> list[dict[str, Any]]:
    return [{"name": name, "versions": list(versions)}]


def test_the_gate_opens_and_says_what_is_served(site: Any) -> None:
    site.serve(wait=False, tiny=[1])
    result = site.gate(models=wanted(1))
    assert result["available"] and not result["changed"] and result["problems"] == []
    assert result["replicas"] == {"wanted": 1, "seen": 1}
    (row,) = result["statuses"]
    (pod,) = site.pods()
    assert (row["replica"], row["node"]) == (pod.metadata.name, pod.spec.node_name)
    assert (row["model"], row["version"], row["state"], row["ok"]) == ("tiny", 1, "AVAILABLE", True)
    by_label = site.gate(models=wanted(1), label_selector="openvino.edge/server=ovms")
    assert by_label["statuses"] == result["statuses"]


def test_a_broken_version_fails_at_once_with_the_log(site: Any) -> None:
    site.publish("tiny", 2, text="<net this is no model")
    site.serve(wait=False, tiny=[2])
    with pytest.raises(GateError) as caught:
        site.gate(models=wanted(2), wait_timeout=120)
    details = caught.value.details
    assert details["outcome"] == "failed" and details["seconds"] < 60
    (problem,) = details["problems"]
    assert problem["code"] == "load_failed" and "tiny" in problem["log"]
    assert "LOADING" in str(caught.value) and problem["log"].splitlines()[0] in str(caught.value)


def test_unwanted_and_missing_versions_keep_it_closed(site: Any) -> None:
    site.publish("tiny", 2)
    site.serve(tiny=[1, 2])
    assert site.gate(models=wanted(1, 2))["available"]
    for models, codes in (
        (wanted(1), {"unwanted"}),
        (wanted(1, 2, 3), {"no_version"}),
        (wanted(1, name="other"), {"not_configured", "unwanted"}),
    ):
        seen = site.gate(models=models, wait=False)
        assert not seen["available"]
        assert {problem["code"] for problem in seen["problems"]} == codes
    with pytest.raises(GateError) as caught:
        site.gate(models=wanted(1), wait_timeout=2)
    assert caught.value.details["outcome"] == "pending"


def test_a_directory_that_cannot_be_read_is_found_to_be_stuck(site: Any) -> None:
    site.publish("tiny", 2, mode="000")
    # The visitor has the server's uid, so only the mode keeps both out.
    site.serve(wait=False, tiny=[2])
    with pytest.raises(GateError) as caught:
        site.gate(models=wanted(2), stuck_after=4, wait_timeout=60)
    site.visitor.sh("chmod 755 /store/models/tiny/2")
    problems = caught.value.details["problems"]
    assert problems[0]["code"] in ("stuck", "load_failed", "no_version")
    assert problems[0]["final"]


def test_the_wrong_port_and_the_wrong_name(site: Any) -> None:
    site.serve(tiny=[1])
    with pytest.raises(GateError) as caught:
        site.gate(models=wanted(1), rest_port=9999, wait_timeout=2)
    assert caught.value.details["problems"][0]["code"] == "unreachable"
    with pytest.raises(InputError, match="no such Deployment"):
        site.gate(models=wanted(1), name="nobody")
    assert not site.gate(models=wanted(1), name="nobody", wait=False)["available"]


def test_a_replaced_pod_is_not_asked_any_more(site: Any) -> None:
    site.serve(tiny=[1])
    (before,) = site.pods()
    site.cluster.core.delete_namespaced_pod(before.metadata.name, site.namespace)
    result = site.gate(models=wanted(1))
    assert [row["replica"] for row in result["statuses"]] != [before.metadata.name]


def test_worker_and_module_give_the_same(site: Any) -> None:
    site.serve(tiny=[1])
    given = {**site.cluster.auth, "namespace": site.namespace, "name": "ovms"}
    given["models"] = wanted(1)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "collections")}
    done = subprocess.run(
        [sys.executable, "-m", "ansible_collections.openvino.edge.plugins.modules.model_status"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": given}),
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )
    module = json.loads(done.stdout)
    action = ansible(given)
    for key in ("available", "replicas", "statuses", "problems", "changed"):
        assert module[key] == action[key], key


def ansible(given: dict[str, Any]) -> dict[str, Any]:
    """Run the module's name as a task on a local connection: that is the action."""
    environment = {**os.environ, "ANSIBLE_CALLBACK_RESULT_FORMAT": "json", "ANSIBLE_NOCOLOR": "1"}
    command = [
        str(Path(sys.executable).parent / "ansible"),
        "localhost",
        "-i",
        "localhost,",
        "-c",
        "local",
    ]
    command += ["-m", "openvino.edge.model_status", "-a", json.dumps(given)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    start = done.stdout.index("SUCCESS => ") + len("SUCCESS => ")
    result: dict[str, Any] = json.JSONDecoder().raw_decode(done.stdout, start)[0]
    return result


# Seconds by which clocks may differ.
CLOCKS = 0.05


def test_the_gate_opens_when_the_model_is_loaded_and_never_before(site: Any) -> None:
    """Clocks of controller and node agree to some milliseconds in the lab.

    How soon after it is measured by the benches (docs/benchmarks.md), against a peer.
    """
    late = []
    site.serve(tiny=[1])
    for version in range(2, 6):
        site.serve(wait=False, tiny=[version])
        opened = measure(site, version)
        late.append(opened - loaded_at(site, version))
    print("seconds from loaded to AVAILABLE at the gate:", [round(item, 3) for item in late])
    assert min(late) > -CLOCKS


def measure(site: Any, version: int) -> float:
    """Return when the gate opened, for a version that is published while it is closed."""
    opened: list[float] = []

    def wait() -> None:
        site.gate(models=wanted(version))
        opened.append(time.time())

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(1.5 + version / 10)
    site.publish("tiny", version)
    waiting.join(60)
    return opened[0]


def loaded_at(site: Any, version: int) -> float:
    """Return when the server's log says that the version became AVAILABLE."""
    (pod,) = site.pods()
    text = site.cluster.core.read_namespaced_pod_log(pod.metadata.name, site.namespace)
    mark = re.compile(rf'^\[([-0-9 :.]+)\].*Version {version} of model tiny .*"AVAILABLE"', re.M)
    stamp = mark.findall(text)[-1]
    moment = datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=timezone.utc)
    return moment.timestamp()
