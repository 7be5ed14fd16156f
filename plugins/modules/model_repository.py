#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: model_repository
short_description: Copy a model repository to a Kubernetes cluster
version_added: 0.1.0
description:
  - Puts the models of a local directory onto a volume (O(pvc)) or into a directory on nodes
    (O(host_path)), where OpenVINO Model Server (OVMS) reads them.
  - A version becomes visible to servers with one rename, complete, hashed on the target and flushed
    to the disk. Before that it lies in a directory that no server sees.
  - Files that are there already are not sent again.
  - A published version is never changed. The same version with other bytes is an error.
  - Refuses, before the cluster is asked for anything, a repository that a server would misread, for
    example version directories such as C(002), C(2.tmp) or C(v1), C(.xml) without C(.bin), two
    models in one version, and links that leave the repository. Hidden files, and files beside the
    model and version directories, are not copied.
  - Refuses, before the first byte is sent, missing rights, a missing or unbound claim, missing
    nodes, too little space, and a namespace that forbids the helper pod.
  - The store is reached by a short-lived helper pod, whose image has to be available on the
    cluster. It ends itself when the controller is gone, and leaves nothing behind.
options:
  src:
    description:
      - Local directory with C(<model>/<version>/<files>), on the machine where the task runs.
      - Or a C(.tar), C(.tar.gz), C(.tgz) or C(.tar.zst) archive of such a directory, with or
        without one directory around it. It is read once for its list of files, which is kept for
        later runs, and unpacked only when files of it have to be sent, into a private directory
        below E(TMPDIR) that is removed again. Links that leave it, devices, sparse files, files
        that are in it twice, and a damaged or cut archive are refused. C(.tar.zst) needs Python
        3.14 or the Python package C(zstandard).
      - The sha256 of local files are kept for later runs in C(~/.cache/openvino-edge/hashes) (or
        below E(XDG_CACHE_HOME)), by path, inode, size, modification and change time, so that an
        unchanged file is read once, also by tasks for many clusters that run at the same time. The
        environment variable E(EDGE_HASH_CACHE) names another directory, or V(off).
      - Required if O(state=present), unless O(pull) is given.
    type: path
  models:
    description:
      - What to copy, or with O(state=absent) to remove. An empty list copies everything in
        O(src). Required if O(state=absent).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - Name of the model, or of a directory with libraries for custom nodes.
          - A name such as V(ORG/MODEL) is the directory C(ORG/MODEL) in O(src), or
            C(ORG--MODEL), and becomes C(ORG--MODEL) on the store, which is one level. Servers find
            it there under the same name.
        type: str
        required: true
      path:
        description:
          - Directory of the model in O(src), where that is not C(name), for example
            V(intel/detection/FP16-INT8). Not with O(signature).
        type: str
      versions:
        description:
          - Versions of the model. Without them all of them.
          - A directory that holds files and no versions (a library, a MediaPipe graph, a model) is
            published as the one version that is named here, so other files need another number.
            Not with O(pull) or O(signature).
        type: list
        elements: int
        default: []
  state:
    description:
      - With V(absent), the versions in O(models) are removed.
    type: str
    choices: [present, absent]
    default: present
  keep_versions:
    description:
      - After publishing, of each model that this task brings only the newest so many versions stay,
        besides those that it brings and those in use. Other models are left alone.
      - Without it, and without O(prune), nothing is ever removed. No effect with O(state=absent).
    type: int
  prune:
    description:
      - After publishing, removes what this task does not bring, unless it is in use. Without
        O(models) that is every version that is not in O(src). With O(models) it is the versions of
        these models that are not chosen; other models are left alone.
      - With O(keep_versions) the newest so many versions of the models that the task brings stay
        all the same. No effect with O(state=absent).
      - In use is what any server names or has loaded, whoever made it. Asked are all Deployments,
        StatefulSets, DaemonSets, pods, and what is kept for their rollback, that mount the store or
        a part of it, with their command lines and configurations; release records of this
        collection; and each running replica itself (C(GET /v1/config)).
      - What cannot be understood, for example a container that is no model server, counts as using
        every version. A warning names it. For a host path, other namespaces are searched as far as
        the account may list them. Such a container that only mounts a directory above the store,
        like a monitor of the node, counts as using nothing.
    type: bool
    default: false
  force:
    description:
      - Also removes versions that are in use, with O(state=absent), O(keep_versions) or O(prune).
    type: bool
    default: false
  repair:
    description:
      - Restores published versions whose files were damaged since, when O(src) has what was
        published. Every byte of the chosen versions is read on the target; changed and missing
        files are sent again, built on what is left of them, extra files are removed, and owner and
        mode are set. Each file is replaced by one rename, never written in place.
      - Without it, damage that is found is an error that lists it, and a wrong owner or mode a
        warning. Damage that changed neither size, modification time nor inode of a file is found
        only by reading (see O(compare)).
      - New content under an old version number is refused either way. So is damage where no record
        tells what was published.
      - A server that has loaded damaged files goes on with them. So the version is taken out of its
        sight until it has let go of it, then put back and loaded; for that time the model is not
        served. It is an error if a server does not let go.
      - Needs the agent transport.
    type: bool
    default: false
  uid:
    description:
      - Owner of the published files. They are readable for all users, whatever the umask and the
        modes on the controller.
      - The helper pod of a claim runs as this user.
      - Without it C(5000), the user of the server's image. On a claim on OpenShift it is the first
        user of the namespace's range, as which servers run there; nothing has to be set.
    type: int
  gid:
    description:
      - Group that belongs to O(uid), and C(fsGroup) of the helper pod of a claim.
      - Without it C(5000), and on a claim on OpenShift what the namespace gives.
    type: int
  tolerations:
    description: Taints that the helper pods tolerate.
    type: list
    elements: dict
    default: []
    suboptions:
      key:
        description: Key of the taint. Without it all keys, if O(tolerations[].operator=Exists).
        type: str
      operator:
        description: Whether the value must be equal, or only the key exist.
        type: str
        choices: [Equal, Exists]
        default: Equal
      value:
        description: Value of the taint.
        type: str
      effect:
        description: Effect of the taint. Without it all effects.
        type: str
        choices: [NoSchedule, PreferNoSchedule, NoExecute]
  wait_timeout:
    description:
      - How long a helper pod may take to run, in seconds.
      - Also how long a broken connection is tried again without a byte of progress. What arrived
        before stays, and another helper is started when the pod is gone.
    type: int
    default: 120
  parallel:
    description: Number of nodes that are worked on, and of streams to the site, at the same time.
    type: int
    default: 4
attributes:
  check_mode:
    description:
      - Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
    details:
      - Starts a helper pod that mounts the store read-only, as only the store knows what it holds.
        None is started for a claim that has no volume yet.
  diff_mode:
    description:
      - Will return details on what has changed (or possibly needs changing in C(check_mode)), when
        in diff mode.
    support: full
    details:
      - Lists versions and files with their sizes for each target, and how many bytes each file
        needs from where.
seealso:
  - module: openvino.edge.model_repository_info
  - module: openvino.edge.model_server
extends_documentation_fragment:
  - openvino.edge.auth
  - openvino.edge.pull
  - openvino.edge.sending
  - openvino.edge.store
  - openvino.edge.trust
  - openvino.edge.planned
  - openvino.edge.attributes
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
- name: Copy all models to a volume
  openvino.edge.model_repository:
    kubeconfig: ~/.kube/shop
    namespace: edge
    src: /srv/models
    pvc:
      claim_name: models

- name: Publish a signed archive, and start no helper pod when nothing has changed
  openvino.edge.model_repository:
    namespace: edge
    src: /srv/release-7.tar.gz
    signature:
      bundle: /srv/release-7.sig
      public_key: files/release.pub
    compare: record
    pvc:
      claim_name: models

- name: Copy one version to a directory on two nodes
  openvino.edge.model_repository:
    namespace: edge
    src: /srv/models
    models:
      - name: detection
        versions: [2]
    host_path:
      path: /var/lib/openvino-edge/models
      nodes: [factory-1, factory-2]

- name: Let the site fetch from its own object storage
  openvino.edge.model_repository:
    namespace: edge
    pull:
      url: s3://models/edge
      endpoint: https://minio.site.example.com:9000
      secret_name: minio-reader
      manifest: /srv/releases/SHA256SUMS
      ca_cert: /srv/releases/site-ca.pem
    host_path:
      path: /var/lib/openvino-edge/models

- name: Copy to a directory on two nodes, where the namespace forbids hostPath volumes
  openvino.edge.model_repository:
    namespace: edge
    src: /srv/models
    pvc:
      claim_name: models
      local:
        path: /var/lib/openvino-edge/models
        nodes: [factory-1, factory-2]

- name: Copy where no Python image can be had
  openvino.edge.model_repository:
    namespace: edge
    src: /srv/models
    pvc:
      claim_name: models
    transport: exec
    exec_image: registry.example.com/openvino/model_server:2026.3.1

- name: Copy the new versions, and keep no more than two of each model besides those in use
  openvino.edge.model_repository:
    namespace: edge
    src: /srv/models
    pvc:
      claim_name: models
    keep_versions: 2

- name: Restore what was damaged on the nodes
  openvino.edge.model_repository:
    namespace: edge
    src: /srv/models
    host_path:
      path: /var/lib/openvino-edge/models
    repair: true

- name: Remove a version that no server needs any more
  openvino.edge.model_repository:
    namespace: edge
    state: absent
    models:
      - name: detection
        versions: [1]
    pvc:
      claim_name: models
"""

RETURN = r"""
carrier:
  description: By what pods were asked, V(proxy), V(portforward) or both. Empty where none was.
  returned: success
  type: str
bytes_total:
  description: Size of the chosen models, times the number of targets.
  returned: success
  type: int
bytes_planned:
  description:
    - In check mode, the bytes that the controller would send, with deltas and compression. The run
      after it sends exactly these, unless a connection breaks.
    - Else the same as RV(bytes_sent).
  returned: success
  type: int
bytes_sent:
  description: Bytes sent for files, those lost with a connection too. V(0) in check mode.
  returned: success
  type: int
bytes_reused:
  description: Bytes of the wanted versions that were published there already.
  returned: success
  type: int
bytes_linked:
  description: Bytes of files that others on the store have too, and that were shared or linked.
  returned: success
  type: int
bytes_resumed:
  description: Bytes that a run which was cut short had left on the store.
  returned: success
  type: int
bytes_received_hashes:
  description: Bytes of block hashes that the controller received to find the differences.
  returned: success
  type: int
bytes_from_peers:
  description:
    - Bytes of files that nodes fetched from other nodes of the task, instead of the controller.
    - V(0) in check mode, and without O(peers).
  returned: success
  type: int
bytes_pulled:
  description:
    - Bytes of files that came from O(pull.url), in check mode that would. V(0) without O(pull).
  returned: success
  type: int
  sample: 104857600
files_sent:
  description: Number of files that were sent.
  returned: success
  type: int
seconds:
  description: How long it took.
  returned: success
  type: float
transport:
  description:
    - The way that was taken, V(agent) or V(exec). Both, if nodes differ.
    - V(none) in check mode for a store that does not exist yet, and with O(compare=record) when the
      store was not looked at.
  returned: success
  type: str
  sample: agent
models:
  description:
    - Digest of each chosen version, by model and version.
    - It is the sha256 over the names, sizes and sha256 of its files.
  returned: success
  type: dict
  sample:
    detection:
      "1": sha256:3d75413ade030a0211cb7654805229b7fd711d2414f9733e5026e6a06a46a87f
volumes_made:
  description: Volume and claim of O(pvc.local) that were made, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample:
    - created PersistentVolume openvino-edge-edge-models-5d1c0f0e
    - created PersistentVolumeClaim edge/models
targets:
  description: What was done, or in check mode would be, on the claim or on each node.
  returned: success
  type: list
  elements: dict
  contains:
    target:
      description: The store.
      type: str
    node:
      description: The node; null for a claim.
      type: str
    transport:
      description: The way that was taken.
      type: str
    versions_published:
      description: Versions that were sent.
      type: list
      elements: str
      sample: [detection/1]
    versions_kept:
      description: Versions that were there already.
      type: list
      elements: str
    versions_removed:
      description: Versions that were removed.
      type: list
      elements: str
    versions_repaired:
      description:
        - Versions of which files were restored, and how they differed.
        - C(load_again) names the pods that may have loaded the damaged files and could not be asked
          or told to load the version again. They go on with those until their pods are restarted.
      type: list
      elements: dict
      sample:
        - model: detection
          version: 1
          changed: [model.bin]
          missing: []
          extra: []
          wrong_owner_or_mode: []
          load_again: []
    versions_loaded_anew:
      description:
        - Versions under whose number running servers had loaded other bytes, and their pods. OVMS
          never reads the files of a loaded version again, so these servers were made to let go of
          it before it became visible, and then to load it.
        - It is an error if one does not, or may not be told to (C(create) on C(pods/proxy)).
      type: list
      elements: dict
      sample:
        - model: detection
          version: 1
          pods: [pod edge/ovms-5d8f7-x2k9p]
    versions_in_use:
      description:
        - Versions that O(keep_versions) or O(prune) would have removed, and who uses them.
      type: list
      elements: dict
      sample:
        - model: detection
          version: 1
          by: Deployment edge/ovms
    bytes_planned:
      description: Bytes that the controller sends.
      type: int
    bytes_sent:
      description: Bytes that the controller sent.
      type: int
    bytes_reused:
      description: Bytes of the wanted versions that were published there already.
      type: int
    bytes_linked:
      description: Bytes of files that are the same as others on the store.
      type: int
    bytes_resumed:
      description: Bytes that a run which was cut short had left.
      type: int
    bytes_received_hashes:
      description: Bytes of block hashes that the controller received.
      type: int
    bytes_from_peers:
      description: Bytes of files that came from other nodes of the task.
      type: int
    bytes_pulled:
      description: Bytes of files that came from O(pull.url).
      type: int
    files_sent:
      description: Number of files that were sent.
      type: int
    free_bytes:
      description: Free space before anything was sent; null for a store that does not exist yet.
      type: int
error:
  description: The parts of the error message, for programs.
  returned: failure
  type: dict
  contains:
    kind:
      description: Class of the error, for example V(input), V(forbidden), V(busy), V(transfer).
      type: str
    message:
      description: What is wrong.
      type: str
    option:
      description: The option that has to change, if one has.
      type: str
    subject:
      description: The path, object or store it is about.
      type: str
    hint:
      description: The way out.
      type: str
    details:
      description: More, for example all findings in a repository, or what was published before.
      type: dict
"""


from ..module_utils.entry import EdgeModule, run_module
from ..module_utils.repository.entry import ARGUMENT_SPEC, SPEC_RULES, run


def main() -> None:
    module = EdgeModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **SPEC_RULES)
    run_module(module, run)


if __name__ == "__main__":
    main()
