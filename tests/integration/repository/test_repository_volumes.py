# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real volumes of every kind on two nodes: where the helper goes, or why there is no way."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    InputError,
    WaitError,
)
from kubernetes import client as k8s

HOSTNAME = "kubernetes.io/hostname"
CLAIM = {"persistentVolumeClaim": {"claimName": "models"}}
OURS = {"app.kubernetes.io/managed-by": "openvino.edge"}


@pytest.fixture
def namespace(factory: Any, make_namespace: Any) -> str:
    return str(make_namespace(factory, "restricted"))


@pytest.fixture
def options(namespace: str, source: Path) -> dict[str, Any]:
    return {"namespace": namespace, "src": str(source), "pvc": {"claim_name": "models"}}


@pytest.fixture
def make_volume(factory: Any, namespace: str) -> Iterator[Callable[..., str]]:
    """``make_volume(nodes, path, **spec)`` makes a local volume and the claim ``models`` for it."""
    made: list[str] = []

    def make(nodes: list[str], path: str = "/var/lib/openvino-edge/disks/a", **spec: Any) -> str:
        name = f"edge-test-{uuid.uuid4().hex[:8]}"
        modes = spec.pop("accessModes", ["ReadWriteOnce"])
        common = {"storageClassName": "manual-local", "accessModes": modes}
        item = {"key": HOSTNAME, "operator": "In", "values": nodes}
        required = {"required": {"nodeSelectorTerms": [{"matchExpressions": [item]}]}}
        reference = {"namespace": namespace, "name": "models"}
        volume = {"local": {"path": path}, "nodeAffinity": required, "claimRef": reference}
        size = {"storage": "1Gi"}
        body = {**common, **volume, "capacity": size, **spec}
        factory.core.create_persistent_volume({"metadata": {"name": name}, "spec": body})
        made.append(name)
        mode = {"volumeMode": spec["volumeMode"]} if "volumeMode" in spec else {}
        claim = {**common, **mode, "volumeName": name, "resources": {"requests": size}}
        factory.core.create_namespaced_persistent_volume_claim(
            namespace, {"metadata": {"name": "models"}, "spec": claim}
        )
        factory.wait_until(lambda: phase_of(factory, namespace) == "Bound", "the claim is bound")
        return name

    yield make
    for name in made:
        remove_volume(factory, name)


def remove_volume(factory: Any, name: str) -> None:
    try:
        factory.core.delete_persistent_volume(name)
        factory.core.patch_persistent_volume(name, {"metadata": {"finalizers": None}})
    except k8s.ApiException as error:
        if error.status != 404:
            raise


def phase_of(factory: Any, namespace: str) -> str:
    claim = factory.core.read_namespaced_persistent_volume_claim("models", namespace)
    return str(claim.status.phase)


def nodes_of_volume(factory: Any, namespace: str) -> list[str]:
    """Return the nodes of the claim's volume."""
    claim = factory.core.read_namespaced_persistent_volume_claim("models", namespace)
    volume = factory.core.read_persistent_volume(claim.spec.volume_name)
    (term,) = volume.spec.node_affinity.required.node_selector_terms
    return [value for item in term.match_expressions for value in item.values]


def add_server(factory: Any, namespace: str, **pod: Any) -> None:
    """Make the Deployment of a server that names the claim, without replicas."""
    labels = {**OURS, "app": "server"}
    container = {"name": "ovms", "image": "localhost/none:1"}
    spec = {"containers": [container], "volumes": [{**CLAIM, "name": "models"}], **pod}
    template = {"metadata": {"labels": labels}, "spec": spec}
    selector = {"matchLabels": {"app": "server"}}
    body = {
        "metadata": {"name": "ovms", "labels": labels},
        "spec": {"replicas": 0, "selector": selector, "template": template},
    }
    factory.apps.create_namespaced_deployment(namespace, body)


def test_the_first_pod_makes_the_volume_where_the_server_may_run(
    factory: Any, namespace: str, options: dict[str, Any], make_pvc: Any, copy: Any
) -> None:
    """An unbound claim of a class that waits for its first pod: that is the helper."""
    last = factory.nodes()[-1]
    make_pvc(factory, namespace)
    add_server(factory, namespace, nodeSelector={HOSTNAME: last})
    with pytest.raises(InputError, match="contradicts the server ovms"):
        copy(factory, node_selector={HOSTNAME: factory.nodes()[0]}, **options)
    assert phase_of(factory, namespace) == "Pending", "nothing was started"
    assert copy(factory, **options)["changed"]
    assert nodes_of_volume(factory, namespace) == [last]


def test_the_task_says_where_the_volume_is_made(
    factory: Any, namespace: str, options: dict[str, Any], make_pvc: Any, copy: Any
) -> None:
    make_pvc(factory, namespace)
    with pytest.raises(InputError, match="no node has the labels disk=none"):
        copy(factory, node_selector={"disk": "none"}, **options)
    last = factory.nodes()[-1]
    assert copy(factory, node_selector={HOSTNAME: last}, **options)["changed"]
    assert nodes_of_volume(factory, namespace) == [last]
    with pytest.raises(InputError, match=f"{last} does not fit node_selector"):
        copy(factory, node_selector={HOSTNAME: factory.nodes()[0]}, **options)


@pytest.mark.parametrize("transport", ["agent", "exec"])
def test_beside_a_server_that_uses_the_volume(
    transport: str,
    factory: Any,
    namespace: str,
    options: dict[str, Any],
    make_pvc: Any,
    copy: Any,
) -> None:
    make_pvc(factory, namespace)
    last = factory.nodes()[-1]
    with factory.visitor(namespace, CLAIM, node=last) as visitor:
        assert copy(factory, transport=transport, **options)["changed"]
        assert visitor.sh("cat /store/models/ocr/1/model.xml") == "<net/>"
        with pytest.raises(InputError, match=f"in use on node {last} by pod {visitor.pod}"):
            copy(factory, node_selector={HOSTNAME: factory.nodes()[0]}, **options)


def test_a_volume_of_many_nodes_in_use_on_all_of_them(
    factory: Any, namespace: str, options: dict[str, Any], make_pvc: Any, copy: Any
) -> None:
    make_pvc(factory, namespace, accessModes=["ReadWriteMany"], storageClassName="shared")
    first, last = factory.nodes()[0], factory.nodes()[-1]
    visit = factory.visitor
    with visit(namespace, CLAIM, node=first) as one, visit(namespace, CLAIM, node=last) as other:
        assert copy(factory, **options)["changed"]
        for visitor in (one, other):
            assert visitor.sh("cat /store/models/ocr/1/model.xml") == "<net/>"
        chosen = copy(factory, node_selector={HOSTNAME: last}, **options)
        assert not chosen["changed"]


def test_a_volume_for_one_pod(
    factory: Any,
    namespace: str,
    options: dict[str, Any],
    make_volume: Any,
    node_directory: Any,
    copy: Any,
) -> None:
    last = factory.nodes()[-1]
    make_volume([last], node_directory(last), accessModes=["ReadWriteOncePod"])
    with factory.visitor(namespace, CLAIM, node=last) as visitor:
        options["wait_timeout"] = 30
        with pytest.raises(WaitError, match=f"in use by pod {visitor.pod}"):
            copy(factory, **options)
    factory.wait_until(lambda: no_pods(factory, namespace), "the pod is gone")
    assert copy(factory, **options)["changed"]


def no_pods(factory: Any, namespace: str) -> bool:
    return not factory.core.list_namespaced_pod(namespace).items


def test_a_volume_whose_node_is_gone(
    factory: Any, options: dict[str, Any], make_volume: Any, copy: Any
) -> None:
    name = make_volume(["lost-node"])
    with pytest.raises(InputError) as caught:
        copy(factory, **options)
    text = str(caught.value)
    assert name in text and "(lost-node)" in text and ", ".join(factory.nodes()) in text


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"accessModes": ["ReadOnlyMany"]}, "only the access mode ReadOnlyMany"),
        ({"volumeMode": "Block"}, "block device"),
    ],
)
def test_volumes_that_take_no_files(
    factory: Any, options: dict[str, Any], make_volume: Any, copy: Any, spec: Any, text: str
) -> None:
    make_volume([factory.nodes()[0]], **spec)
    with pytest.raises(InputError, match=text):
        copy(factory, **options)


def test_a_claim_that_lost_its_volume(
    factory: Any, namespace: str, options: dict[str, Any], make_volume: Any, copy: Any
) -> None:
    name = make_volume([factory.nodes()[0]])
    remove_volume(factory, name)
    factory.wait_until(lambda: phase_of(factory, namespace) == "Lost", "the claim is lost")
    with pytest.raises(InputError, match=f"lost its volume {name}"):
        copy(factory, **options)


def test_a_claim_that_goes(
    factory: Any, namespace: str, options: dict[str, Any], make_pvc: Any, copy: Any
) -> None:
    make_pvc(factory, namespace)
    with factory.visitor(namespace, CLAIM) as visitor:
        factory.core.delete_namespaced_persistent_volume_claim("models", namespace)
        with pytest.raises(InputError, match=f"being deleted.*{visitor.pod}"):
            copy(factory, **options)


def test_a_claim_that_nothing_fits(
    factory: Any, namespace: str, options: dict[str, Any], make_pvc: Any, copy: Any
) -> None:
    make_pvc(factory, namespace, storageClassName="none-such")
    with pytest.raises(InputError, match="StorageClass none-such, which does not exist"):
        copy(factory, **options)
    make_pvc(factory, namespace, "other", storageClassName="manual-local", volumeName="nowhere")
    claim = {"claim_name": "other"}
    with pytest.raises(InputError, match="PersistentVolume nowhere does not exist"):
        copy(factory, **{**options, "pvc": claim})


def test_no_volume_for_the_first_pod(
    factory: Any, namespace: str, options: dict[str, Any], make_pvc: Any, copy: Any
) -> None:
    make_pvc(factory, namespace, storageClassName="manual-local")
    with pytest.raises(WaitError, match="didn't find available persistent volumes"):
        copy(factory, wait_timeout=60, **options)


def test_a_quota_that_has_no_room_for_the_helper(
    factory: Any, namespace: str, options: dict[str, Any], make_pvc: Any, copy: Any
) -> None:
    make_pvc(factory, namespace)
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    factory.core.create_namespaced_resource_quota(namespace, quota)
    with pytest.raises(WaitError, match="quota"):
        copy(factory, wait_timeout=60, **options)
