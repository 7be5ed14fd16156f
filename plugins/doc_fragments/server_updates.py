# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options about how nodes get the image, and how a change is made."""

from __future__ import annotations


class ModuleDocFragment:
    """C(server_updates): the image, who goes first, and what becomes of a change that fails."""

    DOCUMENTATION = r"""
options:
  image_pull_policy:
    description: When the image is pulled.
    type: str
    choices: [IfNotPresent, Always, Never]
    default: IfNotPresent
  image_pull_secrets:
    description: Names of existing Secrets with logins for registries.
    type: list
    elements: str
    default: []
  image_prepull:
    description:
      - Where a change ends pods before their successors run (a claim for one node at a time, a
        directory of the node, a device, a DaemonSet), the nodes get the new image first, by a short
        pod with the same image, logins, placement and security that ends at once.
      - If a node cannot get it, the task fails with the node and the reason, nothing is changed,
        and what serves goes on serving. The time of the pull does not count as O(wait_timeout), but
        is limited by the same number of seconds.
      - A node on which a container with the same image runs already is not asked, unless
        O(image_pull_policy=Always).
      - Not done with O(wait=false), nor where a controller makes the pods (O(backend)).
    type: bool
    default: true
  on_failure:
    description:
      - What becomes of a change of a server that was ready before, if the new state does not serve
        within O(wait_timeout), or cannot.
      - With V(rollback) the old state is put back, and waited for as long again. The error says
        what was put back, and whether it serves.
      - With V(keep) the new state stays for inspection. A rollout that was held goes on only with
        the next run, and its old pods serve until then.
      - Where the kind of the workload or O(backend) changes and the old pods had to end first, they
        are not put back. M(openvino.edge.release) goes back to any release.
      - A server that was not ready before is left as it is; for one that was not there before see
        O(failed_install).
    type: str
    choices: [rollback, keep]
    default: rollback
  strategy:
    description:
      - How old pods make room for new ones.
      - With V(auto), a claim for many nodes takes one more pod during the change, and on host paths
        nodes are changed one after the other. Pods that hold a device end before their successors
        start.
      - With V(auto) on a claim with ReadWriteOnce, the new pod starts on the same node and the old
        one ends when the new one serves, if O(resources) has a request or limit of memory, and the
        volume is bound to a node or the cluster has one node. Where the node has no room for both,
        and in all other cases, old pods end first; RV(ended_first) says why.
    type: str
    choices: [auto, Recreate, RollingUpdate]
    default: auto
"""
