# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of hubs become clusters; logins come from Secrets, and run nothing here."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.inventory import (
    cluster_api,
    hubs,
    login,
    managed,
)
from ansible_collections.openvino.edge.plugins.module_utils.inventory.options import HubSource
from ansible_collections.openvino.edge.plugins.module_utils.kube.auth.endpoint import load_endpoint

from ..fakes.cluster import Cluster
from . import samples

OCM, CAPI = HubSource("open_cluster_management"), HubSource("cluster_api")


def said(kind: str, status: str) -> dict[str, str]:
    return {"type": kind, "status": status}


def test_what_a_managed_cluster_says_is_told() -> None:
    obj = samples.managed(
        "oslo",
        metadata={"labels": {"region": "north"}},
        spec={"taints": [{"key": "gpu", "effect": "NoSelect", "timeAdded": "2026-01-01"}]},
        status={
            "conditions": [said("ManagedClusterConditionAvailable", "True")],
            "version": {"kubernetes": "v1.36.3"},
            "clusterClaims": [{"name": "platform.open-cluster-management.io", "value": "AWS"}],
        },
    )
    facts = managed.record(obj, OCM).facts
    assert facts == {
        "source": "open_cluster_management",
        "name": "oslo",
        "labels": {"region": "north"},
        "available": True,
        "joined": None,
        "taints": [{"key": "gpu", "effect": "NoSelect"}],
        "claims": {"platform.open-cluster-management.io": "AWS"},
        "kubernetes": "v1.36.3",
        "server": "https://oslo.example.com",
    }


@pytest.mark.parametrize(
    ("status", "available"), [("True", True), ("False", False), ("Unknown", None), (None, None)]
)
def test_availability_has_three_values(status: str | None, available: bool | None) -> None:
    conditions = [said("ManagedClusterConditionAvailable", status)] if status else []
    obj = samples.managed("oslo", status={"conditions": conditions})
    assert managed.record(obj, OCM).facts["available"] is available


def test_without_a_service_account_the_address_is_known_and_nobody_asks() -> None:
    record = managed.record(samples.managed("oslo"), OCM)
    config = record.connection["edge_kubeconfig"]
    assert config["clusters"][0]["cluster"] == {
        "server": "https://oslo.example.com",
        "certificate-authority-data": "Q0E=",
    }
    assert config["users"] == [] and not record.from_hub


def test_a_kubeconfig_without_a_user_takes_the_token_of_the_options() -> None:
    config = managed.kubeconfig("https://oslo.example.com", None)
    endpoint = load_endpoint({"kubeconfig": config, "api_key": "mine"}, {})
    assert (endpoint.host, endpoint.authorization) == ("oslo.example.com", "Bearer mine")


def test_a_cluster_without_an_address_never_becomes_another_one() -> None:
    """An empty variable would mean the cluster of ~/.kube/config: the hub, as a rule."""
    obj = samples.managed("oslo", spec={"managedClusterClientConfigs": []})
    record = managed.record(obj, OCM)
    assert record.broken and record.connection["edge_kubeconfig"]
    with pytest.raises(InputError, match="the hub knows no address of this cluster"):
        load_endpoint({"kubeconfig": record.connection["edge_kubeconfig"]}, {})


def test_a_way_that_compose_tells_makes_a_cluster_whole_without_an_address() -> None:
    obj = samples.managed("oslo", spec={"managedClusterClientConfigs": []})
    source = HubSource("open_cluster_management", own_kubeconfig=True)
    record = managed.record(obj, source)
    assert record.broken is None
    with pytest.raises(InputError, match="the hub knows no address of this cluster"):
        load_endpoint({"kubeconfig": record.connection["edge_kubeconfig"]}, {})


def test_clusters_that_nobody_accepted_or_that_go_are_left_out_and_told() -> None:
    hub = Cluster()
    for obj in (
        samples.managed("oslo"),
        samples.managed("stranger", spec={"hubAcceptsClient": False}),
        samples.managed("rome", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}),
    ):
        hub.objects["ManagedCluster", obj["metadata"]["name"]] = obj
    records, warnings = hubs.clusters(hub, OCM)  # type: ignore[arg-type]
    assert [one.name for one in records] == ["oslo"]
    assert len(warnings) == 2
    assert any("not accepted" in text and "stranger" in text for text in warnings)
    assert any("deleted" in text and "rome" in text for text in warnings)


def test_what_a_cluster_of_cluster_api_says_is_told() -> None:
    obj = samples.cluster(
        "oslo",
        metadata={"labels": {"wave": "1"}},
        spec={
            "paused": True,
            "controlPlaneEndpoint": {"host": "fd00::1", "port": 6443},
            "topology": {"version": "v1.36.3"},
        },
        status={"phase": "Provisioned", "conditions": [said("Available", "False")]},
    )
    source = HubSource("cluster_api", hub={"context": "mgmt"})
    record = cluster_api.record(obj, source)
    assert record.from_hub and record.connection == {}
    assert record.facts == {
        "source": "cluster_api",
        "name": "oslo",
        "namespace": "fleet",
        "labels": {"wave": "1"},
        "available": False,
        "phase": "Provisioned",
        "paused": True,
        "kubernetes": "v1.36.3",
        "server": "https://[fd00::1]:6443",
        "login": {"namespace": "fleet", "secret": "oslo-kubeconfig"},
        "hub": {"context": "mgmt"},
    }


def test_availability_is_that_of_each_version() -> None:
    ready = [said("Ready", "True")]
    later = {"conditions": [said("Available", "False")]}
    assert cluster_api.available({"conditions": ready}) is True
    assert cluster_api.available({"conditions": ready, "v1beta2": later}) is False
    assert cluster_api.available({"conditions": [*ready, said("Available", "Unknown")]}) is None
    assert cluster_api.available({}) is None


def test_names_may_have_their_namespace() -> None:
    source = HubSource("cluster_api", qualified_names=True)
    assert cluster_api.record(samples.cluster("oslo"), source).name == "fleet.oslo"


def test_the_environment_says_what_the_file_does_not() -> None:
    environ = {
        "EDGE_HUB_KUBECONFIG": "/hub",
        "EDGE_HUB_CONTEXT": "other",
        "EDGE_HUB_API_KEY": "key",
        "EDGE_HUB_VALIDATE_CERTS": "no",
        "K8S_AUTH_HOST": "https://not.the.hub",
    }
    assert hubs.hub_params({"context": "mgmt"}, environ) == {
        "kubeconfig": "/hub",
        "context": "mgmt",
        "validate_certs": False,
        "api_key": "key",
    }
    with pytest.raises(InputError, match="EDGE_HUB_VALIDATE_CERTS"):
        hubs.hub_params({}, {"EDGE_HUB_VALIDATE_CERTS": "maybe"})


def logged_in(record: Any, *secrets: dict[str, Any]) -> dict[str, Any]:
    hub = Cluster()
    for obj in secrets:
        hub.objects["Secret", obj["metadata"]["name"]] = obj
    return login.kubeconfig_of(hub, record.facts)  # type: ignore[arg-type]


def test_a_login_of_cluster_api_is_the_kubeconfig_of_the_secret() -> None:
    config = samples.kubeconfig("main")
    record = cluster_api.record(samples.cluster("oslo"), CAPI)
    secret = samples.secret("fleet", "oslo-kubeconfig", value=yaml.safe_dump(config))
    assert logged_in(record, secret) == config


def test_a_login_of_a_service_account_is_its_token_at_the_address_of_the_hub() -> None:
    source = HubSource("open_cluster_management", service_account="edge")
    record = managed.record(samples.managed("oslo"), source)
    assert record.from_hub and "token" not in json.dumps(record.as_json())
    found = logged_in(record, samples.secret("oslo", "edge", token="t0ken\n"))
    assert found["users"] == [{"name": "user", "user": {"token": "t0ken"}}]
    assert found["clusters"][0]["cluster"]["server"] == "https://oslo.example.com"


def test_a_secret_that_is_not_there_is_named() -> None:
    record = cluster_api.record(samples.cluster("oslo"), CAPI)
    with pytest.raises(InputError, match="Secret fleet/oslo-kubeconfig of the hub"):
        logged_in(record)
    with pytest.raises(InputError, match="has no value"):
        logged_in(record, samples.secret("fleet", "oslo-kubeconfig", other="x"))


@pytest.mark.parametrize(
    "user",
    [
        {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "id"}},
        {"auth-provider": {"name": "oidc"}},
        {"tokenFile": "/etc/shadow"},
        {"client-certificate": "/etc/cert", "client-key": "/etc/key"},
    ],
)
def test_a_kubeconfig_of_a_hub_runs_no_program_and_reads_no_file(user: dict[str, Any]) -> None:
    config = samples.kubeconfig("main", **user)
    with pytest.raises(InputError, match="may not run programs or read files"):
        login.checked(json.dumps(config).encode(), "Secret x")


def test_an_authority_in_a_file_is_refused_too() -> None:
    config = samples.kubeconfig("main")
    config["clusters"][0]["cluster"]["certificate-authority"] = "/etc/ca"
    with pytest.raises(InputError, match="certificate-authority"):
        login.checked(json.dumps(config).encode(), "Secret x")


@pytest.mark.parametrize("content", [b"a: [", b"", b"text s3cret", b"kind: Pod\ntoken: s3cret"])
def test_what_is_no_kubeconfig_is_not_shown(content: bytes) -> None:
    with pytest.raises(InputError, match="Secret x") as caught:
        login.checked(content, "Secret x")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("facts", [None, "oslo", {}, {"login": None}])
def test_hosts_of_other_sources_have_no_login_at_a_hub(facts: Any) -> None:
    with pytest.raises(InputError, match="edge_cluster"):
        login.fetch(facts)
