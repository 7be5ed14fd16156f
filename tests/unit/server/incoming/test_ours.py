# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What backend=kserve renders comes back as the options that it was made of."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.filter.migrate_values import migrate_values
from ansible_collections.openvino.edge.plugins.module_utils.server.entry import (
    ARGUMENT_SPEC,
    SPEC_RULES,
)

from ..conftest import checked, make_params, rendered
from .samples import IMAGE, warned, why

OURS: dict[str, dict[str, Any]] = {
    "plain": {},
    "resources": {"resources": {"limits": {"cpu": "2", "memory": "1Gi"}}, "replicas": 3},
    "pod": {
        "env": {"A": "b", "C": {"secretKeyRef": {"name": "s", "key": "k"}}},
        "env_from": [{"secret": "more"}],
        "labels": {"team": "vision"},
        "annotations": {"a": "b"},
        "proxies": {"http_proxy": "http://proxy:3128", "no_proxy": ["a.example"]},
        "node_selector": {"a": "b"},
        "tolerations": [{"operator": "Exists"}],
        "image_pull_secrets": ["login"],
        "service_account": "mine",
        "priority_class": "high",
        "extra_volumes": [{"name": "more", "emptyDir": {}}],
        "extra_volume_mounts": [{"name": "more", "mountPath": "/more"}],
        "tmp_size": "1Gi",
        "drain_seconds": 9,
        "termination_grace_period_seconds": 60,
        "probes": {"liveness": {"enabled": False}, "readiness": {"period_seconds": 9}},
        "run_as_user": 7,
        "fs_group": -1,
        "supplemental_groups": [44],
        "seccomp_profile": {"type": "Unconfined"},
        "startup_timeout": 30,
    },
    "overrides": {"pod_overrides": {"spec": {"hostNetwork": True, "dnsPolicy": "Default"}}},
    "models": {
        "models": [
            {"name": "org/llm", "graph_path": "graph.pbtxt"},
            {"name": "det", "directory": "FP16", "version_policy": {"all": True}, "nireq": 2},
        ],
        "monitoring": {"enable": True, "metrics_list": ["ovms_streams"]},
        "pvc": {"claim_name": "models", "sub_path": "site"},
        "log_level": "DEBUG",
        "file_system_poll_wait_seconds": 9,
        "rest_workers": 4,
        "extra_args": ["--cache_dir", "/tmp/cache"],
        "strategy": "RollingUpdate",
        "rolling_update": {"max_surge": "0", "max_unavailable": "50%"},
    },
    "host_path": {"pvc": None, "host_path": {"path": "/data/edge"}},
    "image_volume": {"pvc": None, "image_volume": {"reference": "registry.example/m:1"}},
    "s3": {
        "pvc": None,
        "cloud": {"s3": {"uri": "s3://bucket/d", "region": "eu-1", "secret_name": "keys"}},
    },
    "gs": {"pvc": None, "cloud": {"gs": {"uri": "gs://bucket/d", "secret_name": "keys"}}},
    "cache": {"model_cache": {"size": "2Gi"}},
    "kept cache": {"model_cache": {"persistent": True}},
    "authorities": {"ca_bundle": {"config_map": "ca", "key": "k"}},
    "policies": {
        "disruption_budget": {"min_available": "1"},
        "network_policy": {"namespaces": ["shop"], "addresses": ["10.0.0.0/8"]},
        "replicas": 2,
        "scc": {"name": "restricted-v2"},
    },
    "config_map": {"models": None, "config_map": "mine"},
    "config_path": {"models": None, "config_path": "own.json"},
}


@pytest.mark.parametrize("case", sorted(OURS))
def test_what_this_collection_renders_comes_back_as_itself(case: str) -> None:
    params = make_params(backend="kserve", image=IMAGE, **OURS[case])
    objects = rendered(checked(params))
    found = migrate_values(copy.deepcopy(objects))
    assert not [text for text in found["warnings"] if "refuses" in text], found["warnings"]
    given = {key for key, value in OURS[case].items() if value is not None}
    assert given - {"startup_timeout"} <= set(found["options"])
    again = rendered(checked(accepted_alone(found["options"])))
    assert again == objects, found


def accepted_alone(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options as the module would have them, with nothing added."""
    result = ArgumentSpecValidator(dict(ARGUMENT_SPEC), **SPEC_RULES).validate(options)
    assert not result.error_messages, (result.error_messages, options)
    params: dict[str, Any] = result.validated_parameters
    return params


def test_what_is_made_of_other_options_is_named() -> None:
    """Logins, given credentials and claims are not read back: their objects go with the option."""
    given = {
        "proxies": {"http_proxy": "http://me:geheim@proxy:3128"},
        "device": {"claim": {"device_class_name": "gpu.intel.com"}},
        "models": [{"name": "m", "versions": [1], "target_device": "GPU"}],
    }
    found = migrate_values(rendered(checked(make_params(backend="kserve", image=IMAGE, **given))))
    assert "env" not in found["options"] and "geheim" not in str(found)
    assert why(found, "spec.predictor.env") == "the option proxies makes it"
    assert why(found, "spec.predictor.resourceClaims") == "the option device makes it"
    assert warned(found, "proxies: give it again") and warned(found, "device: give it again")


def test_without_its_config_map_the_models_are_asked_for() -> None:
    objects = rendered(checked(make_params(backend="kserve", image=IMAGE)))
    alone = [item for item in objects if item["kind"] == "InferenceService"]
    found = migrate_values(alone)
    assert not {"models", "config_map"} & set(found["options"])
    assert warned(found, "models:", "give the ConfigMap, too")
