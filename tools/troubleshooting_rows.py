"""What `tools/troubleshooting.py` prints for each kind of error and each finding of the gate.

``KINDS`` has one entry for each ``kind`` of the error family, ``CODES`` one for each code of a
finding in ``model_status``. The tool fails if one is missing here, if one is left over, and if a
``says`` is no longer part of a message in ``plugins/``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One message of an error kind: a part of its text as it is in the code, and the way out.

    ``theirs`` marks words of the API server, which are not in our code.
    """

    says: str
    todo: str
    theirs: bool = False


@dataclass(frozen=True)
class Kind:
    """One kind of error: what a run has done when it ends with it, and its usual messages."""

    state: str
    cases: tuple[Case, ...]


NOTHING = "Nothing was changed."
STAYS = "The next run continues with what has arrived."

KINDS: dict[str, Kind] = {
    "input": Kind(
        "The message names the option and the object.",
        (
            Case(
                "the same version with other bytes is on the store",
                "A published version never changes. Put the new files into the next version"
                " directory and raise the number in `edge_models`.",
            ),
            Case(
                "the store is too small: needs",
                "See [Disk full](day-2.md#disk-full).",
            ),
            Case(
                "no such Deployment",
                "Compare `name` and `namespace` with `kubectl get deployments`; run `site` first.",
            ),
        ),
    ),
    "authentication": Kind(
        f"{NOTHING} The API server answered with HTTP 401.",
        (
            Case(
                "the token expired at",
                "See [Token expired](day-2.md#token-expired).",
            ),
            Case(
                "the API server does not accept the token: expired, revoked or wrong (401)",
                "Make a new token for the ServiceAccount; check that it belongs to this cluster.",
            ),
            Case(
                "the API server wants credentials and did not accept ours (401)",
                "Set `edge_kubeconfig` or `edge_auth` for this host of the inventory.",
            ),
        ),
    ),
    "forbidden": Kind(
        "Roles and preflight ask for all rights first, so nothing was changed. A single module may"
        " meet it later; run it again once the right is there.",
        (
            Case(
                "cannot list resource",
                "Bind the role that [`rbac.yml`](../roles/preflight/files/rbac.yml) has for this"
                " right; other verbs and resources read alike.",
                theirs=True,
            ),
            Case(
                "forbids the pod:",
                "Pod Security: label the namespace"
                " `pod-security.kubernetes.io/enforce=privileged` for `host_path`, or use a claim"
                " or [`pvc.local`](volumes.md).",
            ),
            Case(
                "exceeded quota: ",
                "Raise the ResourceQuota of the namespace, or ask for less.",
            ),
            Case(
                "unable to validate against any security context constraint",
                "See [OpenShift](openshift.md#users).",
            ),
        ),
    ),
    "unreachable": Kind(
        "If the connection broke in the middle of a copy, what has arrived stays in staging and the"
        " next run continues there. Other hosts of the inventory are not affected.",
        (
            Case(
                "cannot be resolved",
                "Check the host name in the kubeconfig and the DNS of the controller.",
            ),
            Case(
                "refuses connections",
                "See [One site down](day-2.md#one-site-down).",
            ),
            Case(
                "did not answer within",
                "Look for a firewall; behind a proxy set the option `proxy`"
                " ([Behind a proxy](behind-a-proxy.md)).",
            ),
            Case(
                "the server's certificate is signed by a CA that is not trusted here",
                "Set `ca_cert` to the CA of that cluster.",
            ),
            Case(
                "the API server cannot reach the pod:",
                "The control plane has to reach pods: check NetworkPolicies and, on managed"
                " clusters, firewalls between control plane and nodes. Where there is no route,"
                " give the account the role `openvino-edge-port-forward`; tasks then go through"
                " the kubelet"
                " ([Behind a proxy](behind-a-proxy.md#no-route-from-the-api-server-to-pods)).",
            ),
            Case(
                "the kubelet cannot reach the pod:",
                "A port-forward ends at the pod's `localhost`: the server has to listen there, on"
                " all addresses or on this one.",
            ),
            Case(
                "from something on the way to the helper",
                "A load balancer or a proxy before the API server answered in its place: let it"
                " pass requests of the path `/api/v1/namespaces/*/pods/*/proxy/`.",
            ),
        ),
    ),
    "api": Kind(
        "Earlier requests of the same task have taken effect; the next run continues from there.",
        (
            Case("Create the namespace first", "Create it, or set `edge_create: true`."),
            Case(
                "The field cannot change on an existing object: delete it and run again",
                "Delete the named object and run again.",
            ),
            Case(
                "The object is larger than the API server takes (about 1.5 MiB)",
                "Make the configuration smaller, or use `config_path` with a file on the store.",
            ),
        ),
    ),
    "conflict": Kind(
        "The named object was not changed.",
        (
            Case(
                "Someone else changed the object at the same time; run again",
                "Run again.",
            ),
            Case(
                "Another field manager owns these fields",
                "Another tool (Helm, Argo CD, `kubectl edit`) manages them. Take the object out of"
                " that tool, or take the server over with `adopt` ([From Helm](from-helm.md)).",
            ),
            Case(
                "An object of this name is there already",
                "Choose another `name`, or remove the object.",
            ),
        ),
    ),
    "gone": Kind(
        "Tasks list again by themselves, so users should not meet this kind.",
        (
            Case(
                "too old resource version",
                "Run again; if it comes back, open an issue.",
                theirs=True,
            ),
        ),
    ),
    "wait": Kind(
        "The message says if nothing was changed, or what was put back. Else the objects were sent"
        " and stay, and running pods of the former version go on serving unless it says otherwise.",
        (
            Case(
                "Nothing was changed, and the old pods go on",
                "A node could not get the new image before the old pod had to end"
                " ([how](available.md#what-serves-goes-on-serving)). See to what the kubelet says.",
            ),
            Case(
                "put back as before:",
                "The new state did not serve. Mend what the first sentence says and run again;"
                " `on_failure: keep` leaves the next failure for inspection.",
            ),
            Case(
                "cannot be had",
                "An image cannot be pulled: check name, tag, registry and `image_pull_secrets`;"
                " without internet see [Air gap](air-gap.md).",
            ),
            Case(
                "cannot be scheduled:",
                "The text after the colon is the scheduler's. Compare node selector, taints and"
                " requests with the nodes.",
            ),
            Case(
                "was killed for lack of memory",
                "Raise `resources.limits.memory`.",
            ),
            Case(
                "the helper pod did not run within",
                "The helper's image is not in reach (`edge_agent_image`), or its pod cannot be"
                " scheduled; the message says which.",
            ),
            Case(
                "waits for a volume:",
                "The directory or volume is missing on the node ([Volumes](volumes.md)).",
            ),
            Case(
                "no controller has made pods for it",
                "The operator or KServe does not run there ([Operator and KServe](backends.md)).",
            ),
        ),
    ),
    "transfer": Kind(
        STAYS,
        (
            Case(
                "bytes changed on the way",
                "Run again. If it happens often, look at memory, disk and network of the target.",
            ),
            Case(
                "were wrong on the target, twice",
                "The file changed while it was sent, or the disk of the target returns wrong"
                " bytes.",
            ),
            Case("the store is full", "See [Disk full](day-2.md#disk-full)."),
            Case(
                "the site cannot pull:",
                "The text after the colon is from the site's helper: URL, proxy, certificate or"
                " credentials of [`pull`](pull.md).",
            ),
        ),
    ),
    "busy": Kind(
        "Nothing was changed on that store: one controller writes to it at a time.",
        (
            Case(
                "is at work on this store",
                "Wait until the named user and host are done, then run again. A controller that"
                " was killed loses its lock after 20 s.",
            ),
        ),
    ),
    "gate": Kind(
        "The server is deployed, and at least one replica does not serve what you asked for. The"
        " table at the end of the message has each replica; see"
        " [the findings](#findings-of-the-gate).",
        (
            Case(
                "cannot be loaded (LOADING,",
                "The model does not load. The message has the lines of the server's log.",
            ),
            Case(
                "is not listed by the server although the model is configured",
                "The version is not on this replica's volume or node: run `site` again.",
            ),
        ),
    ),
    "inference": Kind(
        "The server is deployed, and its models are loaded. The findings are in `problems`, each"
        " with a `code`; see [Golden inference](golden.md).",
        (
            Case(
                "answers are not as expected",
                "The first finding names pod, model, case, output, place, both values and the"
                " tolerance. Compare the model's bytes, then device and precision"
                " ([what may differ](golden.md#what-differs-on-good-devices)).",
            ),
            Case(
                "there is no older time to compare with",
                "Record the golden file, which keeps the time, or give `latency.max_ms`.",
            ),
        ),
    ),
    "benchmark": Kind(
        "The server was not changed, and the pod that sent requests is gone. What was measured"
        " until then is in `error.details`; see [Benchmark](benchmark.md).",
        (
            Case(
                "requests has an answer; the first:",
                "The message has the kind and the words of the first one. Ask the model with"
                " `model_status`, and look at the server's log.",
            ),
            Case(
                "requests were sent when the",
                "The server is slower than `run_timeout` allows for: send less, or raise it.",
            ),
        ),
    ),
    "slo": Kind(
        "The server was not changed. It answers, but not as `slo` wants; the figures are in"
        " `error.details`.",
        (
            Case(
                "the objective is not kept",
                "Compare with an earlier `benchmark.json`, look at the shares of the replicas, then"
                " at CPU limits and the number of replicas ([Benchmark](benchmark.md)).",
            ),
        ),
    ),
    "unsupported": Kind(
        NOTHING,
        (
            Case(
                "cannot be asked through the API server",
                "Give a model that has golden files a name without a slash.",
            ),
            Case(
                "nothing here reads zstd",
                "Install the Python package `zstandard`, or pack the archive as `.tar.gz`.",
            ),
            Case(
                "the Python package cryptography is missing",
                "Install it for the Python that runs Ansible.",
            ),
            Case(
                "removes the header X-Edge-Token",
                "Something between controller and pod removes request headers: set"
                " `edge_auth: {pod_carrier: portforward}`, which carries them inside of a stream.",
            ),
        ),
    ),
    "preflight": Kind(
        NOTHING,
        (
            Case(
                "no right to",
                "An administrator binds the roles of"
                " [`rbac.yml`](../roles/preflight/files/rbac.yml).",
            ),
            Case("there is no namespace", "Create it, or set `edge_create: true`."),
            Case("is not bound", "Look at the events of the claim."),
            Case(
                "is not Ready",
                "See [Node replaced](day-2.md#node-replaced), or take the node out of"
                " `edge_store.host_path.nodes`.",
            ),
        ),
    ),
    "store_missing": Kind(
        f"{NOTHING} A task that only reads does not create the directory.",
        (
            Case(
                "the directory does not exist",
                "Publish with `model_repository` first, or correct `host_path.path`.",
            ),
        ),
    ),
    "error": Kind(
        "It is raised where no other kind fits, which is a fault of this collection.",
        (
            Case(
                "the target was not examined",
                "Run again with `-vvv` and open an issue with the output.",
            ),
        ),
    ),
}

CODES: dict[str, tuple[str, str]] = {
    "no_replicas": (
        "The workload has 0 replicas.",
        "Scale it, or check `name` and `label_selector`.",
    ),
    "replica_count": (
        "There are fewer or more pods than the workload asks for.",
        "Look at pods and events; old pods may still be ending.",
    ),
    "api_silent": (
        "The API server stopped answering while the gate was waiting.",
        "Run again when it is back.",
    ),
    "unreachable": (
        "A replica does not answer on its REST port.",
        "Check `rest_port`, the pod's log and NetworkPolicies.",
    ),
    "serves_nothing": (
        "A replica has no model in its configuration.",
        "Give `models`; look at the server's ConfigMap.",
    ),
    "no_version": (
        "The model is configured, and the version is not on this replica's store.",
        "Run `site` again; after a node was replaced see [Day 2](day-2.md#node-replaced).",
    ),
    "not_configured": (
        "The replica's configuration does not name the model.",
        "Wait for the kubelet to deliver the ConfigMap (up to two minutes); then compare"
        " `edge_models`.",
    ),
    "retired": (
        "The server has unloaded the version.",
        "Another version policy is in force, or the directory was removed.",
    ),
    "load_failed": (
        "The model does not load; OVMS tries again at each poll.",
        "Read the log lines in the message: damaged file, wrong device or shape, memory.",
    ),
    "loading": ("The model is being loaded.", "Wait, or raise `verify_wait_timeout`."),
    "stuck": (
        "The model has been loading for longer than `verify_stuck_after`.",
        "Check that the server's user can read the directory; raise the limit for large models.",
    ),
    "unwanted": (
        "A version is served that `models` does not name.",
        "The replica has an older configuration, or set `verify_ignore_other_models`.",
    ),
}
