# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each bad input ends in one clear error; before anything is changed wherever that can be known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from accounts import GROUP
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    EdgeError,
    ForbiddenError,
    InputError,
    WaitError,
)
from serving import HOST_ROOT, Server

HOST_PATH = {"path": HOST_ROOT}


@pytest.fixture
def server(
    shop: Any, make_namespace: Any, make_pvc: Any, make_server: Callable[..., Server]
) -> Server:
    """A server without models in a restricted namespace with an empty claim."""
    namespace = make_namespace(shop, "restricted")
    make_pvc(shop, namespace)
    return make_server(shop, namespace, models=[])


def refused(server: Server, kind: type[EdgeError], **changes: Any) -> EdgeError:
    """Return the error of a run that must not have changed anything."""
    with pytest.raises(kind) as caught:
        server.run(**changes)
    assert server.made() == []
    assert not caught.value.details.get("changed")
    return caught.value


def stopped(server: Server, **changes: Any) -> WaitError:
    """Return the error of a run that gave up waiting; well before its time was over."""
    with pytest.raises(WaitError) as caught:
        server.run(**changes)
    assert caught.value.details["changed"] is True
    assert "not done within" not in str(caught.value)
    return caught.value


def test_host_path_in_a_restricted_namespace(server: Server) -> None:
    error = refused(server, InputError, pvc=None, host_path=HOST_PATH)
    assert error.option == "host_path"
    assert "Pod Security level restricted" in str(error)
    assert "pod-security.kubernetes.io/enforce=privileged" in str(error)
    assert "use pvc" in str(error)


def test_configuration_that_the_server_would_refuse(server: Server) -> None:
    bad = {"name": "m", "versions": [1], "plugin_config": {"ENFORCE_BF16": "YES"}}
    error = refused(server, InputError, models=[bad])
    assert error.option == "models[m].plugin_config.ENFORCE_BF16"
    assert "Use INFERENCE_PRECISION_HINT" in str(error)


def test_missing_namespace(server: Server) -> None:
    error = refused(
        server, InputError, namespace="edge-no-such-namespace", pvc=None, host_path=HOST_PATH
    )
    assert error.option == "namespace"
    assert "create_namespace" in str(error)


def test_missing_claim(server: Server) -> None:
    error = refused(server, InputError, pvc={"claim_name": "other"})
    assert error.option == "pvc.claim_name"
    assert "does not exist" in str(error)


def test_unbound_claim(server: Server, make_pvc: Any) -> None:
    make_pvc(server.cluster, server.namespace, "odd", storageClassName="no-such-class")
    error = refused(server, InputError, pvc={"claim_name": "odd"})
    assert "not bound" in str(error) and "'no-such-class' does not exist" in str(error)


def test_claim_for_one_pod(server: Server, make_pvc: Any) -> None:
    make_pvc(server.cluster, server.namespace, "single", accessModes=["ReadWriteOncePod"])
    error = refused(server, InputError, pvc={"claim_name": "single"}, replicas=2)
    assert "ReadWriteOncePod" in str(error)


def test_missing_node(factory: Any, make_namespace: Any, make_server: Any) -> None:
    namespace = make_namespace(factory, "privileged")
    server = make_server(factory, namespace, pvc=None, host_path=HOST_PATH)
    error = refused(server, InputError, host_path={**HOST_PATH, "nodes": ["factory-9"]})
    assert error.option == "host_path.nodes"
    assert "factory-1" in str(error)


def test_objects_of_others_are_not_taken(server: Server) -> None:
    other = {"metadata": {"name": "ocr-config"}, "data": {"mine": "x"}}
    server.cluster.core.create_namespaced_config_map(server.namespace, other)
    error = refused(server, InputError)
    assert f"ConfigMap {server.namespace}/ocr-config" in str(error)
    assert "belongs to someone else" in str(error)


def test_what_the_api_server_refuses_is_refused_as_a_whole(server: Server) -> None:
    error = refused(server, EdgeError, tolerations=[{"operator": "Sometimes"}])
    assert "tolerations" in str(error)


def test_image_that_is_not_there(server: Server) -> None:
    error = stopped(server, image="localhost/no-such:1", image_pull_policy="Never")
    assert error.details["reason"] == "ErrImageNeverPull"
    assert "localhost/no-such:1" in str(error)


def test_image_that_cannot_be_pulled(server: Server) -> None:
    error = stopped(server, image="localhost:1/no-such:1")
    assert error.details["reason"] in ("ErrImagePull", "ImagePullBackOff")
    assert "localhost:1/no-such:1" in str(error)


def test_no_room(server: Server) -> None:
    error = stopped(server, resources={"requests": {"cpu": "1000"}})
    assert error.details["reason"] == "Unschedulable"
    assert "Insufficient cpu" in str(error)


def test_quota(server: Server) -> None:
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    server.cluster.core.create_namespaced_resource_quota(server.namespace, quota)
    error = stopped(server)
    assert error.details["reason"] == "Quota"
    assert "pods" in str(error)
    server.cluster.core.delete_namespaced_resource_quota("none", server.namespace)
    assert server.run()["replicas"]["ready"] == 1


def test_crash_shows_the_last_log_lines(server: Server) -> None:
    error = stopped(server, extra_args=["--no_such_flag", "1"])
    assert "exit code 64" in str(error)
    assert any("unmatched arguments: --no_such_flag" in line for line in error.details["log"])
    assert "unmatched arguments" in str(error)


def test_a_second_run_over_a_broken_server_fails_as_well(server: Server) -> None:
    stopped(server, image="localhost/no-such:1", image_pull_policy="Never")
    with pytest.raises(WaitError) as caught:
        server.run(image="localhost/no-such:1", image_pull_policy="Never")
    assert caught.value.details["changed"] is False
    fixed = server.run()
    assert fixed["changed"] and fixed["replicas"]["ready"] == 1


def test_directory_missing_on_the_node(factory: Any, make_namespace: Any, make_server: Any) -> None:
    namespace = make_namespace(factory, "privileged")
    path, node = f"{HOST_ROOT}/{namespace}", factory.nodes()[0]
    host_path = {"path": path, "nodes": [node]}
    server = make_server(factory, namespace, models=[], pvc=None, host_path=host_path)
    error = stopped(server)
    assert error.details["reason"] == "FailedMount"
    assert f"{path}/models" in str(error)
    volume = {"hostPath": {"path": HOST_ROOT}}
    with factory.visitor(namespace, volume, node=node, read_only=False) as visitor:
        visitor.sh(f"mkdir -p /store/{namespace}/models")
        assert server.run()["seconds"] < 15, "the kubelet's back-off was waited for"
        server.run(state="absent")
        visitor.sh(f"rm -rf /store/{namespace}")


def test_version_that_the_store_does_not_have(server: Server) -> None:
    """Nobody served the model before, so nothing is lost: that it is not there, the gate tells."""
    server.run()
    assert server.run(models=[{"name": "adder", "versions": [7]}])["reload"] == "config_reload"
    (pod,) = server.pods()
    assert server.states(pod).get("adder:7") != "AVAILABLE"


def grant(server: Server, rules: list[dict[str, Any]]) -> dict[str, Any]:
    """Give an account of its own these rights in the namespace; return its auth options."""
    rbac, namespace, account = server.cluster.rbac, server.namespace, server.cluster.new_account()
    meta = {"metadata": {"name": "deployer"}}
    rbac.create_namespaced_role(namespace, {**meta, "rules": rules})
    role = {"roleRef": {"apiGroup": GROUP, "kind": "Role", "name": "deployer"}}
    body = {**meta, **role, "subjects": account.subjects}
    rbac.create_namespaced_role_binding(namespace, body)
    account.until_rules(namespace, rules)
    return {"context": None, **account.auth}


def rule(group: str, resources: list[str], *verbs: str) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": resources, "verbs": list(verbs)}


CORE = ["configmaps", "services", "serviceaccounts"]
READ_AND_WRITE = ("get", "list", "create", "patch")
LEAST = [
    rule("", CORE, *READ_AND_WRITE),
    rule("apps", ["deployments"], *READ_AND_WRITE, "watch"),
    rule("", ["pods"], "get", "list", "watch"),
    rule("", ["pods/proxy", "persistentvolumeclaims"], "get"),
]


def test_missing_rights_are_named_before_anything_is_changed(server: Server) -> None:
    auth = grant(server, [*LEAST[:2], *LEAST[3:]])
    error = refused(server, ForbiddenError, **auth)
    assert error.details["missing"] == [
        f"{verb} pods in namespace {server.namespace}" for verb in ("get", "list", "watch")
    ]
    assert "watch pods" in str(error)


def test_least_rights_are_enough(server: Server) -> None:
    auth = grant(server, LEAST)
    assert server.run(**auth)["replicas"]["ready"] == 1
    assert not server.run(**auth)["changed"]


def test_pod_security_is_told_even_if_the_namespace_cannot_be_read(server: Server) -> None:
    events = rule("", ["events"], "list", "watch")
    sets = rule("apps", ["replicasets"], "list", "watch")
    auth = grant(server, [*LEAST, events, sets])
    error = stopped(server, **auth, pvc=None, host_path=HOST_PATH)
    assert error.details["reason"] == "PodSecurity"
    assert "pod-security.kubernetes.io/enforce" in str(error)
