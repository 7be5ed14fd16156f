# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of a cluster: which machine runs what, with which arguments, in which order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from edge_lab.machine import HOME
from edge_lab.plan import API_PORT, DOMAIN, Cluster, Machine

KUBE = f"{HOME}/bin/kube"
ETC = f"{HOME}/etc"
ETCD = "http://127.0.0.1:2379"


@dataclass(frozen=True)
class Component:
    """One program on one machine. `address` is where it listens, for people to read."""

    machine: Machine
    name: str
    argv: list[str]
    address: str = ""
    version: str = "kubernetes"
    env: dict[str, str] = field(default_factory=dict)


def _kube(machine: Machine, name: str, address: str, arguments: list[str]) -> Component:
    return Component(machine, name, [KUBE, name, *arguments], address)


def etcd(cluster: Cluster) -> Component:
    """etcd without fsync: the lab's state need not survive a crash of the machine."""
    arguments = [
        "--name=lab",
        "--data-dir=/var/lib/etcd",
        f"--listen-client-urls={ETCD}",
        f"--advertise-client-urls={ETCD}",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--initial-advertise-peer-urls=http://127.0.0.1:2380",
        "--initial-cluster=lab=http://127.0.0.1:2380",
        "--unsafe-no-fsync",
        "--heartbeat-interval=500",
        "--election-timeout=2500",
        "--log-level=warn",
    ]
    argv = [KUBE, "etcd", *arguments]
    return Component(cluster.control, "etcd", argv, "127.0.0.1:2379", "etcd")


def apiserver(cluster: Cluster) -> Component:
    """The API server. Pod Security Admission is among the plugins that are on by default."""
    arguments = [
        f"--etcd-servers={ETCD}",
        f"--advertise-address={cluster.control.address}",
        f"--secure-port={API_PORT}",
        f"--service-cluster-ip-range={cluster.services}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--client-ca-file={ETC}/ca.crt",
        f"--tls-cert-file={ETC}/apiserver.crt",
        f"--tls-private-key-file={ETC}/apiserver.key",
        f"--kubelet-certificate-authority={ETC}/ca.crt",
        f"--kubelet-client-certificate={ETC}/apiserver-kubelet.crt",
        f"--kubelet-client-key={ETC}/apiserver-kubelet.key",
        "--kubelet-preferred-address-types=InternalIP",
        f"--service-account-issuer=https://kubernetes.default.svc.{DOMAIN}",
        f"--service-account-key-file={ETC}/sa.key",
        f"--service-account-signing-key-file={ETC}/sa.key",
        f"--requestheader-client-ca-file={ETC}/front-proxy-ca.crt",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={ETC}/front-proxy.crt",
        f"--proxy-client-key-file={ETC}/front-proxy.key",
        # kube-proxy does not run beside the API server: webhooks go to endpoints directly.
        "--enable-aggregator-routing=true",
        "--profiling=false",
    ]
    return _kube(cluster.control, "kube-apiserver", cluster.api_url, arguments)


def controllers(cluster: Cluster) -> Component:
    """The controller manager, alone (no leader election)."""
    config = f"{ETC}/controllers.kubeconfig"
    arguments = [
        f"--kubeconfig={config}",
        f"--authentication-kubeconfig={config}",
        f"--authorization-kubeconfig={config}",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        "--use-service-account-credentials=true",
        f"--root-ca-file={ETC}/ca.crt",
        f"--service-account-private-key-file={ETC}/sa.key",
        f"--cluster-signing-cert-file={ETC}/ca.crt",
        f"--cluster-signing-key-file={ETC}/ca.key",
        # Its own 20 requests a second would be the limit of simulated fleets.
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        "--profiling=false",
    ]
    return _kube(cluster.control, "kube-controller-manager", "127.0.0.1:10257", arguments)


def scheduler(cluster: Cluster) -> Component:
    """The scheduler, alone (no leader election)."""
    config = f"{ETC}/scheduler.kubeconfig"
    arguments = [
        f"--kubeconfig={config}",
        f"--authentication-kubeconfig={config}",
        f"--authorization-kubeconfig={config}",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        "--profiling=false",
    ]
    return _kube(cluster.control, "kube-scheduler", "127.0.0.1:10259", arguments)


def addons(cluster: Cluster) -> list[Component]:
    """Cluster DNS and the volume provisioner, as plain programs beside the control plane."""
    control = cluster.control
    dns = [f"{HOME}/bin/coredns", "-conf", f"{ETC}/Corefile"]
    provisioner = [f"{HOME}/bin/provisioner", f"-kubeconfig={ETC}/provisioner.kubeconfig"]
    provisioner += [f"-disks={HOME}/disks"]
    return [
        Component(control, "coredns", dns, f"{control.address}:53", "coredns"),
        Component(control, "provisioner", provisioner, "", "lab"),
    ]


def control_plane(cluster: Cluster) -> list[Component]:
    """What must answer before anything else, in the order of starting."""
    return [etcd(cluster), apiserver(cluster)]


def containerd(node: Machine) -> Component:
    """The container runtime of one node."""
    argv = [f"{HOME}/bin/containerd", "--config", f"{ETC}/containerd.toml", "--log-level", "warn"]
    return Component(node, "containerd", argv, "unix socket", "containerd")


def kubelet(node: Machine) -> Component:
    """The kubelet of one node."""
    arguments = [
        f"--config={ETC}/kubelet.json",
        f"--kubeconfig={ETC}/kubelet.kubeconfig",
        f"--hostname-override={node.name}",
        f"--node-ip={node.address}",
        "--housekeeping-interval=30s",
    ]
    return _kube(node, "kubelet", f"{node.address}:10250", arguments)


def kube_proxy(node: Machine) -> Component:
    """The Service network of one node."""
    return _kube(node, "kube-proxy", "", [f"--config={ETC}/kube-proxy.json"])


def all_of(cluster: Cluster) -> Iterator[Component]:
    """Every component of a cluster."""
    yield from control_plane(cluster)
    yield controllers(cluster)
    yield scheduler(cluster)
    yield from addons(cluster)
    for node in cluster.nodes:
        yield containerd(node)
        yield kubelet(node)
        yield kube_proxy(node)
