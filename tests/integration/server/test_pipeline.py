# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OCR setup of OVMS's own demos, from a directory to a pipeline that is available.

Detection and recognition are real networks. The library has all functions of one for custom nodes
and does nothing: the stand-in opens it and looks them up, it does not run pipelines.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.repository import entry, info
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from serving import Server, play

TESTBED = Path(__file__).resolve().parents[2] / "testbed"
sys.path.insert(0, str(TESTBED / "standin"))

from shared_library import shared_library  # noqa: E402

CLAIM = {"persistentVolumeClaim": {"claimName": "models"}}
DETECTION = {"name": "ocr_detection", "versions": [1]}
RECOGNITION = {"name": "ocr_recognition", "versions": [1]}
GRAPH = {"name": "reader", "versions": [3], "graph_path": "graph.pbtxt"}
SERVED = {
    "ocr_detection:1": "AVAILABLE",
    "ocr_recognition:1": "AVAILABLE",
    "find_and_read:1": "AVAILABLE",
    "reader:1": "AVAILABLE",
}


def node(name: str, inputs: str, outputs: str, **kind: Any) -> dict[str, Any]:
    """Return a node with one input from C(NODE.ITEM) and one output."""
    before, _dot, item = inputs.partition(".")
    return {
        "name": name,
        "inputs": [{"x": {"node_name": before, "data_item": item}}],
        "outputs": [{"data_item": outputs, "alias": outputs}],
        **kind,
    }


PIPELINE: dict[str, Any] = {
    "name": "find_and_read",
    "inputs": ["image"],
    "nodes": [
        node("find", "request.image", "map", model_name="ocr_detection"),
        node("cut", "find.map", "lines", library_name="cutter", demultiply_count=0),
        node("read", "cut.lines", "text", model_name="ocr_recognition"),
    ],
    "outputs": [{"text": {"node_name": "read", "data_item": "text"}}],
}


def served(version: int) -> dict[str, Any]:
    """Return what the server is to run, with a version of the library."""
    library = {"name": "cutter", "base_path": f"ocr_nodes/{version}/libcut.so"}
    return {"pipelines": [PIPELINE], "custom_node_libraries": [library]}


def cutter(mark: bytes = b"") -> bytes:
    """Return a library for the node of the pipeline; C(mark) makes it another one."""
    return shared_library(mark=mark, inputs=("x",), outputs=("lines",))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A user's directory: models in versions, a library and a graph that have none."""
    maker = [sys.executable, str(TESTBED / "ocr" / "make_repository.py")]
    made = subprocess.run(maker, capture_output=True, text=True, check=True).stdout.strip()
    top = tmp_path / "OCR"
    shutil.copytree(made, top, copy_function=os.link)
    (top / "ocr_nodes").mkdir()
    (top / "ocr_nodes" / "libcut.so").write_bytes(cutter())
    (top / "reader").mkdir()
    (top / "reader" / "graph.pbtxt").write_text('input_stream: "in"\n')
    return top


@pytest.fixture
def server(shop: Any, make_namespace: Any, make_pvc: Any, make_server: Any) -> Server:
    """A server, not yet deployed, on an empty claim."""
    namespace = make_namespace(shop, "restricted")
    make_pvc(shop, namespace)
    made: Server = make_server(shop, namespace, models=[DETECTION, RECOGNITION, GRAPH])
    return made


def repository(server: Server, image: str, module: Any = entry, **options: Any) -> dict[str, Any]:
    """Run one of the repository modules on the server's store."""
    store = {"namespace": server.namespace, "pvc": {"claim_name": "models"}, "agent_image": image}
    rules = ArgumentSpecValidator(dict(module.ARGUMENT_SPEC), **module.SPEC_RULES)
    checked = rules.validate({**server.cluster.auth, **store, **options})
    assert not checked.error_messages, checked.error_messages
    run: Callable[..., dict[str, Any]] = module.run
    return run(checked.validated_parameters, Runtime())


def own_config() -> str:
    """Return the user's configuration: other names than directories, paths of another machine."""
    nodes = [
        {**item, "type": "custom" if "library_name" in item else "DL model"}
        for item in PIPELINE["nodes"]
    ]
    models = [
        {"config": {"name": name.replace("_", "-"), "base_path": f"/OCR/{name}"}}
        for name in ("ocr_detection", "ocr_recognition")
    ]
    for item in nodes:
        if "model_name" in item:
            item["model_name"] = str(item["model_name"]).replace("_", "-")
    library = {"name": "cutter", "base_path": "/OCR/ocr_nodes/libcut.so"}
    return json.dumps(
        {
            "model_config_list": models,
            "custom_node_library_config_list": [library],
            "pipeline_config_list": [{**PIPELINE, "nodes": nodes}],
        }
    )


@pytest.mark.standin("its graph is a name: a server with MediaPipe would refuse it")
def test_from_a_directory_to_a_pipeline_that_is_available(
    server: Server, own: Path, tmp_path: Path, agent_image: str
) -> None:
    """The user's own config.json becomes options; three roles do the rest, and nothing twice."""
    (own / "config.json").write_text(own_config())
    names = ("model_repository", "model_server", "verify")
    tasks: list[dict[str, Any]] = [
        {"openvino.edge.model_config": {"src": str(own / "config.json")}, "register": "linted"},
        *({"ansible.builtin.import_role": {"name": f"openvino.edge.{name}"}} for name in names),
    ]
    options: dict[str, Any] = {
        "edge_auth": server.cluster.auth,
        "edge_namespace": server.namespace,
        "edge_name": "ocr",
        "edge_image": server.options["image"],
        "edge_agent_image": agent_image,
        "edge_store": {"pvc": {"claim_name": "models"}},
        "edge_src": str(own),
        "edge_models": f"{{{{ linted.options.models + [{GRAPH}] }}}}",
        "edge_extra_files": [{"name": "ocr_nodes", "versions": [1]}],
        "edge_server_options": {
            "pipelines": "{{ linted.options.pipelines }}",
            "custom_node_libraries": "{{ linted.options.custom_node_libraries }}",
        },
    }
    report = "{'statuses': verify_result.statuses, 'notes': linted.notes,"
    report += " 'changed': [model_repository_result.changed, model_server_result.changed]}"
    first = play(tmp_path, tasks, report, **options)
    states = {f"{row['model']}:{row['version']}": row["state"] for row in first["statuses"]}
    wanted = {name.replace("ocr_", "ocr-"): state for name, state in SERVED.items()}
    assert states == wanted and first["changed"] == [True, True]
    assert [note.split(":")[0] for note in first["notes"]] == ["copy the directory ocr_nodes too"]
    server.until(wanted)
    with server.cluster.visitor(server.namespace, CLAIM) as visitor:
        found = visitor.sh("cd /store/models && find . -type f -not -name 'model.*' | sort").split()
    assert found == ["./ocr_nodes/1/libcut.so", "./reader/3/graph.pbtxt"]
    assert play(tmp_path, tasks, report, **options)["changed"] == [False, False]


@pytest.mark.standin("its graph is a name: a server with MediaPipe would refuse it")
def test_another_library_is_another_version(server: Server, own: Path, agent_image: str) -> None:
    """It is checked, kept while it is used, removed when it is not, and audited like a model."""
    extra = {"name": "ocr_nodes", "versions": [1]}
    models = [DETECTION, RECOGNITION, {"name": "reader", "versions": [3]}]
    source = {"src": str(own)}
    repository(server, agent_image, models=[*models, extra], **source)
    server.run(**served(1))
    server.until(SERVED)
    (pod,) = server.pods()

    (own / "ocr_nodes" / "libcut.so").write_bytes(cutter(b"better"))
    with pytest.raises(InputError, match=r"ocr_nodes/1 \(changed libcut.so\)"):
        repository(server, agent_image, models=[extra], **source)
    newer = {"models": [{**extra, "versions": [2]}], **source}
    (sent,) = repository(server, agent_image, keep_versions=1, **newer)["targets"]
    assert sent["versions_published"] == ["ocr_nodes/2"]
    (kept,) = sent["versions_in_use"]
    assert (kept["model"], kept["version"]) == ("ocr_nodes", 1)

    assert server.run(**served(2))["reload"] == "config_reload"
    server.until(SERVED)
    (same,) = server.pods()
    assert same.metadata.uid == pod.metadata.uid
    with pytest.raises(InputError, match=r"in use: ocr_nodes/2 by Deployment"):
        repository(server, agent_image, models=newer["models"], state="absent")
    (later,) = repository(server, agent_image, keep_versions=1, **newer)["targets"]
    assert later["versions_removed"] == ["ocr_nodes/1"]

    with server.cluster.visitor(server.namespace, CLAIM, read_only=False) as visitor:
        visitor.sh("cd /store/models/ocr_nodes/2 && chmod u+w libcut.so && echo x >> libcut.so")
    looked = repository(server, agent_image, info, models=newer["models"], **source)
    assert ("libcut.so", "changed") in [(row["path"], row["finding"]) for row in looked["findings"]]
