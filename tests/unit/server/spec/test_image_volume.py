# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models that travel as an OCI image."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.pss import needed_level
from ansible_collections.openvino.edge.plugins.module_utils.server.spec.image_volume import (
    check_runtimes,
    check_version,
)

from ..conftest import make_spec

IMAGE = "registry.example/models@sha256:" + "0" * 64


def pod(**options: Any) -> dict[str, Any]:
    spec = make_spec(pvc=None, image_volume={"reference": IMAGE, **options})
    made = {item["kind"]: item for item in render_objects(spec)}
    found: dict[str, Any] = made["Deployment"]["spec"]["template"]["spec"]
    return found


def test_volume_and_mount() -> None:
    volume = {"name": "models", "image": {"reference": IMAGE, "pullPolicy": "IfNotPresent"}}
    assert pod()["volumes"][0] == volume
    mount = {"name": "models", "mountPath": "/models", "readOnly": True, "subPath": "models"}
    assert pod()["containers"][0]["volumeMounts"][0] == mount
    assert pod(pull_policy="Never")["volumes"][0]["image"]["pullPolicy"] == "Never"


@pytest.mark.parametrize(
    ("path", "sub_path"), [("", None), ("/", None), ("/srv//m/", "srv/m"), (".", None)]
)
def test_where_the_models_are_in_it(path: str, sub_path: str | None) -> None:
    assert pod(path=path)["containers"][0]["volumeMounts"][0].get("subPath") == sub_path


def test_the_strictest_level_admits_it() -> None:
    spec = make_spec(pvc=None, image_volume={"reference": IMAGE})
    assert needed_level(spec) == ("restricted", [])


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"reference": "https://registry.example/m"}, "image_volume.reference"),
        ({"reference": IMAGE, "path": "a/../../b"}, "image_volume.path"),
    ],
)
def test_values_that_cannot_be(options: dict[str, Any], option: str) -> None:
    with pytest.raises(InputError) as caught:
        make_spec(pvc=None, image_volume=options)
    assert caught.value.option == option


@pytest.mark.parametrize("version", ["v1.36.0", "v1.36.3+k3s1", "v1.40.1", "v2.0.0", "odd", ""])
def test_clusters_that_know_them(version: str) -> None:
    check_version({"gitVersion": version})


@pytest.mark.parametrize("version", ["v1.35.9", "v1.9.0", "1.30.2-gke.1"])
def test_clusters_that_do_not(version: str) -> None:
    with pytest.raises(InputError) as caught:
        check_version({"gitVersion": version})
    assert f"need Kubernetes 1.36, the cluster has {version}" in str(caught.value)
    assert "pvc or host_path" in str(caught.value)


def node(runtime: str) -> dict[str, Any]:
    return {"status": {"nodeInfo": {"containerRuntimeVersion": runtime}}}


@pytest.mark.parametrize(
    "runtimes",
    [
        [],
        ["containerd://2.1.0"],
        ["containerd://1.7.2", "containerd://2.3.7-k3s1"],
        ["cri-o://1.31.0"],
        ["other://0.1"],
    ],
)
def test_runtimes_that_mount_images(runtimes: list[str]) -> None:
    check_runtimes([node(runtime) for runtime in runtimes])


@pytest.mark.parametrize("runtime", ["containerd://2.0.5", "containerd://1.7.28", "cri-o://1.30.9"])
def test_runtimes_that_do_not(runtime: str) -> None:
    with pytest.raises(InputError) as caught:
        check_runtimes([node(runtime), node(runtime)])
    assert f"they have {runtime}" in str(caught.value)
    assert "containerd 2.1 or cri-o 1.31" in str(caught.value)


def test_case_52_the_error_says_what_an_artifact_would_be() -> None:
    with pytest.raises(InputError) as caught:
        check_version({"gitVersion": "v1.35.0"})
    assert "OCI artifact" in str(caught.value) and "mounted empty" in str(caught.value)
