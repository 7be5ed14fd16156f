#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: model_server
short_description: Run OpenVINO Model Server on a Kubernetes cluster
version_added: 0.1.0
description:
  - Makes all that one OpenVINO Model Server (OVMS) needs, that is a ServiceAccount, its
    configuration, a Deployment or DaemonSet, and a Service, and waits until exactly the wanted pods
    run.
  - Every version is pinned in the configuration, so going to another version, or back, is a change
    of configuration that running servers take without a restart.
  - The pods pass the Pod Security Standard C(restricted), unless O(host_path) or O(run_as_user=0)
    asks for more.
  - Refuses, before anything is changed, a configuration that OVMS would refuse, missing rights, a
    missing namespace, claim or node, and a namespace whose Pod Security level forbids the pods.
  - While it waits, it fails as soon as waiting cannot help (image, scheduling, volumes, quota,
    crash), and says why, with the last log lines of a server that ended.
  - A Ready pod does not prove that models are served. Use M(openvino.edge.model_status) for that.
options:
  name:
    description: Name of the server and of its Deployment and Service.
    type: str
    required: true
  namespace:
    description: Namespace of all objects.
    type: str
    required: true
  state:
    description:
      - V(absent) removes what the collection made for O(name). The namespace, the claim and the
        models stay. A server that was taken over with O(adopt), and that its former owner has
        overwritten since, is refused, since it would stay.
      - V(returned) puts what was taken over with O(adopt) back as it was before, waits for its
        pods, and removes the rest.
    type: str
    choices: [present, absent, returned]
    default: present
  create_namespace:
    description: Creates the namespace if it does not exist.
    type: bool
    default: false
  namespace_labels:
    description:
      - Labels for the namespace, set together with O(create_namespace).
      - For example the Pod Security level that O(host_path) needs.
    type: dict
    default: {}
  image:
    description: Image of OVMS. Use a tag or digest that does not move.
    type: str
    default: docker.io/openvino/model_server:2026.3.1
  replicas:
    description:
      - Number of pods.
      - Without it one for each of O(host_path.nodes), else one.
      - On host paths no two replicas share a node.
      - Excludes O(autoscaling) and O(workload=DaemonSet).
    type: int
  rest_port:
    description:
      - Port of the REST interface, of the Service and of the pods; 8081 unless the server was taken
        over with O(adopt), which keeps the ports that it had.
    type: int
  grpc_port:
    description:
      - Port of the gRPC interface, of the Service and of the pods; 8080 unless the server was taken
        over with O(adopt), which keeps the ports that it had.
    type: int
  service_type:
    description: Type of the Service.
    type: str
    choices: [ClusterIP, NodePort, LoadBalancer]
    default: ClusterIP
  log_level:
    description: How much the server logs.
    type: str
    choices: [TRACE, DEBUG, INFO, WARNING, ERROR]
    default: INFO
  file_system_poll_wait_seconds:
    description:
      - How often the server looks for a new configuration and new versions, in seconds.
      - With V(0) it never looks, so a change of configuration replaces the pods.
    type: int
    default: 1
  extra_args:
    description:
      - More arguments for the server. Those that have an option here, and those that newer releases
        refuse, are refused.
    type: list
    elements: str
    default: []
  startup_timeout:
    description:
      - How long the first load of all models may take, in seconds, before the pod is restarted.
    type: int
    default: 600
  wait:
    description: Waits until exactly the wanted pods run and are ready, and old ones are gone.
    type: bool
    default: true
  wait_timeout:
    description: How long to wait, in seconds.
    type: int
    default: 300
seealso:
  - module: openvino.edge.model_repository
  - module: openvino.edge.model_status
  - module: openvino.edge.model_config
  - module: openvino.edge.model_server_info
  - module: openvino.edge.release
  - module: openvino.edge.release_info
extends_documentation_fragment:
  - openvino.edge.auth
  - openvino.edge.server_config
  - openvino.edge.server_config.own
  - openvino.edge.server_outgoing
  - openvino.edge.server_running
  - openvino.edge.server_updates
  - openvino.edge.server_exposing
  - openvino.edge.server_cache
  - openvino.edge.server_security
  - openvino.edge.server_device
  - openvino.edge.server_sources
  - openvino.edge.planned
  - openvino.edge.attributes
  - openvino.edge.attributes.changes
  - openvino.edge.server_adopt
  - openvino.edge.server_backend
  - openvino.edge.server_releases
  - openvino.edge.server_releases.run
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
- name: Serve two models from a claim
  openvino.edge.model_server:
    kubeconfig: ~/.kube/shop
    namespace: edge
    name: ocr
    pvc:
      claim_name: models
    models:
      - name: detection
        versions: [1]
      - name: recognition
        versions: [1]

- name: Go to version 2 of one of them, without a restart
  openvino.edge.model_server:
    kubeconfig: ~/.kube/shop
    namespace: edge
    name: ocr
    pvc:
      claim_name: models
    models:
      - name: detection
        versions: [2]
        plugin_config:
          PERFORMANCE_HINT: LATENCY
      - name: recognition
        versions: [1]

- name: One server on each of two nodes, models in a directory of the node
  openvino.edge.model_server:
    namespace: edge
    create_namespace: true
    namespace_labels:
      pod-security.kubernetes.io/enforce: privileged
    name: ocr
    host_path:
      path: /var/lib/openvino-edge/models
      nodes: [factory-1, factory-2]
    models:
      - name: detection
        versions: [1]

- name: Models in an S3-compatible store, read by the server itself
  openvino.edge.model_server:
    namespace: edge
    name: ocr
    cloud:
      s3:
        uri: s3://models/ocr
        endpoint: http://minio.storage.svc:9000
        access_key_id: "{{ vault_s3_key }}"
        secret_access_key: "{{ vault_s3_secret }}"
    models:
      - name: detection
        versions: [1]

- name: Models that travel as an image
  openvino.edge.model_server:
    namespace: edge
    name: ocr
    image_volume:
      reference: registry.example.com/ocr-models:7
    models:
      - name: detection
        versions: [1]

- name: Serve a pipeline of two models and a library of the image, with metrics
  openvino.edge.model_server:
    namespace: edge
    name: ocr
    pvc:
      claim_name: models
    models:
      - name: detection
        versions: [1]
      - name: recognition
        versions: [1]
    custom_node_libraries:
      - name: east_ocr
        base_path: /ovms/lib/custom_nodes/libcustom_node_east_ocr.so
    pipelines:
      - name: read_text
        inputs: [image]
        outputs:
          - texts: {node_name: recognize, data_item: texts}
        nodes:
          - name: detect
            model_name: detection
            inputs:
              - input: {node_name: request, data_item: image}
            outputs:
              - {data_item: scores, alias: scores}
          - name: cut
            library_name: east_ocr
            params: {confidence_threshold: 0.9}
            demultiply_count: -1
            inputs:
              - scores: {node_name: detect, data_item: scores}
            outputs:
              - {data_item: text_images, alias: text_images}
          - name: recognize
            model_name: recognition
            inputs:
              - input: {node_name: cut, data_item: text_images}
            outputs:
              - {data_item: logits, alias: texts}
    monitoring: {}

- name: Serve three replicas, and let clients of gRPC inside the cluster use all of them
  openvino.edge.model_server:
    namespace: edge
    name: ocr
    pvc:
      claim_name: models
    models:
      - name: detection
        versions: [1]
    replicas: 3
    service:
      headless: true
    reach: headless
  register: served

- name: Show how they call it
  ansible.builtin.debug:
    msg: "{{ served.clients | selectattr('chosen') | map(attribute='calls') }}"

- name: Serve what a ConfigMap of yours says
  openvino.edge.model_server:
    namespace: edge
    name: ocr
    pvc:
      claim_name: models
    config_map: ocr-by-hand

- name: Remove the server, keep the models
  openvino.edge.model_server:
    namespace: edge
    name: ocr
    state: absent
"""

RETURN = r"""
carrier:
  description: By what pods were asked, V(proxy), V(portforward) or both. Empty where none was.
  returned: O(state=present)
  type: str
  sample: proxy
objects:
  description: What was done with each object.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: Kind of the object.
      type: str
    name:
      description: Name of the object.
      type: str
    action:
      description: One of V(created), V(updated), V(deleted) and V(unchanged).
      type: str
  sample:
    - {kind: ConfigMap, name: ocr-config, action: updated}
    - {kind: Deployment, name: ocr, action: unchanged}
config:
  description:
    - The server's configuration file; null with O(config_path), and where O(backend=operator)
      serves one model.
  returned: O(state=present)
  type: dict
endpoints:
  description: Host and port inside the cluster, by interface.
  returned: O(state=present)
  type: dict
  sample: {rest: "ocr.edge.svc:8081", grpc: "ocr.edge.svc:8080"}
exposed:
  description: What clients outside of the cluster write, by interface; empty without O(expose).
  returned: O(state=present)
  type: dict
  sample: {rest: https://ocr.example.org, grpc: "ocr.example.org:443"}
exposed_through:
  description:
    - By what clients come in from outside - C(controller), C(class_name), C(gateway) (its namespace
      and name), and C(why) it is that; empty without O(expose). In check mode as well.
  returned: O(state=present)
  type: dict
  sample: {controller: openshift, class_name: null, gateway: null, why: the cluster serves Routes}
clients:
  description:
    - Each way to each interface, and how clients call it. The documentation of
      M(openvino.edge.model_server_info), which returns the same, tells the fields.
  returned: O(state=present)
  type: list
  elements: dict
addresses:
  description:
    - What a load balancer gave to the Service, with O(service_type=LoadBalancer). Else empty.
    - With O(wait=false) only if the Service was left as it is.
  returned: O(state=present)
  type: list
  elements: str
  sample: [192.0.2.10]
prepulled:
  description:
    - Images that nodes have pulled before pods there had to end; empty where none had to.
    - In check mode the nodes that would pull, and what.
  returned: O(state=present)
  type: list
  elements: dict
  contains:
    node:
      description: Name of the node; empty in check mode where the scheduler will choose it.
      type: str
    image:
      description: The image.
      type: str
    image_id:
      description: What the node calls it, mostly with its digest; not in check mode.
      type: str
  sample:
    - {node: shop-1, image: docker.io/openvino/model_server:2026.3.1, image_id: "sha256:0c1b..."}
ended_first:
  description:
    - Why all old pods had to end before new ones could start. Empty if they had not, or if no pod
      was replaced.
  returned: O(state=present)
  type: str
  sample: the old pods hold the devices that new ones ask for
downtime_seconds:
  description:
    - Seconds from the moment when old pods had to end until every new one was seen to serve, so at
      most that long nothing was served.
    - Null if nothing had to end first, in check mode and with O(wait=false).
  returned: O(state=present)
  type: float
  sample: 7.4
replicas:
  description: Number of pods that are wanted, and that were ready in the end.
  returned: O(state=present)
  type: dict
  contains:
    wanted:
      description: Number that is wanted; null if the cluster chooses it and it is not known yet.
      type: int
    ready:
      description: Number that was ready; null if O(wait=false) and in check mode.
      type: int
reload:
  description:
    - What running servers go through because of the change. With V(config_reload) they load the new
      configuration without a restart, with V(rolling_restart) pods are replaced.
    - V(none) if they are not touched, or if none were there before.
  returned: success
  type: str
  sample: config_reload
reload_reason:
  description: Why, in words; the head of the diff says it as well.
  returned: success
  type: list
  elements: str
  sample: [metrics settings are read at the start only]
proxies:
  description: What the cluster had to do with the proxies of the pods.
  returned: O(state=present), and the pods have a proxy
  type: dict
  contains:
    source:
      description: V(cluster) if the C(Proxy) object of OpenShift gave them, else V(options).
      type: str
    no_proxy:
      description: The whole list.
      type: str
    added:
      description: What O(proxies.complete_no_proxy) added to it.
      type: list
      elements: str
    unknown:
      description:
        - What could not be added since the account may not read it, V(services) (ServiceCIDRs) or
          V(pods) (nodes).
      type: list
      elements: str
release:
  description:
    - The record of the release that this is; null with O(release_history=0).
    - The record does not count as a change. A run that finds its release recorded as V(good) writes
      nothing.
  returned: O(state=present), not in check mode
  type: dict
  contains:
    number:
      description: Number of the release.
      type: int
    verdict:
      description:
        - V(good) if every replica served every wanted version and no other, V(failed) if one could
          not, V(unknown) with O(wait=false), or if nobody could ask.
      type: str
    reason:
      description: Why it is not V(good), in one line.
      type: str
    restores:
      description: Number of the release that was put back with it; else null.
      type: int
  sample: {number: 7, verdict: good, reason: "", restores: null}
seconds:
  description: How long it took.
  returned: success
  type: float
error:
  description: The parts of the error message, for programs.
  returned: failure
  type: dict
  contains:
    kind:
      description: Class of the error.
      type: str
    message:
      description: What is wrong.
      type: str
    option:
      description: The option that has to change, if one has.
      type: str
    subject:
      description: The object it is about.
      type: str
    hint:
      description: The way out.
      type: str
    details:
      description: More, among it the last lines of a crashed server in C(log).
      type: dict
"""


from ..module_utils.entry import EdgeModule, run_module
from ..module_utils.rollout.deploy import ARGUMENT_SPEC, SPEC_RULES, run


def main() -> None:
    module = EdgeModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **SPEC_RULES)
    run_module(module, run)


if __name__ == "__main__":
    main()
