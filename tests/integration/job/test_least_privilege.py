# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole job under exactly the rights that are shipped, then with each of them taken away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError, ForbiddenError
from ansible_collections.openvino.edge.plugins.module_utils.preflight import entry as preflight
from ansible_collections.openvino.edge.plugins.module_utils.repository import entry as repository
from ansible_collections.openvino.edge.plugins.module_utils.repository import info as listing
from ansible_collections.openvino.edge.plugins.module_utils.rollout import deploy as server
from ansible_collections.openvino.edge.plugins.module_utils.server import info as server_info
from ansible_collections.openvino.edge.plugins.module_utils.verify import entry as status
from jobkit import HOST_ROOT, publish_locally, tiny_ir
from rights import Account, Right, access_of, here_shipped, options_shipped, run_module, shipped
from snapshots import changes, idle, settled

# Without these the job does the same; errors tell less, second tries take longer.
WELCOME = {
    Right("", "namespaces", "get"): "the Pod Security level, before the API server refuses",
    Right("storage.k8s.io", "storageclasses", "get"): "whether an unbound claim will be bound",
    Right("", "persistentvolumes", "get"): "where a volume is, before the scheduler says so",
    Right("", "pods", "delete"): "a pod that got stuck earlier is made anew at once",
    Right("", "resourcequotas", "list"): "that a quota keeps helpers out, before the first one",
    Right("", "limitranges", "list"): "what a quota's namespace states for pods that do not",
    Right("", "pods", "patch"): "a new configuration at once, before the kubelet looks",
}
# Only the log of a server that fails is read: asked for beforehand, not needed when all is well.
ONLY_BEFOREHAND = {Right("", "pods/log", "get")}
# To know who uses a version before it is removed; a site that only adds does without.
ONLY_TO_REMOVE = {
    Right("apps", plural, "list")
    for plural in ("statefulsets", "daemonsets", "controllerrevisions")
}
# For a pull with given credentials; a site without does without.
ONLY_TO_PULL = {Right("", "secrets", "create")}
# For helpers that only some networks reach; a site without does without.
ONLY_TO_GUARD = {Right("networking.k8s.io", "networkpolicies", "create")}
ONLY_FOR_AN_OPTION = ONLY_TO_REMOVE | ONLY_TO_PULL | ONLY_TO_GUARD
SHIPPED = [*here_shipped(), *shipped("cluster-reader")]
ONLY_WELCOME = [right for right in WELCOME if right in SHIPPED]


@dataclass
class Job:
    """The options of all modules for one store, and the account that works on it."""

    account: Account
    options: dict[str, Any]

    def run(self, module: Any, **given: Any) -> dict[str, Any]:
        return run_module(module, self.options, **given)

    def access(self, module: Any, **given: Any) -> list[Any]:
        return access_of(module, self.options, **given)


def options(account: Account, work: Path, store: dict[str, Any], images: dict[str, str]) -> Any:
    model = f"tiny-{account.namespace[-4:]}"
    publish_locally(work, model, "1", tiny_ir())
    return {
        **account.auth,
        **store,
        "namespace": account.namespace,
        "name": "ovms",
        "src": str(work),
        "models": [{"name": model, "versions": [1]}],
        "agent_image": images["edge_agent_image"],
        "exec_image": images["edge_image"],
        "image": images["edge_image"],
    }


@pytest.fixture(scope="module")
def on_claim(
    shop: Any,
    space: Callable[..., str],
    claim: Callable[..., None],
    tmp_path_factory: pytest.TempPathFactory,
    job_images: dict[str, str],
) -> Iterator[Job]:
    account = Account(shop, space(shop))
    claim(shop, account.namespace)
    account.bind()
    store = {"pvc": {"claim_name": "models"}}
    yield Job(account, options(account, tmp_path_factory.mktemp("claim"), store, job_images))
    account.remove()


@pytest.fixture(scope="module")
def on_hosts(
    factory: Any,
    space: Callable[..., str],
    tmp_path_factory: pytest.TempPathFactory,
    job_images: dict[str, str],
) -> Iterator[Job]:
    account = Account(factory, space(factory, "privileged"))
    account.bind()
    store = {"host_path": {"path": HOST_ROOT, "nodes": factory.nodes()}}
    yield Job(account, options(account, tmp_path_factory.mktemp("hosts"), store, job_images))
    account.remove()


@pytest.fixture(params=["on_claim", "on_hosts"])
def job(request: pytest.FixtureRequest) -> Job:
    found: Job = request.getfixturevalue(request.param)
    return found


def whole_job(job: Job, **given: Any) -> None:
    """Run every module in the order of the site, twice, and remove everything."""
    before = idle(job.account.cluster, job.account.namespace)
    assert "problem" not in [finding["level"] for finding in job.run(preflight)["findings"]]
    for changed in (True, False):
        assert job.run(repository, **given)["changed"] is changed
        assert job.run(server)["changed"] is changed
        seen = job.run(status)
        assert seen["available"] and not seen["changed"]
        assert {row["state"] for row in seen["statuses"]} == {"AVAILABLE"}
        assert len(seen["statuses"]) == seen["replicas"]["wanted"]
    assert job.run(listing)["sound"] and len(job.run(server_info)["servers"]) == 1
    for changed in (True, False):
        assert job.run(server, state="absent")["changed"] is changed
        assert job.run(repository, state="absent", **given)["changed"] is changed
    after = settled(job.account.cluster, job.account.namespace, before)
    assert changes(before, after) == []


def could_not_look(job: Job) -> str:
    """Return what preflight could not look at; nothing is judged by that."""
    findings = job.run(preflight)["findings"]
    return "; ".join(item["message"] for item in findings if "could not look" in item["message"])


def test_case_35_the_whole_job_with_exactly_the_rights_of_every_job(job: Job) -> None:
    """Without those that only an option needs."""
    more = options_shipped()
    job.account.without(*more)
    try:
        assert not could_not_look(job), "a check lacks a right that every job has"
        whole_job(job)
    finally:
        job.account.whole(*more)


def test_case_35_without_the_right_to_touch_pods_the_kubelet_brings_the_configuration(
    deployed: Job,
) -> None:
    touch = Right("", "pods", "patch")
    more = [{"name": "also", "directory": deployed.options["models"][0]["name"], "versions": [1]}]
    models = [*deployed.options["models"], *more]
    served = [{key: item[key] for key in ("name", "versions")} for item in models]
    deployed.account.without(touch)
    try:
        done = deployed.run(server, models=models)
        assert done["changed"] and done["reload"] == "config_reload"
        assert deployed.run(status, models=served)["available"]
    finally:
        deployed.account.whole(touch)
        deployed.run(server)


def test_the_exec_transport_needs_no_pod_proxy_to_copy(on_claim: Job) -> None:
    lost = [right for right in SHIPPED if right.resource == "pods/proxy" and right.verb != "get"]
    on_claim.account.without(*lost)
    try:
        assert on_claim.run(repository, transport="exec")["changed"]
        assert on_claim.run(repository, transport="exec", state="absent")["changed"]
    finally:
        on_claim.account.whole(*lost)


def test_the_whole_job_through_the_kubelet_needs_no_pod_proxy(on_claim: Job) -> None:
    kept = [right for right in here_shipped() if right.resource != "pods/proxy"]
    forward = shipped("port-forward")
    on_claim.account.have([*kept, *forward], shipped("cluster-reader"))
    for right in forward:
        on_claim.account.wait(right, allowed=True)
    try:
        whole_job(Job(on_claim.account, {**on_claim.options, "pod_carrier": "portforward"}))
        with pytest.raises(ForbiddenError, match="update pods/proxy"):
            on_claim.run(repository, transport="agent", pod_carrier="proxy")
        whole_job(on_claim, transport="agent")
    finally:
        on_claim.account.whole(*(right for right in here_shipped() if right not in kept))


def test_what_is_only_welcome_is_not_needed(on_claim: Job) -> None:
    on_claim.account.without(*ONLY_WELCOME)
    try:
        with pytest.raises(EdgeError) as caught:
            on_claim.run(repository, pvc={"claim_name": "nowhere"})
        assert "nowhere" in str(caught.value)
        assert 'list resource "resourcequotas"' in could_not_look(on_claim)
        whole_job(on_claim)
    finally:
        on_claim.account.whole(*ONLY_WELCOME)


@pytest.fixture(scope="module")
def deployed(on_claim: Job, shop: Any, space: Any, claim: Any) -> Iterator[Job]:
    """The same job in another namespace, where it has been done."""
    account = Account(shop, space(shop))
    claim(shop, account.namespace)
    account.bind()
    own = {**on_claim.options, **account.auth, "namespace": account.namespace}
    job = Job(account, own)
    for module in (repository, server, status):
        job.run(module)
    yield job
    account.remove()


Task = tuple[Any, dict[str, Any]]
PULL = {"url": "s3://models", "access_key": "key", "secret_key": "secret"}
FROM_NOTHING: tuple[Task, ...] = (
    (repository, {"transport": "agent"}),
    (repository, {"transport": "exec"}),
    (repository, {"src": None, "pull": PULL}),
    (repository, {"helper_allow_from": ["0.0.0.0/0", "::/0"], "transport": "agent"}),
    (server, {}),
)
ON_A_SERVER: tuple[Task, ...] = (
    (status, {"wait": False}),
    (server, {"log_level": "DEBUG"}),
    (server, {"state": "absent"}),
    (repository, {"state": "absent", "transport": "agent"}),
)


def needed_by(job: Job, tasks: Sequence[Task], right: Right) -> list[Task]:
    """Return the tasks that say they need a right."""
    return [
        (module, given)
        for module, given in tasks
        if any(right.covers(access) for access in job.access(module, **given))
        # A server that is put in place deletes only what it no longer wants.
        and not (module is server and right.verb == "delete" and "state" not in given)
    ]


@pytest.mark.parametrize(
    "right", [right for right in SHIPPED if right not in ONLY_WELCOME], ids=str
)
def test_each_right_is_needed_and_its_lack_is_named(
    right: Right, on_claim: Job, on_hosts: Job, deployed: Job
) -> None:
    if right.resource == "nodes":
        trials = [(on_hosts, FROM_NOTHING[:1])]
    else:
        trials = [(on_claim, FROM_NOTHING), (deployed, ON_A_SERVER)]
    refusals = [name for job, tasks in trials for name in refused(job, tasks, right)]
    assert refusals, f"no task of the job needs {right}: it must not be shipped"


def refused(job: Job, tasks: Sequence[Task], right: Right) -> Iterator[str]:
    """Run the tasks that need a right without it; each has to name it and to change nothing."""
    account = job.account
    before = idle(account.cluster, account.namespace)
    account.without(right)
    try:
        if right.resource != "pods/exec" and right not in ONLY_FOR_AN_OPTION:
            with pytest.raises(EdgeError) as caught:
                job.run(preflight)
            yield named(right, caught.value)
        for module, given in needed_by(job, tasks, right):
            if right not in ONLY_BEFOREHAND:
                with pytest.raises(ForbiddenError) as caught_late:
                    job.run(module, **given)
                yield named(right, caught_late.value)
    finally:
        account.whole(right)
    assert changes(before, settled(account.cluster, account.namespace, before)) == []


def named(right: Right, error: EdgeError) -> str:
    """Return the text of an error that names a right, in our words or in the API server's."""
    text, resource = str(error), re.escape(right.resource)
    assert not error.details.get("changed")
    assert re.search(rf'{right.verb} (resource ")?{resource}\b', text), text
    return text
