# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module side of an entry point: C(AnsibleModule) in, C(exit_json) or C(fail_json) out."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Mapping, Set
from urllib.parse import unquote, urlsplit

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError
from ansible_collections.openvino.edge.plugins.module_utils.runtime import Run, Runtime

_SECRET_KEYS = (
    "token",
    "password",
    "client-key-data",
    "id-token",
    "refresh-token",
    "client-secret",
)


def run_module(module: AnsibleModule, run: Run) -> None:
    """Run an entry point as a module and end the process.

    Args:
        module: made by the module file, so that its argument spec stays visible to linters.
        run: the entry point.
    """
    module.no_log_values.update(kubeconfig_secrets(module.params) | url_secrets(module.params))
    runtime = Runtime(check_mode=module.check_mode, diff=bool(module._diff))
    try:
        result: Dict[str, Any] = run(module.params, runtime)
    except EdgeError as error:
        _emit_warnings(module, runtime)
        module.fail_json(**failure(error))
    else:
        _emit_warnings(module, runtime)
        module.exit_json(**result)


def failure(error: EdgeError) -> Dict[str, Any]:
    """Return the result of a failed task; what was changed before is in C(error.details)."""
    result = error.as_result()
    result["changed"] = bool(error.details.get("changed", False))
    return result


def _emit_warnings(module: AnsibleModule, runtime: Runtime) -> None:
    for warning in runtime.warnings:
        module.warn(warning)


def merge_specs(*specs: Mapping[str, Any]) -> Dict[str, Any]:
    """Return one argument spec; later ones win."""
    merged: Dict[str, Any] = {}
    for spec in specs:
        merged.update(spec)
    return merged


def kubeconfig_secrets(params: Mapping[str, Any]) -> Set[str]:
    """Return the secret strings inside a kubeconfig that was given as a dictionary.

    C(no_log) on the option would hide its path as well, so callers add these values to what
    they mask instead.
    """
    config = params.get("kubeconfig")
    return set(_secrets(config)) if isinstance(config, (dict, list)) else set()


def url_secrets(params: Mapping[str, Any]) -> Set[str]:
    """Return the passwords in the URLs of proxies; C(no_log) would hide the hosts as well."""
    options = params.get("proxies")
    urls = list(options.values()) if isinstance(options, Mapping) else []
    texts = [urlsplit(url).netloc for url in urls if isinstance(url, str) and "@" in url]
    passwords = [text.rpartition("@")[0].partition(":")[2] for text in texts]
    return {text for password in passwords for text in (password, unquote(password)) if text}


def _secrets(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _secrets(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in _SECRET_KEYS and isinstance(value, str) and value:
                yield value
            else:
                yield from _secrets(value)
