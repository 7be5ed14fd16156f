# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options for security contexts, OpenShift and network policy."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of C(server/security_options.py)."""

    DOCUMENTATION = r"""
options:
  platform:
    description:
      - What the cluster is. With V(auto) it is asked whether it has the API group
        C(security.openshift.io), which costs one request.
    type: str
    choices: [auto, kubernetes, openshift]
    default: auto
  run_as_user:
    description:
      - User id of the server.
      - Without it V(5000), the user of the image. On OpenShift without it, without O(host_path) and
        without O(scc), and everywhere with V(-1), the platform chooses, as the default security
        contexts of OpenShift want it. The same is true for O(run_as_group) and O(fs_group).
    type: int
  run_as_group:
    description: Group id of the server.
    type: int
  fs_group:
    description: Group that owns volumes which support it. It does nothing on host paths.
    type: int
  supplemental_groups:
    description: More groups of the server, for example the group of a node's render devices.
    type: list
    elements: int
    default: []
  se_linux_options:
    description: SELinux labels of the pods. Without it the container runtime chooses.
    type: dict
    suboptions:
      level:
        description: Level, for example V(s0:c123,c456).
        type: str
      role:
        description: Role. The namespace has to admit it (Pod Security level V(privileged)).
        type: str
      type:
        description: Type, for example V(container_t).
        type: str
      user:
        description: User. The namespace has to admit it (Pod Security level V(privileged)).
        type: str
  seccomp_profile:
    description: Filter of system calls. Without it the one of the container runtime.
    type: dict
    suboptions:
      type:
        description: V(Unconfined) needs the Pod Security level V(privileged).
        type: str
        choices: [RuntimeDefault, Localhost, Unconfined]
        default: RuntimeDefault
      localhost_profile:
        description: File of the profile on the nodes, for V(Localhost).
        type: str
  app_armor_profile:
    description:
      - AppArmor profile of the pods, from Kubernetes 1.30 on. Without it nothing is asked for, and
        the container runtime uses its own where nodes have AppArmor.
    type: dict
    suboptions:
      type:
        description: V(Unconfined) needs the Pod Security level V(privileged).
        type: str
        choices: [RuntimeDefault, Localhost, Unconfined]
        default: RuntimeDefault
      localhost_profile:
        description: Name of the profile that is loaded on the nodes, for V(Localhost).
        type: str
  service_account:
    description:
      - Name of an existing ServiceAccount for the pods. It is neither changed nor removed.
      - Without it one is made. Its token is not mounted in both cases.
    type: str
  network_policy:
    description:
      - Makes a NetworkPolicy that lets only the named callers reach the server, and nobody else.
        An empty dictionary closes it. Without the option there is none.
      - The server has no authentication of its own. Only clusters whose network enforces policies
        hold to it (k3s and OpenShift do).
      - Checks of the kubelet pass. Modules of this collection ask pods through the API server, so
        name its addresses in O(network_policy.addresses) where it runs on nodes of its own.
    type: dict
    suboptions:
      namespaces:
        description: Names of namespaces whose pods may call.
        type: list
        elements: str
        default: []
      addresses:
        description: Addresses and networks (CIDR) that may call.
        type: list
        elements: str
        default: []
      peers:
        description: More callers, each a C(NetworkPolicyPeer) of Kubernetes.
        type: list
        elements: dict
        default: []
  scc:
    description:
      - SecurityContextConstraints of OpenShift for the pods. Only for OpenShift.
      - Without it those are used that the ServiceAccount may use already. V(restricted-v2), which
        everybody may, is enough unless O(host_path) or a user of your own is asked for. What is
        missing is an error before anything is changed.
    type: dict
    suboptions:
      name:
        description:
          - Name of an existing one, pinned on the pods. Without it the strictest one that admits
            the pods is chosen.
        type: str
      create:
        description:
          - Makes C(openvino-edge-host-path), which is C(restricted-v2) with host paths and any user
            but root, and a ClusterRole of this name to use it. That is an administrator's act.
          - Both are for all servers of the cluster and are not removed with one.
        type: bool
        default: false
      bind:
        description: Binds the ServiceAccount to the role to use it, in the namespace.
        type: bool
        default: false
      cluster_role:
        description:
          - Name of the ClusterRole with the right to use it. Without it the role that OpenShift has
            for each of its own.
        type: str
"""
