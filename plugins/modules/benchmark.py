#!/usr/bin/python
# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: benchmark
short_description: Measure how fast a model server answers
version_added: 0.2.0
description:
  - Sends inferences to a model of OpenVINO Model Server (OVMS), and returns latency, throughput,
    errors by kind, bytes, and the share of each replica; with O(slo) it is a gate.
  - A pod of the cluster sends them, with nothing but Python, to the Service or to each replica. It
    fits the restricted Pod Security Standard, has no token and no right, and is gone afterwards.
    With O(url) the controller sends them, on the way that clients from outside take.
  - The page C(docs/benchmark.md) tells what the figures are, and what they are not.
options:
  namespace:
    description: Namespace of the model server, required with O(name) and O(label_selector).
    type: str
  name:
    description:
      - Name of the server's Deployment or DaemonSet. Each of its replicas has to report O(model)
        AVAILABLE before anything is sent.
      - One of O(name), O(label_selector) and O(url) is required. With O(url) it only tells whose
        replicas are looked at.
    type: str
  label_selector:
    description: Measures the pods with these labels instead, whatever made them.
    type: str
  rest_port:
    description:
      - The server's REST port inside its pods.
      - Without it, that of the arguments of the workload O(name), else 8081.
    type: int
  grpc_port:
    description: The server's gRPC port inside its pods, for O(client=grpc).
    type: int
    default: 8080
  target:
    description:
      - Where the pod sends requests.
      - V(service) is the Service in front of the server. A connection then stays with the replica
        that it met first.
      - V(headless) is a Service with C(clusterIP None). The pod asks for the addresses of its name,
        and then each of them in turn, as clients do that balance themselves.
      - V(replicas) are all replicas in turn, each with connections of its own, without a Service.
    type: str
    choices: [service, headless, replicas]
    default: service
  balance:
    description:
      - How O(target=headless) and O(target=replicas) deal out to several replicas.
      - V(requests) are dealt out in turn, so each connection waits for the slowest replica, too.
      - V(connections) are dealt out in turn, and each stays with its replica.
    type: str
    choices: [requests, connections]
    default: requests
  service:
    description:
      - Name of the Service; O(name) if not given, and with O(target=headless) that with
        C(-headless) at its end.
    type: str
  url:
    description:
      - Sends the requests from the controller to this address, such as C(https://ocr.example.org)
        with O(client=rest), or C(grpcs://ocr.example.org:443) with O(client=grpc).
      - Proxies of the environment are not used.
    type: str
  url_from:
    description:
      - Who sends the requests for O(url). With V(cluster) it is the pod, as it would be without
        O(url), so that the latencies of both can be compared; O(name) or O(label_selector) is then
        required.
      - The files of O(tls) go into a Secret that is removed with the pod.
    type: str
    choices: [controller, cluster]
    default: controller
  connect:
    description:
      - Host and port to connect to instead of those of O(url), whose host is still asked for, such
        as C(192.0.2.7:443); for names that are not in the DNS.
    type: str
  tls:
    description: What TLS checks and shows, for a O(url) with it.
    type: dict
    suboptions:
      verify:
        description: Checks the certificate of the server; gRPC always does.
        type: bool
        default: true
      ca:
        description: File with certificates of the authorities to trust; the system's without it.
        type: path
      cert:
        description: File with the certificate of the client, and those above it.
        type: path
      key:
        description: File with the key of O(tls.cert).
        type: path
  model:
    description: Name of the model.
    type: str
    required: true
  version:
    description: Version of the model; the server chooses one if it is not given.
    type: int
  client:
    description:
      - V(rest) is KServe v2 over HTTP with raw tensors. It needs nothing but Python.
      - V(grpc) is KServe v2 over gRPC with C(tritonclient[grpc]), of O(agent_image) or O(wheels),
        or with O(url) of the controller's Python.
    type: str
    choices: [rest, grpc]
    default: rest
  inputs:
    description:
      - Inputs of the request. Those that are not named get random values of the datatype and shape
        that the server tells, with 1 for a free dimension.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the input.
        type: str
        required: true
      datatype:
        description: Datatype of the values, such as V(FP32); a C(.npy) file tells it itself.
        type: str
      shape:
        description: Shape of the values. Without values, the shape of random ones.
        type: list
        elements: int
      data:
        description: The values, in one list or nested as the shape; texts for C(BYTES).
        type: raw
      file:
        description: A C(.npy) file, or a file of raw bytes, on the controller.
        type: path
      base64:
        description: Raw bytes, little-endian and row by row.
        type: str
  seed:
    description: Of the random values; the same seed gives the same values.
    type: int
    default: 0
  concurrency:
    description: Connections, each with one request at a time, at most 256.
    type: int
    default: 1
  requests:
    description:
      - How many requests are sent, at most 500000. 1000 if O(duration) is not given either.
    type: int
  duration:
    description: Sends requests for so many seconds instead.
    type: float
  rate:
    description:
      - Begins so many requests in a second, each at its moment, however the ones before went (open
        loop). A latency is counted from that moment on, so the waiting for a slow server is in it.
      - Without it each connection sends its next request when it has the last answer (closed loop).
    type: float
  warmup:
    description: Requests sent beforehand, which are in no figure but the counters of replicas.
    type: int
    default: 10
  timeout:
    description: Longest silence while an answer is awaited, in seconds.
    type: int
    default: 60
  run_timeout:
    description: Seconds after which no request is begun any more.
    type: int
    default: 600
  slo:
    description:
      - Bounds. The task fails if one is not kept; the result is then in C(error.details).
      - A bound that no server can keep is refused beforehand.
    type: dict
    suboptions:
      mean_ms:
        description: Longest mean latency in milliseconds.
        type: float
      p50_ms:
        description: Longest median in milliseconds.
        type: float
      p90_ms:
        description: Longest 90th percentile in milliseconds.
        type: float
      p95_ms:
        description: Longest 95th percentile in milliseconds.
        type: float
      p99_ms:
        description: Longest 99th percentile in milliseconds.
        type: float
      p999_ms:
        description: Longest 99.9th percentile in milliseconds.
        type: float
      max_ms:
        description: Longest latency in milliseconds.
        type: float
      error_rate:
        description: Largest share of requests without an answer, from 0 to below 1.
        type: float
      throughput:
        description: Least answers in a second.
        type: float
  report_only:
    description: Returns the figures without failing if a bound of O(slo) is not kept.
    type: bool
    default: false
  dest:
    description: Directory for C(benchmark.json) and C(benchmark.html), a page with plots that needs
      nothing from outside. It is made if it is missing.
    type: path
  agent_image:
    description: Image of the pod, with C(python3) 3.8 or newer; best with a digest.
    type: str
    default: docker.io/library/python:3.12-slim
  wheels:
    description: Directory with wheels of C(tritonclient[grpc]) and what it needs, up to 64 MiB.
    type: path
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
  node_selector:
    description: Labels of the node on which the pod runs; best not that of a replica.
    type: dict
    default: {}
  wait_timeout:
    description: Seconds until the pod has to run.
    type: int
    default: 120
notes:
  - Check mode reads what the server takes, and says what would be sent. It sends nothing.
  - The account needs what C(openvino-edge-deployer) has.
seealso:
  - module: openvino.edge.model_status
  - module: openvino.edge.model_inference
extends_documentation_fragment:
  - openvino.edge.auth
  - openvino.edge.attributes
attributes:
  check_mode:
    description:
      - Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description:
      - Will return details on what has changed (or possibly needs changing in C(check_mode)), when
        in diff mode.
    support: none
  idempotent:
    support: partial
    details:
      - Leaves nothing on the cluster, but O(dest) gets new figures each time.
author:
  - openvino.edge contributors (@openvino-edge)
"""

EXAMPLES = r"""
- name: Measure the detector from inside of the cluster
  openvino.edge.benchmark:
    kubeconfig: ~/.kube/factory
    namespace: edge
    name: ovms
    model: detector
    concurrency: 4
    requests: 2000
    dest: "reports/{{ inventory_hostname }}"

- name: Refuse a server that does not keep its objective under 50 requests in a second
  openvino.edge.benchmark:
    namespace: edge
    name: ovms
    model: detector
    target: replicas
    concurrency: 16
    rate: 50
    duration: 60
    slo:
      p95_ms: 40
      error_rate: 0.001
      throughput: 49

- name: Measure what clients from outside see, with a client certificate
  openvino.edge.benchmark:
    url: https://ocr.example.org
    tls:
      ca: files/ca.pem
      cert: files/client.pem
      key: files/client.key
    model: detector
    inputs:
      - name: image
        file: files/street.npy
"""

RETURN = r"""
msg:
  description: The figures as a table; in check mode, what would be sent.
  returned: success
  type: str
passed:
  description: Whether all bounds of O(slo) are kept; true without any.
  returned: success, not in check mode
  type: bool
  sample: true
statistics:
  description:
    - The figures of the requests with an answer. Milliseconds where the name ends with C(_ms).
      Percentiles are interpolated, standard deviation and variance are those of the population.
    - C(throughput) is answers a second, C(error_rate) the share of requests without an answer.
  returned: success, not in check mode
  type: dict
  sample:
    count: 2000
    mean_ms: 7.61
    median_ms: 7.2
    min_ms: 5.9
    max_ms: 31.4
    p50_ms: 7.2
    p90_ms: 9.1
    p95_ms: 10.4
    p99_ms: 16.8
    p999_ms: 29.9
    stdev_ms: 1.9
    variance_ms2: 3.61
    throughput: 521.4
    error_rate: 0.0
requests:
  description: How many requests were sent, have an answer, and have none.
  returned: success, not in check mode
  type: dict
  sample: {sent: 2000, answered: 2000, failed: 0}
errors:
  description: Requests without an answer by kind, like V(HTTP 404), V(timeout), V(UNAVAILABLE).
  returned: success, not in check mode
  type: list
  elements: dict
  sample:
    - kind: timeout
      count: 2
      example: no answer in time
bytes:
  description:
    - Bytes of one request, of the tensors in it, and of an answer on average, without headers. With
      O(client=grpc) those of the request are its tensors.
  returned: success
  type: dict
  sample: {request: 150692, tensors: 150528, answer: 4132}
shares:
  description: Inferences of each replica, empty where they are not known.
  returned: success, not in check mode
  type: list
  elements: dict
  sample:
    - {replica: ovms-5d9c7b6f4-2x8kq, node: factory-1, inferences: 1003, share: 0.499}
    - {replica: ovms-5d9c7b6f4-9qw7c, node: factory-2, inferences: 1007, share: 0.501}
shares_from:
  description: Where RV(shares) come from, or why they are not known.
  returned: success, not in check mode
  type: str
  sample: the replicas' own counters, warm-up included
slo:
  description: Each bound of O(slo) with what was measured.
  returned: success, not in check mode
  type: list
  elements: dict
  sample:
    - {name: p95_ms, bound: 40.0, measured: 10.4, ok: true}
late:
  description:
    - Requests that began more than a millisecond after their moment, since no connection was free,
      and the longest that one was late; with O(rate).
  returned: success, not in check mode
  type: dict
  sample: {requests: 0, longest_ms: 0.0}
complete:
  description: Whether all that was wanted was sent.
  returned: success, not in check mode
  type: bool
  sample: true
client_cpu:
  description: How much of a core the client used; near 1 it measures itself.
  returned: success, not in check mode
  type: float
  sample: 0.21
client_node:
  description:
    - Load average of the machine that sent the requests, over the minute before, and its cores.
      Where it is well above their number, others are in the figures.
  returned: success, not in check mode
  type: dict
  sample: {load_average: 0.7, cores: 8}
distribution:
  description: How many latencies lie where, for a plot; the steps are logarithmic.
  returned: success, not in check mode
  type: list
  elements: dict
  sample:
    - {from_ms: 5.9, to_ms: 6.2, count: 31}
timeline:
  description: Answers in each slice of the measurement, for a plot.
  returned: success, not in check mode
  type: dict
  sample: {slice_seconds: 0.5, answers: [251, 264, 259]}
inputs:
  description: What goes into each request.
  returned: success
  type: list
  elements: dict
  sample:
    - {name: image, datatype: FP32, shape: [1, 3, 112, 112], bytes: 150528, values: random}
address:
  description: Where the requests went.
  returned: success
  type: str
  sample: 10.96.3.4:8081 (Deployment edge/ovms)
from:
  description: Where they came from, V(cluster) or V(controller).
  returned: success
  type: str
  sample: cluster
load:
  description: How much was sent; 0 where an option was not given.
  returned: success
  type: dict
  sample: {concurrency: 4, requests: 2000, duration: 0.0, rate: 0.0, warmup: 10}
model:
  description: Name of the model.
  returned: success, not in check mode
  type: str
  sample: detector
version:
  description: The version that was asked for; null where the server chose.
  returned: success, not in check mode
  type: int
  sample: 2
client:
  description: V(rest) or V(grpc).
  returned: success, not in check mode
  type: str
  sample: rest
schema:
  description: Version of this form, also of C(benchmark.json).
  returned: success, not in check mode
  type: int
  sample: 1
began:
  description: When the first measured request was sent, in UTC.
  returned: success, not in check mode
  type: str
  sample: "2026-11-30T23:10:00Z"
measured_seconds:
  description: From that moment until the last answer, in seconds.
  returned: success, not in check mode
  type: float
  sample: 3.836
files:
  description: The files in O(dest).
  returned: success
  type: list
  elements: str
  sample: [reports/factory/benchmark.json, reports/factory/benchmark.html]
seconds:
  description: Time spent by the task, in seconds.
  returned: success
  type: float
  sample: 7.4
error:
  description:
    - Why it failed, for programs. Where a bound is not kept, C(error.details) has all of the above.
  returned: failure
  type: dict
"""


from ..module_utils.entry import EdgeModule, run_module
from ..module_utils.loadtest.entry import ARGUMENT_SPEC, SPEC_RULES, run


def main() -> None:
    module = EdgeModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **SPEC_RULES)
    run_module(module, run)


if __name__ == "__main__":
    main()
