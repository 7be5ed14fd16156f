# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A benchmark in a cluster: what the pod sends is what the replicas have counted."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    GateError,
    UnsupportedError,
)
from ansible_collections.openvino.edge.plugins.module_utils.loadtest import entry
from ansible_collections.openvino.edge.plugins.module_utils.preflight.rights import fill
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime

ROOT = Path(__file__).resolve().parents[3]
TESTBED = ROOT / "tests" / "testbed"
sys.path[:0] = [str(TESTBED), str(TESTBED / "images")]

from edge_images.wheels import download  # noqa: E402
from web.fetched import fetched  # noqa: E402

PAGE = (ROOT / "docs" / "benchmark.md").read_text(encoding="utf-8")
RBAC = ROOT / "roles" / "preflight" / "files" / "rbac.yml"


def measure(site: Any, image: str, runtime: Runtime | None = None, **given: Any) -> dict[str, Any]:
    """Run benchmark against the server of a site."""
    params = {**site.cluster.auth, "namespace": site.namespace, "name": "ovms", "model": "tiny"}
    params |= {"agent_image": image, "image_pull_policy": "IfNotPresent", **given}
    return entry.run(fill(entry.ARGUMENT_SPEC, params), runtime or Runtime())


def left(site: Any) -> list[str]:
    """Return the names of Jobs and ConfigMaps of a measurement that are still there."""
    selector = "app.kubernetes.io/name=model-benchmark"
    maps = site.cluster.core.list_namespaced_config_map(site.namespace, label_selector=selector)
    pods = site.cluster.core.list_namespaced_pod(site.namespace, label_selector=selector)
    return [item.metadata.name for item in [*maps.items, *pods.items]]


def test_what_is_sent_is_what_the_replicas_count(
    site: Any, agent_image: str, tmp_path: Path
) -> None:
    with pytest.raises(Exception, match="no such Deployment"):
        measure(site, agent_image)
    site.serve(replicas=2, metrics=True, tiny=[1])
    foreseen = measure(site, agent_image, Runtime(check_mode=True), requests=300)
    assert "would send 10 requests of warm-up and 300 requests" in foreseen["msg"]
    assert "statistics" not in foreseen and not left(site)

    result = measure(
        site,
        agent_image,
        target="replicas",
        requests=300,
        concurrency=2,
        inputs=[{"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [-1, 0, 1, 2]}],
        dest=str(tmp_path),
    )
    assert result["requests"] == {"sent": 300, "answered": 300, "failed": 0}
    # Warm-up and measurement, told by the replicas; connections take turns.
    assert result["shares_from"] == entry.METRICS
    assert [item["inferences"] for item in result["shares"]] == [155, 155]
    assert {item["replica"] for item in result["shares"]} == {
        pod.metadata.name for pod in site.pods()
    }
    assert result["bytes"]["request"] == foreseen["bytes"]["request"]
    written = json.loads((tmp_path / "benchmark.json").read_text())
    assert written["statistics"] == result["statistics"]
    assert "Share of each replica" in (tmp_path / "benchmark.html").read_text()
    site.cluster.wait_until(lambda: not left(site), "nothing of the measurement is left")

    # Through the Service one connection is one replica.
    result = measure(site, agent_image, requests=50, warmup=0)
    assert sorted(item["inferences"] for item in result["shares"]) == [0, 50]
    with pytest.raises(entry.SloError, match="p50 is .* more than 0.001 ms") as caught:
        measure(site, agent_image, requests=50, slo={"p50_ms": 0.001, "error_rate": 0})
    assert caught.value.details["statistics"]["count"] == 50
    with pytest.raises(GateError, match="the model 'other' is not AVAILABLE"):
        measure(site, agent_image, model="other")
    site.cluster.wait_until(lambda: not left(site), "nothing of the measurements is left")


def test_grpc_from_a_pod_whose_image_has_the_client(
    site: Any, agent_image: str, client_image: str
) -> None:
    site.serve(replicas=2, metrics=True, tiny=[1])
    with pytest.raises(UnsupportedError, match="missing in Python 3.11") as caught:
        measure(site, agent_image, client="grpc", requests=10)
    assert caught.value.option == "client" and "agent_image" in (caught.value.hint or "")
    result = measure(site, client_image, client="grpc", target="replicas", requests=200)
    assert result["requests"] == {"sent": 200, "answered": 200, "failed": 0}
    assert result["client"] == "grpc" and result["from"] == "cluster"
    assert result["shares_from"] == entry.METRICS
    assert [item["inferences"] for item in result["shares"]] == [105, 105]
    # A channel stays with the replica that it met first.
    result = measure(site, client_image, client="grpc", requests=50, warmup=0)
    assert sorted(item["inferences"] for item in result["shares"]) == [0, 50]
    site.cluster.wait_until(lambda: not left(site), "nothing of the measurements is left")


@pytest.mark.whole
def test_grpc_from_a_pod_that_is_given_wheels(site: Any, agent_image: str) -> None:
    requirements = TESTBED / "images" / "requirements-client.txt"
    folder = fetched("client-wheels", [requirements], lambda to: download(requirements, to))
    site.serve(tiny=[1])
    result = measure(site, agent_image, client="grpc", requests=50, wheels=str(folder))
    assert result["requests"] == {"sent": 50, "answered": 50, "failed": 0}
    site.cluster.wait_until(lambda: not left(site), "nothing of the measurements is left")


def deployer(site: Any) -> Any:
    """Return an account that has the shipped role of the job, and no more."""
    account = site.cluster.new_account()
    roles = yaml.safe_load(RBAC.read_text())["items"]
    (rules,) = [
        item["rules"] for item in roles if item["metadata"]["name"] == "openvino-edge-deployer"
    ]
    meta = {"metadata": {"name": "deployer"}}
    site.cluster.rbac.create_namespaced_role(site.namespace, {**meta, "rules": rules})
    role_ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "deployer"}
    binding = {**meta, "roleRef": role_ref, "subjects": account.subjects}
    site.cluster.rbac.create_namespaced_role_binding(site.namespace, binding)
    account.until_rules(site.namespace, rules)
    return account


def role(site: Any, image: str) -> list[dict[str, Any]]:
    """Return tasks that run the role verify with an objective that no server keeps."""
    variables = {
        "verify_auth": site.cluster.auth,
        "verify_namespace": site.namespace,
        "verify_name": "ovms",
        "verify_models": [{"name": "detector", "versions": [1]}],
        "verify_benchmark": {
            "model": "detector",
            "requests": 20,
            "agent_image": image,
            "slo": {"p50_ms": 0.001},
        },
    }
    run = {"ansible.builtin.include_role": {"name": "openvino.edge.verify"}, "vars": variables}
    error = "verify_measured.error"
    tell = {"msg": f"kept as {{{{ {error}.kind }}}}: {{{{ {error}.message.split(': ')[1] }}}}"}
    stop = {"ansible.builtin.fail": {"msg": "the role let it pass"}}
    return [{"block": [run], "rescue": [{"ansible.builtin.debug": tell}]}] + [
        {**stop, "when": f"{error} is not defined"}
    ]


def test_the_example_of_the_page_with_the_shipped_rights(
    site: Any, agent_image: str, tmp_path: Path
) -> None:
    """The first play of docs/benchmark.md as it is written, in the worker and as a module."""
    site.publish("detector", 1)
    site.serve(detector=[1])
    written = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.M | re.S)[0]
    assert "namespace: edge\n" in written
    (play,) = yaml.safe_load(written.replace("namespace: edge\n", f"namespace: {site.namespace}\n"))
    play["module_defaults"] = {
        "openvino.edge.benchmark": {**deployer(site).auth, "agent_image": agent_image}
    }
    # And the role, which measures once its gate is open.
    play["tasks"] += role(site, agent_image)
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False))
    hosts = {
        "worker": {"ansible_connection": "local"},
        "module": {"ansible_connection": "elsewhere"},
    }
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"clusters": {"hosts": hosts}}))
    plugins = ROOT / "tests" / "unit" / "worker" / "connection_plugins"
    env = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_CONNECTION_PLUGINS": str(plugins),
    }
    done = subprocess.run(
        ["ansible-playbook", "-i", "hosts.yml", "play.yml"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "200 answers in" in done.stdout
    assert done.stdout.count("kept as slo: p50 is") == 2
    for host in hosts:
        found = json.loads((tmp_path / "reports" / host / "benchmark.json").read_text())
        assert found["passed"] and found["requests"]["answered"] == 200
        # The metrics are off, so the client tells what it had: everything from the only replica.
        assert found["shares_from"] == entry.CLIENT
        assert [item["share"] for item in found["shares"]] == [1.0]
    site.cluster.wait_until(lambda: not left(site), "nothing of the measurements is left")
