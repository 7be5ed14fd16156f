# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specs shared by all modules that talk to an API server.

Names, aliases and environment variables are those of C(kubernetes.core), so that users'
C(module_defaults) and C(K8S_AUTH_*) settings carry over.
"""

from __future__ import annotations

from typing import Any, Dict

from ansible.module_utils.common.parameters import env_fallback

from ..types import POD_CARRIERS


def _env(suffix: str) -> Any:
    return (env_fallback, ["K8S_AUTH_" + suffix])


PROXY_HEADERS_SPEC: Dict[str, Any] = {
    "basic_auth": {
        "type": "str",
        "no_log": True,
        "fallback": _env("PROXY_HEADERS_BASIC_AUTH"),
    },
    "proxy_basic_auth": {
        "type": "str",
        "no_log": True,
        "fallback": _env("PROXY_HEADERS_PROXY_BASIC_AUTH"),
    },
    "user_agent": {"type": "str", "fallback": _env("PROXY_HEADERS_USER_AGENT")},
}

AUTH_ARGUMENT_SPEC: Dict[str, Any] = {
    "kubeconfig": {"type": "raw", "fallback": _env("KUBECONFIG")},
    "context": {"type": "str", "fallback": _env("CONTEXT")},
    "host": {"type": "str", "fallback": _env("HOST")},
    "api_key": {"type": "str", "no_log": True, "fallback": _env("API_KEY")},
    "username": {"type": "str", "fallback": _env("USERNAME")},
    "password": {"type": "str", "no_log": True, "fallback": _env("PASSWORD")},
    "validate_certs": {
        "type": "bool",
        "aliases": ["verify_ssl"],
        "fallback": _env("VERIFY_SSL"),
    },
    "ca_cert": {"type": "path", "aliases": ["ssl_ca_cert"], "fallback": _env("SSL_CA_CERT")},
    "client_cert": {"type": "path", "aliases": ["cert_file"], "fallback": _env("CERT_FILE")},
    "client_key": {
        "type": "path",
        "aliases": ["key_file"],
        "no_log": False,
        "fallback": _env("KEY_FILE"),
    },
    "proxy": {"type": "str", "fallback": _env("PROXY")},
    "no_proxy": {"type": "str", "fallback": _env("NO_PROXY")},
    "proxy_headers": {"type": "dict", "options": PROXY_HEADERS_SPEC},
    "impersonate_user": {"type": "str", "fallback": _env("IMPERSONATE_USER")},
    "impersonate_groups": {
        "type": "list",
        "elements": "str",
        "fallback": _env("IMPERSONATE_GROUPS"),
    },
}

# Not from kubernetes.core: no way to log in, but one that hangs on the cluster just as much.
AUTH_ARGUMENT_SPEC["pod_carrier"] = {
    "type": "str",
    "choices": list(POD_CARRIERS),
    "default": "auto",
    "fallback": (env_fallback, ["EDGE_POD_CARRIER"]),
}

WAIT_ARGUMENT_SPEC: Dict[str, Any] = {
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 120},
}
