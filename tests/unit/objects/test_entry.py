# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that no API server could take are refused before one is asked."""

from __future__ import annotations

from typing import Any, Dict

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import InputError
from ansible_collections.openvino.edge.plugins.module_utils.objects.entry import check_definition

GOOD: Dict[str, Any] = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "edge"}}


def test_good() -> None:
    check_definition(GOOD, "definitions[0]")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"apiVersion": ""}, "apiVersion"),
        ({"kind": None}, "kind"),
        ({"metadata": {}}, "metadata.name"),
        ({"metadata": "edge"}, "metadata.name"),
        ({"metadata": {"name": 5}}, "metadata.name"),
    ],
)
def test_names_position_and_field(change: Dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        check_definition({**GOOD, **change}, "definitions[3]")
    assert caught.value.option == "definitions[3]"
    assert field in caught.value.message
