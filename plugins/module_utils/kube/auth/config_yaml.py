# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML as kubectl reads it. Pure.

Which plain scalars are numbers, truth values or nothing is that of the Go library (go.yaml.in, v2):
C(y) is true and C(1e3) is a number, a date and C(12:30) are text. PyYAML sees some of them
otherwise, and then a token would be taken that kubectl refuses, or the other way round.
"""

from __future__ import annotations

import re
from typing import Any

try:
    import yaml

    YAML_ERROR = ""
except ImportError as _error:
    YAML_ERROR = str(_error)

_NULL = re.compile(r"(?:~|null|Null|NULL|)$")
_TRUE = ("y", "yes", "true", "on")
_BOOL = re.compile(
    r"(?:y|Y|yes|Yes|YES|on|On|ON|true|True|TRUE|n|N|no|No|NO|off|Off|OFF|false|False|FALSE)$"
)
_INT = re.compile(r"[-+]?(?:0[bB][01_]+|0[oO]?[0-7_]+|0[xX][0-9a-fA-F_]+|[1-9][0-9_]*|0)$")
_FLOAT = re.compile(
    r"(?:[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_MERGE = re.compile(r"<<$")
_TAG = "tag:yaml.org,2002:"


def load_yaml(data: bytes) -> Any:
    """Return the first document.

    Raises:
        ValueError: it is not YAML; the text tells the line, if it is known.
    """
    try:
        loader = _loader_class()(data)
        try:
            return loader.get_data() if loader.check_data() else None
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        raise ValueError(f" (line {mark.line + 1})" if mark else "") from None


def _loader_class() -> Any:
    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    kinds = {"null": _NULL, "bool": _BOOL, "int": _INT, "float": _FLOAT, "merge": _MERGE}
    makers = {"bool": _truth, "int": _integer, "merge": _text}
    return type(
        "_Loader",
        (base,),
        {
            "yaml_implicit_resolvers": {None: [(_TAG + kind, kinds[kind]) for kind in kinds]},
            "yaml_constructors": {
                **base.yaml_constructors,
                **{_TAG + kind: make for kind, make in makers.items()},
            },
        },
    )


def _truth(loader: Any, node: Any) -> bool:
    return str(loader.construct_scalar(node)).lower() in _TRUE


def _integer(loader: Any, node: Any) -> int:
    text = str(loader.construct_scalar(node)).replace("_", "")
    try:
        return int(text, 0)
    except ValueError:
        return int(text, 8)  # with a leading zero alone


def _text(loader: Any, node: Any) -> str:
    """Return C(<<) where it is no key."""
    return str(loader.construct_scalar(node))
