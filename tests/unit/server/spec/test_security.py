# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security contexts, Pod Security levels, the network policy, and constraints of OpenShift."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    EdgeError,
    ForbiddenError,
    InputError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.health import openshift
from ansible_collections.openvino.edge.plugins.module_utils.server.checks import scc as scc_steps
from ansible_collections.openvino.edge.plugins.module_utils.server.discover import platform
from ansible_collections.openvino.edge.plugins.module_utils.server.discover.live import Known
from ansible_collections.openvino.edge.plugins.module_utils.server.render import scc
from ansible_collections.openvino.edge.plugins.module_utils.server.render.objects import (
    render_objects,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.pss import needed_level

from ...fakes.cluster import ServingCluster
from ..conftest import MakeSpec

HOST = {"path": "/var/lib/openvino-edge/models"}
OPENSHIFT = (scc.API_VERSION, platform.CONFIG_API)
NAMESPACE = {"metadata": {"annotations": {openshift.UID_RANGE_ANNOTATION: "1000680000/10000"}}}
LOCAL = {"type": "Localhost", "localhost_profile": "ovms"}


def asked(cluster: Any, spec: Any) -> tuple[Any, dict[str, Any]]:
    return platform.resolved(cluster, spec)


def settled(cluster: Any, spec: Any) -> Any:
    return asked(cluster, spec)[0]


def pod(spec: Any) -> dict[str, Any]:
    made: dict[str, Any] = find(spec, "Deployment")["spec"]["template"]
    return made


def find(spec: Any, kind: str, name: str = "ocr") -> dict[str, Any]:
    wanted = [item for item in render_objects(spec) if item["kind"] == kind]
    (item,) = [item for item in wanted if item["metadata"]["name"] == name]
    return item


def test_profiles_and_labels(spec: MakeSpec) -> None:
    made = spec(
        seccomp_profile=LOCAL,
        app_armor_profile={"type": "RuntimeDefault"},
        se_linux_options={"level": "s0:c1,c2", "type": "container_t"},
    )
    context = pod(made)["spec"]["securityContext"]
    assert context["seccompProfile"] == {"type": "Localhost", "localhostProfile": "ovms"}
    assert context["appArmorProfile"] == {"type": "RuntimeDefault"}
    assert context["seLinuxOptions"] == {"level": "s0:c1,c2", "type": "container_t"}
    assert needed_level(made) == ("restricted", [])


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"seccomp_profile": {"type": "Unconfined"}}, "seccomp_profile"),
        ({"app_armor_profile": {"type": "Unconfined"}}, "app_armor_profile"),
        ({"se_linux_options": {"type": "spc_t"}}, "se_linux_options"),
        ({"se_linux_options": {"user": "system_u"}}, "se_linux_options"),
    ],
)
def test_options_that_need_a_privileged_namespace(
    spec: MakeSpec, options: dict[str, Any], option: str
) -> None:
    assert needed_level(spec(**options)) == ("privileged", [option])


def test_a_service_account_of_others(spec: MakeSpec) -> None:
    made = spec(service_account="vision")
    assert pod(made)["spec"]["serviceAccountName"] == "vision"
    assert not [item for item in render_objects(made) if item["kind"] == "ServiceAccount"]


def test_only_named_callers(spec: MakeSpec) -> None:
    peer = {"podSelector": {"matchLabels": {"app": "line"}}}
    asked = {"namespaces": ["line-1"], "addresses": ["10.0.0.7", "10.1.0.0/24"], "peers": [peer]}
    policy = find(spec(network_policy=asked), "NetworkPolicy")["spec"]
    assert policy["podSelector"]["matchLabels"]["openvino.edge/server"] == "ocr"
    (rule,) = policy["ingress"]
    assert rule["from"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "line-1"}}},
        {"ipBlock": {"cidr": "10.0.0.7/32"}},
        {"ipBlock": {"cidr": "10.1.0.0/24"}},
        peer,
    ]
    assert [port["port"] for port in rule["ports"]] == [8080, 8081]


def test_nobody_named_is_nobody_and_not_everybody(spec: MakeSpec) -> None:
    policy = find(spec(network_policy={}), "NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress"] and "ingress" not in policy


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"seccomp_profile": {"type": "Localhost"}}, "seccomp_profile.localhost_profile"),
        ({"app_armor_profile": {"localhost_profile": "x"}}, "app_armor_profile.localhost_profile"),
        ({"service_account": "Vision"}, "service_account"),
        ({"network_policy": {"namespaces": ["A b"]}}, "network_policy.namespaces[0]"),
        ({"network_policy": {"addresses": ["10.0.0.1/24"]}}, "network_policy.addresses[0]"),
        ({"network_policy": {"peers": [{}]}}, "network_policy.peers[0]"),
        ({"network_policy": {"peers": [{"podselector": {}}]}}, "network_policy.peers[0]"),
        ({"scc": {"name": "a", "create": True}}, "scc.name"),
        ({"scc": {}, "platform": "kubernetes"}, "scc"),
    ],
)
def test_refused(spec: MakeSpec, options: dict[str, Any], option: str) -> None:
    with pytest.raises(InputError) as caught:
        spec(**options)
    assert caught.value.option == option


def test_kubernetes_costs_one_request_or_none(spec: MakeSpec) -> None:
    cluster = ServingCluster()
    assert settled(cluster, spec()).security.run_as_user == 5000
    assert cluster.calls == [f"find {scc.API_VERSION}"]
    cluster.calls.clear()
    settled(cluster, spec(platform="kubernetes"))
    assert cluster.calls == []


def test_openshift_chooses_ids_that_nobody_asked_for(spec: MakeSpec) -> None:
    cluster = ServingCluster(served=OPENSHIFT)
    context = pod(settled(cluster, spec()))["spec"]["securityContext"]
    assert context == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    asked = settled(cluster, spec(run_as_user=7)).security
    assert (asked.run_as_user, asked.run_as_group, asked.fs_group) == (7, None, None)


def test_constraints_that_choose_no_user_leave_the_default(spec: MakeSpec) -> None:
    cluster = ServingCluster(served=OPENSHIFT)
    for options in ({"pvc": None, "host_path": HOST}, {"scc": {"name": "hostmount-anyuid"}}):
        assert settled(cluster, spec(**options)).security.run_as_user == 5000


@pytest.mark.parametrize("options", [{"scc": {}}, {"ca_bundle": {"from_cluster": True}}])
def test_only_on_openshift(spec: MakeSpec, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="OpenShift"):
        settled(ServingCluster(), spec(**options))


STATUS = {
    "httpProxy": "http://u:pw@proxy.corp:3128",
    "httpsProxy": "http://u:pw@proxy.corp:3128",
    "noProxy": ".cluster.local,.svc,10.128.0.0/14,172.30.0.0/16",
}


def with_proxy(status: dict[str, str]) -> ServingCluster:
    cluster = ServingCluster(served=OPENSHIFT)
    # What the administrator asked for lacks the networks: only the status has them.
    asked = {"httpProxy": "http://asked:1", "noProxy": "asked"}
    cluster.add({"kind": "Proxy", "metadata": {"name": "cluster"}, "spec": asked, "status": status})
    return cluster


def test_proxies_of_the_cluster(spec: MakeSpec) -> None:
    given = {"from_cluster": True, "http_proxy": "http://mine:1", "no_proxy": ["store.lan"]}
    made, told = asked(with_proxy(STATUS), spec(proxies=given))
    assert made.env["http_proxy"] == "http://mine:1"
    assert made.env["HTTPS_PROXY"] == STATUS["httpsProxy"]
    assert made.env["no_proxy"].startswith("store.lan,.cluster.local,.svc,10.128.0.0/14")
    assert told["proxies"]["source"] == "cluster"
    assert "memory" in told["proxies"]["added"] and ".svc" not in told["proxies"]["added"]
    assert find(made, "Secret", "ocr-proxy")["data"]


def test_a_cluster_without_proxies_gives_none(spec: MakeSpec) -> None:
    made, told = asked(with_proxy({}), spec(proxies={"from_cluster": True}))
    assert made.env == {} and told == {}


def test_a_proxy_of_the_cluster_that_would_crash_the_server(spec: MakeSpec) -> None:
    with pytest.raises(InputError) as caught:
        settled(with_proxy({"httpsProxy": "http://proxy"}), spec(proxies={"from_cluster": True}))
    assert caught.value.option == "proxies.from_cluster"


def test_without_the_object(spec: MakeSpec) -> None:
    with pytest.raises(InputError, match="only OpenShift has one"):
        settled(ServingCluster(), spec(proxies={"from_cluster": True}))
    both = {"from_cluster": True, "https_proxy": "http://p:1"}
    assert asked(ServingCluster(), spec(proxies=both))[1]["proxies"]["source"] == "options"
    cluster = ServingCluster(served=OPENSHIFT, unreadable=("Proxy",))
    with pytest.raises(ForbiddenError, match="proxies"):
        settled(cluster, spec(proxies={"from_cluster": True}))


def test_ranges_are_read_where_allowed(spec: MakeSpec) -> None:
    cluster = ServingCluster()
    cluster.add({"kind": "Node", "metadata": {"name": "n"}, "spec": {"podCIDR": "10.244.3.0/24"}})
    cidr = {"kind": "ServiceCIDR", "metadata": {"name": "kubernetes"}}
    cluster.add({**cidr, "spec": {"cidrs": ["10.96.0.0/12"]}})
    proxied = spec(proxies={"https_proxy": "http://p:1"})
    added = asked(cluster, proxied)[1]["proxies"]["added"]
    assert added[-3:] == ["10.96.0.0/12", "10.244.0.0/16", "memory"]
    cluster.unreadable = ("Node", "ServiceCIDR", "Service")
    told = asked(cluster, proxied)[1]["proxies"]
    assert told["unknown"] == ["services", "pods"]
    off = {"https_proxy": "http://p:1", "no_proxy": ["a"], "complete_no_proxy": False}
    assert settled(cluster, spec(proxies=off)).env["no_proxy"] == "a"


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, scc.DEFAULT),
        ({"run_as_user": 1000680001}, scc.DEFAULT),
        ({"run_as_user": 5000}, scc.NON_ROOT),
        ({"fs_group": 5000}, scc.NON_ROOT),
        ({"pvc": None, "host_path": HOST}, scc.OWN),
        ({"scc": {"name": "hostmount-anyuid"}}, "hostmount-anyuid"),
    ],
)
def test_the_strictest_constraint_that_admits(
    spec: MakeSpec, options: dict[str, Any], name: str
) -> None:
    made = settled(ServingCluster(served=OPENSHIFT), spec(**options))
    host_path = "host_path" in options
    assert scc.pick(made.security, host_path=host_path, uids=openshift.uid_range(NAMESPACE)) == name


def checked(cluster: ServingCluster, spec: Any) -> EdgeError | None:
    try:
        scc_steps.check(cluster, settled(cluster, spec), Known(True, NAMESPACE))  # type: ignore[arg-type]
    except EdgeError as error:
        return error
    return None


def constraint(name: str, **fields: Any) -> dict[str, Any]:
    return {"kind": scc.KIND, "metadata": {"name": name}, **fields}


def test_the_default_needs_no_look(spec: MakeSpec) -> None:
    cluster = ServingCluster(served=OPENSHIFT)
    assert checked(cluster, spec()) is None
    assert cluster.calls == [f"find {scc.API_VERSION}"]


def test_host_paths_on_openshift_name_the_ways_out(spec: MakeSpec) -> None:
    error = checked(ServingCluster(served=OPENSHIFT), spec(pvc=None, host_path=HOST))
    assert error is not None and error.option == "host_path"
    assert "scc.create" in str(error) and "pvc" in str(error)


def test_a_constraint_that_may_not_be_used(spec: MakeSpec) -> None:
    cluster = ServingCluster(served=OPENSHIFT)
    cluster.add(constraint(scc.NON_ROOT, runAsUser={"type": "MustRunAsNonRoot"}))
    error = checked(cluster, spec(run_as_user=5000))
    assert error is not None
    assert "oc adm policy add-scc-to-user nonroot-v2 -z ocr -n edge" in str(error)
    assert checked(cluster, spec(run_as_user=5000, scc={"bind": True})) is None
    cluster.usable = (scc.NON_ROOT,)
    assert checked(cluster, spec(run_as_user=5000)) is None
    cluster.usable, cluster.unreadable = (), ("LocalSubjectAccessReview", scc.KIND)
    assert checked(cluster, spec(run_as_user=5000)) is None, "what cannot be asked is not refused"


@pytest.mark.parametrize(
    ("fields", "options", "text"),
    [
        ({}, {"pvc": None, "host_path": HOST}, "does not admit host_path"),
        (
            {"runAsUser": {"type": "MustRunAs", "uid": 7}},
            {"run_as_user": 8},
            "admits user 7 only, run_as_user is 8",
        ),
        (
            {"runAsUser": {"type": "MustRunAsRange", "uidRangeMin": 10, "uidRangeMax": 20}},
            {"run_as_user": 8},
            "admits users 10 to 20",
        ),
        ({"runAsUser": {"type": "MustRunAsNonRoot"}}, {"run_as_user": 0}, "does not admit root"),
        ({"runAsUser": {"type": "RunAsAny"}}, {"run_as_user": -1}, "run_as_user is needed"),
    ],
)
def test_a_constraint_that_would_refuse_the_pods(
    spec: MakeSpec, fields: dict[str, Any], options: dict[str, Any], text: str
) -> None:
    cluster = ServingCluster(served=OPENSHIFT, usable=("mine",))
    cluster.add(constraint("mine", **fields))
    error = checked(cluster, spec(scc={"name": "mine"}, **options))
    assert error is not None and text in str(error)


def test_binding(spec: MakeSpec) -> None:
    made = spec(scc={"name": "nonroot-v2", "bind": True})
    binding = find(made, "RoleBinding", "ocr-scc")
    assert binding["roleRef"]["name"] == "system:openshift:scc:nonroot-v2"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "ocr", "namespace": "edge"}]
    assert pod(made)["metadata"]["annotations"][scc.REQUIRED_ANNOTATION] == "nonroot-v2"
    own = spec(pvc=None, host_path=HOST, scc={"create": True, "bind": True})
    assert find(own, "RoleBinding", "ocr-scc")["roleRef"]["name"] == scc.OWN


def test_our_own_constraint_is_made_once(spec: MakeSpec) -> None:
    cluster = ServingCluster(served=OPENSHIFT)
    made = settled(cluster, spec(pvc=None, host_path=HOST, scc={"create": True, "bind": True}))
    sent = scc_steps.to_send(cluster, made)  # type: ignore[arg-type]
    assert [item["kind"] for item in sent] == [scc.KIND, "ClusterRole"]
    for item in sent:
        cluster.add(item)
    assert scc_steps.to_send(cluster, made) == []  # type: ignore[arg-type]
    assert checked(cluster, spec(pvc=None, host_path=HOST, scc={"create": True})) is None
    assert not scc.refusals(sent[0], made.security, host_path=True)
    rights = {str(access) for access in scc_steps.access(made)}
    assert f"create securitycontextconstraints.{scc.GROUP}" in rights


# openshift/api, security/v1: fields without omitempty.
REQUIRED = {
    *("allowHostDirVolumePlugin", "allowHostIPC", "allowHostNetwork", "allowHostPID"),
    *("allowHostPorts", "allowPrivilegedContainer", "allowedCapabilities", "priority"),
    *("defaultAddCapabilities", "readOnlyRootFilesystem", "requiredDropCapabilities", "volumes"),
}


def test_our_own_constraint_is_what_openshift_takes() -> None:
    item = scc.own_objects({})[0]
    assert set(item) >= REQUIRED
    directory = os.environ.get("EDGE_CRDS")
    if directory:
        path = Path(directory) / "security.openshift.io_securitycontextconstraints.yaml"
        (version,) = yaml.safe_load(path.read_text())["spec"]["versions"]
        schema = version["schema"]["openAPIV3Schema"]
        jsonschema.validate(item, schema)
        assert set(item) <= set(schema["properties"]), "fields that OpenShift does not know"


def test_the_examples_of_the_page_are_options_that_exist(spec: MakeSpec) -> None:
    text = (Path(__file__).parents[4] / "docs" / "openshift.md").read_text()
    tasks = [
        task
        for block in re.findall(r"```yaml\n(.*?)```", text, re.S)
        for item in yaml.safe_load(block)
        for task in item.get("tasks", [item])
    ]
    given = [
        task["openvino.edge.model_server"] for task in tasks if "openvino.edge.model_server" in task
    ]
    assert len(given) == 4
    cluster = with_proxy(STATUS)
    for options in given:
        made = settled(cluster, spec(**{"pvc": None, **options}))
        assert render_objects(made)
