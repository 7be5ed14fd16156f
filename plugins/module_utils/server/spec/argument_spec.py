# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The argument spec of C(model_server)."""

from __future__ import annotations

from typing import Any, Dict

from ...images import DEFAULT_SERVER_IMAGE
from ..config.models import MODEL_OPTIONS
from ..config.options import CONFIG_OPTIONS, CONFIG_SOURCES
from .backend import BACKEND_ARGUMENT_SPEC
from .cache import CACHE_ARGUMENT_SPEC
from .device import DEVICE_ARGUMENT_SPEC
from .egress import OUTGOING_ARGUMENT_SPEC
from .running import RUNNING_ARGUMENT_SPEC
from .security import SECURITY_ARGUMENT_SPEC
from .sources import SOURCE_ARGUMENT_SPEC, SOURCES

DEFAULT_WAIT_TIMEOUT = 300

ROLLBACK, KEEP = "rollback", "keep"
STATES = ("present", "absent", "returned")
STRATEGIES = ("auto", "Recreate", "RollingUpdate")
PULL_POLICIES = ("IfNotPresent", "Always", "Never")
SERVICE_TYPES = ("ClusterIP", "NodePort", "LoadBalancer")
# openvinotoolkit/model_server, src/config.cpp: any other value ends the process with exit code 64.
LOG_LEVELS = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR")

SERVER_ARGUMENT_SPEC: Dict[str, Any] = {
    **SOURCE_ARGUMENT_SPEC,
    **CONFIG_OPTIONS,
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": list(STATES), "default": "present"},
    "create_namespace": {"type": "bool", "default": False},
    "namespace_labels": {"type": "dict", "default": {}},
    "models": {"type": "list", "elements": "dict", "options": MODEL_OPTIONS},
    "image": {"type": "str", "default": DEFAULT_SERVER_IMAGE},
    "image_pull_policy": {
        "type": "str",
        "choices": list(PULL_POLICIES),
        "default": "IfNotPresent",
    },
    "image_pull_secrets": {
        "type": "list",
        "elements": "str",
        "default": [],
        "no_log": False,
    },
    "replicas": {"type": "int"},
    "strategy": {"type": "str", "choices": list(STRATEGIES), "default": "auto"},
    "rest_port": {"type": "int"},
    "grpc_port": {"type": "int"},
    "service_type": {"type": "str", "choices": list(SERVICE_TYPES), "default": "ClusterIP"},
    **SECURITY_ARGUMENT_SPEC,
    "tmp_size": {"type": "str"},
    "resources": {"type": "dict", "default": {}},
    "env": {"type": "dict", "default": {}},
    **OUTGOING_ARGUMENT_SPEC,
    "node_selector": {"type": "dict", "default": {}},
    "tolerations": {"type": "list", "elements": "dict", "default": []},
    "affinity": {"type": "dict", "default": {}},
    "labels": {"type": "dict", "default": {}},
    "annotations": {"type": "dict", "default": {}},
    "log_level": {"type": "str", "choices": list(LOG_LEVELS), "default": "INFO"},
    "file_system_poll_wait_seconds": {"type": "int", "default": 1},
    "extra_args": {"type": "list", "elements": "str", "default": []},
    "startup_timeout": {"type": "int", "default": 600},
    **RUNNING_ARGUMENT_SPEC,
    **CACHE_ARGUMENT_SPEC,
    "adopt": {"type": "bool", "default": False},
    **BACKEND_ARGUMENT_SPEC,
    **DEVICE_ARGUMENT_SPEC,
}

# They say how a change is made, not what the server is, so no release records them.
CHANGE_ARGUMENT_SPEC: Dict[str, Any] = {
    "image_prepull": {"type": "bool", "default": True},
    "on_failure": {"type": "str", "choices": [ROLLBACK, KEEP], "default": ROLLBACK},
}

SERVER_RULES: Dict[str, Any] = {
    "mutually_exclusive": [
        SOURCES,
        CONFIG_SOURCES,
        *(
            (own, other)
            for own in ("config_map", "config_path")
            for other in ("pipelines", "custom_node_libraries", "monitoring")
        ),
    ],
    "required_if": [
        ("state", "present", list(CONFIG_SOURCES), True),
        ("state", "present", list(SOURCES), True),
    ],
}
