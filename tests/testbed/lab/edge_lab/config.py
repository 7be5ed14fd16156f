# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration files of the programs on the machines: pure functions of the plan.

Everything that reads YAML is given JSON, which is YAML.
"""

from __future__ import annotations

import json
from typing import Any

from edge_lab.machine import HOME
from edge_lab.plan import DOMAIN, Cluster, Machine

PAUSE_IMAGE = "localhost/edge-pause:1"
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"


def containerd() -> str:
    """containerd's configuration (TOML, version 3).

    restrict_oom_score_adj: without CAP_SYS_RESOURCE (build machines) runc cannot set the negative
    values the kubelet asks for and dies with "can't get final child's PID from pipe: EOF".
    """
    return f"""\
version = 3
imports = []

[grpc]
address = '{CONTAINERD_SOCKET}'

[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = '{PAUSE_IMAGE}'

[plugins.'io.containerd.cri.v1.runtime']
restrict_oom_score_adj = true
cdi_spec_dirs = ['{HOME}/cdi']

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
SystemdCgroup = false

[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ['/usr/lib/cni']
conf_dir = '{HOME}/etc/cni'
use_internal_loopback = true
"""


def cni(node: Machine) -> str:
    """The pod network of one node: a bridge with addresses from the node's own range."""
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": node.pods}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
    return _json({"cniVersion": "1.0.0", "name": "edge-lab", "plugins": [bridge, portmap]})


def kubelet(cluster: Cluster, node: Machine) -> str:
    """KubeletConfiguration (kubelet.config.k8s.io/v1beta1).

    Eviction and image collection are off: they would judge the build machine's whole disk.
    """
    return _json(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": f"{HOME}/etc/ca.crt"},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": f"{HOME}/etc/serving.crt",
            "tlsPrivateKeyFile": f"{HOME}/etc/serving.key",
            "address": node.address,
            "healthzBindAddress": "127.0.0.1",
            "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{node.cgroup}",
            "enforceNodeAllocatable": [],
            "failCgroupV1": False,
            "failSwapOn": False,
            "oomScoreAdj": 0,
            "clusterDNS": [cluster.dns_service],
            "clusterDomain": DOMAIN,
            "resolvConf": f"{HOME}/etc/resolv.conf",
            "maxPods": 60,
            "serializeImagePulls": False,
            "evictionHard": {
                "memory.available": "0%",
                "nodefs.available": "0%",
                "nodefs.inodesFree": "0%",
                "imagefs.available": "0%",
                "imagefs.inodesFree": "0%",
            },
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
            "makeIPTablesUtilChains": False,
            "registerNode": True,
        }
    )


def kube_proxy(cluster: Cluster, node: Machine) -> str:
    """KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1), nftables mode.

    Conntrack limits stay the host's: they belong to the first network namespace.
    """
    return _json(
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "clientConnection": {"kubeconfig": f"{HOME}/etc/proxy.kubeconfig"},
            "mode": "nftables",
            "clusterCIDR": cluster.pods,
            "hostnameOverride": node.name,
            "healthzBindAddress": "127.0.0.1:10256",
            "metricsBindAddress": "127.0.0.1:10249",
            "oomScoreAdj": 0,
            "nftables": {"minSyncPeriod": "200ms", "syncPeriod": "5m"},
            "conntrack": {
                "maxPerCore": 0,
                "min": 0,
                "tcpEstablishedTimeout": "0s",
                "tcpCloseWaitTimeout": "0s",
            },
        }
    )


def corefile(cluster: Cluster) -> str:
    """CoreDNS: the cluster's own names, and nothing else (the lab has no way out)."""
    return f"""\
.:53 {{
    bind {cluster.control.address}
    errors
    ready 127.0.0.1:8181
    kubernetes {DOMAIN} in-addr.arpa ip6.arpa {{
        kubeconfig {HOME}/etc/dns.kubeconfig
        pods verified
        ttl 5
    }}
    cache 5
}}
"""


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"
