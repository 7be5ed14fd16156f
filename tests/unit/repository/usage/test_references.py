# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Version policies and command lines of any server, as far as they tell which versions it uses."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.repository.usage import references
from ansible_collections.openvino.edge.plugins.module_utils.repository.usage.references import (
    Policy,
    Unclear,
    policy_of,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "value", [1, [], {"all": {}, "latest": {}}, {"specific": {}}, {"latest": {"num_versions": "x"}}]
)
def test_policies_that_are_none(value: Any) -> None:
    with pytest.raises(Unclear, match="model m"):
        policy_of(value, "m")


@given(st.sets(st.integers(1, 30)), st.integers(1, 5))
def test_latest_takes_the_highest(there: set[int], count: int) -> None:
    chosen = Policy("latest", count).choose(there)
    assert len(chosen) == min(count, len(there))
    assert all(one > other for one in chosen for other in there - chosen)


def test_option_forms() -> None:
    line = references.command_line({"args": ["--a=1", "--b", "2", "--flag", "--c", "3"]})
    assert line.options == {"a": "1", "b": "2", "flag": "", "c": "3"}
