# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter openvino.edge.migrate_values."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, Mapping

from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError
from ansible_collections.openvino.edge.plugins.module_utils.server.chart.migrate import migrate
from ansible_collections.openvino.edge.plugins.module_utils.server.config.findings import ERROR
from ansible_collections.openvino.edge.plugins.module_utils.server.config.lint import lint_config
from ansible_collections.openvino.edge.plugins.module_utils.server.entry import (
    ARGUMENT_SPEC,
    SPEC_RULES,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.incoming.documents import (
    flat,
    is_kserve,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.incoming.inference import (
    migrate_kserve,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.config import (
    context_of,
    render_config,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.spec.server import (
    spec_from_params,
)

_SOURCES = ("pvc", "host_path", "cloud", "image_volume")


def migrate_values(document: Any, release: str = "") -> Dict[str, Any]:
    """Return options of model_server for what ran the server before.

    Args:
        document: values of the chart, a ModelServer, an Ovms, or KServe's resources, also a list.
        release: name of the Helm release, or of the server for a ServingRuntime alone.

    Raises:
        AnsibleFilterError: the input is none of them.
    """
    try:
        found = _converted(document, release)
        found["warnings"] += _refused(found["options"])
        return found
    except EdgeError as error:
        raise AnsibleFilterError(f"migrate_values: {error}") from error


def _converted(document: Any, release: str) -> Dict[str, Any]:
    # lookup(...) | from_yaml_all gives a generator.
    whole: Any = document if isinstance(document, (Mapping, list)) else _listed(document)
    items = flat(whole)
    if is_kserve(items):
        return migrate_kserve(items, release)
    return migrate(items[0] if isinstance(whole, list) and len(items) == 1 else whole, release)


def _listed(document: Any) -> Any:
    return list(document) if isinstance(document, (Iterator, tuple)) else document


def _refused(options: Dict[str, Any]) -> List[str]:
    """Return what model_server would refuse, apart from what a person is to add anyway."""
    task: Dict[str, Any] = {"namespace": "default", "name": "model", **options}
    if not any(name in task for name in _SOURCES):
        task["pvc"] = {"claim_name": "models"}
    if not any(name in task for name in ("models", "config_map", "config_path")):
        task["models"] = []
    checked = ArgumentSpecValidator(dict(ARGUMENT_SPEC), **SPEC_RULES).validate(task)
    said: List[str] = list(checked.error_messages)
    if not said:
        try:
            spec = spec_from_params(checked.validated_parameters)
            if not spec.config.own:
                findings = lint_config(render_config(spec), context_of(spec))
                said = [str(item) for item in findings if item.level == ERROR]
        except EdgeError as error:
            said = [str(error)]
    return [f"model_server refuses this as it is: {text}" for text in said]


class FilterModule:
    """The class that Ansible loads."""

    def filters(self) -> Dict[str, Callable[..., Dict[str, Any]]]:
        """Return the filter by name."""
        return {"migrate_values": migrate_values}
