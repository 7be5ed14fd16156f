# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What replicas have to serve, from the models of a server."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.openvino.edge.plugins.filter.wanted_models import (
    FilterModule,
    wanted_models,
)


def test_names_and_versions_are_taken() -> None:
    models = [
        {"name": "ocr", "versions": [2], "target_device": "GPU"},
        {"name": "any"},
        {"name": "graph", "graph_path": "g.pbtxt", "versions": [7]},
        {"name": "ocr", "versions": [3]},
    ]
    assert wanted_models(models) == [
        {"name": "ocr", "versions": [3]},
        {"name": "any", "versions": []},
        {"name": "graph", "versions": []},
    ]
    assert FilterModule().filters()["wanted_models"]([]) == []


@pytest.mark.parametrize("models", ["ocr", {"name": "ocr"}, [{"versions": [1]}], ["ocr"], None])
def test_anything_else_is_refused(models: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="name of a model"):
        wanted_models(models)
