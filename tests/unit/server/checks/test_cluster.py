# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals before anything is changed, on plain data."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.server.checks import cluster
from ansible_collections.openvino.edge.plugins.module_utils.server.checks.cluster import (
    access_for,
    access_for_removal,
    check_claim,
    check_nodes,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.discover.live import (
    Known,
    namespace_to_send,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.info import describe
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.pss import (
    check_namespace,
    needed_level,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import HostPathStore, PvcStore

from ..conftest import MakeSpec

HOST = {"path": "/var/lib/openvino-edge/models"}


def namespace(level: str | None) -> dict[str, Any]:
    labels = {"pod-security.kubernetes.io/enforce": level} if level else {}
    return {"metadata": {"name": "edge", "labels": labels}}


def test_a_namespace_that_is_missing_or_leaving(spec: MakeSpec) -> None:
    cluster.check_namespace(spec(create_namespace=True), None)
    with pytest.raises(InputError, match="Namespace edge: it does not exist.*create_namespace"):
        cluster.check_namespace(spec(), None)
    leaving = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}
    with pytest.raises(InputError, match="being deleted"):
        cluster.check_namespace(spec(create_namespace=True), leaving)


def test_a_namespace_is_judged_as_it_will_be(spec: MakeSpec) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "privileged"}
    host = {"pvc": None, "host_path": HOST, "create_namespace": True}
    cluster.check_namespace(spec(**host, namespace_labels=labels), namespace("restricted"))
    cluster.check_namespace(spec(**host, namespace_labels=labels), None)
    with pytest.raises(InputError, match="restricted"):
        cluster.check_namespace(spec(**host), namespace("restricted"))


def test_a_namespace_is_sent_only_when_it_lacks_something(spec: MakeSpec) -> None:
    made = spec(create_namespace=True, namespace_labels={"a": "b"})
    there = {"metadata": {"name": "edge", "labels": {"a": "b", "c": "d"}}}
    assert len(namespace_to_send(made, Known(True, None))) == 1
    assert len(namespace_to_send(made, Known(True, {"metadata": {}}))) == 1
    assert namespace_to_send(made, Known(True, there)) == []
    assert namespace_to_send(made, Known(False, None)) == []
    assert namespace_to_send(spec(), Known(True, None)) == []


@pytest.mark.parametrize("level", [None, "privileged", "baseline", "restricted", "odd"])
def test_a_claim_fits_every_level(spec: MakeSpec, level: str | None) -> None:
    check_namespace(spec(), namespace(level))


@pytest.mark.parametrize("level", ["baseline", "restricted"])
def test_host_path_needs_privileged(spec: MakeSpec, level: str) -> None:
    made = spec(pvc=None, host_path=HOST)
    with pytest.raises(InputError) as caught:
        check_namespace(made, namespace(level))
    text = str(caught.value)
    assert caught.value.option == "host_path"
    assert f"enforces the Pod Security level {level}" in text
    assert "pod-security.kubernetes.io/enforce=privileged" in text
    assert "use pvc" in text
    check_namespace(made, namespace("privileged"))


def test_root_needs_baseline(spec: MakeSpec) -> None:
    made = spec(run_as_user=0)
    assert needed_level(made) == ("baseline", ["run_as_user"])
    check_namespace(made, namespace("baseline"))
    with pytest.raises(InputError, match="run_as_user"):
        check_namespace(made, namespace("restricted"))


def claim(phase: str = "Bound", modes: tuple[str, ...] = ("ReadWriteOnce",)) -> dict[str, Any]:
    return {
        "metadata": {"name": "models"},
        "spec": {"accessModes": list(modes)},
        "status": {"phase": phase, "accessModes": list(modes)},
    }


def test_claims(spec: MakeSpec) -> None:
    store = PvcStore("edge", "models")
    check_claim(spec(), store, claim())
    check_claim(spec(replicas=2), store, claim())
    for bad, words in (
        (None, "does not exist"),
        (claim("Lost"), "volume is gone"),
        ({**claim(), "metadata": {"deletionTimestamp": "x"}}, "being deleted"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            check_claim(spec(), store, bad)
        assert caught.value.option == "pvc.claim_name"


def test_one_pod_claim_with_two_replicas(spec: MakeSpec) -> None:
    alone = claim(modes=("ReadWriteOncePod",))
    store = PvcStore("edge", "models")
    check_claim(spec(), store, alone)
    with pytest.raises(InputError, match="ReadWriteOncePod lets one pod use it"):
        check_claim(spec(replicas=2), store, alone)


def test_nodes() -> None:
    nodes = [{"metadata": {"name": name, "labels": {"disk": name}}} for name in ("n1", "n2")]
    check_nodes(HostPathStore("edge", "/m", (), ("n1", "n2")), nodes)
    check_nodes(HostPathStore("edge", "/m", (("disk", "n2"),)), nodes)
    with pytest.raises(InputError, match="Node n3: the cluster has no such node.*n1, n2"):
        check_nodes(HostPathStore("edge", "/m", (), ("n1", "n3")), nodes)
    with pytest.raises(InputError, match="no node has the labels disk=n3"):
        check_nodes(HostPathStore("edge", "/m", (("disk", "n3"),)), nodes)


def test_rights_are_no_more_than_needed(spec: MakeSpec) -> None:
    texts = [str(access) for access in access_for(spec(), wait=True)]
    assert "create deployments.apps in namespace edge" in texts
    assert "get persistentvolumeclaims models in namespace edge" in texts
    assert "get pods/proxy in namespace edge" in texts
    assert not any("delete" in text or "namespaces" in text for text in texts)
    assert len(texts) == len(set(texts))
    host = spec(pvc=None, host_path=HOST, create_namespace=True)
    rights = access_for(host, wait=False, prune=True, namespace=True)
    texts = [str(access) for access in rights]
    assert "create namespaces edge" in texts
    assert "delete services in namespace edge" in texts
    assert not any("claims" in text or "pods/" in text for text in texts)
    slow = access_for(spec(file_system_poll_wait_seconds=60), wait=True)
    assert "create pods/proxy in namespace edge" in [str(access) for access in slow]


def test_rights_for_removal() -> None:
    texts = [str(access) for access in access_for_removal("edge", wait=False)]
    assert len(texts) == 12
    assert all(text.startswith(("get ", "list ", "delete ")) for text in texts)
    extra = (("intel.com/v1alpha1", "ModelServer"),)
    texts = [str(item) for item in access_for_removal("edge", wait=True, extra=extra)]
    watched = {text.split()[1] for text in texts if text.startswith("watch ")}
    assert watched == {"pods", "modelservers.intel.com", "deployments.apps"}


def test_info_describes_what_is_stored(spec: MakeSpec) -> None:
    _account, config, deployment, service = render_objects(spec())
    deployment["status"] = {"readyReplicas": 1, "updatedReplicas": 1}
    service["spec"]["clusterIP"] = "10.0.0.1"
    (server,) = describe([config], [deployment], [service])
    assert server["models"] == [{"name": "detection", "versions": [1]}]
    assert server["image"] == "registry.example/ovms:1"
    assert server["replicas"] == {"wanted": 1, "ready": 1, "updated": 1}
    assert server["service"]["endpoints"] == {
        "grpc": "ocr.edge.svc:8080",
        "rest": "ocr.edge.svc:8081",
    }
    (rest,) = describe([], [], [service])
    assert (rest["models"], rest["image"], rest["replicas"]) == (None, None, None)
