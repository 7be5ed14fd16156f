# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options for the store of a model repository and the way to it."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of C(store.py), and those of the helper pod in C(repository/options.py)."""

    DOCUMENTATION = r"""
options:
  namespace:
    description: Namespace of the claim, and of the helper pods.
    type: str
    required: true
  pvc:
    description:
      - The store is a volume behind a PersistentVolumeClaim.
      - Excludes O(host_path). One of both is required.
    type: dict
    suboptions:
      claim_name:
        description:
          - Name of the claim. It must exist, and be bound or wait for its first pod, unless
            O(pvc.local) makes it.
        type: str
        required: true
      sub_path:
        description: Directory in the volume that is the root of the store.
        type: str
        default: ""
      local:
        description:
          - Makes the claim, and a PersistentVolume of type C(local) behind it, from a directory on
            nodes, where they are not there yet. It is the way to keep models in a directory of the
            node in a namespace that forbids O(host_path).
          - The volume is reserved for the claim and retained when that goes. The module never
            removes either of them, and takes over only what it made itself.
          - M(openvino.edge.model_repository) makes them, which takes rights to create
            PersistentVolumes. Other modules take the option and only look.
          - Without it the claim must exist.
        type: dict
        suboptions:
          path:
            description: Absolute path on the nodes. The kubelet does not make the directory.
            type: str
            required: true
          nodes:
            description:
              - Names of the nodes that have the directory.
              - With several, each node has its own at the same path, the access mode is
                C(ReadWriteMany), and each gets the files, as with O(host_path.nodes).
            type: list
            elements: str
            required: true
          capacity:
            description:
              - Capacity that volume and claim tell. Nothing enforces it. It counts against a quota.
            type: str
            default: 10Gi
          storage_class:
            description: StorageClass of volume and claim; it need not exist. Empty is none.
            type: str
            default: ""
          create_directory_in:
            description:
              - Namespace that admits hostPath volumes (Pod Security level V(privileged)). A pod
                that lives for seconds makes a missing directory from there, owned by root. The
                kubelet opens it to the group of the helper when the volume is mounted.
              - Without it a missing directory is an error, and an administrator makes it.
            type: str
  host_path:
    description:
      - The store is one directory on each chosen node.
      - The namespace has to admit it (Pod Security level V(privileged)), as the helper pod is root
        with the capabilities C(CHOWN), C(DAC_OVERRIDE) and C(FOWNER).
      - Without O(host_path.nodes) and O(host_path.node_selector), every node that takes pods is
        meant.
    type: dict
    suboptions:
      path:
        description: Absolute path on the nodes, the root of the store.
        type: str
        required: true
      node_selector:
        description: Labels of the nodes.
        type: dict
        default: {}
      nodes:
        description: Names of the nodes.
        type: list
        elements: str
        default: []
  node_selector:
    description:
      - Labels that the node of a helper pod must have, beside those that follow from the store.
      - A claim that waits for its first pod gets its volume where that pod runs. Without this
        option the helper goes where the server that names the claim may run (its node selector,
        affinity and tolerations, from its Deployment), or anywhere, if there is none yet.
    type: dict
    default: {}
  helper_resources:
    description:
      - What a helper pod asks for and may use, over the defaults C(requests) of C(50m) of C(cpu)
        and C(64Mi) of C(memory), and C(limits) of C(1Gi) of C(memory).
      - "A namespace whose quota counts C(limits.cpu) admits only pods that have such a limit, like
        C({limits: {cpu: 500m}}). Without one in its quota leave it out, as it slows every copy."
    type: dict
    default: {}
    suboptions:
      requests:
        description: By resource.
        type: dict
        default: {}
      limits:
        description: By resource.
        type: dict
        default: {}
  helper_allow_from:
    description:
      - Networks that may connect to a helper pod, such as the addresses of the API servers. Each
        helper then gets a NetworkPolicy, which goes with it, and which lets in these networks and
        other helpers of the namespace only.
      - Requests come from the API server, or from what stands for it on the way to pods, such as
        the agents of konnectivity. Needs the right to create NetworkPolicies (the role
        C(openvino-edge-helper-guard) of C(rbac.yml)), and a network plugin that enforces them.
      - Without this option any pod can connect. It gets nowhere without the token, and a helper
        bounds the connections that have shown none.
    type: list
    elements: str
    default: []
  helper_idle:
    description:
      - Seconds for which the helper pod stays for the next task of the same run of Ansible on the
        same store, at most 3600. That task then takes it over in the place of starting one, if it
        would start the same, or one that only reads. Nobody else can use it.
      - It ends when the time is over, or with a task that has V(0) here, so give that to the last
        one of a play. Until then it keeps its claim mounted. A server's pod that another node is to
        run has to wait for that where the claim is C(ReadWriteOnce), which is why the default is
        V(0).
      - Without effect with O(transport=exec), for tasks that run as modules (any connection but
        C(local)), for claims with C(ReadWriteOncePod), and with credentials for the helper.
    type: int
    default: 0
  transport:
    description:
      - How files and answers go between the controller and the store.
      - With V(agent) a helper pod runs a small Python program, and bytes go to it as HTTP through
        the API server's pod proxy. It is the fastest way.
      - With V(exec) a helper pod of O(exec_image) is used through C(pods/exec). It needs bash and
        coreutils only, which the image of OVMS has.
      - V(auto) is V(agent), and V(exec) where that can help, with a warning. That is when
        O(agent_image) cannot be had, when the API server cannot reach pods, and when the account
        lacks the rights for the pod proxy.
    type: str
    choices: [auto, agent, exec]
    default: auto
  agent_image:
    description:
      - Image with Python 3.8 or newer, for O(transport=agent).
      - Best with a digest (C(IMAGE@sha256:...)). For O(host_path), where a helper runs as root, a
        tag gives a warning, unless O(image_pull_policy=Never).
    type: str
    default: docker.io/library/python:3.12-slim
  exec_image:
    description: Image with bash and coreutils, for O(transport=exec).
    type: str
    default: docker.io/openvino/model_server:2026.3.1
  image_pull_policy:
    description: When images are pulled.
    type: str
    choices: [IfNotPresent, Always, Never]
    default: IfNotPresent
  image_pull_secrets:
    description: Names of existing Secrets with logins for registries.
    type: list
    elements: str
    default: []
"""
