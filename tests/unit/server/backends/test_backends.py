# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator and KServe are told, and what they cannot be told."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.operator import lint
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.operator import (
    resource as modelserver,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.unsupported import (
    refuse_others,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.chart.migrate import migrate
from ansible_collections.openvino.edge.plugins.module_utils.server.chart.table import FIELDS
from ansible_collections.openvino.edge.plugins.module_utils.server.checks.cluster import access_for
from ansible_collections.openvino.edge.plugins.module_utils.server.render import kinds
from ansible_collections.openvino.edge.plugins.module_utils.server.spec.argument_spec import (
    SERVER_ARGUMENT_SPEC,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ...preflight.test_rights import plain, shipped
from ..chart.test_migrate import accepted
from ..conftest import checked, make_params, make_spec, rendered

IMAGE = "registry.example/ovms:2026.2.1"
Options = dict[str, Any]


def objects(backend: str, **options: Any) -> dict[str, dict[str, Any]]:
    """Return the objects by kind; of ConfigMaps the record under its own name."""
    made = rendered(make_spec(**{"image": IMAGE, "backend": backend, **options}))
    names = {"ConfigMap": lambda item: item["metadata"]["name"]}
    return {names.get(item["kind"], lambda item: item["kind"])(item): item for item in made}


def resource(**options: Any) -> dict[str, Any]:
    """Return the spec of a ModelServer."""
    found: dict[str, Any] = objects("operator", **options)["ModelServer"]["spec"]
    return found


def test_every_value_of_the_table_is_written_or_left_out_for_a_reason() -> None:
    paths = {field.path for field in FIELDS if field.path and field.option}
    more = {
        "deployment_parameters.update_strategy",
        "models_settings.config_configmap_name",
    }
    assert set(modelserver.VALUES) | more | set(modelserver.LEFT_OUT) == paths
    assert not set(modelserver.VALUES) & (more | set(modelserver.LEFT_OUT))


def test_the_options_of_the_list_exist() -> None:
    assert set(SERVER_ARGUMENT_SPEC) >= lint.SAID


TERM: dict[str, list[Any]] = {"preferredDuringSchedulingIgnoredDuringExecution": []}


def amounts(cpu: str, memory: str) -> st.SearchStrategy[dict[str, str]]:
    """Return some of the amounts that the resource has a field for."""
    all_of = {"cpu": cpu, "memory": memory, "gpu.intel.com/i915": "1"}
    return st.fixed_dictionaries({}, optional={key: st.just(n) for key, n in all_of.items()})


RESOURCES = st.fixed_dictionaries(
    {}, optional={"limits": amounts("4", "2Gi"), "requests": amounts("500m", "512Mi")}
)
MODELS = st.fixed_dictionaries(
    {"name": st.sampled_from(["resnet", "text recognition"])},
    optional={
        "target_device": st.sampled_from(["CPU", "GPU", "AUTO:GPU,CPU"]),
        "directory": st.just("other-directory"),
        "nireq": st.integers(1, 100),
        "batch_size": st.sampled_from(["auto", "4"]),
        "layout": st.sampled_from(["NCHW", "NHWC:NCHW"]),
        "shape": st.sampled_from(["auto", "(1,3,224,224)"]),
        "plugin_config": st.dictionaries(
            st.sampled_from(["NUM_STREAMS", "PERFORMANCE_HINT"]), st.sampled_from(["2", "LATENCY"])
        ),
        "max_sequence_number": st.integers(1, 500),
    },
)
POLICIES = st.one_of(
    st.builds(lambda found: {"versions": sorted(found)}, st.sets(st.integers(1, 200), min_size=1)),
    st.sampled_from([{"version_policy": {"latest": 2}}, {"version_policy": {"all": True}}]),
)
STORES: st.SearchStrategy[Options] = st.sampled_from(
    [
        {"pvc": {"claim_name": "models"}},
        {"pvc": {"claim_name": "models", "sub_path": "shop/one"}},
        {"host_path": {"path": "/data/edge"}},
        {"cloud": {"gs": {"uri": "gs://bucket/dir", "secret_name": "gcpcreds"}}},
        {"cloud": {"s3": {"uri": "s3://bucket", "region": "eu-1"}}},
    ]
)
STRATEGIES: st.SearchStrategy[Options] = st.sampled_from(
    [
        {"strategy": "Recreate"},
        {
            "strategy": "RollingUpdate",
            "rolling_update": {"max_surge": "0", "max_unavailable": "50%"},
        },
    ]
)
REST = st.fixed_dictionaries(
    {},
    optional={
        "replicas": st.integers(0, 20),
        "rest_port": st.integers(9000, 9009),
        "grpc_port": st.integers(9100, 9109),
        "service_type": st.sampled_from(["ClusterIP", "NodePort", "LoadBalancer"]),
        "run_as_user": st.integers(1, 9999),
        "run_as_group": st.integers(1, 9999),
        "log_level": st.sampled_from(["DEBUG", "ERROR"]),
        "file_system_poll_wait_seconds": st.integers(0, 600),
        "annotations": st.just({"sidecar.istio.io/inject": "true"}),
        "affinity": st.dictionaries(
            st.sampled_from(["nodeAffinity", "podAffinity", "podAntiAffinity"]), st.just(TERM)
        ),
        "env_from": st.sampled_from(
            [[{"secret": "more-secret"}], [{"secret": "s"}, {"config_map": "more"}]]
        ),
        "extra_args": st.just(["--grpc_workers", "1", "--rest_workers", "4"]),
        "monitoring": st.just({"enable": True, "metrics_list": ["ovms_streams"]}),
        "proxies": st.just({"http_proxy": "http://proxy:3128"}),
        "resources": RESOURCES,
    },
)


def stateful(model: Options) -> Options:
    """Return a model whose settings for sequences go together with what they are for."""
    return {**model, "stateful": True} if "max_sequence_number" in model else model


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=150)
@given(MODELS, POLICIES, STORES, STRATEGIES, REST)
def test_what_a_model_server_says_is_read_back_as_the_same_options(
    model: Options, policy: Options, store: Options, strategy: Options, rest: Options
) -> None:
    # A resource has no word for it: threads that are set are read back as a model's own.
    left = {"fit_cpu_limit": False}
    asked = {**store, **strategy, **rest, "models": [{**stateful(model), **policy}]}
    if "host_path" in store and rest.get("replicas", 1) > 1:
        asked.pop("affinity", None)  # it is read back with what keeps the replicas apart
    task = {
        "name": "ovms-shop",
        "pvc": None,
        "image": IMAGE,
        "backend": "operator",
        **left,
        **asked,
    }
    written = rendered(make_spec(**task))[-1]
    assert written["kind"] == "ModelServer"
    read = migrate(written)
    assert read["dropped"] == []
    options = read["options"]
    assert options["name"] == "ovms-shop" and options["namespace"] == "edge"
    (found,) = options.pop("models")
    for key, value in asked.pop("models")[0].items():
        assert found.get(key) == value, key
    told = {**options, "extra_args": without_cleaner(options.get("extra_args", []))}
    for key, value in asked.items():
        assert told.get(key, {}) == clean(value), key
    again = accepted({**options, **left, "models": [found], "backend": "operator"})
    assert rendered(checked(again))[-1] == written


def without_cleaner(args: list[str]) -> list[str]:
    """Return arguments without those that are written of each stateful model."""
    flag = "--sequence_cleaner_poll_wait_minutes"
    if flag not in args:
        return args
    place = args.index(flag)
    return [*args[:place], *args[place + 2 :]]


def clean(value: Any) -> Any:
    """Return a value without empty dictionaries, which say nothing."""
    if not isinstance(value, dict):
        return value
    inner = {key: clean(item) for key, item in value.items()}
    return {key: item for key, item in inner.items() if item not in ({}, None)}


def test_the_name_is_that_of_the_operators_objects() -> None:
    written = objects("operator")["ModelServer"]
    assert migrate(written)["options"]["name"] == "ocr-ovms"


def test_several_models_are_in_a_configuration() -> None:
    models = [{"name": "a", "versions": [1]}, {"name": "b", "versions": [2]}]
    made = objects("operator", models=models, pvc={"claim_name": "c", "sub_path": "x"})
    asked = made["ModelServer"]["spec"]["models_settings"]
    assert asked == {"single_model_mode": False, "config_configmap_name": "ocr-config"}
    assert '"base_path": "/models/x/models/a"' in made["ocr-config"]["data"]["config.json"]
    assert list(made) == ["ocr-operator", "ocr-config", "ModelServer"]
    assert made["ocr-operator"]["metadata"]["annotations"][kinds.KINDS_ANNOTATION] == "ModelServer"


@pytest.mark.parametrize(
    "model",
    [
        {"graph_path": "graph.pbtxt", "versions": None},
        {"allow_cache": True},
        {"shape": {"x": "(1,3)"}},
    ],
)
def test_what_only_a_configuration_can_say_is_in_one(model: Options) -> None:
    entry = {key: item for key, item in {"name": "m", "versions": [1], **model}.items() if item}
    assert resource(models=[entry])["models_settings"]["single_model_mode"] is False


def test_a_library_of_the_store_is_found_where_the_operator_mounts_it() -> None:
    libraries = [{"name": "cut", "base_path": "libs/cut.so"}]
    made = objects("operator", custom_node_libraries=libraries)
    assert "/models/models/libs/cut.so" in made["ocr-config"]["data"]["config.json"]


def test_a_configuration_of_ones_own() -> None:
    store = {"pvc": None, "host_path": {"path": "/data"}, "models": None}
    made = objects("operator", config_map="mine", extra_args=["--metrics_enable"], **store)
    spec = made["ModelServer"]["spec"]
    assert spec["models_settings"] == {
        "single_model_mode": False,
        "config_configmap_name": "mine",
    }
    assert spec["monitoring"] == {"metrics_enable": True}
    spec = resource(config_path="own.json", **store)["models_settings"]
    assert spec == {"single_model_mode": False, "config_path": "/models/own.json"}


def test_replicas_on_a_host_path_do_not_share_a_node() -> None:
    store = {"pvc": None, "host_path": {"path": "/data", "nodes": ["a", "b"]}}
    asked = resource(**store)["deployment_parameters"]
    assert asked["replicas"] == 2
    (term,) = asked["pod_antiaffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert term["labelSelector"]["matchLabels"] == {"app": "ocr-ovms", "release": "ocr"}
    required = asked["node_affinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert len(required["nodeSelectorTerms"]) == 2


def test_keys_of_a_bucket_come_from_a_secret_by_name() -> None:
    cloud = {"s3": {"uri": "s3://bucket", "endpoint": "http://minio:9000", "secret_name": "keys"}}
    spec = resource(pvc=None, cloud=cloud)
    assert spec["deployment_parameters"]["extra_envs_secret"] == "keys"
    assert spec["models_repository"]["s3_compat_api_endpoint"] == "http://minio:9000"


SCALE = {"max_replicas": 3, "pod_metrics": {"ovms_current_requests": "8"}}
S3 = {"uri": "s3://bucket", "region": "eu-1"}
REFUSED: list[tuple[Options, str]] = [
    ({"tolerations": [{"operator": "Exists"}]}, r"^tolerations: ModelServer edge/ocr: .*manifests"),
    ({"env": {"A": "b"}}, r"^env: .*env_from, or use backend: manifests"),
    ({"node_selector": {"a": "b"}}, r"^node_selector: .*affinity.nodeAffinity"),
    ({"workload": "DaemonSet"}, "^workload: "),
    ({"autoscaling": SCALE}, "^autoscaling: "),
    ({"service": {"headless": True}}, "^service: "),
    ({"supplemental_groups": [44]}, "^supplemental_groups: "),
    ({"fs_group": 7}, "^fs_group: "),
    ({"image_pull_secrets": ["a"]}, "^image_pull_secrets: "),
    ({"pod_overrides": {"spec": {"hostNetwork": True}}}, "^pod_overrides: "),
    ({"labels": {"a": "b"}}, "^labels: "),
    ({"annotations": {"a": "b"}}, r"^annotations\.a: "),
    ({"startup_timeout": 30}, "^startup_timeout: "),
    ({"adopt": True}, "^adopt: "),
    ({"extra_args": ["--cache_dir", "/x"]}, r"^extra_args\.--cache_dir: .*--metrics_enable"),
    ({"env_from": [{"secret": "a", "prefix": "X_"}]}, r"^env_from\[0\]\.prefix: "),
    ({"env_from": [{"secret": "a"}, {"secret": "b"}]}, r"^env_from\[1\]\.secret: "),
    ({"resources": {"limits": {"ephemeral-storage": "1Gi"}}}, r"^resources\.limits\.ephemeral"),
    ({"proxies": {"http_proxy": "http://p:1", "no_proxy": ["x"]}}, r"^proxies\.no_proxy: "),
    ({"proxies": {"http_proxy": "http://u:pw@p:1"}}, r"^proxies\.http_proxy: .*password"),
    ({"image": "registry.example/ovms:2026.3"}, r"^image: .*exit code 64 .*always sets"),
    ({"image": "registry.example/ovms:1"}, r"^ovms_version: .*Tell the release"),
    ({"config_map": "mine", "models": None}, r"^config_map: .*whole volume"),
    (
        {"custom_node_libraries": [], "pipelines": None, "file_system_poll_wait_seconds": 0}
        | {"models": [{"name": "a", "versions": [1]}, {"name": "b", "versions": [1]}]},
        r"^file_system_poll_wait_seconds: .*nobody would tell",
    ),
    (
        {"models": [{"name": "m", "versions": [1], "plugin_config": {"A": "it's"}}]},
        r"^models\[\]\.plugin_config: .*break at a '",
    ),
    (
        {"pvc": None, "cloud": {"s3": {**S3, "access_key_id": "a", "secret_access_key": "geheim"}}},
        r"^cloud\.s3: .*secret_name",
    ),
    (
        {"pvc": None, "cloud": {"gs": {"uri": "gs://bucket", "secret_name": "mine"}}},
        r"^cloud\.gs\.secret_name: .*gcpcreds",
    ),
    (
        {"pvc": None, "host_path": {"path": "/d", "node_selector": {"a": "b"}}},
        r"^host_path\.node_selector: ",
    ),
    ({"pvc": None, "image_volume": {"reference": "registry.example/m:1"}}, "^image_volume: "),
]


@pytest.mark.parametrize(("options", "message"), REFUSED, ids=[text for _o, text in REFUSED])
def test_what_the_operator_cannot_say_or_crashes_on(options: Options, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        resource(**options)
    assert "geheim" not in str(caught.value)
    if "image" not in options:
        make_spec(**{"image": IMAGE, **options, "backend": "manifests"})


def test_every_option_is_said_or_refused() -> None:
    for option, rule in SERVER_ARGUMENT_SPEC.items():
        if option in lint.SAID:
            continue
        value: Any = {"str": "x", "int": 3, "bool": True}.get(rule["type"], {"x": "y"})
        params = {**make_params(), option: value}
        with pytest.raises(InputError, match=f"^{option}: "):
            refuse_others(params, lint.SAID, "ModelServer edge/ocr", {})


@pytest.mark.parametrize(("backend", "kind"), [("operator", "modelservers"), ("kserve", "infer")])
def test_rights_are_those_for_what_is_made(backend: str, kind: str) -> None:
    asked = [str(item) for item in access_for(make_spec(image=IMAGE, backend=backend), wait=True)]
    assert any(kind in item and item.startswith("watch") for item in asked)
    assert any(kind in item and item.startswith("create") for item in asked)
    made = ("create", "patch")
    assert not any("deployments" in item and item.startswith(made) for item in asked)
    plain = [str(item) for item in access_for(make_spec(), wait=True)]
    assert not any("kserve" in item or "intel.com" in item for item in plain)


@pytest.mark.parametrize("backend", ["operator", "kserve"])
def test_the_rights_of_a_backend_are_shipped(backend: str) -> None:
    spec = make_spec(image=IMAGE, backend=backend)
    groups = ("intel.com", "serving.kserve.io")
    wanted = {plain(access) for access in access_for(spec, wait=True, prune=True)}
    own = {right for right in wanted if right[1] in groups}
    rest = {right for right in shipped("server-options") if right[1] in {item[1] for item in own}}
    assert own and rest == own
    usual = {plain(access) for access in access_for(make_spec(), wait=True, prune=True)}
    assert wanted - own <= usual


def test_the_example_of_the_page_is_a_task() -> None:
    page = Path(__file__).parents[4] / "docs" / "backends.md"
    blocks = re.findall(r"```yaml\n(- name.*?)```", page.read_text(encoding="utf-8"), re.S)
    ((task,),) = [yaml.safe_load(block) for block in blocks]
    spec = checked(accepted(task["openvino.edge.model_server"]))
    assert spec.backend == "kserve" and rendered(spec)


def test_the_plain_case_does_not_import_the_backends() -> None:
    code = (
        "import sys\n"
        "from ansible_collections.openvino.edge.plugins.module_utils.server import entry, info\n"
        "from ansible_collections.openvino.edge.plugins.module_utils import verify\n"
        "late = ('.controlled', '.moves', '.kserve', '.operator', '.server.chart')\n"
        "found = [name for name in sys.modules if any(part in name for part in late)]\n"
        "assert not found, found\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (Path(modelserver.__file__).parent / "__init__.py").read_text() == ""
