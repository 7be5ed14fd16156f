# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the places that a server's models come from."""

from __future__ import annotations


class ModuleDocFragment:
    """The options in C(server/sources.py)."""

    DOCUMENTATION = r"""
options:
  pvc:
    description:
      - The store is a volume behind a PersistentVolumeClaim.
      - Excludes O(host_path), O(cloud) and O(image_volume). One of them is required, unless a
        server is removed.
    type: dict
    suboptions:
      claim_name:
        description: Name of the claim.
        type: str
        required: true
      sub_path:
        description: Directory in the volume that is the root of the store.
        type: str
        default: ""
      local:
        description:
          - A directory on nodes that M(openvino.edge.model_repository) makes into the volume behind
            the claim.
          - This module makes nothing of it. With several nodes it serves from each of them, as with
            O(host_path.nodes).
        type: dict
        suboptions:
          path:
            description: Absolute path on the nodes.
            type: str
            required: true
          nodes:
            description: Names of the nodes that have the directory.
            type: list
            elements: str
            required: true
          capacity:
            description: Capacity that volume and claim tell.
            type: str
            default: 10Gi
          storage_class:
            description: StorageClass of volume and claim. Empty is none.
            type: str
            default: ""
          create_directory_in:
            description: Namespace in which a pod can make the directory.
            type: str
  host_path:
    description:
      - The store is one directory on each chosen node.
      - The namespace has to admit it (Pod Security level V(privileged)).
    type: dict
    suboptions:
      path:
        description: Absolute path on the nodes, the root of the store.
        type: str
        required: true
      node_selector:
        description: Labels of the nodes that have the directory.
        type: dict
        default: {}
      nodes:
        description: Names of the nodes that have the directory.
        type: list
        elements: str
        default: []
  cloud:
    description:
      - The server itself reads its models from a bucket. The directory of a model is C(URI/NAME),
        with one directory for each version in it.
      - Exactly one of O(cloud.s3), O(cloud.gs) and O(cloud.azure) is given.
      - Credentials that are given are kept in a Secret of the collection. They are in no variable
        and no argument of the Deployment in clear, and not in the result or the diff. Others next
        time replace the pods, one after the other.
      - With O(cloud.s3.secret_name) and its like the Secret is yours. It is checked for its keys
        first, and pods are replaced when it has changed since the last run, provided that the
        account may get it.
      - The server downloads to C(/tmp), see O(openvino.edge.model_server#module:tmp_size), and
        lists the bucket at each
        O(openvino.edge.model_server#module:file_system_poll_wait_seconds).
      - Excludes O(pvc), O(host_path) and O(image_volume).
    type: dict
    suboptions:
      s3:
        description: Amazon S3, or another store that speaks its protocol.
        type: dict
        suboptions:
          uri:
            description:
              - The bucket and the directory of the models in it.
              - Needed unless M(openvino.edge.model_server) is given C(config_map), whose
                configuration has the paths.
            type: str
          endpoint:
            description:
              - Host and port of an S3-compatible store, for example V(http://minio.storage.svc:9000).
                It needs credentials.
              - OVMS speaks plain HTTP to it, so C(https) is refused.
              - It is refused together with O(openvino.edge.model_server#module:proxies) if the host
                is inside the cluster or in O(openvino.edge.model_server#module:proxies.no_proxy),
                because OVMS does not look at that for S3 and would ask the proxy.
              - Without it the store is AWS.
            type: str
          region:
            description:
              - Region of the bucket. Required without O(cloud.s3.endpoint).
              - With an endpoint V(us-east-1) if it is not given.
            type: str
          access_key_id:
            description: The key's name. Without credentials the bucket has to be public.
            type: str
          secret_access_key:
            description: The key's secret.
            type: str
          session_token:
            description: Token of temporary keys.
            type: str
          secret_name:
            description:
              - Name of an existing Secret with the keys C(AWS_ACCESS_KEY_ID),
                C(AWS_SECRET_ACCESS_KEY) and, if needed, C(AWS_SESSION_TOKEN).
            type: str
      gs:
        description: Google Cloud Storage.
        type: dict
        suboptions:
          uri:
            description:
              - The bucket and the directory of the models in it.
              - Needed unless M(openvino.edge.model_server) is given C(config_map), whose
                configuration has the paths.
            type: str
          credentials:
            description:
              - Text of a key file, such as the one of a service account.
              - Without credentials the bucket has to be public.
            type: json
          secret_name:
            description: Name of an existing Secret with the key file as C(gcp-creds.json).
            type: str
      azure:
        description: Azure Storage. One of both ways to give credentials is required.
        type: dict
        suboptions:
          uri:
            description:
              - The container and the directory of the models in it, as V(az://CONTAINER/DIRECTORY)
                for blobs or V(azfs://SHARE/DIRECTORY) for files.
              - Needed unless M(openvino.edge.model_server) is given C(config_map), whose
                configuration has the paths.
            type: str
          connection_string:
            description: Connection string of the storage account.
            type: str
          secret_name:
            description:
              - Name of an existing Secret with the key C(AZURE_STORAGE_CONNECTION_STRING).
            type: str
  image_volume:
    description:
      - The models are the files of an OCI image, which nodes pull like any other image. Several
        replicas on any node can use it, and the Pod Security Standard C(restricted) admits it.
      - Needs Kubernetes 1.36, and containerd 2.1 or CRI-O 1.31 on the nodes.
      - It has to be an image with layers. An OCI artifact, as C(oras push) makes it, is mounted as
        an empty volume, without an event; the server then finds no model.
      - O(openvino.edge.model_server#module:image_pull_secrets) are used for it, too.
      - Excludes O(pvc), O(host_path) and O(cloud).
    type: dict
    suboptions:
      reference:
        description: The image. Use a tag or digest that does not move.
        type: str
        required: true
      pull_policy:
        description: When the image is pulled.
        type: str
        choices: [IfNotPresent, Always, Never]
        default: IfNotPresent
      path:
        description:
          - Directory in the image that has a directory for each model. Empty is its root.
          - Files keep the user and mode that they have in the image, so they should be readable by
            everybody.
        type: str
        default: models
"""
