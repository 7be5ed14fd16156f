# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input: one clear error, nothing changed. Every case is one host of one run of the site.

``SHOWN`` says for each kind of bad input which test shows it; one without a test is a failure.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bad_cases import CASES, Place
from jobkit import Run, publish_locally, run_playbook, tiny_ir
from kubernetes import client as k8s
from snapshots import Snapshot, changes, idle, settled

TESTS = Path(__file__).resolve().parents[2]
LAB = TESTS / "testbed" / "lab" / "lab"
SMALL_BYTES = 4 << 20
# As root every file is readable; without these two rights only what the modes allow.
WITHOUT_OVERRIDE = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")

REFUSALS = "integration/repository/test_repository_refusals.py"
SHOWN: dict[str, tuple[str, ...]] = {
    "missing repository": ("case:missing-repository",),
    "empty repository": ("case:empty-repository",),
    "version directory 0": ("case:version-0",),
    "version directory v1": ("case:version-v1",),
    "version directory 2.tmp": ("case:version-2.tmp",),
    "version directory 002": (
        "case:version-002",
        f"{REFUSALS}::test_local_faults_come_before_any_contact",
    ),
    "xml without bin": ("case:xml-without-bin",),
    "two models in a version": ("case:two-models",),
    "same version with other bytes": (
        "case:other-bytes",
        "integration/repository/test_repository_pvc.py::test_same_version_other_bytes",
        "integration/repository/test_repository_hosts.py"
        "::test_a_conflict_on_one_node_keeps_all_as_they_are",
    ),
    "model name clash": ("case:name-clash",),
    "unreadable file": ("case:unreadable-file",),
    "symlink out of the repository": ("case:symlink-out",),
    "unknown option": (
        "case:unknown-option",
        "case:unknown-server-option",
        "unit/worker/test_house_worker.py::test_unknown_option_is_refused",
    ),
    "unreachable API server": ("case:unreachable", f"{REFUSALS}::test_unreachable_api_server"),
    "wrong CA": ("case:wrong-ca",),
    "expired token": ("case:expired-token", "case:revoked-token"),
    "namespace that forbids what is asked": (
        "case:pod-security",
        f"{REFUSALS}::test_host_path_under_pod_security",
        "integration/server/test_refusals.py::test_host_path_in_a_restricted_namespace",
    ),
    "namespace missing": ("case:namespace-missing",),
    "PVC missing": ("case:claim-missing", f"{REFUSALS}::test_claim_faults"),
    "PVC unbound": ("case:claim-unbound", "case:claim-without-volume"),
    "PVC with the wrong access mode": ("case:claim-read-only", f"{REFUSALS}::test_claim_faults"),
    "node missing": ("case:node-missing", f"{REFUSALS}::test_node_faults"),
    "disk too small": ("case:disk-too-small", f"{REFUSALS}::test_disk_too_small"),
    "image absent": (
        "case:image-absent",
        f"{REFUSALS}::test_image_absent",
        "integration/server/test_refusals.py::test_image_that_is_not_there",
    ),
    "config that OVMS would refuse": (
        "case:refused-config",
        "integration/server/test_refusals.py::test_configuration_that_the_server_would_refuse",
    ),
}


def test_every_kind_of_bad_input_has_a_test() -> None:
    cases = {name.removeprefix("case:") for names in SHOWN.values() for name in names}
    assert set(CASES) <= cases, "a case that no kind of bad input names"
    for kind, names in SHOWN.items():
        assert names, f"nothing shows: {kind}"
        for name in names:
            assert exists(name), f"{kind}: there is no {name}"


def exists(name: str) -> bool:
    """Whether a case, or FILE::FUNCTION below tests/, is there."""
    if name.startswith("case:"):
        return name.removeprefix("case:") in CASES
    path, _mark, function = name.partition("::")
    nodes = ast.walk(ast.parse((TESTS / path).read_text()))
    return any(isinstance(node, ast.FunctionDef) and node.name == function for node in nodes)


@dataclass
class Trial:
    """The run of all cases, and what was there before and after it."""

    run: Run
    before: dict[str, Snapshot]
    after: dict[str, Snapshot]
    listing: tuple[str, str]


@pytest.fixture(scope="module")
def small_volume(shop: Any) -> Iterator[str]:
    """A class with one volume of a few MiB: a file system of its own inside the lab's node."""
    if os.environ.get("EDGE_KUBECONFIG"):
        pytest.fail("needs the lab: a small file system has to be mounted on a node")
    (node,) = shop.nodes()
    name = f"edge-test-{uuid.uuid4().hex[:6]}"
    path = f"/var/lib/openvino-edge/disks/{name}"
    on_node(node, f"mkdir {path} && mount -t tmpfs -o size={SMALL_BYTES},mode=0777 tmpfs {path}")
    spec = {
        "capacity": {"storage": "64Mi"},
        "accessModes": ["ReadWriteOnce"],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": name,
        "local": {"path": path},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [hostname(node)]}},
    }
    shop.core.create_persistent_volume({"metadata": {"name": name}, "spec": spec})
    yield name
    shop.core.delete_persistent_volume(name)
    on_node(node, f"umount {path} || umount -l {path}; rmdir {path}")


def hostname(node: str) -> dict[str, Any]:
    """Return the selector term of a node."""
    key = "kubernetes.io/hostname"
    return {"matchExpressions": [{"key": key, "operator": "In", "values": [node]}]}


def on_node(node: str, line: str) -> None:
    """Run a shell line inside a node of the lab."""
    command = [sys.executable, str(LAB), "exec", node, "--", "sh", "-c", line]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{shlex.join(command)}: {done.stderr}"


def revoked_token(cluster: Any, namespace: str) -> str:
    """Return a token whose account was deleted."""
    account = "short-lived"
    cluster.core.create_namespaced_service_account(namespace, {"metadata": {"name": account}})
    body = k8s.AuthenticationV1TokenRequest(spec=k8s.V1TokenRequestSpec(audiences=[]))
    made = cluster.core.create_namespaced_service_account_token(account, namespace, body)
    cluster.core.delete_namespaced_service_account(account, namespace)
    return str(made.status.token)


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory,
    shop: Any,
    factory: Any,
    space: Callable[..., str],
    claim: Callable[..., None],
    small_volume: str,
) -> Place:
    """Namespaces with good and bad claims."""
    namespace = space(shop)
    claim(shop, namespace, "models")
    claim(shop, namespace, "classless", storageClassName="no-such-class")
    claim(shop, namespace, "unserved", storageClassName="manual-local")
    claim(shop, namespace, "readers", "ReadOnlyMany")
    claim(shop, namespace, "small", storageClassName=small_volume, volumeName=small_volume)
    token = revoked_token(shop, namespace)
    work = tmp_path_factory.mktemp("bad")
    return Place(work, shop, factory, namespace, space(factory, "privileged"), token)


def listing(place: Place) -> str:
    """Return every file of the good store with size, owner and time.

    Not its mode: the kubelet opens the volume to the group of each pod that mounts it.
    """
    volume = {"persistentVolumeClaim": {"claimName": "models"}}
    with place.shop.visitor(place.namespace, volume) as visitor:
        return str(visitor.sh("cd /store/models && find . -printf '%p %s %u %T@\\n' | sort"))


@pytest.fixture(scope="module")
def trial(place: Place, job_images: dict[str, str]) -> Trial:
    """A good store, then every case at once."""
    good = place.work / "good"
    publish_locally(good, "tiny", "1", tiny_ir())
    common = {
        **job_images,
        "edge_kubeconfig": str(place.shop.kubeconfig),
        "edge_namespace": place.namespace,
        "edge_store": {"pvc": {"claim_name": "models"}},
        "edge_src": str(good),
        "edge_models": [{"name": "tiny", "versions": [1]}],
    }
    first = run_playbook(place.work, TESTS / "integration/job/publish.yml", {"good": {}}, common)
    assert first.code == 0, first.text
    hosts = {name: case.make(place) for name, case in CASES.items()}
    spots = ((place.shop, place.namespace), (place.factory, place.open_namespace))
    seen = listing(place)
    before = {namespace: idle(cluster, namespace) for cluster, namespace in spots}
    prefix = WITHOUT_OVERRIDE if os.geteuid() == 0 else ()
    run = run_playbook(place.work, "site.yml", hosts, common, "--forks", "6", prefix=prefix)
    after = {name: settled(cluster, name, before[name]) for cluster, name in spots}
    return Trial(run, before, after, (seen, listing(place)))


@pytest.mark.parametrize("name", CASES)
def test_one_clear_error(name: str, trial: Trial) -> None:
    case = CASES[name]
    failures = trial.run.of(name, "failed")
    assert len(failures) == 2, [(event.task, event.outcome) for event in trial.run.of(name)]
    failure, told = failures
    # The playbook lets the cluster fail once more at its end, with the same words.
    assert told.action == "ansible.builtin.fail" and told.message.startswith(f"{name}: failed in")
    assert " ".join(failure.message.split())[:200] in told.message
    print(failure.message)
    assert (failure.action, trial.run.failed[name]) == (case.action, 1), failure.message
    assert "Traceback" not in str(failure.result) and "MODULE FAILURE" not in failure.message
    for wanted in case.says:
        assert re.search(wanted, failure.message), (wanted, failure.message)
    if case.option:
        assert failure.result["error"]["option"] == case.option
    assert not failure.result.get("changed") and trial.run.changed[name] == 0


def test_nothing_was_changed(trial: Trial) -> None:
    for namespace, seen in trial.before.items():
        assert changes(seen, trial.after[namespace]) == []
    before, after = trial.listing
    assert before == after and "tiny/1/model.xml" in before
