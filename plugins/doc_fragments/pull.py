# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of who brings the files to the site, and of what the nodes give to each other."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of C(repository/pull/options.py) and C(repository/sharing.py)."""

    DOCUMENTATION = r"""
options:
  pull:
    description:
      - Instead of O(src), let the helper pods fetch the models from a web server or S3 storage, for
        sites where that is nearer than the controller. The controller sends no file.
      - Names and sizes are checked by the same rules as a local directory, and the files are
        verified and published in the same way. What is there already is not fetched again, and an
        interrupted fetch goes on where it broke.
      - With several nodes one fetches and gives the files to the others, see O(peers).
        O(bandwidth_limit), O(bandwidth_limit_total), O(delta) and O(compress) have no effect on it.
      - Needs the agent transport, and a way from the pods to the source. An image without root
        certificates needs O(pull.ca_cert) for C(https).
      - Given credentials are put into a Secret that belongs to the helper's Job and is removed with
        it. They are in no other object, and in no log.
    type: dict
    suboptions:
      url:
        description:
          - Where the directories C(<model>/<version>) are, as C(http://HOST/PATH),
            C(https://HOST/PATH) or C(s3://BUCKET/PREFIX).
        type: str
        required: true
      manifest:
        description:
          - File on the controller that lists what is there. It has the lines that C(sha256sum)
            prints for C(<model>/<version>/<file>), or the JSON of one or more of our manifests.
          - Required for C(http) and C(https) without O(signature), which lists the files as well.
            Both together are compared.
          - Without it a bucket is listed and trusted on first use. What is there is fetched, hashed
            and published as it is. Names, sizes and ETags of the bucket are kept with the store,
            and as long as they are the same nothing is fetched again. If they changed for a
            published version, its files are fetched once more to be compared.
        type: path
      endpoint:
        description:
          - URL of the S3 server. Without it Amazon S3 in O(pull.region). Buckets are named in the
            path, so that MinIO, Ceph and others need no names of their own for them.
        type: str
      region:
        description: Region that S3 requests are signed for. Without it C(us-east-1).
        type: str
      secret_name:
        description:
          - Name of an existing Secret in O(namespace) with the credentials. Only these keys of it
            reach the pod, C(access_key) or C(AWS_ACCESS_KEY_ID), C(secret_key) or
            C(AWS_SECRET_ACCESS_KEY), C(session_token) or C(AWS_SESSION_TOKEN), C(username),
            C(password), C(bearer_token), C(http_proxy), and C(https_proxy).
          - Without it and without given credentials, requests are anonymous.
        type: str
      access_key:
        description: Access key of S3. Needs O(pull.secret_key).
        type: str
      secret_key:
        description: Secret key of S3.
        type: str
      session_token:
        description: Session token that belongs to temporary S3 keys. Without it none is sent.
        type: str
      username:
        description: User for HTTP Basic authentication.
        type: str
      password:
        description: Password of O(pull.username). Without it an empty one.
        type: str
      bearer_token:
        description: Token that is sent instead of a user and password.
        type: str
      http_proxy:
        description:
          - Proxy of the site for C(http) sources, as C(http://HOST:PORT) or
            C(http://USER:PASSWORD@HOST:PORT). Without it they are reached directly; the environment
            of the controller or the pod does not count.
        type: str
      https_proxy:
        description: The same for C(https) sources, which are reached by C(CONNECT).
        type: str
      no_proxy:
        description:
          - Hosts, domains, addresses and CIDR blocks, divided by commas, that are reached without a
            proxy. Without it none.
        type: str
      ca_cert:
        description:
          - File on the controller with PEM certificates to trust, beside those of the image.
            Without it only those.
        type: path
      validate_certs:
        description: Whether the certificate of the source is checked.
        type: bool
        default: true
  peers:
    description:
      - With several nodes (O(host_path)), send each file to one of them only. The others fetch it
        from there, from pod to pod, and verify it like every file. The one that needs the fewest
        bytes is chosen. A node that joins later gets all from its neighbours.
      - A secret that is made for the run keeps others out. The bytes are not encrypted on the way
        between the nodes.
      - Where pods cannot reach each other on port 8099 (a NetworkPolicy), a warning says so and the
        controller sends the files to each node.
      - With V(false) it does that at once.
    type: bool
    default: true
"""
