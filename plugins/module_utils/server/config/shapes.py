# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text forms in which OVMS takes C(batch_size), C(shape) and C(layout).

Source: openvinotoolkit/model_server, src/shape.cpp, src/layout.cpp and src/modelconfig.cpp.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, Mapping, Optional, Union

from ...errors import InputError

ShapeOption = Union[str, Mapping[str, str], None]

AUTO = "auto"
SHAPE_HINT = 'Write "auto", "(1,3,224,224)", "(1,3,200:500,-1)", or a mapping of input to shape'
LAYOUT_HINT = 'Write "NCHW", "NHWC:NCHW", or a mapping of input or output to layout'
BATCH_HINT = 'Write a number, a range like "1:8", "-1" for any, or "auto"'
_DIMENSION = re.compile(r"-1|([0-9]+)(?::([0-9]+))?")
_LAYOUT = re.compile(r"[NCHWD?.]+(:[NCHWD?.]+)?")


def shape_fault(text: str) -> Optional[str]:
    """Say why OVMS refuses a shape, or return None."""
    clean = "".join(text.split())
    if clean == AUTO:
        return None
    if len(clean) <= 2 or clean[0] != "(" or clean[-1] != ")":
        return f"'{text}' is neither auto nor a list of dimensions in parentheses"
    for token in clean[1:-1].split(","):
        fault = _dimension_fault(token)
        if fault:
            return f"'{text}': {fault}"
    return None


def _dimension_fault(token: str) -> Optional[str]:
    match = _DIMENSION.fullmatch(token)
    if not match:
        return f"'{token}' is not a dimension"
    if match.group(1) is None:
        return None
    low, high = int(match.group(1)), match.group(2)
    if low == 0 or max(low, int(high or 0)) >= 2**31:
        return f"'{token}' is not a positive 32-bit number"
    if high is not None and low > int(high):
        return f"'{token}' is not a range from low to high"
    return None


def layout_fault(text: str) -> Optional[str]:
    """Say why OVMS refuses a layout, or return None."""
    clean = "".join(text.split()).upper()
    if not _LAYOUT.fullmatch(clean):
        return f"'{text}' has more than the letters N, C, H, W, D, the signs ? and ..., and one ':'"
    for part in clean.split(":"):
        twice = [letter for letter in "NCHWD" if part.count(letter) > 1]
        if twice:
            return f"'{text}' has the dimension {twice[0]} twice"
    return None


def batch_size_fault(value: Any) -> Optional[str]:
    """Say why OVMS refuses (or silently ignores) a batch size, or return None."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return "a number or text is needed"
    if isinstance(value, int) and value < 0:
        return f"a number is 0 or more; as a text, '{value}' may be less"
    text = "".join(str(value).split())
    if text in (AUTO, "0") or not _dimension_fault(text):
        return None
    return f"'{value}' is neither a number, a range nor auto: the server would ignore it"


def batch_size(value: Optional[str], option: str) -> Optional[str]:
    """Return a checked batch size; None, empty and 0 mean "as in the model"."""
    if value in (None, "", "0", 0):
        return None
    fault = batch_size_fault(value)
    if fault:
        raise InputError(fault, option=option, hint=BATCH_HINT)
    return "".join(str(value).split())


def shape(value: Any, option: str) -> ShapeOption:
    """Return a checked shape; a list of dimensions becomes OVMS's text form."""
    return _each(value, option, _shape_text, SHAPE_HINT)


def layout(value: Any, option: str) -> ShapeOption:
    """Return a checked layout."""
    return _each(value, option, _layout_text, LAYOUT_HINT)


Convert = Callable[[Any, str], str]


def _each(value: Any, option: str, convert: Convert, hint: str) -> ShapeOption:
    if value is None or value in ("", {}):
        return None
    if isinstance(value, Mapping):
        named: Dict[str, str] = {}
        for key, item in value.items():
            named[str(key)] = convert(item, f"{option}.{key}")
        return named
    if isinstance(value, str) and value.lstrip().startswith("{"):
        raise InputError("this is JSON in a text", option=option, hint=hint)
    return convert(value, option)


def _shape_text(value: Any, option: str) -> str:
    text = value
    if isinstance(value, (list, tuple)):
        text = "(" + ",".join(str(item) for item in value) + ")"
    fault = shape_fault(text) if isinstance(text, str) else f"{value!r} is not text"
    if fault:
        raise InputError(fault, option=option, hint=SHAPE_HINT)
    return "".join(str(text).split())


def _layout_text(value: Any, option: str) -> str:
    fault = layout_fault(value) if isinstance(value, str) else f"{value!r} is not text"
    if fault:
        raise InputError(fault, option=option, hint=LAYOUT_HINT)
    return "".join(str(value).split())
