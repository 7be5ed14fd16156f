# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a golden file of answers: the values, and tolerances that all answers keep. Pure.

The first answer is what is expected. The relative tolerance is the one that is given, or the usual
one of the datatype, at least one step between neighbours (epsilon). The absolute one is what is
given or usual, or twice what the answers differ beyond the relative one, if that is more.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Sequence, Set, Tuple

from ...errors import InputError
from .boxes import Boxes, boxes_of
from .compare import Classes, Expected, How, Numbers, best_classes, compare, same
from .datatypes import FLOAT, TEXT, Datatype
from .golden import FORMAT, Case
from .protocol import Answer
from .tensors import VALUES, Tensor, count_of

LONGEST_LIST = 256
"""Values that are written as numbers; more are written as base64 of their raw bytes."""

MARGIN = 2.0
"""Times the spread that was seen: the next answer may be further off than those few were."""

DIFFERING = "the answers differ"


@dataclass(frozen=True)
class Wish:
    """Tolerances and permissions of the task; None takes the usual tolerance of the datatype."""

    rtol: Optional[float] = None
    atol: Optional[float] = None
    allow_nan: bool = False


@dataclass(frozen=True)
class Spread:
    """How far answers are from the first one, and the tolerances that all of them keep."""

    max_abs: float = 0.0
    max_rel: float = 0.0
    rtol: float = 0.0
    atol: float = 0.0


def record_output(
    case: Case, name: str, settings: Mapping[str, Any], answers: Sequence[Answer], wish: Wish
) -> Dict[str, Any]:
    """Return the entry of an output.

    Args:
        case: for messages, and with the comparison of the output.
        name: of the output.
        settings: the entry as the source has it.
        answers: of all replicas, at least one.
        wish: of the task.

    Raises:
        InputError: an answer lacks the output, is NaN, or the answers do not agree.
    """
    tensors = [answer.outputs[name] for answer in answers if name in answer.outputs]
    if len(tensors) < len(answers):
        raise _error(case, name, "the model has no such output")
    first = tensors[0]
    _check_numbers(case, name, first, wish)
    kept = {key: value for key, value in settings.items() if key not in (*VALUES, "spread")}
    entry = {"name": name, **kept, "datatype": first.datatype.name, "shape": list(first.shape)}
    how = next((item.how for item in case.outputs if item.name == name), Numbers())
    if isinstance(how, Numbers):
        spread = _spread(case, name, tensors, _tolerances(first.datatype, settings, wish))
        entry.update(_written(first.datatype, spread))
        how = Numbers(spread.rtol, spread.atol)
    else:
        _check_detections(case, name, how, first)
    expected = Expected(name, how, first)
    for tensor in tensors[1:]:
        mismatch = compare(expected, tensor)
        if mismatch:
            raise _error(case, name, f"{DIFFERING}: {mismatch.message}")
    return {**entry, **values_of(first)}


def _error(case: Case, name: str, message: str, hint: str = "") -> InputError:
    text = f"output '{name}': {message}"
    return InputError(text, option="src", subject=str(case), hint=hint or None)


def _check_numbers(case: Case, name: str, tensor: Tensor, wish: Wish) -> None:
    if tensor.datatype.kind != FLOAT or wish.allow_nan:
        return
    bad = sum(1 for value in tensor.values() if not math.isfinite(value))
    if bad:
        raise _error(
            case,
            name,
            f"{bad} of {count_of(tensor.shape)} values are NaN or infinite",
            "That is rarely what a model is for: look at inputs, weights and precision. With"
            " allow_nan they are recorded as they are",
        )


def _check_detections(case: Case, name: str, how: How, tensor: Tensor) -> None:
    try:
        if isinstance(how, Classes):
            best_classes(tensor)
        if isinstance(how, Boxes) and not boxes_of(how, tensor, how.min_score):
            raise ValueError(f"no box has a score of at least {how.min_score:g}")
    except ValueError as error:
        raise _error(case, name, str(error), "Give an input with a clear answer") from None


def _tolerances(datatype: Datatype, settings: Mapping[str, Any], wish: Wish) -> Numbers:
    """Return the least tolerances: those of the source's entry, of the task, or the usual ones."""
    if datatype.kind == TEXT:
        return Numbers()
    exact = datatype.kind != FLOAT
    found = []
    for key, usual in (("rtol", datatype.rtol), ("atol", datatype.atol)):
        general = None if exact else getattr(wish, key)
        value = settings.get(key, general)
        found.append(usual if value is None else float(value))
    return Numbers(max(found[0], datatype.epsilon), found[1])


def _spread(case: Case, name: str, tensors: Sequence[Tensor], least: Numbers) -> Spread:
    first = tensors[0]
    others = [tensor for tensor in tensors[1:] if tensor.raw != first.raw]
    for tensor in others:
        if tensor.shape != first.shape:
            shapes = f"{list(first.shape)} and {list(tensor.shape)}"
            raise _error(case, name, f"{DIFFERING} in shape: {shapes}", "Compare it as boxes")
    if first.datatype.kind != FLOAT:
        return Spread(rtol=least.rtol, atol=least.atol)
    expected = first.values()
    max_abs = max_rel = beyond = 0.0
    for tensor in others:
        for one, other in zip(expected, tensor.values()):
            if same(one, other):
                continue
            off = abs(other - one)
            if not math.isfinite(off):
                raise _error(case, name, f"{DIFFERING}: {other:g} and {one:g} at the same place")
            max_abs = max(max_abs, off)
            max_rel = max(max_rel, off / abs(one)) if one else max_rel
            beyond = max(beyond, off - least.rtol * abs(one))
    return Spread(max_abs, max_rel, least.rtol, max(least.atol, MARGIN * beyond))


def _written(datatype: Datatype, spread: Spread) -> Dict[str, Any]:
    if datatype.kind != FLOAT:
        return {}
    seen = {"max_abs": _short(spread.max_abs), "max_rel": _short(spread.max_rel)}
    return {"rtol": spread.rtol, "atol": _up(spread.atol), "spread": seen}


def _short(value: float) -> float:
    return float(f"{value:.3g}")


def _up(value: float) -> float:
    """Return a tolerance with few digits that is not below it."""
    short = _short(value)
    return short if short >= value else float(f"{value * 1.01:.3g}")


def values_of(tensor: Tensor) -> Dict[str, Any]:
    """Return the values of a tensor as the file has them."""
    if tensor.datatype.kind == TEXT:
        try:
            return {"data": [value.decode("utf-8") for value in tensor.values()]}
        except UnicodeDecodeError:
            pass
    if count_of(tensor.shape) > LONGEST_LIST or tensor.datatype.kind == TEXT:
        return {"base64": base64.b64encode(tensor.raw).decode("ascii")}
    return {"data": [plain(value, tensor.datatype) for value in tensor.values()]}


def plain(value: Any, datatype: Datatype) -> Any:
    """Return a value for a file; texts stand for what JSON does not have.

    A number has as many digits as tell it from its neighbours, so nothing is lost.
    """
    if datatype.kind != FLOAT:
        return value
    if math.isfinite(value):
        return float(f"{value:.{datatype.digits}g}")
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def document(source: Mapping[str, Any], cases: Sequence[Mapping[str, Any]]) -> Dict[str, Any]:
    """Return a golden file with new cases; what the source says for all of them stays."""
    top = {key: value for key, value in source.items() if key not in ("golden", "cases")}
    return {"golden": FORMAT, **top, "cases": list(cases)}


def same_request(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Tell whether two golden files ask the same, whatever was answered.

    The absolute tolerance of an output counts only where neither file has seen a spread, since it
    follows from that.
    """
    spreads = [_spreads(golden) for golden in (before, after)]
    spread = {key for found in spreads for key, value in found.items() if value}
    return bool(_skeleton(before, spread) == _skeleton(after, spread))


def _spreads(golden: Mapping[str, Any]) -> Dict[Tuple[int, str], float]:
    return {
        (at, str(entry.get("name"))): (entry.get("spread") or {}).get("max_abs") or 0.0
        for at, case in enumerate(golden["cases"])
        for entry in case.get("outputs") or ()
    }


def _skeleton(golden: Mapping[str, Any], spread: Set[Tuple[int, str]]) -> Any:
    cases = []
    for at, case in enumerate(golden["cases"]):
        kept = {key: value for key, value in case.items() if key not in ("recorded", "inputs")}
        kept["outputs"] = [
            {
                key: value
                for key, value in entry.items()
                if key not in (*VALUES, "spread", "shape")
                and not (key == "atol" and (at, str(entry.get("name"))) in spread)
            }
            for entry in case.get("outputs") or ()
        ]
        cases.append(kept)
    return {**golden, "cases": cases}


def brief(golden: Any) -> Any:
    """Return a golden file for a diff: long values by their length and their end."""
    if isinstance(golden, Mapping):
        return {
            key: f"{len(value)} characters, ...{value[-16:]}"
            if key == "base64" and isinstance(value, str) and len(value) > 80
            else brief(value)
            for key, value in golden.items()
        }
    if isinstance(golden, list):
        return [brief(value) for value in golden]
    return golden
