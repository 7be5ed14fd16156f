#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: model_server_info
short_description: List the model servers of a namespace
version_added: 0.1.0
description:
  - Returns the servers that M(openvino.edge.model_server) made in a namespace, with the models they
    are to serve, their replicas, images and addresses.
  - Reads what the cluster has stored. M(openvino.edge.model_status) asks the servers themselves.
options:
  namespace:
    description: Namespace to look at.
    type: str
    required: true
  name:
    description: Name of one server. Without it all are returned.
    type: str
seealso:
  - module: openvino.edge.model_server
  - module: openvino.edge.model_status
extends_documentation_fragment:
  - openvino.edge.auth
  - openvino.edge.attributes
  - openvino.edge.attributes.read_only
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
- name: See what is meant to run
  openvino.edge.model_server_info:
    namespace: edge
  register: found

- name: Show the addresses
  ansible.builtin.debug:
    msg: "{{ found.servers | map(attribute='service') | map(attribute='endpoints') }}"
"""

RETURN = r"""
servers:
  description: One entry per server, by name. Parts that are missing on the cluster are null.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the server.
      type: str
    namespace:
      description: Namespace of the server.
      type: str
    backend:
      description: The option O(openvino.edge.model_server#module:backend) it was made with.
      type: str
    models:
      description: Models with their pinned versions.
      type: list
      elements: dict
      sample:
        - {name: detection, versions: [1]}
    config:
      description: The stored configuration file.
      type: dict
    image:
      description: Image of the server.
      type: str
    workload:
      description: Kind of the object that runs the pods, V(Deployment) or V(DaemonSet).
      type: str
    replicas:
      description: Number of pods that are wanted, ready, and of the newest template.
      type: dict
      sample: {wanted: 2, ready: 2, updated: 2}
    service:
      description: Type, addresses and ports of the Service.
      type: dict
      contains:
        type:
          description: Type of the Service.
          type: str
        cluster_ip:
          description: Address inside the cluster.
          type: str
        node_ports:
          description: Ports on every node, by interface.
          type: dict
        external:
          description: Addresses of the load balancer.
          type: list
          elements: str
        endpoints:
          description: Host and port inside the cluster, by interface.
          type: dict
          sample: {rest: "ocr.edge.svc:8081", grpc: "ocr.edge.svc:8080"}
    clients:
      description:
        - Each way to each interface, and how clients call it; null without a Service. The same that
          M(openvino.edge.model_server) returns.
      type: list
      elements: dict
      contains:
        way:
          description: The way, one of the values of O(openvino.edge.model_server#module:reach).
          type: str
        interface:
          description: V(rest) or V(grpc).
          type: str
        chosen:
          description: Clients of the interface are to use this way.
          type: bool
        why:
          description: Why it is chosen; null for the others.
          type: str
        usable_from:
          description: V(inside) of the cluster, or V(outside) and inside.
          type: str
        address:
          description: URL of REST, host and port of gRPC.
          type: str
        protocol:
          description: V(http), V(https), V(grpc), or V(grpcs) for gRPC over TLS.
          type: str
        verify:
          description: The name that the server's certificate has to have; null without TLS.
          type: str
        client_certificate:
          description: The client has to show a certificate.
          type: bool
        spreads:
          description:
            - What goes to the replicas in turn. With V(connection) a client that keeps its
              connection stays with one replica, with V(call) it does not.
          type: str
        calls:
          description:
            - Calls that can be run as they are, by client; C(curl) in a shell, the others in
              Python. They ask for the inputs and outputs of the first model.
            - C(ovmsclient) only for releases of OVMS before 2026.3.
            - C(client.pem) and C(client.key) are the client's own. An authority that the machine
              does not trust is told by the environment, see the page "Which way in".
          type: dict
      sample:
        - way: headless
          interface: grpc
          chosen: true
          why: there can be more than one replica, and the client spreads its calls
          usable_from: inside
          address: ocr-headless.edge.svc:8080
          protocol: grpc
          verify: null
          client_certificate: false
          spreads: call
          calls:
            tritonclient: |
              import tritonclient.grpc as triton

              client = triton.InferenceServerClient(
                  "dns:///ocr-headless.edge.svc:8080",
                  channel_args=[
                      ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}'),
                      ("grpc.max_send_message_length", -1),
                      ("grpc.max_receive_message_length", -1),
                  ],
              )
              print(client.get_model_metadata('detection'))
    set_by_others:
      description:
        - Fields of its objects that somebody else has set, and this collection has not, such as an
          environment variable that was added with C(kubectl set env). M(openvino.edge.model_server)
          leaves them as they are.
        - Empty where a controller makes the objects (O(openvino.edge.model_server#module:backend)).
      type: list
      elements: dict
      contains:
        kind:
          description: Kind of the object.
          type: str
        name:
          description: Name of the object.
          type: str
        manager:
          description: Who has set them, as the API server calls it (field manager).
          type: str
        fields:
          description: Paths of the fields.
          type: list
          elements: str
      sample:
        - kind: Deployment
          name: ocr
          manager: kubectl-set
          fields: [spec.template.spec.containers.ovms.env.SITE]
"""


from ..module_utils.entry import EdgeModule, run_module
from ..module_utils.server.info import ARGUMENT_SPEC, SPEC_RULES, run


def main() -> None:
    module = EdgeModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **SPEC_RULES)
    run_module(module, run)


if __name__ == "__main__":
    main()
