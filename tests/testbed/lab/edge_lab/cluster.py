# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a cluster up, step by step, each step fit to be repeated; take it down, all of it."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path

from edge_lab import (
    api,
    build,
    components,
    config,
    host,
    images,
    machine,
    network,
    objects,
    paths,
    pki,
    plan,
)
from edge_lab.components import Component
from edge_lab.errors import LabError
from edge_lab.host import say, write_if_changed
from edge_lab.plan import Cluster, Machine


def _plan_file(name: str) -> Path:
    return machine.cluster_dir(name) / "cluster.json"


def load(name: str) -> Cluster | None:
    """The plan of a cluster that was brought up before; None when there is none."""
    try:
        saved = json.loads(_plan_file(name).read_text())
    except OSError:
        return None
    return Cluster(name, saved["index"], saved["nodes"])


def known() -> list[Cluster]:
    """All clusters with state on this host."""
    names = sorted(path.parent.name for path in paths.state().glob("*/cluster.json"))
    loaded = map(load, filter(plan.CLUSTER_NAME.fullmatch, names))
    return [cluster for cluster in loaded if cluster]


def get(name: str) -> Cluster:
    """The cluster of that name. Raises LabError when it was never brought up."""
    cluster = load(name)
    if cluster is None:
        have = ", ".join(item.name for item in known()) or "none"
        raise LabError(f"no cluster {name!r} (there are: {have}); run: lab up {name}")
    return cluster


def settle(name: str, nodes: int | None) -> Cluster:
    """Load the cluster's plan, or choose and save one. Raises LabError."""
    cluster = load(plan.check_name(name))
    if cluster is None:
        index = plan.choose_index(name, [item.index for item in known()])
        cluster = Cluster(name, index, plan.choose_size(name, nodes))
        saved = {"index": cluster.index, "nodes": cluster.size}
        write_if_changed(_plan_file(name), json.dumps(saved) + "\n")
    elif nodes not in (None, cluster.size):
        raise LabError(f"cluster {name} has {cluster.size} nodes; take it down to change that")
    return cluster


def kubeconfig_path(cluster: Cluster, user: str = "admin") -> Path:
    """The kubeconfig file of the admin or the restricted user."""
    return machine.cluster_dir(cluster.name) / f"{user}.kubeconfig"


def _pki_dir(cluster: Cluster) -> Path:
    return machine.cluster_dir(cluster.name) / "pki"


def connect(cluster: Cluster) -> api.Api:
    """The cluster's API server, as admin."""
    return api.Api(cluster.api_url, _pki_dir(cluster))


def _copy(source: Path, target: Path) -> None:
    write_if_changed(target, source.read_text(), 0o600)


def _configure_control(cluster: Cluster) -> None:
    etc, secrets = machine.home_dir(cluster.control) / "etc", _pki_dir(cluster)
    for name in ("ca", "sa", "front-proxy-ca", "front-proxy", "apiserver", "apiserver-kubelet"):
        for suffix in (".crt", ".key"):
            _copy(secrets / (name + suffix), etc / (name + suffix))
    for user in ("admin", "controllers", "scheduler", "dns", "provisioner"):
        text = pki.kubeconfig(cluster, secrets, user)
        write_if_changed(etc / f"{user}.kubeconfig", text, 0o600)
    write_if_changed(etc / "Corefile", config.corefile(cluster))


def _configure_node(cluster: Cluster, node: Machine) -> None:
    etc, secrets = machine.home_dir(node) / "etc", _pki_dir(cluster)
    _copy(secrets / "ca.crt", etc / "ca.crt")
    for suffix in (".crt", ".key"):
        _copy(secrets / f"{node.name}-serving{suffix}", etc / f"serving{suffix}")
    users = {"kubelet": node.name, "proxy": "proxy", "admin": "admin"}
    for name, user in users.items():
        text = pki.kubeconfig(cluster, secrets, user)
        write_if_changed(etc / f"{name}.kubeconfig", text, 0o600)
    write_if_changed(etc / "containerd.toml", config.containerd())
    write_if_changed(etc / "cni" / "10-edge-lab.conflist", config.cni(node))
    write_if_changed(etc / "kubelet.json", config.kubelet(cluster, node))
    write_if_changed(etc / "kube-proxy.json", config.kube_proxy(cluster, node))
    write_if_changed(etc / "resolv.conf", "")


def configure(cluster: Cluster, binaries: Path) -> None:
    """Write certificates, kubeconfigs and the programs' configuration."""
    pki.issue(cluster, binaries, _pki_dir(cluster))
    _configure_control(cluster)
    for node in cluster.nodes:
        _configure_node(cluster, node)
    for user, name in (("admin", pki.USERS["admin"][0]), ("restricted", pki.RESTRICTED_USER)):
        text = pki.kubeconfig(cluster, _pki_dir(cluster), user, name)
        write_if_changed(kubeconfig_path(cluster, user), text, 0o600)


def boot(cluster: Cluster, binaries: Path) -> None:
    """Start the machines that are down and connect them."""
    network.ensure_bridge(cluster)
    for item in cluster.machines:
        fresh = machine.init_pid(item) is None
        pid = machine.boot(item, binaries)
        if fresh:
            say(f"{item.name}: machine started (pid {pid}, {item.address})")
        if not network.connected(cluster, item, pid):
            network.connect(cluster, item, pid)


def _start(component: Component) -> None:
    where, name = component.machine, component.name
    if machine.component_pid(where, name) is None:
        pid = machine.start(where, name, component.argv, component.env)
        say(f"{where.name}: {name} started (pid {pid})")


def _await(component: Component, probe: Callable[[], bool], timeout: float) -> None:
    """Wait for a component; a dead one ends the wait with the end of its log."""
    where, name = component.machine, component.name

    def checked() -> bool:
        if machine.component_pid(where, name) is None:
            words = machine.last_words(where, name)
            raise LabError(f"{name} on {where.name} ended; its log says:\n{words}")
        return probe()

    api.wait(f"{name} on {where.name} ready", checked, timeout)


def start_control(cluster: Cluster) -> None:
    """Start the control plane and the add-ons, and apply the base objects."""
    server = connect(cluster)
    for component in components.control_plane(cluster):
        _start(component)
    _await(components.apiserver(cluster), server.ready, 90)
    _start(components.controllers(cluster))
    _start(components.scheduler(cluster))
    for obj in objects.base(cluster):
        server.apply(obj)
    for component in components.addons(cluster):
        _start(component)
    # A pod is refused until its namespace has this account, which a controller makes.
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    controllers = components.controllers(cluster)
    _await(controllers, lambda: server.request("GET", account)[0] == 200, 30)


def _accepts(path: str) -> bool:
    """Whether someone listens on a unix socket; the file alone may be a dead server's."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(path)
        except OSError:
            return False
    return True


def start_node(node: Machine, own_images: list[Path]) -> None:
    """Start containerd, load the sandbox image, start kubelet and kube-proxy."""
    runtime = components.containerd(node)
    _start(runtime)
    path = f"/proc/{machine.init_pid(node)}/root{config.CONTAINERD_SOCKET}"
    _await(runtime, lambda: _accepts(path), 30)
    for tar in own_images:
        images.load(node, tar)
    _start(components.kubelet(node))
    _start(components.kube_proxy(node))


def await_nodes(cluster: Cluster) -> None:
    """Wait until every node is Ready. Raises LabError with the kubelet's last words."""
    server = connect(cluster)
    for node in cluster.nodes:

        def ready(name: str = node.name) -> bool:
            return api.node_serves(server, name)

        _await(components.kubelet(node), ready, 90)


def up(name: str, nodes: int | None = None) -> Cluster:
    """Bring a cluster up, or start again what died in it. Raises LabError."""
    binaries = build.ensure()
    own_images = images.make_own(binaries)
    cluster = settle(name, nodes)
    for item in cluster.machines:
        machine.make_dirs(item)
    configure(cluster, binaries)
    boot(cluster, binaries)
    start_control(cluster)
    for node in cluster.nodes:
        start_node(node, own_images)
    await_nodes(cluster)
    say(f"{name}: ready at {cluster.api_url} ({cluster.size} nodes)")
    return cluster


def require_host() -> None:
    """Check and prepare this host for `up`."""
    host.require_root()
    host.install_packages()
