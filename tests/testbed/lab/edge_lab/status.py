# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs: one row per component, with version, pid, memory and address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from edge_lab import build, cluster, components, images, machine, processes
from edge_lab.plan import Cluster, Machine

HEADERS = ("cluster", "machine", "component", "version", "pid", "memory", "address")


def versions() -> dict[str, str]:
    """The version of each program by the family it belongs to, from the locked modules."""
    return {
        "kubernetes": build.KUBERNETES,
        "containerd": build.CONTAINERD,
        "etcd": build.locked_version("kube", "go.etcd.io/etcd/server/v3"),
        "coredns": build.locked_version("kube", "github.com/coredns/coredns"),
        "lab": build.binaries().name[:8],
    }


def component_rows(item: Cluster) -> list[dict[str, Any]]:
    """One row per component of a cluster; pid is None for one that does not run."""
    known = versions()
    rows = []
    for component in components.all_of(item):
        pid = machine.component_pid(component.machine, component.name)
        rows.append(
            {
                "cluster": item.name,
                "machine": component.machine.name,
                "component": component.name,
                "version": known[component.version],
                "pid": pid,
                "memory_kib": processes.memory_kib(pid) if pid else 0,
                "address": component.address,
            }
        )
    return rows


def node_facts(node: Machine) -> dict[str, Any]:
    """Where a node's directories are on this host, and what it holds."""
    disks = machine.disks_dir(node.cluster)
    running = machine.component_pid(node, "containerd") is not None
    return {
        "name": node.name,
        "address": node.address,
        "pods": node.pods,
        "init_pid": machine.init_pid(node),
        "models": str(disks / node.name / "models"),
        "disks": str(disks / node.name),
        "logs": str(machine.root_dir(node) / "log"),
        "images": sorted(images.present(node)) if running else [],
    }


def facts(item: Cluster) -> dict[str, Any]:
    """All there is to know about one cluster, ready for JSON."""
    rows = component_rows(item)
    return {
        "name": item.name,
        "up": all(row["pid"] for row in rows),
        "api": item.api_url,
        "gateway": item.gateway,
        "services": item.services,
        "shared": str(machine.disks_dir(item.name) / "shared"),
        "kubeconfig": str(cluster.kubeconfig_path(item)),
        "restricted_kubeconfig": str(cluster.kubeconfig_path(item, "restricted")),
        "nodes": [node_facts(node) for node in item.nodes],
        "components": rows,
    }


def table(rows: Iterable[Sequence[str]]) -> str:
    """Rows of words as aligned columns."""
    lines = [list(row) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths)).rstrip() for line in lines
    )


def render(clusters: Iterable[Cluster]) -> str:
    """The table a person reads, with the memory of each cluster's components in all."""
    lines: list[Sequence[str]] = [HEADERS]
    totals = []
    for item in clusters:
        rows = component_rows(item)
        for row in rows:
            pid, memory = str(row["pid"] or "DOWN"), f"{row['memory_kib'] // 1024} MiB"
            names = [row["cluster"], row["machine"], row["component"], row["version"]]
            lines.append([*names, pid, memory, row["address"]])
        total = sum(row["memory_kib"] for row in rows) // 1024
        state = "up" if all(row["pid"] for row in rows) else "NOT COMPLETE: run lab up"
        totals.append(f"{item.name}: {state}, {item.size} nodes, {total} MiB, {item.api_url}")
    return table(lines) + "\n\n" + "\n".join(totals) if totals else "no cluster"
