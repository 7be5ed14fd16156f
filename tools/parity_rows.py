"""The rows of the article of 2021 on OVMS in Kubernetes and OpenShift: what, option, test, note.

An empty test is a row that nothing shows yet; `make parity` fails as long as there is one.
"""

from __future__ import annotations

_UNIT = "tests/unit/server"
_LAB = "tests/integration/server"
_JOB = "tests/integration/job/test_job_site.py"
_ARRIVES = f"{_UNIT}/chart/test_parity.py::test_a_value_arrives"
_INGRESS = f"{_LAB}/test_exposing.py::test_rest_and_grpc_reach_the_server_over_tls"
_CALLERS = f"{_LAB}/test_client_auth.py"
_EXPERIMENTS = f"{_LAB}/test_experiments.py::test_the_seeds_figures"
_FIRST = f"{_JOB}::test_the_first_run_serves_the_models_everywhere"

SEED: tuple[tuple[str, str, str, str], ...] = (
    (
        "Helm install of one model",
        "one task of `model_server`",
        f"{_LAB}/test_life.py::test_deploy_then_nothing_to_do",
        "a release of the chart is taken over with `adopt`",
    ),
    (
        "Operator on OpenShift",
        "`backend: operator`",
        f"{_UNIT}/backends/test_backends.py::test_what_a_model_server_says_is_read_back_as_the_same_options",
        "it is deprecated, and ends with OVMS 2026.2; `migrate_values` reads its resource",
    ),
    (
        "Operator on Kubernetes",
        "`backend: operator`, `backend: kserve`",
        f"{_LAB}/test_backends.py::test_the_operator_runs_a_server",
        "KServe is what OVMS recommends instead",
    ),
    ("Check that all models are loaded", "module `model_status`, role `verify`", _FIRST, ""),
    (
        "Repositories in a cloud: `s3://`, `gs://`, `az://`",
        "`cloud`",
        f"{_UNIT}/spec/test_cloud.py::test_models_are_in_the_bucket",
        "",
    ),
    (
        "Directories of versions",
        "module `model_repository`",
        "tests/integration/repository/test_repository_pvc.py::test_copy_twice_look_and_remove",
        "checked before a byte is sent",
    ),
    (
        "Credentials of S3 and MinIO",
        "`cloud.s3`",
        f"{_LAB}/test_sources.py::test_s3_with_given_keys",
        "",
    ),
    ("Credentials of Google", "`cloud.gs`", f"{_LAB}/test_sources.py::test_google", ""),
    ("Credentials of Azure", "`cloud.azure`", f"{_LAB}/test_sources.py::test_azure", ""),
    (
        "Proxy",
        "`proxies`",
        f"{_LAB}/test_guarding.py::test_downloads_go_through_the_proxy_and_the_cluster_does_not",
        "",
    ),
    ("Models on a claim", "`pvc`", f"{_LAB}/test_life.py::test_deploy_then_nothing_to_do", ""),
    (
        "Models in a directory of the node",
        "`host_path`",
        f"{_LAB}/test_life.py::test_one_replica_on_each_node_of_a_host_path",
        "",
    ),
    (
        "User and group",
        "`run_as_user`, `run_as_group`",
        f"{_ARRIVES}[models_repository.runAsUser]",
        "",
    ),
    (
        "Requests and limits",
        "`resources`",
        f"{_ARRIVES}[deployment_parameters.resources.limits.cpu]",
        "",
    ),
    (
        "Intel device plugins",
        "`resources.limits`, role `device_plugins`",
        f"{_ARRIVES}[deployment_parameters.resources.limits.xpu_device]",
        "",
    ),
    (
        "Streams",
        "`models[].plugin_config`",
        f"{_UNIT}/chart/test_migrate.py::test_a_chart_of_2021_with_escaped_quotes",
        "`CPU_THROUGHPUT_STREAMS` becomes `NUM_STREAMS`",
    ),
    (
        "More replicas",
        "`replicas`, `autoscaling`",
        f"{_LAB}/test_autoscaling.py::test_load_makes_a_second_replica",
        "`service.headless` is for gRPC clients, which keep to one pod",
    ),
    (
        "One model",
        "`models` with one entry",
        f"{_LAB}/test_life.py::test_another_version_and_back_without_a_restart",
        "",
    ),
    (
        "Many models from a ConfigMap",
        "`models`, `config_map`",
        f"{_LAB}/test_config.py::test_a_config_map_of_your_own",
        "",
    ),
    (
        "Many models from a file on the volume",
        "`config_path`",
        f"{_LAB}/test_config.py::test_a_file_on_the_store",
        "",
    ),
    (
        "Types of Service",
        "`service_type`, `service`",
        f"{_LAB}/test_running.py::test_ports_on_the_nodes_and_a_second_service",
        "",
    ),
    ("Log level and image", "`log_level`, `image`", f"{_ARRIVES}[image_name]", ""),
    (
        "Example: a public bucket of Google",
        "`cloud.gs.uri`",
        f"{_UNIT}/spec/test_cloud.py::test_public_buckets_need_nothing",
        "",
    ),
    (
        "Example: a model in S3",
        "`cloud.s3.uri`",
        f"{_LAB}/test_sources.py::test_s3_with_given_keys",
        "",
    ),
    (
        "Example: the OCR pipeline on a claim",
        "`pipelines`, `custom_node_libraries`, module `model_repository`",
        f"{_LAB}/test_pipeline.py::test_from_a_directory_to_a_pipeline_that_is_available",
        "copied and rewritten by the collection, without a temporary pod of your own",
    ),
    (
        "Client image and Job",
        "module `objects`",
        f"{_LAB}/test_exposing.py::test_a_client_runs_as_a_job",
        "no image of its own: Python is enough",
    ),
    ("Ingress for REST", "`expose.rest`", _INGRESS, ""),
    (
        "Check through the Ingress",
        "`expose.rest`, module `model_status`",
        _INGRESS,
        "the module asks each pod through the API server, no Ingress needed",
    ),
    ("gRPC through an Ingress with TLS", "`expose.grpc`, `expose.tls`", _INGRESS, ""),
)

# What the Inference Model Manager, of the article of 2020, does about clients.
MANAGER: tuple[tuple[str, str, str, str], ...] = (
    (
        "Client certificates at the Ingress",
        "`expose.client_auth`",
        f"{_CALLERS}::test_table",
        "with Contour, ingress-nginx, or a Gateway that asks; refused where the controller cannot",
    ),
    (
        "One common name for each endpoint",
        "`expose.client_auth.subjects`",
        f"{_CALLERS}::test_table",
        "lists of names, compared letter by letter, without a patched template of nginx",
    ),
    (
        "A CA for each tenant, scripts for certificates",
        "role `client_certificates`",
        "tests/unit/pki/test_authority.py::test_a_client_from_its_key_to_the_end",
        "keys stay where they are made; renewed before they end; a report of what ends when",
    ),
    (
        "Revocation: the list is a part of the CA's file, a pod is deleted",
        "`expose.client_auth.crl`, `client_certificates_revoke`",
        f"{_CALLERS}::test_one_client_is_revoked_and_the_others_go_on",
        "no pod is touched, and others go on",
    ),
    (
        "Balancing of gRPC at layer 7",
        "`expose.grpc`",
        _INGRESS,
        "`service.headless` is for clients inside the cluster that balance themselves",
    ),
    (
        "Balancing of gRPC inside the cluster, without a proxy",
        "`service.headless`, `reach`",
        f"{_LAB}/test_reach.py::test_grpc_reaches_all_replicas_or_one",
        "the result has the client's call",
    ),
    (
        "A client that prints mean, median and percentiles of its requests",
        "module `benchmark`",
        "tests/integration/verify/test_benchmark.py"
        "::test_grpc_from_a_pod_whose_image_has_the_client",
        "REST and gRPC, from a pod or from outside, in a closed or an open loop; an objective makes"
        " it a gate",
    ),
    (
        "Figures 1 and 2: which replicas answer two clients",
        "role `experiments`, `balance`",
        _EXPERIMENTS,
        "on your own cluster, by the replicas' own counters",
    ),
    (
        "Figure 3: what the Ingress adds to the latency",
        "role `experiments`, `ways`",
        _EXPERIMENTS,
        "by size of the request, over REST and gRPC, by an Ingress, a Gateway and with client"
        " certificates",
    ),
    (
        "Figure 4: throughput of more replicas",
        "role `experiments`, `scaling`",
        _EXPERIMENTS,
        "with a fixed CPU limit for each, against a straight line",
    ),
)
