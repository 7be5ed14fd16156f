# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The experiments in a cluster: what they say is what was measured, and nothing of them stays."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client as k8s
from running_contour import run_contour
from serving import COLLECTIONS

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests" / "testbed"), str(ROOT / "tests" / "testbed" / "standin")]

from harness import write_heavy, write_ir  # noqa: E402
from web.authority import Authority  # noqa: E402
from web.fetched import gateway_api  # noqa: E402
from web.ingress_controller import SHIFT, Controller, controller  # noqa: E402

HOST, GRPC_HOST = "experiments.example.org", "grpc.experiments.example.org"
GROUP = "gateway.networking.k8s.io"
# The kinds that Contour reads.
READ = ("gatewayclasses", "gateways", "grpcroutes", "httproutes", "referencegrants")
NOTE = (
    "The server is a stand-in for OpenVINO Model Server, written for tests, on the real OpenVINO"
    " runtime; the cluster is a laboratory on one machine. What is seen here of Services, ways in"
    " and CPU limits is real, the times are those of the stand-in."
)
# Rows of ten FP32 values: 40 bytes, 40 kB and 400 kB.
ROWS = (1, 1000, 10_000)
COPY = {
    "hosts": "clusters",
    "gather_facts": False,
    "roles": [{"role": "openvino.edge.model_repository"}],
}
EXPERIMENTS = ROOT / "playbooks" / "experiments.yml"


@dataclass
class Field:
    """A namespace with two models on a claim, and an inventory for it."""

    cluster: Any
    namespace: str
    folder: Path
    variables: dict[str, Any]

    def play(self, playbook: str, **more: Any) -> str:
        """Run a playbook with the variables and these; return what it printed."""
        self.inventory(**more)
        return self.sh(f"ansible-playbook -i inventory.yml {playbook}")

    def inventory(self, **more: Any) -> None:
        """Write an inventory with one host, the variables and these."""
        hosts = {"site": {**self.variables, **more}}
        text = json.dumps({"clusters": {"hosts": hosts}})
        (self.folder / "inventory.yml").write_text(text, encoding="utf-8")

    def start(self, line: str) -> subprocess.Popen[str]:
        """Start a command of a shell in the folder, as the leader of a group."""
        return subprocess.Popen(
            ["sh", "-euc", line],
            cwd=self.folder,
            env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def sh(self, line: str, *, wrong: bool = False) -> str:
        """Run a command of a shell; return what it printed."""
        with self.start(line) as process:
            said = process.communicate()[0]
        assert (process.returncode != 0) is wrong, said
        return said

    def objects(self) -> set[str]:
        """Return what is in the namespace, but for what changes by itself there."""
        core, namespace = self.cluster.core, self.namespace
        listed = {
            "Pod": core.list_namespaced_pod,
            "Service": core.list_namespaced_service,
            "ConfigMap": core.list_namespaced_config_map,
            "Secret": core.list_namespaced_secret,
            "ServiceAccount": core.list_namespaced_service_account,
            "PersistentVolumeClaim": core.list_namespaced_persistent_volume_claim,
            "Deployment": self.cluster.apps.list_namespaced_deployment,
            "ReplicaSet": self.cluster.apps.list_namespaced_replica_set,
            "Job": k8s.BatchV1Api(self.cluster.api).list_namespaced_job,
            "Ingress": k8s.NetworkingV1Api(self.cluster.api).list_namespaced_ingress,
            "NetworkPolicy": k8s.NetworkingV1Api(self.cluster.api).list_namespaced_network_policy,
        }
        return {
            f"{kind}/{item.metadata.name}"
            for kind, ask in listed.items()
            for item in ask(namespace).items
        }

    def server(self) -> list[str]:
        """Return the name of the experiments' server, if it is there."""
        listed = self.cluster.apps.list_namespaced_deployment(self.namespace).items
        return [item.metadata.name for item in listed]

    def until_as(self, before: set[str]) -> None:
        """Wait until nothing else is there than was there before."""

        def same() -> bool:
            return self.objects() == before

        self.cluster.wait_until(same, f"only {sorted(before)} is there", 120)


@pytest.fixture(scope="module")
def contour(
    shop: Any, edge_class: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Controller]:
    """The controller of Ingresses and HTTPProxies, with the kinds of the Gateway API besides."""
    bodies = [
        yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in gateway_api()
        if path.stem.removeprefix(f"{GROUP}_") in READ
    ]
    with run_contour(shop, edge_class, tmp_path_factory.mktemp("ingress"), bodies) as made:
        yield made


@contextmanager
def gateway(cluster: Any, namespace: str, secret: str, work: Path) -> Iterator[Controller]:
    """Run a second controller, for a Gateway C(edge) whose listener has the certificate."""
    (node,) = cluster.core.list_node().items
    (address,) = [item.address for item in node.status.addresses if item.type == "InternalIP"]
    work.mkdir()
    where = (cluster.kubeconfig, node.metadata.name, address, "nobody", work)
    with controller(*where, f"{namespace}/edge") as made:
        api = k8s.CustomObjectsApi(cluster.api)
        head = {"apiVersion": f"{GROUP}/v1"}
        spec: dict[str, Any] = {"controllerName": "projectcontour.io/gateway-controller"}
        body = {**head, "kind": "GatewayClass", "metadata": {"name": "edge"}, "spec": spec}
        api.create_cluster_custom_object(GROUP, "v1", "gatewayclasses", body)
        listener = {
            "name": "https",
            "protocol": "HTTPS",
            "port": made.https - SHIFT,
            "tls": {"certificateRefs": [{"name": secret}]},
        }
        spec = {"gatewayClassName": "edge", "listeners": [listener]}
        body = {**head, "kind": "Gateway", "metadata": {"name": "edge"}, "spec": spec}
        api.create_namespaced_custom_object(GROUP, "v1", namespace, "gateways", body)
        try:
            yield made
        finally:
            api.delete_namespaced_custom_object(GROUP, "v1", namespace, "gateways", "edge")
            api.delete_cluster_custom_object(GROUP, "v1", "gatewayclasses", "edge")


@pytest.fixture
def ground(
    shop: Any,
    make_namespace: Any,
    make_pvc: Any,
    agent_image: str,
    server_image: str,
    tmp_path: Path,
) -> Field:
    namespace = make_namespace(shop)
    make_pvc(shop, namespace)
    write_ir(tmp_path / "models" / "scale" / "1", dynamic=True)
    write_heavy(tmp_path / "models" / "heavy" / "1", size=400, products=6)
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "edge_kubeconfig": str(shop.kubeconfig),
        "edge_namespace": namespace,
        "edge_store": {"pvc": {"claim_name": "models"}},
        "edge_src": str(tmp_path / "models"),
        "edge_image": server_image,
        "edge_agent_image": agent_image,
        "edge_models": [{"name": "scale", "versions": [1]}, {"name": "heavy", "versions": [1]}],
        "experiments_dest": str(tmp_path / "page"),
        # The pause before the end of a pod is looked at elsewhere.
        "experiments_server_options": {"drain_seconds": 0},
    }
    made = Field(shop, namespace, tmp_path, variables)
    (tmp_path / "copy.yml").write_text(json.dumps([COPY]), encoding="utf-8")
    made.play("copy.yml")
    # The helper of the copy ends a little later, and must not count as there before.
    shop.wait_until(lambda: "Pod/" not in " ".join(made.objects()), "the helper is gone", 120)
    return made


def figures(ground: Field) -> dict[str, Any]:
    """Return what the experiments have written, by name."""
    found = json.loads((ground.folder / "page" / "experiments.json").read_text(encoding="utf-8"))
    return {item["name"]: item for item in found["figures"]}


def test_replicas_of_two_clients(ground: Field) -> None:
    before = ground.objects()
    small = {
        "experiments_figures": ["balance"],
        "experiments_balance_replicas": 2,
        "experiments_requests": 40,
    }
    printed = ground.play(str(EXPERIMENTS), **small)
    balance = figures(ground)["balance"]
    assert balance["verdict"] == "supports", balance
    assert "ClusterIP: each of 2 clients stayed with one replica" in balance["sentence"]
    assert (
        "headless Service: 2 clients reached 2 replicas alike, each with 50.0"
        in (balance["sentence"])
    )
    assert balance["sentence"].partition(" of a client's")[0] in " ".join(printed.split())
    ground.until_as(before)


def blocks(language: str) -> list[str]:
    """Return the blocks of docs/experiments.md in one language."""
    text = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)
    return [block for name, block in found if name == language]


@pytest.mark.whole
def test_a_killed_controller_leaves_a_server_that_is_not_taken_for_ones_own(ground: Field) -> None:
    """The commands of the page: a run that is killed, one that refuses, one that removes."""
    run, absent = blocks("")
    before = ground.objects()
    del ground.variables["experiments_dest"]
    ground.inventory(
        experiments_figures=["scaling"],
        experiments_steps=1,
        experiments_rounds=1,
        experiments_cpu_request="10m",
    )
    predicted = ground.sh(f"{run.strip()} --check --diff")
    assert "edge-experiments" in predicted and ground.objects() == before
    assert not (ground.folder / "experiments").exists()
    with ground.start(run) as process:
        ground.cluster.wait_until(lambda: bool(ground.server()), "the server is made", 90)
        os.killpg(process.pid, signal.SIGKILL)
    refused = " ".join(ground.sh(run, wrong=True).split())
    assert "Nothing was changed" in refused and "experiments_state=absent" in refused
    assert ground.server(), "somebody else's server was removed"
    ground.sh(absent)
    ground.until_as(before)
    ground.sh(run)
    page = (ground.folder / "experiments" / "site" / "experiments.html").read_text()
    assert "Line 2, alone" in page
    ground.until_as(before)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"experiments_model": "other"}, "names of experiments_models"),
        ({"experiments_mtls": True}, "experiments_mtls needs experiments_expose"),
        (
            {"experiments_expose": {"controller": "contour"}},
            "has a host for rest",
        ),
        (
            {
                "experiments_protocols": ["rest", "grpc"],
                "experiments_expose": {"controller": "contour", "rest": {"host": "a"}},
            },
            "has a host for rest and for grpc",
        ),
        ({"experiments_gateway": {"rest": {"host": "a"}}}, "and names a gateway"),
        ({"experiments_ways_replicas": 0}, "_ways_replicas are 1 or more"),
        ({"experiments_name": "ovms"}, "is not that of your own server"),
        ({"experiments_figures": ["speed"]}, "value of experiments_figures must be one or more of"),
    ],
)
@pytest.mark.whole
def test_what_cannot_be_measured_is_refused_before_anything_is_made(
    shop: Any, tmp_path: Path, wrong: dict[str, Any], says: str
) -> None:
    """No cluster is asked: there is no such namespace."""
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "edge_kubeconfig": str(tmp_path / "nowhere"),
        "edge_namespace": "nowhere",
        "edge_store": {"pvc": {"claim_name": "models"}},
        "edge_models": [{"name": "scale", "versions": [1]}],
    }
    ground = Field(shop, "nowhere", tmp_path, variables)
    ground.inventory(**wrong)
    said = ground.sh(f"ansible-playbook -i inventory.yml {EXPERIMENTS}", wrong=True)
    assert says in " ".join(said.split())


@pytest.mark.whole
def test_the_example_of_the_page(ground: Field, contour: Controller, edge_class: str) -> None:
    """As written, with the controller of the lab put in; all ways, and every key is gone."""
    authority = Authority()
    certificate, key = authority.issue(HOST)
    body = {"metadata": {"name": "experiments-tls"}, "type": "kubernetes.io/tls"}
    data = {"tls.crt": certificate, "tls.key": key}
    core = ground.cluster.core
    core.create_namespaced_secret(ground.namespace, {**body, "stringData": data})
    (ground.folder / "files").mkdir()
    (ground.folder / "files" / "ca.pem").write_text(authority.certificate, encoding="utf-8")
    (play,) = yaml.safe_load(blocks("yaml")[0])
    play["roles"][0]["vars"]["experiments_connect"] = f"{contour.address}:{contour.https}"
    play["roles"][0]["vars"]["experiments_expose"]["class_name"] = edge_class
    (ground.folder / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    before = ground.objects()
    ground.play("play.yml")
    found = figures(ground)
    assert found["balance"]["verdict"] == "supports", found["balance"]
    assert [row[0] for row in found["ways"]["rows"]][::3] == [
        "headless Service",
        "layer 7 with TLS",
        "layer 7 with mutual TLS",
    ]
    ground.until_as(before)


@pytest.mark.whole
def test_the_seeds_figures(
    ground: Field,
    contour: Controller,
    edge_class: str,
    client_image: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """All three, by every way and protocol that the lab has; what C(make seed-figures) shows."""
    authority = Authority()
    certificate, key = authority.issue(HOST, GRPC_HOST)
    ca = ground.folder / "ca.pem"
    ca.write_text(authority.certificate, encoding="utf-8")
    body = {"metadata": {"name": "site"}, "type": "kubernetes.io/tls"}
    pair = {"tls.crt": certificate, "tls.key": key}
    core = ground.cluster.core
    core.create_namespaced_secret(ground.namespace, {**body, "stringData": pair})
    shown = os.environ.get("EDGE_FIGURES") or str(ground.folder / "page")
    rounds = int(os.environ.get("EDGE_FIGURES_ROUNDS", "2"))
    before = ground.objects()
    hosts = {"rest": {"host": HOST}, "grpc": {"host": GRPC_HOST}}
    with gateway(ground.cluster, ground.namespace, "site", ground.folder / "gateway") as other:
        printed = ground.play(
            str(EXPERIMENTS),
            experiments_dest=shown,
            experiments_note=NOTE,
            experiments_rounds=rounds,
            experiments_requests=200,
            experiments_protocols=["rest", "grpc"],
            experiments_benchmark_options={"agent_image": client_image},
            experiments_payloads=[[{"name": "input", "shape": [rows, 10]}] for rows in ROWS],
            experiments_expose={
                "controller": "contour",
                "class_name": edge_class,
                **hosts,
                "tls": {"certificate": certificate, "key": key},
            },
            experiments_connect=f"{contour.address}:{contour.https}",
            experiments_gateway={
                "gateway": {"name": "edge"},
                **hosts,
                "tls": {"default_certificate": True},
            },
            experiments_gateway_connect=f"{other.address}:{other.https}",
            experiments_ca=str(ca),
            experiments_mtls=True,
            experiments_scaling_model="heavy",
            experiments_cpu="250m",
            experiments_cpu_request="10m",
            experiments_seconds=8,
        )
    assert "PRIVATE KEY" not in printed and key.splitlines()[1] not in printed
    ground.until_as(before)
    assert not list(Path("/tmp").glob("edge-experiments-*/client")), "a key is left"
    found = json.loads((Path(shown) / "experiments.json").read_text(encoding="utf-8"))
    with capsys.disabled():
        for item in found["figures"]:
            print(f"\n{item['title']} ({item['verdict']}): {item['sentence']}")
        print(f"{NOTE}\n{shown}/experiments.html")
    as_measured(found)


def as_measured(found: dict[str, Any]) -> None:
    """Check what was written. Which replica answers is no question of time; the times are there."""
    by_name = {item["name"]: item for item in found["figures"]}
    assert by_name["balance"]["verdict"] == "supports"
    assert [row[0] for row in by_name["ways"]["rows"]][:: len(ROWS)] == [
        f"{protocol}, {way}"
        for protocol in ("REST", "gRPC")
        for way in (
            "headless Service",
            "layer 7 with TLS",
            "Gateway with TLS",
            "layer 7 with mutual TLS",
        )
    ]
    assert len(by_name["ways"]["rows"]) == 8 * len(ROWS)
    assert [row[0] for row in by_name["scaling"]["rows"]] == ["1", "2", "3", "4"]
    assert found["requests"]["failed"] == 0 and found["ran_on"]["Nodes"].startswith("shop-1")
