# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON as OVMS reads it: no NaN, and mistakes in the words of rapidjson."""

from __future__ import annotations

import json
from typing import Any

_WORDS = {
    "Expecting property name enclosed in double quotes": "Missing a name for object member.",
    "Illegal trailing comma before end of object": "Missing a name for object member.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Unterminated string starting at": "Missing a closing quotation mark in string.",
    "Extra data": "The document root must not be followed by other values.",
}


class JsonError(ValueError):
    """What is wrong and where; rapidjson may count the offset otherwise by some bytes."""

    def __init__(self, text: str, offset: int) -> None:
        super().__init__(text)
        self.offset = offset


class _Constant(Exception):
    """NaN or Infinity, which are no JSON."""


def _refuse(name: str) -> Any:
    raise _Constant(name)


def read(data: bytes) -> Any:
    """The value that `data` holds. Raises JsonError."""
    try:
        text = data.decode()
        return json.loads(text, parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise JsonError("Invalid value.", error.start) from error
    except _Constant as error:
        raise JsonError("Invalid value.", text.find(str(error))) from error
    except json.JSONDecodeError as error:
        if not text.strip():
            raise JsonError("The document is empty.", 0) from error
        raise JsonError(_WORDS.get(error.msg, "Invalid value."), error.pos) from error
