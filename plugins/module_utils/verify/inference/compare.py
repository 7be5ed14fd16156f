# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares an output with what is expected: as numbers, by the best classes, or as boxes. Pure.

NaN equals NaN, an infinity the same infinity, and neither equals any finite number: a tolerance
never covers them. Equal bytes are equal, so most outputs are not even unpacked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, List, Optional, Sequence, Tuple, Union

from .boxes import Boxes, compare_boxes
from .datatypes import FLOAT, INTEGER
from .tensors import Shape, Tensor, count_of, place

_INF = math.inf


@dataclass(frozen=True)
class Numbers:
    """Each value within C(atol + rtol * |expected|); texts and truth values are equal or not."""

    rtol: float = 0.0
    atol: float = 0.0


@dataclass(frozen=True)
class Classes:
    """The last dimension has one score for each class.

    For each row, the class that is expected has to be among the C(top_k) with the highest scores.
    Classes of the same score count as higher, so that an answer of zeros proves nothing.
    """

    top_k: int = 1


How = Union[Numbers, Classes, Boxes]


@dataclass(frozen=True)
class Expected:
    """What an output has to be.

    Attributes:
        name: of the output.
        how: the comparison.
        tensor: the values; None where C(classes) tells them, or before they are recorded.
        classes: the expected class of each row.
    """

    name: str
    how: How
    tensor: Optional[Tensor] = None
    classes: Tuple[int, ...] = ()


@dataclass(frozen=True)
class Mismatch:
    """The worst difference of one output; C(index) is empty where it is about all of it."""

    code: str
    message: str
    index: List[int] = field(default_factory=list)
    expected: Any = None
    got: Any = None
    tolerance: str = ""


def compare(expected: Expected, got: Tensor) -> Optional[Mismatch]:
    """Return the worst difference between an output and what is expected, None without one."""
    if isinstance(expected.how, Classes):
        return _classes(expected, expected.how, got)
    if expected.tensor is None:
        return None
    wanted = expected.tensor
    if wanted.datatype != got.datatype:
        return _other("datatype", wanted.datatype.name, got.datatype.name)
    if isinstance(expected.how, Boxes):
        message = compare_boxes(expected.how, wanted, got)
        return Mismatch("box", message, tolerance=str(expected.how)) if message else None
    if wanted.shape != got.shape:
        return _other("shape", list(wanted.shape), list(got.shape))
    return None if wanted.raw == got.raw else _numbers(expected.how, wanted, got)


def _other(code: str, expected: Any, got: Any) -> Mismatch:
    return Mismatch(code, f"its {code} is {got} instead of {expected}", expected=expected, got=got)


def _numbers(how: Numbers, wanted: Tensor, got: Tensor) -> Optional[Mismatch]:
    expected, answer = wanted.values(), got.values()
    if wanted.datatype.kind in (FLOAT, INTEGER):
        worst, differing = _worst(how, expected, answer)
    else:
        places = [at for at, (one, other) in enumerate(zip(expected, answer)) if one != other]
        worst, differing = (places[0] if places else -1), len(places)
    if not differing:
        return None
    index = place(worst, wanted.shape)
    one, other = expected[worst], answer[worst]
    span = how.atol + how.rtol * abs(one) if _is_finite(one) else 0.0
    within = f" ± {span:.3g}" if span else ""
    return Mismatch(
        "value",
        f"at index {index} it is {shown(other)} instead of {shown(one)}{within}"
        f" ({differing} of {len(expected)} values differ)",
        index,
        plain(one),
        plain(other),
        f"rtol {how.rtol:g}, atol {how.atol:g}" if span else "exact",
    )


def _worst(how: Numbers, expected: Sequence[Any], got: Sequence[Any]) -> Tuple[int, int]:
    """Return where the difference exceeds the tolerance most, and how many values differ."""
    rtol, atol = how.rtol, how.atol
    worst, most, differing = -1, -1.0, 0
    for at, (one, other) in enumerate(zip(expected, got)):
        # The second comparison keeps the infinite tolerance of an infinite value from passing all.
        if abs(other - one) <= atol + rtol * abs(one) < _INF or same(one, other):
            continue
        differing += 1
        excess = abs(other - one) - (atol + rtol * abs(one))
        excess = _INF if math.isnan(excess) else excess
        if excess > most:
            worst, most = at, excess
    return worst, differing


def same(one: Any, other: Any) -> bool:
    """Tell whether two numbers are the same: NaN is NaN."""
    return bool(one == other or (math.isnan(one) and math.isnan(other)))


def _is_finite(value: Any) -> bool:
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def _classes(expected: Expected, how: Classes, got: Tensor) -> Optional[Mismatch]:
    wanted = expected.classes or best_classes(expected.tensor)
    width = got.shape[-1] if got.shape else 1
    if got.datatype.kind not in (FLOAT, INTEGER):
        return _other("datatype", "numbers", got.datatype.name)
    if len(wanted) != count_of(got.shape[:-1]) or max(wanted) >= width:
        shape = [len(wanted), f"more than {max(wanted)}"]
        told = expected.tensor.shape if expected.tensor else shape
        return _other("shape", list(told), list(got.shape))
    values = got.values()
    for row, klass in enumerate(wanted):
        scores = values[row * width : (row + 1) * width]
        mismatch = _class(how, row, klass, scores, got.shape)
        if mismatch:
            return mismatch
    return None


def _class(
    how: Classes, row: int, klass: int, scores: Sequence[Any], shape: Shape
) -> Optional[Mismatch]:
    index = place(row, shape[:-1])
    where = f" of row {index}" if len(scores) < count_of(shape) else ""
    if any(map(math.isnan, scores)):
        return Mismatch("class", f"a score{where} is NaN", index, klass, "NaN")
    score = scores[klass]
    rank = sum(1 for at, other in enumerate(scores) if at != klass and other >= score) + 1
    if rank <= how.top_k:
        return None
    best = max(range(len(scores)), key=lambda at: scores[at])
    ties = "" if scores[best] > score else " (others have the same score)"
    return Mismatch(
        "class",
        f"the best class{where} is {best} with {shown(scores[best])}; the expected class {klass}"
        f" has {shown(score)} and place {rank}{ties}",
        index,
        klass,
        best,
        f"top_k {how.top_k}",
    )


def best_classes(tensor: Optional[Tensor]) -> Tuple[int, ...]:
    """Return the class with the highest score of each row.

    Raises:
        ValueError: there is no row, a score is NaN, or two are the highest.
    """
    if tensor is None or not tensor.shape or not count_of(tensor.shape):
        raise ValueError("classes need a last dimension with scores")
    if tensor.datatype.kind not in (FLOAT, INTEGER):
        raise ValueError(f"{tensor.datatype.name} has no scores")
    values, width = tensor.values(), tensor.shape[-1]
    found = []
    for start in range(0, len(values), width):
        scores = list(values[start : start + width])
        highest = max(scores)
        if any(map(math.isnan, scores)) or scores.count(highest) > 1:
            raise ValueError("no class has the highest score: one is NaN, or two are the highest")
        found.append(scores.index(highest))
    return tuple(found)


def shown(value: Any) -> str:
    """Return a value for a message."""
    if isinstance(value, bytes):
        return repr(value.decode("utf-8", "replace")[:80])
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def plain(value: Any) -> Any:
    """Return a value for a result: JSON has neither bytes nor NaN."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if _is_finite(value) else str(value)
