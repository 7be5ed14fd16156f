# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options that say how a server runs."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of C(server/running.py)."""

    DOCUMENTATION = r"""
options:
  tmp_size:
    description:
      - Size limit of C(/tmp), the only directory that the server can write to.
      - With O(cloud) the largest model has to fit in, with all versions that are loaded at once.
        Nodes evict a pod that writes more.
      - Without it V(256Mi), or V(8Gi) with O(cloud).
    type: str
  resources:
    description: The C(requests) and C(limits) of the container.
    type: dict
    default: {}
  env:
    description:
      - Environment variables, name and value. They are readable in the Deployment.
      - >-
        Instead of a value, C({secretKeyRef: {name: NAME, key: KEY}}) or C(configMapKeyRef) takes it
        from an existing object, C({fieldRef: {fieldPath: spec.nodeName}}) or C(resourceFieldRef)
        from the pod, as in a Pod. What a Secret holds never leaves the cluster.
    type: dict
    default: {}
  node_selector:
    description: Labels of the nodes on which the pods may run.
    type: dict
    default: {}
  tolerations:
    description: Tolerations of the pods.
    type: list
    elements: dict
    default: []
  affinity:
    description: Affinity of the pods.
    type: dict
    default: {}
  labels:
    description: More labels for all objects and pods.
    type: dict
    default: {}
  annotations:
    description: Annotations for all objects and pods.
    type: dict
    default: {}
  workload:
    description:
      - What runs the pods. A V(DaemonSet) runs one server on every node that O(node_selector),
        O(affinity), O(tolerations) and the store choose, also on nodes that join later.
      - When it changes, new pods start beside the old ones, which end when the new ones serve.
        Old pods end first where new ones could not start beside them, which a warning tells. That
        is with devices, ports of the node, a claim for one node, O(strategy=Recreate), and
        O(wait=false).
    type: str
    choices: [Deployment, DaemonSet]
    default: Deployment
  rolling_update:
    description:
      - How many pods more and fewer than wanted there may be while pods are replaced, as a number
        or a percentage.
      - Without it as O(strategy) says. It excludes O(strategy=Recreate).
    type: dict
    suboptions:
      max_surge:
        description: Pods more than wanted. Without it V(0), or V(1) if no pod may lack.
        type: str
      max_unavailable:
        description: Pods fewer than wanted. Without it V(0), or V(1) if there may be none more.
        type: str
  autoscaling:
    description:
      - Makes a HorizontalPodAutoscaler. It chooses the number of replicas from then on, later runs
        leave the number alone.
      - At least one of the metrics is needed, and something in the cluster that serves them.
      - Excludes O(replicas) and O(workload=DaemonSet). Without it there are O(replicas).
    type: dict
    suboptions:
      min_replicas:
        description: Lowest number of replicas.
        type: int
        default: 1
      max_replicas:
        description: Highest number of replicas.
        type: int
        required: true
      cpu_utilization:
        description: Percentage of the requested CPU that pods are to use on average.
        type: int
      memory_utilization:
        description: Percentage of the requested memory that pods are to use on average.
        type: int
      pod_metrics:
        description:
          - Name of a metric of the pods, and its average per pod, for example
            C(ovms_requests_streams_ratio) and V("1").
          - An adapter has to serve it as a custom metric of pods.
        type: dict
        default: {}
      metrics:
        description: More metrics, as in a HorizontalPodAutoscaler of C(autoscaling/v2).
        type: list
        elements: dict
        default: []
      behavior:
        description: How fast to scale, as in a HorizontalPodAutoscaler of C(autoscaling/v2).
        type: dict
        default: {}
  disruption_budget:
    description:
      - Makes a PodDisruptionBudget, which draining a node respects.
      - Excludes O(workload=DaemonSet). Without it there is none.
    type: dict
    suboptions:
      min_available:
        description: Pods that must stay, as a number or a percentage. One of both is required.
        type: str
      max_unavailable:
        description: Pods that may go, as a number or a percentage.
        type: str
      unhealthy_pod_eviction_policy:
        description: Whether pods that are not ready may always go. Without it they may not.
        type: str
        choices: [IfHealthyBudget, AlwaysAllow]
  probes:
    description:
      - Changes how the kubelet asks the server. Numbers that are not given stay as they are.
      - The startup probe asks each second until all models were tried, for O(startup_timeout)
        seconds. Only then the other two begin. Readiness is asked every 5 s and given up after 3
        failures, liveness every 10 s and 6 failures.
    type: dict
    suboptions:
      startup:
        description: Whether the first load of all models is over.
        type: dict
        suboptions: &probe
          enabled:
            description: Whether there is such a probe.
            type: bool
            default: true
          initial_delay_seconds:
            description: Seconds before the first question.
            type: int
          period_seconds:
            description: Seconds between two questions.
            type: int
          timeout_seconds:
            description: Seconds to wait for an answer.
            type: int
          failure_threshold:
            description:
              - How many failures in a row count.
              - For the startup probe, without it, so many that O(startup_timeout) passes.
            type: int
      readiness:
        description: Whether the pod gets requests.
        type: dict
        suboptions: *probe
      liveness:
        description: Whether the server is restarted.
        type: dict
        suboptions: *probe
  termination_grace_period_seconds:
    description:
      - How long a server may take to end its requests, in seconds, before it is killed.
      - The pause of O(drain_seconds) comes before it, and is added to what the pod gets.
    type: int
    default: 30
  drain_seconds:
    description:
      - How long a pod that is to end goes on serving, in seconds, before its server is told to
        end. Meanwhile it is taken out of its Services on every node; without a pause some requests
        are sent to a server that is gone.
      - The kubelet makes the pause from Kubernetes 1.30 on; before that, and with
        O(backend=kserve), the program C(sleep) of the image does.
      - V(0) switches it off. A C(preStop) hook of O(pod_overrides) takes its place.
      - Pods of the operator (O(backend=operator)) have no such pause.
    type: int
    default: 5
  extra_volumes:
    description:
      - More volumes of the pod, as in a Pod.
      - Volumes of type C(hostPath) need the Pod Security level V(privileged).
    type: list
    elements: dict
    default: []
  extra_volume_mounts:
    description: More mounts of the server's container, as in a Pod.
    type: list
    elements: dict
    default: []
  env_from:
    description: Existing ConfigMaps and Secrets whose keys become environment variables.
    type: list
    elements: dict
    default: []
    suboptions:
      config_map:
        description: Name of a ConfigMap. One of both is required.
        type: str
      secret:
        description: Name of a Secret. Its values never leave the cluster.
        type: str
      prefix:
        description: Text in front of each name.
        type: str
        default: ""
      optional:
        description: Whether the pod starts without the object.
        type: bool
        default: false
  topology_spread_constraints:
    description:
      - How replicas spread over nodes or zones, as in a Pod.
      - One without C(labelSelector) counts the pods of this server.
    type: list
    elements: dict
    default: []
  priority_class:
    description: Name of an existing PriorityClass of the pods. Without it the cluster's default.
    type: str
  service:
    description: More about the Service of O(service_type).
    type: dict
    suboptions:
      annotations:
        description: Annotations for the Service alone.
        type: dict
        default: {}
      labels:
        description: Labels for the Service alone.
        type: dict
        default: {}
      rest_node_port:
        description: Port of the REST interface on the nodes. Without it the cluster chooses.
        type: int
      grpc_node_port:
        description: Port of the gRPC interface on the nodes. Without it the cluster chooses.
        type: int
      address_timeout:
        description:
          - Seconds to wait for the address that a load balancer gives to the Service. It is an
            error if there is none by then.
          - With V(0) it is a warning as long as there is none.
        type: int
        default: 0
      load_balancer_class:
        description: Which load balancer. Without it the cluster's default.
        type: str
      load_balancer_source_ranges:
        description: Networks that the load balancer lets in. Without it all.
        type: list
        elements: str
        default: []
      external_traffic_policy:
        description:
          - With V(Local) a node passes requests from outside only to its own pods, and the client's
            address stays.
        type: str
        choices: [Cluster, Local]
      internal_traffic_policy:
        description: With V(Local) pods reach only the server on their own node.
        type: str
        choices: [Cluster, Local]
      session_affinity:
        description: With V(ClientIP) a client keeps its pod.
        type: str
        choices: [None, ClientIP]
      headless:
        description:
          - Makes a second Service, C(NAME-headless), whose name gives the addresses of all ready
            pods. A gRPC client keeps one connection and so one pod, with this name it can use all.
        type: bool
        default: false
  fit_cpu_limit:
    description:
      - Sizes the threads by C(limits.cpu) of O(resources), rounded down. Each model on the device
        V(CPU) gets C(INFERENCE_NUM_THREADS), and the server as many REST workers, at least 2.
      - A model whose C(plugin_config) says how many threads or streams is left alone, and so is
        O(rest_workers). OpenVINO derives the streams from the threads and C(PERFORMANCE_HINT).
      - OVMS sizes its threads by the cores of the node and is slow under a limit. Releases from
        2026.2 on read the limit only where they find traces of Docker or of cgroup v1, which
        nodes with containerd and cgroup v2 do not have. So the threads are set for every release.
      - Without it they are set if there is a limit. With V(true) a limit is needed, with V(false)
        the server chooses.
    type: bool
  grpc_workers:
    description: Number of gRPC servers, at most the cores of C(limits.cpu). Without it 1.
    type: int
  rest_workers:
    description: Number of threads for REST, from 2. Without it the server chooses.
    type: int
  service_monitor:
    description:
      - Makes a ServiceMonitor, so that the Prometheus operator reads the server's metrics.
      - The cluster needs that kind, and the server needs its metrics switched on.
      - An empty dictionary takes the defaults. Without it there is none.
    type: dict
    suboptions:
      interval:
        description: Time between two readings.
        type: str
        default: 30s
      scrape_timeout:
        description: Time that a reading may take. Without it that of Prometheus.
        type: str
      labels:
        description: Labels by which a Prometheus chooses what it reads.
        type: dict
        default: {}
  pod_overrides:
    description:
      - Anything else that a pod can have. C(metadata) and C(spec) of the pod template, merged into
        it as a strategic merge patch. The container of the server is named C(ovms).
      - Lists such as containers, volumes and variables are merged by the name of their items,
        others are replaced. A null removes a key, C($patch) with V(delete) removes an item.
      - What other options set for the server itself (image, arguments, ports, the mounts of models
        and configuration, the labels of the collection) is refused. The rest is validated by the
        API server before anything is changed.
    type: dict
    default: {}
"""
