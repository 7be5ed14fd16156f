# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a server runs: what each option does to the objects, and what is refused."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.server.plan.diff import covers
from ansible_collections.openvino.edge.plugins.module_utils.server.render.config import (
    render_config,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.facts import ClusterFacts
from ansible_collections.openvino.edge.plugins.module_utils.server.render.identity import Object
from ansible_collections.openvino.edge.plugins.module_utils.server.render.lifecycle import (
    known_to_sleep,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.pss import needed_level
from ansible_collections.openvino.edge.plugins.module_utils.server.render.strategy import (
    rollout_strategy,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.spec.server import ServerSpec

from ..conftest import MakeSpec

TWO_CORES = {"limits": {"cpu": "2"}}
DEVICE = {"limits": {"gpu.intel.com/i915": 1}}


def only(made: ServerSpec, kind: str) -> Object:
    (found,) = [item for item in render_objects(made) if item["kind"] == kind]
    return found


def pod(made: ServerSpec) -> dict[str, Any]:
    spec: dict[str, Any] = only(made, "Deployment")["spec"]["template"]["spec"]
    return spec


def container(made: ServerSpec) -> dict[str, Any]:
    (found,) = pod(made)["containers"]
    return dict(found)


def test_probes_keep_what_is_not_given(spec: MakeSpec) -> None:
    usual = container(spec())
    changed = container(
        spec(
            startup_timeout=100,
            probes={
                "startup": {"period_seconds": 3},
                "readiness": {"timeout_seconds": 9, "initial_delay_seconds": 2},
                "liveness": {"enabled": False},
            },
        )
    )
    assert changed["startupProbe"]["periodSeconds"] == 3
    assert changed["startupProbe"]["failureThreshold"] == 34
    expected = {**usual["readinessProbe"], "timeoutSeconds": 9, "initialDelaySeconds": 2}
    assert changed["readinessProbe"] == expected
    assert "livenessProbe" not in changed


def test_a_rollout_is_given_as_long_as_the_startup_probe(spec: MakeSpec) -> None:
    def deadline(**options: Any) -> int:
        return int(only(spec(**options), "Deployment")["spec"]["progressDeadlineSeconds"])

    assert deadline() == 720
    patient = {"startup": {"period_seconds": 10, "failure_threshold": 200}}
    assert deadline(probes=patient) == 2120


def test_volumes_environment_spread_and_priority(spec: MakeSpec) -> None:
    made = spec(
        extra_volumes=[{"name": "ca", "configMap": {"name": "ca"}}],
        extra_volume_mounts=[
            {"name": "ca", "mountPath": "/ca"},
            {"name": "tmp", "mountPath": "/t"},
        ],
        env_from=[{"config_map": "a", "prefix": "X_"}, {"secret": "b", "optional": True}],
        topology_spread_constraints=[
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
        ],
        priority_class="edge",
        termination_grace_period_seconds=90,
    )
    fields = pod(made)
    assert fields["volumes"][-1] == {"name": "ca", "configMap": {"name": "ca"}}
    assert [item["mountPath"] for item in container(made)["volumeMounts"]][-2:] == ["/ca", "/t"]
    assert container(made)["envFrom"] == [
        {"configMapRef": {"name": "a"}, "prefix": "X_"},
        {"secretRef": {"name": "b", "optional": True}},
    ]
    (spread,) = fields["topologySpreadConstraints"]
    assert spread["labelSelector"] == {"matchLabels": {"openvino.edge/server": "ocr"}}
    assert (fields["priorityClassName"], fields["terminationGracePeriodSeconds"]) == ("edge", 95)


def test_a_pod_that_ends_serves_on_until_all_have_heard_of_it(spec: MakeSpec) -> None:
    assert container(spec())["lifecycle"] == {"preStop": {"exec": {"command": ["sleep", "5"]}}}
    made = spec(drain_seconds=20)
    (_account, _config, deployment, _service) = render_objects(made, ClusterFacts(sleeps=True))
    fields = deployment["spec"]["template"]["spec"]
    assert fields["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": 20}}}
    assert fields["terminationGracePeriodSeconds"] == 30 + 20
    assert known_to_sleep(deployment) is True
    assert "lifecycle" not in container(spec(drain_seconds=0))
    own = {"preStop": {"exec": {"command": ["/bin/true"]}}}
    patch = {"spec": {"containers": [{"name": "ovms", "lifecycle": own}]}}
    assert container(spec(pod_overrides=patch))["lifecycle"] == own


def test_the_pause_has_bounds(spec: MakeSpec) -> None:
    with pytest.raises(InputError, match="drain_seconds: -1 is not in 0..3600"):
        spec(drain_seconds=-1)


MOUNT = {"name": "ca", "mountPath": "/ca"}
CA = [{"name": "ca", "emptyDir": {}}]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"extra_volumes": [{"name": "tmp", "emptyDir": {}}]}, "volume of the collection"),
        ({"extra_volumes": CA * 2}, r"extra_volumes\[1\]: 'ca' is a volume of extra_volumes\[0\]"),
        ({"extra_volumes": [{"name": "x"}]}, "one source"),
        ({"extra_volume_mounts": [MOUNT]}, "no volume 'ca'"),
        ({"extra_volumes": CA, "extra_volume_mounts": [MOUNT, MOUNT]}, "/ca is mounted by"),
        ({"extra_volume_mounts": [{"name": "tmp", "mountPath": "/models/"}]}, "the collection"),
        ({"extra_volume_mounts": [{"name": "tmp", "mountPath": "x"}]}, "absolute"),
        ({"topology_spread_constraints": [{"maxSkew": 1}]}, "topologyKey, whenUnsatisfiable"),
        ({"probes": {"startup": {"period_seconds": 0}}}, r"probes\.startup\.period_seconds: 0"),
        ({"priority_class": "A B"}, "priority_class: 'A B' is not a name"),
        ({"service": {"rest_node_port": 30000}}, "type ClusterIP does not have it"),
        ({"service": {"load_balancer_class": "x"}, "service_type": "NodePort"}, "LoadBalancer"),
        ({"service": {"labels": {"openvino.edge/x": "y"}}}, "set by the collection"),
        ({"service": {"headless": True}, "name": "a" * 60}, "name: .*54 characters"),
        ({"fit_cpu_limit": True}, r"fit_cpu_limit: there is no limit"),
        ({"rest_workers": 1}, r"rest_workers: 1 is not in 2\.\.10000"),
        ({"rest_workers": 4, "extra_args": ["--rest_workers=5"]}, "extra_args as well"),
        ({"grpc_workers": 3, "resources": TWO_CORES}, "end itself"),
        ({"service_monitor": {"interval": "soon"}}, "service_monitor.interval: 'soon'"),
    ],
)
def test_refusals(spec: MakeSpec, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        spec(**options)


def test_a_directory_of_the_node_needs_the_privileged_level(spec: MakeSpec) -> None:
    volumes = [{"name": "x", "hostPath": {"path": "/x"}}]
    assert needed_level(spec(extra_volumes=volumes)) == ("privileged", ["extra_volumes"])
    patch = {"spec": {"volumes": volumes}}
    assert needed_level(spec(pod_overrides=patch)) == ("privileged", ["pod_overrides"])
    assert needed_level(spec(extra_volumes=CA))[0] == "restricted"


def test_the_service_on_the_nodes(spec: MakeSpec) -> None:
    made = spec(
        service_type="NodePort",
        annotations={"a": "all"},
        service={
            "annotations": {"b": "one"},
            "labels": {"team": "vision"},
            "rest_node_port": 30081,
            "external_traffic_policy": "Local",
        },
    )
    service = only(made, "Service")
    ports = {port["name"]: port.get("nodePort") for port in service["spec"]["ports"]}
    assert ports == {"grpc": None, "rest": 30081}
    assert service["spec"]["externalTrafficPolicy"] == "Local"
    annotations, labels = service["metadata"]["annotations"], service["metadata"]["labels"]
    assert (annotations["a"], annotations["b"], labels["team"]) == ("all", "one", "vision")
    assert "team" not in only(made, "Deployment")["metadata"]["labels"]


def test_a_headless_service_beside_the_first(spec: MakeSpec) -> None:
    options = {"headless": True, "rest_node_port": 30081}
    made = spec(service_type="NodePort", service=options, service_monitor={"labels": {"p": "q"}})
    first, second = (item for item in render_objects(made) if item["kind"] == "Service")
    assert (first["spec"]["type"], second["spec"]["clusterIP"]) == ("NodePort", "None")
    assert second["metadata"]["name"] == "ocr-headless"
    assert all("nodePort" not in port for port in second["spec"]["ports"])
    assert second["spec"]["selector"] == first["spec"]["selector"]
    monitor = only(made, "ServiceMonitor")
    assert monitor["metadata"]["labels"]["p"] == "q"
    (skipped,) = monitor["spec"]["selector"]["matchExpressions"]
    assert skipped["key"] in second["metadata"]["labels"]
    assert skipped["key"] not in first["metadata"]["labels"]


def configs(made: ServerSpec) -> list[dict[str, Any]]:
    listed = render_config(made)["model_config_list"]
    return [item["config"].get("plugin_config", {}) for item in listed]


def test_threads_fit_the_limit_unless_a_model_decides(spec: MakeSpec) -> None:
    models = [
        {"name": "a", "versions": [1]},
        {"name": "b", "versions": [1], "plugin_config": {"NUM_STREAMS": 1}},
        {"name": "c", "versions": [1], "target_device": "GPU"},
        {"name": "d", "versions": [1], "plugin_config": {"PERFORMANCE_HINT": "LATENCY"}},
    ]
    made = spec(models=models, resources={"limits": {"cpu": "3500m"}}, fit_cpu_limit=True)
    assert configs(made) == [
        {"INFERENCE_NUM_THREADS": 3},
        {"NUM_STREAMS": 1},
        {},
        {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": 3},
    ]
    assert container(made)["args"][-2:] == ["--rest_workers", "3"]
    untold = spec(models=models, resources=TWO_CORES)
    assert configs(untold)[0] == {"INFERENCE_NUM_THREADS": 2}
    left = spec(models=models, resources=TWO_CORES, fit_cpu_limit=False)
    assert configs(left)[0] == {} and "--rest_workers" not in container(left)["args"]


@pytest.mark.parametrize("version", ["2025.4", "2026.2", "2026.3", None])
def test_case_50_threads_fit_the_limit_with_every_release(
    spec: MakeSpec, version: str | None
) -> None:
    assert configs(spec(resources=TWO_CORES, ovms_version=version)) == [
        {"INFERENCE_NUM_THREADS": 2}
    ]
    assert configs(spec(ovms_version=version)) == [{}]


@pytest.mark.parametrize(
    ("limit", "warns"), [("2", False), (2.0, False), ("2000m", False), ("1500m", True), (0.5, True)]
)
def test_a_part_of_a_core_is_warned_about(spec: MakeSpec, limit: Any, warns: bool) -> None:
    texts = spec(resources={"limits": {"cpu": limit}}).running.warnings
    assert any("not a whole number" in text for text in texts) is warns


def test_a_pod_with_a_device_makes_room_first(spec: MakeSpec) -> None:
    shared = ClusterFacts(("ReadWriteMany",))

    def limits(**options: Any) -> tuple[Any, Any]:
        objects = render_objects(spec(**options), shared)
        (made,) = [item for item in objects if item["kind"] == "Deployment"]
        rolling = made["spec"]["strategy"]["rollingUpdate"]
        return rolling["maxSurge"], rolling["maxUnavailable"]

    assert limits() == (1, 0)
    assert limits(resources=DEVICE) == limits(resources=DEVICE, strategy="RollingUpdate") == (0, 1)
    assert limits(resources=DEVICE, rolling_update={"max_surge": "1"}) == (1, 0)
    claimed = {"resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": "gpu"}]}
    assert limits(pod_overrides={"spec": claimed}) == (0, 1)
    assert limits(rolling_update={"max_unavailable": "50%"}) == (0, "50%")
    alone = rollout_strategy(spec(rolling_update={"max_surge": "1"}), ClusterFacts(()))
    assert alone["type"] == "RollingUpdate"


def test_two_mounts_of_one_volume_are_both_compared() -> None:
    wanted = {"volumeMounts": [{"name": "v", "mountPath": path} for path in ("/a", "/b")]}
    assert covers({"volumeMounts": list(reversed(wanted["volumeMounts"]))}, wanted)
    assert not covers({"volumeMounts": wanted["volumeMounts"][1:]}, wanted)


def test_what_the_api_server_leaves_out_is_not_missed() -> None:
    assert covers({}, {"hostNetwork": False, "args": [], "value": ""})
    assert not covers({}, {"hostNetwork": True})
    assert not covers({}, {"emptyDir": {}})


def test_the_examples_of_the_page_are_options_of_the_module(spec: MakeSpec) -> None:
    page = Path(__file__).parents[4] / "docs" / "running.md"
    blocks = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    assert len(blocks) == 7
    for block in blocks:
        options = yaml.safe_load(textwrap.dedent(block))
        task = options[0]["openvino.edge.model_server"] if isinstance(options, list) else options
        render_objects(spec(**({"pvc": None} if "host_path" in task else {}), **task))
