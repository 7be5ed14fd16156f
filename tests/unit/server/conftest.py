# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options as a task would have them after validation by Ansible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.openvino.edge.plugins.module_utils.server.backends.select import select
from ansible_collections.openvino.edge.plugins.module_utils.server.entry import (
    ARGUMENT_SPEC,
    SPEC_RULES,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.render.facts import (
    NO_FACTS,
    ClusterFacts,
)
from ansible_collections.openvino.edge.plugins.module_utils.server.spec.server import (
    ServerSpec,
    spec_from_params,
)

MakeParams = Callable[..., dict[str, Any]]
MakeSpec = Callable[..., ServerSpec]


def make_params(**options: Any) -> dict[str, Any]:
    """Return validated options of a small server; C(None) leaves a default option out."""
    task: dict[str, Any] = {
        "name": "ocr",
        "namespace": "edge",
        "pvc": {"claim_name": "models"},
        "models": [{"name": "detection", "versions": [1]}],
        "image": "registry.example/ovms:1",
    }
    task.update(options)
    task = {key: value for key, value in task.items() if value is not None}
    checked = ArgumentSpecValidator(dict(ARGUMENT_SPEC), **SPEC_RULES).validate(task)
    assert not checked.error_messages, checked.error_messages
    params: dict[str, Any] = checked.validated_parameters
    return params


def make_spec(**options: Any) -> ServerSpec:
    """Return the spec of the same."""
    return checked(make_params(**options))


def checked(params: dict[str, Any]) -> ServerSpec:
    """Return the spec as the servers of its backend see it."""
    spec = spec_from_params(params)
    return select(spec.backend).check(params, spec)


def rendered(spec: ServerSpec, facts: ClusterFacts = NO_FACTS) -> list[dict[str, Any]]:
    """Return the objects of a server, whichever its backend is."""
    return select(spec.backend).render(spec, facts)


@pytest.fixture
def params() -> MakeParams:
    return make_params


@pytest.fixture
def spec() -> MakeSpec:
    return make_spec
