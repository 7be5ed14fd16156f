# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Helper pods: what is rendered, how they come up, and that they always go."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    EdgeError,
    ForbiddenError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.health.pods import Trouble
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Response
from ansible_collections.openvino.edge.plugins.module_utils.repository.options.helper import (
    HelperOptions,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.options.task import (
    ARGUMENT_SPEC,
    INFO_ARGUMENT_SPEC,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport import (
    exec_script,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport import (
    http as agent_transport,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.archive import (
    ARCHIVE,
    archive,
    scripts,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.base import (
    HelperGone,
    Target,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.choose import (
    Opener,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.helper_job import (
    Program,
    hostname_selector,
    render_config_map,
    render_job,
)
from ansible_collections.openvino.edge.plugins.module_utils.repository.transport.helper_pod import (
    Helper,
    HelperFailed,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import HostPathStore, PvcStore

from ...fakes.cluster import HelperCluster, waiting

PVC = Target(PvcStore("ns", "claim", "a/b"))
HOST = Target(HostPathStore("ns", "/data"), "n1", (("kubernetes.io/hostname", "n1"),))
OPTIONS = HelperOptions(agent_image="python", exec_image="ovms")
PROGRAM = Program("python", ("python3", "/edge/agent.py"), {"A": "b"}, {"agent.py": "pass"})
FACTS = {
    "free_bytes": 1,
    "total_bytes": 1,
    "free_inodes": 1,
    "total_inodes": 1,
    "block_bytes": 1,
    "writable": True,
    "uid": 0,
    "root_mode": "0755",
}


def pod_of(target: Target, **options: Any) -> dict[str, Any]:
    job = render_job("x", target, HelperOptions("python", "ovms", **options), PROGRAM)
    spec: dict[str, Any] = job["spec"]["template"]["spec"]
    return spec


def test_the_pod_of_a_claim_passes_the_restricted_standard() -> None:
    """The rules of Kubernetes' own Pod Security Standards, level restricted."""
    pod = pod_of(PVC)
    (container,) = pod["containers"]
    security = container["securityContext"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == 5000
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["securityContext"]["fsGroup"] == 5000
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["readOnlyRootFilesystem"] and not pod["automountServiceAccountToken"]
    allowed = {"persistentVolumeClaim", "configMap", "emptyDir", "name"}
    assert all(set(volume) <= allowed for volume in pod["volumes"])
    assert "nodeName" not in pod and "nodeSelector" not in pod


def test_the_pod_of_a_host_path_has_three_capabilities_and_its_node() -> None:
    pod = pod_of(HOST, tolerations=({"key": "edge", "operator": "Exists"},))
    capabilities = pod["containers"][0]["securityContext"]["capabilities"]
    assert capabilities == {"drop": ["ALL"], "add": ["CHOWN", "DAC_OVERRIDE", "FOWNER"]}
    assert pod["nodeSelector"] == {"kubernetes.io/hostname": "n1"} and "nodeName" not in pod
    assert pod["tolerations"] == [{"key": "edge", "operator": "Exists"}]
    volume = {"path": "/data", "type": "DirectoryOrCreate"}
    assert {"name": "store", "hostPath": volume} in pod["volumes"]


def test_a_reader_mounts_read_only_and_makes_nothing() -> None:
    for target in (PVC, HOST):
        mounts = pod_of(target, read_only=True)["containers"][0]["volumeMounts"]
        assert {"name": "store", "mountPath": "/store", "readOnly": True} in mounts
    volumes = pod_of(HOST, read_only=True)["volumes"]
    assert {"name": "store", "hostPath": {"path": "/data", "type": "Directory"}} in volumes
    add = pod_of(HOST, read_only=True)["containers"][0]["securityContext"]["capabilities"]["add"]
    assert add == ["DAC_OVERRIDE"]


def test_what_ends_a_helper_whose_controller_is_gone() -> None:
    job = render_job("x", PVC, OPTIONS, PROGRAM)
    spec = job["spec"]
    assert spec["backoffLimit"] == 0 and spec["activeDeadlineSeconds"] <= 24 * 3600
    assert spec["ttlSecondsAfterFinished"] <= 60
    job["metadata"]["uid"] = "u"
    owner = render_config_map("x", job, PROGRAM)["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["uid"]) == ("Job", "u")


def test_secrets_and_token_are_not_in_any_object() -> None:
    cluster = HelperCluster(on_proxy=lambda *args, **kwargs: answers(*args, **kwargs))
    tokens = []

    def answers(*args: Any, headers: dict[str, str], **kwargs: Any) -> Response:
        tokens.append(headers["X-Edge-Token"])
        return Response(200, {}, json.dumps(FACTS).encode())

    channel = Opener(cluster, "agent", OPTIONS, print).open(PVC)  # type: ignore[arg-type]
    assert tokens[0] and tokens[0] not in json.dumps(cluster.made)
    assert "EDGE_TOKEN_SHA256" in json.dumps(cluster.made)
    channel.close()
    assert cluster.left() == []


def test_hostname_label_and_not_the_name_selects_the_node() -> None:
    node = {"metadata": {"name": "n1.example", "labels": {"kubernetes.io/hostname": "n1"}}}
    assert hostname_selector(node) == (("kubernetes.io/hostname", "n1"),)
    assert hostname_selector(None) == ()


def test_the_archive_runs_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / ARCHIVE
    path.write_bytes(archive())
    assert path.stat().st_size < sum(map(len, scripts().values())) / 2
    flags = ("-B", "-S", "-s", "-E")
    done = subprocess.run([sys.executable, *flags, str(path)], capture_output=True, env={}, cwd="/")
    assert b"EDGE_" in done.stderr, "it gets as far as its own settings"


@pytest.mark.parametrize("changed", [False, True])
def test_case_43_a_program_that_is_not_the_one_that_was_sent_does_not_run(
    changed: bool, tmp_path: Path, monkeypatch: Any
) -> None:
    cluster = HelperCluster()
    channel = Opener(cluster, "exec", OPTIONS, print).open(PVC)  # type: ignore[arg-type]
    channel.close()
    cluster.on_proxy = lambda *args, **kwargs: Response(200, {}, json.dumps(FACTS).encode())
    Opener(cluster, "agent", OPTIONS, print).open(PVC).close()  # type: ignore[arg-type]
    jobs = [item for item in cluster.made if item["kind"] == "Job"]
    commands = [job["spec"]["template"]["spec"]["containers"][0]["command"] for job in jobs]
    (tmp_path / "edge").mkdir()
    (tmp_path / "edge-run").mkdir()
    spoilt = b"# " if changed else b""
    (tmp_path / "edge/store.sh").write_bytes(spoilt + exec_script.SCRIPT.encode())
    (tmp_path / f"edge/{ARCHIVE}").write_bytes(archive() + spoilt)
    for command, sign in zip(commands, (b"EDGE_ROOT: unbound", b"KeyError: 'EDGE_ROOT'")):
        local = [word.replace("/edge", f"{tmp_path}/edge") for word in command]
        local[0] = sys.executable if local[0] == "python3" else local[0]
        env = {"PATH": os.environ["PATH"]}
        done = subprocess.run(local, capture_output=True, env=env, cwd="/", check=False)
        assert done.returncode != 0
        assert (b"is not the one that was sent" in done.stderr) is changed
        assert (sign in done.stderr) is not changed, done.stderr


def test_case_43_a_tag_for_a_helper_that_is_root_is_warned_of_once() -> None:
    def told(target: Target, **changes: Any) -> list[str]:
        said: list[str] = []
        cluster = HelperCluster()
        opener = Opener(cluster, "exec", replace(OPTIONS, **changes), said.append)  # type: ignore[arg-type]
        for _time in range(2):
            opener.open(target).close()
        return said

    assert [text.split(":")[0] for text in told(HOST)] == ["exec_image"]
    assert told(HOST, exec_image="ovms@sha256:" + "0" * 64) == []
    assert told(HOST, image_pull_policy="Never") == told(PVC) == []


def test_case_42_a_network_policy_goes_with_the_helper() -> None:
    cluster = HelperCluster()
    options = replace(OPTIONS, allow_from=("10.0.0.10/32",))
    channel = Opener(cluster, "exec", options, print).open(PVC)  # type: ignore[arg-type]
    (policy,) = [item for item in cluster.made if item["kind"] == "NetworkPolicy"]
    spec = policy["spec"]
    (job,) = [item for item in cluster.made if item["kind"] == "Job"]
    pod = job["spec"]["template"]["metadata"]["labels"]
    assert spec["podSelector"]["matchLabels"].items() <= pod.items()
    block, helpers = spec["ingress"][0]["from"]
    assert block == {"ipBlock": {"cidr": "10.0.0.10/32"}}
    assert helpers["podSelector"]["matchLabels"].items() <= pod.items()
    assert policy["metadata"]["ownerReferences"][0]["kind"] == "Job"
    channel.close()


def test_case_25_the_hint_for_a_quota_names_an_option_that_is_there() -> None:
    text = "failed quota: team: must specify limits.cpu for: helper"
    trouble = Trouble("Quota", text, "set resources", True)
    error = Helper(HelperCluster(), PVC, OPTIONS, PROGRAM)._error(trouble)  # type: ignore[arg-type]
    assert isinstance(error, HelperFailed) and error.option == "helper_resources"
    assert "limits: {cpu: 500m}" in str(error.hint)
    assert error.option in ARGUMENT_SPEC and error.option in INFO_ARGUMENT_SPEC


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), RuntimeError("x"), ForbiddenError("no configmaps")]
)
def test_whatever_happens_the_job_goes(error: BaseException, monkeypatch: Any) -> None:
    cluster = HelperCluster()
    monkeypatch.setattr(cluster, "watch", lambda *args, **kwargs: raise_(error))
    with pytest.raises(type(error)):
        Helper(cluster, PVC, OPTIONS, PROGRAM).start()  # type: ignore[arg-type]
    assert cluster.left() == [] and len(cluster.deleted) == 1


def raise_(error: BaseException) -> Any:
    raise error


def test_image_trouble_fails_at_once_and_auto_takes_exec() -> None:
    cluster = HelperCluster(status_of={"python": waiting("ErrImageNeverPull")})
    warnings: list[str] = []
    with pytest.raises(HelperFailed, match="image python cannot be had"):
        Opener(cluster, "agent", OPTIONS, warnings.append).open(PVC)  # type: ignore[arg-type]
    assert cluster.left() == []
    channel = Opener(cluster, "auto", OPTIONS, warnings.append).open(PVC)  # type: ignore[arg-type]
    assert channel.transport == "exec" and "using the exec transport" in warnings[0]
    channel.close()
    assert cluster.left() == []


def test_a_closed_way_to_pods_makes_auto_take_exec(monkeypatch: Any) -> None:
    monkeypatch.setattr(agent_transport, "START_SECONDS", 0.1)
    monkeypatch.setattr(agent_transport.AgentChannel.wait_until_it_answers, "__defaults__", (0.1,))
    cluster = HelperCluster()
    warnings: list[str] = []
    channel = Opener(cluster, "auto", OPTIONS, warnings.append).open(PVC)  # type: ignore[arg-type]
    assert channel.transport == "exec" and "cannot reach the pod" in warnings[0]
    with pytest.raises(UnreachableError):
        Opener(cluster, "agent", OPTIONS, warnings.append).open(PVC)  # type: ignore[arg-type]


def test_other_trouble_is_not_tried_again_with_exec(monkeypatch: Any) -> None:
    monkeypatch.setattr(time, "monotonic", ticking())
    cluster = HelperCluster(status_of={"python": lambda image: UNSCHEDULABLE})
    with pytest.raises(HelperFailed, match="cannot be scheduled"):
        Opener(cluster, "auto", OPTIONS, print).open(PVC)  # type: ignore[arg-type]
    assert cluster.left() == [] and len(cluster.deleted) == 1


UNSCHEDULABLE = {
    "phase": "Pending",
    "conditions": [
        {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": "0/1 nodes are available: 1 node(s) had untolerated taint",
        }
    ],
}


def ticking() -> Any:
    """Return a clock that goes on by five seconds a look."""
    now = [0.0]

    def clock() -> float:
        now[0] += 5.0
        return now[0]

    return clock


def test_pod_security_names_the_label_and_the_other_store() -> None:
    message = (
        'pods "edge-agent-x" is forbidden: violates PodSecurity "restricted:latest": '
        'host path volumes (volume "store")'
    )

    class Events(HelperCluster):
        def list(self, api_version: str, kind: str, *args: Any, **kwargs: Any) -> Any:
            if kind != "Event":
                return super().list(api_version, kind, *args, **kwargs)
            about = {"kind": "Job", "name": self.made[0]["metadata"]["name"]}
            return [{"reason": "FailedCreate", "message": message, "involvedObject": about}], "1"

    cluster = Events(makes_pods=False)
    with pytest.raises(ForbiddenError) as caught:
        Opener(cluster, "auto", OPTIONS, print).open(HOST)  # type: ignore[arg-type]
    text = str(caught.value)
    assert "pod-security.kubernetes.io/enforce=privileged" in text and "pvc" in text
    assert cluster.left() == []


def test_a_missing_directory_is_an_empty_store_for_a_reader() -> None:
    message = "MountVolume.SetUp failed: hostPath type check failed: /data is not a directory"
    cluster = HelperCluster(status_of={"": lambda image: {"phase": "Pending"}})
    cluster.events = [{"reason": "FailedMount", "message": message}]
    reading = HelperOptions("python", "ovms", read_only=True)
    channel = Opener(cluster, "auto", reading, print).open(HOST)  # type: ignore[arg-type]
    assert channel.transport == "none" and channel.inventory().versions == ()
    assert cluster.left() == []


def test_an_unbound_claim_gets_no_pod_from_a_reader() -> None:
    cluster = HelperCluster()
    reading = HelperOptions("python", "ovms", read_only=True)
    target = Target(PvcStore("ns", "claim"), unbound=True)
    channel = Opener(cluster, "auto", reading, print).open(target)  # type: ignore[arg-type]
    assert channel.transport == "none" and cluster.made == []
    with pytest.raises(EdgeError):
        channel.lock("me", "")


def test_a_helper_that_dies_says_why() -> None:
    cluster = HelperCluster(on_proxy=lambda *args, **kwargs: Response(200, {}, facts()))

    def facts() -> bytes:
        return json.dumps(FACTS).encode()

    channel = Opener(cluster, "agent", OPTIONS, print).open(PVC)  # type: ignore[arg-type]
    (name,) = (name for kind, name in cluster.objects if kind == "Pod")
    cluster.objects[("Pod", name)]["status"] = {"phase": "Failed", "reason": "Evicted"}
    cluster.on_proxy = None
    with pytest.raises(HelperGone, match="evicted"):
        channel.inventory()
