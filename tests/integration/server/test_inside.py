# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cache, variables, addresses and release of a server in a restricted namespace."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError, WaitError
from ansible_collections.openvino.edge.plugins.module_utils.preflight.rights import fill
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Runtime
from ansible_collections.openvino.edge.plugins.module_utils.server.config.generation import UNKNOWN
from ansible_collections.openvino.edge.plugins.module_utils.server.spec import server as spec_module
from ansible_collections.openvino.edge.plugins.module_utils.verify import entry as verify_entry
from serving import Server, run_in_pod

CLAIM = {"persistentVolumeClaim": {"claimName": "models"}}


@pytest.fixture
def server(shop: Any, place: str, make_server: Any) -> Server:
    made: Server = make_server(
        shop,
        place,
        probes={"startup": {"period_seconds": 1}, "readiness": {"period_seconds": 1}},
        termination_grace_period_seconds=1,
    )
    return made


def inside(server: Server, line: str) -> str:
    """Run a shell line in the server's own container."""
    return run_in_pod(server, "sh", "-c", line)


def blobs(server: Server) -> list[str]:
    found = inside(server, "cd /opt/cache && find . -type f | sort").split()
    return [name for name in found if name.endswith((".blob", ".cl_cache"))]


def test_a_cache_with_a_read_only_root(server: Server) -> None:
    server.run(model_cache={"size": "64Mi"})
    server.until({"adder:1": "AVAILABLE"})
    assert len(blobs(server)) == 2  # of the model, and of the marker of the configuration
    (pod,) = server.pods()
    assert pod.spec.containers[0].security_context.read_only_root_filesystem
    assert not server.run(model_cache={"size": "64Mi"})["changed"]
    server.run()
    assert "/opt/cache" not in inside(server, "cat /proc/mounts")


def test_a_cache_on_the_claim_outlives_its_pod(server: Server) -> None:
    kept: dict[str, Any] = {"model_cache": {"persistent": True}}
    server.run(**kept)
    server.until({"adder:1": "AVAILABLE"})
    made = blobs(server)
    (before,) = server.pods()
    stamp = inside(server, "cd /opt/cache && stat -c %Y:%i *.blob")
    assert len(made) == 2 and not server.run(**kept)["changed"]
    server.cluster.core.delete_namespaced_pod(before.metadata.name, server.namespace)

    def replaced() -> bool:
        pods = server.pods()
        ready = [c for pod in pods for c in pod.status.conditions or () if c.type == "Ready"]
        alone = len(pods) == 1 and pods[0].metadata.uid != before.metadata.uid
        return alone and bool(ready) and ready[0].status == "True"

    server.cluster.wait_until(replaced, "a new pod", 60)
    server.until({"adder:1": "AVAILABLE"})
    assert inside(server, "cd /opt/cache && stat -c %Y:%i *.blob") == stamp
    (node,) = server.cluster.nodes()
    with server.cluster.visitor(server.namespace, CLAIM) as visitor:
        assert visitor.sh("ls /store/cache/ocr").split() == [node]
    inside_models = inside(server, "ls -a /models").split()
    assert "cache" not in inside_models


def test_53_a_cache_that_keeps_nothing_is_told(server: Server) -> None:
    def status(*, warns: bool) -> dict[str, Any]:
        given = {**server.cluster.auth, "namespace": server.namespace, "name": server.name}
        runtime = Runtime()
        found = verify_entry.run(fill(verify_entry.ARGUMENT_SPEC, given), runtime)
        assert bool(runtime.warnings) is warns, runtime.warnings
        (row,) = found["caches"]
        return {**row, "warnings": runtime.warnings}

    kept: dict[str, Any] = {"model_cache": {"persistent": True}}
    server.run(**kept)
    found = status(warns=False)
    assert (found["directory"], found["writable"], found["blobs"]) == ("/opt/cache", True, 2)
    sizes = inside(server, "cat /opt/cache/*.blob | wc -c")
    assert found["size"] == int(sizes) and found["free"] > 0
    inside(server, "rm /opt/cache/*.blob")
    (pod,) = server.pods()
    found = status(warns=True)
    assert (found["writable"], found["blobs"], found["size"]) == (True, 0, 0)
    (text,) = found["warnings"]
    assert text.startswith(f"{pod.metadata.name}: ") and "nothing was kept in /opt/cache" in text


def test_variables_of_secrets_maps_and_the_pod(server: Server) -> None:
    core, namespace = server.cluster.core, server.namespace
    secret = {"metadata": {"name": "hub"}, "stringData": {"token": "hidden-value"}}
    core.create_namespaced_secret(namespace, secret)
    core.create_namespaced_config_map(
        namespace, {"metadata": {"name": "site"}, "data": {"plant": "north"}}
    )
    env: dict[str, Any] = {
        "PLAIN": "yes",
        "TOKEN": {"secretKeyRef": {"name": "hub", "key": "token"}},
        "PLANT": {"configMapKeyRef": {"name": "site", "key": "plant"}},
        "NODE": {"fieldRef": {"fieldPath": "spec.nodeName"}},
        "MAYBE": {"secretKeyRef": {"name": "nowhere", "key": "x", "optional": True}},
    }
    made = server.run(env=env, diff=True)
    assert "hidden-value" not in str(made)
    found = inside(server, "tr '\\0' '\\n' < /proc/1/environ").split()
    (node,) = server.cluster.nodes()
    wanted = {"PLAIN=yes", "TOKEN=hidden-value", "PLANT=north", f"NODE={node}"}
    assert wanted <= set(found) and not any(item.startswith("MAYBE") for item in found)
    assert not server.run(env=env)["changed"]
    lost = {"TOKEN": {"secretKeyRef": {"name": "nowhere", "key": "token"}}}
    with pytest.raises(WaitError, match='secret "nowhere" not found') as caught:
        server.run(env=lost)
    assert caught.value.details["changed"]
    server.run()


def test_an_address_of_a_load_balancer(server: Server) -> None:
    """The tests are the load balancer: they write what one would write into the status."""
    core = server.cluster.core
    options: dict[str, Any] = {
        "service_type": "LoadBalancer",
        "service": {
            "load_balancer_class": "example.com/edge",
            "load_balancer_source_ranges": ["192.0.2.0/24"],
            "annotations": {"example.com/pool": "edge"},
        },
    }
    first = server.run(**options)
    assert first["addresses"] == []
    assert any("has no address yet" in text for text in server.warnings)
    patient = {**options, "service": {**options["service"], "address_timeout": 2}}
    with pytest.raises(WaitError, match="no load balancer gave it an address within 2 s"):
        server.run(**patient)

    def give() -> None:
        status = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}}
        core.patch_namespaced_service_status(server.name, server.namespace, status)

    patient["service"]["address_timeout"] = 30
    timer = threading.Timer(1.0, give)
    timer.start()
    waited = server.run(**patient)
    timer.join()
    assert waited["addresses"] == ["192.0.2.7"] and waited["seconds"] < 20
    service = core.read_namespaced_service(server.name, server.namespace)
    assert service.spec.load_balancer_class == "example.com/edge"
    assert service.spec.load_balancer_source_ranges == ["192.0.2.0/24"]
    again = server.run(**options)
    assert not again["changed"] and again["addresses"] == ["192.0.2.7"]
    plain = server.run()
    assert plain["addresses"] == []
    assert server.run()["addresses"] == []
    service = core.read_namespaced_service(server.name, server.namespace)
    assert service.spec.type == "ClusterIP" and not service.spec.load_balancer_source_ranges


@pytest.mark.standin("goes from one release of the stand-in to the other")
def test_the_release_as_the_running_server_tells_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither option nor tag says it here; the server that runs does."""
    monkeypatch.setattr(spec_module, "generation_of", lambda given, image: UNKNOWN)
    server.run(state="absent")
    stateful: dict[str, Any] = {"models": [{"name": "adder", "versions": [1], "stateful": True}]}
    with pytest.raises(InputError, match="no server that runs it does"):
        server.run(**stateful)
    server.run()
    # OVMS does not make a served version stateful at run time.
    assert server.run(check=True, **stateful)["reload"] == "rolling_restart"
    newer: dict[str, Any] = {"image": "localhost/ovms-standin:2026.3"}
    with pytest.raises(InputError, match="no server that runs it does"):
        server.run(**stateful, **newer)
    server.run(**newer)
    with pytest.raises(InputError, match=r"OVMS 2026\.3 does not know it"):
        server.run(**stateful, **newer)
