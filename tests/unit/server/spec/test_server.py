# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options become a checked spec, or one error that names the option and the way out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError

from ..conftest import MakeSpec

HOST = {"path": "/var/lib/openvino-edge/models"}


def test_defaults_are_those_of_the_images_and_of_a_secure_pod(spec: MakeSpec) -> None:
    made = spec()
    assert (made.rest_port, made.grpc_port, made.replicas) == (8081, 8080, 1)
    assert made.security.run_as_user == made.security.run_as_group == 5000
    assert made.models[0].target_device == "CPU"
    assert made.models[0].base_path == "/models/detection"


def test_models_and_versions_are_sorted_so_that_order_is_no_change(spec: MakeSpec) -> None:
    first = [{"name": "b", "versions": [2, 1, 2]}, {"name": "a", "versions": [1]}]
    assert spec(models=first) == spec(models=list(reversed(first)))
    assert spec(models=first).wanted() == {"a": (1,), "b": (1, 2)}


def test_one_replica_per_named_node(spec: MakeSpec) -> None:
    assert spec(pvc=None, host_path={**HOST, "nodes": ["n1", "n2"]}).replicas == 2
    assert spec(pvc=None, host_path={**HOST, "nodes": ["n1", "n2"]}, replicas=1).replicas == 1
    assert spec(pvc=None, host_path=HOST).replicas == 1


def test_minus_one_leaves_the_user_to_the_platform(spec: MakeSpec) -> None:
    security = spec(run_as_user=-1, run_as_group=-1, fs_group=-1).security
    assert security.run_as_user is security.run_as_group is security.fs_group is None


def test_proxies_in_both_cases(spec: MakeSpec) -> None:
    made = spec(
        proxies={"http_proxy": "http://p:3128", "no_proxy": ["a", " b ", "a"]}, env={"X": True}
    )
    assert made.env == {
        "X": "true",
        "http_proxy": "http://p:3128",
        "HTTP_PROXY": "http://p:3128",
        "no_proxy": "a,b",
        "NO_PROXY": "a,b",
    }


def test_shape_as_a_list_of_dimensions(spec: MakeSpec) -> None:
    model = {"name": "m", "versions": [1], "shape": {"x": [1, 3, -1, "200:500"], "y": "auto"}}
    assert spec(models=[model]).models[0].shape == {"x": "(1,3,-1,200:500)", "y": "auto"}


def model(**options: Any) -> dict[str, Any]:
    return {"models": [{"name": "m", "versions": [1], **options}]}


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"name": "Ocr"}, "name", "lower-case"),
    ({"name": "1ocr"}, "name", "a letter first"),
    ({"namespace": "a.b"}, "namespace", "name of a namespace"),
    ({"image": "https://reg/x:1"}, "image", "without a scheme"),
    ({"image": "a b"}, "image", "image reference"),
    ({"replicas": -1}, "replicas", "0..1000"),
    ({"rest_port": 80}, "rest_port", "1024..65535"),
    ({"grpc_port": 8081}, "grpc_port", "same port"),
    ({"run_as_user": -2}, "run_as_user", "0.."),
    ({"tmp_size": "lots"}, "tmp_size", "quantity"),
    ({"resources": {"limit": {}}}, "resources.limit", "requests and limits"),
    ({"resources": {"limits": {"cpu": "two"}}}, "resources.limits.cpu", "quantity"),
    (
        {"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "500m"}}},
        "resources.requests.cpu",
        "more than the limit",
    ),
    ({"env": {"a b": "1"}}, "env.a b", "environment variable"),
    ({"env": {"a": [1]}}, "env.a", "text or a number"),
    ({"proxies": {"http_proxy": "http://proxy"}}, "proxies.http_proxy", "HOST:PORT"),
    (
        {"proxies": {"http_proxy": "http://p:1"}, "env": {"HTTP_PROXY": "x"}},
        "env.HTTP_PROXY",
        "one place",
    ),
    ({"labels": {"app.kubernetes.io/name": "x"}}, "labels.app.kubernetes.io/name", "collection"),
    ({"labels": {"a": "b c"}}, "labels.a", "value of a label"),
    ({"annotations": {"openvino.edge/x": "y"}}, "annotations.openvino.edge/x", "collection"),
    ({"node_selector": {"a/b/c": "y"}}, "node_selector", "key of a label"),
    ({"namespace_labels": {"a": "b"}}, "namespace_labels", "create_namespace"),
    ({"image_pull_secrets": ["A"]}, "image_pull_secrets[0]", "name of"),
    ({"file_system_poll_wait_seconds": -1}, "file_system_poll_wait_seconds", "0.."),
    ({"extra_args": ["--port=1"]}, "extra_args[0]", "grpc_port"),
    ({"extra_args": ["--nireq", "2"]}, "extra_args[0]", "options of models"),
    ({"extra_args": ["--x", "--stateful"]}, "extra_args[1]", "2026.3"),
    ({"models": [{"name": "a//b", "versions": [1]}]}, "models[0].name", "name of a model"),
    ({"models": [{"name": ".a", "versions": [1]}]}, "models[0].name", "name of a model"),
    ({"models": [{"name": "a", "versions": []}]}, "models[0].versions", "no version"),
    ({"models": [{"name": "a", "versions": [1, 0]}]}, "models[0].versions[1]", "1.."),
    ({"models": [{"name": "a", "versions": [1]}] * 2}, "models[1].name", "one entry"),
    (model(nireq=-1), "models[0].nireq", "0.."),
    (model(batch_size="four"), "models[0].batch_size", "neither a number"),
    (model(shape="1,3"), "models[0].shape", "parentheses"),
    (model(shape="(1,0)"), "models[0].shape", "positive"),
    (model(shape={"x": "(5:2)"}), "models[0].shape.x", "range"),
    (model(shape='{"x": "(1)"}'), "models[0].shape", "JSON"),
    (model(layout="NCHWX"), "models[0].layout", "letters"),
    (model(layout="NCHW:NHHC"), "models[0].layout", "H twice"),
    (model(layout={"x": 1}), "models[0].layout.x", "not text"),
    ({"pvc": {"claim_name": "x", "sub_path": "../y"}}, "pvc.sub_path", "without '..'"),
    ({"pvc": None, "host_path": {"path": "models"}}, "host_path.path", "absolute"),
    (
        {
            "pvc": None,
            "host_path": {**HOST, "node_selector": {"a": "1"}},
            "node_selector": {"a": "2"},
        },
        "node_selector",
        "contradicts",
    ),
]


@pytest.mark.parametrize(("options", "option", "words"), BAD)
def test_bad_input_names_the_option(
    spec: MakeSpec, options: dict[str, Any], option: str, words: str
) -> None:
    with pytest.raises(InputError) as caught:
        spec(**options)
    assert caught.value.option == option
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "image",
    [
        "ovms",
        "openvino/model_server:2026.2.1-gpu",
        "localhost:5000/edge/ovms__x:a",
        "[fd00::1]:5000/ovms:1",
        "Registry.Example/ovms@sha256:" + "0" * 64,
        "registry.example:5000/a/b-c.d/ovms:1@sha256:" + "a" * 64,
    ],
)
def test_references_that_runtimes_read(spec: MakeSpec, image: str) -> None:
    assert spec(image=image).image == image


@pytest.mark.parametrize(
    "image",
    [
        "",
        "a b",
        "https://registry.example/ovms:1",
        "openvino/Model_Server:1",
        "registry.example/ovms:",
        "registry.example/ovms@sha256:12",
        "registry.example//ovms",
        "ovms:" + "x" * 129,
        "-ovms",
    ],
)
def test_references_that_no_runtime_reads(spec: MakeSpec, image: str) -> None:
    with pytest.raises(InputError, match="not an image reference"):
        spec(image=image)
