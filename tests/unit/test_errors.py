# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads of an error."""

from __future__ import annotations

import pytest
from ansible_collections.openvino.edge.plugins.module_utils.errors import EdgeError, InputError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (EdgeError("it broke"), "it broke."),
        (InputError("is missing", option="src", subject="/m"), "src: /m: is missing."),
        (EdgeError("it broke", hint="Mend it"), "it broke. Mend it."),
        (EdgeError("no answer", hint="Is it up?"), "no answer. Is it up?"),
        (EdgeError("missing:\n- a\n- b\n", hint="Add them"), "missing:\n- a\n- b\nAdd them."),
    ],
)
def test_sentences_end_once(error: EdgeError, text: str) -> None:
    assert str(error) == error.as_result()["msg"] == text


def test_fields_for_programs() -> None:
    error = InputError("bad", option="src", hint="Mend it", details={"findings": [1]})
    assert error.as_result()["error"] == {
        "kind": "input",
        "message": "bad",
        "option": "src",
        "hint": "Mend it",
        "details": {"findings": [1]},
    }
