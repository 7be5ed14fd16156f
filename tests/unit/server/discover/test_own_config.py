# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A configuration of the user's own, and what a change of a configuration means for servers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.apply.deploy import (
    Deployer,
    Outcome,
    Waiting,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backends import manifests
from ansible_collections.openvino.edge.plugins.module_utils.server.entry import (
    ARGUMENT_SPEC,
    SPEC_RULES,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.plan.changes import (
    consequence_text,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.status.reported import (
    ADOPTED,
    PENDING,
    judge,
)

from ...fakes.cluster import ServingCluster
from ..apply.conftest import CLAIM, NAMESPACE
from ..conftest import MakeSpec, make_spec

ENTRY = {"name": "m", "base_path": "/models/m"}
OWN = {"models": None, "config_map": "by-hand"}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        manifests, "wait_rollout", lambda client, *args, **_: client.list("v1", "Pod", "edge")[0]
    )


def config_map(document: Any, key: str = "config.json", **labels: str) -> dict[str, Any]:
    text = document if isinstance(document, str) else json.dumps(document)
    metadata = {"name": "by-hand", "labels": labels}
    return {"kind": "ConfigMap", "metadata": metadata, "data": {key: text}}


def models(*entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model_config_list": [{"config": entry} for entry in entries], **more}


@pytest.fixture
def cluster() -> ServingCluster:
    made = ServingCluster()
    for item in (CLAIM, NAMESPACE, config_map(models(ENTRY))):
        made.add(item)
    return made


def run(cluster: ServingCluster, runtime: Runtime | None = None, **options: Any) -> Outcome:
    spec, runtime = make_spec(**{**OWN, **options}), runtime or Runtime()
    return Deployer(cluster, spec, runtime, Waiting()).present()  # type: ignore[arg-type]


def test_it_is_mounted_and_left_alone(cluster: ServingCluster) -> None:
    outcome = run(cluster)
    assert [change.name for change in outcome.changes if change.kind == "ConfigMap"] == []
    pod = cluster.objects["Deployment", "ocr"]["spec"]["template"]["spec"]
    assert {"name": "config", "configMap": {"name": "by-hand"}} in pod["volumes"]
    assert "apply ConfigMap" not in cluster.calls
    cluster.calls.clear()
    assert not run(cluster).changed
    assert cluster.writes() == []


def test_an_edited_one_is_delivered_and_metrics_replace_pods(cluster: ServingCluster) -> None:
    run(cluster)
    cluster.add(config_map(models({**ENTRY, "nireq": 2})))
    outcome = run(cluster)
    assert outcome.reload == "config_reload"
    assert consequence_text(outcome.changes).endswith(
        "without a restart (the configuration differs)"
    )
    assert any(call.startswith("patch Pod") for call in cluster.calls)
    cluster.add(config_map(models(ENTRY, monitoring={"metrics": {"enable": True}})))
    outcome = run(cluster)
    assert outcome.reload == "rolling_restart"
    assert "metrics settings are read at the start only" in consequence_text(outcome.changes)


def test_from_models_to_an_own_one_and_back(cluster: ServingCluster) -> None:
    items = [{"name": "detection", "versions": [1]}]
    run(cluster, config_map=None, models=items)
    outcome = run(cluster)
    assert ("ConfigMap", "ocr-config") not in cluster.objects
    assert outcome.reload == "rolling_restart"
    run(cluster, config_map=None, models=items)
    assert ("ConfigMap", "ocr-config") in cluster.objects
    assert ("ConfigMap", "by-hand") in cluster.objects


OURS = {"app.kubernetes.io/managed-by": "openvino.edge", "openvino.edge/server": "ocr"}


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (None, "it does not exist"),
        (config_map({}, key="other.json"), "no key config.json (it has other.json)"),
        (config_map("{,}"), "it is not JSON"),
        (config_map(models(), **OURS), "goes with them"),
        (config_map(models({"name": "m", "base_path": "m"})), "Write /models/m"),
        (config_map(models({**ENTRY, "mean": "1"})), "/model_config_list/0/config/mean"),
    ],
)
def test_what_the_server_would_refuse_changes_nothing(
    cluster: ServingCluster, item: dict[str, Any] | None, words: str
) -> None:
    del cluster.objects["ConfigMap", "by-hand"]
    if item:
        cluster.add(item)
    with pytest.raises(InputError) as caught:
        run(cluster)
    assert words in str(caught.value)
    assert caught.value.option == "config_map"
    assert caught.value.subject == "ConfigMap edge/by-hand"
    assert cluster.writes() == []


def test_doubts_are_warnings(cluster: ServingCluster) -> None:
    cluster.add(config_map(models({"name": "m", "base_path": "/opt/ml/m"})))
    runtime = Runtime()
    run(cluster, runtime)
    assert runtime.warnings[0].startswith("config_map: /model_config_list/0/config/base_path: /opt")


def test_a_file_on_the_store_needs_no_config_map(spec: MakeSpec) -> None:
    made = render_objects(spec(models=None, config_path="site/config.json"))
    assert [item["kind"] for item in made] == ["ServiceAccount", "Deployment", "Service"]
    pod = made[1]["spec"]["template"]["spec"]
    assert pod["containers"][0]["args"][:2] == ["--config_path", "/models/site/config.json"]
    assert "config" not in [volume["name"] for volume in pod["volumes"]]


@pytest.mark.parametrize(
    "options",
    [
        {"models": [], "config_map": "a"},
        {"config_map": "a", "config_path": "b"},
        {"config_map": "a", "pipelines": []},
        {"config_path": "a", "monitoring": {}},
        {},
    ],
)
def test_one_source_of_the_configuration(options: dict[str, Any]) -> None:
    task = {"name": "ocr", "namespace": "edge", "pvc": {"claim_name": "models"}, **options}
    checked = ArgumentSpecValidator(dict(ARGUMENT_SPEC), **SPEC_RULES).validate(task)
    assert checked.error_messages


def test_models_without_metrics_keep_their_template(spec: MakeSpec) -> None:
    """An upgrade of the collection alone replaces no pods."""
    deployment = render_objects(spec())[2]
    assert "annotations" not in deployment["spec"]["template"]["metadata"]
    assert "openvino.edge/config-hash" not in deployment["metadata"]["annotations"]


def test_metrics_of_our_own_replace_pods(cluster: ServingCluster) -> None:
    both: dict[str, Any] = {"config_map": None, "models": [{"name": "detection", "versions": [1]}]}
    run(cluster, **both, monitoring={})
    outcome = run(cluster, **both, monitoring={"metrics_list": ["ovms_streams"]})
    assert outcome.reload == "rolling_restart"
    assert consequence_text(outcome.changes) == (
        "pods are replaced (metrics settings are read at the start only)"
    )
    assert run(cluster, **both).reload == "rolling_restart"


def test_the_reason_names_what_differs(cluster: ServingCluster) -> None:
    run(cluster)
    outcome = run(cluster, log_level="DEBUG", image="registry.example/ovms:2")
    assert consequence_text(outcome.changes) == "pods are replaced (ovms.args, ovms.image)"


def test_versions_that_the_server_chooses() -> None:
    wanted: dict[str, tuple[int, ...]] = {"free": (), "pinned": (2,)}
    states = {("pinned", 2): "AVAILABLE", ("free", 7): "AVAILABLE"}
    assert judge(states, wanted) == ADOPTED
    assert judge({**states, ("free", 8): "LOADING"}, wanted) == ADOPTED
    assert judge({**states, ("other", 1): "AVAILABLE"}, wanted) == PENDING
    assert judge({("pinned", 2): "AVAILABLE", ("free", 7): "END"}, wanted) != ADOPTED
    inner = {**states, ("of a graph", 1): "AVAILABLE"}
    assert judge(inner, wanted, exclusive=False) == ADOPTED
    assert judge({**inner, ("pinned", 1): "AVAILABLE"}, wanted, exclusive=False) == PENDING
