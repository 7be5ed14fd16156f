# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has loaded a version number, and by which name."""

from __future__ import annotations

from typing import Any

from ansible_collections.openvino.edge.plugins.module_utils.repository.content.state import Key
from ansible_collections.openvino.edge.plugins.module_utils.repository.usage import holders
from ansible_collections.openvino.edge.plugins.module_utils.store import Store

from .test_usage import CLAIM, Cluster, config_of, entry, pod_spec


def held(cluster: Cluster, *keys: Key, store: Store = CLAIM) -> list[tuple[str, Any]]:
    """Return each holder with the names by which it has loaded the versions, or why it is none."""
    return [
        (holder.place.pod, holder.fault or {key: set(names) for key, names in holder.names.items()})
        for holder in holders.find_holders(cluster, store, keys)  # type: ignore[arg-type]
    ]


def running_pods(*names: str, args: list[str] | None = None, node: str = "n1") -> Cluster:
    cluster = Cluster()
    status = {"containerStatuses": [{"name": "ovms", "state": {"running": {}}}]}
    for name in names:
        spec = {**pod_spec(args), "nodeName": node}
        cluster.add("Pod", name, metadata={"namespace": "ns"}, spec=spec, status=status)
    return cluster


def test_31_who_has_loaded_a_number_and_by_which_name() -> None:
    cluster = running_pods("a", "b", "c")
    text = config_of(
        entry("x", "/models/det"), entry("y", "/models/det"), entry("other", "/elsewhere")
    )
    cluster.add("ConfigMap", "conf", metadata={"namespace": "ns"}, data={"config.json": text})
    cluster.answers = {
        "a": {"x": {1: "AVAILABLE", 2: "END"}, "y": {1: "LOADING"}, "other": {1: "AVAILABLE"}},
        "b": {"x": {1: "END", 3: "AVAILABLE"}},
        "c": {"x": {1: "UNLOADING"}, "edge-config-1": {1: "AVAILABLE"}},
    }
    assert held(cluster, ("det", 1)) == [
        ("a", {("det", 1): {"x", "y"}}),
        ("c", {("det", 1): {"x"}}),
    ]
    assert held(cluster, ("det", 2), ("ocr", 1)) == []
    assert held(cluster, ("other", 1)) == [], "that model lies elsewhere"


def test_31_a_name_that_no_configuration_tells_is_that_of_the_directory() -> None:
    cluster = running_pods(
        "a", args=["--config_path", "/models/config.json", "--rest_port", "8081"]
    )
    cluster.answers = {"a": {"det": {1: "AVAILABLE"}, "x": {1: "AVAILABLE"}}}
    assert held(cluster, ("det", 1), ("ocr", 1)) == [("a", {("det", 1): {"det"}})]


def test_31_only_a_server_that_asks_for_a_model_is_named_when_it_is_silent() -> None:
    cluster = running_pods("a")
    text = config_of(entry("x", "/models/det", specific={"versions": [1]}))
    cluster.add("ConfigMap", "conf", metadata={"namespace": "ns"}, data={"config.json": text})
    ((pod, why),) = held(cluster, ("det", 1))
    assert pod == "a" and "does not say what it has loaded" in why
    assert held(cluster, ("det", 2), ("ocr", 1)) == []
    del cluster.objects["Pod", "a"]["status"]["containerStatuses"]
    assert held(cluster, ("det", 1)) == [], "nothing runs there"
