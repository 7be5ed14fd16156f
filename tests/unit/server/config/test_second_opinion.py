# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our lint against the schema that the OVMS stand-in enforces, which others wrote from upstream."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.server.config.findings import ERROR
from ansible_collections.openvino.edge.plugins.module_utils.server.config.lint import lint_config
from ansible_collections.openvino.edge.plugins.module_utils.server.render.config import (
    render_config,
)
from hypothesis import given

from ..conftest import make_spec
from .test_lint import GOOD, REFUSED
from .test_render import MODEST, models

sys.path.append(str(Path(__file__).resolve().parents[3] / "testbed" / "standin"))

from ovms_standin.config_schema import Validator, models_schema
from ovms_standin.knobs import Generation

VALIDATORS = {item.name: Validator(models_schema(item)) for item in Generation}


@pytest.mark.parametrize("generation", sorted(VALIDATORS))
@MODEST
@given(items=models)
def test_every_generation_takes_what_is_rendered(
    generation: str, items: list[dict[str, Any]]
) -> None:
    config = render_config(make_spec(models=items))
    assert VALIDATORS[generation].first_violation(config) is None


@pytest.mark.parametrize("document", GOOD)
@pytest.mark.parametrize("generation", sorted(VALIDATORS))
def test_what_we_accept_is_accepted(generation: str, document: Any) -> None:
    assert VALIDATORS[generation].first_violation(document) is None


@pytest.mark.parametrize("generation", sorted(VALIDATORS))
def test_what_the_schema_refuses_we_refuse_at_the_same_place(generation: str) -> None:
    """The lint knows more: what is refused after the schema, or silently ignored."""
    seen = 0
    for document, path in REFUSED:
        violation = VALIDATORS[generation].first_violation(document)
        if violation is None:
            continue
        seen += 1
        assert any(finding.level == ERROR for finding in lint_config(document))
        where = violation.document_path.lstrip("#") or "/"
        assert where.startswith(path) or path.startswith(where)
    assert seen > len(REFUSED) / 2
