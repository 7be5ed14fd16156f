# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Golden inference in a cluster: what passes, and what is AVAILABLE and refused."""

from __future__ import annotations

import json
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import ForbiddenError
from ansible_collections.openvino.edge.plugins.module_utils.preflight.rights import fill
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference import (
    entry,
    record_entry,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference.entry import (
    InferenceError,
)

ROOT = Path(__file__).resolve().parents[3]
ROW, INNER, OUTER = (
    "<dim>1</dim><dim>4</dim>",
    "<dim>4</dim><dim>3</dim>",
    "<dim>1</dim><dim>3</dim>",
)
# x times the weights of model.bin gives y, three scores.
LINEAR = f"""<?xml version="1.0"?>
<net name="linear" version="11">
<layers>
<layer id="0" name="x" type="Parameter" version="opset1"><data shape="1,4" element_type="f32"/>
<output><port id="0" precision="FP32" names="x">{ROW}</port></output></layer>
<layer id="1" name="w" type="Const" version="opset1">
<data element_type="f32" shape="4,3" offset="0" size="48"/>
<output><port id="0" precision="FP32">{INNER}</port></output></layer>
<layer id="2" name="y" type="MatMul" version="opset1">
<data transpose_a="false" transpose_b="false"/>
<input><port id="0" precision="FP32">{ROW}</port>
<port id="1" precision="FP32">{INNER}</port></input>
<output><port id="2" precision="FP32" names="y">{OUTER}</port></output></layer>
<layer id="3" name="y/sink" type="Result" version="opset1">
<input><port id="0" precision="FP32">{OUTER}</port></input></layer>
</layers>
<edges><edge from-layer="0" from-port="0" to-layer="2" to-port="0"/>
<edge from-layer="1" from-port="0" to-layer="2" to-port="1"/>
<edge from-layer="2" from-port="2" to-layer="3" to-port="0"/></edges>
</net>
"""
WEIGHTS = [0.5, -1.0, 2.0, 3.0, 0.25, -2.0, 1.0, 1.5, 1.0, -0.5, 4.0, 0.125]
QUESTION = {"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4]}
# By hand: 1 * w[0] + 2 * w[1] + 3 * w[2] + 4 * w[3], where w[n] are three weights.
ANSWER = [7.5, 20.0, 1.5]


def packed(weights: list[float]) -> bytes:
    return struct.pack("<12f", *weights)


@pytest.fixture
def served(site: Any) -> Any:
    """The model as version 1, with shuffled weights as version 2; two replicas serve version 1."""
    site.publish("linear", 1, LINEAR, weights=packed(WEIGHTS))
    site.publish("linear", 2, LINEAR, weights=packed(WEIGHTS[::-1]))
    site.serve(replicas=2, linear=[1])
    return site


def golden(folder: Path, name: str = "golden.yml", **output: Any) -> str:
    """Write a golden file with one case; without options its outputs are to be recorded."""
    case: dict[str, Any] = {"name": "line", "inputs": [QUESTION]}
    if output:
        case["outputs"] = [{"name": "y", **output}]
    path = folder / name
    path.write_text(yaml.safe_dump({"golden": 1, "model": "linear", "cases": [case]}))
    return str(path)


def ask(site: Any, path: str, versions: list[int], **given: Any) -> dict[str, Any]:
    """Run model_inference."""
    models = [{"name": "linear", "versions": versions}]
    params = {**site.cluster.auth, "namespace": site.namespace, "name": "ovms"}
    params |= {"golden": [path], "models": models, **given}
    return entry.run(fill(entry.ARGUMENT_SPEC, params), Runtime())


def test_shuffled_weights_are_available_and_refused(served: Any, tmp_path: Path) -> None:
    data = {"datatype": "FP32", "shape": [1, 3], "data": ANSWER}
    numbers = golden(tmp_path, "numbers.yml", **data)
    classes = golden(tmp_path, "classes.yml", compare="classes", **data)
    for path in (numbers, classes):
        result = ask(served, path, [1])
        assert result["passed"] and result["replicas"] == {"wanted": 2, "seen": 2}
        names = sorted(pod.metadata.name for pod in served.pods())
        assert sorted(row["replica"] for row in result["checks"]) == names
    with pytest.raises(ForbiddenError, match="pods/proxy"):
        ask(served, numbers, [1], **reader(served).auth)

    served.serve(replicas=2, linear=[2])
    gate = served.gate(models=[{"name": "linear", "versions": [2]}])
    assert gate["available"] and gate["replicas"] == {"wanted": 2, "seen": 2}
    with pytest.raises(InferenceError) as caught:
        ask(served, numbers, [2])
    problems = caught.value.details["problems"]
    assert [item["code"] for item in problems] == ["value", "value"]
    assert {item["output"] for item in problems} == {"y"} and problems[0]["index"] == [0, 1]
    said = str(caught.value)
    assert problems[0]["replica"] in said and "linear 2, case 'line': output 'y'" in said
    assert "instead of 20 ± 0.02 (3 of 3 values differ)" in said
    refused = ask(served, classes, [2], report_only=True)
    assert {item["code"] for item in refused["problems"]} == {"class"}


def test_what_is_recorded_is_verified_by_the_role(served: Any, tmp_path: Path) -> None:
    src, dest = golden(tmp_path, "inputs.yml"), tmp_path / "golden.yml"
    params = {**served.cluster.auth, "namespace": served.namespace, "name": "ovms"}
    params = fill(record_entry.ARGUMENT_SPEC, {**params, "src": src, "dest": str(dest)})
    assert record_entry.run(params, Runtime(check_mode=True))["changed"] and not dest.exists()
    made = record_entry.run(params, Runtime())
    assert made["changed"] and made["replicas"] == 2
    assert not record_entry.run(params, Runtime())["changed"]
    document = yaml.safe_load(dest.read_text())
    (output,) = document["cases"][0]["outputs"]
    assert output["data"] == ANSWER and output["spread"] == {"max_abs": 0.0, "max_rel": 0.0}

    served.serve(replicas=2, linear=[1, 2])
    pinned = tmp_path / "pinned.yml"
    pinned.write_text(yaml.safe_dump({**document, "version": 1}))
    good, wrong = role(served, tmp_path, pinned, dest)
    assert good["passed"], good
    assert [row["baseline"] for row in good["latencies"]] == ["version 2", "version 2"]
    assert all(row["median_ms"] >= 0 <= row["baseline_ms"] for row in good["latencies"])
    assert wrong["failed"] and wrong["error"]["kind"] == "inference"
    checks = wrong["error"]["details"]["checks"]
    assert sorted((row["version"], row["ok"]) for row in checks) == [
        (1, True),
        (1, True),
        (2, False),
        (2, False),
    ]


def role(site: Any, folder: Path, *files: Path) -> list[dict[str, Any]]:
    """Run the role verify in a playbook, once for each golden file; return what it leaves."""
    variables = {
        "verify_auth": site.cluster.auth,
        "verify_namespace": site.namespace,
        "verify_name": "ovms",
        "verify_models": [{"name": "linear", "versions": [1, 2]}],
        # The ratio is not what is tested: a busy machine must not fail it.
        "verify_golden_latency": {"max_ratio": 1e6, "baseline_version": 2, "requests": 2},
    }
    tasks: list[dict[str, Any]] = []
    for path in files:
        run: dict[str, Any] = {"ansible.builtin.include_role": {"name": "openvino.edge.verify"}}
        run["vars"] = {"verify_golden": [str(path)]}
        refused = {"ansible.builtin.debug": {"msg": "refused"}}
        keep = {"content": "{{ verify_inference | to_json }}", "dest": f"{path}.json"}
        tasks.append({"block": [run], "rescue": [refused]})
        tasks.append({"ansible.builtin.copy": {**keep, "mode": "0600"}})
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False}
    play |= {"vars": variables, "tasks": tasks}
    (folder / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False))
    done = subprocess.run(
        ["ansible-playbook", str(folder / "play.yml")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(Path(f"{path}.json").read_text()) for path in files]


def reader(site: Any) -> Any:
    """Return an account that may read through the proxy; a POST is another right."""
    account = site.cluster.new_account()
    rules = [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["pods/proxy"], "verbs": ["get"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]},
        {"apiGroups": ["apps"], "resources": ["replicasets"], "verbs": ["list"]},
    ]
    meta = {"metadata": {"name": "asks"}}
    site.cluster.rbac.create_namespaced_role(site.namespace, {**meta, "rules": rules})
    role_ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "asks"}
    binding = {**meta, "roleRef": role_ref, "subjects": account.subjects}
    site.cluster.rbac.create_namespaced_role_binding(site.namespace, binding)
    account.until_rules(site.namespace, rules)
    return account
