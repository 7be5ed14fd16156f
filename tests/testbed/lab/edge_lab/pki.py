# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of a cluster and the kubeconfig files made from them.

Names and groups are the ones Kubernetes' authorizers know
(https://kubernetes.io/docs/setup/best-practices/certificates/).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge_lab import host
from edge_lab.plan import DOMAIN, Cluster

#: A user with a certificate and no rights: tests bind to it what they want to prove enough.
RESTRICTED_USER = "edge-deployer"
USERS = {
    "admin": ("edge-admin", ["system:masters"]),
    "restricted": (RESTRICTED_USER, []),
    "controllers": ("system:kube-controller-manager", []),
    "scheduler": ("system:kube-scheduler", []),
    "proxy": ("system:kube-proxy", []),
    "dns": ("edge-lab:dns", []),
    "provisioner": ("edge-lab:provisioner", []),
    "apiserver-kubelet": ("edge-lab:apiserver", ["system:masters"]),
}


def _request(
    name: str, common: str, groups: list[str], hosts: list[str], ca: str = "ca"
) -> dict[str, Any]:
    return {"name": name, "ca": ca, "cn": common, "groups": groups, "hosts": hosts}


def requests(cluster: Cluster) -> Iterator[dict[str, Any]]:
    """What to ask of the `pki` program, authorities first."""
    yield _request("ca", f"edge-lab {cluster.name}", [], [], ca="")
    yield _request("front-proxy-ca", f"edge-lab {cluster.name} front proxy", [], [], ca="")
    # Only its key is used: it signs service account tokens.
    yield _request("sa", "service accounts", [], [], ca="")
    yield _request("front-proxy", "front-proxy-client", [], [], ca="front-proxy-ca")
    service = "kubernetes.default.svc"
    names = ["kubernetes", "kubernetes.default", service, f"{service}.{DOMAIN}", "localhost"]
    names += [cluster.control.address, cluster.api_service, "127.0.0.1"]
    yield _request("apiserver", "kube-apiserver", [], names)
    for name, (common, groups) in USERS.items():
        yield _request(name, common, groups, [])
    for node in cluster.nodes:
        user = f"system:node:{node.name}"
        yield _request(node.name, user, ["system:nodes"], [])
        yield _request(f"{node.name}-serving", node.name, [], [node.name, node.address])


def issue(cluster: Cluster, binaries: Path, directory: Path) -> None:
    """Make all certificates that are missing. Raises LabError."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    wanted = json.dumps(list(requests(cluster))).encode()
    host.run([str(binaries / "pki"), str(directory)], stdin=wanted)


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def kubeconfig(cluster: Cluster, directory: Path, user: str, name: str = "") -> str:
    """The text of a kubeconfig file for the certificate `user`; all in one file."""
    return f"""\
apiVersion: v1
kind: Config
clusters:
- name: {cluster.name}
  cluster:
    server: {cluster.api_url}
    certificate-authority-data: {_encoded(directory / "ca.crt")}
users:
- name: {name or user}
  user:
    client-certificate-data: {_encoded(directory / f"{user}.crt")}
    client-key-data: {_encoded(directory / f"{user}.key")}
contexts:
- name: {cluster.name}
  context:
    cluster: {cluster.name}
    user: {name or user}
current-context: {cluster.name}
"""
