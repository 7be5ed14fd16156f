# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is served beside models, and configurations of a user's own, on a real cluster.

The stand-in checks that graphs, libraries and models are there and follows their states; it runs
neither graphs nor pipelines.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.verify import entry as verify
from serving import Server, play

TESTBED = Path(__file__).resolve().parents[2] / "testbed"
sys.path.insert(0, str(TESTBED / "standin"))

from shared_library import shared_library  # noqa: E402

ADDER = {"name": "adder", "versions": [1]}
GRAPH = {"name": "graph", "graph_path": "graph.pbtxt", "versions": [1]}
CLAIM = {"persistentVolumeClaim": {"claimName": "models"}}
LIBRARY = base64.b64encode(shared_library(inputs=("all",), outputs=("parts",))).decode()
FILES = (
    "mkdir -p graph/1 graph/2 libs/1 && echo 'input_stream: \"in\"' | tee graph/1/graph.pbtxt"
    f" graph/2/graph.pbtxt && echo {LIBRARY} | base64 -d > libs/1/libcut.so"
)
ADD_TWICE: dict[str, Any] = {
    "name": "add_twice",
    "inputs": ["x"],
    "outputs": [{"y": {"node_name": "second", "data_item": "sum"}}],
    "nodes": [
        {
            "name": name,
            "model_name": "adder",
            "inputs": [{"x": {"node_name": before, "data_item": item}}],
            "outputs": [{"data_item": "y", "alias": "sum"}],
        }
        for name, before, item in (("first", "request", "x"), ("second", "cut", "parts"))
    ],
}
CUT = {
    "name": "cut",
    "library_name": "cutter",
    "params": {"parts": 2},
    "inputs": [{"all": {"node_name": "first", "data_item": "sum"}}],
    "outputs": [{"data_item": "parts", "alias": "parts"}],
}
ALL: dict[str, Any] = {
    "models": [ADDER, GRAPH],
    "pipelines": [{**ADD_TWICE, "nodes": [*ADD_TWICE["nodes"], CUT]}],
    "custom_node_libraries": [{"name": "cutter", "base_path": "libs/1/libcut.so"}],
    "monitoring": {},
}
SERVED = {"adder:1": "AVAILABLE", "graph:1": "AVAILABLE", "add_twice:1": "AVAILABLE"}


@pytest.fixture
def server(shop: Any, make_namespace: Any, make_pvc: Any, make_server: Any, fill: Any) -> Server:
    """A server, not yet deployed, on a claim with a model, a graph and a library."""
    namespace = make_namespace(shop, "restricted")
    fill(shop, namespace, make_pvc(shop, namespace))
    with shop.visitor(namespace, CLAIM, read_only=False) as visitor:
        visitor.sh(f"cd /store/models && {FILES}")
    made: Server = make_server(shop, namespace)
    return made


def metrics(server: Server) -> str:
    (pod,) = server.pods()
    reply = server.cluster.core.connect_get_namespaced_pod_proxy_with_path(
        f"{pod.metadata.name}:8081", server.namespace, "metrics", _preload_content=False
    )
    return str(reply.data.decode())


@pytest.mark.standin("its graph is a name: a server with MediaPipe would refuse it")
def test_pipelines_graphs_and_metrics(server: Server) -> None:
    options = {**ALL, "image": "localhost/ovms-standin:2026.3"}
    made = server.run(**options)
    assert "mediapipe_config_list" not in made["config"]
    server.until(SERVED)
    assert "ovms_streams{" in metrics(server)
    assert not server.run(**options)["changed"]
    (pod,) = server.pods()

    moved = {**options, "models": [ADDER, {**GRAPH, "versions": [2]}]}
    predicted = server.run(check=True, diff=True, **moved)
    assert predicted["reload"] == "config_reload"
    assert "without a restart" in predicted["diff"]["after_header"]
    assert server.run(**moved)["reload"] == "config_reload"
    (same,) = server.pods()
    assert same.metadata.uid == pod.metadata.uid

    other = {**moved, "monitoring": {"metrics_list": ["ovms_infer_req_active"]}}
    rolled = server.run(**other)
    assert rolled["reload"] == "rolling_restart"
    assert rolled["reload_reason"] == ["metrics settings are read at the start only"]
    server.until(SERVED)
    assert "ovms_infer_req_active{" in metrics(server)
    assert "ovms_streams{" not in metrics(server)


@pytest.mark.standin("its graph is a name: a server with MediaPipe would refuse it")
def test_case_03_a_model_with_a_slash_in_its_name(server: Server) -> None:
    """Its directory is one level; status asks C(/v1/config), which no proxy decodes."""
    with server.cluster.visitor(server.namespace, CLAIM, read_only=False) as visitor:
        visitor.sh("cd /store/models && cp -r adder org--adder && cp -r graph org--graph")
    graph = {**GRAPH, "name": "org/graph"}
    server.run(models=[{"name": "org/adder", "versions": [1]}, graph])
    server.until({"org/adder:1": "AVAILABLE", "org/graph:1": "AVAILABLE"})
    names = [{"name": "org/adder", "versions": [1]}, {"name": "org/graph"}]
    wanted = {"name": server.name, "namespace": server.namespace, "models": names}
    checked = ArgumentSpecValidator(dict(verify.ARGUMENT_SPEC), **verify.SPEC_RULES).validate(
        {**server.cluster.auth, **wanted}
    )
    assert not checked.error_messages, checked.error_messages
    assert verify.run(checked.validated_parameters, Runtime())["available"]


@pytest.mark.standin("its graph is a name: a server with MediaPipe would refuse it")
def test_a_release_that_is_not_known_and_versions_that_the_server_chooses(server: Server) -> None:
    """An image whose tag tells nothing gets what both generations take."""
    newest = {"name": "adder", "version_policy": {"latest": 1}}
    refused = {**newest, "stateful": True}
    with pytest.raises(InputError, match="OVMS 2026.3 does not know it"):
        server.run(models=[refused], ovms_version="2026.3")
    assert server.made() == []
    made = server.run(models=[newest, GRAPH], ovms_version="2024.5")
    assert [entry["name"] for entry in made["config"]["mediapipe_config_list"]] == ["graph"]
    server.until({"adder:2": "AVAILABLE", "graph:1": "AVAILABLE"})
    both = {"name": "adder", "version_policy": {"all": True}}
    assert server.run(models=[both])["reload"] == "config_reload"
    server.until({"adder:1": "AVAILABLE", "adder:2": "AVAILABLE", "graph:1": "END"})


def write(server: Server, name: str, version: int, **more: Any) -> None:
    policy = {"specific": {"versions": [version]}}
    entry = {"name": "adder", "base_path": "/models/adder", "model_version_policy": policy}
    text = json.dumps({"model_config_list": [{"config": entry}], **more})
    body = {"metadata": {"name": name}, "data": {"config.json": text}}
    core = server.cluster.core
    names = [item.metadata.name for item in core.list_namespaced_config_map(server.namespace).items]
    if name in names:
        core.replace_namespaced_config_map(name, server.namespace, body)
    else:
        core.create_namespaced_config_map(server.namespace, body)


def test_a_config_map_of_your_own(server: Server) -> None:
    own: dict[str, Any] = {"models": None, "config_map": "by-hand"}
    with pytest.raises(InputError, match="it does not exist"):
        server.run(**own)
    write(server, "by-hand", 1)
    server.run(**own)
    server.until({"adder:1": "AVAILABLE"})
    assert server.made() == ["Deployment/ocr", "Service/ocr", "ServiceAccount/ocr"]
    assert not server.run(**own)["changed"]
    (pod,) = server.pods()

    write(server, "by-hand", 2)
    assert server.run(check=True, **own)["reload"] == "config_reload"
    taken = server.run(**own)
    assert taken["reload"] == "config_reload" and taken["seconds"] < 30
    server.until({"adder:1": "END", "adder:2": "AVAILABLE"}, 15)
    assert not server.run(**own)["changed"]
    (same,) = server.pods()
    assert same.metadata.uid == pod.metadata.uid

    write(server, "by-hand", 2, monitoring={"metrics": {"enable": True}})
    assert server.run(**own)["reload"] == "rolling_restart"
    assert "ovms_streams{" in metrics(server)
    write(server, "by-hand", 2, monitoring={"metrics": {"enabled": True}})
    with pytest.raises(InputError, match="/monitoring/metrics/enable"):
        server.run(**own)

    back = server.run()
    assert back["reload"] == "rolling_restart"
    assert "ConfigMap/ocr-config" in server.made()
    server.run(state="absent")
    core = server.cluster.core
    assert core.read_namespaced_config_map("by-hand", server.namespace).data


def test_a_file_on_the_store(server: Server) -> None:
    """Its relative paths begin at its own directory."""
    entry = {"config": {"name": "adder", "base_path": "adder"}}
    text = json.dumps({"model_config_list": [entry]})
    with server.cluster.visitor(server.namespace, CLAIM, read_only=False) as visitor:
        visitor.sh(f"echo '{text}' > /store/models/config.json")
    server.run(models=None, config_path="config.json")
    server.until({"adder:2": "AVAILABLE"})
    assert not server.run(models=None, config_path="config.json")["changed"]


@pytest.mark.standin("its graph is a name: a server with MediaPipe would refuse it")
def test_the_roles_serve_and_verify_all_of_it(server: Server, tmp_path: Path) -> None:
    """Also with a configuration of one's own, where edge_models says what is verified."""
    names = ("model_server", "verify")
    roles = [{"ansible.builtin.import_role": {"name": f"openvino.edge.{name}"}} for name in names]
    common: dict[str, Any] = {
        "edge_auth": server.cluster.auth,
        "edge_namespace": server.namespace,
        "edge_name": "ocr",
        "edge_image": server.options["image"],
        "edge_store": {"pvc": {"claim_name": "models"}},
    }
    rest = {key: value for key, value in ALL.items() if key != "models"}
    served = play(
        tmp_path,
        roles,
        "verify_result",
        edge_models=ALL["models"],
        edge_server_options=rest,
        **common,
    )
    rows = {(row["model"], row["version"]): row["state"] for row in served["statuses"]}
    wanted = {("adder", 1), ("graph", 1), ("add_twice", 1)}
    assert rows == dict.fromkeys(wanted, "AVAILABLE")
    write(server, "by-hand", 2)
    newest = [{"name": "adder", "version_policy": {"latest": 1}}]
    own = {"config_map": "by-hand"}
    served = play(
        tmp_path, roles, "verify_result", edge_models=newest, edge_server_options=own, **common
    )
    assert [(row["model"], row["version"]) for row in served["statuses"]] == [("adder", 2)]


def test_model_config_as_module_and_in_the_worker(tmp_path: Path) -> None:
    """No cluster is asked; both entrances say the same."""
    task = {"openvino.edge.model_config": {**ALL, "ovms_version": "2026.3"}, "register": "made"}
    worker = play(tmp_path, [task], "made")
    module = subprocess.run(
        [
            sys.executable,
            "-m",
            "ansible_collections.openvino.edge.plugins.modules.model_config",
        ],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {**ALL, "ovms_version": "2026.3"}}),
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(module.stdout)
    assert worker["valid"] and worker["config"] == answer["config"]
    assert worker["findings"] == answer["findings"] == []
