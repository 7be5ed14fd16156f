# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped rights are exactly what the modules ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterator, List, Set, Tuple

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Access
from ansible_collections.openvino.edge.plugins.module_utils.preflight import rights
from ansible_collections.openvino.edge.plugins.module_utils.repository import info as store_info
from ansible_collections.openvino.edge.plugins.module_utils.server import entry as server
from ansible_collections.openvino.edge.plugins.module_utils.server import info as server_info
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference import (
    entry as inference,
)
from ansible_collections.openvino.edge.plugins.module_utils.verify.inference import record_entry

RBAC = Path(__file__).parents[3] / "roles" / "preflight" / "files" / "rbac.yml"
STORES: List[Dict[str, Any]] = [
    {"pvc": {"claim_name": "models"}},
    {"host_path": {"path": "/srv/models"}},
]
PULL = {"url": "s3://models", "access_key": "key", "secret_key": "secret"}
Right = Tuple[str, str, str]


def shipped(role: str) -> Set[Right]:
    documents = {
        item["metadata"]["name"]: item for item in yaml.safe_load(RBAC.read_text())["items"]
    }
    return {
        (verb, group, resource)
        for rule in documents[f"openvino-edge-{role}"]["rules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


BASE: Dict[str, Any] = {"namespace": "edge", "name": "ovms", "state": "present"}


def variants() -> Iterator[Dict[str, Any]]:
    for store in STORES:
        for state in ("present", "absent"):
            yield {
                **BASE,
                "state": state,
                "transport": "agent",
                "wait": True,
                "file_system_poll_wait_seconds": 60,
                **store,
            }


def asked() -> Set[Access]:
    """Return what the modules ask for without the options that have roles of their own."""
    wanted: Set[Access] = set()
    for params in variants():
        wanted.update(rights.job_access(params))
        wanted.update(rights.check_access({**params, "images": ["a"]}))
        for module in (store_info, server_info, inference, record_entry):
            spec = getattr(module, "INFO_ARGUMENT_SPEC", None) or module.ARGUMENT_SPEC
            wanted.update(module.required_access(rights.fill(spec, {**rights.SAMPLE, **params})))
    return wanted


def plain(access: Access) -> Right:
    name = f"{access.resource}/{access.subresource}" if access.subresource else access.resource
    return access.verb, access.group, name


def in_namespace(access: Access) -> bool:
    return access.namespace is not None


def test_the_deployer_has_what_the_job_does_in_its_namespace_and_nothing_else() -> None:
    assert {plain(access) for access in asked() if in_namespace(access)} == shipped("deployer")


def test_the_reader_has_what_the_job_looks_at_in_the_cluster_and_nothing_else() -> None:
    wanted = {plain(access) for access in asked() if not in_namespace(access)}
    assert wanted == shipped("cluster-reader")


@pytest.mark.parametrize(
    ("option", "role"),
    [
        ({"transport": "exec"}, "exec-transport"),
        ({"pod_carrier": "portforward"}, "port-forward"),
        ({"pull": PULL}, "pull-credentials"),
        ({"helper_allow_from": ["10.0.0.10"]}, "helper-guard"),
    ],
)
def test_case_35_an_option_takes_its_own_role_and_nothing_else(
    option: Dict[str, Any], role: str
) -> None:
    for store in STORES:
        wanted = {plain(item) for item in rights.job_access({**BASE, **store, **option})}
        assert wanted - shipped("deployer") - shipped("cluster-reader") == shipped(role)


def test_case_35_the_base_role_holds_no_right_that_only_options_need() -> None:
    for right in (
        ("get", "", "pods/exec"),
        ("create", "", "pods/exec"),
        ("get", "", "pods/portforward"),
        ("create", "", "pods/portforward"),
        ("create", "", "secrets"),
        ("get", "", "secrets"),
        ("create", "networking.k8s.io", "networkpolicies"),
        ("patch", "", "pods"),
        ("delete", "", "namespaces"),
    ):
        assert right not in shipped("deployer") | shipped("cluster-reader"), right
    assert shipped("quick-reload") == {("patch", "", "pods")}


def test_case_35_rights_on_namespaces_are_for_named_ones_or_for_that_of_the_binding() -> None:
    roles = yaml.safe_load(RBAC.read_text())["items"]
    changing = {"create", "patch", "delete", "update", "*"}
    for role in roles:
        for rule in role["rules"]:
            if "namespaces" not in rule["resources"] or not changing & set(rule["verbs"]):
                continue
            name = role["metadata"]["name"].removeprefix("openvino-edge-")
            assert name in ("namespace-creator", "namespace-remover")
            assert (name == "namespace-remover") != bool(rule.get("resourceNames"))
            assert "kube-system" not in rule.get("resourceNames", [])


def test_case_35_the_head_of_the_file_says_what_the_rights_imply() -> None:
    head = " ".join(RBAC.read_text().split("apiVersion:")[0].replace("#", " ").split())
    for words in (
        "one namespace per trust domain",
        "read every Secret",
        "act as every ServiceAccount",
        "every claim there",
        "root on the node",
    ):
        assert words.lower() in head.lower(), words
    for item in yaml.safe_load(RBAC.read_text())["items"]:
        assert item["metadata"]["name"] in head


def test_who_creates_namespaces_can_also_let_the_server_do_so() -> None:
    params = {**rights.SAMPLE, "namespace": "edge", "name": "ovms", **STORES[0]}
    filled = rights.fill(server.ARGUMENT_SPEC, {**params, "create_namespace": True})
    found = [item for item in server.required_access(filled) if not in_namespace(item)]
    assert {plain(item) for item in found} <= shipped("namespace-creator")
    # The role is for named ones.
    assert {item.name for item in found} == {"edge"}


def test_making_local_volumes_takes_one_role_more_and_nothing_else() -> None:
    local = {"path": "/srv/models", "nodes": ["n1"]}
    plain_store = {"pvc": {"claim_name": "models"}}
    params = {**rights.SAMPLE, "namespace": "edge", "name": "ovms"}
    without = {plain(item) for item in rights.job_access({**params, **plain_store})}
    wanted = {plain(item) for item in rights.job_access({**params, **store_with(local)})}
    # Nodes are read by the cluster-reader.
    assert wanted - without - shipped("cluster-reader") <= shipped("volume-admin")
    assert shipped("volume-admin") <= wanted
    maker = {**local, "create_directory_in": "system"}
    made = rights.job_access({**params, **store_with(maker)})
    there = {plain(item) for item in made if item.namespace == "system"}
    assert ("create", "batch", "jobs") in there and there <= shipped("deployer")


def store_with(local: Dict[str, Any]) -> Dict[str, Any]:
    return {"pvc": {"claim_name": "models", "local": local}}


@pytest.mark.parametrize("verb", ["get", "create"])
def test_web_sockets_are_covered_before_and_after_1_35(verb: str) -> None:
    assert (verb, "", "pods/exec") in shipped("exec-transport")
    assert (verb, "", "pods/portforward") in shipped("port-forward")


def test_the_job_through_the_kubelet_asks_for_nothing_of_the_proxy() -> None:
    for store in STORES:
        wanted = rights.job_access({**BASE, **store, "pod_carrier": "portforward"})
        assert ("pods", "proxy") not in {(item.resource, item.subresource) for item in wanted}
        assert len(wanted) == len(set(wanted))


@pytest.mark.parametrize("verb", ["get", "create", "update"])
def test_the_agent_is_covered(verb: str) -> None:
    assert (verb, "", "pods/proxy") in shipped("deployer")
