# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who uses which versions: servers of any owner, releases, what replicas have loaded."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import (
    ForbiddenError,
    UnreachableError,
)
from ansible_collections.openvino.edge.plugins.module_utils.kube.types import Response
from ansible_collections.openvino.edge.plugins.module_utils.repository.content.state import Key
from ansible_collections.openvino.edge.plugins.module_utils.repository.usage import (
    in_use,
)
from ansible_collections.openvino.edge.plugins.module_utils.store import (
    HostPathStore,
    PvcStore,
    Store,
)

from ...fakes.cluster import HelperCluster, Object

CLAIM = PvcStore("ns", "claim")
HOST = HostPathStore("ns", "/srv/edge")
KEYS: list[Key] = [("det", 1), ("det", 2), ("det", 10), ("ocr", 1), ("ocr", 2)]
CONFIG_ARGS = ["--config_path", "/config/config.json", "--rest_port", "8081"]
CLAIM_VOLUME = {"name": "models", "persistentVolumeClaim": {"claimName": "claim"}}
MOUNT = {"name": "models", "mountPath": "/models", "subPath": "models"}


class Cluster(HelperCluster):
    """A fake with namespaces; servers answer as told by pod name."""

    answers: dict[str, Any] = {}
    elsewhere_forbidden = False

    def list(  # type: ignore[override]
        self, api_version: str, kind: str, namespace: str | None = None, **kwargs: Any
    ) -> tuple[list[Object], str]:
        """Return what is in the namespace."""
        if namespace is None and self.elsewhere_forbidden:
            raise ForbiddenError("not in other namespaces")
        found, version = super().list(api_version, kind, **kwargs)
        return [
            item for item in found if namespace in (None, item["metadata"].get("namespace", "ns"))
        ], version

    def pod_proxy(self, namespace: str, pod: str, port: int, *args: Any, **kwargs: Any) -> Any:
        """Answer for a server."""
        assert (port, args) == (8081, ("GET", "/v1/config"))
        answer = self.answers.get(pod)
        if answer is None:
            raise UnreachableError("no answer")
        if isinstance(answer, Response):
            return answer
        status = {
            name: {
                "model_version_status": [
                    {"version": str(version), "state": state} for version, state in held.items()
                ]
            }
            for name, held in answer.items()
        }
        return Response(200, {}, json.dumps(status).encode())


def entry(name: str, path: str = "", **policy: Any) -> Object:
    config: Object = {"name": name, "base_path": path or f"/models/{name}"}
    if policy:
        config["model_version_policy"] = policy
    return {"config": config}


def config_of(*entries: Object, **more: Any) -> str:
    return json.dumps({"model_config_list": list(entries), **more})


def pod_spec(
    args: list[str] | None = None,
    volume: Object | None = None,
    mount: Object | None = None,
    **container: Any,
) -> Object:
    config = {"name": "config", "configMap": {"name": "conf"}}
    return {
        "volumes": [volume or CLAIM_VOLUME, config],
        "containers": [
            {
                "name": "ovms",
                "image": "registry/openvino/model_server:2026.2.1",
                "args": CONFIG_ARGS if args is None else args,
                "volumeMounts": [mount or MOUNT, {"name": "config", "mountPath": "/config"}],
                **container,
            }
        ],
    }


def server(spec: Object, kind: str = "Deployment", **fields: Any) -> Cluster:
    cluster = Cluster()
    cluster.add(
        kind, "web", metadata={"namespace": "ns"}, spec={"template": {"spec": spec}, **fields}
    )
    return cluster


def used(cluster: Cluster, store: Store = CLAIM, keys: list[Key] | None = None) -> dict[Key, str]:
    return in_use.find_users(cluster, store, keys or KEYS)  # type: ignore[arg-type]


def keys_of(cluster: Cluster, store: Store = CLAIM) -> list[Key]:
    return sorted(used(cluster, store))


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"])
def test_every_kind_of_workload_counts_whoever_made_it(kind: str) -> None:
    cluster = server(pod_spec(), kind, replicas=0)
    cluster.add("ConfigMap", "conf", data={"config.json": config_of(entry("det"))})
    assert used(cluster) == {("det", 10): f"{kind} ns/web"}


def test_a_stored_revision_counts_until_its_configuration_is_gone() -> None:
    cluster = Cluster()
    template = {"spec": {"template": {"spec": pod_spec()}}}
    cluster.add("ControllerRevision", "web-1", metadata={"namespace": "ns"}, data=template)
    assert used(cluster) == {}
    cluster.add("ConfigMap", "conf", data={"config.json": config_of(entry("ocr", all={}))})
    assert keys_of(cluster) == [("ocr", 1), ("ocr", 2)]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({}, {10}),
        ({"latest": {"num_versions": 2}}, {10, 2}),
        ({"latest": {}}, {10}),
        ({"all": {}}, {1, 2, 10}),
        ({"specific": {"versions": [1, 7]}}, {1}),
    ],
)
def test_policies_choose_as_the_server_does(policy: Object, expected: set[int]) -> None:
    cluster = server(pod_spec())
    cluster.add("ConfigMap", "conf", data={"config.json": config_of(entry("det", **policy))})
    assert {version for _model, version in used(cluster)} == expected
    args = ["--model_path=/models/det", "--model_name", "any"]
    if policy:
        args += ["--model_version_policy", json.dumps(policy)]
    assert {version for _model, version in used(server(pod_spec(args)))} == expected


@pytest.mark.parametrize(
    ("volume", "mount", "path", "store"),
    [
        (CLAIM_VOLUME, {"mountPath": "/models"}, "/models/models/det", CLAIM),
        (CLAIM_VOLUME, {"mountPath": "/mnt", "subPath": "models/det"}, "/mnt", CLAIM),
        (
            CLAIM_VOLUME,
            {"mountPath": "/m/", "subPath": "a/models/"},
            "/m/det/",
            PvcStore("ns", "claim", "a"),
        ),
        ({"hostPath": {"path": "/srv/edge/models"}}, {"mountPath": "/models"}, "/models/det", HOST),
        ({"hostPath": {"path": "/srv/edge/"}}, {"mountPath": "/r"}, "/r/models/det", HOST),
        ({"hostPath": {"path": "/srv"}}, {"mountPath": "/r"}, "/r/edge/models/det", HOST),
        ({"hostPath": {"path": "/srv/edge/models/det"}}, {"mountPath": "/det"}, "/det", HOST),
        (
            {"hostPath": {"path": "/"}},
            {"mountPath": "/r", "subPath": "srv"},
            "/r/edge/models/det",
            HOST,
        ),
    ],
)
def test_a_mount_may_show_more_or_less_than_the_store(
    volume: Object, mount: Object, path: str, store: Store
) -> None:
    spec = pod_spec(
        ["--model_path", path, "--model_name", "x"],
        {"name": "models", **volume},
        {"name": "models", **mount},
    )
    assert keys_of(server(spec), store) == [("det", 10)]
    assert used(server(spec), PvcStore("ns", "other")) == {}
    assert used(server(spec), HostPathStore("ns", "/srv/edge2")) == {}


def test_what_does_not_lie_on_the_store_is_not_used() -> None:
    elsewhere = [entry("det", "/other/det"), entry("ocr", "s3://bucket/ocr")]
    cluster = server(pod_spec())
    cluster.add("ConfigMap", "conf", data={"config.json": config_of(*elsewhere)})
    assert used(cluster) == {}
    work = {"name": "models", "hostPath": {"path": "/srv/edge/.edge"}}
    assert used(server(pod_spec(["sleep"], work)), HOST) == {}


def test_libraries_of_a_configuration_are_used() -> None:
    """No replica says that it has one open, so it is the configuration that counts."""
    node = {"name": "cutter", "base_path": "/models/libs/2/libcut.so"}
    image = {"name": "east", "base_path": "/ovms/lib/libeast.so"}
    loader = {"config": {"loader_name": "l", "library_path": "../models/libs/3/libload.so"}}
    text = config_of(
        entry("det"),
        custom_node_library_config_list=[node, image],
        custom_loader_config_list=[loader],
    )
    keys: list[Key] = [*KEYS, ("libs", 1), ("libs", 2), ("libs", 3)]
    cluster = server(pod_spec())
    cluster.add("ConfigMap", "conf", data={"config.json": text})
    pod = {"containerStatuses": [{"name": "ovms", "state": {"running": {}}}]}
    cluster.add("Pod", "web-1", metadata={"namespace": "ns"}, spec=pod_spec(), status=pod)
    cluster.answers = {"web-1": {"det": {10: "AVAILABLE"}}}
    found = used(cluster, keys=keys)
    assert found == dict.fromkeys([("det", 10), ("libs", 2), ("libs", 3)], "Deployment ns/web")


def test_a_path_inside_a_version_is_that_version() -> None:
    spec = pod_spec(["--model_path", "/models/det/2/net.onnx", "--model_name", "x"])
    assert keys_of(server(spec)) == [("det", 2)]
    assert keys_of(server(pod_spec(["--model_path", "/models", "--model_name", "x"]))) == KEYS


def test_other_ways_to_mount_a_configuration() -> None:
    text = config_of(entry("ocr", "../models/ocr"))
    data = {"conf.json": base64.b64encode(text.encode()).decode()}
    source = {"name": "conf", "items": [{"key": "conf.json", "path": "config.json"}]}
    spec = pod_spec()
    spec["volumes"][1] = {"name": "config", "projected": {"sources": [{"configMap": source}]}}
    cluster = server(spec)
    cluster.add("ConfigMap", "conf", binaryData=data)
    assert keys_of(cluster) == [("ocr", 2)]
    one_file = {"name": "config", "mountPath": "/config/config.json", "subPath": "c.json"}
    spec = pod_spec(volumeMounts=[MOUNT, one_file])
    cluster = server(spec)
    cluster.add("ConfigMap", "conf", data={"c.json": config_of(entry("ocr", all={}))})
    assert keys_of(cluster) == [("ocr", 1), ("ocr", 2)]


def test_a_cache_on_the_claim_hides_nothing() -> None:
    """Its mount depends on the node, so it may be anywhere; what is served is not read there."""
    kept = {"name": "models", "mountPath": "/opt/cache", "subPathExpr": "cache/web/$(NODE)"}
    config = {"name": "config", "mountPath": "/config"}
    cluster = server(pod_spec(volumeMounts=[MOUNT, config, kept]))
    cluster.add("ConfigMap", "conf", data={"config.json": config_of(entry("det"))})
    assert used(cluster) == {("det", 10): "Deployment ns/web"}


def test_variables_and_shells_are_understood_when_they_are_plain() -> None:
    env = [{"name": "DIR", "value": "/models/ocr"}]
    spec = pod_spec(["--model_path", "$(DIR)", "--model_name", "x"], env=env)
    assert keys_of(server(spec)) == [("ocr", 2)]
    spec = pod_spec(["exec ovms --model_path /models/ocr --port 9000"], command=["/bin/sh", "-c"])
    assert keys_of(server(spec)) == [("ocr", 2)]


GRAPH = {"name": "g", "base_path": "/models/g"}


@pytest.mark.parametrize(
    ("spec", "text", "reason"),
    [
        (pod_spec(["--model_path", "$(DIR)"]), "", "depends on a variable"),
        (pod_spec(["ovms --model_path $M"], command=["sh", "-c"]), "", "shell script"),
        (pod_spec(["run.sh"], command=["bash"]), "", "shell script"),
        (pod_spec(["sleep", "9"]), "", "not known to be a model server"),
        (pod_spec(["--model_path", "/models/a", "--model_path", "/models/b"]), "", "given twice"),
        (pod_spec(), "{", "no JSON"),
        (pod_spec(), "[]", "no configuration"),
        (pod_spec(), config_of(entry("det", newest={})), "version policy of model det"),
        (pod_spec(), config_of({"name": "det"}), "cannot be read"),
        (pod_spec(), config_of(mediapipe_config_list=[GRAPH]), "MediaPipe graph g"),
        (pod_spec(), "", "not in ConfigMap conf"),
        (pod_spec(["--config_path", "/models/config.json"]), "x", "persistentVolumeClaim"),
        (pod_spec(["--config_path", "/etc/config.json"]), "x", "part of its image"),
        (
            pod_spec(["--model_path", "/models/a", "--model_version_policy", "latest"]),
            "",
            "--model_version_policy is no JSON",
        ),
    ],
)
def test_what_cannot_be_understood_uses_everything_and_is_named(
    spec: Object, text: str, reason: str
) -> None:
    cluster = server(spec)
    if text:
        cluster.add("ConfigMap", "conf", data={"config.json": text})
    found = used(cluster)
    assert sorted(found) == KEYS
    for who in found.values():
        assert who.startswith("Deployment ns/web (container ovms), which counts as using every")
        assert reason in who


def test_graphs_elsewhere_do_not_matter() -> None:
    cluster = server(pod_spec())
    graph = {"name": "g", "graph_path": "/graphs/g.pbtxt"}
    text = config_of(entry("det"), mediapipe_config_list=[graph])
    cluster.add("ConfigMap", "conf", data={"config.json": text})
    assert keys_of(cluster) == [("det", 10)]


def test_a_monitor_that_mounts_the_whole_node_uses_nothing() -> None:
    root, mount = (
        {"name": "models", "hostPath": {"path": "/"}},
        {"name": "models", "mountPath": "/h"},
    )
    monitor = pod_spec(["--path.rootfs=/h"], root, mount, image="quay.io/node-exporter:1")
    assert used(server(monitor, "DaemonSet"), HOST) == {}
    odd = pod_spec(["/h/start"], root, mount)
    assert keys_of(server(odd, "DaemonSet"), HOST) == KEYS, "a model server does count"
    inside = {"name": "models", "hostPath": {"path": "/srv/edge"}}
    backup = pod_spec(["tar"], inside, mount, image="backup:1")
    assert keys_of(server(backup), HOST) == KEYS, "and whoever mounts the store itself"


def test_who_is_sure_comes_first() -> None:
    cluster = server(pod_spec(["sleep"]))
    cluster.add(
        "StatefulSet",
        "sure",
        metadata={"namespace": "ns"},
        spec={"template": {"spec": pod_spec(["--model_path", "/models/det"])}},
    )
    found = used(cluster)
    assert found[("det", 10)] == "StatefulSet ns/sure" and "every version" in found[("det", 1)]


RUNNING = {"phase": "Running", "containerStatuses": [{"name": "ovms", "state": {"running": {}}}]}


def with_pod(answer: Any, *entries: Object, args: list[str] | None = None) -> Cluster:
    cluster = Cluster()
    cluster.add("ConfigMap", "conf", data={"config.json": config_of(*entries)})
    cluster.add("Pod", "p", metadata={"namespace": "ns"}, spec=pod_spec(args), status=RUNNING)
    cluster.answers = {"p": answer}
    return cluster


def test_what_a_replica_has_loaded_is_used_until_it_let_go() -> None:
    answer = {"alias": {1: "AVAILABLE", 2: "END", 10: "LOADING"}}
    cluster = with_pod(answer, entry("alias", "/models/det", specific={"versions": [10]}))
    assert used(cluster) == {("det", 10): "pod ns/p", ("det", 1): "pod ns/p (container ovms)"}
    cluster.answers = {"p": {"alias": {1: "UNLOADING"}}}
    assert ("det", 1) in used(cluster)


def test_a_name_that_left_the_configuration_may_be_any_model() -> None:
    cluster = with_pod({"old": {2: "AVAILABLE"}}, entry("det"))
    assert keys_of(cluster) == [("det", 2), ("det", 10), ("ocr", 2)]


def test_pipelines_and_models_of_other_volumes_report_no_version_of_the_store() -> None:
    cluster = with_pod(
        {"pipe": {1: "AVAILABLE"}, "far": {2: "AVAILABLE"}, "det": {10: "AVAILABLE"}}
    )
    text = config_of(entry("det"), entry("far", "/far"), pipeline_config_list=[{"name": "pipe"}])
    cluster.add("ConfigMap", "conf", data={"config.json": text})
    assert keys_of(cluster) == [("det", 10)]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "no answer"),
        (Response(404, {}, b""), "HTTP 404"),
        (Response(200, {}, b"<html>"), "no model status"),
    ],
)
def test_a_running_server_that_does_not_say_uses_everything(answer: Any, reason: str) -> None:
    found = used(with_pod(answer, entry("det")))
    assert sorted(found) == KEYS and found[("det", 10)] == "pod ns/p"
    assert "pod ns/p (container ovms)" in found[("ocr", 1)] and reason in found[("ocr", 1)]


def test_a_server_without_a_status_port_uses_everything() -> None:
    cluster = with_pod({}, args=["--model_path", "/models/det", "--port", "9000"])
    assert "without --rest_port" in used(cluster)[("ocr", 1)]


def test_pods_that_ended_and_our_helpers_use_nothing_and_waiting_pods_are_not_asked() -> None:
    cluster = Cluster()
    cluster.add("ConfigMap", "conf", data={"config.json": config_of(entry("det"))})
    spec = pod_spec()
    cluster.add("Pod", "done", metadata={"namespace": "ns"}, spec=spec, status={"phase": "Failed"})
    going = {"namespace": "ns", "deletionTimestamp": "2026-01-01T00:00:00Z"}
    cluster.add("Pod", "going", metadata=going, spec=spec, status=RUNNING)
    labels = {"openvino.edge/agent": "1"}
    cluster.add("Pod", "ours", metadata={"namespace": "ns", "labels": labels}, spec=spec)
    assert used(cluster) == {}
    cluster.add("Pod", "new", metadata={"namespace": "ns"}, spec=spec, status={"phase": "Pending"})
    assert used(cluster) == {("det", 10): "pod ns/new"}


def test_host_paths_are_looked_for_in_every_namespace() -> None:
    spec = pod_spec(
        ["--model_path", "/r/models/ocr"],
        {"name": "models", "hostPath": {"path": "/srv/edge"}},
        {"name": "models", "mountPath": "/r"},
    )
    cluster = Cluster()
    cluster.add(
        "Deployment", "far", metadata={"namespace": "other"}, spec={"template": {"spec": spec}}
    )
    assert used(cluster, HOST) == {("ocr", 2): "Deployment other/far"}
    warnings: list[str] = []
    cluster.elsewhere_forbidden = True
    assert in_use.find_users(cluster, HOST, KEYS, warnings.append) == {}  # type: ignore[arg-type]
    assert len(warnings) == 1 and "only in namespace ns" in warnings[0]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"models": {"det": {"2": "sha256:1"}, "gone": {"1": "x"}}}, [("det", 2)]),
        ({"models": [{"name": "ocr", "versions": [1, "2"]}]}, [("ocr", 1), ("ocr", 2)]),
        ({"models": 3}, KEYS),
        ([], KEYS),
    ],
)
def test_releases_pin_their_versions(record: Any, expected: list[Key]) -> None:
    cluster = Cluster()
    labels = {"app.kubernetes.io/managed-by": "openvino.edge", "openvino.edge/release": "7"}
    cluster.add(
        "ConfigMap",
        "r7",
        metadata={"labels": labels, "namespace": "ns"},
        data={"r": json.dumps(record)},
    )
    found = used(cluster)
    assert sorted(found) == expected
    assert all(who.startswith("release record ns/r7") for who in found.values())


def test_nothing_there_asks_nobody() -> None:
    assert in_use.find_users(None, CLAIM, []) == {}  # type: ignore[arg-type]


def local_volume(cluster: Cluster, namespace: str, claim: str, path: str, kind: str) -> None:
    meta = {"namespace": namespace}
    cluster.add("PersistentVolumeClaim", claim, metadata=meta, spec={"volumeName": f"pv-{claim}"})
    cluster.add("PersistentVolume", f"pv-{claim}", spec={kind: {"path": path}})


@pytest.mark.parametrize("kind", ["local", "hostPath"])
def test_a_claim_and_a_host_path_may_be_the_same_directory(kind: str) -> None:
    through_claim = pod_spec(["--model_path", "/models/ocr", "--model_name", "x"])
    cluster = server(through_claim)
    assert used(cluster, HOST) == {}
    local_volume(cluster, "ns", "claim", "/srv/edge", kind)
    assert keys_of(cluster, HOST) == [("ocr", 2)]
    directly = {"name": "models", "hostPath": {"path": "/srv/edge/models/det"}}
    mount = {"name": "models", "mountPath": "/det"}
    spec = pod_spec(["--model_path", "/det", "--model_name", "x"], directly, mount)
    meta = {"namespace": "other"}
    cluster.add("StatefulSet", "far", metadata=meta, spec={"template": {"spec": spec}})
    assert used(cluster, CLAIM) == {
        ("ocr", 2): "Deployment ns/web",
        ("det", 10): "StatefulSet other/far",
    }
    cluster.unreadable = ("PersistentVolume",)
    cluster.elsewhere_forbidden = True
    assert keys_of(cluster, CLAIM) == [("ocr", 2)]


def test_whoever_mounts_a_whole_claim_above_the_store_counts() -> None:
    spec = pod_spec(["sleep"], mount={"name": "models", "mountPath": "/x"}, image="backup:1")
    assert keys_of(server(spec), PvcStore("ns", "claim", "deep")) == KEYS
