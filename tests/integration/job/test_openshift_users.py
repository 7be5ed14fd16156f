# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The job in a namespace that has users of its own, as OpenShift's namespaces have.

The cluster is no OpenShift. Two admission policies of the API server do what the constraint
C(restricted-v2) does to users and groups there: they choose what a pod leaves out, and refuse what
is outside of the namespace's range. Everything else is real.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import WaitError
from ansible_collections.openvino.edge.plugins.module_utils.kube.health import openshift
from ansible_collections.openvino.edge.plugins.module_utils.repository import entry as repository
from ansible_collections.openvino.edge.plugins.module_utils.repository import info as listing
from ansible_collections.openvino.edge.plugins.module_utils.server import entry as server
from ansible_collections.openvino.edge.plugins.module_utils.verify import entry as status
from jobkit import publish_locally, tiny_ir
from kubernetes import client as k8s
from rights import run_module

ADMISSION = ("admissionregistration.k8s.io", "v1")
FIRST = 1000680000
IDS = {"runAsUser": openshift.UID_RANGE_ANNOTATION, "fsGroup": openshift.GROUPS_ANNOTATION}
PODS = {
    "resourceRules": [
        {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}
    ]
}
CONTEXT = "(has(object.spec.securityContext) && has(object.spec.securityContext.{field}))"
VALUE = "object.spec.securityContext.{field}"
START = "int(namespaceObject.metadata.annotations['{annotation}'].split('/')[0])"


def chosen(field: str) -> str:
    """Return the expression for an id: what the pod has, else the first of the range."""
    text = f"{field}: {CONTEXT} ? {VALUE} : {START}"
    return text.format(field=field, annotation=IDS[field])


def validation(field: str) -> dict[str, str]:
    """Return the rule that an id is in the range, with OpenShift's words."""
    within = f"{VALUE} >= {START} && {VALUE} < {START} + 10000"
    words = (
        '\'unable to validate against any security context constraint: [provider "restricted-v2":'
        f" .spec.securityContext.{field}: Invalid value: ' + string({VALUE}) + ': must be in the"
        " ranges: [' + string({start}) + ']]'"
    )
    names = {"field": field, "annotation": IDS[field]}
    return {
        "expression": f"!{CONTEXT} || ({within})".format(**names),
        "messageExpression": words.format(start=START.format(**names), **names),
    }


@pytest.fixture(scope="module")
def project(shop: Any, space: Callable[..., str], claim: Callable[..., None]) -> Iterator[str]:
    """A namespace under the restricted level, with a range and a claim."""
    name = space(shop, "restricted")
    annotations = dict.fromkeys(IDS.values(), f"{FIRST}/10000")
    shop.core.patch_namespace(name, {"metadata": {"annotations": annotations}})
    claim(shop, name)
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}
    fields = ", ".join(map(chosen, IDS))
    patch = (
        f"Object{{spec: Object.spec{{securityContext: Object.spec.securityContext{{{fields}}}}}}}"
    )
    mutation = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": patch}}
    kinds: dict[str, dict[str, Any]] = {
        "Mutating": {"reinvocationPolicy": "Never", "mutations": [mutation]},
        "Validating": {"validations": [validation(field) for field in IDS]},
    }
    api = k8s.CustomObjectsApi(shop.api)
    made = []
    for kind, rules in kinds.items():
        spec = {"failurePolicy": "Fail", "matchConstraints": PODS, **rules}
        binding: dict[str, Any] = {"policyName": name, "matchResources": here}
        if kind == "Validating":
            binding["validationActions"] = ["Deny"]
        for suffix, body in (("Policy", spec), ("PolicyBinding", binding)):
            whole = {
                "apiVersion": "/".join(ADMISSION),
                "kind": f"{kind}Admission{suffix}",
                "metadata": {"name": name},
                "spec": body,
            }
            plural = f"{whole['kind']}s".lower().replace("policys", "policies")
            api.create_cluster_custom_object(*ADMISSION, plural, whole)
            made.append(plural)
    shop.wait_until(lambda: acts(shop, name), "the policies act", 30)
    yield name
    for plural in made:
        api.delete_cluster_custom_object(*ADMISSION, plural, name)


def acts(shop: Any, namespace: str) -> bool:
    """Tell whether the policies choose users and refuse others."""
    container = {
        "name": "main",
        "image": "x",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    context = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"containers": [container], "securityContext": context}
    body: dict[str, Any] = {"metadata": {"name": "probe"}, "spec": spec}
    pod = shop.core.create_namespaced_pod(namespace, body, dry_run="All")
    if pod.spec.security_context.run_as_user != FIRST:
        return False
    body["spec"]["securityContext"] = {**context, "runAsUser": 5000}
    try:
        shop.core.create_namespaced_pod(namespace, body, dry_run="All")
    except k8s.ApiException as error:
        return "must be in the ranges" in str(error.body)
    return False


def test_helper_and_server_run_as_the_users_of_the_namespace(
    shop: Any, project: str, tmp_path: Path, job_images: dict[str, str]
) -> None:
    publish_locally(tmp_path, "tiny", "1", tiny_ir())
    options = {
        **shop.auth,
        "namespace": project,
        "name": "ovms",
        "pvc": {"claim_name": "models"},
        "src": str(tmp_path),
        "models": [{"name": "tiny", "versions": [1]}],
        "agent_image": job_images["edge_agent_image"],
        "exec_image": job_images["edge_image"],
        "image": job_images["edge_image"],
        "platform": "openshift",
    }
    with pytest.raises(WaitError, match=r"Invalid value: 5000: must be in(.|\n)*Leave out user"):
        run_module(repository, options, uid=5000)

    assert run_module(repository, options)["changed"]
    assert not run_module(repository, options)["changed"]
    assert run_module(server, options)["replicas"] == {"wanted": 1, "ready": 1}
    assert run_module(status, options)["available"]
    labels = "openvino.edge/server"
    (pod,) = shop.core.list_namespaced_pod(project, label_selector=labels).items
    context = pod.spec.security_context
    assert (context.run_as_user, context.fs_group) == (FIRST, FIRST)
    assert not run_module(server, options)["changed"]

    volume = {"persistentVolumeClaim": {"claimName": "models"}}
    with shop.visitor(project, volume, uid=FIRST) as visitor:
        told = visitor.sh("stat -c '%u %a' /store/models/tiny/1/model.xml").split()
    assert told[0] == str(FIRST) and int(told[1], 8) & 0o444 == 0o444
    for transport in ("agent", "exec"):
        (held,) = run_module(listing, options, transport=transport)["targets"]
        assert held["sound"] and [item["version"] for item in held["versions"]] == [1]

    publish_locally(tmp_path, "tiny", "2", tiny_ir("Sigmoid"))
    two = {**options, "models": [{"name": "tiny", "versions": [2]}]}
    assert run_module(repository, two, transport="exec")["changed"]
    assert run_module(server, two)["changed"] and run_module(status, two)["available"]
    assert run_module(server, two, state="absent")["changed"]
    gone = run_module(repository, two, state="absent", models=[{"name": "tiny"}])
    assert gone["targets"][0]["versions_removed"] == ["tiny/1", "tiny/2"]
